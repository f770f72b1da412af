"""Only trials that have stopped improving are up for pruning.

The "no improvement in s successive reports" criterion of Prechelt 1998, "Early stopping — but when?" (class UP), put in
front of another pruner: slow starters that still improve are spared.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from parzen.pruners._base import Curves, Pruner, at_least, follow
from parzen.pruners.median import Median
from parzen.trials import History

__all__ = ["Patient"]


@dataclass(frozen=True, slots=True)
class Patient:
    """Ask another pruner, once a trial has not improved for a while.

    Attributes:
        inner: who decides then; the median rule by default.
        patience: reports in a row without a better loss.
        tolerance: by how much a loss must be better to count, in its own units.
    """

    inner: Pruner = field(default_factory=Median)
    patience: int = 5
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        if isinstance(self.inner, type) or not isinstance(self.inner, Pruner):
            raise TypeError(f"inner is a pruner such as parzen.pruners.Median(), got {self.inner!r:.80}")
        at_least("patience", self.patience, 1)
        at_least("tolerance", self.tolerance, 0)

    def prune(self, history: History, number: int) -> str | None:
        """See `Pruner`."""
        waits = follow(history, self, lambda: _Waits(self.tolerance))
        if waits.running.get(number, (math.inf, 0))[1] < self.patience:
            return None
        why = self.inner.prune(history, number)
        return why and f"no better for {waits.running[number][1]} reports, and {why}"


class _Waits(Curves):
    """Of each trial under way the best loss, and how many reports ago that was."""

    def __init__(self, tolerance: float) -> None:
        super().__init__()
        self.tolerance = tolerance
        self.running: dict[int, tuple[float, int]] = {}

    def take(self, number: int, step: float, loss: float) -> None:
        best, since = self.running.get(number, (math.inf, 0))
        self.running[number] = (loss, 0) if loss < best - self.tolerance else (best, since + 1)

    def forget(self, number: int) -> None:
        self.running.pop(number, None)

    def finish(self, number: int, ok: bool) -> None:
        self.running.pop(number, None)
