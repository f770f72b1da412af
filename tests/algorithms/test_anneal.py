"""Annealing: around the best, closer with every trial, on every kind of space."""

from __future__ import annotations

import numpy as np
import pytest

from parzen import hp
from parzen.algorithms import Anneal, Random
from parzen.errors import AlgorithmError
from parzen.space import Points, Space
from parzen.trials import History

from .studies import FAILED, add, ask, study


def _history(space: Space, units: list[list[float]], losses: list[float]) -> History:
    history = History(space, {"loss": "minimize"})
    add(history, space.from_unit(np.array(units)), losses)
    return history


def _draws(algorithm: Anneal, space: Space, history: History, n: int = 300) -> np.ndarray:
    return np.concatenate(
        [space.to_unit(algorithm.suggest(space, history, ask(history, seed=seed)).points) for seed in range(n)]
    )


def test_the_window_around_the_best_has_the_width_of_the_formula() -> None:
    """After T trials it is 1 / (1 + T / 10) of the prior's range, around the value."""
    space = Space({"x": hp.uniform("x", -5, 5)})
    history = _history(space, [[0.4]] + [[0.9]] * 9, [0.0] + [1.0] * 9)

    u = _draws(Anneal(avg_best_idx=1.0), space, history)

    assert 0.15 < u.min() < 0.16
    assert 0.64 < u.max() < 0.65


def test_a_window_at_the_edge_is_moved_inside_and_keeps_its_width() -> None:
    """What would stick out is not cut off."""
    space = Space({"x": hp.loguniform("x", -5, 0)})
    history = _history(space, [[0.99]] + [[0.2]] * 9, [0.0] + [1.0] * 9)

    u = _draws(Anneal(avg_best_idx=1.0), space, history)

    assert 0.5 < u.min() < 0.51
    assert u.max() <= 1.0


@pytest.mark.parametrize("prior", [hp.normal, hp.lognormal])
def test_a_normal_prior_moves_to_the_value_and_keeps_its_shape(prior: type) -> None:
    """Mean: the value; standard deviation: the prior's, shrunk."""
    space = Space({"x": prior("x", 1.0, 2.0)})
    there = 6.0 if prior is hp.normal else np.exp(6.0)
    history = History(space, {"loss": "minimize"})
    add(history, space.encode_params({"x": there}), [0.0])

    x = np.array(
        [Anneal().suggest(space, history, ask(history, seed=seed)).points.values[0, 0] for seed in range(2000)]
    )
    x = x if prior is hp.normal else np.log(x)

    assert abs(x.mean() - 6.0) < 0.15
    assert abs(x.std() - 2.0 / 1.1) < 0.12


def test_a_category_stays_with_the_probability_of_the_formula() -> None:
    """With 1 - shrink the value stays; else the prior has its turn, the same value included."""
    space = Space({"c": hp.choice("c", list("abcd")), "x": hp.uniform("x", 0, 1)})
    history = _history(space, [[0.6, 0.5]] + [[0.1, 0.5]] * 9, [0.0] + [1.0] * 9)

    codes = np.array(
        [
            Anneal(avg_best_idx=1.0).suggest(space, history, ask(history, seed=seed)).points.values[0, 0]
            for seed in range(1000)
        ]
    )

    assert abs((codes == 2).mean() - (0.5 + 0.5 / 4)) < 0.05


def test_which_of_the_best_is_followed_is_geometric() -> None:
    """With a mean of 2 the best is followed in half of the draws, the second in a quarter."""
    space = Space({"x": hp.uniform("x", 0, 1)})
    history = _history(space, [[0.1], [0.5], [0.9]], [0.0, 1.0, 2.0])

    u = _draws(Anneal(shrink_coef=100.0), space, history, 1000)

    assert abs((abs(u - 0.1) < 0.01).mean() - 0.5) < 0.05
    assert abs((abs(u - 0.5) < 0.01).mean() - 0.25) < 0.05


def test_columns_that_are_active_together_follow_one_trial() -> None:
    """Good trials are not crossed."""
    space = Space({"x": hp.uniform("x", 0, 1), "y": hp.uniform("y", 0, 1)})
    history = _history(space, [[0.2, 0.2], [0.8, 0.8]], [0.0, 0.1])

    u = _draws(Anneal(shrink_coef=100.0), space, history)

    assert np.all(abs(u[:, 0] - u[:, 1]) < 0.02)


def test_a_branch_that_the_best_was_not_on_follows_the_best_that_was() -> None:
    """The runner-up gives what the best has not."""
    space = Space(hp.choice("c", [{"x": hp.uniform("x", 0, 1)}, {"y": hp.uniform("y", 0, 1)}]))
    history = History(space, {"loss": "minimize"})
    x, y = space.column["x"], space.column["y"]
    rows = np.full((3, 3), 0.5)
    rows[:, space.column["c"]] = [0.2, 0.8, 0.8]
    rows[:, x], rows[:, y] = 0.3, [0.5, 0.25, 0.9]
    add(history, space.from_unit(rows), [0.0, 1.0, 2.0])

    u = _draws(Anneal(avg_best_idx=1.0, shrink_coef=1.0), space, history)
    on_y = u[~np.isnan(u[:, y]), y]

    assert len(on_y)
    assert np.all(abs(on_y - 0.25) <= 0.25)


def test_trials_without_a_loss_are_not_gone_around() -> None:
    """While there is no loss at all, the prior is drawn from."""
    space = Space({"x": hp.uniform("x", 0, 1)})
    history = History(space, {"loss": "minimize"})
    add(history, space.from_unit(np.array([[0.5]])), [FAILED])

    proposal = Anneal(shrink_coef=1e6).suggest(space, history, ask(history))

    assert proposal.sources == ("anneal: random start",)


def test_the_neighbourhood_widens_where_everything_close_has_been_tried() -> None:
    """On a grid it goes on outwards instead of repeating itself."""
    space = Space({"n": hp.int("n", 0, 99)})
    history = study(Anneal(shrink_coef=10.0), space, lambda config: (config["n"] - 50) ** 2, 60)

    assert len(set(history.values[:, 0])) == 60
    assert history.best is not None
    assert history.best.loss == 0.0


def test_annealing_beats_random_search_on_a_smooth_loss() -> None:
    """The median of the best of 60 trials is less than half of random search's, on a mixed space."""
    space = Space({"x": hp.uniform("x", -5, 5), "y": hp.lognormal("y", 0, 1), "c": hp.choice("c", [0.0, 1.0, 2.0])})

    def loss(config: dict[str, float]) -> float:
        return (config["x"] - 2) ** 2 + (np.log(config["y"]) - 1) ** 2 + config["c"]

    found = {
        algorithm: np.median([study(algorithm, space, loss, 60, seed).best.loss for seed in range(15)])  # type: ignore[union-attr]  # there is one
        for algorithm in (Anneal(), Random())
    }

    assert found[Anneal()] < 0.5 * found[Random()]


def test_nothing_underflows_or_overflows_at_the_ends_of_the_priors() -> None:
    """Values far out in a normal's tail are gone around without a floating point error."""
    space = Space({"x": hp.normal("x", 0, 1), "y": hp.qlognormal("y", 0, 2, 1)})
    history = History(space, {"loss": "minimize"})
    points = space.from_unit(np.array([[0.0, 0.0], [1.0, 1.0]]))
    with np.errstate(all="raise", under="ignore"):
        add(history, Points(points.values, points.active), [0.0, 1.0])
        for seed in range(50):
            proposal = Anneal().suggest(space, history, ask(history, seed=seed))

            assert np.isfinite(proposal.points.values).all()


@pytest.mark.parametrize(
    "settings", [{"avg_best_idx": 0.5}, {"avg_best_idx": float("inf")}, {"shrink_coef": -1}, {"shrink_coef": "0.1"}]
)
def test_settings_that_make_no_sense_are_refused_with_a_sentence(settings: dict[str, float]) -> None:
    """At once, before a trial is paid for."""
    with pytest.raises(AlgorithmError, match=f"Anneal's {next(iter(settings))} is a finite number"):
        Anneal(**settings)
