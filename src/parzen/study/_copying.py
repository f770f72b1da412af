"""A study, once more: entry by entry, in another storage or under another name.

A study in memory has no entries to copy, because its history is its state; they are made again from the columns.  That
gives a log that folds into the same history, without the attempts that were given up on the way.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import numpy as np

from parzen.errors import ParzenError
from parzen.log import CHECKPOINTS, Storage, Stream
from parzen.trials import (
    FINISHED,
    Asked,
    Event,
    Finished,
    Header,
    History,
    Noted,
    Outcome,
    Released,
    Reported,
    Started,
    State,
    note_event,
)

__all__ = ["copied"]

_CHUNK = 5_000
"""Events of one transaction."""


def copied(stream: Stream, storage: Storage, name: str) -> Header:
    """Copy a study, its attachments too; what is RUNNING in the original waits in the copy.

    Args:
        stream: of the original.
        storage: that the copy goes into.
        name: of the copy.

    Returns:
        The header of the copy.

    Raises:
        StudyExists: the storage has a study of that name.
    """
    stream.pull()
    header = replace(stream.header, uid=secrets.token_hex(16), name=name)
    events = _made_again(stream.history) if stream.storage.live is not None else _stored(stream)
    storage.create(header)
    try:
        while batch := list(islice(events, _CHUNK)):
            storage.append(header.uid, batch, secrets.token_hex(16))
        for key in stream.storage.keys(stream.header.uid):
            if key in CHECKPOINTS:
                continue
            data = stream.storage.get(stream.header.uid, key)
            if data is not None:  # taken away meanwhile
                storage.put(header.uid, key, data)
    except BaseException:
        # Half of a study would be taken for all of it.
        with contextlib.suppress(ParzenError):
            storage.delete(header.uid)
        raise
    return header


def _stored(stream: Stream) -> Iterator[Event]:
    """The entries up to what the history knows, in order, and the end of what was running."""
    history, after = stream.history.snapshot(), 0
    while after < history.seq:
        entries = stream.storage.read(stream.header.uid, after, min(_CHUNK, history.seq - after))
        yield from (entry.event for entry in entries)
        after += len(entries)
    yield from _released(history, stream.clock.wall())


def _released(history: History, at: float) -> Iterator[Event]:
    # Its worker works on the original, and will never tell the copy.
    for number in np.flatnonzero(history.running).tolist():
        yield Released(number, int(history.attempts[number]), "copied", at)


def _made_again(live: History) -> Iterator[Event]:
    history = live.snapshot()
    yield from history.requests
    for key, value in history.notes.items():
        yield Noted(key, value, 0.0)
    for note in history.remarks:
        yield note_event(note.text, note.trial, note.at)
    for number, trial in enumerate(history):
        row, at = tuple(history.values[number].tolist()), float(history.asked_at[number])
        gain = float(history.gains[number])
        seed, memo = int(history.seeds[number]), history.memo(number)
        yield Asked(number, row, trial.source, seed, history.seq, at, None if gain != gain else gain, memo)
        if trial.state in (State.WAITING, State.RUNNING):
            continue
        attempt = min(trial.attempt, 1)
        if attempt:
            yield Started(number, 1, trial.worker or "", trial.started or at)
            for report in trial.reports:
                yield Reported(number, 1, report.step, report.metrics, trial.started or at)
        assert trial.state in FINISHED
        variance = float(history.variances[number])
        outcome = Outcome(
            trial.state,
            trial.metrics,
            variance=None if variance != variance else variance,
            extra=trial.extra,
            error=trial.error,
            seconds=trial.seconds,
        )
        yield Finished(number, attempt, outcome, trial.finished or at)
