"""Every proposal of a study can be had again from its log."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import parzen
from parzen import Study, hp
from parzen.algorithms import TPE, Ask, Proposal, Random, algorithm_noted, note_of
from parzen.cli import main
from parzen.errors import StudyError
from parzen.space import Space
from parzen.trials import Asked, Finished, History, Outcome, State

TREE = {
    "lr": hp.float("lr", 1e-4, 1.0, log=True),
    "m": hp.choice("m", [{"k": hp.int("k", 1, 9)}, {"c": hp.float("c", 0, 1)}]),
}
CELLS = {"a": hp.int("a", 1, 4), "b": hp.categorical("b", ["x", "y", "z"])}


def _loss(config: dict[str, Any]) -> float:
    return float(config["lr"]) + float(config["m"].get("k", 3)) / 10


@pytest.mark.parametrize("algorithm", ["random", "tpe", "auto", "gp", "anneal", "cmaes", "evolution", "qmc", "grid"])
def test_a_serial_search_is_recomputed(algorithm: str, tmp_path: Path) -> None:
    """From the seed and the log, with what was enqueued and what failed in it."""
    if algorithm == "cmaes":
        pytest.importorskip("cmaes", reason="the package cmaes is not installed")

    def objective(config: dict[str, Any]) -> float:
        if config["lr"] > 0.3:
            raise ValueError("too fast")
        return _loss(config)

    path = tmp_path / "s.db"
    parzen.minimize(
        objective, TREE, 16, algorithm=algorithm, seed=3, storage=path, catch=True, enqueue=[{"k": 2}], progress=False
    )
    found = Study.load(path, readonly=True).replay()

    assert found.matches, str(found)
    assert (found.proposals, found.given) == (15, 1)
    assert str(found) == "all 15 proposals recomputed, all match"


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("suffix", ["db", "journal"])
def test_a_search_of_many_workers_is_recomputed(suffix: str, tmp_path: Path) -> None:
    """Whoever was faster than whom, with two algorithms in one study, batches, and numbers that were lost in races."""
    path = tmp_path / f"s.{suffix}"
    Study(TREE, storage=path, seed=5)
    barrier, errors = threading.Barrier(4), list[BaseException]()

    def work(algorithm: Any, n: int) -> None:
        try:
            study = Study.load(path, algorithm=algorithm)
            barrier.wait()
            for _ in range(12 // n):
                for trial in study.ask(n):
                    study.tell(trial, _loss(trial.config))
            study.storage.close()
        except BaseException as error:
            errors.append(error)

    kinds = (TPE(n_startup=3), TPE(n_startup=3), "random", TPE(n_candidates=8))
    threads = [threading.Thread(target=work, args=(kind, n)) for kind, n in zip(kinds, (1, 3, 1, 2), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    study = Study.load(path, readonly=True)
    found = study.replay()
    saws = [entry.event.saw for entry in study.storage.read(study.header.uid) if isinstance(entry.event, Asked)]

    assert errors == []
    assert found.matches, str(found)
    assert found.proposals == 48
    assert len(set(saws)) > 12


def test_an_exhausted_space_is_recomputed(tmp_path: Path) -> None:
    """Also the repeats."""
    path = tmp_path / "s.db"
    study = Study(CELLS, storage=path, seed=1, algorithm="tpe", noisy=True)
    study.run(lambda config: float(config["a"]), 20, progress=False)

    assert study.replay().matches


def test_what_was_changed_afterwards_is_found(tmp_path: Path) -> None:
    """The loss of an early trial is another one: what was learnt from it does not come out again."""
    first, second = tmp_path / "a.db", tmp_path / "b.db"
    Study(TREE, storage=first, seed=2, algorithm=TPE(n_startup=4)).run(_loss, 20, progress=False)
    source = Study.load(first, readonly=True)
    target = Study(TREE, storage=second, seed=2)
    for entry in source.storage.read(source.header.uid):
        event = entry.event
        if isinstance(event, Finished) and event.number == 2:
            event = Finished(2, 1, Outcome(State.OK, {"loss": -100.0}), event.at)
        target.stream.publish(event)
    found = target.replay()

    assert not found.matches
    assert found.different[0] > 3
    assert found.matching >= 3
    done = CliRunner().invoke(main, ["replay", str(second)])
    assert done.exit_code == 7
    assert f"differ, the first is that of trial {found.different[0]}" in done.output


@dataclass(frozen=True)
class _Own:
    def suggest(self, space: Space, history: History, ask: Ask) -> Proposal:
        return Random().suggest(space, history, ask)


def test_an_algorithm_that_is_not_parzens_has_to_be_given(tmp_path: Path) -> None:
    """A file says what it is, and nothing is imported for it."""
    path = tmp_path / "s.db"
    study = Study(TREE, storage=path, seed=1, algorithm=_Own())
    study.run(_loss, 4, progress=False)

    assert study.replay().unknown == (0, 1, 2, 3)
    assert "name it" in str(study.replay())
    assert study.replay(_Own()).matches
    assert not study.replay("tpe").matches


def test_the_command_says_whether_they_match(tmp_path: Path) -> None:
    """Status 0, in words or as JSON."""
    path = tmp_path / "s.db"
    Study(TREE, storage=path, seed=1, algorithm="random").run(_loss, 4, progress=False)
    plain = CliRunner().invoke(main, ["replay", str(path)])
    told = json.loads(CliRunner().invoke(main, ["replay", str(path), "--json"]).output)

    assert (plain.exit_code, plain.output) == (0, "all 4 proposals recomputed, all match\n")
    assert (told["matches"], told["proposals"], told["different"]) == (True, 4, [])


def test_a_study_in_memory_has_no_log() -> None:
    """The error says what to do."""
    with pytest.raises(StudyError, match="storage="):
        Study(TREE).replay()


@pytest.mark.parametrize("record", [TPE(), TPE(n_startup=3, gamma=0.25), Random(), parzen.algorithms.Grid()])
def test_a_note_gives_the_record_back(record: Any) -> None:
    """With its settings."""
    assert algorithm_noted(json.loads(json.dumps(note_of(record)))) == record


@pytest.mark.parametrize(
    "note",
    [None, 3, "tpe", {}, {"name": "os"}, {"name": "tpe"}, {"name": "tpe", "settings": {"no": 1}}, {"type": "os.system"},
     {"name": "tpe", "settings": {"gamma": ["x"]}}],
)  # fmt: skip
def test_a_note_that_makes_no_sense_is_no_algorithm(note: Any) -> None:
    """A file may say anything."""
    assert algorithm_noted(note) is None
