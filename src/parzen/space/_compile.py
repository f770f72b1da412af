"""From a user's nested data and graph nodes to the compiled form.

One iterative pass, children first.  A node or container that is reached twice becomes one place, so that what is shared
stays shared; a label that is met again must mean the same thing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from parzen.errors import BadLabel, DuplicateLabel, SpaceError
from parzen.space._draws import PARAMETERS
from parzen.space._evaluation import WHOLE, Evaluator
from parzen.space._graph import Apply, Literal
from parzen.space._nodes import Build, Call, Const, Draw, Node, Param, Switch, children, distribution_of
from parzen.space._scope import scope
from parzen.space.distributions import FAMILIES, Categorical, Distribution, Grid, Quantized, Sampled

__all__ = ["compile_nodes", "reachable"]

_DRAWS = 1000
"""By which a distribution is known that parzen has no formula for: its quantiles, to a few parts in a thousand."""


def compile_nodes(space: Any) -> list[Node]:  # Any: whatever a user's space is made of
    """All nodes of a space, children before parents, the root last.

    Raises:
        SpaceError: the space makes no sense; the text names the label and the fault.
    """
    compiler = _Compiler()
    root = compiler.run(space)
    return _integral(reachable(compiler.nodes, root))


class _Compiler:
    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.place: dict[int, int] = {}  # id of what was read -> its place
        self.alive: list[Any] = []  # keeps those ids unique
        self.param: dict[str, int] = {}  # label -> place
        self.used_by: dict[str, Apply] = {}  # label of a switch's index -> that switch

    def run(self, space: Any) -> int:
        in_progress: set[int] = set()
        stack: list[tuple[Any, list[Any] | None]] = [(space, None)]
        while stack:
            item, parts = stack.pop()
            key = id(item)
            if parts is None:
                if key in self.place:
                    continue
                if key in in_progress:
                    raise SpaceError(f"the space contains itself: {_name(item)} is its own descendant")
                parts = _parts(item)
                self.alive.append(item)
                self.alive.append(parts)
                in_progress.add(key)
                stack.append((item, parts))
                for part in reversed(parts):
                    if id(part) in in_progress:
                        raise SpaceError(f"the space contains itself: {_name(part)} is its own descendant")
                    stack.append((part, None))
                continue
            in_progress.discard(key)
            self.place[key] = self.add(item, [self.place[id(part)] for part in parts])
        return self.place[id(space)]

    def add(self, item: Any, parts: list[int]) -> int:
        _refuse_foreign(item.obj if isinstance(item, Literal) else item)
        if isinstance(item, Literal):
            return self.new(Const(item.obj, item.option_name))
        if isinstance(item, Apply):
            return self.add_apply(item, parts)
        if isinstance(item, dict):
            if any(isinstance(key, Apply) for key in item):
                raise SpaceError("the keys of a mapping in the space must be constants")
            return self.new(Build("dict", tuple(parts), tuple(item)))
        if isinstance(item, list):
            return self.new(Build("list", tuple(parts)))
        if isinstance(item, tuple):
            named = hasattr(item, "_fields")
            return self.new(
                Build("namedtuple", tuple(parts), (), type(item)) if named else Build("tuple", tuple(parts))
            )
        if isinstance(item, (set, frozenset)) and any(isinstance(member, Apply) for member in item):
            raise SpaceError("a set in the space must not have parameters in it: use a list, whose order is known")
        return self.new(Const(item))

    def new(self, node: Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def add_apply(self, item: Apply, parts: list[int]) -> int:
        n = len(item.pos_args)
        args, kwargs = tuple(parts[:n]), tuple((k, p) for (k, _), p in zip(item.named_args, parts[n:], strict=True))
        if item.name == "hyperopt_param":
            given = dict(zip(("label", "obj"), args, strict=False)) | dict(kwargs)
            drawn = item.pos_args[1] if n > 1 else dict(item.named_args)["obj"]
            return self.add_param(given["label"], given["obj"], drawn.name)
        if item.name == "switch":
            return self.add_switch(item, args)
        if item.name == "named_option":
            name = self.nodes[args[0]]
            return self.new(Build("option", (args[1],), (name.value if isinstance(name, Const) else "",)))
        if item.name == "pos_args":
            return self.new(Build("tuple", args))
        if item.name == "dict":
            return self.add_dict(args, kwargs)
        if item.name in scope.stochastic:
            return self.new(_draw(item.name, args, kwargs))
        function = scope.function(item.name)
        if function is None:
            raise SpaceError(f"the space uses a function {item.name!r} that scope does not know: @scope.define it")
        if item.name in ("float", "int") and len(args) == 1 and not kwargs:
            inner = self.nodes[args[0]]
            if isinstance(inner, Param) and _is_whole(inner) == (item.name == "int"):
                return args[0]  # it is one already
        return self.new(Call(item.name, function, args, kwargs))

    def add_dict(self, args: tuple[int, ...], kwargs: tuple[tuple[str, int], ...]) -> int:
        if not args:
            return self.new(Build("dict", tuple(p for _, p in kwargs), tuple(k for k, _ in kwargs)))
        couples = self.nodes[args[0]]
        assert isinstance(couples, Build)
        pairs = [self.nodes[place] for place in couples.items]
        keys, values = [], []
        for pair in pairs:
            key = self.nodes[pair.items[0]] if isinstance(pair, Build) and len(pair.items) == 2 else None
            if not isinstance(key, Const):
                raise SpaceError("the keys of a mapping in the space must be constants")
            assert isinstance(pair, Build)
            keys.append(key.value)
            values.append(pair.items[1])
        return self.new(Build("dict", tuple(values), tuple(keys)))

    def add_param(self, name_at: int, draw_at: int, symbol: str) -> int:
        name, drawn = self.nodes[name_at], self.nodes[draw_at]
        label = name.value if isinstance(name, Const) else None
        if not isinstance(label, str):
            raise BadLabel(f"a label must be text, got {label!r:.80} of type {type(label).__name__}", label=label)
        distribution: Distribution | None
        if not isinstance(drawn, Draw) or drawn.family not in FAMILIES:
            distribution = self.sampled(label, draw_at, symbol)
            param = Param(label, distribution, symbol)
        else:
            distribution = None
            if self.free((*drawn.args, *(place for _, place in drawn.kwargs)), of=(Param, Draw)):
                distribution = distribution_of(label, drawn, _Evaluated(self.nodes).__getitem__)
            param = Param(label, distribution, drawn.family, drawn.args, drawn.kwargs)
        known = self.param.get(param.label)
        if known is None:
            self.param[param.label] = self.new(param)
            return self.param[param.label]
        other = self.nodes[known]
        assert isinstance(other, Param)
        if distribution is None or not _alike(other.distribution, distribution):
            mine = distribution.describe() if distribution else symbol
            theirs = other.distribution.describe() if other.distribution else other.family
            raise DuplicateLabel(
                f"label {label!r} stands for two different parameters, {theirs} and {mine}; "
                "use one node in both places, or give them different labels",
                label=label,
            )
        return known

    def free(self, places: tuple[int, ...], of: tuple[type[Node], ...]) -> bool:
        """Whether no node of these kinds is needed to know what stands at some places."""
        stack = list(places)
        while stack:
            node = self.nodes[stack.pop()]
            if isinstance(node, of):
                return False
            stack.extend(children(node))
        return True

    def sampled(self, label: str, draw_at: int, symbol: str) -> Sampled:
        """The distribution of a draw of the user's own, or of an expression of draws: known from many of them.

        The draws are always the same, so that a program that is run again has the same space.
        """
        if not self.free((draw_at,), of=(Param,)):
            raise SpaceError(
                f"parameter {label!r}: what {symbol!r} draws depends on another parameter, and parzen does not know its "
                "quantiles then; label draws of parzen.hp, and compute the rest from them",
                label=label,
            )
        evaluator, rng = Evaluator(self.nodes, (), ()), np.random.default_rng(0)
        draws: list[float] = []
        kinds: set[type] = set()
        for _ in range(_DRAWS):
            value = evaluator.value(draw_at, evaluator.memo(), rng)
            value = value.item() if isinstance(value, (np.ndarray, np.generic)) and value.size == 1 else value
            if not isinstance(value, (bool, int, float)) or not math.isfinite(value):
                raise SpaceError(
                    f"parameter {label!r}: a parameter is a finite number, and {symbol!r} draws {value!r:.80}; "
                    "leave out the label, or label numbers and compute the rest from them",
                    label=label,
                )
            draws.append(float(value))
            kinds.add(type(value))
        return Sampled.of(draws, integral=float not in kinds)

    def add_switch(self, item: Apply, args: tuple[int, ...]) -> int:
        index, options = args[0], args[1:]
        param = self.nodes[index]
        if not options:
            label = param.label if isinstance(param, Param) else None
            raise SpaceError(f"parameter {label!r}: there must be at least one option to choose from", label=label)
        if isinstance(param, Const):
            self.check_index(param.value, len(options))
        if isinstance(param, Param) and param.distribution is not None:
            distribution = param.distribution
            if not distribution.integral:
                raise SpaceError(
                    f"parameter {param.label!r}: the index of a switch must be a whole number, and this is "
                    f"{distribution.describe()}; wrap it in scope.int",
                    label=param.label,
                )
            # hp.choice draws its index by randint, as Hyperopt's does; but it is a name, not a size.
            if _is_index(distribution) and param.family == "randint":
                distribution = Categorical(int(distribution.size or 0))
                self.nodes[index] = Param(param.label, distribution, param.family)
            if distribution.size is not None and distribution.size > len(options):
                raise SpaceError(
                    f"parameter {param.label!r}: it draws from {distribution.size} codes, but there are "
                    f"{len(options)} options",
                    label=param.label,
                )
            first, last = distribution.from_unit(np.array([0.0, 1.0])).tolist()
            if first < 0 or last >= len(options):
                raise SpaceError(
                    f"parameter {param.label!r}: it draws codes from {first:g} to {last:g}, but the {len(options)} "
                    f"options are counted from 0 to {len(options) - 1}",
                    label=param.label,
                )
            earlier = self.used_by.setdefault(param.label, item)
            if earlier is not item and earlier.pos_args[0] is not item.pos_args[0]:
                theirs = [self.place[id(option)] for option in earlier.pos_args[1:]]
                if not all(self.same(a, b) for a, b in zip(theirs, options, strict=False)):
                    raise DuplicateLabel(
                        f"label {param.label!r} stands for two choices with different options; "
                        "use one node in both places, or give them different labels",
                        label=param.label,
                    )
        return self.new(Switch(index, options))

    def check_index(self, index: Any, n: int) -> None:  # a user's constant, of any type
        if not isinstance(index, (int, np.integer)) or not -n <= index < n:
            raise SpaceError(
                f"the index of a switch over {n} options must be a whole number below {n}, got {index!r:.80}"
            )

    def same(self, a: int, b: int) -> bool:
        """Whether two places hold equal things."""
        pairs, seen = [(a, b)], set()
        while pairs:
            a, b = pairs.pop()
            if a == b or (a, b) in seen:
                continue
            seen.add((a, b))
            x, y = self.nodes[a], self.nodes[b]
            if isinstance(x, Const) and isinstance(y, Const):
                if x.value is not y.value and (type(x.value) is not type(y.value) or not _equal(x.value, y.value)):
                    return False
            elif isinstance(x, Build) and isinstance(y, Build):
                if (x.kind, x.keys) != (y.kind, y.keys):
                    return False
            elif isinstance(x, Call) and isinstance(y, Call):
                if x.function is not y.function:
                    return False
            elif type(x) is not type(y) or isinstance(x, (Param, Draw)):
                return False
            if len(children(x)) != len(children(y)):
                return False
            pairs.extend(zip(children(x), children(y), strict=True))
        return True


class _Evaluated:
    """Constant places, computed when looked at: arguments of distributions are at most small expressions."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes

    def __getitem__(self, place: int) -> Any:
        node = self.nodes[place]
        if isinstance(node, Const):
            return node.value
        if isinstance(node, Build):
            return node.make([self[i] for i in node.items])
        if isinstance(node, Switch):
            return self[node.options[self[node.index]]]
        assert isinstance(node, Call)
        return node.function(*(self[a] for a in node.args), **{k: self[a] for k, a in node.kwargs})


def _draw(name: str, args: tuple[int, ...], kwargs: tuple[tuple[str, int], ...]) -> Draw:
    """Hyperopt's draws with their arguments by position; only a shape stays named.

    A graph may bring a generator along, which is left out: draws from a trial's own can be had again.
    """
    given = dict(kwargs)
    if name in PARAMETERS:
        names = (*PARAMETERS[name], "rng", "size")
        given = dict(zip(names, args, strict=False)) | given
        args = tuple(given.pop(parameter) for parameter in PARAMETERS[name] if parameter in given)
    given.pop("rng", None)
    return Draw("categorical" if name == "randint_via_categorical" else name, args, tuple(given.items()))


def _is_whole(param: Param) -> bool:
    return param.family in WHOLE if param.distribution is None else param.distribution.integral


def _is_index(distribution: Distribution) -> bool:
    return isinstance(distribution, Grid) and distribution.integral and distribution.low == 0 and distribution.step == 1


def _alike(known: Distribution | None, new: Distribution) -> bool:
    """Whether a label's second node means the first one; a choice's index was turned from a number into a name."""
    return known == new or (
        isinstance(known, Categorical) and _is_index(new) and known == Categorical(int(new.size or 0))
    )


def reachable(nodes: Sequence[Node], root: int) -> list[Node]:
    """Only what the root needs, renumbered in the same order, so that the root comes last.

    A parameter with a constant distribution needs its arguments no more.
    """
    keep, stack = {root}, [root]
    while stack:
        for place in _needed(nodes[stack.pop()]):
            if place not in keep:
                keep.add(place)
                stack.append(place)
    new = {place: i for i, place in enumerate(sorted(keep))}
    return [_renumbered(nodes[place], new) for place in new]


def _needed(node: Node) -> tuple[int, ...]:
    return () if isinstance(node, Param) and node.distribution is not None else children(node)


def _renumbered(node: Node, new: dict[int, int]) -> Node:
    if isinstance(node, Const):
        return node
    if isinstance(node, Build):
        return replace(node, items=tuple(new[i] for i in node.items))
    if isinstance(node, Switch):
        return Switch(new[node.index], tuple(new[i] for i in node.options))
    if isinstance(node, Param) and node.distribution is not None:
        return replace(node, args=(), kwargs=())
    return replace(node, args=tuple(new[i] for i in node.args), kwargs=tuple((k, new[i]) for k, i in node.kwargs))


_FOREIGN = {
    "hyperopt.pyll": "make the space with parzen.hp, or with parzen.hyperopt.hp, which has Hyperopt's names "
    "(`import parzen as hyperopt`, or parzen.install_as_hyperopt() before anything imports it)",
    "optuna.distributions": "make the space with parzen.hp",
    "ConfigSpace.hyperparameters": "make the space with parzen.hp",
}
"""Packages whose parameters are often left standing in a space, and what to do."""


def _refuse_foreign(item: object) -> None:
    """Raises SpaceError for a parameter of another package: as a constant it would reach the objective as it is."""
    module = str(type(item).__module__)
    for package, advice in _FOREIGN.items():
        if module == package or module.startswith(f"{package}."):
            what = f"a parameter of the package {module.partition('.')[0]} ({type(item).__name__})"
            raise SpaceError(f"{what} stands in the space: {advice}")


def _parts(item: Any) -> list[Any]:
    if isinstance(item, Apply):
        return item.inputs()
    if isinstance(item, dict):
        return list(item.values())
    return list(item) if isinstance(item, (list, tuple)) else []


def _name(item: Any) -> str:
    return repr(item) if isinstance(item, Apply) else f"a {type(item).__name__}"


def _equal(a: object, b: object) -> bool:
    """Equality that survives arrays and NaN."""
    if a is b:
        return True
    try:
        if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
            return type(a) is type(b) and bool(np.array_equal(a, b))  # type: ignore[arg-type]  # one is, so both are
        return bool(a == b) or (a != a and b != b and isinstance(a, float) and isinstance(b, float))
    except Exception:  # an option's own __eq__ may do anything
        return False


def _integral(nodes: list[Node]) -> list[Node]:
    """Let whole q-distributions that are only ever seen through `int()` count as integers: `hp.uniformint`."""
    uses: dict[int, list[Node]] = {}
    for node in nodes:
        for place in children(node):
            uses.setdefault(place, []).append(node)
    for place, node in enumerate(nodes):
        if isinstance(node, Param) and isinstance(node.distribution, Quantized) and node.distribution.q % 1 == 0:
            users = uses.get(place, [])
            if users and all(isinstance(user, Call) and user.name == "int" for user in users):
                whole = Quantized(node.distribution.base, node.distribution.q, integral=True)
                nodes[place] = Param(node.label, whole, node.family)
    return nodes
