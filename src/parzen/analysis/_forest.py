"""A forest over a space: what losses to expect anywhere, and how sure that is.

Breiman 2001, "Random forests", by scikit-learn.  Rows are quantiles, so that the prior is uniform on [0, 1] in every column;
a column that is inactive is -1, which one split tells from every value.

There are several small forests instead of one, each fitted to a resample of the trials: what they disagree about is what
the trials leave open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from parzen._lazy import require
from parzen._magnitude import bounded
from parzen._typing import FloatArray, IntArray
from parzen.analysis._source import scored
from parzen.analysis._spread import spread_out
from parzen.trials import History

__all__ = ["FORESTS", "Forest", "far_out"]

FORESTS = 16
_TREES = 8
_OFF = -1.0
_LEAST = 10


@dataclass(frozen=True, slots=True)
class Forest:
    """Forests that are fitted to the losses of a study.

    Attributes:
        numbers: `(m,)` of the trials.
        explained: share of the losses' variance that is predicted on trials that a forest has not seen, from 0 to 1.
        shadow: whether the last column is one of random numbers that mean nothing.
    """

    numbers: IntArray
    explained: float
    shadow: bool
    _forests: tuple[Any, ...]  # of scikit-learn, which has no types

    @classmethod
    def of(cls, history: History, *, shadow: bool = False, seed: int = 0) -> Forest:
        """Fit to the trials with a finite loss that are spread out, at most 3000.

        Raises:
            MissingDependency: scikit-learn is not installed.
            StudyError: fewer than ten trials have a finite loss.
        """
        ensemble: Any = require("sklearn.ensemble", '"parzen[sklearn]"')  # has no types
        rng = np.random.default_rng(seed)
        numbers = scored(history, _LEAST)
        some = spread_out(history, numbers, seed)
        numbers = some if len(some) >= _LEAST else numbers
        y, x = far_out(history.losses[numbers]), _inputs(history.unit[numbers])
        if shadow:
            x = np.column_stack((x, rng.random(len(x))))
        forests, told, votes = [], np.zeros(len(y)), np.zeros(len(y))
        for _ in range(FORESTS):
            rows = rng.integers(len(y), size=len(y))
            # Splits at random places: smoother between trials than the best splits, which lie in the middle of gaps.
            forest = ensemble.ExtraTreesRegressor(
                _TREES, min_samples_leaf=2, max_features=0.7, random_state=int(rng.integers(2**31 - 1))
            )
            forests.append(forest.fit(x[rows], y[rows]))
            unseen = np.setdiff1d(np.arange(len(y)), rows)
            if len(unseen):
                told[unseen] += forest.predict(x[unseen])
                votes[unseen] += 1
        known = votes > 0
        error = np.mean((told[known] / votes[known] - y[known]) ** 2)
        variance = float(np.var(y))
        explained = float(np.clip(1.0 - error / variance, 0.0, 1.0)) if variance > 0 else 0.0
        return cls(numbers, explained, shadow, tuple(forests))

    def predict(self, unit: FloatArray) -> FloatArray:
        """`(m, FORESTS)` losses, to be minimised, that each forest expects of rows `(m, d)` of quantiles, NaN where inactive."""
        x = _inputs(unit)
        return np.column_stack([forest.predict(x) for forest in self._forests])


def _inputs(unit: FloatArray) -> FloatArray:
    return np.where(np.isnan(unit), _OFF, unit)


def far_out(losses: FloatArray) -> FloatArray:
    """Losses of which those that are far out are as bad as the fence, so that one that diverged does not decide everything.

    Tukey 1977, "Exploratory data analysis": far out is what lies beyond three times the quartiles' distance.
    """
    losses = bounded(losses)
    low, high = np.quantile(losses, [0.25, 0.75])
    fence = high + 3.0 * (high - low)
    return np.asarray(np.minimum(losses, fence) if high > low else losses, dtype=np.float64)
