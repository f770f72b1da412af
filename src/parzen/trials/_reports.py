"""What one attempt at a trial has reported, as it grows.

A training of tens of thousands of steps reports each of them, and its pruner looks after each report.  A tuple would be
copied every time; this is one list that all share, of which each holder knows how many are its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from parzen.trials._trial import Report

__all__ = ["Reports"]


class Reports(Sequence[Report]):
    """The first so many items of a list that only grows: fixed for whoever holds it, and adding to it costs O(1)."""

    __slots__ = ("_n", "_shared")

    def __init__(self, shared: list[Report] | None = None, n: int = 0) -> None:
        self._shared: list[Report] = [] if shared is None else shared
        self._n = n

    def with_one_more(self, report: Report) -> Reports:
        """These and a further one; to be called once, by the history that the list belongs to."""
        assert len(self._shared) == self._n, "only the latest reports are added to"
        self._shared.append(report)
        return Reports(self._shared, self._n + 1)

    def __len__(self) -> int:
        return self._n

    @overload
    def __getitem__(self, index: int) -> Report: ...
    @overload
    def __getitem__(self, index: slice) -> list[Report]: ...
    def __getitem__(self, index: int | slice) -> Report | list[Report]:
        if isinstance(index, slice):
            return [self._shared[i] for i in range(*index.indices(self._n))]
        if not -self._n <= index < self._n:
            raise IndexError(f"there are {self._n} reports, counted from 0: no report {index}")
        return self._shared[index % self._n]

    def __repr__(self) -> str:
        return f"<{self._n} reports>"
