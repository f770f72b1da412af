"""Hyperopt's loop over documents: ask a suggest function for documents, evaluate them or wait for workers, look again.

It is what `fmin` runs where documents are all that the parties share: a suggest function of somebody else, a `Trials` whose
documents are evaluated elsewhere, several suggestions at once.  It is slower than the core's loop, because it looks at
all documents before each trial: anybody may have changed them.

`FMinIter` is also a bag of the things that belong to a search, which NNI and others use without running it.
"""

from __future__ import annotations

import functools
import logging
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence, Sized
from contextlib import contextmanager, nullcontext
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from parzen.algorithms import Algorithm
from parzen.errors import AlgorithmError, StopStudy, TrialPruned
from parzen.feedback import RunInfo, feedback_for
from parzen.hyperopt._arguments import algorithm_of, seed_from
from parzen.hyperopt._history import history_of, suggest_documents
from parzen.hyperopt._pickles import Saver
from parzen.hyperopt._queue import Queue
from parzen.hyperopt._watching import NOBODY, UNSAID, feedback_of, progress_callback_of
from parzen.hyperopt.base import (
    JOB_STATE_CANCEL,
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
    STATUS_FAIL,
    Ctrl,
    Document,
    Domain,
    Trials,
    coarse_utcnow,
    spec_from_misc,
)
from parzen.run import Interrupts
from parzen.trials import History

__all__ = ["EarlyStop", "FMinIter", "Suggest", "suggest_of"]

Suggest: TypeAlias = Callable[..., Sequence[Document]]
"""`suggest(new_ids, domain, trials, seed)`: documents for some or all of the ids; none ends the search."""

EarlyStop: TypeAlias = Callable[..., tuple[bool, Sequence[Any]]]
"""`early_stop(trials, *args)`: whether to stop, and the `args` of the next call."""

_log = logging.getLogger("parzen")

_OPEN = [JOB_STATE_NEW, JOB_STATE_RUNNING]


class FMinIter:
    """A search over documents, step by step.  Iterating gives the `Trials` after each suggestion and its evaluation.

    Args:
        algo: a suggest function, or an algorithm of parzen.
        domain: what to minimise, over which space.
        trials: where documents are kept.
        rstate: numpy Generator or RandomState, or an integer; a seed is drawn from it for each suggestion.
        asynchronous: documents are evaluated by somebody else; None asks `trials`.
        max_queue_len: so many documents are suggested before they are evaluated.
        poll_interval_secs: how often to look whether somebody else has evaluated documents.
        max_evals: total number of documents, those already in `trials` included.
        timeout: seconds from now after which no further document is suggested.
        loss_threshold: stop when a loss is this low.
        verbose: tell in words what happens.
        show_progressbar: the bar, which may be a progress callback, see `progress`; not given it is as `verbose` says.
        early_stop_fn: `(trials, *args) -> (stop, args)`, called after each batch.
        trials_save_file: a file that the trials are saved to after each batch.

    Attributes:
        catch_eval_exceptions: go on when the objective raises an `Exception`.
        progress_callback: what shows how far it is; parzen's feedback where it is `progress.default_callback`.
        saver: of `trials_save_file`; made when it is first needed.
        start_time: when the timeout began to count, as of `time.perf_counter`.
        interrupted_by: the number of the signal that ended the last `run`; None where none did.
        stopped_by: why the last `run` ended before its time, in a word or two; None where it did not.
    """

    __module__ = "parzen.hyperopt.fmin"  # where programs find it

    catch_eval_exceptions = False
    pickle_protocol = -1

    def __init__(
        self,
        algo: Any,
        domain: Domain,
        trials: Trials,
        rstate: Any,
        asynchronous: bool | None = None,
        max_queue_len: int = 1,
        poll_interval_secs: float = 1.0,
        max_evals: int = sys.maxsize,
        timeout: float | None = None,
        loss_threshold: float | None = None,
        verbose: Any = False,
        show_progressbar: Any = UNSAID,
        early_stop_fn: EarlyStop | None = None,
        trials_save_file: Any = "",
    ) -> None:
        self.algo = algo
        self.domain = domain
        self.trials = trials
        self.rstate = np.random.default_rng(rstate) if isinstance(rstate, (int, np.integer)) else rstate
        self.asynchronous = trials.asynchronous if asynchronous is None else asynchronous
        self.max_queue_len = max_queue_len
        self.poll_interval_secs = poll_interval_secs
        self.max_evals = max_evals
        self.timeout = timeout
        self.loss_threshold = loss_threshold
        self.verbose = verbose
        self.progress_callback = progress_callback_of(verbose, show_progressbar)
        self.early_stop_fn = early_stop_fn
        self.early_stop_args: Sequence[Any] = []
        self.trials_save_file = trials_save_file
        self.start_time = time.perf_counter()
        self.saver: Saver | None = None
        self.stopped_by: str | None = None
        self.interrupted_by: int | None = None
        self._interrupts: Interrupts | None = None
        self._queue = Queue(trials)
        if self.asynchronous and getattr(trials, "_attaches_domain", True):
            import cloudpickle  # type: ignore[import-untyped]  # it ships no types

            if "FMinIter_Domain" in trials.attachments:
                _log.info("the trials have a domain from an earlier search: workers get the new one")
            message = cloudpickle.dumps(domain)
            cloudpickle.loads(message)  # what no worker can load is to be known now
            trials.attachments["FMinIter_Domain"] = message

    # --- evaluating ---------------------------------------------------------------------------------------------

    def serial_evaluate(self, N: int = -1) -> None:  # noqa: N803  # Hyperopt's own spelling
        """Evaluate documents in state NEW, here and one after the other.

        Args:
            N: so many at most; -1 for all.

        Raises:
            BaseException: whatever the objective raised, after it was recorded; unless `catch_eval_exceptions`.
        """
        try:
            # Asked again, for the evaluation of one may end others.
            waiting = (doc for doc in self._queue.waiting() if doc["state"] == JOB_STATE_NEW)
            for doc in islice(waiting, None if N < 0 else N):
                self._evaluate(doc)
                if doc["state"] == JOB_STATE_CANCEL:  # StopStudy ends the search, and not this trial alone
                    break
        finally:
            self._queue.look()

    def _evaluate(self, doc: Document) -> None:
        doc["state"] = JOB_STATE_RUNNING
        doc["book_time"] = doc["refresh_time"] = coarse_utcnow()
        try:
            with self._interrupts.raising() if self._interrupts is not None else nullcontext():
                result = self.domain.evaluate(spec_from_misc(doc["misc"]), Ctrl(self.trials, current_trial=doc))
        except KeyboardInterrupt:
            doc["state"], doc["book_time"] = JOB_STATE_NEW, None  # nobody is at it any more
            raise
        except TrialPruned:
            doc["state"], doc["result"] = JOB_STATE_DONE, {"status": STATUS_FAIL}
        except StopStudy:
            doc["state"] = JOB_STATE_CANCEL
            self.stopped_by = "callback"
        except BaseException as error:  # SystemExit and the user's own too: no document is left RUNNING
            doc["state"] = JOB_STATE_ERROR
            doc["misc"]["error"] = (str(type(error)), str(error))
            if not (self.catch_eval_exceptions and isinstance(error, Exception)):
                raise
            _log.info("trial %s failed: %s", doc["tid"], error)
        else:
            doc["state"], doc["result"] = JOB_STATE_DONE, result
        finally:
            doc["refresh_time"] = None if doc["state"] == JOB_STATE_NEW else coarse_utcnow()
            self._queue.ended(doc)

    def block_until_done(self) -> None:
        """Wait for the workers, or evaluate here what is left."""
        if not self.asynchronous:
            self.serial_evaluate()
            return
        while self.trials.count_by_state_unsynced(_OPEN):
            self._wait()
        self.trials.refresh()

    def _wait(self) -> None:
        with self._interrupts.raising() if self._interrupts is not None else nullcontext():
            time.sleep(self.poll_interval_secs)

    # --- running ------------------------------------------------------------------------------------------------

    @property
    def is_cancelled(self) -> bool:
        """Whether the trials were cancelled; those of Spark can be."""
        return bool(getattr(self.trials, "_fmin_cancelled", False))

    def run(self, N: int, block_until_done: bool = True) -> None:  # noqa: N803
        """Suggest documents and have them evaluated.

        Args:
            N: so many are suggested at most.
            block_until_done: return only when nothing is left to be evaluated, or running.

        Raises:
            KeyboardInterrupt: on Ctrl-C; the document that was being evaluated is NEW again.  SIGTERM: `SystemExit`.
        """
        self.stopped_by = self.interrupted_by = None
        queued = 0
        self.trials.refresh()
        with Interrupts() as interrupts, self._queue.alone(self.domain):
            self._interrupts = interrupts
            try:
                with self._watched() as tell:
                    while True:
                        self.stopped_by = self.stopped_by or self._reason_to_stop()
                        if self.stopped_by is not None:
                            break
                        queued += self._fill_queue(N - queued)
                        if self.is_cancelled:
                            self.stopped_by = "cancelled"
                            break
                        if queued >= N and not self._is_to_do(block_until_done):
                            break
                        if self.asynchronous:
                            self._wait()
                            self.trials.refresh()
                        else:  # it refreshes
                            self.serial_evaluate(max(self.max_queue_len, 1))
                        self._after_batch()
                        tell()
                    if block_until_done and (self.asynchronous or self.stopped_by != "callback"):
                        self.block_until_done()
                        tell()
            except KeyboardInterrupt:
                self.interrupted_by = interrupts.signal or signal.SIGINT
                if self.interrupted_by == signal.SIGTERM:
                    raise SystemExit(128 + signal.SIGTERM) from None
                raise
            finally:
                self._interrupts = None

    def _is_to_do(self, block_until_done: bool) -> bool:
        """Whether documents are left that this run is to see the end of."""
        if self.asynchronous:
            return block_until_done and self.trials.count_by_state_unsynced(_OPEN) > 0
        return len(self._queue) > 0

    def _reason_to_stop(self) -> str | None:
        if self._interrupts is not None and self._interrupts.signal is not None:
            raise KeyboardInterrupt
        if self.timeout is not None and time.perf_counter() - self.start_time >= self.timeout:
            return "timeout"
        if self.loss_threshold is not None:
            losses = [float(loss) for loss in self.trials.losses() if loss is not None]
            if any(loss <= self.loss_threshold for loss in losses):  # NaN is not
                return "loss threshold"
        return None

    def _fill_queue(self, most: int) -> int:
        """Suggest documents until the queue is full; how many.  The trials are fresh before and after."""
        suggest, queued = suggest_of(self.algo), 0
        while queued < most and not self.is_cancelled:
            room = self.max_queue_len - len(self._queue)
            if room <= 0:
                break
            ids = self.trials.new_trial_ids(min(room, most - queued))
            docs = suggest(ids, self.domain, self.trials, seed_from(self.rstate))
            if not isinstance(docs, Sized):
                raise AlgorithmError(
                    f"the suggest function gave {docs!r:.80}, expected a list of documents; an empty one ends the search"
                )
            if len(docs) > len(ids):
                raise AlgorithmError(
                    f"the suggest function gave {len(docs)} documents for {len(ids)} ids: one for each at most"
                )
            if not len(docs):
                self.stopped_by = "algorithm"
                break
            self._queue.insert(docs)
            queued += len(docs)
        return queued

    def _after_batch(self) -> None:
        if self.trials_save_file:
            if self.saver is None:
                self.saver = Saver(self.trials, Path(self.trials_save_file).absolute())
            self.saver()
        if self.early_stop_fn is not None:
            stop, self.early_stop_args = self.early_stop_fn(self.trials, *self.early_stop_args)
            if stop:
                self.stopped_by = "early_stop_fn"

    @contextmanager
    def _watched(self) -> Iterator[Callable[[], None]]:
        """Feedback for the time of a run; what it gives is called when something has happened."""
        shown = feedback_of(self.verbose, self.progress_callback)
        if shown is NOBODY:  # then nobody needs the history
            yield lambda: None
            return
        feedback = feedback_for(shown)

        def history() -> History:
            return history_of(self.domain, self.trials)

        self.trials.refresh()
        begun = history()
        total = self.max_evals if 0 <= self.max_evals < sys.maxsize else None
        info = RunInfo(
            name="fmin",
            total=total,
            timeout=self.timeout,
            already=begun.finished,
            resume_hint="pass the same trials= again",
        )
        failure: BaseException | None = None
        feedback.start(info, begun)
        try:
            yield lambda: feedback((), history())
        except BaseException as error:
            failure = error
            raise
        finally:
            reason = "interrupt" if isinstance(failure, KeyboardInterrupt) else "error"
            feedback.finish(history(), (self.stopped_by or "trials") if failure is None else reason, failure)

    # --- Hyperopt's ways to run it ------------------------------------------------------------------------------

    def __iter__(self) -> FMinIter:
        return self

    def __next__(self) -> Trials:
        """One suggestion more, evaluated or given to the workers; the trials."""
        if self.stopped_by is not None:
            raise StopIteration
        self.run(1, block_until_done=self.asynchronous)
        if self.stopped_by is not None or len(self.trials) >= self.max_evals:
            raise StopIteration
        return self.trials

    def exhaust(self) -> FMinIter:
        """Run until there are `max_evals` documents, or something says stop."""
        self.run(self.max_evals - len(self.trials), block_until_done=self.asynchronous)
        self.trials.refresh()
        return self


def suggest_of(algo: Any) -> Suggest:
    """The suggest function of what a user may give as algorithm.

    Raises:
        AlgorithmError: it is none.
    """
    named = None if callable(algo) and not isinstance(algo, Algorithm) else algorithm_of(algo)
    if named is None:
        return algo  # type: ignore[no-any-return]  # what it gives is looked at when it is called
    return functools.partial(suggest_documents, named)
