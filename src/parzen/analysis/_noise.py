"""How much of a loss is luck, and what is expected of each trial without it.

Three sources, the surest first: trials with equal parameters that were evaluated more than once (their pooled variance),
the variances that the objective returned with its losses, and what a Gaussian process cannot explain by the parameters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from parzen._typing import FloatArray, IntArray
from parzen.algorithms.gp import Belief
from parzen.analysis._source import scored
from parzen.trials import History

__all__ = ["Noise", "noise_of"]

_REPEATS = 8
"""Degrees of freedom from which repeats are believed alone."""
_MOST = 5000
"""Trials for which an expectation is computed: the best ones."""


@dataclass(frozen=True, slots=True)
class Noise:
    """What is known of the noise around the best trials.

    Attributes:
        deviation: standard deviation of one loss, in its own units; 0 where it is exact.
        relative: the same in standard deviations of the losses as the process sees them, which is one for all of them.
        source: "repeats", "variances" or "model".
        numbers: `(m,)` of the trials that follow, the best first.
        expected: `(m,)` loss of each without noise, to be minimised.
        error: `(m,)` standard deviation of that.
        best: place among them of the one whose expected loss is least.
    """

    deviation: float
    relative: float
    source: str
    numbers: IntArray
    expected: FloatArray
    error: FloatArray
    best: int

    @property
    def recommended(self) -> int:
        """The trial whose expected loss is least."""
        return int(self.numbers[self.best])


def noise_of(history: History) -> Noise | None:
    """What can be told; None where there are too few losses."""
    belief = Belief.of(history)
    if belief is None:
        return None
    numbers = scored(history)
    numbers = numbers[np.argsort(history.losses[numbers], kind="stable")][:_MOST]
    mean, deviation = belief.expect(history.unit[numbers])
    expected = belief.losses(mean)
    error = 0.5 * (belief.losses(mean + deviation) - belief.losses(mean - deviation))
    best = int(np.argmin(expected))
    # The transform is steep in one place and flat in another: what matters is the noise where the good ones are.
    around = float(mean[best])
    level, source = _spread(belief, around, belief.noise), "model"
    known = history.variances[numbers[: max(len(numbers) // 5, 5)]]
    if np.isfinite(known).any():
        level, source = float(np.sqrt(np.nanmedian(known))), "variances"
    repeats = _repeats(history, numbers)
    if repeats is not None:
        level, source = repeats, "repeats"
    at = float(expected[best])
    ends = belief.transformed(np.array([at - level, at + level]))
    return Noise(level, float(0.5 * (ends[1] - ends[0])), source, numbers, expected, error, best)


def _spread(belief: Belief, at: float, deviation: float) -> float:
    low, high = belief.losses(np.array([at - deviation, at + deviation]))
    return float(0.5 * (high - low))


def _repeats(history: History, numbers: IntArray) -> float | None:
    """Pooled standard deviation of losses at equal rows, of the better half of those; None where there are too few."""
    rows = history.values[numbers] + 0.0
    keys = np.array([row.tobytes() for row in rows], dtype=object)
    _, which, counts = np.unique(keys, return_inverse=True, return_counts=True)
    which = which.reshape(-1)
    losses = history.losses[numbers]
    often = np.flatnonzero(counts > 1)
    if int((counts[often] - 1).sum()) < _REPEATS:
        return None
    means = np.bincount(which, losses) / counts
    often = often[means[often] <= np.median(means[often])]
    inside = np.isin(which, often)
    freedom = int((counts[often] - 1).sum())
    if freedom < 2:
        return None
    return float(np.sqrt(((losses[inside] - means[which[inside]]) ** 2).sum() / freedom))
