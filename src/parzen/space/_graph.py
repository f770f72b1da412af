"""The nodes that a user's space is made of.

A space is plain Python data with nodes in it.  A node is an `Apply`: the name of a symbol, positional and named
arguments, which are nodes again.  Labelled draws are `hyperopt_param(label, distribution(...))`, a choice is
`switch(index, *options)`, and operators on nodes make further nodes, so that `scope.int(hp.uniform("x", 1, 9)) * 2`
is itself a space.  This is the graph language of Hyperopt (Bergstra, Yamins and Cox 2013), because programs build and
mutate such graphs; `hp.float` and its kin make the same nodes from natural arguments.

Nodes are mutable and compare by identity.  Nothing here evaluates anything: `_compile` reads a graph as it is at that
moment and turns it into a `Space`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

__all__ = ["STOCHASTIC", "Apply", "Literal", "as_apply", "scope"]


class Apply:
    """A symbol applied to arguments.

    Attributes:
        name: of the symbol, as `scope` knows it.
        pos_args: positional arguments, nodes.
        named_args: `[name, node]` pairs, sorted by name.
        o_len: how many items the result has, where that is known; makes `a, b = node` work.
        pure: whether equal arguments always give equal results.
    """

    def __init__(
        self,
        name: str,
        pos_args: list[Apply],
        named_args: dict[str, Apply] | list[list[Any]] | None = None,
        o_len: int | None = None,
        pure: bool = False,
    ) -> None:
        self.name = name
        self.pos_args = list(pos_args)
        pairs = named_args.items() if isinstance(named_args, dict) else (named_args or [])
        self.named_args: list[list[Any]] = sorted(([key, node] for key, node in pairs), key=lambda pair: str(pair[0]))
        self.o_len = o_len
        self.pure = pure

    def inputs(self) -> list[Apply]:
        """All arguments, positional first."""
        return self.pos_args + [node for _, node in self.named_args]

    # --- operators: each makes a node ---

    def __add__(self, other: object) -> Apply:
        return _apply("add", self, other)

    def __radd__(self, other: object) -> Apply:
        return _apply("add", other, self)

    def __sub__(self, other: object) -> Apply:
        return _apply("sub", self, other)

    def __rsub__(self, other: object) -> Apply:
        return _apply("sub", other, self)

    def __mul__(self, other: object) -> Apply:
        return _apply("mul", self, other)

    def __rmul__(self, other: object) -> Apply:
        return _apply("mul", other, self)

    def __truediv__(self, other: object) -> Apply:
        return _apply("truediv", self, other)

    def __rtruediv__(self, other: object) -> Apply:
        return _apply("truediv", other, self)

    def __floordiv__(self, other: object) -> Apply:
        return _apply("floordiv", self, other)

    def __rfloordiv__(self, other: object) -> Apply:
        return _apply("floordiv", other, self)

    def __mod__(self, other: object) -> Apply:
        return _apply("mod", self, other)

    def __rmod__(self, other: object) -> Apply:
        return _apply("mod", other, self)

    def __pow__(self, other: object) -> Apply:
        return _apply("pow", self, other)

    def __rpow__(self, other: object) -> Apply:
        return _apply("pow", other, self)

    def __neg__(self) -> Apply:
        return _apply("neg", self)

    def __abs__(self) -> Apply:
        return _apply("abs", self)

    def __lt__(self, other: object) -> Apply:
        return _apply("lt", self, other)

    def __le__(self, other: object) -> Apply:
        return _apply("le", self, other)

    def __gt__(self, other: object) -> Apply:
        return _apply("gt", self, other)

    def __ge__(self, other: object) -> Apply:
        return _apply("ge", self, other)

    def __getitem__(self, index: object) -> Apply:
        if self.o_len is not None and isinstance(index, int) and not -self.o_len <= index < self.o_len:
            raise IndexError(f"index {index} of a node with {self.o_len} items")  # also ends `a, b = node`
        return _apply("getitem", self, index)

    def __call__(self, *args: object, **kwargs: object) -> Apply:
        return _apply("call", self, as_apply(args), as_apply(kwargs))

    def __len__(self) -> int:
        if self.o_len is None:
            raise TypeError(f"the length of {self.name!r} is not known before it is drawn")
        return self.o_len

    def __iter__(self) -> Iterator[Apply]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        return True

    # Identity, so that nodes can be keys and `node in list` does not build graphs.
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        if self.name == "hyperopt_param" and len(self.pos_args) == 2:
            return f"<hp {self.pos_args[1].name} {getattr(self.pos_args[0], 'obj', '?')!r}>"
        return f"<node {self.name}>"


class Literal(Apply):
    """A constant: any object, never looked into.

    Attributes:
        obj: the constant.
        option_name: what `hp.option(name, obj)` called it.
    """

    def __init__(self, obj: Any = None, option_name: str | None = None) -> None:  # Any: an option may be any object
        try:
            length = None if obj is None else len(obj)
        except TypeError:
            length = None
        super().__init__("literal", [], None, length, pure=True)
        self.obj = obj
        self.option_name = option_name

    def __repr__(self) -> str:
        return f"<literal {self.obj!r:.60}>"


def as_apply(obj: Any) -> Apply:  # Any: whatever a user's space is made of
    """A graph out of nested data, as Hyperopt makes it: lists become tuples, text keys are sorted.

    Containers are turned over iteratively, so that data nested thousands deep is no trouble.
    """
    if isinstance(obj, Apply):
        return obj
    done: dict[int, Apply] = {}
    alive: list[Any] = []  # ids are only unique while their objects live
    on_path: set[int] = set()
    stack = [(obj, False)]
    while stack:
        item, ready = stack.pop()
        key = id(item)
        if isinstance(item, Apply) or (key in done and not ready):
            continue
        children = _children(item)
        if children is None:
            done[key] = Literal(item)
            alive.append(item)
            continue
        if not ready:
            if key in on_path:
                from parzen.errors import SpaceError

                raise SpaceError("the space contains itself: a list or mapping in it is its own descendant")
            on_path.add(key)
            alive.append(item)
            stack.append((item, True))
            stack.extend((child, False) for child in reversed(children))
            continue
        on_path.discard(key)
        nodes = [child if isinstance(child, Apply) else done[id(child)] for child in children]
        if isinstance(item, dict):
            pairs = list(zip(item, nodes, strict=True))
            if all(isinstance(name, str) for name in item):
                done[key] = Apply("dict", [], [[name, node] for name, node in pairs], len(pairs))
            else:
                couples = [Apply("pos_args", [Literal(name), node], None, 2) for name, node in pairs]
                done[key] = Apply("dict", [Apply("pos_args", couples, None, len(couples))])
        else:
            done[key] = Apply("pos_args", nodes, None, len(nodes))
    return done[id(obj)]


def _children(item: object) -> list[Any] | None:
    if isinstance(item, dict):
        return list(item.values())
    if isinstance(item, (list, tuple)):
        return list(item)
    return None


def _apply(name: str, *args: object, **kwargs: object) -> Apply:
    named = {key: as_apply(value) for key, value in kwargs.items()}
    return Apply(name, [as_apply(arg) for arg in args], named, pure=name not in STOCHASTIC)


# --- symbols ----------------------------------------------------------------------------------------------------

STOCHASTIC = frozenset(
    "uniform loguniform normal lognormal quniform qloguniform qnormal qlognormal randint categorical "
    "real integer ordinal".split()
)
"""Symbols that draw; under `hyperopt_param` they are columns, elsewhere they are drawn anew for each trial."""


class Scope:
    """The symbols that a graph may name: `scope.int(node)` makes a node, `scope.define` adds a symbol."""

    def __init__(self) -> None:
        self._functions: dict[str, Callable[..., Any]] = {}

    def function(self, name: str) -> Callable[..., Any] | None:
        """What a symbol computes; None where it is unknown."""
        return self._functions.get(name)

    def define(self, function: Callable[..., Any], name: str | None = None) -> Callable[..., Any]:
        """Make a function a symbol of the same name; use as a decorator.

        Raises:
            ValueError: the name is taken by another function.
        """
        key = name or function.__name__
        known = self._functions.get(key)
        if known is not None and (known.__module__, known.__qualname__) != (function.__module__, function.__qualname__):
            raise ValueError(
                f"scope has a symbol {key!r} already; give the function another name, or undefine it first"
            )
        self._functions[key] = function
        return function

    def define_if_new(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`define`, unless the name is taken."""
        self._functions.setdefault(function.__name__, function)
        return function

    def undefine(self, function: Callable[..., Any] | str) -> None:
        """Take a symbol back."""
        del self._functions[function if isinstance(function, str) else function.__name__]

    def __getattr__(self, name: str) -> Callable[..., Apply]:
        if name.startswith("__") or (name not in self._functions and name not in STOCHASTIC and name not in _FORMS):
            raise AttributeError(f"scope has no symbol {name!r}; add it with @scope.define")

        def make(*args: object, **kwargs: object) -> Apply:
            return _apply(name, *args, **kwargs)

        make.__name__ = name
        return make


_FORMS = frozenset(("switch", "hyperopt_param", "pos_args", "dict", "literal"))
"""Symbols that the compiler knows itself."""


def _call(function: Callable[..., Any], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
    return function(*args, **(kwargs or {}))


def _repeat(n_times: int, obj: Any) -> list[Any]:
    return [obj] * n_times


scope = Scope()
for _name, _function in {
    **{
        name: getattr(operator, name)
        for name in "add sub mul truediv floordiv mod neg pow abs lt le gt ge eq getitem".split()
    },
    **{f.__name__: f for f in (int, float, str, bool, len, list, tuple, map, range, max, min, getattr, round)},
    **{name: getattr(np, name) for name in "exp log sin cos tan sqrt sum minimum maximum asarray".split()},
    "call": _call,
    "repeat": _repeat,
    "ceil": math.ceil,
    "floor": math.floor,
}.items():
    scope._functions[_name] = _function
