"""The symbols that draw, as plain functions of their arguments, a generator and a shape.

Hyperopt's twelve are single calls of the same methods of numpy's `Generator` as there, so that a program that evaluates
a graph by itself gets the same numbers.  A search does not come here: it works with quantiles of `distributions`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from parzen.errors import SpaceError
from parzen.space.distributions import build

__all__ = ["DRAWS", "PARAMETERS"]

Shape: TypeAlias = int | tuple[int, ...]

# Any: numbers, or arrays of them, one for each draw.


def _generator(rng: Any) -> np.random.Generator:
    if rng is None:
        raise SpaceError("a draw needs a generator: give it rng=, or use pyll.stochastic.sample(expr, rng)")
    return rng  # type: ignore[no-any-return]  # a Generator, or what has its methods


def _rounded(draw: Any, q: Any) -> Any:
    return np.round(draw / q) * q


def uniform(low: Any, high: Any, rng: Any = None, size: Shape = ()) -> Any:
    """Between `low` and `high`."""
    return _generator(rng).uniform(low, high, size=size)


def loguniform(low: Any, high: Any, rng: Any = None, size: Shape = ()) -> Any:
    """`exp(uniform(low, high))`."""
    return np.exp(_generator(rng).uniform(low, high, size=size))


def quniform(low: Any, high: Any, q: Any, rng: Any = None, size: Shape = ()) -> Any:
    """`uniform(low, high)`, rounded to a multiple of `q`."""
    return _rounded(_generator(rng).uniform(low, high, size=size), q)


def qloguniform(low: Any, high: Any, q: Any, rng: Any = None, size: Shape = ()) -> Any:
    """`exp(uniform(low, high))`, rounded to a multiple of `q`."""
    return _rounded(np.exp(_generator(rng).uniform(low, high, size=size)), q)


def normal(mu: Any, sigma: Any, rng: Any = None, size: Shape = ()) -> Any:
    """Normal with mean `mu` and standard deviation `sigma`."""
    return _generator(rng).normal(mu, sigma, size=size)


def qnormal(mu: Any, sigma: Any, q: Any, rng: Any = None, size: Shape = ()) -> Any:
    """`normal(mu, sigma)`, rounded to a multiple of `q`."""
    return _rounded(_generator(rng).normal(mu, sigma, size=size), q)


def lognormal(mu: Any, sigma: Any, rng: Any = None, size: Shape = ()) -> Any:
    """`exp(normal(mu, sigma))`."""
    return np.exp(_generator(rng).normal(mu, sigma, size=size))


def qlognormal(mu: Any, sigma: Any, q: Any, rng: Any = None, size: Shape = ()) -> Any:
    """`exp(normal(mu, sigma))`, rounded to a multiple of `q`."""
    return _rounded(np.exp(_generator(rng).normal(mu, sigma, size=size)), q)


def randint(low: Any, high: Any = None, rng: Any = None, size: Shape = ()) -> Any:
    """An integer from `low` to `high - 1`, or from 0 to `low - 1`."""
    return _generator(rng).integers(low, high, size)


def categorical(p: Any, rng: Any = None, size: Shape = ()) -> Any:
    """`i` with probability `p[i]`; always an array, of one draw where no size is given, as in Hyperopt.

    Args:
        p: `(k,)` probabilities, or `(n, k)`, a row for each of the `n` draws.
        rng: where from.
        size: of the result.
    """
    table = np.asarray(p, dtype=float)
    if table.ndim == 2 and len(table) == 1:
        table = table[0]
    shape = (1,) if size == () else (size,) if isinstance(size, (int, np.integer)) else tuple(size)
    n = int(np.prod(shape))
    if n == 0:
        return np.zeros(shape, dtype=int)
    if table.ndim == 1:
        drawn = _generator(rng).multinomial(1, table, size=n)
    elif table.ndim == 2 and len(table) == n:
        drawn = np.array([_generator(rng).multinomial(1, row) for row in table])
    else:
        raise SpaceError(f"categorical takes (k,) probabilities, or a row for each of {n} draws, got {np.shape(p)}")
    return drawn.argmax(axis=1).reshape(shape)


def _of_family(family: str) -> Callable[..., Any]:
    """A draw of one of our own families, whose arguments cannot be arrays: those are drawn one at a time."""

    def draw(*args: Any, rng: Any = None, size: Shape = (), **kwargs: Any) -> Any:
        generator = _generator(rng)
        if size == ():
            distribution = build(None, family, *args, **kwargs)
            return distribution.value(float(distribution.sample(generator, 1)[0]))
        n = int(np.prod(size))
        values = [
            draw(*(_nth(a, i) for a in args), rng=generator, **{k: _nth(a, i) for k, a in kwargs.items()})
            for i in range(n)
        ]
        return np.array(values).reshape(size)

    return draw


def _nth(argument: Any, i: int) -> Any:
    return argument[i] if isinstance(argument, (np.ndarray, list)) else argument


_HYPEROPT: Sequence[Callable[..., Any]] = (
    uniform,
    loguniform,
    quniform,
    qloguniform,
    normal,
    qnormal,
    lognormal,
    qlognormal,
    randint,
    categorical,
)
DRAWS: dict[str, Callable[..., Any]] = {
    **{draw.__name__: draw for draw in _HYPEROPT},
    "randint_via_categorical": categorical,
    **{family: _of_family(family) for family in ("real", "integer", "ordinal")},
}
"""Symbol to function, for all symbols that draw."""

PARAMETERS: dict[str, tuple[str, ...]] = {
    draw.__name__: tuple(name for name in inspect.signature(draw).parameters if name not in ("rng", "size"))
    for draw in _HYPEROPT
} | {"randint_via_categorical": ("p",)}
"""What the arguments of Hyperopt's draws are called, in order."""
