"""A prior with a person's guess in it, which may be wrong.

Whoever knows a good value says so, and early proposals come from around it.  The density is a mixture, in the natural
scale of the parameter (logarithmic where it is):

    π(t) = (1 - w) + w · N(t; c, s) / Z        t in [0, 1], Z the normal's mass there                                  (1)

with the guess at c, a spread of s, and the trust w ≤ 0.9 in it.  The unit coordinate is the quantile under this prior, so
that every algorithm draws its first points around the guess and knows nothing of it; where a model has data, the density
of draws matters less with every trial.  That is what piBO arranges by an exponent that decays (Hvarfner, Stoll, Souza,
Lindauer, Hutter and Nardi 2022, "πBO: augmenting acquisition functions with user beliefs for Bayesian optimization"); here
the uniform part keeps at least a tenth of all draws for the rest of the range, so that the truth is never locked out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar

import numpy as np

from parzen._typing import JSON, BoolArray, FloatArray
from parzen.space._special import ndtr
from parzen.space.distributions._base import Distribution
from parzen.space.distributions._categorical import Ordinal
from parzen.space.distributions._continuous import LogUniform, Uniform
from parzen.space.distributions._grid import Grid

__all__ = ["DEFAULT_TRUST", "MOST_TRUST", "NARROWEST", "WIDEST", "Around", "Ranged", "default_within"]

DEFAULT_TRUST = 0.5
MOST_TRUST = 0.9
"""The rest of the range keeps at least a tenth of the draws.

The prior is a product over the parameters: with guesses in five of them that are all wrong, and a trust of 0.75, one draw in
a thousand has nothing of them.  At 0.5, and a width of a fifth of the range instead of a tenth, a good guess is worth nearly
as much after 25 trials, and the regret that wrong ones leave after 100 is a fifth of what it was (`benchmarks.priors`).
"""

NARROWEST, WIDEST = 1e-6, 10.0
"""Of the whole scale: spreads beyond are a constant, or no guess at all."""

Ranged = Uniform | LogUniform | Grid | Ordinal
"""What has bounds, and a scale to be near on."""


@dataclass(frozen=True, slots=True)
class Around(Distribution):
    """The same values as `base`, more of them around one.

    Attributes:
        base: the distribution without the guess.
        guess: a value within the bounds; the place in the list for ordinal values.
        within: the normal's standard deviation: a factor above 1 on the log scale, else in the value's own units.
        trust: w, the normal's share of all draws.
    """

    family: ClassVar[str] = "around"
    base: Ranged
    guess: float
    within: float
    trust: float
    integral: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "integral", self.base.integral)

    @property
    def log(self) -> bool:
        """Whether near is a matter of ratios."""
        return isinstance(self.base, LogUniform) or (isinstance(self.base, Grid) and self.base.log)

    @property
    def size(self) -> int | None:
        return self.base.size

    def values(self) -> FloatArray:
        return self.base.values()

    def arguments(self) -> dict[str, JSON]:
        return {
            "base": self.base.family,
            **self.base.arguments(),
            "guess": self.guess,
            "within": self.within,
            "trust": self.trust,
        }

    def describe(self) -> str:
        within = f"a factor of {self.within:.6g}" if self.log else f"{self.within:.6g}"
        return f"{self.base.describe()} around {self.guess:.6g} (within {within}, trust {self.trust:g})"

    def contains(self, x: FloatArray) -> BoolArray:
        return self.base.contains(x)

    def nearest(self, x: float) -> float:
        return self.base.nearest(x)

    def from_unit(self, u: FloatArray) -> FloatArray:
        return self.base.from_unit(_mixture(*self._belief()).quantile(u))

    def cell(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        low, high = self.base.cell(x)
        mixture = _mixture(*self._belief())
        return mixture.below(low), mixture.below(high)

    def log_prob(self, x: FloatArray) -> FloatArray:
        if self.size is not None:
            return Distribution.log_prob(self, x)
        inside = self.contains(x)
        t = self.base.to_unit(np.where(inside, x, self.guess))
        density = np.log(_mixture(*self._belief()).density(t))
        return np.where(inside, self.base.log_prob(np.where(inside, x, self.guess)) + density, -np.inf)

    def _belief(self) -> tuple[float, float, float]:
        """(c, s, w) of equation (1): the guess and its spread as parts of the whole scale."""
        start, half = scale_of(self.base)
        at = math.log(self.guess) if self.log else self.guess
        width = math.log(self.within) if self.log else self.within
        centre = min(max((0.5 * at - 0.5 * start) / half, 0.0), 1.0)
        return centre, 0.5 * width / half, self.trust

    @property
    def spread(self) -> float:
        """s, the normal's standard deviation as a part of the whole scale."""
        return self._belief()[1]


def scale_of(base: Ranged) -> tuple[float, float]:
    """Where the natural scale of a distribution begins, and half of its length: whole lengths may overflow."""
    if isinstance(base, Uniform):
        return base.low, 0.5 * base.high - 0.5 * base.low
    if isinstance(base, LogUniform):
        return math.log(base.low), 0.5 * (math.log(base.high) - math.log(base.low))
    if isinstance(base, Ordinal):
        return -0.5, 0.5 * base.count
    if base.log:
        first, last, _ = base._edges
        return first, 0.5 * (last - first)
    return base.low - 0.5 * base.step, 0.5 * base.size * base.step


def default_within(base: Ranged) -> float:
    """A fifth of the range: of the places, of the units, or of the orders of magnitude."""
    half = scale_of(base)[1]
    log = isinstance(base, LogUniform) or (isinstance(base, Grid) and base.log)
    return math.exp(0.4 * half) if log else 0.4 * half


# --- equation (1), on [0, 1] --------------------------------------------------------------------------------------


class _Mixture:
    """Equation (1) with what does not change worked out: the normal's mass, and a table to look quantiles up in.

    Args:
        c, s, w: the guess, its spread, and the trust in it.
    """

    def __init__(self, c: float, s: float, w: float) -> None:
        self.c, self.s, self.w = c, s, w
        self.first, last = ndtr(np.array([-c / s, (1.0 - c) / s])).tolist()
        self.share = w / (last - self.first)
        # Close together where the density bends.
        bend = np.clip(c + s * np.linspace(-8.0, 8.0, 257), 0.0, 1.0)
        self.nodes = np.unique(np.concatenate([np.linspace(0.0, 1.0, 33), bend]))
        self.heights = self.below(self.nodes)
        self.heights[0], self.heights[-1] = 0.0, 1.0

    def density(self, t: FloatArray) -> FloatArray:
        z = (t - self.c) / self.s
        return np.asarray((1.0 - self.w) + self.share / (self.s * _ROOT) * np.exp(-0.5 * z * z))

    def below(self, t: FloatArray) -> FloatArray:
        """The integral of the density from 0."""
        normal = ndtr((t - self.c) / self.s) - self.first
        return np.asarray(np.minimum(np.maximum((1.0 - self.w) * t + self.share * normal, 0.0), 1.0))

    def quantile(self, v: FloatArray) -> FloatArray:
        """The inverse of `below`: the table brackets the answer, Newton's method finishes it within the bracket."""
        k = np.minimum(np.searchsorted(self.heights, v, side="right") - 1, len(self.nodes) - 2)
        low, high = self.nodes[k], self.nodes[k + 1]
        part = (v - self.heights[k]) / (self.heights[k + 1] - self.heights[k])
        x = low + part * (high - low)
        for _ in range(_NEWTON):
            x = np.minimum(np.maximum(x - (self.below(x) - v) / self.density(x), low), high)
        return np.asarray(x)


_ROOT = math.sqrt(2.0 * math.pi)
_NEWTON = 3
"""Steps from the table to all digits: the error squares with each, and begins near 1e-3 of the spread."""

_mixture = lru_cache(maxsize=256)(_Mixture)
