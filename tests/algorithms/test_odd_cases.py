"""Every algorithm by name, on spaces that are small, wide, deep or odd, and with losses that nobody wished for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from parzen import hp
from parzen._typing import FloatArray
from parzen.algorithms import Algorithm, Grid, algorithm_named, repeats
from parzen.errors import SpaceExhausted
from parzen.space import Space
from parzen.trials import History, Outcome, State

from .studies import BRANIN, FAILED, NAMES, add, ask, branin, study

SPACES: Mapping[str, Callable[[], Any]] = {
    "one column": lambda: {"x": hp.float("x", -5, 5)},
    "one whole number": lambda: {"n": hp.int("n", 0, 99)},
    "one category": lambda: {"c": hp.categorical("c", range(40))},
    "all categorical": lambda: {f"c{j}": hp.categorical(f"c{j}", range(2 + j % 4)) for j in range(8)},
    "200 columns": lambda: {f"x{j}": hp.float(f"x{j}", 0, 1) for j in range(200)},
    "400 mixed columns": lambda: {
        **{f"x{j}": hp.float(f"x{j}", 0, 1) for j in range(200)},
        **{f"c{j}": hp.categorical(f"c{j}", [*"abc"]) for j in range(200)},
    },
    "10 000 options": lambda: {"c": hp.categorical("c", range(10_000)), "x": hp.float("x", 0, 1)},
    "10 000 options alone": lambda: {"c": hp.categorical("c", range(10_000))},
    "log integers": lambda: {
        "n": hp.int("n", 1, 10**6, log=True),
        "m": hp.int("m", 1, 3, log=True),
        "q": hp.qloguniform("q", 0, 10, 1),
    },
    "20 branches": lambda: hp.choice(
        "b",
        [
            {"i": i, "x": hp.float(f"x{i}", 0, 1), "n": hp.int(f"n{i}", 1, 9), "c": hp.categorical(f"c{i}", [*"ab"])}
            for i in range(20)
        ],
    ),
    "a chain of branches": lambda: _chain(8),
    "a switch that is nearly always off": lambda: {
        "s": hp.pchoice("s", [(0.999, 0), (0.001, hp.float("rare", 0, 1))]),
        "x": hp.float("x", 0, 1),
    },
    "tails": lambda: [hp.normal("x", 0, 1e6), hp.lognormal("y", 0, 10), hp.float("z", 1e-300, 1e300, log=True)],
    "constants beside one column": lambda: {
        "k": hp.int("k", 3, 3),
        "o": hp.choice("o", ["only"]),
        "x": hp.float("x", 0, 1),
    },
}


def _chain(depth: int) -> Any:
    """A choice in a choice in a choice: half of the rows have one column, and one in 2^depth has all."""
    return hp.choice(
        f"c{depth}", [depth, {"x": hp.float(f"x{depth}", 0, 1), "next": _chain(depth - 1) if depth else "end"}]
    )


FINITE: Mapping[str, tuple[Callable[[], Any], int]] = {
    "one category": (lambda: {"c": hp.categorical("c", [*"abcdefg"])}, 7),
    "two booleans": (lambda: {"a": hp.bool("a"), "b": hp.bool("b")}, 4),
    "whole numbers": (lambda: {"n": hp.int("n", -2, 3), "m": hp.randint("m", 4)}, 24),
    "a log grid": (lambda: {"n": hp.int("n", 1, 30, log=True)}, 30),
    "rare options": (lambda: {"p": hp.pchoice("p", [(0.998, "a"), (0.001, "b"), (0.001, "c")]), "s": hp.bool("s")}, 6),
    "a tree": (
        lambda: hp.choice("m", [0, {"n": hp.int("n", 1, 9)}, {"c": hp.categorical("c", [*"abc"]), "s": hp.bool("s")}]),
        16,
    ),
    "one configuration": (lambda: {"c": hp.choice("c", ["only"])}, 1),
}
"""A space, and how many configurations it has."""

MIXED = {
    "m": hp.choice("m", [{"a": hp.float("a", 1e-3, 1, log=True)}, {"n": hp.int("n", 1, 9)}, "nothing"]),
    "x": hp.float("x", 0, 1),
    "y": hp.normal("y", 0, 1),
    "c": hp.categorical("c", [*"abcd"]),
}


def named(name: str) -> Algorithm:
    """With its default settings, but for a grid of levels enough for thirty points on a line."""
    return Grid(levels=50) if name == "grid" else algorithm_named(name)


def bowl(unit: FloatArray) -> float:
    """Of whatever is active."""
    return float(np.nansum((unit - 0.3) ** 2))


def hostile(unit: FloatArray) -> Outcome | float | None:
    """By the row: a loss, a failure, nothing yet, and every float that is hard to calculate with."""
    kind = int(np.nansum(unit) * 1e6) % 12
    odd: dict[int, Outcome | float | None] = {
        0: FAILED,
        1: Outcome(State.FAILED),
        2: Outcome(State.PRUNED, {"loss": 0.1}),
        3: math.inf,
        4: -math.inf,
        5: math.nan,
        6: None,
        7: 1e300,
    }
    return odd.get(kind, bowl(unit))


LOSSES: Mapping[str, Callable[[FloatArray], Outcome | float | None]] = {
    "as they should be": bowl,
    "of every kind": hostile,
    "constant": lambda unit: 3.0,
    "constant and zero": lambda unit: 0.0,
    "huge": lambda unit: 1e300 * bowl(unit),
    "of both signs and huge": lambda unit: 1.7e308 * math.sin(1e3 * float(np.nansum(unit))),
    "as small as there are": lambda unit: 5e-324 * round(8 * bowl(unit)),
    "all but equal": lambda unit: 1.0 + 1e-15 * round(bowl(unit)),
    "one that is far out": lambda unit: 1e150 if int(np.nansum(unit) * 1e6) % 5 == 0 else bowl(unit),
    "NaN": lambda unit: math.nan,
    "infinite": lambda unit: math.inf,
    "minus infinity": lambda unit: -math.inf,
    "failures": lambda unit: FAILED,
    "failures but one": lambda unit: FAILED if np.nansum(unit) > 1.0 else 1.0,
    "not there yet": lambda unit: None,
}


def search(
    algorithm: Algorithm, space: Space, outcome: Callable[[FloatArray], Outcome | float | None], n: int, seed: int = 0
) -> History:
    """At most `n` trials; every proposal is a point of the space, with a finite gain or none."""
    history = History(space, {"loss": "minimize"})
    for _ in range(n):
        try:
            proposal = algorithm.suggest(space, history, ask(history, seed=seed))
        except SpaceExhausted:
            break
        values = proposal.points.values[0]
        active = proposal.points.active[0]
        assert np.array_equal(active, space.active(values[None, :])[0])
        assert np.array_equal(active, ~np.isnan(values))
        row = space.encode_params(space.params(proposal.points)).values[0]
        assert np.allclose(row, values, rtol=1e-9, atol=1e-12, equal_nan=True)
        gain = proposal.gains[0] if proposal.gains else None
        assert gain is None or math.isfinite(gain)
        add(history, proposal.points, [outcome(space.to_unit(proposal.points)[0])], memo=proposal.memo)
    return history


def distinct(rows: FloatArray) -> int:
    """How many of `(n, d)` rows differ from each other."""
    return len(np.unique(np.where(np.isnan(rows), -1e308, rows), axis=0))


@pytest.mark.parametrize("case", SPACES)
@pytest.mark.parametrize("name", NAMES)
def test_thirty_points_of_an_odd_space_are_valid_and_new(name: str, case: str) -> None:
    """Among results of every kind."""
    space = Space(SPACES[case]())
    history = search(named(name), space, hostile, 30)

    assert len(history) == 30
    assert distinct(history.values) == 30


@pytest.mark.parametrize("case", LOSSES)
@pytest.mark.parametrize("name", NAMES)
def test_thirty_trials_are_proposed_whatever_the_losses_are(name: str, case: str) -> None:
    """Without a warning from the arithmetic, which would be an error here."""
    history = search(named(name), Space(MIXED), LOSSES[case], 30)

    assert len(history) == 30
    assert distinct(history.values) == 30


@pytest.mark.parametrize("case", FINITE)
@pytest.mark.parametrize("name", NAMES)
def test_a_finite_space_is_proposed_once_and_then_it_is_exhausted(name: str, case: str) -> None:
    """Every configuration exactly once, whatever came of them."""
    make, size = FINITE[case]
    space, algorithm = Space(make()), named(name)
    history = search(algorithm, space, hostile, size + 1)

    assert len(history) == distinct(history.values) == size
    with pytest.raises(SpaceExhausted):
        algorithm.suggest(space, history, ask(history))


@pytest.mark.parametrize("case", ["mixed", "one column", "20 branches", "10 000 options alone", "all categorical"])
@pytest.mark.parametrize("known", [0, 3, 25])
@pytest.mark.parametrize("name", NAMES)
def test_eight_of_one_batch_differ(name: str, known: int, case: str) -> None:
    """From each other and from what is known and under way; before there is anything, early, and later."""
    space, algorithm = Space(MIXED if case == "mixed" else SPACES[case]()), named(name)
    history = search(algorithm, space, bowl, known)
    for _ in range(2):
        proposal = algorithm.suggest(space, history, ask(history, 8))
        add(history, proposal.points, [None] * 8, memo=proposal.memo)

    assert len(proposal.sources) == 8
    assert distinct(history.values) == known + 16


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_that_is_larger_than_what_is_left_is_what_is_left(name: str) -> None:
    """Sixteen configurations, eleven of them known: five of eight, all new."""
    make, size = FINITE["a tree"]
    space, algorithm = Space(make()), named(name)
    history = search(algorithm, space, bowl, 11)
    proposal = algorithm.suggest(space, history, ask(history, 8))

    assert len(proposal.points) == len(proposal.sources) == 5
    assert distinct(np.concatenate((history.values, proposal.points.values))) == size


@pytest.mark.parametrize("name", ["auto", "gp", "tpe"])
def test_a_batch_is_not_one_configuration_eight_times_over(name: str) -> None:
    """After twelve trials on Branin's function the nearest two of eight are a hundredth of the range apart.

    Measured over six seeds: 0.04 and more for `auto`, 0.07 for `gp` and `tpe`.
    """
    algorithm = named(name)
    history = study(algorithm, BRANIN, branin, 12)
    unit = BRANIN.to_unit(algorithm.suggest(BRANIN, history, ask(history, 8)).points)
    apart = np.abs(unit[:, None] - unit).max(axis=2) + np.eye(8)

    assert apart.min() > 0.01


@pytest.mark.parametrize("case", LOSSES)
@pytest.mark.parametrize("name", ["auto", "random"])
def test_repeats_are_configurations_of_the_space_whatever_the_losses_are(name: str, case: str) -> None:
    """When a finite space is exhausted, and for the eight of one ask."""
    make, size = FINITE["a tree"]
    space, algorithm = Space(make()), named(name)
    history = search(algorithm, space, LOSSES[case], size)
    again = repeats(algorithm, space, history, ask(history, 8)).points.values

    assert len(again) == 8
    assert distinct(np.concatenate((history.values, again))) == size
