"""An overview as HTML, for a notebook's cell: the same words as on a terminal, with curves as SVG.

Nothing is loaded from anywhere, no script runs, and colours come from the page, so that it is at home in a light and in a
dark one.  Whatever a study says is escaped.
"""

from __future__ import annotations

import numpy as np

from parzen._html import cell, facts
from parzen._magnitude import bounded, measurable
from parzen._typing import FloatArray
from parzen._wording import number, setting
from parzen.feedback._overview import Overview

__all__ = ["curve_svg", "overview_html"]

BLUE = "#3b82c4"
"""Seen on white and on black."""
_PARAMETERS = 20
_RUNNING = 6


def overview_html(overview: Overview) -> str:
    """The full view."""
    # Loads rich, which only drawing needs.
    from parzen.feedback._panel import (
        FAILURES,
        ages,
        chance_text,
        counts_text,
        others_text,
        status_text,
        worker_text,
    )

    bar = ""
    if overview.total:
        full = 100 * min(overview.done / overview.total, 1.0)
        bar = (
            '<div style="height:4px;border-radius:2px;background:rgba(128,128,128,.25);margin:4px 0;overflow:hidden;'
            f'max-width:30em"><div style="height:4px;background:{BLUE};width:{full:.1f}%"></div></div>'
        )
    counts = ", ".join(f"<b>{cell(text)}</b>" if kind == "done" else cell(text) for kind, text in counts_text(overview))
    rows = [("study", f"<b>{cell(overview.name)}</b> in {cell(overview.location)}"), ("trials", bar + counts)]
    rows.append(("time", cell(status_text(overview))))
    if overview.best is not None:
        when = f", {ages(overview.best_age)}" if overview.best_age is not None else ""
        rows.append(("best", f"<b>{cell(overview.best.found)}</b> in trial {overview.best.number}{cell(when)}"))
    rows.append(("chance", cell(chance_text(overview))))
    parts = [facts(rows), curve_svg(overview), _configurations(overview)]
    more = [
        ("worker", cell(f"{worker.name}: {worker_text(worker, 6)}, {worker.done} done"))
        for worker in overview.workers[:12]
    ]
    for failure in overview.failures[:FAILURES]:
        said = f": {failure.message}" if failure.message else ""
        more.append(("failure", cell(f"{failure.count} × {failure.kind}, last in trial {failure.number}{said}")))
    if others := others_text(overview):
        more.append(("failure", cell(others)))
    return "".join([*parts, facts(more) if more else ""])


def curve_svg(overview: Overview, width: int = 480, height: int = 96) -> str:
    """Each loss as a dot, the best so far as a line; empty where there are fewer than two."""
    losses, best = bounded(overview.losses), bounded(overview.best_so_far)
    told = overview.losses[np.isfinite(overview.losses)]
    finite = bounded(told)
    if len(finite) < 2:
        return ""
    sign = -1.0 if overview.direction == "maximize" else 1.0
    finite = sign * measurable(sign * finite)
    worse = 0.1 if overview.direction == "maximize" else 0.9
    low, high = sorted((float(np.quantile(finite, worse)), float(finite.max() if worse < 0.5 else finite.min())))
    if high <= low:
        low, high = low - 0.5, high + 0.5
    places = np.unique(np.linspace(0, len(losses) - 1, min(len(losses), 600)).astype(int))

    def xy(values: FloatArray) -> tuple[list[float], list[float]]:
        x = 4 + places / max(len(losses) - 1, 1) * (width - 8)
        y = height - 6 - (np.clip(values[places], low, high) - low) / (high - low) * (height - 12)
        return x.tolist(), y.tolist()

    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.6"/>' for x, y in zip(*xy(losses), strict=True) if y == y)
    path, before = "", None
    for x, y in zip(*xy(best), strict=True):
        if y == y:
            path += f"M{x:.1f} {y:.1f}" if before is None else f"H{x:.1f}V{y:.1f}"
            before = y
    name = f"{overview.metric} of {len(losses)} trials, from {number(float(told[0]))}, best {number(float(overview.best_so_far[-1]))}"
    return (
        f'<svg role="img" width="{width}" height="{height}" viewBox="0 0 {width} {height}" style="display:block;max-width:100%">'
        f"<title>{cell(name)}</title>"
        f'<g fill="currentColor" fill-opacity=".4">{dots}</g>'
        f'<path d="{path}" fill="none" stroke="{BLUE}" stroke-width="2"/></svg>'
        f'<div style="opacity:.65">{cell(overview.metric)} {number(low)} to {number(high)}: '
        "dots are trials, the line is the best so far</div>"
    )


def _configurations(overview: Overview) -> str:
    best = dict(overview.best.settings) if overview.best is not None else {}
    running = overview.running[:_RUNNING]
    labels = list(dict.fromkeys([*best, *(label for one in running for label, _ in one.settings)]))
    if not labels:
        return ""
    columns = ([("best", dict(best))] if best else []) + [
        (f"trial {one.number}", dict(one.settings)) for one in running
    ]
    head = "".join(
        f'<th scope="col" style="text-align:left;padding:0 1em 0 0">{cell(name)}</th>' for name, _ in columns
    )
    rows = ""
    for label in labels[:_PARAMETERS]:
        cells = ""
        for name, values in columns:
            text = cell(setting(values[label])) if label in values else ""
            other = bool(best) and name != "best" and values.get(label) != best.get(label)
            cells += f'<td style="text-align:left;padding:0 1em 0 0">{f"<b>{text}</b>" if other else text}</td>'
        rows += f'<tr><th scope="row" style="text-align:right;font-weight:normal;opacity:.65;padding:0 1em 0 0">{cell(label)}</th>{cells}</tr>'
    more = (
        f'<div style="opacity:.65">and {len(labels) - _PARAMETERS} more parameters</div>'
        if len(labels) > _PARAMETERS
        else ""
    )
    hidden = len(overview.running) - len(running)
    more += f'<div style="opacity:.65">and {hidden} more trials are running</div>' if hidden else ""
    return f'<table style="border:none;font:inherit;margin:4px 0"><tr><th></th>{head}</tr>{rows}</table>{more}'
