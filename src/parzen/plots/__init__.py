"""Plots of a study, as data first: `result.plot.history()`.

Each file computes one plot from a history as a `Chart`: panels, axes and marks, plain enough to be JSON (`_marks`).
`_matplotlib` and `_plotly` draw marks and know nothing of studies; `_theme` has the colours, `_axes` and `_thinning` what all
plots share: a place for trials without a loss, and what to leave out of 100 000 trials.  Nothing here loads a drawing library
before something is drawn.
"""

from parzen.plots._marks import (
    Axis,
    Band,
    Bars,
    Cells,
    Chart,
    Colours,
    Line,
    Mark,
    Panel,
    Paths,
    Points,
    Rule,
    Spans,
    Words,
)
from parzen.plots._plot import Plot
from parzen.plots._plots import NAMES, Plots
from parzen.plots._theme import SCALE, THEMES

__all__ = [
    "NAMES",
    "SCALE",
    "THEMES",
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
    "Plot",
    "Plots",
    "Points",
    "Rule",
    "Spans",
    "Words",
]
