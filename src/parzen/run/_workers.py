"""Who a worker is: host, boot, process, the process's start time and a run in it; and whether that process is there.

On the same host a vanished process is dead at once; and so is a run of this process that ended without a word, because the
disk was full, say.  Of other hosts, boots and containers nothing can be told.
"""

from __future__ import annotations

import functools
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from parzen._processes import boot, start_time
from parzen.trials import is_by_hand

__all__ = ["has_lease", "is_dead", "is_there", "runs_here", "worker_name", "working"]

_GOING_ON: set[str] = set()
"""The runs that this process is in: a fact about the process that no argument can carry from one run to the next."""


@contextmanager
def working() -> Iterator[str]:
    """The name of a run as a worker, which is dead when the context ends."""
    name = worker_name(secrets.token_hex(4))
    _GOING_ON.add(name)
    try:
        yield name
    finally:
        _GOING_ON.discard(name)


def runs_here(worker: str | None) -> bool:
    """Whether this is the name of a run that this process is in."""
    return worker in _GOING_ON


def worker_name(run: str) -> str:
    me = os.getpid()
    return f"{_host()}/{boot()[:8]}/{_namespace()}/{me}/{start_time(me)}/{run}"


@functools.cache
def _host() -> str:
    return socket.gethostname().replace("/", "_")


@functools.cache
def _namespace() -> str:
    """Which numbering of processes this is: containers on one host have their own."""
    try:
        return str(os.stat("/proc/self/ns/pid").st_ino)
    except OSError:
        return "-"


def is_dead(worker: str) -> bool:
    return _fate(worker) is False


def is_there(worker: str) -> bool:
    return _fate(worker) is True


def _fate(worker: str) -> bool | None:
    """Whether a worker's process is there; None where only its beat can tell."""
    parts = worker.split("/")
    if len(parts) != 6 or not parts[3].isdigit():
        return None
    host, booted, namespace, pid, started = parts[0], parts[1], parts[2], int(parts[3]), parts[4]
    if host != _host():
        return None
    if booted != boot()[:8]:
        return False  # the machine has been started anew since
    if namespace != _namespace():
        return None
    if pid == os.getpid() and started in ("-", start_time(pid)):
        # Whoever asked may have let go of the `Study` and tell by another one: that is for the lease to say.
        return worker in _GOING_ON or is_by_hand(worker)
    now = start_time(pid)
    if now == "-":
        if os.name == "nt":  # there the next would send it a Ctrl-C
            return None
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except OSError:
            return True
        return True
    return now != "" and started in ("-", now)


def has_lease(worker: str) -> bool:
    """Whether this is the name of a run, which beats, and not somebody whom only its own program knows."""
    return worker.count("/") == 5
