"""What to try next.

One file an algorithm, each a frozen record of settings with `suggest(space, history, ask)`.

| name | class | what it does |
|---|---|---|
| auto | `Auto` | Gaussian process and TPE in turn: what is used when nothing is named |
| gp | `GP` | Gaussian process with log expected improvement |
| random | `Random` | independent draws from the prior |
| tpe | `TPE` | tree-structured Parzen estimator |
| atpe | `AdaptiveTPE` | TPE that chooses its own settings |
| anneal | `Anneal` | draws around the best trials, closer and closer |
| | `Mix` | each trial by one of several algorithms |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from parzen._lazy import lazy_attributes
from parzen.algorithms._base import Algorithm, Ask, Proposal, repeats
from parzen.algorithms._named import algorithm_named

if TYPE_CHECKING:
    from parzen.algorithms.anneal import Anneal as Anneal
    from parzen.algorithms.atpe import AdaptiveTPE as AdaptiveTPE
    from parzen.algorithms.auto import Auto as Auto
    from parzen.algorithms.gp import GP as GP
    from parzen.algorithms.mix import Mix as Mix
    from parzen.algorithms.random import Random as Random
    from parzen.algorithms.tpe import TPE as TPE

__all__ = [
    "GP",
    "TPE",
    "AdaptiveTPE",
    "Algorithm",
    "Anneal",
    "Ask",
    "Auto",
    "Mix",
    "Proposal",
    "Random",
    "algorithm_named",
    "repeats",
]

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "AdaptiveTPE": "parzen.algorithms.atpe",
        "Anneal": "parzen.algorithms.anneal",
        "Auto": "parzen.algorithms.auto",
        "GP": "parzen.algorithms.gp",
        "Mix": "parzen.algorithms.mix",
        "Random": "parzen.algorithms.random",
        "TPE": "parzen.algorithms.tpe",
    },
)
