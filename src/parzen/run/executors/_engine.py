"""What all engines of other libraries have in common: they take a function and its arguments, and tell when it is done."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Sequence
from queue import Empty, SimpleQueue

from parzen.errors import ExecutorError
from parzen.run.executors._base import Attached, Begun, Job, Lost, Message, Question, Reported, Task
from parzen.run.executors._calls import UNREADY
from parzen.run.executors._evaluate import dumped, is_plain, unpacked
from parzen.run.executors._line import Address, Switchboard

__all__ = ["Engine", "early_calls"]

_log = logging.getLogger("parzen")


class Engine:
    """An executor over an engine that somebody else has made, and goes on using.

    A subclass says how a call begins (`begin`), and calls `over` when it is done, from any thread.

    Args:
        slots: how many trials at once.

    Attributes:
        queues: whether a call may wait for long until it begins; then a subclass says when it has.
        early: so many calls more than `slots` it is given while evaluations are short, to wait where they will run: to send
            one there takes an engine several milliseconds, in which its workers would have nothing to do.
    """

    queues = False
    early = 0

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._inbox: SimpleQueue[Message | tuple[int, int, bytes | BaseException]] = SimpleQueue()
        self._awaited: dict[int, int] = {}  # number -> attempt
        self._switchboard: Switchboard | None = None

    # --- what a subclass says -----------------------------------------------------------------------------------

    def begin(self, task: bytes, number: int, attempt: int) -> None:
        """Have `parzen.run.executors._calls.call` called with `self.packed_job`, these and `self.address`."""
        raise NotImplementedError

    def end(self, number: int) -> bool:
        """End a call by force, if that is possible; whether it was."""
        return False

    def mend(self, error: BaseException) -> None:
        """Called when a call was lost, before the next one begins."""

    def over(self, number: int, attempt: int, answer: bytes | BaseException) -> None:
        """A call is done: what it returned, or what the engine says instead."""
        self._inbox.put((number, attempt, answer))

    def is_awaited(self, number: int, attempt: int) -> bool:
        """Whether nobody has heard yet how a call ended: where the driver can be reached, a call says so itself."""
        return self._awaited.get(number) == attempt

    # --- the protocol -------------------------------------------------------------------------------------------

    @property
    def address(self) -> Address | None:
        """Where tasks can reach the driver."""
        return None if self._switchboard is None else self._switchboard.address

    def open(self, job: Job) -> None:
        self.job, self.packed_job = job, dumped(job, "the objective")
        self._inbox = SimpleQueue()
        try:
            self._switchboard = Switchboard(self._inbox.put)
        except OSError as error:  # a temporary folder whose name is too long for a socket in it, say
            _log.warning("trials cannot be heard while they run, only when they are over: %s", error)

    def submit(self, task: Task) -> None:
        data = dumped(task, f"the configuration of trial {task.number}", plain=is_plain(task.config))
        self._awaited[task.number] = task.attempt
        try:
            self.begin(data, task.number, task.attempt)
        except BaseException:
            del self._awaited[task.number]
            raise
        if not self.queues:
            self._inbox.put(Begun(task.number, task.attempt))

    def collect(self, timeout: float) -> Sequence[Message]:
        messages: list[Message] = []
        try:
            said = self._inbox.get(timeout=timeout) if timeout > 0 else self._inbox.get_nowait()
            while True:
                messages += self._message_of(said)
                said = self._inbox.get_nowait()
        except Empty:
            return messages

    def _message_of(self, said: Message | tuple[int, int, bytes | BaseException]) -> list[Message]:
        number, attempt = said[:2] if isinstance(said, tuple) else (said.number, said.attempt)
        if self._awaited.get(number) != attempt:
            if isinstance(said, Question):
                said.answer(True)
            return []
        if isinstance(said, (Begun, Reported, Question, Attached)):
            return [said]
        del self._awaited[number]
        return [self._end_of(said, number, attempt) if isinstance(said, tuple) else said]

    def _end_of(self, said: tuple[int, int, bytes | BaseException], number: int, attempt: int) -> Message:
        answer = said[2]
        if isinstance(answer, BaseException):
            if isinstance(answer, (ImportError, AttributeError, pickle.UnpicklingError)):
                raise ExecutorError(
                    f"the engine's workers cannot call parzen ({type(answer).__name__}: {answer}): install the same version "
                    "of parzen, with its extra 'parallel', where they run"
                ) from answer
            self.mend(answer)
            return Lost(number, attempt, f"the engine says {type(answer).__name__}: {answer}"[:500])
        if answer[:1] == UNREADY:
            error = pickle.loads(answer[1:])
            raise ExecutorError(f"the objective cannot be loaded by a worker: {error}\n{error.traceback}")
        return unpacked(answer[1:], number, attempt)

    def cancel(self, number: int) -> bool:
        if self._awaited.pop(number, None) is None:
            return True
        return self.end(number)

    def close(self) -> None:
        for number in list(self._awaited):
            self.cancel(number)
        if self._switchboard is not None:
            self._switchboard.close()
            self._switchboard = None


def early_calls(slots: int, room: int) -> int:
    """How many calls more than `slots` an engine may be given that has room for so many now.

    0 where there is room for more than `slots`: they would not wait there but run, and a user who says `parallel=2` on a
    large cluster means two.
    """
    return slots if 0 < room <= slots else 0
