"""Charts as figures of plotly: for pages, where one can look closer.

A figure is plain data, so making it needs no package; `plotly.graph_objects` and `plotly.js` both take it.  Every point of a
trial has the trial's number as its `customdata`, by which a page links plots.
"""

from __future__ import annotations

import datetime
import html
from collections.abc import Mapping
from typing import Any

import numpy as np

from parzen._typing import FloatArray
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

__all__ = ["figure_of"]

_SYMBOLS = {
    "circle": "circle",
    "cross": "x-thin",
    "triangle": "triangle-up",
    "diamond": "diamond",
    "ring": "circle-open",
    "tick": "line-ns",
}
_DASHES = {"solid": "solid", "dashed": "dash", "dotted": "dot"}
_SCALE = SCALE.capitalize()
_SHADES = 12
"""Colours that lines are sorted into: plotly draws lines of one colour as one."""
_MANY = 2000
"""Points from which they are drawn by WebGL."""
Figure = dict[str, Any]  # JSON, whose shape is plotly's


def figure_of(chart: Chart, theme: str = "light") -> Figure:
    """`{"data": [...], "layout": {...}}` for plotly.js; texts are escaped, because plotly reads tags in them."""
    colours = theme_named(theme)
    rows, columns = -(-len(chart.panels) // chart.columns), chart.columns
    data: list[Figure] = []
    layout: Figure = {
        "title": {"text": _text(chart.title), "font": {"size": 16}, "x": 0.01},
        "paper_bgcolor": colours["paper"],
        "plot_bgcolor": colours["paper"],
        "font": {"color": colours["ink"], "size": 12},
        "hovermode": "closest",
        "legend": {"bgcolor": "rgba(0,0,0,0)", "orientation": "h", "y": -0.18 / rows, "yanchor": "top"},
        "margin": {"l": 60, "r": 20, "t": 50, "b": 90 + 18 * len(chart.notes)},
        "barmode": "overlay",
        "shapes": [],
        "annotations": [],
        "height": 420 if len(chart.panels) < 4 else 300 * rows + 100,
    }
    if len(chart.panels) > 1:
        layout["grid"] = {"rows": rows, "columns": columns, "pattern": "independent", "ygap": 0.3, "xgap": 0.12}
    for k, panel in enumerate(chart.panels):
        name = "" if k == 0 else str(k + 1)
        layout[f"xaxis{name}"] = _axis(panel.x, colours)
        layout[f"yaxis{name}"] = _axis(panel.y, colours)
        where = {"xaxis": f"x{name}", "yaxis": f"y{name}"}
        if panel.colours is not None:
            layout[f"coloraxis{name}"] = _coloraxis(panel, k, len(chart.panels))
            where["coloraxis"] = f"coloraxis{name}"
        for mark in panel.marks:
            _ADD[type(mark)](data, layout, mark, panel, colours, where, k)
        if panel.title:
            layout["annotations"].append(
                _note(_text(panel.title), colours, xref=f"x{name} domain", yref=f"y{name} domain", x=0, y=1.04)
            )
    notes = "<br>".join(_text(note) for note in chart.notes)
    if notes:
        layout["annotations"].append(
            _note(notes, colours, xref="paper", yref="paper", x=0, y=-0.3 / rows, yanchor="top", yshift=-8)
        )
    return {"data": data, "layout": layout}


def _text(text: str) -> str:
    return html.escape(text, quote=False)


def _note(text: str, colours: Mapping[str, str], **place: Any) -> Figure:
    font = {"size": 10, "color": colours["muted"]}
    return {"text": text, "showarrow": False, "align": "left", "xanchor": "left", "font": font, **place}


def _axis(axis: Axis, colours: Mapping[str, str]) -> Figure:
    told: Figure = {
        "title": {"text": _text(axis.label)},
        "gridcolor": colours["grid"],
        "linecolor": colours["muted"],
        "zeroline": False,
        "automargin": True,
    }
    if axis.scale == "log":
        told |= {"type": "log", "exponentformat": "power", "nticks": 8, "minor": {"ticks": ""}}
        if axis.low is None or axis.high is None or axis.high > 30 * axis.low:
            told["dtick"] = 1
    elif axis.scale == "time":
        told["type"] = "date"
    if axis.low is not None and axis.high is not None:
        ends = [axis.low, axis.high]
        told["range"] = np.log10(ends).tolist() if axis.scale == "log" else ends
    if axis.ticks:
        told |= {
            "tickmode": "array",
            "tickvals": [at for at, _ in axis.ticks],
            "ticktext": [_text(name) for _, name in axis.ticks],
        }
    return told


def _coloraxis(panel: Panel, k: int, panels: int) -> Figure:
    scale = panel.colours
    assert scale is not None
    bar: Figure = {"title": {"text": _text(scale.label), "side": "right"}, "thickness": 12, "outlinewidth": 0}
    if scale.ticks:
        bar |= {"tickvals": [at for at, _ in scale.ticks], "ticktext": [_text(name) for _, name in scale.ticks]}
    # One bar for all panels: they have the same scale.
    return {
        "colorscale": _SCALE,
        "cmin": scale.low,
        "cmax": scale.high,
        "showscale": k == 0 or panels == 1,
        "colorbar": bar,
    }


def _list(x: FloatArray, axis: Axis | None = None) -> list[Any]:
    """Numbers for JSON: None where there is none, and times as plotly reads them."""
    if axis is not None and axis.scale == "time":
        zone = datetime.timezone.utc
        return [
            datetime.datetime.fromtimestamp(at, tz=zone).astimezone().replace(tzinfo=None).isoformat()
            for at in x.tolist()
        ]
    return [one if one is None or np.isfinite(one) else None for one in np.asarray(x, dtype=np.float64).tolist()]


def _legend(mark: Any, k: int) -> Figure:  # any mark with a label
    return {"name": _text(mark.label), "showlegend": bool(mark.label) and k == 0, "legendgroup": mark.label}


_Where = Mapping[str, str]


def _placed(where: _Where) -> Figure:
    return {"xaxis": where["xaxis"], "yaxis": where["yaxis"]}


def _points(
    data: list[Figure], layout: Figure, mark: Points, panel: Panel, colours: Mapping[str, str], where: _Where, k: int
) -> None:
    dot: Figure = {"size": 1.4 * mark.size, "symbol": _SYMBOLS[mark.symbol], "opacity": mark.opacity}
    if mark.colour is not None and "coloraxis" in where:
        outline = {"width": 0.5, "color": colours["muted"]}
        dot |= {"color": _list(mark.colour), "coloraxis": where["coloraxis"], "line": outline}
    else:
        dot["color"] = colours[mark.role]
        if mark.symbol in ("cross", "tick", "ring"):
            dot["line"] = {"width": 1.6, "color": colours[mark.role]}
    data.append({
        "type": "scattergl" if len(mark.x) > _MANY else "scatter", "mode": "markers", "marker": dot,
        "x": _list(mark.x, panel.x), "y": _list(mark.y, panel.y), "customdata": mark.numbers.tolist(),
        "hovertemplate": "trial %{customdata}<br>%{x}<br>%{y}<extra></extra>" if len(mark.numbers) else "%{x}<br>%{y}<extra></extra>",
        **_legend(mark, k), **_placed(where),
    })  # fmt: skip


def _line(
    data: list[Figure], layout: Figure, mark: Line, panel: Panel, colours: Mapping[str, str], where: _Where, k: int
) -> None:
    style: Figure = {
        "color": colours[mark.role],
        "dash": _DASHES[mark.style],
        "width": 1 if mark.role == "muted" else 2,
    }
    style |= {"shape": "hv"} if mark.steps else {}
    data.append({
        "type": "scatter", "mode": "lines", "line": style, "x": _list(mark.x, panel.x), "y": _list(mark.y, panel.y),
        "hoverinfo": "skip" if mark.role == "muted" else "x+y", **_legend(mark, k), **_placed(where),
    })  # fmt: skip


def _band(
    data: list[Figure], layout: Figure, mark: Band, panel: Panel, colours: Mapping[str, str], where: _Where, k: int
) -> None:
    x = _list(mark.x, panel.x)
    shape = {"shape": "hv"} if mark.steps else {}
    common = {"type": "scatter", "mode": "lines", "x": x, "hoverinfo": "skip", **_placed(where)}
    data.append({**common, "y": _list(mark.low, panel.y), "line": {"width": 0, **shape}, "showlegend": False})
    fill = {"fill": "tonexty", "fillcolor": _faint(colours[mark.role], 0.18), "line": {"width": 0, **shape}}
    data.append({**common, "y": _list(mark.high, panel.y), **fill, **_legend(mark, k)})


def _faint(colour: str, opacity: float) -> str:
    r, g, b = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({r},{g},{b},{opacity})"


def _bars(
    data: list[Figure], layout: Figure, mark: Bars, panel: Panel, colours: Mapping[str, str], where: _Where, k: int
) -> None:
    whisker = {
        "type": "data", "symmetric": False, "array": _list(mark.high - mark.value),
        "arrayminus": _list(mark.value - mark.low), "color": colours["ink"], "thickness": 1.5, "width": 0,
    }  # fmt: skip
    data.append({
        "type": "bar", "orientation": "h", "y": _list(mark.y), "x": _list(mark.value), "width": 0.6, "error_x": whisker,
        "marker": {"color": _faint(colours[mark.role], 0.75)}, "hovertemplate": "%{x:.1%}<extra></extra>",
        **_legend(mark, k), **_placed(where),
    })  # fmt: skip
    tick = {
        "symbol": "line-ns",
        "size": 16,
        "color": colours["muted"],
        "line": {"width": 1.6, "color": colours["muted"]},
    }
    data.append({
        "type": "scatter", "mode": "markers", "marker": tick, "x": _list(mark.floor), "y": _list(mark.y),
        "hovertemplate": "chance: %{x:.1%}<extra></extra>", "showlegend": False, **_placed(where),
    })  # fmt: skip


def _cells(
    data: list[Figure], layout: Figure, mark: Cells, panel: Panel, colours: Mapping[str, str], where: _Where, k: int
) -> None:
    colour = {"coloraxis": where["coloraxis"]} if "coloraxis" in where else {"colorscale": _SCALE}
    data.append({
        "type": "heatmap", "x": _list(mark.x), "y": _list(mark.y), "z": [_list(row) for row in mark.colour],
        "hoverinfo": "skip", **colour, **_placed(where),
    })  # fmt: skip


def _spans(
    data: list[Figure], layout: Figure, mark: Spans, panel: Panel, colours: Mapping[str, str], where: _Where, k: int
) -> None:
    unit = 1000.0 if panel.x.scale == "time" else 1.0  # lengths on an axis of dates are milliseconds
    data.append({
        "type": "bar", "orientation": "h", "y": _list(mark.y), "base": _list(mark.start, panel.x),
        "x": _list(unit * (mark.end - mark.start)), "width": 0.7, "customdata": mark.numbers.tolist(),
        "marker": {"color": colours[mark.role], "line": {"width": 0.5, "color": colours["paper"]}},
        "hovertemplate": "trial %{customdata}<br>%{base}<extra></extra>", **_legend(mark, k), **_placed(where),
    })  # fmt: skip


def _paths(
    data: list[Figure], layout: Figure, mark: Paths, panel: Panel, colours: Mapping[str, str], where: _Where, k: int
) -> None:
    ends = [*mark.starts[1:].tolist(), len(mark.x)]
    groups: dict[str, list[int]] = {}
    for place in range(len(mark.starts)):
        colour = colours[mark.role] if mark.colour is None else _shade(float(mark.colour[place]), panel)
        groups.setdefault(colour, []).append(place)
    for count, (colour, places) in enumerate(groups.items()):
        x: list[Any] = []
        y: list[Any] = []
        numbers: list[Any] = []
        for place in places:
            a, b = int(mark.starts[place]), ends[place]
            x += [*_list(mark.x[a:b], panel.x), None]
            y += [*_list(mark.y[a:b], panel.y), None]
            if len(mark.numbers):
                numbers += [int(mark.numbers[place])] * (b - a + 1)
        legend = _legend(mark, k if count == 0 and mark.colour is None else 1)
        data.append({
            "type": "scatter", "mode": "lines", "x": x, "y": y, "customdata": numbers, "opacity": mark.opacity,
            "line": {"color": colour, "width": 1.2}, "hovertemplate": "trial %{customdata}<extra></extra>",
            **legend, **_placed(where),
        })  # fmt: skip
    if mark.colour is not None and "coloraxis" in where:  # lines have no colour bar of their own
        data.append({
            "type": "scatter", "mode": "markers", "x": [None], "y": [None], "showlegend": False,
            "marker": {"color": [0], "coloraxis": where["coloraxis"]}, **_placed(where),
        })  # fmt: skip


_CIVIDIS = "#00224e #0a326e #2b446e #434e6c #575c6d #696970 #7c7b78 #918c77 #a69d75 #bcaf6f #d3c164 #ecd555".split()


def _shade(value: float, panel: Panel) -> str:
    scale = panel.colours
    low, high = (0.0, 1.0) if scale is None else (scale.low, scale.high)
    place = 0.0 if not np.isfinite(value) else (value - low) / ((high - low) or 1.0)
    return _CIVIDIS[int(np.clip(place * _SHADES, 0, _SHADES - 1))]


def _rule(
    data: list[Figure], layout: Figure, mark: Rule, panel: Panel, colours: Mapping[str, str], where: _Where, k: int
) -> None:
    x, y = where["xaxis"], where["yaxis"]
    line = {"color": colours[mark.role], "width": 1, "dash": _DASHES[mark.style]}
    across = (
        {"xref": x, "yref": f"{y} domain", "x0": mark.at, "x1": mark.at, "y0": 0, "y1": 1}
        if mark.axis == "x"
        else {"xref": f"{x} domain", "yref": y, "x0": 0, "x1": 1, "y0": mark.at, "y1": mark.at}
    )
    layout["shapes"].append({"type": "line", "line": line, "layer": "below", **across})


def _words(
    data: list[Figure], layout: Figure, mark: Words, panel: Panel, colours: Mapping[str, str], where: _Where, k: int
) -> None:
    data.append({
        "type": "scatter", "mode": "text", "x": _list(mark.x), "y": _list(mark.y),
        "text": [_text(one) for one in mark.text], "textposition": "middle right", "hoverinfo": "skip",
        "textfont": {"size": 10, "color": colours[mark.role]}, "showlegend": False, **_placed(where),
    })  # fmt: skip


_ADD: Mapping[type[Mark], Any] = {  # each takes the mark that it stands under
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
