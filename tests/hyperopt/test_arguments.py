"""What `fmin` takes: spaces in annotations, odd spaces, arguments that are refused; and signals in the document loop."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import parzen as hyperopt
from parzen import hp, rand
from parzen.hyperopt.exceptions import InvalidAnnotatedParameter


def test_the_space_may_be_in_the_annotations() -> None:
    """The objective gets its parameters by name."""
    seen: list[tuple[float, str]] = []

    def objective(x, kind):  # type: ignore[no-untyped-def]
        seen.append((x, kind))
        return x**2 + (kind == "b")

    # As a program without postponed annotations has them.
    objective.__annotations__ = {"x": hp.uniform("x", -1, 1), "kind": hp.choice("kind", ["a", "b"])}
    best = hyperopt.fmin(objective, space="annotated", algo=rand.suggest, max_evals=5, rstate=0, verbose=False)

    assert len(seen) == 5
    assert best.config == {"x": best["x"], "kind": "ab"[best["kind"]]}


def test_an_annotation_that_is_no_node_is_refused() -> None:
    """With the parameter's name."""

    def objective(x):  # type: ignore[no-untyped-def]
        return x

    objective.__annotations__ = {"x": 3}
    with pytest.raises(InvalidAnnotatedParameter, match="x"):
        hyperopt.fmin(objective, space="annotated", max_evals=1, verbose=False)


@pytest.mark.parametrize("space", [{}, [], (), 7, {1: hp.uniform("x", 0, 1), "a": 2, (3, 4): None}])
def test_odd_spaces_are_searched(space: Any) -> None:
    """Nothing to choose, constants, and keys of several types."""
    seen: list[Any] = []
    hyperopt.fmin(lambda c: float(len(seen.append(c) or seen)), space, rand.suggest, 3, rstate=0, verbose=False)

    assert len(seen) == 3
    if isinstance(space, dict) and space:
        assert set(seen[0]) == {1, "a", (3, 4)}


def test_rseed_is_no_argument() -> None:
    """hyperas tries it, and takes `rstate` on a TypeError."""
    with pytest.raises(TypeError, match="rseed"):
        hyperopt.fmin(lambda x: x, hp.uniform("x", 0, 1), max_evals=1, rseed=1, verbose=False)  # type: ignore[call-arg]


@pytest.mark.parametrize("rstate", [3, np.int64(3), np.random.RandomState(3), np.random.default_rng(3)])
def test_any_source_of_randomness_makes_the_search_repeatable(rstate: Any) -> None:
    """Integers, numpy's old and new generators."""
    import copy

    runs = [
        hyperopt.fmin(lambda x: x, hp.uniform("x", 0, 1), rand.suggest, 4, rstate=copy.deepcopy(rstate), verbose=False)
        for _ in range(2)
    ]

    assert runs[0] == runs[1]


def test_no_argument_of_the_loop_is_ignored_silently() -> None:
    """A timeout that is none is Hyperopt's error."""
    with pytest.raises(Exception, match="timeout"):
        hyperopt.fmin(lambda x: x, hp.uniform("x", 0, 1), max_evals=1, timeout=-1, verbose=False)
    with pytest.raises(Exception, match="loss_threshold"):
        hyperopt.fmin(lambda x: x, hp.uniform("x", 0, 1), max_evals=1, loss_threshold="low", verbose=False)


INTERRUPTED = """
import os, signal, sys
import parzen as hyperopt
from parzen import hp, rand, Trials

signal.signal(signal.SIGINT, signal.default_int_handler)
trials, calls = Trials(), []

def objective(x):
    calls.append(x)
    if len(calls) == 3:
        os.kill(os.getpid(), getattr(signal, sys.argv[1]))
    return x

def suggest(*args):
    return rand.suggest(*args)

try:
    hyperopt.fmin(objective, hp.uniform("x", 0, 1), suggest, 9, trials=trials, rstate=0, verbose=False)
except BaseException as error:
    print(type(error).__name__, len(calls), [doc["state"] for doc in trials._dynamic_trials])
"""


@pytest.mark.parametrize(("name", "raised"), [("SIGINT", "KeyboardInterrupt"), ("SIGTERM", "SystemExit")])
def test_a_signal_leaves_nothing_running_in_the_document_loop(
    name: str, raised: str, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """What was evaluated stays, what was under way goes."""
    done = run_python("-c", INTERRUPTED, name)

    assert done.stdout.split() == [raised, "3", "[2,", "2]"], done.stderr


@pytest.mark.parametrize(
    ("result", "loss"),
    [
        ({"loss": "3.5", "status": "ok"}, 3.5),
        ([("loss", 1), ("status", "ok")], 1.0),
        ({"loss": float("inf"), "status": "ok"}, float("inf")),
    ],
)
def test_results_that_hyperopt_converts_are_converted(result: Any, loss: float) -> None:
    """Text that is a number, pairs, and a penalty that is infinite."""
    best = hyperopt.fmin(lambda x: result, hp.uniform("x", 0, 1), rand.suggest, 2, rstate=0, verbose=False)

    assert best.loss == loss


def test_a_status_of_a_trial_that_goes_on_is_kept_in_the_document() -> None:
    """It is no loss."""
    trials = hyperopt.Trials()
    hyperopt.fmin(
        lambda x: {"status": "running" if x < 0.5 else "ok", "loss": x},
        hp.uniform("x", 0, 1), rand.suggest, 8, trials=trials, rstate=0, verbose=False,
    )  # fmt: skip

    assert set(trials.statuses()) == {"running", "ok"}
    assert min(doc["result"]["loss"] for doc in trials.trials if doc["result"]["status"] == "ok") >= 0.5


def test_an_error_about_a_result_has_the_result() -> None:
    """As Hyperopt's have."""
    with pytest.raises(hyperopt.exceptions.InvalidResultStatus) as caught:
        hyperopt.fmin(lambda x: {"loss": 1, "status": "zz"}, hp.uniform("x", 0, 1), max_evals=1, verbose=False)

    assert caught.value.result == {"loss": 1, "status": "zz"}


def test_the_answer_is_printed_in_order_of_the_labels() -> None:
    """As Hyperopt's is."""
    space = [hp.uniform("z", 0, 1), hp.uniform("a", 0, 1), hp.choice("m", [1, 2])]
    trials = hyperopt.Trials()
    best = hyperopt.fmin(lambda c: c[0], space, rand.suggest, 2, trials=trials, rstate=0, verbose=False)

    assert list(best) == list(trials.argmin) == list(trials.trials[0]["misc"]["vals"]) == ["a", "m", "z"]
