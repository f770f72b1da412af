"""Hyperopt's one function, over a study or over documents.

With a `Trials` of ours and an algorithm of ours the core's loop runs, and documents are written as things happen
(`_over_study`).  Where documents are all that the parties share, `FMinIter` runs (`_over_documents`).
"""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from parzen.errors import SpaceError, StudyError
from parzen.hyperopt import base, exceptions, progress, pyll, tpe
from parzen.hyperopt._answer import Best, MissingLabel, answer_of_documents, answer_of_study, assigned_points
from parzen.hyperopt._arguments import (
    Search,
    algorithm_of,
    annotated_space,
    checked_points,
    checked_save_file,
    starting_trials,
    total_of,
)
from parzen.hyperopt._iteration import EarlyStop, FMinIter
from parzen.hyperopt._over_documents import needs_documents, search_over_documents
from parzen.hyperopt._over_study import search_over_study
from parzen.hyperopt._pickles import only_writer
from parzen.hyperopt._watching import UNSAID, progress_callback_of
from parzen.hyperopt.base import (
    JOB_STATE_NEW,
    Document,
    Domain,
    Trials,
    coarse_utcnow,
    validate_loss_threshold,
    validate_timeout,
)
from parzen.space import Space, as_apply

__all__ = [
    "Best",
    "FMinIter",
    "MissingLabel",
    "base",
    "coarse_utcnow",
    "exceptions",
    "fmin",
    "fmin_pass_expr_memo_ctrl",
    "generate_trial",
    "generate_trials_to_calculate",
    "partial",
    "progress",
    "pyll",
    "space_eval",
    "tpe",
    "validate_loss_threshold",
    "validate_timeout",
]


def fmin(
    fn: Callable[..., Any],
    space: Any,
    algo: Any = None,
    max_evals: int | None = None,
    timeout: float | None = None,
    loss_threshold: float | None = None,
    trials: Trials | None = None,
    rstate: Any = None,
    allow_trials_fmin: bool = True,
    pass_expr_memo_ctrl: bool | None = None,
    catch_eval_exceptions: bool = False,
    verbose: bool = UNSAID,
    return_argmin: bool = True,
    points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
    max_queue_len: int = 1,
    show_progressbar: Any = UNSAID,
    early_stop_fn: EarlyStop | None = None,
    trials_save_file: str | os.PathLike[str] = "",
    *,
    storage: Any = None,
    name: str | None = None,
    parallel: int | None = None,
    executor: Any = None,
    threads: bool = False,
    slots: Mapping[str, Iterable[Any]] | None = None,
    trial_timeout: float | None = None,
    trial_memory: float | str | None = None,
    grace: float | None = None,
) -> Any:
    """Minimise a function over a space: Hyperopt's `fmin`, argument for argument.

    Args:
        fn: gets a configuration; returns a number, or a dict with "status" and "loss".
        space: nested data with `hp` nodes; lists arrive as tuples.  "annotated": the annotations of `fn`, which is then
            called with keywords.
        algo: `tpe.suggest`, a `partial` of it, a suggest function of your own, or any algorithm of parzen; None is
            parzen's choice.
        max_evals: total number of trials, those already in `trials` included; None for no limit.
        timeout: seconds after which no further trial begins.
        loss_threshold: stop when a loss is this low.
        trials: where documents are kept; a search goes on from what is in it.
        rstate: numpy Generator or RandomState, or an integer; None takes HYPEROPT_FMIN_SEED or a random seed.
        allow_trials_fmin: let a class with an `fmin` of its own take over.
        pass_expr_memo_ctrl: call `fn(expr=, memo=, ctrl=)` instead; also by `fmin_pass_expr_memo_ctrl`.
        catch_eval_exceptions: go on when `fn` raises an `Exception`; the document goes to state ERROR.
        verbose: tell in words what happens, on stderr and in the log `parzen`.
        show_progressbar: the bar, which may be a callback of `progress`; not given it is as `verbose` says.
        return_argmin: False gives the best configuration itself instead of a `Best`, None where there is none.
        points_to_evaluate: label -> value (an option by index or by value), tried first; inactive labels may be left out;
            `max_evals` counts without them.  Not where `trials` or the file have documents already.
        max_queue_len: so many trials are suggested before they are evaluated.
        early_stop_fn: `(trials, *args) -> (stop, args)` after each batch, see `early_stop`.
        trials_save_file: a file that the trials are saved to after each of them, and loaded from at the start, also into
            `trials` that are empty; others must have what was evaluated in it.
        storage, name: keep the study in a file or database, as `parzen.minimize` does; better than a save file.  Of
            `trials` those that the study has already are not counted twice, others are taken into it.  Attachments
            that are bytes or text are there again when the search goes on; other objects stay in this process.
        parallel, executor, threads, slots, trial_timeout, trial_memory, grace: evaluate several trials at once, and limit
            what each may take, as `parzen.minimize` does.

    Returns:
        `Best`: prints as Hyperopt's dict, and has `config`, `params`, `loss` and `trials`.

    Raises:
        AllTrialsFailed: no trial has a finite loss.
        Unavailable: the save file cannot be written, or holds what `trials` do not have.
        KeyboardInterrupt: after a line that says what the best was and how to go on; SIGTERM raises `SystemExit`.
        BaseException: whatever `fn` raised, after it was recorded.
    """
    validate_timeout(timeout)
    validate_loss_threshold(loss_threshold)
    if space is None:
        raise SpaceError("the space is None: give a mapping, a list or a node of hp")
    if not callable(fn):
        raise TypeError(f"fn must be callable, got {fn!r:.80}")
    if early_stop_fn is not None and not callable(early_stop_fn):
        raise TypeError(f"early_stop_fn must be callable, got {early_stop_fn!r:.80}")
    if isinstance(space, str) and space == "annotated":
        space, fn = annotated_space(fn)
    said = {
        "parallel": parallel,
        "executor": executor,
        "threads": threads or None,
        "slots": slots,
        "trial_timeout": trial_timeout,
        "trial_memory": trial_memory,
        "grace": grace,
    }
    fleet = {argument: value for argument, value in said.items() if value is not None}
    if allow_trials_fmin and trials is not None and getattr(type(trials), "fmin", Trials.fmin) is not Trials.fmin:
        owner = type(trials).__name__
        unheard = [*(["storage", "name"] if storage is not None or name is not None else []), *fleet]
        if unheard:
            raise StudyError(
                f"{'= and '.join(unheard)}= do not reach the fmin that {owner} has of its own: leave them away, or leave "
                "trials= away"
            )
        if points_to_evaluate is not None:
            warnings.warn(
                f"points_to_evaluate do not reach the fmin that {owner} has of its own: put them into the trials with "
                "insert_trial_docs and generate_trial",
                stacklevel=2,
            )
        return trials.fmin(
            fn,
            space,
            algo=algo,
            max_evals=max_evals,
            timeout=timeout,
            loss_threshold=loss_threshold,
            max_queue_len=max_queue_len,
            rstate=rstate,
            pass_expr_memo_ctrl=pass_expr_memo_ctrl,
            verbose=verbose,
            catch_eval_exceptions=catch_eval_exceptions,
            return_argmin=return_argmin,
            show_progressbar=show_progressbar,
            early_stop_fn=early_stop_fn,
            trials_save_file=trials_save_file,
        )
    if trials is not None and not isinstance(trials, Trials):
        raise TypeError(f"trials is a Trials, got {trials!r:.80}; documents become one with trials_from_docs")
    save_file = checked_save_file(trials_save_file)
    with only_writer(save_file):
        given = 0 if trials is None else len(getattr(trials, "_dynamic_trials", ()))
        trials, unseen, resumed = starting_trials(trials, save_file)
        if given and resumed and points_to_evaluate is not None:
            warnings.warn("points_to_evaluate are not evaluated: the given trials have documents already", stacklevel=2)
        domain = Domain(fn, space, pass_expr_memo_ctrl=pass_expr_memo_ctrl)
        points = [] if resumed or points_to_evaluate is None else checked_points(domain.compiled, points_to_evaluate)
        search = Search(
            domain=domain,
            algo=algo,
            algorithm=algorithm_of(algo),
            trials=trials,
            total=total_of(max_evals, unseen + len(points)),
            timeout=timeout,
            loss_threshold=loss_threshold,
            rstate=rstate,
            catch=bool(catch_eval_exceptions),
            verbose=verbose,
            progress_callback=progress_callback_of(verbose, show_progressbar),
            points=points,
            max_queue_len=max_queue_len,
            early_stop_fn=early_stop_fn,
            save_file=save_file,
            storage=trials._stored.storage if storage is None and trials._stored is not None else storage,
            name=trials._stored.name if name is None and trials._stored is not None else name,
            fleet=fleet,
        )
        if needs_documents(search):
            search_over_documents(search)
            return answer_of_documents(domain.compiled, trials, return_argmin)
        return answer_of_study(search_over_study(search), trials, return_argmin)


def space_eval(space: Any, hp_assignment: Mapping[str, Any]) -> Any:
    """The configuration that Hyperopt's answer stands for.

    Args:
        space: as given to `fmin`.
        hp_assignment: label -> value (index for choices), or label -> list of one, as in documents.  Numbers may lie
            outside of their bounds; labels that the space lacks are not looked at.

    Raises:
        MissingLabel: nothing is said of a label that is needed.
        OutOfSpace: a value makes no sense, such as an index without an option.
    """
    compiled = Space(as_apply(space))
    return compiled.decode(assigned_points(compiled, hp_assignment))


# --- points to begin with ---------------------------------------------------------------------------------------


def generate_trial(tid: int, space: Mapping[str, Any]) -> Document:
    """A document in state NEW, which is evaluated before anything is suggested.

    Args:
        tid: its id.
        space: label -> value.
    """
    return {
        "state": JOB_STATE_NEW,
        "tid": tid,
        "spec": None,
        "result": {"status": "new"},
        "misc": {
            "tid": tid,
            "cmd": ("domain_attachment", "FMinIter_Domain"),
            "workdir": None,
            "idxs": {label: [tid] for label in space},
            "vals": {label: [value] for label, value in space.items()},
        },
        "exp_key": None,
        "owner": None,
        "version": 0,
        "book_time": None,
        "refresh_time": None,
    }


def generate_trials_to_calculate(points: Iterable[Mapping[str, Any]]) -> Trials:
    """A `Trials` of points that `fmin` evaluates first.

    They come on top of `max_evals`, unless its `refresh` is called before.

    Args:
        points: label -> value; options by index or by value, inactive labels may be left out.
    """
    trials = Trials()
    trials.insert_trial_docs([generate_trial(tid, point) for tid, point in enumerate(points)])
    return trials


# --- objectives that look inside ---------------------------------------------------------------------------------


def fmin_pass_expr_memo_ctrl(f: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a function as one that is called with `expr`, `memo` and `ctrl` instead of a configuration.

    `rec_eval(expr, memo=memo)` is the configuration; `ctrl` reaches the trials.
    """
    f.fmin_pass_expr_memo_ctrl = True  # type: ignore[attr-defined]  # the mark that Hyperopt looks for
    return f


def partial(fn: Callable[..., Any], **kwargs: Any) -> functools.partial[Any]:
    """`functools.partial` that keeps the mark of `fmin_pass_expr_memo_ctrl`."""
    made = functools.partial(fn, **kwargs)
    if hasattr(fn, "fmin_pass_expr_memo_ctrl"):
        made.fmin_pass_expr_memo_ctrl = fn.fmin_pass_expr_memo_ctrl  # type: ignore[attr-defined]
    return made
