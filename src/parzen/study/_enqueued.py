"""Configurations that people want to be tried: their place in the log, and which of them are there already."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from parzen._typing import FloatArray
from parzen.errors import Conflict
from parzen.log import PROPOSAL, Stream, generator, trial_seed
from parzen.space import Space
from parzen.study._given import ENQUEUED, came_from, given_of
from parzen.trials import MEMO_LIMIT, Asked, Trial

__all__ = ["enqueue_rows", "given_rows", "new_rows"]


def given_rows(space: Space, points: Iterable[Mapping[str, Any]]) -> list[FloatArray]:
    """Rows `(d,)` of mappings from label to value, NaN where one leaves something open.

    Raises:
        TypeError: one is no mapping.
        UnknownLabel, OutOfSpace: one cannot be from the space.
    """
    if isinstance(points, Mapping) or not isinstance(points, Iterable):
        raise TypeError(f"enqueue takes a list of mappings from label to value, got {points!r:.80}")
    rows = []
    for one in points:
        if not isinstance(one, Mapping):
            raise TypeError(f"enqueue takes mappings from label to value, got {one!r:.80}")
        rows.append(space.given(one))
    return rows


def enqueue_rows(stream: Stream, rows: Sequence[FloatArray]) -> list[Trial]:
    """Let rows be tried next; what they gave is kept with the trial, what they leave open is drawn."""
    space = stream.space
    while True:
        with stream.asking:
            history, at = stream.history, stream.clock.wall()
            events = []
            for number, row in enumerate(rows, start=len(history)):
                seed = trial_seed(stream.header.seed, number)
                point = space.completed(row, generator(seed, PROPOSAL).random(space.d))
                values = tuple(point.values[0].tolist())
                memo = {"given": given_of(space, row)}
                small = len(json.dumps(memo)) <= MEMO_LIMIT
                events.append(Asked(number, values, ENQUEUED, seed, history.seq, at, memo=memo if small else None))
            try:
                if events:
                    stream.publish(*events)
            except Conflict:
                stream.pull()
                continue
        return [history.trial(event.number) for event in events]


def new_rows(stream: Stream, rows: Sequence[FloatArray]) -> list[FloatArray]:
    """Those that the study does not have yet, so that a program that is run again enqueues nothing twice."""
    history = stream.history
    known = [i for i in range(len(history)) if history.source(i) == ENQUEUED]
    new = []
    for row in rows:
        same = next((i for i in known if came_from(history, i, given_of(stream.space, row))), None)
        if same is None:
            new.append(row)
        else:
            known.remove(same)  # what was wanted twice is there twice
    return new
