"""Covariance matrix adaptation: it goes downhill, on any space, and the log is all that it is made of."""

from __future__ import annotations

import builtins
import copy
import math
import sys
from typing import Any

import numpy as np
import pytest

import parzen
from parzen import hp
from parzen.algorithms import CMAES, Random, algorithm_named
from parzen.errors import AlgorithmError, MissingDependency
from parzen.space import Space
from parzen.trials import Asked, Finished, History, Outcome, Started, State

from .studies import add, ask, study

pytest.importorskip("cmaes", reason="needs the package cmaes")

SQUARE = Space({f"x{j}": hp.float(f"x{j}", -5.0, 5.0) for j in range(4)})
MIXED = {
    "x": hp.float("x", -1.0, 1.0),
    "n": hp.int("n", 0, 9),
    "kind": hp.choice("kind", ["plain", {"deep": hp.float("deep", 0.0, 1.0), "o": hp.ordinal("o", [1, 2, 4])}]),
    "c": hp.categorical("c", ["a", "b", "c", "d"]),
}


def _square(config: dict[str, float]) -> float:
    return sum((x - 1.7) ** 2 for x in config.values())


def _mixed(config: Any) -> float:
    loss: float = (config["x"] - 0.6) ** 2 + (config["n"] - 7) ** 2 / 10 + (config["c"] != "c")
    if config["kind"] == "plain":
        return loss + 1.0
    return loss + float((config["kind"]["deep"] - 0.2) ** 2) + config["kind"]["o"] / 10


def test_it_goes_down_a_bowl_far_below_random_search() -> None:
    """After 200 trials in four columns it is a hundred times closer, in each of three seeds."""
    for seed in range(3):
        ours = study(CMAES(), SQUARE, _square, 200, seed).losses.min()
        random = study(Random(), SQUARE, _square, 200, seed).losses.min()

        assert ours < random / 100


def test_it_turns_with_a_valley() -> None:
    """A narrow valley across two columns is followed, which independent steps in each of them do not do."""
    space = Space({"x": hp.float("x", -1.0, 1.0), "y": hp.float("y", -1.0, 1.0)})

    history = study(CMAES(), space, lambda p: (p["x"] + p["y"] - 0.9) ** 2 * 1e4 + (p["x"] - p["y"] - 0.5) ** 2, 250)

    assert history.losses.min() < 1e-3


def test_a_mixed_tree_is_searched_in_all_of_its_columns() -> None:
    """Integers, categories and a branch come out right, in most of the later trials too."""
    space = Space(MIXED)
    history = study(CMAES(), space, _mixed, 200, seed=1)
    best, late = history.best, [history.config(number) for number in range(150, 200)]

    assert best is not None
    assert best.loss is not None
    assert best.loss < 0.2
    assert best.config["c"] == "c"
    assert best.config["kind"] != "plain"
    assert sum(config["c"] == "c" for config in late) > 25


def test_it_works_with_one_column() -> None:
    """A single number is a normal distribution in one dimension."""
    history = study(CMAES(), Space({"x": hp.float("x", 0.0, 1.0)}), lambda p: (p["x"] - 0.123) ** 2, 60)

    assert history.losses.min() < 1e-6
    assert all(history.source(number).startswith("cmaes: generation") for number in range(60))


def test_names_alone_are_adapted_as_well() -> None:
    """Where no column is a number, the shares of the options move, and none dies out."""
    space = Space({f"c{j}": hp.categorical(f"c{j}", list("abcdef")) for j in range(6)})
    history = study(CMAES(restarts=False), space, lambda p: sum(option != "d" for option in p.values()), 150)
    late = history.values[100:] == 3.0

    assert late.mean() > 0.4
    assert len(np.unique(history.values[100:, 0])) > 1


def test_the_margin_keeps_neighbours_of_integers_in_reach() -> None:
    """With the best integer found, others are still drawn: a normal that is as narrow as its floats are would not."""
    space = Space({"n": hp.int("n", 0, 20), **{f"x{j}": hp.float(f"x{j}", 0.0, 1.0) for j in range(3)}})
    history = study(
        CMAES(restarts=False),
        space,
        lambda p: abs(p["n"] - 13) + 10 * sum((p[f"x{j}"] - 0.4) ** 2 for j in range(3)),
        300,
    )
    n = history.values[200:, 0]

    assert history.losses.min() < 1e-3
    assert (n == 13).mean() > 0.5
    assert (n != 13).sum() >= 3


def test_losses_count_by_their_order_alone() -> None:
    """Any increasing function of the loss gives the same search."""
    plain = study(CMAES(), SQUARE, _square, 60)
    bent = study(CMAES(), SQUARE, lambda config: -math.exp(-_square(config) / 50) * 1e-9 + 5, 60)

    assert np.array_equal(plain.values, bent.values)


def test_failures_are_the_worst_of_their_generation() -> None:
    """Half of the space fails, and the search leaves it."""
    space = Space({"x": hp.float("x", 0.0, 1.0), "y": hp.float("y", 0.0, 1.0)})
    history = study(CMAES(), space, lambda p: None if p["x"] > 0.5 else (p["x"] - 0.4) ** 2 + (p["y"] - 0.4) ** 2, 120)
    failed = np.isnan(history.losses)

    assert failed[:12].any()
    assert failed[-60:].mean() < 0.25
    assert np.nanmin(history.losses) < 1e-3


def test_results_may_come_late_and_in_any_order() -> None:
    """With eight trials under way at any time it still converges."""
    history = History(SQUARE, {"loss": "minimize"})
    algorithm, rng, open_ = CMAES(), np.random.default_rng(0), []
    for _ in range(300):
        proposal = algorithm.suggest(SQUARE, history, ask(history))
        n = len(history)
        history.apply(
            history.seq + 1, Asked(n, tuple(proposal.points.values[0].tolist()), proposal.sources[0], 0, 0, 0.0)
        )
        history.apply(history.seq + 1, Started(n, 1, "test", 0.0))
        open_.append(n)
        if len(open_) == 8:
            done = open_.pop(int(rng.integers(8)))
            loss = _square(history.config(done))
            history.apply(history.seq + 1, Finished(done, 1, Outcome(State.OK, {"loss": loss}), 0.0))

    assert np.nanmin(history.losses) < 1e-2


def test_a_batch_is_one_generations_and_all_different() -> None:
    """Points of one ask come from the same distribution, one for each number."""
    history = study(CMAES(), Space(MIXED), _mixed, 30)
    proposal = CMAES().suggest(history.space, history, ask(history, q=8))

    assert len(set(proposal.sources) - {"cmaes: random, nothing new nearby"}) == 1
    assert len(np.unique(np.nan_to_num(proposal.points.values, nan=-1.0), axis=0)) == 8


def test_when_it_is_asked_in_between_makes_no_difference() -> None:
    """Asks that nobody follows leave no trace: the state is a function of the log."""
    asked, quiet = History(SQUARE, {"loss": "minimize"}), History(SQUARE, {"loss": "minimize"})
    for _ in range(40):
        proposal = CMAES().suggest(SQUARE, asked, ask(asked))
        CMAES().suggest(SQUARE, asked, ask(asked, q=3))
        for history in (asked, quiet):
            add(history, proposal.points, [_square(SQUARE.decode(proposal.points))], proposal.sources[0])

    again = copy.deepcopy(CMAES()).suggest(SQUARE, quiet, ask(quiet))
    assert np.array_equal(CMAES().suggest(SQUARE, asked, ask(asked)).points.values, again.points.values)


def test_trials_of_others_are_learnt_from() -> None:
    """Points from elsewhere fill a generation like its own, so an earlier search is a start."""
    history = study(Random(), SQUARE, _square, 80, seed=5)
    proposal = CMAES().suggest(SQUARE, history, ask(history, q=8))
    near = np.mean([_square(SQUARE.decode(proposal.points, i)) for i in range(8)])

    assert "generation 10" in proposal.sources[0]
    assert near < np.median(history.losses) / 2


def test_a_search_that_is_stuck_starts_anew_with_twice_the_population() -> None:
    """On a plateau nothing gets better, and after a while the source says so."""
    history = study(
        CMAES(population=4), Space({"x": hp.float("x", 0.0, 1.0), "y": hp.float("y", 0.0, 1.0)}), lambda p: 1.0, 150
    )
    stays = study(CMAES(population=4, restarts=False), history.space, lambda p: 1.0, 150)
    first = next(i for i in range(150) if "restart 1" in history.source(i))

    assert "generation 0" in history.source(first)
    assert history.source(first + 8) == "cmaes: generation 1, restart 1"
    assert not any("restart" in stays.source(i) for i in range(150))


def test_another_seed_gives_another_search() -> None:
    """The first generation already differs."""
    first, second = (study(CMAES(), SQUARE, _square, 3, seed).values for seed in (1, 2))

    assert not np.array_equal(first, second)


def test_a_study_of_a_file_goes_on_where_it_was(tmp_path: Any) -> None:
    """Interrupted and resumed, it proposes what the uninterrupted search does."""
    whole = parzen.minimize(_mixed, MIXED, 40, algorithm="cmaes", seed=3, progress=False)
    path = tmp_path / "study.db"
    parzen.minimize(_mixed, MIXED, 17, algorithm="cmaes", seed=3, storage=path, progress=False)
    rest = parzen.minimize(_mixed, MIXED, 40, algorithm="cmaes", seed=3, storage=path, progress=False)

    assert np.array_equal(whole.history.values, rest.history.values, equal_nan=True)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says which algorithm needs what, and how it is installed."""
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] == "cmaes":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "cmaes", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setitem(sys.modules, "cmaes", None)
    history = History(SQUARE, {"loss": "minimize"})

    with pytest.raises(MissingDependency, match=r"CMAES: .*'cmaes'.*pip install 'parzen\[cmaes\]'"):
        CMAES().suggest(SQUARE, history, ask(history))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"population": 3}, "population is a whole number from 4 up, or None, got 3"),
        ({"population": 4.5}, "population"),
        ({"sigma": 0.0}, r"sigma is a number in \(0, 1\], got 0.0"),
        ({"sigma": True}, "sigma"),
        ({"restarts": 2}, "restarts is True or False, got 2"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], sentence: str) -> None:
    """At once, in a sentence."""
    with pytest.raises(AlgorithmError, match=sentence):
        CMAES(**settings)


def test_it_has_a_name() -> None:
    """`algorithm="cmaes"`."""
    assert algorithm_named("cmaes") == CMAES()
