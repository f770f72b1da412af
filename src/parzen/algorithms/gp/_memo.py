"""What fits have found, from the memos of the log.

A memo goes into the log with the trial that it was made for.  So a study that is loaded again fits nothing anew that was
fitted before, and proposes what it would have.  (What is learnt of failures on more than 150 columns finds no room there,
and is fitted for each proposal.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from parzen._typing import JSON, FloatArray
from parzen.algorithms._base import Pick
from parzen.algorithms.gp._model import Prior, start
from parzen.trials import Asked, Event, History

__all__ = ["LABELS", "LOSSES", "Fit", "Keys", "last_fit"]


@dataclass(frozen=True, slots=True)
class Keys:
    """Under which keys of a memo a fit stands."""

    theta: str
    at: str

    def memo(self, theta: FloatArray, n: int) -> dict[str, JSON]:
        return {self.theta: theta.tolist(), self.at: n}

    def read(self, memo: JSON) -> tuple[FloatArray, int] | None:
        """Theta, and the number of trials that it was fitted to; None for the memo of another algorithm."""
        if not isinstance(memo, dict) or not memo.keys() <= _ALL_KEYS or not {self.theta, self.at} <= memo.keys():
            return None
        theta, at = memo[self.theta], memo[self.at]
        if not isinstance(at, int) or not isinstance(theta, list) or not all(isinstance(x, float) for x in theta):
            return None
        return np.array(theta, dtype=np.float64), at


LOSSES, LABELS = Keys("gp", "at"), Keys("fails", "seen")
"""Of the process of the losses, and of that of what failed and what did not."""
_ALL_KEYS = {"gp", "at", "fails", "seen"}


@dataclass(slots=True)
class Fit:
    """The newest fit of one process that the log knows of."""

    theta: FloatArray | None = None
    at: int = 0
    fits: int = 0

    def is_due(self, n: int) -> bool:
        """Whether so many trials are worth another fit."""
        return n - self.at >= (1 if n < 60 else 2 if n < 120 else 5)

    def plan(self, n: int, prior: Prior) -> tuple[list[FloatArray], int]:
        """Where the next fit begins, and how many iterations it has."""
        fresh = self.theta is None or self.fits % 10 == 0
        starts = ([] if self.theta is None else [self.theta]) + ([start(prior)] if fresh else [])
        return starts, 30 if fresh or n <= 100 else 8


@dataclass(slots=True)
class _Memory:
    """Folded from the memos of the log: the newest fit under each of the keys."""

    fits: dict[Keys, Fit] = field(default_factory=lambda: {LOSSES: Fit(), LABELS: Fit()})


def _remember(memory: _Memory, history: History, _: type[Event], number: int) -> _Memory:
    for keys, last in memory.fits.items():
        found = keys.read(history.memo(number))
        if found is not None:
            last.fits += last.at != found[1]  # all of a batch have the same memo
            last.theta, last.at = found
    return memory


def last_fit(history: History, earlier: Sequence[Pick], keys: Keys, prior: Prior) -> Fit:
    """The newest fit in the log or by what the same ask has picked already; with no theta that its prior does not allow."""
    last = history.fold("gp memo", _Memory, _remember, (Asked,)).fits[keys]
    theta, at = last.theta, last.at
    for pick in earlier:
        found = keys.read(pick.memo)
        theta, at = (theta, at) if found is None else found
    return Fit(theta if theta is not None and prior.allows(theta) else None, at, last.fits)
