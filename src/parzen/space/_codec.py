"""A space as JSON, and back.

The compiled form is flat, so its JSON is too: a list of nodes, each a short list that begins with its kind.  JSON values,
dicts, lists and tuples of them, and functions that `scope` knows are kept by value.  Any other object is kept as a name
(what `hp.option` called it, else the qualified name of the function, class, member of an enum or type, never its `repr`):
enough to see that two programs mean the same space, not enough to build the object.  Nothing is imported or executed when
a space is read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from parzen._typing import JSON
from parzen.errors import CorruptLog, ParzenError
from parzen.space._nodes import Build, Call, Const, Draw, Node, Opaque, OpaqueFunction, Param, Switch, children
from parzen.space._scope import scope
from parzen.space.distributions import FAMILIES, distribution_from_json

if TYPE_CHECKING:
    from parzen.space._space import Space

__all__ = ["differences", "nodes_from_json", "space_to_json"]

DEEPEST = 20
"""How deep the containers in a constant may be nested and be kept by value.  Parts that are shared are written each time
they are met, so that this bounds the text too: two references on each level are a million at the bottom."""


def space_to_json(nodes: Sequence[Node]) -> JSON:
    """The compiled form as a list of short lists."""
    return [_written(node) for node in nodes]


def _written(node: Node) -> JSON:
    if isinstance(node, Const):
        value = _constant(node.value, node.name)
        return ["const", value] if node.name is None else ["const", value, node.name]
    if isinstance(node, Param):
        if node.distribution is not None:
            return ["param", node.label, node.distribution.family, node.distribution.arguments()]
        return ["computed", node.label, node.family, list(node.args), dict(node.kwargs)]
    if isinstance(node, Build):
        if node.kind == "dict":
            return ["dict", [_constant(key, None) for key in node.keys], list(node.items)]
        if node.kind == "option":
            return ["option", str(node.keys[0]), list(node.items)]
        if node.kind == "namedtuple":
            return ["namedtuple", _qualified(node.factory), list(node.items)]
        return [node.kind, list(node.items)]
    if isinstance(node, Switch):
        return ["switch", node.index, list(node.options)]
    if isinstance(node, Call):
        return ["call", node.name, list(node.args), dict(node.kwargs)]
    return ["draw", node.family, list(node.args), dict(node.kwargs)]


def _constant(value: Any, name: str | None, around: frozenset[int] = frozenset()) -> JSON:
    """`around` are the ids of the containers that the value is in: what contains itself, or is too deep, is only named."""
    if value is None or isinstance(value, bool) or type(value) in (int, str):
        return value  # type: ignore[no-any-return]  # the line above says what it is
    if isinstance(value, Enum):  # before the plain types: a member may be text or a number as well
        return {"$object": name if name is not None else _qualified(value)}
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return number if math.isfinite(number) else {"$float": repr(number)}
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, str):  # numpy's, say
        return str.__str__(value)
    if isinstance(value, (dict, list, tuple)) and id(value) not in around and len(around) < DEEPEST:
        inside = around | {id(value)}
        if not isinstance(value, dict):
            items = [_constant(item, None, inside) for item in value]
            return {"$tuple": items} if isinstance(value, tuple) else {"$list": items}
        pairs = [[_constant(key, None, inside), _constant(item, None, inside)] for key, item in value.items()]
        if len({json.dumps(key) for key, _ in pairs}) == len(pairs):  # else some are known by their type only
            return {"$dict": pairs}
    return {"$object": name if name is not None else _qualified(value)}  # an Opaque names what it stands for


def _qualified(value: Any) -> str:
    if isinstance(value, Opaque):
        return value.name
    if isinstance(value, Enum):
        return f"{_qualified(type(value))}.{value.name}"
    named = value if hasattr(value, "__qualname__") else type(value)
    return f"{getattr(named, '__module__', '?')}.{named.__qualname__}"


# --- reading ----------------------------------------------------------------------------------------------------


def nodes_from_json(data: JSON) -> list[Node]:
    """The compiled form that `space_to_json` wrote.

    Raises:
        CorruptLog: it is damaged.
    """
    try:
        if not isinstance(data, list) or not data:
            raise ValueError("expected a list of nodes")
        nodes: list[Node] = []
        for item in data:
            node = _read(item)
            if any(not 0 <= child < len(nodes) for child in children(node)):
                raise ValueError("a node refers to one that does not come before it")
            if isinstance(node, Param) and node.family and node.family not in FAMILIES:
                raise ValueError(f"no distribution is called {node.family!r}")
            if isinstance(node, Switch):
                _check_switch(nodes[node.index], len(node.options))
            nodes.append(node)
        labels = [node.label for node in nodes if isinstance(node, Param)]
        if len(set(labels)) < len(labels):
            raise ValueError("a label stands for two parameters")
        return nodes
    except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError, ParzenError) as error:
        raise CorruptLog(f"the space of a study cannot be read: {error}") from error


def _read(item: Any) -> Node:  # JSON of unknown shape: what does not fit raises, and the caller says so
    kind, *rest = item
    if kind == "const":
        return Const(_object(rest[0]), rest[1] if len(rest) > 1 else None)
    if kind == "param":
        label, family, arguments = rest
        return Param(_text(label), distribution_from_json(family, arguments))
    if kind == "computed":
        label, family, args, kwargs = rest
        return Param(_text(label), None, family, _places(args), _named(kwargs))
    if kind == "dict":
        keys = tuple(_object(key) for key in rest[0])
        hash(keys)  # raises where one of them cannot be a key
        return Build("dict", _places(rest[1]), keys)
    if kind == "option":
        name, (place,) = _text(rest[0]), _places(rest[1])
        return Build("option", (place,), (name,))
    if kind == "namedtuple":
        return Build("namedtuple", _places(rest[1]), (), Opaque(_text(rest[0])))
    if kind in ("list", "tuple"):
        return Build(kind, _places(rest[0]))
    if kind == "switch":
        (index,) = _places([rest[0]])
        return Switch(index, _places(rest[1]))
    if kind == "call":
        name, args, kwargs = rest
        return Call(_text(name), _function(name), _places(args), _named(kwargs))
    if kind == "draw":
        family, args, kwargs = rest
        return Draw(_text(family), _places(args), _named(kwargs))
    raise ValueError(f"no node is of kind {kind!r}")


def _check_switch(index: Node, n: int) -> None:
    if isinstance(index, Const):
        first = last = index.value if isinstance(index.value, int) else -1
    elif isinstance(index, Param) and index.distribution is not None:
        first, last = (
            index.distribution.from_unit(np.array([0.0, 1.0])).tolist() if index.distribution.integral else (-1, -1)
        )
    else:
        return
    if not 0 <= first <= last < n:
        raise ValueError(f"the {n} options of a choice do not fit its index")


def _function(name: str) -> Any:
    return scope.function(name) or OpaqueFunction(name)


def _object(value: Any, depth: int = 0) -> Any:
    if isinstance(value, dict):
        ((tag, inner),) = value.items()
        if tag == "$float":
            return float(inner)
        if tag == "$object":
            return Opaque(_text(inner))
        if tag not in ("$tuple", "$list", "$dict"):
            raise ValueError(f"no constant is marked {tag!r}")
        if not isinstance(inner, list) or depth >= DEEPEST:
            raise ValueError("the contents of a constant are not a list, or nested too deep")
        if tag == "$dict":
            return {_object(key, depth + 1): _object(item, depth + 1) for key, item in inner}
        items = [_object(item, depth + 1) for item in inner]
        return tuple(items) if tag == "$tuple" else items
    if isinstance(value, list):
        raise ValueError("a constant is not a bare list")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, found {value!r:.60}")
    return value


def _places(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(type(i) is int for i in value):
        raise TypeError(f"expected places of nodes, found {value!r:.60}")
    return tuple(value)


def _named(value: Any) -> tuple[tuple[str, int], ...]:
    return tuple((_text(name), place) for name, place in zip(value, _places(list(value.values())), strict=True))


# --- comparing --------------------------------------------------------------------------------------------------


def differences(old: Space, new: Space) -> list[str]:
    """What a new space has otherwise than an old one, a sentence each, parameters first."""
    # As text, because True == 1 == 1.0, and an option that was a flag and is a number is another option.
    if json.dumps(old.to_json()) == json.dumps(new.to_json()):
        return []
    # Both as they would be read from a file, so that what is compared is said in the same words.
    old, new = (type(space).from_json(space.to_json()) for space in (old, new))
    found = [f"parameter {label!r} is new" for label in new.labels if label not in old.column]
    found += [f"parameter {label!r} is gone" for label in old.labels if label not in new.column]
    for label in old.labels:
        if label not in new.column:
            continue
        i, j = old.column[label], new.column[label]
        before, after = old.distributions[i], new.distributions[j]
        if before != after and before is not None and after is not None:
            found.append(f"parameter {label!r} was {before.describe()} and is {after.describe()}")
        options_before, options_after = _options(old, i), _options(new, j)
        if options_before != options_after and (before == after or len(options_before) != len(options_after)):
            found.append(f"the options of {label!r} were {options_before} and are {options_after}"[:300])
        when_before, when_after = _when(old, i), _when(new, j)
        if when_before != when_after:
            found.append(f"parameter {label!r} was active {when_before} and is active {when_after}"[:300])
    return found or ["the fixed parts of the space differ: constants, or how the parameters are arranged or computed"]


def _options(space: Space, j: int) -> list[str]:
    switch = space.switch(j)
    return [] if switch is None else [space.option(j, code) for code in range(len(switch.options))]


def _when(space: Space, j: int) -> str:
    ways = [
        " and ".join(f"{space.labels[c]} = {space.option(c, code)}" for c, code in conj) for conj in space.conditions[j]
    ]
    return "always" if ways == [""] else "if " + " or ".join(sorted(ways))
