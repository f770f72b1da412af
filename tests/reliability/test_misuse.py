"""Arguments that make no sense are errors, before anything is evaluated and before a file is made."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import parzen
from parzen import SpaceError, State, StopStudy, Study, Trials, hp, stopping
from parzen.errors import (
    AlgorithmError,
    AllTrialsFailed,
    OutOfSpace,
    ParzenError,
    SpaceMismatch,
    StudyError,
    UnknownLabel,
)

SPACE = {"a": hp.float("a", 0, 1), "k": hp.categorical("k", ["p", "q"])}


class Counted:
    """An objective that knows how often it was called."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, config: dict[str, float]) -> float:
        self.calls += 1
        return config["a"]


MINIMIZE: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "trials = -1": ({"trials": -1}, ValueError, "trials"),
    "trials = 2.5": ({"trials": 2.5}, ValueError, "whole"),
    "trials = 3.0": ({"trials": 3.0}, TypeError, "write 3"),
    "trials = NaN": ({"trials": math.nan}, ValueError, "trials"),
    "trials = inf": ({"trials": math.inf}, ValueError, "trials"),
    "trials = True": ({"trials": True}, TypeError, "trials"),
    "trials = '10'": ({"trials": "10"}, TypeError, "trials"),
    "trials = Decimal": ({"trials": Decimal(3)}, TypeError, "trials"),
    "timeout = -1": ({"timeout": -1}, ValueError, "timeout"),
    "timeout = 0": ({"timeout": 0}, ValueError, "timeout"),
    "timeout = NaN": ({"timeout": math.nan}, ValueError, "timeout"),
    "timeout = 'x'": ({"timeout": "x"}, ValueError, "timeout"),
    "timeout = True": ({"timeout": True}, ValueError, "timeout"),
    "timeout = an array": ({"timeout": np.array([1.0, 2.0])}, ValueError, "timeout"),
    "seed = -1": ({"seed": -1}, ValueError, "seed"),
    "seed = 1.5": ({"seed": 1.5}, ValueError, "seed"),
    "seed = True": ({"seed": True}, ValueError, "seed"),
    "seed = text": ({"seed": "1"}, ValueError, "seed"),
    "seed = a generator": ({"seed": np.random.default_rng()}, ValueError, "seed"),
    "an unknown algorithm": ({"algorithm": "simulated hope"}, AlgorithmError, "random, tpe"),
    "an algorithm's class": ({"algorithm": parzen.algorithms.Random}, AlgorithmError, "record"),
    "an algorithm that is none": ({"algorithm": 3}, AlgorithmError, "record"),
    "the old door's module": ({"algorithm": parzen.tpe}, AlgorithmError, "record"),
    "the old door's algorithm": ({"algorithm": parzen.tpe.suggest}, AlgorithmError, "record"),
    "grace without a timeout": ({"grace": 2}, ValueError, "timeout="),
    "parallel = 0": ({"parallel": 0}, ValueError, "parallel"),
    "parallel = 1.5": ({"parallel": 1.5}, ValueError, "parallel"),
    "objective not callable": ({"objective": 3}, TypeError, "callable"),
    "objective None": ({"objective": None}, TypeError, "callable"),
    "catch = 3": ({"catch": 3}, TypeError, "catch"),
    "catch = text": ({"catch": "ValueError"}, TypeError, "catch"),
    "catch = None": ({"catch": None}, TypeError, "catch"),
    "catch = a class that is no exception": ({"catch": int}, TypeError, "catch"),
    "catch = an instance": ({"catch": (ValueError("x"),)}, TypeError, "catch"),
    "direction = up": ({"direction": "up"}, ValueError, "direction"),
    "direction = None": ({"direction": None}, ValueError, "direction"),
    "direction = a list": ({"direction": ["minimize"]}, ValueError, "direction"),
    "stop = 3": ({"stop": 3}, TypeError, "stop"),
    "stop = text": ({"stop": "timeout"}, TypeError, "stop"),
    "stop = a list of text": ({"stop": ["timeout"]}, TypeError, "stop"),
    "callbacks = a function": ({"callbacks": print}, TypeError, "callbacks"),
    "callbacks = text": ({"callbacks": ["print"]}, TypeError, "callbacks"),
    "enqueue = a mapping": ({"enqueue": {"a": 0.5}}, TypeError, "enqueue"),
    "enqueue an unknown label": ({"enqueue": [{"b": 0.5}]}, UnknownLabel, "'b'"),
    "enqueue out of bounds": ({"enqueue": [{"a": 2.0}]}, OutOfSpace, "'a'"),
    "enqueue of an option that is none": ({"enqueue": [{"k": "r"}]}, OutOfSpace, "'k'"),
    "enqueue NaN": ({"enqueue": [{"a": math.nan}]}, OutOfSpace, "'a'"),
    "enqueue text": ({"enqueue": [{"a": "0.5"}]}, OutOfSpace, "'a'"),
    "the second of two is wrong": ({"enqueue": [{"a": 0.5}, {"a": 5}]}, OutOfSpace, "'a'"),
    "progress = 3": ({"progress": 3}, TypeError, "progress"),
    "progress = text": ({"progress": "loud"}, ValueError, "progress"),
    "name = ''": ({"name": ""}, StudyError, "name"),
    "name = 3": ({"name": 3}, StudyError, "name"),
    "storage = 3": ({"storage": 3}, ParzenError, "storage"),
    "storage = an unknown URL": ({"storage": "gopher://x"}, ParzenError, "gopher"),
    "storage = ''": ({"storage": ""}, ParzenError, "storage"),
    "space = None": ({"space": None}, SpaceError, "None"),
}


@pytest.mark.parametrize("kind", MINIMIZE)
def test_nonsense_is_an_error_before_the_first_evaluation(kind: str) -> None:
    """Of a class that fits, naming the argument; nothing is evaluated and nothing is left in the study."""
    settings, expected, word = MINIMIZE[kind]
    objective = Counted()
    given: dict[str, Any] = {"objective": objective, "space": SPACE, "trials": 3, "progress": False, **settings}
    with pytest.raises(expected, match=word):
        parzen.minimize(**given)

    assert objective.calls == 0


FMIN: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "max_evals = -1": ({"max_evals": -1}, ValueError, "max_evals"),
    "max_evals = 2.5": ({"max_evals": 2.5}, ValueError, "max_evals"),
    "max_evals = NaN": ({"max_evals": math.nan}, ValueError, "max_evals"),
    "max_evals = True": ({"max_evals": True}, TypeError, "max_evals"),
    "max_evals = text": ({"max_evals": "10"}, TypeError, "max_evals"),
    "timeout = -1": ({"timeout": -1}, ValueError, "timeout"),
    "timeout = NaN": ({"timeout": math.nan}, ValueError, "timeout"),
    "timeout = True": ({"timeout": True}, ValueError, "timeout"),
    "loss_threshold = NaN": ({"loss_threshold": math.nan}, ValueError, "loss threshold"),
    "loss_threshold = text": ({"loss_threshold": "low"}, ValueError, "loss_threshold"),
    "rstate = -1": ({"rstate": -1}, ValueError, "rstate"),
    "rstate = text": ({"rstate": "x"}, ValueError, "rstate"),
    "rstate = 1.5": ({"rstate": 1.5}, ValueError, "rstate"),
    "algo = 3": ({"algo": 3}, AlgorithmError, "algo"),
    "algo = the module": ({"algo": parzen.tpe}, AlgorithmError, "tpe.suggest"),
    "fn not callable": ({"fn": 3}, TypeError, "callable"),
    "space = None": ({"space": None}, SpaceError, "None"),
    "points_to_evaluate of numbers": ({"points_to_evaluate": [3]}, TypeError, "points_to_evaluate"),
    "trials is a list": ({"trials": []}, TypeError, "trials"),
    "early_stop_fn not callable": ({"early_stop_fn": 3}, TypeError, "early_stop_fn"),
}


@pytest.mark.parametrize("kind", FMIN)
def test_nonsense_is_an_error_in_the_old_door_too(kind: str) -> None:
    """Hyperopt took some of these in silence, and ran nothing."""
    settings, expected, word = FMIN[kind]
    objective = Counted()
    given: dict[str, Any] = {
        "fn": objective, "space": SPACE, "algo": parzen.rand.suggest, "max_evals": 3, "verbose": False, **settings
    }  # fmt: skip
    with pytest.raises(expected, match=word):
        parzen.fmin(**given)

    assert objective.calls == 0


def test_sensible_numbers_of_other_kinds_are_taken() -> None:
    """Numpy's integers, a huge seed, an infinite timeout, a Fraction of an hour."""
    result = parzen.minimize(
        Counted(),
        SPACE,
        np.int64(3),
        seed=2**80,
        timeout=math.inf,
        algorithm="random",
        progress=False,  # type: ignore[arg-type]
    )
    other = parzen.minimize(
        Counted(),
        SPACE,
        np.uint8(3),
        seed=np.int32(4),
        timeout=Decimal(3600),
        progress=False,  # type: ignore[arg-type]
    )

    assert len(result.trials) == len(other.trials) == 3


@pytest.mark.parametrize("door", ["minimize", "fmin"])
def test_no_trials_are_no_trials(door: str) -> None:
    """Zero is a number; there is no best then, and the error says why."""
    objective = Counted()
    with pytest.raises(AllTrialsFailed, match="no trial has been run"):
        if door == "minimize":
            _ = parzen.minimize(objective, SPACE, 0, progress=False).best
        else:
            parzen.fmin(objective, SPACE, parzen.rand.suggest, 0, verbose=False)

    assert objective.calls == 0


OTHERS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "a parameter renamed": ({"a2": hp.float("a2", 0, 1), "k": SPACE["k"]}, ("'a'", "'a2'")),
    "a parameter added": ({**SPACE, "b": hp.float("b", 0, 1)}, ("'b'",)),
    "a parameter left out": ({"a": SPACE["a"]}, ("'k'",)),
    "another range": ({**SPACE, "a": hp.float("a", 0, 2)}, ("'a'", "2")),
    "another scale": ({**SPACE, "a": hp.float("a", 1e-9, 1, log=True)}, ("'a'",)),
    "another kind": ({**SPACE, "a": hp.int("a", 0, 1)}, ("'a'",)),
    "an option more": ({**SPACE, "k": hp.categorical("k", ["p", "q", "r"])}, ("'k'",)),
    "options in another order": ({**SPACE, "k": hp.categorical("k", ["q", "p"])}, ("'k'",)),
    "another constant": ({**SPACE, "fixed": 3}, ("",)),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_another_space_under_the_same_name_is_refused_with_the_difference(kind: str, tmp_path: Path) -> None:
    """Before anything is evaluated; the study is as it was, and another name takes the new space."""
    other, words = OTHERS[kind]
    path, objective = tmp_path / "study.db", Counted()
    parzen.minimize(Counted(), SPACE, 4, storage=path, progress=False)
    with pytest.raises(SpaceMismatch) as caught:
        parzen.minimize(objective, other, 8, storage=path, progress=False)

    assert objective.calls == 0
    assert all(word in str(caught.value) for word in words)
    assert caught.value.differences
    assert "name" in str(caught.value)
    assert len(Study.load(path).trials) == 4
    parzen.minimize(lambda config: 1.0, other, 2, storage=path, name="new", progress=False)
    assert len(Study.load(path, "new").trials) == 2


@pytest.mark.parametrize("kind", OTHERS)
def test_in_the_old_door_documents_of_another_space_are_kept_and_left_out(kind: str) -> None:
    """As many further evaluations as are missing, no `KeyError`, no document lost."""
    other, _ = OTHERS[kind]
    trials = Trials()
    parzen.fmin(Counted(), SPACE, parzen.rand.suggest, 6, trials=trials, rstate=1, verbose=False)
    before = [dict(doc) for doc in trials.trials]
    calls = []
    parzen.fmin(
        lambda config: calls.append(config) or 1.0,
        other,
        parzen.tpe.suggest,
        10,
        trials=trials,
        rstate=2,
        verbose=False,
    )

    assert len(calls) == 4
    assert len(trials) == 10
    assert [doc["misc"]["vals"] for doc in trials.trials[:6]] == [doc["misc"]["vals"] for doc in before]
    assert [doc["result"] for doc in trials.trials[:6]] == [doc["result"] for doc in before]
    assert sorted(trials.tids) == list(range(10))


def test_another_direction_is_refused(tmp_path: Path) -> None:
    """A study that was to be minimised is not maximised by a slip."""
    parzen.minimize(Counted(), SPACE, 2, storage=tmp_path / "s.db", progress=False)
    with pytest.raises(StudyError, match="direction"):
        parzen.minimize(Counted(), SPACE, 4, storage=tmp_path / "s.db", direction="maximize", progress=False)


# --- callbacks ----------------------------------------------------------------------------------------------------


def test_a_callback_that_raises_ends_the_run_and_loses_nothing(tmp_path: Path) -> None:
    """The exception comes out; the trial that it was shown is recorded; the next run goes on."""

    def callback(study: Study, trial: parzen.Trial) -> None:
        if trial.number == 4:
            raise RuntimeError("callback")

    with pytest.raises(RuntimeError, match="callback"):
        parzen.minimize(Counted(), SPACE, 9, storage=tmp_path / "s.db", callbacks=[callback], progress=False)
    before = [trial.state for trial in Study.load(tmp_path / "s.db").trials]
    after = parzen.minimize(Counted(), SPACE, 9, storage=tmp_path / "s.db", progress=False)

    assert before == [State.OK] * 5
    assert after.history.count(State.OK) == 9


def test_a_callback_may_stop_the_study() -> None:
    """`StopStudy` is a normal end."""

    def callback(study: Study, trial: parzen.Trial) -> None:
        if trial.number == 4:
            raise StopStudy

    result = parzen.minimize(Counted(), SPACE, 9, callbacks=[callback], progress=False)

    assert (result.stopped_by, len(result.trials)) == ("callback", 5)


def test_a_callback_may_ask_the_study_to_stop() -> None:
    """`study.stop()`, here or in another program."""
    result = parzen.minimize(
        Counted(),
        SPACE,
        9,
        callbacks=[lambda study, trial: study.stop() if trial.number == 2 else None],
        progress=False,
    )

    assert (result.stopped_by, len(result.trials)) == ("request", 3)


def test_callbacks_see_every_trial_once_in_order() -> None:
    """After it is in the log, failed ones as well."""
    seen: list[tuple[int, State, int]] = []

    def callback(study: Study, trial: parzen.Trial) -> None:
        seen.append((trial.number, trial.state, study.history.finished))

    objective: Callable[[Any], float] = lambda config: math.nan if config["a"] > 0.5 else 1.0  # noqa: E731
    result = parzen.minimize(objective, SPACE, 6, callbacks=[callback], progress=False)

    assert seen == [(trial.number, trial.state, trial.number + 1) for trial in result.trials]


BAD_RULES: dict[str, Callable[[], object]] = {
    "TrialsDone(-1)": lambda: stopping.TrialsDone(-1),
    "TrialsDone(2.5)": lambda: stopping.TrialsDone(2.5),  # type: ignore[arg-type]
    "Timeout(0)": lambda: stopping.Timeout(0),
    "Timeout(NaN)": lambda: stopping.Timeout(math.nan),
    "Timeout('1')": lambda: stopping.Timeout("1"),  # type: ignore[arg-type]
    "LossReached(NaN)": lambda: stopping.LossReached(math.nan),
    "LossReached(True)": lambda: stopping.LossReached(True),
    "LossReached('low')": lambda: stopping.LossReached("low"),  # type: ignore[arg-type]
    "NoProgress(0)": lambda: stopping.NoProgress(0),
    "NoProgress(3.5)": lambda: stopping.NoProgress(3.5),  # type: ignore[arg-type]
    "NoProgress(percent=-1)": lambda: stopping.NoProgress(3, percent=-1),
    "NoProgress(percent=NaN)": lambda: stopping.NoProgress(3, percent=math.nan),
}


@pytest.mark.parametrize("kind", BAD_RULES)
def test_a_stop_rule_that_makes_no_sense_is_an_error_when_it_is_made(kind: str) -> None:
    """Not when it is first asked."""
    with pytest.raises(ValueError, match=r"must be|is a number"):
        BAD_RULES[kind]()
