"""What a place of a compiled space comes to, once the columns have values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from parzen._typing import FloatArray
from parzen.errors import SpaceError
from parzen.space._nodes import Build, Call, Const, Draw, Node, Param, Switch, children, distribution_of
from parzen.space.distributions import Distribution

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
        self._columns = tuple(zip(places, distributions, strict=True))
        self._start: list[Any] = [node.value if isinstance(node, Const) else _MISSING for node in nodes]
        self._regions: dict[int, tuple[int, ...]] = {}

    def memo(self, row: FloatArray | None = None) -> list[Any]:
        """What each place is known to be, given a row `(d,)`; inactive columns stay unknown."""
        memo = self._start.copy()
        if row is None:
            return memo
        for x, (place, distribution) in zip(row.tolist(), self._columns, strict=True):
            if x == x:
                if distribution is None:
                    param = self._nodes[place]
                    assert isinstance(param, Param)
                    memo[place] = int(x) if param.family in WHOLE else x
                else:
                    memo[place] = distribution.value(x)
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
                memo[place] = self.value(node.options[memo[node.index]], memo, rng)
            elif isinstance(node, Call):
                memo[place] = node.function(*(memo[a] for a in node.args), **{k: memo[a] for k, a in node.kwargs})
            else:
                assert isinstance(node, Draw)
                if rng is None:
                    raise SpaceError(f"an unlabelled {node.family} needs the trial's own generator to be drawn")
                distribution = distribution_of(None, node, memo.__getitem__)
                memo[place] = distribution.value(float(distribution.sample(rng, 1)[0]))
        return memo[root]

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
