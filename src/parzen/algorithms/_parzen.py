"""Parzen mixtures on the unit cube, for spaces of any kind.

Everything here works in the unit coordinate, in which every prior is U[0, 1] (`Space.to_unit`).  A value of a grid and
a category are cells of the unit interval; a column that is switched off is NaN.  A kernel is a product over columns:

- an ordered column: a normal around the observation, truncated to [0, 1];
- a category: constant on each cell, the observed cell raised;
- a column that the kernel or the point has not: the factor 1.

The prior is one more kernel, of density 1 everywhere, so that no mixture vanishes anywhere.

The log of a product of normals is a quadratic form.  With a = -1/(2 s^2), b = m/s^2 and c = log of the rest,

    log k_i(x) = sum_j  a_ij x_j^2 + b_ij x_j + c_ij + r_ij 1[x_j is in the cell of i]                           (1)

is a scalar product of a row that belongs to the kernel and a row that belongs to the point.  All densities of all
points under all kernels are therefore one matrix product and one exponential a pair, whatever the number of columns.
"""

from __future__ import annotations

import functools
import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from parzen._typing import FloatArray
from parzen.algorithms._form import Form
from parzen.algorithms._tree_draws import tree_draws, truncated
from parzen.space import ndtr

__all__ = [
    "Mixture",
    "gap_bandwidths",
    "kernel_rows",
    "log_density",
    "point_rows",
    "shared_bandwidths",
]

_HALF_LOG_TAU = 0.5 * math.log(2.0 * math.pi)
_LARGEST, _LEAST = 80.0, np.float32(-87.0)
"""Exp of these is a number in single precision; of the second it is nothing beside the prior, unless that is tiny."""
_TINY = 1e-30

_Indices: TypeAlias = NDArray[np.intp]


# --- bandwidths -------------------------------------------------------------------------------------------------


def gap_bandwidths(unit: FloatArray, floor: FloatArray) -> FloatArray:
    """The larger of the distances to the two neighbours, column by column (Bergstra et al. 2011, section 4.2).

    The outermost two have one neighbour.

    Args:
        unit: `(m, o)` ordered coordinates; NaN where inactive.
        floor: `(m, o)` or `(o,)` smallest bandwidth; the largest is 1.
    """
    order = np.argsort(unit, axis=0)
    columns = np.arange(unit.shape[1])
    in_order = unit[order, columns]
    gaps = np.zeros((len(unit) + 1, unit.shape[1]))
    np.fmax(in_order[1:] - in_order[:-1], 0.0, out=gaps[1:-1])  # NaN sorts last and leaves no gap
    sigma = np.empty_like(unit)
    sigma[order, columns] = np.maximum(gaps[:-1], gaps[1:])
    return np.minimum(np.maximum(sigma, floor), 1.0)


def shared_bandwidths(counts: FloatArray, dimension: float, scale: float, smallest: float) -> FloatArray:
    """`(o,)` one bandwidth a column, scale * n^(-1/(d + 4)): Scott's rate, for groups too large to sort at each ask.

    Args:
        counts: `(o,)` observations of each column.
        dimension: mean number of ordered columns that an observation has.
        scale: bandwidth of a single observation.
        smallest: and never less than this.
    """
    return np.clip(scale * np.maximum(counts, 1.0) ** (-1.0 / (dimension + 4.0)), smallest, 1.0)


# --- rows -------------------------------------------------------------------------------------------------------


def kernel_rows(form: Form, unit: FloatArray, sigma: FloatArray, pseudo: FloatArray) -> FloatArray:
    """The kernels' side of formula (1).

    Args:
        form: of the space.
        unit: `(m, d)` observations; NaN where inactive.
        sigma: `(m, o)` bandwidths.
        pseudo: `(q,)` weight w of the prior against one observation, for each column of categories.  The probability of
            cell c is (1[c = observed] + w p_c) / (1 + w), which in the unit coordinate is a density of w / (1 + w),
            raised by the factor 1 + 1 / (w p_c) in the observed cell.

    Returns:
        `(m, width + 2 * large)`: behind the part that is multiplied, cell and raise of each large category.
    """
    o, m = len(form.ordered), len(unit)
    rows = np.zeros((m, form.width + 2 * len(form.large)))
    constants = np.empty((m, o + len(form.named)))
    mean = unit[:, form.ordered]
    inside = _mass(mean, sigma)
    a, b, c = rows[:, :o], rows[:, o : 2 * o], constants[:, :o]
    np.divide(-0.5, sigma * sigma, out=a)
    np.multiply(-2.0 * mean, a, out=b)
    np.multiply(mean * mean, a, out=c)
    c -= np.log(sigma * inside) + _HALF_LOG_TAU
    if len(form.doubtful):
        absent = mean != mean
        a[absent] = b[absent] = c[absent] = 0.0
    if len(form.named):
        codes, here = form.codes(unit)
        raised = np.where(here, np.log1p(form.volumes[codes + form.volume_starts] / pseudo), 0.0)
        constants[:, o:] = np.where(here, -np.log1p(1.0 / pseudo), 0.0)
        if len(form.small):
            rows[np.arange(m)[:, None], form.starts + codes[:, form.small]] = raised[:, form.small]
        if len(form.large):
            rows[:, form.width :] = np.concatenate((codes[:, form.large], raised[:, form.large]), axis=1)
    if len(form.doubtful):
        rows[:, form.active_start : form.active_start + len(form.doubtful)] = constants[:, form.doubtful_places]
        constants = constants[:, form.certain_places]
    rows[:, form.width - 1] = constants.sum(axis=1)
    return rows


def _mass(mean: FloatArray, sigma: FloatArray) -> FloatArray:
    """Mass of normals `(m, o)` in [0, 1]: a third or more; where there is none, 1."""
    known = mean == mean
    if known.all():
        below = ndtr(np.concatenate((1.0 - mean, -mean)) / np.concatenate((sigma, sigma)))
        return below[: len(mean)] - below[len(mean) :]
    inside = np.ones(mean.shape)  # of a tree's columns a row has few
    inside[known] = _mass(mean[known], sigma[known])
    return inside


def point_rows(form: Form, unit: FloatArray) -> FloatArray:
    """The points' side of formula (1): `(n, width + large)`, with the cells of large categories behind.

    Args:
        form: of the space.
        unit: `(n, d)` coordinates; NaN where inactive.
    """
    o = len(form.ordered)
    rows = np.zeros((len(unit), form.width + len(form.large)))
    x = unit[:, form.ordered]
    if len(form.doubtful):
        known = unit[:, form.doubtful]
        rows[:, form.active_start : form.active_start + len(form.doubtful)] = known == known
        x[x != x] = 0.0
    np.multiply(x, x, out=rows[:, :o])
    rows[:, o : 2 * o] = x
    rows[:, form.width - 1] = 1.0
    if len(form.named):
        codes, here = form.codes(unit)
        if len(form.small):
            rows[np.arange(len(unit))[:, None], form.starts + codes[:, form.small]] = here[:, form.small]
        if len(form.large):
            rows[:, form.width :] = np.where(here[:, form.large], codes[:, form.large], -1.0)
    return rows


def log_density(form: Form, points: FloatArray, kernels: FloatArray, weights: FloatArray, prior: float) -> FloatArray:
    """`(n,)` log of  prior + sum_i weights_i k_i(x),  in the unit coordinate, to about 4e-6.

    Args:
        form: of the space.
        points: from `point_rows`.
        kernels: `(m, …)` from `kernel_rows`.
        weights: `(m,)`, not negative.
        prior: weight of the prior, positive.
    """
    logs = _products(form, points[:, : form.width], kernels[:, : form.width])
    for place in range(form.width, form.width + len(form.large)):
        logs += np.where(points[:, place, None] == kernels[:, place], kernels[:, place + len(form.large)], 0.0)
    # The prior's term keeps a sum away from 0, so only overflow needs care: many narrow columns.
    shift = np.zeros(len(logs))
    if logs.size and float(logs.max()) > _LARGEST:
        with np.errstate(divide="ignore"):
            logs += np.log(weights)  # what weighs nothing must not decide what all are measured against
        weights = np.ones(len(weights))
        shift = np.maximum(logs.max(axis=1) - _LARGEST, 0.0)
        logs -= shift[:, None]
    if prior < _TINY:
        np.exp(logs, out=logs)
    else:
        # Exponentials are most of the work: in single precision they take a quarter of the time.  Sums are in double precision,
        # and in the same memory, because new memory for so many numbers would cost more than that saves.
        single = logs.astype(np.float32)
        np.maximum(single, _LEAST, out=single)
        logs[:] = np.exp(single, out=single)
    return np.asarray(np.log(np.maximum(logs @ weights + prior * np.exp(-shift), 5e-324)) + shift)


_WIDE, _MANY = 64, 512
"""From this width of a tree's rows and this number of kernels on, products leave out what is zero."""


def _products(form: Form, points: FloatArray, kernels: FloatArray) -> FloatArray:
    """`(n, m)` scalar products of rows.

    A point of a tree has few of its columns, and points of one branch the same ones: those are multiplied, branch by branch.
    """
    if not len(form.doubtful) or form.width < _WIDE or len(kernels) < _MANY:
        return np.asarray(points @ kernels.T)
    alike: dict[bytes, list[int]] = {}
    there = points[:, form.active_start : form.active_start + len(form.doubtful)] != 0.0
    for i, pattern in enumerate(there):
        alike.setdefault(pattern.tobytes(), []).append(i)
    logs, across = np.empty((len(points), len(kernels))), kernels.T
    for rows in alike.values():
        some = points[rows]
        used = np.flatnonzero(some.any(axis=0))
        logs[rows] = some[:, used] @ across[used]
    return logs


# --- drawing ----------------------------------------------------------------------------------------------------


class Mixture:
    """Kernels around a few observations, and the prior: can be drawn from.

    Args:
        form: of the space.
        unit: `(m, d)` observations; NaN where inactive.
        sigma: `(m, o)` bandwidths.
        pseudo: `(q,)` as for `kernel_rows`.
        weights: `(m,)` of the kernels.
        prior: weight of the prior.  All weights are scaled to sum to one.
    """

    def __init__(
        self, form: Form, unit: FloatArray, sigma: FloatArray, pseudo: FloatArray, weights: FloatArray, prior: float
    ) -> None:
        total = float(weights.sum()) + prior
        self.form, self.unit, self.sigma, self.pseudo = form, unit, sigma, pseudo
        self.weights, self.prior = weights / total, prior / total
        self._rows = kernel_rows(form, unit, sigma, pseudo)
        # The prior comes last: it has no centre anywhere.
        self.centre = np.concatenate((unit, np.full((1, form.d), np.nan)))
        self.spread = np.concatenate((sigma, np.ones((1, len(form.ordered)))))

    @functools.cached_property
    def heaps(self) -> FloatArray:
        """`(m, d)` weight of the kernels up to each that have a column."""
        return np.asarray(np.cumsum((self.unit == self.unit) * self.weights[:, None], axis=0))

    def log_density(self, points: FloatArray) -> FloatArray:
        """`(n,)` at points from `point_rows`."""
        return log_density(self.form, points, self._rows, self.weights, self.prior)

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        """`(n, d)` independent draws; NaN where a draw turned out inactive.

        One kernel is drawn for a whole row.  Columns that the row activates and its kernel has not are drawn from
        another kernel that has them, and from the prior where none has.
        """
        form = self.form
        if len(form.doubtful) and form.knows_activity:
            return tree_draws(self, rng, n)
        unit = rng.random((n, form.d + 2))  # what the prior would draw, and two numbers to choose kernels by
        noise = rng.standard_normal((n, len(form.ordered)))
        stays = rng.random((n, len(form.named))) * (1.0 + self.pseudo) < 1.0
        chosen = np.cumsum(self.weights).searchsorted(unit[:, -1], side="right")
        if len(form.doubtful):
            kernel = self._with_donors(chosen, unit[:, -2])
            centre = self.centre[kernel, np.arange(form.d)]
            spread = self.spread[kernel[:, form.ordered], np.arange(len(form.ordered))]
        else:
            centre, spread = self.centre[chosen], self.spread[chosen]
        unit = unit[:, : form.d]
        mean = centre[:, form.ordered]
        x = truncated(mean.ravel(), spread.ravel(), noise.ravel(), rng).reshape(mean.shape)
        unit[:, form.ordered] = np.where(x == x, x, unit[:, form.ordered])
        if len(form.named):
            cell = centre[:, form.named]
            unit[:, form.named] = np.where(stays & (cell == cell), cell, unit[:, form.named])
        return form.settle(unit)

    def _with_donors(self, chosen: _Indices, number: FloatArray) -> _Indices:
        """`(n, d)` which kernel each coordinate comes from; m where it is the prior.

        One number a row decides on the donors of all its columns, so that what is active together, such as the
        parameters of one branch, comes from one kernel.
        """
        kernel = np.repeat(chosen[:, None], self.form.d, axis=1)
        doubtful = self.form.doubtful
        has = self.unit[:, doubtful] == self.unit[:, doubtful]
        own = np.concatenate((has, np.ones((1, len(doubtful)), dtype=bool)))[chosen]
        if len(has) and not own.all():
            heaps = np.cumsum(has * self.weights[:, None], axis=0)
            found = (heaps[None, :, :] <= (number[:, None] * heaps[-1])[:, None, :]).sum(axis=1)
            kernel[:, doubtful] = np.where(own, chosen[:, None], found)
        return kernel
