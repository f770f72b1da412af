"""One worker process as its driver sees it: started by loky, spoken with over a pipe, watched, and ended with its tree.

Each worker has a pipe of its own instead of a place in a pool with common queues: so one that is killed, or takes itself
down, takes nothing of the others with it, and which trial it was is never in doubt.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from parzen._lazy import require
from parzen.errors import ExecutorError, ObjectiveMemory, ObjectiveTimeout
from parzen.run.executors._base import Begun, Exceeded, Job, Lost, Message, Question, Task
from parzen.run.executors._child import (
    ANSWER,
    CLOSED,
    END,
    ENDED,
    JOB,
    MESSAGE,
    NO,
    QUESTION,
    READY,
    UNREADY,
    YES,
    serve,
    task_message,
)
from parzen.run.executors._evaluate import unpacked
from parzen.run.executors._trees import end_tree, memory_of

__all__ = ["WATCH", "Watch", "WorkerProcess", "threads_of"]

WATCH = 0.05
"""Seconds between looks at the limits of trials."""
_STARTING = 300.0
"""Seconds within which a worker that was given a task calls the objective: to import it may take long."""
_DYING = 0.2
"""Seconds within which a process has ended after its end of the pipe was: much longer than it takes."""
_LEAVING = 2.0
"""Seconds that a worker with nothing to do has to end by itself."""


class WorkerProcess:
    """A process that evaluates one task after the other.

    Args:
        job: pickled.
        environment: what it has in its environment beside ours.

    Attributes:
        task: what it evaluates; None when it is idle.
        ready: whether it has come up, with the objective loaded.
    """

    def __init__(self, job: bytes, environment: Mapping[str, str]) -> None:
        context = require("loky.backend", "parzen[parallel]").get_context("loky")
        ours, theirs = context.Pipe(duplex=True)
        self.connection: Any = ours  # Connection, and on Windows another class with the same methods
        self.process: Any = context.Process(target=serve, args=(theirs,), name="parzen-worker", env=dict(environment))
        self.task: Task | None = None
        self.ready = False
        self._begun: float | None = None
        self._given = 0.0
        try:
            with _no_daemon():
                self.process.start()
            theirs.close()
            self.connection.send_bytes(JOB + job)
        except BaseException:
            self.end()
            raise

    # --- telling ------------------------------------------------------------------------------------------------

    def give(self, task: Task) -> None:
        """Give it a task.

        Raises:
            NotPicklable: the configuration cannot travel.
            OSError: it is gone.
        """
        self.connection.send_bytes(task_message(task))
        self.task, self._begun, self._given = task, None, time.monotonic()

    def _answer(self, stop: bool) -> None:
        with contextlib.suppress(OSError):  # it has gone meanwhile, which is noticed where it is looked for
            self.connection.send_bytes(ANSWER + (YES if stop else NO))

    # --- hearing ------------------------------------------------------------------------------------------------

    def hear(self) -> list[Message]:
        """What it has told; to be called when there is something to read, or when it may be gone.

        Raises:
            ExecutorError: it cannot load the objective.
        """
        messages: list[Message] = []
        try:
            while self.connection.poll(0):
                self._take(self.connection.recv_bytes(), messages)
        except (EOFError, OSError):
            self._lost(messages)
        return messages

    def _take(self, data: bytes, messages: list[Message]) -> None:
        kind = data[:1]
        if kind == READY:
            self.ready = True
            return
        if kind == UNREADY:
            error = pickle.loads(data[1:])  # from our own child
            raise ExecutorError(f"the objective cannot be loaded in another process: {error}\n{error.traceback}")
        if kind == ENDED:
            messages.append(self._ended(data[1:]))
            return
        body = pickle.loads(data[1:])
        if kind == QUESTION:
            number, attempt = body
            messages.append(Question(number, attempt, self._answer))
            return
        assert kind == MESSAGE, f"a worker says what it may, not {kind!r}"
        if isinstance(body, Begun):
            self._begun = time.monotonic()
        messages.append(body)

    def _ended(self, data: bytes) -> Message:
        task, self.task = self.task, None
        assert task is not None, "only a task ends"
        return unpacked(data, task.number, task.attempt)

    def is_alive(self) -> bool:
        """Whether the process is there; its end of the pipe may be open in a child that outlives it."""
        return bool(self.process.is_alive())

    def _lost(self, messages: list[Message]) -> None:
        task = self.task
        self.process.join(_DYING)
        lives, code = self.is_alive(), self.end()
        if task is not None:
            how = f"its process ended with {_said(code)}"
            if code == CLOSED:  # ours has no other way to say so, and an objective may use it as well
                how += (
                    ": either its connection to the driver was closed by the objective (os.closerange?), or the objective "
                    "ended it so (os._exit?)"
                )
            elif lives:  # the system would have ended the process, and then the pipe with it
                how = "its connection to the driver was closed, probably by the objective (os.closerange?)"
            messages.append(Lost(task.number, task.attempt, how))

    def fate(self) -> list[Message]:
        """What has become of a worker that has gone, after what it told before."""
        messages = self.hear()
        if not self.connection.closed:
            self._lost(messages)
        return messages

    # --- limits -------------------------------------------------------------------------------------------------

    def exceeded(self, job: Job, used: int | None) -> Exceeded | Lost | None:
        """End it if its task has gone beyond a limit.

        Args:
            used: bytes, if they are more than it may have.
        """
        task, now = self.task, time.monotonic()
        if task is None:
            return None
        seconds = 0.0 if self._begun is None else now - self._begun
        if self._begun is None and (job.timeout is not None) and now - self._given > max(_STARTING, job.timeout):
            self.end()
            return Lost(task.number, task.attempt, f"its process did not begin within {now - self._given:.0f} s")
        error: Exception | None = None
        if job.timeout is not None and seconds > job.timeout:
            error = timed_out(job.timeout, task.number)
        elif used is not None and job.memory is not None:
            error = ObjectiveMemory(
                f"the objective used {used / 1e6:.0f} MB of memory, trial_memory is {job.memory / 1e6:.0f} MB: it was "
                "ended, with every process that it had started",
                number=task.number,
            )
        if error is None:
            return None
        self.end()
        return Exceeded(task.number, task.attempt, error, seconds)

    # --- ending -------------------------------------------------------------------------------------------------

    def dismiss(self) -> None:
        """Tell it to end by itself, if it is idle."""
        if self.task is None and self.ready:
            with contextlib.suppress(OSError):
                self.connection.send_bytes(END)

    def end(self, patience: float = 0.0) -> int | None:
        """End it with everything that it has started, and wait until it has; its exit code."""
        if patience and self.task is None and self.ready:
            self.process.join(patience)
        if self.process.pid is not None:
            end_tree(self.process.pid)
            self.process.join(_LEAVING)
        self.task = None
        self.connection.close()
        code = self.process.exitcode
        return None if code is None else int(code)


def timed_out(limit: float, number: int) -> ObjectiveTimeout:
    """A trial took longer than it may."""
    return ObjectiveTimeout(
        f"the objective took longer than trial_timeout={limit:g} s: it was ended, with every process that it had started",
        number=number,
    )


class Watch:
    """Looks at the limits of trials now and then, and ends those that are beyond them.

    Args:
        job: has the limits.
    """

    def __init__(self, job: Job) -> None:
        self._job, self._due = job, 0.0
        self.has_limits = job.timeout is not None or job.memory is not None

    def look(self, workers: Iterable[WorkerProcess]) -> list[Message]:
        """End those workers whose trials are beyond a limit."""
        begun = time.monotonic()
        if not self.has_limits or begun < self._due:
            return []
        busy = [worker for worker in workers if worker.task is not None]
        used = {}
        if busy and self._job.memory is not None:
            used = memory_of([worker.process.pid for worker in busy], self._job.memory)
        said = [worker.exceeded(self._job, used.get(worker.process.pid)) for worker in busy]
        now = time.monotonic()
        # On a machine with very many processes a look takes its time: a tenth of it all, at most.
        self._due = now + max(WATCH, 10 * (now - begun))
        return [message for message in said if message is not None]


def _said(code: int | None) -> str:
    if code is None:
        return "no exit status"
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"{signal.Signals(-code).name}"
    return f"exit status {code}"


@contextlib.contextmanager
def _no_daemon() -> Iterator[None]:
    """Dask's workers and others are daemons, which may not have children; ours end with them all the same (`_child`)."""
    config: Any = multiprocessing.current_process()._config  # type: ignore[attr-defined]  # there is no other way to ask
    before = config.get("daemon", False)
    config["daemon"] = False
    try:
        yield
    finally:
        config["daemon"] = before


_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


def threads_of(workers: int) -> dict[str, str]:
    """The environment in which numerical libraries of so many workers together start as many threads as there are cores.

    What a user has set stays.
    """
    cores: int = require("loky", "parzen[parallel]").cpu_count()
    return {name: str(max(cores // workers, 1)) for name in _THREADS if name not in os.environ}
