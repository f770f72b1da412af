"""When a command gives up: the objective, or the program, has failed so often in a row, and what there is to say of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from parzen.feedback._facts import commonest, commonest_said
from parzen.run import StopRule, runs_here
from parzen.trials import Entry, Finished, History, Released, Started, State

__all__ = ["Failing"]


class Failing(StopRule):
    """Ends a run when its last trials have failed, so many in a row; those of other workers are not looked at.

    A rule and no callback: a result after which somebody is called is a transaction of its own.  It follows the stream to know
    which trials are this process's, and looks at the history for those whose end is only about to be in the log.

    Args:
        most: failures in a row.
        states: that are failures.
    """

    REASON = "failures in a row"

    def __init__(self, most: int, states: tuple[State, ...]) -> None:
        self.most, self.states = most, states
        self._open: set[int] = set()
        self._row: list[int] = []

    def see(self, entries: Sequence[Entry], history: History) -> None:
        """What is new in the log."""
        for entry in entries:
            event = entry.event
            if isinstance(event, Started) and runs_here(event.worker):
                self._open.add(event.number)
            elif isinstance(event, (Finished, Released)) and event.number in self._open:
                self._row = self._after(history, event.number)
                self._open.discard(event.number)

    def __call__(self, history: History, elapsed: float) -> str | None:
        row = self._row
        for number in self._open:
            row = self._after(history, number, row)
        return self.REASON if len(row) >= self.most else None

    def _after(self, history: History, number: int, row: list[int] | None = None) -> list[int]:
        row, state = self._row if row is None else row, State(history.state_of(number))
        if state in (State.WAITING, State.RUNNING, State.CANCELLED):
            return row
        return [*row, number] if state in self.states else []

    def said(self, history: History, what: str, again: str) -> str:
        """What failed, how often, and what to do.

        Args:
            what: has failed, and how: "the objective raised".
            again: what to do when it is mended.
        """
        failures = commonest(history, np.array(self._row))
        told = "" if failures is None else f": {commonest_said(failures)}"
        return (
            f"{what} {len(self._row)} times in a row{told}. Mend that and {again}; "
            "to put up with more, raise --max-consecutive-failures"
        )
