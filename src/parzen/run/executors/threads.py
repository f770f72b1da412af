"""Threads of this process, for objectives that wait for something else or release the GIL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

from parzen.errors import ExecutorError
from parzen.run.executors._base import Attached, Begun, Job, Message, Question, Reported, Task
from parzen.run.executors._evaluate import evaluate

__all__ = ["Line", "Threads"]


class Threads:
    """As many threads as trials may run at once, started when they are first needed.

    Nothing can end a thread: a trial that is given up goes on until its objective returns or asks `should_stop`, and nobody
    listens to it any more.  The threads are daemons, so that a program can end beside them.

    Args:
        slots: how many.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots

    def open(self, job: Job) -> None:
        if job.timeout is not None or job.memory is not None:
            raise ExecutorError(
                "nothing can end a thread: trial_timeout and trial_memory need processes, leave threads=True away"
            )
        self._job = job
        # Anew for each run: threads of an earlier one may still be at work.
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._told: SimpleQueue[Message] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._closed = threading.Event()
        self._awaited: dict[
            tuple[int, int], bool
        ] = {}  # (number, attempt) that has not ended -> whether anybody listens

    def submit(self, task: Task) -> None:
        self._awaited[task.number, task.attempt] = True
        if len(self._awaited) > len(self._threads):
            args = self._job, self._tasks, self._told, self._closed
            thread = threading.Thread(target=_work, args=args, name=f"parzen-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._tasks.put(task)

    def collect(self, timeout: float) -> Sequence[Message]:
        messages: list[Message] = []
        try:
            messages.append(self._told.get(timeout=timeout) if timeout > 0 else self._told.get_nowait())
            while True:
                messages.append(self._told.get_nowait())
        except Empty:
            return [message for message in messages if self._is_awaited(message)]

    def _is_awaited(self, message: Message) -> bool:
        key = message.number, message.attempt
        ended = not isinstance(message, (Begun, Question, Reported, Attached))
        # A thread of the objective's own may speak after its trial is over: then nobody waits for it.
        awaited = self._awaited.pop(key, False) if ended else self._awaited.get(key, False)
        if not awaited and isinstance(message, Question):
            message.answer(True)
        return awaited

    def cancel(self, number: int) -> bool:
        running = [key for key in self._awaited if key[0] == number]
        for key in running:
            self._awaited[key] = False
        return not running

    def close(self) -> None:
        self._closed.set()
        for _ in self._threads:
            self._tasks.put(None)


def _work(job: Job, tasks: SimpleQueue[Task | None], told: SimpleQueue[Message], closed: threading.Event) -> None:
    while (task := tasks.get()) is not None:
        told.put(Begun(task.number, task.attempt))
        told.put(evaluate(job, task, Line(told.put, closed.is_set)))


class Line:
    """From a thread to the driver.

    Args:
        told: is given what is said.
        is_closed: whether nobody listens any more.
    """

    def __init__(self, told: Callable[[Message], object], is_closed: Callable[[], bool]) -> None:
        self.unsaid: list[Reported | Attached] = []
        self._told, self._is_closed = told, is_closed

    def tell(self, message: Reported | Attached) -> None:
        self._told(message)

    def ask(self, number: int, attempt: int) -> bool:
        answers: SimpleQueue[bool] = SimpleQueue()
        self._told(Question(number, attempt, answers.put))
        while not self._is_closed():
            try:
                return answers.get(timeout=0.2)
            except Empty:
                continue
        return True
