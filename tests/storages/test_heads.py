"""The rule that decides what may be appended."""

from __future__ import annotations

import pytest

from parzen.errors import Conflict
from parzen.storages._heads import Head, advance, numbers
from parzen.trials import Asked, Event, Finished, Noted, Outcome, Released, Reported, Retracted, Started, State

ASKED = Asked(3, (0.0,), "", 0, 0, 0.0)
OUTCOME = Outcome(State.FAILED)


@pytest.mark.parametrize(
    ("events", "head", "expected"),
    [
        ([Started(1, 1, "w", 0.0)], (0, State.WAITING), (1, State.RUNNING)),
        ([Started(1, 3, "w", 0.0)], (2, State.WAITING), (3, State.RUNNING)),
        ([Finished(1, 1, OUTCOME, 0.0)], (1, State.RUNNING), (1, State.FAILED)),
        ([Finished(1, 1, OUTCOME, 0.0)], (2, State.RUNNING), None),
        ([Finished(1, 1, OUTCOME, 0.0)], (1, State.OK), None),
        ([Finished(1, 0, OUTCOME, 0.0)], (0, State.WAITING), None),
        ([Released(1, 1, "", 0.0)], (1, State.RUNNING), (1, State.WAITING)),
        ([Released(1, 1, "", 0.0)], (1, State.CANCELLED), None),
        ([Retracted(1, "", 0.0)], (0, State.WAITING), (0, State.CANCELLED)),
        ([Retracted(1, "", 0.0)], (1, State.OK), (1, State.CANCELLED)),
        ([Reported(1, 1, 0.0, {}, 0.0), Noted("k", 1, 0.0)], (1, State.RUNNING), None),
        ([Released(1, 1, "", 0.0), Started(1, 2, "w", 0.0)], (1, State.RUNNING), (2, State.RUNNING)),
    ],
)
def test_a_head_moves_by_the_rule(events: list[Event], head: Head, expected: Head | None) -> None:
    """Each event moves the head of its trial, or leaves it where it is."""
    assert advance(3, {1: head}.get, events) == (3, {} if expected is None else {1: expected})


@pytest.mark.parametrize(
    ("event", "head"),
    [
        (Started(1, 1, "w", 0.0), (1, State.RUNNING)),
        (Started(1, 2, "w", 0.0), (1, State.RUNNING)),
        (Started(1, 2, "w", 0.0), (0, State.WAITING)),
        (Started(1, 1, "w", 0.0), (0, State.CANCELLED)),
        (Started(9, 1, "w", 0.0), (0, State.WAITING)),
        (Asked(2, (), "", 0, 0, 0.0), (0, State.WAITING)),
        (Asked(4, (), "", 0, 0, 0.0), (0, State.WAITING)),
    ],
)
def test_the_loser_of_a_race_is_told(event: Event, head: Head) -> None:
    """What does not fit the heads is a Conflict that names the trial."""
    with pytest.raises(Conflict) as caught:
        advance(3, {1: head}.get, [event])

    assert caught.value.number == event.number  # type: ignore[attr-defined, union-attr]  # facts of the error


def test_a_new_trial_has_a_head_at_once() -> None:
    """Asked makes the head, and the rest of the batch moves it."""
    events = [ASKED, Started(3, 1, "w", 0.0), Asked(4, (), "", 0, 0, 0.0)]

    assert advance(3, {}.get, events) == (5, {3: (1, State.RUNNING), 4: (0, State.WAITING)})


def test_only_existing_trials_are_looked_up() -> None:
    """Numbers that the study does not have need no head, however wild they are."""
    events = [
        ASKED,
        Started(3, 1, "w", 0.0),
        Started(2, 1, "w", 0.0),
        Retracted(-1, "", 0.0),
        Released(2**80, 1, "", 0.0),
    ]

    assert numbers(3, events) == {2}
