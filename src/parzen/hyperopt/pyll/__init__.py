"""The graph language of search spaces, under Hyperopt's name."""

from parzen.hyperopt.pyll import base, stochastic
from parzen.hyperopt.pyll.base import (
    Apply,
    Literal,
    as_apply,
    clone,
    clone_merge,
    dfs,
    rec_eval,
    scope,
    toposort,
)

__all__ = [
    "Apply",
    "Literal",
    "as_apply",
    "base",
    "clone",
    "clone_merge",
    "dfs",
    "rec_eval",
    "scope",
    "stochastic",
    "toposort",
]
