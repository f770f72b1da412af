"""Hyperopt's one function, over a study."""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from parzen.algorithms import Algorithm, algorithm_named
from parzen.errors import AlgorithmError, InvalidResult, OutOfSpace, SpaceError, StopStudy, Unavailable
from parzen.hyperopt import _attachments
from parzen.hyperopt._documents import DocumentWriter, points_of, raw_values, read_documents
from parzen.hyperopt._pickles import load_trials, only_writer, save_trials
from parzen.hyperopt.base import Trials
from parzen.run import Evaluation, LossReached, checked_count, wants_evaluation
from parzen.space import Space, as_apply
from parzen.study import Result, Study
from parzen.trials import Trial

__all__ = ["Best", "fmin", "space_eval"]


class Best(dict[str, Any]):
    """Hyperopt's answer, a dict from label to value (indexes for choices), that also knows what it means.

    Attributes:
        config: exactly what the objective received.
        params: label -> real value.
        loss: of the best trial.
        trials: all of them, as Hyperopt's `Trials`.
    """

    config: Any
    params: dict[str, Any]
    loss: float
    trials: Trials


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
    verbose: bool = True,
    return_argmin: bool = True,
    points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
    max_queue_len: int = 1,
    show_progressbar: bool = True,
    early_stop_fn: Callable[..., tuple[bool, Sequence[Any]]] | None = None,
    trials_save_file: str | os.PathLike[str] = "",
    *,
    storage: Any = None,
    name: str | None = None,
) -> Any:
    """Minimise a function over a space: Hyperopt's `fmin`, argument for argument.

    Args:
        fn: gets a configuration; returns a number, or a dict with "status" and "loss".
        space: nested data with `hp` nodes; lists arrive as tuples.
        algo: `tpe.suggest`, `rand.suggest`, a `partial` of one, or any algorithm of parzen; None is parzen's choice.
        max_evals: total number of trials, those already in `trials` included; None for no limit.
        timeout: seconds after which no further trial begins.
        loss_threshold: stop when a loss is this low.
        trials: where documents are kept; a search goes on from what is in it.
        rstate: numpy Generator or RandomState, or an integer; None takes HYPEROPT_FMIN_SEED or a random seed.
        allow_trials_fmin: let a subclass of `Trials` with an `fmin` of its own take over.
        pass_expr_memo_ctrl: not in this version.
        catch_eval_exceptions: go on when `fn` raises an `Exception`; the document goes to state ERROR.
        verbose, show_progressbar: both must be true for feedback on stderr.
        return_argmin: False gives the best configuration itself instead of a `Best`, None where there is none.
        points_to_evaluate: label -> value (index for choices), tried first; with them `max_evals` counts anew.
        max_queue_len: has no effect: trials run one at a time.
        early_stop_fn: `(trials, *args) -> (stop, args)` after each trial, see `early_stop`.
        trials_save_file: a file that the trials are saved to after each of them, and loaded from at the start.
        storage, name: keep the study in a file or database, as `parzen.minimize` does; better than a save file.  Of
            `trials` those that the study has already are not counted twice, others are taken into it.  Attachments
            that are bytes or text are there again when the search goes on; other objects stay in this process.

    Returns:
        `Best`: prints as Hyperopt's dict, and has `config`, `params`, `loss` and `trials`.

    Raises:
        AllTrialsFailed: no trial has a finite loss.
        KeyboardInterrupt: after a line that says what the best was and how to go on; SIGTERM raises `SystemExit`.
        BaseException: whatever `fn` raised, after it was recorded.
    """
    if pass_expr_memo_ctrl or getattr(fn, "fmin_pass_expr_memo_ctrl", False):
        raise AlgorithmError("pass_expr_memo_ctrl is not in this version of parzen: take the configuration itself")
    if trials is not None and not isinstance(trials, Trials):
        raise TypeError(f"trials is a Trials, got {trials!r:.80}; documents become one with trials_from_docs")
    if allow_trials_fmin and trials is not None and type(trials).fmin is not Trials.fmin:
        given = {key: value for key, value in locals().items() if key in _DELEGATED}
        return trials.fmin(fn, space, **given)
    if space is None:
        raise SpaceError("the space is None: give a mapping, a list or a node of hp")
    if not callable(fn):
        raise TypeError(f"fn must be callable, got {fn!r:.80}")
    if early_stop_fn is not None and not callable(early_stop_fn):
        raise TypeError(f"early_stop_fn must be callable, got {early_stop_fn!r:.80}")
    compiled = Space(as_apply(space))
    save_file = _checked_save_file(trials_save_file)
    with only_writer(save_file):
        trials, from_file = _starting_trials(trials, save_file)
        study = Study(
            compiled, name=name, storage=storage, algorithm=_algorithm_of(algo), seed=_seed_of(rstate), noisy=True
        )
        known = read_documents(study.stream, trials)
        taken = {id(doc) for doc in known.values()}
        foreign = sum(id(doc) not in taken for doc in trials.trials)
        results: dict[tuple[int, int], Any] = {}
        writer = DocumentWriter(trials, study.stream, known, results)
        writer.write_all(study.history)
        if save_file is not None:
            # Now, so that a place that cannot be written is found before anything is paid for.
            save_trials(trials, save_file)
        points = _enqueued(compiled, points_to_evaluate) if points_to_evaluate is not None and not from_file else []
        total = _total(max_evals, len(points), foreign)
        unsubscribe = study.stream.subscribe(writer)
        after = [_saver(trials, save_file)] if save_file is not None else []
        if early_stop_fn is not None:
            after.append(_early_stop(trials, early_stop_fn))
        try:
            result = study.run(
                _recording(fn, results, study, keep=storage is not None),
                total,
                timeout=timeout,
                catch=bool(catch_eval_exceptions),
                stop=() if loss_threshold is None else LossReached(loss_threshold),
                enqueue=points,
                callbacks=after,
                progress=bool(verbose and show_progressbar),
            )
        finally:
            unsubscribe()
            writer.forget_unfinished()
            if save_file is not None:
                save_trials(trials, save_file)
    if result.stopped_by == "interrupt":
        _interrupted(result, trials, bool(verbose), save_file)
    return _answer(result, trials, return_argmin)


_DELEGATED = frozenset(
    "algo max_evals timeout loss_threshold rstate pass_expr_memo_ctrl catch_eval_exceptions verbose return_argmin "
    "max_queue_len show_progressbar early_stop_fn trials_save_file".split()
)


def space_eval(space: Any, hp_assignment: Mapping[str, Any]) -> Any:
    """The configuration that Hyperopt's answer stands for.

    Args:
        space: as given to `fmin`.
        hp_assignment: label -> value (index for choices), or label -> list of one, as in documents.

    Raises:
        OutOfSpace: a value is missing, or cannot have come from the space.
    """
    compiled = Space(as_apply(space))
    raw = {
        label: value[0] if isinstance(value, list) else value for label, value in hp_assignment.items() if value != []
    }
    return compiled.decode(points_of(compiled, {label: x for label, x in raw.items() if label in compiled.column}))


# --- arguments --------------------------------------------------------------------------------------------------


def _algorithm_of(algo: Any) -> Algorithm:
    """The record behind `tpe.suggest`, `partial(tpe.suggest, gamma=0.3)` or an algorithm of parzen's own."""
    if algo is None or (isinstance(algo, (str, Algorithm)) and not isinstance(algo, ModuleType)):
        return algorithm_named(algo)
    given: dict[str, Any] = {}
    function = algo
    while isinstance(function, functools.partial):
        if function.args:
            raise AlgorithmError("settings of a suggest function are given by name: partial(tpe.suggest, gamma=0.3)")
        given = {**function.keywords, **given}
        function = function.func
    make = getattr(function, "algorithm", None)
    if make is None:
        raise AlgorithmError(
            f"algo is tpe.suggest, rand.suggest, a partial of one, or an algorithm of parzen.algorithms, got {algo!r:.80}"
        )
    made: Algorithm = make(**given)
    return made


def _seed_of(rstate: Any) -> int:
    """One draw from what the user gave."""
    if rstate is None:
        text = os.environ.get("HYPEROPT_FMIN_SEED", "")
        return int(np.random.default_rng(int(text) if text else None).integers(2**31 - 1))
    if isinstance(rstate, np.random.Generator):
        return int(rstate.integers(2**31 - 1))
    if isinstance(rstate, np.random.RandomState):
        return int(rstate.randint(2**31 - 1))
    if isinstance(rstate, (int, np.integer)) and not isinstance(rstate, bool) and rstate >= 0:
        return int(rstate)
    raise ValueError(f"rstate is a numpy Generator or RandomState, or a non-negative integer, got {rstate!r:.80}")


def _checked_save_file(path: str | os.PathLike[str]) -> Path | None:
    if not os.fspath(path):
        return None
    absolute = Path(path).absolute()  # the objective may change directory
    if not absolute.parent.is_dir():
        raise Unavailable(f"the directory {absolute.parent} of trials_save_file does not exist: make it first")
    if absolute.exists() and not absolute.stat().st_mode & 0o222:
        raise Unavailable(f"trials_save_file {absolute} is read-only")
    return absolute


def _starting_trials(trials: Trials | None, save_file: Path | None) -> tuple[Trials, bool]:
    if trials is not None:
        trials.refresh()
        return trials, True
    if save_file is not None and save_file.exists():
        return load_trials(save_file), True
    return Trials(), False


def _enqueued(space: Space, points: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    enqueued = []
    for i, raw in enumerate(points):
        if not isinstance(raw, Mapping):
            raise TypeError(f"points_to_evaluate holds dicts from label to value, point {i} is {raw!r:.80}")
        try:
            enqueued.append(space.params(points_of(space, raw)))
        except OutOfSpace as error:
            raise OutOfSpace(f"points_to_evaluate, point {i}: {error}") from error
    return enqueued


def _total(max_evals: Any, points: int, foreign: int) -> int | None:
    """The study's own budget: points come on top, documents that are no trials of this space are counted outside."""
    if max_evals is None or (isinstance(max_evals, (int, float)) and max_evals >= sys.maxsize):  # Hyperopt's "no limit"
        return None
    return max(checked_count("max_evals", max_evals) + points - foreign, 0)


# --- during and after the run -----------------------------------------------------------------------------------


def _recording(
    fn: Callable[..., Any], results: dict[tuple[int, int], Any], study: Study, keep: bool
) -> Callable[..., Any]:
    """The objective, with the mappings that it returned kept for their documents just as they were.

    Attachments go to the study's storage where `keep` says so, before the trial is finished.
    """
    name = wants_evaluation(fn, annotated_only=True)

    def objective(config: Any, evaluation: Evaluation) -> Any:
        number = evaluation.number
        # Looked at before the call: while it goes on, others may give up this attempt and begin another.
        attempt = int(study.history.attempts[number])
        result = fn(config, **{str(name): evaluation}) if name else fn(config)
        if not isinstance(result, Mapping):
            return result
        attached = result.get("attachments")
        if not (attached is None or (isinstance(attached, Mapping) and all(isinstance(key, str) for key in attached))):
            raise InvalidResult(f"the objective returned attachments {attached!r:.80}, expected a dict from names")
        returned = {k: v for k, v in result.items() if k != "attachments"}
        results[number, attempt] = {**returned, "attachments": attached or {}}
        index = _attachments.put(study.stream, number, attached) if keep and attached else {}
        return {**returned, "attachments": index} if index else returned

    return objective


def _saver(trials: Trials, path: Path) -> Callable[[Study, Trial], None]:
    return lambda study, trial: save_trials(trials, path)


def _early_stop(trials: Trials, function: Callable[..., tuple[bool, Sequence[Any]]]) -> Callable[[Study, Trial], None]:
    args: Sequence[Any] = ()

    def after(study: Study, trial: Trial) -> None:
        nonlocal args
        stop, args = function(trials, *args)
        if stop:
            raise StopStudy("early_stop_fn")

    return after


def _interrupted(result: Result, trials: Trials, say: bool, save_file: Path | None) -> None:
    """Say where things stand, and raise."""
    history = result.history
    if say:
        best = "no loss so far"
        if history.best_number is not None:
            best = f"best loss {result.best.loss!r} with {result.best.params!r}"
        if result.study.storage.durable or save_file is not None:
            how = "run the same program again"
        else:
            how = "pass the same trials= again, or next time trials_save_file= or storage= to keep them"
        print(f"parzen: interrupted after {history.finished} trials; {best}; to go on: {how}", file=sys.stderr)  # noqa: T201  # a line for people
    if result.signal == signal.SIGTERM:
        raise SystemExit(128 + signal.SIGTERM)
    raise KeyboardInterrupt


def _answer(result: Result, trials: Trials, return_argmin: bool) -> Any:
    history = result.history
    number = history.best_number
    if not return_argmin:
        return None if number is None else history.config(number)
    best = result.best  # raises AllTrialsFailed where there is none
    answer = Best(raw_values(history.space, history.points, best.number))
    answer.config, answer.params, answer.trials = best.config, best.params, trials
    answer.loss = float(history.losses[best.number])
    return answer
