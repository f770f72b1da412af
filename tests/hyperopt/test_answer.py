"""What `fmin` gives back: Hyperopt's dict, and what it stands for on the same object."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from typing import Any

import numpy as np
import pytest

import parzen as hyperopt
from parzen import Trials, hp
from parzen.errors import AllTrialsFailed, OutOfSpace

SPACE = [hp.choice("learning_rate", [1.0, 0.1, 0.01]), hp.choice("max_init_x", [10.0, 1.0])]
CONDITIONAL = hp.choice(
    "model",
    [
        {
            "kind": "svm",
            "C": hp.lognormal("C", 0, 1),
            "kernel": hp.choice("kernel", ["linear", {"rbf": hp.uniform("w", 1, 2)}]),
        },
        {
            "kind": "tree",
            "depth": hp.quniform("depth", 1, 9, 1),
            "leaf": hp.randint("leaf", 5),
            "n": hp.uniformint("n", 1, 3),
        },
    ],
)


def _descent(hyperparams: tuple[float, float]) -> dict[str, Any]:
    learning_rate, max_init_x = hyperparams
    x = max_init_x * 0.7
    for _ in range(10):
        x -= learning_rate * 2 * x
    return {"loss": x * x, "status": hyperopt.STATUS_OK}


def _plain(value: Any) -> bool:
    return type(value) in (int, float)


@pytest.mark.parametrize("algo", [hyperopt.tpe.suggest, hyperopt.rand.suggest, None])
def test_the_answer_prints_as_a_plain_dict_of_plain_numbers(algo: Any) -> None:
    """Indexes for choices, `int` and `float` and nothing of numpy's."""
    best = hyperopt.fmin(_descent, space=SPACE, algo=algo, max_evals=10, rstate=1, verbose=False)

    assert str(best) == repr(best) == repr(dict(best)) == f"{best}"
    assert isinstance(best, dict)
    assert set(best) == {"learning_rate", "max_init_x"}
    assert all(type(value) is int for value in best.values())
    assert eval(repr(best)) == best
    assert json.loads(json.dumps(best)) == best
    assert best == {"learning_rate": 1, "max_init_x": 1}


def test_the_answer_knows_what_it_means() -> None:
    """The very tuple that the objective received, real values, the loss, the trials."""
    received: list[Any] = []

    def objective(config: Any) -> dict[str, Any]:
        received.append(config)
        return _descent(config)

    best = hyperopt.fmin(objective, SPACE, hyperopt.tpe.suggest, 10, rstate=1, verbose=False)

    assert best.config == (0.1, 1.0)
    assert type(best.config) is tuple
    assert best.config in received
    assert best.params == {"learning_rate": 0.1, "max_init_x": 1.0}
    assert best.loss == _descent((0.1, 1.0))["loss"]
    assert isinstance(best.trials, Trials)
    assert best.trials.argmin == best
    assert hyperopt.space_eval(SPACE, best) == best.config


@pytest.mark.parametrize("space", [SPACE, CONDITIONAL], ids=["flat", "conditional"])
def test_every_document_evaluates_to_what_the_objective_received(space: Any) -> None:
    """`space_eval` of what documents hold, with plain numbers, inactive labels left empty."""
    received: list[Any] = []
    trials = Trials()
    hyperopt.fmin(
        lambda config: received.append(config) or float(len(received)),
        space, hyperopt.tpe.suggest, 25, trials=trials, rstate=2, verbose=False,
    )  # fmt: skip

    assert [hyperopt.space_eval(space, doc["misc"]["vals"]) for doc in trials.trials] == received
    for doc in trials.trials:
        values = [value for values in doc["misc"]["vals"].values() for value in values]
        assert all(_plain(value) for value in values)
        assert doc["misc"]["idxs"] == {label: [doc["tid"]] if v else [] for label, v in doc["misc"]["vals"].items()}


def test_exactly_as_many_evaluations_as_asked_for_on_a_finite_space(caplog: pytest.LogCaptureFixture) -> None:
    """Six configurations, ten evaluations: all six first, then repeats, which is said once."""
    received: list[Any] = []

    def objective(config: Any) -> float:
        received.append(config)
        return _descent(config)["loss"]  # type: ignore[no-any-return]

    with caplog.at_level(logging.INFO, "parzen"):
        hyperopt.fmin(objective, SPACE, hyperopt.tpe.suggest, 10, rstate=3, show_progressbar=False)

    assert len(received) == 10
    assert len(set(received[:6])) == 6
    assert len(set(received[6:])) == 4
    assert received[6] == (0.1, 1.0)
    assert sum("configurations have been tried" in record.getMessage() for record in caplog.records) == 1


@pytest.mark.parametrize("algo", [hyperopt.rand.suggest, hyperopt.tpe.suggest])
def test_when_a_finite_space_is_exhausted_the_good_ones_are_repeated_more_often(algo: Any) -> None:
    """And random search goes on drawing from the prior; by the loop over documents as well."""
    space = hp.pchoice("a", [(0.1, 1.0), (0.2, 1.0), (0.3, 1.0), (0.4, 0.0)])
    for queue in (1, 2):
        best = hyperopt.fmin(lambda a: a, space, algo, 100, rstate=4, verbose=False, max_queue_len=queue)
        counts = [best.trials.vals["a"].count(option) for option in range(4)]

        assert min(counts) >= 1
        if algo is hyperopt.tpe.suggest:
            assert counts[3] > 60
        else:
            assert counts[0] < 25
            assert 25 < counts[3] < 60


def test_the_answer_can_be_copied_and_pickled() -> None:
    """With everything on it."""
    best = hyperopt.fmin(_descent, SPACE, hyperopt.rand.suggest, 4, rstate=1, verbose=False)
    for twin in (copy.copy(best), copy.deepcopy(best), pickle.loads(pickle.dumps(best))):
        assert twin == best
        assert (twin.config, twin.params, twin.loss) == (best.config, best.params, best.loss)


def test_without_argmin_the_best_configuration_comes_back() -> None:
    """None where there is none."""

    def fail(config: Any) -> dict[str, str]:
        return {"status": hyperopt.STATUS_FAIL}

    best = hyperopt.fmin(_descent, SPACE, hyperopt.rand.suggest, 9, rstate=1, return_argmin=False, verbose=False)
    none = hyperopt.fmin(fail, SPACE, hyperopt.rand.suggest, 3, return_argmin=False, verbose=False)

    assert best == (0.1, 1.0)
    assert none is None
    with pytest.raises(AllTrialsFailed, match="3 FAILED"):
        hyperopt.fmin(fail, SPACE, hyperopt.rand.suggest, 3, verbose=False)


@pytest.mark.parametrize(
    ("assignment", "config"),
    [
        ({"learning_rate": 1, "max_init_x": 0}, (0.1, 10.0)),
        ({"learning_rate": [2], "max_init_x": [1]}, (0.01, 1.0)),
        ({"learning_rate": 0, "max_init_x": 0, "other": 3}, (1.0, 10.0)),
    ],
)
def test_space_eval_takes_values_or_lists_of_one(assignment: Any, config: Any) -> None:
    """Labels of other spaces are not looked at."""
    assert hyperopt.space_eval(SPACE, assignment) == config


@pytest.mark.parametrize("assignment", [{}, {"learning_rate": 1}, {"learning_rate": 7, "max_init_x": 0}])
def test_space_eval_of_what_cannot_be_is_an_error(assignment: Any) -> None:
    """A label that is missing, an index that is none."""
    with pytest.raises(hyperopt.SpaceError):
        hyperopt.space_eval(SPACE, assignment)


def test_space_eval_takes_what_hyperopts_takes() -> None:
    """Numbers outside of their bounds, numpy scalars, lists as in documents, labels of no meaning; an option by value."""
    space = {"x": hp.uniform("x", 0, 1), "c": hp.choice("c", ["a", "b"])}

    assert hyperopt.space_eval(space, {"x": 9, "c": 1}) == {"x": 9.0, "c": "b"}
    assert hyperopt.space_eval(space, {"x": np.float64(0.5), "c": np.int64(0), "y": 3}) == {"x": 0.5, "c": "a"}
    assert hyperopt.space_eval(space, {"x": [0.5], "c": ["b"], "z": []}) == {"x": 0.5, "c": "b"}


def test_a_label_that_space_eval_misses_is_named() -> None:
    """In an error that is an AttributeError too, as Hyperopt's is; of an inactive label nothing need be said."""
    space = hp.choice("c", [{"x": hp.uniform("x", 0, 1)}, "plain"])

    assert hyperopt.space_eval(space, {"c": 1}) == "plain"
    with pytest.raises(AttributeError, match="'x' is needed"):
        hyperopt.space_eval(space, {"c": 0})
    with pytest.raises(OutOfSpace, match="not one of its options"):
        hyperopt.space_eval(space, {"c": 7})
