"""Log expected improvement.

Ament, Daulton, Eriksson, Balandat and Bakshy 2023, "Unexpected improvements to expected improvement for Bayesian
optimization", arXiv 2310.20708, equations (8) and (9): the logarithm, computed without underflow, has a slope to follow
where expected improvement itself is 0 to the last bit.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import erfcx, log_ndtr

from parzen._typing import FloatArray

__all__ = ["log_expected_improvement", "log_expected_improvement_slopes"]

_HALF_LOG_TAU = 0.5 * math.log(2.0 * math.pi)


def log_expected_improvement(mean: FloatArray, deviation: FloatArray, incumbent: float) -> FloatArray:
    """`(m,)` log E[max(incumbent - f, 0)] of normals with these means and standard deviations `(m,)`."""
    return np.log(deviation) + _log_h((incumbent - mean) / deviation)


def log_expected_improvement_slopes(
    mean: FloatArray, deviation: FloatArray, incumbent: float
) -> tuple[FloatArray, FloatArray]:
    """`(m,)` derivatives by the mean and by the standard deviation: -Phi(t)/(s h(t)) and phi(t)/(s h(t))."""
    t = (incumbent - mean) / deviation
    log_h = _log_h(t)
    with np.errstate(over="ignore"):
        by_mean = -np.exp(log_ndtr(t) - log_h) / deviation
        by_deviation = np.exp(-0.5 * t * t - _HALF_LOG_TAU - log_h) / deviation
    return by_mean, by_deviation


def _log_h(t: FloatArray) -> FloatArray:
    """log of h(t) = phi(t) + t Phi(t)."""
    result = np.empty_like(t)
    near = t > -1.0
    x = t[near]
    result[near] = np.log(np.exp(-0.5 * x * x - _HALF_LOG_TAU) + x * np.exp(log_ndtr(x)))
    x = t[~near]
    # 1 + t sqrt(pi/2) erfcx(-t/sqrt 2) = 1/t^2 - 3/t^4 + …, which cancels far out.
    inner = np.where(
        x > -1e3,
        1.0 + np.maximum(x, -1e3) * math.sqrt(0.5 * math.pi) * erfcx(-np.maximum(x, -1e3) / math.sqrt(2.0)),
        (1.0 - 3.0 / (x * x)) / (x * x),
    )
    result[~near] = -0.5 * x * x - _HALF_LOG_TAU + np.log(inner)
    return result
