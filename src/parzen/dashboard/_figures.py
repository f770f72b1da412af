"""Plots for the page: the charts of `parzen.plots` as plotly's JSON, for a card that has its own title and notes.

Two things differ from a figure that stands alone.  Points are drawn as SVG and never by WebGL, because WebGL in plotly
compiles programs from text, which the page's policy forbids (and some machines have none); charts are thinned to some thousand
points anyway.  And whatever somebody has picked out is drawn even where other trials were left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from parzen._wording import plain, told_apart
from parzen.analysis import Source
from parzen.analysis._source import history_of
from parzen.dashboard._answers import Problem, is_whole
from parzen.errors import ParzenError
from parzen.plots import NAMES, THEMES, Axis, Chart, Line, Mark, Panel, Plot, Plots, Points, Words
from parzen.plots._axes import label_of, option_text, options_of
from parzen.plots._convergence import convergence_chart
from parzen.plots._edf import edf_chart
from parzen.plots._parallel import NAME
from parzen.plots._thinning import thinned, with_kept
from parzen.trials import History

__all__ = ["comparison", "curve", "figure", "titles"]

_TITLES: Mapping[str, str] = {
    "history": "Optimisation history",
    "convergence": "Convergence against random search",
    "slice": "Slices",
    "contour": "Contour",
    "importances": "Importances",
    "parallel": "Parallel coordinates",
    "rank": "Ranks",
    "edf": "How good the trials are",
    "timeline": "Timeline",
    "curves": "Learning curves",
}
_PICKED = 2000
_METRICS, _SHORT, _LEAST = 6, 8, 5
_CHARACTER = 7.2
"""Pixels of a character at an axis."""
_OPTIONS, _WHOLE = 1000, 2000
_POINTS, _ALONE, _FEWEST = 5000, 1500, 400


class _Room(NamedTuple):
    """Characters that a panel has room for: names to the left and all those below it, the label below and the one at its side."""

    beside: int
    below: int
    label: int
    upright: int


_ROOM_OF_ONE, _ROOM_OF_MANY = _Room(22, 52, 40, 40), _Room(12, 32, 28, 18)
_WIDE = 120
"""Characters below parallel coordinates, which are as wide as the page."""


def titles() -> list[dict[str, str]]:
    """The plots that there are, in the order in which narrow ones make pairs."""
    order = [*_TITLES, *(name for name in NAMES if name not in _TITLES)]
    return [{"name": name, "title": _TITLES.get(name, name)} for name in order if name in NAMES]


def figure(
    history: History, name: str, theme: str, given: Mapping[str, str] | None = None, keep: Sequence[int] = ()
) -> dict[str, Any]:
    """A plot of one study; `{"problem": sentence}` where the study has too little to plot.

    Args:
        history: a snapshot.
        name: of the plot.
        theme: "light" or "dark".
        given: of the plot's own arguments: "x" and "y" (columns) of a contour, "method" of importances.
        keep: trials that are drawn in any case.

    Raises:
        Problem: there is no such plot or theme, or it has no such argument.
    """
    if name not in NAMES:
        raise Problem(f"there is no plot {name!r:.40}; there are {', '.join(NAMES)}", 404)
    if theme not in THEMES:
        raise Problem(f"there is no theme {theme!r:.40}; there are {', '.join(THEMES)}")
    arguments = _arguments(history, name, given or {})
    try:
        plot = Plots(history, keep=tuple(keep)[:_PICKED]).named(name)(**arguments)
    except ParzenError as error:
        return {"problem": str(error)}
    return _drawn(plot, theme, keep, _wholes(history))


def curve(history: History, number: int, theme: str) -> dict[str, Any]:
    """What one trial reported, each metric in a panel of its own; `problem` where it reported nothing.

    Raises:
        Problem: there is no such trial or theme.
    """
    if not 0 <= number < len(history):
        raise Problem(f"there is no trial {number}: the study has {len(history)}, counted from 0", 404)
    if theme not in THEMES:
        raise Problem(f"there is no theme {theme!r:.40}; there are {', '.join(THEMES)}")
    reports = history.reports(number)
    names = list(dict.fromkeys(name for report in reports for name in report.metrics))[:_METRICS]
    panels = []
    for name in names:
        pairs = [(one.step, one.metrics[name]) for one in reports if name in one.metrics]
        x, y = (np.array(column, dtype=np.float64) for column in zip(*pairs, strict=True))
        role = "best" if name == history.objectives[0] else "other"
        marks = (Line(x, y, role), Points(x, y, role, size=4.0))
        panels.append(Panel(Axis("step"), Axis(plain(name, 40)), marks))
    if not panels:
        return {"problem": "this trial reported nothing on the way"}
    return _drawn(Plot(Chart("curve", "", tuple(panels), min(len(panels), 2))), theme)


def comparison(histories: Mapping[str, Source], theme: str) -> dict[str, Any]:
    """Best so far and distribution of losses of several studies, by name; `problem` where there is too little."""
    if theme not in THEMES:
        raise Problem(f"there is no theme {theme!r:.40}; there are {', '.join(THEMES)}")
    known = {name: history_of(source) for name, source in histories.items()}
    found: dict[str, Any] = {}
    for name, chart in (("convergence", convergence_chart), ("edf", edf_chart)):  # a study may be called anything
        try:
            found[name] = _drawn(Plot(chart(known)), theme)
        except ParzenError as error:
            found[name] = {"problem": str(error)}
    return found


def _arguments(history: History, name: str, given: Mapping[str, str]) -> dict[str, Any]:
    labels = history.space.labels
    found: dict[str, Any] = {}
    for key, value in given.items():
        if not value:
            continue
        if name == "contour" and key in ("x", "y"):
            if not is_whole(value) or int(value) >= len(labels):
                raise Problem(f"{key} is the number of a parameter below {len(labels)}, not {value!r:.40}")
            found[key] = labels[int(value)]
        elif name == "importances" and key == "method":
            if value not in ("ped-anova", "fanova"):
                raise Problem(f"method is 'ped-anova' or 'fanova', not {value!r:.40}")
            found[key] = value
        else:
            raise Problem(f"{name} has no argument {key!r:.40}")
    if found.get("x") is not None and found.get("x") == found.get("y"):
        raise Problem("a contour needs two different parameters")
    return found


def _wholes(history: History) -> dict[str, str]:
    """What an axis shows of labels and options -> all of it, where that is more."""
    space, found = history.space, dict[str, str]()
    pairs = [(label_of(label), label) for label in space.labels]
    for j in range(space.d):
        size = getattr(space.distributions[j], "size", None)
        if space.is_choice(j) and size is not None and size <= _OPTIONS:
            texts = [option_text(space, j, code) for code in range(size)]
            pairs += zip(options_of(space, j, range(size)), texts, strict=True)
            pairs += zip(told_apart(texts, NAME), texts, strict=True)
    for short, whole in pairs:
        if short != whole:
            known = found.get(short)
            found[short] = whole[:_WHOLE] if known in (None, whole[:_WHOLE]) else f"{known}\nor {whole[:_WHOLE]}"
    return found


def _fitted(chart: Chart, wholes: dict[str, str]) -> Chart:
    """Shorter texts where panels stand beside each other, so that they do not reach into the next one.

    Args:
        wholes: what is short -> all of it; what is cut here comes to it.
    """
    room = _ROOM_OF_ONE if len(chart.panels) == 1 else _ROOM_OF_MANY
    if chart.name == "parallel":
        room = room._replace(below=_WIDE)

    def cut(names: Sequence[str], limit: int) -> list[str]:
        whole = [name if "\nor " in (text := wholes.get(name, name)) else text for name in names]
        short = told_apart(whole, limit) if any(len(name) > limit for name in names) else list(names)
        wholes.update((a, b) for a, b in zip(short, whole, strict=True) if a != b)
        return short

    def axis(one: Axis, ticks: int, label: int) -> Axis:
        names = [name for _, name in one.ticks]
        pairs = [name.split(" × ") for name in names]
        if any(len(pair) > 1 for pair in pairs):  # two labels, of which each has half the room
            names = [" × ".join(cut(pair, ticks // len(pair))) for pair in pairs]
        else:
            names = cut(names, ticks)
        places = (at for at, _ in one.ticks)
        return replace(one, label=cut([one.label], label)[0], ticks=tuple(zip(places, names, strict=True)))

    panels = []
    for panel in chart.panels:
        below = max(room.below // max(len(panel.x.ticks), 1), _LEAST)
        x = axis(panel.x, below, room.label)
        panels.append(replace(panel, x=x, y=axis(panel.y, room.beside, room.upright)))
    return replace(chart, panels=tuple(panels))


def _lightened(chart: Chart, keep: Sequence[int]) -> Chart:
    """Fewer points where there are many panels: each point is an element of the page, and takes its memory."""
    thinned_already = any(" are drawn" in note for note in chart.notes)
    most = max(_POINTS // len(chart.panels), _FEWEST)
    most = min(most, _ALONE) if thinned_already else most
    left_out = False
    panels = []
    for panel in chart.panels:
        marks: list[Mark] = []
        for mark in panel.marks:
            if isinstance(mark, Points) and len(mark.x) > most:
                left_out = True
                there = np.arange(len(mark.x))
                kept = thinned(mark.x, mark.y, most)
                kept = with_kept(kept, there, np.flatnonzero(np.isin(mark.numbers, keep)))
                colour = None if mark.colour is None else mark.colour[kept]
                numbers = mark.numbers[kept] if len(mark.numbers) else mark.numbers
                mark = replace(mark, x=mark.x[kept], y=mark.y[kept], colour=colour, numbers=numbers)  # noqa: PLW2901
            marks.append(mark)
        panels.append(replace(panel, marks=tuple(marks)))
    if not left_out:
        return chart
    notes = tuple(note for note in chart.notes if " are drawn" not in note)
    total = f"Of many trials at most {most:,} are drawn in each panel, some from every place where there are any."
    return replace(chart, panels=tuple(panels), notes=(*notes, total))


def _drawn(plot: Plot, theme: str, keep: Sequence[int] = (), wholes: Mapping[str, str] | None = None) -> dict[str, Any]:
    whole = dict(wholes or {})
    chart = _fitted(_lightened(plot.chart, keep), whole)
    told = dict(Plot(replace(chart, title="", notes=())).to_plotly(theme))
    layout = dict(told["layout"])
    layout.pop("title", None)
    panels = len(chart.panels)
    rows = -(-panels // chart.columns)
    # Margins that plotly finds out itself make it draw everything twice; the page shows the legend beside the picture.
    for name, axis in layout.items():
        if name.startswith(("xaxis", "yaxis")):
            many = name[0] == "x" and max(map(len, axis.get("ticktext", ["–"]))) > _SHORT
            axis["automargin"] = many and panels == 1  # with several, one column would push all others
            axis["title"]["standoff"] = 6  # from the longest text, and not from where it would be by default
    widest = max(len(text) for panel in chart.panels for _, text in (*panel.y.ticks, (0.0, "0.0000")))
    room = round(34 + _CHARACTER * widest)
    layout["margin"] = {"l": room, "r": 16, "t": 28 if panels > 1 else 12, "b": 60 if panels > 1 else 48}
    layout["height"] = 340 if rows == 1 else 250 * rows + 60
    layout["showlegend"] = False
    layout["paper_bgcolor"] = layout["plot_bgcolor"] = "rgba(0,0,0,0)"
    for trace in told["data"]:
        if trace["type"] == "scattergl":
            trace["type"] = "scatter"
        if "coloraxis" in trace.get("marker", {}):
            trace["showlegend"] = False  # of many colours it would show none
            if theme == "dark" and trace["marker"].get("line"):
                trace["marker"]["line"]["width"] = 1  # the dark end of the scale is seen by its outline
    shape = {"panels": panels, "columns": chart.columns, "room": room, "whole": _shown(chart, whole)}
    return {"data": told["data"], "layout": layout, "notes": list(chart.notes), "title": chart.title, **shape}


def _shown(chart: Chart, wholes: Mapping[str, str]) -> dict[str, str]:
    """Of what was cut, what this chart shows."""
    texts = [axis.label for panel in chart.panels for axis in (panel.x, panel.y)]
    texts += [text for panel in chart.panels for axis in (panel.x, panel.y) for _, text in axis.ticks]
    texts += [text for panel in chart.panels for mark in panel.marks if isinstance(mark, Words) for text in mark.text]
    found = {text: wholes[text] for text in texts if text in wholes}
    for text in texts:
        pair = text.split(" × ")
        if len(pair) > 1 and any(one in wholes for one in pair):
            found[text] = " × ".join(wholes.get(one, one) for one in pair)
    return {text.strip(): whole for text, whole in found.items()}  # plotly draws no space at an end
