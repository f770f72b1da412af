"""When each worker was busy with which trial."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from parzen._wording import plain
from parzen.errors import StudyError
from parzen.plots._marks import Axis, Chart, Panel, Spans
from parzen.plots._thinning import Kept, said, with_kept
from parzen.trials import EARLIER, History, State

__all__ = ["timeline_chart"]

_WORKERS = 24
_BINS = 600
_SHORT = 3600.0
"""Seconds up to which the time of the day says less than how long it has been."""
_STATES = (
    ("ok", "ok", (State.OK,)),
    ("failed", "failed", (State.FAILED, State.ERROR)),
    ("pruned", "pruned", (State.PRUNED,)),
    ("running", "running", (State.RUNNING,)),
)


def timeline_chart(history: History, keep: Kept = ()) -> Chart:
    """A row for each worker, a span for each trial from its start to its end, in the colour of how it ended.

    Trials of earlier studies have no time here and are left out; those that run end at the newest time in the log.
    """
    workers = np.array([history.worker(i) or "" for i in range(len(history))], dtype=object)
    began = ~np.isnan(history.started_at) & (workers != EARLIER)
    if not began.any():
        raise StudyError("there is no timeline: no trial of this study has been started")
    start, end = history.started_at, history.finished_at.copy()
    newest = float(np.nanmax(np.concatenate((start[began], end[began]))))
    end[np.isnan(end)] = newest
    names, row = np.unique(workers[began].astype(str), return_inverse=True)
    place = np.full(len(history), -1, dtype=np.int64)
    place[began] = row.reshape(-1)
    shown = min(len(names), _WORKERS)
    width = (newest - float(start[began].min())) / _BINS
    spans, drawn, total = [], 0, 0
    for label, role, states in _STATES:
        there = np.flatnonzero(began & np.isin(history.state, [int(s) for s in states]) & (place < shown))
        kept = there
        if len(there) > _BINS * 4 and width > 0:
            # Of trials that begin within one pixel of a row, the longest.
            bins = place[there] * (_BINS + 1) + ((start[there] - start[began].min()) / width).astype(np.int64)
            order = np.lexsort((-(end - start)[there], bins))
            kept = with_kept(np.sort(there[order[np.r_[True, np.diff(bins[order]) > 0]]]), there, keep)
        drawn, total = drawn + len(kept), total + len(there)
        if len(kept):
            y = (shown - place[kept]).astype(np.float64)
            spans.append(Spans(y, start[kept], end[kept], role, label, kept.astype(np.int64)))
    ticks = tuple((float(shown - k), _short(names[k], k)) for k in range(shown))
    notes = list(said(drawn, total))
    if len(names) > shown:
        notes.append(f"{shown} of {len(names)} workers are shown.")
    imported = int((workers == EARLIER).sum())
    if imported:
        notes.append(f"{imported} trials of earlier studies have no time here.")
    first = float(start[began].min())
    short = newest - first < _SHORT
    axis = Axis("seconds since the first trial began") if short else Axis("", "time")
    if short:
        spans = [replace(one, start=one.start - first, end=one.end - first) for one in spans]
    panel = Panel(axis, Axis("worker", "linear", 0.4, shown + 0.6, ticks), tuple(spans))
    return Chart("timeline", "Timeline", (panel,), 1, tuple(notes), 3.0 if shown < 6 else 2.0)


def _short(name: str, k: int) -> str:
    """Workers are called by host, boot, process and more: host and number are enough to tell them apart."""
    host = name.partition("/")[0].partition(":")[0]
    return plain(f"{k + 1}: {host}" if host else f"{k + 1}", 20)
