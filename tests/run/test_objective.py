"""What an objective is given beside its configuration."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import parzen
from parzen import Evaluation, State, Study, Trials, hp
from parzen.errors import InvalidResult
from parzen.run import wants_evaluation
from parzen.trials import Report

SPACE = {"x": hp.float("x", 0, 1)}


def plain(config: Any) -> float:
    return 1.0


def second(config: Any, evaluation: Any) -> float:
    return float(isinstance(evaluation, Evaluation))


def second_with_default(config: Any, scale: float = 2.0) -> float:
    return scale


def annotated(config: Any, scale: float = 2.0, *, run: Evaluation) -> float:
    return float(isinstance(run, Evaluation))


def annotated_with_default(config: Any, run: Evaluation | None = None, *, other: parzen.Evaluation = None) -> float:  # type: ignore[assignment]
    return float(isinstance(other, Evaluation))


def variadic(*args: Any, **kwargs: Any) -> float:
    return float(len(args))


class Method:
    def __call__(self, config: Any, evaluation: Any) -> float:
        return float(isinstance(evaluation, Evaluation))

    def objective(self, config: Any) -> float:
        return 1.0


WANTS: dict[str, tuple[Callable[..., Any], str | bool, str | bool]] = {
    "one parameter": (plain, False, False),
    "a second without a default": (second, True, False),
    "a second with a default": (second_with_default, False, False),
    "annotated": (annotated, "run", "run"),
    "annotated by its dotted name": (annotated_with_default, "other", "other"),
    "variadic": (variadic, False, False),
    "a callable object": (Method(), True, False),
    "a bound method": (Method().objective, False, False),
    "a partial that fills the second": (functools.partial(second, evaluation=3), False, False),
    "a lambda": (lambda config, evaluation: 1.0, True, False),
    "a builtin without a signature": (dict.fromkeys, False, False),
    "a class": (float, False, False),
}


@pytest.mark.parametrize("kind", WANTS)
def test_an_objective_that_wants_an_evaluation_is_recognised(kind: str) -> None:
    """By a second positional parameter without default, or an annotation; in the old door by the annotation alone."""
    function, in_ours, in_theirs = WANTS[kind]

    assert wants_evaluation(function) == in_ours
    assert wants_evaluation(function, annotated_only=True) == in_theirs


@pytest.mark.parametrize("kind", ["a second without a default", "annotated", "annotated by its dotted name"])
def test_it_is_given_one(kind: str) -> None:
    """By position or by name."""
    result = parzen.minimize(WANTS[kind][0], SPACE, 2, progress=False)

    assert result.best.loss == 1.0


def test_the_old_door_gives_one_for_an_annotation() -> None:
    """Programs written for Hyperopt have no such annotation, and notice nothing."""
    trials = Trials()

    def objective(x: float, run: Evaluation) -> float:
        run.report(1, 0.5)
        return float(run.number)

    parzen.fmin(objective, hp.uniform("x", 0, 1), parzen.rand.suggest, 3, trials=trials, verbose=False)

    assert trials.losses() == [0.0, 1.0, 2.0]


def test_reports_are_kept_in_order_with_the_trial(tmp_path: Path) -> None:
    """Loss and other metrics, numpy's numbers as well; also in a file, also of a trial that failed later."""

    def objective(config: Any, evaluation: Evaluation) -> float:
        for step in range(3):
            evaluation.report(step, np.float32(step / 2), accuracy=step / 4)
        evaluation.report(3.5, lr=0.1)
        if evaluation.number == 1:
            raise ValueError
        return 1.0

    parzen.minimize(objective, SPACE, 2, catch=True, storage=tmp_path / "s.db", progress=False)
    for trial in Study.load(tmp_path / "s.db").trials:
        assert trial.reports == (
            Report(0.0, {"accuracy": 0.0, "loss": 0.0}),
            Report(1.0, {"accuracy": 0.25, "loss": 0.5}),
            Report(2.0, {"accuracy": 0.5, "loss": 1.0}),
            Report(3.5, {"lr": 0.1}),
        )


def test_reports_of_an_attempt_that_was_interrupted_are_forgotten() -> None:
    """The next attempt begins anew."""
    interrupted = False

    def objective(config: Any, evaluation: Evaluation) -> float:
        nonlocal interrupted
        evaluation.report(1, 5.0 if interrupted else 9.0)
        if not interrupted:
            interrupted = True
            raise KeyboardInterrupt
        return 1.0

    study = Study(SPACE)
    study.run(objective, 1, progress=False)
    study.run(objective, 1, progress=False)

    assert study.trials[0].reports == (Report(1.0, {"loss": 5.0}),)


def test_attachments_are_bytes_beside_the_study(tmp_path: Path) -> None:
    """Found again under the trial's number and the name."""

    def objective(config: Any, evaluation: Evaluation) -> float:
        evaluation.attach("model.bin", bytes([evaluation.number]) * 3)
        return 1.0

    study = parzen.minimize(objective, SPACE, 2, storage=tmp_path / "s.db", progress=False).study

    assert study.storage.get(study.header.uid, "trial/1/model.bin") == b"\x01\x01\x01"
    assert study.storage.get(study.header.uid, "trial/1/other") is None


@pytest.mark.parametrize(
    ("data", "kept"), [(bytearray(b"ab"), b"ab"), (np.array([1, 2], "u1"), b"\1\2"), (object(), None), (3, None)]
)
def test_what_is_attached_is_made_bytes_of_before_it_goes_anywhere(data: Any, kept: bytes | None) -> None:
    """An object of the objective's own may be one that the driver cannot read."""
    sent: list[object] = []
    evaluation = Evaluation(
        0, np.random.default_rng(0), "loss", lambda *_: None, lambda: False, lambda _, sending: sent.append(sending)
    )
    if kept is None:
        with pytest.raises(InvalidResult, match="takes bytes, got a"):
            evaluation.attach("model", data)
    else:
        evaluation.attach("model", data)

    assert sent == ([] if kept is None else [kept])
    assert all(type(one) is bytes for one in sent)


def test_reports_the_wrong_way_round_are_noticed() -> None:
    """Optuna's have the loss first; losses that fall beside whole numbers are no steps, and steps that begin anew are fine."""

    def objective(config: dict[str, Any], evaluation: Evaluation) -> float:
        for step in range(2):
            evaluation.report(1.5 / (step + 1), step)
        return 0.0

    def folds(config: dict[str, Any], evaluation: Evaluation) -> float:
        for step in (0, 1, 0, 1):
            evaluation.report(step, 3.0)
        return 0.0

    with pytest.warns(UserWarning, match="takes the step first: got step 0.75 after 1.5, and loss 1"):
        parzen.minimize(objective, SPACE, trials=1, progress=False)
    assert parzen.minimize(folds, SPACE, trials=1, progress=False).best.loss == 0.0


@pytest.mark.parametrize("step", [float("inf"), float("nan")])
def test_a_step_is_finite(step: float) -> None:
    """A pruner could not tell what comes after it; by hand it is refused as well."""

    def objective(config: Any, evaluation: Evaluation) -> float:
        evaluation.report(step, 1.0)
        return 1.0

    study = Study(SPACE, seed=1)
    trial = study.ask()

    with pytest.raises(InvalidResult, match="takes a finite step"):
        parzen.minimize(objective, SPACE, 1, progress=False)
    with pytest.raises(InvalidResult, match="takes a finite step"):
        study.report(trial, step, 1.0)


@pytest.mark.parametrize("variance", ["0.1x", [0.1, 0.2], -1.0, float("nan"), float("inf")])
def test_a_variance_that_is_none_is_named(variance: Any) -> None:
    """And not the loss, which is fine."""
    with pytest.raises(InvalidResult, match="loss_variance"):
        parzen.minimize(lambda c: {"loss": 0.5, "loss_variance": variance}, SPACE, 1, progress=False)


def test_a_nonsense_report_is_the_objectives_own_error() -> None:
    """It is recorded on its trial like any other."""

    def objective(config: Any, evaluation: Evaluation) -> float:
        evaluation.report("first", 1.0)  # type: ignore[arg-type]
        return 1.0

    result = parzen.minimize(objective, SPACE, 1, catch=ValueError, progress=False)

    assert result.trials[0].state is State.ERROR
