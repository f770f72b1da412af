"""Acquisition criteria under Hyperopt's names: how much a point with an uncertain outcome promises.

Here larger outcomes are better.  With s = (mean - thresh) / sigma, the standard normal's density p and distribution
function P, the expected improvement is sigma h(s),

    h(s) = p(s) + s P(s),                                                                                          (1)

(Mockus, Tiesis and Zilinskas 1978).  Far below the threshold the two terms cancel and then underflow; there the tail's
asymptotic series is used,

    h(s) = p(s) / s^2 (1 - 3 / s^2 + 3 5 / s^4 - 3 5 7 / s^6 + ...).                                               (2)
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from parzen._typing import FloatArray
from parzen.space import ndtr

__all__ = ["EI_empirical", "EI_gaussian", "EI_gaussian_empirical", "UCB", "logEI_gaussian"]

_Value: TypeAlias = Any
"""A float for numbers, an array for arrays."""

_FAR = -25.0
"""Below, eight terms of (2) are exact to rounding; above, (1) loses at most 13 bits of 53."""
_HALF_LOG_TAU = 0.5 * math.log(2.0 * math.pi)


def EI_empirical(samples: ArrayLike, thresh: float) -> float:  # noqa: N802  # Hyperopt's own spelling
    """Mean improvement of samples over a threshold."""
    return float(np.maximum(np.asarray(samples, dtype=np.float64) - thresh, 0.0).mean())


def EI_gaussian_empirical(  # noqa: N802
    mean: float,
    var: float,
    thresh: float,
    rng: np.random.Generator,
    N: int,  # noqa: N803
) -> float:
    """Expected improvement of a normal over a threshold, estimated from `N` draws."""
    return EI_empirical(mean + math.sqrt(var) * rng.standard_normal(N), thresh)


def EI_gaussian(mean: ArrayLike, var: ArrayLike, thresh: ArrayLike) -> _Value:  # noqa: N802
    """Expected improvement of a normal over a threshold.

    Args:
        mean, var: of the outcome; a variance of 0 is allowed.
        thresh: to improve on.

    Raises:
        ValueError: a variance is negative.
    """
    with np.errstate(under="ignore"):
        return np.exp(logEI_gaussian(mean, var, thresh))


def logEI_gaussian(mean: ArrayLike, var: ArrayLike, thresh: ArrayLike) -> _Value:  # noqa: N802
    """Log of the expected improvement; finite also where the improvement itself is too small for a float.

    Arguments and errors are those of `EI_gaussian`; -inf where improvement is impossible.
    """
    mu, variance, t = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (mean, var, thresh)))
    if (variance < 0.0).any():
        raise ValueError(f"a variance is not negative, got {float(variance.min())!r}")
    sigma = np.sqrt(variance)
    gap = mu - t
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        known = np.log(np.maximum(gap, 0.0))  # without any variance
        result = np.where(sigma > 0.0, np.log(sigma) + _log_h(np.atleast_1d(gap / sigma)).reshape(gap.shape), known)
    return result if result.ndim else float(result)


def _log_h(s: FloatArray) -> FloatArray:
    """`(n,)` log of (1)."""
    result = np.empty(s.shape)
    far = s < _FAR
    near = s[~far]
    result[~far] = np.log(np.exp(-0.5 * near * near - _HALF_LOG_TAU) + near * ndtr(near))
    square = s[far] * s[far]
    series, term = np.ones_like(square), np.ones_like(square)
    for k in range(3, 17, 2):
        term = -term * k / square
        series += term
    result[far] = -0.5 * square - _HALF_LOG_TAU - np.log(square) + np.log(series)
    return result


def UCB(mean: ArrayLike, var: ArrayLike, zscore: float) -> _Value:  # noqa: N802
    """Upper confidence bound: the mean and `zscore` standard deviations."""
    return np.asarray(mean, dtype=np.float64) + zscore * np.sqrt(np.asarray(var, dtype=np.float64))
