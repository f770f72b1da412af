"""What a distribution must do.

The *unit coordinate* of a value is its quantile under the prior.  In that coordinate every prior is uniform on [0, 1], so
an algorithm that works there needs no special code for any family, and a new family never touches an algorithm.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from parzen._typing import JSON, BoolArray, FloatArray
from parzen.errors import BadDistribution

__all__ = ["EXACT", "Distribution", "number"]

EXACT = 2.0**53
"""Integers up to here are exact in float64; larger bounds are refused rather than blurred."""


class Distribution(ABC):
    """The prior of one column: frozen, hashable, vectorised.  Arrays are `(n,)` float64 throughout.

    Attributes:
        family: its name in graphs and in stored spaces.
        ordered: False where values are mere names (categories), whose order means nothing.
    """

    family: ClassVar[str]
    ordered: ClassVar[bool] = True
    integral: bool
    """Whether objectives receive `int`."""

    __slots__ = ()

    @property
    @abstractmethod
    def size(self) -> int | None:
        """How many different values there are; None where they are not finitely many."""

    def values(self) -> FloatArray:
        """All values of positive probability, in order; only where `size` is known."""
        raise TypeError(f"{self.describe()} has no finite list of values")

    @abstractmethod
    def from_unit(self, u: FloatArray) -> FloatArray:
        """The quantile function: `u` in [0, 1] to values; always within the bounds."""

    @abstractmethod
    def cell(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The interval of unit coordinates that `from_unit` sends to each value; of no width where continuous."""

    @abstractmethod
    def contains(self, x: FloatArray) -> BoolArray:
        """Which values this distribution can produce."""

    @abstractmethod
    def arguments(self) -> dict[str, JSON]:
        """What it was made from, by name."""

    def to_unit(self, x: FloatArray) -> FloatArray:
        """The unit coordinate of values: the middle of the value's cell, so that the grid is spread evenly."""
        low, high = self.cell(x)
        return np.asarray(0.5 * (low + high))

    def log_prob(self, x: FloatArray) -> FloatArray:
        """Log of the probability (of the density, where continuous); -inf for what it cannot produce."""
        low, high = self.cell(x)
        with np.errstate(divide="ignore"):
            mass = np.log(high - low)
        return np.where(self.contains(x), mass, -np.inf)

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        """`n` independent draws."""
        return self.from_unit(rng.random(n))

    def nearest(self, x: float) -> float:
        """The value that `x` stands for, where it differs by no more than rounding.

        Raises:
            BadDistribution: this distribution cannot produce it.
        """
        if not self.holds(x):
            raise BadDistribution(f"{x!r} is not a value of {self.describe()}")
        return self.at(self.unit_of(x)) if self.size is not None else float(x)

    # One value at a time: what an array of one comes to, to the bit, for a tenth of the price.  A trial is one row, and its
    # columns are few; families that people use much define these.

    def at(self, u: float) -> float:
        """`from_unit` of one number."""
        return float(self.from_unit(np.array([u]))[0])

    def unit_of(self, x: float) -> float:
        """`to_unit` of one value."""
        return float(self.to_unit(np.array([x]))[0])

    def holds(self, x: float) -> bool:
        """`contains` of one value."""
        return bool(self.contains(np.array([x]))[0])

    def value(self, x: float) -> int | float:
        """A value as the objective gets it."""
        return int(x) if self.integral else float(x)

    def describe(self) -> str:
        """One phrase for people: `uniform(low=0, high=1)`."""
        return f"{self.family}({', '.join(f'{name}={value!r}' for name, value in self.arguments().items())})"


def number(label: str | None, name: str, value: object, *, finite: bool = True) -> float:
    """An argument of a distribution as a float.

    Raises:
        BadDistribution: it is not a number, or NaN, or infinite.
    """
    try:
        if isinstance(value, (str, bytes, complex)):
            raise TypeError
        result = float(value)  # type: ignore[arg-type]  # the except below is the check
    except (TypeError, ValueError, OverflowError):
        raise BadDistribution(f"{of(label)}{name} must be a number, got {value!r:.80}", label=label) from None
    if finite and not math.isfinite(result):
        raise BadDistribution(f"{of(label)}{name} must be finite, got {result!r}", label=label)
    return result


def of(label: str | None) -> str:
    """The start of an error's sentence."""
    return "" if label is None else f"parameter {label!r}: "
