"""The commands that show: each a thin spelling of a method of a study."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import parzen
from parzen import hp
from parzen.cli import main

SPACE = {"x": hp.float("x", 0, 1), "y": hp.float("y", 0, 1)}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search in a file, in which every trial with a large x fails."""
    path = tmp_path_factory.mktemp("views") / "study.db"

    def objective(config: dict[str, float]) -> float:
        if config["x"] > 0.6:
            raise MemoryError("x")
        return (config["x"] - 0.3) ** 2 + (config["y"] - 0.5) ** 2

    parzen.minimize(
        objective, SPACE, 40, seed=1, algorithm="random", progress=False, catch=True, storage=path
    ).study.storage.close()
    return path


def test_doctor_prints_sentences_and_has_an_exit_code(study: Path) -> None:
    """7 where something was found; the same as JSON."""
    told = CliRunner().invoke(main, ["doctor", str(study)])
    as_json = CliRunner().invoke(main, ["doctor", str(study), "--json"])

    assert told.exit_code == as_json.exit_code == 7
    assert told.output.startswith("failing zone: All ")
    assert json.loads(as_json.output)[0]["labels"] == ["x"]


def test_doctor_has_nothing_against_a_short_study(tmp_path: Path) -> None:
    """Too little to tell is no finding."""
    path = tmp_path / "short.db"
    parzen.minimize(lambda c: c["x"], SPACE, 3, seed=1, progress=False, storage=path).study.storage.close()
    told = CliRunner().invoke(main, ["doctor", str(path)])

    assert told.exit_code == 0
    assert "too little: 3 trials have a finite loss" in told.output


def test_plot_writes_a_file_or_prints_data(study: Path, tmp_path: Path) -> None:
    """By the ending of the file; with the parameters that were named."""
    pytest.importorskip("matplotlib", reason="draws", exc_type=ImportError)
    path = tmp_path / "slice.svg"
    done = CliRunner().invoke(main, ["plot", str(study), "slice", "--param", "y", "-o", str(path), "--theme", "dark"])
    printed = CliRunner().invoke(main, ["plot", str(study), "contour", "--param", "y", "--param", "x", "--json"])

    assert done.exit_code == 0, done.output
    assert path.read_text(encoding="utf-8").startswith("<svg")
    panel = json.loads(printed.output)["panels"][0]
    assert (panel["x"]["label"], panel["y"]["label"]) == ("y", "x")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["plot", "STUDY", "pie"], 2, "'pie' is not one of"),
        (["plot", "STUDY", "edf", "--param", "x"], 2, "not edf"),
        (["plot", "STUDY", "slice", "--method", "fanova"], 2, "--method is of importances"),
        (["plot", "STUDY", "edf", "-o", "plot.bmp"], 2, "saved as .png"),
        (["plot", "STUDY", "slice", "--param", "z", "--json"], 2, "no parameter 'z'"),
        (["plot", "STUDY", "curves", "--json"], 1, "no trial has reported anything"),
        (["report", "nowhere.db"], 4, "nowhere.db"),
        (["dashboard", "nowhere.db", "--no-open"], 4, "there is no file"),
        (["dashboard", "nowhere.journal", "--no-open"], 4, "there is no file"),
    ],
)
def test_what_cannot_be_shown_is_said(study: Path, arguments: list[str], code: int, said: str) -> None:
    """A sentence on stderr, and the exit code of its kind."""
    done = CliRunner().invoke(main, [str(study) if one == "STUDY" else one for one in arguments])

    assert done.exit_code == code
    assert said in done.output


def test_a_report_is_printed_where_its_file_is_a_dash(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `export` does it, and no file of that name is made."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["report", str(study), "-o", "-", "--no-plots"])
    refused = CliRunner().invoke(main, ["report", str(study), "-o", "-", "--json"])

    assert done.stdout.startswith("<!DOCTYPE html>")
    assert not (tmp_path / "-").exists()
    assert refused.exit_code == 2
    assert "the report itself is what is printed" in refused.output


def test_report_writes_one_file(study: Path, tmp_path: Path) -> None:
    """Where it is said to, without pictures if so wished."""
    path = tmp_path / "report.html"
    done = CliRunner().invoke(main, ["report", str(study), "-o", str(path), "--no-plots"])

    assert done.exit_code == 0, done.output
    assert "All " in path.read_text(encoding="utf-8")
    assert f"wrote {path}" in done.output
