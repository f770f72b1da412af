"""From a configuration back to a row: decoding, read backwards.

The configuration is laid over the compiled space and compared from the root down.  A column's value is read off where it
stands; at a choice the options are tried in order, exact matches (same object, or same type and equal) before equal ones,
so that `[1, True, 1.0]` are three options.  Simple arithmetic of one unknown is inverted; other functions cannot be.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from parzen._typing import FloatArray
from parzen.errors import OutOfSpace
from parzen.space._compile import _equal
from parzen.space._nodes import Build, Call, Const, Draw, Param, Switch, children

if TYPE_CHECKING:
    from parzen.space._space import Space

__all__ = ["row_of_config", "value_of_option"]


def row_of_config(space: Space, config: Any) -> FloatArray:
    """`(d,)`: the values that a configuration shows; NaN for columns that it does not.

    Raises:
        OutOfSpace: the configuration cannot have come from the space.
    """
    for exact in (True, False):
        row = np.full(space.d, np.nan)
        if _match(space, len(space.nodes) - 1, config, row, exact):
            return row
    raise OutOfSpace(f"this configuration cannot have come from the space: {config!r:.200}")


def value_of_option(space: Space, j: int, value: Any, row: FloatArray, is_given: Callable[[str], bool]) -> None:
    """Write into `row` the code of the option of column `j` that a value stands for, and what is read off inside of it.

    Args:
        is_given: whether a label's own value is given elsewhere; then what is read off here yields to it.

    Raises:
        OutOfSpace: no option can have given it.
    """
    switch = space.nodes[space._layout.switches[j]]
    assert isinstance(switch, Switch)
    for exact in (True, False):
        for code, option in enumerate(switch.options):
            inner = np.full(space.d, np.nan)
            if _match(space, option, value, inner, exact):
                row[j] = code
                for k in np.flatnonzero(~np.isnan(inner)):
                    if not is_given(space.labels[k]):
                        row[k] = inner[k]
                return
    for code, option in enumerate(switch.options):
        node = space.nodes[option]
        if isinstance(node, Const) and node.name is not None and node.name == value:
            row[j] = code
            return
    names = [space.option(j, code) for code in range(min(len(switch.options), 10))]
    label = space.labels[j]
    raise OutOfSpace(f"parameter {label!r}: {value!r:.80} is not one of its options {', '.join(names)}", label=label)


def _match(space: Space, root: int, value: Any, row: FloatArray, exact: bool) -> bool:
    """Whether a place can have given a value; on success `row` holds the columns that it shows.  May spoil `row` else."""
    stack = [(root, value)]
    while stack:
        place, x = stack.pop()
        node = space.nodes[place]
        if isinstance(node, Const):
            if exact and type(node.value) is not type(x):
                return False
            if not _equal(node.value, x):
                return False
        elif isinstance(node, Param):
            if not _assign(space, place, x, row):
                return False
        elif isinstance(node, Build):
            items = _items(node, x)
            if items is None:
                return False
            stack.extend(zip(node.items, items, strict=True))
        elif isinstance(node, Switch):
            if not _match_switch(space, node, x, row, exact):
                return False
        elif isinstance(node, Call):
            solved = _solve(space, node, x)
            if solved is None:
                raise OutOfSpace(
                    f"a value computed by {node.name!r} cannot be traced back to its parameters: "
                    "give the values of the parameters instead"
                )
            stack.extend(solved)
        else:
            assert isinstance(node, Draw)  # no column: whatever was drawn is fine
    return True


def _items(node: Build, x: Any) -> list[Any] | None:
    if node.kind == "dict":
        if not isinstance(x, dict) or len(x) != len(node.keys) or any(key not in x for key in node.keys):
            return None
        return [x[key] for key in node.keys]
    if not isinstance(x, (list, tuple)) or len(x) != len(node.items):
        return None
    return list(x)


def _assign(space: Space, place: int, x: Any, row: FloatArray) -> bool:
    if isinstance(x, (str, bytes, complex, bool, np.bool_)) or not hasattr(x, "__float__"):
        return False
    try:
        number = float(x)
    except (TypeError, ValueError, OverflowError):
        return False
    j = space._column_at[place]
    distribution = space.distributions[j]
    if distribution is not None and not bool(distribution.contains(np.array([number]))[0]):
        return False
    if row[j] == row[j] and row[j] != number:
        return False  # one parameter in two places shows two values
    row[j] = number
    return True


def _match_switch(space: Space, node: Switch, x: Any, row: FloatArray, exact: bool) -> bool:
    column = space._column_at.get(node.index)
    fixed = space.nodes[node.index]
    for code, option in enumerate(node.options):
        if isinstance(fixed, Const) and fixed.value != code:
            continue
        if column is not None and row[column] == row[column] and row[column] != code:
            continue
        trial = row.copy()
        if column is not None:
            trial[column] = code
        if _match(space, option, x, trial, exact):
            row[:] = trial
            return True
    return False


_UNDO: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    # name: (solve x op c = y for x, solve c op x = y for x)
    "add": (lambda y, c: y - c, lambda y, c: y - c),
    "sub": (lambda y, c: y + c, lambda y, c: c - y),
    "mul": (lambda y, c: y / c, lambda y, c: y / c),
    "truediv": (lambda y, c: y * c, lambda y, c: c / y),
    "pow": (lambda y, c: y ** (1.0 / c), lambda y, c: math.log(y) / math.log(c)),
}
_UNDO_ONE: dict[str, Callable[[Any], Any]] = {
    "neg": lambda y: -y,
    "float": lambda y: y,
    "int": lambda y: y,
    "exp": math.log,
    "log": math.exp,
    "sqrt": lambda y: y * y,
}


def _solve(space: Space, node: Call, y: Any) -> list[tuple[int, Any]] | None:
    """What the one unknown argument must have been; empty where nothing in it is unknown; None where it cannot be said."""
    unknown = [a for a in children(node) if not isinstance(space.nodes[a], Const)]
    if not any(_has_columns(space, a) for a in unknown):
        return []
    if len(unknown) != 1 or node.kwargs:
        return None
    known = [space.nodes[a].value for a in node.args if a != unknown[0]]  # type: ignore[union-attr]  # all are Const
    try:
        if not known and node.name in _UNDO_ONE:
            x = _UNDO_ONE[node.name](y)
        elif len(known) == 1 and node.name in _UNDO:
            x = _UNDO[node.name][node.args.index(unknown[0])](y, known[0])
        else:
            return None
        return [(unknown[0], _polished(node, unknown[0], x, y, space))]
    except (ArithmeticError, ValueError, TypeError):
        return None


def _polished(node: Call, place: int, x: Any, y: Any, space: Space) -> Any:
    """The argument, moved by the few ulps that make the function give exactly `y` again."""

    def forward(argument: Any) -> Any:
        return node.function(*(argument if a == place else space.nodes[a].value for a in node.args))  # type: ignore[union-attr]

    if node.name in ("int", "float") or forward(x) == y:
        return x
    for candidate in (round(x), *(np.nextafter(x, side) for side in (-math.inf, math.inf))):
        if forward(candidate) == y:
            return candidate
    return x


def _has_columns(space: Space, place: int) -> bool:
    stack = [place]
    while stack:
        node = space.nodes[stack.pop()]
        if isinstance(node, Param):
            return True
        stack.extend(children(node))
    return False
