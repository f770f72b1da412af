"""What an objective may return: every row of the table in `parzen.run._objective`, through both doors."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

import parzen
from parzen import State, Study, Trials, hp
from parzen.errors import AllTrialsFailed, InvalidLoss, InvalidResult, ObjectiveError

SPACE = {"x": hp.float("x", 0, 1)}
TRIALS = 6


class Floatable:
    """A number by its own word."""

    def __float__(self) -> float:
        return 2.5


class Integer:
    """An index, but no number."""

    def __index__(self) -> int:
        return 2


class BadFloat:
    """Says it is a number, and fails."""

    def __float__(self) -> float:
        raise RuntimeError("no number today")


class BadRepr:
    """Neither a number nor fit to be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr today")


def _generator() -> Iterator[float]:
    yield 1.0


async def _coroutine() -> float:
    return 1.0


NUMBERS: dict[str, tuple[Callable[[], Any], float]] = {
    "float": (lambda: 2.5, 2.5),
    "int": (lambda: 3, 3.0),
    "negative": (lambda: -7.25, -7.25),
    "zero": (lambda: -0.0, 0.0),
    "bool": (lambda: True, 1.0),
    "large int": (lambda: 10**300, 1e300),
    "Decimal": (lambda: Decimal("2.5"), 2.5),
    "Fraction": (lambda: Fraction(5, 2), 2.5),
    "object with __float__": (Floatable, 2.5),
    "object with __index__": (Integer, 2.0),
    "numpy float64": (lambda: np.float64(2.5), 2.5),
    "numpy float32": (lambda: np.float32(2.5), 2.5),
    "numpy float16": (lambda: np.float16(2.5), 2.5),
    "numpy int8": (lambda: np.int8(3), 3.0),
    "numpy bool": (lambda: np.bool_(False), 0.0),
    "numpy 0-d array": (lambda: np.array(2.5), 2.5),
    "numpy array of one": (lambda: np.array([2.5]), 2.5),
    "numpy array of one by one": (lambda: np.array([[2.5]]), 2.5),
    "mapping with a loss": (lambda: {"loss": 2.5}, 2.5),
    "mapping with loss and status": (lambda: {"loss": np.array(2.5), "status": "ok"}, 2.5),
    "read-only mapping": (lambda: MappingProxyType({"loss": 2.5, "status": "ok"}), 2.5),
    "mapping with variance": (lambda: {"loss": Decimal("2.5"), "status": "ok", "loss_variance": 0.1}, 2.5),
}

FAILURES: dict[str, Callable[[], Any]] = {
    "NaN": lambda: float("nan"),
    "numpy NaN": lambda: np.float32("nan"),
    "Decimal NaN": lambda: Decimal("nan"),
    "-inf": lambda: -math.inf,
    "NaN in a mapping": lambda: {"loss": math.nan, "status": "ok"},
    "status fail": lambda: {"status": "fail"},
    "status fail with a loss": lambda: {"status": "fail", "loss": 1.0},
    "status fail with a reason": lambda: {"status": "fail", "error": "diverged"},
}

BAD_LOSSES: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "text": lambda: "0.5",
    "numpy text": lambda: np.str_("0.5"),
    "array of text": lambda: np.array("0.5"),
    "bytes": lambda: b"0.5",
    "complex": lambda: 1 + 2j,
    "numpy complex": lambda: np.complex64(1 + 2j),
    "array of complex": lambda: np.array(1 + 2j),
    "int 10**400": lambda: 10**400,
    "array of 2": lambda: np.array([1.0, 2.0]),
    "empty array": lambda: np.array([]),
    "list [1.0]": lambda: [1.0],
    "tuple": lambda: (1.0, 2.0),
    "set": lambda: {1.0},
    "generator": _generator,
    "coroutine": _coroutine,
    "function": lambda: len,
    "class": lambda: float,
    "Ellipsis": lambda: ...,
    "object": object,
    "a date": lambda: datetime.date(2020, 1, 1),
    "__float__ that raises": BadFloat,
    "repr that raises": BadRepr,
    "mapping with loss None": lambda: {"loss": None, "status": "ok"},
    "mapping with loss of text": lambda: {"loss": "low", "status": "ok"},
    "mapping without a loss": lambda: {"status": "ok", "accuracy": 1.0},
}

BAD_RESULTS: dict[str, Callable[[], Any]] = {
    "mapping with a bad variance": lambda: {"loss": 1.0, "status": "ok", "loss_variance": "much"},
    "empty dict": dict,
    "mapping without loss and status": lambda: {"accuracy": 0.9},
    "unknown status": lambda: {"status": "fine", "loss": 1.0},
    "status new": lambda: {"status": "new"},
    "status running": lambda: {"status": "running", "loss": 1.0},
    "status suspended": lambda: {"status": "suspended"},
    "status that is no text": lambda: {"status": 1, "loss": 1.0},
    "status that is a list": lambda: {"status": ["ok"], "loss": 1.0},
    "status None": lambda: {"status": None, "loss": 1.0},
}

Search = Callable[..., tuple[Study | None, list[float | None]]]


def _minimize(objective: Callable[[Any], Any], **settings: Any) -> list[float | None]:
    catch = settings.pop("catch", False)
    result = parzen.minimize(
        objective, SPACE, TRIALS, algorithm="random", seed=1, catch=catch, progress=False, **settings
    )
    return [trial.loss if trial.state is State.OK else None for trial in result.trials]


def _fmin(objective: Callable[[Any], Any], **settings: Any) -> list[float | None]:
    trials, catch = Trials(), settings.pop("catch", False)
    parzen.fmin(
        objective,
        SPACE,
        parzen.rand.suggest,
        TRIALS,
        trials=trials,
        rstate=1,
        catch_eval_exceptions=catch,
        verbose=False,
        return_argmin=False,
        **settings,
    )
    # The documents keep what was returned, as in Hyperopt: NaN with status "ok" too.
    losses = [float(doc["result"].get("loss", "nan")) for doc in trials.trials]
    states = [doc["result"]["status"] for doc in trials.trials]
    return [loss if loss > -math.inf and state == "ok" else None for loss, state in zip(losses, states, strict=True)]


DOORS = {"minimize": _minimize, "fmin": _fmin}
doors = pytest.mark.parametrize("door", DOORS)


def _once(make: Callable[[], Any]) -> Callable[[Any], Any]:
    """Returns the thing on the fourth call, and numbers elsewhere."""
    calls = 0

    def objective(config: Any) -> Any:
        nonlocal calls
        calls += 1
        return make() if calls == 4 else 10.0 + calls

    return objective


OTHERS = [11.0, 12.0, 13.0, 15.0, 16.0]


@doors
@pytest.mark.parametrize("kind", NUMBERS)
def test_a_number_of_any_kind_is_a_loss(kind: str, door: str) -> None:
    """Also inside of a mapping; the search goes on."""
    make, loss = NUMBERS[kind]
    losses = DOORS[door](_once(make))

    assert losses == [*OTHERS[:3], loss, *OTHERS[3:]]


@doors
def test_an_infinite_loss_is_kept_and_never_the_best(door: str) -> None:
    """It says that the configuration is bad, and the search goes on."""
    losses = DOORS[door](_once(lambda: math.inf))

    assert losses == [*OTHERS[:3], math.inf, *OTHERS[3:]]


@doors
@pytest.mark.parametrize("kind", FAILURES)
def test_a_result_that_says_failure_fails_its_trial_and_the_search_goes_on(kind: str, door: str) -> None:
    """Without a word from `catch`: this is what an objective that fails politely does."""
    losses = DOORS[door](_once(FAILURES[kind]))

    assert losses == [*OTHERS[:3], None, *OTHERS[3:]]


def test_a_failed_trial_says_why() -> None:
    """The reason is on the trial: the objective's own, or what is wrong with the loss."""
    for kind, reason in {
        "NaN": "NaN",
        "-inf": "-inf",
        "status fail": "reported a failure",
        "status fail with a reason": "diverged",
    }.items():
        result = parzen.minimize(_once(FAILURES[kind]), SPACE, TRIALS, algorithm="random", progress=False)
        trial = result.trials[3]

        assert trial.state is State.FAILED
        assert reason in str(trial.error)


# Hyperopt takes any of its statuses from an objective, and so does its door: `tests/hyperopt/test_arguments.py`.
TAKEN_BY_HYPEROPT = ("status new", "status running", "status suspended")
NONSENSE = [
    (kind, door) for kind in (*BAD_LOSSES, *BAD_RESULTS) for door in DOORS if (kind, door) not in
    {(taken, "fmin") for taken in TAKEN_BY_HYPEROPT}
]  # fmt: skip


@pytest.mark.parametrize(("kind", "door"), NONSENSE)
def test_a_result_that_is_nonsense_ends_the_search_with_an_error_that_names_the_trial(
    kind: str, door: str, tmp_path: Path
) -> None:
    """The trial is FAILED, those before are kept, and the next run goes on."""
    expected = InvalidLoss if kind in BAD_LOSSES else InvalidResult
    path = tmp_path / "study.db"
    with pytest.raises(expected) as caught:
        DOORS[door](_once({**BAD_LOSSES, **BAD_RESULTS}[kind]), storage=path)
    error = caught.value

    assert isinstance(error, ObjectiveError)
    assert isinstance(error, ValueError)
    assert error.number == 3
    assert error.params is not None
    assert "trial 3" in str(error)
    assert repr(error.params["x"]) in str(error)
    study = Study.load(path)
    assert [trial.state for trial in study.trials] == [State.OK] * 3 + [State.FAILED]
    assert study.trials[3].error is not None
    study.storage.close()
    assert DOORS[door](lambda config: 1.0, storage=path).count(1.0) == 2


@doors
@pytest.mark.parametrize("kind", [*BAD_LOSSES, *BAD_RESULTS])
def test_a_result_that_is_nonsense_fails_its_trial_only_when_errors_are_caught(kind: str, door: str) -> None:
    """With `catch=True`, or `catch_eval_exceptions`, the search goes on; in the old door such documents do not show."""
    losses = DOORS[door](_once({**BAD_LOSSES, **BAD_RESULTS}[kind]), catch=True)

    assert [loss for loss in losses if loss is not None] == OTHERS


@doors
def test_a_search_in_which_all_losses_are_nan_ends_with_a_useful_error(door: str) -> None:
    """`AllTrialsFailed` says how many there were, what was wrong with most of them, and what to look at."""
    with pytest.raises(
        AllTrialsFailed, match=r"none of 6 .*6 FAILED.*6 × the loss is NaN, as in trial 0.*trials\[0\].config"
    ):
        if door == "minimize":
            _ = parzen.minimize(lambda config: math.nan, SPACE, TRIALS, progress=False).best
        else:
            parzen.fmin(lambda config: math.nan, SPACE, parzen.rand.suggest, TRIALS, verbose=False)


@pytest.mark.parametrize(
    ("direction", "worst", "impossible"), [("minimize", math.inf, -math.inf), ("maximize", -math.inf, math.inf)]
)
def test_which_infinity_is_a_loss_depends_on_the_direction(direction: Any, worst: float, impossible: float) -> None:
    """The worst one is a result; the best conceivable one is a fault, because it would win for ever."""
    values = iter([1.0, worst, impossible, 2.0])
    result = parzen.minimize(
        lambda config: next(values), SPACE, 4, direction=direction, algorithm="random", progress=False
    )

    assert [trial.state for trial in result.trials] == [State.OK, State.OK, State.FAILED, State.OK]
    assert result.best.number == (0 if direction == "minimize" else 3)
    assert result.trials[1].loss == worst


def test_what_else_a_mapping_holds_is_kept(tmp_path: Path) -> None:
    """Numbers of numpy as numbers, arrays as lists; variance beside the loss."""

    def objective(config: Any) -> dict[str, Any]:
        return {
            "loss": 1.0,
            "status": "ok",
            "loss_variance": np.float32(0.25),
            "accuracy": np.float64(0.5),
            "confusion": np.arange(4).reshape(2, 2),
            "text": "é\ud800\x00",
            "nested": {"deep": [1, (2, 3)]},
            "odd": [math.nan, math.inf],
        }

    parzen.minimize(objective, SPACE, 1, storage=tmp_path / "study.db", progress=False)
    study = Study.load(tmp_path / "study.db")
    extra = study.trials[0].extra

    assert extra["accuracy"] == 0.5
    assert extra["confusion"] == [[0, 1], [2, 3]]
    assert extra["text"] == "é\ud800\x00"
    assert extra["nested"] == {"deep": [1, [2, 3]]}
    assert study.history.variances[0] == 0.25
