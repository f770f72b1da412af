"""An overview as lines of text, for a terminal of any width; nothing is said by a colour alone.

Blue and yellow, which nearly all eyes tell apart, and bold: never red against green.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence

import numpy as np
from rich.cells import cell_len
from rich.text import Text

from parzen._magnitude import bounded, measurable
from parzen._typing import FloatArray
from parzen._wording import clock_time, counted, number, setting, span
from parzen.feedback._overview import Overview, Worker
from parzen.trials import State

__all__ = ["FAILURES", "ages", "chance_text", "counts_text", "others_text", "panel", "sparkline", "status_text"]

_BLOCKS = "▁▂▃▄▅▆▇█"
_PLAIN = "_.-=+*#@"
_LABEL = 9
_NARROW = 20
"""Columns below which no sentence is broken: a word a line says less than a line that is cut."""
_ROWS = 8
"""Parameters that are shown."""
_COLUMNS = 4
"""Running trials beside the best."""
_DECADES = 1000.0
"""How far apart positive losses are where orders of magnitude are shown."""
FAILURES = 3
"""Kinds of failures that are shown."""
_LISTED = 6
"""Workers that are shown."""


def panel(overview: Overview, width: int = 80, height: int | None = None, *, blocks: bool = True) -> list[Text]:
    """The lines, none wider than `width` and no more than `height` of them.

    Args:
        overview: what to show.
        width, height: of the terminal, in columns and rows; None for as many rows as there are.
        blocks: whether the terminal can show block characters.
    """
    groups = [
        list(_head(overview, width, blocks)),
        list(_curves(overview, width, blocks)),
        list(_configurations(overview, width)),
        list(_workers(overview)),
        list(_failures(overview, width)),
    ]
    lines = _fitted([group for group in groups if group], height)
    for line in lines:
        line.truncate(max(width, 1), overflow="ellipsis" if blocks else "crop")
    return lines


def _fitted(groups: list[list[Text]], height: int | None) -> list[Text]:
    """All groups with a blank line between, or as much of them as fits: the last groups give way first."""
    shown = [list(group) for group in groups]

    def total() -> int:
        return sum(map(len, shown)) + max(len(shown) - 1, 0)

    while height is not None and total() > max(height, 1):
        if len(shown[-1]) > 2 or len(shown) == 1:
            shown[-1].pop()
        else:
            shown.pop()
        if not shown[-1]:
            break
    return [line for i, group in enumerate(shown) for line in ([Text("")] if i else []) + group]


def _line(*parts: str | tuple[str, str]) -> Text:
    return Text.assemble(*parts, no_wrap=True)


def _labelled(label: str, *parts: str | tuple[str, str]) -> Text:
    return _line((f"{label:>{_LABEL}}  ", "dim"), *parts)


def _wrapped(label: str, text: str, width: int) -> Iterator[Text]:
    """A sentence over as many lines as it needs: what stands at its end explains what stands at its beginning."""
    for i, part in enumerate(textwrap.wrap(text, max(width - _LABEL - 2, _NARROW))):
        yield _labelled("" if i else label, part)


# --- words, which the notebook says too -------------------------------------------------------------------------


def counts_text(overview: Overview) -> list[tuple[str, str]]:
    """What has become of the trials: kind and text."""
    counts = overview.counts
    total = f"{overview.done}/{overview.total}" if overview.total is not None else f"{overview.done}"
    parts = [("done", f"{total} trials" if overview.total is not None else counted(overview.done, "trial"))]
    if counts[State.RUNNING] or overview.total is None or overview.done < overview.total:
        parts.append(("running", f"{counts[State.RUNNING]} running"))
    if counts[State.WAITING]:
        parts.append(("waiting", f"{counts[State.WAITING]} waiting"))
    if bad := counts[State.FAILED] + counts[State.ERROR]:
        parts.append(("failed", f"{bad} failed"))
    if counts[State.PRUNED]:
        parts.append(("pruned", f"{counts[State.PRUNED]} pruned"))
    return parts


def status_text(overview: Overview) -> str:
    """How long it took, and how long it will."""
    text = f"{clock_time(overview.busy)} so far"
    if overview.pace:
        text += f", {pace_text(overview.pace)}"
    if overview.paused:
        text += ", paused"
    elif overview.left is not None:
        text += f", {clock_time(overview.left + 0.5)} left"
    elif overview.total is not None and overview.done >= overview.total:
        text += ", done"
    elif not overview.counts[State.RUNNING]:
        text += ", nothing is running"
    return text


def pace_text(pace: float) -> str:
    """So many trials a second, in words."""
    each, many = span(1 / pace), number(pace, 2)
    if each == "1 s" or many == "1":
        return "one trial a second"
    return f"one trial every {each}" if pace < 1 else f"{many} trials a second"


def chance_text(overview: Overview) -> str:
    """The chance that more trials still help."""
    chance = overview.chance
    if chance is None:
        return "too early to say" if overview.done < 12 else "nothing is known"
    percent = round(100 * chance.probability)
    text = f"{percent} % that {counted(chance.trials, 'more trial')} {'improves' if chance.trials == 1 else 'improve'} on it"
    text += (
        "; the last one did"
        if not chance.since
        else f"; the last {chance.since if chance.since > 1 else 'one'} did not"
    )
    return f"{text} (losses are noisy)" if overview.noisy else text


def worker_text(worker: Worker, most: int) -> str:
    """What a worker does.

    Args:
        most: trials that are named.
    """
    if not worker.trials:
        return f"idle for {clock_time(worker.seconds)}"
    numbers = ", ".join(map(str, worker.trials[:most])) + (" …" if len(worker.trials) > most else "")
    what = f"trial{'s' if len(worker.trials) > 1 else ''} {numbers}"
    return f"lost with {what}" if worker.gone else f"{what} for {clock_time(worker.seconds)}"


def ages(seconds: float | None) -> str:
    """How long ago."""
    return "" if seconds is None else f"{clock_time(seconds)} ago"


# --- parts ------------------------------------------------------------------------------------------------------


def _head(overview: Overview, width: int, blocks: bool) -> Iterator[Text]:
    yield _labelled("study", (overview.name, "bold"), f" in {overview.location}")
    bar = ""
    if overview.total:
        full = round(min(overview.done / overview.total, 1.0) * 20)
        bar = ("━" if blocks else "=") * full + ("─" if blocks else "-") * (20 - full) + "  "
    styles = {"done": "bold", "failed": "yellow", "running": "blue"}
    line = _labelled("trials", (bar, "blue"))
    for i, (kind, text) in enumerate(counts_text(overview)):
        line += _line((", " if i else "", ""), (text, styles.get(kind, "")))
    yield line
    yield from _wrapped("time", status_text(overview), width)
    if overview.best is not None:
        found = f"{overview.best.found} in trial {overview.best.number}"
        yield _labelled(
            "best", (found, "bold"), f", {ages(overview.best_age)}" if overview.best_age is not None else ""
        )
    elif overview.done:
        yield _labelled("best", ("none yet: no trial has a loss", "yellow"))
    yield from _wrapped("chance", chance_text(overview), width)


def _curves(overview: Overview, width: int, blocks: bool) -> Iterator[Text]:
    losses, best = bounded(overview.losses), bounded(overview.best_so_far)
    finite = losses[np.isfinite(overview.losses)]
    if len(finite) < 2:
        return
    sign = -1.0 if overview.direction == "maximize" else 1.0
    finite = sign * measurable(sign * finite)
    room = max(min(width - _LABEL - 2 - 24, 60), 8)
    worst = float(np.quantile(finite, 0.1 if overview.direction == "maximize" else 0.9))
    # A few terrible losses must not flatten all others.
    cut = (worst, float(finite.max())) if overview.direction == "maximize" else (float(finite.min()), worst)
    words = f"  {number(cut[0], 4)} to {number(cut[1], 4)}"
    if 0 < cut[0] * _DECADES < cut[1]:
        words += ", log"
        with np.errstate(divide="ignore", invalid="ignore"):
            losses, best = (np.log(np.where(x > 0, x, np.nan)) for x in (losses, best))
        cut = (math.log(cut[0]), math.log(cut[1]))
    yield _labelled("each", (sparkline(losses, room, cut, blocks), "dim"), (words, "dim"))
    last = number(float(overview.best_so_far[-1]), 6)
    yield _labelled("so far", (sparkline(best, room, cut, blocks), "blue"), (f"  {last}", "bold"))


def sparkline(values: FloatArray, width: int, limits: tuple[float, float], blocks: bool = True) -> str:
    """Values `(m,)` as a row of at most `width` characters, each the median of its share; blank where there is none.

    Args:
        limits: what the lowest and the highest character stand for; what is beyond them is drawn at them.
        blocks: with block characters, else with punctuation.
    """
    marks = _BLOCKS if blocks else _PLAIN
    low, high = limits
    shares = np.array_split(np.asarray(values, dtype=float), min(width, max(len(values), 1)))
    text = ""
    for share in shares:
        known = share[~np.isnan(share)]
        if not len(known):
            text += " "
            continue
        middle = float(np.median(known))
        place = 0.5 if high <= low else (min(max(middle, low), high) - low) / (high - low)
        text += marks[min(int(place * len(marks)), len(marks) - 1)]
    return text


def _configurations(overview: Overview, width: int) -> Iterator[Text]:
    """The best configuration beside those that are running: what is different from it is bold."""
    best = dict(overview.best.settings) if overview.best is not None else {}
    running = overview.running[:_COLUMNS]
    if not best and not running:
        return
    labels = list(dict.fromkeys([*best, *(label for one in running for label, _ in one.settings)]))
    first = max([cell_len(label) for label in labels[:_ROWS]] + [_LABEL])
    first = min(first, 24)
    columns: list[tuple[str, dict[str, object]]] = [("best", dict(best))] if best else []
    columns += [(f"trial {one.number}", dict(one.settings)) for one in running]
    aside = 13 if len(overview.running) > len(running) or width < 60 else 0  # for how many more there are
    room = max(min((width - first - 2 - aside) // max(len(columns), 1), 16), 8)
    columns = columns[: max((width - first - 2 - aside) // room, 1)]
    shown = len(columns) - bool(best)
    head = _line(" " * (first + 2))
    for name, _ in columns:
        head += _line((_cell(name, room), "bold" if name == "best" else "blue"))
    hidden = len(overview.running) - shown
    yield head + (f"and {hidden} more" if hidden else "")
    for label in labels[:_ROWS]:
        line = _line((f"{_cut(label, first):>{first}}  ", "dim"))
        for name, values in columns:
            value = "" if label not in values else setting(values[label])  # type: ignore[arg-type]  # of `Settings`
            # As they are written: two numbers that round to the same text would be one value in two styles.
            usual = "" if label not in best else setting(best[label])
            other = bool(best) and name != "best" and value != usual
            line += _line((_cell(value, room), "bold" if other else ""))
        yield line
    if len(labels) > _ROWS:
        yield _line((f"{'':{first}}  and {len(labels) - _ROWS} more parameters", "dim"))
    if any(one.loss is not None for one in running[:shown]):
        line = _line((f"{'reported':>{first}}  ", "dim"))
        if best and overview.best is not None:
            line += _cell(number(overview.best.loss), room)
        for one in running[:shown]:
            said = "" if one.loss is None or one.step is None else f"{number(one.loss)} @{number(one.step)}"
            line += _line(_cell(said, room))
        yield line


def _cut(text: str, width: int) -> str:
    if cell_len(text) <= width:
        return text
    while cell_len(text) > width - 1:
        text = text[:-1]
    return text + "…"


def _cell(text: str, width: int) -> str:
    cut = _cut(text, width - 2)
    return cut + " " * (width - cell_len(cut))


def _workers(overview: Overview) -> Iterator[Text]:
    for i, worker in enumerate(overview.workers[:_LISTED]):
        done = f"{worker.done} done"
        style = "yellow" if worker.gone else "blue" if worker.trials else "dim"
        yield _labelled("workers" if not i else "", f"{worker.name:<20} ", (worker_text(worker, 4), style), f", {done}")
    if len(overview.workers) > _LISTED:
        yield _labelled("", (f"and {len(overview.workers) - _LISTED} more", "dim"))


def _failures(overview: Overview, width: int) -> Iterator[Text]:
    for i, failure in enumerate(overview.failures[:FAILURES]):
        message = f": {failure.message}" if failure.message else ""
        kind, last = f"{failure.count} × {failure.kind}", f", last in trial {failure.number}"
        below = bool(message) and cell_len(kind + last + message) > width - _LABEL - 2
        said = f"{last}:" if below else last + message
        yield _labelled("failures" if not i else "", (kind, "yellow"), said)
        if below:
            yield _labelled("", failure.message)
    if others := others_text(overview):
        yield _labelled("", (others, "dim"))


def others_text(overview: Overview) -> str:
    """What failed in ways that are not shown; empty where all are."""
    kinds, count = overview.other_failures(FAILURES)
    return f"{count} × {counted(kinds, 'other kind')} of failure" if kinds else ""


def joined(lines: Sequence[Text]) -> str:
    """As plain text."""
    return "\n".join(line.plain.rstrip() for line in lines)
