"""Every trial in its order, and the best so far."""

from __future__ import annotations

import numpy as np

from parzen._magnitude import bounded
from parzen._wording import number
from parzen.analysis import noise_of
from parzen.plots._axes import Losses
from parzen.plots._marks import Axis, Band, Chart, Line, Mark, Panel
from parzen.plots._thinning import Kept
from parzen.trials import History

__all__ = ["history_chart"]

_VISIBLE = 0.02
"""Noise, in standard deviations of the losses, from which a band is worth drawing."""
_MOST = 20_000
"""Trials up to which noise is estimated for a picture."""


def history_chart(history: History, keep: Kept = ()) -> Chart:
    """Losses over numbers, with the best so far and, where losses are noisy, how far luck alone carries."""
    losses = Losses.of(history)
    points, notes = losses.marks(np.arange(len(history), dtype=np.float64), keep=keep)
    at, best = losses.best_so_far()
    x, y = np.r_[at, len(history) - 1].astype(np.float64), np.r_[best, best[-1]]
    marks: list[Mark] = []
    noise = noise_of(history) if len(history) <= _MOST else None
    if noise is not None and noise.relative > _VISIBLE:
        low, high = bounded(y - noise.deviation), bounded(y + noise.deviation)
        if losses.log:
            low = np.maximum(low, losses.low * 0.5)
        text = f"± noise of one loss ({number(noise.deviation, 2)})"
        marks.append(Band(x, low, high, "best", text, steps=True))
        expected = history.reported(noise.expected[noise.best])
        notes = (
            *notes,
            f"The best loss was measured at {number(y[-1])}; {number(expected)} is expected of the best parameters, which "
            f"are those of trial {noise.recommended}.",
        )
    marks += [*points, Line(x, y, "best", "best so far", steps=True)]
    return Chart("history", "Optimisation history", (Panel(Axis("trial"), losses.axis(), tuple(marks)),), 1, notes)
