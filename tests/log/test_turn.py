"""A turn: how trials ended and what follows from it, as one batch, while nobody else may write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from parzen import State, Study, hp
from parzen.errors import Unavailable
from parzen.storages.sql import SQLStorage
from parzen.trials import Asked, Entry, Event, Finished, History, Outcome, Started

SPACE = {"x": hp.float("x", 0, 1)}


@pytest.fixture(params=["study.db", "study.journal"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / str(request.param)


def _begun(path: Path) -> Study:
    """A study with one trial that runs."""
    study = Study(SPACE, storage=path, seed=1, algorithm="random")
    study.stream.publish(Asked(0, (0.5,), "test", 7, 0, 1.0), Started(0, 1, "me", 1.0))
    return study


def _end(number: int = 0, loss: float = 0.25) -> Finished:
    return Finished(number, 1, Outcome(State.OK, {"loss": loss}, extra={"note": 1}, seconds=0.5), 2.0)


def _next(history: History) -> list[Event]:
    number = len(history)
    return [Asked(number, (0.25,), "test", 8, history.seq, 3.0), Started(number, 1, "me", 3.0)]


def _columns(history: History) -> str:
    return repr(
        (history.seq, history.tally, history.losses.tolist(), history.seconds.tolist(), history.late, history.best)
    )


def test_what_is_decided_sees_the_ending_and_what_others_wrote(path: Path) -> None:
    """And the seqs are those of the log."""
    study, other = _begun(path), Study.load(path)
    other.stream.publish(*_next(other.history))
    seen: list[str] = []

    def decide() -> list[Event]:
        seen.append(study.history.tally)
        return _next(study.history)

    assert study.stream.turn(decide, [_end()]) == (True,)
    assert seen == ["1 RUNNING, 1 OK"]
    assert _columns(study.history) == _columns(Study.load(path).history)
    assert study.history.trial(2).worker == "me"


def test_subscribers_are_told_once_in_the_order_of_the_log(path: Path) -> None:
    """When all of it is in the log, and not before."""
    study = _begun(path)
    told: list[tuple[int, str]] = []

    def listen(entries: Sequence[Entry], history: History) -> None:
        told.extend((entry.seq, type(entry.event).__name__) for entry in entries)
        assert Study.load(path).history.seq == history.seq

    study.stream.subscribe(listen)
    study.stream.turn(lambda: _next(study.history), [_end()])

    assert told == [(3, "Finished"), (4, "Asked"), (5, "Started")]


def test_an_ending_is_recorded_when_nothing_can_be_decided(path: Path) -> None:
    """The error is raised after that."""
    study = _begun(path)

    def decide() -> list[Event]:
        raise KeyError("no proposal")

    with pytest.raises(KeyError):
        study.stream.turn(decide, [_end()])

    assert study.history.tally == Study.load(path).history.tally == "1 OK"


def test_an_ending_of_an_attempt_that_was_given_up_is_late(path: Path) -> None:
    """What follows from it is decided all the same."""
    study, other = _begun(path), Study.load(path)
    other.stream.publish(_end(loss=0.125))

    assert study.stream.turn(lambda: _next(study.history), [_end()]) == (False,)
    assert study.history.late == 1
    assert study.history.losses[0] == 0.125
    assert _columns(study.history) == _columns(Study.load(path).history)


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("ends", [False, True])
def test_a_turn_whose_acknowledgement_is_lost_is_in_the_log_once(
    committed: bool, ends: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or, where it was not committed, its ending is."""
    study = _begun(tmp_path / "study.db")
    folded: list[int] = []
    study.history.fold("count", list, lambda state, _, kind, number: [*state, number], (Finished,))
    commit = SQLStorage._commit

    def breaking(self: SQLStorage, connection: Any) -> None:
        monkeypatch.setattr(SQLStorage, "_commit", commit)
        if committed:
            commit(self, connection)
        raise Unavailable("the connection broke")

    def decide() -> list[Event]:
        folded[:] = study.history.fold("count", list, lambda state, _, kind, number: [*state, number], (Finished,))
        return _next(study.history)

    monkeypatch.setattr(SQLStorage, "_commit", breaking)
    counted = study.stream.turn(decide, [_end()] if ends else [])
    again = Study.load(tmp_path / "study.db").history

    assert counted == ((True,) if ends else ())
    assert folded == ([0] if ends else [])
    assert study.history.fold("count", list, lambda state, _, kind, number: [*state, number], (Finished,)) == folded
    assert _columns(study.history) == _columns(again)
    assert again.count(State.OK) == ends
    assert len(again) == (2 if committed or not ends else 1)


def test_a_turn_that_cannot_be_written_leaves_the_history_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Snapshots that were taken meanwhile too."""
    study = _begun(tmp_path / "study.db")
    before, kept = _columns(study.history), []

    def refuse(self: SQLStorage, *_: Any) -> None:
        raise Unavailable("the disk is full")

    def decide() -> list[Event]:
        kept.append(study.history.snapshot())
        return _next(study.history)

    monkeypatch.setattr(SQLStorage, "_commit", refuse)
    with pytest.raises(Unavailable):
        study.stream.turn(decide, [_end()])

    assert _columns(study.history) == before
    assert kept[0].tally == "1 OK"
    assert kept[0].losses[0] == 0.25
    monkeypatch.undo()
    study.stream.publish(_end(loss=0.5))
    assert _columns(study.history) == _columns(Study.load(tmp_path / "study.db").history)
