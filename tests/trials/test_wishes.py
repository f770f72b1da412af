"""What people want of a study, folded from the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from parzen import hp
from parzen.space import Space
from parzen.trials import (
    BY_HAND,
    EARLIER,
    Asked,
    Event,
    Finished,
    History,
    Note,
    Noted,
    Outcome,
    Released,
    Requested,
    Retracted,
    Started,
    State,
    Wishes,
    event_from_json,
    event_to_json,
    exactly,
    note_event,
)

SPACE = Space({"x": hp.float("x", 0, 1)})


def wanted(action: str, target: int | None = None, value: Any = None) -> Requested:
    """A wish."""
    return Requested(action, target, value, 1.0)


def asked(number: int) -> Asked:
    """A trial."""
    return Asked(number, (0.5,), "test", 0, 0, 0.0)


def folded(*log: Event) -> History:
    """A history of these events, each of which has been text on its way."""
    history = History(SPACE, {"loss": "minimize"})
    for event in log:
        history.apply(history.seq + 1, event_from_json(*event_to_json(event)))
    return history


def ended(state: State, attempt: int = 1) -> Finished:
    """The end of trial 0."""
    return Finished(0, attempt, Outcome(state, {"loss": 1.0} if state is State.OK else {}), 2.0)


def test_a_study_is_paused_until_it_is_resumed() -> None:
    """Twice is as good as once."""
    pause, resume = wanted("pause"), wanted("resume")

    assert [folded(*log).wishes.paused for log in ([], [pause], [pause, pause, resume], [pause, resume, pause])] == [
        False,
        True,
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("values", "budget", "is_set"),
    [
        ([], None, False),
        ([20, 10], 20, False),
        ([20, exactly(10)], 10, True),
        ([exactly(10), 30, 20], 30, True),
        ([20, exactly(10), exactly(12)], 12, True),
        ([20, exactly(None)], None, True),
        ([exactly(None), 7], 7, True),
        ([20, {"exactly": "many"}, "12", None, {}, [3]], 20, False),
    ],
)
def test_a_number_of_a_run_raises_the_budget_and_one_that_is_set_is_the_budget(
    values: list[Any], budget: int | None, is_set: bool
) -> None:
    """What nobody can read changes nothing."""
    wishes = folded(*(wanted("budget", None, value) for value in values)).wishes

    assert (wishes.budget, wishes.budget_set) == (budget, is_set)


def test_a_trial_is_to_be_cancelled_until_it_has_ended() -> None:
    """Also while it waits for somebody else meanwhile; one that has ended, or never was, is not."""
    begun = [asked(0), asked(1), Started(0, 1, "w", 0.0), wanted("cancel", 0)]

    def cancelling(*more: Event) -> frozenset[int]:
        return folded(*begun, *more).wishes.cancelling

    assert cancelling() == cancelling(Released(0, 1, "interrupted", 2.0)) == {0}
    assert cancelling(ended(State.OK)) == cancelling(ended(State.CANCELLED)) == frozenset()
    assert cancelling(Retracted(0, "no", 2.0)) == cancelling(ended(State.OK), wanted("cancel", 0)) == frozenset()
    assert cancelling(wanted("cancel", 7), wanted("cancel")) == {0}
    assert cancelling(wanted("cancel", 1)) == {0, 1}


@pytest.mark.parametrize(("worker", "over"), [("old", False), (BY_HAND, False), (EARLIER, False), ("new", True)])
def test_a_stop_is_wanted_until_a_later_run_begins_a_trial(worker: str, over: bool) -> None:
    """A trial that an old run begins at that moment says nothing, nor one that no run begins."""
    log = [asked(0), Started(0, 1, "old", 0.0), wanted("stop"), asked(1), Started(1, 1, worker, 1.0)]

    assert folded(*log[:3]).wishes.stopping
    assert folded(*log).wishes.stopping is not over


def test_an_action_of_a_later_parzen_is_kept_and_changes_nothing() -> None:
    """As every word that is not known yet."""
    history = folded(wanted("sing", 3, "louder"))

    assert history.wishes == Wishes()
    assert history.requests == [wanted("sing", 3, "louder")]


def test_a_snapshot_does_not_see_later_wishes() -> None:
    """Nor notes."""
    history = folded(asked(0))
    before = history.snapshot()
    for event in (wanted("pause"), wanted("cancel", 0), note_event("later", None, 1.0)):
        history.apply(history.seq + 1, event)

    assert (before.wishes, before.remarks) == (Wishes(), [])
    assert history.wishes == Wishes(paused=True, cancelling=frozenset({0}))


def test_notes_of_people_are_apart_from_those_of_parzen() -> None:
    """Each is kept; a file may hold anything under the same key."""
    odd: list[Mapping[str, Any] | str] = ["no mapping", {"text": 3}, {"text": "t", "trial": "x"}]
    history = folded(
        note_event("a\ud800 b", None, 5.0),
        Noted("algorithm", "tpe", 6.0),
        note_event("c", 0, 7.0),
        *(Noted("note", value, 8.0) for value in odd),
    )

    assert history.remarks == [Note(5.0, None, "a\ud800 b"), Note(7.0, 0, "c")]
    assert history.notes["algorithm"] == "tpe"
