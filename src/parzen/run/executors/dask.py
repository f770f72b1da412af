"""A Dask cluster: `executor=Client(...)`, local or of any size.

    with Client("scheduler:8786") as client:
        parzen.minimize(objective, space, trials=1000, executor=client)

Dask itself runs again what a worker had that died, on another one; what it gives up is run again by the driver.  A task that
runs cannot be ended from outside, so limits are kept by a process of their own on the worker.
"""

from __future__ import annotations

import contextlib
import threading
from queue import Empty, SimpleQueue
from typing import Any

from parzen.errors import ExecutorError
from parzen.run.executors._base import Job
from parzen.run.executors._calls import call
from parzen.run.executors._engine import Engine, early_calls

__all__ = ["Dask"]

_LARGE = 1 << 20
"""Bytes of an objective from which it is sent to the cluster once and not with each trial."""


class Dask(Engine):
    """An executor over a Dask client.

    Args:
        client: stays connected.
        slots: how many trials at once; None for as many as the workers have threads now.
        options: for `client.submit`, such as `resources={"GPU": 1}` or `workers=[...]`.
    """

    def __init__(self, client: Any, slots: int | None = None, **options: Any) -> None:
        room = _threads_of(client)
        super().__init__(slots or _checked(room))
        self.early = early_calls(self.slots, room)
        self.client, self.options = client, options
        self._futures: dict[int, Any] = {}
        self._ended: SimpleQueue[tuple[Any, int, int] | None] = SimpleQueue()
        self._sent: Any = None

    def open(self, job: Job) -> None:
        super().open(job)
        self._ended = SimpleQueue()
        threading.Thread(target=self._fetch, args=(self._ended,), name="parzen-dask", daemon=True).start()

    def begin(self, task: bytes, number: int, attempt: int) -> None:
        try:
            future = self.client.submit(
                call, self._job_there(), task, number, attempt, self.address, pure=False, **self.options
            )
        except Exception as error:
            if not _is_closed(self.client):
                raise
            raise ExecutorError(
                "the Dask client or its cluster was closed during the run, so no more trials can begin: make a new one with "
                "Client(...)"
            ) from error
        self._futures[number] = future

        ended = self._ended
        # Dask has one thread for all callbacks of a program, so that nothing may be waited for here.
        future.add_done_callback(lambda future: ended.put((future, number, attempt)))

    def _fetch(self, ended: SimpleQueue[tuple[Any, int, int] | None]) -> None:
        """Fetch what calls have returned and have not said themselves, of all that have ended by now at once.

        A request takes several milliseconds, in the process that a local cluster shares with the driver.
        """
        going_on = True
        while going_on:
            batch = [ended.get()]
            with contextlib.suppress(Empty):
                while True:
                    batch.append(ended.get_nowait())
            going_on = None not in batch
            calls = [each for each in batch if each is not None]
            awaited = [each for each in calls if self.is_awaited(*each[1:])]
            answers = self._answers([each[0] for each in awaited])
            for (_, number, attempt), answer in zip(awaited, answers, strict=True):
                self.over(number, attempt, answer)
            for future, number, _ in calls:
                if self._futures.get(number) is future:  # as long as somebody has it, the cluster keeps its result
                    self._futures.pop(number, None)

    def _answers(self, futures: list[Any]) -> list[bytes | BaseException]:
        if len(futures) > 1 and all(future.status == "finished" for future in futures):
            with contextlib.suppress(BaseException):  # one of them was lost or cancelled since: ask for each
                return list(self.client.gather(futures))
        return [_answer_of(future) for future in futures]

    def _job_there(self) -> Any:
        if len(self.packed_job) < _LARGE:
            return self.packed_job
        if self._sent is None or self._sent.status != "finished":  # whoever had it may have gone
            self._sent = self.client.scatter(self.packed_job, broadcast=True)
        return self._sent

    def end(self, number: int) -> bool:
        future = self._futures.pop(number, None)
        if future is None:
            return True
        try:
            future.cancel()
        except Exception:
            if not _is_closed(self.client):  # then nobody can be told, and whoever closed it has ended the worker
                raise
        return False  # a worker's thread goes on until the objective returns

    def close(self) -> None:
        super().close()
        self._ended.put(None)
        self._futures.clear()
        self._sent = None


def _answer_of(future: Any) -> bytes | BaseException:
    """What a call that is done has returned, or what there is instead."""
    try:
        if future.status == "finished":
            answer: bytes = future.result()
            return answer
        if future.status == "error":
            error: BaseException = future.exception()
            return error
    except BaseException as error:
        return error
    return ExecutorError(f"it is {future.status}")


def _is_closed(client: Any) -> bool:
    return getattr(client, "status", "running") in ("closed", "closing")


def _threads_of(client: Any) -> int:
    """How many trials a cluster can run now.

    Raises:
        ExecutorError: the client is closed.
    """
    if _is_closed(client):
        raise ExecutorError("the Dask client is closed: make a new one with Client(...)")
    return int(sum(client.nthreads().values()))


def _checked(room: int) -> int:
    """As many as there is room for.

    Raises:
        ExecutorError: for none.
    """
    if not room:
        raise ExecutorError(
            "the Dask cluster has no workers yet: give parallel=, or wait with client.wait_for_workers(1)"
        )
    return room
