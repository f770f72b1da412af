"""Histories of trials with known reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from parzen import hp
from parzen._typing import Direction
from parzen.space import Space
from parzen.trials import Asked, Event, Finished, History, Outcome, Reported, Started, State

LAST = {State.OK: {"loss": 1.0}}


class Written:
    """A history that is written trial by trial; steps are counted from 1."""

    def __init__(self, direction: Direction = "minimize") -> None:
        self.history = History(Space({"x": hp.float("x", 0, 1)}), {"loss": direction})

    def add(self, event: Event) -> None:
        """Take in an event."""
        self.history.apply(self.history.seq + 1, event)

    def trial(self, losses: Sequence[float] | Mapping[float, float], state: State = State.OK) -> int:
        """A trial that reported these losses, at these steps or at 1, 2 …; its number."""
        number = len(self.history)
        self.add(Asked(number, (0.5,), "test", 0, 0, 0.0))
        self.add(Started(number, 1, "test", 0.0))
        pairs = losses.items() if isinstance(losses, Mapping) else enumerate(losses, start=1)
        for step, loss in pairs:
            self.report(number, step, loss)
        if state is not State.RUNNING:
            self.add(Finished(number, 1, Outcome(state, LAST.get(state, {})), 0.0))
        return number

    def report(self, number: int, step: float, loss: float) -> None:
        """One more report."""
        self.add(Reported(number, 1, step, {"loss": loss}, 0.0))
