"""From a configuration back to a row: decoding, read backwards.

The configuration is laid over the compiled space and compared from the root down.  A column's value is read off where it
stands; at a choice the options are tried in order, exact matches (same object, or same type and equal) before equal ones,
so that `[1, True, 1.0]` are three options.  Simple arithmetic of one unknown is inverted; other functions cannot be.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from parzen._typing import FloatArray
from parzen.errors import OutOfSpace
from parzen.space._compile import _equal
from parzen.space._nodes import Build, Call, Const, Draw, Node, Param, Switch, children

if TYPE_CHECKING:
    from parzen.space._space import Space

__all__ = ["row_of_config", "value_of_option"]


def row_of_config(space: Space, config: Any) -> FloatArray:
    """`(d,)`: the values that a configuration shows; NaN for columns that it does not.

    Raises:
        OutOfSpace: the configuration cannot have come from the space.
    """
    why = ""
    for exact in (True, False):
        search = _Search(space, exact)
        if search.run(len(space.nodes) - 1, config):
            return search.row
        why = search.untraceable
    raise OutOfSpace(
        f"a value computed by {why!r} cannot be traced back to its parameters: give the values of the parameters instead"
        if why
        else f"this configuration cannot have come from the space: {config!r:.200}"
    )


def value_of_option(space: Space, j: int, value: Any, row: FloatArray, is_given: Callable[[str], bool]) -> None:
    """Write into `row` the code of the option of column `j` that a value stands for, and what is read off inside of it.

    Args:
        is_given: whether a label's own value is given elsewhere; then what is read off here yields to it.

    Raises:
        OutOfSpace: no option can have given it.
    """
    switch = space.switch(j)
    assert switch is not None
    for exact in (True, False):
        for code, option in enumerate(switch.options):
            search = _Search(space, exact)
            if search.run(option, value):
                row[j] = code
                for k in search.trail:
                    if not is_given(space.labels[k]):
                        row[k] = search.row[k]
                return
    # What an option is called does too, where that is clear: `hp.option`'s name, the first word of a sub-space.
    if isinstance(value, str):
        called = [c for c in range(len(switch.options)) if space.option(j, c) in (value, repr(value))]
        if len(called) == 1:
            row[j] = called[0]
            return
    names = [space.option(j, code) for code in range(min(len(switch.options), 10))]
    label = space.labels[j]
    raise OutOfSpace(f"parameter {label!r}: {value!r:.80} is not one of its options {', '.join(names)}", label=label)


_Goals: TypeAlias = "tuple[int, Any, _Goals] | None"
"""What remains to be matched, as a linked list: (place, value, the rest)."""
_Later: TypeAlias = "tuple[int, Any, int, _Later] | None"
"""Switches that remain to be matched: (place, value, level of the fork that led there, the rest)."""


@dataclass(slots=True)
class _Fork:
    """A switch of which one option is being tried.

    Attributes:
        codes: those not tried yet.
        origin: level of the fork that led to this switch.
        later: the switches after it.
        mark: length of the trail before it.
        blame: levels of earlier forks because of which options failed.
    """

    place: int
    value: Any
    codes: Iterator[int]
    origin: int
    later: _Later
    mark: int
    blame: set[int]


class _Search:
    """Lays a value over a space and goes back where a choice turns out wrong.

    Options may look alike from outside, and a parameter shared between branches may show that another option was meant
    only later.  Everything that is certain is matched before the next switch is opened, and a dead end returns to the
    latest fork that had a part in it (conflict-directed backjumping, Prosser 1993), so that many alike choices cost no
    more than one after the other.

    Attributes:
        row: `(d,)`, what the value shows of the columns; NaN elsewhere.
        trail: the columns that are set, in that order.
        untraceable: name of a function because of which nothing could be said.
    """

    def __init__(self, space: Space, exact: bool) -> None:
        self.space, self.exact = space, exact
        self.row = np.full(space.d, np.nan)
        self.forks: list[_Fork] = []
        self.trail: list[int] = []
        self.level: dict[int, int] = {}  # column -> level of the fork at which it was set
        self.blame: set[int] = set()  # of the dead end that was just met
        self.untraceable = ""

    def run(self, root: int, value: Any) -> bool:
        """Whether a place can have given a value."""
        goals: _Goals = (root, value, None)
        later: _Later = None
        while True:
            matched = True
            while goals is not None and matched:
                place, x, goals = goals
                if isinstance(self.space.nodes[place], Switch):
                    later = (place, x, len(self.forks), later)
                    continue
                parts = self.parts(place, x)
                matched = parts is not None
                for part in parts or ():
                    goals = (*part, goals)
            if matched:
                if later is None:
                    return True
                place, x, origin, later = later
                codes = iter(self.codes(place))
                self.forks.append(_Fork(place, x, codes, origin, later, len(self.trail), set()))
            elif not self.forks:
                return False
            else:
                self.forks[-1].blame |= self.blame
            opened = self.next_option()
            if opened is None:
                return False
            goals, later = opened

    def next_option(self) -> tuple[_Goals, _Later] | None:
        """The next option of the latest fork that is to blame; None where none is left."""
        while self.forks:
            fork = self.forks[-1]
            while len(self.trail) > fork.mark:
                self.row[self.trail.pop()] = np.nan
            node = self.space.nodes[fork.place]
            assert isinstance(node, Switch)
            column = self.space._column_at.get(node.index)
            for code in fork.codes:
                self.blame.clear()
                if column is not None and not self.set(column, float(code)):
                    fork.blame |= self.blame
                    continue
                goals: _Goals = (node.options[code], fork.value, None)
                index = self.space.nodes[node.index]
                if isinstance(index, Call):
                    try:
                        parts = _solve(self.space, index, code)
                    except _Untraceable:
                        parts = []  # the parameters behind it may be shown elsewhere
                    if parts is None:
                        continue
                    for part in parts:
                        goals = (*part, goals)
                return goals, fork.later
            blame = (fork.blame | {fork.origin}) - {len(self.forks)}
            del self.forks[max(blame) :]
            if self.forks:
                self.forks[-1].blame |= blame - {len(self.forks)}
        return None

    def codes(self, place: int) -> Sequence[int]:
        node = self.space.nodes[place]
        assert isinstance(node, Switch)
        n = len(node.options)
        if _holds(self.space, node.index, (Param, Draw)):
            return range(n)
        return (int(_constant(self.space, node.index)) % n,)

    def parts(self, place: int, x: Any) -> list[tuple[int, Any]] | None:
        """What of a place remains to be matched; None where it cannot have given `x`."""
        node = self.space.nodes[place]
        self.blame.clear()
        if isinstance(node, Const):
            alike = (not self.exact or type(node.value) is type(x)) and _equal(node.value, x)
            return [] if alike else None
        if isinstance(node, Param):
            return [] if self.assign(place, x) else None
        if isinstance(node, Build):
            items = _items(node, x)
            return None if items is None else list(zip(node.items, items, strict=True))
        if isinstance(node, Call):
            try:
                solved = _solve(self.space, node, x)
            except _Untraceable:
                self.untraceable = node.name
                return None
            if not solved and not solved and not _holds(self.space, place, (Param, Draw)):
                return [] if _equal(_constant(self.space, place), x) else None
            return solved
        assert isinstance(node, Draw)  # no column: whatever was drawn is fine
        return []

    def assign(self, place: int, x: Any) -> bool:
        if isinstance(x, (str, bytes, complex, bool, np.bool_)) or not hasattr(x, "__float__"):
            return False
        if isinstance(x, np.ndarray) and x.ndim:
            return False
        j = self.space._column_at[place]
        distribution = self.space.distributions[j]
        try:
            number = float(x)
            return self.set(j, number if distribution is None else distribution.nearest(number))
        except (TypeError, ValueError, OverflowError):  # BadDistribution is a ValueError
            return False

    def set(self, j: int, number: float) -> bool:
        known = self.row[j]
        if known == known:  # one parameter in two places shows one value
            self.blame.add(self.level[j])
            return bool(known == number)
        self.row[j] = number
        self.level[j] = len(self.forks)
        self.trail.append(j)
        return number == number


def _items(node: Build, x: Any) -> list[Any] | None:
    if node.kind == "option":
        return [x]
    if node.kind == "dict":
        if not isinstance(x, dict) or len(x) != len(node.keys) or any(key not in x for key in node.keys):
            return None
        return [x[key] for key in node.keys]
    if not isinstance(x, (list, tuple)) or len(x) != len(node.items):
        return None
    return list(x)


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


class _Untraceable(Exception):
    """A function has no inverse that is known, or more than one unknown argument."""


def _solve(space: Space, node: Call, y: Any) -> list[tuple[int, Any]] | None:
    """What the one unknown argument must have been; empty where nothing in it is unknown; None where none gives `y`."""
    unknown = [a for a in children(node) if not isinstance(space.nodes[a], Const)]
    if not any(_holds(space, a, (Param,)) for a in unknown):
        return []
    if len(unknown) != 1 or node.kwargs:
        raise _Untraceable
    known = [space.nodes[a].value for a in node.args if a != unknown[0]]  # type: ignore[union-attr]  # all are Const
    try:
        if not known and node.name in _UNDO_ONE:
            x = _UNDO_ONE[node.name](y)
        elif len(known) == 1 and node.name in _UNDO:
            x = _UNDO[node.name][node.args.index(unknown[0])](y, known[0])
        else:
            raise _Untraceable
        return [(unknown[0], _polished(node, unknown[0], x, y, space))]
    except (ArithmeticError, ValueError, TypeError):
        return None


def _polished(node: Call, place: int, x: Any, y: Any, space: Space) -> Any:
    """The argument, moved by the few ulps that make the function give exactly `y` again."""

    def forward(argument: Any) -> Any:
        return node.function(*(argument if a == place else space.nodes[a].value for a in node.args))  # type: ignore[union-attr]

    inner = space.nodes[place]
    if node.name == "int" and isinstance(inner, Param) and inner.distribution is not None:
        # 2 may come of a float in [2.5, 9]: take the nearest that there is.
        low, high = inner.distribution.from_unit(np.array([0.0, 1.0])).tolist()
        return min(max(x, low), high) if int(min(max(x, low), high)) == y else x
    if node.name in ("int", "float") or forward(x) == y:
        return x
    for candidate in (round(x), *(np.nextafter(x, side) for side in (-math.inf, math.inf))):
        if forward(candidate) == y:
            return candidate
    return x


def _constant(space: Space, place: int) -> Any:
    """The value of a place in which nothing is drawn."""
    return space._evaluator.value(place, space._evaluator.memo(), None)


def _holds(space: Space, place: int, kinds: tuple[type[Node], ...]) -> bool:
    stack = [place]
    while stack:
        node = space.nodes[stack.pop()]
        if isinstance(node, kinds):
            return True
        stack.extend(children(node))
    return False
