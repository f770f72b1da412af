"""What became of one configuration: its state, its outcome, and the view that people read."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from parzen._html import cell, facts
from parzen._typing import Config, Params

__all__ = ["FINISHED", "Outcome", "Report", "State", "Trial", "TrialError"]


_LISTED = 100
"""Parameters that a notebook shows."""


class State(enum.IntEnum):
    """Where a trial is.  The numbers are stored: never renumber."""

    WAITING = 0
    """Asked for or enqueued, not yet begun."""
    RUNNING = 1
    OK = 2
    FAILED = 3
    """The objective itself said so, or its loss cannot be used."""
    PRUNED = 4
    ERROR = 5
    """The objective raised, or its worker was lost."""
    CANCELLED = 6
    """Taken back; it does not count towards the budget."""

    def __str__(self) -> str:
        return self.name


FINISHED = frozenset({State.OK, State.FAILED, State.PRUNED, State.ERROR, State.CANCELLED})


@dataclass(frozen=True, slots=True)
class TrialError:
    """Why a trial has no loss.

    Attributes:
        kind: qualified name of the exception's class, or "status" / "loss" where the objective reported the failure.
        message: one line.
        traceback: as Python prints it; empty where nothing was raised.
    """

    kind: str
    message: str
    traceback: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}" if self.message else self.kind


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended, in the user's own sign.

    Attributes:
        state: one of the finished states.
        metrics: name -> value as the user reported it; the objective's own value is under the study's objective name
            ("loss" unless the study says otherwise).
        variance: variance of the loss, where the user knows it (units of the loss squared).
        constraints: values that must be <= 0 for a feasible trial.
        extra: whatever else the objective returned.
        error: why there is no loss.
        seconds: time inside the objective, on the monotonic clock.
    """

    state: State
    metrics: Mapping[str, float] = field(default_factory=dict)
    variance: float | None = None
    constraints: tuple[float, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)  # the user's own things, of any type
    error: TrialError | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.state not in FINISHED:
            raise ValueError(f"an outcome has a finished state, not {self.state.name}")
        if self.seconds is not None and not (math.isfinite(self.seconds) and self.seconds >= 0):
            raise ValueError(f"seconds is a duration, not {self.seconds!r}")


@dataclass(frozen=True, slots=True)
class Report:
    """Values that a running trial reported at one step."""

    step: float
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True, repr=False)
class Trial:
    """One row of a history, made when somebody looks at it.

    Attributes:
        number: 0, 1, 2 … in the order in which they were asked for.
        state: see `State`.
        params: label -> real value, of the parameters that are active in this trial.
        config: the nested values that the objective received.
        loss: as the user reported it (under `direction="maximize"` larger is better); None where there is none.
        metrics: everything numeric that was reported at the end, the loss included.
        reports: values reported on the way, in order.
        extra: whatever else the objective returned.
        error: why it failed.
        source: which rule proposed it.
        attempt: how often it was started.
        started, finished: seconds since the epoch; None where it has not.
        seconds: time inside the objective.
        worker: who ran it.
    """

    number: int
    state: State
    params: Params
    config: Config
    loss: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    reports: tuple[Report, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)  # the user's own things, of any type
    error: TrialError | None = None
    source: str = ""
    attempt: int = 0
    started: float | None = None
    finished: float | None = None
    seconds: float | None = None
    worker: str | None = None

    def __repr__(self) -> str:
        try:
            params = repr(self.params)
        except Exception:  # an option's own __repr__ may raise, and a configuration may be too deep for one
            params = "… that cannot be shown"
        why = "" if self.error is None else f", error={str(self.error)!r:.200}"
        return f"Trial(number={self.number}, state={self.state.name}, loss={self.loss!r}, params={params}{why})"

    def _repr_html_(self) -> str:
        rows = [("state", cell(self.state.name))]
        if self.loss is not None:
            rows.append(("loss", f"<b>{cell(f'{self.loss:.6g}')}</b>"))
        if self.error is not None:
            rows.append(("why", cell(str(self.error))))
        rows += [(label, cell(_shown(value))) for label, value in list(self.params.items())[:_LISTED]]
        if len(self.params) > _LISTED:
            rows.append(("", cell(f"and {len(self.params) - _LISTED} more parameters")))
        if self.reports:
            last = self.reports[-1]
            told = ", ".join(f"{name} {value:.6g}" for name, value in last.metrics.items())
            rows.append(("reported", cell(f"{len(self.reports)} times, the last at step {last.step:g}: {told}")))
        rows += [(str(name), cell(_shown(value))) for name, value in list(self.extra.items())[:_LISTED]]
        if self.seconds is not None:
            rows.append(("seconds", cell(f"{self.seconds:.3g}")))
        rows.append(("proposed by", cell(self.source)))
        html = facts(rows, f"Trial {self.number}")
        if self.error is not None and self.error.traceback:
            trace = cell(self.error.traceback[-2000:])
            html += f"<details><summary>traceback</summary><pre style='white-space:pre-wrap'>{trace}</pre></details>"
        return html


def _shown(value: object) -> str:
    """A value as a person reads it; an option's own `__repr__` may raise anything."""
    try:
        return f"{value:.6g}" if isinstance(value, float) else value if isinstance(value, str) else repr(value)
    except Exception:
        return f"<{type(value).__name__} that cannot be shown>"
