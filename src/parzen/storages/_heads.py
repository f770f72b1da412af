"""The rule that decides what may be appended, as a pure function that every storage shares.

A head is all that a storage must know of a trial: (attempt, state).  Two writers who never speak to each other cannot
both win, because each batch is held against the heads in the same transaction that adds it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from parzen.errors import Conflict
from parzen.trials import Asked, Event, Finished, Released, Retracted, Started, State

__all__ = ["Head", "advance", "numbers"]

Head: TypeAlias = tuple[int, int]
"""(attempt, state) of one trial; attempt 0 is one that was never started."""

_WAITING, _RUNNING, _CANCELLED = int(State.WAITING), int(State.RUNNING), int(State.CANCELLED)
_MOVES = (Started, Finished, Released, Retracted)


def numbers(next_number: int, events: Sequence[Event]) -> set[int]:
    """The trials whose heads `advance` wants to see, of those that exist before the batch."""
    return {event.number for event in events if isinstance(event, _MOVES) and 0 <= event.number < next_number}


def advance(
    next_number: int, head_of: Callable[[int], Head | None], events: Sequence[Event]
) -> tuple[int, dict[int, Head]]:
    """What the heads are after a batch.

    Args:
        next_number: the next free number before the batch.
        head_of: the head of a trial before the batch, of `numbers(next_number, events)` at least; None where there is
            no such trial.
        events: the batch, in order; a later event sees what an earlier one did.

    Returns:
        The next free number after the batch, and the heads that are new or changed.

    Raises:
        Conflict: the batch may not be appended to a log with these heads.
    """
    changed: dict[int, Head] = {}
    for event in events:
        if isinstance(event, Asked):
            if event.number != next_number:
                raise Conflict(
                    f"trial {event.number} was to join the study, but the next free number is {next_number}: "
                    "another writer was first; pull, then ask again",
                    number=event.number,
                    next_number=next_number,
                )
            changed[next_number] = (0, _WAITING)
            next_number += 1
        elif isinstance(event, _MOVES):
            number = event.number
            head = changed.get(number) or head_of(number)
            if isinstance(event, Started):
                if head is None:
                    raise Conflict(
                        f"trial {number} was to be started, but the study has trials 0 to {next_number - 1} only; "
                        "pull, then look again",
                        number=number,
                    )
                if head != (event.attempt - 1, _WAITING):
                    raise Conflict(
                        f"attempt {event.attempt} of trial {number} was to be started, but the trial is "
                        f"{State(head[1]).name} after {head[0]} attempts: another worker was first; "
                        "pull, then take another",
                        number=number,
                        attempt=event.attempt,
                    )
                changed[number] = (event.attempt, _RUNNING)
            elif isinstance(event, Retracted):
                if head is not None:
                    changed[number] = (head[0], _CANCELLED)
            elif head == (event.attempt, _WAITING) and isinstance(event, Finished):
                if event.outcome.state is State.CANCELLED:  # what nobody has begun can only be called off
                    changed[number] = (event.attempt, _CANCELLED)
            elif head == (event.attempt, _RUNNING):
                changed[number] = (event.attempt, int(event.outcome.state) if isinstance(event, Finished) else _WAITING)
    return next_number, changed
