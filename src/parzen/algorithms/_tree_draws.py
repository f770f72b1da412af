"""Draws from a mixture over a tree, level by level: only what a draw activates is drawn.

Of a tree of 20 branches a draw has one, so to draw all columns and to forget most of them costs many times as much.  All
columns of one depth are drawn at once, for all rows: first those that are always there, then those that the switches among
them turned on, and so on.  What is drawn is flat: an entry for each pair of a row and a column that is active in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from parzen._typing import FloatArray

if TYPE_CHECKING:
    from parzen.algorithms._form import Form
    from parzen.algorithms._parzen import Mixture

__all__ = ["Cells", "tree_draws", "truncated"]

_Indices: TypeAlias = NDArray[np.intp]


class Cells:
    """Where the cells of all columns of a form are, for entries of any columns.

    Args:
        form: of the space.
        sizes: `(d,)` number of cells of each column; infinite where continuous.
    """

    def __init__(self, form: Form, sizes: FloatArray) -> None:
        self.ordered = np.full(form.d, -1, dtype=np.intp)  # position among the ordered columns, -1 of others
        self.ordered[form.ordered] = np.arange(len(form.ordered))
        self.named = np.full(form.d, -1, dtype=np.intp)
        self.named[form.named] = np.arange(len(form.named))
        uneven = sorted(form.tables)
        self._sizes = sizes.copy()
        self._sizes[uneven] = np.inf
        self._uneven = np.full(form.d, -1, dtype=np.intp)
        self._uneven[uneven] = np.arange(len(uneven))
        # All tables in one, column k shifted by 2 k: a single search finds the cell of any column.  Middles are one more
        # than inner edges, so that the k-th column's begin k further on.
        edges = [form.tables[j][0] + 2.0 * k for k, j in enumerate(uneven)]
        self._edges = np.concatenate(edges) if edges else np.empty(0)
        self._middles = np.concatenate([form.tables[j][1] for j in uneven]) if edges else np.empty(0)

    def settle(self, unit: FloatArray, columns: _Indices) -> FloatArray:
        """Coordinates `(k,)` of entries moved to the middles of their cells."""
        sizes, place = self._sizes[columns], self._uneven[columns]
        even = np.flatnonzero(sizes < np.inf)
        if len(even):
            size = sizes[even]
            unit[even] = (np.minimum(np.floor(unit[even] * size), size - 1.0) + 0.5) / size
        uneven = np.flatnonzero(place >= 0)
        if len(uneven):
            k = place[uneven]
            unit[uneven] = self._middles[self._edges.searchsorted(unit[uneven] + 2.0 * k, side="right") + k]
        return unit


def tree_draws(mixture: Mixture, rng: np.random.Generator, n: int) -> FloatArray:
    """`(n, d)` independent draws, settled; see `Mixture.sample`."""
    form = mixture.form
    unit = np.full((n, form.d), np.nan)
    choice = rng.random((n, 2))
    chosen = np.cumsum(mixture.weights).searchsorted(choice[:, 0], side="right")
    for columns, active in form.levels(unit):
        rows, at = np.nonzero(active)
        if len(rows):
            at = columns[at]
            unit[rows, at] = _entries(mixture, rng, chosen[rows], choice[rows, 1], at)
    return unit


def _entries(
    mixture: Mixture, rng: np.random.Generator, kernel: _Indices, number: FloatArray, columns: _Indices
) -> FloatArray:
    """`(k,)` settled coordinates of entries.

    Args:
        mixture: to draw from.
        rng: to draw with.
        kernel: `(k,)` of each entry's row; m where it is the prior.
        number: `(k,)` of each entry's row in [0, 1]: it decides on the donors of all columns that the kernel has not, so
            that what is active together, such as the parameters of one branch, comes from one kernel.
        columns: `(k,)`.
    """
    cells, m = mixture.form.cells, len(mixture.unit)
    centre = mixture.centre[kernel, columns]
    lacking = np.flatnonzero((centre != centre) & (kernel < m))
    if len(lacking):
        heaps = mixture.heaps[:, columns[lacking]]
        kernel[lacking] = (heaps <= number[lacking] * heaps[-1]).sum(axis=0)
        centre = mixture.centre[kernel, columns]
    unit = rng.random(len(columns))  # what the prior would draw
    known = centre == centre
    ordered, named = cells.ordered[columns], cells.named[columns]
    at = np.flatnonzero(known & (ordered >= 0))
    noise = rng.standard_normal(len(at))
    unit[at] = truncated(centre[at], mixture.spread[kernel[at], ordered[at]], noise, rng)
    at = np.flatnonzero(known & (named >= 0))
    if len(at):
        at = at[rng.random(len(at)) * (1.0 + mixture.pseudo[named[at]]) < 1.0]
        unit[at] = centre[at]
    return cells.settle(unit, columns)


def truncated(mean: FloatArray, sigma: FloatArray, noise: FloatArray, rng: np.random.Generator) -> FloatArray:
    """`(k,)` normals in [0, 1], by rejection; NaN where the mean is.

    A third of a kernel or more is inside, so of eight draws at once one nearly always is.

    Args:
        mean, sigma: `(k,)`.
        noise: `(k,)` standard normals, the first draws.
        rng: for further ones.
    """
    x = mean + sigma * noise
    while len(at := np.flatnonzero((x < 0.0) | (x > 1.0))):
        draws = mean[at] + sigma[at] * rng.standard_normal((8, len(at)))
        first = ((draws >= 0.0) & (draws <= 1.0)).argmax(axis=0)
        x[at] = draws[first, np.arange(len(at))]
    return x
