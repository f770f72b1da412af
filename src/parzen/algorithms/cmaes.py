"""Covariance matrix adaptation, by the package `cmaes` (pip install 'parzen[cmaes]').

Hansen 2016, "The CMA evolution strategy: a tutorial", arXiv 1604.00772: a normal distribution over the unit cube is moved,
scaled and turned towards the better half of each generation.  What the papers add for other columns than floats:

- ordered columns of up to 64 evenly weighted values (few integers, steps): the margin of Hamano, Saito, Nomura and
  Shirakawa 2022, "CMA-ES with margin", which keeps neighbouring values reachable however narrow the normal has become.
  Longer ones, and those on a log scale, are as good as continuous;
- categories: a distribution for each column, independent of all others, that is drawn towards the better half as well
  (Baluja 1994, "Population-based incremental learning"), and never lets an option die out (the margin of Hamano et al.
  2024, "CatCMA: stochastic optimization for mixed-category problems");
- conditional columns: the normal is over all numbers of the tree.  Where a column is inactive, the trial stands at the
  draw that it would have had there, which selects for nothing.

The search starts anew from a random place with twice the population when it does not get better any more (Auger and
Hansen 2005, "A restart CMA evolution strategy with increasing population size").

A generation is as many finished trials as the population has, whoever proposed them and in the order in which they ended,
so nothing waits for a slow trial and nothing is lost of a trial that comes late, was enqueued or came from another
algorithm (Hansen 2011, "Injecting external solutions into CMA-ES", arXiv 1110.4181: none may pull farther than twice as far
as the distribution's own draws reach).  Losses count by their ranks alone; a trial without one is the last.

Nothing is kept but what the log gives again: the state is folded from it, and the draws come from the trials' own streams.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parzen._lazy import require
from parzen._typing import FloatArray
from parzen.algorithms._base import Ask, Pick, Proposal, proposal_of, row_key, seen, unseen_point
from parzen.algorithms._threads import one_blas_thread
from parzen.errors import AlgorithmError, MissingDependency
from parzen.space import Distribution, Points, Space
from parzen.trials import Asked, Event, Finished, History, State

__all__ = ["CMAES"]

_TRIES = 8
"""Draws before the prior has its turn, where all were tried before."""
_MARGIN_UP_TO = 64
_RATE = 0.3
"""How far a generation moves the distribution of a column of categories."""
_FLAT = 1e-7
"""A generation within so small a cube has nothing more to find there."""
_RESTART = 0xC3AE5  # keeps this use of a study's seed apart from others


@dataclass(frozen=True, slots=True)
class CMAES:
    """Covariance matrix adaptation, with margin for integers.

    Attributes:
        population: trials in a generation, from 4 up; None for 4 + 3 ln(columns).
        sigma: standard deviation at the start, in quantiles of the prior, in (0, 1].
        restarts: start anew, with twice the population, when nothing gets better any more.
    """

    population: int | None = None
    sigma: float = 1.0 / 6.0
    restarts: bool = True

    def __post_init__(self) -> None:
        size = self.population
        if size is not None and (isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 4):
            raise AlgorithmError(f"CMAES's population is a whole number from 4 up, or None, got {size!r:.80}")
        number = isinstance(self.sigma, (int, float, np.integer, np.floating)) and not isinstance(self.sigma, bool)
        if not (number and 0.0 < self.sigma <= 1.0):
            raise AlgorithmError(f"CMAES's sigma is a number in (0, 1], got {self.sigma!r:.80}")
        if not isinstance(self.restarts, bool):
            raise AlgorithmError(f"CMAES's restarts is True or False, got {self.restarts!r:.80}")

    def suggest(self, space: Space, history: History, ask: Ask) -> Proposal:
        """Points for `ask.numbers`, all drawn from the present generation.

        Raises:
            MissingDependency: the package `cmaes` is not installed.
        """
        # Two studies may share a history's folds only if they draw the same restarts, hence the seed.
        search = history.fold((self, ask.seed), lambda: _Search(self, space, ask.seed), _note, (Asked, Finished))
        with one_blas_thread():
            search.advance(history, ask.rng)
        return proposal_of(ask, lambda number, picks: self._pick(space, history, search, ask, number, picks))

    def _pick(
        self, space: Space, history: History, search: _Search, ask: Ask, number: int, earlier: Sequence[Pick]
    ) -> Pick:
        known, taken = seen(history), [pick.key for pick in earlier]
        rng = ask.rng(number)
        if search.columns.none:
            return Pick.of(unseen_point(space, known, rng, taken), "cmaes: random, nothing to adapt")
        for _ in range(_TRIES):
            point = search.draw(space, rng)[0]
            key = row_key(point.values[0])
            if key not in known.numbers and key not in taken:
                return Pick(point, key, search.name)
        return Pick.of(unseen_point(space, known, rng, taken), "cmaes: random, nothing new nearby")


class _Columns:
    """Which columns are what.

    Attributes:
        numbers: `(m,)` that the normal distribution is over.
        low, high, step: `(m,)` its bounds; the step is 0 where continuous.
        named: `(q,)` columns of categories.
        priors: for each of these the probabilities of its options.
        centres: for each of these the quantiles that stand for its options.
    """

    def __init__(self, space: Space) -> None:
        numbers: list[int] = []
        named: list[int] = []
        grid: list[int] = []
        self.priors: list[FloatArray] = []
        self.centres: list[FloatArray] = []
        for j, distribution in enumerate(space.distributions):
            if distribution is None or (distribution.ordered and distribution.size != 1):
                numbers.append(j)
                grid.append(0 if distribution is None else _evenly(distribution))
            elif distribution.size is not None and distribution.size > 1:
                below, above = distribution.cell(np.arange(distribution.size, dtype=np.float64))
                named.append(j)
                self.priors.append(above - below)
                self.centres.append(0.5 * (below + above))
        self.numbers, self.named = np.array(numbers, dtype=np.intp), np.array(named, dtype=np.intp)
        count = np.array(grid, dtype=np.float64)
        self.step = np.where(count > 0, 1.0 / np.maximum(count, 1.0), 0.0)
        self.low, self.high = 0.5 * self.step, 1.0 - 0.5 * self.step

    @property
    def none(self) -> bool:
        return len(self.numbers) + len(self.named) == 0


def _evenly(distribution: Distribution) -> int:
    """How many values a distribution has, if they are few and weigh the same; else 0."""
    size = distribution.size
    if size is None or size > _MARGIN_UP_TO:
        return 0
    below, above = distribution.cell(distribution.values())
    return size if np.allclose(above - below, 1.0 / size, rtol=1e-6, atol=0.0) else 0


class _Search:
    """Folded from the history: the distribution that the next trial is drawn from.

    Args:
        settings: of the algorithm.
        space: of the study.
        seed: of the study.
    """

    def __init__(self, settings: CMAES, space: Space, seed: int) -> None:
        self.columns = _Columns(space)
        self._settings, self._seed = settings, seed
        self._new: list[tuple[bool, int]] = []
        self._asked_in: dict[int, tuple[int, int]] = {}
        self.run = 0
        self._begin(np.full(len(self.columns.numbers), 0.5))

    def _begin(self, mean: FloatArray) -> None:
        columns, m = self.columns, len(self.columns.numbers)
        first = self._settings.population or 4 + math.floor(3.0 * math.log(max(m + len(columns.named), 1)))
        self.size = first * 2**self.run
        self.generation = 0
        self._ended: list[int] = []
        self._best, self._since = math.inf, 0
        self._shares = [prior.copy() for prior in columns.priors]
        self._normal = _Normal(columns, mean, self._settings.sigma, self.size) if m else None

    @property
    def name(self) -> str:
        """The source of a trial that is drawn now."""
        restart = f", restart {self.run}" if self.run else ""
        return f"cmaes: generation {self.generation}{restart}"

    def note(self, asked: bool, number: int) -> None:
        """One more entry.  What follows from it needs the trials' streams, which an ask has."""
        self._new.append((asked, number))

    def advance(self, history: History, rng: Callable[[int], np.random.Generator]) -> None:
        """Take in what is new, entry by entry, so that the outcome does not depend on who asked in between."""
        entries, self._new = self._new, []
        if self.columns.none:
            return
        for asked, number in entries:
            if asked:
                self._asked_in[number] = self.run, self.generation
            elif history.state[number] == State.CANCELLED:
                self._asked_in.pop(number, None)
            else:
                self._ended.append(number)
                if len(self._ended) >= self.size:
                    self._learn(history, rng)

    def draw(self, space: Space, rng: np.random.Generator) -> tuple[Points, FloatArray, FloatArray]:
        """A point; its numbers `(m,)` as quantiles, and as the normal distribution drew them."""
        columns = self.columns
        unit = np.full(space.d, 0.5)
        x = raw = np.empty(0)
        if self._normal is not None:
            x, raw = self._normal.draw(rng)
            unit[columns.numbers] = x
        if len(columns.named):
            for j, share, centre, u in zip(
                columns.named.tolist(), self._shares, columns.centres, rng.random(len(columns.named)), strict=True
            ):
                code = min(int(np.searchsorted(np.cumsum(share), u, side="right")), len(share) - 1)
                while share[code] == 0.0:  # rounding must not reach an option of weight zero
                    code -= 1
                unit[j] = centre[code]
        return space.from_unit(unit[None, :]), x, raw

    def _learn(self, history: History, rng: Callable[[int], np.random.Generator]) -> None:
        """A generation is complete."""
        numbers, self._ended = self._ended, []
        losses = np.where(np.isnan(history.losses[numbers]), np.inf, history.losses[numbers])
        ranks = np.unique(losses, return_inverse=True)[1].reshape(-1).astype(np.float64)
        flat = True
        if self._normal is not None:
            drawn, x, own = [], [], []
            for number in numbers:
                raw, point, is_own = self._place(history, number, rng(number))
                drawn.append(raw)
                x.append(point)
                own.append(is_own)
            rows = self._normal.within_reach(np.array(x), np.array(drawn), np.array(own))
            flat = bool((np.ptp(rows, axis=0) < _FLAT).all())
            self._normal.learn(rows, ranks)
        self._learn_names(history, numbers, ranks)
        for number in numbers:
            self._asked_in.pop(number, None)
        best = float(losses.min())
        self._since = 0 if best < self._best else self._since + 1
        self._best = min(best, self._best)
        self.generation += 1
        patience = 10 + math.ceil(30 * (len(self.columns.numbers) + len(self.columns.named)) / self.size)
        stuck = self._since >= patience or (self._normal is not None and (flat or self._normal.ended))
        if self._settings.restarts and stuck:
            self.run += 1
            self._begin(np.random.default_rng((self._seed, _RESTART, self.run)).random(len(self.columns.numbers)))

    def _place(self, history: History, number: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray, bool]:
        """Where a trial stands `(m,)`: a draw of the present distribution, the trial's place, and whether that is the draw.

        The very draw that the trial came from where it is of this generation, which knows what rounding and inactive
        columns hide; else the trial's own coordinates, and another draw where it has none.
        """
        assert self._normal is not None
        space = history.space
        unit = history.unit[number, self.columns.numbers]
        known = ~np.isnan(unit)
        first = None
        current = self._asked_in.get(number) == (self.run, self.generation)
        for _ in range(_TRIES if current else 1):
            _, x, raw = self.draw(space, rng)
            first = raw if first is None else first
            if current and np.allclose(x[known], unit[known], rtol=0.0, atol=1e-9):
                return raw, raw, True
        assert first is not None
        return first, np.where(known, unit, first), False

    def _learn_names(self, history: History, numbers: Sequence[int], ranks: FloatArray) -> None:
        """Shares of options move towards those of the better half, by the weights of the tutorial's equation 49."""
        if not len(self.columns.named):
            return
        order = np.argsort(ranks, kind="stable")
        place = np.empty(len(order))
        place[order] = np.arange(1, len(order) + 1)
        weights = np.maximum(math.log((len(order) + 1) / 2) - np.log(place), 0.0)
        floor = 1.0 - 0.73 ** (1.0 / len(self.columns.named))
        for k, (j, prior) in enumerate(zip(self.columns.named.tolist(), self.columns.priors, strict=True)):
            codes = history.values[numbers, j]
            active = ~np.isnan(codes)
            total = float(weights[active].sum())
            if total == 0.0:  # no good trial has the column
                continue
            chosen = np.bincount(codes[active].astype(np.intp), weights[active], len(prior)) / total
            # Trials that lack the column say nothing, so a column that is often inactive moves more slowly.
            rate = _RATE * total / float(weights.sum())
            share = (1.0 - rate) * self._shares[k] + rate * chosen
            least = floor / max(len(prior) - 1, 1)
            share = np.where(prior > 0.0, np.maximum(share, np.minimum(least, prior)), 0.0)
            self._shares[k] = share / share.sum()


class _Normal:
    """The package's own object, and how we speak with it.

    Args:
        columns: of the space.
        mean: `(m,)` quantiles to start from.
        sigma: standard deviation to start from.
        size: of the population.
    """

    def __init__(self, columns: _Columns, mean: FloatArray, sigma: float, size: int) -> None:
        package: Any = _package()
        bounds = np.stack([columns.low, columns.high], axis=1)
        mean = np.clip(mean, columns.low, columns.high)
        self._margin = bool((columns.step > 0).any())
        made = package.CMAwM if self._margin else package.CMA  # the former loads scipy.stats
        more = {"steps": columns.step} if self._margin else {}
        # A draw outside is drawn anew, whole.  In many columns nearly every draw is outside somewhere, and is clipped.
        tries = max(2, 200 // len(mean))
        self._cma = made(mean, sigma, bounds=bounds, n_max_resampling=tries, population_size=size, **more)

    def draw(self, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """A draw `(m,)`, rounded to what the columns can be; and as it was drawn."""
        self._cma.reseed_rng(int(rng.integers(2**32)))
        x, raw = self._cma.ask() if self._margin else (self._cma.ask(),) * 2
        return x, raw

    def within_reach(self, x: FloatArray, drawn: FloatArray, own: NDArray[np.bool_]) -> FloatArray:
        """Places `(n, m)`, those that are not of this distribution drawn towards its mean if they are far away."""
        reach = 2.0 * np.abs(drawn - self._cma.mean).max(axis=0)
        far = np.abs(x - self._cma.mean) / np.maximum(reach, 1e-300)
        shrink = 1.0 / np.maximum(far.max(axis=1), 1.0)
        return np.where(own[:, None], x, self._cma.mean + shrink[:, None] * (x - self._cma.mean))

    def learn(self, x: FloatArray, ranks: FloatArray) -> None:
        """Adapt to a generation `(n, m)`, the lower rank the better."""
        self._cma.tell(list(zip(x, ranks.tolist(), strict=True)))

    @property
    def ended(self) -> bool:
        """Whether the package's own criteria say that no more is to be had."""
        return bool(self._cma.should_stop())


def _package() -> Any:  # it has types, but they are not needed
    try:
        return require("cmaes", "'parzen[cmaes]'")
    except MissingDependency as error:
        raise MissingDependency(f"the algorithm CMAES: {error}", module="cmaes") from error


def _note(search: _Search, history: History, kind: type[Event], number: int) -> _Search:
    search.note(kind is Asked, number)
    return search
