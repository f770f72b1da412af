"""Every executor of our own keeps every promise of the protocol, and the kit notices one that does not.

Those that need a cluster, or other libraries' processes, are in tests/engines.
"""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Sequence
from typing import Any

import joblib
import pytest

from parzen.run.executors import Executor, Lost, Message, Reported, Returned
from parzen.run.executors.processes import Processes
from parzen.run.executors.threads import Threads
from parzen.testing import check_executor
from parzen.testing._executors import EXECUTOR_CASES, _Subject

EXECUTORS: dict[str, Callable[[], Any]] = {
    "processes": lambda: Processes(2),
    "threads": lambda: Threads(2),
    "a pool of threads": lambda: concurrent.futures.ThreadPoolExecutor(2),
    "joblib's threads": lambda: joblib.Parallel(n_jobs=2, backend="threading"),
}


@pytest.mark.parametrize("case", EXECUTOR_CASES)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name.startswith("joblib") else ()) for name in EXECUTORS]
)
def test_an_executor_keeps_its_promise(name: str, case: str) -> None:
    """Each promise of the protocol holds for each executor."""
    EXECUTOR_CASES[case](_Subject(EXECUTORS[name], channel=True, mortal=True))


def test_the_kit_is_one_call_and_a_protocol() -> None:
    """For people with an executor of their own."""
    assert all(isinstance(EXECUTORS[name](), Executor) for name in ("processes", "threads"))
    check_executor(EXECUTORS["threads"])


class _Broken(Threads):
    def __init__(self) -> None:
        super().__init__(2)

    def collect(self, timeout: float) -> Sequence[Message]:
        return [changed for message in super().collect(timeout) for changed in self.changed(message)]

    def changed(self, message: Message) -> list[Message]:
        return [message]


class _Twice(_Broken):
    """Evaluates trials again, as if their workers had been lost."""

    def changed(self, message: Message) -> list[Message]:
        if isinstance(message, Returned) and message.attempt == 1:
            return [Lost(message.number, message.attempt, "so it says")]
        return [message]


class _Deaf(_Broken):
    """Loses what is told on the way."""

    def changed(self, message: Message) -> list[Message]:
        return [] if isinstance(message, Reported) else [message]


@pytest.mark.parametrize(
    ("broken", "case", "sentence"),
    [
        (_Twice, "trials_are_evaluated_once_and_as_in_a_serial_run", "evaluated once"),
        (_Deaf, "trials_are_evaluated_once_and_as_in_a_serial_run", "reports are there"),
        (_Deaf, "a_trial_is_told_to_stop_where_there_is_a_channel", "after 5 reports"),
    ],
)
def test_the_kit_says_in_a_sentence_which_promise_is_broken(
    broken: Callable[[], Executor], case: str, sentence: str
) -> None:
    """An executor that breaks a promise is an AssertionError that says which."""
    with pytest.raises(AssertionError, match=sentence):
        EXECUTOR_CASES[case](_Subject(broken, channel=True, mortal=True))
