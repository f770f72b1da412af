"""Hyperopt's frozen distributions of single parameters, over those of `parzen.space`.

The classes are called as in Hyperopt.  They have the methods that programs use, by the names of scipy.stats, and need no
scipy: `pdf, logpdf, cdf, ppf` of continuous ones, `pmf, logpmf` of rounded ones, `rvs` of all.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from parzen.space import Distribution, build

__all__ = [
    "lognorm_gen",
    "loguniform_gen",
    "qlognormal_gen",
    "qloguniform_gen",
    "qnormal_gen",
    "quniform_gen",
]

# Any: numbers or arrays come in, and the same kind goes out.


class _Frozen:
    """A distribution with its arguments."""

    def __init__(self, family: str, *args: float) -> None:
        self.distribution: Distribution = build(None, family, *args)

    def _log_prob(self, x: Any) -> Any:
        values = np.asarray(x, dtype=float)
        found = self.distribution.log_prob(values.ravel()).reshape(values.shape)
        return found if values.ndim else float(found)

    def rvs(self, size: int | tuple[int, ...] | None = (), random_state: Any = None) -> Any:
        """Independent draws.

        Args:
            size: shape of the result; `()` or None for one number.
            random_state: a Generator or a seed; None for a new generator.
        """
        shape = () if size is None else (size,) if isinstance(size, (int, np.integer)) else tuple(size)
        drawn = self.distribution.sample(np.random.default_rng(random_state), int(np.prod(shape))).reshape(shape)
        return drawn if shape else float(drawn)


class _Continuous(_Frozen):
    def logpdf(self, x: Any) -> Any:
        """Log of the density; -inf where there is none."""
        return self._log_prob(x)

    def pdf(self, x: Any) -> Any:
        """The density."""
        return np.exp(self._log_prob(x))

    def cdf(self, x: Any) -> Any:
        """The probability of values up to `x`."""
        values = np.asarray(x, dtype=float)
        low, high = self.distribution.from_unit(np.array([0.0, 1.0]))
        inside = self.distribution.to_unit(np.clip(values, low, high).ravel()).reshape(values.shape)
        found = np.where(values <= low, 0.0, np.where(values >= high, 1.0, inside))
        return found if values.ndim else float(found)

    def ppf(self, q: Any) -> Any:
        """The quantile: the value that is not exceeded with probability `q`."""
        unit = np.asarray(q, dtype=float)
        found = self.distribution.from_unit(unit.ravel()).reshape(unit.shape)
        return found if unit.ndim else float(found)


class _Rounded(_Frozen):
    q: float

    def rvs(self, size: int | tuple[int, ...] | None = (), random_state: Any = None) -> Any:
        """Independent draws, arguments as for the others; whole numbers where `q` is one of type int."""
        counts = np.round(np.asarray(super().rvs(size, random_state)) / self.q).astype(int)
        return counts * self.q if counts.ndim else int(counts) * self.q

    def logpmf(self, x: Any) -> Any:
        """Log of the probability; -inf for what is no multiple, or out of range."""
        return self._log_prob(x)

    def pmf(self, x: Any) -> Any:
        """The probability."""
        return np.exp(self._log_prob(x))


class loguniform_gen(_Continuous):  # noqa: N801  Hyperopt's name, as all below
    """`exp(uniform(low, high))`."""

    def __init__(self, low: float = 0, high: float = 1) -> None:
        super().__init__("loguniform", low, high)


class lognorm_gen(_Continuous):  # noqa: N801
    """`exp(normal(mu, sigma))`."""

    def __init__(self, mu: float, sigma: float) -> None:
        self.mu_, self.s_ = mu, sigma
        super().__init__("lognormal", mu, sigma)


class quniform_gen(_Rounded):  # noqa: N801
    """`round(uniform(low, high) / q) * q`."""

    def __init__(self, low: float, high: float, q: float) -> None:
        self.low, self.high, self.q = float(low), float(high), q
        super().__init__("quniform", low, high, q)


class qloguniform_gen(_Rounded):  # noqa: N801
    """`round(exp(uniform(low, high)) / q) * q`."""

    def __init__(self, low: float, high: float, q: float) -> None:
        self.low, self.high, self.q = float(low), float(high), q
        super().__init__("qloguniform", low, high, q)


class qnormal_gen(_Rounded):  # noqa: N801
    """`round(normal(mu, sigma) / q) * q`."""

    def __init__(self, mu: float, sigma: float, q: float) -> None:
        self.mu, self.sigma, self.q = float(mu), float(sigma), q
        super().__init__("qnormal", mu, sigma, q)


class qlognormal_gen(_Rounded):  # noqa: N801
    """`round(exp(normal(mu, sigma)) / q) * q`."""

    def __init__(self, mu: float, sigma: float, q: float) -> None:
        self.mu, self.sigma, self.q = float(mu), float(sigma), q
        super().__init__("qlognormal", mu, sigma, q)
