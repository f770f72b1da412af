"""HEBO (Cowen-Rivers et al. 2022): a warped Gaussian process, three acquisitions on a Pareto front.

Conditions: the space is flat, and what an inactive parameter says is ignored (it has no conditions).  Ordered values go
by position as an integer.  A failure is NaN, which it leaves out of the model.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from benchmarks.quality import spaces
from benchmarks.quality.optimisers._search import Search, Setup
from benchmarks.quality.spaces import Config, Param

__all__ = ["Hebo"]


def _column(param: Param) -> dict[str, Any]:
    if param.kind == "categorical":
        return {"name": param.name, "type": "cat", "categories": list(range(len(param.choices)))}
    if param.kind == "ordinal":
        return {"name": param.name, "type": "int", "lb": 0, "ub": len(param.choices) - 1}
    kind = {("int", True): "pow_int", ("int", False): "int", ("float", True): "pow", ("float", False): "num"}
    return {"name": param.name, "type": kind[param.kind, param.log], "lb": param.low, "ub": param.high}


class Hebo(Search):
    """`hebo.optimizers.hebo.HEBO`."""

    def __init__(self, setup: Setup) -> None:
        import torch
        from hebo.design_space.design_space import DesignSpace
        from hebo.optimizers.hebo import HEBO

        super().__init__()
        warnings.simplefilter("ignore")
        # Its model and its evolutionary search draw from the global generators.
        np.random.seed(setup.seed)  # noqa: NPY002
        torch.manual_seed(setup.seed)
        torch.set_num_threads(1)
        self._params, self._asked = setup.params, list[Any]()
        space = DesignSpace().parse([_column(param) for param in setup.params])
        self._optimizer = HEBO(space, scramble_seed=setup.seed)

    def ask(self) -> Config:
        frame = self._optimizer.suggest(n_suggestions=1)
        self._asked.append(frame)
        return spaces.settle(self._params, frame.iloc[0].to_dict())

    def record(self, number: int, loss: float) -> None:
        self._optimizer.observe(self._asked[number], np.array([[loss]]))
