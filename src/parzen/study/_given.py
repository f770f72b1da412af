"""What a user gave to a study, checked once, at the door."""

from __future__ import annotations

import inspect
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from parzen._typing import Direction, FloatArray
from parzen.errors import AlreadyFinished, SpaceMismatch, StudyError, StudyExists, StudyNotFound
from parzen.log import Storage
from parzen.space import Space, as_apply
from parzen.trials import FINISHED, Finished, Header, History, Reported, State, Trial

DEFAULT_NAME = "study"

ENQUEUED = "enqueued"
"""The source of a trial that a person asked for."""
LONGEST_NAME = 700
"""Characters of a study's name, as JSON in ASCII: so many the tables of databases hold, and a study may be copied to one."""
AGAIN = "again: trial "
"""How the source of a trial begins that a person let run again; the number of the first one follows."""


def was_wanted(source: str) -> bool:
    """Whether a person chose the configuration of a trial with this source, and no algorithm."""
    return source == ENQUEUED or source.startswith(AGAIN)


def given_of(space: Space, row: FloatArray) -> dict[str, float]:
    """Label -> value of what a row `(d,)` does not leave open."""
    return {space.labels[j]: float(row[j]) for j in np.flatnonzero(~np.isnan(row)).tolist()}


def came_from(history: History, number: int, given: Mapping[str, float]) -> bool:
    """Whether an enqueued trial was enqueued with just these values."""
    memo = history.memo(number)
    if isinstance(memo, Mapping):
        return memo.get("given") == given
    row = history.values[number]  # too much was given to be kept: what was given is in the row itself
    columns = history.space.column
    return all(row[columns[label]] == x for label, x in given.items() if row[columns[label]] == row[columns[label]])


@contextmanager
def closed_on_error(opened: Storage, given: object) -> Iterator[None]:
    """A file that turns out to be unusable is let go of at once, so that none of SQLite's own files stay beside it."""
    try:
        yield
    except BaseException:
        if opened is not given:
            opened.close()
        raise


def created_or_opened(storage: Storage, header: Header, space: Space) -> Header:
    """The header of the study: the new one, or that of a study of the same name, if it means the same.

    Raises:
        SpaceMismatch, StudyError: a study of that name has another space or direction.
        StudyError: there is none, and the name is too long for a new one.
    """
    try:
        known = storage.open(header.name)
    except StudyNotFound:
        new_name(header.name)
        try:
            storage.create(header)
            return header
        except StudyExists:  # another program was faster
            known = storage.open(header.name)
    check_same(known, Space.from_json(known.space), space, storage.location)
    if known.metrics != header.metrics:
        raise StudyError(
            f"study {known.name!r} in {storage.location} has direction {known.metrics[known.objectives[0]]!r}, "
            f"not {header.metrics[header.objectives[0]]!r}: give the new study another name"
        )
    return known


def compiled_like(stored: Space, space: Any) -> Space:  # whatever a user's space is made of
    """A space as the program writes it, read the way in which the stored one was.

    `fmin` reads it as Hyperopt does, lists as tuples and keys sorted, and a worker is given the same data.
    """
    if isinstance(space, Space):
        return space
    compiled = Space(space)
    if stored.differences(compiled):
        as_hyperopt = Space(as_apply(space))
        if not stored.differences(as_hyperopt):
            return as_hyperopt
    return compiled


def check_same(header: Header, stored: Space, space: Space, where: str) -> None:
    """Refuse to go on with a study in another space (`SpaceMismatch`, with the differences)."""
    found = stored.differences(space)
    if found:
        raise SpaceMismatch(
            f"study {header.name!r} in {where} has another space: {'; '.join(found)}. "
            "Give the new study another name, or go on with the old space",
            differences=tuple(found),
        )


def only_study(storage: Storage) -> Header:
    """The study of a storage that has only one (`StudyNotFound` otherwise, with the names)."""
    headers = storage.studies()
    if len(headers) == 1:
        return headers[0]
    if not headers:
        raise StudyNotFound(f"there is no study in {storage.location}")
    names = ", ".join(repr(header.name) for header in headers)
    raise StudyNotFound(f"{storage.location} holds several studies, name one of them: {names}")


def checked_name(name: str | None) -> str:
    """The name of a study, "study" where none was given."""
    if name is None:
        return DEFAULT_NAME
    if not isinstance(name, str):
        raise StudyError(f"the name of a study is text, got {name!r:.80}")
    if not name:
        raise StudyError(f"the name of a study is not empty, got {name!r}: leave name= away for {DEFAULT_NAME!r}")
    return name


def new_name(name: str) -> str:
    """A name that a study is given now; one that has a longer name from before this limit keeps it, and is found by it.

    Raises:
        StudyError: it is too long.
    """
    if (size := len(json.dumps(name))) > LONGEST_NAME:
        raise StudyError(
            f"the name of a study has at most {LONGEST_NAME} characters as JSON, in which one that is not ASCII is six or "
            f"twelve; {name[:40] + '…'!r} has {size}: take a shorter one"
        )
    return name


def checked_seed(seed: int | None) -> int:
    """The seed of a study, a random one where none was given."""
    if seed is None:
        return secrets.randbits(63)
    if isinstance(seed, (bool, np.bool_)) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed must be a non-negative whole number, got {seed!r:.80}")
    return int(seed)


def checked_direction(direction: str) -> Direction:
    """A direction, if it is one."""
    if direction not in ("minimize", "maximize"):
        raise ValueError(f"direction is 'minimize' or 'maximize', got {direction!r:.80}")
    return direction  # type: ignore[return-value]  # the line above says which


def checked_objective(objective: Any, evaluation: bool | str) -> None:
    """Refuse what cannot be called with a configuration (`TypeError`), before anything is asked for."""
    if not callable(objective):
        raise TypeError(f"the objective must be callable, got {objective!r:.80}")
    if inspect.iscoroutinefunction(objective):
        raise TypeError(
            "the objective is a coroutine function, which only makes something to await: give one that returns"
        )
    args = (None, None) if evaluation is True else (None,)
    try:
        inspect.signature(objective).bind(*args, **({evaluation: None} if isinstance(evaluation, str) else {}))
    except TypeError as error:
        raise TypeError(f"the objective cannot be called with a configuration: {error}") from None
    except ValueError:  # builtins do not tell
        return


def unfinished(trial: Trial | int, history: History) -> int:
    """The number of a trial that something is to be told of.

    Raises:
        AlreadyFinished: it has a result, and not of a later attempt than this.
        StudyError: there is no such trial.
    """
    number = trial.number if isinstance(trial, Trial) else trial
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or not 0 <= number < len(history):
        raise StudyError(f"there is no trial {number!r:.80} to tell: the study has {len(history)}, counted from 0")
    now = State(int(history.state[number]))
    if now in FINISHED and attempt_of(trial, history) >= history.attempt_of(int(number)):
        raise AlreadyFinished(f"trial {number} is {now.name} already: a result is told once")
    return int(number)


def attempt_of(trial: Trial | int, history: History) -> int:
    """A `Trial` knows which attempt it was handed out for: a later one is somebody else's."""
    return trial.attempt if isinstance(trial, Trial) else int(history.attempts[trial])


def was_begun(trial: Trial | int, history: History) -> bool:
    """Whether somebody has begun what is told of; it may have been given up for lost since, and be WAITING again."""
    return trial.state is State.RUNNING if isinstance(trial, Trial) else history.attempt_of(trial) > 0


def late_because(event: Finished | Reported, history: History) -> str:
    """What has become of a trial of which something was told too late."""
    if history.attempt_of(event.number) > event.attempt:
        return "was given up for lost and begun again by somebody else"
    state = State(history.state_of(event.number))
    if state in FINISHED:
        return f"is {state.name} already, which somebody else has told by its number"
    return "was given up for lost"


def checked_state(state: State | str, result: Any) -> State:
    known = state if isinstance(state, State) else State.__members__.get(str(state).upper())
    if known is None or known not in FINISHED or known is State.OK:
        raise ValueError(
            f"state is 'FAILED', 'PRUNED', 'ERROR' or 'CANCELLED', got {state!r:.80}; a loss makes a trial OK"
        )
    if result is not None:
        raise ValueError(f"a trial is told a result or the state {known.name}, not both")
    return known


def checked_callbacks(callbacks: Iterable[Any]) -> tuple[Any, ...]:
    given: Sequence[Any] = tuple(callbacks) if isinstance(callbacks, Iterable) else (None,)
    if not all(callable(one) for one in given):
        raise TypeError(f"callbacks is a list of functions of (study, trial), got {callbacks!r:.80}")
    return tuple(given)


def checked_catch(
    catch: bool | type[BaseException] | Iterable[type[BaseException]],
) -> tuple[type[BaseException], ...]:
    if isinstance(catch, bool):
        return (Exception,) if catch else ()
    classes: Sequence[Any] = tuple(catch) if isinstance(catch, Iterable) and not isinstance(catch, type) else (catch,)
    for one in classes:
        if not (isinstance(one, type) and issubclass(one, BaseException)):
            raise TypeError(f"catch takes exception classes or True, got {one!r:.80}")
    return tuple(classes)
