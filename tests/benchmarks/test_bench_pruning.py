"""The commands about pruners and guesses measure what they say, in small."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from benchmarks import priors, pruning
from benchmarks.quality.scoring import Reference
from benchmarks.quality.spaces import category, integer, ordered, parzen_space, real
from benchmarks.quality.tasks import Task
from parzen import hp


@pytest.mark.parametrize("name", pruning.PARZEN)
def test_epochs_are_counted_and_the_best_finished_loss_is_found(name: str) -> None:
    """Without a pruner everything is trained; with one at most that, and what is found is the loss of a whole curve."""
    rng = np.random.default_rng(1)
    curves = [(level + np.linspace(1.0, 0.0, pruning.EPOCHS)).tolist() for level in rng.random(12)]

    def losses(number: int, _: dict[str, Any]) -> Iterator[float]:
        return iter(curves[number])

    space = {"x": hp.float("x", 0, 1)}
    spent, found = pruning.with_parzen(pruning.PARZEN[name], space, "random", 12, 1, losses)
    lasts = [curve[-1] for curve in curves]

    assert found in lasts
    assert 12 <= spent <= 12 * pruning.EPOCHS
    if name == "no pruner":
        assert (spent, found) == (12 * pruning.EPOCHS, min(lasts))


@pytest.mark.parametrize("workload", pruning.WORKLOADS, ids=lambda workload: workload.name)
def test_a_training_can_be_watched(workload: pruning.Workload) -> None:
    """Each epoch has a loss, and a fair configuration learns."""
    space = parzen_space(workload.space)
    assert set(space) == {param.name for param in workload.space}
    fair = {
        "SGDClassifier": {"alpha": 1e-4, "eta0": 0.01, "power_t": 0.2, "learning_rate": "invscaling", "penalty": "l2"},
        "MLPClassifier": {"width": 16, "learning_rate_init": 0.01, "alpha": 1e-3, "batch_size": 32},
    }[workload.name]
    steps = workload.losses(fair, 0)
    told = [next(steps) for _ in range(6)]

    assert told[-1] < min(told[0], 1.0)


def test_a_table_has_a_row_for_each_pruner() -> None:
    """Means over the seeds."""
    text = pruning.table("title", "loss", {"a": [(0.5, 1.0), (0.7, 3.0)], "b": [(1.0, 2.0)]})

    assert "| a | 60.0 % | 2.0000 ± 1.0000 |" in text
    assert "| b | 100.0 % | 2.0000 ± 0.0000 |" in text


PARAMS = (
    real("rate", 1e-4, 1.0, log=True),
    integer("depth", 1, 20),
    ordered("size", [16, 32, 64]),
    category("kind", ["a", "b", "c"]),
)


def test_a_wrong_guess_is_far_from_the_best_and_a_good_one_near() -> None:
    """In every parameter, and both are configurations of the space."""
    best = {"rate": 0.5, "depth": 3, "size": 64, "kind": "b"}
    task = Task("toy", "toy", PARAMS, lambda configs: np.array([config["rate"] for config in configs]))
    for seed in range(5):
        made = priors.guesses(task, seed, best)
        good, wrong = made["good"], made["wrong"]

        assert made["none"] is None
        assert good is not None
        assert wrong is not None
        assert (good["kind"], good["rate"] > 0.02, good["depth"] < 12) == ("b", True, True)
        assert (wrong["kind"] != "b", wrong["rate"] < 1e-3, wrong["depth"] > 17, wrong["size"]) == (
            True,
            True,
            True,
            16,
        )
        priors.space_of(PARAMS, good), priors.space_of(PARAMS, wrong)


def test_regrets_are_kept_for_each_guess_and_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guess at the lower end helps an objective that is lowest there."""
    monkeypatch.setattr(priors, "BUDGETS", (5, 10))
    task = Task(
        "toy", "toy", PARAMS[:2], lambda configs: np.array([config["rate"] * config["depth"] for config in configs])
    )
    known = {"toy": Reference(1e-4, np.ones(10), 10)}
    regrets = priors.measured([task], "random", range(4), known)

    assert sorted(regrets) == ["good", "none", "wrong"]
    assert all(len(values) == 4 for by_budget in regrets.values() for values in by_budget.values())
    assert np.mean(regrets["good"][5]) < np.mean(regrets["wrong"][5])
