"""Tree-structured Parzen estimator.

Bergstra, Bardenet, Bengio and Kegl 2011, "Algorithms for hyper-parameter optimization", section 4; joint densities
after Falkner, Klein and Hutter 2018 (BOHB); Watanabe 2023, "Tree-structured Parzen estimator: understanding its
algorithm components and their roles for better empirical performance", arXiv 2304.11127, for the components' names.

Finished trials are split by their loss y at a threshold y*.  Two Parzen mixtures (`_parzen`) describe where each group
lies,

    l(x) = p(x | y <= y*),    g(x) = p(x | y > y*),                                                            (1)

and expected improvement grows with their ratio (Bergstra et al., section 4.1):

    EI(x) ~ (gamma + (1 - gamma) g(x) / l(x))^-1.                                                              (2)

So candidates are drawn from l, and the one with the greatest log l - log g is proposed.  l and g are joint over all
columns of a tree: a column that is switched off contributes the factor 1.

What differs from the papers:

- Kernels of the good group are as wide as the gap to a neighbour and at least (k + 2)^-p with p = 1 from five columns
  up and 2 - (d - 1)/4 below; the bad group shares one bandwidth a column that follows Scott's rate.  Narrow floors with
  gaps in both groups, Watanabe's recommendation, are worse from five columns up: mean normalised regret (0 best known,
  1 random search) 0.71 / 0.44 / 0.32 after 25 / 50 / 100 evaluations against 0.59 / 0.39 / 0.24 (23 public tasks, 20
  seeds).  A shared bandwidth under narrow good kernels is no better than random search: kernels of the two must match.
- Bad are all that are not good: also what failed, was pruned or is running, which keeps parallel proposals apart.
- A configuration that was asked for before gives way to the next best candidate.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from parzen._typing import FloatArray
from parzen.algorithms._base import Ask, Pick, Proposal, Seen, proposal_of, row_key, seen, unseen_point
from parzen.algorithms._form import Form
from parzen.algorithms._kernel_row import KernelRow
from parzen.algorithms._parzen import (
    Mixture,
    gap_bandwidths,
    kernel_rows,
    log_density,
    point_rows,
    shared_bandwidths,
)
from parzen.algorithms._sobol import start_pick
from parzen.errors import AlgorithmError
from parzen.space import Space
from parzen.trials import Event, Finished, History, State

__all__ = ["TPE"]

_SHARE, _MOST = 0.10, 25
"""The good group: a tenth of what has a loss, and no more than this."""
_EARLY = 60
"""While fewer have a loss, the good group has one more, because one or two say little of where the others of their kind
lie.  Its kernels stay as wide as without, or a batch would crowd around the two.  Mean normalised regret after 50
evaluations is 0.37 with the one more and 0.40 without, and at 25 and 100 the same within the noise (23 public tasks, 30
seeds; 95 % interval of the difference at 50: 0.005 to 0.048)."""


@dataclass(frozen=True, slots=True)
class TPE:
    """Tree-structured Parzen estimator.

    `gamma`, `prior_weight`, `linear_forgetting` mean what they mean in Hyperopt, when they are given.

    Attributes:
        n_startup: so many trials are spread evenly at first: the middle of every range, then Sobol points.
        n_candidates: draws from the good density, of which the best is proposed.
        gamma: the good group has ceil(gamma * sqrt(n)) of n; None: a tenth of them, and one more while they are few.
        prior_weight: what the prior weighs against an observation.
        linear_forgetting: this many newest observations of the bad group have their full weight, and older ones less,
            down to 1/n; also the largest size of the good group.  None: nothing is forgotten, and the good group has 25
            at most.
        wide: broad kernels.  They are better alone and under noise; narrow ones search closer to what is known.
    """

    n_startup: int = 7
    n_candidates: int = 64
    gamma: float | None = None
    prior_weight: float = 1.0
    linear_forgetting: int | None = None
    wide: bool = True

    def __post_init__(self) -> None:
        # All of them now: a count that is no whole number would be found only after the start-up trials are paid for.
        for name, least in (("n_startup", 0), ("n_candidates", 1), ("linear_forgetting", 1)):
            value = getattr(self, name)
            whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= least
            if not (whole or (value is None and name == "linear_forgetting")):
                raise AlgorithmError(f"TPE's {name} is a whole number from {least} up, got {value!r:.80}")
        if not isinstance(self.wide, (bool, np.bool_)):
            raise AlgorithmError(f"TPE's wide is True or False, got {self.wide!r:.80}")
        for name in ("gamma", "prior_weight"):
            value = getattr(self, name)
            positive = (
                isinstance(value, (int, float, np.integer, np.floating))
                and not isinstance(value, bool)
                and 0.0 < value < math.inf
            )
            if not (positive or (value is None and name == "gamma")):
                raise AlgorithmError(f"TPE's {name} is positive and finite, got {value!r:.80}")

    def suggest(self, space: Space, history: History, ask: Ask) -> Proposal:
        """Points for `ask.numbers`; each of them counts as running for those after it."""
        return proposal_of(ask, lambda number, picks: self.pick(space, history, ask, number, picks))

    def pick(self, space: Space, history: History, ask: Ask, number: int, earlier: Sequence[Pick]) -> Pick:
        """The point for one number, given what the same ask has picked already."""
        known, rng = seen(history), ask.rng(number)
        memory = history.fold(self, lambda: _Memory(space, self), _take_loss, (Finished,))
        if history.asked + len(earlier) < self.n_startup:
            return start_pick(space, history, ask, number, earlier, "tpe")
        if memory.form.width == 1:
            return Pick.of(unseen_point(space, known, rng, [pick.key for pick in earlier]), "tpe: random, no columns")
        return self._propose(space, history, memory, rng, known, earlier)

    def _propose(
        self,
        space: Space,
        history: History,
        memory: _Memory,
        rng: np.random.Generator,
        known: Seen,
        earlier: Sequence[Pick],
    ) -> Pick:
        form, bad = memory.form, memory.bad
        best = memory.best[: self._size(memory.scored)]
        # The good group is often the same as at the last ask, and everything about it follows from these.
        group = (self._more(memory.scored), len(best), memory.best[: len(best) + 1])
        if memory.good is None or memory.group != group:
            memory.group, memory.good = group, self._good(form, history, best, memory.best[len(best) :], group[0])
        good = memory.good
        bad.extend(history.unit)
        kernels, weights = bad.without(history, [number for _, number in best], self.linear_forgetting)
        if earlier or bad.stride > 1:
            running = _running(space, history, bad.stride, earlier)
            if len(running):
                kernels = np.concatenate((kernels, bad.rows_of(running)))
                weights = np.append(weights, np.ones(len(running)))

        unit = good.sample(rng, self.n_candidates)
        x = point_rows(form, unit)
        score = good.log_density(x) - log_density(form, x, kernels, weights, self.prior_weight)
        score += math.log(float(weights.sum()) + self.prior_weight)  # g's weights sum to one: log l - log g of (2)

        taken = {pick.key for pick in earlier}
        order = np.argsort(-score, kind="stable")
        # Nearly always the first one is new, and only that one is turned into a point.
        for rows in (order[:1], order[1:]):
            points = space.from_unit(np.where(unit[rows] == unit[rows], unit[rows], 0.5))
            for i, row in enumerate(rows.tolist()):
                key = row_key(points.values[i])
                if key not in known.numbers and key not in taken:
                    return Pick(points[i : i + 1], key, "tpe", float(score[row]))
        return Pick.of(unseen_point(space, known, rng, sorted(taken)), "tpe: random, no new candidate")

    def _size(self, n: int) -> int:
        """How many of `n` trials with a loss are good."""
        share = _SHARE * n if self.gamma is None else self.gamma * math.sqrt(n)
        return min(math.ceil(share) + self._more(n), self.linear_forgetting or _MOST)

    def _more(self, n: int) -> int:
        """How many trials the good group has beyond its share of `n`."""
        return int(self.gamma is None and 0 < n < _EARLY)

    def scores(self, form: Form, history: History, numbers: Sequence[int], unit: FloatArray) -> FloatArray:
        """`(n,)` log l - log g at other coordinates `(n, d)`, of a model that knows these trials alone; up to a constant.

        Args:
            form: of the space.
            history: has the trials.
            numbers: of trials with a finite loss.
            unit: where.
        """
        ranked = sorted((float(history.losses[number]), number) for number in numbers)
        best, rest = ranked[: self._size(len(ranked))], ranked[self._size(len(ranked)) :]
        bad = _Bad(form, self.wide, self.prior_weight)
        others = history.unit[[number for _, number in rest]]
        bad.extend(others)
        x, kernels, weights = point_rows(form, unit), bad.rows_of(others), np.ones(len(rest))
        good = self._good(form, history, best, rest, self._more(len(ranked)))
        return good.log_density(x) - log_density(form, x, kernels, weights, self.prior_weight)

    def _good(
        self,
        form: Form,
        history: History,
        best: Sequence[tuple[float, int]],
        rest: Sequence[tuple[float, int]],
        more: int,
    ) -> Mixture:
        """l of (1), around the best trials, which weigh as much as they improve on the best of the rest."""
        unit = history.unit[[number for _, number in best]]
        ordered, named = form.counts(unit)
        room = np.maximum(ordered - more, 0.0) + 2.0
        if self.wide:
            # Few columns are filled by few points, so there kernels can be narrow early.
            dimension = float(ordered.sum()) / max(len(best), 1)
            least = np.maximum(0.01, room ** -max(1.0, 2.0 - (dimension - 1.0) / 4.0))
        else:
            least = np.maximum(0.03, room**-2)
        sigma = gap_bandwidths(unit[:, form.ordered], np.maximum(least, form.half_cells(unit)))
        weights = np.ones(len(best))
        if best and rest:
            improvement = [max(rest[0][0] - loss, 1e-300) for loss, _ in best]
            mean = math.fsum(improvement) / len(best) if max(improvement) < 1e300 else math.inf
            if mean < math.inf:
                weights = np.array(improvement) / mean
        return Mixture(form, unit, sigma, _pseudo(form, named, self.prior_weight), weights, self.prior_weight)


def _pseudo(form: Form, counts: FloatArray, prior_weight: float) -> FloatArray:
    """`(q,)` weight of the prior against one of `counts` observations, in each column of categories.

    A category of the prior counts `prior_weight`, as in Hyperopt.
    """
    return prior_weight * form.options / (counts + 1.0)


_BESIDE = 256
"""Of the same ask so many keep others away: with all of them an ask for thousands would take as many times as long for each."""


def _running(space: Space, history: History, stride: int, earlier: Sequence[Pick]) -> FloatArray:
    """`(r, d)` coordinates of what nobody knows the loss of yet and the bad group has not: see `_Bad`."""
    parts = [space.to_unit(pick.point) for pick in earlier[-_BESIDE:]]
    if stride > 1 and history.count(State.WAITING, State.RUNNING):
        numbers = np.flatnonzero(history.state <= State.RUNNING)
        parts.append(history.unit[numbers[numbers % stride > 0][-_Bad.LIMIT :]])
    return np.concatenate(parts) if parts else np.empty((0, space.d))


# --- what is remembered -----------------------------------------------------------------------------------------


class _Memory:
    """Folded from the history.

    Args:
        space: of the study.
        settings: of the algorithm.

    Attributes:
        best: (loss, number) of the best, in order; of equals the older first.
        scored: number of trials with a finite loss, and of those that were pruned, which are worse than they.
        bad: kernels of everything that was asked for.
        good: the good group's mixture as it was last needed, and `group` what it was made from.
    """

    def __init__(self, space: Space, settings: TPE) -> None:
        self.form = Form(space)
        self.keep = (settings.linear_forgetting or _MOST) + 1
        self.best: list[tuple[float, int]] = []
        self.scored = 0
        self.group: tuple[int, int, list[tuple[float, int]]] = (0, 0, [])
        self.good: Mixture | None = None
        self.bad = _Bad(self.form, settings.wide, settings.prior_weight)


def _take_loss(memory: _Memory, history: History, _: type[Event], number: int) -> _Memory:
    loss = float(history.losses[number])
    if math.isfinite(loss):
        memory.scored += 1
        insort(memory.best, (loss, number))
        del memory.best[memory.keep :]
    elif history.state[number] == State.PRUNED:
        memory.scored += 1
    return memory


class _Bad:
    """Kernels of all trials, kept from ask to ask; g of (1) is what remains without the good ones.

    What a kernel looks like depends on the number of trials only, never on when it was asked for: bandwidths are
    computed anew whenever there are 15 % more trials, and beyond 2 048 trials only every second one has a kernel,
    beyond 4 096 every fourth and so on, which stands for its neighbours.
    """

    LIMIT = 2048
    _FIRST, _GROWTH = 16, 1.15

    def __init__(self, form: Form, wide: bool, prior_weight: float) -> None:
        self.form, self._wide, self._prior_weight = form, wide, prior_weight
        self.stride = 1
        self._n = -1  # fewer than none: what is asked for before anything was tried needs bandwidths as well
        self._due, self._next = -1, self._FIRST  # trials that the bandwidths were and will be computed from
        self._m = 0
        # Products over a tree take single columns of this, which are in one piece then.
        self._order: Literal["C", "F"] = "F" if len(form.doubtful) else "C"
        self._rows = np.empty((0, form.width + 2 * len(form.large)), order=self._order)
        self._sigma = np.empty(len(form.ordered))
        self._pseudo = np.empty(len(form.named))
        self._single: KernelRow | None = None

    def extend(self, unit: FloatArray) -> None:
        """Take in new rows of `(n, d)` coordinates."""
        n = len(unit)
        if n == self._n:
            return
        due, stride = self._due, self.stride
        while self._next <= n:
            due, self._next = self._next, math.ceil(self._next * self._GROWTH)
        if n < self._FIRST:
            due = n
        while n > stride * self.LIMIT:
            stride *= 2
        if (due, stride) != (self._due, self.stride):
            self._due, self.stride = due, stride
            self._fit(unit[:due:stride])
            self._m = 0
            new = unit[::stride]
        else:
            new = unit[self._m * stride :: stride]
        if len(new):
            if self._m + len(new) > len(self._rows):
                grown = np.empty((min(2 * (self._m + len(new)), self.LIMIT), self._rows.shape[1]), order=self._order)
                grown[: self._m] = self._rows[: self._m]
                self._rows = grown
            self._rows[self._m : self._m + len(new)] = self.rows_of(new)
            self._m += len(new)
        self._n = n

    def _fit(self, unit: FloatArray) -> None:
        ordered, named = (float(self.stride) * count for count in self.form.counts(unit))
        dimension = float(ordered.sum()) / (self.stride * max(len(unit), 1))
        scale = (0.2 if self._wide else 0.05) * min(1.0, max(dimension, 1.0) / 4.0)
        self._sigma = shared_bandwidths(ordered, dimension, scale, 0.03)
        self._pseudo = _pseudo(self.form, named, self._prior_weight)
        self._single = KernelRow(self.form, self._sigma, self._pseudo)

    def rows_of(self, unit: FloatArray) -> FloatArray:
        """Kernels of coordinates `(m, d)`, as the group's own."""
        if len(unit) == 1 and self._single is not None:  # nearly always: the trial since the last ask
            return self._single.of(unit[0])[None, :]
        sigma = np.empty((len(unit), len(self._sigma)))
        np.maximum(self._sigma, self.form.half_cells(unit), out=sigma)
        return kernel_rows(self.form, unit, sigma, self._pseudo)

    def without(self, history: History, good: Sequence[int], forgetting: int | None) -> tuple[FloatArray, FloatArray]:
        """Kernels and their weights `(m,)`, 0 for the good and for what was taken back.

        Args:
            history: the same that the rows came from.
            good: numbers of the good group.
            forgetting: see `TPE.linear_forgetting`.
        """
        weights = np.full(self._m, float(self.stride))
        if forgetting is not None and self._n > forgetting:
            numbers = np.arange(self._m) * self.stride
            weights *= np.interp(numbers, [0.0, self._n - forgetting], [1.0 / self._n, 1.0])
        weights[[number // self.stride for number in good if number % self.stride == 0]] = 0.0
        if history.count(State.CANCELLED):
            weights[history.state[:: self.stride] == State.CANCELLED] = 0.0
        return self._rows[: self._m], weights
