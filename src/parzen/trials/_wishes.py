"""What people want of a study: the state that `Requested` leaves behind, and the notes that they take.

A run looks at it before each new trial, whoever wrote it and from where: Python, the command line and a page all append the
same entries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from parzen._typing import JSON
from parzen.trials._events import Noted, Requested

__all__ = ["NOTE", "Note", "Wishes", "exactly", "note_event", "note_of_event"]

NOTE = "note"
"""Key of a `Noted` that a person wrote; its value is {"text": …, "trial": number or None}."""


class Note(NamedTuple):
    """What somebody wrote down about a study.

    Attributes:
        at: seconds since the epoch.
        trial: the number of the trial that it is about; None for the study as a whole.
        text: as it was written.
    """

    at: float
    trial: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is wanted of a study now.  Frozen, so that snapshots share it.

    Attributes:
        budget: the total number of trials; None for no such number.
        budget_set: whether somebody set it for the study as a whole (`exactly`), and not only for one of its runs.
        paused: no further trial is to begin.
        stopping: the runs that there are shall end; it is over when a later run begins a trial.
        cancelling: trials that shall be CANCELLED and are not yet.
    """

    budget: int | None = None
    budget_set: bool = False
    paused: bool = False
    stopping: bool = False
    cancelling: frozenset[int] = frozenset()

    def after(self, event: Requested, is_open: bool) -> Wishes:
        """What is wanted when this is asked for as well; an action of a later vocabulary changes nothing.

        Args:
            is_open: whether there is a trial `event.target`, and it has not ended.
        """
        if event.action == "budget":
            return self._with_budget(event.value)
        if event.action in ("pause", "resume"):
            return replace(self, paused=event.action == "pause")
        if event.action == "stop":
            return replace(self, stopping=True)
        if event.action == "cancel" and event.target is not None and is_open:
            return replace(self, cancelling=self.cancelling | {event.target})
        return self

    def _with_budget(self, value: JSON) -> Wishes:
        if isinstance(value, Mapping):
            total = value.get("exactly", "nothing said")
            return replace(self, budget=total, budget_set=True) if total is None or isinstance(total, int) else self
        # A bare number is what a run was told: of two programs that start together, the lesser number takes nothing away.
        return replace(self, budget=max(self.budget or 0, value)) if isinstance(value, int) else self


def exactly(total: int | None) -> JSON:
    """The value of a "budget" that is set for the study as a whole, lower than before or higher; None takes it away."""
    return {"exactly": total}


def note_event(text: str, trial: int | None, at: float) -> Noted:
    """A note, as it goes into the log."""
    return Noted(NOTE, {"text": text, "trial": trial}, at)


def note_of_event(event: Noted) -> Note | None:
    """A note, as it came from the log; None for what parzen itself noted, or a file holds that nobody can read."""
    value = event.value
    if event.key != NOTE or not isinstance(value, Mapping):
        return None
    text, trial = value.get("text"), value.get("trial")
    if not isinstance(text, str) or not (trial is None or isinstance(trial, int)):
        return None
    return Note(event.at, trial, text)
