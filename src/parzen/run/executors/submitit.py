"""Slurm, by submitit: each trial is a job of the queue; `LocalExecutor` is the same on this machine, for a first try.

    executor = submitit.AutoExecutor("logs")
    executor.update_parameters(timeout_min=60, slurm_partition="gpu", gpus_per_node=1)
    parzen.minimize(train, space, trials=200, executor=executor, parallel=16)

A job that is preempted, runs out of its time or dies with its node is run again, up to three times.
"""

from __future__ import annotations

import threading
from typing import Any

from parzen.errors import ExecutorError
from parzen.run.executors._base import Begun, Job
from parzen.run.executors._calls import call
from parzen.run.executors._engine import Engine

__all__ = ["Submitit"]

_LOOK = 0.5
"""Seconds between looks at the jobs; submitit asks Slurm itself once a minute at most, and looks for files else."""


class Submitit(Engine):
    """An executor over submitit.

    Args:
        executor: an `AutoExecutor`, `SlurmExecutor` or `LocalExecutor`, with the parameters of one trial.
        slots: how many jobs are in the queue at once; has to be said.
    """

    queues = True
    forceful = True

    def __init__(self, executor: Any, slots: int | None = None) -> None:
        if slots is None:
            raise ExecutorError("a queue does not say how many trials at once: give parallel= as well")
        super().__init__(slots)
        self.executor = executor
        self._submitted: dict[int, tuple[int, Any]] = {}
        self._running: set[int] = set()
        self._lock = threading.Lock()
        self._closed = threading.Event()

    def open(self, job: Job) -> None:
        super().open(job)
        self._closed = threading.Event()
        threading.Thread(target=self._look, args=(self._closed,), name="parzen-submitit", daemon=True).start()

    def begin(self, task: bytes, number: int, attempt: int) -> None:
        job = self.executor.submit(call, self.packed_job, task, number, attempt, self.address)
        with self._lock:
            self._submitted[number] = attempt, job

    def _look(self, closed: threading.Event) -> None:
        while not closed.wait(_LOOK):
            with self._lock:
                submitted = list(self._submitted.items())
            for number, (attempt, job) in submitted:
                self._look_at(number, attempt, job)

    def _look_at(self, number: int, attempt: int, job: Any) -> None:
        try:
            if not job.done():
                if number not in self._running and job.state == "RUNNING":
                    self._running.add(number)
                    self._inbox.put(Begun(number, attempt))
                return
            answer = job.result()
        except Exception as error:  # submitit's own, with the job's log
            answer = error
        with self._lock:
            if self._submitted.pop(number, None) is None:
                return
        self._running.discard(number)
        self.over(number, attempt, answer)

    def end(self, number: int) -> bool:
        with self._lock:
            _, job = self._submitted.pop(number, (0, None))
        self._running.discard(number)
        if job is not None:
            job.cancel(check=False)
        return True

    def close(self) -> None:
        self._closed.set()
        super().close()
