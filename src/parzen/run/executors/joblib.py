"""Whatever joblib runs on: `executor=joblib.Parallel(n_jobs=4)`, with the backend that it was given or configured for.

    with joblib.parallel_config(backend="loky"):
        parzen.minimize(objective, space, trials=100, executor=joblib.Parallel(n_jobs=4))

joblib's pools lose everything that runs with one process that dies; all of it is run again in a new pool.
"""

from __future__ import annotations

import contextlib
from typing import Any

from parzen.errors import ExecutorError
from parzen.run.executors._base import Job
from parzen.run.executors._calls import call
from parzen.run.executors._engine import Engine

__all__ = ["Joblib"]


class Joblib(Engine):
    """An executor over joblib.

    Args:
        parallel: a `joblib.Parallel`.
        slots: how many trials at once; None for as many as it has workers.
    """

    def __init__(self, parallel: Any, slots: int | None = None) -> None:
        super().__init__(slots or _workers_of(parallel))
        self.parallel = parallel
        self._entered = contextlib.ExitStack()
        self._is_broken = False

    def open(self, job: Job) -> None:
        super().open(job)
        self._entered.enter_context(self.parallel)

    def begin(self, task: bytes, number: int, attempt: int) -> None:
        from joblib.parallel import BatchedCalls

        backend = self.parallel._backend
        if self._is_broken:
            backend.abort_everything(ensure_ready=True)
            self._is_broken = False
        args = self.packed_job, task, number, attempt, self.address
        # The form in which every backend takes work, that of Dask too.
        batch = BatchedCalls([(call, args, {})], backend.get_nested_backend())

        def done(out: Any) -> None:
            try:
                (answer,) = backend.retrieve_result_callback(out)
            except BaseException as error:  # whatever the engine has to say
                answer = error
            self.over(number, attempt, answer)

        backend.submit(batch, done)

    def mend(self, error: BaseException) -> None:
        self._is_broken = True

    def close(self) -> None:
        if self._awaited and not self._is_broken:
            # Everything that runs is ours: a `Parallel` serves one caller.
            self.parallel._backend.abort_everything(ensure_ready=True)
        super().close()
        self._entered.close()


def _workers_of(parallel: Any) -> int:
    with parallel:
        count = int(parallel._effective_n_jobs())
    if count < 1:
        raise ExecutorError(f"joblib.Parallel has {count} workers: give n_jobs=")
    return count
