"""Whether a configuration will fail, learnt by a second Gaussian process.

Gelbart, Snoek and Adams 2014, "Bayesian optimization with unknown constraints", arXiv 1403.5607: improvement is multiplied
by the chance of success, and is looked for where that chance is high enough.  Both are needed.  Losses are not known where
everything fails, so that a process may expect any improvement there; and where nothing is left to gain elsewhere, any
chance of it, however small, would be taken again and again.

The process is a regression on labels, +1 for what succeeded and -1 for what failed (Rasmussen and Williams 2006, section
6.5): it needs nothing that `_model` has not.  Its noise says how much of failing is chance.  Where failing depends on the
configuration alone, that becomes small, and a border is narrowed down from the side of success; where it is chance, the
chance is much the same everywhere.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import log_ndtr

from parzen._typing import FloatArray
from parzen.algorithms.gp._kernel import Encoding
from parzen.algorithms.gp._model import NOISE, Model, Prior, fit

__all__ = ["Success", "fit_success"]

_HALF_LOG_TAU = 0.5 * math.log(2.0 * math.pi)
_BORDER = 0.35
"""Standard deviation of a label that no process can know of: between a success and a failure a border is anywhere."""
_ENOUGH, _LENIENCE = 0.8, 0.3
"""Chance of success that is high enough, as a share of the highest that there is: so much where failing is no chance at all, and
so much less where it is nothing else, because there every pattern in the chance is an accident."""
_ATTAINED = 0.9
"""Quantile of the chances of what has succeeded that counts as the highest: where failing is chance, all are much the same, and
where there is a border, most of what has succeeded lies close to it."""
_BARRIER, _RAMP = 1e4, 20.0
"""Slopes by the log of a chance that is not high enough: of the score, steeper than any improvement; and of what is climbed,
where so sharp a bend would cost each step a dozen tries."""


def fit_success(
    encoding: Encoding, good: FloatArray, failed: FloatArray, prior: Prior, starts: list[FloatArray], iterations: int
) -> FloatArray:
    """`(t,)` the hyperparameters of the labels' process; see `_model.fit`.

    Args:
        encoding: of the space.
        good, failed: rows `(n, d)` of coordinates.
        prior, starts, iterations: of the hyperparameters.
    """
    rows, z = _labelled(good, failed)
    return fit(encoding, encoding.inputs(rows), z, np.zeros(len(z)), prior, starts, iterations)


class Success:
    """What the chance of success adds to a log of expected improvement.

    Args:
        encoding: of the space.
        theta: from `fit_success`.
        good, failed: rows `(n, d)` of coordinates, at least one of each.
    """

    def __init__(self, encoding: Encoding, theta: FloatArray, good: FloatArray, failed: FloatArray) -> None:
        rows, z = _labelled(good, failed)
        self._encoding, self._variance = encoding, math.exp(theta[NOISE]) + _BORDER**2
        self._model = Model(encoding, theta, encoding.inputs(rows), z, np.zeros(len(z)))
        best = float(log_ndtr(1.0 / math.sqrt(self._variance)))  # where nothing but chance is left
        share = _ENOUGH - _LENIENCE * min(math.exp(theta[NOISE]), 1.0)
        self._enough = math.log(share) + min(best, float(np.quantile(self.log_chance(good), _ATTAINED)))

    def log_chance(self, unit: FloatArray) -> FloatArray:
        """`(m,)` log of the chance that rows `(m, d)` succeed."""
        mean, deviation = self._model.predict(self._encoding.inputs(unit))
        return np.asarray(log_ndtr(mean / np.sqrt(deviation**2 + self._variance)))

    def __call__(self, unit: FloatArray) -> FloatArray:
        """`(m,)` what is added for rows `(m, d)`."""
        value = self.log_chance(unit)
        return np.asarray(value + _BARRIER * np.minimum(value - self._enough, 0.0))

    def with_slope(self, unit: FloatArray) -> tuple[FloatArray, FloatArray]:
        """What is climbed in its place, for rows `(m, d)`, and its derivatives `(m, o)` by the ordered coordinates."""
        mean, deviation, by_mean, by_deviation = self._model.predict_with_gradient(unit)
        variance = deviation**2 + self._variance
        t = mean / np.sqrt(variance)
        value = log_ndtr(t)
        rate = np.exp(-0.5 * t * t - _HALF_LOG_TAU - value)  # the derivative of log Phi
        slope = by_mean / np.sqrt(variance)[:, None] - (mean * deviation / variance**1.5)[:, None] * by_deviation
        steep = 1.0 + _RAMP * (value < self._enough)
        return value + _RAMP * np.minimum(value - self._enough, 0.0), (steep * rate)[:, None] * slope


def _labelled(good: FloatArray, failed: FloatArray) -> tuple[FloatArray, FloatArray]:
    return np.concatenate((good, failed)), np.concatenate((np.ones(len(good)), -np.ones(len(failed))))
