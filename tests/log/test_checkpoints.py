"""A long study is opened from a checkpoint and the rest of its log; the log alone is believed."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parzen import State, Study, hp
from parzen.errors import CorruptLog
from parzen.log import Storage, Stream
from parzen.log import _checkpoint as checkpoints
from parzen.space import Space
from parzen.storages import open_storage
from parzen.trials import (
    EARLIER,
    LOST,
    Asked,
    Event,
    Finished,
    History,
    Noted,
    Outcome,
    Released,
    Reported,
    Requested,
    Retracted,
    Started,
    TrialError,
    exactly,
    note_event,
    pack,
    unpack,
)

SPACE = Space(
    {"x": hp.float("x", 0, 1), "k": hp.choice("k", [{"a": hp.float("a", 1e-3, 1, log=True)}, {"n": hp.int("n", 1, 9)}])}
)


def _row(rng: random.Random) -> tuple[float, ...]:
    point = SPACE.sample(np.random.default_rng(rng.randrange(10**6)))
    return tuple(point.values[0].tolist())


def _events(seed: int, n: int) -> list[Event]:
    """A log in which everything happens that can."""
    rng, events, number = random.Random(seed), list[Event](), 0
    attempts: dict[int, int] = {}
    for _ in range(n):
        i, at = rng.randrange(max(number, 1)), rng.random() * 1e9
        attempt = attempts.get(i, 0)
        match rng.randrange(12):
            case 0 | 1 | 2:
                memo = rng.choice([None, {"a": [1, float("nan")], "b": None}])
                gain = rng.choice([None, 0.5])
                events.append(
                    Asked(number, _row(rng), rng.choice(["tpe", "gp"]), rng.getrandbits(63), 0, at, gain, memo)
                )
                number += 1
            case 3 | 4 | 5:
                events.append(Started(i, attempt + 1, rng.choice(["w1", "w2", EARLIER]), at))
                attempts[i] = attempt + 1
            case 6:
                events.append(
                    Reported(i, attempt, float(rng.randrange(5)), {"loss": rng.random(), "acc": float("inf")}, at)
                )
            case 7 | 8:
                state = rng.choice([State.OK, State.OK, State.FAILED, State.PRUNED, State.ERROR, State.CANCELLED])
                metrics = {"loss": rng.choice([rng.random(), float("inf")])} if state is State.OK else {}
                if rng.random() < 0.3:
                    metrics["acc"] = 0.5
                error = TrialError("ValueError", "é", "tb") if state is State.ERROR else None
                extra = rng.choice([{}, {"path": "x", "list": [1, 2.5, None, float("nan")]}])
                variance = rng.choice([None, 0.25])
                outcome = Outcome(state, metrics, variance, extra=extra, error=error, seconds=rng.choice([None, 1.5]))
                events.append(Finished(i, attempt, outcome, at))
            case 9:
                events.append(Released(i, attempt, rng.choice([LOST, "interrupted"]), at))
            case 10:
                events.append(Retracted(i, "wrong", at) if rng.random() < 0.2 else Noted("k", {"v": [1, "é"]}, at))
            case 11:
                action = rng.choice(["budget", "pause", "resume", "stop", "cancel"])
                value = rng.choice([rng.randrange(100), exactly(7), exactly(None)]) if action == "budget" else None
                events.append(Requested(action, i if action == "cancel" else None, value, at))
                events.append(note_event("é", rng.choice([None, i]), at))
    return events


def _history() -> History:
    return History(SPACE, {"loss": "minimize"})


def _folded(events: list[Event]) -> History:
    history = _history()
    for event in events:
        history.apply(history.seq + 1, event)
    return history


def _all(history: History) -> str:
    """Everything that a history knows, as far as it can be told."""
    n = len(history)
    columns = [
        getattr(history, name).tolist()
        for name in (
            "values active unit state losses partial variances seconds asked_at started_at finished_at gains seeds attempts"
        ).split()
    ]
    return repr(
        (
            *(
                history.seq,
                history.epoch,
                history.wishes,
                history.remarks,
                history.notes,
                history.requests,
                history.late,
            ),
            *(history.best, history.tally, history.imported(), history.spent, history.asked, history.finished),
            *(columns, list(history)),
            [
                (history.memo(i), history.lost(i), history.worker(i), history.source(i), list(history.reports(i)))
                for i in range(n)
            ],
            history.fold("all", list, lambda state, _, kind, number: [*state, (kind.__name__, number)], _KINDS),
        )
    )


_KINDS = (Asked, Started, Reported, Finished, Released, Requested, Retracted, Noted)


@pytest.mark.parametrize("seed", range(20))
def test_what_was_packed_goes_on_as_what_was_not(seed: int) -> None:
    """All columns, details, counts and folds are equal, then and after further events."""
    events = _events(seed, 20 * (seed + 1))
    half = random.Random(seed).randrange(len(events))
    folded, restored = _folded(events[:half]), _history()
    data = pack(folded.snapshot())
    assert data is not None
    unpack(data, restored, half)

    assert _all(restored) == _all(folded)
    for event in events[half:]:
        seq = folded.seq + 1
        assert restored.apply(seq, event) == folded.apply(seq, event)
    assert _all(restored) == _all(folded)


def test_a_snapshot_is_packed_as_it_was() -> None:
    """Whatever has happened since."""
    events = _events(3, 300)
    history = _folded(events[:200])
    snapshot = history.snapshot()
    before = pack(snapshot)
    for event in events[200:]:
        history.apply(history.seq + 1, event)

    assert pack(snapshot) == before


def test_bytes_that_are_not_whole_are_refused_and_change_nothing() -> None:
    """Cut off, with a bit turned, or of another space."""
    data = pack(_folded(_events(4, 100)))
    assert data is not None
    rng = random.Random(1)
    wrong = [data[:-1], data + b"\0", b"", data[1:]]
    for _ in range(50):
        place, bit = rng.randrange(len(data)), rng.randrange(8)
        wrong.append(data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :])
    for bad in wrong:
        history = _history()
        with pytest.raises(ValueError, match="cannot be used"):
            unpack(bad, history, 100)
        assert _all(history) == _all(_history())
    for space in ({"x": hp.float("x", 0, 1)}, {"x": hp.float("x", 0, 2), "k": SPACE}):
        with pytest.raises(ValueError, match="cannot be used"):
            unpack(data, History(Space({"x": space["x"]}), {"loss": "minimize"}), 100)
    with pytest.raises(ValueError, match="as far as it should"):
        unpack(data, _history(), 99)


def test_a_space_whose_distributions_are_computed_has_none() -> None:
    """Its quantiles depend on functions."""
    history = History(Space({"b": hp.float("b", 0, hp.float("a", 1, 2))}), {"loss": "minimize"})

    assert pack(history) is None


# --- beside a log ---------------------------------------------------------------------------------------------------


@pytest.fixture(params=["study.db", "study.journal"])
def kept(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with a study of 60 trials, of which a checkpoint was kept at some place before the end."""
    monkeypatch.setattr(checkpoints, "_WORTH", 20)
    path = tmp_path / str(request.param)
    study = Study(SPACE, storage=path, seed=1, algorithm="random")
    study.run(lambda config: config["x"], 40, progress=False)
    monkeypatch.setattr(checkpoints, "_WORTH", 10**9)
    study.run(lambda config: config["x"], 60, progress=False)
    study.storage.close()
    return path


def _read(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, int]:
    """A study as it is opened, and how many entries of its log were read for that."""
    read, total = [], 0

    def reading(self: Any, uid: str, after: int = 0, limit: int | None = None) -> Any:
        entries = inner(self, uid, after, limit)
        read.append(len(entries))
        return entries

    storage = type(open_storage(path))
    inner = storage.read
    with monkeypatch.context() as patch:
        patch.setattr(storage, "read", reading)
        study = Study.load(path, readonly=True)
        total = sum(read)
    text = _all(study.history)
    study.storage.close()
    return text, total


def _without(path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    with monkeypatch.context() as patch:
        patch.setattr("parzen.log._stream.restore", lambda *_: None)
        text, total = _read(path, monkeypatch)
        assert total > 180
    return text


def test_a_study_opened_from_a_checkpoint_is_the_study_of_its_log(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what came after it is read."""
    text, total = _read(kept, monkeypatch)

    assert 60 <= total < 120
    assert text == _without(kept, monkeypatch)


@pytest.mark.parametrize("kept", ["study.db"], indirect=True)
@pytest.mark.parametrize("what", ["log", "checkpoint", "format", "gone"])
def test_a_checkpoint_that_does_not_fit_its_log_is_not_used(
    what: str, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log is read, and nobody is told."""
    from parzen.trials import checksum

    with sqlite3.connect(kept) as connection:
        if what == "log":
            ((kind, body),) = connection.execute("SELECT kind, body FROM parzen_entry WHERE seq = 5").fetchall()
            body = body.replace('number":', 'number": ')
            connection.execute("UPDATE parzen_entry SET body = ?, crc = ? WHERE seq = 5", (body, checksum(kind, body)))
        elif what == "gone":
            connection.execute("DELETE FROM parzen_blob WHERE key = '\"checkpoint\"'")
        else:
            ((data,),) = connection.execute("SELECT data FROM parzen_blob WHERE key = '\"checkpoint\"'").fetchall()
            if what == "format":
                import zlib

                data = data.replace(b"parzen history 1", b"parzen history 0")
                connection.execute(
                    "UPDATE parzen_blob SET data = ?, crc = ? WHERE key = '\"checkpoint\"'", (data, zlib.crc32(data))
                )
            else:
                connection.execute("UPDATE parzen_blob SET data = ? WHERE key = '\"checkpoint\"'", (data[:-5],))
    connection.close()
    text, total = _read(kept, monkeypatch)

    assert total > 180
    assert text == _without(kept, monkeypatch)


def test_a_copy_leaves_it_behind(kept: Path, tmp_path: Path) -> None:
    """It would be that of another log."""
    study = Study.load(kept)
    copy = study.copy(tmp_path / "copy.db")

    assert study.storage.get(study.header.uid, "checkpoint") is not None
    assert copy.storage.get(copy.header.uid, "checkpoint") is None
    assert copy.storage.keys(copy.header.uid) == []
    assert copy.history.losses.tolist() == study.history.losses.tolist()


def test_checkpoints_are_kept_ever_more_rarely() -> None:
    """So that all of them together are a few times the last one."""
    last, written = 0, []
    for seq in range(300_000):
        if checkpoints.is_worthwhile(seq, last):
            last = seq
            written.append(seq)

    assert len(written) < 30
    assert sum(written) < 6 * 300_000


def test_a_storage_that_cannot_keep_one_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint is for speed only."""
    from parzen.errors import Unavailable
    from parzen.storages.sql import SQLStorage

    def refuse(self: Storage, *_: Any) -> None:
        raise Unavailable("the disk is full")

    monkeypatch.setattr(checkpoints, "_WORTH", 20)
    monkeypatch.setattr(SQLStorage, "put", refuse)
    result = Study(SPACE, storage=tmp_path / "study.db", seed=1, algorithm="random").run(
        lambda config: config["x"], 30, progress=False
    )

    assert result.stopped_by == "trials"
    assert isinstance(result.study.stream, Stream)
    assert result.study.storage.keys(result.study.header.uid) == []


# --- beside a journal -----------------------------------------------------------------------------------------------


def _lines_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many lines are understood when a journal is opened."""
    from parzen.storages import journal

    read, inner = [], journal.JournalStorage._take
    with monkeypatch.context() as patch:
        patch.setattr(journal.JournalStorage, "_take", lambda self, *line: read.append(line) or inner(self, *line))
        storage = open_storage(path, readonly=True)
        storage.studies()
        storage.close()
    return len(read)


@pytest.mark.parametrize("kept", ["study.journal"], indirect=True)
def test_a_journal_is_read_from_where_the_file_beside_it_ends(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What may be appended is known as if all of it had been read."""
    beside = kept.with_name("study.journal.checkpoint")
    from_it = _lines_read(kept, monkeypatch)
    Study.load(kept).run(lambda config: config["x"], 70, progress=False)
    text, _ = _read(kept, monkeypatch)
    beside.unlink()

    assert from_it < 60
    assert _lines_read(kept, monkeypatch) > 60
    assert _read(kept, monkeypatch)[0] == text
    assert Study.load(kept).history.tally == "70 OK"


@pytest.mark.parametrize("kept", ["study.journal"], indirect=True)
@pytest.mark.parametrize("what", ["a bit", "cut off", "another journal's", "the journal"])
def test_a_file_that_does_not_belong_beside_a_journal_is_not_used(
    what: str, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal is read, and what is wrong with it is found."""
    beside = kept.with_name("study.journal.checkpoint")
    data = beside.read_bytes()
    if what == "a bit":
        for place in random.Random(1).sample(range(len(data)), 20):
            beside.write_bytes(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
            assert _lines_read(kept, monkeypatch) > 60
    elif what == "cut off":
        for length in (0, 10, len(data) - 1):
            beside.write_bytes(data[:length])
            assert _lines_read(kept, monkeypatch) > 60
    elif what == "another journal's":
        other = Study(SPACE, storage=tmp_path / "other.journal", seed=2, algorithm="random")
        monkeypatch.setattr(checkpoints, "_WORTH", 20)
        other.run(lambda config: config["x"], 60, progress=False)
        beside.write_bytes((tmp_path / "other.journal.checkpoint").read_bytes())
        assert _lines_read(kept, monkeypatch) > 60
    else:
        text = kept.read_bytes()
        kept.write_bytes(text.replace(b'"loss":0', b'"loss":1', 1))
        with pytest.raises(CorruptLog, match="damaged"):
            Study.load(kept)
        return
    assert _read(kept, monkeypatch)[0] == _without(kept, monkeypatch)


@pytest.mark.parametrize("kept", ["study.journal"], indirect=True)
def test_the_file_beside_a_journal_holds_all_of_its_studies(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But those that were deleted, and bytes and beats are found where they are."""
    monkeypatch.setattr(checkpoints, "_WORTH", 20)
    first = Study.load(kept, "study")
    first.storage.put(first.header.uid, "model", b"bytes")
    first.storage.beat(first.header.uid, "worker", 60.0)
    for name in ("second", "third"):
        Study(SPACE, name=name, storage=kept, seed=3, algorithm="random").run(
            lambda config: config["x"], 30, progress=False
        )
    storage = open_storage(kept)
    storage.delete(storage.open("third").uid)
    Study.load(storage, "second").run(lambda config: config["x"], 60, progress=False)
    again = open_storage(kept, readonly=True)

    assert _lines_read(kept, monkeypatch) < 60
    assert [header.name for header in again.studies()] == ["study", "second"]
    assert again.get(first.header.uid, "model") == b"bytes"
    assert again.beats(first.header.uid)["worker"].total == 1
    for name in ("study", "second"):
        assert Study.load(again, name).history.tally == "60 OK"
