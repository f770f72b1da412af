"""How fast trials end and proposals are made, and so how many are worth preparing."""

from __future__ import annotations

import math

__all__ = ["Pace"]

SHORT = 1.0
"""Seconds of an evaluation below which an engine's own latency is worth hiding: it is given the next trials early."""


class Pace:
    """How many proposals are worth preparing: as many as trials end while one is made, and one at least.

    Args:
        places: how many trials run at once.
    """

    def __init__(self, places: int) -> None:
        self.places = places
        self.suggesting: float | None = None
        self.evaluating: float | None = None

    def suggested(self, n: int, seconds: float) -> None:
        """So many proposals took so long."""
        self.suggesting = _smoothed(self.suggesting, seconds / max(n, 1))

    def evaluated(self, seconds: float) -> None:
        """One evaluation took so long."""
        self.evaluating = _smoothed(self.evaluating, seconds)

    def is_short(self) -> bool:
        """Whether an evaluation takes so little that the engine's latency counts."""
        return self.evaluating is not None and self.evaluating < SHORT

    def ahead(self) -> int:
        """How many proposals to prepare."""
        if self.suggesting is None or self.evaluating is None:
            return 1
        ended = self.suggesting * self.places / max(self.evaluating, 1e-6)
        return max(1, min(self.places, math.ceil(ended)))


def _smoothed(before: float | None, now: float) -> float:
    return now if before is None else 0.7 * before + 0.3 * now
