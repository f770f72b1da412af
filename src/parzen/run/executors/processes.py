"""Processes of this machine, one for each trial at once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from multiprocessing.connection import wait

from parzen._lazy import require
from parzen.errors import ExecutorError
from parzen.run.executors._base import Job, Lost, Message, Task
from parzen.run.executors._evaluate import dumped, visible_devices
from parzen.run.executors._process import WATCH, Watch, WorkerProcess, threads_of

__all__ = ["Processes"]

_LOOK = 0.2
"""Seconds between looks at whether the workers are there, should the system not say so."""
_STILLBORN = 3
"""Workers that may end in a row before they have come up."""


class Processes:
    """As many processes as trials may run at once; each is started when it is first needed, and again when it was lost.

    Args:
        slots: how many.
    """

    forceful = True

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._workers: dict[int, WorkerProcess] = {}

    def open(self, job: Job) -> None:
        require("psutil", "parzen[parallel]")
        self._watch, self._packed = Watch(job), dumped(job, "the objective")
        self._heard: list[Message] = []
        self._stillborn, self._looked = 0, 0.0
        threads = threads_of(self.slots)
        self._environments = [{**threads, **visible_devices(place)} for place in job.places]

    def submit(self, task: Task) -> None:
        worker = self._workers.get(task.place)
        if worker is not None and not worker.is_alive():  # it ended while it had nothing to do
            worker.end()
            worker = None
        if worker is None:
            worker = self._workers[task.place] = WorkerProcess(self._packed, self._environments[task.place])
        try:
            worker.give(task)
        except OSError:
            self._bury(task.place, worker)
            self._heard.append(Lost(task.number, task.attempt, "its process ended before it could begin"))

    def collect(self, timeout: float) -> Sequence[Message]:
        deadline = time.monotonic() + timeout
        while True:
            messages, self._heard = self._heard, []
            messages += self._hear(0.0 if messages else self._patience(deadline))
            messages += self._look()
            if messages or time.monotonic() >= deadline:
                return messages

    def _patience(self, deadline: float) -> float:
        return max(min(deadline - time.monotonic(), WATCH if self._watch.has_limits else _LOOK), 0.0)

    def _hear(self, timeout: float) -> list[Message]:
        by_end = {worker.connection: (place, worker) for place, worker in self._workers.items()}
        if not by_end:
            time.sleep(timeout)
            return []
        messages = []
        for end in wait(list(by_end), timeout):
            place, worker = by_end[end]
            messages += worker.hear()
            if worker.ready:
                self._stillborn = 0
            if worker.connection.closed:
                self._bury(place, worker)
        return messages

    def _look(self) -> list[Message]:
        """At limits, and at workers that may have gone without the system saying so."""
        messages, now = self._watch.look(self._workers.values()), time.monotonic()
        if not messages and now - self._looked < _LOOK:
            return []
        self._looked = now
        for place, worker in list(self._workers.items()):
            if not worker.connection.closed and not worker.is_alive():
                messages += worker.fate()
            if worker.connection.closed:
                self._bury(place, worker)
        return messages

    def _bury(self, place: int, worker: WorkerProcess) -> None:
        """Forget a worker that has gone.

        Raises:
            ExecutorError: as many as that have never come up, so that no further one will.
        """
        if self._workers.get(place) is worker:
            del self._workers[place]
        worker.end()
        self._stillborn = 0 if worker.ready else self._stillborn + 1
        if self._stillborn > _STILLBORN + self.slots:
            raise ExecutorError(
                f"{self._stillborn} worker processes in a row ended while they started, the last with exit status "
                f"{worker.process.exitcode}: see what they wrote to stderr"
            )

    def cancel(self, number: int) -> bool:
        for place, worker in list(self._workers.items()):
            if worker.task is not None and worker.task.number == number:
                del self._workers[place]
                worker.end()
        self._heard = [message for message in self._heard if message.number != number]
        return True

    def close(self) -> None:
        workers = list(self._workers.values())
        self._workers.clear()
        for worker in workers:
            worker.dismiss()
        for worker in workers:
            worker.end(patience=2.0)
