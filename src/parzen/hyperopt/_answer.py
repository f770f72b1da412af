"""What `fmin` gives back, and what an assignment of labels stands for."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from parzen.errors import AllTrialsFailed, OutOfSpace, UnknownLabel
from parzen.hyperopt._documents import points_of, raw_values
from parzen.hyperopt.base import Trials
from parzen.space import Points, Space
from parzen.study import Result

__all__ = ["Best", "MissingLabel", "answer_of_documents", "answer_of_study", "assigned_points", "say_interrupted"]


class Best(dict[str, Any]):
    """Hyperopt's answer, a dict from label to value (indexes for choices), that also knows what it means.

    Attributes:
        config: exactly what the objective received.
        params: label -> real value.
        loss: of the best trial.
        trials: all of them, as Hyperopt's `Trials`.
    """

    __module__ = "parzen.hyperopt.fmin"  # where programs and pickles find it

    config: Any
    params: dict[str, Any]
    loss: float
    trials: Trials


class MissingLabel(OutOfSpace, AttributeError):
    """An assignment says nothing of a label that is needed.  Hyperopt raises an `AttributeError` then."""


def assigned_points(space: Space, assignment: Mapping[str, Any]) -> Points:
    """The row that these values make, and that no distribution need contain.

    Raises:
        MissingLabel, OutOfSpace: see `space_eval`.
    """
    raw = {}
    for label, value in assignment.items():
        if not isinstance(value, list):
            raw[label] = value
        elif value:
            raw[label] = value[0]
    row = np.full(space.d, np.nan)
    for j, label in enumerate(space.labels):
        if not space.is_active(j, row):
            continue
        if label not in raw:
            raise MissingLabel(
                f"parameter {label!r} is needed, but the assignment has no value for it; it has "
                f"{', '.join(map(repr, assignment)) or 'none'}",
                label=label,
            )
        value = raw[label]
        number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
        row[j] = float(value) if number else space.code(label, value)
        switch = space.switch(j)
        if switch is not None and not (row[j].is_integer() and 0 <= row[j] < len(switch.options)):
            row[j] = space.code(label, value)  # options may be numbers themselves
    return Points(row[None, :], ~np.isnan(row)[None, :])


def answer_of_study(result: Result, trials: Trials, return_argmin: bool) -> Any:
    """What `fmin` gives back.

    Raises:
        AllTrialsFailed: an answer is wanted, and no trial has a finite loss.
    """
    history = result.history
    number = history.best_number
    if number is None:
        # An infinite loss is a penalty there, and a trial that has nothing worse is still an answer.
        infinite = np.flatnonzero(history.ok & (history.losses == np.inf))
        number = int(infinite[0]) if len(infinite) else None
    if not return_argmin:
        return None if number is None else history.config(number)
    best = result.best if number is None else history.trial(number)  # the former raises AllTrialsFailed
    answer = Best(raw_values(history.space, history.points, best.number))
    answer.config, answer.params, answer.trials = best.config, best.params, trials
    answer.loss = float(history.losses[best.number])
    return answer


def answer_of_documents(space: Space, trials: Trials, return_argmin: bool) -> Any:
    """The same from documents, of which some may be none of this space."""
    try:
        best = trials.best_trial
    except AllTrialsFailed:
        if not return_argmin:
            return None
        if len(trials):
            raise
        raise AllTrialsFailed(  # it begins as in Hyperopt, for programs that look
            "There are no evaluation tasks, cannot return argmin of task losses: "
            f"of {len(trials._dynamic_trials)} trials none has ended with a result"
        ) from None
    argmin = trials.argmin
    try:
        points = points_of(space, argmin)
    except (OutOfSpace, UnknownLabel):
        points = assigned_points(space, argmin)
    answer = Best(raw_values(space, points, 0))
    answer.config, answer.params = space.decode(points), space.params(points)
    answer.loss, answer.trials = float(best["result"]["loss"]), trials
    return answer if return_argmin else answer.config


def say_interrupted(
    say: bool, finished: int, best: tuple[float, Mapping[str, Any]] | None, kept: bool, number: int | None
) -> BaseException:
    """Say where things stand.

    Args:
        say: whether to.
        finished: how many trials have.
        best: loss and parameters, where there are any.
        kept: they are still there when the program has ended.
        number: of the signal.

    Returns:
        What is to be raised.
    """
    if say:
        found = "no loss so far" if best is None else f"best loss {best[0]!r} with {best[1]!r}"
        how = "run the same program again"
        if not kept:
            how = "pass the same trials= again, or next time trials_save_file= or storage= to keep them"
        print(f"parzen: interrupted after {finished} trials; {found}; to go on: {how}", file=sys.stderr)  # noqa: T201  # a line for people
    return SystemExit(128 + signal.SIGTERM) if number == signal.SIGTERM else KeyboardInterrupt()
