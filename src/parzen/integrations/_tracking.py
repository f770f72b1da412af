"""What trackers of experiments have in common: who hears of a study, and what is told of a trial.

A tracker is a callback of a run: `callbacks=[MLflowTracker()]`.  It is called in the process that drives the run, after each
trial that ended there, and records the trials that ended before it came as well, so that a study which is gone on with
is whole there too.  What a tracker raises is a warning and the end of tracking, never the end of a search that is paid for.
"""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Mapping
from typing import Any

from parzen.study import Study
from parzen.trials import FINISHED, State, Trial

__all__ = ["Tracker", "numbers_of", "params_of"]

_log = logging.getLogger("parzen")
_ENDED = FINISHED - {State.CANCELLED}


class Tracker:
    """Subclass it and say what to do with a trial."""

    def __init__(self) -> None:
        self._told: set[int] = set()
        self._first = 0
        self._uid: str | None = None
        self._of: str | None = None
        self._broken = False

    def begin(self, study: Study) -> None:
        """The first trial of a study is about to be told."""

    def record(self, study: Study, trial: Trial) -> None:
        """A trial has ended."""
        raise NotImplementedError(f"{type(self).__name__} must define record(study, trial)")

    def end(self) -> None:
        """Nothing more will come."""

    def __call__(self, study: Study, trial: Trial) -> None:
        """After each trial: see `Study.run`."""
        if self._broken:
            return
        try:
            history = study.history
            if self._uid != study.header.uid:
                self.close()
                if self._of != study.header.uid:
                    self._told, self._first = set(), 0
                self._uid = self._of = study.header.uid
                self.begin(study)
            for number in range(self._first, len(history)):
                if number not in self._told and history.state_of(number) in _ENDED:
                    self.record(study, study.trials[number])
                    self._told.add(number)
            while self._first in self._told or (
                self._first < len(history) and history.state_of(self._first) == State.CANCELLED
            ):
                self._told.discard(self._first)
                self._first += 1
            if history.budget is not None and history.finished >= history.budget:
                self.close()
        except Exception as error:
            self._broken = True
            text = f"{type(self).__name__} could not record trial {trial.number} and is left alone from here: {error!r:.300}"
            try:
                warnings.warn(text, stacklevel=2)
            except UserWarning:  # where warnings are errors: the search is worth more
                _log.warning(text)

    def close(self) -> None:
        """Let the tracker write what it has; the next trial begins anew."""
        if self._uid is not None:
            self._uid = None
            self.end()

    def __enter__(self) -> Any:  # the subclass itself
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def params_of(trial: Trial) -> dict[str, bool | int | float | str]:
    """Label -> value, as trackers take them: numbers and text."""
    plain: dict[str, bool | int | float | str] = {}
    for label, value in trial.params.items():
        if isinstance(value, (bool, int, float, str)):
            plain[label] = value
        else:
            plain[label] = _text(value)
    return plain


def _text(value: object) -> str:
    if isinstance(value, Mapping):  # a sub-space: its own parameters stand beside it
        first = next((x for x in value.values() if isinstance(x, str)), None)
        if first is not None:
            return first
    try:
        return repr(value)[:250]
    except Exception:  # an option's own __repr__ may raise anything
        return f"<{type(value).__name__}>"


def numbers_of(trial: Trial, objective: str) -> dict[str, float]:
    """Name -> finite number: the loss, further numbers that were returned, and the seconds that it took."""
    numbers = {
        str(k): float(x) for k, x in trial.extra.items() if isinstance(x, (int, float)) and not isinstance(x, bool)
    }
    numbers |= {name: float(x) for name, x in trial.metrics.items()}
    if trial.loss is not None:
        numbers[objective] = trial.loss
    if trial.seconds is not None:
        numbers["seconds"] = trial.seconds
    return {name: x for name, x in numbers.items() if math.isfinite(x)}
