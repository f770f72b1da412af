"""Successive halving that waits for nobody.

Li, Jamieson, Rostamizadeh, Gonina, Ben-Tzur, Hardt, Recht and Talwalkar 2020, "A system for massively parallel
hyperparameter tuning" (MLSys), in its stopping form: there are rungs at the steps r, r·η, r·η² …, and of the n trials that
have reached a rung the best n/η may go on.  A trial is never paused: it is judged with what is known when it asks.

One thing is otherwise.  A trial under way is judged against everything that has reached its highest rung by now, not only
against what was there when it came.  One worker sees no difference; many workers that reach a rung together are not let
through only because the first of them found it empty.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from parzen.pruners._base import Curves, at_least, follow, shown
from parzen.trials import History

__all__ = ["ASHA", "judge"]


@dataclass(frozen=True, slots=True)
class ASHA:
    """At each rung, the best of those that reached it go on.

    Steps should count what is done: the first epoch's report is at step 1.

    Attributes:
        min_step: r, the step of the lowest rung, in the units of `report`.
        reduction: η; one in so many goes on, and the next rung is at so many times the step.
    """

    min_step: float = 1.0
    reduction: float = 3.0

    def __post_init__(self) -> None:
        at_least("min_step", self.min_step, 0, above=True)
        at_least("reduction", self.reduction, 1, above=True)

    def prune(self, history: History, number: int) -> str | None:
        """See `Pruner`."""
        return judge(history, number, self, lambda _: self.min_step, self.reduction)


def judge(history: History, number: int, key: Hashable, first: Callable[[int], float], reduction: float) -> str | None:
    """Why a trial does not belong to the best of its highest rung; None where it does, or has reached none.

    Args:
        history: to read.
        number: of the trial.
        key: the pruner's own record.
        first: number -> step of the lowest rung; trials of different steps are not compared.
        reduction: η.
    """
    rungs = follow(history, key, lambda: _Rungs(first, reduction))
    reached = rungs.running.get(number)
    if not reached:
        return None
    rung, loss = reached[-1]
    losses = rungs.losses[rung]
    better, place = bisect_left(losses, loss), max(1, int(len(losses) / reduction))
    if better < place:
        return None
    step = rung[0] * reduction ** rung[1]
    return (
        f"its loss {shown(history, loss)} at step {step:g} is number {better + 1} of the {len(losses)} trials "
        f"that came so far, of which {place} go{'es' if place == 1 else ''} on"
    )


_Rung = tuple[float, int]
"""Step of the lowest rung, and how many rungs above it."""


class _Rungs(Curves):
    """The sorted losses of all trials at each rung, and which rungs the trials under way have reached."""

    def __init__(self, first: Callable[[int], float], reduction: float) -> None:
        super().__init__()
        self.first, self.reduction = first, reduction
        self.losses: dict[_Rung, list[float]] = {}
        self.running: dict[int, list[tuple[_Rung, float]]] = {}

    def take(self, number: int, step: float, loss: float) -> None:
        reached = self.running.setdefault(number, [])
        lowest = self.first(number)
        k = reached[-1][0][1] if reached else -1
        above = k
        while step >= lowest * self.reduction ** (above + 1) * (1 - 1e-12):  # 0.1 * 3 is a little more than 0.3
            above += 1
        if above > k:  # who skips rungs stands on the highest of them only
            rung = (lowest, above)
            reached.append((rung, loss))
            insort(self.losses.setdefault(rung, []), loss)

    def forget(self, number: int) -> None:
        for rung, loss in self.running.pop(number, ()):
            losses = self.losses[rung]
            del losses[bisect_left(losses, loss)]

    def finish(self, number: int, ok: bool) -> None:
        self.running.pop(number, None)  # its losses stay, whatever became of it
