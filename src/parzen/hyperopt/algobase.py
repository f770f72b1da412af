"""The base of algorithms that programs write in Hyperopt's way: an evaluation of the space's graph, node by node.

A subclass of `SuggestAlgo` overrides `on_node_hyperparameter`, which is called for each parameter of the vectorised graph
and returns its values for the ids for which it is active.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from parzen.errors import AlgorithmError
from parzen.hyperopt.base import Document, Trials, miscs_update_idxs_vals
from parzen.space import Apply, Literal, as_apply, scope

__all__ = ["ExprEvaluator", "SuggestAlgo"]

_FORMS: Mapping[str, Callable[..., Any]] = {
    "pos_args": lambda *args: args,
    "dict": dict,
    "hyperopt_param": lambda label, obj: obj,
}
"""Symbols that hold a graph together; they compute nothing."""
_LONGEST = 100_000
"""Nodes that wait for others at once, beyond which a graph must go round in a circle."""


class ExprEvaluator:
    """Evaluates a graph, each node once, and of a switch only the option that is chosen.

    Args:
        expr: graph, or nested data with graphs.
        deepcopy_inputs: whether each function gets copies of its arguments.
        max_program_len: nodes that may wait for others at once; None for 100 000.
        memo_gc: accepted; values live as long as the memo does.
    """

    def __init__(
        self, expr: Any, deepcopy_inputs: bool = False, max_program_len: int | None = None, memo_gc: bool = True
    ) -> None:
        if deepcopy_inputs not in (False, True):
            raise ValueError(f"deepcopy_inputs is a bool, got {deepcopy_inputs!r:.80}; a memo goes to eval_nodes")
        self.expr = as_apply(expr)
        self.deepcopy_inputs = deepcopy_inputs
        self.max_program_len = _LONGEST if max_program_len is None else max_program_len
        self.memo_gc = memo_gc

    def eval_nodes(self, memo: Mapping[Apply, Any] | None = None) -> dict[Apply, Any]:
        """The values of all nodes that the graph needs.

        Args:
            memo: node -> value, of those that are known; it is not changed.

        Raises:
            RuntimeError: the graph goes round in a circle.
        """
        known = dict(memo or {})
        waiting = [self.expr]
        while waiting:
            if len(waiting) > self.max_program_len:
                raise RuntimeError(
                    f"more than {self.max_program_len} nodes wait for others: the graph probably contains itself"
                )
            node = waiting.pop()
            if node in known:
                continue
            if isinstance(node, Literal):
                self.set_in_memo(known, node, node.obj)
                continue
            if node.name == "switch":
                missing = self.on_switch(known, node)
            else:
                missing = [argument for argument in node.inputs() if argument not in known]
            if missing is None:
                continue
            if missing:
                waiting += [node, *missing]
                continue
            value = self.on_node(known, node)
            if isinstance(value, Apply):  # a function made more graph
                more = copy.copy(self)
                more.expr = value
                value = more.eval_nodes(known)[value]
            self.set_in_memo(known, node, value)
        return known

    def set_in_memo(self, memo: dict[Apply, Any], k: Apply, v: Any) -> None:
        """Note the value of a node."""
        memo[k] = v

    def on_switch(self, memo: dict[Apply, Any], node: Apply) -> list[Apply] | None:
        """The nodes that a switch needs next; None where its value is in the memo now.

        Raises:
            TypeError, ValueError: the index of the option is no whole number from 0 up.
        """
        index, *options = node.pos_args
        if index not in memo:
            return [index]
        try:
            i = int(memo[index])
        except (TypeError, ValueError):
            raise TypeError(f"a switch takes the index of an option, got {memo[index]!r:.80}") from None
        if i != memo[index] or not 0 <= i < len(options):
            raise ValueError(f"a switch of {len(options)} options takes an index into them, got {memo[index]!r}")
        if options[i] not in memo:
            return [options[i]]
        self.set_in_memo(memo, node, memo[options[i]])
        return None

    def on_node(self, memo: dict[Apply, Any], node: Apply) -> Any:
        """The value of a node whose arguments are in the memo: what its symbol computes of them."""
        args = [memo[argument] for argument in node.pos_args]
        kwargs = {name: memo[argument] for name, argument in node.named_args}
        if self.deepcopy_inputs:
            args, kwargs = copy.deepcopy((args, kwargs))
        function = scope.function(node.name) or _FORMS.get(node.name)
        if function is None:
            raise AlgorithmError(f"scope has no symbol {node.name!r}; add it with @scope.define")
        return function(*args, **kwargs)


class SuggestAlgo(ExprEvaluator):
    """A suggest algorithm over the vectorised graph of a domain.

    Args:
        domain: the `Domain`.
        trials: what is known.
        seed: non-negative integer.

    Attributes:
        label_by_node: node that draws a parameter -> its label.
        rng: of the call that is going on.
    """

    def __init__(self, domain: Any, trials: Trials, seed: int) -> None:
        super().__init__(domain.s_idxs_vals)
        self.domain, self.trials = domain, trials
        self.label_by_node: dict[Apply, str] = {node: label for label, node in domain.vh.vals_by_label().items()}
        self._seed = seed
        self.rng = np.random.default_rng(seed)

    def on_node_hyperparameter(self, memo: dict[Apply, Any], node: Apply, label: str) -> Any:
        """The values of one parameter, for the ids for which it is active.

        Args:
            memo: values of the nodes so far; `memo[node.arg["size"]]` is how many are wanted.
            node: draws the parameter from its prior: `ExprEvaluator.on_node(self, memo, node)` does that.
            label: of the parameter.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has to define on_node_hyperparameter(self, memo, node, label)"
        )

    def on_node(self, memo: dict[Apply, Any], node: Apply) -> Any:
        """As for any graph, but parameters are for `on_node_hyperparameter` to give."""
        label = self.label_by_node.get(node)
        return super().on_node(memo, node) if label is None else self.on_node_hyperparameter(memo, node, label)

    def __call__(self, new_id: int) -> list[Document]:
        """A document for an id, in a list; it is not inserted."""
        self.rng = np.random.default_rng(self._seed + new_id)
        idxs, vals = self._columns([new_id])
        misc = {"tid": new_id, "cmd": self.domain.cmd, "workdir": self.domain.workdir}
        miscs_update_idxs_vals([misc], idxs, vals)
        return self.trials.new_trial_docs([new_id], [None], [self.domain.new_result()], [misc])

    def batch(self, new_ids: Sequence[int]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Proposals for several ids as columns: label -> ids in which it is active, and label -> its values in these."""
        ids = list(new_ids)
        self.rng = np.random.default_rng([self._seed, *ids])
        return self._columns(ids)

    def _columns(self, ids: list[int]) -> tuple[dict[str, Any], dict[str, Any]]:
        idxs, vals = self.eval_nodes({self.domain.s_new_ids: ids, self.domain.s_rng: self.rng})[self.expr]
        return idxs, vals
