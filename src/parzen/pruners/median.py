"""End trials that are worse than the median of the finished ones at the same step.

The median stopping rule of Golovin, Solnik, Moitra, Kochanski, Karro and Sculley 2017, "Google Vizier: a service for
black-box optimization", section 3.2.1: a trial ends at step s if its best loss so far is worse than the median of the
finished trials' losses averaged up to step s.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, field

from parzen.pruners._base import Curves, at_least, follow, shown
from parzen.trials import History

__all__ = ["Median"]


@dataclass(frozen=True, slots=True)
class Median:
    """Worse than half of the finished trials at the same step.

    Trials are compared at equal steps, so the objective should report at the same steps in each of them.

    Attributes:
        startup: finished trials that must have reported at a step before anything ends there.
        warmup: steps before which no trial ends, in the units of `report`.
        percent: which part of the finished trials is good enough, from 0 to 100; 50 is the median, 25 is stricter.
        every: the steps are compared in bins of this width, by the first report in each; None compares equal steps only.
    """

    startup: int = 5
    warmup: float = 0.0
    percent: float = 50.0
    every: float | None = None

    def __post_init__(self) -> None:
        at_least("startup", self.startup, 1)
        at_least("warmup", self.warmup, 0)
        at_least("percent", self.percent, 0, above=True)
        if self.percent > 100:
            raise ValueError(f"percent is a number from 0 to 100, got {self.percent!r}")
        if self.every is not None:
            at_least("every", self.every, 0, above=True)

    def prune(self, history: History, number: int) -> str | None:
        """See `Pruner`."""
        curves = follow(history, self, lambda: _Averages(self.every))
        mine = curves.running.get(number)
        if mine is None or mine.step < self.warmup:
            return None
        others = curves.finished.get(mine.places[-1], [])
        if len(others) < self.startup:
            return None
        bound = _quantile(others, self.percent / 100.0)
        if not mine.best > bound:
            return None
        than = "the median" if self.percent == 50 else f"the best {self.percent:g} %"
        return (
            f"its best loss {shown(history, mine.best)} at step {mine.step:g} is worse than {than} "
            f"of {len(others)} finished trials, {shown(history, bound)}"
        )


@dataclass(slots=True)
class _Curve:
    """One trial under way.

    Attributes:
        step: of the last report.
        best: loss so far.
        total, count: of the losses so far.
        places, averages: for each place that it reported from, the average loss up to there.
    """

    step: float = 0.0
    best: float = float("inf")
    total: float = 0.0
    count: int = 0
    places: list[float] = field(default_factory=list)
    averages: list[float] = field(default_factory=list)


class _Averages(Curves):
    """For each place the sorted averages of the finished trials: a finished trial is walked once, and never again."""

    def __init__(self, every: float | None) -> None:
        super().__init__()
        self.every = every
        self.running: dict[int, _Curve] = {}
        self.finished: dict[float, list[float]] = {}

    def take(self, number: int, step: float, loss: float) -> None:
        curve = self.running.setdefault(number, _Curve())
        place = step if self.every is None else step // self.every
        curve.step, curve.best = step, min(curve.best, loss)
        curve.total, curve.count = curve.total + loss, curve.count + 1
        if not curve.places or place > curve.places[-1]:
            curve.places.append(place)
            curve.averages.append(curve.total / curve.count)

    def forget(self, number: int) -> None:
        self.running.pop(number, None)

    def finish(self, number: int, ok: bool) -> None:
        curve = self.running.pop(number, None)
        if curve is None or not ok:
            return
        for place, average in zip(curve.places, curve.averages, strict=True):
            insort(self.finished.setdefault(place, []), average)


def _quantile(ordered: Sequence[float], q: float) -> float:
    """Between the two nearest of `ordered`, linearly; q = 0.5 is the median."""
    at = q * (len(ordered) - 1)
    i = int(at)
    low, high = ordered[i], ordered[min(i + 1, len(ordered) - 1)]
    return low if at == i or low == high else low + (at - i) * (high - low)
