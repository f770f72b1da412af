"""How a task on somebody else's engine speaks with the driver."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing.connection import Client, Listener
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from parzen.run.executors import _handshake
from parzen.run.executors._base import Question, Reported
from parzen.run.executors._line import Address, CalledLine, Switchboard


@pytest.fixture
def heard() -> SimpleQueue[Any]:
    return SimpleQueue()


@pytest.fixture
def switchboard(heard: SimpleQueue[Any]) -> Iterator[Switchboard]:
    board = Switchboard(heard.put)
    yield board
    board.close()


def listeners() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "parzen-call"}


def until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_answer_is_heard_in_its_place(switchboard: Switchboard, heard: SimpleQueue[Any]) -> None:
    """After what was told on the way: it goes the same way."""
    line = CalledLine(switchboard.address)
    line.tell(Reported(3, 1, 0.0, {"loss": 1.0}))
    line.over(3, 1, b"answer")
    line.close()

    assert [heard.get(timeout=10) for _ in range(2)] == [Reported(3, 1, 0.0, {"loss": 1.0}), (3, 1, b"answer")]


def test_what_was_told_is_heard_before_the_task_is_over(switchboard: Switchboard) -> None:
    """The engine may bring the result before a thread of ours has read on."""
    heard: list[Any] = []
    told = switchboard._told

    def slowly(message: Any) -> None:
        time.sleep(0.2)
        heard.append(message)

    switchboard._told = slowly
    line = CalledLine(switchboard.address)
    line.tell(Reported(3, 1, 0.0, {"loss": 1.0}))
    line.over(3, 1, b"answer")
    line.close()

    assert heard[0] == Reported(3, 1, 0.0, {"loss": 1.0})
    switchboard._told = told


def test_tasks_of_one_process_share_a_call(switchboard: Switchboard, heard: SimpleQueue[Any]) -> None:
    before = listeners()
    for number in range(5):
        line = CalledLine(switchboard.address)
        line.over(number, 1, b"answer")
        line.close()

    assert [heard.get(timeout=10)[0] for _ in range(5)] == [0, 1, 2, 3, 4]
    assert len(listeners() - before) == 1


def test_tasks_at_the_same_time_have_calls_of_their_own(switchboard: Switchboard, heard: SimpleQueue[Any]) -> None:
    """A question waits for its answer, and nobody else's result does."""
    one, other = CalledLine(switchboard.address), CalledLine(switchboard.address)
    answers: list[bool] = []
    asking = threading.Thread(target=lambda: answers.append(one.ask(1, 1)))
    asking.start()
    question = heard.get(timeout=10)
    other.over(2, 1, b"answer")

    assert isinstance(question, Question)
    assert heard.get(timeout=10) == (2, 1, b"answer")
    question.answer(True)
    asking.join(10)
    assert answers == [True]
    one.close()
    other.close()


class TimeIsUpError(Exception):
    """What an objective's own time limit raises."""


@pytest.mark.parametrize("raised", [TimeIsUpError, TimeoutError])
def test_an_answer_that_nobody_waited_for_is_no_answer_to_the_next_question(
    raised: type[Exception], switchboard: Switchboard, heard: SimpleQueue[Any]
) -> None:
    """The objective was interrupted while it asked, by a time limit of its own: the driver is not gone, nor said to be."""
    line = CalledLine(switchboard.address)
    connection = line._called() and line._connection

    def interrupted(seconds: float) -> Any:
        raise raised

    connection.poll = interrupted
    with pytest.raises(raised):
        line.ask(1, 1)
    heard.get(timeout=10).answer(True)
    line.close()
    answers: list[bool] = []
    following = CalledLine(switchboard.address)
    assert not line._gone
    asking = threading.Thread(target=lambda: answers.append(following.ask(2, 1)))
    asking.start()
    heard.get(timeout=10).answer(False)
    asking.join(10)

    assert answers == [False]
    following.close()


def test_the_end_of_a_run_ends_all_calls(heard: SimpleQueue[Any]) -> None:
    board, before = Switchboard(heard.put), listeners()
    line = CalledLine(board.address)
    line.over(1, 1, b"answer")
    line.close()
    heard.get(timeout=10)
    board.close()

    until(lambda: not listeners() - before)


def test_a_long_answer_is_left_to_the_engine(switchboard: Switchboard, heard: SimpleQueue[Any]) -> None:
    line = CalledLine(switchboard.address)
    line.over(1, 1, bytes(1 << 20))
    line.over(2, 1, b"short")
    line.close()

    assert heard.get(timeout=10) == (2, 1, b"short")


def test_nobody_listens_any_more(heard: SimpleQueue[Any]) -> None:
    """Then what was to be told comes with the result, and the result with the engine."""
    board = Switchboard(heard.put)
    board.close()
    line = CalledLine(board.address)
    line.tell(Reported(3, 1, 0.0, {"loss": 1.0}))
    line.over(3, 1, b"answer")
    line.close()

    assert line.unsaid == [Reported(3, 1, 0.0, {"loss": 1.0})]
    assert heard.empty()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_makes_a_call_of_its_own(switchboard: Switchboard, heard: SimpleQueue[Any]) -> None:
    line = CalledLine(switchboard.address)
    line.over(1, 1, b"parent")
    line.close()
    if (child := os.fork()) == 0:
        try:
            line = CalledLine(switchboard.address)
            line.over(2, 1, b"child")
            line.close()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    line = CalledLine(switchboard.address)
    line.over(3, 1, b"parent")
    line.close()

    assert sorted(heard.get(timeout=10) for _ in range(3)) == [(1, 1, b"parent"), (2, 1, b"child"), (3, 1, b"parent")]


def test_who_calls_and_says_nothing_keeps_nobody_out(switchboard: Switchboard, heard: SimpleQueue[Any]) -> None:
    with contextlib.closing(Client(switchboard.address.path)):
        line = CalledLine(switchboard.address)
        line.over(1, 1, b"answer")
        line.close()

        assert heard.get(timeout=10) == (1, 1, b"answer")


def test_who_does_not_know_the_key_is_not_heard(switchboard: Switchboard, heard: SimpleQueue[Any]) -> None:
    """And the caller leaves its answer to the engine."""
    stranger = CalledLine(replace(switchboard.address, key=b"another"))
    stranger.over(1, 1, b"answer")
    stranger.close()

    assert heard.empty()


def test_who_answers_the_challenge_with_something_else_is_hung_up_on(
    switchboard: Switchboard, heard: SimpleQueue[Any]
) -> None:
    """What a stranger sends would be unpickled, and so run, in the driver."""
    with contextlib.closing(Client(switchboard.address.path)) as stranger:
        stranger.recv_bytes()
        stranger.send_bytes(b"something else")
        said = stranger.recv_bytes()
        with contextlib.suppress(OSError):
            stranger.send((1, 1, b"answer"))

        assert said == b"#FAILURE#"
        assert stranger.poll(10)
        with pytest.raises((EOFError, ConnectionResetError)):
            stranger.recv_bytes()
    assert heard.empty()


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Address]:
    """Where calls are taken and nobody says anything, as in a pool whose workers had a driver's socket open for it."""
    monkeypatch.setattr(_handshake, "HEARD", 0.05)
    with contextlib.closing(Listener(backlog=8)) as listener:
        yield Address(socket.gethostname(), listener.address, b"key")


def test_a_handshake_is_not_waited_for_for_ever(silent: Address) -> None:
    line = CalledLine(silent)
    line.over(1, 1, b"answer")

    assert not line.ask(1, 1)
    line.close()


def test_an_answer_is_waited_for_while_somebody_listens(
    switchboard: Switchboard, heard: SimpleQueue[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver may be thinking; when it is gone, whoever wanted the result is gone too."""
    line = CalledLine(switchboard.address)
    assert line._called()
    monkeypatch.setattr(_handshake, "HEARD", 0.01)
    looks: list[Any] = []

    def looked(path: Any) -> Any:
        looks.append(path)
        if len(looks) == 3:
            raise ConnectionRefusedError
        return Client(path)

    monkeypatch.setattr(_handshake, "reached", looked)

    assert line.ask(1, 1)
    assert len(looks) == 3
    line.close()


def test_who_asks_again_when_the_driver_is_gone_is_told_the_same(switchboard: Switchboard) -> None:
    """Else an objective that asks in an inner and an outer loop leaves the inner one, and trains on for nobody."""
    line = CalledLine(switchboard.address)
    assert line._called()
    until(lambda: bool(switchboard._callers))
    switchboard.close()

    assert [line.ask(1, 1) for _ in range(3)] == [True, True, True]
    line.close()


def test_where_nobody_could_be_called_nobody_says_stop(switchboard: Switchboard) -> None:
    line = CalledLine(replace(switchboard.address, host="another machine"))

    assert not line.ask(1, 1)
    line.close()


class Unreadable:
    """Needs what the driver has not."""

    def __reduce__(self) -> Any:
        return int, ("x",)


def test_who_asks_after_a_message_that_cannot_be_read_does_not_wait_for_ever(
    switchboard: Switchboard, heard: SimpleQueue[Any], caplog: pytest.LogCaptureFixture
) -> None:
    line, answers = CalledLine(switchboard.address), []
    line.tell(Reported(3, 1, 0.0, {"loss": Unreadable()}))  # type: ignore[dict-item]
    asking = threading.Thread(target=lambda: answers.append(line.ask(3, 1)), daemon=True)
    asking.start()
    asking.join(10)

    assert answers == [True]
    assert "could not be read" in caplog.text
    until(lambda: not switchboard._callers)
    line.close()


def test_who_calls_when_there_is_no_thread_left_keeps_nobody_out(
    switchboard: Switchboard, heard: SimpleQueue[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that cannot be listened to is hung up on."""
    start, failed = threading.Thread.start, []

    def start_later(thread: threading.Thread) -> None:
        if thread.name == "parzen-call" and not failed:
            failed.append(thread)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_later)
    for number in range(2):
        line = CalledLine(switchboard.address)
        line.over(number, 1, b"answer")
        line.close()

    assert failed
    assert heard.get(timeout=10) == (1, 1, b"answer")


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are other means of speaking here")
def test_a_call_that_nobody_takes_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_handshake, "HEARD", 0.05)
    path = str(tmp_path / "socket")
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket(socket.AF_UNIX))
        server.bind(path)
        server.listen(0)
        stack.enter_context(contextlib.closing(Client(path)))  # it takes no more
        line, answers = CalledLine(Address(socket.gethostname(), path, b"key")), []
        asking = threading.Thread(target=lambda: answers.append(line.ask(1, 1)), daemon=True)
        asking.start()
        asking.join(5)

        assert answers == [False]


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are other means of speaking here")
def test_half_a_handshake_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_handshake, "HEARD", 0.05)
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        line, answers = CalledLine(Address(socket.gethostname(), path, b"key")), []
        asking = threading.Thread(target=lambda: answers.append(line.ask(1, 1)), daemon=True)
        asking.start()
        with server.accept()[0] as caller:
            caller.send(b"\0")  # of the four bytes that say how long a message is
            asking.join(5)

            assert answers == [False]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_does_not_keep_the_drivers_ends_open(switchboard: Switchboard) -> None:
    """Else the workers of a pool that forks wait for a driver that is gone, each held up by the others."""
    line = CalledLine(switchboard.address)
    assert line._called()
    until(lambda: bool(switchboard._callers))
    ours = [switchboard._listener._listener._socket.fileno(), *(one.fileno() for one in switchboard._callers)]
    if (child := os.fork()) == 0:
        left = 1
        with contextlib.suppress(BaseException):
            left = sum(is_open(descriptor) for descriptor in ours)
        os._exit(left)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert all(map(is_open, ours))
    line.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_that_is_forked_while_a_call_is_taken_does_not_keep_its_end_open(switchboard: Switchboard) -> None:
    taken, forked, left = threading.Event(), threading.Event(), 1
    ends: list[int] = []

    class Callers(set[Any]):
        def add(self, connection: Any) -> None:
            ends.append(connection.fileno())
            taken.set()
            forked.wait(0.2)  # whoever forks now, waits until it is known which ends there are
            super().add(connection)

    switchboard._callers = Callers()
    line = CalledLine(switchboard.address)
    calling = threading.Thread(target=line._called)
    calling.start()
    assert taken.wait(10)
    if (child := os.fork()) == 0:
        with contextlib.suppress(BaseException):
            left = int(is_open(ends[0]))
        os._exit(left)
    forked.set()
    calling.join(10)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    line.close()


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
