"""A line for each trial, through all of its parameters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from parzen._typing import FloatArray, IntArray
from parzen._wording import number, told_apart
from parzen.plots._axes import Losses, label_of, option_text
from parzen.plots._choosing import chosen_columns
from parzen.plots._marks import Axis, Chart, Colours, Line, Mark, Panel, Paths, Words
from parzen.plots._thinning import Kept, said, with_kept
from parzen.space import Space
from parzen.trials import History

__all__ = ["NAME", "parallel_chart"]

_MOST = 10
_PATHS, _BEST, _FAILED = 300, 60, 60
_OFF = -0.12
"""Where a line goes on an axis whose parameter its trial has not."""
_WITHOUT = {"infinite loss": 1.11, "failed": 1.19, "pruned": 1.27}
"""Where lines end of trials without a loss, above the axis of the loss."""
_TOP = 1.34
_NAMED = 8
NAME = 14
"""Characters of an option beside its axis."""
_QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


def parallel_chart(history: History, labels: Sequence[str] | None = None, keep: Kept = ()) -> Chart:
    """Quantiles of the prior along each axis, with real values beside it; the better a trial, the brighter its line.

    Where a parameter is inactive the line passes below its axis, so that branches are seen as bundles; trials
    without a finite loss end above the axis of the loss.
    """
    losses = Losses.of(history)
    columns = chosen_columns(history, labels, _MOST)
    space = history.space
    rank = _ranks(losses.value * losses.worse)
    known = np.flatnonzero(~np.isnan(losses.value))
    order = known[np.argsort(-rank[known], kind="stable")]
    rest = order[_BEST:]
    if len(rest) > _PATHS - _BEST:
        rest = rest[np.linspace(0, len(rest) - 1, _PATHS - _BEST).astype(np.int64)]
    chosen = with_kept(np.concatenate((order[:_BEST], rest))[::-1], order, keep)  # the best on top
    without = {name: np.flatnonzero(which) for name, which, *_ in losses.levels() if name in _WITHOUT}
    shown = {name: with_kept(_some(rows), rows, keep) for name, rows in without.items() if len(rows)}
    last = float(len(columns))
    scales = [_scale(space, j, float(k), conditional=not history.active[:, j].all()) for k, j in enumerate(columns)]
    scales.append(_loss_scale(losses, last, without=tuple(shown)))
    marks: list[Mark] = [mark for scale in scales for mark in scale if isinstance(mark, Line)]
    for name, rows in shown.items():
        role = "failed" if name == "infinite loss" else name
        marks.append(_paths(history, columns, rows, np.full(len(rows), _WITHOUT[name]), None, role, name))
    height = _height(losses, losses.value[chosen])
    marks.append(_paths(history, columns, chosen, height, rank[chosen], "ok", "trials"))
    best = history.best_number
    if best is not None:
        one = np.array([best])
        path = _paths(history, columns, one, _height(losses, losses.value[one]), None, "best", "best")
        marks.append(Line(path.x, path.y, "best", "best"))
    marks += [mark for scale in scales for mark in scale if isinstance(mark, Words)]
    names = tuple((float(k), label_of(space.labels[j])) for k, j in enumerate(columns))
    panel = Panel(
        Axis("", "linear", -0.15, last + 0.45, (*names, (last, losses.label))),
        Axis("quantile of the prior", "linear", _OFF - 0.08, _TOP, ((0.0, "0"), (0.5, "½"), (1.0, "1"))),
        tuple(marks),
        "",
        Colours("rank", 0.0, 1.0, ((0.0, "worst"), (1.0, "best"))),
    )
    notes = said(len(chosen) + sum(map(len, shown.values())), len(known) + sum(map(len, without.values())))
    notes = (*notes, *losses.notes)
    return Chart("parallel", "Parallel coordinates", (panel,), 1, notes, 2.2)


def _some(rows: IntArray) -> IntArray:
    """Evenly chosen, where there are too many."""
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), _FAILED)).astype(np.int64)]


def _ranks(losses: FloatArray) -> FloatArray:
    """From 0 for the worst loss to 1 for the best."""
    rank = np.full(len(losses), np.nan)
    known = np.flatnonzero(~np.isnan(losses))
    order = known[np.argsort(-losses[known], kind="stable")]
    rank[order] = np.arange(len(order)) / max(len(order) - 1, 1)
    return rank


def _height(losses: Losses, value: FloatArray) -> FloatArray:
    """Losses on an axis from 0 to 1, up as they are; those beyond it at its end."""
    low, high = losses.place(np.array([losses.low, losses.high]))
    place = losses.place(np.clip(value, losses.low, losses.high))
    return np.asarray((place - low) / (high - low))


def _paths(
    history: History,
    columns: list[int],
    rows: IntArray,
    ends: FloatArray,
    colour: FloatArray | None,
    role: str,
    label: str,
) -> Paths:
    unit = history.unit[rows][:, columns]
    y = np.column_stack((np.where(np.isnan(unit), _OFF, unit), ends))
    k = y.shape[1]
    x = np.tile(np.arange(k, dtype=np.float64), len(rows))
    starts = np.arange(len(rows), dtype=np.int64) * k
    opacity = 0.35 if len(rows) > 80 else 0.6
    return Paths(x, y.reshape(-1), starts, role, label, opacity, colour, rows.astype(np.int64))


def _scale(space: Space, j: int, x: float, *, conditional: bool) -> list[Mark]:
    distribution = space.distributions[j]
    marks: list[Mark] = [Line(np.array([x, x]), np.array([0.0, 1.0]), "muted")]
    if distribution is None:
        places, names = np.array([0.0, 1.0]), ["least", "greatest"]
    elif space.is_choice(j) or (distribution.size is not None and distribution.size <= _NAMED):
        values = distribution.values()
        values = values[:: -(-len(values) // _NAMED)]
        places = distribution.to_unit(values)
        names = told_apart([option_text(space, j, value) for value in values.tolist()], NAME)
    else:
        places = np.array(_QUANTILES)
        inner = np.clip(places, 1e-3, 1 - 1e-3) if not np.isfinite(distribution.from_unit(places)).all() else places
        names = [number(value, 3) for value in distribution.from_unit(inner).tolist()]
    marks.append(Words(np.full(len(places), x), places, tuple(names)))
    if conditional:
        marks.append(Words(np.array([x]), np.array([_OFF]), ("inactive",)))
    return marks


def _loss_scale(losses: Losses, x: float, *, without: Sequence[str]) -> list[Mark]:
    low, high = losses.place(np.array([losses.low, losses.high]))
    places = np.linspace(0, 1, 5)
    values = low + places * (high - low)
    names = [number(float(np.exp(v) if losses.log else v), 3) for v in values]
    marks: list[Mark] = [
        Line(np.array([x, x]), np.array([0.0, 1.0]), "muted"),
        Words(np.full(5, x), places, tuple(names)),
    ]
    marks += [Words(np.array([x]), np.array([_WITHOUT[name]]), (name,)) for name in without]
    return marks
