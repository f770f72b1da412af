"""What an objective may raise: anything, and no trial is left RUNNING."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import parzen
from parzen import State, StopStudy, Study, TrialPruned, Trials, hp

SPACE = {"x": hp.float("x", 0, 1)}
TRIALS = 8


class BadStr(Exception):
    """Fails when somebody reads it."""

    def __str__(self) -> str:
        raise RuntimeError("this exception cannot be shown")


class BadRepr(Exception):
    """Fails when somebody looks at it."""

    def __repr__(self) -> str:
        raise RuntimeError("this exception cannot be shown")

    __str__ = __repr__


class OwnBase(BaseException):
    """Passes by every `except Exception`."""


class Slotted(Exception):
    """Takes more than a message."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__(f"{a} and {b}")


def _recursion() -> None:
    _recursion()


def _chained() -> None:
    try:
        {}["inner"]
    except KeyError as error:
        raise ValueError("outer") from error


def _raiser(error: BaseException | type[BaseException]) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


RAISES: dict[str, tuple[Callable[[], Any], type[BaseException]]] = {
    "ValueError": (_raiser(ValueError("bad value")), ValueError),
    "an exception without a message": (_raiser(ValueError), ValueError),
    "ZeroDivisionError": (lambda: 1 / 0, ZeroDivisionError),
    "MemoryError": (_raiser(MemoryError()), MemoryError),
    "RecursionError": (_recursion, RecursionError),
    "StopIteration": (_raiser(StopIteration(3)), StopIteration),
    "a chain of exceptions": (_chained, ValueError),
    "text that is no UTF-8": (_raiser(ValueError("\ud800")), ValueError),
    "a very long message": (_raiser(ValueError("long " * 100_000)), ValueError),
    "an exception with its own arguments": (_raiser(Slotted(1, 2)), Slotted),
    "an exception whose str() fails": (_raiser(BadStr()), BadStr),
    "an exception whose repr() fails": (_raiser(BadRepr()), BadRepr),
    "SystemExit": (_raiser(SystemExit(3)), SystemExit),
    "sys.exit()": (_raiser(SystemExit), SystemExit),
    "own BaseException": (_raiser(OwnBase("mine")), OwnBase),
    "GeneratorExit": (_raiser(GeneratorExit()), GeneratorExit),
    "a warning": (_raiser(UserWarning("careful")), UserWarning),
}


def _objective(act: Callable[[], Any], at: int = 5) -> Callable[[Any], float]:
    calls = 0

    def objective(config: dict[str, float]) -> float:
        nonlocal calls
        calls += 1
        if calls == at:
            act()
        return config["x"]

    return objective


def _minimize(objective: Callable[[Any], float], path: Path, catch: Any = ()) -> Any:
    return parzen.minimize(
        objective, SPACE, TRIALS, algorithm="random", seed=1, storage=path, catch=catch, progress=False
    )


def _fmin(objective: Callable[[Any], float], path: Path, catch: Any = ()) -> Any:
    return parzen.fmin(
        objective,
        SPACE,
        parzen.rand.suggest,
        TRIALS,
        rstate=1,
        storage=path,
        catch_eval_exceptions=bool(catch),
        verbose=False,
    )


DOORS = {"minimize": _minimize, "fmin": _fmin}
doors = pytest.mark.parametrize("door", DOORS)


@doors
@pytest.mark.parametrize("kind", RAISES)
def test_by_default_it_comes_out_after_it_was_recorded_and_the_next_run_goes_on(
    kind: str, door: str, tmp_path: Path
) -> None:
    """The four trials before are kept, the fifth is ERROR with its traceback, none is RUNNING, and the total is reached."""
    act, expected = RAISES[kind]
    path = tmp_path / "study.db"
    with pytest.raises(expected) as caught:
        DOORS[door](_objective(act), path)
    study = Study.load(path)
    error = study.trials[4].error

    assert type(caught.value) is expected
    assert [trial.state for trial in study.trials] == [State.OK] * 4 + [State.ERROR]
    assert error is not None
    assert error.kind.rsplit(".", 1)[-1] == expected.__name__
    assert "test_raises.py" in error.traceback
    study.storage.close()

    DOORS[door](_objective(act, at=-1), path)
    study = Study.load(path)

    assert [trial.state for trial in study.trials] == [State.OK] * 4 + [State.ERROR] + [State.OK] * 3


@doors
@pytest.mark.parametrize("kind", [kind for kind, (_, error) in RAISES.items() if issubclass(error, Exception)])
def test_with_catch_the_search_goes_on(kind: str, door: str, tmp_path: Path) -> None:
    """The trial is ERROR, all others are there."""
    act, _ = RAISES[kind]
    path = tmp_path / "study.db"
    DOORS[door](_objective(act), path, catch=True)
    study = Study.load(path)

    assert [trial.state for trial in study.trials] == [State.OK] * 4 + [State.ERROR] + [State.OK] * 3


@pytest.mark.parametrize("kind", ["SystemExit", "own BaseException", "GeneratorExit"])
def test_catch_true_does_not_catch_what_no_program_catches_by_accident(kind: str, tmp_path: Path) -> None:
    """`True` means every `Exception`; others are named, if somebody wants that."""
    act, expected = RAISES[kind]
    with pytest.raises(expected):
        _minimize(_objective(act), tmp_path / "a.db", catch=True)
    result = _minimize(_objective(act), tmp_path / "b.db", catch=(ValueError, expected))

    assert result.history.count(State.OK) == 7
    assert result.history.count(State.ERROR) == 1


def test_catch_takes_a_class_a_tuple_or_a_list_and_lets_others_out(tmp_path: Path) -> None:
    """Subclasses count."""
    act = RAISES["ZeroDivisionError"][0]
    for i, catch in enumerate([ArithmeticError, (ArithmeticError, KeyError), [ZeroDivisionError]]):
        assert _minimize(_objective(act), tmp_path / f"{i}.db", catch=catch).history.count(State.ERROR) == 1
    with pytest.raises(ZeroDivisionError):
        _minimize(_objective(act), tmp_path / "other.db", catch=(KeyError, ValueError))


def test_the_traceback_in_the_file_leads_to_the_line_that_raised(tmp_path: Path) -> None:
    """With the chain of causes, and the message as it was."""
    _minimize(_objective(_chained), tmp_path / "study.db", catch=True)
    error = Study.load(tmp_path / "study.db").trials[4].error

    assert error is not None
    assert error.kind == "ValueError"
    assert error.message == "outer"
    assert "KeyError: 'inner'" in error.traceback
    assert 'raise ValueError("outer") from error' in error.traceback


@doors
def test_a_keyboard_interrupt_releases_the_running_trial_and_keeps_the_rest(door: str, tmp_path: Path) -> None:
    """`minimize` returns what there is, `fmin` raises; the next run evaluates the same configuration first."""
    path = tmp_path / "study.db"
    objective = _objective(_raiser(KeyboardInterrupt()))
    if door == "minimize":
        result = _minimize(objective, path)

        assert result.stopped_by == "interrupt"
        assert result.best.loss == min(trial.loss for trial in result.trials if trial.loss is not None)
    else:
        with pytest.raises(KeyboardInterrupt):
            _fmin(objective, path)
    before = Study.load(path)

    assert [trial.state for trial in before.trials] == [State.OK] * 4 + [State.WAITING]
    before.storage.close()
    DOORS[door](_objective(lambda: None), path)
    after = Study.load(path)
    assert [trial.state for trial in after.trials] == [State.OK] * TRIALS
    assert after.trials[4].params == before.trials[4].params
    assert after.trials[4].attempt == 2


def test_a_pruned_trial_is_no_failure(tmp_path: Path) -> None:
    """`TrialPruned` gives up the trial, whatever `catch` says."""
    result = _minimize(_objective(_raiser(TrialPruned())), tmp_path / "study.db")

    assert [trial.state for trial in result.trials] == [State.OK] * 4 + [State.PRUNED] + [State.OK] * 3


def test_an_objective_may_stop_the_study(tmp_path: Path) -> None:
    """`StopStudy` ends the run; its own trial is CANCELLED and costs nothing of the total."""
    path = tmp_path / "study.db"
    result = _minimize(_objective(_raiser(StopStudy())), path)

    assert result.stopped_by == "callback"
    assert result.trials[4].state is State.CANCELLED
    again = _minimize(_objective(lambda: None), path)
    assert again.history.count(State.OK) == TRIALS


def test_in_the_old_door_a_document_of_a_caught_exception_is_kept_in_state_error() -> None:
    """As in Hyperopt: it is among the documents, not among `trials`, and has the exception's name."""
    trials = Trials()
    parzen.fmin(
        _objective(RAISES["ZeroDivisionError"][0]),
        SPACE,
        parzen.rand.suggest,
        TRIALS,
        trials=trials,
        catch_eval_exceptions=True,
        verbose=False,
    )
    documents = trials._dynamic_trials

    assert len(documents) == TRIALS
    assert len(trials) == TRIALS - 1
    assert documents[4]["state"] == parzen.JOB_STATE_ERROR
    assert documents[4]["misc"]["error"][0] == "<class 'ZeroDivisionError'>"
