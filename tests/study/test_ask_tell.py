"""A study driven by hand: ask, tell, enqueue."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import parzen
from parzen import State, Study, hp
from parzen.algorithms import TPE
from parzen.errors import (
    AlreadyFinished,
    InvalidLoss,
    InvalidResult,
    OutOfSpace,
    SpaceExhausted,
    StudyError,
    UnknownLabel,
)
from parzen.pruners import Threshold

SPACE = {
    "x": hp.float("x", 0, 1),
    "model": hp.choice(
        "model", [{"kind": "svm", "C": hp.float("C", 1e-2, 1e2, log=True)}, {"kind": "knn", "k": hp.int("k", 1, 9)}]
    ),
}
SIX = {"a": hp.categorical("a", [1, 2, 3]), "b": hp.bool("b")}


def _study(**settings: Any) -> Study:
    return Study(settings.pop("space", SPACE), algorithm="random", seed=1, **settings)


def test_what_was_asked_for_is_told() -> None:
    """The trial is RUNNING until then, and OK afterwards."""
    study = _study()
    trial = study.ask()
    told = study.tell(trial, 0.5)

    assert (trial.number, trial.state, trial.loss) == (0, State.RUNNING, None)
    assert set(trial.config) == {"x", "model"}
    assert (told.state, told.loss, told.params) == (State.OK, 0.5, trial.params)
    assert study.best.number == 0


def test_several_are_asked_for_at_once_and_told_in_any_order() -> None:
    """By trial or by number."""
    study = _study()
    trials = study.ask(4)
    for trial in reversed(trials[1:]):
        study.tell(trial.number, float(trial.number))

    assert [trial.number for trial in trials] == [0, 1, 2, 3]
    assert len({trial.params["x"] for trial in trials}) == 4
    assert [trial.state for trial in study.trials] == [State.RUNNING] + [State.OK] * 3
    assert study.best.loss == 1.0
    assert study.ask(1)[0].number == 4


@pytest.mark.parametrize("n", [0, -1, 1.5, True, "2", math.nan])
def test_a_number_of_trials_to_ask_for_is_a_positive_whole_number(n: Any) -> None:
    """Nothing is asked for otherwise."""
    study = _study()
    with pytest.raises(ValueError, match="n must be"):
        study.ask(n)

    assert len(study.trials) == 0


@pytest.mark.parametrize("number", [5, -1, "0", 0.0, True, None])
def test_a_trial_that_does_not_exist_cannot_be_told(number: Any) -> None:
    """Numbers count from 0 and are whole."""
    study = _study()
    study.ask()
    with pytest.raises(StudyError, match="no trial"):
        study.tell(number, 1.0)

    assert study.trials[0].state is State.RUNNING


def test_a_result_is_told_once() -> None:
    """The first one stays."""
    study = _study()
    trial = study.ask()
    study.tell(trial, 1.0)
    with pytest.raises(AlreadyFinished, match="OK already"):
        study.tell(trial, 0.0)

    assert study.trials[0].loss == 1.0


def test_a_trial_that_waits_cannot_be_told() -> None:
    """It was enqueued, and nobody has it."""
    study = _study()
    (trial,) = study.enqueue({"x": 0.5})
    with pytest.raises(StudyError, match="ask for it first"):
        study.tell(trial, 1.0)

    assert study.ask().number == trial.number


@pytest.mark.parametrize(("result", "error"), [(None, InvalidLoss), ("0.5", InvalidLoss), ({}, InvalidResult)])
def test_a_result_that_cannot_be_used_changes_nothing(result: Any, error: type[Exception]) -> None:
    """The trial is still RUNNING and may be told something better."""
    study = _study()
    trial = study.ask()
    with pytest.raises(error):
        study.tell(trial, result)

    assert study.tell(trial, {"loss": 2.0, "epochs": 3}).extra == {"epochs": 3}


def test_nan_told_is_a_failure() -> None:
    """As from an objective."""
    study = _study()

    assert study.tell(study.ask(), math.nan).state is State.FAILED


@pytest.mark.parametrize("state", ["FAILED", "pruned", State.ERROR, "CANCELLED"])
def test_a_trial_can_be_told_to_have_no_loss(state: Any) -> None:
    """By the name of the state, with a line that says why."""
    study = _study()
    told = study.tell(study.ask(), state=state, error="the cluster was on fire")

    assert told.state is (state if isinstance(state, State) else State[state.upper()])
    assert "fire" in str(told.error)


@pytest.mark.parametrize("state", ["OK", "RUNNING", "done", 3.5, State.WAITING])
def test_a_state_that_is_no_end_cannot_be_told(state: Any) -> None:
    """And OK needs a loss."""
    study = _study()
    with pytest.raises(ValueError, match="state is"):
        study.tell(study.ask(), state=state)


def test_a_result_and_a_state_contradict_each_other() -> None:
    """One of them is told."""
    study = _study()
    with pytest.raises(ValueError, match="not both"):
        study.tell(study.ask(), 1.0, state="FAILED")


def test_a_cancelled_trial_costs_nothing_of_the_total() -> None:
    """Three more are run for a total of three."""
    study = _study()
    study.tell(study.ask(), state="CANCELLED")
    study.run(lambda config: 1.0, 3, progress=False)

    assert [trial.state for trial in study.trials] == [State.CANCELLED] + [State.OK] * 3


def test_a_finite_space_is_exhausted_after_each_configuration() -> None:
    """Six of them; in a noisy study asking goes on."""
    study, noisy = _study(space=SIX), _study(space=SIX, noisy=True)
    for one in (study, noisy):
        for trial in one.ask(6):
            one.tell(trial, float(trial.number))
    with pytest.raises(SpaceExhausted, match="6 configurations"):
        study.ask()

    assert len({tuple(trial.params.items()) for trial in study.trials}) == 6
    assert noisy.ask().params in [trial.params for trial in study.trials]  # random search draws again
    noisy.algorithm = TPE()
    assert noisy.ask().params == noisy.best.params


# --- enqueue ------------------------------------------------------------------------------------------------------


def test_what_is_enqueued_comes_first_and_in_order() -> None:
    """Inactive labels may be left out, and are not looked at; active ones that are left out are drawn."""
    study = _study()
    study.enqueue({"x": 0.25, "model": {"kind": "knn", "k": 3}, "k": 3}, {"x": 0.5})
    study.enqueue({"C": 10.0, "model": SPACE_SVM, "x": 1.0, "k": 7})
    first, second, third = study.ask(3)

    assert first.config == {"x": 0.25, "model": {"kind": "knn", "k": 3}}
    assert second.params["x"] == 0.5
    assert set(second.params) in ({"x", "model", "C"}, {"x", "model", "k"})
    assert third.config == {"x": 1.0, "model": {"kind": "svm", "C": 10.0}}
    assert [trial.source for trial in (first, second, third)] == ["enqueued"] * 3


SPACE_SVM = {"kind": "svm", "C": 10.0}


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"y": 1}, UnknownLabel),
        ({"x": 2.0}, OutOfSpace),
        ({"x": "much"}, OutOfSpace),
        ({"model": "tree"}, OutOfSpace),
        ({"k": 2.5, "model": {"kind": "knn", "k": 2.5}}, OutOfSpace),
        ([("x", 1.0)], TypeError),
        (None, TypeError),
    ],
)
def test_what_cannot_be_from_the_space_is_not_enqueued_nor_what_came_with_it(
    params: Any, error: type[Exception]
) -> None:
    """All or nothing."""
    study = _study()
    with pytest.raises(error):
        study.enqueue({"x": 0.5}, params)

    assert len(study.trials) == 0


def test_a_program_that_is_run_again_enqueues_nothing_twice(tmp_path: Path) -> None:
    """`enqueue=` of `minimize` belongs to the study, not to the run."""
    for total in (3, 6):
        result = parzen.minimize(
            lambda config: config["x"],
            SPACE,
            total,
            enqueue=[{"x": 0.25}, {"x": 0.75}],
            storage=tmp_path / "s.db",
            progress=False,
        )

    assert [trial.params["x"] for trial in result.trials].count(0.25) == 1
    assert [trial.source for trial in result.trials].count("enqueued") == 2
    assert len(result.trials) == 6


def test_an_enqueued_configuration_may_be_the_best_one() -> None:
    """And is a trial like any other for the algorithm."""
    result = parzen.minimize(
        lambda config: abs(config["x"] - 0.5), SPACE, 25, enqueue=[{"x": 0.5}], seed=1, progress=False
    )

    assert result.best.number == 0
    assert result.best.loss == 0.0


def test_a_report_by_hand_is_kept_and_answered_by_the_pruner(tmp_path: Path) -> None:
    """True where it would end the trial; without a pruner always False."""
    study = Study(SPACE, pruner=Threshold(1.0), storage=tmp_path / "s.db")
    plain = Study(SPACE)
    trial, other = study.ask(), plain.ask()

    assert study.report(trial, 1, 0.5, accuracy=np.float32(0.25)) is False
    assert study.report(trial.number, 2, 1.5) is True
    assert study.report(trial, 3, accuracy=0.5) is False
    assert plain.report(other, 1, 1.5) is False
    kept = Study.load(tmp_path / "s.db").trials[0].reports
    assert [(report.step, report.metrics) for report in kept] == [
        (1.0, {"accuracy": 0.25, "loss": 0.5}),
        (2.0, {"loss": 1.5}),
        (3.0, {"accuracy": 0.5}),
    ]


def test_a_report_on_what_is_not_running_is_refused() -> None:
    """Nothing is recorded."""
    study = Study(SPACE)
    study.enqueue({"x": 0.5})
    with pytest.raises(StudyError, match="has not been started"):
        study.report(0, 1, 0.5)
    trial = study.ask()
    study.tell(trial, 1.0)
    with pytest.raises(AlreadyFinished, match="is OK already"):
        study.report(trial, 1, 0.5)
    with pytest.raises(StudyError, match="there is no trial 7"):
        study.report(7, 1, 0.5)

    assert study.trials[0].reports == ()
