"""All that there is to see of a study at one moment, as data: what `watch` draws on a terminal and in a notebook.

It reads the history and the time, and touches nothing.  Times are wall time, because the trials may have been run by
other processes on other machines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from parzen._typing import FloatArray, IntArray
from parzen._wording import Settings, plain, settings
from parzen.feedback._chance import Chance, chance_of_help
from parzen.feedback._facts import Best
from parzen.trials import EARLIER, History, State, is_by_hand

__all__ = ["Failure", "Overview", "Running", "Worker", "overview_of"]

_BAD = (State.FAILED, State.ERROR)
_LATELY = 20
"""Trials whose pace is the pace."""
_SEEN = 600.0
"""Seconds for which a worker that has nothing to do is shown."""
_KINDS = 12
"""Kinds of failures that are told one by one; views show the first of them."""


@dataclass(frozen=True, slots=True)
class Running:
    """A trial that is being evaluated.

    Attributes:
        number: of the trial.
        worker: who evaluates it, in short.
        seconds: since it began.
        settings: its configuration.
        step, loss: what it last reported; None where it reported nothing.
    """

    number: int
    worker: str
    seconds: float
    settings: Settings
    step: float | None = None
    loss: float | None = None


@dataclass(frozen=True, slots=True)
class Worker:
    """Somebody who evaluates trials.

    Attributes:
        name: host and process.
        trials: that it runs now.
        done: how many it has finished, of the newest 1 000.
        seconds: since its oldest trial began; where it runs none, since its last one ended.
        gone: whether it is known to be there no more; its trials are run again by whoever comes next.
    """

    name: str
    trials: tuple[int, ...]
    done: int
    seconds: float
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """A kind of failure.

    Attributes:
        count: how often it came.
        kind: the exception's class, or what the objective said.
        number: the last trial that failed so.
        message: of that trial.
    """

    count: int
    kind: str
    number: int
    message: str


@dataclass(frozen=True, slots=True)
class Overview:
    """What there is to see.

    Attributes:
        name, location, direction: of the study.
        metric: what the loss is called.
        done, total: finished trials, and how many there are to be (None for no limit).
        counts: how many trials of this study are in each state.
        busy: seconds in which at least one trial ran.
        left: expected seconds to the end; None where nothing tells.
        pace: finished trials a second, while trials run; None before the first.
        best: the best trial.
        best_age: seconds since it ended.
        losses: `(m,)` of the trials that ended, in order, in the user's own sign; NaN where there was none.
        running: what is evaluated now, the longest first.
        workers: who works, or did a moment ago.
        failures: by kind, the commonest first, at most a dozen of them.
        kinds: how many kinds of failures there are altogether.
        chance: that more trials still help; None where nothing is known of it.
        noisy: equal configurations may give different losses.
        paused: no further trial is to begin.
    """

    name: str
    location: str
    direction: str
    metric: str
    done: int
    total: int | None
    counts: dict[State, int]
    busy: float
    left: float | None
    pace: float | None
    best: Best | None
    best_age: float | None
    losses: FloatArray = field(repr=False)
    running: tuple[Running, ...] = ()
    workers: tuple[Worker, ...] = ()
    failures: tuple[Failure, ...] = ()
    kinds: int = 0
    chance: Chance | None = None
    noisy: bool = False
    paused: bool = False

    @property
    def best_so_far(self) -> FloatArray:
        """`(m,)` the best of `losses` up to each, in the user's own sign; NaN before the first."""
        sign = -1.0 if self.direction == "maximize" else 1.0
        known = np.where(np.isfinite(self.losses), sign * self.losses, np.inf)
        best = np.minimum.accumulate(known) if len(known) else known
        return np.where(np.isinf(best), np.nan, sign * best)

    def other_failures(self, shown: int) -> tuple[int, int]:
        """How many kinds of failures there are beside the first few that are shown, and how many trials failed so."""
        told = sum(failure.count for failure in self.failures[:shown])
        return max(self.kinds - shown, 0), sum(self.counts[state] for state in _BAD) - told

    def to_json(self) -> dict[str, Any]:
        """The same as plain data."""
        best = None if self.best is None else {"number": self.best.number, "loss": self.best.loss, "age": self.best_age}
        chance = self.chance
        return {
            "name": self.name,
            "location": self.location,
            "direction": self.direction,
            "done": self.done,
            "total": self.total,
            "counts": {state.name: count for state, count in self.counts.items()},
            "paused": self.paused,
            "busy": self.busy,
            "left": self.left,
            "pace": self.pace,
            "best": None if best is None or self.best is None else {**best, "params": dict(self.best.settings)},
            "running": [
                {
                    "number": r.number,
                    "worker": r.worker,
                    "seconds": r.seconds,
                    "params": dict(r.settings),
                    "step": r.step,
                    "loss": r.loss,
                }
                for r in self.running
            ],
            "workers": [
                {"name": w.name, "trials": list(w.trials), "done": w.done, "seconds": w.seconds, "gone": w.gone}
                for w in self.workers
            ],
            "failures": [
                {"count": f.count, "kind": f.kind, "number": f.number, "message": f.message} for f in self.failures
            ],
            "other_failures": dict(zip(("kinds", "count"), self.other_failures(_KINDS), strict=True)),
            "chance": None
            if chance is None
            else {"probability": chance.probability, "trials": chance.trials, "since": chance.since},
        }


def overview_of(
    live: History,
    now: float,
    *,
    name: str,
    location: str = "memory",
    total: int | None = None,
    noisy: bool = False,
    gone: Container[str] = (),
) -> Overview:
    """Look at a study.

    Args:
        live: its history.
        now: seconds since the epoch.
        name, location: of the study.
        total: how many trials there are to be; else the history's budget.
        noisy: equal configurations may give different losses.
        gone: the full names of workers that are known to be there no more.
    """
    history = live.snapshot()
    failures, kinds = _failures(history)
    own = np.flatnonzero(history.own).tolist() if history.imported() else None
    known = total is None or history.wishes.budget_set
    total = history.budget if known else max(total or 0, history.budget or 0)
    order = _ended(history, own)
    losses = np.where(np.isnan(history.losses[order]), np.nan, history.reported(1.0) * history.losses[order])
    busy, pace = _busy(history, own, now), _pace(history, order, now)
    left = None
    if total is not None and pace and history.count(State.RUNNING) + history.count(State.WAITING):
        left = max(total - history.finished, 0) / pace
    best = Best.of(history, 0.0)
    ended = float("nan") if best is None else float(history.finished_at[best.number])
    return Overview(
        name=plain(name, 60),
        location=plain(location, 200),
        direction=history.directions.get(history.objectives[0], "minimize"),
        metric=plain(history.objectives[0], 40),
        done=history.finished,
        total=total,
        counts={state: history.count(state) - history.imported(state) for state in State},
        busy=busy,
        left=left,
        pace=pace,
        best=best,
        best_age=max(now - ended, 0.0) if ended == ended else None,
        losses=losses,
        running=_running(history, now),
        workers=_workers(history, now, gone),
        failures=failures,
        kinds=kinds,
        chance=None if "space exhausted" in history.notes and not noisy else chance_of_help(history),
        noisy=noisy,
        paused=history.wishes.paused,
    )


def _ended(history: History, own: Sequence[int] | None) -> list[int]:
    """Numbers of the trials that ended, in the order in which they did."""
    at = history.finished_at
    mask = np.isin(history.state, (State.OK, State.FAILED, State.PRUNED, State.ERROR)) & ~np.isnan(at)
    if own is not None:
        mine = np.zeros(len(history), dtype=bool)
        mine[list(own)] = True
        mask &= mine
    numbers = np.flatnonzero(mask)
    found: list[int] = numbers[np.argsort(at[numbers], kind="stable")].tolist()
    return found


def _intervals(history: History, numbers: IntArray, now: float) -> float:
    """How long at least one of these trials ran, in seconds."""
    begun = history.started_at[numbers]
    ended = np.where(history.state[numbers] == State.RUNNING, now, history.finished_at[numbers])
    known = ~np.isnan(begun) & ~np.isnan(ended) & (ended >= begun)
    begun, ended = begun[known], ended[known]
    if not len(begun):
        return 0.0
    order = np.argsort(begun)
    begun, ended = begun[order], np.maximum.accumulate(ended[order])
    # Each adds what is beyond the end of all that began before it.
    before = np.concatenate(([-np.inf], ended[:-1]))
    return float(np.sum(np.maximum(ended - np.maximum(begun, before), 0.0)))


def _busy(history: History, own: Sequence[int] | None, now: float) -> float:
    return _intervals(history, np.arange(len(history)) if own is None else np.array(own, dtype=int), now)


def _pace(history: History, order: Sequence[int], now: float) -> float | None:
    """Trials a second lately; pauses in which nothing ran do not count."""
    lately = list(order[-_LATELY:])
    if not lately:
        return None
    running = np.flatnonzero(history.running).tolist()
    busy = _intervals(history, np.array(lately + running, dtype=int), now)
    return len(lately) / busy if busy > 0 else None


def _running(history: History, now: float) -> tuple[Running, ...]:
    found = []
    for i in np.flatnonzero(history.running).tolist():
        reports = history.reports(i)
        last = reports[-1] if len(reports) else None
        begun = float(history.started_at[i])
        found.append(
            Running(
                i,
                _short(history.worker(i)),
                max(now - begun, 0.0) if begun == begun else 0.0,
                settings(history.space, history.values[i]),
                None if last is None else float(last.step),
                None if last is None else last.metrics.get(history.objectives[0]),
            )
        )
    return tuple(sorted(found, key=lambda running: -running.seconds))


def _workers(history: History, now: float, gone: Container[str]) -> tuple[Worker, ...]:
    there: set[str] = set()
    trials: dict[str, list[int]] = {}
    done: Counter[str] = Counter()
    last: dict[str, float] = {}
    for i in [*range(max(len(history) - 1000, 0), len(history))]:
        full = history.worker(i)
        if full is None or full == EARLIER:
            continue
        worker = _short(full)  # the runs of one process are one worker
        if history.state_of(i) == State.RUNNING:
            trials.setdefault(worker, []).append(i)
            if full not in gone:
                there.add(worker)
        elif history.state_of(i) != State.WAITING:
            done[worker] += 1
            last[worker] = max(last.get(worker, 0.0), float(history.finished_at[i]))
    found = []
    for worker in dict.fromkeys([*trials, *last]):
        mine = trials.get(worker, [])
        since = min(float(history.started_at[i]) for i in mine) if mine else last[worker]
        if mine or now - since <= _SEEN:
            is_gone = bool(mine) and worker not in there
            found.append(Worker(worker, tuple(mine), done[worker], max(now - since, 0.0), is_gone))
    return tuple(sorted(found, key=lambda one: (not one.trials, one.seconds if not one.trials else -one.seconds)))


def _short(worker: str | None) -> str:
    """Host and process of a worker's full name."""
    if worker is None:
        return "nobody"
    if is_by_hand(worker):
        return "asked by hand"
    parts = worker.split("/")
    return plain(f"{parts[0]} {parts[3]}" if len(parts) == 6 else worker, 30)


def _failures(history: History) -> tuple[tuple[Failure, ...], int]:
    """The commonest kinds, and how many there are altogether."""
    counts: Counter[str] = Counter()
    last: dict[str, tuple[int, str]] = {}
    for i in np.flatnonzero(np.isin(history.state, _BAD) & history.own).tolist():
        error = history.error(i)
        message = "" if error is None else error.message.strip().partition("\n")[0]
        kind = "without a reason" if error is None else error.kind.removeprefix("builtins.")
        if kind in ("status", "loss"):  # the objective's own words are the kind
            kind, message = plain(message.partition(":")[0], 60) or kind, message.partition(":")[2].strip()
        counts[kind] += 1
        last[kind] = (i, message)
    common = tuple(
        Failure(count, plain(kind, 60), last[kind][0], plain(last[kind][1], 120))
        for kind, count in counts.most_common(_KINDS)
    )
    return common, len(counts)
