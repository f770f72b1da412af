"""`fmin` with Hyperopt's loop over documents."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import Any

from parzen.errors import AlgorithmError, AllTrialsFailed
from parzen.hyperopt._answer import say_interrupted
from parzen.hyperopt._arguments import Search, generator_of
from parzen.hyperopt._documents import is_of_space, spell_out
from parzen.hyperopt._history import documents_of_points
from parzen.hyperopt._iteration import FMinIter
from parzen.hyperopt._pickles import Saver
from parzen.hyperopt.base import JOB_STATE_DONE, JOB_STATE_NEW, Trials
from parzen.run import wants_evaluation

__all__ = ["needs_documents", "search_over_documents"]


def needs_documents(search: Search) -> bool:
    """Whether the core's loop cannot run this search.

    A `refresh` of a user's own is no reason: the core's loop calls it whenever documents have changed.
    """
    trials = search.trials
    return (
        search.algorithm is None
        or trials.asynchronous
        or search.max_queue_len > 1
        or bool(search.domain.pass_expr_memo_ctrl)
        or type(trials)._insert_trial_docs is not Trials._insert_trial_docs
        # To be evaluated, though no column can hold it: a value outside of its bounds.
        or any(search.domain.compiled.outside(point.values) is not None for point in search.points)
        or any(doc["state"] == JOB_STATE_NEW and not is_of_space(search.domain.compiled, doc) for doc in trials.trials)
    )


def search_over_documents(search: Search) -> None:
    """Run it.

    Raises:
        AlgorithmError: it asks for what only the core's loop can do.
        KeyboardInterrupt, SystemExit: after an interrupt, when documents and save file are in order.
        BaseException: whatever the objective raised, after it was recorded.
    """
    _refuse_what_only_the_core_can(search)
    domain, trials = search.domain, search.trials
    for point in search.points:
        trials.insert_trial_docs(documents_of_points(domain, trials, trials.new_trial_ids(1), point))
    trials.refresh()
    for doc in trials.trials:
        spell_out(domain.compiled, doc)
    given = {id(doc) for doc in trials.trials}
    iteration = _iteration(search)
    saver = iteration.saver
    if saver is not None:
        saver()  # so that a place that cannot be written is found before anything is paid for
    with nullcontext() if saver is None else saver.at_the_end():
        try:
            iteration.exhaust()
        except (KeyboardInterrupt, SystemExit) as stop:
            if iteration.interrupted_by is None:
                raise
            done = trials.count_by_state_unsynced(JOB_STATE_DONE)
            raise say_interrupted(
                bool(search.verbose), done, _best(trials), saver is not None, iteration.interrupted_by
            ) from stop
        finally:
            if not trials.asynchronous:  # a suggestion that was not evaluated would count for ever
                trials._dynamic_trials[:] = [
                    doc for doc in trials._dynamic_trials if doc["state"] != JOB_STATE_NEW or id(doc) in given
                ]
            trials.refresh()


def _refuse_what_only_the_core_can(search: Search) -> None:
    fn = search.domain.fn
    for wanted, what in (
        (search.storage is not None, "storage="),
        *((True, f"{name}=") for name in search.fleet),
        (
            fn is not None and bool(wants_evaluation(fn, annotated_only=True)),
            "an objective that takes an Evaluation",
        ),
    ):
        if wanted:
            raise AlgorithmError(
                f"{what} goes with an algorithm of parzen and ordinary trials; not with a suggest function of your own, "
                "asynchronous trials, max_queue_len above 1, pass_expr_memo_ctrl or points beyond their bounds"
            )


def _iteration(search: Search) -> FMinIter:
    trials, save_file = search.trials, search.save_file
    iteration = FMinIter(
        search.algo,
        search.domain,
        trials,
        generator_of(search.rstate),
        max_queue_len=search.max_queue_len,
        poll_interval_secs=getattr(trials, "poll_interval_secs", 1.0),  # those of Spark are in this process
        max_evals=sys.maxsize if search.total is None else search.total,
        timeout=search.timeout,
        loss_threshold=search.loss_threshold,
        verbose=search.verbose,
        early_stop_fn=search.early_stop_fn,
        trials_save_file="" if save_file is None else save_file,
    )
    iteration.progress_callback = search.progress_callback
    iteration.catch_eval_exceptions = search.catch
    iteration.saver = None if save_file is None else Saver(trials, save_file)
    return iteration


def _best(trials: Trials) -> tuple[float, dict[str, Any]] | None:
    try:
        return float(trials.best_trial["result"]["loss"]), trials.argmin
    except AllTrialsFailed:
        return None
