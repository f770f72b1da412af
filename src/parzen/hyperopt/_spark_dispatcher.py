"""Starts a thread for each document of a `SparkTrials`, and ends what is running when something says so.

A thread runs one job and writes what came of it into its document.  The dispatcher has a thread of its own, so that time,
threshold and a user's rule end a search while all jobs are running.
"""

from __future__ import annotations

import logging
import math
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from parzen._lazy import require
from parzen.hyperopt.base import (
    JOB_STATE_CANCEL,
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
    STATUS_OK,
    Document,
    Domain,
    Trials,
    coarse_utcnow,
    spec_from_misc,
)
from parzen.run.executors._spark_jobs import SparkJobs

if TYPE_CHECKING:
    from parzen.hyperopt.spark import SparkTrials

__all__ = [
    "FMIN_CANCELLED_REASON_EARLY_STOPPING",
    "FMIN_CANCELLED_REASON_LOSS",
    "FMIN_CANCELLED_REASON_TIMEOUT",
    "FMIN_CANCELLED_REASON_USER",
    "Dispatcher",
]

FMIN_CANCELLED_REASON_EARLY_STOPPING = "early stopping condition"
FMIN_CANCELLED_REASON_LOSS = "loss threshold"
FMIN_CANCELLED_REASON_TIMEOUT = "fmin run timeout"
FMIN_CANCELLED_REASON_USER = "fmin run cancelled by user"

logger = logging.getLogger("hyperopt-spark")

_LOOK_EVERY = 1.0
"""Seconds after which the dispatcher looks around though nobody has told it of anything."""
_PATIENCE = 30.0
"""Seconds that cancelled jobs, all together, may take to say so."""


class Dispatcher:
    """Starts a thread for each new document while there is room, and cancels when something says so."""

    def __init__(
        self,
        trials: SparkTrials,
        jobs: SparkJobs,
        what: tuple[Any, Any],
        timeout: float | None,
        threshold: float | None,
        early_stop: Callable[..., tuple[bool, Sequence[Any]]] | None,
    ) -> None:
        self.trials, self.jobs = trials, jobs
        self._what = jobs.share(_pickle().dumps(what))  # once, however many trials there are
        self._timeout, self._threshold = timeout, threshold
        self._early_stop, self._early_stop_args = early_stop, ()  # type: tuple[Any, Sequence[Any]]
        self._began = time.monotonic()
        self._over = False
        self._deadline = math.inf  # for what is running; there is one when it was cancelled
        self._finished: list[Document] = []
        self._looked_at = 0
        self._running: dict[int, tuple[Document, threading.Thread]] = {}
        self._writing = threading.Lock()  # of what came of a document: its thread's, until `finish` gives it up
        self._run_in_thread = jobs.in_thread(self._run)
        self._thread = threading.Thread(target=self._dispatch, name="parzen-spark", daemon=True)

    def start(self) -> None:
        """Begin to look for documents."""
        self._thread.start()

    def finish(self) -> None:
        """Start nothing more, and wait for what is running; documents that never began are cancelled.

        Cancelled jobs have `_PATIENCE` seconds, all together; the documents of those that are silent then are cancelled.
        """
        self._over = True
        self.trials._changed.set()
        self._thread.join()
        self._cancel_new()
        for _, thread in list(self._running.values()):
            while thread.is_alive() and (left := self._deadline - time.monotonic()) > 0:
                thread.join(min(left, _LOOK_EVERY))
                if thread.is_alive() and self.trials._fmin_cancelled:
                    self._cancel_jobs()  # it may have begun after the others were cancelled
        self._give_up()
        if self.trials._fmin_cancelled:
            logger.warning("fmin is cancelled, so new trials will not be launched.")
        self._what.unpersist()
        logger.debug("dispatcher thread exits normally.")

    def _dispatch(self) -> None:
        while not self._over:
            try:
                self._start_new()
                reason = None if self.trials._fmin_cancelled else self._reason_to_cancel()
            except Exception:  # a user's early_stop_fn: without this thread the search would wait for ever
                logger.exception("fmin is cancelled because looking for a reason to stop raised")
                reason = "exception in early_stop_fn"
            if reason is not None:
                self.cancel(reason)
            elif self.trials._fmin_cancelled and self._running:
                self._cancel_jobs()  # one that was about to begin is not part of the group yet
                if time.monotonic() >= self._deadline:
                    self._give_up()  # else fmin waits for their documents
            left = _LOOK_EVERY
            if self._timeout is not None and not self.trials._fmin_cancelled:
                left = self._began + self._timeout - time.monotonic()
            self.trials._changed.wait(min(max(left, 0.01), _LOOK_EVERY))
            self.trials._changed.clear()

    def _start_new(self) -> None:
        if self.trials._fmin_cancelled:
            self._cancel_new()
            return
        for doc in list(self.trials._dynamic_trials):
            if len(self._running) >= self.trials.parallelism:
                return
            if doc["state"] == JOB_STATE_NEW:
                doc["state"] = JOB_STATE_RUNNING
                doc["book_time"] = doc["refresh_time"] = coarse_utcnow()
                logger.debug("trial task %s started", doc["tid"])
                thread = threading.Thread(target=self._run_in_thread, args=(doc,), daemon=True)
                self._running[id(doc)] = doc, thread
                thread.start()

    # --- reasons to stop ----------------------------------------------------------------------------------------

    def _reason_to_cancel(self) -> str | None:
        if self._timeout is not None and time.monotonic() - self._began >= self._timeout:
            return FMIN_CANCELLED_REASON_TIMEOUT
        news = self._finished[self._looked_at :]
        if not news:
            return None
        self._looked_at += len(news)
        ok = [doc["result"] for doc in news if doc["result"].get("status") == STATUS_OK]
        if self._threshold is not None and any(float(result["loss"]) <= self._threshold for result in ok):
            return FMIN_CANCELLED_REASON_LOSS
        if self._early_stop is not None and ok:
            stop, self._early_stop_args = self._early_stop(self._those_finished(), *self._early_stop_args)
            if stop:
                return FMIN_CANCELLED_REASON_EARLY_STOPPING
        return None

    def _those_finished(self) -> Trials:
        """The trials, of which only those show that have a result, in the order in which they came: rules look at the last one."""
        seen = self.trials.view(exp_key=self.trials._exp_key, refresh=False)
        seen._trials = self._finished[: self._looked_at]
        return seen

    def cancel(self, reason: str) -> None:
        """Cancel what waits and what is running, as far as this pyspark can."""
        self.trials._fmin_cancelled_reason = reason
        self.trials._fmin_cancelled = True
        self._cancel_new()
        if self.trials._spark_supports_job_cancelling:
            self._deadline = time.monotonic() + _PATIENCE
            logger.debug("Cancelling all running jobs in job group %s", self.jobs.group)
            self._cancel_jobs()
        else:
            logger.info("This pyspark cannot cancel jobs: SparkTrials will block until those that are running finish.")
        logger.warning("fmin cancelled because of %s", reason)

    def _cancel_new(self) -> None:
        for doc in list(self.trials._dynamic_trials):
            if doc["state"] == JOB_STATE_NEW:
                self._close(doc, JOB_STATE_CANCEL, (str(RuntimeError), "fmin ended before the trial began"))

    def _give_up(self) -> None:
        """Close the documents of cancelled jobs that have not said that they ended; what they say later changes nothing."""
        with self._writing:
            silent = [doc for doc, _ in list(self._running.values()) if doc["state"] == JOB_STATE_RUNNING]
            for doc in silent:
                self._close(doc, JOB_STATE_CANCEL, (str(RuntimeError), "cancelled, and the job has not ended"))
        if silent:
            logger.warning("%d cancelled jobs have not ended, their trials are given up", len(silent))

    def _cancel_jobs(self) -> None:
        if self.trials._spark_supports_job_cancelling:
            self.jobs.cancel()

    # --- one trial, in its thread -------------------------------------------------------------------------------

    def _run(self, doc: Document) -> None:
        tid, what = doc["tid"], self._what
        params = spec_from_misc(doc["misc"])
        try:
            answer = self.jobs.run(lambda: _evaluate(what.value, params))
            with self._writing:
                if doc["state"] == JOB_STATE_RUNNING:
                    self._take(doc, answer)
        except BaseException as error:  # of Spark, not of the objective: a lost executor, a job that was cancelled
            with self._writing:
                if doc["state"] != JOB_STATE_RUNNING:
                    logger.debug("trial task %s ended after it had been given up, exception is %s", tid, error)
                elif self.trials._fmin_cancelled:
                    logger.debug("trial task %s cancelled, exception is %s", tid, error)
                    self._close(doc, JOB_STATE_CANCEL, (str(type(error)), str(error)))
                else:
                    logger.error("trial task %s failed, exception is %s", tid, error)  # noqa: TRY400  # the line has it
                    self._close(doc, JOB_STATE_ERROR, (str(type(error)), traceback.format_exc()))
            logger.debug("trial %s task thread catches an exception and writes the info back correctly.", tid)
        finally:
            self._running.pop(id(doc), None)
            self.trials._changed.set()

    def _take(self, doc: Document, answer: bytes) -> None:
        tid = doc["tid"]
        result, error = _pickle().loads(answer)
        if error is not None:
            logger.error("trial task %s failed, exception is %s.\n %s", tid, error[1], error[2])
            self._close(doc, JOB_STATE_ERROR, (error[0], f"{error[1]}\n{error[2]}"))
            logger.debug("trial %s task thread catches an exception and writes the info back correctly.", tid)
            return
        attachments = self.trials.trial_attachments(doc)
        for name, value in (result.pop("attachments", None) or {}).items():
            attachments[name] = value
        logger.debug("trial task %s succeeded, result is %s", tid, result)
        doc["result"] = result
        self._close(doc, JOB_STATE_DONE, None)
        self._finished.append(doc)
        logger.debug("trial %s task thread exits normally and writes results back correctly.", tid)

    @staticmethod
    def _close(doc: Document, state: int, error: tuple[str, str] | None) -> None:
        if error is not None:
            doc["misc"]["error"] = error
        doc["refresh_time"] = coarse_utcnow()
        doc["state"] = state  # last: who sees it sees the rest as well


def _evaluate(what: bytes, params: dict[str, Any]) -> bytes:
    """Evaluate a document; runs on an executor.

    Returns:
        A pickled pair: the result, or None; and None, or the exception as class, text and traceback, all of them text,
        because not every exception can be pickled.
    """
    cloudpickle = _pickle()
    try:
        fn, space = cloudpickle.loads(what)
        result = Domain(fn, space).evaluate(params, None, attach_attachments=False)
        answer: bytes = cloudpickle.dumps((result, None))
    except BaseException as error:
        # Whatever the objective raises is the trial's, not the task's: Spark would try again.
        answer = cloudpickle.dumps((None, (str(type(error)), str(error), traceback.format_exc())))
    return answer


def _pickle() -> Any:
    """The cloudpickle of pyspark, which driver and executors have in the same version."""
    return require("pyspark.cloudpickle", "parzen[spark]")
