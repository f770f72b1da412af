"""How two ends of a line come to know that they may speak, and how either waits for the other no longer than a while.

Each shows the other that it knows the key (`multiprocessing.connection`).  What waits without a limit there has one here.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time
from collections.abc import Iterator
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, answer_challenge, deliver_challenge, wait
from typing import Any

__all__ = ["HEARD", "call", "hang_up", "reached", "wait_for_call", "welcome"]

HEARD = 30.0
"""Seconds that either end waits for the other where an answer takes no thought, and between looks where it does."""


def wait_for_call(listener: Any) -> None:
    """Wait here and not in `accept`, during which nobody may fork.  On Windows, where nobody does, there is no socket."""
    if (end := getattr(listener._listener, "_socket", None)) is not None:
        # Some systems forget a caller who hangs up now, and `accept` is not to wait for the next one.
        end.setblocking(False)
        wait([end])


class _Patient:
    """A connection on which nothing is waited for longer than `HEARD`; for a handshake, of which every message is short."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._until = time.monotonic() + HEARD
        self.send_bytes = connection.send_bytes

    def recv_bytes(self, longest: int) -> bytes:
        if not self._connection.poll(max(self._until - time.monotonic(), 0.0)):
            raise ConnectionAbortedError(f"the other end has not shaken hands within {HEARD:g} s")
        return bytes(self._connection.recv_bytes(longest))


@contextlib.contextmanager
def _patient(connection: Any) -> Iterator[Any]:
    """A connection to shake hands on; half a message is not waited for either.

    Raises:
        OSError, EOFError, AuthenticationError: the other end says nothing, or what it says is none of ours.
    """
    try:
        _limit(connection, HEARD)
        yield _Patient(connection)
        _limit(connection, 0.0)
    except AssertionError as error:  # so says Python before 3.12 to what is no challenge
        raise AuthenticationError(str(error)) from error


def _limit(connection: Any, seconds: float) -> None:
    """So long each read and write may wait, where it is a socket; 0 for ever.  A message in a pipe of Windows is whole."""
    if os.name == "posix":
        with socket.socket(fileno=os.dup(connection.fileno())) as end:
            _limit_socket(end, seconds)


def _limit_socket(end: socket.socket, seconds: float) -> None:
    # By the system, because `settimeout` makes a socket that does not wait at all, on which a connection to somebody who
    # has many calls to take fails at once.  What was waited for too long is a BlockingIOError.
    timeval = struct.pack("ll", int(seconds), int(seconds % 1 * 1e6))
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeval)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval)


def reached(path: Any) -> Any:
    """A connection to who listens there, before any handshake.

    Raises:
        BlockingIOError: somebody does, and has not taken the call within `HEARD`.
        OSError: nobody does.
    """
    if os.name != "posix":
        return Client(path)
    with socket.socket(socket.AF_UNIX) as end:
        _limit_socket(end, HEARD)
        end.connect(path)
        _limit_socket(end, 0.0)
        return Connection(end.detach())


def call(path: Any, key: bytes) -> Any:
    """A connection to the driver, when each end has shown the other that it knows the key.

    Raises:
        OSError, EOFError, AuthenticationError: nobody answers, or somebody else.
    """
    connection = reached(path)
    try:
        with _patient(connection) as patient:
            answer_challenge(patient, key)
            deliver_challenge(patient, key)
    except BaseException:
        connection.close()
        raise
    return connection


def welcome(connection: Any, key: bytes) -> None:
    """The driver's part of the same."""
    with _patient(connection) as patient:
        deliver_challenge(patient, key)
        answer_challenge(patient, key)


def hang_up(connection: Any) -> None:
    """End a connection on which another thread waits: to close its descriptor would not wake it up."""
    with (
        contextlib.suppress(OSError, AttributeError, ValueError),
        socket.socket(fileno=os.dup(connection.fileno())) as end,
    ):
        end.shutdown(socket.SHUT_RDWR)
