"""The optimisers that are compared, each at its defaults: (task, seed, evaluations) -> losses in order of evaluation.

A library is imported when its optimiser runs, so that parzen and its peers may live in different environments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.quality import spaces
from benchmarks.quality.tasks import Task

__all__ = ["OPTIMISERS", "Optimiser"]


@dataclass(frozen=True, slots=True)
class Optimiser:
    """One row of a report.

    Attributes:
        run: (task, seed, evaluations) -> losses.
        package: whose version is recorded with a run.
        peer: lives in the peers' environment.
    """

    run: Callable[[Task, int, int], list[float]]
    package: str
    peer: bool = False


class _Recorder:
    """An objective that keeps the losses it returned, whatever the library does with them."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self.losses: list[float] = []

    def __call__(self, config: Mapping[str, Any]) -> float:
        loss = self._task.objective(config)
        self.losses.append(loss)
        return loss


def _random(task: Task, seed: int, evaluations: int) -> list[float]:
    rng = np.random.default_rng(seed)
    return [task.objective(spaces.sample(task.params, rng)) for _ in range(evaluations)]


def _parzen(algorithm: str) -> Callable[[Task, int, int], list[float]]:
    def run(task: Task, seed: int, evaluations: int) -> list[float]:
        import parzen

        objective = _Recorder(task)
        parzen.minimize(objective, task.space(), evaluations, algorithm=algorithm, seed=seed, progress=False)
        return objective.losses

    return run


def _hyperopt_tpe(task: Task, seed: int, evaluations: int) -> list[float]:
    import hyperopt

    objective = _Recorder(task)
    hyperopt.fmin(
        lambda raw: objective(spaces.settle(task.params, raw)),
        spaces.hyperopt_space(task.params),
        algo=hyperopt.tpe.suggest,
        max_evals=evaluations,
        rstate=np.random.default_rng(seed),
        show_progressbar=False,
    )
    return objective.losses


def _optuna_tpe(task: Task, seed: int, evaluations: int) -> list[float]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    objective = _Recorder(task)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(lambda trial: objective(spaces.suggest_with_optuna(task.params, trial)), n_trials=evaluations)
    return objective.losses


OPTIMISERS: Mapping[str, Optimiser] = {
    "random": Optimiser(_random, "numpy"),
    "parzen-auto": Optimiser(_parzen("auto"), "parzen"),
    "parzen-gp": Optimiser(_parzen("gp"), "parzen"),
    "parzen-tpe": Optimiser(_parzen("tpe"), "parzen"),
    "parzen-cmaes": Optimiser(_parzen("cmaes"), "parzen"),
    "parzen-evolution": Optimiser(_parzen("evolution"), "parzen"),
    "parzen-qmc": Optimiser(_parzen("qmc"), "parzen"),
    "parzen-random": Optimiser(_parzen("random"), "parzen"),
    "hyperopt-tpe": Optimiser(_hyperopt_tpe, "hyperopt", peer=True),
    "optuna-tpe": Optimiser(_optuna_tpe, "optuna", peer=True),
}
"""Name -> optimiser.  `random` is our own dozen lines, independent of any library."""
