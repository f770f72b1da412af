"""Commands that look, and how commands end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from parzen import Study, hp

if TYPE_CHECKING:
    from conftest import Parzen


def test_ls_lists_every_study(study: Study, parzen: Parzen, from_json: Callable[..., Any], tmp_path: Path) -> None:
    """With how far each is, and its best."""
    Study({"x": hp.float("x", 0, 1)}, storage=tmp_path / "s.db", name="two")
    one, two = from_json("ls", "s.db")

    assert (one["name"], one["finished"], one["budget"], one["best"]) == ("one", 20, 20, study.best.loss)
    assert (two["name"], two["trials"], two["best"]) == ("two", 0, None)
    assert [line.split()[0] for line in parzen("ls", "s.db").stdout.splitlines()] == ["one", "two"]


def test_ls_is_a_table(study: Study, parzen: Parzen, tmp_path: Path) -> None:
    """Its columns stand below each other, whatever the names, and the best is in the last one."""
    Study({"x": hp.float("x", 0, 1)}, storage=tmp_path / "s.db", name="a much longer name")
    first, second = parzen("ls", "s.db").stdout.splitlines()

    assert first.index(" done") - len("20 of 20") == second.index(" done") - len("0") == first.index("20 of 20")
    assert first.endswith(f"best {study.best.loss:.6g} in trial {study.best.number}")


def test_show_cuts_what_is_long_and_json_keeps_it(
    parzen: Parzen, from_json: Callable[..., Any], tmp_path: Path
) -> None:
    """An option may be a page of text; its beginning and its end tell it from others."""
    pages = ["begin " + letter * 3000 + " end" for letter in "ab"]
    study = Study({"label" * 100: hp.categorical("label" * 100, pages)}, storage=tmp_path / "s.db", seed=0)

    def fails(config: dict[str, Any]) -> float:
        raise ValueError("no" * 500)

    study.run(fails, 3, progress=False, catch=True)
    shown = parzen("show", "s.db").stdout

    assert max(map(len, shown.splitlines())) < 400
    assert "…" in shown
    assert "='begin aaa" in shown or "='begin bbb" in shown
    assert " end'" in shown
    assert {one["params"]["label" * 100] for one in from_json("show", "s.db")["trials"]} <= set(pages)


def test_show_keeps_the_lines_of_a_note(study: Study, parzen: Parzen) -> None:
    """Below each other, and no escape of a newline."""
    study.note("first\n\n  - second", trial=3)
    lines = parzen("show", "s.db").stdout.splitlines()
    at = next(k for k, line in enumerate(lines) if line.startswith("note"))

    assert lines[at].endswith("trial 3: first")
    assert lines[at + 1 : at + 3] == ["", f"{'':11}  - second"]


def test_the_list_of_commands_cuts_no_sentence(parzen: Parzen) -> None:
    """On 80 columns each command has its first sentence, whole."""
    commands = parzen("--help").stdout.partition("Commands:")[2]

    assert "..." not in commands


def test_show_and_best_say_the_same_as_python(study: Study, parzen: Parzen, from_json: Callable[..., Any]) -> None:
    """All of it as JSON, the last trials as text."""
    shown, best = from_json("show", "s.db"), from_json("best", "s.db")

    assert [trial["loss"] for trial in shown["trials"]] == [trial.loss for trial in study.trials]
    assert best == shown["trials"][study.best.number]
    assert best["config"] == study.best.config
    assert len(parzen("show", "s.db", "--last", "3").stdout.partition("number  state")[2].splitlines()) == 4


def test_nothing_is_left_beside_a_file_that_was_looked_at(study: Study, parzen: Parzen, tmp_path: Path) -> None:
    """Nor is it written."""
    study.storage.close()
    before = (tmp_path / "s.db").read_bytes()
    for command in ("ls", "show", "best", "export"):
        parzen(command, "s.db")

    assert [path.name for path in tmp_path.iterdir()] == ["s.db"]
    assert (tmp_path / "s.db").read_bytes() == before


@pytest.mark.parametrize("command", ["show", "best", "export", "rename", "delete", "stop", "enqueue", "copy"])
def test_a_study_that_is_not_there_is_status_4(study: Study, parzen: Parzen, command: str) -> None:
    """Whether the name is wrong or the file; no file is made."""
    more = {"rename": ["x"], "copy": ["x.db"], "enqueue": ["lr=1"], "delete": ["--yes"]}.get(command, [])

    assert "no study" in parzen(command, "s.db", *more, "--name", "nobody", status=4).stderr
    parzen(command, "nowhere.db", *more, status=4)
    assert not Path("nowhere.db").exists()


def test_a_study_without_a_result_is_status_5(parzen: Parzen, tmp_path: Path) -> None:
    """There is no best trial to print."""
    Study({"x": hp.float("x", 0, 1)}, storage=tmp_path / "s.db")

    assert "no trial has been run" in parzen("best", "s.db", status=5).stderr


def test_a_file_that_is_no_study_is_status_6(parzen: Parzen, tmp_path: Path) -> None:
    """It stays as it is."""
    (tmp_path / "s.db").write_text("a diary", encoding="utf-8")

    assert parzen("show", "s.db", status=6).stderr.count("\n") == 1
    assert (tmp_path / "s.db").read_text(encoding="utf-8") == "a diary"


def test_control_characters_of_labels_do_not_reach_the_terminal(parzen: Parzen, tmp_path: Path) -> None:
    """They are spelled out."""
    study = Study({"x": hp.categorical("x\x1b[2J", ["\x1b]0;t\x07", "b"])}, storage=tmp_path / "s.db", name="\x1bn")
    study.run(lambda config: 1.0, 2, progress=False)

    assert "\x1b" not in parzen("show", "s.db").stdout + parzen("ls", "s.db").stdout + parzen("best", "s.db").stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_for_the_shell(parzen: Parzen, shell: str) -> None:
    """It calls `parzen` for the words."""
    assert "_PARZEN_COMPLETE" in parzen("completion", shell).stdout


def test_the_shell_completes_names_of_studies(study: Study, tmp_path: Path) -> None:
    """Of the file that stands before the option."""
    from click.shell_completion import ShellComplete

    from parzen.cli import main

    words = ShellComplete(main, {}, "parzen", "_PARZEN_COMPLETE")

    for command in ("show", "plot", "report", "doctor", "replay", "worker", "dashboard", "stop"):
        said = words.get_completions([command, str(tmp_path / "s.db"), "--name"], "o")
        assert [item.value for item in said] == ["one"], command
    assert words.get_completions(["show", str(tmp_path / "none.db"), "--name"], "") == []
    for name in ("$(touch F)x", "*", "a b", "--help", "`ls`", "a;b", "o'k", "a\\b", "~", "{a,b}", "!x"):
        Study({"x": hp.float("x", 0, 1)}, storage=tmp_path / "odd.db", name=name).storage.close()
    assert words.get_completions(["show", str(tmp_path / "odd.db"), "--name"], "") == []  # a shell would run them
    assert "export" in [item.value for item in words.get_completions([], "ex")]
