"""What trials reported on the way."""

from __future__ import annotations

import numpy as np

from parzen._magnitude import bounded
from parzen._typing import FloatArray
from parzen.errors import StudyError
from parzen.plots._axes import Losses, label_of, number_axis, on_log
from parzen.plots._marks import Axis, Chart, Colours, Mark, Panel, Paths, Points
from parzen.plots._parallel import _ranks
from parzen.plots._thinning import Kept, said, with_kept
from parzen.trials import History, State

__all__ = ["curves_chart"]

_CURVES, _BEST, _STEPS = 150, 30, 200


def curves_chart(history: History, keep: Kept = ()) -> Chart:
    """A line for each trial that reported: the better the trial, the brighter; where it was pruned it ends with a ring."""
    metric = history.objectives[0]
    told = [i for i in range(len(history)) if len(history.reports(i))]
    if not told:
        raise StudyError(
            "there are no learning curves: no trial has reported anything; call evaluation.report(step, loss) in the objective"
        )
    rank = np.nan_to_num(_ranks(Losses.of(history, 0).value * history.reported(1.0)), nan=-1.0)
    numbers = np.array(told)
    order = numbers[np.argsort(-rank[numbers], kind="stable")]
    rest = order[_BEST:]
    if len(rest) > _CURVES - _BEST:
        rest = rest[np.linspace(0, len(rest) - 1, _CURVES - _BEST).astype(np.int64)]
    chosen = with_kept(np.concatenate((order[:_BEST], rest))[::-1], numbers, keep)
    groups: dict[str, list[int]] = {}
    for i in chosen.tolist():
        state = State(history.state_of(i))
        groups.setdefault("ok" if state is State.OK else _KIND.get(state, "failed"), []).append(i)
    marks: list[Mark] = []
    everything: list[float] = []
    for kind in ("failed", "pruned", "running", "ok"):
        rows = groups.get(kind, [])
        x: list[float] = []
        y: list[float] = []
        starts: list[int] = []
        ends: list[int] = []
        for i in rows:
            pairs = [(r.step, r.metrics[metric]) for r in history.reports(i) if metric in r.metrics]
            pairs = pairs[:: -(-len(pairs) // _STEPS)] + pairs[-1:] if len(pairs) > _STEPS else pairs
            starts.append(len(x))
            x += [step for step, _ in pairs]
            y += [value if abs(value) < np.inf else np.nan for _, value in pairs]
            ends.append(len(x) - 1)
        if not x:
            continue
        everything += y
        at, xs, ys = np.array(rows, dtype=np.int64), np.array(x), bounded(np.array(y))
        colour = rank[at] if kind == "ok" else None
        marks.append(Paths(xs, ys, np.array(starts), kind, kind, 0.75 if kind == "ok" else 0.45, colour, at))
        if kind in ("pruned", "failed"):
            symbol = "ring" if kind == "pruned" else "cross"
            marks.append(Points(xs[ends], ys[ends], kind, "", symbol, 4.5, 0.9, None, at))
    known = bounded(np.array(everything))
    known = known[np.isfinite(known)]
    axis = _axis(label_of(metric), known)
    scale = Colours("rank", 0.0, 1.0, ((0.0, "worst"), (1.0, "best")))
    notes = list(said(len(chosen), len(numbers), "trials that reported"))
    silent = len(history) - len(numbers)
    if silent:
        notes.append(f"{silent} trial{'s' * (silent > 1)} reported nothing.")
    return Chart("curves", "Learning curves", (Panel(Axis("step"), axis, tuple(marks), "", scale),), 1, tuple(notes))


_KIND = {State.PRUNED: "pruned", State.RUNNING: "running", State.WAITING: "running"}


def _axis(label: str, y: FloatArray) -> Axis:
    """Of what was reported: what diverged goes out of the picture at the top."""
    if not len(y):
        return Axis(label)
    low, high = float(y.min()), float(y.max())
    if on_log(low, high):
        return number_axis(label, low * 0.9, min(high, float(np.quantile(y, 0.99)) * 3) * 1.1, log=True)
    first, last = np.quantile(y, [0.02, 0.98])
    room = (last - first) or 1.0
    return number_axis(label, max(low, first - room) - 0.04 * room, min(high, last + room) + 0.04 * room, log=False)
