"""One kernel at a time: `kernel_rows` for a single observation, without an array for each step.

With each trial the bad group gains one kernel.  On arrays of one row that costs 70 us, as much as all 64 candidates cost
under a hundred kernels; plain floats take 15.  The result is the same to the bit; a test holds the two together.
"""

from __future__ import annotations

import math
from bisect import bisect_right

import numpy as np

from parzen._typing import FloatArray
from parzen.algorithms._form import Form
from parzen.space import ndtr_of

__all__ = ["KernelRow"]

_HALF_LOG_TAU = 0.5 * math.log(2.0 * math.pi)


class KernelRow:
    """The kernels of one group, whose bandwidths are shared.

    Args:
        form: of the space.
        sigma: `(o,)` bandwidths; a kernel is never narrower than half of its cell.
        pseudo: `(q,)` as for `kernel_rows`.
    """

    def __init__(self, form: Form, sigma: FloatArray, pseudo: FloatArray) -> None:
        self._width, self._large = form.width, 2 * len(form.large)
        doubtful = {int(place): form.active_start + i for i, place in enumerate(form.doubtful_places)}
        columns, o = form.ordered.tolist(), len(form.ordered)
        # Place in the row of the constant of a column that is not always there; -1: all others are added up.
        self._constant = [doubtful.get(place, -1) for place in range(o + len(form.named))]
        self._ordered = [
            (i, j, *form.cells_of(j), max(s, half), self._constant[i])
            for i, (j, s, half) in enumerate(zip(columns, sigma.tolist(), form.half_widths.tolist(), strict=True))
        ]
        self._sigma = sigma.tolist()
        starts = dict(zip(form.small.tolist(), form.starts.tolist(), strict=True))
        large = {int(q): form.width + i for i, q in enumerate(form.large)}
        self._named = []
        for q, (j, weight) in enumerate(zip(form.named.tolist(), pseudo.tolist(), strict=True)):
            begin = int(form.volume_starts[q])
            end = int(form.volume_starts[q + 1]) if q + 1 < len(form.named) else len(form.volumes)
            raised = np.log1p(form.volumes[begin:end] / weight).tolist()
            absent = -float(np.log1p(1.0 / weight))
            self._named.append(
                (
                    j,
                    form.cells_of(j)[0],
                    end - begin,
                    raised,
                    absent,
                    self._constant[o + q],
                    starts.get(q, -1),
                    large.get(q, -1),
                )
            )

    def of(self, unit: FloatArray) -> FloatArray:
        """The kernel `(width + 2 * large,)` of coordinates `(d,)`; NaN where inactive."""
        u = unit.tolist()
        row = [0.0] * (self._width + self._large)
        constants = []
        o = len(self._ordered)
        for i, j, edges, halves, shared, place in self._ordered:
            mean = u[j]
            c = 0.0
            if mean == mean:
                s = max(self._sigma[i], halves[bisect_right(edges, mean)]) if edges else shared
                inside = ndtr_of((1.0 - mean) / s) - ndtr_of(-mean / s)
                row[i] = a = -0.5 / (s * s)
                row[o + i] = -2.0 * mean * a
                c = mean * mean * a - (float(np.log(s * inside)) + _HALF_LOG_TAU)
            if place < 0:
                constants.append(c)
            else:
                row[place] = c
        for j, edges, options, raised, absent, place, start, behind in self._named:
            x = u[j]
            code, raise_, c = 0, 0.0, 0.0
            if x == x:
                code = bisect_right(edges, x) if edges else int(min(x * options, options - 1.0))
                raise_, c = raised[code], absent
            if start >= 0:
                row[start + code] = raise_
            else:
                row[behind], row[behind + self._large // 2] = code, raise_
            if place < 0:
                constants.append(c)
            else:
                row[place] = c
        row[self._width - 1] = float(np.add.reduce(constants))  # numpy's order of adding
        return np.array(row)
