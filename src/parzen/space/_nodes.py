"""The compiled form of a space: a flat list of nodes, children before parents.

A node names its children by their place in the list, so that nothing that walks a space needs recursion, and a space of
any depth can be written as flat JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from parzen.space.distributions import Distribution, build

__all__ = [
    "is_lost",
    "lost_names",
    "Build",
    "Call",
    "Const",
    "Draw",
    "Node",
    "Opaque",
    "OpaqueFunction",
    "Param",
    "Switch",
    "children",
]


@dataclass(frozen=True, slots=True)
class Opaque:
    """Stands for an object of which a stored space kept only the name."""

    name: str

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def __call__(self, *contents: Any) -> Any:
        """What a named tuple's class would make, as far as it can be said: a plain tuple."""
        return contents


@dataclass(frozen=True, slots=True)
class OpaqueFunction:
    """Stands for a symbol that a stored space names and this process does not know."""

    name: str

    def __call__(self, *_: Any, **__: Any) -> Opaque:
        return Opaque(f"{self.name}(…)")


@dataclass(frozen=True, slots=True)
class Const:
    """The same object in every configuration; `name` is what `hp.option` called it."""

    value: Any  # any object of the user's
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Param:
    """A labelled draw, which becomes a column.

    Attributes:
        label: of the parameter.
        distribution: where its arguments are constant; else None, and `family` of `args` and `kwargs` is built anew for
            each row.
        family: symbol of the distribution.
        args, kwargs: places of the nodes that compute its arguments.
    """

    label: str
    distribution: Distribution | None
    family: str = ""
    args: tuple[int, ...] = ()
    kwargs: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Build:
    """A container, made anew for each configuration.

    Attributes:
        kind: "dict", "list", "tuple", "namedtuple", or "option": the one thing in it, under a name.
        items: places of the contents.
        keys: of a dict; the name of an option.
        factory: the class of a named tuple.
    """

    kind: str
    items: tuple[int, ...]
    keys: tuple[Any, ...] = ()  # any hashable
    factory: Callable[..., Any] | None = None

    def make(self, contents: Sequence[Any]) -> Any:
        """The container, of these contents."""
        if self.kind == "dict":
            return dict(zip(self.keys, contents, strict=True))
        if self.kind == "option":
            return contents[0]
        if self.kind == "list":
            return list(contents)
        return tuple(contents) if self.factory is None else self.factory(*contents)


@dataclass(frozen=True, slots=True)
class Switch:
    """The option that `index` points to; the others are not evaluated."""

    index: int
    options: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A function of other nodes."""

    name: str
    function: Callable[..., Any]
    args: tuple[int, ...]
    kwargs: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Draw:
    """An unlabelled draw: no column, but drawn from the trial's own generator when it is decoded."""

    family: str
    args: tuple[int, ...]
    kwargs: tuple[tuple[str, int], ...] = ()


Node: TypeAlias = Const | Param | Build | Switch | Call | Draw


def children(node: Node) -> tuple[int, ...]:
    """Places of everything that a node refers to, in order of appearance."""
    if isinstance(node, Const):
        return ()
    if isinstance(node, Build):
        return node.items
    if isinstance(node, Switch):
        return (node.index, *node.options)
    return (*node.args, *(place for _, place in node.kwargs))


def distribution_of(label: str | None, node: Param | Draw, value_at: Callable[[int], Any]) -> Distribution:
    """The distribution of a draw whose arguments have been evaluated.

    Args:
        label: for the text of errors.
        node: the draw.
        value_at: what each place holds.
    """
    return build(label, node.family, *(value_at(a) for a in node.args), **{k: value_at(a) for k, a in node.kwargs})


def is_lost(value: Any) -> bool:
    """Whether a value is unknown, or a container has something unknown in it."""
    stack, seen = [value], set()
    while stack:
        item = stack.pop()
        if isinstance(item, Opaque):
            return True
        if isinstance(item, (dict, list, tuple)) and id(item) not in seen:
            seen.add(id(item))
            stack.extend(item.values() if isinstance(item, dict) else item)
    return False


def lost_names(nodes: Sequence[Node]) -> tuple[str, ...]:
    """What a stored space knows by name only: objects, functions, classes of named tuples; each once, in order."""
    found: dict[str, None] = {}
    for node in nodes:
        stack = (
            [node.value]
            if isinstance(node, Const)
            else [getattr(node, "function", None), getattr(node, "factory", None)]
        )
        seen: set[int] = set()
        while stack:
            item = stack.pop()
            if isinstance(item, (Opaque, OpaqueFunction)):
                found[item.name] = None
            elif isinstance(item, (dict, list, tuple)) and id(item) not in seen:
                seen.add(id(item))
                stack.extend(item.values() if isinstance(item, dict) else item)
    return tuple(found)
