"""Evolution: children of good parents among the newest, on trees of mixed columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parzen import hp
from parzen.algorithms import Evolution, Random, algorithm_named
from parzen.errors import AlgorithmError
from parzen.space import Space
from parzen.trials import History

from .studies import add, ask, study

SQUARE = Space({f"x{j}": hp.float(f"x{j}", -5.0, 5.0) for j in range(4)})
TREE = Space({
    "kind": hp.choice("kind", [
        {"x": hp.float("x", 0.0, 1.0), "c": hp.categorical("c", list("abcd"))},
        {"n": hp.int("n", 0, 20), "k": hp.choice("k", ["off", {"y": hp.float("y", 0.0, 1.0)}])},
    ])
})  # fmt: skip


def _square(config: dict[str, float]) -> float:
    return sum((x - 1.7) ** 2 for x in config.values())


def _tree(config: Any) -> float:
    kind = config["kind"]
    if "x" in kind:
        return 1.0 + (kind["x"] - 0.5) ** 2
    return 0.02 * abs(kind["n"] - 13) + (0.5 if kind["k"] == "off" else (kind["k"]["y"] - 0.3) ** 2)


def _parents(history: History) -> dict[int, int]:
    """Number of a child -> number of its parent."""
    sources = ((number, history.source(number)) for number in range(len(history)))
    return {number: int(source.rsplit(" ", 1)[1]) for number, source in sources if "child of" in source}


def test_it_goes_down_a_bowl_far_below_random_search() -> None:
    """After 200 trials in four columns, in each of three seeds."""
    for seed in range(3):
        ours = study(Evolution(), SQUARE, _square, 200, seed).losses.min()
        random = study(Random(), SQUARE, _square, 200, seed).losses.min()

        assert ours < random / 20


def test_a_tree_is_searched_to_its_best_branch() -> None:
    """Choices, integers, categories and what hangs on them."""
    history = study(Evolution(), TREE, _tree, 200, seed=1)

    assert history.losses.min() < 0.02
    assert (history.values[-50:, TREE.column["kind"]] == 1).mean() > 0.7


def test_parents_are_good_and_young() -> None:
    """Each is one of the newest 20 that had ended, and most are of their better half."""
    history = study(Evolution(), SQUARE, _square, 150)
    parents = _parents(history)
    better = []
    for child, parent in parents.items():
        alive = history.losses[child - 20 : child]
        better.append(history.losses[parent] <= np.median(alive))

        assert child - 20 <= parent < child

    assert len(parents) > 120
    assert np.mean(better) > 0.95


def test_a_member_dies_of_age_however_good_it_was() -> None:
    """One trial that nothing comes near of has no children after 20 others."""
    history = study(Evolution(), SQUARE, lambda config: 1.0, 20)
    add(history, history.points[:1], [-100.0])
    rest = study(Evolution(), SQUARE, lambda config: 1.0, 0)
    add(rest, history.points, [*history.losses.tolist()])
    for _ in range(40):
        proposal = Evolution().suggest(SQUARE, rest, ask(rest))
        add(rest, proposal.points, [1.0], proposal.sources[0])
    parents = _parents(rest)

    assert 20 in {parents[child] for child in parents if child <= 40}
    assert 20 not in {parents[child] for child in parents if child > 40}


def test_children_stay_nearer_as_the_population_draws_together() -> None:
    """Steps are differences of members: late ones are small without anybody having said so."""
    history = study(Evolution(), SQUARE, _square, 300)
    steps = {
        child: np.abs(history.unit[child] - history.unit[parent]).max() for child, parent in _parents(history).items()
    }
    early = np.median([step for child, step in steps.items() if child < 60])
    late = np.median([step for child, step in steps.items() if child >= 240])

    assert late < early / 3


def test_failures_have_no_children() -> None:
    """As long as anybody else is in the tournament."""
    history = study(Evolution(sample=20), SQUARE, lambda p: None if p["x0"] > 0 else _square(p), 100)
    failed = np.isnan(history.losses)

    assert failed.any()
    assert not failed[list(_parents(history).values())].any()


def test_a_population_of_failures_still_has_children() -> None:
    """Then everybody is as good as anybody else."""
    history = study(Evolution(population=5, sample=5), SQUARE, lambda p: None, 20)

    assert len(_parents(history)) == 15


def test_it_begins_with_points_that_are_spread() -> None:
    """As many as the population has."""
    history = study(Evolution(population=12, sample=3), SQUARE, _square, 13)
    sources = [history.source(number) for number in range(13)]

    assert sources[:12] == ["evolution: the middle of every range", *["evolution: sobol start"] * 11]
    assert sources[12].startswith("evolution: child of ")


def test_a_batch_is_all_different() -> None:
    """Children of one ask differ, on a small tree too."""
    history = study(Evolution(population=5, sample=3), TREE, _tree, 10)
    points = Evolution(population=5, sample=3).suggest(TREE, history, ask(history, q=16)).points

    assert len(np.unique(np.nan_to_num(points.values, nan=-1.0), axis=0)) == 16


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"population": 3}, "population is a whole number from 4 up, got 3"),
        ({"sample": 0}, "sample is a whole number from 1 up, got 0"),
        ({"sample": 21}, "at most 20, got 21"),
        ({"step": 0.0}, r"step is a number in \(0, 2\], got 0.0"),
        ({"step": True}, "step is a number"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], sentence: str) -> None:
    """At once, in a sentence."""
    with pytest.raises(AlgorithmError, match=sentence):
        Evolution(**settings)


def test_it_has_a_name() -> None:
    """`algorithm="evolution"`."""
    assert algorithm_named("evolution") == Evolution()
