"""Commands that speak with whoever runs a study."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from parzen import State, Study

if TYPE_CHECKING:
    from conftest import Parzen

Asked = Callable[..., Any]


def test_a_study_is_paused_and_resumed(study: Study, parzen: Parzen, from_json: Asked) -> None:
    """`show` says so meanwhile."""
    assert "paused 'one'; 1 trial is running and goes on to its end" in parzen("pause", "s.db").stdout
    assert "no further trial begins until `parzen resume`" in parzen("show", "s.db").stdout
    assert from_json("show", "s.db")["paused"] is True
    assert ", paused" in parzen("watch", "s.db", "--once").stdout
    assert from_json("resume", "s.db")["paused"] is False
    assert "paused " not in parzen("show", "s.db").stdout

    study.refresh()
    assert [request.action for request in study.history.requests[-2:]] == ["pause", "resume"]


def test_a_budget_is_set_and_taken_away(study: Study, parzen: Parzen, from_json: Asked) -> None:
    """Lower than before, too."""
    said = from_json("budget", "s.db", "10")

    assert (said["before"], said["budget"], said["finished"]) == (20, 10, 20)
    shown = parzen("show", "s.db").stdout
    assert "20 done" in shown
    assert ", 10 more than the budget of 10" in shown
    assert "is 30 trials; 20 are done" in parzen("budget", "s.db", "30").stdout
    assert from_json("budget", "s.db", "--none")["budget"] is None
    study.refresh()
    assert study.budget is None


@pytest.mark.parametrize("arguments", [(), ("10", "--none"), ("0",), ("-1",), ("many",)])
def test_a_budget_that_makes_no_sense_is_called_wrongly(
    study: Study, parzen: Parzen, arguments: tuple[str, ...]
) -> None:
    """Nothing is changed."""
    parzen("budget", "s.db", *arguments, status=2)
    study.refresh()

    assert study.budget == 20


def test_a_trial_is_cancelled_and_another_run_again(study: Study, parzen: Parzen, from_json: Asked) -> None:
    """What has ended, and only that."""
    assert "trial 21 is cancelled" in parzen("cancel", "s.db", "21").stdout
    assert from_json("cancel", "s.db", "20")["state"] == "CANCELLED"
    assert "only one that waits or runs can be cancelled" in parzen("cancel", "s.db", "0", status=1).stderr
    assert "there is no trial 99" in parzen("rerun", "s.db", "99", status=2).stderr
    assert "trial 22 waits, again: trial 0: lr=" in parzen("rerun", "s.db", "0").stdout
    assert from_json("rerun", "s.db", "20")["params"] == study.trials[20].params
    study.refresh()

    assert [trial.state for trial in study.trials[20:]] == [State.CANCELLED] * 2 + [State.WAITING] * 2


def test_a_trial_that_somebody_runs_is_asked_for(study: Study, parzen: Parzen) -> None:
    """The command does not wait for it."""
    said = []

    def objective(config: dict[str, Any], evaluation: Any) -> float:
        if not said:
            said.append(parzen("cancel", "s.db", str(evaluation.number)).stdout)
        return 1.0

    study.run(objective, 22, progress=False)

    assert said == ["asked whoever runs trial 21 to cancel it\n"]
    assert study.trials[21].state is State.CANCELLED


def test_a_note_is_kept_and_shown(study: Study, parzen: Parzen, from_json: Asked) -> None:
    """About the study, or a trial; nothing in it moves a cursor."""
    parzen("note", "s.db", "the labels\x1b[2J were wrong")
    said = from_json("note", "s.db", "a spike", "--trial", "3")
    shown = parzen("show", "s.db").stdout
    parzen("note", "s.db", " ", status=2)

    assert (said["trial"], said["text"]) == (3, "a spike")
    assert "the labels\\x1b[2J were wrong" in shown
    assert "trial 3: a spike" in shown
    assert [note["trial"] for note in from_json("show", "s.db")["notes"]] == [None, 3]
