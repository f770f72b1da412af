"""What runs in a worker of an engine: one function, which is given bytes and gives bytes back.

Every engine can send that, whatever it makes of closures and lambdas; and it raises nothing, so that whatever an engine raises
is about the engine.
"""

from __future__ import annotations

import contextlib
import hashlib
import pickle
from collections import OrderedDict
from dataclasses import replace
from multiprocessing.connection import wait

from parzen.run._objective import error_of
from parzen.run.executors._base import (
    Attached,
    Begun,
    Exceeded,
    Job,
    Lost,
    Message,
    Question,
    Raised,
    Reported,
    Returned,
    Task,
)
from parzen.run.executors._evaluate import Line, dumped, evaluate, flush, packed, visible_devices
from parzen.run.executors._line import Address, CalledLine
from parzen.run.executors._process import WATCH, Watch, WorkerProcess

__all__ = ["DONE", "UNREADY", "call", "evaluate_apart"]

DONE, UNREADY = b"d", b"u"
"""The first byte of the answer: how the task ended, or why the objective cannot be loaded."""

_JOBS: OrderedDict[bytes, Job] = OrderedDict()
"""The last jobs of this process, so that an objective is loaded once and not for each trial."""
_KEPT = 2


def call(job: bytes, task: bytes, number: int, attempt: int, address: Address | None) -> bytes:
    """Evaluate a task.

    Args:
        job, task: pickled.
        number, attempt: of the task, should it be unreadable.
        address: of the driver.
    """
    try:
        known = _loaded(job)
    except BaseException as error:
        return UNREADY + pickle.dumps(error_of(error))
    line = CalledLine(address)
    with contextlib.closing(line):
        try:
            read: Task = pickle.loads(task)
        except BaseException as error:
            return DONE + packed(Raised(number, attempt, error, error_of(error), (), 0.0))
        ended = evaluate_apart(known, job, read, line) if known.apart else evaluate(known, read, line)
        flush()
        answer = DONE + (packed(ended) if isinstance(ended, (Returned, Raised)) else dumped(ended, "an end"))
        line.over(number, attempt, answer)
        return answer


def _loaded(job: bytes) -> Job:
    key = hashlib.blake2b(job).digest()
    known = _JOBS.get(key)
    if known is None:
        known = _JOBS[key] = pickle.loads(job)
        while len(_JOBS) > _KEPT:
            _JOBS.popitem(last=False)
    return known


def evaluate_apart(job: Job, packed_job: bytes, task: Task, line: Line) -> Returned | Raised | Exceeded | Lost:
    """Evaluate a task in a process of its own, which can be ended, and sees no other devices than its own."""
    worker, watch = WorkerProcess(packed_job, visible_devices(job.places[task.place])), Watch(job)
    try:
        worker.give(task)
        while True:
            told = bool(wait([worker.connection], WATCH))
            messages: list[Message] = worker.hear() if told else []
            if not told and not worker.is_alive():
                messages += worker.fate()
            for message in messages or watch.look([worker]):
                if isinstance(message, Question):
                    message.answer(line.ask(message.number, message.attempt))
                elif isinstance(message, (Reported, Attached)):
                    line.tell(message)
                elif not isinstance(message, Begun):
                    return _with_unsaid(message, line)
    finally:
        worker.end()


def _with_unsaid(ended: Returned | Raised | Exceeded | Lost, line: Line) -> Returned | Raised | Exceeded | Lost:
    if not line.unsaid or not isinstance(ended, (Returned, Raised)):
        return ended
    return replace(ended, before=tuple(line.unsaid))
