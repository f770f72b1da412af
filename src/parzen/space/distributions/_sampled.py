"""A distribution of which only draws are known: what a program has defined itself, learnt from many draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from parzen._typing import JSON, BoolArray, FloatArray
from parzen.space.distributions._base import Distribution

__all__ = ["Sampled"]


@dataclass(frozen=True, slots=True)
class Sampled(Distribution):
    """The quantiles of draws.

    Where draws repeat, or are whole numbers, they are all the values there are, with the frequencies that they had.  Else
    the draws are the quantiles of a continuous distribution, which is even between neighbours; nothing lies beyond the
    first and the last.

    Attributes:
        levels: `(k,)` different values, in order.
        counts: `(k,)` how often each was drawn; None where continuous, with two levels at least.
        integral: whether objectives receive `int`.
    """

    family: ClassVar[str] = "sampled"
    levels: tuple[float, ...]
    counts: tuple[int, ...] | None = None
    integral: bool = False
    _values: FloatArray = field(init=False, repr=False, compare=False)
    _edges: FloatArray = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        values = np.array(self.levels, dtype=np.float64)
        edges = np.linspace(0.0, 1.0, len(values))
        if self.counts is not None:
            edges = np.concatenate(([0.0], np.cumsum(self.counts) / sum(self.counts)))
        object.__setattr__(self, "_values", values)  # arrays beside the tuples, which can be compared and hashed
        object.__setattr__(self, "_edges", edges)

    @classmethod
    def of(cls, draws: Sequence[float], integral: bool) -> Sampled:
        """What these draws, at least one, tell of where they came from."""
        levels, counts = np.unique(np.asarray(draws, dtype=np.float64), return_counts=True)
        repeats = len(levels) <= len(draws) // 2 or bool(np.all(levels == np.rint(levels)))
        listed = tuple(levels.tolist())
        return cls(listed, tuple(counts.tolist()), integral) if repeats else cls(listed)

    @property
    def size(self) -> int | None:
        return None if self.counts is None else len(self.levels)

    def values(self) -> FloatArray:
        return self._values.copy() if self.counts is not None else Distribution.values(self)

    def arguments(self) -> dict[str, JSON]:
        counts: JSON = None if self.counts is None else list(self.counts)
        return {"levels": list(self.levels), "counts": counts, "integral": self.integral}

    def describe(self) -> str:
        what = f"{len(self.levels)} values" if self.counts is not None else "a distribution"
        return f"{what} from {self.levels[0]:g} to {self.levels[-1]:g}, known from draws"

    def from_unit(self, u: FloatArray) -> FloatArray:
        if self.counts is None:
            return np.interp(u, self._edges, self._values)
        code = np.searchsorted(self._edges, u, side="right") - 1
        return self._values[np.clip(code, 0, len(self._values) - 1)]

    def cell(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        if self.counts is None:
            u = np.interp(x, self._values, self._edges)
            return u, u
        code = self._nearest(x)
        return self._edges[code], self._edges[code + 1]

    def contains(self, x: FloatArray) -> BoolArray:
        if self.counts is not None:
            return np.isin(x, self._values)
        return np.isfinite(x)  # draws do not tell what is impossible

    def log_prob(self, x: FloatArray) -> FloatArray:
        if self.counts is not None:
            return Distribution.log_prob(self, x)
        gap = np.searchsorted(self._values, x, side="right") - 1
        inside = (x >= self._values[0]) & (x <= self._values[-1])
        gap = np.clip(gap, 0, len(self._values) - 2)
        return np.where(inside, -np.log(np.diff(self._values)[gap] * (len(self._values) - 1)), -np.inf)

    def _nearest(self, x: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
        """The place of the level that is nearest to each value."""
        middles = 0.5 * (self._values[1:] + self._values[:-1])
        return np.searchsorted(middles, x)
