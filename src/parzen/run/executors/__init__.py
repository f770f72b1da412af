"""Where trials are evaluated, when that is not the loop itself: one engine a file.

`Executor` is the protocol, `Job` and `Task` are what an executor is given, and messages are what it tells.  `executor_of` makes
one of what a user gave: nothing (processes of this machine), or an engine that is there already.
"""

from parzen.run.executors._base import (
    Attached,
    Begun,
    Ended,
    Exceeded,
    Executor,
    Job,
    Lost,
    Message,
    Question,
    Raised,
    Reported,
    Returned,
    Task,
)
from parzen.run.executors._choose import executor_of

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
    "executor_of",
]
