"""Uniform and normal, plain and on the log scale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from parzen._typing import JSON, BoolArray, FloatArray
from parzen.space._special import ndtr, ndtri
from parzen.space.distributions._base import Distribution

__all__ = ["LogNormal", "LogUniform", "Normal", "Uniform"]

_ROUNDING = 1e-12
"""How far outside, relative to it, a bound's own value may come out: `exp(log(0.1))` is not 0.1."""

# The open ends of [0, 1] as the normal families see them: their quantiles there are infinite.
_FIRST, _LAST = 2.0**-60, 1.0 - 2.0**-53


class _Continuous(Distribution):
    __slots__ = ()
    integral = False

    @property
    def size(self) -> int | None:
        return None

    def cell(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        u = self.to_unit(x)
        return u, u


class _Bounded(_Continuous):
    __slots__ = ()
    low: float
    high: float

    def contains(self, x: FloatArray) -> BoolArray:
        return np.asarray((x >= self.low) & (x <= self.high))

    def holds(self, x: float) -> bool:
        return self.low <= x <= self.high

    def nearest(self, x: float) -> float:
        for bound in (self.low, self.high):
            if abs(x - bound) <= _ROUNDING * abs(bound):
                return min(max(x, self.low), self.high)
        return Distribution.nearest(self, x)


@dataclass(frozen=True, slots=True)
class Uniform(_Bounded):
    """Every value from `low` to `high`, both included, alike."""

    family: ClassVar[str] = "uniform"
    low: float
    high: float

    def arguments(self) -> dict[str, JSON]:
        return {"low": self.low, "high": self.high}

    def from_unit(self, u: FloatArray) -> FloatArray:
        # Not low + u (high - low): the difference of two huge bounds overflows.
        return np.minimum(np.maximum(self.low * (1.0 - u) + self.high * u, self.low), self.high)

    def to_unit(self, x: FloatArray) -> FloatArray:
        half = 0.5 * self.high - 0.5 * self.low
        return np.minimum(np.maximum((0.5 * x - 0.5 * self.low) / half, 0.0), 1.0)

    def at(self, u: float) -> float:
        low, high = self.low, self.high
        x = low * (1.0 - u) + high * u
        return x if low <= x <= high else min(max(x, low), high)

    def unit_of(self, x: float) -> float:
        low, high = self.low, self.high
        u = (0.5 * x - 0.5 * low) / (0.5 * high - 0.5 * low)
        return u if 0.0 <= u <= 1.0 else min(max(u, 0.0), 1.0)

    def log_prob(self, x: FloatArray) -> FloatArray:
        density = -math.log(0.5 * self.high - 0.5 * self.low) - math.log(2.0)
        return np.where(self.contains(x), density, -np.inf)


@dataclass(frozen=True, slots=True)
class LogUniform(_Bounded):
    """Every order of magnitude from `low` to `high` alike; `0 < low < high`, in the value's own units."""

    family: ClassVar[str] = "loguniform"
    low: float
    high: float

    def arguments(self) -> dict[str, JSON]:
        return {"low": self.low, "high": self.high}

    def from_unit(self, u: FloatArray) -> FloatArray:
        a, b = math.log(self.low), math.log(self.high)
        return np.minimum(np.maximum(np.exp(a * (1.0 - u) + b * u), self.low), self.high)

    def to_unit(self, x: FloatArray) -> FloatArray:
        a, b = math.log(self.low), math.log(self.high)
        return np.minimum(np.maximum((0.5 * np.log(x) - 0.5 * a) / (0.5 * b - 0.5 * a), 0.0), 1.0)

    # numpy's exp and log here too, not those of `math`: they differ in the last place.

    def at(self, u: float) -> float:
        low, high = self.low, self.high
        x = float(np.exp(math.log(low) * (1.0 - u) + math.log(high) * u))
        return x if low <= x <= high else min(max(x, low), high)

    def unit_of(self, x: float) -> float:
        a, b = math.log(self.low), math.log(self.high)
        u = (0.5 * float(np.log(x)) - 0.5 * a) / (0.5 * b - 0.5 * a)
        return u if 0.0 <= u <= 1.0 else min(max(u, 0.0), 1.0)

    def log_prob(self, x: FloatArray) -> FloatArray:
        inside = self.contains(x)
        log_x = np.log(np.where(inside, x, 1.0))
        return np.where(inside, -log_x - math.log(math.log(self.high) - math.log(self.low)), -np.inf)


@dataclass(frozen=True, slots=True)
class Normal(_Continuous):
    """Normal with mean `mu` and standard deviation `sigma`, unbounded."""

    family: ClassVar[str] = "normal"
    mu: float
    sigma: float

    def arguments(self) -> dict[str, JSON]:
        return {"mu": self.mu, "sigma": self.sigma}

    def from_unit(self, u: FloatArray) -> FloatArray:
        return self.mu + self.sigma * ndtri(np.minimum(np.maximum(u, _FIRST), _LAST))

    def to_unit(self, x: FloatArray) -> FloatArray:
        return ndtr((x - self.mu) / self.sigma)

    def contains(self, x: FloatArray) -> BoolArray:
        return np.isfinite(x)

    def log_prob(self, x: FloatArray) -> FloatArray:
        z = (x - self.mu) / self.sigma
        return np.asarray(-0.5 * z * z - math.log(self.sigma) - 0.5 * math.log(2.0 * math.pi))


@dataclass(frozen=True, slots=True)
class LogNormal(_Continuous):
    """The exponential of a normal; `mu` and `sigma` are those of the logarithm."""

    family: ClassVar[str] = "lognormal"
    mu: float
    sigma: float

    def arguments(self) -> dict[str, JSON]:
        return {"mu": self.mu, "sigma": self.sigma}

    def from_unit(self, u: FloatArray) -> FloatArray:
        log_x = self.mu + self.sigma * ndtri(np.minimum(np.maximum(u, _FIRST), _LAST))
        return np.exp(np.minimum(np.maximum(log_x, -745.0), 709.7))

    def to_unit(self, x: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore"):
            return ndtr((np.log(x) - self.mu) / self.sigma)

    def contains(self, x: FloatArray) -> BoolArray:
        return np.asarray(np.isfinite(x) & (x > 0))

    def log_prob(self, x: FloatArray) -> FloatArray:
        inside = self.contains(x)
        log_x = np.log(np.where(inside, x, 1.0))
        z = (log_x - self.mu) / self.sigma
        density = -0.5 * z * z - math.log(self.sigma) - 0.5 * math.log(2.0 * math.pi) - log_x
        return np.where(inside, density, -np.inf)
