"""What a driver and an executor say to each other.

The driver hands out tasks and hears messages; nothing else passes between them.  An executor knows no log, no algorithm and
no history: it evaluates, and tells what came of it.  Everything here can be pickled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

from parzen.trials import TrialError

__all__ = [
    "Attached",
    "Begun",
    "Ended",
    "Exceeded",
    "Executor",
    "Job",
    "Lost",
    "Message",
    "Question",
    "Raised",
    "Reported",
    "Returned",
    "Task",
]


@dataclass(frozen=True, slots=True)
class Job:
    """What all tasks of one run have in common.

    Attributes:
        objective: what is called.
        evaluation: how it takes an `Evaluation`: False, True for second, or the name of the parameter.
        metric: the name that a reported loss goes by.
        places: for each trial that may run at once, the devices that it has: name -> device.  Their number is the number of
            trials at once.
        timeout: seconds that a trial may take; None for any.
        memory: bytes that a trial and the processes that it starts may have together; None for any.
    """

    objective: Callable[..., Any]
    evaluation: bool | str
    metric: str
    places: tuple[Mapping[str, Any], ...]
    timeout: float | None = None
    memory: int | None = None

    @property
    def apart(self) -> bool:
        """Whether a trial has to run in a process of its own: something may have to end it, or what it sees is its own."""
        return self.timeout is not None or self.memory is not None or any(self.places)


@dataclass(frozen=True, slots=True)
class Task:
    """One attempt at one trial.

    Attributes:
        number, attempt: which.
        config: what the objective gets.
        seed: of the trial's own random streams.
        place: which of the job's places it has while it runs; no two running tasks have the same.
    """

    number: int
    attempt: int
    config: Any
    seed: int
    place: int


# --- messages ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Begun:
    """The objective is being called now: what it takes counts from here, not from the start of a process."""

    number: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Reported:
    """A running trial tells how it is doing."""

    number: int
    attempt: int
    step: float
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Question:
    """A running trial asks whether it should stop, and waits until `answer` is called.  Made by the driver's side."""

    number: int
    attempt: int
    answer: Callable[[bool], object]


@dataclass(frozen=True, slots=True)
class Attached:
    """A running trial wants bytes to be kept."""

    number: int
    attempt: int
    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Returned:
    """The objective returned.

    Attributes:
        result: what it returned.
        seconds: time inside the objective.
        before: what it told on the way, where there was nobody to tell it to.
    """

    number: int
    attempt: int
    result: Any
    seconds: float
    before: tuple[Reported | Attached, ...] = ()


@dataclass(frozen=True, slots=True)
class Raised:
    """The objective raised.

    Attributes:
        error: what it raised, or what stands for it where it cannot be sent.
        record: class, message and traceback.
        classes: full names of the classes of what it raised, so that `catch` works although the error cannot be sent.
        seconds, before: as for `Returned`.
    """

    number: int
    attempt: int
    error: BaseException
    record: TrialError
    classes: tuple[str, ...]
    seconds: float
    before: tuple[Reported | Attached, ...] = ()


@dataclass(frozen=True, slots=True)
class Exceeded:
    """A trial went beyond a limit and was ended, with every process that it had started."""

    number: int
    attempt: int
    error: Exception
    seconds: float


@dataclass(frozen=True, slots=True)
class Lost:
    """Whoever ran a trial is gone; it may be run again."""

    number: int
    attempt: int
    why: str


Ended: TypeAlias = Returned | Raised | Exceeded | Lost
"""After one of these the executor knows nothing more of the task, and its place is free."""

Message: TypeAlias = Begun | Reported | Question | Attached | Ended


@runtime_checkable
class Executor(Protocol):
    """Where trials are evaluated.

    One driver uses it, from one thread, for one run: `open`, then `submit` and `collect` in any order, then `close`.
    `parzen.testing.check_executor` holds an implementation against every sentence here.

    Attributes:
        slots: how many tasks it can run at once; the driver has no more under way.  One that has an attribute `early` is
            given so many more while evaluations take less than a second, to wait where they will run.  One that has an
            attribute `forceful` which is true can end a task that has begun: a trial that somebody cancels is ended with it,
            and is waited for elsewhere.
    """

    @property
    def slots(self) -> int: ...

    def open(self, job: Job) -> None:
        """Get ready to evaluate tasks of this job.

        Raises:
            NotPicklable: the objective has to travel, and cannot.
            ExecutorError: the job wants what this executor cannot do.
        """
        ...

    def submit(self, task: Task) -> None:
        """Begin a task, as soon as there is somebody to evaluate it; does not wait for that.

        Raises:
            NotPicklable: the configuration cannot travel.  The task is not begun.
            ExecutorError: there will never be anybody to evaluate it.
        """
        ...

    def collect(self, timeout: float) -> Sequence[Message]:
        """What there is to hear, at once if there is something, else as soon as there is, at the latest after `timeout` s.

        Of each task: `Begun`, anything on the way, one of `Ended`, in this order; nothing after that.  A task whose worker
        dies ends as `Lost`, one that goes beyond a limit as `Exceeded`.

        Raises:
            ExecutorError: tasks cannot be evaluated here at all.
        """
        ...

    def cancel(self, number: int) -> bool:
        """End a running task by force; nothing more is heard of it.

        Returns:
            Whether its place is free now.  False where nothing can end it: it still runs.
        """
        ...

    def close(self) -> None:
        """End whatever still runs, and give back what `open` took; an engine that a user made goes on."""
        ...
