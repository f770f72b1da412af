"""Random search in a dozen lines, independent of any library, and parzen."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from benchmarks.quality import spaces
from benchmarks.quality.optimisers._search import Search, Setup, Start
from benchmarks.quality.spaces import Config

__all__ = ["RandomSearch", "parzen_with"]


class RandomSearch(Search):
    """Independent draws."""

    def __init__(self, setup: Setup) -> None:
        super().__init__()
        self._params, self._rng = setup.params, np.random.default_rng(setup.seed)

    def ask(self) -> Config:
        return spaces.sample(self._params, self._rng)

    def record(self, number: int, loss: float) -> None:
        """Nothing is learnt."""


class _Parzen(Search):
    """A study, asked and told.  Conditions are nested choices; a failure is an ERROR, as if the objective had raised."""

    def __init__(self, setup: Setup, algorithm: str, noisy: bool) -> None:
        import parzen

        super().__init__()
        self._exhausted = parzen.errors.SpaceExhausted
        self._study = parzen.Study(spaces.parzen_space(setup.params), algorithm=algorithm, seed=setup.seed, noisy=noisy)
        self._trials: list[Any] = []

    def ask(self) -> Config | None:
        try:
            trial = self._study.ask()
        except self._exhausted:
            return None
        self._trials.append(trial)
        return spaces.flatten(trial.config)

    def record(self, number: int, loss: float) -> None:
        trial = self._trials[number]
        if math.isfinite(loss):
            self._study.tell(trial, loss)
        else:
            self._study.tell(trial, state="ERROR", error="crashed")

    def best(self) -> int | None:
        if super().best() is None:
            return None
        return int(self._study.best.number)


def parzen_with(algorithm: str, *, noisy: bool = False) -> Start:
    """parzen with a named algorithm."""
    return lambda setup: _Parzen(setup, algorithm, noisy)
