"""How a task on an engine of somebody else speaks with the driver while it runs: over a socket of this machine.

It reaches processes of this machine whatever has started them.  From another machine nobody answers, and what a task has to
tell comes with its result; a socket that other machines can reach would be a door that nobody has asked for.

Nobody waits for ever for an end that is gone.  The system says so to whoever waits, as soon as no process holds that end any
more; hence a forked child lets go of the driver's ends at once, because the workers of a pool that forks would keep them open
for each other.  What the system does not say is found out by looking: calls and handshakes have a time limit, and who waits
for an answer looks now and then whether anybody listens at all.
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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import AuthenticationError
from multiprocessing.connection import Listener
from typing import Any

from parzen.run.executors import _handshake
from parzen.run.executors._base import Attached, Message, Question, Reported

__all__ = ["Address", "CalledLine", "Switchboard"]

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
        self._closed = False
        self._callers: set[Any] = set()
        self._lock = threading.Lock()
        with _no_fork:
            # Without the key: `accept` would shake hands itself, and who calls and then says nothing would keep out all
            # others.
            self._listener = Listener(backlog=128)
            _open.add(self)
        self.address = Address(socket.gethostname(), self._listener.address, self._key)
        threading.Thread(target=self._take_calls, name="parzen-switchboard", daemon=True).start()

    def _take_calls(self) -> None:
        while not self._closed:
            try:
                self._take_call()
            except Exception:  # somebody who hung up at once, or there is no thread or descriptor left
                _log.debug("a call was not taken", exc_info=True)
                time.sleep(0.0 if self._closed else 0.05)  # without a descriptor left it fails at once, again and again

    def _take_call(self) -> None:
        _handshake.wait_for_call(self._listener)
        with _no_fork:  # a child would keep a connection that we do not know of yet
            connection = self._listener.accept()
            with self._lock:
                if self._closed:
                    connection.close()
                    return
                self._callers.add(connection)
        try:
            threading.Thread(target=self._listen, args=(connection,), name="parzen-call", daemon=True).start()
        except BaseException:
            self._let_go(connection)
            raise

    def _listen(self, connection: Any) -> None:
        try:
            _handshake.welcome(connection, self._key)
            self._hear(connection)
        except (EOFError, OSError, AuthenticationError):
            _log.debug("a caller has hung up, or does not know the key", exc_info=True)
        except Exception:
            # Whoever asks next learns by the hang-up that there will be no answer, instead of waiting for ever.
            _log.warning(
                "a message of a trial could not be read: nothing more is heard of it than its result", exc_info=True
            )
        finally:
            self._let_go(connection)

    def _hear(self, connection: Any) -> None:
        def answer(stop: bool) -> None:
            with contextlib.suppress(OSError):
                connection.send(stop)

        while True:
            said = connection.recv()
            if said is None:
                # The caller's result comes another way: everything before is heard, and may be relied on.
                connection.send(None)
            elif isinstance(said, tuple) and len(said) == 2:
                self._told(Question(said[0], said[1], answer))
            else:
                self._told(said)

    def _let_go(self, connection: Any) -> None:
        with self._lock:
            connection.close()
            self._callers.discard(connection)

    def close(self) -> None:
        """Take no more calls, and listen to nobody any more."""
        self._closed = True
        with contextlib.suppress(OSError, EOFError):
            # Nothing else wakes up who waits for a call.  Without the key, because nobody may be waiting any more, and then
            # nobody would answer.
            _handshake.reached(self.address.path).close()
        self._listener.close()
        with self._lock:
            for connection in self._callers:
                _handshake.hang_up(connection)

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
        self._gone = False  # the driver was there and is no more; where nobody could be called, nobody says stop
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
            if self._called():
                with self._speaking():
                    self._connection.send((number, attempt))
                    return bool(self._answer())
            return self._gone  # whoever wanted the result is gone, and stays so

    def over(self, number: int, attempt: int, answer: bytes) -> None:
        """The call is over: what it returns, said at once; the engine brings it as well, but later."""
        if len(answer) <= _SHORT:
            with self._lock:
                # What was told before is still waited for: the engine may be faster, and then it would come too late.
                self._said((number, attempt, answer))

    def _said(self, message: object) -> bool:
        if self._called():
            with self._speaking():
                self._connection.send(message)
                return True
        return False

    def _answer(self) -> object:
        """What the driver says, however long it thinks (an algorithm may have the word before us).

        Raises:
            OSError, EOFError: it is gone.
        """
        while not self._connection.poll(_handshake.HEARD):
            assert self._address is not None
            with contextlib.suppress(BlockingIOError):  # somebody listens, and has many calls to take before ours
                _handshake.reached(self._address.path).close()  # refused where nobody listens any more
        return self._connection.recv()

    @contextlib.contextmanager
    def _speaking(self) -> Iterator[None]:
        """While the driver is spoken with; if it turns out to be gone, what stands inside is left.

        Whoever is interrupted here leaves half a message, or an answer that would be taken for that to another question, so
        that the connection ends.  To those belongs TimeoutError, though it is an OSError: nothing that we call raises it,
        and a time limit of the objective's own (SIGALRM) does.
        """
        try:
            yield
        except BaseException as error:
            connection, self._connection = self._connection, None
            connection.close()
            if isinstance(error, TimeoutError) or not isinstance(error, (OSError, EOFError)):
                raise
            self._address, self._gone = None, True  # nothing is to be told, and nobody asked, any more

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
                self._connection = _handshake.call(address.path, address.key)
            except TimeoutError:  # the objective's own, see `_speaking`
                raise
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
                    self._settled = connection.poll(_handshake.HEARD) and connection.recv() is None
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
"""Those of this process, for the hooks below: nothing else is told of a fork."""

_no_fork = threading.RLock()  # a collection of garbage may fork anywhere
"""Held while a switchboard gets an end that it does not know yet."""


def _leave_to_parent() -> None:
    for switchboard in list(_open):
        switchboard.leave()
    _open.clear()
    _no_fork.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_no_fork.acquire, after_in_parent=_no_fork.release, after_in_child=_leave_to_parent)
