"""Rows of a space, as columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from parzen._typing import BoolArray, FloatArray

__all__ = ["Points"]


@dataclass(frozen=True, slots=True)
class Points:
    """`n` points of a space with `d` columns.

    Attributes:
        values: `(n, d)` as the user sees them, codes for categories; NaN where inactive.
        active: `(n, d)`.
    """

    values: FloatArray
    active: BoolArray

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: slice) -> Points:
        return Points(self.values[rows], self.active[rows])

    @staticmethod
    def stack(parts: list[Points]) -> Points:
        """One after the other."""
        return Points(np.concatenate([p.values for p in parts]), np.concatenate([p.active for p in parts]))
