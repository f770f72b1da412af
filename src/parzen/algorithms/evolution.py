"""Evolution: each trial is a changed copy of a good one among the newest.

Real, Aggarwal, Huang and Le 2019, "Regularized evolution for image classifier architecture search", arXiv 1802.01548: the
population are the newest trials, so that each dies of age, however good it was; the parent is the best of a few that are
drawn from it.  Mutation is that paper's for categories, and for numbers that of differential evolution (Storn and Price
1997), whose steps are differences of other members and so shrink as the population draws together; Awad, Mallik and Hutter
2021, "DEHB", arXiv 2105.09821, do so for hyperparameters in the unit cube as well.

On a tree a child has its parent's branch until a choice mutates; the columns of a branch that the parent was not on come
from the newest member that was.  A trial without a loss is the worst of the population.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parzen._typing import BoolArray, FloatArray
from parzen.algorithms._base import Ask, Pick, Proposal, proposal_of, row_key, seen, unseen_point
from parzen.algorithms._sobol import start_pick
from parzen.errors import AlgorithmError
from parzen.space import Space
from parzen.trials import Event, Finished, History, State

__all__ = ["Evolution"]

_TRIES = 8
"""Children before the prior has its turn; each may change twice as much as the one before it."""
_MUTATED = 0.5
"""Share of a child's columns that change, as differential evolution's crossover rate."""


@dataclass(frozen=True, slots=True)
class Evolution:
    """Regularised evolution, with differential steps for numbers.

    Attributes:
        population: so many newest trials have children; so many Sobol points begin.
        sample: the parent is the best of so many that are drawn from the population; at most `population`.
        step: what a difference of two members counts in the child, in (0, 2].
    """

    population: int = 20
    sample: int = 10
    step: float = 0.5

    def __post_init__(self) -> None:
        for name, least in (("population", 4), ("sample", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
                raise AlgorithmError(f"Evolution's {name} is a whole number from {least} up, got {value!r:.80}")
        if self.sample > self.population:
            raise AlgorithmError(
                f"Evolution's sample is drawn from its population, so it is at most {self.population}, got {self.sample}"
            )
        number = isinstance(self.step, (int, float, np.integer, np.floating)) and not isinstance(self.step, bool)
        if not (number and 0.0 < self.step <= 2.0):
            raise AlgorithmError(f"Evolution's step is a number in (0, 2], got {self.step!r:.80}")

    def suggest(self, space: Space, history: History, ask: Ask) -> Proposal:
        """Points for `ask.numbers`, each a child of a parent of its own."""
        alive = history.fold(self, lambda: _newest(self.population), _grow_old, (Finished,))
        return proposal_of(ask, lambda number, picks: self._pick(space, history, alive, ask, number, picks))

    def _pick(
        self, space: Space, history: History, alive: Sequence[int], ask: Ask, number: int, earlier: Sequence[Pick]
    ) -> Pick:
        if history.asked + len(earlier) < self.population or len(alive) < max(self.sample, 2):
            return start_pick(space, history, ask, number, earlier, "evolution")
        known, taken, rng = seen(history), [pick.key for pick in earlier], ask.rng(number)
        members, named = np.array(alive, dtype=np.int64), _named(space)
        for wider in range(_TRIES):
            parent = self._parent(history, members, rng)
            unit = self._child(history.unit[members], history.unit[parent], named, 2.0**wider, rng)
            point = space.from_unit(unit[None, :])
            key = row_key(point.values[0])
            if key not in known.numbers and key not in taken:
                return Pick(point, key, f"evolution: child of {parent}")
        return Pick.of(unseen_point(space, known, rng, taken), "evolution: random, no new child")

    def _parent(self, history: History, members: NDArray[np.int64], rng: np.random.Generator) -> int:
        """The tournament."""
        drawn = np.sort(rng.choice(members, self.sample, replace=False))
        losses = np.where(np.isnan(history.losses[drawn]), math.inf, history.losses[drawn])
        return int(drawn[int(np.argmin(losses))])

    def _child(
        self, members: FloatArray, parent: FloatArray, named: BoolArray, wider: float, rng: np.random.Generator
    ) -> FloatArray:
        """`(d,)` coordinates, those of every column, active or not.

        Args:
            members: `(n, d)` the population, in the order in which it ended.
            parent: `(d,)`.
            named: `(d,)` which columns hold categories.
            wider: factor of steps.
            rng: of the trial.
        """
        n, d = len(members), len(parent)
        unit, prior = parent.copy(), rng.random(d)
        for j in np.flatnonzero(np.isnan(unit)).tolist():
            there = members[~np.isnan(members[:, j]), j]
            unit[j] = there[-1] if len(there) else prior[j]
        changes = rng.random(d) < _MUTATED
        if d:
            changes[rng.integers(d)] = True
        # Numbers: the difference of two others, and a little of the prior's width so that no column is ever fixed.
        a, b = members[rng.choice(n, 2, replace=False)]
        difference = np.where(np.isnan(a) | np.isnan(b), 0.0, a - b)
        moved = unit + wider * (self.step * difference + 0.02 * rng.standard_normal(d))
        # Categories: half of them from another member, half from the prior.
        other = np.where((rng.random(d) < 0.5) & ~np.isnan(a), a, prior)
        return np.where(changes, np.where(named, other, _reflected(moved)), unit)


def _reflected(x: FloatArray) -> FloatArray:
    """Coordinates back in [0, 1], as light between two mirrors."""
    x = np.mod(np.abs(x), 2.0)
    return np.where(x > 1.0, 2.0 - x, x)


def _named(space: Space) -> BoolArray:
    return np.array([dist is not None and not dist.ordered for dist in space.distributions], dtype=bool)


def _newest(population: int) -> deque[int]:
    return deque(maxlen=population)


def _grow_old(alive: deque[int], history: History, _: type[Event], number: int) -> deque[int]:
    if history.state[number] != State.CANCELLED:
        alive.append(number)
    return alive
