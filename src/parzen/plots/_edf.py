"""Which share of the trials is how good."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from parzen.plots._axes import Losses, label_of, number_axis
from parzen.plots._marks import Axis, Chart, Line, Panel
from parzen.plots._theme import SERIES
from parzen.trials import History, State

__all__ = ["edf_chart"]

_POINTS = 1000
_STYLES = ("solid", "dashed", "dotted")


def edf_chart(histories: Mapping[str, History]) -> Chart:
    """The empirical distribution of the losses; failed and pruned trials count as never good, so a line may end below 1.

    Args:
        histories: name -> history, of one study or several; the first one says how losses are shown.
    """
    first = Losses.together(histories.values())
    marks, notes = [], [*first.notes]
    for k, (name, history) in enumerate(histories.items()):
        losses = Losses.of(history)
        over = history.count(State.OK, State.FAILED, State.PRUNED, State.ERROR)
        value = np.sort(losses.value[~np.isnan(losses.value)] * losses.worse)
        share = np.arange(1, len(value) + 1) / over
        x = losses.worse * value
        shown = (x <= first.high) & (x >= first.low)
        if not shown.all():
            notes.append(f"{label_of(name)}: {int((~shown).sum())} of {over} losses are beyond the axis.")
        value, share = value[shown], share[shown]
        if len(value) > _POINTS:
            some = np.unique(np.linspace(0, len(value) - 1, _POINTS).astype(np.int64))
            value, share = value[some], share[some]
        style = _STYLES[k // len(SERIES) % 3]
        role = SERIES[k % len(SERIES)]
        marks.append(Line(losses.worse * value, share, role, label_of(name), style, steps=first.worse > 0))
        bad = over - history.count(State.OK)
        if bad:
            notes.append(f"{label_of(name)}: {bad} of {over} trials have no loss.")
    axis = number_axis(first.label, first.low, first.high, log=first.log)
    panel = Panel(axis, Axis("share of the trials as good or better", "linear", 0.0, 1.02), tuple(marks))
    return Chart("edf", "How good the trials are", (panel,), 1, tuple(notes))
