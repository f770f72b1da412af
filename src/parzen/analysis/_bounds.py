"""Whether the optimum sits at a bound, and whether a parameter's scale is the wrong one."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from parzen._typing import IntArray
from parzen._wording import bound, quoted
from parzen.algorithms.gp import Belief
from parzen.analysis._finding import Finding
from parzen.analysis._source import top_of
from parzen.space import Around, Distribution, Grid, LogUniform, Quantized, Uniform
from parzen.trials import History

__all__ = ["bounds", "scales"]

_NEAR, _CROWD = 0.05, 0.6
_INSIDE = 0.15
"""How far from the bound, in quantiles, losses have to be worse."""
_FEW = 6
"""Values below which a bound is an option like others."""
_SURE = 2.0
"""Standard deviations."""
_CORNER, _DECADES = 0.15, 100.0
_RATIO, _EVEN = 4.0, 0.35
_TURN, _FEWEST = 0.6, 8
_STEPS, _AS_GOOD = 96, 0.3


def bounds(history: History, belief: Belief) -> Iterator[Finding]:
    """Parameters whose best value is the last that is allowed, with losses still falling towards it.

    The good trials lie next to the bound, and by the process, all else equal, losses are worse further inside: a
    parameter that does not matter lies at its bound by chance, or by an algorithm's habit, and its losses are flat.
    """
    space, top = history.space, top_of(history, 0.1)
    best = history.best_number
    assert best is not None
    for j, label in enumerate(space.labels):
        distribution = _plain(space.distributions[j])
        ends = _ends(distribution)
        rows = top[history.active[top, j]]
        if ends is None or len(rows) < 5 or not history.active[best, j]:
            continue
        unit = history.unit[rows, j]
        for side, end in enumerate(ends):
            apart = unit if side == 0 else 1.0 - unit
            own = float(history.unit[best, j] if side == 0 else 1.0 - history.unit[best, j])
            step = 0.0 if distribution is None or distribution.size is None else 0.5 / distribution.size
            if own > _NEAR + step or np.mean(apart <= 2 * _NEAR + step) < _CROWD:
                continue
            worse = _worse_inside(history, belief, rows, j, side)
            if worse < _SURE:
                continue
            share = float(np.mean(apart <= 2 * _NEAR + step))
            name, which, last = quoted(label, 40), ("lower", "upper")[side], bound(end, end)
            yield Finding(
                "bound",
                (label,),
                f"The best trials sit at the {which} bound of {name}: {share:.0%} of the best {len(rows)} are next to "
                f"{last}, and losses get worse away from it.",
                f"If values beyond {last} make sense, widen the range.",
                {
                    "bound": end,
                    "side": which,
                    "best": float(history.values[best, j]),
                    "share of the best next to it": share,
                    "worse inside, in standard deviations": worse,
                },
            )


def _worse_inside(history: History, belief: Belief, rows: IntArray, j: int, side: int) -> float:
    """How much worse the process expects good trials to be further from the bound, in its standard deviations; the median."""
    at = history.unit[rows].copy()
    inside = at.copy()
    at[:, j] = float(side)
    inside[:, j] = _INSIDE if side == 0 else 1.0 - _INSIDE
    (here, _), (there, unsure) = belief.expect(at), belief.expect(inside)
    return float(np.median((there - here) / np.maximum(unsure, 0.02)))


def _plain(distribution: Distribution | None) -> Distribution | None:
    if isinstance(distribution, Around):
        return distribution.base
    return distribution.base if isinstance(distribution, Quantized) else distribution


def _ends(distribution: Distribution | None) -> tuple[float, float] | None:
    """The bounds of a parameter that a person could have set further apart."""
    if isinstance(distribution, Grid):
        return (distribution.low, distribution.high) if distribution.size >= _FEW else None
    return (distribution.low, distribution.high) if isinstance(distribution, (Uniform, LogUniform)) else None


def scales(history: History, belief: Belief | None) -> Iterator[Finding]:
    """Parameters whose good values are crowded into a corner of a scale, and would be spread out on the other one."""
    found: list[tuple[float, Finding]] = []
    for j in range(history.space.d):
        distribution = _plain(history.space.distributions[j])
        ends = _ends(distribution)
        if ends is None:
            continue
        log = isinstance(distribution, LogUniform) or (isinstance(distribution, Grid) and distribution.log)
        assert distribution is not None
        finding = _to_linear(history, belief, j, distribution) if log else _to_log(history, j, ends)
        if finding is not None and _matters(history, belief, j):
            found.append((_width(finding), finding))
    # A search that cannot see one parameter for its scale takes others for what they are not: the worst one is told first,
    # and the rest when that is mended.
    worst = min((width for width, _ in found), default=0.0)
    yield from (finding for width, finding in found if width <= 10.0 * worst)


def _width(finding: Finding) -> float:
    """Share of the scale that the good values have."""
    width = finding.evidence["share of the scale"]
    assert isinstance(width, float)
    return width


def _to_log(history: History, j: int, ends: tuple[float, float]) -> Finding | None:
    """On a linear scale, the good ones lie next to its lower end, and by ratios far away from it."""
    top = top_of(history, 0.1)
    rows = top[history.active[top, j]]
    if len(rows) < 8 or ends[0] < 0:
        return None
    values = np.sort(history.values[rows, j])
    low, high = np.quantile(values, [0.05, 0.95])
    corner = float(np.quantile((values - ends[0]) / (ends[1] - ends[0]), 0.9))
    least = max(ends[0], 0.5 * float(values[0]))
    # Away from the bound by a ratio, and next to it by a difference: only one of the two can be the right way to count.
    # From zero every ratio is infinite: then losses have to be worse again on the way to it.
    away = low / ends[0] >= _RATIO if ends[0] > 0 else _turns(history, j, float(np.median(values)))
    if least <= 0 or ends[1] / least < _DECADES or corner > _CORNER or not away:
        return None
    label = history.space.labels[j]
    part = math.ceil(1000.0 * (high - ends[0]) / (ends[1] - ends[0])) / 1000.0  # a share that has all of what is named
    return Finding(
        "scale",
        (label,),
        f"The best values of {quoted(label, 40)} lie from {bound(float(low), -math.inf)} to {bound(float(high), math.inf)}, in "
        f"the lowest {max(part, 0.001):.1%} of a linear range that goes to {bound(ends[1], ends[1])}.",
        "Search it on the log scale: log=True, with a low bound above zero.",
        {
            "low": ends[0],
            "high": ends[1],
            "best from": float(low),
            "best to": float(high),
            "now": "linear",
            "share of the scale": corner,
        },
    )


def _turns(history: History, j: int, at: float) -> bool:
    """Whether losses rise again below a value, by the correlation of ranks."""
    rows = np.flatnonzero(history.ok & np.isfinite(history.losses) & (history.values[:, j] <= at))
    if len(rows) < _FEWEST:
        return False
    x, y = (np.argsort(np.argsort(one)) for one in (history.values[rows, j], history.losses[rows]))
    return bool(np.corrcoef(x, y)[0, 1] < -_TURN)


def _to_linear(history: History, belief: Belief | None, j: int, distribution: Distribution) -> Finding | None:
    """On a log scale, what is as good as the best lies at its upper end, and by differences all over the range.

    A search that has converged tries one place of it only, so the process is asked where else it would be as good.
    """
    best, ends = history.best_number, _ends(distribution)
    assert best is not None
    if belief is None or ends is None or ends[1] / ends[0] < _DECADES or not history.active[best, j]:
        return None
    unit = (np.arange(_STEPS) + 0.5) / _STEPS
    rows = np.repeat(history.unit[best : best + 1], _STEPS, axis=0)
    rows[:, j] = unit
    mean, _ = belief.expect(rows)
    good = mean <= mean.min() + _AS_GOOD
    first, last = (float(x) for x in distribution.from_unit(np.array([unit[good].min(), unit[good].max()])))
    corner, even = 1.0 - float(unit[good].min()), (last - first) / (ends[1] - ends[0])
    if corner > _CORNER or even < _EVEN or not good[np.flatnonzero(good).min() : np.flatnonzero(good).max()].all():
        return None
    label = history.space.labels[j]
    return Finding(
        "scale",
        (label,),
        f"Good values of {quoted(label, 40)} lie from {bound(first, -math.inf)} to {bound(last, math.inf)}, {even:.0%} of the range, but only in "
        f"the highest {math.ceil(100.0 * corner) / 100.0:.0%} of its log scale, where few trials are.",
        "Search it on the linear scale, without log=True.",
        {
            "low": ends[0],
            "high": ends[1],
            "best from": first,
            "best to": last,
            "now": "log",
            "share of the scale": corner,
        },
    )


def _matters(history: History, belief: Belief | None, j: int) -> bool:
    """Whether losses are worse in the middle of the scale, by the process: else the corner is an algorithm's habit."""
    if belief is None:
        return True
    top = top_of(history, 0.1)
    rows = top[history.active[top, j]]
    at = history.unit[rows].copy()
    middle = at.copy()
    middle[:, j] = 0.5
    (here, _), (there, unsure) = belief.expect(at), belief.expect(middle)
    return bool(np.median(there - here) >= max(_AS_GOOD, 0.5 * float(np.median(unsure))))
