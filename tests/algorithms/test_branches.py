"""A search that is stuck in one branch of a tree looks at the others now and then."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import parzen
from parzen import hp

MODELS = {
    "model": hp.choice(
        "model",
        [
            {"name": "flat", "alpha": hp.float("flat:alpha", 0.0, 1.0), "beta": hp.float("flat:beta", 0.0, 1.0)},
            {"name": "deep", "c": hp.float("deep:c", 0.0, 1.0), "g": hp.float("deep:g", 0.0, 1.0)},
            {"name": "bad", "k": hp.float("bad:k", 0.0, 1.0)},
        ],
    )
}
"""A model that is good everywhere, one that is better in a corner of its space and worse elsewhere, and a bad one."""


def _loss(config: Any) -> float:
    model = config["model"]
    if model["name"] == "flat":
        return 0.5 + 1e-3 * ((model["alpha"] - 0.3) ** 2 + (model["beta"] - 0.6) ** 2)
    if model["name"] == "bad":
        return 2.0 + 0.01 * model["k"]
    return 1.0 - 0.9 * max(0.0, 1.0 - 4.0 * max(abs(model["c"] - 0.9), abs(model["g"] - 0.2)))


@pytest.mark.slow
def test_a_better_branch_is_found_behind_one_that_is_good_everywhere() -> None:
    """Most seeds end in the deep branch; without a look elsewhere most of them end in the flat one."""
    found = []
    for seed in range(5):
        result = parzen.minimize(_loss, MODELS, 60, seed=seed, progress=False)
        found.append(result.best.loss < 0.45)
    assert sum(found) >= 4, found


@pytest.mark.slow
def test_no_more_than_every_third_trial_looks_elsewhere_and_a_hopeless_branch_is_let_be() -> None:
    """Nine trials are enough to see that nothing in a branch comes near the best."""

    def loss(config: Any) -> float:
        model = config["model"]
        return 0.5 if model["name"] == "flat" else 2.0 + 0.01 * sum(v for v in model.values() if not isinstance(v, str))

    history = parzen.minimize(loss, MODELS, 120, seed=1, progress=False).history
    elsewhere = np.array([history.source(number) == "auto: another branch" for number in range(len(history))])

    assert 0 < elsewhere.sum() <= 40
    assert not elsewhere[[n for n in range(120) if n % 3 != 2]].any()
    assert not elsewhere[90:].any()


def test_a_search_that_gains_is_left_alone() -> None:
    """Each trial of the good branch is better than all before."""
    count = iter(range(1000))

    def loss(config: Any) -> float:
        return 10.0 * 0.9 ** next(count) if config["model"]["name"] == "deep" else 12.0

    history = parzen.minimize(loss, MODELS, 50, seed=3, progress=False).history

    assert not any("another branch" in history.source(number) for number in range(len(history)))


@pytest.mark.slow
def test_a_branch_that_always_fails_is_left_after_some_trials() -> None:
    """Failures count as trials of a branch, and say no more than that it is not good."""

    def loss(config: Any) -> float:
        if config["model"]["name"] != "flat":
            raise ValueError("not here")
        return 0.5 + 0.1 * config["model"]["alpha"]

    history = parzen.minimize(loss, MODELS, 90, seed=2, catch=ValueError, progress=False).history
    late = [history.source(number) for number in range(75, 90)]

    assert not any("another branch" in source for source in late)


def test_a_space_without_branches_has_none_to_look_at() -> None:
    """Nor has one whose only condition is not at its root."""
    space = {"x": hp.float("x", 0.0, 1.0), "c": hp.choice("c", [1, 2])}
    history = parzen.minimize(lambda p: 1.0, space, 40, seed=1, progress=False).history

    assert not any("another branch" in history.source(number) for number in range(len(history)))
