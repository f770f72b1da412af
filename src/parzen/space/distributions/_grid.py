"""Evenly spaced values, counted from the lower bound: integers, and floats with a step."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from parzen._typing import JSON, BoolArray, FloatArray
from parzen.space.distributions._base import Distribution

__all__ = ["Grid"]


@dataclass(frozen=True, slots=True)
class Grid(Distribution):
    """`low, low + step, …`, the last one at most `high`; end points weigh as much as the rest.

    On the log scale a value weighs what the interval half a step to each side of it weighs under the log-uniform prior;
    where the lower edge of the first interval would not be positive, the interval is mirrored on the log scale instead.
    """

    family: ClassVar[str] = "grid"
    low: float
    high: float
    step: float
    log: bool
    integral: bool
    # Looked at for every value, and the same for ever.
    size: int = field(init=False, repr=False, compare=False)
    _edges: tuple[float, float, float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", self._count())
        object.__setattr__(self, "_edges", self._outer_and_inner() if self.log else (0.0, 0.0, 0.0))

    def arguments(self) -> dict[str, JSON]:
        return {"low": self.low, "high": self.high, "step": self.step, "log": self.log, "integral": self.integral}

    def describe(self) -> str:
        kind = "int" if self.integral else "float"
        log = ", log" if self.log else ""
        step = "" if self.integral and self.step == 1 else f", step={self.step:g}"
        return f"{kind}({self.low:.15g}, {self.high:.15g}{log}{step})"

    def _count(self) -> int:
        if self.integral:
            return int(self.high - self.low) // int(self.step) + 1
        # A hair, so that 0.3 / 0.1 counts three steps and not two.
        steps = (self.high - self.low) / self.step
        return math.floor(steps + min(0.5, 1e-9 + 1e-12 * steps)) + 1

    def values(self) -> FloatArray:
        return self._value(np.arange(self.size, dtype=np.float64))

    def _outer_and_inner(self) -> tuple[float, float, float]:
        """Logs of the outer edges of all cells, and of the first inner one."""
        half = 0.5 * self.step
        inner = self.low + half
        first = self.low - half if self.low > half else self.low * self.low / inner
        return math.log(first), math.log(self.low + (self.size - 1) * self.step + half), math.log(inner)

    def _value(self, k: FloatArray) -> FloatArray:
        return np.minimum(self.low + k * self.step, self.high)

    def from_unit(self, u: FloatArray) -> FloatArray:
        n = self.size
        if not self.log:
            return self._value(np.minimum(np.floor(u * n), n - 1.0))
        first, last, _ = self._edges
        x = np.exp(first + u * (last - first))
        # A hair up, so that the rounded quantile of a cell's own lower edge falls into that cell.
        k = np.floor((x * (1 + 1e-15) - self.low) / self.step + 0.5)
        return self._value(np.minimum(np.maximum(k, 0.0), n - 1.0))

    def cell(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        n = self.size
        k = np.rint((x - self.low) / self.step)
        if not self.log:
            return np.asarray(k / n), np.asarray((k + 1.0) / n)
        first, last, _ = self._edges
        centre = self.low + k * self.step
        with np.errstate(divide="ignore", invalid="ignore"):
            below = np.where(k <= 0, first, np.log(centre - 0.5 * self.step))
            above = np.log(centre + 0.5 * self.step)
        return np.asarray((below - first) / (last - first)), np.asarray((above - first) / (last - first))

    def contains(self, x: FloatArray) -> BoolArray:
        with np.errstate(invalid="ignore"):
            k = (x - self.low) / self.step
            on_grid = np.abs(k - np.rint(k)) <= (0.0 if self.integral else 1e-6)
        return np.asarray(on_grid & (np.rint(k) >= 0) & (np.rint(k) < self.size))

    def at(self, u: float) -> float:
        n = self.size
        if not self.log:
            x = self.low + (math.floor(u * n) if u < 1.0 else n - 1) * self.step
            return min(x, self.high)
        first, last, _ = self._edges
        x = float(np.exp(first + u * (last - first)))
        k = math.floor((x * (1 + 1e-15) - self.low) / self.step + 0.5)
        return min(self.low + min(max(k, 0), n - 1) * self.step, self.high)

    def unit_of(self, x: float) -> float:
        n = self.size
        k = float(np.rint((x - self.low) / self.step))
        if not self.log:
            return 0.5 * (k / n + (k + 1.0) / n)
        first, last, _ = self._edges
        centre, half = self.low + k * self.step, 0.5 * self.step
        below = first if k <= 0 else float(np.log(centre - half))
        above = float(np.log(centre + half))
        return 0.5 * ((below - first) / (last - first) + (above - first) / (last - first))

    def holds(self, x: float) -> bool:
        k = (x - self.low) / self.step
        whole = float(np.rint(k))
        return abs(k - whole) <= (0.0 if self.integral else 1e-6) and 0 <= whole < self.size

    def nearest(self, x: float) -> float:
        Distribution.nearest(self, x)
        return float(self._value(np.rint((np.array([x]) - self.low) / self.step))[0])
