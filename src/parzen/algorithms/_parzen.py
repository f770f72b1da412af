"""Parzen mixtures on the unit cube, for spaces of any kind.

Everything here works in the unit coordinate, in which every prior is U[0, 1] (`Space.to_unit`).  A grid or a category
is a cell of the unit interval; a column that is switched off is NaN.  A kernel is a product over columns:

- an ordered column: a normal around the observation, truncated to [0, 1];
- a category: constant on each cell, the observed cell raised;
- a column that the kernel or the point has not: the factor 1.

The prior is one more kernel whose density is 1 everywhere, so that no mixture vanishes anywhere.

The log of a product of normals is a quadratic form.  With  a = -1/(2 s^2),  b = m/s^2  and a constant c,

    log k_i(x) = sum_j  a_ij x_j^2 + b_ij x_j + c_ij + d_ij[cell of x_j]                                       (1)

is a scalar product of a row that belongs to the kernel and a row that belongs to the point.  All densities of all points
under all kernels are therefore one matrix product and one exponential a pair, whatever the number of columns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from parzen._typing import BoolArray, FloatArray
from parzen.space import Space, ndtr

__all__ = ["Form", "Mixture", "gap_bandwidths", "kernel_rows", "log_density", "point_rows", "shared_bandwidths"]

_TABLED = 1024
"""Grids with at most so many values are looked up in a table; cells of larger ones are narrower than any kernel."""
_ONE_HOT = 64
"""Categories up to which a column's cells are columns of the matrix product; larger ones are compared one by one."""
_HALF_LOG_TAU = 0.5 * math.log(2.0 * math.pi)
_LARGEST = 600.0  # exp of this is still a number, also when thousands are added

_Indices = NDArray[np.intp]


class Form:
    """What the rows of formula (1) look like for one space.

    Attributes:
        d: columns of the space.
        ordered: `(o,)` columns with normal kernels.
        named: `(q,)` columns of categories.
        cells: column -> (inner edges, middles, values) of its cells, where they are tabled.
        options: `(q,)` number of categories.
        width: of the part of a row that enters the matrix product.
    """

    def __init__(self, space: Space) -> None:
        self.space, self.d = space, space.d
        self.cells: dict[int, tuple[FloatArray, FloatArray, FloatArray]] = {}
        ordered, named = [], []
        widths = np.zeros(self.d)
        for j, distribution in enumerate(space.distributions):
            size = None if distribution is None else distribution.size
            tabled = distribution is not None and size is not None and (size <= _TABLED or not distribution.ordered)
            if distribution is not None and tabled:
                values = distribution.values()
                low, high = distribution.cell(values)
                self.cells[j] = (high[:-1], 0.5 * (low + high), values)
                size = len(values)
            if size == 1:
                continue  # nothing to choose, nothing to learn
            if distribution is not None and not distribution.ordered:
                named.append(j)
            else:
                ordered.append(j)
                widths[j] = 0.0 if size is None else 1.0 / size
        self.ordered = np.array(ordered, dtype=np.intp)
        self.named = np.array(named, dtype=np.intp)
        self.options = np.array([len(self.cells[j][1]) for j in named], dtype=np.float64)
        self._half = 0.5 * widths[self.ordered]
        # Cells of one column may differ in width (integers on a log scale): those are looked up.
        self._uneven = [(o, *self._halves(j)) for o, j in enumerate(ordered) if j in self.cells and self._is_uneven(j)]
        # The log of 1 / (width of the cell), for each category.
        self.log_volumes = [-np.log(self._widths(j)) for j in named]
        # Blocks of a row: x^2, x, whether active (only where that can be in doubt), one-hot cells, 1.
        doubtful = [j for j in (*ordered, *named) if space.conditions[j] != ((),)]
        self.doubtful = np.array(doubtful, dtype=np.intp)
        place = {j: i for i, j in enumerate((*ordered, *named))}
        self.doubtful_places = np.array([place[j] for j in doubtful], dtype=np.intp)
        self.certain_places = np.array(sorted(set(place.values()) - set(self.doubtful_places.tolist())), dtype=np.intp)
        o = len(ordered)
        start = 2 * o + len(doubtful)
        self.small = np.array([q for q in range(len(named)) if self.options[q] <= _ONE_HOT], dtype=np.intp)
        self.large = np.array([q for q in range(len(named)) if self.options[q] > _ONE_HOT], dtype=np.intp)
        sizes = self.options[self.small].astype(np.intp)
        self.starts = start + np.cumsum(sizes, dtype=np.intp) - sizes
        self.width = int(start + sizes.sum() + 1)
        self.steps = _activation(space)
        self._switches = sorted({column for condition in space.conditions for conj in condition for column, _ in conj})
        self.settled = all(j in self.cells for j in self._switches)

    def _widths(self, j: int) -> FloatArray:
        inner = self.cells[j][0]
        return np.diff(np.concatenate(([0.0], inner, [1.0])))

    def _halves(self, j: int) -> tuple[FloatArray, FloatArray]:
        return self.cells[j][0], 0.5 * self._widths(j)

    def _is_uneven(self, j: int) -> bool:
        widths = self._widths(j)
        return bool(np.ptp(widths) > 1e-9)

    def half_cells(self, unit: FloatArray) -> FloatArray:
        """`(m, o)` half the width of the cell that each ordered coordinate lies in; 0 where continuous."""
        half = np.broadcast_to(self._half, (len(unit), len(self._half)))
        if self._uneven:
            half = half.copy()
            for o, inner, halves in self._uneven:
                half[:, o] = halves[np.searchsorted(inner, unit[:, self.ordered[o]], side="right")]
        return half

    def codes(self, unit: FloatArray) -> _Indices:
        """`(m, q)` position of the cell of each category; arbitrary where inactive."""
        codes = np.empty((len(unit), len(self.named)), dtype=np.intp)
        for q, j in enumerate(self.named.tolist()):
            inner = self.cells[j][0]
            # NaN sorts last, behind every inner edge.
            codes[:, q] = np.searchsorted(inner, unit[:, j], side="right")
        return codes

    def settle(self, unit: FloatArray) -> FloatArray:
        """Points `(n, d)` moved to the middles of their cells, with NaN where they turn out inactive."""
        if not self.settled:
            return self.space.to_unit(self.space.from_unit(unit))
        values = np.empty(unit.shape) if self.steps else unit
        for j, (inner, middles, of_cell) in self.cells.items():
            cell = np.searchsorted(inner, unit[:, j], side="right")
            unit[:, j] = middles[cell]
            if self.steps:
                values[:, j] = of_cell[cell]
        if self.steps:
            unit[~self.active(values)] = np.nan
        return unit

    def active(self, values: FloatArray) -> BoolArray:
        """As `Space.active`, for all columns of one depth at once; only columns that others hang on are looked at."""
        active = np.ones(values.shape, dtype=bool)
        for columns, parents, codes, rest in self.steps:
            if len(columns):
                active[:, columns] = active[:, parents] & (values[:, parents] == codes)
            for j, condition in rest:
                any_of = np.zeros(len(values), dtype=bool)
                for conjunction in condition:
                    all_of = np.ones(len(values), dtype=bool)
                    for column, code in conjunction:
                        all_of &= active[:, column] & (values[:, column] == code)
                    any_of |= all_of
                active[:, j] = any_of
        return active


_Step = tuple[_Indices, _Indices, FloatArray, list[tuple[int, tuple[tuple[tuple[int, int], ...], ...]]]]


def _activation(space: Space) -> list[_Step]:
    """Conditions by depth: those that hang on one code of one column as arrays, the rest one by one."""
    depth: list[int] = []
    levels: dict[int, tuple[list[tuple[int, int, int]], list[tuple[int, tuple[tuple[tuple[int, int], ...], ...]]]]] = {}
    for j, condition in enumerate(space.conditions):
        depth.append(max((1 + depth[column] for conj in condition for column, _ in conj), default=0))
        if condition == ((),):
            continue
        single, rest = levels.setdefault(depth[j], ([], []))
        if len(condition) == 1 and len(condition[0]) == 1:
            single.append((j, *condition[0][0]))
        else:
            rest.append((j, condition))
    steps: list[_Step] = []
    for level in sorted(levels):
        single, rest = levels[level]
        table = np.array(single, dtype=np.intp).reshape(-1, 3)
        steps.append((table[:, 0], table[:, 1], table[:, 2].astype(np.float64), rest))
    return steps


# --- bandwidths -------------------------------------------------------------------------------------------------


def gap_bandwidths(unit: FloatArray, floor: FloatArray) -> FloatArray:
    """The larger of the distances to the two neighbours, column by column (Bergstra et al. 2011, section 4.2).

    The outermost two have one neighbour.

    Args:
        unit: `(m, o)` ordered coordinates; NaN where inactive.
        floor: `(m, o)` or `(o,)` smallest bandwidth.
    """
    order = np.argsort(unit, axis=0)
    columns = np.arange(unit.shape[1])
    in_order = unit[order, columns]
    gaps = np.zeros((len(unit) + 1, unit.shape[1]))
    np.fmax(in_order[1:] - in_order[:-1], 0.0, out=gaps[1:-1])  # NaN, which sorts last, counts as 0
    sigma = np.empty_like(unit)
    sigma[order, columns] = np.maximum(gaps[:-1], gaps[1:])
    return np.minimum(np.maximum(sigma, floor), 1.0)


def shared_bandwidths(unit: FloatArray, scale: float, smallest: float) -> FloatArray:
    """`(o,)` one bandwidth a column, scale * n^(-1/(d + 4)), for groups too large to have a structure of gaps.

    Args:
        unit: `(m, o)` ordered coordinates; NaN where inactive.
        scale: bandwidth of a single observation.
        smallest: and not less than this.
    """
    counts = np.maximum(np.count_nonzero(unit == unit, axis=0), 1)
    dimension = counts.sum() / max(len(unit), 1)  # the mean number of active columns
    return np.clip(scale * counts ** (-1.0 / (dimension + 4.0)), smallest, 1.0)


# --- rows -------------------------------------------------------------------------------------------------------


def kernel_rows(
    form: Form, unit: FloatArray, sigma: FloatArray, pseudo: FloatArray, log_weights: FloatArray
) -> FloatArray:
    """The kernels' side of formula (1).

    Args:
        form: of the space.
        unit: `(m, d)` observations; NaN where inactive.
        sigma: `(m, o)` bandwidths.
        pseudo: `(q,)` weight of the prior against one observation, in each column of categories.
        log_weights: `(m,)` of the kernels in their mixture.

    Returns:
        `(m, width + 2 * large)`: behind the part that is multiplied, cell and raise of each large category.
    """
    o, m = len(form.ordered), len(unit)
    rows = np.zeros((m, form.width + 2 * len(form.large)))
    mean = unit[:, form.ordered]
    absent = mean != mean
    mass = ndtr((1.0 - mean) / sigma) - ndtr(-mean / sigma)  # of the normal inside of [0, 1]: at least a third
    precision = 1.0 / (sigma * sigma)
    constants = np.empty((m, o + len(form.named)))
    rows[:, :o] = -0.5 * precision
    rows[:, o : 2 * o] = mean * precision
    constants[:, :o] = -0.5 * mean * mean * precision - np.log(sigma * mass) - _HALF_LOG_TAU
    if absent.any():
        rows[:, :o][absent] = 0.0
        rows[:, o : 2 * o][absent] = 0.0
        constants[:, :o][absent] = 0.0
    if len(form.named):
        _raise_cells(form, unit, pseudo, rows, constants)
    if len(form.doubtful):
        rows[:, 2 * o : 2 * o + len(form.doubtful)] = constants[:, form.doubtful_places]
        constants = constants[:, form.certain_places]
    rows[:, form.width - 1] = constants.sum(axis=1) + log_weights
    return rows


def _raise_cells(form: Form, unit: FloatArray, pseudo: FloatArray, rows: FloatArray, constants: FloatArray) -> None:
    """The categories' part of the rows.

    The probability of cell c under an observation in cell c_i is (1[c = c_i] + w p_c) / (1 + w) with w the pseudo-weight
    and p_c the prior; its density in the unit coordinate is that over p_c, so w / (1 + w) everywhere, and raised by the
    factor 1 + 1/(w p_c) in the observed cell.
    """
    here = unit[:, form.named] == unit[:, form.named]
    codes = form.codes(unit)
    codes[~here] = 0
    raised = np.empty(codes.shape)
    for q, log_volume in enumerate(form.log_volumes):
        raised[:, q] = np.log1p(np.exp(log_volume[codes[:, q]]) / pseudo[q])
    constants[:, len(form.ordered) :] = np.where(here, -np.log1p(1.0 / pseudo), 0.0)
    raised[~here] = 0.0
    if len(form.small):
        rows[np.arange(len(unit))[:, None], form.starts + codes[:, form.small]] = raised[:, form.small]
    if len(form.large):
        rows[:, form.width : form.width + len(form.large)] = codes[:, form.large]
        rows[:, form.width + len(form.large) :] = raised[:, form.large]


def point_rows(form: Form, unit: FloatArray) -> FloatArray:
    """The points' side of formula (1): `(n, width + large)`, with the cells of large categories behind."""
    o = len(form.ordered)
    rows = np.zeros((len(unit), form.width + len(form.large)))
    x = unit[:, form.ordered]
    if len(form.doubtful):
        rows[:, 2 * o : 2 * o + len(form.doubtful)] = unit[:, form.doubtful] == unit[:, form.doubtful]
        x = np.where(x == x, x, 0.0)
    np.multiply(x, x, out=rows[:, :o])
    rows[:, o : 2 * o] = x
    rows[:, form.width - 1] = 1.0
    if len(form.named):
        here = unit[:, form.named] == unit[:, form.named]
        codes = form.codes(unit)
        codes[~here] = 0
        if len(form.small):
            rows[np.arange(len(unit))[:, None], form.starts + codes[:, form.small]] = here[:, form.small]
        if len(form.large):
            rows[:, form.width :] = np.where(here[:, form.large], codes[:, form.large], -1.0)
    return rows


def log_density(
    form: Form,
    points: FloatArray,
    kernels: Sequence[FloatArray],
    log_prior: float,
    left_out: _Indices | Sequence[int] = (),
) -> FloatArray:
    """`(n,)` log of the mixture's density at points, in the unit coordinate.

    Args:
        form: of the space.
        points: from `point_rows`.
        kernels: from `kernel_rows`, one array after the other; their weights are in them.
        log_prior: log weight of the prior, whose density is 1 everywhere.
        left_out: kernels of the first array that do not count.
    """
    parts = []
    for kernel in kernels:
        logs = points[:, : form.width] @ kernel[:, : form.width].T
        for place in range(form.width, form.width + len(form.large)):
            raised = kernel[:, place + len(form.large)]
            logs += np.where(points[:, place, None] == kernel[:, place], raised, 0.0)
        parts.append(logs)
    # The prior's term keeps every sum away from 0, so only overflow needs care: hundreds of narrow columns.
    top = max([log_prior, *(float(logs.max()) for logs in parts if logs.size)])
    shift = max(0.0, top - _LARGEST)
    total = np.full(len(points), math.exp(log_prior - shift))
    for i, logs in enumerate(parts):
        if shift:
            logs -= shift
        np.exp(logs, out=logs)
        if i == 0 and len(left_out):
            logs[:, left_out] = 0.0
        total += logs.sum(axis=1)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(total) + shift)


# --- drawing ----------------------------------------------------------------------------------------------------


class Mixture:
    """Kernels around a few observations, and the prior: can be drawn from.

    Args:
        form: of the space.
        unit: `(m, d)` observations.
        sigma: `(m, o)` bandwidths.
        pseudo: `(q,)` as for `kernel_rows`.
        weights: `(m + 1,)`, the prior's last; scaled to sum to one.
    """

    def __init__(self, form: Form, unit: FloatArray, sigma: FloatArray, pseudo: FloatArray, weights: FloatArray) -> None:
        self.form, self.unit, self.sigma, self.pseudo = form, unit, sigma, pseudo
        self.weights = weights / weights.sum()
        with np.errstate(divide="ignore"):
            self._log_weights = np.log(self.weights)
        self._rows = kernel_rows(form, unit, sigma, pseudo, self._log_weights[:-1])

    def log_density(self, points: FloatArray) -> FloatArray:
        """`(n,)` at points from `point_rows`."""
        return log_density(self.form, points, (self._rows,), float(self._log_weights[-1]))

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        """`(n, d)` independent draws; NaN where a draw turned out inactive.

        One kernel is drawn for the whole row.  Columns that the draw activates and the kernel has not are drawn from
        another kernel that has them, and from the prior where none has.
        """
        form = self.form
        chosen = np.searchsorted(np.cumsum(self.weights)[:-1], rng.random(n), side="right")
        donor = rng.random(n)
        unit = rng.random((n, form.d))  # what the prior would draw
        stays = rng.random((n, len(form.named)))
        noise = rng.standard_normal((n, len(form.ordered)))
        rows = self._donors(chosen, donor) if len(form.doubtful) else chosen[:, None]
        # The prior's row comes last: no centre anywhere.
        centre = np.concatenate((self.unit, np.full((1, form.d), np.nan)))
        spread = np.concatenate((self.sigma, np.ones((1, len(form.ordered)))))
        if len(form.ordered):
            at = rows[:, form.ordered] if rows.shape[1] > 1 else rows
            mean, sigma = centre[at, form.ordered], spread[at, np.arange(len(form.ordered))]
            x = mean + sigma * noise
            while (out := (x < 0.0) | (x > 1.0)).any():  # at least a third of a kernel is inside, so this ends soon
                x[out] = mean[out] + sigma[out] * rng.standard_normal(np.count_nonzero(out))
            unit[:, form.ordered] = np.where(x == x, x, unit[:, form.ordered])
        if len(form.named):
            at = rows[:, form.named] if rows.shape[1] > 1 else rows
            cell = centre[at, form.named]
            unit[:, form.named] = np.where((stays * (1.0 + self.pseudo) < 1.0) & (cell == cell), cell, unit[:, form.named])
        return form.settle(unit)

    def _donors(self, chosen: _Indices, donor: FloatArray) -> _Indices:
        """`(n, d)` which kernel each coordinate comes from.

        One number decides on the donor in all columns of a row, so that what is active together comes from one kernel.
        """
        rows = np.repeat(chosen[:, None], self.form.d, axis=1)
        prior = len(self.unit)
        has = self.unit[:, self.form.doubtful] == self.unit[:, self.form.doubtful]
        heap = np.cumsum(has * self.weights[:-1, None], axis=0)
        of_chosen = np.concatenate((has, np.ones((1, has.shape[1]), dtype=bool)))[chosen]
        if prior and not of_chosen.all():
            wanted = donor[:, None] * heap[-1]
            found = (heap[None, :, :] <= wanted[:, None, :]).sum(axis=1)  # `prior` where nobody has the column
            rows[:, self.form.doubtful] = np.where(of_chosen, chosen[:, None], found)
        return rows
