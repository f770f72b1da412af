"""Hyperopt's trials on Spark: each trial is a job of one task.

`fmin` suggests documents in the calling thread; a dispatcher starts a thread for each, up to the parallelism, which runs the
job and writes what came of it into the document.  pyspark is imported when a `SparkTrials` is made.
"""

from __future__ import annotations

import importlib.util
import logging
import math
import os
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from parzen._lazy import require
from parzen.errors import MissingDependency, StudyError
from parzen.hyperopt._spark_jobs import SparkJobs
from parzen.hyperopt._watching import UNSAID
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
    validate_loss_threshold,
    validate_timeout,
)
from parzen.hyperopt.fmin import fmin

__all__ = ["SparkTrials"]

FMIN_CANCELLED_REASON_EARLY_STOPPING = "early stopping condition"
FMIN_CANCELLED_REASON_LOSS = "loss threshold"
FMIN_CANCELLED_REASON_TIMEOUT = "fmin run timeout"
FMIN_CANCELLED_REASON_USER = "fmin run cancelled by user"

_have_spark = importlib.util.find_spec("pyspark") is not None

logger = logging.getLogger("hyperopt-spark")

_LOOK_EVERY = 1.0
"""Seconds after which the dispatcher looks around though nobody has told it of anything."""
_PATIENCE = 30.0
"""Seconds that cancelled jobs, all together, may take to say so."""


class SparkTrials(Trials):
    """Trials that run on a Spark cluster, several at once.

    Args:
        parallelism: trials at the same time, at most 128; None or a number below 1 for Spark's default parallelism.
        timeout: seconds after which an `fmin` cancels what is running and returns the best so far.
        loss_threshold: a loss that is low enough to do the same.
        spark_session: of pyspark; None for the one there is, or a new one.
        resource_profile: what a task needs, where Spark has stage-level scheduling.

    Attributes:
        parallelism: that is used.
        user_specified_parallelism: that was asked for.

    Raises:
        MissingDependency: pyspark is not installed.
        ValueError: `timeout` or `loss_threshold` cannot be one.
    """

    asynchronous = True
    _attaches_domain = False
    MAX_CONCURRENT_JOBS_ALLOWED = 128
    poll_interval_secs = 0.1
    """How often `fmin` looks at the documents: those of Hyperopt's other asynchronous trials are in a database."""

    def __init__(
        self,
        parallelism: int | None = None,
        timeout: float | None = None,
        loss_threshold: float | None = None,
        spark_session: Any = None,
        resource_profile: Any = None,
    ) -> None:
        super().__init__(exp_key=None, refresh=False)
        self._spark = _session(spark_session)
        validate_timeout(timeout)
        validate_loss_threshold(loss_threshold)
        context = self._spark.sparkContext
        jobs = SparkJobs(self._spark)
        self._spark_pinned_threads_enabled = jobs.pinned
        self._spark_supports_job_cancelling = jobs.can_cancel
        self._spark_supports_resource_profile = jobs.has_profiles
        self._resource_profile = resource_profile if jobs.has_profiles else None
        if resource_profile is not None and not jobs.has_profiles:
            logger.warning("this Spark has no stage-level scheduling: the resource profile is not used")
        if timeout is not None and not jobs.can_cancel:
            logger.warning("this pyspark cannot cancel jobs: the timeout holds for jobs that have not begun")
        self.user_specified_parallelism = parallelism
        self.parallelism = self._decide_parallelism(parallelism, context.defaultParallelism)
        self.timeout = timeout
        self.loss_threshold = loss_threshold
        self._fmin_cancelled = False
        self._fmin_cancelled_reason: str | None = None
        self._changed = threading.Event()
        self.refresh()

    @staticmethod
    def _decide_parallelism(requested_parallelism: int | None, spark_default_parallelism: int) -> int:
        """How many trials run at once; says so where it is not what was asked for."""
        most = SparkTrials.MAX_CONCURRENT_JOBS_ALLOWED
        if requested_parallelism is None or requested_parallelism <= 0:
            parallelism = max(spark_default_parallelism, 1)
            logger.warning(
                "Because the requested parallelism was None or a non-positive value, parallelism will be set to "
                "(%d): Spark's default of %d, or 1. A positive value says how large the cluster is",
                parallelism,
                spark_default_parallelism,
            )
        else:
            parallelism = requested_parallelism
        if parallelism > most:
            logger.warning(
                "Parallelism (%d) is capped at SparkTrials.MAX_CONCURRENT_JOBS_ALLOWED (%d)", parallelism, most
            )
        return min(parallelism, most)

    @property
    def fmin_cancelled_reason(self) -> str | None:
        """Why the last `fmin` was cancelled; None where it was not."""
        return self._fmin_cancelled_reason

    def count_successful_trials(self) -> int:
        """How many trials have a result."""
        return self.count_by_state_unsynced(JOB_STATE_DONE)

    def count_failed_trials(self) -> int:
        """How many raised."""
        return self.count_by_state_unsynced(JOB_STATE_ERROR)

    def count_cancelled_trials(self) -> int:
        """How many were cancelled before they had a result."""
        return self.count_by_state_unsynced(JOB_STATE_CANCEL)

    def count_total_trials(self) -> int:
        """How many have ended, in any of these ways."""
        return self.count_by_state_unsynced([JOB_STATE_DONE, JOB_STATE_ERROR, JOB_STATE_CANCEL])

    def delete_all(self) -> None:
        """Forget every document, and why the last `fmin` was cancelled."""
        super().delete_all()
        self._fmin_cancelled, self._fmin_cancelled_reason = False, None

    def _insert_trial_docs(self, docs: list[Document]) -> list[Any]:
        tids = super()._insert_trial_docs(docs)
        self._changed.set()
        return tids

    def fmin(
        self,
        fn: Any,
        space: Any,
        algo: Any = None,
        max_evals: int | None = None,
        timeout: float | None = None,
        loss_threshold: float | None = None,
        max_queue_len: int = 1,
        rstate: Any = None,
        verbose: bool = False,
        pass_expr_memo_ctrl: bool | None = None,
        catch_eval_exceptions: bool = False,
        return_argmin: bool = True,
        show_progressbar: Any = UNSAID,
        early_stop_fn: Callable[..., tuple[bool, Sequence[Any]]] | None = None,
        trials_save_file: str | os.PathLike[str] = "",
    ) -> Any:
        """`parzen.fmin` with these trials, on Spark; `fmin(..., trials=SparkTrials())` comes here.

        `catch_eval_exceptions` has no effect, because a trial that raises never ends the search; `trials_save_file` has none.

        Raises:
            StudyError: `pass_expr_memo_ctrl` was asked for; an objective on a cluster has no access to the trials.
        """
        if pass_expr_memo_ctrl or getattr(fn, "fmin_pass_expr_memo_ctrl", False):
            raise StudyError(
                "SparkTrials cannot pass expr, memo and ctrl: write an objective that takes a configuration"
            )
        validate_timeout(timeout)
        validate_loss_threshold(loss_threshold)
        if timeout is not None and self.timeout is not None:
            logger.warning("the SparkTrials has a timeout of its own, %s s: that of fmin is not used", self.timeout)
        self._spark = _session(self._spark)
        self._fmin_cancelled, self._fmin_cancelled_reason = False, None
        dispatcher = _Dispatcher(
            self,
            SparkJobs(self._spark, self._resource_profile),
            (fn, space),
            timeout if self.timeout is None else self.timeout,
            self.loss_threshold if loss_threshold is None else loss_threshold,
            early_stop_fn,
        )
        dispatcher.start()
        try:
            # Time, threshold and the rule to stop early are the dispatcher's: it can cancel.
            answer = fmin(
                fn,
                space,
                algo=algo,
                max_evals=max_evals,
                trials=self,
                allow_trials_fmin=False,
                max_queue_len=max_queue_len,
                rstate=rstate,
                verbose=verbose,
                return_argmin=return_argmin,
                show_progressbar=show_progressbar,
            )
        except (KeyboardInterrupt, SystemExit):  # the latter is what SIGTERM comes as
            dispatcher.cancel(FMIN_CANCELLED_REASON_USER)
            logger.debug("fmin thread terminated by user.")
            raise
        except BaseException:
            logger.debug("fmin thread exits with an exception raised.")
            raise
        else:
            logger.debug("fmin thread exits normally.")
            return answer
        finally:
            dispatcher.finish()
            self.refresh()
            logger.info(
                "Total Trials: %d: %d succeeded, %d failed, %d cancelled.",
                self.count_total_trials(),
                self.count_successful_trials(),
                self.count_failed_trials(),
                self.count_cancelled_trials(),
            )

    def __getstate__(self) -> dict[str, Any]:
        # Documents outlive the session; whoever reads the pickle has another one, or none.
        return {**self.__dict__, "_spark": None, "_resource_profile": None, "_changed": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._changed = threading.Event()

    def __str__(self) -> str:
        return f"SparkTrials(trials={self.trials})"


def _session(given: Any) -> Any:
    if not _have_spark:
        raise MissingDependency(
            "SparkTrials cannot import pyspark, which is not installed: pip install parzen[spark]", module="pyspark"
        )
    if given is not None:
        return given
    return require("pyspark.sql", "parzen[spark]").SparkSession.builder.getOrCreate()


def _pickle() -> Any:
    """The cloudpickle of pyspark, which driver and executors have in the same version."""
    return require("pyspark.cloudpickle", "parzen[spark]")


class _Dispatcher:
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
    except (
        BaseException
    ) as error:  # whatever the objective raises is the trial's, not the task's: Spark would try again
        answer = cloudpickle.dumps((None, (str(type(error)), str(error), traceback.format_exc())))
    return answer
