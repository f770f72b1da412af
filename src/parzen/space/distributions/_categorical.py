"""Codes 0 … count - 1 for options of any kind: without an order, or with one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from parzen._typing import JSON, BoolArray, FloatArray
from parzen.space.distributions._base import Distribution

__all__ = ["Categorical", "Ordinal"]


class _Codes(Distribution):
    __slots__ = ()
    integral = True
    count: int

    @property
    def size(self) -> int:
        return self.count

    def values(self) -> FloatArray:
        return np.arange(self.count, dtype=np.float64)

    def contains(self, x: FloatArray) -> BoolArray:
        return np.asarray((x == np.rint(x)) & (x >= 0) & (x < self.count))

    def holds(self, x: float) -> bool:
        return 0 <= x < self.count and x == int(x)


@dataclass(frozen=True, slots=True)
class Ordinal(_Codes):
    """Codes whose neighbours are alike; every code weighs the same."""

    family: ClassVar[str] = "ordinal"
    count: int

    def arguments(self) -> dict[str, JSON]:
        return {"count": self.count}

    def from_unit(self, u: FloatArray) -> FloatArray:
        return np.minimum(np.floor(u * self.count), self.count - 1.0)

    def cell(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        return np.asarray(x / self.count), np.asarray((x + 1.0) / self.count)

    def at(self, u: float) -> float:
        return float(math.floor(u * self.count)) if u < 1.0 else self.count - 1.0

    def unit_of(self, x: float) -> float:
        return 0.5 * (x / self.count + (x + 1.0) / self.count)


@dataclass(frozen=True, slots=True)
class Categorical(_Codes):
    """Codes whose order means nothing.

    Attributes:
        count: number of options.
        weights: `(count,)` probabilities that sum to one; None for equal ones.
    """

    family: ClassVar[str] = "categorical"
    ordered: ClassVar[bool] = False
    count: int
    weights: tuple[float, ...] | None = None

    def arguments(self) -> dict[str, JSON]:
        return {"count": self.count} if self.weights is None else {"count": self.count, "weights": list(self.weights)}

    def values(self) -> FloatArray:
        return np.flatnonzero(self.probabilities()).astype(np.float64)

    def probabilities(self) -> FloatArray:
        """`(count,)`, summing to one."""
        if self.weights is None:
            return np.full(self.count, 1.0 / self.count)
        return np.array(self.weights)

    def from_unit(self, u: FloatArray) -> FloatArray:
        if self.weights is None:
            return np.minimum(np.floor(u * self.count), self.count - 1.0)
        edges = np.cumsum(self.weights)
        last = float(np.flatnonzero(self.weights)[-1])  # rounding must not reach an option of weight zero
        return np.minimum(np.searchsorted(edges, u, side="right").astype(np.float64), last)

    def cell(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        if self.weights is None:
            return np.asarray(x / self.count), np.asarray((x + 1.0) / self.count)
        edges = np.concatenate(([0.0], np.cumsum(self.weights)))
        edges[-1] = 1.0
        code = np.clip(x, 0, self.count - 1).astype(np.int64)
        return edges[code], edges[code + 1]

    def at(self, u: float) -> float:
        if self.weights is not None:
            return _Codes.at(self, u)
        return float(math.floor(u * self.count)) if u < 1.0 else self.count - 1.0

    def unit_of(self, x: float) -> float:
        return 0.5 * (x / self.count + (x + 1.0) / self.count) if self.weights is None else _Codes.unit_of(self, x)
