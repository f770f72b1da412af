"""What a pruner is, and how it follows the reports of many trials without reading any of them twice.

A pruner is a frozen record of settings with one method.  It keeps nothing: what it compares a trial with is folded from
the log, so that the same log gives the same verdict, in this process or after a restart.

Losses are those of the history, always to be minimised.  A report of NaN, or of a loss that is too good to be true, counts
as the worst there is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from typing import Protocol, TypeVar, runtime_checkable

from parzen.trials import Event, Finished, History, Released, Report, Reported, State

__all__ = ["Curves", "Pruner", "at_least", "follow", "loss_in", "shown"]


@runtime_checkable
class Pruner(Protocol):
    """Ends trials early.  Implementations are frozen dataclasses, hashable by their settings."""

    def prune(self, history: History, number: int) -> str | None:
        """Why trial `number`, which is running, should end now, in a line; None where it should go on.

        The same for the same history.  It is asked after reports, as often as the objective asks `should_stop`.
        """
        ...


class Curves:
    """What trials reported, fed one report after the other; a subclass keeps of it what it needs.

    What is kept must not depend on the order in which the trials come, only on that of each trial's own reports.
    """

    def __init__(self) -> None:
        self.read: dict[int, tuple[int, int]] = {}
        """Of each trial under way: the attempt, and how many of its reports were taken in."""

    def take(self, number: int, step: float, loss: float) -> None:
        """One more report of a trial."""

    def forget(self, number: int) -> None:
        """All that a trial reported is void: its attempt was given up, or it was cancelled."""

    def finish(self, number: int, ok: bool) -> None:
        """A trial has ended, with a result or without."""


_S = TypeVar("_S", bound=Curves)


def follow(history: History, key: Hashable, init: Callable[[], _S]) -> _S:
    """The curves of a history, brought up to date with what is new.

    Args:
        history: to read.
        key: the pruner's own record.
        init: makes the curves of a history without reports.
    """
    return history.fold(key, init, _step, (Reported, Released, Finished))


def _step(curves: _S, history: History, kind: type[Event], number: int) -> _S:
    """Take in what a trial has reported since it was looked at last.

    A fold may see a trial later than right after the entry.  So it is the columns that count, not the entry: they are read
    to their end at the first entry, and what was read of an attempt that has been given up meanwhile is taken back.
    """
    reports: Sequence[Report] = history.reports(number)
    if history.state[number] == State.CANCELLED:
        reports = ()
    now = int(history.attempts[number])
    attempt, read = curves.read.get(number, (now, 0))
    if attempt != now or read > len(reports):
        curves.forget(number)
        read = 0
    for i in range(read, len(reports)):
        loss = loss_in(history, reports[i])
        if loss is not None:
            curves.take(number, reports[i].step, loss)
    curves.read[number] = now, len(reports)
    if kind is Finished:
        del curves.read[number]
        curves.finish(number, bool(history.state[number] == State.OK))
    return curves


def loss_in(history: History, report: Report) -> float | None:
    """The loss that a report tells, to be minimised; +inf where it is no number to go by, None where it tells none."""
    told = report.metrics.get(history.objectives[0])
    if told is None:
        return None
    loss = history.reported(told)  # turns the sign both ways
    return loss if loss > -math.inf else math.inf


def shown(history: History, loss: float) -> str:
    """A loss in the sign that the user knows it by."""
    return f"{history.reported(loss):.6g}"


def at_least(name: str, value: object, least: float, *, above: bool = False) -> None:
    """Check a setting.

    Raises:
        ValueError: it is not a finite number, or too small.
    """
    number = value if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
    if not (math.isfinite(number) and (number > least if above else number >= least)):
        raise ValueError(
            f"{name} is a number {'above' if above else 'from'} {least:g}{'' if above else ' up'}, got {value!r:.80}"
        )
