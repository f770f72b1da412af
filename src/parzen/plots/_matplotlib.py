"""Charts drawn by matplotlib: for papers, reports, notebooks.

Figures are made without pyplot, so that nothing is kept of them and no backend is chosen for the program.
"""

from __future__ import annotations

import datetime
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np

from parzen._lazy import require
from parzen.plots._marks import (
    Axis,
    Band,
    Bars,
    Cells,
    Chart,
    Line,
    Mark,
    Panel,
    Paths,
    Points,
    Rule,
    Spans,
    Words,
)
from parzen.plots._theme import SCALE, theme_named

__all__ = ["draw", "new_figure"]

_EXTRA = '"parzen[plots]"'
_SYMBOLS = {"circle": "o", "cross": "x", "triangle": "^", "diamond": "D", "ring": "o", "tick": "|"}
_STYLES = {"solid": "-", "dashed": (0, (5, 3)), "dotted": (0, (1, 2))}
_MANY = 1000
"""Points from which a picture has them as pixels, also where it is SVG otherwise."""
_HEIGHT = 3.4
"""Inches of a panel."""


def new_figure(chart: Chart) -> Any:  # a figure of matplotlib, which is optional, and so are its types
    """An empty figure of the right size."""
    figures: Any = require("matplotlib.figure", _EXTRA)
    rows, columns, height = _grid(chart)
    return figures.Figure(figsize=(columns * chart.wide * height, rows * height + 0.25 * _lines(chart)))


def _grid(chart: Chart) -> tuple[int, int, float]:
    rows = -(-len(chart.panels) // chart.columns)
    return rows, chart.columns, _HEIGHT if len(chart.panels) < 4 else 2.7


def _lines(chart: Chart) -> int:
    return sum(1 + len(note) // 120 for note in chart.notes)


def draw(chart: Chart, theme: str = "light", figure: Any = None) -> Any:  # figures of matplotlib
    """The chart on a figure: a new one, or one that is given.

    Raises:
        MissingDependency: matplotlib is not installed.
        ValueError: there is no such theme.
    """
    colours = theme_named(theme)
    figure = new_figure(chart) if figure is None else figure
    figure.set_layout_engine("constrained")
    figure.set_facecolor(colours["paper"])
    rows, columns, _ = _grid(chart)
    grid = figure.subplots(rows, columns, squeeze=False)
    for k, axes in enumerate(grid.reshape(-1)):
        if k < len(chart.panels):
            _panel(
                figure,
                axes,
                chart.panels[k],
                colours,
                legend=k == 0,
                bar_too=(k + 1) % columns == 0 or k + 1 == len(chart.panels),
            )
        else:
            axes.set_axis_off()
    text = {"color": colours["ink"], "parse_math": False}
    figure.suptitle(chart.title, fontsize=12, x=0.01, ha="left", **text)
    if chart.notes:
        notes = "\n".join(_wrapped(note, int(46 * chart.columns * chart.wide)) for note in chart.notes)
        text["color"] = colours["muted"]
        figure.supxlabel(notes, fontsize=8, x=0.01, ha="left", **text)
    return figure


def _wrapped(text: str, width: int) -> str:
    return "\n".join(textwrap.wrap(text, max(width, 60)))


def _panel(figure: Any, axes: Any, panel: Panel, colours: Mapping[str, str], *, legend: bool, bar_too: bool) -> None:
    axes.set_facecolor(colours["paper"])
    axes.grid(visible=True, color=colours["grid"], linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(colours["muted"])
    axes.tick_params(colors=colours["muted"], labelsize=8, which="both")
    _axis(axes, "x", panel.x, colours)
    _axis(axes, "y", panel.y, colours)
    shown = None
    for depth, mark in enumerate(panel.marks):
        found = _DRAW[type(mark)](axes, mark, panel, colours, 2 + 0.01 * depth)
        shown = found if found is not None else shown
    _limits(axes, panel)
    if panel.title:
        axes.set_title(panel.title, fontsize=8, color=colours["muted"], loc="left", parse_math=False)
    if shown is not None and panel.colours is not None and bar_too:
        bar = figure.colorbar(shown, ax=axes, pad=0.01, aspect=30)
        bar.set_label(panel.colours.label, color=colours["ink"], fontsize=8, parse_math=False)
        bar.ax.tick_params(colors=colours["muted"], labelsize=7)
        bar.outline.set_visible(False)
        if panel.colours.ticks:
            bar.set_ticks([at for at, _ in panel.colours.ticks], labels=[name for _, name in panel.colours.ticks])
    handles, labels = axes.get_legend_handles_labels()
    if legend and len(set(labels)) > 1:
        unique = dict(zip(labels, handles, strict=True))
        # Above the panel: inside it something would lie below.
        box = axes.legend(
            unique.values(), unique.keys(), fontsize=7.5, frameon=False, labelcolor=colours["ink"], ncols=min(len(unique), 3),
            loc="lower left", bbox_to_anchor=(0.0, 1.0 if not panel.title else 1.06), borderaxespad=0.2, columnspacing=1.2,
        )  # fmt: skip
        for text in box.get_texts():
            text.set_parse_math(False)


def _axis(axes: Any, which: str, axis: Axis, colours: Mapping[str, str]) -> None:
    ticker: Any = require("matplotlib.ticker", _EXTRA)
    getattr(axes, f"set_{which}label")(axis.label, color=colours["ink"], fontsize=9, parse_math=False)
    own = getattr(axes, f"{which}axis")
    if axis.scale == "log":
        getattr(axes, f"set_{which}scale")("log", nonpositive="mask")
        own.set_major_formatter(ticker.FuncFormatter(lambda x, _: f"{x:.6g}" if 1e-4 <= abs(x) < 1e5 else f"{x:.0e}"))
        own.set_minor_formatter(ticker.NullFormatter())
    if axis.low is not None and axis.high is not None:
        # Before there are marks: to find ends itself, matplotlib goes on by a share, which may be beyond all floats.
        getattr(axes, f"set_{which}lim")(axis.low, axis.high)
    if axis.scale == "time":
        own.set_major_locator(ticker.MaxNLocator(6))
    if axis.ticks:
        own.set_major_locator(ticker.FixedLocator([at for at, _ in axis.ticks]))
        own.set_major_formatter(ticker.FixedFormatter([_plain(name) for _, name in axis.ticks]))
        own.set_minor_locator(ticker.NullLocator())
        if which == "x" and sum(len(name) for _, name in axis.ticks) > 60:
            axes.tick_params(axis="x", labelrotation=30)


def _plain(text: str) -> str:
    """A text in which no dollar begins a formula."""
    return text.replace("\\", "\\\\").replace("$", r"\$") if "$" in text else text


def _limits(axes: Any, panel: Panel) -> None:
    for which, axis in (("x", panel.x), ("y", panel.y)):
        if axis.low is not None or axis.high is not None:
            getattr(axes, f"set_{which}lim")(axis.low, axis.high)
        if axis.scale == "time":
            own = getattr(axes, f"{which}axis")
            low, high = getattr(axes, f"get_{which}lim")()
            style = "%H:%M:%S" if high - low < 6 * 3600 else "%m-%d %H:%M"
            places = [at for at in own.get_majorticklocs() if low <= at <= high]
            own.set_ticks(places, labels=[_clock(at, style) for at in places])


def _clock(at: float, style: str) -> str:
    return datetime.datetime.fromtimestamp(at, tz=datetime.timezone.utc).astimezone().strftime(style)


# --- marks: each gives back what a colour bar can be made of, if it has colours -------------------------------------


def _scaled(panel: Panel) -> dict[str, Any]:
    scale = panel.colours
    return {"cmap": SCALE, **({} if scale is None else {"vmin": scale.low, "vmax": scale.high})}


def _points(axes: Any, mark: Points, panel: Panel, colours: Mapping[str, str], order: float) -> Any:
    colour, hollow = colours[mark.role], mark.symbol == "ring"
    common = {
        "s": mark.size**2, "marker": _SYMBOLS[mark.symbol], "alpha": mark.opacity, "zorder": order,
        "label": _plain(mark.label) or None, "rasterized": len(mark.x) > _MANY,
    }  # fmt: skip
    if mark.colour is not None:
        return axes.scatter(
            mark.x, mark.y, c=mark.colour, linewidths=0.35, edgecolors=colours["muted"], **_scaled(panel), **common
        )
    if hollow:
        axes.scatter(mark.x, mark.y, facecolors="none", edgecolors=colour, linewidths=1.2, **common)
    else:
        lines = 1.4 if mark.symbol in ("cross", "tick") else 0.8 if mark.symbol == "diamond" else 0
        edge = {"edgecolors": colours["paper"]} if mark.symbol == "diamond" else {}
        axes.scatter(mark.x, mark.y, color=None if edge else colour, facecolors=colour if edge else None,
                     linewidths=lines, **edge, **common)  # fmt: skip
    return None


def _line(axes: Any, mark: Line, panel: Panel, colours: Mapping[str, str], order: float) -> None:
    width = 1.0 if mark.role == "muted" else 1.8
    steps = {"drawstyle": "steps-post"} if mark.steps else {}
    label = _plain(mark.label) or None
    axes.plot(mark.x, mark.y, color=colours[mark.role], linestyle=_STYLES[mark.style], linewidth=width, label=label,
              zorder=order, **steps)  # fmt: skip


def _band(axes: Any, mark: Band, panel: Panel, colours: Mapping[str, str], order: float) -> None:
    step = "post" if mark.steps else None
    axes.fill_between(mark.x, mark.low, mark.high, color=colours[mark.role], alpha=0.18, linewidth=0, step=step,
                      label=_plain(mark.label) or None, zorder=order)  # fmt: skip


def _bars(axes: Any, mark: Bars, panel: Panel, colours: Mapping[str, str], order: float) -> None:
    colour = colours[mark.role]
    axes.barh(mark.y, mark.value, height=0.6, color=colour, alpha=0.75, label=_plain(mark.label) or None, zorder=order)
    axes.hlines(mark.y, mark.low, mark.high, color=colours["ink"], linewidth=1.4, zorder=order)
    axes.scatter(mark.floor, mark.y, marker="|", s=120, color=colours["muted"], linewidths=1.4, zorder=order)


def _cells(axes: Any, mark: Cells, panel: Panel, colours: Mapping[str, str], order: float) -> Any:
    masked = np.ma.masked_invalid(mark.colour)
    return axes.pcolormesh(mark.x, mark.y, masked, zorder=order, rasterized=True, **_scaled(panel))


def _spans(axes: Any, mark: Spans, panel: Panel, colours: Mapping[str, str], order: float) -> None:
    collections: Any = require("matplotlib.collections", _EXTRA)
    low, high = mark.y - 0.35, mark.y + 0.35
    corners = [(mark.start, low), (mark.start, high), (mark.end, high), (mark.end, low)]
    boxes = np.stack([np.stack(corner, axis=1) for corner in corners], axis=1)
    # One collection: a patch each takes seconds for thousands.
    drawn = collections.PolyCollection(
        boxes, facecolors=colours[mark.role], edgecolors=colours["paper"], linewidths=0.4 if len(boxes) < _MANY else 0,
        label=_plain(mark.label) or None, zorder=order, rasterized=len(boxes) > _MANY,
    )  # fmt: skip
    axes.add_collection(drawn)
    axes.autoscale_view()


def _paths(axes: Any, mark: Paths, panel: Panel, colours: Mapping[str, str], order: float) -> Any:
    collections: Any = require("matplotlib.collections", _EXTRA)
    ends = [*mark.starts[1:].tolist(), len(mark.x)]
    lines = [np.column_stack((mark.x[a:b], mark.y[a:b])) for a, b in zip(mark.starts.tolist(), ends, strict=True)]
    drawn = collections.LineCollection(lines, linewidths=1.0, alpha=mark.opacity, zorder=order)
    axes.add_collection(drawn)
    axes.autoscale_view()
    if mark.colour is None:
        drawn.set_color(colours[mark.role])
        if mark.label:
            axes.plot([], [], color=colours[mark.role], alpha=mark.opacity, label=_plain(mark.label))
        return None
    drawn.set_array(mark.colour)
    drawn.set_cmap(SCALE)
    if panel.colours is not None:
        drawn.set_clim(panel.colours.low, panel.colours.high)
    return drawn


def _rule(axes: Any, mark: Rule, panel: Panel, colours: Mapping[str, str], order: float) -> None:
    across = axes.axvline if mark.axis == "x" else axes.axhline
    across(mark.at, color=colours[mark.role], linestyle=_STYLES[mark.style], linewidth=1.0, zorder=order,
           label=_plain(mark.label) or None)  # fmt: skip


def _words(axes: Any, mark: Words, panel: Panel, colours: Mapping[str, str], order: float) -> None:
    for x, y, text in zip(mark.x, mark.y, mark.text, strict=True):
        axes.annotate(text, (x, y), (3, 0), textcoords="offset points", fontsize=7, va="center",
                      color=colours[mark.role], zorder=order + 1, parse_math=False,
                      bbox={"facecolor": colours["paper"], "edgecolor": "none", "alpha": 0.75, "pad": 0.8})  # fmt: skip


_DRAW: Mapping[type[Mark], Any] = {  # each takes the mark that it stands under
    Points: _points,
    Line: _line,
    Band: _band,
    Bars: _bars,
    Cells: _cells,
    Spans: _spans,
    Paths: _paths,
    Rule: _rule,
    Words: _words,
}
