"""Algorithms as Hyperopt's users write them: a subclass that gives the values of each parameter."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from parzen.errors import AlgorithmError
from parzen.hyperopt import Trials, hp
from parzen.hyperopt.algobase import ExprEvaluator, SuggestAlgo
from parzen.space import Apply, Literal, as_apply, scope

# --- evaluating -------------------------------------------------------------------------------------------------


def test_a_graph_is_evaluated_node_by_node_and_each_node_once() -> None:
    """The memo holds them all."""
    x = as_apply(3)
    square = x * x
    evaluator = ExprEvaluator({"a": square + square, "b": [square, 1]})
    calls: list[str] = []
    on_node = evaluator.on_node

    def counted(memo: dict[Apply, Any], node: Apply) -> Any:
        calls.append(node.name)
        return on_node(memo, node)

    evaluator.on_node = counted  # type: ignore[method-assign]  # to look on
    memo = evaluator.eval_nodes()

    assert memo[evaluator.expr] == {"a": 18, "b": (9, 1)}
    assert memo[square] == 9
    assert calls.count("mul") == 1


def test_of_a_switch_only_the_option_that_is_chosen_is_evaluated() -> None:
    """The other one may be impossible."""
    expr = scope.switch(1, as_apply(1) / 0, as_apply("this"))

    assert ExprEvaluator(expr).eval_nodes()[expr] == "this"


@pytest.mark.parametrize(("index", "error"), [(2, ValueError), (-1, ValueError), (0.5, ValueError), ("a", TypeError)])
def test_a_switch_says_what_it_was_given_instead_of_an_index(index: object, error: type[Exception]) -> None:
    """Neither a node's dump nor an IndexError."""
    with pytest.raises(error, match="index"):
        ExprEvaluator(scope.switch(index, 1, 2)).eval_nodes()


def test_what_is_in_the_memo_is_not_computed_and_the_memo_is_not_changed() -> None:
    """A literal may stand for a value that comes later."""
    later = Literal("later")
    expr = as_apply([later, 1])
    known = {later: 7}

    assert ExprEvaluator(expr).eval_nodes(known)[expr] == (7, 1)
    assert known == {later: 7}


def test_copies_are_taken_where_they_are_asked_for() -> None:
    """A function that changes its arguments harms nobody then."""
    numbers = [3, 1, 2]
    expr = scope.call(Literal(lambda some: some.sort() or some), [Literal(numbers)])

    assert ExprEvaluator(expr, deepcopy_inputs=True).eval_nodes()[expr] == [1, 2, 3]
    assert numbers == [3, 1, 2]
    with pytest.raises(ValueError, match="deepcopy_inputs is a bool"):
        ExprEvaluator(expr, {})  # type: ignore[arg-type]  # a memo in the wrong place


def test_a_graph_that_contains_itself_and_an_unknown_symbol_are_sentences() -> None:
    """Not an endless loop, not a KeyError."""
    node = as_apply(1) + 1
    node.pos_args[0] = node
    with pytest.raises(RuntimeError, match="contains itself"):
        ExprEvaluator(node, max_program_len=100).eval_nodes()
    with pytest.raises(AlgorithmError, match="no symbol 'nobody'"):
        ExprEvaluator(Apply("nobody", [], None)).eval_nodes()


# --- suggesting -------------------------------------------------------------------------------------------------


class _Vectorised:
    """What a domain's `vh` is asked for."""

    def __init__(self, nodes: dict[str, Apply]) -> None:
        self._nodes = nodes

    def vals_by_label(self) -> dict[str, Apply]:
        return self._nodes


class _Domain:
    """A domain of two parameters that are always active."""

    def __init__(self) -> None:
        self.s_new_ids, self.s_rng = Literal("new_ids"), Literal("rng")
        size = scope.len(self.s_new_ids)
        draws = {
            label: Apply(
                "uniform",
                [as_apply(-5.0), as_apply(5.0)],
                [("rng", self.s_rng), ("size", size)],
            )
            for label in ("x", "y")
        }
        self.vh = _Vectorised(draws)
        self.s_idxs_vals = as_apply([dict.fromkeys(draws, self.s_new_ids), draws])
        self.cmd, self.workdir = ("domain_attachment", "FMinIter_Domain"), None

    def new_result(self) -> dict[str, str]:
        return {"status": "new"}


class _Centre(SuggestAlgo):
    """Always the middle, moved by a setting."""

    def __init__(self, domain: Any, trials: Trials, seed: int, by: float = 0.0) -> None:
        SuggestAlgo.__init__(self, domain, trials, seed)
        self.by = by
        self.asked: list[str] = []

    def on_node_hyperparameter(self, memo: dict[Apply, Any], node: Apply, label: str) -> Any:
        self.asked.append(label)
        low, high = (memo[argument] for argument in node.pos_args)
        return np.full(memo[dict(node.named_args)["size"]], 0.5 * (low + high) + self.by)


def test_an_algorithm_is_asked_for_each_parameter_and_makes_a_document() -> None:
    """With the ids and values that it gave; nothing is inserted."""
    trials, algorithm = Trials(), _Centre(_Domain(), Trials(), 1, by=2.0)
    (doc,) = algorithm(7)

    assert sorted(algorithm.asked) == ["x", "y"]
    assert doc["tid"] == doc["misc"]["tid"] == 7
    assert doc["misc"]["idxs"] == {"x": [7], "y": [7]}
    assert doc["misc"]["vals"] == {"x": [2.0], "y": [2.0]}
    assert doc["result"] == {"status": "new"}
    assert len(trials) == 0


def test_a_batch_comes_as_columns() -> None:
    """Label -> ids, and label -> values."""
    idxs, vals = _Centre(_Domain(), Trials(), 1).batch([3, 4, 5])

    assert idxs == {"x": [3, 4, 5], "y": [3, 4, 5]}
    assert vals["x"].tolist() == [0.0, 0.0, 0.0]


def test_the_generator_of_a_call_depends_on_seed_and_id() -> None:
    """So a suggestion can be had again."""
    draws = []
    for new_id in (1, 1, 2):
        algorithm = _Centre(_Domain(), Trials(), 5)
        algorithm(new_id)
        draws.append(algorithm.rng.random())

    assert draws[0] == draws[1] != draws[2]


def test_an_algorithm_without_the_method_says_which_one_is_missing() -> None:
    """With its own name."""

    class Half(SuggestAlgo):
        pass

    with pytest.raises(NotImplementedError, match="Half has to define on_node_hyperparameter"):
        Half(_Domain(), Trials(), 1)(0)


# --- on a real domain -------------------------------------------------------------------------------------------


class _Halves(SuggestAlgo):
    """As Hyperopt's users write them: half of the time the prior, half of the time near the best so far."""

    def on_node_hyperparameter(self, memo: dict[Apply, Any], node: Apply, label: str) -> Any:
        best = min(
            (doc for doc in self.trials.trials if doc["misc"]["vals"][label] and doc["result"]["status"] == "ok"),
            key=lambda doc: doc["result"]["loss"],
            default=None,
        )
        size = memo[node.arg["size"]]
        if best is None or size == 0 or node.name != "uniform" or self.rng.random() < 0.5:
            return ExprEvaluator.on_node(self, memo, node)
        near = best["misc"]["vals"][label][0] + 0.1 * self.rng.standard_normal(size)
        return np.clip(near, memo[node.arg["low"]], memo[node.arg["high"]])


def _halves(new_ids: list[int], domain: Any, trials: Trials, seed: int) -> list[Any]:
    (new_id,) = new_ids
    return _Halves(domain, trials, seed)(new_id)


def test_a_users_algorithm_searches_a_conditional_space_through_fmin() -> None:
    """Branches, shared values and all: what it proposes is evaluated."""
    pytest.importorskip("parzen.hyperopt.vectorize")
    fmin = importlib.import_module("parzen.hyperopt").fmin
    space = {
        "x": hp.uniform("x", -5, 5),
        "c": hp.choice("c", [{"y": hp.uniform("y", -5, 5)}, {"n": hp.randint("n", 4)}]),
    }
    trials = Trials()
    best = fmin(
        lambda config: (config["x"] - 1) ** 2 + config["c"].get("n", 4),
        space,
        _halves,
        60,
        trials=trials,
        rstate=np.random.default_rng(0),
        verbose=False,
    )

    assert len(trials) == 60
    assert abs(best["x"] - 1) < 0.5
    assert all(len(doc["misc"]["vals"]["y"]) + len(doc["misc"]["vals"]["n"]) == 1 for doc in trials.trials)
