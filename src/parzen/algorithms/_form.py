"""The columns of a space as the algorithms that learn see them: rows of numbers in the unit cube, and where its cells are.

A value of a grid and a category are cells of the unit interval, and a coordinate in a cell means the same as its middle; a
column that is switched off is NaN.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from parzen._typing import BoolArray, FloatArray
from parzen.algorithms._tree_draws import Cells
from parzen.space import Space
from parzen.trials import History

__all__ = ["Form", "form_of"]

_ONE_HOT = 64
"""Categories up to which cells are columns of the matrix product; those of larger columns are compared one by one."""
_TABLED = 1024
"""Uneven grids of at most so many values are looked up in a table; cells of larger ones are narrow against kernels."""

_Indices: TypeAlias = NDArray[np.intp]
_Condition: TypeAlias = tuple[tuple[tuple[int, int], ...], ...]  # as in `Space.conditions`


class Form:
    """What the rows of a mixture (`_parzen`, formula 1) look like for one space, and where its cells are.

    Columns with one possible value are left out: there is nothing to learn about them.

    Attributes:
        ordered: `(o,)` columns with normal kernels.
        named: `(q,)` columns of categories.
        options: `(q,)` their number of categories.
        doubtful: columns that are not always active.
        width: of the part of a row that enters the matrix product: x^2, x, "is active" of the doubtful columns, the
            cells of small categories, 1.
        large: positions in `named` of the categories that do not.
        tables: column -> inner edges and middles of its cells, where they are not alike.
        cells: of all columns, for draws over trees.
        knows_activity: whether coordinates alone tell which columns are active.
    """

    def __init__(self, space: Space) -> None:
        self.space, self.d = space, space.d
        ordered: list[int] = []
        named: list[int] = []
        sizes = np.full(self.d, np.inf)
        self._table: dict[int, tuple[FloatArray, FloatArray]] = {}  # uneven columns: inner edges, middles
        self._cells: dict[int, tuple[list[float], list[float]]] = {}
        for j, distribution in enumerate(space.distributions):
            size = None if distribution is None else distribution.size
            if distribution is not None and size is not None and (size <= _TABLED or not distribution.ordered):
                values = distribution.values()
                low, high = distribution.cell(values)
                size = len(values)
                if float(np.ptp(high - low)) > 1e-9 / size:
                    self._table[j] = high[:-1], 0.5 * (low + high)
            if size is not None:
                sizes[j] = size
            if size != 1:
                (ordered if distribution is None or distribution.ordered else named).append(j)
        self.ordered, self.named = np.array(ordered, dtype=np.intp), np.array(named, dtype=np.intp)
        self.options = sizes[self.named]
        self._half = 0.5 / sizes[self.ordered]
        self._uneven = [(o, j, 0.5 * self._widths(j)) for o, j in enumerate(ordered) if j in self._table]
        self._weighted = [(q, j) for q, j in enumerate(named) if j in self._table]
        even = [j for j in range(self.d) if sizes[j] < np.inf and j not in self._table]
        self._even, self._sizes = np.array(even, dtype=np.intp), sizes[even]
        # 1 / (width of the cell) of categories, one array for all columns, and where each column begins in it.
        volumes = [1.0 / self._widths(j) if j in self._table else np.full(int(sizes[j]), sizes[j]) for j in named]
        self.volumes = np.concatenate(volumes) if volumes else np.empty(0)
        self.volume_starts = np.cumsum([0, *map(len, volumes)], dtype=np.intp)[:-1]
        # Where each block of a row begins.
        learnt = [*ordered, *named]
        is_doubtful = np.array([space.conditions[j] != ((),) for j in learnt], dtype=bool)
        self.doubtful = np.array(learnt, dtype=np.intp)[is_doubtful]
        self.doubtful_places, self.certain_places = np.flatnonzero(is_doubtful), np.flatnonzero(~is_doubtful)
        self.small, self.large = np.flatnonzero(self.options <= _ONE_HOT), np.flatnonzero(self.options > _ONE_HOT)
        counts = self.options[self.small].astype(np.intp)
        self.active_start = 2 * len(ordered)
        self.starts = self.active_start + len(self.doubtful) + np.cumsum(counts, dtype=np.intp) - counts
        self.width = int(self.active_start + len(self.doubtful) + counts.sum() + 1)
        self._set_up_activity(space)
        self.tables = self._table  # complete now
        self.cells = Cells(self, sizes)

    def _widths(self, j: int) -> FloatArray:
        return np.diff(np.concatenate(([0.0], self._table[j][0], [1.0])))

    @property
    def half_widths(self) -> FloatArray:
        """`(o,)` half the width of a cell of each ordered column, where all of its cells are alike; 0 where continuous."""
        return self._half

    def cells_of(self, j: int) -> tuple[list[float], list[float]]:
        """Inner edges and halves of the widths of the cells of column `j`, where they are not alike; else empty."""
        known = self._cells.get(j)
        if known is None:
            uneven = j in self._table
            known = (self._table[j][0].tolist(), (0.5 * self._widths(j)).tolist()) if uneven else ([], [])
            self._cells[j] = known
        return known

    def half_cells(self, unit: FloatArray) -> FloatArray:
        """`(m, o)`, or `(o,)` for all, half the width of the cell of each ordered coordinate; 0 where continuous."""
        if not self._uneven:
            return self._half
        half = np.empty((len(unit), len(self._half)))
        half[:] = self._half
        for o, j, halves in self._uneven:
            half[:, o] = halves[self._table[j][0].searchsorted(unit[:, j], side="right")]
        return half

    def counts(self, unit: FloatArray) -> tuple[FloatArray, FloatArray]:
        """`(o,)` and `(q,)` how many of the rows have each column."""
        if not len(self.doubtful):
            n = float(len(unit))
            return np.full(len(self.ordered), n), np.full(len(self.named), n)
        n_of = (unit == unit).sum(axis=0).astype(np.float64)
        return n_of[self.ordered], n_of[self.named]

    def codes(self, unit: FloatArray) -> tuple[_Indices, BoolArray]:
        """`(m, q)` the cell of each category, 0 where inactive, and which are active."""
        u = unit[:, self.named]
        here = u == u
        codes = np.minimum(np.where(here, u, 0.0) * self.options, self.options - 1.0).astype(np.intp)
        for q, j in self._weighted:
            codes[:, q] = np.where(here[:, q], self._table[j][0].searchsorted(u[:, q], side="right"), 0)
        return codes, here

    # --- from coordinates to points -----------------------------------------------------------------------------

    def _set_up_activity(self, space: Space) -> None:
        """Conditions by depth: those that hang on one code of one column as arrays, the rest one by one."""
        depth: list[int] = []
        single: dict[int, list[tuple[int, int, int]]] = {}
        rest: dict[int, list[tuple[int, _Condition]]] = {}
        for j, condition in enumerate(space.conditions):
            depth.append(max((1 + depth[column] for conj in condition for column, _ in conj), default=0))
            if len(condition) == 1 and len(condition[0]) == 1:
                single.setdefault(depth[j], []).append((j, *condition[0][0]))
            elif condition != ((),):
                rest.setdefault(depth[j], []).append((j, condition))
        self._levels = [
            (*np.array(single.get(level, []), dtype=np.intp).reshape(-1, 3).T, rest.get(level, []))
            for level in sorted({*single, *rest})
        ]
        self._always = np.array(
            [j for j, condition in enumerate(space.conditions) if condition == ((),)], dtype=np.intp
        )
        switches = sorted({column for condition in space.conditions for conj in condition for column, _ in conj})
        self._switches = [(j, space.distributions[j]) for j in switches]
        # A switch whose own bounds are computed has no cells that could be known beforehand.
        self.knows_activity = all(distribution is not None for _, distribution in self._switches)

    def settle(self, unit: FloatArray) -> FloatArray:
        """Coordinates `(n, d)` moved to the middles of their cells, with NaN where they turn out inactive; in place."""
        if not self.knows_activity:
            return self.space.to_unit(self.space.from_unit(unit))
        if len(self._even):
            cells = np.minimum(np.floor(unit[:, self._even] * self._sizes), self._sizes - 1.0)
            unit[:, self._even] = (cells + 0.5) / self._sizes
        for j, (inner, middles) in self._table.items():
            unit[:, j] = middles[inner.searchsorted(unit[:, j], side="right")]
        if self._levels:
            unit[~self._active(unit)] = np.nan
        return unit

    def levels(self, unit: FloatArray) -> Iterator[tuple[_Indices, BoolArray]]:
        """Columns `(k,)` of one depth after the other, and in which rows they are active, `(n, k)`.

        Args:
            unit: `(n, d)` coordinates, of which the columns that were given out are looked at before the next ones are.
        """
        n = len(unit)
        values = np.full(unit.shape, np.nan)
        yield self._always, np.ones((n, len(self._always)), dtype=bool)
        for columns, parents, codes, rest in self._levels:
            # Where a switch is inactive its value is NaN, and no code.
            for j, distribution in self._switches:
                assert distribution is not None
                here = np.flatnonzero(unit[:, j] == unit[:, j])
                values[here, j] = distribution.from_unit(unit[here, j])
            if len(columns):
                yield columns, values[:, parents] == codes
            for j, condition in rest:
                any_of = np.zeros(n, dtype=bool)
                for conjunction in condition:
                    any_of |= np.logical_and.reduce([values[:, column] == code for column, code in conjunction])
                yield np.array([j], dtype=np.intp), any_of[:, None]

    def _active(self, unit: FloatArray) -> BoolArray:
        """As `Space.active`, for coordinates."""
        values = np.zeros(unit.shape)
        for j, distribution in self._switches:
            assert distribution is not None
            values[:, j] = distribution.from_unit(unit[:, j])
        active = np.ones(unit.shape, dtype=bool)
        for columns, parents, codes, rest in self._levels:
            active[:, columns] = active[:, parents] & (values[:, parents] == codes)
            for j, condition in rest:
                any_of = np.zeros(len(unit), dtype=bool)
                for conjunction in condition:
                    all_of = np.ones(len(unit), dtype=bool)
                    for column, code in conjunction:
                        all_of &= active[:, column] & (values[:, column] == code)
                    any_of |= all_of
                active[:, j] = any_of
        return active


def form_of(space: Space, history: History) -> Form:
    """The form of a study's space, made once."""

    def keep(form: Form, *_: object) -> Form:
        return form

    return history.fold("form", lambda: Form(space), keep, ())
