"""What a report says, as texts: no markup here, and nothing that is made up where a number is missing."""

from __future__ import annotations

import datetime
import math
import platform
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol

import numpy as np

from parzen._wording import bound, middle, number, plain, setting, settings, span
from parzen.analysis import Range, Region, noise_of, region
from parzen.trials import Header, History, State

__all__ = ["Facts", "Reportable", "Short", "facts_of"]

_ROWS = 20
"""Best trials in the table."""
_ERRORS = 8
_LONG, _LINES, _CELL = 2000, 200, 40
_NOTES = 20
"""Notes of people, the last ones."""
_PACKAGES = ("parzen", "numpy", "scipy", "scikit-learn", "matplotlib")


class Reportable(Protocol):
    """A study, as far as a report looks at it."""

    @property
    def header(self) -> Header:
        """What was fixed when it was made."""
        ...

    @property
    def history(self) -> History:
        """The columns."""
        ...

    @property
    def location(self) -> str:
        """Where it is kept, without any password."""
        ...

    @property
    def algorithm(self) -> object:
        """What proposes trials."""
        ...


class Short(str):
    """A text that was cut to the room of a cell; `whole` is what the page tells whoever points at it."""

    __slots__ = ("whole",)
    whole: str

    @classmethod
    def of(cls, text: str) -> str:
        """The text as it is where it is short."""
        if len(text) <= _CELL:
            return plain(text, _CELL)
        short = cls(middle(text, _CELL))
        short.whole = plain(text, _LONG)
        return short


Rows = list[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Facts:
    """All texts of a report.

    Attributes:
        title: of the page.
        question: key and text.
        space: a line for each parameter.
        answer: label and value of the trial to go on with; empty where no trial has a loss.
        confidence: sentences.
        ranges: label, range and remark, of the region that is as good.
        table: the head first.
        failures: how often, what, and an example.
        tracebacks: number of a trial, and what Python printed.
        reproduce: key and text.
    """

    title: str
    question: Rows
    space: list[str]
    answer: Rows
    confidence: list[str]
    ranges: Rows
    table: Rows
    failures: Rows
    tracebacks: list[tuple[str, str]]
    reproduce: Rows


def facts_of(study: Reportable, history: History) -> Facts:
    """Gather them from a snapshot of the study's history."""
    header = study.header
    found = region(history) if history.best_number is not None else None
    failures, tracebacks = _failures(history)
    return Facts(
        title=f"Study {plain(header.name, 80)}",
        question=_question(study, history),
        space=[line.strip() for line in repr(history.space).splitlines()[1:-1]][:200],
        answer=_answer(history, found),
        confidence=list(_confidence(history, found)),
        ranges=[] if found is None else [_range(one) for one in found.ranges],
        table=_table(history),
        failures=failures,
        tracebacks=tracebacks,
        reproduce=_reproduce(study, history),
    )


def _question(study: Reportable, history: History) -> Rows:
    header = study.header
    metric = header.objectives[0]
    verb = "lowest" if header.metrics[metric] == "minimize" else "highest"
    rows: Rows = [("wanted", f"the parameters for which the {plain(metric, 40)} is {verb}")]
    budget = "" if history.budget is None else f" of {history.budget}"
    rows.append(("trials", f"{history.finished}{budget} done ({history.tally or 'none yet'})"))
    began, ended = history.started_at, history.finished_at
    if np.isfinite(began).any():
        rows.append(("begun", _when(float(np.nanmin(began)))))
    if np.isfinite(ended).any():
        rows.append(("last result", _when(float(np.nanmax(ended)))))
    if np.isfinite(history.seconds).any():
        rows.append(("time in the objective", span(float(np.nansum(history.seconds)))))
    rows += [_noted(str(key), value) for key, value in list(history.notes.items())[:20]]
    for note in history.remarks[-_NOTES:]:
        about = "note" if note.trial is None else f"note on trial {note.trial}"
        rows.append((about, "\n".join(plain(line, _LONG) for line in note.text.splitlines()[:_LINES])))
    return rows


def _noted(key: str, value: object) -> tuple[str, str]:
    """What parzen itself has noted, in words."""
    if key.startswith("earlier study "):  # its uid tells a reader nothing, and the text names it
        key = "earlier study"
    if not isinstance(value, Mapping):
        return plain(key, 60), plain(str(value), _LONG)
    if isinstance(value.get("name"), str):
        given = value.get("settings")
        text = f"{value['name']}, with " + (
            _pairs(given) if isinstance(given, Mapping) and given else "its usual settings"
        )
    elif isinstance(value.get("type"), str):
        text = f"{value['type']}, which is none of parzen's own"
    else:
        text = _pairs(value)
    return plain(key, 60), plain(text, _LONG)


def _pairs(given: Mapping[str, object]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in given.items())


def _when(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, tz=datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def _answer(history: History, found: Region | None) -> Rows:
    if found is None:
        return []
    metric, loss = plain(history.objectives[0], 40), history.reported(history.losses[found.number])
    row = history.values[found.number]
    rows: Rows = [(label, setting(value)) for label, value in settings(history.space, row, _LONG)]
    return [
        *rows,
        (f"{metric}, measured", number(loss, 6)),
        (f"{metric}, expected", number(found.expected, 6)),
        ("trial", str(found.number)),
    ]


def _confidence(history: History, found: Region | None) -> Iterator[str]:
    if found is None:
        yield f"No trial has a finite {plain(history.objectives[0], 40)}: there is no answer yet."
        return
    best = history.best_number
    assert best is not None
    got = number(history.reported(history.losses[best]), 6)
    yield f"The best value that was measured is {got}, in trial {best}."
    noise = noise_of(history)
    if found.number != best:
        yield (
            f"The trial to go on with is {found.number}: of its parameters {number(found.expected, 6)} is expected, which is "
            "better than what is expected of the luckiest trial."
        )
    elif noise is not None:
        yield f"Of its parameters {number(found.expected, 6)} is expected (standard error {number(found.error, 2)})."
    if noise is not None:
        by = {"repeats": "from trials that were repeated", "variances": "as the objective said", "model": "by a model"}
        size = "no more than rounding" if noise.exact else number(noise.deviation, 2)
        own = float(noise.each[noise.numbers == best][0])
        its = (
            f", and that of trial {best} is {number(own, 2)} (as the objective said)"
            if own > 3.0 * noise.deviation
            else ""
        )
        yield f"The noise of a single value is {size} ({by[noise.source]}){its}."
    others = len(found.trials) - 1
    yield (
        f"{others or 'No'} other trial{'s are' if others > 1 else ' is'} as good, as far as anybody can tell: within "
        f"{bound(found.within, math.inf, 2)}, {found.why}."
    )


def _range(one: Range) -> tuple[str, ...]:
    values = str(one)[len(plain(one.label, 40)) + 2 :].removesuffix(" (nearly anything)")
    if one.options:
        cut = Short(values)
        cut.whole = plain(" or ".join(option.strip("'\"") for option in one.options), _LONG)
        values = values if values == cut.whole else cut
    return Short.of(one.label), values, "nearly anything" if one.free else ""


def _table(history: History) -> Rows:
    finite = np.flatnonzero(history.ok & np.isfinite(history.losses))
    best = finite[np.argsort(history.losses[finite], kind="stable")][:_ROWS]
    labels = [Short.of(label) for label in history.space.labels]
    rows: Rows = [("trial", plain(history.objectives[0], 40), "seconds", *labels, "proposed by")]
    for i in best.tolist():
        row = history.values[i]
        values = iter(settings(history.space, row, _LONG))
        seconds = history.seconds[i]
        told = [Short.of(setting(next(values)[1])) if x == x else "" for x in row.tolist()]
        took = number(float(seconds), 3) if np.isfinite(seconds) else ""
        loss = number(history.reported(history.losses[i]), 6)
        rows.append((str(i), loss, took, *told, plain(history.source(i), 40)))
    return rows


def _failures(history: History) -> tuple[Rows, list[tuple[str, str]]]:
    bad = np.isin(history.state, (int(State.FAILED), int(State.ERROR)))
    kinds: Counter[str] = Counter()
    example: dict[str, int] = {}
    for i in np.flatnonzero(bad).tolist():
        error = history.error(i)
        text = "without a reason" if error is None else plain(str(error).partition("\n")[0], 160)
        kinds[text] += 1
        example.setdefault(text, i)
    common = kinds.most_common(_ERRORS)
    rows: Rows = [(f"{count} ×", text, f"as in trial {example[text]}") for text, count in common]
    if len(kinds) > _ERRORS:
        rows.append((f"{sum(kinds.values()) - sum(n for _, n in common)} ×", f"{len(kinds) - _ERRORS} other kinds", ""))
    found = []
    for text, _ in common[:3]:
        error = history.error(example[text])
        if error is not None and error.traceback:
            found.append((f"trial {example[text]}", error.traceback[-4000:]))
    return rows, found


def _reproduce(study: Reportable, history: History) -> Rows:
    header = study.header
    rows: Rows = [
        ("seed", str(header.seed)),
        ("study", f"{plain(header.name, 80)} in {plain(study.location, 200)}, uid {header.uid}"),
        ("created", _when(header.created)),
    ]
    rules = Counter(history.source(i).partition(" of ")[0] for i in range(len(history)))
    rows.append(
        ("proposed by", ", ".join(f"{plain(rule, 60)} ({n})" for rule, n in rules.most_common(6)) or "nobody yet")
    )
    if not study.location.startswith("memory"):
        name, where = repr(header.name), repr(study.location)
        rows.append(("look at it", f"parzen.Study.load({where}, {name}, readonly=True)"))
    rows.append(
        (
            "again",
            "the same program with this seed, this space and the same versions proposes the same trials, one at a time",
        )
    )
    rows.append(("this report", f"Python {platform.python_version()} on {sys.platform}, {', '.join(_versions())}"))
    return rows


def _versions() -> Iterator[str]:
    """Of what made this report; the trials may have been made by others."""
    for package in _PACKAGES:
        try:
            yield f"{package} {version(package)}"
        except PackageNotFoundError:
            continue
