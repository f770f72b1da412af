"""Commands that copy, rename, delete, enqueue and stop."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from parzen import State, Study, hp

if TYPE_CHECKING:
    from conftest import Parzen


def _log(study: Study) -> list[Any]:
    return [entry.event for entry in study.storage.read(study.header.uid)]


def test_a_copy_has_every_entry_and_attachment(study: Study, parzen: Parzen, tmp_path: Path) -> None:
    """What was running waits in it; the original is as it was."""
    study.storage.put(study.header.uid, "trial/0/note", b"\x00kept")
    before = _log(study)
    parzen("copy", "s.db", "other.db", "--as", "two")

    copy = Study.load(tmp_path / "other.db")
    assert (copy.name, copy.space.to_json(), copy.header.seed) == ("two", study.space.to_json(), study.header.seed)
    assert _log(study) == before == _log(copy)[:-1]
    assert copy.storage.get(copy.header.uid, "trial/0/note") == b"\x00kept"
    assert copy.history.count(State.RUNNING) == 0
    assert copy.history.count(State.WAITING) == study.history.count(State.WAITING) + 1
    assert copy.header.uid != study.header.uid


def test_a_copy_goes_its_own_way(study: Study, parzen: Parzen, tmp_path: Path) -> None:
    """Within one file, under another name."""
    parzen("copy", "s.db", "s.db", "--as", "two")
    Study.load(tmp_path / "s.db", "two", algorithm="random").run(lambda config: config["lr"], 30, progress=False)
    study.refresh()

    assert len(study.history) == 22
    assert Study.load(tmp_path / "s.db", "two").history.finished == 30


def test_a_name_that_is_taken_leaves_both_studies(study: Study, parzen: Parzen, tmp_path: Path) -> None:
    """Status 1, and a sentence."""
    done = parzen("copy", "s.db", "s.db", status=1)

    assert "already" in done.stderr
    assert len(Study.load(tmp_path / "s.db").history) == 22


def test_a_study_in_memory_is_kept_by_copying(tmp_path: Path) -> None:
    """Its log is made again from its columns, and folds into the same."""
    memory = Study({"x": hp.float("x", 0, 1)}, seed=3, algorithm="random")

    def objective(config: dict[str, float], evaluation: Any) -> dict[str, float]:
        evaluation.report(1, config["x"] + 1)
        if config["x"] > 0.9:
            raise RuntimeError("hot")
        return {"loss": config["x"], "loss_variance": 0.25, "more": 7}

    memory.run(objective, 12, catch=True, progress=False)
    memory.enqueue({"x": 0.5})
    memory.tell(memory.ask(), state="CANCELLED")
    memory.ask()
    copy = memory.copy(tmp_path / "kept.db", "kept")
    there = Study.load(tmp_path / "kept.db")

    assert there.history.budget == 12
    assert [repr(t) for t in there.trials][:13] == [repr(t) for t in memory.trials][:13]
    for name in ("values", "losses", "variances", "seconds", "seeds", "asked_at"):
        assert getattr(there.history, name)[:12].tolist() == getattr(memory.history, name)[:12].tolist()
    assert [t.reports for t in there.trials] == [t.reports for t in memory.trials]
    assert there.trials[13].state is State.WAITING
    assert memory.trials[13].state is State.RUNNING
    assert (copy.name, copy.history.seq) == ("kept", there.history.seq)


def test_a_study_gets_another_name(study: Study, parzen: Parzen, from_json: Callable[..., Any], tmp_path: Path) -> None:
    """From then on it is found by that one."""
    parzen("rename", "s.db", "two")
    assert Study.load(tmp_path / "s.db", "two").header.uid == study.header.uid

    assert from_json("rename", "s.db", "three")["before"] == "two"


def test_deleting_asks_first(study: Study, parzen: Parzen, tmp_path: Path) -> None:
    """Whoever says no, or cannot be asked, keeps the study."""
    parzen("delete", "s.db", status=1, text="n\n")
    parzen("delete", "s.db", status=1)
    assert len(Study.load(tmp_path / "s.db").history) == 22

    assert "deleted 'one'" in parzen("delete", "s.db", "--yes").stdout
    assert parzen("show", "s.db", status=4).stderr.startswith("parzen: there is no study")


def test_configurations_are_enqueued_as_text_and_as_lines(study: Study, parzen: Parzen, tmp_path: Path) -> None:
    """Numbers, options by what they are called, a branch by what is in it; all or none."""
    parzen("enqueue", "s.db", "lr=0.01", "model=tree", "opt=None", "size=32", "flag=True")
    lines = [json.dumps({"lr": 0.02, "C": 2.0}), "", json.dumps({"opt": "adam", "size": 64})]
    parzen("enqueue", "s.db", "--file", "-", text="\n".join(lines))
    first, second, third = Study.load(tmp_path / "s.db").trials[22:]

    assert {k: first.params[k] for k in ("lr", "opt", "size", "flag")} == {
        "lr": pytest.approx(0.01), "opt": "None", "size": 32, "flag": True,
    }  # fmt: skip
    assert first.config["model"] == {"kind": "tree"}
    assert second.config["model"] == {"kind": "svm", "C": 2.0}
    assert (third.params["opt"], third.params["size"]) == ("adam", 64)
    assert all(trial.state is State.WAITING for trial in (first, second, third))


def test_who_enqueues_beyond_the_budget_is_told(study: Study, parzen: Parzen) -> None:
    """Nobody would run it; the same holds for a trial that is to be run again."""
    spent = len(study.history)
    study.set_budget(spent + 1)

    assert parzen("rerun", "s.db", "0").stderr == ""
    assert f"the budget of {spent + 1} has room for " in parzen("rerun", "s.db", "0").stderr
    study.set_budget(20)
    said = parzen("enqueue", "s.db", "lr=0.01", "--json").stderr
    assert said == "parzen: the budget of 20 is used up: parzen budget raises it\n"


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ((), 2, "give LABEL=VALUE"),
        (("lr",), 2, "expected LABEL=VALUE"),
        (("lr=0.01", "n=2", "lr=0.02"), 2, "'lr' is given twice"),
        (("lr=high",), 2, "'lr' is a number"),
        (("nothing=1",), 2, "no parameter 'nothing'"),
        (("opt=adamw",), 2, "not one of its options"),
        (("lr=7",), 2, "lr"),
        (("model=tree", "C=2"), 2, "'C' is not active"),
        (("--file", "-"), 2, "line 2 is not JSON"),
    ],
)
def test_what_cannot_be_enqueued_says_why(
    study: Study, parzen: Parzen, arguments: tuple[str, ...], status: int, said: str
) -> None:
    """And nothing is."""
    done = parzen("enqueue", "s.db", *arguments, status=status, text='{"lr": 0.5}\n{')
    study.refresh()

    assert said in " ".join(done.stderr.replace("\n", " ").split())
    assert len(study.history) == 22


def test_a_run_is_stopped_from_elsewhere(study: Study, from_json: Callable[..., Any]) -> None:
    """After the trial that is running."""
    seen: list[int] = []

    def objective(config: Any) -> float:
        seen.append(1)
        if len(seen) == 2:
            assert from_json("stop", "s.db")["running"] == 2  # this one, and the one that was asked for by hand
        return 1.0

    result = study.run(objective, 40, progress=False)

    assert (result.stopped_by, len(seen)) == ("request", 2)
