"""The nodes that a user's space is made of.

A space is plain Python data with nodes in it.  A node is an `Apply`: the name of a symbol, positional and named
arguments, which are nodes again.  Labelled draws are `hyperopt_param(label, distribution(...))`, a choice is
`switch(index, *options)`, and operators on nodes make further nodes, so that `scope.int(hp.uniform("x", 1, 9)) * 2`
is itself a space.  This is the graph language of Hyperopt (Bergstra, Yamins and Cox 2013), because programs build and
mutate such graphs; `hp.float` and its kin make the same nodes from natural arguments.

Nodes are mutable and compare by identity.  The core never evaluates them: `_compile` reads a graph as it is at that
moment and turns it into a `Space`.  But a graph is a program too, and `evaluate` runs it, node by node: that is a method
of every node (`node.eval()`), Hyperopt's `Domain` makes each configuration so, and what a user's function returns may be
a graph again.
"""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import Any, TextIO

import numpy as np

from parzen.errors import SpaceError
from parzen.space._draws import DRAWS
from parzen.space._operators import Operators
from parzen.space._symbols import FUNCTIONS

__all__ = [
    "LONGEST",
    "Apply",
    "GarbageCollected",
    "Literal",
    "MissingArgument",
    "as_apply",
    "computed",
    "evaluate",
    "label_of",
    "postorder",
]

LONGEST = 1_000_000
"""How many nodes may wait for others; more are a circle."""


class MissingArgument:
    """Stands in `Apply.arg` for a parameter that was given no argument."""


class GarbageCollected:
    """Stands for the value of a parameter that has none, because it is inactive or was left out."""


class Apply(Operators):
    """A symbol applied to arguments.

    Args:
        name: of the symbol, as `scope` knows it.
        pos_args: positional arguments, nodes.
        named_args: named arguments; kept as `[name, node]` pairs, sorted by name.
        o_len: how many items the result has, where that is known; makes `a, b = node` work.
        pure: whether equal arguments always give equal results.
        define_params: `{"f": function, ...}`, what the symbol is defined by where the node is unpickled.
    """

    def __init__(
        self,
        name: str,
        pos_args: Iterable[Apply],
        named_args: Mapping[str, Apply] | Iterable[Any] | None = None,  # pairs, lists or tuples
        o_len: int | None = None,
        pure: bool = False,
        define_params: dict[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.pos_args = list(pos_args)
        pairs = dict(named_args or ()).items()
        self.named_args: list[list[Any]] = sorted(([key, node] for key, node in pairs), key=lambda pair: str(pair[0]))
        self.o_len = o_len
        self.pure = pure
        self.define_params = define_params

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if state.get("define_params"):
            function = state["define_params"]["f"]
            FUNCTIONS.setdefault(function.__name__, function)

    def inputs(self) -> list[Apply]:
        """All arguments, positional first."""
        return self.pos_args + [node for _, node in self.named_args]

    @property
    def arg(self) -> dict[str, Any]:  # a node; for `*args` a list, for `**kwargs` a mapping of them; or MissingArgument
        """The arguments by the names of the function's parameters.

        Raises:
            SpaceError: `scope` does not know the symbol.
            TypeError: the arguments do not fit it, or it does not tell what its parameters are called.
        """
        try:
            signature = inspect.signature(function_of(self))
        except ValueError:
            raise TypeError(f"{self.name!r} does not tell what its parameters are called: use pos_args") from None
        bound = signature.bind_partial(*self.pos_args, **dict(self.named_args)).arguments
        found: dict[str, Any] = {}
        for name, parameter in signature.parameters.items():
            if parameter.kind is parameter.VAR_POSITIONAL:
                found[name] = list(bound.get(name, ()))
            elif parameter.kind is parameter.VAR_KEYWORD:
                found[name] = dict(bound.get(name, {}))
            else:
                found[name] = bound.get(name, MissingArgument)
        return found

    def set_kwarg(self, name: str, value: Any) -> None:  # a node or a constant
        """Give a named argument, in place of the one that is there.

        Raises:
            NotImplementedError: it was given by position.
        """
        for pair in self.named_args:
            if pair[0] == name:
                pair[1] = as_apply(value)
                return
        if self.arg.get(name, MissingArgument) is not MissingArgument:
            raise NotImplementedError(f"{name!r} of {self.name!r} was given by position: change pos_args")
        self.named_args = sorted([*self.named_args, [name, as_apply(value)]], key=lambda pair: str(pair[0]))

    def replace_input(self, old_node: Apply, new_node: Apply) -> list[int]:
        """Put `new_node` in the places of `old_node` among the inputs, and tell which they were."""
        places = [i for i, node in enumerate(self.inputs()) if node is old_node]
        n = len(self.pos_args)
        for i in places:
            if i < n:
                self.pos_args[i] = new_node
            else:
                self.named_args[i - n] = [self.named_args[i - n][0], new_node]
        return places

    def clone_from_inputs(self, inputs: list[Apply], o_len: int | str | None = "same") -> Apply:
        """A node of the same symbol with other inputs, as many as these.

        Raises:
            TypeError: they are more or fewer.
        """
        if len(inputs) != len(self.inputs()):
            raise TypeError(f"{self.name!r} has {len(self.inputs())} inputs, got {len(inputs)}")
        n = len(self.pos_args)
        named = [(key, node) for (key, _), node in zip(self.named_args, inputs[n:], strict=True)]
        length = self.o_len if isinstance(o_len, str) else o_len
        return Apply(self.name, inputs[:n], named, length, self.pure, self.define_params)

    def eval(self, memo: Mapping[Apply, Any] | None = None) -> Any:
        """What the graph comes to.

        Args:
            memo: values of nodes that are known.
        """
        return evaluate(self, memo)

    def pprint(
        self, ofile: TextIO, lineno: list[int] | None = None, indent: int = 0, memo: dict[Apply, str] | None = None
    ) -> None:
        """Print the graph as a numbered tree; what was printed before is referred to by its line.

        Args:
            ofile: where to.
            lineno: one number, the next line's; it is counted on.
            indent: spaces before the node's name.
            memo: how nodes that were printed are referred to.
        """
        line, printed = [0] if lineno is None else lineno, {} if memo is None else memo
        stack: list[tuple[int, Apply | str]] = [(indent, self)]
        while stack:
            depth, item = stack.pop()
            text = item if isinstance(item, str) else printed.get(item, item._word())
            ofile.write(f"{line[0]} {' ' * depth}{text}\n")
            if isinstance(item, Apply) and item not in printed:
                printed[item] = f"{text}  [line:{line[0]}]"
                below: list[tuple[int, Apply | str]] = [(depth + 2, node) for node in item.pos_args]
                for name, node in item.named_args:
                    below += [(depth + 1, f"{name} ="), (depth + 2, node)]
                stack.extend(reversed(below))
            line[0] += 1

    def _word(self) -> str:
        return self.name

    def __str__(self) -> str:
        out = io.StringIO()
        self.pprint(out)
        return out.getvalue()[:-1]

    @staticmethod
    def _node(name: str, *args: object) -> Apply:
        return Apply(name, [as_apply(arg) for arg in args], pure=name not in DRAWS)

    def __getitem__(self, index: object) -> Apply:
        if self.o_len is not None and isinstance(index, int) and not -self.o_len <= index < self.o_len:
            raise IndexError(f"index {index} of a node with {self.o_len} items")  # also ends `a, b = node`
        return self._node("getitem", self, index)

    def __call__(self, *args: object, **kwargs: object) -> Apply:
        return self._node("call", self, args, kwargs)

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
        except (TypeError, AttributeError):  # the latter from ensembles of scikit-learn that are not fitted
            length = None
        super().__init__("literal", [], None, length, pure=True)
        self.obj = obj
        self.option_name = option_name

    @property
    def _obj(self) -> Any:  # Hyperopt's name for it, which programs read
        return self.obj

    @property
    def arg(self) -> dict[str, Any]:
        """A constant has no arguments."""
        return {}

    def clone_from_inputs(self, inputs: list[Apply], o_len: int | str | None = "same") -> Literal:
        """The same constant in a node of its own."""
        return Literal(self.obj, self.option_name)

    def _word(self) -> str:
        if isinstance(self.obj, np.ndarray) and self.obj.size and self.obj.dtype.kind in "biuf":
            low, high = self.obj.min(), self.obj.max()
            return f"Literal{{np.ndarray,shape={self.obj.shape},min={low:f},max={high:f}}}"
        return f"Literal{{{self.obj}}}"

    def __repr__(self) -> str:
        return f"<literal {self.obj!r:.60}>"


def as_apply(obj: Any) -> Apply:  # Any: whatever a user's space is made of
    """A graph out of nested data, as Hyperopt makes it: lists become tuples, keys are sorted where they can be.

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
        children = _children(item)
        if children is None or (key in done and not ready):
            continue
        if not ready:
            if key in on_path:
                raise SpaceError("the space contains itself: a list or mapping in it is its own descendant")
            on_path.add(key)
            alive.append(item)
            stack.append((item, True))
            stack.extend((child, False) for child in reversed(children))
            continue
        on_path.discard(key)
        nodes = [_node(child, done) for child in children]
        if isinstance(item, dict):
            pairs = _in_order(list(zip(item, nodes, strict=True)))
            if all(isinstance(name, str) for name in item):
                done[key] = Apply("dict", [], [[name, node] for name, node in pairs], len(pairs))
            else:
                couples = [Apply("pos_args", [Literal(name), node], None, 2) for name, node in pairs]
                done[key] = Apply("dict", [Apply("pos_args", couples, None, len(couples))])
        else:
            done[key] = Apply("pos_args", nodes, None, len(nodes))
    return _node(obj, done)


def _node(item: Any, done: dict[int, Apply]) -> Apply:
    """A container that is met twice is one node; constants are not, though small numbers are one object."""
    if isinstance(item, Apply):
        return item
    return Literal(item) if _children(item) is None else done[id(item)]


def _in_order(pairs: list[tuple[Any, Apply]]) -> list[tuple[Any, Apply]]:
    try:
        return sorted(pairs, key=lambda pair: pair[0])
    except TypeError:  # keys of several kinds
        return pairs


def _children(item: object) -> list[Any] | None:
    if isinstance(item, dict):
        return list(item.values())
    if isinstance(item, (list, tuple)):
        return list(item)
    return None


# --- evaluation -------------------------------------------------------------------------------------------------


def postorder(root: Apply, known: Container[Apply] = ()) -> list[Apply]:
    """All nodes of a graph that are not known, each once, inputs before what they are inputs of."""
    found: list[Apply] = []
    seen = {root}
    stack = [(root, iter(root.inputs()))]
    while stack:
        node, rest = stack[-1]
        for child in rest:
            if child not in seen and child not in known:
                seen.add(child)
                stack.append((child, iter(child.inputs())))
                break
        else:
            stack.pop()
            found.append(node)
    return found


def label_of(node: Apply) -> str | None:
    """The label of a labelled draw; None for any other node."""
    if node.name != "hyperopt_param":
        return None
    found = node.pos_args[0] if node.pos_args else dict(map(tuple, node.named_args)).get("label")
    return found.obj if isinstance(found, Literal) else None


def function_of(node: Apply) -> Callable[..., Any]:
    """What computes a node.

    Raises:
        SpaceError: nobody has defined its symbol.
    """
    function = FUNCTIONS.get(node.name)
    if function is None:
        raise SpaceError(f"the graph uses a function {node.name!r} that scope does not know: @scope.define it")
    return function


def computed(node: Apply, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """The value of a node whose arguments have been evaluated."""
    return function_of(node)(*args, **kwargs)


def evaluate(
    root: Apply,
    memo: Mapping[Apply, Any] | None = None,
    call: Callable[[Apply, list[Any], dict[str, Any]], Any] = computed,
    longest: int = LONGEST,
) -> Any:
    """What a graph comes to; of a `switch` only the option that is taken is evaluated.

    Nodes are taken in the order of Hyperopt, the last argument first, so that draws from one generator come out alike.

    Args:
        root: the node that is wanted.
        memo: values of nodes that are known; what they are computed from is not looked at.
        call: computes one node from its arguments; where that is a graph again, it is evaluated too.
        longest: how many nodes may wait for others.

    Raises:
        SpaceError: a value is needed that was not given, or a symbol that nobody has defined.
        RuntimeError: the graph goes in a circle.
        TypeError, ValueError: the index of a switch is no whole number, or there is no such option.
    """
    known = dict(memo or {})
    becomes: dict[Apply, Apply] = {}
    todo = [root]
    while todo:
        if len(todo) > longest:
            raise RuntimeError(f"more than {longest} nodes wait for others: the graph probably goes in a circle")
        node = todo.pop()
        if node in known:
            continue
        if isinstance(node, Literal):
            known[node] = node.obj
            continue
        same = becomes.get(node)  # another node of the same value
        if same is None and node.name == "switch" and node.pos_args[0] in known:
            same = _option(node, known[node.pos_args[0]])
        needed = [same] if same is not None else node.pos_args[:1] if node.name == "switch" else node.inputs()
        waiting = [item for item in needed if item not in known]
        if waiting:
            todo.append(node)
            todo.extend(waiting)
        elif same is not None:
            known[node] = known[same]
        elif node.name == "switch":
            todo.append(node)
        else:
            args = [_given(known, item, node) for item in node.pos_args]
            kwargs = {key: _given(known, item, node) for key, item in node.named_args}
            value = call(node, args, kwargs)
            if isinstance(value, Apply):
                becomes[node] = value
                todo.append(node)
            else:
                known[node] = value
    return known[root]


def _given(known: Mapping[Apply, Any], item: Apply, client: Apply) -> Any:
    value = known[item]
    if value is GarbageCollected:
        label = label_of(item)
        raise SpaceError(f"parameter {label!r} has no value, and {client.name!r} needs it: give it one", label=label)
    return value


def _option(node: Apply, index: Any) -> Apply:
    label, n = label_of(node.pos_args[0]), len(node.pos_args) - 1
    whose = "the index of a switch" if label is None else f"the choice of {label!r}"
    if index is GarbageCollected:
        raise SpaceError(f"parameter {label!r} has no value, and a choice hangs on it: give it one", label=label)
    code = index.item() if isinstance(index, np.ndarray) and index.size == 1 else index
    if not isinstance(code, (int, np.integer)):
        raise TypeError(f"{whose} must be a whole number, got {index!r:.80} of type {type(index).__name__}")
    if not 0 <= code < n:
        raise ValueError(f"{whose} must be from 0 to {n - 1}, because there are {n} options, got {code}")
    return node.pos_args[code + 1]
