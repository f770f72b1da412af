"""What to try next.

One file an algorithm, each a frozen record of settings with `suggest(space, history, ask)`.

| name | class | what it does |
|---|---|---|
| random | `Random` | independent draws from the prior |
| tpe | `TPE` | tree-structured Parzen estimator |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from parzen._lazy import lazy_attributes
from parzen.algorithms._base import Algorithm, Ask, Proposal, repeats
from parzen.algorithms._named import algorithm_named

if TYPE_CHECKING:
    from parzen.algorithms.random import Random as Random
    from parzen.algorithms.tpe import TPE as TPE

__all__ = ["TPE", "Algorithm", "Ask", "Proposal", "Random", "algorithm_named", "repeats"]

__getattr__, __dir__ = lazy_attributes(__name__, {"Random": "parzen.algorithms.random", "TPE": "parzen.algorithms.tpe"})
