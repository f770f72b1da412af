"""How much of a loss is luck, and what is expected of each trial without it.

Three sources, the surest first: trials with equal parameters that were evaluated more than once (their pooled variance),
the variances that the objective returned with its losses, and what a Gaussian process cannot explain by the parameters.

Which trial to go on with follows from it and is decided here only, so that `Result.recommended`, the region, the doctor, the
report and the plots name the same one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from parzen._typing import FloatArray, IntArray
from parzen.algorithms.gp import EXACT, Belief
from parzen.analysis._source import scored
from parzen.trials import History

__all__ = ["Noise", "noise_of"]

_TOO_FAR = 3.0
"""Standard deviations between what is expected of a trial and what it measured, beyond which not both are believed."""

_REPEATS = 8
"""Degrees of freedom from which repeats are believed alone."""
_MOST = 5000
"""Trials for which an expectation is computed: the best ones."""


@dataclass(frozen=True, slots=True)
class Noise:
    """What is known of the noise around the best trials.

    Attributes:
        deviation: standard deviation of one loss, in its own units; 0 where it is exact.
        each: `(m,)` the same of each of the trials that follow: an objective may say that one loss is exact and another is not.
        relative: the first of these in standard deviations of the losses as the process sees them, which is one for all of them.
        source: "repeats", "variances" or "model".
        numbers: `(m,)` of the trials that follow, the best first.
        expected: `(m,)` loss of each without noise, to be minimised.
        error: `(m,)` standard deviation of that.
        best: place among them of the one whose expected loss is least.
    """

    deviation: float
    each: FloatArray
    relative: float
    source: str
    numbers: IntArray
    expected: FloatArray
    error: FloatArray
    best: int

    @property
    def exact(self) -> bool:
        """Whether it is no more than rounding around the best trials, whatever single ones among them are."""
        return self.relative < EXACT

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
    mean, deviation = _with_their_own(belief, history, numbers)
    expected = belief.losses(mean)
    error = 0.5 * (belief.losses(mean + deviation) - belief.losses(mean - deviation))
    best = int(np.argmin(expected))
    # The transform is steep in one place and flat in another: what matters is the noise where the good ones are.
    around = float(mean[best])
    level, source = _spread(belief, around, belief.noise), "model"
    known = np.sqrt(history.variances[numbers])
    near = known[: max(len(numbers) // 5, 5)]
    if 2 * np.isfinite(near).sum() > len(near):  # of what is silent among a few that are not, they say nothing
        level, source = float(np.nanmedian(near)), "variances"
    each = np.where(np.isfinite(known), known, level)
    repeats = _repeats(history, numbers)
    if repeats is not None:  # what an objective says of its noise may be too little, and is not what was seen
        level, source, each = repeats, "repeats", np.fmax(known, repeats)
    at = float(expected[best])
    deviations = np.append(each, level)
    relative = 0.5 * (belief.transformed(at + deviations) - belief.transformed(at - deviations))
    # What was measured exactly is what is expected, whatever a process makes of its surroundings.  It is asked of each trial:
    # one noisy reading among exact ones would be the answer otherwise, because it may lie far below them all.
    exact = relative[:-1] < EXACT
    expected, error = np.where(exact, history.losses[numbers], expected), np.where(exact, 0.0, error)
    return Noise(level, each, float(relative[-1]), source, numbers, expected, error, int(np.argmin(expected)))


def _with_their_own(belief: Belief, history: History, numbers: IntArray) -> tuple[FloatArray, FloatArray]:
    """Mean and deviation of the transformed losses of trials, each with what it measured itself.

    A process that has seen 200 of many knows nothing of the losses of the others, and is sure of itself all the same.  With one
    loss more, its own, the mean moves towards that by v / (v + s^2), for a variance v and the noise s.  Where the two cannot
    both be true the process is wrong, and the loss is what there is.
    """
    mean, deviation = belief.expect(history.unit[numbers])
    others = ~np.isin(numbers, belief.numbers)
    told, noise = belief.transformed(history.losses[numbers]), belief.noise_at(history, numbers) ** 2
    total = np.maximum(deviation**2 + noise, 1e-300)
    share = deviation**2 / total
    wrong = others & (np.abs(told - mean) > _TOO_FAR * np.sqrt(total))
    deviation = np.where(wrong, np.sqrt(noise), np.where(others, np.sqrt(share * noise), deviation))
    mean = np.where(wrong, told, np.where(others, mean + share * (told - mean), mean))
    return mean, deviation


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
