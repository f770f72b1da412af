"""End trials whose loss is worse than a bound: the one pruner that needs no other trials, and no paper."""

from __future__ import annotations

import math
from dataclasses import dataclass

from parzen.pruners._base import at_least, loss_in, shown
from parzen.trials import History

__all__ = ["Threshold"]


@dataclass(frozen=True, slots=True)
class Threshold:
    """A trial that has diverged, or will not get anywhere.

    Attributes:
        loss: the worst loss with which a trial may go on, in the user's own sign; NaN is worse than any.
        warmup: steps before which no trial ends, in the units of `report`.
    """

    loss: float
    warmup: float = 0.0

    def __post_init__(self) -> None:
        at_least("loss", self.loss, -math.inf, above=True)
        at_least("warmup", self.warmup, 0)

    def prune(self, history: History, number: int) -> str | None:
        """See `Pruner`."""
        reports = history.reports(number)
        loss = loss_in(history, reports[-1]) if reports else None
        if loss is None or reports[-1].step < self.warmup or loss <= history.reported(self.loss):
            return None
        return f"its loss {shown(history, loss)} at step {reports[-1].step:g} is worse than {self.loss:g}"
