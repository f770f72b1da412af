"""The loss over two parameters."""

from __future__ import annotations

import numpy as np

from parzen._typing import FloatArray, IntArray
from parzen.plots._axes import Losses, label_of, parameter_axis
from parzen.plots._choosing import chosen_pair
from parzen.plots._marks import Axis, Cells, Chart, Colours, Mark, Panel, Points
from parzen.plots._thinning import Kept, said, thinned, with_kept
from parzen.space import Space
from parzen.trials import History

__all__ = ["contour_chart"]

_CELLS = 40
_WIDTH = 0.05
"""Standard deviation of the kernels, in quantiles."""
_MARGIN = 0.03
_FEW = 0.15
"""Weight of trials near by, below which a place stays blank: nobody has been there."""


def contour_chart(history: History, x: str | None = None, y: str | None = None, keep: Kept = ()) -> Chart:
    """What losses are near by, on average, over two parameters; blank where nothing was tried.

    No model says what lies between: a cell is the mean of the trials around it, weighted by their distance.
    """
    losses = Losses.of(history)
    i, j = chosen_pair(history, x, y)
    space = history.space
    both = history.active[:, i] & history.active[:, j]
    known = np.flatnonzero(both & ~np.isnan(losses.value))
    value = np.clip(losses.value[known], losses.low, losses.high)
    shade = losses.place(value)
    weights, edges, at = [], [], []
    for column in (i, j):
        weight, edge, place = _kernels(space, column, history, known)
        weights.append(weight)
        edges.append(edge)
        at.append(place)
    mass = weights[1] @ weights[0].T
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (weights[1] * shade) @ weights[0].T / mass
    mean[mass < _FEW] = np.nan
    marks: list[Mark] = [Cells(edges[0], edges[1], mean)]
    kept = with_kept(known[thinned(at[0], at[1], 1500)], known, keep)
    xs, ys = history.values[:, i], history.values[:, j]
    marks.append(Points(xs[kept], ys[kept], "ink", "trials", "circle", 2.5, 0.55, None, kept.astype(np.int64)))
    for name, which, symbol, role, _ in losses.levels():
        there = np.flatnonzero(which & both)
        if name != "far out" and len(there):
            some = with_kept(there[thinned(xs[there], ys[there], 400)], there, keep)
            marks.append(Points(xs[some], ys[some], role, name, symbol, 5.0, 0.9, None, some.astype(np.int64)))
    best = history.best_number
    if best is not None and both[best]:
        one = np.array([best])
        marks.append(Points(xs[one], ys[one], "best", "best", "diamond", 9.0, numbers=one.astype(np.int64)))
    low, high = (float(z) for z in losses.place(np.array([losses.low, losses.high])))
    notes = (*said(len(kept), len(known)), *losses.notes)
    if not both.all():
        notes = (*notes, f"Of {len(history)} trials {int(both.sum())} have both parameters.")
    panel = Panel(
        _within(parameter_axis(space, i), edges[0], xs, marks),
        _within(parameter_axis(space, j), edges[1], ys, marks),
        tuple(marks),
        "",
        Colours(losses.label, low, high, _ticks(losses, low, high)),
    )
    title = f"{label_of(space.labels[i])} and {label_of(space.labels[j])}"
    return Chart("contour", title, (panel,), 1, notes, 1.4)


def _within(axis: Axis, edges: FloatArray, values: FloatArray, marks: list[Mark]) -> Axis:
    """The axis with room for the cells, and for the trials without a loss, which may lie beyond them all."""
    low, high = float(edges[0]), float(edges[-1])
    shown = values[
        np.concatenate([mark.numbers for mark in marks if isinstance(mark, Points) and mark.numbers is not None])
    ]
    first, last = float(shown.min()), float(shown.max())
    log = axis.scale == "log"
    margin = _MARGIN * (np.log(max(high, last) / min(low, first)) if log else max(high, last) - min(low, first))
    if first < low:
        low = float(first * np.exp(-margin) if log else first - margin)
    if last > high:
        high = float(last * np.exp(margin) if log else last + margin)
    return Axis(axis.label, axis.scale, low, high, axis.ticks)


def _ticks(losses: Losses, low: float, high: float) -> tuple[tuple[float, str], ...]:
    if not losses.log:
        return ()
    places = np.linspace(low, high, 5)
    return tuple((float(p), f"{np.exp(p):.3g}") for p in places)


def _kernels(space: Space, j: int, history: History, rows: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """`(k, n)` weight of each trial in each cell along a column, the `k + 1` edges, and the trials' places."""
    distribution = space.distributions[j]
    values = history.values[rows, j]
    if space.is_choice(j) and distribution is not None and distribution.size is not None:
        codes = np.arange(distribution.size, dtype=np.float64)
        return (codes[:, None] == values).astype(np.float64), np.r_[codes - 0.5, codes[-1] + 0.5], values
    # Evenly along the axis as it is drawn, so that cells are as wide as each other on the paper.
    log = parameter_axis(space, j).scale == "log"
    place = np.log(values) if log else values
    low, high = float(place.min()), float(place.max())
    if not high > low:
        low, high = low - 0.5, high + 0.5
    low, high = low - _MARGIN * (high - low), high + _MARGIN * (high - low)
    edges = np.linspace(low, high, _CELLS + 1)
    middle = 0.5 * (edges[1:] + edges[:-1])
    weight = np.exp(-0.5 * ((middle[:, None] - place) / (_WIDTH * (high - low))) ** 2)
    return weight, np.exp(edges) if log else edges, place
