"""A Spark session: `executor=spark`; each trial is a job of one task, with a thread of its own that waits for it.

    spark = SparkSession.builder.getOrCreate()
    parzen.minimize(objective, space, trials=100, executor=spark)

Spark runs a failed task again as often as `spark.task.maxFailures` says; what it gives up is run again by the driver.
"""

from __future__ import annotations

import secrets
import threading
from typing import Any

from parzen.run.executors._base import Job
from parzen.run.executors._calls import call
from parzen.run.executors._engine import Engine
from parzen.run.executors._spark_jobs import SparkJobs

__all__ = ["Spark"]

_LARGE = 1 << 16
"""Bytes of an objective from which it is sent to each machine once and not with each trial."""


class Spark(Engine):
    """An executor over a Spark session.

    Args:
        session: of pyspark; goes on.
        slots: how many trials at once; None for the session's default parallelism.
        resource_profile: what a trial needs; None for the session's default.
    """

    def __init__(self, session: Any, slots: int | None = None, resource_profile: Any = None) -> None:
        super().__init__(slots or max(int(session.sparkContext.defaultParallelism), 1))
        self._jobs = SparkJobs(session, resource_profile, what="Trials of parzen")
        self._group = f"parzen_{secrets.token_hex(4)}"
        self._begun: dict[int, int] = {}  # number -> attempt

    def open(self, job: Job) -> None:
        super().open(job)
        self._there = self._jobs.share(self.packed_job) if len(self.packed_job) >= _LARGE else None

    def begin(self, task: bytes, number: int, attempt: int) -> None:
        job, there, address = self.packed_job if self._there is None else b"", self._there, self.address

        def evaluate() -> bytes:
            return call(job if there is None else there.value, task, number, attempt, address)

        def wait() -> None:
            try:
                answer: bytes | BaseException = bytes(
                    self._jobs.run(evaluate, self._group_of(number, attempt), interrupt=True)
                )
            except BaseException as error:  # whatever Spark has to say
                answer = error
            self.over(number, attempt, answer)

        self._begun[number] = attempt
        threading.Thread(target=self._jobs.in_thread(wait), name=f"parzen-spark-{number}", daemon=True).start()

    def _group_of(self, number: int, attempt: int) -> str:
        return f"{self._group}_{number}_{attempt}"

    @property
    def forceful(self) -> bool:
        """Whether a job can be ended: not every Spark tells which thread's job is which."""
        return bool(self._jobs.can_cancel)

    def end(self, number: int) -> bool:
        if not self._jobs.can_cancel:
            return False
        self._jobs.cancel(self._group_of(number, self._begun[number]))
        return True
