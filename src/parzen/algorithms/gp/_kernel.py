"""The covariance of two configurations, on spaces of any kind.

    k(x, x') = s^2 M(r) exp(-sum_c w_c 1[x_c != x'_c]) + v^2 g(x) . g(x')                                          (1)
    r^2 = sum_j |f_j(x) - f_j(x')|^2 / l_j^2

with the Matern function M(r) = (1 + a + a^2/3) exp(-a), a = sqrt(5) r (Rasmussen and Williams 2006, equation 4.17), one
length l_j for each ordered column and one for each category, w_c = 1 / l_c^2, so that all have the same prior.

An ordered column that is always active is its unit coordinate u.  One that may be switched off is a point of an arc of unit
speed, f(u) = (2/pi) (cos(pi u / 2), sin(pi u / 2)), and (0, 0) when it is off: then "off" is as far from every u
(Hutter and Osborne 2013, "A kernel for hierarchical parameter spaces").  A category that is off is a category of its own.

The last term is a trend: a regression with normal weights (Rasmussen and Williams 2006, section 2.7) on what each column
does alone, a slope and a bowl in an ordered one, a step for each category.  Few points show that much, and the first term
need not spend them on it.  Measured on 23 public tasks with 5 seeds it won 54 % of the runs after 60 evaluations, which
is within the noise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from parzen._typing import BoolArray, FloatArray
from parzen.algorithms._form import Form

__all__ = ["Encoding", "Inputs", "matern", "mismatch", "squared_distances"]

_Indices: TypeAlias = NDArray[np.intp]
_ROOT3, _ROOT5 = math.sqrt(3.0), math.sqrt(5.0)
_QUARTER = 0.5 * math.pi
OFF = -1


@dataclass(frozen=True, slots=True)
class Inputs:
    """Rows as the kernel sees them.

    Attributes:
        features: `(n, p)` coordinates of f.
        codes: `(n, q)` categories; -1 where off.
        trend: `(n, g)` values of g.
    """

    features: FloatArray
    codes: _Indices
    trend: FloatArray

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, rows: slice | _Indices) -> Inputs:
        return Inputs(self.features[rows], self.codes[rows], self.trend[rows])


class Encoding:
    """From unit coordinates to `Inputs`.

    Args:
        form: of the space.

    Attributes:
        lengths: number of l: ordered columns first, then categories.
        owner: `(p,)` position in `form.ordered` that each feature belongs to.
    """

    def __init__(self, form: Form) -> None:
        self.form = form
        doubtful = set(form.doubtful.tolist())
        arcs = np.array([j in doubtful for j in form.ordered.tolist()], dtype=bool)
        self._plain, self._arc = np.flatnonzero(~arcs), np.flatnonzero(arcs)
        self.owner: _Indices = np.concatenate((self._plain, self._arc, self._arc))
        self.n_ordered, self.n_named = len(form.ordered), len(form.named)
        self.lengths = self.n_ordered + self.n_named
        # So that a row has a trend's prior variance of about v^2, however many columns there are.
        self._weight = 1.0 / math.sqrt(max(self.n_ordered, 1))
        steps = form.options[form.small].astype(np.intp)
        self._step_starts, self._steps = np.cumsum(steps) - steps, int(steps.sum())

    def inputs(self, unit: FloatArray) -> Inputs:
        """Rows of unit coordinates `(n, d)`, NaN where inactive."""
        u = unit[:, self.form.ordered]
        angle = u[:, self._arc] * _QUARTER
        arcs = np.concatenate((np.cos(angle), np.sin(angle)), axis=1) / _QUARTER
        np.nan_to_num(arcs, copy=False, nan=0.0)
        codes, here = self.form.codes(unit)
        features = np.concatenate((u[:, self._plain], arcs), axis=1)
        return Inputs(features, np.where(here, codes, OFF), self._trend(u, codes, here))

    def _trend(self, u: FloatArray, codes: _Indices, here: BoolArray) -> FloatArray:
        """`(n, g)` g of (1): Legendre polynomials of the ordered, which are orthonormal under the prior, and indicators.

        0 for what is off.  Categories of more options than a form has cells for are left to the kernel.
        """
        x = 2.0 * u - 1.0
        slopes, bowls = _ROOT3 * x, 0.5 * _ROOT5 * (3.0 * x * x - 1.0)
        steps = np.zeros((len(u), self._steps))
        if self._steps:
            small = self.form.small
            steps[np.arange(len(u))[:, None], self._step_starts + codes[:, small]] = here[:, small]
        return self._weight * np.nan_to_num(np.concatenate((slopes, bowls, steps), axis=1), copy=False, nan=0.0)

    def gradient(self, unit: FloatArray, by_feature: FloatArray) -> FloatArray:
        """`(n, o)` derivatives by the ordered unit coordinates, from those by the features `(n, p)`."""
        result = np.zeros((len(unit), self.n_ordered))
        a, m = len(self._plain), len(self._arc)
        result[:, self._plain] = by_feature[:, :a]
        angle = unit[:, self.form.ordered[self._arc]] * _QUARTER
        along = -np.sin(angle) * by_feature[:, a : a + m] + np.cos(angle) * by_feature[:, a + m :]
        result[:, self._arc] = np.nan_to_num(along)
        return result

    def trend_gradient(self, unit: FloatArray, by_trend: FloatArray) -> FloatArray:
        """`(n, o)` derivatives by the ordered unit coordinates, from those by the trend's values `(n, g)`."""
        o = self.n_ordered
        x = 2.0 * unit[:, self.form.ordered] - 1.0
        along = 2.0 * _ROOT3 * by_trend[:, :o] + 6.0 * _ROOT5 * x * by_trend[:, o : 2 * o]
        return self._weight * np.nan_to_num(along, nan=0.0)


def squared_distances(a: FloatArray, b: FloatArray) -> FloatArray:
    """`(n, m)` between scaled features `(n, p)` and `(m, p)`."""
    r2: FloatArray = a @ b.T
    r2 *= -2.0
    r2 += (a * a).sum(axis=1)[:, None]
    r2 += (b * b).sum(axis=1)
    np.maximum(r2, 0.0, out=r2)
    return r2


def matern(r2: FloatArray) -> tuple[FloatArray, FloatArray]:
    """M, and -2 dM/d(r^2) = (5/3) (1 + a) exp(-a), which has no root at r = 0."""
    a = np.sqrt(r2)
    a *= _ROOT5
    decay = np.exp(-a)
    slope = (1.0 + a) * decay
    value = slope + (a * a / 3.0) * decay
    slope *= 5.0 / 3.0
    return value, slope


def mismatch(a: _Indices, b: _Indices, rates: FloatArray) -> FloatArray:
    """`(n, m)` the exponent of (1) for codes `(n, q)` and `(m, q)`."""
    total = np.zeros((len(a), len(b)))
    for c, rate in enumerate(rates.tolist()):
        total += rate * (a[:, c, None] != b[None, :, c])
    return total
