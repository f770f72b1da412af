"""Successive halving from several steps on, side by side.

Li, Jamieson, DeSalvo, Rostamizadeh and Talwalkar 2018, "Hyperband: a novel bandit-based approach to hyperparameter
optimization" (JMLR 18): where the first reports may mislead, nobody knows how early to judge.  So trials are dealt to
brackets, each with a lowest rung of its own, η times as high as the one before, and judged within their bracket.  Each
bracket is successive halving without waiting (`asha`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from parzen.pruners._base import at_least
from parzen.pruners.asha import judge
from parzen.trials import History

__all__ = ["Hyperband"]

_GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)


@dataclass(frozen=True, slots=True)
class Hyperband:
    """ASHA from `min_step`, from `min_step · reduction`, … on, by turns.

    Attributes:
        min_step: step of the lowest rung of the first bracket, in the units of `report`.
        reduction: η of every bracket, and between them.
        brackets: how many there are; 1 is ASHA.
    """

    min_step: float = 1.0
    reduction: float = 3.0
    brackets: int = 3

    def __post_init__(self) -> None:
        at_least("min_step", self.min_step, 0, above=True)
        at_least("reduction", self.reduction, 1, above=True)
        at_least("brackets", self.brackets, 1)

    def bracket(self, number: int) -> int:
        """Which bracket a trial belongs to, from 0.

        Brackets are to cost alike, as in Hyperband: with `s` the brackets above one, it begins with (s_max + 1) / (s + 1)
        · η^s trials.  Multiples of the golden section deal them evenly, whatever the number of trials.
        """
        shares = [self.reduction**s * self.brackets / (s + 1) for s in range(self.brackets - 1, -1, -1)]
        at = (number * _GOLDEN) % 1.0 * sum(shares)
        for bracket, share in enumerate(shares):
            at -= share
            if at < 0:
                return bracket
        return self.brackets - 1

    def prune(self, history: History, number: int) -> str | None:
        """See `Pruner`."""
        return judge(history, number, self, self._first, self.reduction)

    def _first(self, number: int) -> float:
        return self.min_step * self.reduction ** self.bracket(number)
