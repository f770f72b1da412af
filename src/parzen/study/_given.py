"""What a user gave to a study, checked once, at the door."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from parzen._typing import Direction
from parzen.errors import SpaceMismatch, StudyError, StudyExists, StudyNotFound
from parzen.log import Storage
from parzen.space import Space
from parzen.trials import FINISHED, Header, State

DEFAULT_NAME = "study"


def agrees(wanted: Mapping[str, Any], params: Mapping[str, Any]) -> bool:
    """Whether a trial can have come from a mapping that was enqueued: what both speak of is the same."""

    def same(a: Any, b: Any) -> bool:
        try:
            return a is b or bool(a == b)
        except Exception:  # an option's own __eq__ may do anything
            return False

    common = [label for label in wanted if label in params]
    return bool(common) and all(same(wanted[label], params[label]) for label in common)


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
    """
    try:
        known = storage.open(header.name)
    except StudyNotFound:
        try:
            storage.create(header)
            return header
        except StudyExists:  # another program was faster
            known = storage.open(header.name)
    check_same(known, Space.from_json(known.space), space, storage.location)
    if known.metrics != header.metrics:
        raise StudyError(
            f"study {known.name!r} in {storage.location} has direction {known.metrics['loss']!r}, "
            f"not {header.metrics['loss']!r}: give the new study another name"
        )
    return known


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
    if not isinstance(name, str) or not name:
        raise StudyError(f"the name of a study is text, got {name!r:.80}")
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
