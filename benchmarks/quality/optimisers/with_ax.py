"""Ax: `Client` with the generation strategy that it picks (Sobol, then BoTorch's modular Gaussian process).

Conditions are Ax's own (`dependent_parameters`) where the space is a tree; Ax refuses a parameter that is active under
several options, so there the space is flat and what an inactive parameter says is ignored.  Categories go by position and are unordered; ordered values go by
position as an integer.  A failure is a trial marked as failed, which the model does not see.
"""

from __future__ import annotations

import logging
import math
import warnings
from typing import Any

from benchmarks.quality import spaces
from benchmarks.quality.optimisers._search import Search, Setup
from benchmarks.quality.spaces import Config, Param, Params

__all__ = ["Ax"]


def _is_tree(params: Params) -> bool:
    return all(param.when is None or len(param.when[1]) == 1 for param in params)


def _parameter(param: Param, params: Params) -> Any:
    from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

    if param.kind == "categorical":
        children = [other for other in params if other.when is not None and other.when[0] == param.name]
        # The values are text, since Ax takes numbers for ordered.
        dependent = {
            str(code): [child.name for child in children if child.when is not None and option in child.when[1]]
            for code, option in enumerate(param.choices)
        }
        given = {code: names for code, names in dependent.items() if names and _is_tree(params)}
        return ChoiceParameterConfig(
            param.name, list(dependent), "str", is_ordered=False, dependent_parameters=given or None
        )
    if param.kind == "ordinal":
        return RangeParameterConfig(param.name, (0, len(param.choices) - 1), "int")
    kind: Any = param.kind
    return RangeParameterConfig(param.name, (param.low, param.high), kind, scaling="log" if param.log else None)


class Ax(Search):
    """`ax.Client`."""

    def __init__(self, setup: Setup) -> None:
        warnings.simplefilter("ignore")
        import torch
        from ax.api.client import Client

        super().__init__()
        torch.set_num_threads(1)
        for name in [name for name in logging.root.manager.loggerDict if name.split(".")[0] == "ax"]:
            logging.getLogger(name).setLevel(logging.CRITICAL)  # each has a level of its own
        self._params, self._indices = setup.params, list[int]()
        self._client = Client(random_seed=setup.seed)
        self._client.configure_experiment([_parameter(param, setup.params) for param in setup.params])
        self._client.configure_optimization("-loss")

    def ask(self) -> Config | None:
        proposed = self._client.get_next_trials(max_trials=1)
        if not proposed:
            return None
        ((index, values),) = proposed.items()
        self._indices.append(index)
        codes = {p.name: float(values[p.name]) for p in self._params if p.name in values}
        return spaces.settle(self._params, codes)

    def record(self, number: int, loss: float) -> None:
        index = self._indices[number]
        if math.isfinite(loss):
            self._client.complete_trial(index, {"loss": loss})
        else:
            self._client.mark_trial_failed(index, "crashed")
