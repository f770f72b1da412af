"""Pools of `concurrent.futures`, and whatever else is one: of processes, of threads, loky's, and over MPI.

    with MPIPoolExecutor() as pool:  # mpi4py.futures
        parzen.minimize(objective, space, trials=100, executor=pool)

A pool cannot end what runs in it.  When a run ends early, what is left running is told by `should_stop`, and not waited for.
"""

from __future__ import annotations

import concurrent.futures
from typing import Any

from parzen.errors import ExecutorError
from parzen.run.executors._base import Begun, Job, Message, Task
from parzen.run.executors._calls import call, evaluate_apart
from parzen.run.executors._engine import Engine
from parzen.run.executors._evaluate import dumped, evaluate
from parzen.run.executors.threads import Line

__all__ = ["Futures"]


class Futures(Engine):
    """An executor over a pool.

    Args:
        pool: stays open.
        slots: how many trials at once; None for as many as the pool has workers.
    """

    def __init__(self, pool: concurrent.futures.Executor, slots: int | None = None) -> None:
        super().__init__(slots or _workers_of(pool))
        self.pool = pool
        self._futures: dict[int, Any] = {}

    def begin(self, task: bytes, number: int, attempt: int) -> None:
        self._follow(number, attempt, call, self.packed_job, task, number, attempt, self.address)

    def _follow(self, number: int, attempt: int, function: Any, *args: Any) -> None:
        try:
            future = self.pool.submit(function, *args)
        except RuntimeError as error:  # broken, or shut down
            raise ExecutorError(
                f"the pool takes no more work ({type(error).__name__}: {error}); parallel= replaces processes that die"
            ) from error
        self._futures[number] = future

        def done(future: Any) -> None:
            if future.cancelled():
                return
            error = future.exception()
            answer = future.result() if error is None else error
            if answer is not None:  # who shares our memory has said it already
                self.over(number, attempt, answer)

        future.add_done_callback(done)

    def end(self, number: int) -> bool:
        future = self._futures.pop(number, None)
        return future is None or bool(future.cancel())


class ThreadFutures(Futures):
    """An executor over a pool of threads: the objective is called as it is, and nothing is pickled."""

    def open(self, job: Job) -> None:
        self._bytes = dumped(job, "the objective") if job.apart else b""
        self.job = job

    def submit(self, task: Task) -> None:
        self._awaited[task.number] = task.attempt
        self._inbox.put(Begun(task.number, task.attempt))
        try:
            self._follow(task.number, task.attempt, self._evaluate, task)
        except BaseException:
            del self._awaited[task.number]
            raise

    def _evaluate(self, task: Task) -> None:
        line = Line(self._inbox.put, self.is_closed)
        job = self.job
        ended: Message = evaluate_apart(job, self._bytes, task, line) if job.apart else evaluate(job, task, line)
        self._inbox.put(ended)

    def is_closed(self) -> bool:
        return not self._awaited


def _workers_of(pool: Any) -> int:
    """How many workers a pool has.

    Raises:
        ExecutorError: it does not say.
    """
    for name in ("_max_workers", "num_workers"):
        count = getattr(pool, name, None)
        if isinstance(count, int) and count > 0:
            return count
    raise ExecutorError(f"{type(pool).__name__} does not say how many workers it has: give parallel= as well")
