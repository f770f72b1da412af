"""Draws from a space, under Hyperopt's name."""

from __future__ import annotations

from typing import Any

import numpy as np

from parzen.space import Space, as_apply

__all__ = ["sample"]


def sample(expr: Any, rng: np.random.Generator | None = None) -> Any:
    """One configuration, drawn from the prior.

    Args:
        expr: a space.
        rng: source of randomness; None for a new one each time.
    """
    generator = np.random.default_rng() if rng is None else rng
    space = Space(as_apply(expr))
    return space.decode(space.sample(generator), 0, lambda: generator)
