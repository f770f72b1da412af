"""Whose a running trial is, and whether that worker is still there.

A worker is host, boot, process, the process's start time and a run in it.  On the same host a vanished process is dead at
once, so a program that is run again after `kill -9` does not wait for anything; and so is a run of this process that ended
without a word, because the disk was full, say.  About workers on other hosts nothing can be known
from here; their trials are left alone.
"""

from __future__ import annotations

import functools
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from parzen.trials import History

__all__ = ["BY_HAND", "abandoned", "working"]

BY_HAND = "by hand"
"""The worker of trials that a program asked for itself: nobody else may give them up."""


_GOING_ON: set[str] = set()
"""The runs that this process is in: a fact about the process that no argument can carry from one run to the next."""


@contextmanager
def working() -> Iterator[str]:
    """The name of a run as a worker, which is dead when the context ends."""
    name = f"{_host()}/{_boot()}/{os.getpid()}/{_start_time(os.getpid())}/{secrets.token_hex(4)}"
    _GOING_ON.add(name)
    try:
        yield name
    finally:
        _GOING_ON.discard(name)


@functools.cache
def _host() -> str:
    return socket.gethostname().replace("/", "_")


@functools.cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()[:8]
    except OSError:
        return "-"


def _start_time(pid: int) -> str:
    """Ticks since boot at which a process started; "-" where the system does not say, "" where there is no process."""
    try:
        # The name in brackets may itself hold spaces and brackets.
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        fields = text.rsplit(")", 1)[1].split()
        return "" if fields[0] == "Z" else fields[19]  # a zombie runs nothing
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return ""
    except (OSError, IndexError):
        pass
    return "-"


def _is_dead(worker: str) -> bool:
    parts = worker.split("/")
    if len(parts) != 5 or not parts[2].isdigit():
        return False
    host, boot, pid, started = parts[0], parts[1], int(parts[2]), parts[3]
    if host != _host():
        return False
    if boot != _boot():
        return True  # the machine has been started anew since
    if pid == os.getpid():
        return worker not in _GOING_ON
    now = _start_time(pid)
    if now == "-":
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return False
    return now == "" or started not in ("-", now)


def abandoned(history: History) -> list[int]:
    """Running trials whose worker is known to be gone."""
    dead: dict[str, bool] = {}
    found = []
    for number in np.flatnonzero(history.running):
        worker = history.worker(int(number))
        if worker is None or worker == BY_HAND:
            continue
        if worker not in dead:
            dead[worker] = _is_dead(worker)
        if dead[worker]:
            found.append(int(number))
    return found
