"""Which files SQLite has open in this process, and what keeps its locks on them.

SQLite's locks are the process's, not the connection's: POSIX lets go of all that a process holds on a file as soon as it
closes *any* descriptor of it (https://www.sqlite.org/howtocorrupt.html, section 2.2), and a callback that copies the file
does that.  A connection without its locks is invisible to others.  The next program that closes the file takes itself for
the last one, moves the write-ahead log into the file and removes it, and whatever the connection then writes goes into a
log that has no name any more.

Against that, one descriptor of our own is kept as long as there are connections.  Where the system has them (Linux), it
holds a lock of the *open file* on the bytes by which SQLite says that somebody is there
(https://www.sqlite.org/fileformat2.html#the_lock_byte_page): nobody else's closing ends that.  And whoever in parzen looks
into the file does it through this descriptor, and closes none.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from parzen.storages._locks import OPEN_FILE_LOCKS, lock_open_file

__all__ = ["Identity", "closing", "glance", "guard", "hold", "identity"]

Identity: TypeAlias = tuple[int, int]
"""Device and inode of a file."""
_SHARED = (0x40000002, 510)
"""Where SQLite's readers lock a file, and how many bytes."""


@dataclass(slots=True)
class _Held:
    descriptor: int
    connections: int = 0


# State of the module, because what it is about belongs to the process.
_held: dict[Identity, _Held] = {}
_lock = threading.RLock()  # a collection of garbage may close a connection anywhere


def identity(path: str) -> Identity | None:
    """Which file has this name; None where none has."""
    try:
        return _identity(os.stat(path))
    except OSError:
        return None


def _identity(status: os.stat_result) -> Identity:
    return status.st_dev, status.st_ino


def hold(path: str) -> Identity:
    """Say that a connection is about to be opened; the file that it is to.

    Raises:
        OSError: it is not there, or may not be read.
    """
    with _lock:
        file = identity(path) or (0, 0)
        if (known := _held.get(file)) is None:
            descriptor = _opened(path)
            file = _identity(os.fstat(descriptor))
            # Where another file that is held has come under this name, the descriptor is lost, because to close it would
            # take that one's locks.
            known = _held.setdefault(file, _Held(descriptor))
        known.connections += 1
        return file


def guard(file: Identity) -> None:
    """Keep a file's log where it is: a connection is open, in the mode in which there is one.

    In SQLite's other mode every commit would have to wait for this lock.
    """
    with _lock:
        _ask_for(_held[file].descriptor, "read")


@contextlib.contextmanager
def closing(file: Identity) -> Iterator[None]:
    """While a connection is closed: with the last one the file is let go of, and SQLite may remove its log."""
    with _lock:
        known = _held.get(file)
        if known is None:  # a forked child, which holds nothing
            yield
            return
        if known.connections == 1:
            _ask_for(known.descriptor, "none")
        try:
            yield
        finally:
            known.connections -= 1
            if not known.connections:
                del _held[file]
                os.close(known.descriptor)


def glance(path: str, size: int) -> tuple[bytes, int]:
    """The first `size` bytes of a file, and how many it has.

    Raises:
        OSError: it cannot be read.
    """
    with _lock:
        known = _held.get(identity(path) or (0, 0))
        descriptor = known.descriptor if known is not None else _opened(path)
        try:
            os.lseek(descriptor, 0, os.SEEK_SET)
            return os.read(descriptor, size), os.fstat(descriptor).st_size
        finally:
            if known is None:
                os.close(descriptor)


def _opened(path: str) -> int:
    return os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))


def _ask_for(descriptor: int, kind: Literal["read", "none"]) -> None:
    """Change the lock of the open file, where there is such a thing."""
    if OPEN_FILE_LOCKS:
        with contextlib.suppress(OSError):  # a file system without locks
            lock_open_file(descriptor, kind, *_SHARED)


def _forget() -> None:
    """In a forked child, which has none of SQLite's locks: its parent's descriptors stay open, and are its parent's."""
    _held.clear()
    _lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_forget)
