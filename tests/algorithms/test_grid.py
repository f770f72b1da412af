"""Grid search: everything once, in an order that is worth stopping, and never written out."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import numpy as np
import pytest

import parzen
from parzen import hp
from parzen.algorithms import Grid, algorithm_named
from parzen.errors import AlgorithmError, SpaceExhausted
from parzen.space import Space
from parzen.trials import Finished, History, Outcome, State

from .studies import add, ask, study

TREE = {
    "model": hp.choice(
        "model",
        [
            {"name": "svm", "C": hp.float("C", 1e-3, 1e3, log=True), "kernel": hp.choice("kernel", ["linear", {
                "gamma": hp.float("gamma", 1e-4, 1.0, log=True)}])},
            {"name": "forest", "depth": hp.int("depth", 1, 4), "bootstrap": hp.bool("bootstrap")},
            {"name": "mean"},
        ],
    ),
    "scale": hp.bool("scale"),
}  # fmt: skip


def _all(grid: Grid, space: Space, seed: int = 0, most: int = 10_000) -> History:
    """The history of a grid that was gone through to its end."""
    history = History(space, {"loss": "minimize"})
    while len(history) < most:
        try:
            proposal = grid.suggest(space, history, ask(history, q=97, seed=seed))
        except SpaceExhausted:
            break
        add(history, proposal.points, [1.0] * len(proposal.points))
    return history


def _rows(history: History) -> set[tuple[float, ...]]:
    return {tuple(row) for row in np.nan_to_num(history.values, nan=-99.0).tolist()}


def test_a_finite_space_is_tried_whole_and_each_configuration_once() -> None:
    """Categories, integers, steps and branches, in any order."""
    space = Space({
        "a": hp.categorical("a", ["x", "y", "z"]),
        "b": hp.choice("b", [0, {"n": hp.int("n", 1, 4), "log": hp.int("log", 1, 7, log=True)}]),
        "q": hp.quniform("q", 0, 10, 3),
        "o": hp.ordinal("o", [1, 2, 4]),
        "p": hp.pchoice("p", [(0.5, "often"), (0.0, "never"), (0.5, "too")]),
    })  # fmt: skip
    history = _all(Grid(), space)
    rows = space.enumerate()

    assert rows is not None
    assert _rows(history) == {tuple(row) for row in np.nan_to_num(list(rows), nan=-99.0).tolist()}
    assert len(_rows(history)) == len(history)


def test_numbers_are_tried_at_the_middles_of_equal_shares_of_their_prior() -> None:
    """Evenly on the scale that they were declared on."""
    space = Space({"x": hp.float("x", 0.0, 1.0), "lr": hp.float("lr", 1e-4, 1e0, log=True)})
    history = _all(Grid(levels=4), space)

    assert len(history) == 16
    assert np.allclose(np.unique(history.values[:, 0]), [0.125, 0.375, 0.625, 0.875])
    assert np.allclose(np.log10(np.unique(history.values[:, 1])), [-3.5, -2.5, -1.5, -0.5])


def test_only_active_columns_of_a_tree_are_combined() -> None:
    """A branch without parameters is one point, not one for each level of columns that are off."""
    history = _all(Grid(levels=3), Space(TREE))
    by_model = Counter(history.values[:, history.space.column["model"]].tolist())

    assert by_model == {0.0: 2 * (3 + 3 * 3), 1.0: 2 * 4 * 2, 2.0: 2}
    assert len(_rows(history)) == len(history)


def test_a_shared_node_is_combined_wherever_it_is_active() -> None:
    """One parameter below two options of each of two choices: on in three of four combinations."""
    shared = hp.float("shared", 0.0, 1.0)
    space = Space({"a": hp.choice("a", [shared, 0]), "b": hp.choice("b", [shared, 1])})
    history = _all(Grid(levels=5), space)

    assert len(_rows(history)) == len(history) == 3 * 5 + 1


def test_levels_can_be_said_for_a_label() -> None:
    """As a number, or as the values themselves, of numbers and of options."""
    space = Space({
        "lr": hp.float("lr", 1e-4, 1.0, log=True),
        "n": hp.int("n", 1, 1000),
        "c": hp.categorical("c", ["a", "b", "c"]),
        "x": hp.float("x", 0.0, 1.0),
    })  # fmt: skip
    grid = Grid(levels=2, by_label={"lr": [0.001, 0.1], "n": 3, "c": ["c", "a"]})
    history = _all(grid, space)
    tried = {label: {history.trial(i).params[label] for i in range(len(history))} for label in space.labels}

    assert len(history) == 2 * 3 * 2 * 2
    assert tried["lr"] == {0.001, 0.1}
    assert tried["c"] == {"a", "c"}
    assert tried["n"] == {167, 501, 834}


def test_a_part_of_a_grid_has_about_all_values_of_every_column() -> None:
    """Of 5^6 points the first 60 have every level of each column, about equally often."""
    history = _all(Grid(), Space({f"x{j}": hp.float(f"x{j}", 0.0, 1.0) for j in range(6)}), most=60)
    counts = np.array([np.unique(column, return_counts=True)[1][:5] for column in history.values.T[:, :60]])

    assert counts.shape == (6, 5)
    assert counts.min() >= 4


def test_branches_take_turns() -> None:
    """A small branch is not drowned by a large one, and is done when it is done."""
    history = study(Grid(levels=9), Space(TREE), lambda config: 1.0, 30)
    models = history.values[:, history.space.column["model"]]

    assert Counter(models[:6].tolist()) == {0.0: 2, 1.0: 2, 2.0: 2}
    assert Counter(models.tolist()) == {0.0: 14, 1.0: 14, 2.0: 2}


def test_a_grid_of_any_size_costs_nothing() -> None:
    """10^80 points are numbered, not made."""
    space = Space({**{f"x{j}": hp.float(f"x{j}", 0.0, 1.0) for j in range(100)}, "big": hp.int("big", 0, 2**50)})
    history = _all(Grid(), space, most=97)

    assert len(_rows(history)) == 97
    assert history.values[:, 100].max() > 2**49


def test_many_choices_beside_each_other_are_counted_without_being_combined() -> None:
    """Forty switches, each with a parameter of its own, and one that is on with any of them: 2^40 combinations."""
    shared = hp.float("shared", 0.0, 1.0)
    data = [hp.choice(f"s{i}", [0, [hp.float(f"x{i}", 0.0, 1.0), shared]]) for i in range(40)]
    history = _all(Grid(levels=2), Space(data), most=50)

    assert len(_rows(history)) == len(history) >= 50


def test_the_order_is_the_seeds() -> None:
    """Another seed, another order of the same points; the same seed, the same order."""
    space = Space({"x": hp.float("x", 0.0, 1.0), "y": hp.float("y", 0.0, 1.0)})
    orders = [_all(Grid(), space, most=25) for _ in range(2)]
    other = History(space, {"loss": "minimize"})
    asked = ask(other, q=25)
    proposal = Grid().suggest(space, other, type(asked)(asked.numbers, asked.rng, seed=7))

    assert np.array_equal(orders[0].values, orders[1].values)
    assert not np.array_equal(orders[0].values, proposal.points.values)
    assert {tuple(row) for row in proposal.points.values.tolist()} == _rows(orders[0])


def test_what_was_enqueued_is_not_tried_again_and_what_was_cancelled_is() -> None:
    """The next point is the first of the order that no trial has, whoever asked for it."""
    space = Space({"a": hp.int("a", 0, 4), "b": hp.int("b", 0, 4)})
    plain = _all(Grid(), space)
    history = History(space, {"loss": "minimize"})
    add(history, plain.points[7:8], [1.0])
    proposal = Grid().suggest(space, history, ask(history, q=10))

    assert np.array_equal(proposal.points.values, np.delete(plain.values[:11], 7, axis=0))

    add(history, proposal.points, [None] * 10)
    history.apply(history.seq + 1, Finished(3, 1, Outcome(State.CANCELLED), 0.0))
    again = Grid().suggest(space, history, ask(history, q=2)).points.values

    assert np.array_equal(again, [history.values[3], plain.values[11]])


def test_minimize_ends_when_the_grid_does(tmp_path: Any) -> None:
    """Cleanly, also when it was interrupted on the way; the last ask is told how many points there were."""
    space = {"x": hp.float("x", 0.0, 1.0), "c": hp.categorical("c", ["a", "b"])}
    path = tmp_path / "study.db"
    for trials in (4, 1000):
        result = parzen.minimize(
            lambda p: p["x"], space, trials, algorithm=Grid(3), storage=path, seed=1, progress=False
        )
    configs = {(round(trial.config["x"], 9), trial.config["c"]) for trial in result.trials}

    assert result.stopped_by == "space exhausted"
    assert len(result.trials) == 6
    assert configs == set(itertools.product([round(1 / 6, 9), 0.5, round(5 / 6, 9)], ["a", "b"]))
    with pytest.raises(SpaceExhausted, match="all 6 points of the grid"):
        result.study.ask()


def test_computed_bounds_are_tried_by_levels_and_then_whole() -> None:
    """Where an integer's range depends on another column, nothing of a finite space is left out."""
    size = hp.randint("size", 1, 5)
    space = Space({"size": size, "index": hp.randint("index", 0, size)})
    history = _all(Grid(levels=2), space)

    assert _rows(history) == {(float(n), float(i)) for n in range(1, 5) for i in range(n)}
    assert len(history) == 10


def test_computed_bounds_of_floats_are_tried_by_levels() -> None:
    """As quantiles of what the bounds come to."""
    low = hp.float("low", 0.0, 1.0)
    history = _all(Grid(levels=2), Space({"low": low, "high": hp.uniform("high", low, 2.0)}))
    tried = sorted(np.round(history.values, 4).tolist())

    assert tried == [[0.25, 0.6875], [0.25, 1.5625], [0.75, 1.0625], [0.75, 1.6875]]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"levels": 0}, "levels is a whole number from 1 up, got 0"),
        ({"levels": 2.5}, "levels is a whole number"),
        ({"by_label": ["x"]}, "maps labels to levels or values"),
        ({"by_label": {"x": 0}}, "for parameter 'x' a number of levels from 1 up, or a list of values, got 0"),
        ({"by_label": {"x": []}}, "for parameter 'x'"),
        ({"by_label": {"x": "abc"}}, "for parameter 'x'"),
        ({"by_label": {"y": 3}}, "'y', which the space has not: x"),
        ({"by_label": {"x": [0.5, 7.0]}}, "values of parameter 'x': 7.0 is not a value of uniform"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], sentence: str) -> None:
    """In a sentence, before anything is proposed."""
    with pytest.raises(AlgorithmError, match=sentence):
        _all(Grid(**settings), Space({"x": hp.float("x", 0.0, 1.0)}))


def test_equal_grids_are_equal_and_can_be_keys() -> None:
    """However their levels were written; and it has a name."""
    first, second = Grid(by_label={"x": [1, 2], "y": 3}), Grid(by_label={"y": 3, "x": (1, 2)})

    assert first == second
    assert hash(first) == hash(second)
    assert first != Grid(by_label={"x": [1, 3], "y": 3})
    assert algorithm_named("grid") == Grid()


def test_of_very_many_levels_no_list_is_written_out() -> None:
    """A billion of them would not fit into memory; each is in the middle of its share."""
    found = parzen.minimize(lambda c: 0.0, {"x": hp.float("x", 0, 1)}, 4, algorithm=Grid(levels=10**9), progress=False)
    tried = [trial.params["x"] for trial in found.trials]

    assert len(set(tried)) == 4
    assert all(abs((x * 10**9) % 1.0 - 0.5) < 1e-3 for x in tried)
