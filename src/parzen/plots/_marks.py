"""A plot as data: panels with two axes each, and marks on them.

Whoever draws needs no study: `Chart.to_json()` is all there is to a plot, and everything in it is a number or a plain text.
Colours are *roles* ("ok", "failed", "best" …, see `_theme`) or numbers on a scale, so that one chart is drawn light or dark.
Positions are data: what has no loss lies on a level of its own beyond the others, and not on an edge that only one drawing
library knows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

import numpy as np

from parzen._typing import JSON, FloatArray, IntArray

__all__ = [
    "Axis",
    "Band",
    "Bars",
    "Cells",
    "Chart",
    "Colours",
    "Line",
    "Mark",
    "Panel",
    "Paths",
    "Points",
    "Rule",
    "Spans",
    "Words",
]


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """A symbol for each trial.

    Attributes:
        x, y: `(n,)`.
        role: of the colour, where `colour` is None.
        label: in the legend; empty for none.
        symbol: "circle", "cross", "triangle", "diamond", "ring" or "tick" (an upright line).
        size: in points of 1/72 inch.
        opacity: from 0 to 1.
        colour: `(n,)` numbers on the panel's colour scale, or None.
        numbers: `(n,)` of the trials; empty where a point is none.
    """

    kind: ClassVar[str] = "points"
    x: FloatArray
    y: FloatArray
    role: str = "ok"
    label: str = ""
    symbol: str = "circle"
    size: float = 5.0
    opacity: float = 1.0
    colour: FloatArray | None = None
    numbers: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One line; `steps` are level until the next x.  `style` is "solid", "dashed" or "dotted"."""

    kind: ClassVar[str] = "line"
    x: FloatArray
    y: FloatArray
    role: str = "best"
    label: str = ""
    style: str = "solid"
    steps: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """What lies between two lines `(n,)`."""

    kind: ClassVar[str] = "band"
    x: FloatArray
    low: FloatArray
    high: FloatArray
    role: str = "best"
    label: str = ""
    steps: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Horizontal bars at heights `y`, from 0 to `value`, with a whisker from `low` to `high` and a tick at `floor`."""

    kind: ClassVar[str] = "bars"
    y: FloatArray
    value: FloatArray
    low: FloatArray
    high: FloatArray
    floor: FloatArray
    role: str = "ok"
    label: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Coloured rectangles: `(k, m)` numbers on the panel's colour scale, row by row along y; NaN for none.

    Attributes:
        x, y: `(m + 1,)` and `(k + 1,)` edges.
        colour: `(k, m)`.
    """

    kind: ClassVar[str] = "cells"
    x: FloatArray
    y: FloatArray
    colour: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Horizontal spans from `start` to `end` at heights `y`; all `(n,)`."""

    kind: ClassVar[str] = "spans"
    y: FloatArray
    start: FloatArray
    end: FloatArray
    role: str = "ok"
    label: str = ""
    numbers: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """Several thin lines, one after the other in `x` and `y`; `starts` says where each begins.

    Attributes:
        x, y: `(n,)`.
        starts: `(k,)` places in them.
        colour: `(k,)` numbers on the panel's colour scale, or None for the role's.
        numbers: `(k,)` of the trials.
    """

    kind: ClassVar[str] = "paths"
    x: FloatArray
    y: FloatArray
    starts: IntArray
    role: str = "ok"
    label: str = ""
    opacity: float = 0.6
    colour: FloatArray | None = None
    numbers: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A line across the whole panel: upright at x (`axis="x"`), or level at y."""

    kind: ClassVar[str] = "rule"
    axis: str
    at: float
    role: str = "muted"
    label: str = ""
    style: str = "dotted"


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """Small texts at `(n,)` places, to the right of them."""

    kind: ClassVar[str] = "words"
    x: FloatArray
    y: FloatArray
    text: tuple[str, ...]
    role: str = "muted"


Mark: TypeAlias = Points | Line | Band | Bars | Cells | Spans | Paths | Rule | Words


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """What is along one side of a panel.

    Attributes:
        label: what it shows.
        scale: "linear", "log" or "time" (seconds since the epoch).
        low, high: the bounds; None where the marks say.
        ticks: place and text of each, instead of numbers; empty for numbers.
    """

    label: str = ""
    scale: str = "linear"
    low: float | None = None
    high: float | None = None
    ticks: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Colours:
    """What the numbers of `colour` mean: a scale from dark (`low`) to bright (`high`), with its label and ticks."""

    label: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Marks on two axes, the first at the back."""

    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    title: str = ""
    colours: Colours | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """A plot.

    Attributes:
        name: which one: "history", "slice" …
        title: of the whole.
        panels: at least one.
        columns: how many panels beside each other.
        notes: sentences that belong below it: what was left out, what was estimated.
        wide: width to height of one panel.
    """

    name: str
    title: str
    panels: tuple[Panel, ...]
    columns: int = 1
    notes: tuple[str, ...] = ()
    wide: float = 2.0

    def to_json(self) -> Mapping[str, JSON]:
        """All of it as JSON: each mark is a mapping with its `kind`; NaN becomes null."""
        told: Mapping[str, JSON] = _plain(self)
        return told


def _plain(value: Any) -> Any:  # whatever a mark holds: numbers, texts, arrays of them, records
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
        kind = getattr(value, "kind", None)
        return {"kind": kind, **fields} if isinstance(kind, str) else fields
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
