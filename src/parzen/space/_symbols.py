"""What the symbols of a graph compute: one table of plain functions, which `_graph` evaluates and `_compile` calls.

It stands below the nodes, so that a node can evaluate itself.  The draws are in `_draws`.
"""

from __future__ import annotations

import copy
import math
import operator
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from parzen.space._draws import DRAWS

__all__ = ["FUNCTIONS", "hyperopt_param", "rng_from_seed"]

# Any throughout: these functions compute with whatever a user's graph holds.


def _call(fn: Callable[..., Any], args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None) -> Any:
    return fn(*args, **(kwargs or {}))


def hyperopt_param(label: str, obj: Any) -> Any:  # the label is for who reads the graph
    return obj


def _switch(pos: int, *args: Any) -> Any:
    return args[pos]


def _pos_args(*args: Any) -> tuple[Any, ...]:
    return args


def _identity(obj: Any) -> Any:
    return obj


def _repeat(n_times: int, obj: Any) -> list[Any]:
    return [obj] * n_times


def _array_union1(args: Iterable[Iterable[Any]]) -> Any:
    return np.asarray(sorted({item for arg in args for item in arg}))


def _array_union(*args: Iterable[Any]) -> Any:
    return _array_union1(args)


def _asarray(a: Any, dtype: Any = None) -> Any:
    return np.asarray(a, dtype=dtype)


def _sum(x: Any, axis: int | None = None) -> Any:
    return np.sum(x, axis=axis)


def _str_join(s: str, seq: Iterable[str]) -> str:
    return s.join(seq)


def _bincount(x: Any, offset: int = 0, weights: Any = None, minlength: int = 0, p: Any = None) -> Any:
    """How often each whole number from `offset` on occurs; of `p`, which may be repeated in rows, only the length counts."""
    if p is not None:
        minlength = max(minlength, np.shape(p)[-1])
    return np.bincount(np.asarray(x, dtype=int) - offset, weights, minlength)


def _call_method(obj: Any, methodname: str, *args: Any, **kwargs: Any) -> Any:
    return getattr(obj, methodname)(*args, **kwargs)


def _copy_call_method_pure(obj: Any, methodname: str, *args: Any, **kwargs: Any) -> Any:
    return getattr(copy.copy(obj), methodname)(*args, **kwargs)


def _callpipe1(fn_list: Iterable[Callable[[Any], Any]], arg: Any) -> Any:
    for function in fn_list:
        arg = function(arg)
    return arg


def _raise(etype: type[BaseException], *args: Any, **kwargs: Any) -> Any:
    raise etype(*args, **kwargs)


def _curtime(obj: Any) -> tuple[float, Any]:
    return time.time(), obj  # a user's graph asks for the time of day; no clock of parzen's is meant


def _pdb_settrace(obj: Any) -> Any:
    breakpoint()  # noqa: T100  what the symbol is for
    return obj


def rng_from_seed(seed: Any) -> np.random.Generator:
    """A new generator."""
    return np.random.default_rng(seed)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{
        name: getattr(operator, name)
        for name in "add sub mul truediv floordiv mod neg pow abs lt le gt ge eq getitem".split()
    },
    **{f.__name__: f for f in (int, float, str, bool, len, list, tuple, dict, map, range, max, min, getattr, round)},
    **{name: getattr(np, name) for name in "exp log sin cos tan sqrt minimum maximum".split()},
    "Raise": _raise,
    "array_union": _array_union,
    "array_union1": _array_union1,
    "asarray": _asarray,
    "bincount": _bincount,
    "call": _call,
    "call_method": _call_method,
    "call_method_pure": _call_method,
    "callpipe1": _callpipe1,
    "ceil": math.ceil,
    "copy_call_method_pure": _copy_call_method_pure,
    "curtime": _curtime,
    "floor": math.floor,
    "hyperopt_param": hyperopt_param,
    "identity": _identity,
    "named_option": lambda _, obj: obj,
    "pdb_settrace": _pdb_settrace,
    "pos_args": _pos_args,
    "repeat": _repeat,
    "rng_from_seed": rng_from_seed,
    "str_join": _str_join,
    "sum": _sum,
    "switch": _switch,
    **DRAWS,
}
"""Symbol to function.  The one table of the process: `scope.define` adds to it, because a graph names its symbols."""
