"""The graph language of search spaces, under Hyperopt's name."""

from parzen.hyperopt.pyll import base, stochastic
from parzen.space import Apply, Literal, as_apply, scope

__all__ = ["Apply", "Literal", "as_apply", "base", "scope", "stochastic"]
