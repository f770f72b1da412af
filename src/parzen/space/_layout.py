"""Columns and conditions: what of a compiled space an algorithm sees.

A parameter inside of an option is active when that option is taken.  A shared node may hang below several options, so a
condition is an or of ands of (column, code).  Conditions are gathered from the root down, then cut to what is not implied:
a column that is itself active only under its own conditions need not repeat them.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from parzen.errors import SpaceError
from parzen.space._nodes import Call, Const, Draw, Node, OpaqueFunction, Param, Switch, children, is_lost

__all__ = ["DEEPEST", "Condition", "Layout", "lay_out"]

DEEPEST = 250
"""How deep choices may be nested; deeper ones are a mistake, and would exhaust Python's stack."""

Condition: TypeAlias = tuple[tuple[tuple[int, int], ...], ...]
"""Or of ands of (column, code); `((),)` is always true."""

_Literal: TypeAlias = tuple[int, int]  # (place of a parameter, code)
_Formula: TypeAlias = frozenset[frozenset[_Literal]]

_TRUE: _Formula = frozenset([frozenset()])
_FEW = 1000
"""Codes up to which a computed index is tried out, to learn which code leads to which option."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a compiled space.

    Attributes:
        places: place of each column's parameter among the nodes; a parent comes before what hangs on it.
        conditions: of each column.
        switches: place of the first switch that a column is the index of; -1 where there is none.
        draws: whether there are unlabelled draws.
    """

    places: tuple[int, ...]
    conditions: tuple[Condition, ...]
    switches: tuple[int, ...]
    draws: bool


def lay_out(nodes: Sequence[Node]) -> Layout:
    """The columns of a compiled space, whose root is its last node.

    Raises:
        SpaceError: choices are nested too deep.
    """
    holds = _holds_parameters(nodes)
    formula: dict[int, _Formula] = {len(nodes) - 1: _TRUE}
    depth = {len(nodes) - 1: 0}
    for place in range(len(nodes) - 1, -1, -1):
        if place not in formula or not holds[place]:
            continue
        node = nodes[place]
        if isinstance(node, Switch):
            taken = _codes(nodes, holds, node)
            edges = [(node.index, _TRUE, 0)] + [
                (o, f, 1) for o, f in zip(node.options, taken, strict=True) if f is not None
            ]
        elif isinstance(node, Param) and node.distribution is not None:
            edges = []
        else:
            edges = [(child, _TRUE, 0) for child in children(node)]
        for child, edge, deeper in edges:
            if not holds[child]:
                continue
            here = _and(formula[place], edge)
            formula[child] = _or(formula[child], here) if child in formula else here
            depth[child] = max(depth.get(child, 0), depth[place] + deeper)
            if depth[child] > DEEPEST:
                index = nodes[node.index] if isinstance(node, Switch) else None
                label = index.label if isinstance(index, Param) else None
                raise SpaceError(f"parameter {label!r}: choices are nested deeper than {DEEPEST}", label=label)
    params = [place for place, node in enumerate(nodes) if isinstance(node, Param) and place in formula]
    needs = {place: {p for conj in formula[place] for p, _ in conj} | _arguments(nodes, place) for place in params}
    places = _in_order(params, needs)
    column = {place: j for j, place in enumerate(places)}
    conditions = []
    for place in places:
        cut = {frozenset(_cut(conj, formula)) for conj in formula[place]}
        conditions.append(tuple(sorted(tuple(sorted((column[p], code) for p, code in conj)) for conj in cut)))
    first: dict[int, int] = {}
    for place, node in enumerate(nodes):
        if isinstance(node, Switch):
            first.setdefault(node.index, place)
    return Layout(
        tuple(places),
        tuple(conditions),
        tuple(first.get(place, -1) for place in places),
        any(isinstance(node, Draw) for node in nodes),
    )


def _holds_parameters(nodes: Sequence[Node]) -> list[bool]:
    holds: list[bool] = []
    for node in nodes:
        holds.append(isinstance(node, Param) or any(holds[child] for child in children(node)))
    return holds


def _codes(nodes: Sequence[Node], holds: list[bool], switch: Switch) -> list[_Formula | None]:
    """For each option, when it is taken, given that the switch is reached; None for never."""
    n, index = len(switch.options), nodes[switch.index]
    if isinstance(index, Const):
        return [_TRUE if k == index.value % n else None for k in range(n)]
    if isinstance(index, Param):
        return [frozenset([frozenset([(switch.index, k)])]) for k in range(n)]
    found = _single_parameter(nodes, holds, switch.index)
    if found is None:
        return [_TRUE] * n  # computed from several columns: any option may be taken
    param = nodes[found]
    assert isinstance(param, Param)
    distribution = param.distribution
    # Codes are whole numbers: a condition on fractions cannot be written as one.
    if distribution is None or not distribution.integral or distribution.size is None or distribution.size > _FEW:
        return [_TRUE] * n
    table: list[set[frozenset[_Literal]]] = [set() for _ in range(n)]
    for value in distribution.values():
        try:
            code = operator.index(_compute(nodes, switch.index, found, int(value)))
            table[code].add(frozenset([(found, int(value))]))
        except Exception as error:  # the expression is the user's own
            raise SpaceError(
                f"parameter {param.label!r}: an option is chosen by an expression of it, which at {int(value)} is not "
                f"the place of one of the {n} options: {error}",
                label=param.label,
            ) from error
    return [frozenset(t) or None for t in table]


def _single_parameter(nodes: Sequence[Node], holds: list[bool], place: int) -> int | None:
    found: set[int] = set()
    stack = [place]
    while stack:
        here = stack.pop()
        node = nodes[here]
        if isinstance(node, Param):
            found.add(here)
            if node.distribution is None:
                return None
        elif isinstance(node, (Draw, Switch)):
            return None
        elif isinstance(node, Const) and is_lost(node.value):
            return None  # a stored space has lost the function
        elif isinstance(node, Call) and isinstance(node.function, OpaqueFunction):
            return None
        elif holds[here] or isinstance(node, Call):
            stack.extend(children(node))
    return found.pop() if len(found) == 1 else None


def _compute(nodes: Sequence[Node], place: int, param: int, value: Any) -> Any:
    node = nodes[place]
    if place == param:
        return value
    if isinstance(node, Const):
        return node.value
    inner = [_compute(nodes, child, param, value) for child in children(node)]
    if isinstance(node, Call):
        names = [name for name, _ in node.kwargs]
        n = len(node.args)
        return node.function(*inner[:n], **dict(zip(names, inner[n:], strict=True)))
    return node.make(inner)  # type: ignore[union-attr]  # all other kinds were ruled out by _single_parameter


def _and(a: _Formula, b: _Formula) -> _Formula:
    if _TRUE in (a, b):
        return b if a == _TRUE else a
    return frozenset(x | y for x in a for y in b)


def _or(a: _Formula, b: _Formula) -> _Formula:
    union = a | b
    if frozenset() in union:
        return _TRUE
    if len({len(conj) for conj in union}) > 1:  # only then can one be part of another
        union = frozenset(x for x in union if not any(y < x for y in union))
    return union


def _cut(conj: frozenset[_Literal], formula: dict[int, _Formula]) -> set[_Literal]:
    """Without what the conjunction's own columns imply by being active at all."""
    rest = set(conj)
    for place, _ in conj:
        if len(formula[place]) == 1:
            rest -= next(iter(formula[place]))
    return rest


def _arguments(nodes: Sequence[Node], place: int) -> set[int]:
    """Parameters that a parameter's bounds are computed from."""
    node = nodes[place]
    if not isinstance(node, Param) or node.distribution is not None:
        return set()
    found: set[int] = set()
    stack = list(children(node))
    while stack:
        here = stack.pop()
        if isinstance(nodes[here], Param):
            found.add(here)
        stack.extend(children(nodes[here]))
    return found


def _in_order(params: list[int], needs: dict[int, set[int]]) -> list[int]:
    """First appearance, but never before what it needs."""
    done: set[int] = set()
    order: list[int] = []
    for first in params:
        stack = [first]
        while stack:
            place = stack[-1]
            missing = sorted(p for p in needs[place] if p not in done and p != place)
            if place in done:
                stack.pop()
            elif missing:
                stack.extend(reversed(missing))
            else:
                done.add(place)
                order.append(place)
                stack.pop()
    return order
