"""The loss over each parameter by itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from parzen.plots._axes import Losses, parameter_axis
from parzen.plots._choosing import chosen_columns
from parzen.plots._marks import Chart, Colours, Panel, Points
from parzen.plots._thinning import Kept
from parzen.trials import History

__all__ = ["slice_chart"]

_MOST = 12
_SPREAD = 0.6
"""Width over which the trials of one option are spread."""


def slice_chart(history: History, labels: Sequence[str] | None = None, keep: Kept = ()) -> Chart:
    """A panel for each parameter: losses over its values, later trials brighter; inactive trials are not in it."""
    losses = Losses.of(history)
    space, panels = history.space, []
    notes: set[str] = set()
    columns = chosen_columns(history, labels, _MOST)
    order = np.arange(len(history), dtype=np.float64)
    best = history.best_number
    for j in columns:
        x = history.values[:, j].copy()
        if space.is_choice(j):  # side by side, in the order of the trials, so that they do not hide each other
            x += _SPREAD * (order / max(len(history) - 1, 1) - 0.5)
        marks, said = losses.marks(x, colour=order, keep=keep)
        notes.update(said)
        if best is not None and history.active[best, j]:
            at = np.array([best])
            marks.append(Points(x[at], losses.value[at], "best", "best", "diamond", 9.0, numbers=at.astype(np.int64)))
        axis = parameter_axis(space, j)
        share = float(np.mean(history.active[:, j]))
        title = "" if share == 1 else f"active in {share:.0%} of the trials"
        scale = Colours("trial", 0.0, max(len(history) - 1.0, 1.0))
        panels.append(Panel(axis, losses.axis(), tuple(marks), title, scale))
    left_out = space.d - len(columns)
    if left_out and labels is None:
        notes.add(f"The {len(columns)} parameters that matter most of {space.d} are shown.")
    return Chart("slice", "Slices", tuple(panels), min(len(panels), 3), tuple(sorted(notes)), 1.2)
