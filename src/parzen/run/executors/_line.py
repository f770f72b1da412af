"""How a task on an engine of somebody else speaks with the driver while it runs: over a socket of this machine.

It reaches processes of this machine whatever has started them.  From another machine nobody answers, and what a task has to
tell comes with its result; a socket that other machines can reach would be a door that nobody has asked for.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Client, Listener
from typing import Any

from parzen.run.executors._base import Attached, Message, Question, Reported

__all__ = ["Address", "CalledLine", "Switchboard"]

_HEARD = 30.0
"""Seconds that a caller waits to be heard to the end."""

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
        told: is given every message; may be called from any thread.
    """

    def __init__(self, told: Callable[[Message], object]) -> None:
        self._told = told
        self._key = secrets.token_bytes(32)
        self._listener = Listener(authkey=self._key)
        self._closed = False
        self.address = Address(socket.gethostname(), self._listener.address, self._key)
        threading.Thread(target=self._take_calls, name="parzen-switchboard", daemon=True).start()

    def _take_calls(self) -> None:
        while not self._closed:
            try:
                connection = self._listener.accept()
            except Exception:  # somebody who does not know the key, or who hung up at once
                _log.debug("a call was not taken", exc_info=True)
                continue
            if self._closed:
                connection.close()
                return
            threading.Thread(target=self._listen, args=(connection,), name="parzen-call", daemon=True).start()

    def _listen(self, connection: Any) -> None:
        def answer(stop: bool) -> None:
            with contextlib.suppress(OSError):
                connection.send(stop)

        with contextlib.suppress(EOFError, OSError), connection:
            while True:
                said = connection.recv()
                if said is None:  # a caller who is about to hang up: everything before is heard, and may be relied on
                    connection.send(None)
                elif isinstance(said, tuple):
                    self._told(Question(said[0], said[1], answer))
                else:
                    self._told(said)

    def close(self) -> None:
        """Take no more calls."""
        self._closed = True
        with contextlib.suppress(OSError, EOFError):
            # Nothing else wakes up who waits for a call.  Without the key, because nobody may be waiting any more, and then
            # nobody would answer.
            Client(self.address.path).close()
        self._listener.close()


class CalledLine:
    """The task's end: calls when there is something to say for the first time.

    Args:
        address: None where nobody listens.
    """

    def __init__(self, address: Address | None) -> None:
        self.unsaid: list[Reported | Attached] = []
        self._address = address
        self._connection: Any = None
        self._lock = threading.Lock()

    def tell(self, message: Reported | Attached) -> None:
        with self._lock:
            try:
                if self._called():
                    self._connection.send(message)
                    return
            except OSError:
                self._address = None
        self.unsaid.append(message)

    def ask(self, number: int, attempt: int) -> bool:
        with self._lock:
            if not self._called():
                return False
            try:
                self._connection.send((number, attempt))
                return bool(self._connection.recv())
            except (OSError, EOFError):
                return True  # whoever wanted the result is gone

    def _called(self) -> bool:
        address = self._address
        if self._connection is not None:
            return True
        if address is None or address.host != socket.gethostname():
            return False
        if isinstance(address.path, str) and os.name == "posix" and not os.path.exists(address.path):
            self._address = None  # another machine of the same name, or the run is over
            return False
        try:
            self._connection = Client(address.path, authkey=address.key)
        except (OSError, EOFError):
            self._address = None
        return self._connection is not None

    def close(self) -> None:
        """Hang up, when everything was heard: the result goes another way, and must not be there before."""
        if self._connection is None:
            return
        with contextlib.suppress(OSError, EOFError), self._connection:
            self._connection.send(None)
            self._connection.poll(_HEARD)
