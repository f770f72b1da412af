"""A plot in a person's hands: looked at, saved, drawn by one library or the other."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from typing import Any

from parzen._lazy import require
from parzen._typing import JSON
from parzen.errors import MissingDependency
from parzen.plots._marks import Chart
from parzen.plots._matplotlib import draw, new_figure
from parzen.plots._plotly import figure_of

__all__ = ["Plot", "kind_of"]

_KINDS = ("png", "svg", "pdf", "html", "json")


def kind_of(path: str | os.PathLike[str]) -> str:
    """What kind of file a plot would be written as (raises `ValueError` where its ending is none of a plot)."""
    where = os.fspath(path)
    kind = os.path.splitext(where)[1].lower().lstrip(".")
    if kind not in _KINDS:
        raise ValueError(f"a plot is saved as .{', .'.join(_KINDS)}, not as {where!r:.200}")
    return kind


class Plot:
    """A chart, with the ways to draw it; in a notebook it shows itself.

    Attributes:
        chart: what there is to draw, as data.
    """

    def __init__(self, chart: Chart) -> None:
        self.chart = chart

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out, and what was estimated."""
        return self.chart.notes

    def to_json(self) -> Mapping[str, JSON]:
        """The chart as JSON: panels, axes, marks."""
        return self.chart.to_json()

    def matplotlib(self, theme: str = "light", figure: Any = None) -> Any:  # figures of matplotlib have no types here
        """A `matplotlib.figure.Figure`, new or the given one (which may be a subfigure).

        Raises:
            MissingDependency: matplotlib is not installed: `pip install "parzen[plots]"`.
        """
        return draw(self.chart, theme, figure)

    def plotly(self, theme: str = "light") -> Any:  # the same of plotly
        """A `plotly.graph_objects.Figure`.

        Raises:
            MissingDependency: plotly is not installed: `pip install "parzen[plots]"`.
        """
        objects: Any = require("plotly.graph_objects", '"parzen[plots]"')
        return objects.Figure(figure_of(self.chart, theme))

    def to_plotly(self, theme: str = "light") -> Mapping[str, Any]:  # JSON, of plotly's shape
        """The same as plain data, which `plotly.js` takes; needs no package."""
        return figure_of(self.chart, theme)

    def svg(self, theme: str = "light") -> str:
        """The picture as SVG, by matplotlib, with texts as texts."""
        matplotlib: Any = require("matplotlib", '"parzen[plots]"')
        out = io.StringIO()
        # The same chart is the same file: no date, and names that do not hang on chance.
        with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": self.chart.name}):
            self.matplotlib(theme).savefig(out, format="svg", dpi=130, metadata={"Date": None, "Creator": None})
        text = out.getvalue()
        return text[text.index("<svg") :]

    def save(self, path: str | os.PathLike[str], theme: str = "light", *, dpi: float = 150) -> None:
        """Write a file; its ending says what: png, svg, pdf (by matplotlib), html (a page by plotly), json (the data).

        Raises:
            ValueError: the ending is none of these.
            MissingDependency: what draws it is not installed.
        """
        where, kind = os.fspath(path), kind_of(path)
        if kind == "json":
            text = json.dumps(self.to_json(), allow_nan=False)
        elif kind == "svg":
            text = self.svg(theme)
        elif kind == "html":
            text = self.plotly(theme).to_html(include_plotlyjs=True)
        else:
            self.matplotlib(theme).savefig(where, dpi=dpi)
            return
        with open(where, "w", encoding="utf-8") as file:
            file.write(text)

    def show(self, theme: str = "light") -> None:
        """Open a window, with pyplot's backend.

        Raises:
            MissingDependency: matplotlib is not installed.
        """
        pyplot: Any = require("matplotlib.pyplot", '"parzen[plots]"')
        width, height = new_figure(self.chart).get_size_inches()
        self.matplotlib(theme, pyplot.figure(figsize=(width, height)))
        pyplot.show()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # of IPython
        try:
            return {"image/svg+xml": self.svg(), "text/plain": repr(self)}
        except MissingDependency:
            try:
                return {"text/html": self.plotly().to_html(full_html=False), "text/plain": repr(self)}
            except MissingDependency:
                return {"text/plain": repr(self)}

    def __repr__(self) -> str:
        panels = len(self.chart.panels)
        notes = "".join(f"\n  {note}" for note in self.notes)
        return f"<Plot {self.chart.name}: {self.chart.title}, {panels} panel{'s' * (panels > 1)}>{notes}"
