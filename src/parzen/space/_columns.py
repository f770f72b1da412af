"""All columns at once: the same maps as the distributions', with one pass for each kind instead of one for each column.

A suggestion maps one row, and then the number of numpy calls is what it costs.  Uniform and log-uniform columns are one
pass; evenly weighted grids and codes another; whatever is left is asked one by one.  The arithmetic is that of the single
distributions, so that the results are the same to the bit; a test holds them together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from parzen._typing import FloatArray
from parzen.space.distributions import Categorical, Distribution, Grid, LogUniform, Ordinal, Uniform

__all__ = ["Columns"]


class Columns:
    """The maps between unit coordinates and values, for rows `(n, d)`.

    Args:
        distributions: of each column; none of them depends on another column.
    """

    def __init__(self, distributions: Sequence[Distribution]) -> None:
        plain = [j for j, dist in enumerate(distributions) if isinstance(dist, Uniform)]
        log = [j for j, dist in enumerate(distributions) if isinstance(dist, LogUniform)]
        self._scaled = np.array(plain + log, dtype=np.intp)
        self._logs = slice(len(plain), None)
        bounds = [
            (d.low, d.high) for d in (distributions[j] for j in self._scaled) if isinstance(d, (Uniform, LogUniform))
        ]
        self._low, self._high = np.array(bounds).reshape(-1, 2).T
        ends = [(math.log(a), math.log(b)) if i >= len(plain) else (a, b) for i, (a, b) in enumerate(bounds)]
        self._from, self._to = np.array(ends).reshape(-1, 2).T
        half = [0.5 * b - 0.5 * a for a, b in ends]
        self._half = np.array(half)
        even = [_even(dist) for dist in distributions]
        self._even = np.array([j for j, steps in enumerate(even) if steps is not None], dtype=np.intp)
        table = np.array([steps for steps in even if steps is not None]).reshape(-1, 4)
        self._first, self._step, self._last, self._count = table.T
        # As the distributions say: a number with a step may be off by rounding, an integer or a code may not.
        self._slack = np.array([0.0 if distributions[j].integral else 1e-6 for j in self._even])
        taken = {*self._scaled.tolist(), *self._even.tolist()}
        self._rest = [(j, dist) for j, dist in enumerate(distributions) if j not in taken]

    def from_unit(self, unit: FloatArray) -> FloatArray:
        """Values `(n, d)` at quantiles `(n, d)`."""
        values = np.empty(unit.shape)
        if len(self._scaled):
            u = unit[:, self._scaled]
            x = self._from * (1.0 - u) + self._to * u
            np.exp(x[:, self._logs], out=x[:, self._logs])
            values[:, self._scaled] = np.minimum(np.maximum(x, self._low), self._high)
        if len(self._even):
            k = np.minimum(np.floor(unit[:, self._even] * self._count), self._count - 1.0)
            values[:, self._even] = np.minimum(self._first + k * self._step, self._last)
        for j, dist in self._rest:
            values[:, j] = dist.from_unit(unit[:, j])
        return values

    def outside(self, values: FloatArray) -> int:
        """A column in which one of the values `(n, d)` cannot have come from its distribution; -1 for none.

        NaN is not looked at.
        """
        x = values[:, self._scaled]
        wrong = (x < self._low) | (x > self._high)
        if wrong.any():
            return int(self._scaled[wrong.any(axis=0)][0])
        k = (values[:, self._even] - self._first) / self._step
        wrong = (np.abs(k - np.rint(k)) > self._slack) | (np.rint(k) < 0) | (np.rint(k) >= self._count)
        if wrong.any():
            return int(self._even[wrong.any(axis=0)][0])
        for j, dist in self._rest:
            known = values[~np.isnan(values[:, j]), j]
            if not dist.contains(known).all():
                return j
        return -1

    def to_unit(self, values: FloatArray) -> FloatArray:
        """Quantiles `(n, d)` of values `(n, d)`; NaN stays NaN."""
        unit = np.full(values.shape, np.nan)
        if len(self._scaled):
            x = values[:, self._scaled]
            np.log(x[:, self._logs], out=x[:, self._logs])
            u = (0.5 * x - 0.5 * self._from) / self._half
            unit[:, self._scaled] = np.minimum(np.maximum(u, 0.0), 1.0)
        if len(self._even):
            k = np.rint((values[:, self._even] - self._first) / self._step)
            unit[:, self._even] = 0.5 * (k / self._count + (k + 1.0) / self._count)
        for j, dist in self._rest:
            known = ~np.isnan(values[:, j])
            unit[known, j] = dist.to_unit(values[known, j])
        return unit


def _even(dist: Distribution) -> tuple[float, float, float, float] | None:
    """First value, step, last value and number of the values, where they are evenly spaced and weigh the same."""
    if isinstance(dist, Grid) and not dist.log:
        return dist.low, dist.step, dist.high, float(dist.size)
    if isinstance(dist, Ordinal) or (isinstance(dist, Categorical) and dist.weights is None):
        return 0.0, 1.0, dist.count - 1.0, float(dist.count)
    return None
