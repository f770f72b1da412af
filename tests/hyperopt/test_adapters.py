"""Suggest functions of Hyperopt's kind as algorithms of the core."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import parzen
from parzen.algorithms import TPE, Mix, Random
from parzen.errors import AlgorithmError, SpaceMismatch
from parzen.hyperopt import hp, rand, tpe
from parzen.hyperopt.adapters import as_algorithm
from parzen.hyperopt.algobase import ExprEvaluator, SuggestAlgo
from parzen.testing._algorithms import CASES, SPACES

SPACE = {
    "x": hp.uniform("x", -1.0, 1.0),
    "kind": hp.choice("kind", ["plain", {"n": hp.quniform("n", 1, 9, 1), "y": hp.lognormal("y", 0.0, 1.0)}]),
}


def _loss(config: Any) -> float:
    return float(abs(config["x"] - 0.5) + (1.0 if config["kind"] == "plain" else config["kind"]["n"] / 10))


def sampled(new_ids: Any, domain: Any, trials: Any, seed: int) -> Any:
    """Random search, by hand."""
    return rand.suggest(new_ids, domain, trials, seed)[: len(new_ids)]


def near_the_best(new_ids: Any, domain: Any, trials: Any, seed: int, width: float = 0.2) -> Any:
    """As people write them: the best document's numbers, a little changed."""
    docs = rand.suggest(new_ids, domain, trials, seed)
    done = [doc for doc in trials.trials if doc["result"]["status"] == "ok"]
    if done:
        best = min(done, key=lambda doc: doc["result"]["loss"])
        x = best["misc"]["vals"]["x"][0] + np.random.default_rng(seed).normal(0.0, width)
        docs[0]["misc"]["vals"]["x"] = [float(np.clip(x, -1.0, 1.0))]
    return docs


class _Prior(SuggestAlgo):
    """A subclass as Hyperopt's documentation has it."""

    def on_node_hyperparameter(self, memo: Any, node: Any, label: str) -> Any:
        return ExprEvaluator.on_node(self, memo, node)


def of_a_class(new_ids: Any, domain: Any, trials: Any, seed: int) -> Any:
    return _Prior(domain, trials, seed=seed)(new_ids[0])


# Its space is the kit's own, which a suggest function would have to be given; the next test has one of ours.
_FINITE = "a_finite_space_is_exhausted_before_anything_repeats"


@pytest.mark.parametrize("case", sorted(CASES.keys() - {_FINITE}))
def test_a_suggest_function_keeps_the_promises_of_an_algorithm(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each, on a space that it is given."""
    make = SPACES["unequal options"]
    data = make()
    monkeypatch.setattr("parzen.testing._algorithms.SPACES", {"one": lambda: data})
    CASES[case](as_algorithm(sampled, data))


def test_a_finite_space_is_searched_without_repeats() -> None:
    """Where the function suggests what was tried, another configuration takes its place, until there is none."""
    space = {"a": hp.randint("a", 3), "b": hp.choice("b", [1, 2])}
    result = parzen.minimize(
        lambda p: p["a"], space, 50, algorithm=as_algorithm(sampled, space), seed=1, progress=False
    )

    assert result.stopped_by == "space exhausted"
    assert len(np.unique(result.history.values, axis=0)) == len(result.trials) == 6


def test_it_reads_documents_as_the_function_expects_them() -> None:
    """It closes in on the best one, which it can only find in them."""
    algorithm = as_algorithm(functools.partial(near_the_best, width=0.2), SPACE)
    history = parzen.minimize(_loss, SPACE, 60, algorithm=algorithm, seed=1, progress=False).history

    assert np.abs(history.values[30:, 0] - 0.5).mean() < 0.35  # draws of the prior: 0.62
    assert history.source(59) == "near_the_best"


def test_algorithms_of_a_class_work_as_well() -> None:
    """What `SuggestAlgo` is the base of."""
    result = parzen.minimize(_loss, SPACE, 15, algorithm=as_algorithm(of_a_class, SPACE), seed=1, progress=False)

    assert len({trial.params["x"] for trial in result.trials}) == 15


def test_a_resumed_study_goes_on_as_if_it_had_not_stopped(tmp_path: Any) -> None:
    """The documents are made anew from the log."""
    algorithm = as_algorithm(near_the_best, SPACE)
    whole = parzen.minimize(_loss, SPACE, 20, algorithm=algorithm, seed=3, progress=False)
    for trials in (11, 20):
        rest = parzen.minimize(
            _loss, SPACE, trials, algorithm=algorithm, seed=3, storage=tmp_path / "study.db", progress=False
        )

    assert np.array_equal(whole.history.values, rest.history.values, equal_nan=True)


def test_documents_say_what_became_of_trials() -> None:
    """Failed ones as such, those that raised are hidden, and the loss is to be minimised in every study."""
    seen: list[list[tuple[str, Any]]] = []

    def looking(new_ids: Any, domain: Any, trials: Any, seed: int) -> Any:
        seen.append([(doc["result"]["status"], doc["result"].get("loss")) for doc in trials.trials])
        return rand.suggest(new_ids, domain, trials, seed)

    study = parzen.Study(SPACE, algorithm=as_algorithm(looking, SPACE), seed=1, direction="maximize")
    first, second, third, fourth = study.ask(4)
    study.tell(first, 3.0)
    study.tell(second, state="FAILED")
    study.tell(third, state="ERROR")
    study.ask()

    assert [len(docs) for docs in seen[:4]] == [0, 1, 2, 3]
    assert seen[4] == [("ok", -3.0), ("fail", None), ("new", None)]
    assert study.history.waiting.sum() == 0
    assert fourth.number == 3


def test_it_takes_its_turn_in_a_mixture() -> None:
    """Beside an algorithm of parzen's."""
    mix = Mix(((0.5, as_algorithm(near_the_best, SPACE)), (0.5, Random())))
    result = parzen.minimize(_loss, SPACE, 20, algorithm=mix, seed=1, progress=False)

    assert {trial.source for trial in result.trials} == {"near_the_best", "random"}


def test_parzens_own_functions_are_the_records_behind_them() -> None:
    """They need no documents, and no space."""
    assert as_algorithm(functools.partial(tpe.suggest, n_startup_jobs=5)) == TPE(n_startup=5)
    assert as_algorithm(rand.suggest) == Random()


def test_equal_functions_with_equal_settings_are_equal() -> None:
    """However the partial was made."""
    one, two = (as_algorithm(functools.partial(near_the_best, width=0.1), SPACE) for _ in range(2))

    assert one == two
    assert hash(one) == hash(two)
    assert one != as_algorithm(near_the_best, SPACE)


def test_what_cannot_be_used_is_refused() -> None:
    """In a sentence."""
    with pytest.raises(AlgorithmError, match=r"reads the space's graph: as_algorithm\(suggest, space\)"):
        as_algorithm(sampled)
    with pytest.raises(AlgorithmError, match="algo is a suggest function"):
        as_algorithm(7, SPACE)
    other = {"x": hp.uniform("x", -2.0, 1.0)}
    with pytest.raises(
        SpaceMismatch, match="another space than the study has, they differ in parameter 'x', parameter 'kind'"
    ):
        parzen.minimize(_loss, SPACE, 3, algorithm=as_algorithm(sampled, other), progress=False)

    def outside(new_ids: Any, domain: Any, trials: Any, seed: int) -> Any:
        docs = rand.suggest(new_ids, domain, trials, seed)
        docs[0]["misc"]["vals"]["x"] = [99.0]
        return docs

    with pytest.raises(AlgorithmError, match=r"proposed what is not of the space: parameter 'x': 99\.0"):
        parzen.minimize(_loss, SPACE, 3, algorithm=as_algorithm(outside, SPACE), progress=False)


def test_no_documents_end_the_search() -> None:
    """As they do in `fmin`."""

    def three(new_ids: Any, domain: Any, trials: Any, seed: int) -> Any:
        return rand.suggest(new_ids, domain, trials, seed) if len(trials.trials) < 3 else []

    result = parzen.minimize(_loss, SPACE, 10, algorithm=as_algorithm(three, SPACE), seed=1, progress=False)

    assert len(result.trials) == 3
    assert result.stopped_by == "space exhausted"
