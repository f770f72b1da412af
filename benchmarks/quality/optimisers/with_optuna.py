"""Optuna's samplers, each at its defaults.

Conditions are define-by-run: a parameter that is not active is not asked for.  TPE at its default takes care of the
rest by itself; the Gaussian process and CMA-ES model the parameters that every trial had and draw the others at random.
A failure is a trial with state FAIL, as `study.optimize(catch=...)` leaves it.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

from benchmarks.quality import spaces
from benchmarks.quality.optimisers._search import Search, Setup, Start
from benchmarks.quality.spaces import Config

__all__ = ["optuna_with"]


class _Optuna(Search):
    def __init__(self, setup: Setup, sampler: str, settings: dict[str, Any]) -> None:
        import optuna

        super().__init__()
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        # Told by the logger once an ask, on spaces with conditions: what happens is written down above.
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._params, self._failed = setup.params, optuna.trial.TrialState.FAIL
        self._study = optuna.create_study(sampler=getattr(optuna.samplers, sampler)(seed=setup.seed, **settings))
        self._trials: list[Any] = []

    def ask(self) -> Config:
        trial = self._study.ask()
        self._trials.append(trial)
        return spaces.suggest_with_optuna(self._params, trial)

    def record(self, number: int, loss: float) -> None:
        if math.isfinite(loss):
            self._study.tell(self._trials[number], loss)
        else:
            self._study.tell(self._trials[number], state=self._failed)

    def best(self) -> int | None:
        return None if super().best() is None else int(self._study.best_trial.number)


def optuna_with(sampler: str, **settings: Any) -> Start:
    """Optuna with a sampler of `optuna.samplers`."""
    return lambda setup: _Optuna(setup, sampler, settings)
