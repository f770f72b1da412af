"""Where the good trials are, pair by pair of parameters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from parzen.errors import SpaceError
from parzen.plots._axes import Losses, parameter_axis
from parzen.plots._choosing import chosen_columns
from parzen.plots._marks import Chart, Colours, Mark, Panel, Points
from parzen.plots._parallel import _ranks
from parzen.plots._thinning import Kept, said, thinned, with_kept
from parzen.trials import History

__all__ = ["rank_chart"]

_COLUMNS = 4
_JITTER = 0.5


def rank_chart(history: History, labels: Sequence[str] | None = None, keep: Kept = ()) -> Chart:
    """A panel for each pair of parameters that meet, a point for each trial, brighter for better ones; failed ones crossed."""
    losses = Losses.of(history)
    columns = chosen_columns(history, labels, _COLUMNS)
    space = history.space
    rank = _ranks(losses.value * losses.worse)
    known = np.flatnonzero(~np.isnan(rank))
    known = known[np.argsort(rank[known], kind="stable")]  # the best on top
    spread = np.random.default_rng(0).uniform(-0.5, 0.5, (len(history), 2)) * _JITTER
    panels = []
    notes: set[str] = set()
    for place, i in enumerate(columns):
        for j in columns[place + 1 :]:
            both = history.active[:, i] & history.active[:, j]
            if not both.any():
                continue
            x, y = history.values[:, i].copy(), history.values[:, j].copy()
            x += spread[:, 0] if space.is_choice(i) else 0.0
            y += spread[:, 1] if space.is_choice(j) else 0.0
            there = known[both[known]]
            kept = with_kept(there[thinned(x[there], y[there], 1500)], there, keep)
            notes.update(said(len(kept), len(there)))
            marks: list[Mark] = [
                Points(x[kept], y[kept], "ok", "trials", "circle", 5.0, 0.9, rank[kept], kept.astype(np.int64))
            ]
            for name, which, symbol, role, _ in losses.levels():
                some = np.flatnonzero(which & both)
                if name != "far out" and len(some):
                    some = with_kept(some[thinned(x[some], y[some], 300)], some, keep)
                    marks.append(Points(x[some], y[some], role, name, symbol, 5.0, 0.8, None, some.astype(np.int64)))
            scale = Colours("rank", 0.0, 1.0, ((0.0, "worst"), (1.0, "best")))
            panels.append(Panel(parameter_axis(space, i), parameter_axis(space, j), tuple(marks), "", scale))
    if not panels:
        raise SpaceError("ranks need two parameters that are active together, and there are none")
    return Chart("rank", "Ranks", tuple(panels), min(len(panels), 3), tuple(sorted(notes)), 1.2)
