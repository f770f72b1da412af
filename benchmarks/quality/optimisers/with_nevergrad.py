"""Nevergrad: NGOpt, the wizard that picks an algorithm from the space and the budget, so it is told the budget.

Conditions: the space is flat, and what an inactive parameter says is ignored.  Categories are unordered choices,
ordered values go by position as an integer.  There is no notion of a failed evaluation.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

from benchmarks.quality import spaces
from benchmarks.quality.optimisers._search import Search, Setup, Start
from benchmarks.quality.spaces import Config, Param

__all__ = ["nevergrad_with"]


def _parameter(param: Param) -> Any:
    import nevergrad

    make = nevergrad.p
    if param.kind == "categorical":
        return make.Choice(list(range(len(param.choices))))
    if param.kind == "ordinal":
        return make.Scalar(lower=0, upper=len(param.choices) - 1).set_integer_casting()
    scalar = make.Log if param.log else make.Scalar
    made = scalar(lower=param.low, upper=param.high)
    return made.set_integer_casting() if param.kind == "int" else made


class _Nevergrad(Search):
    def __init__(self, setup: Setup, name: str) -> None:
        import nevergrad
        import numpy as np

        super().__init__()
        warnings.simplefilter("ignore")  # about its own dependencies, and of each loss that is no improvement
        space = nevergrad.p.Dict(**{param.name: _parameter(param) for param in setup.params})
        space.random_state = np.random.RandomState(setup.seed)
        self._params, self._asked = setup.params, list[Any]()
        self._optimizer = nevergrad.optimizers.registry[name](space, budget=setup.evaluations)

    def ask(self) -> Config:
        candidate = self._optimizer.ask()
        self._asked.append(candidate)
        return spaces.settle(self._params, candidate.value)

    def record(self, number: int, loss: float) -> None:
        if not math.isfinite(loss):
            raise ValueError("Nevergrad cannot be told that an evaluation failed")
        self._optimizer.tell(self._asked[number], loss)


def nevergrad_with(name: str) -> Start:
    """One of Nevergrad's registered optimisers."""
    return lambda setup: _Nevergrad(setup, name)
