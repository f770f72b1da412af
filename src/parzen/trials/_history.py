"""Events, folded into columns: the one thing that algorithms, feedback and people read.

Rows are trials, in order of their numbers.  What a proposal consists of (`values`, `active`, `unit`) is written once and
shared for ever; what happens to it later (state, loss, times) is copied on the first write after a `snapshot`, as long as
that snapshot is alive.  Growth is by doubling.

Derived state that would be dear to compute anew for each trial lives in folds: `history.fold(key, init, step, kinds)`
keeps it and feeds it only the entries that are new.
"""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
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
)
from parzen.trials._journal import Journal
from parzen.trials._reports import Reports
from parzen.trials._trial import Report, State, Trial, TrialError

__all__ = ["History"]

_S = TypeVar("_S")


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
        self.budget: int | None = None
        self.notes: dict[str, JSON] = {}
        self.requests: list[Requested] = []
        self._n = 0
        self._best = -1
        self._counts = [0] * len(State)
        self._imported = [0] * len(State)
        self._late = 0
        self._lease: weakref.ref[_Lease] | None = None
        # Written once per row.
        self._values = np.empty((16, space.d))
        self._active = np.empty((16, space.d), dtype=bool)
        self._unit = np.empty((16, space.d))
        self._seeds = np.empty(16, dtype=np.int64)
        self._asked = np.empty(16)
        self._gain = np.empty(16)
        self._sources: list[str] = []
        self._memos: dict[int, JSON] = {}
        # Written again as a trial goes on.
        self._state = np.zeros(16, dtype=np.int8)
        self._attempt = np.zeros(16, dtype=np.int32)
        self._loss = np.empty(16)
        self._partial = np.empty(16)
        self._variance = np.empty(16)
        self._started = np.empty(16)
        self._finished = np.empty(16)
        self._seconds = np.empty(16)
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
        return np.asarray(self.state == State.OK)

    @property
    def running(self) -> BoolArray:
        """`(n,)`."""
        return np.asarray(self.state == State.RUNNING)

    @property
    def waiting(self) -> BoolArray:
        """`(n,)`."""
        return np.asarray(self.state == State.WAITING)

    def count(self, *states: State) -> int:
        """How many trials are in any of these states."""
        return sum(self._counts[state] for state in states)

    def imported(self, *states: State) -> int:
        """How many trials in any of these states were evaluated in an earlier study; in any state, where none is named."""
        return sum(self._imported[state] for state in states or State)

    @property
    def finished(self) -> int:
        """How many trials of this study's own have ended in any way but being cancelled."""
        ended = (State.OK, State.FAILED, State.PRUNED, State.ERROR)
        return self.count(*ended) - self.imported(*ended)

    @property
    def spent(self) -> int:
        """How much of the budget is used: every number that is neither cancelled nor from an earlier study."""
        return self.asked - (self.imported() - self.imported(State.CANCELLED))

    @property
    def asked(self) -> int:
        """How many trials there are that are not cancelled: what an algorithm may know of, earlier studies included."""
        return self._n - self._counts[State.CANCELLED]

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
        if not 0 <= number < self._n:
            raise IndexError(f"there is no trial {number}: the study has {self._n}, counted from 0")
        i, points = number, self.points
        state = State(int(self._state[i]))
        loss = float(self._loss[i])
        return Trial(
            number=number,
            state=state,
            params=self.space.params(points, i, self._drawer(number)),
            config=self.config(number),
            loss=self._sign * loss if loss == loss else None,
            metrics=self._metrics.get(i) or ({self._objective: self._sign * loss} if loss == loss else {}),
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
        """The nested values that the objective receives for one trial."""
        return self.space.decode(self.points, number, self._drawer(number))

    def _drawer(self, number: int) -> Callable[[], np.random.Generator] | None:
        seeded, seed = self._seeded, int(self._seeds[number])
        return None if seeded is None else lambda: seeded(seed)

    def __iter__(self) -> Iterator[Trial]:
        return (self.trial(number) for number in range(self._n))

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

    def _take(self, event: Event) -> bool:
        if isinstance(event, Asked):
            self._take_asked(event)
            return True
        if isinstance(event, Requested):
            self.requests = [*self.requests, event]  # snapshots keep the old list
            if event.action == "budget" and isinstance(event.value, int):
                self.budget = max(self.budget or 0, event.value)
            return True
        if isinstance(event, Noted):
            self.notes = {**self.notes, event.key: event.value}
            return True
        if not isinstance(event, (Started, Reported, Finished, Released, Retracted)):
            return True
        i = event.number
        if not 0 <= i < self._n:
            return False  # a storage takes anything; what speaks of no trial changes nothing
        if isinstance(event, Retracted):
            self._unshare()
            self._move(i, State.CANCELLED)
            self._loss[i] = np.nan
            self.epoch += 1
            self._find_best()
            return True
        if isinstance(event, Started):
            if self._state[i] != State.WAITING or event.attempt != self._attempt[i] + 1:
                return False
            self._unshare()
            self._move(i, State.RUNNING)
            self._attempt[i] = event.attempt
            self._started[i] = event.at
            self._imported[State.RUNNING] += (event.worker == EARLIER) - (self._workers[i] == EARLIER)
            self._workers[i] = event.worker
            return True
        if event.attempt != self._attempt[i]:
            return False
        called_off = isinstance(event, Finished) and event.outcome.state is State.CANCELLED
        if self._state[i] != State.RUNNING and not (called_off and self._state[i] == State.WAITING):
            return False
        self._unshare()
        if isinstance(event, Reported):
            known = self._reports.get(i) or Reports()
            self._reports[i] = known.with_one_more(Report(event.step, event.metrics))
            told = event.metrics.get(self._objective)
            if told is not None:
                self._partial[i] = self._sign * told
        elif isinstance(event, Released):
            self._move(i, State.WAITING)
            self._reports.pop(i, None)
            self._partial[i] = np.nan
            if event.reason == LOST:
                self._lost[i] = self._lost.get(i, 0) + 1
        else:
            self._take_finished(event)
        return True

    def _take_asked(self, event: Asked) -> None:
        i = self._n
        if event.space != 0:
            raise SchemaTooNew(f"trial {i} is from version {event.space} of the space, which a later parzen made")
        if event.number != i:
            raise CorruptLog(f"the log asks for trial {event.number}, expected {i}")
        if len(event.values) != self.space.d:
            raise CorruptLog(f"trial {i} has {len(event.values)} values, the space has {self.space.d} parameters")
        if i == len(self._values):
            for name in _GROWING:
                setattr(self, name, _grown(getattr(self, name)))
        row = self._values[i]
        row[:] = event.values
        self._active[i] = row == row
        if self.space.d:
            self._unit[i] = self.space.to_unit(Points(self._values[i : i + 1], self._active[i : i + 1]))[0]
        self._seeds[i] = event.seed
        self._asked[i] = event.at
        self._gain[i] = np.nan if event.gain is None else event.gain
        self._sources.append(event.source)
        if event.memo is not None:
            self._memos[i] = event.memo
        self._state[i] = State.WAITING
        self._attempt[i] = 0
        for column in (self._loss, self._partial, self._variance, self._started, self._finished, self._seconds):
            column[i] = np.nan
        self._workers.append(None)
        self._counts[State.WAITING] += 1
        self._n += 1

    def _take_finished(self, event: Finished) -> None:
        i, outcome = event.number, event.outcome
        loss = self._sign * outcome.metrics.get(self._objective, np.nan)
        state = outcome.state
        if state is State.OK:
            if loss == loss:
                self._loss[i] = loss
                if abs(loss) < np.inf and (self._best < 0 or loss < self._loss[self._best]):
                    self._best = i
            else:
                state = State.FAILED  # a file may say anything
        self._move(i, state)
        self._finished[i] = event.at
        self._seconds[i] = np.nan if outcome.seconds is None else outcome.seconds
        self._variance[i] = np.nan if outcome.variance is None else outcome.variance
        if outcome.metrics and (len(outcome.metrics) > 1 or state is not State.OK):
            self._metrics[i] = outcome.metrics
        if outcome.extra:
            self._extra[i] = outcome.extra
        if outcome.error is not None:
            self._errors[i] = outcome.error

    def _move(self, i: int, state: State) -> None:
        self._counts[self._state[i]] -= 1
        self._counts[state] += 1
        if self._workers[i] == EARLIER:
            self._imported[self._state[i]] -= 1
            self._imported[state] += 1
        self._state[i] = state

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
        view = copy.copy(self)
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
_GROWING = "_values _active _unit _seeds _asked _gain _state _attempt _loss _partial _variance _started _finished _seconds".split()

_A = TypeVar("_A", bound=np.generic)


def _view(column: NDArray[_A], n: int) -> NDArray[_A]:
    view = column[:n]
    view.flags.writeable = False
    return view


def _grown(column: NDArray[_A]) -> NDArray[_A]:
    bigger = np.empty((2 * len(column), *column.shape[1:]), dtype=column.dtype)
    bigger[: len(column)] = column
    return bigger


def _known(x: float) -> float | None:
    return float(x) if x == x else None
