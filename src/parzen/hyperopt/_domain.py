"""What is searched: an objective and the graph of its space, as Hyperopt's algorithms, workers and users know it.

A `Domain` can be pickled with cloudpickle; asynchronous searches keep it under `trials.attachments["FMinIter_Domain"]`,
and their workers evaluate documents with it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from parzen.errors import DuplicateLabel, InvalidLoss
from parzen.hyperopt._attachments import TrialAttachments
from parzen.hyperopt._states import JOB_STATE_DONE, STATUS_NEW, STATUS_OK, STATUS_STRINGS, Document
from parzen.hyperopt._trials import Trials
from parzen.hyperopt.exceptions import InvalidResultStatus, InvalidTrial, MissingStatus
from parzen.hyperopt.pyll.base import GarbageCollected, dfs, rec_eval
from parzen.hyperopt.pyll.stochastic import recursive_set_rng_kwarg
from parzen.hyperopt.utils import use_obj_for_literal_in_memo
from parzen.run import loss_of
from parzen.space import Apply, Literal, Space, as_apply, label_of

__all__ = ["Ctrl", "Domain", "result_document"]

_logger = logging.getLogger("parzen.hyperopt")


class Ctrl:
    """What an objective may use of the search that it runs in, when it asks for it with `pass_expr_memo_ctrl`.

    Args:
        trials: all documents; None for an empty `Trials`.
        current_trial: the document that is evaluated.
    """

    info = _logger.info
    warn = _logger.warning
    error = _logger.error
    debug = _logger.debug

    def __init__(self, trials: Trials | None, current_trial: Document | None = None) -> None:
        self.trials = Trials() if trials is None else trials
        self.current_trial = current_trial

    def _current(self) -> Document:
        if self.current_trial is None:
            raise InvalidTrial("this Ctrl belongs to no trial: make it with Ctrl(trials, current_trial=doc)")
        return self.current_trial

    def checkpoint(self, r: Any = None) -> None:
        """Let the document have this result for now."""
        doc = self._current()
        if r is not None:
            doc["result"] = r

    @property
    def attachments(self) -> TrialAttachments:
        """What is attached to the document: `in`, `[]`, assignment and `del`."""
        return self.trials.trial_attachments(trial=self._current())

    def inject_results(
        self,
        specs: Sequence[Any],
        results: Sequence[Any],
        miscs: Sequence[dict[str, Any]],
        new_tids: Sequence[Any] | None = None,
    ) -> list[Any]:
        """Add finished trials that came out of the evaluation of this one, which they name as "from_tid".

        Returns:
            Their tids, new ones unless they are given.
        """
        tids = self.trials.new_trial_ids(len(specs)) if new_tids is None else new_tids
        docs = self.trials.source_trial_docs(tids, specs, results, miscs, [self._current()] * len(specs))
        for doc in docs:
            doc["state"] = JOB_STATE_DONE
        return self.trials.insert_trial_docs(docs)


class Domain:
    """An objective and its space.

    Args:
        fn: the objective; None where nothing is evaluated through the domain.
        expr: the space, nested data with `hp` nodes.
        workdir: kept for workers, which may want to evaluate there.
        pass_expr_memo_ctrl: call `fn(expr=, memo=, ctrl=)` instead of with a configuration; None for what
            `fmin_pass_expr_memo_ctrl` has marked `fn` with.
        name, loss_target: kept, for whoever wants to know.

    Attributes:
        expr: the space as one node.
        params: label -> the node of its distribution.
        compiled: the space as parzen's algorithms take it, as `expr` was when the domain was made.
        cmd: how documents say what evaluates them.
        s_new_ids, s_rng: literals in `s_idxs_vals` that stand for the ids to draw for and a Generator.

    Raises:
        SpaceError: the space makes no sense.
        DuplicateLabel: two nodes have the same label.
    """

    rec_eval_print_node_on_error = False

    # A literal in a space that stands for the `Ctrl` of the evaluation.
    pyll_ctrl = Literal(Ctrl)

    def __init__(
        self,
        fn: Callable[..., Any] | None,
        expr: Any,
        workdir: str | None = None,
        pass_expr_memo_ctrl: bool | None = None,
        name: str | None = None,
        loss_target: float | None = None,
    ) -> None:
        self.fn = fn
        if pass_expr_memo_ctrl is None:
            pass_expr_memo_ctrl = getattr(fn, "fmin_pass_expr_memo_ctrl", False)
        self.pass_expr_memo_ctrl = pass_expr_memo_ctrl
        self.expr = as_apply(expr)
        self.params: dict[str, Apply] = {}
        self.compiled = Space(self.expr)
        for node in _hyperopt_params(self.expr):
            label = str(label_of(node))
            if label in self.params:
                raise DuplicateLabel(
                    f"label {label!r} stands for two nodes; use one node in both places, or give them different labels",
                    label=label,
                )
            self.params[label] = node.arg["obj"]
        self.workdir = workdir
        self.name = name
        self.loss_target = loss_target
        self.cmd = ("domain_attachment", "FMinIter_Domain")
        self.s_new_ids = Literal("new_ids")
        self.s_rng = Literal("rng-placeholder")

    # --- the graph that draws for many trials at once -----------------------------------------------------------
    # Made when it is first asked for: parzen's own algorithms do without.

    @cached_property
    def vh(self) -> Any:
        """Hyperopt's `VectorizeHelper` of the space."""
        from parzen.hyperopt.vectorize import VectorizeHelper  # a search that core algorithms make never needs it

        return VectorizeHelper(self.expr, self.s_new_ids)

    @cached_property
    def s_idxs_vals(self) -> Any:
        """A node with two items, label -> ids and label -> values, to be evaluated with `s_new_ids` and `s_rng` known."""
        both = Apply("pos_args", [as_apply(self.vh.idxs_by_label()), as_apply(self.vh.vals_by_label())], None, 2)
        return recursive_set_rng_kwarg(both, self.s_rng)

    # --- evaluating ---------------------------------------------------------------------------------------------

    def memo_from_config(self, config: Mapping[str, Any]) -> dict[Apply, Any]:
        """Node of each parameter -> its value, to evaluate `expr` with; a label that is missing must not be needed.

        Args:
            config: label -> value, an index for choices.
        """
        return {node: config.get(label, GarbageCollected) for label, node in self._labelled}

    @cached_property
    def _labelled(self) -> list[tuple[str, Apply]]:
        return [(str(label_of(node)), node) for node in _hyperopt_params(self.expr)]

    def evaluate(self, config: Mapping[str, Any], ctrl: Ctrl | None, attach_attachments: bool = True) -> dict[str, Any]:
        """Call the objective.

        Args:
            config: label -> value, an index for choices; what `spec_from_misc` makes of a document.
            ctrl: of the trial; gets the attachments.
            attach_attachments: False leaves them in the result.

        Returns:
            The result for the document, with "status", and "loss" as a float where that is "ok".

        Raises:
            InvalidResultStatus, InvalidLoss: the objective returned something else; `result` is what.
            KeyError: it returned a mapping that does not say how it went.
        """
        return self.evaluate_async2(self._returned(config, ctrl), ctrl, attach_attachments)

    def evaluate_async(
        self, config: Mapping[str, Any], ctrl: Ctrl | None, attach_attachments: bool = True
    ) -> tuple[Callable[[Any], Any], Any]:
        """A function and its argument, to be called elsewhere; what it returns is for `evaluate_async2`."""
        if self.pass_expr_memo_ctrl:
            return _itself, self._returned(config, ctrl)
        return self._objective(), self._configuration(config, ctrl)

    def evaluate_async2(self, rval: Any, ctrl: Ctrl | None, attach_attachments: bool = True) -> dict[str, Any]:
        """The result for the document, of what the objective returned; see `evaluate`."""
        result = result_document(rval)
        if attach_attachments:
            for name, value in (result.pop("attachments", None) or {}).items():
                if ctrl is None:
                    raise InvalidTrial(f"there is no Ctrl to attach {name!r} to: give one, or attach_attachments=False")
                ctrl.attachments[name] = value
        return result

    def _objective(self) -> Callable[..., Any]:
        if self.fn is None:
            raise TypeError("this Domain has no function to evaluate: it was made with fn=None")
        return self.fn

    def _returned(self, config: Mapping[str, Any], ctrl: Ctrl | None) -> Any:
        fn = self._objective()
        if not self.pass_expr_memo_ctrl:
            return fn(self._configuration(config, ctrl))
        memo = use_obj_for_literal_in_memo(self.expr, ctrl, Ctrl, self.memo_from_config(config))
        return fn(expr=self.expr, memo=memo, ctrl=ctrl)

    def _configuration(self, config: Mapping[str, Any], ctrl: Ctrl | None) -> Any:
        memo = use_obj_for_literal_in_memo(self.expr, ctrl, Ctrl, self.memo_from_config(config))
        return rec_eval(self.expr, memo=memo, print_node_on_error=self.rec_eval_print_node_on_error)

    # --- reading results: a subclass may see them otherwise -----------------------------------------------------

    def loss(self, result: Mapping[str, Any], config: Any = None) -> Any:
        """The loss in a document's result; None where there is none."""
        return result.get("loss")

    def loss_variance(self, result: Mapping[str, Any], config: Any = None) -> Any:
        """How uncertain the loss is; 0 where the result does not say."""
        return result.get("loss_variance", 0.0)

    def true_loss(self, result: Mapping[str, Any], config: Any = None) -> Any:
        """What the loss stands for, on a test set say; the loss itself where the result does not say."""
        return result["true_loss"] if "true_loss" in result else self.loss(result, config=config)

    def true_loss_variance(self, config: Any = None) -> Any:
        """How uncertain the true loss is; a subclass may know."""
        raise NotImplementedError("a Domain does not know the variance of the true loss: override true_loss_variance")

    def status(self, result: Mapping[str, Any], config: Any = None) -> Any:
        """The status in a document's result."""
        return result["status"]

    def new_result(self) -> dict[str, Any]:
        """The result of a document that is not evaluated yet."""
        return {"status": STATUS_NEW}

    def short_str(self) -> str:
        """A line about the domain."""
        return f"Domain{{{self.fn}}}"


def result_document(returned: Any) -> dict[str, Any]:
    """A document's result, of what an objective returned.

    A number is a loss; a mapping, or what `dict` makes one of, says "status", which is "ok" where it only has a "loss".

    Raises:
        InvalidResultStatus, InvalidLoss, KeyError: it is neither, see `Domain.evaluate`.
    """
    if not (hasattr(returned, "keys") or (isinstance(returned, (list, tuple)) and all(map(_is_pair, returned)))):
        return {"loss": _loss(returned, returned), "status": STATUS_OK}
    result = dict(returned)
    if "status" not in result and "loss" not in result:
        raise MissingStatus(
            "the objective returned a mapping without 'status' and 'loss', expected "
            f"{{'status': 'ok', 'loss': number}}; it has {sorted(map(str, result))}",
            result=result,
        )
    status = result.setdefault("status", STATUS_OK)
    if status not in STATUS_STRINGS:
        raise InvalidResultStatus(
            f"the objective returned the status {status!r:.80}, expected one of {', '.join(STATUS_STRINGS)}",
            result=result,
        )
    if status == STATUS_OK:
        if "loss" not in result:
            raise InvalidLoss("the objective returned status 'ok' without a 'loss'", result=result)
        result["loss"] = _loss(result["loss"], result)
    return result


def _is_pair(item: object) -> bool:
    return isinstance(item, (list, tuple)) and len(item) == 2 and isinstance(item[0], str)


def _loss(value: Any, result: Any) -> float:
    if isinstance(value, str):  # Hyperopt takes what float() takes
        try:
            return float(value)
        except ValueError:
            pass
    try:
        return loss_of(value)
    except InvalidLoss as error:
        error.result = result
        raise


def _itself(value: Any) -> Any:
    return value


def _hyperopt_params(expr: Apply) -> list[Apply]:
    return [node for node in dfs(expr) if node.name == "hyperopt_param"]
