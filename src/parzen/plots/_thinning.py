"""Fewer points that look the same: 100 000 of them are more than a screen has room for.

The plane is cut into small cells, and each cell gives its first points by turns until there are enough.  So every place where
anything was keeps a point, however lonely, and crowds stay the densest; what is lost is the exact density, which a note says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from parzen._typing import FloatArray, IntArray

__all__ = ["MOST", "Kept", "said", "thinned", "with_kept"]

Kept: TypeAlias = "Sequence[int] | IntArray"
"""Numbers of trials that are drawn in any case, because somebody has picked them out."""

MOST = 3000
"""Points of one kind in one panel."""
_COLUMNS, _ROWS = 120, 60


def thinned(x: FloatArray, y: FloatArray, most: int = MOST) -> IntArray:
    """Places `(m,)` of the points that are drawn, in order: all of them up to `most`."""
    n = len(x)
    if n <= most:
        return np.arange(n)
    cells = _bin(x, _COLUMNS) * (_ROWS + 1) + _bin(y, _ROWS)
    order = np.argsort(cells, kind="stable")
    first = np.r_[True, np.diff(cells[order]) > 0]
    starts = np.flatnonzero(first)
    turn = np.arange(n) - np.repeat(starts, np.diff(np.r_[starts, n]))  # how many of the same cell come before
    chosen = order[np.argsort(turn, kind="stable")[:most]]
    return np.sort(chosen)


def _bin(x: FloatArray, k: int) -> IntArray:
    finite = np.isfinite(x)
    low, high = (float(x[finite].min()), float(x[finite].max())) if finite.any() else (0.0, 1.0)
    with np.errstate(invalid="ignore"):
        place = np.where(finite, (x - low) / ((high - low) or 1.0) * k, 0.0)
    return np.clip(place, 0, k - 1).astype(np.int64)


def with_kept(drawn: IntArray, there: IntArray, keep: Kept) -> IntArray:
    """Trials that are drawn, and on top of them those of `there` that are kept in any case."""
    if not len(keep):
        return drawn
    more = np.setdiff1d(np.intersect1d(there, np.asarray(keep, dtype=np.int64)), drawn)
    return np.concatenate((drawn, more)).astype(np.int64)


def said(drawn: int, total: int, what: str = "trials") -> tuple[str, ...]:
    """A note where not all are drawn."""
    if drawn >= total:
        return ()
    return (f"{drawn:,} of {total:,} {what} are drawn, some from every place where there are any.",)
