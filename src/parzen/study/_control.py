"""What people do to a study that runs: each an entry of the log, which whoever runs it reads, in whatever process."""

from __future__ import annotations

from typing import Any

import numpy as np

from parzen.errors import AlreadyFinished, Conflict, StudyError
from parzen.log import Stream, trial_seed
from parzen.run import checked_count, release_abandoned
from parzen.study._given import AGAIN
from parzen.trials import (
    FINISHED,
    Asked,
    Finished,
    Note,
    Outcome,
    Requested,
    State,
    Trial,
    exactly,
    is_by_hand,
    note_event,
)

__all__ = ["cancel", "note", "raise_budget", "request", "rerun", "set_budget"]


def request(stream: Stream, action: str) -> None:
    """Ask whoever runs the study for something that needs no more words."""
    stream.publish(Requested(action, None, None, stream.clock.wall()))


def raise_budget(stream: Stream, total: int) -> None:
    """What a run is told: as many trials, or those that somebody has said before, if they are more."""
    budget = stream.history.budget
    if budget is None or total > budget:
        stream.publish(Requested("budget", None, total, stream.clock.wall()))


def set_budget(stream: Stream, max_trials: Any) -> None:
    """See `Study.set_budget`."""
    total = None if max_trials is None else checked_count("max_trials", max_trials)
    stream.publish(Requested("budget", None, exactly(total), stream.clock.wall()))


def cancel(stream: Stream, trial: Trial | int) -> Trial:
    """See `Study.cancel`."""
    stream.pull()
    history, number = stream.history, existing(trial, stream, "to cancel")
    release_abandoned(stream)  # nobody is there who could end what a dead process was running
    while True:
        state, attempt, at = State(history.state_of(number)), history.attempt_of(number), stream.clock.wall()
        if state in FINISHED:
            raise AlreadyFinished(
                f"trial {number} is {state.name} already: only one that waits or runs can be cancelled"
            )
        if state is State.RUNNING and not is_by_hand(history.worker(number)):
            stream.publish(Requested("cancel", number, None, at))
            return history.trial(number)
        # Nobody listens for a trial that was asked for by hand: whoever tells its result is told that it came too late.
        (counted,) = stream.publish(Finished(number, attempt, Outcome(State.CANCELLED), at))
        if counted:
            return history.trial(number)
        stream.pull()  # somebody began it at that moment, or ended it


def rerun(stream: Stream, trial: Trial | int) -> Trial:
    """See `Study.rerun`."""
    stream.pull()
    space, number = stream.space, existing(trial, stream, "to run again")
    state = State(stream.history.state_of(number))
    if state not in FINISHED:
        raise StudyError(f"trial {number} is {state.name}: only one that has ended can be run again")
    while True:
        with stream.asking:
            history, at, new = stream.history, stream.clock.wall(), len(stream.history)
            # Unlabelled draws come from the trial's seed: another one would make another configuration.
            seed = int(history.seeds[number]) if space.has_draws else trial_seed(stream.header.seed, new)
            row = tuple(history.row(number).tolist())
            memo = {"again": number}
            try:
                stream.publish(Asked(new, row, f"{AGAIN}{number}", seed, history.seq, at, memo=memo))
            except Conflict:  # another program took the number
                stream.pull()
                continue
        return history.trial(new)


def note(stream: Stream, text: Any, trial: Trial | int | None) -> Note:
    """See `Study.note`."""
    if not isinstance(text, str):
        raise TypeError(f"a note is text, got {text!r:.80}")
    if not text.strip():
        raise ValueError("a note says something, got an empty text")
    if trial is not None:
        stream.pull()
    number = None if trial is None else existing(trial, stream, "to note something about")
    at = stream.clock.wall()
    stream.publish(note_event(text, number, at))
    return Note(at, number, text)


def existing(trial: Trial | int, stream: Stream, what: str) -> int:
    """The number of a trial of this study (`StudyError` where there is none)."""
    number, known = trial.number if isinstance(trial, Trial) else trial, len(stream.history)
    if isinstance(number, (bool, np.bool_)) or not isinstance(number, (int, np.integer)):
        raise StudyError(f"expected a trial or its number {what}, got {number!r:.80}")
    if not 0 <= number < known:
        raise StudyError(f"there is no trial {number} {what}: the study has {known}, counted from 0")
    return int(number)
