"""Events, folded into columns: the one thing that algorithms, feedback and people read.

Rows are trials, in order of their numbers.  What a proposal consists of (`values`, `active`, `unit`) is written once and
shared for ever; what happens to it later (state, loss, times) is copied on the first write after a `snapshot`, as long as
that snapshot is alive.  Growth is by doubling.

Derived state that would be dear to compute anew for each trial lives in folds: `history.fold(key, init, step, kinds)`
keeps it and feeds it only the entries that are new.
"""

from __future__ import annotations

import copy
import math
import weakref
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from parzen._typing import JSON, BoolArray, Direction, FloatArray, IntArray
from parzen.errors import CorruptLog, SchemaTooNew
from parzen.space import Points, Space
from parzen.trials._events import (
    EARLIER,
    LOST,
    Asked,
    Event,
    Finished,
    Noted,
    Released,
    Reported,
    Requested,
    Retracted,
    Started,
    is_by_hand,
)
from parzen.trials._journal import Journal
from parzen.trials._reports import Reports
from parzen.trials._trial import Report, State, Trial, TrialError
from parzen.trials._wishes import Note, Wishes, note_of_event

__all__ = ["History"]

_S = TypeVar("_S")

# Plain numbers: an enum's member costs more to look up and to compare than the rest of a step.
_WAITING, _RUNNING, _OK, _FAILED, _CANCELLED = map(
    int, (State.WAITING, State.RUNNING, State.OK, State.FAILED, State.CANCELLED)
)


class _Lease:
    """Held by a snapshot; while it lives, shared columns are not written in place."""

    __slots__ = ("__weakref__",)


class History:
    """What has been tried, and what came of it.

    Args:
        space: gives the `d` columns.
        directions: metric -> "minimize" or "maximize".
        objectives: the metrics that are optimised; the first one is `losses`.
        seeded: makes a trial's generator for unlabelled draws, from the trial's seed.
    """

    def __init__(
        self,
        space: Space,
        directions: Mapping[str, Direction],
        objectives: Sequence[str] = ("loss",),
        seeded: Callable[[int], np.random.Generator] | None = None,
    ) -> None:
        self.space = space
        self.directions = dict(directions)
        self.objectives = tuple(objectives)
        self._objective = self.objectives[0]
        self._sign = -1.0 if self.directions.get(self._objective) == "maximize" else 1.0
        self._seeded = seeded
        self.seq = 0
        self.epoch = 0
        self.wishes = Wishes()
        self.notes: dict[str, JSON] = {}
        self.remarks: list[Note] = []
        self.requests: list[Requested] = []
        self._n = 0
        self._best = -1
        self._counts = [0] * len(State)
        self._imported = [0] * len(State)
        self._late = 0
        self._lease: weakref.ref[_Lease] | None = None
        # Written once per row.
        self._values = _blank(16, space.d)
        self._active = np.zeros((16, space.d), dtype=bool)
        self._unit = _blank(16, space.d)
        self._seeds = np.zeros(16, dtype=np.int64)
        self._asked = _blank(16)
        self._gain = _blank(16)
        self._sources: list[str] = []
        self._memos: dict[int, JSON] = {}
        # Written again as a trial goes on.
        self._state = np.zeros(16, dtype=np.int8)
        self._attempt = np.zeros(16, dtype=np.int32)
        self._loss = _blank(16)
        self._partial = _blank(16)
        self._variance = _blank(16)
        self._started = _blank(16)
        self._finished = _blank(16)
        self._seconds = _blank(16)
        self._workers: list[str | None] = []
        self._metrics: dict[int, Mapping[str, float]] = {}
        self._reports: dict[int, Reports] = {}
        self._extra: dict[int, Mapping[str, Any]] = {}
        self._errors: dict[int, TrialError] = {}
        self._lost: dict[int, int] = {}
        self._journal = Journal()
        self._journaled = 0

    # --- columns ------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return self._n

    @property
    def points(self) -> Points:
        """All rows, as `Points`."""
        return Points(self.values, self.active)

    @property
    def values(self) -> FloatArray:
        """`(n, d)` as the user sees them, codes for categories; NaN where inactive."""
        return _view(self._values, self._n)

    @property
    def active(self) -> BoolArray:
        """`(n, d)`."""
        return _view(self._active, self._n)

    @property
    def unit(self) -> FloatArray:
        """`(n, d)` quantiles of the values under the prior; NaN where inactive."""
        return _view(self._unit, self._n)

    @property
    def state(self) -> NDArray[np.int8]:
        """`(n,)` of `State`."""
        return _view(self._state, self._n)

    @property
    def losses(self) -> FloatArray:
        """`(n,)`, always to be minimised (the sign is turned under `direction="maximize"`); NaN where there is none."""
        return _view(self._loss, self._n)

    @property
    def partial(self) -> FloatArray:
        """`(n,)` the loss that each trial last reported on the way, to be minimised; NaN where it reported none.

        What a pruned trial had reached: no loss to be compared with those of finished trials as it stands, but more than
        nothing for a model.
        """
        return _view(self._partial, self._n)

    @property
    def variances(self) -> FloatArray:
        """`(n,)` variance of each loss; NaN where unknown."""
        return _view(self._variance, self._n)

    @property
    def seconds(self) -> FloatArray:
        """`(n,)` time inside the objective; NaN where unknown."""
        return _view(self._seconds, self._n)

    @property
    def asked_at(self) -> FloatArray:
        """`(n,)` when each trial joined the study, in seconds since the epoch."""
        return _view(self._asked, self._n)

    @property
    def started_at(self) -> FloatArray:
        """`(n,)` when the last attempt at each trial began, in seconds since the epoch; NaN where none has."""
        return _view(self._started, self._n)

    @property
    def finished_at(self) -> FloatArray:
        """`(n,)` when each trial ended, in seconds since the epoch; NaN where it has not."""
        return _view(self._finished, self._n)

    @property
    def gains(self) -> FloatArray:
        """`(n,)` what the rule that proposed each trial expected of it, in the rule's own units; NaN where it did not say."""
        return _view(self._gain, self._n)

    @property
    def seeds(self) -> IntArray:
        """`(n,)` seed of each trial's own streams."""
        return _view(self._seeds, self._n)

    @property
    def attempts(self) -> NDArray[np.int32]:
        """`(n,)` how often each trial was started."""
        return _view(self._attempt, self._n)

    @property
    def ok(self) -> BoolArray:
        """`(n,)` finished with a loss (which may be infinite)."""
        return np.asarray(self.state == _OK)

    @property
    def running(self) -> BoolArray:
        """`(n,)`."""
        return np.asarray(self.state == _RUNNING)

    @property
    def waiting(self) -> BoolArray:
        """`(n,)`."""
        return np.asarray(self.state == _WAITING)

    def count(self, *states: State) -> int:
        """How many trials are in any of these states."""
        counts = self._counts
        return counts[states[0]] if len(states) == 1 else sum([counts[state] for state in states])

    def imported(self, *states: State) -> int:
        """How many trials in any of these states were evaluated in an earlier study; in any state, where none is named."""
        return sum([self._imported[state] for state in states]) if states else sum(self._imported)

    @property
    def finished(self) -> int:
        """How many trials of this study's own have ended in any way but being cancelled."""
        ended = (State.OK, State.FAILED, State.PRUNED, State.ERROR)
        return self.count(*ended) - self.imported(*ended)

    @property
    def spent(self) -> int:
        """How much of the budget is used: every number that is neither cancelled nor from an earlier study."""
        imported = self._imported
        return self._n - self._counts[_CANCELLED] - (sum(imported) - imported[_CANCELLED])

    @property
    def asked(self) -> int:
        """How many trials there are that are not cancelled: what an algorithm may know of, earlier studies included."""
        return self._n - self._counts[_CANCELLED]

    @property
    def budget(self) -> int | None:
        """The total number of this study's own trials, as far as anybody has said one."""
        return self.wishes.budget

    @property
    def late(self) -> int:
        """Entries that came from attempts which had been given up."""
        return self._late

    @property
    def best_number(self) -> int | None:
        """The trial with the lowest finite loss, the earliest of equals; None where there is none."""
        return self._best if self._best >= 0 else None

    @property
    def best(self) -> Trial | None:
        """The same as a `Trial`."""
        return self.trial(self._best) if self._best >= 0 else None

    def reported(self, loss: float) -> float:
        """A loss of `losses` in the sign that the user reported it in."""
        return self._sign * float(loss)

    @property
    def tally(self) -> str:
        """How many trials are in which state, in words: "12 OK, 1 FAILED"; empty where there are none."""
        return ", ".join(f"{self.count(state)} {state.name}" for state in State if self.count(state))

    # --- single trials ------------------------------------------------------------------------------------------

    def trial(self, number: int) -> Trial:
        """The view of one trial.

        Raises:
            IndexError: there is no such number.
        """
        self._check(number)
        i, points = number, self.points
        state = State(int(self._state[i]))
        loss = float(self._loss[i])
        return Trial(
            number=number,
            state=state,
            params=self.space.params(points, i, self._drawer(number)),
            config=self.config(number),
            loss=self._sign * loss if loss == loss else None,
            metrics=self.metrics(i),
            reports=tuple(self._reports.get(i, ())),
            extra=self._extra.get(i, {}),
            error=self._errors.get(i),
            source=self._sources[i],
            attempt=int(self._attempt[i]),
            started=_known(self._started[i]),
            finished=_known(self._finished[i]),
            seconds=_known(self._seconds[i]),
            worker=self._workers[i],
        )

    def config(self, number: int) -> Any:
        """The nested values that the objective receives for one trial.

        Raises:
            IndexError: there is no such number.
        """
        self._check(number)
        return self.space.decode(Points(self._values, self._active), number, self._drawer(number))

    def _check(self, number: int) -> None:
        if not 0 <= number < self._n:
            raise IndexError(f"there is no trial {number}: the study has {self._n}, counted from 0")

    def _drawer(self, number: int) -> Callable[[], np.random.Generator] | None:
        seeded, seed = self._seeded, int(self._seeds[number])
        return None if seeded is None else lambda: seeded(seed)

    def __iter__(self) -> Iterator[Trial]:
        return (self.trial(number) for number in range(self._n))

    # One number of one trial, for what is looked at for every trial: a column is dearer to make than to look into.

    def row(self, number: int) -> FloatArray:
        """`(d,)` values of a trial, as in `values`."""
        row: FloatArray = self._values[number]
        row.flags.writeable = False
        return row

    def state_of(self, number: int) -> int:
        """State of a trial, as in `state`."""
        return int(self._state[number])

    def attempt_of(self, number: int) -> int:
        """How often a trial was started, as in `attempts`."""
        return int(self._attempt[number])

    def source(self, number: int) -> str:
        """The rule that proposed a trial."""
        return self._sources[number]

    def worker(self, number: int) -> str | None:
        """Who runs or ran a trial."""
        return self._workers[number]

    def memo(self, number: int) -> JSON:
        """What the algorithm left with a trial."""
        return self._memos.get(number)

    def reports(self, number: int) -> Sequence[Report]:
        """What the current attempt at a trial has reported so far, in order and in the user's own sign."""
        return self._reports.get(number) or ()

    def error(self, number: int) -> TrialError | None:
        """Why a trial has no loss."""
        return self._errors.get(number)

    def metrics(self, number: int) -> Mapping[str, float]:
        """What a trial reported at its end, the loss included, in the user's own sign; empty where it reported nothing."""
        known, loss = self._metrics.get(number), float(self._loss[number])
        return known or ({self._objective: self._sign * loss} if loss == loss else {})

    def extras(self, number: int) -> Mapping[str, Any]:
        """Whatever else the objective of a trial returned."""
        return self._extra.get(number) or {}

    def lost(self, number: int) -> int:
        """How many attempts at a trial ended with their worker gone."""
        return self._lost.get(number, 0)

    # --- folding ------------------------------------------------------------------------------------------------

    def apply(self, seq: int, event: Event) -> bool:
        """Take in the next entry of the log; False if it was late and changed nothing.

        Raises:
            CorruptLog: it cannot follow what came before.
        """
        assert not hasattr(self, "_held"), "a snapshot is only looked at"
        if seq != self.seq + 1:
            raise CorruptLog(f"the log continues at entry {seq}, expected {self.seq + 1}")
        counted = self._take(event)
        self.seq = seq
        if counted:
            self._journaled = self._journal.add(self._journaled, event)
        else:
            self._late += 1
        return counted

    def foresee(self, event: Finished) -> tuple[bool, Callable[[], None]]:
        """Take in the next entry of the log before it is there; whether it counts, and what takes it back.

        So that what follows from a result can be decided before both go into the log, as one batch.  Taking it back is for
        when that fails, and no other entry may have been taken in since.
        """
        i = event.number
        known = 0 <= i < self._n
        cells = [(name, getattr(self, name)[i]) for name in _ENDING] if known else []
        counts, imported = self._counts.copy(), self._imported.copy()
        best, late, journaled, wishes = self._best, self._late, self._journaled, self.wishes
        counted = self.apply(self.seq + 1, event)

        def take_back() -> None:
            self._unshare()
            for name, value in cells:
                getattr(self, name)[i] = value
            for details in (self._metrics, self._extra, self._errors) if counted else ():
                details.pop(i, None)  # of a trial that had not ended there were none
            self._counts, self._imported = counts, imported
            self._best, self._late, self._journaled, self.wishes = best, late, journaled, wishes
            self.seq -= 1
            self.epoch += 1  # a fold may have seen it

        return counted, take_back

    def _restore(self, found: Mapping[str, Any], journal: IntArray, entries: int) -> None:
        """Become what a checkpoint says; `_checkpoint` has looked at all of it."""
        self.__dict__.update(found)
        self._active = np.equal(self._values, self._values)
        self._journal.restore(journal)
        self._journaled = entries
        self._imported = np.bincount(
            self._state[[worker == EARLIER for worker in self._workers]], minlength=len(State)
        ).tolist()
        for name in _GROWING:  # room for one more, and none of them empty
            setattr(self, name, _grown(getattr(self, name)[: self._n], at_least=16))
        self._find_best()

    def _take(self, event: Event) -> bool:
        take = _TAKE.get(type(event))
        return True if take is None else take(self, event)  # what a later parzen wrote is kept and changes nothing

    def _take_requested(self, event: Requested) -> bool:
        self.requests = [*self.requests, event]  # snapshots keep the old list
        i = event.target
        is_open = i is not None and 0 <= i < self._n and self._state[i] in (_WAITING, _RUNNING)
        self.wishes = self.wishes.after(event, is_open)
        return True

    def _take_noted(self, event: Noted) -> bool:
        note = note_of_event(event)
        if note is None:
            self.notes = {**self.notes, event.key: event.value}
        else:
            self.remarks = [*self.remarks, note]
        return True

    def _take_asked(self, event: Asked) -> bool:
        i, values = self._n, event.values
        if event.space != 0:
            raise SchemaTooNew(f"trial {i} is from version {event.space} of the space, which a later parzen made")
        if event.number != i:
            raise CorruptLog(f"the log asks for trial {event.number}, expected {i}")
        if len(values) != self.space.d:
            raise CorruptLog(f"trial {i} has {len(values)} values, the space has {self.space.d} parameters")
        if i == len(self._values):
            for name in _GROWING:
                setattr(self, name, _grown(getattr(self, name)))
        row = self._values[i]
        row[:] = values
        active = np.equal(row, row, out=self._active[i])
        if self.space.conditional:
            row[~active] = np.nan  # of the many NaN there are, always the same: rows are compared by their bytes
        self._unit[i] = self.space.quantiles(values)
        self._seeds[i] = event.seed
        self._asked[i] = event.at
        if event.gain is not None:
            self._gain[i] = event.gain
        self._sources.append(event.source)
        if event.memo is not None:
            self._memos[i] = event.memo
        self._workers.append(None)
        self._counts[_WAITING] += 1
        self._n += 1
        return True

    def _take_started(self, event: Started) -> bool:
        i = event.number
        # A storage takes anything; what speaks of no trial changes nothing.
        if not 0 <= i < self._n or self._state[i] != _WAITING or event.attempt != self._attempt[i] + 1:
            return False
        is_run = event.worker != EARLIER and not is_by_hand(event.worker)
        if self.wishes.stopping and is_run and event.worker not in self._workers:
            self.wishes = replace(self.wishes, stopping=False)  # this run has begun since, and does not mean itself
        self._unshare()
        self._move(i, _RUNNING)
        self._attempt[i] = event.attempt
        self._started[i] = event.at
        self._imported[_RUNNING] += (event.worker == EARLIER) - (self._workers[i] == EARLIER)
        self._workers[i] = event.worker
        return True

    def _is_current(self, event: Reported | Finished | Released) -> bool:
        i = event.number
        return 0 <= i < self._n and bool(event.attempt == self._attempt[i]) and bool(self._state[i] == _RUNNING)

    def _take_reported(self, event: Reported) -> bool:
        if not self._is_current(event):
            return False
        self._unshare()
        i = event.number
        known = self._reports.get(i) or Reports()
        self._reports[i] = known.with_one_more(Report(event.step, event.metrics))
        told = event.metrics.get(self._objective)
        if told is not None:
            self._partial[i] = self._sign * told
        return True

    def _take_released(self, event: Released) -> bool:
        if not self._is_current(event):
            return False
        self._unshare()
        i = event.number
        self._move(i, _WAITING)
        self._reports.pop(i, None)
        self._partial[i] = math.nan
        if event.reason == LOST:
            self._lost[i] = self._lost.get(i, 0) + 1
        return True

    def _take_retracted(self, event: Retracted) -> bool:
        i = event.number
        if not 0 <= i < self._n:
            return False
        self._unshare()
        self._move(i, _CANCELLED)
        self._loss[i] = np.nan
        self.epoch += 1
        self._find_best()
        return True

    def _take_finished(self, event: Finished) -> bool:
        i, outcome = event.number, event.outcome
        state = int(outcome.state)
        if not self._is_current(event):
            called_off = state == _CANCELLED and 0 <= i < self._n and self._state[i] == _WAITING
            if not called_off or event.attempt != self._attempt[i]:
                return False
        self._unshare()
        loss = self._sign * outcome.metrics.get(self._objective, math.nan)
        if state == _OK:
            if loss == loss:
                self._loss[i] = loss
                if abs(loss) < math.inf and (self._best < 0 or loss < self._loss[self._best]):
                    self._best = i
            else:
                state = _FAILED  # a file may say anything
        self._move(i, state)
        self._finished[i] = event.at
        if outcome.seconds is not None:
            self._seconds[i] = outcome.seconds
        if outcome.variance is not None:
            self._variance[i] = outcome.variance
        if outcome.metrics and (len(outcome.metrics) > 1 or state != _OK):
            self._metrics[i] = outcome.metrics
        if outcome.extra:
            self._extra[i] = outcome.extra
        if outcome.error is not None:
            self._errors[i] = outcome.error
        return True

    def _move(self, i: int, state: int) -> None:
        self._counts[self._state[i]] -= 1
        self._counts[state] += 1
        if self._workers[i] == EARLIER:
            self._imported[self._state[i]] -= 1
            self._imported[state] += 1
        self._state[i] = state
        if self.wishes.cancelling and state not in (_WAITING, _RUNNING):
            self.wishes = replace(self.wishes, cancelling=self.wishes.cancelling - {i})

    def _find_best(self) -> None:
        losses = np.where(self.ok & np.isfinite(self.losses), self.losses, np.inf)
        self._best = int(np.argmin(losses)) if self._n and np.isfinite(losses.min()) else -1

    # --- snapshots and folds ------------------------------------------------------------------------------------

    def snapshot(self) -> History:
        """The history as it is now; later entries do not show in it.  Costs nothing until the next write."""
        lease = self._lease() if self._lease is not None else None
        if lease is None:
            lease = _Lease()
            self._lease = weakref.ref(lease)
        view = History.__new__(History)  # `copy.copy` does the same, and takes three times as long
        view.__dict__.update(self.__dict__)
        view._held = lease  # type: ignore[attr-defined]  # kept alive with the snapshot, never read
        view._counts, view._imported = self._counts.copy(), self._imported.copy()
        return view

    def _unshare(self) -> None:
        """Before a write to what snapshots share: copy it, if one of them is alive."""
        if self._lease is None:
            return
        if self._lease() is not None:
            for name in _CHANGING:
                setattr(self, name, copy.copy(getattr(self, name)))
        self._lease = None

    def fold(
        self,
        key: Hashable,
        init: Callable[[], _S],
        step: Callable[[_S, History, type[Event], int], _S],
        kinds: tuple[type[Event], ...],
    ) -> _S:
        """State derived from the log, brought up to date with the entries that are new.

        Args:
            key: names the state; begin it with the frozen record of the algorithm's settings.
            init: makes the state of an empty history.
            step: `(state, history, kind, number) -> state`; may change its argument.  It is called once for each entry
                of the kinds asked for, in order, the late ones left out; it must look at the columns of `number` only,
                and may see them later than right after the entry.
            kinds: classes of events.
        """
        return self._journal.fold(self, self._journaled, key, init, step, kinds)


_CHANGING = "_state _attempt _loss _partial _variance _started _finished _seconds _workers _metrics _reports _extra _errors _lost".split()
_ENDING = ("_state", "_loss", "_variance", "_finished", "_seconds")
_GROWING = "_values _active _unit _seeds _asked _gain _state _attempt _loss _partial _variance _started _finished _seconds".split()

_TAKE: Mapping[type[Event], Callable[[History, Any], bool]] = {  # each takes the event that it stands under
    Asked: History._take_asked,
    Started: History._take_started,
    Reported: History._take_reported,
    Finished: History._take_finished,
    Released: History._take_released,
    Requested: History._take_requested,
    Retracted: History._take_retracted,
    Noted: History._take_noted,
}

_A = TypeVar("_A", bound=np.generic)


def _view(column: NDArray[_A], n: int) -> NDArray[_A]:
    view = column[:n]
    view.flags.writeable = False
    return view


def _blank(n: int, *shape: int) -> FloatArray:
    """A column of which nothing is known yet."""
    return np.full((n, *shape), np.nan)


def _grown(column: NDArray[_A], at_least: int = 0) -> NDArray[_A]:
    """Twice as long.  Rows of points are written whole, so only what a trial learns later is blank."""
    n = len(column)
    bigger = np.empty((max(2 * n, at_least), *column.shape[1:]), dtype=column.dtype)
    bigger[:n] = column
    if column.ndim == 1:
        bigger[n:] = np.nan if column.dtype.kind == "f" else 0
    return bigger


def _known(x: float) -> float | None:
    return float(x) if x == x else None
