"""How good a search is, with fixed seeds and wide margins: a gross fault in a model fails here, another stream does not.

Each test says what was measured, so that a margin can be compared with it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from parzen import hp
from parzen.algorithms import algorithm_named
from parzen.space import Space
from parzen.trials import State
from tests.algorithms.studies import BRANIN, branin, study

SEEDS = range(5)

HARTMANN = Space([hp.float(f"x{j}", 0, 1) for j in range(6)])
_ALPHA = np.array([1.0, 1.2, 3.0, 3.2])
_A = np.array(
    [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
)
_P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def hartmann(config: Any) -> float:  # a configuration
    """Six columns; Dixon and Szego 1978; least value -3.32237."""
    return float(-_ALPHA @ np.exp(-(_A * (np.array(config) - _P) ** 2).sum(axis=1)))


KERNELS = Space(
    {
        "C": hp.float("C", 1e-3, 1e3, log=True),
        "kernel": hp.choice(
            "kernel",
            [
                {"kind": "linear"},
                {"kind": "rbf", "gamma": hp.float("gamma", 1e-4, 1e1, log=True)},
                {"kind": "poly", "degree": hp.int("degree", 2, 6), "coef0": hp.float("coef0", 0, 1)},
            ],
        ),
    }
)


def kernels(config: Any) -> float:  # a configuration
    """What the error of a support vector machine looks like: a valley along log C + log gamma; least value 0, with rbf."""
    c, kernel = math.log10(config["C"]), config["kernel"]
    if kernel["kind"] == "linear":
        return 0.4 + 0.02 * (c + 1) ** 2
    if kernel["kind"] == "rbf":
        gamma = math.log10(kernel["gamma"])
        return 0.1 * (c + gamma + 0.5) ** 2 + 0.02 * (c - 1.5) ** 2
    return 0.3 + 0.02 * c**2 + 0.05 * abs(kernel["degree"] - 3) + 0.1 * (kernel["coef0"] - 0.5) ** 2


TASKS: dict[str, tuple[Space, Callable[[Any], float], float]] = {
    "Branin": (BRANIN, branin, 0.397887),
    "Hartmann": (HARTMANN, hartmann, -3.32237),
    "kernels": (KERNELS, kernels, 0.0),
}


@cache
def regret(name: str, task: str, n: int) -> float:
    """Median over the seeds, of the best of `n` trials."""
    space, objective, optimum = TASKS[task]
    found = [study(algorithm_named(name), space, objective, n, seed).losses.min() - optimum for seed in SEEDS]
    return float(np.median(found))


@pytest.mark.parametrize(
    ("name", "n", "task", "share"),
    [
        ("tpe", 60, "Branin", 0.5),
        ("tpe", 60, "Hartmann", 0.9),
        ("tpe", 60, "kernels", 0.8),
        ("auto", 40, "Branin", 0.1),
        ("auto", 40, "Hartmann", 0.1),
        pytest.param("auto", 40, "kernels", 0.1, marks=pytest.mark.slow),
    ],
)
def test_the_regret_is_a_share_of_that_of_random_search(name: str, n: int, task: str, share: float) -> None:
    """Median over five seeds; the largest share that was measured on three sets of seeds is in brackets.

    tpe after 60 trials: Branin (0.03), Hartmann (0.49), kernels (0.33); auto after 40: less than 0.005 on each.
    """
    assert regret(name, task, n) < share * regret("random", task, n)


@pytest.mark.parametrize(("name", "most"), [pytest.param("auto", 0.38, marks=pytest.mark.slow), ("tpe", 0.38)])
def test_proposals_leave_a_half_space_that_crashes(name: str, most: float) -> None:
    """Of the last 25 of 50 trials; of random search's a half.  Measured: auto 0.18 to 0.25, tpe 0.22 to 0.26."""

    def objective(config: Any) -> float | None:
        return None if config["x"] > 2.5 else branin(config)

    states = np.stack([study(algorithm_named(name), BRANIN, objective, 50, seed).state for seed in SEEDS])

    assert (states[:, 25:] == State.ERROR).mean() < most


@pytest.mark.slow
def test_noise_does_not_keep_auto_from_the_optimum() -> None:
    """Its last proposals gather around the optimum of a sphere, though the noise is worth 0.3 of a column.

    The farthest column of their median is 0.05 to 0.15 from it, by the median of five seeds; a random one is 0.6 away.
    """
    space = Space([hp.float(f"x{j}", -1, 1) for j in range(3)])
    apart = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)

        def objective(config: Any, rng: np.random.Generator = rng) -> float:
            return float(sum((x - 0.3) ** 2 for x in config) + rng.normal(0, 0.1))

        history = study(algorithm_named("auto"), space, objective, 60, seed)
        late = history.values[40:]
        apart.append(float(np.abs(np.median(late, axis=0) - 0.3).max()))

    assert np.median(apart) < 0.3
