"""Annealing, mixtures and adaptive TPE under Hyperopt's names: in `fmin`, through `partial`, and called by hand."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from parzen.algorithms import TPE, Anneal, Mix, Random
from parzen.errors import AlgorithmError
from parzen.hyperopt import Trials, anneal, atpe, fmin, hp, mix, rand, tpe
from parzen.space import Space, as_apply

SPACE = {"x": hp.uniform("x", -5, 5), "c": hp.choice("c", [0.0, {"y": hp.normal("y", 0, 1)}])}


class _Domain:
    """What a suggest function looks at."""

    def __init__(self) -> None:
        self.compiled = Space(as_apply(SPACE))
        self.cmd, self.workdir = ("domain_attachment", "FMinIter_Domain"), None

    def new_result(self) -> dict[str, str]:
        return {"status": "new"}


def _loss(config: dict[str, Any]) -> float:
    return float((config["x"] - 1) ** 2)


@pytest.mark.parametrize(
    "algo",
    [
        anneal.suggest,
        partial(anneal.suggest, shrink_coef=0.5),
        partial(mix.suggest, p_suggest=[(0.2, rand.suggest), (0.3, partial(anneal.suggest)), (0.5, tpe.suggest)]),
    ],
)
def test_fmin_takes_it_as_hyperopt_does(algo: Any) -> None:
    """The same function, or a partial of it."""
    trials = Trials()
    best = fmin(_loss, SPACE, algo, 40, trials=trials, rstate=np.random.default_rng(3), verbose=False)

    assert len(trials) == 40
    assert abs(best["x"] - 1) < 1.5


def test_settings_reach_the_core() -> None:
    """What stands behind the functions."""
    make = mix.suggest.algorithm  # type: ignore[attr-defined]  # set beside the function

    assert anneal.suggest.algorithm(avg_best_idx=3.0) == Anneal(avg_best_idx=3.0)  # type: ignore[attr-defined]  # as above
    assert make(p_suggest=[(0.1, rand.suggest), (0.9, partial(tpe.suggest, gamma=0.5))]) == Mix(
        ((0.1, Random()), (0.9, TPE(gamma=0.5)))
    )
    assert make(p_suggest=[(0.5, rand.suggest), (0.5, lambda *args, **kwargs: [])]) is None
    with pytest.raises(AlgorithmError, match="no setting 'gamma'"):
        anneal.suggest.algorithm(gamma=1)  # type: ignore[attr-defined]  # as above


def test_by_hand_annealing_gives_documents_for_any_number_of_ids() -> None:
    """They are not inserted, and the batch is the same as columns."""
    trials, domain = Trials(), _Domain()
    docs = anneal.suggest([0, 1, 2], domain, trials, 7)
    idxs, vals = anneal.suggest_batch([0, 1, 2], domain, trials, 7, avg_best_idx=2.0)

    assert [doc["tid"] for doc in docs] == [0, 1, 2]
    assert len(trials) == 0
    assert idxs["x"] == [0, 1, 2]
    assert vals["x"] == [doc["misc"]["vals"]["x"][0] for doc in docs]
    assert len(idxs["y"]) == len(vals["y"]) == sum(vals["c"])


def test_the_annealing_object_gives_what_the_function_gives() -> None:
    """One document a call, or columns."""
    trials, domain = Trials(), _Domain()
    algorithm = anneal.AnnealingAlgo(domain, trials, 7, shrink_coef=0.2)

    assert algorithm(3)[0]["misc"] == anneal.suggest([3], domain, trials, 7, shrink_coef=0.2)[0]["misc"]
    assert algorithm.batch([0, 1]) == anneal.suggest_batch([0, 1], domain, trials, 7, shrink_coef=0.2)


def test_the_annealing_object_refuses_what_it_would_ignore() -> None:
    """A rule of one's own starts elsewhere, and there is no graph; what it calls may be overridden."""
    with pytest.raises(AlgorithmError, match=r"Mine overrides hp_uniform, on_node_hyperparameter, which.*SuggestAlgo"):
        type("Mine", (anneal.AnnealingAlgo,), {"on_node_hyperparameter": None, "hp_uniform": None})
    with pytest.raises(AlgorithmError, match="walks no graph"):
        anneal.AnnealingAlgo(_Domain(), Trials(), 7).eval_nodes()

    class Mine(anneal.AnnealingAlgo):
        def __call__(self, new_id: int) -> Any:
            return super().__call__(new_id + 1)

    assert Mine(_Domain(), Trials(), 7)(0)[0]["tid"] == 1


def test_by_hand_a_mixture_calls_one_of_its_functions_as_it_is() -> None:
    """With a seed of its own, by name; how often follows the probabilities."""
    called = []

    def mine(new_ids: Any, domain: Any, trials: Any, seed: int) -> list[Any]:
        called.append(seed)
        return [{"mine": new_ids}]

    domain = _Domain()
    results = [
        mix.suggest([0], domain, Trials(), seed, p_suggest=[(0.25, mine), (0.75, rand.suggest)]) for seed in range(200)
    ]

    assert 30 <= len(called) <= 70
    assert len(set(called)) == len(called)
    assert sum(result == [{"mine": [0]}] for result in results) == len(called)


@pytest.mark.parametrize("algo", [Anneal(), "tpe", None, partial(anneal.suggest, shrink_coef=0.2)])
def test_a_mixture_takes_what_fmin_takes(algo: Any) -> None:
    """By hand, in fmin's own loop, and beside a suggest function that is somebody else's."""

    def mine(new_ids: Any, domain: Any, trials: Any, seed: int) -> Any:
        return rand.suggest(new_ids, domain, trials, seed)

    assert len(mix.suggest([0], _Domain(), Trials(), 0, [(1.0, algo)])) == 1
    for parts in ([(1.0, algo)], [(0.5, algo), (0.5, mine)]):
        trials = Trials()
        fmin(_loss, SPACE, partial(mix.suggest, p_suggest=parts), 5, trials=trials, rstate=1, verbose=False)
        assert len(trials) == 5
    with pytest.raises(AlgorithmError, match=r"algo is a suggest function.*got 3"):
        mix.suggest([0], _Domain(), Trials(), 0, [(1.0, 3)])


def test_probabilities_that_do_not_sum_to_one_are_a_value_error() -> None:
    """By hand and in fmin."""
    parts = [(0.5, rand.suggest), (0.4, tpe.suggest)]
    with pytest.raises(ValueError, match="sum to 1"):
        mix.suggest([0], _Domain(), Trials(), 0, parts)
    with pytest.raises(ValueError, match="sum to 1"):
        fmin(_loss, SPACE, partial(mix.suggest, p_suggest=parts), 5, verbose=False)


def test_adaptive_tpe_has_hyperopts_signature_and_takes_no_settings() -> None:
    """In fmin and by hand, for several ids at once."""
    trials = Trials()
    fmin(_loss, SPACE, atpe.suggest, 25, trials=trials, rstate=np.random.default_rng(0), verbose=False)
    docs = atpe.suggest([25, 26], _Domain(), trials, 1)

    assert [doc["misc"]["idxs"]["x"] for doc in docs] == [[25], [26]]
    with pytest.raises(AlgorithmError, match="chooses its own settings"):
        fmin(_loss, SPACE, partial(atpe.suggest, gamma=1), 5, verbose=False)
