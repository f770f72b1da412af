"""`fmin` with the core's loop: a study is run, and documents are written as things happen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from parzen.errors import StopStudy
from parzen.hyperopt._answer import say_interrupted
from parzen.hyperopt._arguments import Search, seed_of
from parzen.hyperopt._documents import DocumentWriter, read_documents
from parzen.hyperopt._iteration import EarlyStop
from parzen.hyperopt._pickles import Saver
from parzen.hyperopt._results import Unfinished, as_core_takes_it
from parzen.hyperopt._watching import feedback_of
from parzen.hyperopt.base import Trials
from parzen.run import Evaluation, LossReached, Seen, attachments_keeper, wants_evaluation
from parzen.study import Result, Study
from parzen.trials import Trial

__all__ = ["search_over_study"]


def search_over_study(search: Search) -> Result:
    """Run it.

    Raises:
        KeyboardInterrupt, SystemExit: after an interrupt, when documents and save file are in order.
        BaseException: whatever the objective raised, after it was recorded.
    """
    trials, save_file = search.trials, search.save_file
    study = Study(
        search.domain.compiled,
        name=search.name,
        storage=search.storage,
        algorithm=search.algorithm,
        seed=seed_of(search.rstate),
        noisy=True,
    )
    results: dict[tuple[int, int], Any] = {}
    writer, unsubscribe, foreign = _followed(study, trials, results)
    saver = None if save_file is None else Saver(trials, save_file)
    after: list[Callable[[Study, Trial], None]] = []
    if saver is not None:
        saver()  # so that a place that cannot be written is found before anything is paid for
        after.append(_saving(saver))
    if search.early_stop_fn is not None:
        after.append(_early_stop(trials, search.early_stop_fn))
    with nullcontext() if saver is None else saver.at_the_end():
        try:
            result = study.run(
                _seen(search.domain.fn, results, study, keep=search.storage is not None),
                None if search.total is None else max(search.total - foreign, 0),
                timeout=search.timeout,
                catch=search.catch,
                stop=() if search.loss_threshold is None else LossReached(search.loss_threshold),
                enqueue=[search.domain.compiled.params(point) for point in search.points],
                callbacks=after,
                **search.fleet,
                progress=feedback_of(search.verbose, search.progress_callback),
            )
        finally:
            unsubscribe()
            writer.forget_unfinished()
    if result.stopped_by == "interrupt":
        history = result.history
        best = None if history.best_number is None else (float(history.losses[history.best_number]), result.best.params)
        kept = study.storage.durable or save_file is not None
        raise say_interrupted(bool(search.verbose), history.finished, best, kept, result.signal)
    return result


def _followed(
    study: Study, trials: Trials, results: dict[tuple[int, int], Any]
) -> tuple[DocumentWriter, Callable[[], None], int]:
    """Let documents follow a study from now on: who writes them, how to end it, and how many are no trials of its space.

    The latter are counted in a search's total, but the study does not know them.
    """
    if trials._stored is not None:  # these are the study's own documents
        return trials._stored.follow(study.stream, results), _nothing, 0
    known = read_documents(study.stream, trials)
    taken = {id(doc) for doc in known.values()}
    foreign = sum(id(doc) not in taken for doc in trials.trials)
    writer = DocumentWriter(trials, study.stream, known, results)
    writer.write_all(study.history)
    return writer, study.stream.subscribe(writer), foreign


def _nothing() -> None:
    pass


def _seen(fn: Any, results: dict[tuple[int, int], Any], study: Study, keep: bool) -> Seen:
    """The objective, with the mappings that it returns kept for their documents just as they are.

    Attachments go to the study's storage where `keep` says so, before the trial is finished.
    """
    kept = attachments_keeper(study.stream if keep else None)

    def seen(number: int, attempt: int, result: Any) -> Any:
        if not isinstance(result, Mapping):
            return result
        logged = kept(number, result)
        shown = result.returned if isinstance(result, Unfinished) else result
        results[number, attempt] = {**shown, "attachments": result.get("attachments") or {}}
        return logged

    return Seen(_Converted(fn), wants_evaluation(fn, annotated_only=True), seen)


class _Converted:
    """An objective that returns what the core takes; it can be sent to other processes."""

    def __init__(self, fn: Any) -> None:
        self.fn = fn

    def __call__(self, config: Any, **evaluation: Evaluation) -> Any:
        return as_core_takes_it(self.fn(config, **evaluation))


def _saving(saver: Saver) -> Callable[[Study, Trial], None]:
    return lambda study, trial: saver()


def _early_stop(trials: Trials, function: EarlyStop) -> Callable[[Study, Trial], None]:
    args: Sequence[Any] = ()

    def after(study: Study, trial: Trial) -> None:
        nonlocal args
        stop, args = function(trials, *args)
        if stop:
            raise StopStudy("early_stop_fn")

    return after
