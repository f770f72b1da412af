"""The names of `hyperopt.tpe` beside `suggest`.

Small functions work as they did.  What was machinery of Hyperopt's own estimator (a second set of densities) is there to
be imported, and says in a sentence what to use instead when it is called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from parzen._typing import FloatArray
from parzen.errors import AlgorithmError
from parzen.space import ndtr, scope

__all__ = [
    "DEFAULT_LF",
    "EPS",
    "GMM1",
    "LGMM1",
    "GMM1_lpdf",
    "LGMM1_lpdf",
    "adaptive_parzen_normal",
    "adaptive_parzen_normal_orig",
    "adaptive_parzen_sampler",
    "adaptive_parzen_samplers",
    "ap_split_trials",
    "broadcast_best",
    "build_posterior",
    "build_posterior_wrapper",
    "categorical_lpdf",
    "linear_forgetting_weights",
    "lognormal_cdf",
    "lognormal_lpdf",
    "logsum_rows",
    "normal_cdf",
    "qlognormal_lpdf",
    "randint_via_categorical_lpdf",
    "tpe_cat_pseudocounts",
]

EPS = 1e-12
DEFAULT_LF = 25
"""Observations that linear forgetting leaves their full weight; also the largest good group."""


# --- small functions --------------------------------------------------------------------------------------------


def normal_cdf(x: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> FloatArray:
    """Distribution function of a normal, elementwise; a step where `sigma` is 0."""
    values, means, widths = (np.asarray(numbers, dtype=np.float64) for numbers in (x, mu, sigma))
    return ndtr((values - means) / np.maximum(widths, EPS))


def lognormal_cdf(x: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> FloatArray:
    """Distribution function of a log-normal, elementwise, for `x` from 0 up.

    Raises:
        ValueError: an `x` is negative.
    """
    values = np.asarray(x, dtype=np.float64)
    if values.size and values.min() < 0.0:
        raise ValueError(f"lognormal_cdf is for values from 0 up, got {float(values.min())!r}")
    return normal_cdf(np.log(np.maximum(values, EPS)), mu, sigma)


def linear_forgetting_weights(N: int, LF: int) -> FloatArray:  # noqa: N803  # Hyperopt's own spelling
    """`(N,)` weights of observations, oldest first: the newest `LF` weigh 1, older ones less, down to 1 / N."""
    if N < 0 or LF < 1:
        raise ValueError(f"N is from 0 up and LF from 1 up, got N={N!r} and LF={LF!r}")
    return np.concatenate((np.linspace(1.0 / N, 1.0, N - LF), np.ones(LF))) if N > LF else np.ones(N)


def ap_split_trials(
    o_idxs: ArrayLike,
    o_vals: ArrayLike,
    l_idxs: ArrayLike,
    l_vals: ArrayLike,
    gamma: float,
    gamma_cap: int = DEFAULT_LF,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """One parameter's values in the good trials, and in the others.

    Args:
        o_idxs, o_vals: ids of trials that have the parameter, and its values there.
        l_idxs, l_vals: ids of all trials, and their losses.
        gamma: the best `ceil(gamma * sqrt(n))` of `n` trials are good.
        gamma_cap: and no more than so many.
    """
    ids, losses = np.asarray(l_idxs), np.asarray(l_vals)
    n_good = min(int(np.ceil(gamma * np.sqrt(len(losses)))), gamma_cap)
    good = np.isin(np.asarray(o_idxs), ids[np.argsort(losses, kind="stable")[:n_good]])
    values = np.asarray(o_vals)
    return values[good], values[~good & np.isin(np.asarray(o_idxs), ids)]


def broadcast_best(samples: Sequence[Any], below_llik: ArrayLike, above_llik: ArrayLike) -> list[Any]:
    """The sample whose two log likelihoods differ most, once for each sample."""
    score = np.asarray(below_llik) - np.asarray(above_llik)
    if len(samples) != len(score):
        raise ValueError(f"there is a likelihood for each sample, got {len(score)} for {len(samples)}")
    return [samples[int(np.argmax(score))]] * len(samples) if len(samples) else []


def logsum_rows(x: ArrayLike) -> FloatArray:
    """`(n,)` log of the sum of the exponentials of each row of `(n, m)`."""
    rows = np.asarray(x, dtype=np.float64)
    highest = rows.max(axis=1)
    return np.asarray(highest + np.log(np.exp(rows - highest[:, None]).sum(axis=1)))


def tpe_cat_pseudocounts(counts: ArrayLike, prior_weight: float, p: ArrayLike, size: Any) -> Any:
    """Probabilities of categories: their counts, and `prior_weight` times the prior for each category."""
    if np.prod(size) == 0:
        return []
    prior = np.asarray(p, dtype=np.float64)
    prior = prior[0] if prior.ndim == 2 else prior
    total = np.asarray(counts) + prior.size * prior_weight * prior
    return total / total.sum()


def categorical_lpdf(sample: Any, p: ArrayLike) -> FloatArray:
    """Log probabilities of categories."""
    return np.log(np.asarray(p)[sample]) if np.size(sample) else np.empty(0)


def randint_via_categorical_lpdf(sample: Any, p: ArrayLike) -> FloatArray:
    """The same for whole numbers that are drawn as categories."""
    return categorical_lpdf(sample, p)


# --- machinery that is not here ---------------------------------------------------------------------------------


def _machinery(name: str) -> Callable[..., Any]:
    def refuse(*args: Any, **kwargs: Any) -> Any:  # whatever a program gave to the original
        raise AlgorithmError(
            f"{name} was part of Hyperopt's own estimator, which parzen does not have: its densities are joint over all "
            "parameters, see parzen.algorithms.TPE. A distribution of your own is made of hp's with expressions or "
            "scope.define, and every algorithm searches it"
        )

    refuse.__name__ = refuse.__qualname__ = name
    refuse.__doc__ = f"Hyperopt's `{name}`: there to be imported, and says what to use instead when it is called."
    return refuse


GMM1 = _machinery("GMM1")
GMM1_lpdf = _machinery("GMM1_lpdf")
LGMM1 = _machinery("LGMM1")
LGMM1_lpdf = _machinery("LGMM1_lpdf")
adaptive_parzen_normal = _machinery("adaptive_parzen_normal")
adaptive_parzen_normal_orig = _machinery("adaptive_parzen_normal_orig")
build_posterior = _machinery("build_posterior")
build_posterior_wrapper = _machinery("build_posterior_wrapper")
lognormal_lpdf = _machinery("lognormal_lpdf")
qlognormal_lpdf = _machinery("qlognormal_lpdf")

# Hyperopt's graphs named these.
for _function in (
    GMM1, GMM1_lpdf, LGMM1, LGMM1_lpdf, adaptive_parzen_normal, adaptive_parzen_normal_orig, ap_split_trials, broadcast_best,
    categorical_lpdf, linear_forgetting_weights, lognormal_cdf, lognormal_lpdf, normal_cdf, qlognormal_lpdf,
    randint_via_categorical_lpdf, tpe_cat_pseudocounts,
):  # fmt: skip
    scope.define_if_new(_function)

adaptive_parzen_samplers: dict[str, Callable[..., Any]] = {
    family: _machinery(f"adaptive_parzen_samplers[{family!r}]")
    for family in (
        "uniform quniform loguniform qloguniform normal qnormal lognormal qlognormal randint categorical".split()
    )
}
"""Family -> Hyperopt's sampler.  Programs add their own; parzen searches their spaces without."""


def adaptive_parzen_sampler(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that adds to `adaptive_parzen_samplers`."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        adaptive_parzen_samplers[name] = function
        return function

    return add
