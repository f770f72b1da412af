"""The answer as a region: every configuration that is as good as the best, as far as anybody can tell.

The rule of one standard error (Breiman, Friedman, Olshen and Stone 1984, "Classification and regression trees", section
3.4.3): what is expected to be within one standard error of the best is not told apart from it.  Expected losses are those
of a Gaussian process, so that a lucky trial neither is the answer nor keeps others out.

A range is what the trials of the region have.  A search tries few values of a parameter once it has stopped to matter, so the
range also takes in where the parameter of the best could be moved, by itself, without leaving the region, as far as the
process is sure of that, and trials with a loss have been there: of what always fails the process knows nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from parzen._magnitude import bounded, measurable
from parzen._typing import JSON, FloatArray, IntArray
from parzen._wording import bound, counted, number, plain
from parzen.algorithms.gp import Belief
from parzen.analysis._noise import noise_of
from parzen.analysis._source import Source, history_of, scored
from parzen.space import Space
from parzen.trials import History

__all__ = ["Range", "Region", "region"]

_LEAST = 0.01
"""Of the way from the best loss to the median one: no two losses nearer than that are worth telling apart."""
_STEPS = 64
_SURE = 0.1
"""Standard deviations of the transformed losses, up to which the process is sure."""
_FREE = 0.8
"""Share of the prior that a range covers, from which the parameter may be chosen freely."""


@dataclass(frozen=True, slots=True)
class Range:
    """What one parameter is in the region.

    Attributes:
        label: of the parameter.
        low, high: bounds of its values; None for one whose values have no order.
        options: what its values are called, the commonest first; empty for numbers.
        share: of the prior that lies between the bounds, or in the options; from 0 to 1.
        trials: in how many trials of the region it is active.
        best: its value in the trial that is recommended, as people call it; None where it is inactive there.
    """

    label: str
    low: float | None
    high: float | None
    options: tuple[str, ...]
    share: float
    trials: int
    best: str | None

    @property
    def free(self) -> bool:
        """Whether nearly every value is as good as any other."""
        return self.share >= _FREE

    def __str__(self) -> str:
        name = plain(self.label, 40)
        if self.options:
            text = " or ".join(plain(option.strip("'\""), 40) for option in self.options[:4])
            text += f" … ({len(self.options)} options)" if len(self.options) > 4 else ""
        else:
            assert self.low is not None
            assert self.high is not None
            text = number(self.low)
            if self.low < self.high:
                text = f"{bound(self.low, -math.inf)} to {bound(self.high, math.inf)}"
        return f"{name}: {text}" + (" (nearly anything)" if self.free else "")


@dataclass(frozen=True, slots=True)
class Region:
    """All that is as good as the best.

    Attributes:
        number: the trial whose expected loss is least: the one to go on with.
        expected: that loss, in the user's own sign.
        error: its standard error.
        within: trials whose expected loss is no worse than by this much are in the region.
        why: where that comes from, in words.
        ranges: of each parameter that is active in the region.
        trials: numbers of the trials in it, the best first.
    """

    number: int
    expected: float
    error: float
    within: float
    why: str
    ranges: tuple[Range, ...]
    trials: tuple[int, ...]

    def __getitem__(self, label: str) -> Range:
        return next(one for one in self.ranges if one.label == label)

    def to_json(self) -> Mapping[str, JSON]:
        """All of it as JSON."""
        names = ("label", "low", "high", "options", "share", "trials", "best", "free")
        ranges = [{name: getattr(one, name) for name in names} for one in self.ranges]
        whole = {name: getattr(self, name) for name in ("number", "expected", "error", "within", "why")}
        return {**whole, "ranges": ranges, "trials": list(self.trials)}

    def __str__(self) -> str:
        head = (
            f"{counted(len(self.trials), 'trial')} {'is' if len(self.trials) == 1 else 'are'} within {bound(self.within, math.inf, 3)} of the best expected loss, "
            f"{number(self.expected)} (trial {self.number}): {self.why}"
        )
        return "\n".join([head, *(f"  {one}" for one in self.ranges)])


def region(source: Source, *, within: float | None = None) -> Region:
    """The trials that are as good as the best, as ranges of their parameters.

    Args:
        source: a study, a result or a history.
        within: how much worse is as good, in units of the loss; None for one standard error of the best, and at least a
            hundredth of what lies between the best loss and the median one.

    Raises:
        StudyError: no trial has a finite loss.
        ValueError: `within` is negative or not a number.
    """
    if within is not None and not 0 <= within < np.inf:
        raise ValueError(f"within is a difference of losses from 0 up, got {within!r:.80}")
    history = history_of(source)
    numbers, expected, error = _expected(history)
    best = int(np.argmin(expected))
    if within is None:
        within, why = float(error[best]), "one standard error"
        usual = np.median(measurable(bounded(history.losses[scored(history)])))
        least = _LEAST * float(usual - bounded(expected)[best])
        if within < least:
            within, why = least, "a hundredth of the way to the median loss, which is more than the standard error"
    else:
        why = "as was asked for"
    order = np.argsort(expected, kind="stable")
    inside = order[expected[order] <= expected[best] + within]
    chosen = numbers[inside]
    belief, limit = Belief.of(history), float(expected[best] + within)
    ranges = [
        _range(history, j, chosen, int(numbers[best]), _movable(history, belief, j, int(numbers[best]), limit))
        for j in range(history.space.d)
    ]
    return Region(
        int(numbers[best]),
        history.reported(expected[best]),
        float(error[best]),
        within,
        why,
        tuple(one for one in ranges if one is not None),
        tuple(chosen.tolist()),
    )


def _expected(history: History) -> tuple[IntArray, FloatArray, FloatArray]:
    """Trials, and their losses without noise with their errors; the losses themselves where nothing can be learnt."""
    noise = noise_of(history)
    if noise is None:
        numbers = scored(history)
        return numbers, history.losses[numbers], np.zeros(len(numbers))
    return noise.numbers, noise.expected, noise.error


def _movable(history: History, belief: Belief | None, j: int, best: int, limit: float) -> FloatArray:
    """Values of a column that the best trial could have as well; for numbers, only what is joined to its own."""
    space, distribution = history.space, history.space.distributions[j]
    hung_on = any(column == j for condition in space.conditions for conj in condition for column, _ in conj)
    if belief is None or distribution is None or hung_on or space.dependent or not history.active[best, j]:
        return np.zeros(0)
    if distribution.size is not None and distribution.size <= _STEPS:
        values = distribution.values()
    else:
        values = distribution.from_unit((np.arange(_STEPS) + 0.5) / _STEPS)
    rows = np.repeat(history.unit[best : best + 1], len(values), axis=0)
    rows[:, j] = distribution.to_unit(values)
    mean, deviation = belief.expect(rows)
    good = (belief.losses(mean) <= limit) & (deviation <= _SURE)
    had = history.values[scored(history), j]
    if space.is_choice(j):
        good &= np.isin(values, had)
    else:
        good &= (values >= np.nanmin(had)) & (values <= np.nanmax(had))
    if space.is_choice(j):
        return values[good]
    own = int(np.argmin(np.abs(rows[:, j] - history.unit[best, j])))
    first = last = own
    while first > 0 and good[first - 1]:
        first -= 1
    while last < len(values) - 1 and good[last + 1]:
        last += 1
    return values[first : last + 1][good[first : last + 1]]


def _range(history: History, j: int, chosen: IntArray, best: int, movable: FloatArray) -> Range | None:
    space = history.space
    rows = chosen[history.active[chosen, j]]
    if not len(rows):
        return None
    values = np.concatenate((history.values[rows, j], movable))
    name = space.option(j, float(history.values[best, j])) if history.active[best, j] else None
    if space.is_choice(j):
        codes, counts = np.unique(values, return_counts=True)
        order = codes[np.argsort(-counts, kind="stable")]
        options = tuple(space.option(j, code) for code in order.tolist())
        return Range(space.labels[j], None, None, options, _covered(space, j, codes), len(rows), name)
    low, high = float(values.min()), float(values.max())
    fixed = space.distributions[j] is not None
    share = _covered(space, j, np.array([low, high])) if fixed else float(np.ptp(history.unit[rows, j]))
    return Range(space.labels[j], low, high, (), share, len(rows), name)


def _covered(space: Space, j: int, values: FloatArray) -> float:
    """Share of the prior in options, or from the first of two numbers to the second."""
    distribution = space.distributions[j]
    assert distribution is not None
    low, high = distribution.cell(values)
    return float((high - low).sum() if space.is_choice(j) else high[-1] - low[0])
