"""Which parameters matter, as bars."""

from __future__ import annotations

import numpy as np

from parzen._typing import FloatArray
from parzen.analysis import Importance, Interaction, fanova, ped_anova
from parzen.plots._axes import label_of
from parzen.plots._marks import Axis, Bars, Chart, Panel
from parzen.trials import History

__all__ = ["importances_chart"]

_MOST, _PAIRS = 15, 5


def importances_chart(history: History, method: str = "ped-anova") -> Chart:
    """Shares of the variance with their intervals, and what chance alone would give; pairs that matter as well."""
    methods = {"ped-anova": ped_anova, "fanova": fanova}
    if method not in methods:
        raise ValueError(f"method is 'ped-anova' or 'fanova', got {method!r:.80}")
    found = methods[method](history)
    alone = list(found)[:_MOST]
    pairs = [pair for pair in found.interactions if pair.matters and pair.value >= 0.005][:_PAIRS]
    names = [label_of(one.label) for one in alone]
    names += [" × ".join(label_of(label) for label in pair.labels) for pair in pairs]
    height = np.arange(len(names), 0, -1, dtype=np.float64)
    marks = [_bars(alone, height[: len(alone)], "ok", "alone")]
    if pairs:
        marks.append(_bars(pairs, height[len(alone) :], "other", "together"))
    notes = [
        f"Of the variance of {found.of}, from {found.trials} trials that are spread out; the rest, {found.rest:.0%}, is other "
        "interactions and noise.",
        "The line on a bar holds nine tenths of what other trials would have given; the tick is what chance alone reaches.",
    ]
    if found.explained is not None:
        notes.append(f"The forest predicts {found.explained:.0%} of the variance on trials that it has not seen.")
    if len(found) > _MOST:
        notes.append(f"The first {_MOST} of {len(found)} parameters are shown.")
    most = max([0.0, *(one.high for one in alone), *(pair.high for pair in pairs)])
    panel = Panel(
        Axis("share of the variance", "linear", 0.0, min(max(1.05 * most, 0.05), 1.0)),
        Axis("", "linear", 0.4, len(names) + 0.6, tuple(zip(height.tolist(), names, strict=True))),
        tuple(marks),
    )
    title = "Importance for the loss" if method == "fanova" else "Importance for being among the best"
    return Chart("importances", title, (panel,), 1, tuple(notes), 2.2 if len(names) < 10 else 1.5)


def _bars(found: list[Importance] | list[Interaction], y: FloatArray, role: str, label: str) -> Bars:
    value, low, high, floor = (
        np.array([getattr(one, name) for one in found], dtype=np.float64) for name in ("value", "low", "high", "floor")
    )
    return Bars(y, value, low, high, floor, role, label)
