"""The chance that more trials still help."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from parzen.feedback import chance_of_help

if TYPE_CHECKING:
    from conftest import Driver


def _after(driver: Driver, losses: list[float | None], trials: int | None = None) -> float:
    for loss in losses:
        driver.trial(loss)
    chance = chance_of_help(driver.history, trials)
    assert chance is not None
    return chance.probability


def test_it_is_too_early_to_say_at_first(driver: Driver) -> None:
    """And where nothing has a loss."""
    for _ in range(11):
        driver.trial(1.0)
    assert chance_of_help(driver.history) is None
    driver.trial(0.5)
    assert chance_of_help(driver.history) is not None


def test_nothing_is_said_where_all_losses_are_equal(driver: Driver) -> None:
    """No trial has ever helped, and nobody knows what would."""
    for _ in range(40):
        driver.trial(1.0)

    assert chance_of_help(driver.history) is None


def test_nothing_is_said_of_failures_alone(driver: Driver) -> None:
    """There is nothing to improve on."""
    for _ in range(20):
        driver.trial(None)

    assert chance_of_help(driver.history) is None


def test_a_search_that_still_improves_has_the_better_chance(make_driver: type[Driver]) -> None:
    """One that has arrived has a small one, and more trials are a better chance than few."""
    going = [100.0 - i for i in range(40)]
    gone = [100.0 - 8 * i for i in range(10)] + [60.0] * 30
    few, many = _after(make_driver(), going, 5), _after(make_driver(), going, 100)

    assert _after(make_driver(), going, 40) > 0.95
    assert _after(make_driver(), gone, 40) < 0.45
    assert few < many
    assert 0 < few < many < 1


def test_an_improvement_that_is_worth_nothing_does_not_count(make_driver: type[Driver]) -> None:
    """A loss that goes on to shrink by a billionth has arrived; the direction makes no difference."""
    shrinking = [10.0, 5.0, 1.0] * 5 + [1.0 - 1e-9 * i for i in range(1, 40)]
    turned = make_driver(direction="maximize")

    assert _after(make_driver(), shrinking, 54) < 0.45
    assert _after(turned, [-loss for loss in shrinking], 54) == _after(make_driver(), shrinking, 54)


def test_it_is_of_what_the_budget_has_left(make_driver: type[Driver]) -> None:
    """And of a tenth more where nothing is left or there is no budget."""
    from parzen.feedback import Silent

    driver = make_driver()
    driver.start(Silent(), total=50)
    for i in range(20):
        driver.trial(20.0 - i)
    chance = chance_of_help(driver.history)
    assert chance is not None
    assert (chance.trials, chance.since) == (30, 0)
    for _ in range(130):
        driver.trial(30.0)
    chance = chance_of_help(driver.history)

    assert chance is not None
    assert (chance.trials, chance.since) == (15, 130)


def test_it_comes_true_as_often_as_it_says_for_losses_in_random_order(make_driver: type[Driver]) -> None:
    """Within three standard errors, over 60 searches."""
    rng = np.random.default_rng(1)
    said, came = [], []
    for _ in range(60):
        losses = rng.lognormal(size=120)
        driver = make_driver()
        said.append(_after(driver, losses[:60].tolist(), 60))
        worth = 0.01 * (np.median(losses[:12]) - losses[:60].min())
        came.append(losses[60:].min() < losses[:60].min() - worth)

    assert np.mean(said) == pytest.approx(np.mean(came), abs=0.19)  # three standard errors
