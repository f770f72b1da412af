"""Pruners by name, loaded when somebody names them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import ModuleType

from parzen.errors import AlgorithmError
from parzen.pruners._base import Pruner

__all__ = ["pruner_named"]

_TABLE: Mapping[str, tuple[str, str]] = {
    "asha": ("parzen.pruners.asha", "ASHA"),
    "hyperband": ("parzen.pruners.hyperband", "Hyperband"),
    "median": ("parzen.pruners.median", "Median"),
    "patient": ("parzen.pruners.patient", "Patient"),
}


def pruner_named(pruner: str | Pruner | None) -> Pruner | None:
    """The pruner that a user meant: a record as it is, a name with default settings, None for no pruning.

    Raises:
        AlgorithmError: no pruner has that name; or the object has no `prune`.
    """
    if pruner is None:
        return None
    if isinstance(pruner, str):
        if pruner not in _TABLE:
            raise AlgorithmError(f"no pruner is called {pruner!r:.80}; there are {', '.join(sorted(_TABLE))}")
        module, name = _TABLE[pruner]
        made: Pruner = getattr(importlib.import_module(module), name)()
        return made
    if isinstance(pruner, (type, ModuleType)) or not isinstance(pruner, Pruner):
        raise AlgorithmError(f"a pruner is a name or a record such as parzen.pruners.Median(), got {pruner!r:.80}")
    return pruner
