"""Axes for parameters and for losses, with a place for what has none.

Losses that are far out are drawn at the edge, as triangles; trials without a loss lie on a level of their own beyond all
others, one for each way to end.  So nothing is left out, and nothing that failed looks like a value.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from parzen._magnitude import LARGEST, bounded, measurable
from parzen._typing import BoolArray, FloatArray, IntArray
from parzen._wording import middle, number, told_apart
from parzen.analysis import scored
from parzen.plots._marks import Axis, Mark, Points, Rule
from parzen.plots._thinning import Kept, said, thinned, with_kept
from parzen.space import Grid, LogNormal, LogUniform, Quantized, Space
from parzen.trials import History, State

__all__ = ["Losses", "label_of", "number_axis", "on_log", "option_text", "options_of", "parameter_axis", "round_places"]

_LONG = 28
_MANY = 24
"""Options up to which each has a tick."""
_FAR = 3.0
_LEVEL, _MARGIN = 0.09, 0.05
"""Steps between levels, and room at the other end, as shares of the axis."""
_ROOM = 8
"""Steps that have to fit between the end of a logarithmic axis and the last float."""
_WIDE = 1e100
"""Size from which on a logarithmic axis the next tick but one may be beyond the last float."""
_STATES = (
    ("failed", (State.FAILED, State.ERROR), "cross", "failed"),
    ("pruned", (State.PRUNED,), "ring", "pruned"),
    ("running", (State.RUNNING,), "tick", "running"),
)


def label_of(text: str) -> str:
    """A label as an axis shows it."""
    return middle(text, _LONG)


def parameter_axis(space: Space, j: int) -> Axis:
    """The axis of a column, on the scale that it is searched on."""
    distribution = space.distributions[j]
    name = label_of(space.labels[j])
    if space.is_choice(j) and distribution is not None and distribution.size is not None:
        codes = range(distribution.size)[:: -(-distribution.size // _MANY)]
        ticks = tuple(zip(map(float, codes), options_of(space, j, codes), strict=True))
        return Axis(name, "linear", -0.5, distribution.size - 0.5, ticks)
    base = getattr(distribution, "base", distribution)  # of what is rounded, or around a guess
    base = getattr(base, "base", base)
    log = isinstance(base, (LogUniform, LogNormal)) or (isinstance(base, Grid) and base.log)
    if isinstance(distribution, Quantized):
        log = False  # the first multiple may be zero
    if distribution is not None and distribution.size is not None and not log:
        # A tick between two whole numbers is no value.
        ends = np.asarray(distribution.from_unit(np.array([0.0, 1.0])))
        places = [x for x in round_places(*ends.tolist(), log=False) if distribution.holds(x)]
        if len(places) > 1:
            return Axis(name, "linear", None, None, tuple((x, number(x)) for x in places))
    return Axis(name, "log" if log else "linear")


def round_places(low: float, high: float, *, log: bool) -> list[float]:
    """Round numbers from one to another, about six of them."""
    if log:
        first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
        steps = (1.0, 2.0, 5.0) if last - first < 3 else (1.0,)
        found = [step * 10.0**k for k in range(first, last + 1, max((last - first) // 6, 1)) for step in steps]
    else:
        rough = (high - low) / 6 or 1.0
        size = 10.0 ** math.floor(math.log10(rough))
        step = next(size * m for m in (1.0, 2.0, 2.5, 5.0, 10.0) if size * m >= rough)
        found = [step * k for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return [float(f"{one:.12g}") for one in found if low <= one <= high]


def options_of(space: Space, j: int, codes: Sequence[float]) -> list[str]:
    """What options are called, as an axis shows them."""
    return told_apart([option_text(space, j, code) for code in codes], _LONG)


def option_text(space: Space, j: int, code: float) -> str:
    """What an option is called, whole; its own `repr` may do anything."""
    try:
        text = space.option(j, code)
    except Exception:
        return f"option {int(code)}"
    return text.strip("'\"") or text


def on_log(low: float, high: float) -> bool:
    """Whether numbers from one to another are shown by their orders of magnitude."""
    return low > 0 and high / 50 > low  # and not high / low, which may be too large for a float


def number_axis(label: str, low: float, high: float, *, log: bool) -> Axis:
    """An axis with numbers of any size from one end to the other."""
    # Whoever draws looks for ticks some steps beyond the ends, and those may be too large for a float.
    wide = log and high > _WIDE
    ticks = tuple((at, number(at, 4)) for at in round_places(low, high, log=True)) if wide else ()
    return Axis(label, "log" if log else "linear", low, high, ticks)


@dataclass(frozen=True, slots=True)
class Losses:
    """The losses of a history on an axis.

    Attributes:
        history: of the study.
        value: `(n,)` as the user reported them, within what can be drawn; NaN where there is none that is finite.
        low, high: of what is shown in full.
        log: whether the axis is logarithmic.
        worse: 1 where greater is worse, -1 where smaller is.
    """

    history: History
    value: FloatArray
    low: float
    high: float
    log: bool
    worse: int

    @classmethod
    def of(cls, history: History, least: int = 1) -> Losses:
        """The axis (raises `StudyError` where fewer than `least` trials have a finite loss)."""
        numbers = scored(history, least) if least else np.flatnonzero(history.ok & np.isfinite(history.losses))
        value = np.full(len(history), np.nan)
        sign = history.reported(1.0)
        losses = bounded(history.losses[numbers])
        value[numbers] = sign * losses
        if not len(numbers):
            return cls(history, value, 0.0, 1.0, log=False, worse=int(sign))
        near = measurable(losses)
        first, half, third = np.quantile(near, [0.25, 0.5, 0.75])
        fence = third + _FAR * max(third - first, half - float(near.min()))
        shown = sign * near[near <= max(fence, float(near.min()))]
        low, high = float(shown.min()), float(shown.max())
        log = on_log(low, high)
        if log and low < 1 / LARGEST:
            low = 1 / LARGEST
            value[value < low] = low
        if not high > low:
            low, high = low - 0.5 * (abs(low) or 1.0), high + 0.5 * (abs(high) or 1.0)
        return cls(history, value, low, high, log=log, worse=int(sign))

    @classmethod
    def together(cls, histories: Iterable[History]) -> Losses:
        """Those of the first history, on an axis with room for what each of them would show."""
        each = [cls.of(history) for history in histories]
        low, high = min(one.low for one in each), max(one.high for one in each)
        return replace(each[0], low=low, high=high, log=on_log(low, high))

    @property
    def label(self) -> str:
        """What the loss is called."""
        return label_of(self.history.objectives[0])

    def level(self, k: float) -> float:
        """A place beyond the worst that is shown, by `k` steps."""
        return self._beyond(k) if self.worse > 0 else self._beyond(k, above=False)

    def _beyond(self, k: float, *, above: bool = True) -> float:
        """A place above the highest that is shown, or below the lowest, by `k` steps."""
        if not self.log:
            step = _LEVEL * (self.high - self.low)
            return float(self.high + k * step if above else self.low - k * step)
        low, high = math.log10(self.low), math.log10(self.high)
        step = min(_LEVEL * (high - low), (sys.float_info.max_10_exp - 1 - max(high, -low)) / _ROOM)
        return float(self.high * 10 ** (k * step) if above else self.low / 10 ** (k * step))

    def levels(self) -> list[tuple[str, BoolArray, str, str, float]]:
        """What lies beyond: name, trials `(n,)`, symbol, role and place, of those that there are."""
        history, found = self.history, []
        far = self.far
        k = 1.0
        if far.any():
            found.append(("far out", far, "triangle", "ok", self.level(k)))
            k += 1
        ended = [(name, np.isin(history.state, list(map(int, of))), symbol, role) for name, of, symbol, role in _STATES]
        # These are OK, and counted as such wherever trials are: no view may call them failed.
        infinite = ("infinite loss", history.ok & ~np.isfinite(history.losses), "triangle", "failed")
        for name, rows, symbol, role in (infinite, *ended):
            if rows.any():
                found.append((name, rows, symbol, role, self.level(k)))
                k += 1
        return found

    @property
    def far(self) -> BoolArray:
        """`(n,)` which losses are beyond the axis."""
        with np.errstate(invalid="ignore"):
            over = self.value > self.high if self.worse > 0 else self.value < self.low
        return np.asarray(over & ~np.isnan(self.value))

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence where losses are drawn elsewhere than they are."""
        losses = np.where(self.far, np.nan, self.history.losses)
        count = int(np.sum(np.isfinite(losses) & (np.abs(losses) > LARGEST)))
        if not count:
            return ()
        verb = "loss beyond it is drawn there" if count == 1 else "losses beyond it are drawn there"
        return (f"No axis goes further than ±{number(LARGEST)}: {count} {verb}.",)

    def axis(self) -> Axis:
        """The axis itself, with room for all levels, which stand on it by name; numbers are written where losses are."""
        levels = self.levels()
        beyond = self.level(len(levels) + 1.0) if levels else self.level(0.7)
        other = self._beyond(_MARGIN / _LEVEL, above=self.worse < 0)
        low, high = (other, beyond) if self.worse > 0 else (beyond, other)
        ticks = [(at, number(at, 4)) for at in round_places(self.low, self.high, log=self.log)]
        ticks += [(place, name) for name, _, _, _, place in levels]
        return Axis(self.label, "log" if self.log else "linear", low, high, tuple(ticks))

    def marks(
        self, x: FloatArray, rows: BoolArray | None = None, colour: FloatArray | None = None, keep: Kept = ()
    ) -> tuple[list[Mark], tuple[str, ...]]:
        """A point for each trial at `x` `(n,)`, with a legend and notes; rows whose x is NaN are left out.

        Args:
            x: of every trial.
            rows: `(n,)` which trials; None for all.
            colour: `(n,)` on the panel's scale, for those with a loss.
            keep: trials that are drawn in any case.
        """
        wanted = ~np.isnan(x) if rows is None else rows & ~np.isnan(x)
        good = np.flatnonzero(wanted & ~np.isnan(self.value) & ~self.far)
        kept = with_kept(good[thinned(x[good], self.place(self.value[good]))], good, keep)
        alone = 0.55 if len(good) > 200 else 0.8
        shade = None if colour is None else colour[kept]
        marks: list[Mark] = [
            Points(x[kept], self.value[kept], "ok", "trials", "circle", 4.5, alone, shade, kept.astype(np.int64))
        ]
        drawn, total = len(kept), len(good)
        levels = self.levels()
        if levels:
            marks.insert(0, Rule("y", self.level(0.5)))
        for name, which, symbol, role, place in levels:
            there = np.flatnonzero(which & wanted)
            some = with_kept(there[thinned(x[there], np.zeros(len(there)), 600)], there, keep)
            drawn, total = drawn + len(some), total + len(there)
            if len(some):
                y = np.full(len(some), place)
                marks.append(Points(x[some], y, role, name, symbol, 5.0, 0.8, None, some.astype(np.int64)))
        return marks, (*said(drawn, total), *self.notes)

    def place(self, value: FloatArray) -> FloatArray:
        """Values as they are spread along the axis."""
        return np.log(value) if self.log else value

    def best_so_far(self) -> tuple[IntArray, FloatArray]:
        """Numbers at which the best loss changed, and what it was from then on."""
        losses = np.where(np.isnan(self.value), np.inf, self.worse * self.value)
        best = np.minimum.accumulate(losses) if len(losses) else losses
        # Compared and not subtracted: before the first loss the best is infinite.
        at = np.flatnonzero(np.r_[True, best[1:] < best[:-1]] & np.isfinite(best)) if len(best) else np.zeros(0, int)
        return at.astype(np.int64), self.worse * best[at]
