"""Draws from a graph, under Hyperopt's names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from parzen.hyperopt.pyll.base import Apply, as_apply, clone, dfs, rec_eval, scope
from parzen.space._draws import (
    categorical,
    lognormal,
    loguniform,
    normal,
    qlognormal,
    qloguniform,
    qnormal,
    quniform,
    randint,
    uniform,
)
from parzen.space._symbols import rng_from_seed

__all__ = [
    "categorical",
    "choice",
    "implicit_stochastic",
    "implicit_stochastic_symbols",
    "lognormal",
    "loguniform",
    "normal",
    "one_of",
    "qlognormal",
    "qloguniform",
    "qnormal",
    "quniform",
    "randint",
    "randint_via_categorical",
    "recursive_set_rng_kwarg",
    "rng_from_seed",
    "sample",
    "uniform",
]

F = TypeVar("F", bound=Callable[..., Any])

implicit_stochastic_symbols = scope.stochastic
"""Names of the symbols that take `rng=`."""
randint_via_categorical = categorical
one_of = scope.one_of
choice = scope.choice


def implicit_stochastic(f: F) -> F:
    """Say of a symbol that it draws: it is given the generator as `rng`.

    Use as a decorator above `@scope.define`.
    """
    implicit_stochastic_symbols.add(f.__name__)
    return f


def recursive_set_rng_kwarg(expr: Apply, rng: Any = None) -> Apply:
    """Let all draws of a graph use one generator; the graph itself is changed.

    Args:
        expr: the graph.
        rng: a generator, or a node that gives one; None for a new one.
    """
    node_of_rng = as_apply(np.random.default_rng() if rng is None else rng)
    for node in dfs(expr):
        if node.name in implicit_stochastic_symbols:
            node.set_kwarg("rng", node_of_rng)
    return expr


def sample(expr: Any, rng: Any = None, **kwargs: Any) -> Any:
    """One configuration, drawn from the prior; conditional parameters only where they are active.

    The same generator gives the same values as Hyperopt.

    Args:
        expr: a space.
        rng: a generator; None for a new one.
        **kwargs: further arguments of `rec_eval`.
    """
    return rec_eval(recursive_set_rng_kwarg(clone(as_apply(expr)), rng), **kwargs)
