"""The inside of a worker process: it is told tasks and answers, and tells what comes of them.

The main thread evaluates.  A second one listens, so that the end of the driver is noticed while an objective runs; it takes
everything with it that the objective has started.
"""

from __future__ import annotations

import os
import pickle
import signal
import struct
import threading
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import NoReturn

from parzen.run._objective import error_of
from parzen.run.executors._base import Attached, Begun, Job, Raised, Reported, Task
from parzen.run.executors._evaluate import dumped, evaluate, flush, is_plain, packed
from parzen.run.executors._trees import end_tree, lead_session

__all__ = [
    "ANSWER",
    "CLOSED",
    "END",
    "ENDED",
    "JOB",
    "MESSAGE",
    "NO",
    "QUESTION",
    "READY",
    "TASK",
    "UNREADY",
    "YES",
    "serve",
    "task_message",
]

JOB, TASK, ANSWER, END = b"J", b"T", b"A", b"E"
"""The first byte of what a worker is told."""
YES, NO = b"1", b"0"

READY, UNREADY, QUESTION, MESSAGE, ENDED = b"r", b"u", b"q", b"m", b"e"
"""The first byte of what a worker tells."""

CLOSED = 113
"""Exit status of a worker that can tell nobody anything any more, after everything that it has started."""

_LOOK = 1.0
"""Seconds between looks at who the parent is: a copy of the driver's end may live on in a process that it has forked."""


class _Wire:
    """The worker's end of the connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.told: SimpleQueue[bytes] = SimpleQueue()
        self.answers: SimpleQueue[bool] = SimpleQueue()
        self.unsaid: list[Reported | Attached] = []
        self._writing, self._asking = threading.Lock(), threading.Lock()
        self._open = 0  # questions without an answer
        self._parent = os.getppid()

    def listen(self) -> None:
        """Sort what comes; when nobody can come any more, end this process and what it has started."""
        try:
            while True:
                if not self.connection.poll(_LOOK):
                    if os.getppid() != self._parent:
                        break
                    continue
                data = self.connection.recv_bytes()
                if data[:1] == ANSWER:
                    self.answers.put(data[1:] == YES)
                else:
                    self.told.put(data)
        except EOFError:
            pass
        except OSError:
            _leave()
        try:
            end_tree(os.getpid(), itself=False)
        finally:
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

    def write(self, data: bytes) -> None:
        with self._writing:
            self.connection.send_bytes(data)

    def tell(self, message: Begun | Reported | Attached) -> None:
        self.write(MESSAGE + pickle.dumps(message))

    def ask(self, number: int, attempt: int) -> bool:
        with self._asking:  # an objective may have threads
            self.write(QUESTION + pickle.dumps((number, attempt)))
            self._open += 1
            while True:
                answer = self.answers.get()
                self._open -= 1
                if not self._open:  # else it is for one who asked, and was interrupted before he heard it
                    return answer


def serve(connection: Connection) -> None:
    """Evaluate what one is told to, until told to end."""
    lead_session()
    wire = _Wire(connection)
    threading.Thread(target=wire.listen, name="parzen-listen", daemon=True).start()
    try:
        _evaluate_all(wire)
    except OSError:
        # The driver is gone, or the objective has closed our end of the line with everything else that was open.  Where it
        # is the second, the driver says so: a traceback of ours would name neither.
        _leave()


def _leave() -> NoReturn:
    try:
        end_tree(os.getpid(), itself=False)
    finally:
        os._exit(CLOSED)


def _evaluate_all(wire: _Wire) -> None:
    """Raises `OSError` when nobody can be told."""
    try:
        job: Job = pickle.loads(wire.told.get()[1:])  # the driver's
    except BaseException as error:
        wire.write(UNREADY + pickle.dumps(error_of(error)))
        return
    wire.write(READY)
    while (data := wire.told.get())[:1] == TASK:
        number, attempt = _NAMED.unpack_from(data, 1)
        try:
            task: Task = pickle.loads(data[1 + _NAMED.size :])
        except BaseException as error:  # a class that this process cannot import, say
            failed = Raised(number, attempt, error, error_of(error), (), 0.0)
            wire.write(ENDED + packed(failed))
            continue
        wire.tell(Begun(number, attempt))
        ended = evaluate(job, task, wire)
        flush()
        wire.write(ENDED + packed(ended))


_NAMED = struct.Struct("<qq")


def task_message(task: Task) -> bytes:
    """A task as a worker is told it: number and attempt can be read where the rest cannot.

    Raises:
        NotPicklable: the configuration cannot travel.
    """
    named, plain = f"the configuration of trial {task.number}", is_plain(task.config)
    return TASK + _NAMED.pack(task.number, task.attempt) + dumped(task, named, plain=plain)
