"""Any sampler of Optuna as an algorithm of parzen (pip install 'parzen[optuna]').

A study of Optuna's in memory mirrors the history, trial by trial, in Optuna's own words.  To propose, it is asked for one
trial more, which suggests the columns in their order, each only where it is active: Optuna's define-by-run is how a
sampler meets a conditional space, and the sampler itself decides what it samples jointly.

A proposal is to depend on the study's seed, the trial's number and the log alone.  So there is a new sampler for each trial,
made with the seed that is the trial's own, and the trial that was asked for is struck out again: if somebody evaluates it,
the log says so, and it comes into the mirror from there.  Samplers that know what they know from the trials' parameters and
values (TPE, Gaussian process, random, and what is made of them) lose nothing by that.  Those that keep notes of their own
beside the trials (CmaEsSampler, QMCSampler, GridSampler, NSGA) begin each time anew; parzen has `CMAES`, `QMC`, `Grid` and
`Evolution` in their place.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from parzen._lazy import require
from parzen._typing import FloatArray
from parzen.algorithms import Ask, Pick, Proposal, proposal_of, row_key, seen, unseen_point
from parzen.errors import AlgorithmError, BadDistribution
from parzen.space import Categorical, Distribution, Grid, LogUniform, Ordinal, Points, Space, Uniform
from parzen.trials import Asked, Event, Finished, History, State

__all__ = ["OptunaSampler"]

_TRIES = 4
"""Trials that a sampler is asked for before the prior has its turn, where all were tried before."""


@dataclass(frozen=True, slots=True)
class OptunaSampler:
    """A sampler of Optuna.

        minimize(train, space, 100, algorithm=OptunaSampler(optuna.samplers.TPESampler, {"multivariate": True}))

    Attributes:
        make: class of samplers, or a function that makes one; it is called with `seed=` and the settings.
        settings: keyword arguments of `make`.
    """

    make: Callable[..., Any]  # of a sampler; optuna is not imported here
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not callable(self.make):
            raise AlgorithmError(
                f"OptunaSampler takes a class of samplers and its settings, such as OptunaSampler(TPESampler, "
                f"{{'multivariate': True}}), because each trial gets one with a seed of its own; got {self.make!r:.80}"
            )
        if not isinstance(self.settings, Mapping) or "seed" in self.settings:
            raise AlgorithmError(
                f"OptunaSampler's settings are keyword arguments without a seed, which is the study's, got {self.settings!r:.80}"
            )

    def suggest(self, space: Space, history: History, ask: Ask) -> Proposal:
        """Points for `ask.numbers`; each of them counts as running for those after it.

        Raises:
            MissingDependency: Optuna is not installed.
        """
        mirror = history.fold(self, lambda: _Mirror(space), _reflect, (Asked, Finished))
        known = seen(history)
        try:
            return proposal_of(
                ask,
                lambda number, picks: self._pick(space, mirror, known, ask.rng(number), [pick.key for pick in picks]),
            )
        finally:
            mirror.strike_out()

    def _pick(
        self, space: Space, mirror: _Mirror, known: Any, rng: np.random.Generator, taken: Sequence[bytes]
    ) -> Pick:
        with warnings.catch_warnings():
            # Once for each trial would be too often, and whoever names the setting has read it.
            warnings.simplefilter("ignore", mirror.optuna.exceptions.ExperimentalWarning)
            sampler = self.make(seed=int(rng.integers(2**31)), **self.settings)
        name = type(sampler).__name__
        for _ in range(_TRIES if space.d else 0):
            point = mirror.asked(sampler)
            key = row_key(point.values[0])
            if point.values[0] not in known and key not in taken:
                return Pick(point, key, f"optuna: {name}")
        return Pick.of(unseen_point(space, known, rng, taken), f"optuna: random, {name} found nothing new")


class _Mirror:
    """A study of Optuna's with the trials of a history.

    Args:
        space: of the history.
    """

    def __init__(self, space: Space) -> None:
        self.optuna: Any = require("optuna", "'parzen[optuna]'")
        self._space = space
        self._words = [_Word.of(self.optuna, j, space) for j in range(space.d)]
        level = self.optuna.logging.get_verbosity()
        self.optuna.logging.set_verbosity(self.optuna.logging.WARNING)  # a line about a study that nobody is to see
        try:
            self._nobody = self.optuna.samplers.RandomSampler(seed=0)
            self._study = self.optuna.create_study(sampler=self._nobody)
        finally:
            self.optuna.logging.set_verbosity(level)
        self._open: dict[int, Any] = {}
        self._proposed: list[Any] = []

    def add(self, history: History, number: int) -> None:
        """A trial that was asked for."""
        active = np.flatnonzero(~np.isnan(history.unit[number])).tolist()
        params = {
            self._words[j].label: self._words[j].said(history.values[number, j], history.unit[number, j])
            for j in active
        }
        self._study.enqueue_trial(params)
        self._open[number] = self._study.ask({self._words[j].label: self._words[j].distribution for j in active})

    def finish(self, history: History, number: int) -> None:
        """What came of it; a loss that is not finite counts as none, because samplers compute with it."""
        state, loss = State(int(history.state[number])), float(history.losses[number])
        trial, known = self._open.pop(number), self.optuna.trial.TrialState
        if math.isfinite(loss):
            self._study.tell(trial, loss)
        else:
            self._study.tell(trial, state=known.PRUNED if state is State.PRUNED else known.FAIL)

    def asked(self, sampler: Any) -> Points:
        """A point by a sampler; the trial runs until it is struck out."""
        self._study.sampler = sampler
        try:
            trial = self._study.ask()
            self._proposed.append(trial)
            row = np.full(self._space.d, np.nan)
            for j, word in enumerate(self._words):
                if self._space.is_active(j, row):
                    row[j] = word.heard(word.suggested(trial), row)
        finally:
            self._study.sampler = self._nobody
        return Points(row[None, :], ~np.isnan(row)[None, :])

    def strike_out(self) -> None:
        """Let trials that were proposed count no more."""
        for trial in self._proposed:
            self._study.tell(trial, state=self.optuna.trial.TrialState.FAIL)
        self._proposed.clear()


def _reflect(mirror: _Mirror, history: History, kind: type[Event], number: int) -> _Mirror:
    if kind is Asked:
        mirror.add(history, number)
    else:
        mirror.finish(history, number)
    return mirror


@dataclass(frozen=True, slots=True)
class _Word:
    """A column in Optuna's words.

    Attributes:
        label: its name there.
        space, column: where it is from.
        distribution: Optuna's.
        how: what is said: a "float", an "int", a code among "options", or a "quantile" of the prior where Optuna has no
            such distribution (normal, rounded, bounds that are computed).
    """

    label: str
    space: Space
    column: int
    distribution: Any
    how: str

    @classmethod
    def of(cls, optuna: Any, j: int, space: Space) -> _Word:
        known, words = space.distributions[j], optuna.distributions
        made: Any = words.FloatDistribution(0.0, 1.0)
        how = "quantile"
        if isinstance(known, Categorical):
            made, how = words.CategoricalDistribution([int(code) for code in known.values()]), "options"
        elif isinstance(known, Ordinal):
            made, how = words.IntDistribution(0, known.count - 1), "int"
        elif isinstance(known, (Uniform, LogUniform)):
            made, how = words.FloatDistribution(known.low, known.high, log=isinstance(known, LogUniform)), "float"
        elif isinstance(known, Grid):
            last = known.low + (known.size - 1) * known.step
            if known.integral and not (known.log and known.step != 1):
                made, how = words.IntDistribution(int(known.low), int(last), known.log, int(known.step)), "int"
            elif not known.integral and not known.log:
                made, how = words.FloatDistribution(known.low, min(last, known.high), step=known.step), "float"
        return cls(space.labels[j], space, j, made, how)

    def said(self, value: float, quantile: float) -> Any:
        """A value of the history as Optuna has it."""
        if self.how == "quantile":
            return float(quantile)
        return float(value) if self.how == "float" else int(value)

    def suggested(self, trial: Any) -> Any:
        """What a trial of Optuna's suggests, in its words."""
        it = self.distribution
        if self.how == "options":
            return trial.suggest_categorical(self.label, it.choices)
        if self.how == "int":
            return trial.suggest_int(self.label, it.low, it.high, step=it.step, log=it.log)
        return trial.suggest_float(self.label, it.low, it.high, step=it.step, log=it.log)

    def heard(self, suggested: Any, row: FloatArray) -> float:
        """What a suggestion means in a row whose columns before this one are known."""
        distribution: Distribution = self.space.distribution(self.column, row)
        if self.how == "quantile":
            return float(distribution.from_unit(np.array([float(suggested)]))[0])
        try:
            return distribution.nearest(float(suggested))
        except BadDistribution:  # a bound, off by a rounding
            return float(distribution.from_unit(distribution.to_unit(np.array([float(suggested)])))[0])
