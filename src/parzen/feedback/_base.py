"""What runs and studies drive: the seam between a search and whoever watches it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from parzen._clock import Clock, SystemClock
from parzen.trials import Entry, History

__all__ = ["Feedback", "RunInfo"]


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What is known of a run when it begins.

    Attributes:
        name: the study's.
        location: where it is kept, in words that the user knows it by: a path, a URL without its password, or "memory".
        durable: it is still there when this process has ended.
        total: how many trials the study is to have, those of earlier runs included; None for no such limit.
        timeout: seconds that this run may take; None for no such limit.
        already: trials that had finished when the run began.
        resume_hint: what to do to go on later, as an imperative: "run the same program again".
        clock: gives elapsed times.
    """

    name: str
    location: str = "memory"
    durable: bool = False
    total: int | None = None
    timeout: float | None = None
    already: int = 0
    resume_hint: str = "run the same program again"
    clock: Clock = field(default_factory=SystemClock)

    def total_now(self, history: History) -> int | None:
        """The total as it is now: somebody may have set another one since the run began."""
        if history.wishes.budget_set:
            return history.budget
        return None if self.total is None else max(self.total, history.budget or 0)


@runtime_checkable
class Feedback(Protocol):
    """Shows a run to a person.

    `start` comes before the first trial; the object itself is a subscriber of the study's stream; `finish` comes once,
    in a `finally`, whatever happened.  None of the three may raise because of what it shows or where it shows it.
    """

    def start(self, run: RunInfo, history: History) -> None:
        """The run begins."""
        ...

    def __call__(self, entries: Sequence[Entry], history: History) -> None:
        """New entries are in the history; called in the thread that published them, so it should return at once."""
        ...

    def finish(self, history: History, stopped_by: str, error: BaseException | None = None) -> None:
        """The run has ended.

        Args:
            history: as it is then.
            stopped_by: the stop rule in a word or two: "trials", "timeout", "interrupt", "space exhausted" …
            error: what ended it, if it was an exception.
        """
        ...
