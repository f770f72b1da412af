"""Annealing: random search that closes in on the best trials.

The rule of Hyperopt's `anneal` (Bergstra, Yamins and Cox 2013, "Making a science of model search"; its only description
is the program's own): take one of the best trials, draw each parameter from its prior drawn together around that trial's
value, and draw it together further with every trial,

    shrink = 1 / (1 + shrink_coef * T),        T trials that had the parameter so far.                             (1)

Which trial is the i-th best with geometric probability.  Parameters that are active together follow one trial; a branch
that this trial was not on follows the best of those that were, which is asked for the rest of the row, too.

In the unit coordinate, the prior's quantile, the rule is the same for every family: a window as wide as (1), moved so
that it stays inside [0, 1]; for the normal families a normal whose mean is the value and whose standard deviation is (1)
times the prior's; for categories the value itself with probability 1 - shrink and the prior otherwise.

What differs: trials without a loss count in (1) and are never gone around; a configuration that was asked for before is
drawn again from a neighbourhood twice as wide.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from parzen._typing import FloatArray
from parzen.algorithms._base import Ask, Proposal, Seen, row_key, seen, unseen_point
from parzen.errors import AlgorithmError, SpaceExhausted
from parzen.space import LogNormal, Normal, Points, Space, ndtr, ndtri
from parzen.trials import Event, Finished, History, State

__all__ = ["Anneal"]

_TRIES = 8
"""Draws before the prior has its turn; the neighbourhood doubles from one to the next."""
_KEPT = 40
"""Best trials that are remembered, in units of `avg_best_idx`: rarer ones come up once in e^40 draws."""
_FIRST, _LAST = 2.0**-60, 1.0 - 2.0**-53  # quantiles that are finite in the normal families


@dataclass(frozen=True, slots=True)
class Anneal:
    """Draws around the best trials, closer and closer.

    Attributes:
        avg_best_idx: mean of the geometric distribution over the trials in order of their loss, counted from one; 1
            takes the best always.
        shrink_coef: how fast the neighbourhood shrinks, see (1); 0 leaves it as wide as the prior.
    """

    avg_best_idx: float = 2.0
    shrink_coef: float = 0.1

    def __post_init__(self) -> None:
        for name, least in (("avg_best_idx", 1.0), ("shrink_coef", 0.0)):
            value = getattr(self, name)
            number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
            if not (number and least <= value < math.inf):
                raise AlgorithmError(f"Anneal's {name} is a finite number from {least:g} up, got {value!r:.80}")

    def suggest(self, space: Space, history: History, ask: Ask) -> Proposal:
        """Points for `ask.numbers`, each around good trials of its own choice."""
        known = seen(history)
        memory = history.fold(self, lambda: _Memory(space, math.ceil(_KEPT * self.avg_best_idx)), _take, (Finished,))
        points: list[Points] = []
        keys: list[bytes] = []
        sources: list[str] = []
        for number in ask.numbers:
            try:
                point, source = self._one(space, history, memory, ask.rng(number), known, keys)
            except SpaceExhausted:
                if not points:
                    raise
                break
            points.append(point)
            keys.append(row_key(point.values[0]))
            sources.append(source)
        return Proposal(points[0] if len(points) == 1 else Points.stack(points), tuple(sources))

    def _one(
        self,
        space: Space,
        history: History,
        memory: _Memory,
        rng: np.random.Generator,
        known: Seen,
        taken: Sequence[bytes],
    ) -> tuple[Points, str]:
        if not any(part.best for part in memory.parts):
            return unseen_point(space, known, rng, taken), "anneal: random start"
        for wider in range(_TRIES):
            point = self._draw(space, history, memory, rng, 2.0**wider)
            key = row_key(point.values[0])
            if key not in known.numbers and key not in taken:
                return point, "anneal"
        return unseen_point(space, known, rng, taken), "anneal: random, nothing new nearby"

    def _draw(self, space: Space, history: History, memory: _Memory, rng: np.random.Generator, wider: float) -> Points:
        """One row, branch by branch: what a column hangs on is drawn before it."""
        unit, stay = rng.random((2, space.d))
        followed: list[int] = []
        values: FloatArray | None = None  # of the branches so far
        for part in memory.parts:
            if values is not None and not space.is_active(int(part.columns[0]), values):
                continue
            if part.best:
                number = next((number for number in followed if number in part.among), None)
                if number is None:
                    index = min(int(rng.geometric(1.0 / self.avg_best_idx)), len(part.best)) - 1
                    number = part.best[index][1]
                    followed.append(number)
                shrink = min(1.0, wider / (1.0 + self.shrink_coef * part.trials))
                columns = part.columns
                unit[columns] = memory.around(columns, history.unit[number, columns], unit[columns], stay, shrink)
            if part.decides or values is None:
                values = space.from_unit(unit[None, :]).values[0]
        return space.from_unit(unit[None, :])


# --- what is remembered -----------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Part:
    """Columns that are always active together.

    Attributes:
        columns: of the space, in order.
        decides: whether other columns hang on one of these.
        trials: that ended and had these columns.
        best: (loss, number) of the best of them, in order; of equals the older first.
        among: the numbers in `best`.
    """

    columns: NDArray[np.intp]
    decides: bool
    trials: int = 0
    best: list[tuple[float, int]] = field(default_factory=list)
    among: set[int] = field(default_factory=set)


class _Memory:
    """Folded from the history.

    Args:
        space: of the study.
        keep: so many of the best are remembered.
    """

    def __init__(self, space: Space, keep: int) -> None:
        self.keep = keep
        switches = {column for condition in space.conditions for conj in condition for column, _ in conj}
        together: dict[object, list[int]] = {}
        for j, condition in enumerate(space.conditions):
            together.setdefault(condition, []).append(j)
        self.parts = [
            _Part(np.array(columns, dtype=np.intp), not switches.isdisjoint(columns))
            for columns in together.values()  # in the order of their first columns, so what they hang on is before
        ]
        self._named = np.array([dist is not None and not dist.ordered for dist in space.distributions], dtype=bool)
        self._normal = np.array(
            [isinstance(getattr(dist, "base", dist), (Normal, LogNormal)) for dist in space.distributions], dtype=bool
        )

    def around(
        self, columns: NDArray[np.intp], centre: FloatArray, unit: FloatArray, stay: FloatArray, shrink: float
    ) -> FloatArray:
        """The prior's draws `unit`, drawn together around `centre`.

        Args:
            columns: `(c,)` of the space.
            centre: `(c,)` coordinates of a good trial; NaN where they are not known.
            unit: `(c,)` uniform numbers.
            stay: `(d,)` uniform numbers that categories decide by.
            shrink: in (0, 1].
        """
        low = np.clip(centre - 0.5 * shrink, 0.0, 1.0 - shrink)
        result = low + shrink * unit
        normal = self._normal[columns]
        if normal.any():
            z = ndtri(np.clip(centre[normal], _FIRST, _LAST))
            result[normal] = ndtr(z + shrink * ndtri(np.clip(unit[normal], _FIRST, _LAST)))
        named = self._named[columns]
        if named.any():
            result[named] = np.where(stay[columns][named] < shrink, unit[named], centre[named])
        return np.where(centre == centre, np.minimum(result, 1.0), unit)


def _take(memory: _Memory, history: History, _: type[Event], number: int) -> _Memory:
    if history.state[number] == State.CANCELLED:
        return memory
    loss = float(history.losses[number])
    active = history.active[number]
    for part in memory.parts:
        if active[part.columns[0]]:
            part.trials += 1
            if math.isfinite(loss):
                insort(part.best, (loss, number))
                part.among.add(number)
                if len(part.best) > memory.keep:
                    part.among.discard(part.best.pop()[1])
    return memory
