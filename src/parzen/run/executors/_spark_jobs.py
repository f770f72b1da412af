"""One call of a function as one job on Spark: the whole of what parzen knows about running things there.

The executor for Spark stands on it, and so does `SparkTrials` of the old door.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from parzen._lazy import require

__all__ = ["SparkJobs"]


class SparkJobs:
    """Runs functions on a Spark session, each as a job of one task; from any thread.

    Args:
        session: of pyspark, not of Spark Connect.
        resource_profile: what a task needs; None for the session's default.
        what: a description of the jobs, for Spark's page.

    Attributes:
        pinned: whether each thread of Python has a thread of the JVM to itself, which then knows the group of its jobs.
        can_cancel: whether this pyspark can cancel the jobs of a group.
        has_profiles: whether this session can give tasks a profile; local ones cannot.
        group: of all jobs that are run here; the one that the calling program has set, if it has.
    """

    def __init__(
        self, session: Any, resource_profile: Any = None, what: str = "Trials of parzen's fmin"
    ) -> None:  # pyspark is optional, and so are its types
        self._session = session
        self._context = context = session.sparkContext
        probe = context.parallelize([1])
        self.pinned = isinstance(context._gateway, require("py4j.clientserver", "parzen[spark]").ClientServer)
        self.can_cancel = self.pinned or hasattr(probe, "collectWithJobGroup")
        self.has_profiles = hasattr(probe, "withResources") and not str(context.master).startswith("local")
        self._profile = resource_profile if self.has_profiles else None
        self.group = context.getLocalProperty("spark.jobGroup.id") or f"parzen_SparkTrials_{secrets.token_hex(4)}"
        self._what = context.getLocalProperty("spark.job.description") or what
        self._interrupt = str(context.getLocalProperty("spark.job.interruptOnCancel") or "false").lower()

    def share(self, data: bytes) -> Any:
        """Bytes that all tasks need, sent to each executor once: give the result to `run`'s function, which reads `.value`."""
        return self._context.broadcast(data)

    def in_thread(self, function: Callable[..., None]) -> Callable[..., None]:
        """The function for a thread of its own, which then has the properties that the caller's jobs have."""
        if not self.pinned:
            return function
        pyspark = require("pyspark", "parzen[spark]")
        wrapper: Any = pyspark.inheritable_thread_target
        if int(pyspark.__version__.partition(".")[0]) >= 4:  # which has tags besides, and wants to know whose
            wrapper = wrapper(self._session)
        wrapped: Callable[..., None] = wrapper(function)
        return wrapped

    def run(self, function: Callable[[], Any], group: str | None = None, *, interrupt: bool = False) -> Any:
        """What the function returns on an executor; blocks until then.

        Args:
            group: of this job, by which it can be cancelled; None for the common one.
            interrupt: whether its task ends when it is cancelled, and not only its job.

        Raises:
            Exception: the job failed or was cancelled; pyspark says how.
        """
        rdd = self._context.parallelize([0], 1)
        if self._profile is not None:
            rdd = rdd.withResources(self._profile)
        task = rdd.mapPartitions(lambda _: [function()])
        if self.pinned:
            for key, value in (
                ("spark.jobGroup.id", group or self.group),
                ("spark.job.description", self._what),
                ("spark.job.interruptOnCancel", "true" if interrupt else self._interrupt),
            ):
                self._context.setLocalProperty(key, value)
            return task.collect()[0]
        if self.can_cancel:
            return task.collectWithJobGroup(group or self.group, self._what, interrupt or self._interrupt == "true")[0]
        return task.collect()[0]

    def cancel(self, group: str | None = None) -> None:
        """Cancel all jobs of a group, the common one where none is named; `run` then raises."""
        self._context.cancelJobGroup(group or self.group)
