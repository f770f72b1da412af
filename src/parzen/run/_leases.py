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

from parzen.log import Stream
from parzen.trials import LOST, Event, Finished, History, Outcome, Released, State, TrialError

__all__ = ["BY_HAND", "release_abandoned", "working"]

BY_HAND = "by hand"
"""The worker of trials that a program asked for itself: nobody else may give them up."""


_GOING_ON: set[str] = set()
"""The runs that this process is in: a fact about the process that no argument can carry from one run to the next."""


@contextmanager
def working() -> Iterator[str]:
    """The name of a run as a worker, which is dead when the context ends."""
    me = os.getpid()
    name = f"{_host()}/{_boot()}/{_namespace()}/{me}/{_start_time(me)}/{secrets.token_hex(4)}"
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


@functools.cache
def _namespace() -> str:
    """Which numbering of processes this is: containers on one host have their own."""
    try:
        return str(os.stat("/proc/self/ns/pid").st_ino)
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
    if len(parts) != 6 or not parts[3].isdigit():
        return False
    host, boot, namespace, pid, started = parts[0], parts[1], parts[2], int(parts[3]), parts[4]
    if host != _host():
        return False
    if boot != _boot():
        return True  # the machine has been started anew since
    if namespace != _namespace():
        return False
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


def _abandoned(history: History) -> list[int]:
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


MAX_ATTEMPTS = 3
"""A trial whose worker went away so often is not run again: its objective takes the process down, and would for ever."""


def release_abandoned(stream: Stream) -> int:
    """Give up the trials of workers that are gone, so that they are run again; how many there were."""
    numbers, at = _abandoned(stream.history), stream.clock.wall()
    events: list[Event] = []
    for i in numbers:
        attempt = int(stream.history.attempts[i])
        lost = stream.history.lost(i) + 1
        if lost < MAX_ATTEMPTS:
            events.append(Released(i, attempt, LOST, at))
        else:
            why = f"{lost} times its process was gone before it had a result: the objective may take it down"
            events.append(Finished(i, attempt, Outcome(State.ERROR, error=TrialError("lost worker", why)), at))
    if events:
        stream.publish(*events)
    return len(numbers)
