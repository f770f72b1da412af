"""What is known of the trials of a study: columns, which algorithms, feedback and people read.

Rows are trials, in order of their numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from parzen._typing import JSON, BoolArray, Direction, FloatArray, IntArray
from parzen.space import Points, Space
from parzen.trials._events import EARLIER, Requested
from parzen.trials._journal import Journal
from parzen.trials._reports import Reports
from parzen.trials._trial import Report, State, Trial, TrialError
from parzen.trials._wishes import Note, Wishes

__all__ = ["CANCELLED", "OK", "RUNNING", "WAITING", "Columns", "grown"]

# Plain numbers: an enum's member costs more to look up and to compare than the rest of a step.
WAITING, RUNNING, OK, CANCELLED = map(int, (State.WAITING, State.RUNNING, State.OK, State.CANCELLED))


class Columns:
    """What has been tried, and what came of it, to be looked at; `History` writes it, and says what the arguments are."""

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
        self._journaled = 0  # how many of its entries are this history's own

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
        return np.asarray(self.state == OK)

    @property
    def running(self) -> BoolArray:
        """`(n,)`."""
        return np.asarray(self.state == RUNNING)

    @property
    def waiting(self) -> BoolArray:
        """`(n,)`."""
        return np.asarray(self.state == WAITING)

    def count(self, *states: State) -> int:
        """How many trials are in any of these states."""
        counts = self._counts
        return counts[states[0]] if len(states) == 1 else sum([counts[state] for state in states])

    def imported(self, *states: State) -> int:
        """How many trials in any of these states were evaluated in an earlier study; in any state, where none is named."""
        return sum([self._imported[state] for state in states]) if states else sum(self._imported)

    @property
    def own(self) -> BoolArray:
        """`(n,)` of this study, and not evaluated in an earlier one."""
        if not any(self._imported):
            return np.ones(self._n, dtype=bool)
        return np.array([worker != EARLIER for worker in self._workers[: self._n]], dtype=bool)

    @property
    def finished(self) -> int:
        """How many trials of this study's own have ended in any way but being cancelled."""
        ended = (State.OK, State.FAILED, State.PRUNED, State.ERROR)
        return self.count(*ended) - self.imported(*ended)

    @property
    def spent(self) -> int:
        """How much of the budget is used: every number that is neither cancelled nor from an earlier study."""
        imported = self._imported
        return self._n - self._counts[CANCELLED] - (sum(imported) - imported[CANCELLED])

    @property
    def asked(self) -> int:
        """How many trials there are that are not cancelled: what an algorithm may know of, earlier studies included."""
        return self._n - self._counts[CANCELLED]

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


_A = TypeVar("_A", bound=np.generic)


def _view(column: NDArray[_A], n: int) -> NDArray[_A]:
    view = column[:n]
    view.flags.writeable = False
    return view


def _blank(n: int, *shape: int) -> FloatArray:
    """A column of which nothing is known yet."""
    return np.full((n, *shape), np.nan)


def grown(column: NDArray[_A], at_least: int = 0) -> NDArray[_A]:
    """Twice as long.  Rows of points are written whole, so only what a trial learns later is blank."""
    n = len(column)
    bigger = np.empty((max(2 * n, at_least), *column.shape[1:]), dtype=column.dtype)
    bigger[:n] = column
    if column.ndim == 1:
        bigger[n:] = np.nan if column.dtype.kind == "f" else 0
    return bigger


def _known(x: float) -> float | None:
    return float(x) if x == x else None
