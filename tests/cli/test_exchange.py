"""Tables for other programs, and theirs."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from parzen import State, Study, hp
from parzen.errors import StudyError

if TYPE_CHECKING:
    from conftest import Parzen

FORMATS = ["csv", "jsonl", "parquet"]


def _same(one: Study, two: Study) -> None:
    """The finished trials are the same, as far as a table says it."""
    kept = [trial for trial in one.trials if trial.state not in (State.RUNNING, State.WAITING)]
    assert len(two.trials) == len(kept)
    for mine, theirs in zip(kept, two.trials, strict=True):
        assert (mine.state, mine.loss, mine.config) == (theirs.state, theirs.loss, theirs.config)
        assert (mine.metrics, mine.extra) == (theirs.metrics, theirs.extra)
        assert str(mine.error) == str(theirs.error)


def _fresh(study: Study, **more: Any) -> Study:
    from conftest import SPACE

    return Study(SPACE, name="fresh", **more)


@pytest.mark.parametrize("kind", FORMATS)
def test_what_was_exported_is_imported(study: Study, parzen: Parzen, tmp_path: Path, kind: str) -> None:
    """Every value, state, loss and error; a second time nothing is new; the budget is untouched."""
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    study.tell(study.ask(), state="FAILED", error="because")
    parzen("export", "s.db", "-o", f"t.{kind}")
    other = Study(study.space, storage=tmp_path / "o.db", name="other")
    other.storage.close()
    said = parzen("import", f"t.{kind}", "o.db").stdout
    again = parzen("import", f"t.{kind}", "o.db").stdout

    assert said == "21 trials are new in 'other'\n"
    assert again == "0 trials are new in 'other'; what it has already is not taken in twice\n"
    _same(study, Study.load(tmp_path / "o.db"))
    history = Study.load(tmp_path / "o.db").history
    assert (history.finished, history.spent) == (0, 0)
    assert history.best_number is not None


def test_a_studys_own_table_changes_nothing(study: Study, tmp_path: Path) -> None:
    """All of it is there already."""
    study.export(tmp_path / "t.csv")

    assert study.import_trials(tmp_path / "t.csv") == 0


def test_other_programs_read_the_table(study: Study, parzen: Parzen) -> None:
    """Numbers are numbers, inactive parameters are empty, options have their names."""
    text = io.StringIO(parzen("export", "s.db").stdout)
    frame = pd.read_csv(text, keep_default_na=False, na_values=[""])
    losses = [math.nan if trial.loss is None else trial.loss for trial in study.trials]

    assert frame["loss"].tolist() == pytest.approx(losses, nan_ok=True)
    assert set(frame["param_opt"]) == {"adam", "sgd", "None"}
    assert frame["param_size"].dtype == np.int64
    assert set(frame["param_model"]) == {"svm", "tree"}
    assert (frame["param_C"].isna() == (frame["param_model"] == "tree")).all()
    assert frame["metric_accuracy"].notna().sum() == study.history.count(State.OK)


def test_parquet_keeps_types(study: Study, tmp_path: Path) -> None:
    """Whole numbers stay whole beside empty cells."""
    parquet = pytest.importorskip("pyarrow.parquet")
    study.export(tmp_path / "t.parquet")
    table = parquet.read_table(tmp_path / "t.parquet")

    assert str(table.schema.field("param_n").type) == "int64"
    assert str(table.schema.field("param_size").type) == "int64"
    assert str(table.schema.field("param_lr").type) == "double"
    assert str(table.schema.field("error").type) == "string"
    assert table.column("param_n").to_pylist() == [t.params["n"] for t in study.trials]


def test_lines_have_everything(study: Study, parzen: Parzen) -> None:
    """On stdout with --json; each is the trial as `show --json` has it."""
    lines = [json.loads(line) for line in parzen("export", "s.db", "--json").stdout.splitlines()]

    assert all(line.pop("options") for line in lines)  # which a table has as well
    assert lines == json.loads(parzen("show", "s.db", "--json").stdout)["trials"]


def test_a_table_that_somebody_else_wrote(parzen: Parzen, tmp_path: Path) -> None:
    """Labels as they are, other spellings of the same, further columns, rows without a loss."""
    space = {
        "x": hp.float("x", 0, 1),
        "k": hp.ordinal("k", [1, 2, 4]),
        "b": hp.bool("b"),
        "t": hp.categorical("t", ["1", 1]),
    }
    Study(space, storage=tmp_path / "s.db", direction="maximize")
    rows = [
        "\ufeffloss,x,k,b,t,comment",
        "0.5,0.25,1.0,true,1,fine",
        ",1,4,False,'1',no loss",
        "0.75,2,4,False,1,beyond",
        ",,,,,",
    ]
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    said = parzen("import", "t.csv", "s.db").stdout
    good, bad = Study.load(tmp_path / "s.db").trials

    assert "2 trials are new" in said
    assert "2 rows of t.csv are not of this space" in said
    assert (good.loss, good.params) == (0.5, {"x": 0.25, "k": 1, "b": True, "t": 1})
    assert (bad.state, bad.params) == (State.FAILED, {"x": 1.0, "k": 4, "b": False, "t": "1"})


def test_an_import_says_what_it_left_out_itself(parzen: Parzen, from_json: Callable[..., Any], tmp_path: Path) -> None:
    """Of a file that was mended since nothing is left out, whatever an earlier import had noted; nor does a report say so."""
    Study({"x": hp.float("x", 0, 1)}, storage=tmp_path / "s.db")
    (tmp_path / "t.csv").write_text("x,loss\n0.1,1\n7,3\n", encoding="utf-8")
    first, again = parzen("import", "t.csv", "s.db").stdout, from_json("import", "t.csv", "s.db")
    (tmp_path / "t.csv").write_text("x,loss\n0.1,1\n0.7,3\n", encoding="utf-8")
    mended = parzen("import", "t.csv", "s.db").stdout

    assert first.splitlines()[0] == "1 trial is new in 'study'"
    assert first.splitlines()[1].startswith("1 row of t.csv is not of this space and was left out")
    assert again["left out"].startswith("1 row of t.csv")  # it was again
    assert mended == "1 trial is new in 'study'\n"
    assert from_json("import", "t.csv", "s.db")["left out"] is None
    assert Study.load(tmp_path / "s.db").history.notes["file t.csv"] == "all rows of t.csv are of this space"


def test_an_import_of_a_study_says_what_it_left_out(parzen: Parzen, tmp_path: Path) -> None:
    """As that of a table does; where nothing is of the space, nothing was there already."""
    Study({"x": hp.float("x", 0, 1)}, storage=tmp_path / "s.db").enqueue({"x": 0.5})
    other = Study({"x": hp.float("x", 2, 3)}, name="other", storage=tmp_path / "o.db", seed=0)
    other.run(lambda config: config["x"], 3, progress=False)
    first, second = parzen("import", "o.db", "s.db").stdout.splitlines()

    assert first == "0 trials are new in 'study'"
    assert second.startswith("none of the 3 trials of study 'other' is of this space")


def test_equal_rows_count(tmp_path: Path) -> None:
    """A noisy objective gives the same twice; a file that has grown brings what is new."""
    study = Study(hp.int("k", 1, 3), noisy=True)
    table = tmp_path / "t.csv"
    table.write_text("k,loss\n1,2\n1,2\n2,0\n", encoding="utf-8")
    assert study.import_trials(table) == 3
    table.write_text("k,loss\n1,2\n1,2\n2,0\n1,2\n", encoding="utf-8")

    assert study.import_trials(table) == 1


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("t.csv", "x\n1\n", "no column loss"),
        ("t.csv", "loss\n1\n", "no column for the parameter 'x'"),
        ("t.csv", "loss,x\nlow,1\n", "line 2, column loss: expected a number, got 'low'"),
        ("t.csv", "loss,x,metric_m\n1,0.5,\n1,0.5,high\n", "line 3, column metric_m: expected a number, got 'high'"),
        ("t.csv", "loss,x\n1,7\n", "none of the 1 trials"),
        ("t.csv", "loss,x\n1,0.5,2\n", "line 2: it has more cells"),
        ("t.jsonl", "[1]\n", "line 1: expected an object"),
        ("t.jsonl", '{"params": {"x": 0.5}}\n', 'got no "loss"'),
        ("t.jsonl", '{"params": {"x": 0.5}, "loss": [1]}\n', "not a jsonl file"),
        ("t.jsonl", '{"params": {"x": 0.5}, "loss": 1' + 400 * "0" + "}\n", "not a jsonl file"),
        ("t.jsonl", '{"params": {"x": 0.5}, "loss": 1}\n\n{\n', "line 3: expected a JSON object"),
    ],
)
def test_what_is_no_table_of_this_space_is_refused(tmp_path: Path, name: str, text: str, said: str) -> None:
    """With what is missing; the study stays empty."""
    study = Study({"x": hp.float("x", 0, 1)})
    (tmp_path / name).write_text(text, encoding="utf-8")

    with pytest.raises(StudyError, match=said):
        study.import_trials(tmp_path / name)
    assert len(study.history) == 0


def test_a_format_that_nobody_knows_is_named(study: Study, parzen: Parzen) -> None:
    """Before a file is made."""
    assert "csv, parquet and jsonl" in parzen("export", "s.db", "-o", "t.xlsx", status=2).stderr
    assert not Path("t.xlsx").exists()
    assert "cannot be read" in parzen("import", "none.csv", "s.db", status=4).stderr


def test_a_table_is_whole_or_not_there(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An export that fails leaves the last one, and nothing beside it."""
    study.export(tmp_path / "t.csv")
    before = (tmp_path / "t.csv").read_bytes()

    def broken(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(csv, "writer", broken)
    with pytest.raises(OSError, match="full"):
        study.export(tmp_path / "t.csv")

    assert (tmp_path / "t.csv").read_bytes() == before
    assert [path.name for path in tmp_path.glob("t.*")] == ["t.csv"]


@pytest.mark.parametrize(
    "options",
    [
        [None, 5, 10],
        [None, {"u": hp.float("u", 0, 1)}],
        ["1", 1, "True", True],
        [(1, 2), (1, 3)],
        [{"kind": "svm", "p": hp.float("p", 0, 1)}, "svm"],
        [int, float],
    ],
)
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_every_option_is_read_as_the_one_that_it_was(options: list[Any], ending: str, tmp_path: Path) -> None:
    """JSON has no tuples and one word for None and for nothing, and for it 1 and "1" are not the only twins."""
    space = {"x": hp.float("x", 0, 1), "m": hp.choice("m", options)}
    study = Study(space, seed=1, algorithm="random")
    study.run(lambda config: config["x"], 20, progress=False)
    study.export(tmp_path / f"t.{ending}")
    other = Study(space)

    assert other.import_trials(tmp_path / f"t.{ending}") == 20
    assert [repr(t.params) for t in other.trials] == [repr(t.params) for t in study.trials]


def test_writing_and_reading_is_the_same_for_odd_labels(from_json: Callable[..., Any], tmp_path: Path) -> None:
    """Commas, quotes, newlines, lone surrogates."""
    space = {"a": hp.float('a,"b"\n', 0, 1), "c": hp.categorical("ç\udc80", ['x,"y"\n', "\udc81", "z"])}
    study = Study(space, storage=tmp_path / "s.db", seed=2)
    study.run(lambda config: config["a"], 9, progress=False)
    from_json("export", "s.db", "-o", "t.jsonl")
    other = Study(space)

    assert other.import_trials(tmp_path / "t.jsonl") == 9
    assert [t.config for t in other.trials] == [t.config for t in study.trials]
