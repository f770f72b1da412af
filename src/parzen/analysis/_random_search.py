"""How far random search would be after as many trials.

Where a random search was made, its trials say so.  Where none was, a Gaussian process says what losses draws from the prior
would have: its mean, what it does not know, and the noise.  From the distribution of one loss follows that of the best
of k: the chance that it is above x is the k-th power of the chance that one is.  A process has no bounds: what it is unsure
of lies on either side, and would put a loss that is never negative below zero.  So the best loss that was seen is the best
that it lets random search find.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from parzen._typing import FloatArray
from parzen.algorithms.gp import Belief
from parzen.analysis._source import scored
from parzen.trials import History

__all__ = ["RandomSearch", "random_search"]

_DRAWS = 4000


@dataclass(frozen=True, slots=True)
class RandomSearch:
    """The best loss of a random search, to be minimised.

    Attributes:
        trials: `(k,)` after how many trials.
        median, low, high: `(k,)` of the best loss, and the bounds that four of five searches stay within.
        estimated: whether a model says so, and not a search that was made; then nothing is below the best loss of the study.
    """

    trials: FloatArray
    median: FloatArray
    low: FloatArray
    high: FloatArray
    estimated: bool


def random_search(history: History, trials: int, made: History | None = None, seed: int = 0) -> RandomSearch | None:
    """The best loss of random search after 1 to `trials` trials; None where there is too little to tell.

    Args:
        history: of the study.
        trials: up to how many.
        made: a random search on the same objective; its losses are the distribution.
        seed: of the draws.
    """
    if made is not None:
        finite = scored(made)
        sample = np.full(len(made), np.inf)
        sample[finite] = made.losses[finite]
        return _best_of(np.sort(sample), min(trials, len(sample)), estimated=False)  # nobody knows what more would find
    belief = Belief.of(history, everywhere=True)
    if belief is None:
        return None
    rng = np.random.default_rng(seed)
    space = history.space
    mean, deviation = belief.expect(space.to_unit(space.sample(rng, _DRAWS)))
    wide = np.sqrt(deviation**2 + belief.noise**2)
    drawn = belief.losses(mean + wide * rng.standard_normal(_DRAWS))
    seen = float(history.losses[scored(history)].min())
    return _best_of(np.sort(np.maximum(drawn, seen)), trials, estimated=True)


def _best_of(sample: FloatArray, trials: int, *, estimated: bool) -> RandomSearch:
    steps = np.unique(np.round(np.geomspace(1, max(trials, 1), 120))).astype(np.float64)

    def quantile(p: float) -> FloatArray:
        # P(best of k <= x) = p  <=>  F(x) = 1 - (1 - p)^(1/k)
        share = -np.expm1(np.log1p(-p) / steps)
        return np.asarray(sample[np.minimum((share * len(sample)).astype(np.int64), len(sample) - 1)])

    return RandomSearch(steps, quantile(0.5), quantile(0.1), quantile(0.9), estimated)
