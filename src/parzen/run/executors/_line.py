"""How a task on an engine of somebody else speaks with the driver while it runs: over a socket of this machine.

It reaches processes of this machine whatever has started them.  From another machine nobody answers, and what a task has to
tell comes with its result; a socket that other machines can reach would be a door that nobody has asked for.

Nobody waits for ever for an end that is gone.  The system says so to whoever waits, as soon as no process holds that end any
more; hence a forked child lets go of the driver's ends at once, because the workers of a pool that forks would keep them open
for each other.  What the system does not say is found out by looking: handshakes have a time limit, and who waits for an
answer looks now and then whether anybody listens at all.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import socket
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Listener, answer_challenge, deliver_challenge
from typing import Any

from parzen.run.executors._base import Attached, Message, Question, Reported

__all__ = ["Address", "CalledLine", "Switchboard"]

_HEARD = 30.0
"""Seconds that either end waits for the other where an answer takes no thought, and between looks where it does."""

_SHORT = 1 << 16
"""Bytes of an answer up to which it is said at once; a longer one comes with the engine alone, which can do that better."""

_log = logging.getLogger("parzen")


@dataclass(frozen=True, slots=True)
class Address:
    """Where the driver listens.

    Attributes:
        host: the machine's name.
        path: of the socket.
        key: who knows it may call.
    """

    host: str
    path: Any  # a path, and on Windows the name of a pipe
    key: bytes


class Switchboard:
    """The driver's end: a thread takes calls, and one for each caller listens.

    Args:
        told: is given every message, and (number, attempt, answer) of each call that is over; may be called from any thread.
    """

    def __init__(self, told: Callable[[Message | tuple[int, int, bytes]], object]) -> None:
        self._told = told
        self._key = secrets.token_bytes(32)
        # Without the key: `accept` would shake hands itself, and who calls and then says nothing would keep out all others.
        self._listener = Listener(backlog=128)
        self._closed = False
        self._callers: set[Any] = set()
        self._lock = threading.Lock()
        self.address = Address(socket.gethostname(), self._listener.address, self._key)
        _open.add(self)
        threading.Thread(target=self._take_calls, name="parzen-switchboard", daemon=True).start()

    def _take_calls(self) -> None:
        while not self._closed:
            try:
                connection = self._listener.accept()
            except Exception:  # somebody who hung up at once
                _log.debug("a call was not taken", exc_info=True)
                time.sleep(0.0 if self._closed else 0.05)  # without a descriptor left it fails at once, again and again
                continue
            with self._lock:
                if self._closed:
                    connection.close()
                    return
                self._callers.add(connection)
            threading.Thread(target=self._listen, args=(connection,), name="parzen-call", daemon=True).start()

    def _listen(self, connection: Any) -> None:
        def answer(stop: bool) -> None:
            with contextlib.suppress(OSError):
                connection.send(stop)

        with contextlib.suppress(EOFError, OSError, AuthenticationError):
            _welcome(connection, self._key)
            while True:
                said = connection.recv()
                if said is None:
                    # The caller's result comes another way: everything before is heard, and may be relied on.
                    connection.send(None)
                elif isinstance(said, tuple) and len(said) == 2:
                    self._told(Question(said[0], said[1], answer))
                else:
                    self._told(said)
        with self._lock:
            self._callers.discard(connection)
            connection.close()

    def close(self) -> None:
        """Take no more calls, and listen to nobody any more."""
        self._closed = True
        with contextlib.suppress(OSError, EOFError):
            # Nothing else wakes up who waits for a call.  Without the key, because nobody may be waiting any more, and then
            # nobody would answer.
            Client(self.address.path).close()
        self._listener.close()
        with self._lock:
            for connection in self._callers:
                _hang_up(connection)

    def leave(self) -> None:
        """Let go of what this process, a forked child, has inherited; the parent's own stays as it is."""
        self._closed = True
        for connection in [self._listener, *self._callers]:  # without the lock, which a thread of the parent's may hold
            with contextlib.suppress(OSError):
                connection.close()


class CalledLine:
    """The task's end: calls when there is something to say for the first time.

    A call that went well is kept for the next task of this process: to make one takes a thread and four messages.

    Args:
        address: None where nobody listens.
    """

    def __init__(self, address: Address | None) -> None:
        self.unsaid: list[Reported | Attached] = []
        self._address = address
        self._connection: Any = None
        self._settled = True  # everything that was told on the way is heard
        self._lock = threading.Lock()

    def tell(self, message: Reported | Attached) -> None:
        with self._lock:
            if self._said(message):
                self._settled = False
                return
        self.unsaid.append(message)

    def ask(self, number: int, attempt: int) -> bool:
        with self._lock:
            if not self._called():
                return False
            try:
                self._connection.send((number, attempt))
                return bool(self._answer())
            except (OSError, EOFError):
                self._give_up()
                return True  # whoever wanted the result is gone
            except BaseException:
                # The objective was interrupted: the answer would be taken for that to another question.
                self._connection.close()
                self._connection = None
                raise

    def over(self, number: int, attempt: int, answer: bytes) -> None:
        """The call is over: what it returns, said at once; the engine brings it as well, but later."""
        if len(answer) <= _SHORT:
            with self._lock:
                # What was told before is still waited for: the engine may be faster, and then it would come too late.
                self._said((number, attempt, answer))

    def _said(self, message: object) -> bool:
        try:
            if self._called():
                self._connection.send(message)
                return True
        except OSError:
            self._give_up()
        return False

    def _answer(self) -> object:
        """What the driver says, however long it thinks (an algorithm may have the word before us).

        Raises:
            OSError, EOFError: it is gone.
        """
        while not self._connection.poll(_HEARD):
            assert self._address is not None
            Client(self._address.path).close()  # refused where nobody listens any more
        return self._connection.recv()

    def _give_up(self) -> None:
        """The driver is gone: nothing is to be told, and nobody asked, any more."""
        self._address, connection, self._connection = None, self._connection, None
        connection.close()

    def _called(self) -> bool:
        address = self._address
        if self._connection is not None:
            return True
        if address is None or address.host != socket.gethostname():
            return False
        if isinstance(address.path, str) and os.name == "posix" and not os.path.exists(address.path):
            self._address = None  # another machine of the same name, or the run is over
            return False
        self._connection = _kept.take(address)
        if self._connection is None:
            try:
                self._connection = _call(address)
            except (OSError, EOFError, AuthenticationError):
                self._address = None
        return self._connection is not None

    def close(self) -> None:
        """Hang up, when everything was heard: a result that goes another way must not be there before."""
        with self._lock:  # a thread of the objective's own may still be asking
            connection, self._connection, address, self._address = self._connection, None, self._address, None
            if connection is None:
                return
            with contextlib.suppress(OSError, EOFError):
                if not self._settled:
                    connection.send(None)
                    self._settled = connection.poll(_HEARD) and connection.recv() is None
                if self._settled and address is not None:
                    _kept.put(address, connection)
                    return
            connection.close()


class _Kept:
    """Calls of this process that nobody uses at the moment, to the driver that was last spoken with."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._address: Address | None = None
        self._free: list[Any] = []

    def take(self, address: Address) -> Any:
        """One to this address, or None."""
        with self._lock:
            self._turn_to(address)
            return self._free.pop() if self._free else None

    def put(self, address: Address, connection: Any) -> None:
        """Keep one for the next who calls there."""
        with self._lock:
            self._turn_to(address)
            self._free.append(connection)

    def _turn_to(self, address: Address) -> None:
        if self._address != address or self._pid != os.getpid():  # a forked child must not speak on its parent's
            while self._free:
                self._free.pop().close()
            self._address, self._pid = address, os.getpid()


# State of the process, because a task of an engine finds nothing else of the one before it.
_kept = _Kept()

_open: weakref.WeakSet[Switchboard] = weakref.WeakSet()
"""Those of this process, for the hook below: nothing else is told of a fork."""


def _leave_to_parent() -> None:
    for switchboard in list(_open):
        switchboard.leave()
    _open.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)


class _Patient:
    """A connection on which nothing is waited for longer than `_HEARD`."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.send_bytes = connection.send_bytes

    def recv_bytes(self, longest: int) -> bytes:
        if not self._connection.poll(_HEARD):
            raise TimeoutError(f"the other end has said nothing for {_HEARD:g} s")
        return bytes(self._connection.recv_bytes(longest))


def _call(address: Address) -> Any:
    """A connection to the driver, when each end has shown the other that it knows the key.

    Raises:
        OSError, EOFError, AuthenticationError: nobody answers, or somebody else.
    """
    connection = Client(address.path)
    try:
        patient: Any = _Patient(connection)
        answer_challenge(patient, address.key)
        deliver_challenge(patient, address.key)
    except BaseException:
        connection.close()
        raise
    return connection


def _welcome(connection: Any, key: bytes) -> None:
    """The driver's part of the same."""
    patient: Any = _Patient(connection)
    deliver_challenge(patient, key)
    answer_challenge(patient, key)


def _hang_up(connection: Any) -> None:
    """End a connection on which another thread waits: to close its descriptor would not wake it up."""
    with (
        contextlib.suppress(OSError, AttributeError, ValueError),
        socket.socket(fileno=os.dup(connection.fileno())) as end,
    ):
        end.shutdown(socket.SHUT_RDWR)
