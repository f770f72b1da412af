"""Hyperopt's four plots of trial documents.

matplotlib is imported when something is drawn, so that a program may still choose its backend.  All of them take what a
search leaves behind: failed trials, losses that are None or NaN, parameters that were active in a few trials only.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from parzen._lazy import require
from parzen.errors import AllTrialsFailed
from parzen.hyperopt.base import (
    STATUS_FAIL,
    STATUS_NEW,
    STATUS_OK,
    STATUS_RUNNING,
    STATUS_SUSPENDED,
    Trials,
    miscs_to_idxs_vals,
)

if TYPE_CHECKING:
    from parzen._typing import FloatArray

__all__ = [
    "default_status_colors",
    "main_plot_1D_attachment",
    "main_plot_histogram",
    "main_plot_history",
    "main_plot_vars",
]

default_status_colors: Mapping[str, str] = {
    STATUS_NEW: "k",
    STATUS_RUNNING: "g",
    STATUS_SUSPENDED: "y",
    STATUS_OK: "b",
    STATUS_FAIL: "r",
}
_NO_LOSS = (1.0, 1.0, 1.0)
_FEW = 10
"""Lines up to which a legend can be read."""


def _pyplot() -> Any:  # matplotlib is optional, and so are its types
    return require("matplotlib.pyplot", "parzen[plots]")


def _losses(trials: Trials) -> FloatArray:
    """`(n,)`; NaN where a document has no loss that is finite."""
    found = [math.nan if loss is None else float(loss) for loss in trials.losses()]
    losses = np.array(found, dtype=float)
    losses[~np.isfinite(losses)] = np.nan
    return losses


def main_plot_history(
    trials: Trials,
    do_show: bool = True,
    status_colors: Mapping[str, str] | None = None,
    title: str = "Loss History",
) -> Any:
    """The loss of each trial over its place, and the average best error as a line; trials without a loss are ticks.

    Args:
        trials: what a search left.
        do_show: open the window.
        status_colors: status -> colour; `default_status_colors` for those that are left out.
        title: of the plot.

    Returns:
        The axes.
    """
    plt = _pyplot()
    colors = {**default_status_colors, **(status_colors or {})}
    losses = _losses(trials)
    shown = [colors.get(str(status), "k") for status in trials.statuses()]
    axes = plt.gca()
    there = np.flatnonzero(~np.isnan(losses))
    axes.scatter(there, losses[there], c=[shown[i] for i in there.tolist()])
    gone = np.flatnonzero(np.isnan(losses))
    if len(gone):  # at the foot of the plot, whatever the losses are
        axes.plot(gone, np.zeros(len(gone)), "|", color=colors[STATUS_FAIL], transform=axes.get_xaxis_transform())
    axes.set_xlabel("time")
    axes.set_ylabel("loss")
    try:
        best = trials.average_best_error()
    except (AllTrialsFailed, ValueError):  # nothing to average: the ticks tell
        best = math.nan
    if math.isfinite(best):
        axes.axhline(best, c="g")
    axes.set_title(title)
    if do_show:
        plt.show()
    return axes


def main_plot_histogram(trials: Trials, do_show: bool = True, title: str = "Loss Histogram") -> Any:
    """How often losses came out how high.

    Args:
        trials: what a search left.
        do_show: open the window.
        title: of the plot.

    Returns:
        The axes.
    """
    plt = _pyplot()
    losses = _losses(trials)
    axes = plt.gca()
    axes.hist(losses[~np.isnan(losses)])
    axes.set_xlabel("loss")
    axes.set_ylabel("frequency")
    axes.set_title(title)
    if do_show:
        plt.show()
    return axes


def main_plot_vars(
    trials: Trials,
    do_show: bool = True,
    fontsize: int = 10,
    colorize_best: int | None = None,
    columns: int = 5,
    arrange_by_loss: bool = False,
) -> Any:
    """A small plot for each parameter: its values over time, dark where the loss is low.

    Args:
        trials: what a search left.
        do_show: open the window.
        fontsize: of the titles.
        colorize_best: so many of the best trials are green; None for none.
        columns: plots in a row.
        arrange_by_loss: values over the loss instead of over time.

    Returns:
        The figure.
    """
    plt = _pyplot()
    loss = dict(zip(trials.tids, _losses(trials).tolist(), strict=True))
    finite = sorted(x for x in loss.values() if x == x)
    low, span = (finite[0], finite[-1] - finite[0] or 1.0) if finite else (0.0, 1.0)
    chosen = finite[: colorize_best or 0]
    limit = chosen[-1] if chosen else -math.inf

    def color(x: float) -> tuple[float, float, float]:
        if x != x:
            return _NO_LOSS
        t = (x - low) / span
        return (0.0, 1.0 - 0.7 * t, 0.0) if x <= limit else (t, t, t)

    miscs = trials.miscs
    idxs, vals = miscs_to_idxs_vals(miscs) if miscs else ({}, {})
    figure = plt.gcf()
    wide = max(min(columns, len(idxs)), 1)
    for i, label in enumerate(sorted(idxs), start=1):
        axes = plt.subplot(math.ceil(len(idxs) / wide), wide, i)
        axes.set_xticklabels([])
        axes.set_title(label, fontsize=fontsize)
        tids, values = idxs[label], vals[label]
        y = np.array(values, dtype=float)
        if "log" in label and len(y) and (y > 0).all():
            axes.set_yscale("log")
        at = np.array([loss.get(tid, math.nan) for tid in tids] if arrange_by_loss else tids, dtype=float)
        if len(y):
            axes.scatter(at, y, c=[color(loss.get(tid, math.nan)) for tid in tids], edgecolors="0.8", linewidths=0.3)
    if do_show:
        plt.show()
    return figure


def main_plot_1D_attachment(  # noqa: N802  # Hyperopt's name
    trials: Trials,
    attachment_name: str,
    do_show: bool = True,
    colorize_by_loss: bool = True,
    max_darkness: float = 0.5,
    num_trails: int | None = None,
    preprocessing_fn: Callable[[Any], Any] = lambda x: x,
    line_width: float = 0.1,
) -> Any:
    """A line for each trial that has an attachment of one dimension: a learning curve, say.

    Attachments are pickles that the program made itself; do not plot those of trials that somebody else gave you.

    Args:
        trials: what a search left.
        attachment_name: which attachment; trials without it, or where it has more dimensions, are left out.
        do_show: open the window, with a legend where there are few lines.
        colorize_by_loss: the higher the loss, the darker the line.
        max_darkness: of the highest loss, in [0, 1].
        num_trails: so many trials, evenly over the losses; None for all.
        preprocessing_fn: applied to the data first.
        line_width: of the lines.

    Returns:
        The axes.
    """
    plt = _pyplot()
    axes = plt.gca()
    axes.set_title(attachment_name)
    documents = list(zip(_losses(trials).tolist(), trials, strict=True))
    if num_trails is not None:
        ranked = sorted((pair for pair in documents if pair[0] == pair[0]), key=lambda pair: pair[0])
        chosen = np.linspace(0, len(ranked), num_trails, endpoint=False, dtype=int)
        documents = [ranked[i] for i in chosen.tolist()] if ranked else []
    finite = [loss for loss, _ in documents if loss == loss]
    low, span = (min(finite), max(finite) - min(finite) or 1.0) if finite else (0.0, 1.0)
    for loss, document in documents:
        attachments = trials.trial_attachments(document)
        if attachment_name not in attachments:
            continue
        data = attachments[attachment_name]
        if isinstance(data, (bytes, bytearray)):
            data = pickle.loads(data)  # noqa: S301  # Hyperopt's format; the docstring warns
        line = np.squeeze(np.asanyarray(data))
        if line.ndim != 1:
            continue
        darkness = max_darkness * (loss - low) / span if loss == loss else max_darkness
        axes.plot(
            preprocessing_fn(line),
            color=(0.0, 0.0, 0.0, darkness) if colorize_by_loss else None,
            linewidth=line_width,
            label=f"loss: {loss:.5}",
        )
    if do_show:
        if 0 < len(axes.get_lines()) < _FEW:
            axes.legend()
        plt.show()
    return axes
