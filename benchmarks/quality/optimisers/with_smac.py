"""SMAC3: the facade for hyperparameter optimisation (random forest, log expected improvement, local search).

Conditions are ConfigSpace's own.  Categories go by position; ordered values are an ordinal hyperparameter.  The
objective is declared deterministic, which every user of a noiseless one does: else each configuration is evaluated up
to three times.  A failure is CRASHED at the crash cost, which has to be set: the default is infinity, which the forest
cannot be trained on.
"""

from __future__ import annotations

import logging
import math
import tempfile
import warnings
from typing import Any

from benchmarks.quality import spaces
from benchmarks.quality.optimisers._search import Search, Setup
from benchmarks.quality.spaces import Config, Params

__all__ = ["Smac"]


def _space(params: Params, seed: int) -> Any:
    from ConfigSpace import (
        CategoricalHyperparameter,
        ConfigurationSpace,
        InCondition,
        OrdinalHyperparameter,
        UniformFloatHyperparameter,
        UniformIntegerHyperparameter,
    )

    space = ConfigurationSpace(seed=seed)
    for param in params:
        if param.kind == "categorical":
            node: Any = CategoricalHyperparameter(param.name, list(range(len(param.choices))))
        elif param.kind == "ordinal":
            node = OrdinalHyperparameter(param.name, list(range(len(param.choices))))
        elif param.kind == "int":
            node = UniformIntegerHyperparameter(param.name, int(param.low), int(param.high), log=param.log)
        else:
            node = UniformFloatHyperparameter(param.name, param.low, param.high, log=param.log)
        space.add(node)
        if param.when is not None:
            parent, options = param.when
            codes = [i for i, option in enumerate(spaces.find(params, parent).choices) if option in options]
            space.add(InCondition(node, space[parent], codes))
    return space


class Smac(Search):
    """`smac.HyperparameterOptimizationFacade`."""

    def __init__(self, setup: Setup) -> None:
        import smac
        from smac.runhistory import StatusType, TrialValue

        super().__init__()
        warnings.filterwarnings("ignore", module="smac|ConfigSpace")
        self._params, self._crash_cost, self._infos = setup.params, setup.worst, list[Any]()
        self._value, self._status = TrialValue, StatusType
        # SMAC keeps a folder of what it did.
        self._folder = tempfile.TemporaryDirectory(prefix="smac")
        scenario = smac.Scenario(
            _space(setup.params, setup.seed),
            deterministic=True,
            n_trials=setup.evaluations,
            seed=setup.seed,
            crash_cost=setup.worst,
            output_directory=self._folder.name,
        )
        facade = smac.HyperparameterOptimizationFacade
        self._smac = facade(scenario, lambda config, seed=0: 0.0, logging_level=logging.ERROR, overwrite=True)

    def ask(self) -> Config | None:
        try:
            info = self._smac.ask()
        except StopIteration:
            return None
        self._infos.append(info)
        return spaces.settle(self._params, dict(info.config))

    def record(self, number: int, loss: float) -> None:
        if math.isfinite(loss):
            value = self._value(cost=loss)
        else:
            value = self._value(cost=self._crash_cost, status=self._status.CRASHED)
        self._smac.tell(self._infos[number], value, save=False)
