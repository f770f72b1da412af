"""One graph for many configurations: what Hyperopt's `Domain.s_idxs_vals` is made of.

The graph of a single configuration becomes one whose values are columns.  Beside each node stand its *ids*, the trials in
which it is needed: a `switch` splits its own ids among its options, and what several clients need is needed in the union of
their ids.  A labelled draw becomes one draw of as many values: `uniform(low, high, rng=…, size=len(ids))`.  Programs with an
algorithm of their own look at these nodes, and put other values in their place.

It is built in two passes.  From the root down, the ids are found; a column at ids that are not yet its last ones is an
`idxs_take` that is filled in afterwards.  Then each node's column is written with those.  parzen's own algorithms work on a
`Space` and do not come here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from parzen.errors import SpaceError
from parzen.hyperopt.pyll.base import Apply, scope, toposort
from parzen.space import label_of

__all__ = [
    "VectorizeHelper",
    "idxs_map",
    "idxs_take",
    "replace_repeat_stochastic",
    "uniq",
    "vchoice_merge",
    "vchoice_split",
]

# --- symbols of vectorised graphs; ids are numbers of trials, a column has a value for each of its ids -----------


@scope.define_pure
def vchoice_split(idxs: Sequence[Any], choices: Sequence[Any], n_options: int) -> list[list[Any]]:
    """For each option the ids that take it."""
    if len(idxs) != len(choices):
        raise ValueError(f"there are {len(idxs)} ids and {len(choices)} choices")
    parts: list[list[Any]] = [[] for _ in range(n_options)]
    for i, choice in zip(idxs, choices, strict=True):
        parts[int(choice)].append(i)
    return parts


@scope.define_pure
def vchoice_merge(idxs: Sequence[Any], choices: Sequence[Any], *vals: tuple[Sequence[Any], Sequence[Any]]) -> list[Any]:
    """The column of a switch, out of `(ids, column)` of each option."""
    tables = [dict(zip(ids, column, strict=True)) for ids, column in vals]
    return [tables[int(choice)][i] for i, choice in zip(idxs, choices, strict=True)]


@scope.define_pure
def idxs_map(idxs: Iterable[Any], cmd: str, *args: Any, **kwargs: Any) -> list[Any]:
    """The symbol `cmd` for each id, of arguments that are `(ids, column)` pairs; these may know more ids."""
    function = scope.function(cmd)
    if function is None:
        raise SpaceError(f"the graph uses a function {cmd!r} that scope does not know: @scope.define it")
    tables = [dict(zip(ids, column, strict=True)) for ids, column in args]
    named = {name: dict(zip(ids, column, strict=True)) for name, (ids, column) in kwargs.items()}
    return [
        function(*(table[i] for table in tables), **{name: table[i] for name, table in named.items()}) for i in idxs
    ]


@scope.define_pure
def idxs_take(idxs: Sequence[Any], vals: Sequence[Any], which: Iterable[Any]) -> Any:
    """The part of a column for some of its ids; an array where it consists of numbers."""
    table = dict(zip(idxs, vals, strict=True))
    taken = [table[i] for i in which]
    return np.asarray(taken) if all(isinstance(value, (int, float, np.number)) for value in taken) else taken


@scope.define_pure
def uniq(lst: Iterable[Any]) -> list[Any]:
    """Without repeated objects."""
    return list({id(item): item for item in lst}.values())


# --- the construction -------------------------------------------------------------------------------------------


class VectorizeHelper:
    """The vectorised form of a graph.

    Args:
        expr: the graph of one configuration.
        expr_idxs: a node that gives the numbers of the trials.
        build: has no effect.

    Attributes:
        params: label to the draw in `expr`.
        v_expr: the column of `expr`.

    Raises:
        SpaceError: the graph goes in a circle.
    """

    def __init__(self, expr: Apply, expr_idxs: Apply, build: bool = True) -> None:
        self.expr = expr
        self.expr_idxs = expr_idxs
        self.params: dict[str, Apply] = {}
        self._nowhere = scope.array_union()  # of what no trial can need
        order = toposort(expr)
        for node in order:
            label = label_of(node)
            if label is not None:
                self.params.setdefault(label, node.arg["obj"])
        self._build(order, everywhere=False)
        try:
            toposort(scope.pos_args(self.v_expr, self.idxs_by_label(), self.vals_by_label()))
        except SpaceError:
            # An index of a choice hangs on a parameter that is drawn in one of the options too, in other trials: then
            # everything is drawn in all trials, and afterwards what is needed is taken from it.
            self._build(order, everywhere=True)

    def idxs_by_label(self) -> dict[str, Apply]:
        """For each label a node that gives the ids in which it is active."""
        return {label: self._needed.get(draw, self._nowhere) for label, draw in self.params.items()}

    def vals_by_label(self) -> dict[str, Apply]:
        """For each label a node that gives the values for these ids."""
        return {
            label: self._column(draw, self._needed[draw]) if draw in self._needed else self._nowhere
            for label, draw in self.params.items()
        }

    def _build(self, order: list[Apply], everywhere: bool) -> None:
        every = scope.array_union(self.expr_idxs)
        self._within: dict[Apply, frozenset[Apply]] = {every: frozenset([every])}  # ids -> ids that contain them
        self._needed: dict[Apply, Apply] = {}  # node -> the ids in which it is needed
        self._at: dict[Apply, Apply] = {}  # node -> the ids in which it is computed
        self._vals: dict[Apply, Apply] = {}  # node -> its column at these
        self._parts: dict[Apply, list[Apply]] = {}  # switch -> the ids of each option
        self._takes: dict[tuple[Apply, Apply], Apply] = {}
        self._varies = self._that_vary(order)
        wants: dict[Apply, list[Apply]] = {self._meant(self.expr): [every]}
        for node in reversed(order):
            if node in wants and self._varies[node]:
                self._needed[node] = self._union(wants[node])
                self._at[node] = every if everywhere else self._needed[node]
                for item, ids in self._wanted_by(node):
                    wants.setdefault(item, []).append(ids)
        for node in self._at:
            self._vals[node] = self._vectorized(node)
        for (node, ids), take in self._takes.items():
            take.pos_args = [self._at[node], self._vals[node], ids]
        self.v_expr = self._column(self._meant(self.expr), every)

    def _meant(self, node: Apply) -> Apply:
        """A labelled draw is its draw; two nodes of one label are one parameter."""
        label = label_of(node)
        return node if label is None else self.params[label]

    def _that_vary(self, order: list[Apply]) -> dict[Apply, bool]:
        varies: dict[Apply, bool] = {}
        for node in order:
            varies[node] = node.name in scope.stochastic or any(varies[item] for item in node.inputs())
        return varies

    def _union(self, wants: list[Apply]) -> Apply:
        """The union of ids, without those that are part of others."""
        different = list(dict.fromkeys(wants))
        kept = [ids for ids in different if not any(o in self._within[ids] for o in different if o is not ids)]
        if len(kept) == 1 and kept[0].name == "array_union":
            return kept[0]
        union = scope.array_union(*kept)
        self._within[union] = frozenset.intersection(*(self._within[ids] for ids in kept)) | {union}
        return union

    def _wanted_by(self, node: Apply) -> list[tuple[Apply, Apply]]:
        """What a node's column is computed from, and in which ids."""
        ids = self._needed[node]
        if node.name != "switch":
            return [(self._meant(item), ids) for item in node.inputs()]
        index, options = node.pos_args[0], node.pos_args[1:]
        split = scope.vchoice_split(ids, self._column(index, ids), len(options))
        parts = [split[k] for k in range(len(options))]
        for part in parts:
            self._within[part] = self._within[ids] | {part}
        self._parts[node] = parts
        return [(self._meant(index), ids)] + [(self._meant(o), part) for o, part in zip(options, parts, strict=True)]

    def _column(self, node: Apply, ids: Apply) -> Apply:
        """A node's column at some ids; of a constant as many copies."""
        node = self._meant(node)
        if not self._varies[node]:
            return scope.repeat(scope.len(ids), node)
        if self._at.get(node) is ids and node in self._vals:
            return self._vals[node]
        if (node, ids) not in self._takes:
            known = [self._at[node], self._vals[node], ids] if node in self._vals else []  # else filled in afterwards
            self._takes[node, ids] = Apply("idxs_take", known, pure=True)
        return self._takes[node, ids]

    def _vectorized(self, node: Apply) -> Apply:
        """The node that computes a node's column, at the ids in which it is computed."""
        ids = self._at[node]
        if node.name == "switch":
            index, options = node.pos_args[0], node.pos_args[1:]
            # The ids of an option and its column; where everything is drawn everywhere, the column has all of them.
            where = [ids if ids is not self._needed[node] else part for part in self._parts[node]]
            columns = [scope.pos_args(w, self._column(o, w)) for o, w in zip(options, where, strict=True)]
            return scope.vchoice_merge(ids, self._column(index, ids), *columns)
        if node.name in scope.stochastic:
            return self._drawn(node, ids)
        pair: Callable[[Apply], Apply] = lambda item: scope.pos_args(ids, self._column(item, ids))  # noqa: E731
        mapped = scope.idxs_map(ids, node.name, *map(pair, node.pos_args))
        mapped.named_args = [[name, pair(item)] for name, item in node.named_args]
        return mapped

    def _drawn(self, node: Apply, ids: Apply) -> Apply:
        """One draw of as many values as there are ids: all draws are alike, unless an argument is drawn itself."""
        given = {name: item for name, item in node.named_args if name != "size"}
        size = scope.len(ids)

        def argument(item: Apply) -> Apply:
            return self._column(item, ids) if self._varies[self._meant(item)] else item

        if node.name == "categorical":  # Hyperopt's has a row for each draw, and programs look at the first
            rows: Callable[[Apply], Apply] = lambda item: scope.asarray(self._column(item, ids))  # noqa: E731
            named = {name: argument(item) if name == "rng" else rows(item) for name, item in given.items()}
            return Apply(node.name, [*map(rows, node.pos_args[:1]), *node.pos_args[1:]], {**named, "size": size})
        named = {name: argument(item) for name, item in given.items()}
        return Apply(node.name, list(map(argument, node.pos_args)), {**named, "size": size})


def replace_repeat_stochastic(expr: Apply, return_memo: bool = False) -> Any:
    """The graph as it is, with what was replaced in it: nothing, because draws of `VectorizeHelper` repeat no arguments.

    Args:
        expr: a vectorised graph.
        return_memo: whether to return `(expr, {})`.
    """
    return (expr, {}) if return_memo else expr
