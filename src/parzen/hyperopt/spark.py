"""Hyperopt's trials on Spark: each trial is a job of one task.

`fmin` suggests documents in the calling thread; a dispatcher starts a thread for each, up to the parallelism, which runs the
job and writes what came of it into the document.  pyspark is imported when a `SparkTrials` is made.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

from parzen._lazy import require
from parzen.errors import MissingDependency, StudyError
from parzen.hyperopt._spark_dispatcher import (
    FMIN_CANCELLED_REASON_EARLY_STOPPING,
    FMIN_CANCELLED_REASON_LOSS,
    FMIN_CANCELLED_REASON_TIMEOUT,
    FMIN_CANCELLED_REASON_USER,
    Dispatcher,
)
from parzen.hyperopt._watching import UNSAID
from parzen.hyperopt.base import (
    JOB_STATE_CANCEL,
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    STATUS_OK,
    Document,
    Trials,
    validate_loss_threshold,
    validate_timeout,
)
from parzen.run.executors._spark_jobs import SparkJobs

__all__ = [
    "FMIN_CANCELLED_REASON_EARLY_STOPPING",
    "FMIN_CANCELLED_REASON_LOSS",
    "FMIN_CANCELLED_REASON_TIMEOUT",
    "FMIN_CANCELLED_REASON_USER",
    "STATUS_OK",
    "SparkTrials",
]

_have_spark = importlib.util.find_spec("pyspark") is not None

logger = logging.getLogger("hyperopt-spark")


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
        dispatcher = Dispatcher(
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
            answer = super().fmin(
                fn,
                space,
                algo=algo,
                max_evals=max_evals,
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
