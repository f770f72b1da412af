"""Algorithms by name, loaded when somebody names them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import ModuleType

from parzen.algorithms._base import Algorithm
from parzen.errors import AlgorithmError

__all__ = ["algorithm_named"]

_TABLE: Mapping[str, tuple[str, str]] = {
    "anneal": ("parzen.algorithms.anneal", "Anneal"),
    "atpe": ("parzen.algorithms.atpe", "AdaptiveTPE"),
    "auto": ("parzen.algorithms.auto", "Auto"),
    "cmaes": ("parzen.algorithms.cmaes", "CMAES"),
    "evolution": ("parzen.algorithms.evolution", "Evolution"),
    "gp": ("parzen.algorithms.gp", "GP"),
    "grid": ("parzen.algorithms.grid", "Grid"),
    "qmc": ("parzen.algorithms.qmc", "QMC"),
    "random": ("parzen.algorithms.random", "Random"),
    "tpe": ("parzen.algorithms.tpe", "TPE"),
}
DEFAULT = "auto"


def algorithm_named(algorithm: str | Algorithm | None) -> Algorithm:
    """The algorithm that a user meant: a record as it is, a name with default settings, None for parzen's choice.

    Raises:
        AlgorithmError: no algorithm has that name, or the object has no `suggest`.
    """
    if algorithm is None:
        algorithm = DEFAULT
    if isinstance(algorithm, str):
        if algorithm not in _TABLE:
            raise AlgorithmError(f"no algorithm is called {algorithm!r}; there are {', '.join(sorted(_TABLE))}")
        module, name = _TABLE[algorithm]
        made: Algorithm = getattr(importlib.import_module(module), name)()
        return made
    if isinstance(algorithm, (type, ModuleType)) or not isinstance(algorithm, Algorithm):
        raise AlgorithmError(
            f"an algorithm is a name or a record such as parzen.algorithms.TPE(), got {algorithm!r:.80}"
        )
    return algorithm
