"""The best so far, against what random search would have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from parzen._magnitude import bounded
from parzen.analysis import random_search
from parzen.plots._axes import Losses, label_of, number_axis, on_log
from parzen.plots._marks import Axis, Band, Chart, Line, Mark, Panel
from parzen.plots._theme import SERIES
from parzen.trials import History

__all__ = ["convergence_chart"]


def convergence_chart(histories: Mapping[str, History], random: History | None = None) -> Chart:
    """The best loss after so many trials, of one study or several, with the middle and the range of random search.

    Args:
        histories: name -> history; random search is that of the first one's objective.
        random: a random search that was made; None to have it estimated by a model of the trials.
    """
    first = next(iter(histories.values()))
    losses = Losses.together(histories.values())
    longest = max(map(len, histories.values()))
    marks: list[Mark] = []
    notes = [*losses.notes]
    reached: list[float] = []
    expected = random_search(first, longest, random)
    if expected is None:
        notes.append("There are too few losses to estimate what random search would have found.")
    else:
        sign = first.reported(1.0)
        text = "random search (estimated)" if expected.estimated else "random search"
        finite = np.isfinite(expected.high)
        x, middle = expected.trials, sign * bounded(expected.median)
        edges = np.sort(sign * bounded(np.stack((expected.low, expected.high))), axis=0)
        marks.append(Band(x[finite], edges[0][finite], edges[1][finite], "random", f"{text}, 4 of 5 searches"))
        marks.append(Line(x[finite], middle[finite], "random", f"{text}, median", "dashed"))
        reached += middle[finite].tolist()
        if expected.estimated:
            notes.append(
                "Random search was not run: a Gaussian process says what losses draws from the space would have. It knows of "
                "no failures, what it is unsure of counts for random search, and the best loss of this study is its bound."
            )
    for k, (name, history) in enumerate(histories.items()):
        own = Losses.of(history)
        at, best = own.best_so_far()
        x, y = np.r_[at + 1, len(history)].astype(np.float64), np.r_[best, best[-1]]
        marks.append(Line(x, y, "best" if k == 0 else SERIES[(k + 1) % len(SERIES)], label_of(name), steps=True))
        reached += best.tolist()
    known = np.array(reached)
    log = on_log(float(known.min()), float(known.max()))
    scale = "log" if longest > 30 else "linear"
    # A first trial that is far out would squeeze all that comes later.
    shown = np.clip(known, losses.low, losses.high) if losses.worse > 0 else np.clip(known, losses.low, None)
    low, high = float(min(shown.min(), losses.low)), float(max(shown.max(), known.min()))
    room = 1.1 if log else 0.05 * (high - low)
    bounds = (low / room, high * room) if log else (low - room, high + room)
    if log:  # what has no place on the axis would fall out of it in a step
        marks = [
            replace(mark, low=np.maximum(mark.low, bounds[0]), high=np.maximum(mark.high, bounds[0]))
            if isinstance(mark, Band)
            else mark
            for mark in marks
        ]
    panel = Panel(Axis("trials", scale), number_axis(losses.label, *bounds, log=log), tuple(marks))
    return Chart("convergence", "Convergence", (panel,), 1, tuple(notes))
