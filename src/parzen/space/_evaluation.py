"""What a place of a compiled space comes to, once the columns have values.

A stored space has lost the objects that JSON cannot say, and with them what is computed from them: that is an `Opaque`
again, so that a study can be looked at without the program that made it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from parzen._typing import FloatArray
from parzen.errors import SpaceError
from parzen.space._graph import Apply
from parzen.space._nodes import (
    Build,
    Call,
    Const,
    Draw,
    Node,
    Opaque,
    Param,
    Switch,
    children,
    distribution_of,
    is_lost,
)
from parzen.space._symbols import FUNCTIONS
from parzen.space.distributions import FAMILIES, Distribution

__all__ = ["WHOLE", "Evaluator"]

_MISSING: Any = object()  # marks what has not been evaluated; compared by identity only

WHOLE = ("randint", "integer", "ordinal", "categorical")
"""Families whose values are integers, whatever their arguments turn out to be."""


class Evaluator:
    """Evaluates places of one space.

    Args:
        nodes: children before parents.
        places: of the columns' parameters.
        distributions: of the columns; None where computed.
    """

    def __init__(
        self, nodes: Sequence[Node], places: Sequence[int], distributions: Sequence[Distribution | None]
    ) -> None:
        self._nodes = nodes
        self._columns = tuple(
            (place, distribution, distribution is not None and distribution.integral)
            for place, distribution in zip(places, distributions, strict=True)
        )
        self._start: list[Any] = [node.value if isinstance(node, Const) else _MISSING for node in nodes]
        self._regions: dict[int, tuple[int, ...]] = {}

    def memo(self, row: FloatArray | None = None) -> list[Any]:
        """What each place is known to be, given a row `(d,)`; inactive columns stay unknown."""
        memo = self._start.copy()
        if row is None:
            return memo
        for x, (place, distribution, integral) in zip(row.tolist(), self._columns, strict=True):
            if x == x:
                if distribution is None:
                    param = self._nodes[place]
                    assert isinstance(param, Param)
                    memo[place] = int(x) if param.family in WHOLE else x
                else:
                    memo[place] = int(x) if integral else x  # `Distribution.value`
        return memo

    def value(self, root: int, memo: list[Any], rng: np.random.Generator | None) -> Any:
        """The value of a place; what is learnt on the way is kept in `memo`.

        Recursive in nested choices only, whose depth is bounded.
        """
        for place in self._region(root):
            if memo[place] is not _MISSING:
                continue
            node = self._nodes[place]
            if isinstance(node, Build):
                memo[place] = node.make([memo[item] for item in node.items])
            elif isinstance(node, Switch):
                index = memo[node.index]
                if isinstance(index, Opaque):
                    memo[place] = index
                else:
                    option = node.options[index]
                    known = memo[option]  # as the plain values among the options are
                    memo[place] = self.value(option, memo, rng) if known is _MISSING else known
            elif isinstance(node, Call):
                memo[place] = _called(node, [memo[a] for a in node.args], {k: memo[a] for k, a in node.kwargs})
            else:
                assert isinstance(node, Draw)
                if rng is None:
                    raise SpaceError(f"an unlabelled {node.family} needs the trial's own generator to be drawn")
                if any(is_lost(memo[a]) for a in children(node)):
                    rng.random(1)  # what is drawn after it has to stay the same
                    memo[place] = Opaque(f"{node.family}(…)")
                    continue
                memo[place] = _drawn(node, memo, rng)
        return memo[root]

    def bounded(self, place: int, row: FloatArray) -> Distribution | None:
        """The distribution of a parameter whose arguments are computed from a row `(d,)`.

        None where they are unknown, because a stored space has lost what computes them.

        Raises:
            BadDistribution: the row's values make no sense of it.
        """
        param = self._nodes[place]
        assert isinstance(param, Param)
        memo = self.memo(row)
        if any(is_lost(self.value(argument, memo, None)) for argument in children(param)):
            return None
        return distribution_of(param.label, param, memo.__getitem__)

    def _region(self, root: int) -> tuple[int, ...]:
        """What must be evaluated to know a place, children first; the options of switches are left for later."""
        known = self._regions.get(root)
        if known is None:
            seen, stack = {root}, [root]
            while stack:
                node = self._nodes[stack.pop()]
                if isinstance(node, Param):
                    continue
                for child in (node.index,) if isinstance(node, Switch) else children(node):
                    if child not in seen:
                        seen.add(child)
                        stack.append(child)
            known = tuple(place for place in sorted(seen) if not isinstance(self._nodes[place], (Const, Param)))
            self._regions[root] = known
        return known


def _drawn(node: Draw, memo: Sequence[Any], rng: np.random.Generator) -> Any:
    named = {name: memo[place] for name, place in node.kwargs}
    if node.family in FAMILIES and "size" not in named:
        distribution = distribution_of(None, node, memo.__getitem__)
        return distribution.value(float(distribution.sample(rng, 1)[0]))
    # A draw of the user's own, or an array.
    function = FUNCTIONS.get(node.family)
    if function is None:  # a stored space knows its name only
        return Opaque(f"{node.family}(…)")
    return function(*(memo[place] for place in node.args), rng=rng, **named)


def _called(node: Call, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    operands = [*args, *kwargs.values()]
    lost = next((operand for operand in operands if isinstance(operand, Opaque)), None)
    if lost is None:
        try:
            value = node.function(*args, **kwargs)
            return value.eval() if isinstance(value, Apply) else value  # what a function returns may be a graph again
        except Exception:  # the function may be the user's own
            if not any(map(is_lost, operands)):
                raise
    # `hp.call(f, …)` is best known as f.
    of = lost if lost is not None and node.name == "call" and args and args[0] is lost else node
    return Opaque(f"{of.name}(…)")
