"""The graph language of search spaces, under Hyperopt's names: nodes, symbols, and a program that runs a graph.

The nodes, `scope` and the evaluator are those of `parzen.space`; here are the words that Hyperopt has besides.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from parzen.errors import SpaceError
from parzen.space import Apply, Literal, as_apply, scope
from parzen.space._graph import LONGEST, GarbageCollected, MissingArgument, computed, evaluate, label_of, postorder
from parzen.space._scope import PyllImportError, Scope, SymbolTableEntry

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "DEFAULT_MAX_PROGRAM_LEN",
    "Apply",
    "GarbageCollected",
    "Lambda",
    "Literal",
    "MissingArgument",
    "PyllImportError",
    "SymbolTable",
    "SymbolTableEntry",
    "UndefinedValue",
    "apply",
    "as_apply",
    "clone",
    "clone_merge",
    "dfs",
    "p0",
    "p1",
    "p2",
    "p3",
    "p4",
    "rec_eval",
    "scope",
    "toposort",
]


DEFAULT_MAX_PROGRAM_LEN = LONGEST
SymbolTable = Scope


class UndefinedValue:
    """What a parameter of a `Lambda` holds."""


p0, p1, p2, p3, p4 = (Literal(UndefinedValue) for _ in range(5))


def apply(name: str, *args: Any, **kwargs: Any) -> Apply:  # nodes, or what becomes constants
    """A node of a symbol that need not be defined yet."""
    return SymbolTableEntry(name)(*args, **kwargs)


class Lambda:
    """A graph as a function; `scope.define` makes it a symbol, which may use itself.

    Args:
        name: of the function.
        params: `(name, node)` for each parameter; the node stands for the argument in `expr`.
        expr: the graph.
    """

    def __init__(self, name: str, params: Sequence[tuple[str, Apply]], expr: Apply) -> None:
        self.__name__ = name
        self.params = params
        self.expr = expr

    def __call__(self, *args: Any, **kwargs: Any) -> Apply:
        """The graph with the arguments in the places of the parameters."""
        if len(args) > len(self.params):
            raise TypeError(f"{self.__name__!r} takes {len(self.params)} arguments, got {len(args)}")
        if len(args) < len(self.params) or kwargs:
            raise NotImplementedError(f"{self.__name__!r} takes all its {len(self.params)} arguments by position")
        return clone(self.expr, {param[1]: as_apply(arg) for arg, param in zip(args, self.params, strict=True)})


# --- walking ----------------------------------------------------------------------------------------------------


def dfs(aa: Apply, seq: list[Apply] | None = None, seqset: dict[Apply, list[Apply]] | None = None) -> list[Apply]:
    """All nodes of a graph, each once, inputs before what they are inputs of.

    Args:
        aa: the last of them.
        seq: a list that they are appended to.
        seqset: nodes that are left out, with their inputs; what is found is added.
    """
    found = [] if seq is None else seq
    seen: dict[Apply, list[Apply]] = {} if seqset is None else seqset
    if aa not in seen:
        for node in postorder(aa, seen):
            seen[node] = node.inputs()
            found.append(node)
    return found


def toposort(expr: Apply) -> list[Apply]:
    """All nodes of a graph, each once, inputs before what they are inputs of.

    Raises:
        SpaceError: the graph goes in a circle.
    """
    order = dfs(expr)
    place = {node: i for i, node in enumerate(order)}
    for i, node in enumerate(order):
        if any(place[item] >= i for item in node.inputs()):
            raise SpaceError(f"the graph goes in a circle: a node of {node.name!r} is its own descendant")
    return order


def clone(expr: Apply, memo: dict[Apply, Apply] | None = None) -> Apply:
    """A copy of a graph; what is shared in it is shared in the copy.

    Args:
        expr: the graph.
        memo: nodes that stand for others in the copy; filled with what is copied.
    """
    copies: dict[Apply, Apply] = {} if memo is None else memo
    for node in dfs(expr, [], {known: [] for known in copies}):
        copies[node] = node.clone_from_inputs([copies[item] for item in node.inputs()])
    return copies[expr]


def clone_merge(expr: Apply, memo: dict[Apply, Apply] | None = None, merge_literals: bool = False) -> Apply:
    """A copy of a graph in which pure nodes of the same symbol and the same inputs are one node.

    Args:
        expr: the graph.
        memo: nodes that stand for others in the copy; filled with what is copied.
        merge_literals: whether equal constants are one node too.
    """
    copies: dict[Apply, Apply] = {} if memo is None else memo
    merged: dict[Any, Apply] = {}
    for node in dfs(expr, [], {known: [] for known in copies}):
        inputs = [copies[item] for item in node.inputs()]
        key: Any = None
        if isinstance(node, Literal):
            if merge_literals:
                key = ("literal", type(node.obj), node.obj if _hashable(node.obj) else id(node.obj))
        elif node.pure:
            key = (node.name, len(node.pos_args), *(name for name, _ in node.named_args), *inputs)
        if key is None or key not in merged:
            copies[node] = node.clone_from_inputs(inputs)
            merged[key] = copies[node]
        else:
            copies[node] = merged[key]
    return copies[expr]


def _hashable(obj: object) -> bool:
    try:
        hash(obj)
    except TypeError:
        return False
    return True


# --- evaluation -------------------------------------------------------------------------------------------------


def rec_eval(
    expr: Any,
    deepcopy_inputs: bool = False,
    memo: Mapping[Apply, Any] | None = None,
    max_program_len: int | None = None,
    memo_gc: bool = True,
    print_trace: bool = False,
    print_node_on_error: bool = True,
) -> Any:
    """What a graph comes to; of a `switch` only the option that is taken is evaluated.

    Args:
        expr: a graph, or data with nodes in it.
        deepcopy_inputs: whether each function gets copies of its arguments, so that it cannot change those of others.
        memo: values of nodes that are known.
        max_program_len: how many nodes may wait for others; None for a million.
        memo_gc: has no effect: values are given up when the evaluation ends.
        print_trace: whether to print each node that is computed.
        print_node_on_error: whether an exception says (`__notes__`, Python 3.11) which node was computed, and for which
            parameters.

    Raises:
        SpaceError: a value is needed that was not given, or a symbol that nobody has defined.
        RuntimeError: the graph goes in a circle.
        TypeError, ValueError: the index of a switch is no whole number, or there is no such option.
    """
    if not isinstance(deepcopy_inputs, bool) and deepcopy_inputs not in (0, 1):
        raise ValueError(
            f"deepcopy_inputs must be True or False, got {deepcopy_inputs!r:.80}; a memo is given by name: memo=…"
        )

    def call(node: Apply, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if print_trace:
            print("rec_eval", node.name)  # noqa: T201  what was asked for
        if deepcopy_inputs:
            args, kwargs = copy.deepcopy((args, kwargs))
        try:
            return computed(node, args, kwargs)
        except Exception as error:
            if print_node_on_error:
                _explain(error, node)
            raise

    return evaluate(as_apply(expr), memo, call, DEFAULT_MAX_PROGRAM_LEN if max_program_len is None else max_program_len)


def _explain(error: Exception, node: Apply) -> None:
    """Add a sentence about the node to an exception that may be the user's own, and keeps its type."""
    if not hasattr(error, "add_note"):  # Python 3.10
        return
    labels = [label for label in map(label_of, dfs(node)) if label is not None]
    of = (
        f", which is computed from {', '.join(map(repr, labels[:5]))}{' …' if len(labels) > 5 else ''}"
        if labels
        else ""
    )
    error.add_note(f"in the search space, computing {node.name!r}{of}")


def __getattr__(name: str) -> Callable[..., Any]:
    """The functions behind the symbols, which Hyperopt has in this module too: `base.bincount`, `base.identity`."""
    function = None if name.startswith("__") else scope.function(name)
    if function is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return function
