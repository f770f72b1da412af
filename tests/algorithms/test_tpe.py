"""TPE: it finds what is to be found, and behaves on the way."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from parzen import hp
from parzen.algorithms import TPE, Algorithm, Random
from parzen.errors import AlgorithmError, SpaceExhausted
from parzen.space import Points, Space
from parzen.trials import History, Outcome, State

from .studies import BRANIN, FAILED, add, ask, branin, retract, study

TREE = Space(
    hp.choice(
        "kernel",
        [
            {"kind": "linear", "C": hp.float("C linear", 1e-3, 1e3, log=True)},
            {"kind": "rbf", "C": hp.float("C", 1e-3, 1e3, log=True), "gamma": hp.float("gamma", 1e-4, 1e1, log=True)},
            {"kind": "poly", "degree": hp.int("degree", 1, 6)},
        ],
    )
)
MIXED = Space({"c": hp.categorical("c", [*"abcde"]), "n": hp.int("n", 1, 1000, log=True), "x": hp.float("x", 0, 1)})


def svm(config: Any) -> float:  # a configuration
    """Optimum 0, in the second branch."""
    if config["kind"] == "linear":
        return 0.5 + 0.02 * math.log10(config["C"]) ** 2
    if config["kind"] == "rbf":
        return 0.1 * (math.log10(config["C"]) - 1) ** 2 + 0.1 * (math.log10(config["gamma"]) + 2) ** 2
    return 0.4 + 0.05 * abs(float(config["degree"]) - 3)


def mixed(config: Any) -> float:  # a configuration
    """Optimum 0."""
    return float((config["c"] != "d") + (math.log10(config["n"]) - 1.5) ** 2 + (config["x"] - 0.3) ** 2)


def best(algorithm: Algorithm, space: Space, objective: Callable[[Any], float], n: int, seeds: int = 6) -> float:
    """Median over seeds."""
    return float(np.median([study(algorithm, space, objective, n, seed).losses.min() for seed in range(seeds)]))


@pytest.mark.parametrize(
    ("space", "objective", "optimum"), [(BRANIN, branin, 0.398), (TREE, svm, 0.0), (MIXED, mixed, 0.0)]
)
def test_it_is_much_better_than_random(space: Space, objective: Callable[[Any], float], optimum: float) -> None:
    """After 60 evaluations its regret is less than half of random search's, with a wide margin."""
    tpe, random = best(TPE(), space, objective, 60), best(Random(), space, objective, 60)

    assert tpe - optimum < 0.5 * (random - optimum)


def test_the_first_proposals_are_spread_evenly() -> None:
    """As many as n_startup says; it counts what was asked for, by whatever rule."""
    history = study(TPE(n_startup=4), BRANIN, branin, 0)
    sources = []
    for _ in range(6):
        proposal = TPE(n_startup=4).suggest(BRANIN, history, ask(history))
        sources += proposal.sources
        add(history, proposal.points, [1.0])

    assert sources == ["tpe: the middle of every range", *["tpe: sobol start"] * 3, "tpe", "tpe"]


def test_a_proposal_tells_its_score() -> None:
    """The gain is log l - log g; a start expects nothing."""
    history = study(TPE(n_startup=5), BRANIN, branin, 5)
    start = TPE(n_startup=6).suggest(BRANIN, history, ask(history))
    later = TPE(n_startup=5).suggest(BRANIN, history, ask(history))

    assert start.gains == (None,)
    assert later.gains[0] is not None
    assert later.gains[0] > 0


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_scale_and_shift_of_the_loss_do_not_matter(scale: float) -> None:
    """The same trials are proposed, to the bit where the arithmetic is exact."""
    exact = 2.0 ** round(math.log2(scale))
    plain = study(TPE(), MIXED, mixed, 30)
    scaled = study(TPE(), MIXED, lambda config: exact * mixed(config), 30)

    assert np.array_equal(plain.values, scaled.values)


@pytest.mark.parametrize("bad", [FAILED, math.inf, -math.inf, Outcome(State.PRUNED, {"loss": 0.0})])
def test_what_has_no_usable_loss_is_avoided(bad: Outcome | float) -> None:
    """Failures on one half of a line push the search to the other half, whichever way they failed."""
    space = Space({"x": hp.float("x", 0, 1)})
    x = (np.arange(40) + 0.5) / 40
    values = np.random.default_rng(0).permutation(x)[:, None]
    history = History(space, {"loss": "minimize"})
    add(history, Points(values, np.ones((40, 1), dtype=bool)), [bad if v < 0.5 else 1.0 for v in values[:, 0]])

    proposed = TPE().suggest(space, history, ask(history, 20)).points.values

    assert np.count_nonzero(proposed > 0.5) >= 15


def test_nothing_but_failures_pushes_away_from_them() -> None:
    """With no good trial the prior is the good group."""
    space = Space({"x": hp.float("x", 0, 1)})
    values = np.linspace(0.0, 0.4, 30)[:, None]
    history = History(space, {"loss": "minimize"})
    add(history, Points(values, np.ones((30, 1), dtype=bool)), [FAILED] * 30)

    assert TPE().suggest(space, history, ask(history)).points.values[0, 0] > 0.5


def test_running_trials_keep_others_away() -> None:
    """A proposal is not made next to many that are under way, though that is where the best one was."""
    space = Space({"x": hp.float("x", 0, 1)})
    values = np.concatenate((np.linspace(0.02, 0.98, 25), 0.5 + np.linspace(-0.02, 0.02, 40)))[:, None]
    losses: list[Outcome | float | None] = [abs(v - 0.5) for v in values[:25, 0]]
    history = History(space, {"loss": "minimize"})
    add(history, Points(values, np.ones(values.shape, dtype=bool)), losses + [None] * 40)

    proposed = TPE().suggest(space, history, ask(history)).points.values

    assert abs(proposed[0, 0] - 0.5) > 0.02


def test_a_trial_that_was_taken_back_is_forgotten() -> None:
    """The best one is retracted: the proposal is what it would be if it had been the worst of states."""
    history = study(TPE(), MIXED, mixed, 25)
    before = TPE().suggest(MIXED, history, ask(history))
    number = history.best_number
    assert number is not None
    retract(history, number)
    after = TPE().suggest(MIXED, history, ask(history))

    assert not np.array_equal(before.points.values, after.points.values)


def test_a_finite_space_ends_in_space_exhausted() -> None:
    """After every configuration was proposed once."""
    space = Space({"a": hp.categorical("a", [*"abc"]), "n": hp.randint("n", 4)})
    history = study(TPE(n_startup=2), space, lambda config: float(config["n"]), 12)

    assert len(np.unique(history.values, axis=0)) == 12
    with pytest.raises(SpaceExhausted):
        TPE().suggest(space, history, ask(history))


def test_proposals_do_not_depend_on_how_often_the_memory_was_brought_up_to_date() -> None:
    """Asking after each of 3 000 trials or only at the end is the same, across every refresh of the kernels."""
    space = Space({"x": hp.float("x", 0, 1), "c": hp.categorical("c", [*"ab"])})
    points = space.sample(np.random.default_rng(0), 3000)
    losses = np.random.default_rng(1).random(3000).tolist()
    often, once = History(space, {"loss": "minimize"}), History(space, {"loss": "minimize"})
    for i in range(0, 3000, 125):
        add(often, points[i : i + 125], losses[i : i + 125])
        TPE().suggest(space, often, ask(often))
    add(once, points, losses)

    a, b = TPE().suggest(space, often, ask(often)), TPE().suggest(space, once, ask(once))

    assert np.array_equal(a.points.values, b.points.values)
    assert a.gains == pytest.approx(b.gains)


def test_an_older_snapshot_may_ask_too() -> None:
    """It gets what it would have got then."""
    history = study(TPE(), MIXED, mixed, 20)
    old = history.snapshot()
    then = TPE().suggest(MIXED, old, ask(old))
    add(history, then.points, [0.0])
    TPE().suggest(MIXED, history, ask(history))
    again = TPE().suggest(MIXED, old, ask(old))

    assert np.array_equal(then.points.values, again.points.values)


def test_hyperopts_gamma_is_a_root_of_the_number_of_trials() -> None:
    """A larger gamma makes a larger good group, and so another proposal."""
    history = study(Random(), BRANIN, branin, 60)
    few, many = (
        TPE(gamma=gamma, linear_forgetting=25).suggest(BRANIN, history, ask(history)).points.values
        for gamma in (0.25, 2.0)
    )

    assert not np.array_equal(few, many)


def test_forgotten_trials_weigh_less() -> None:
    """What is bad and long ago keeps nobody away for ever."""
    space = Space({"x": hp.float("x", 0, 1)})
    values = np.concatenate((np.linspace(0.05, 0.35, 200), np.linspace(0.65, 0.95, 25)))
    history = History(space, {"loss": "minimize"})
    add(history, Points(values[:, None], np.ones((225, 1), dtype=bool)), [FAILED] * 225)
    never = TPE().suggest(space, history, ask(history, 30)).points.values
    soon = TPE(linear_forgetting=10).suggest(space, history, ask(history, 30)).points.values

    assert np.count_nonzero(soon < 0.4) > np.count_nonzero(never < 0.4)


@pytest.mark.parametrize(
    "settings",
    [
        {"n_startup": -1},
        {"n_candidates": 0},
        {"gamma": 0.0},
        {"gamma": math.nan},
        {"prior_weight": -1.0},
        {"linear_forgetting": 0},
        {"n_candidates": 24.0},
        {"n_startup": 2.5},
        {"n_startup": None},
        {"n_candidates": True},
        {"linear_forgetting": 25.0},
        {"gamma": "0.25"},
        {"prior_weight": None},
        {"wide": "yes"},
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any]) -> None:
    """When the record is made, with the name in the text."""
    with pytest.raises(AlgorithmError, match=next(iter(settings))):
        TPE(**settings)


def test_settings_may_be_numbers_of_numpy() -> None:
    """As they come out of a grid of settings."""
    made = TPE(n_startup=np.int64(5), n_candidates=np.int32(24), gamma=np.float32(0.25), prior_weight=np.float64(1))

    assert study(made, BRANIN, branin, 8).count(State.OK) == 8


def test_more_points_than_start_up_trials_may_be_asked_for_before_anything_was_tried() -> None:
    """A queue is filled at once."""
    history = History(MIXED, {"loss": "minimize"})
    proposal = TPE(n_startup=2).suggest(MIXED, history, ask(history, 8))

    assert len(proposal.points) == 8
    assert proposal.sources[-1] == "tpe"


def test_what_was_asked_before_changes_nothing_where_the_good_group_loses_the_one_more() -> None:
    """With 59 and with 61 losses the same seven are good, but once one of them is the one more, and kernels are wider."""
    space = Space({"x": hp.float("x", 0, 1), "y": hp.float("y", 0, 1)})
    unit = np.random.default_rng(3).random((61, 2))
    unit[:7] *= 0.01  # so near to each other that it is the least width that counts
    losses = (unit**2).sum(axis=1)
    losses[59:] += 5.0
    asked, fresh = (History(space, {"loss": "minimize"}) for _ in range(2))
    add(asked, space.from_unit(unit[:59]), losses[:59].tolist())
    TPE().suggest(space, asked, ask(asked))
    add(asked, space.from_unit(unit[59:]), losses[59:].tolist())
    add(fresh, space.from_unit(unit), losses.tolist())
    first, second = (TPE().suggest(space, history, ask(history)).points.values for history in (asked, fresh))

    assert np.array_equal(first, second)
