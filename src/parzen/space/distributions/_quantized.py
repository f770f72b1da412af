"""Hyperopt's q-distributions: a continuous draw, rounded to the nearest multiple of q.

The grid is multiples of q counted from 0, not from the lower bound; a rounded value may therefore lie up to q/2 outside
of the bounds, and end points weigh half.  Programs rely on it, so it stays; `hp.float(..., step=)` is the natural one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from parzen._typing import JSON, BoolArray, FloatArray
from parzen.space.distributions._base import Distribution
from parzen.space.distributions._continuous import LogNormal, LogUniform, Normal, Uniform

__all__ = ["Quantized"]


@dataclass(frozen=True, slots=True)
class Quantized(Distribution):
    """`round(x / q) * q` for `x` drawn from `base`."""

    family: ClassVar[str] = "quantized"
    base: Uniform | LogUniform | Normal | LogNormal
    q: float
    integral: bool = False

    def arguments(self) -> dict[str, JSON]:
        return {**self.base.arguments(), "q": self.q, "base": self.base.family, "integral": self.integral}

    def describe(self) -> str:
        inner = ", ".join(f"{name}={value!r}" for name, value in self.base.arguments().items())
        return f"q{self.base.family}({inner}, q={self.q!r})"

    def _range(self) -> tuple[float, float]:
        """The first and the last multiple that has any probability."""
        if isinstance(self.base, (Uniform, LogUniform)):
            first = math.floor(self.base.low / self.q + 0.5)
            return first, max(first, math.ceil(self.base.high / self.q - 0.5))
        return (-math.inf if isinstance(self.base, Normal) else 0.0), math.inf

    @property
    def size(self) -> int | None:
        first, last = self._range()
        return None if math.isinf(last) else int(last - first) + 1

    def values(self) -> FloatArray:
        first, last = self._range()
        return np.asarray(np.arange(first, last + 1) * self.q + 0.0)

    def from_unit(self, u: FloatArray) -> FloatArray:
        first, last = self._range()
        k = np.rint(self.base.from_unit(u) / self.q)
        # + 0.0: no negative zero for people to wonder about.
        return np.asarray(np.minimum(np.maximum(k, first), last) * self.q + 0.0)

    def _below(self, x: FloatArray) -> FloatArray:
        """The base's distribution function, for any real number."""
        if isinstance(self.base, (LogUniform, LogNormal)):
            return np.where(x > 0, self.base.to_unit(np.maximum(x, 5e-324)), 0.0)
        return self.base.to_unit(x)

    def cell(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        k = np.rint(x / self.q)
        return self._below((k - 0.5) * self.q), self._below((k + 0.5) * self.q)

    def contains(self, x: FloatArray) -> BoolArray:
        first, last = self._range()
        with np.errstate(invalid="ignore"):
            k = x / self.q
            nearest = np.rint(k)
            on_grid = np.abs(k - nearest) <= 1e-6 * np.maximum(1.0, np.abs(k) * 1e-9)
            return np.asarray(on_grid & np.isfinite(x) & (nearest >= first) & (nearest <= last))

    def nearest(self, x: float) -> float:
        Distribution.nearest(self, x)
        return float(np.rint(x / self.q) * self.q + 0.0)
