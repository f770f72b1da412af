"""Whose a running trial is, and whether that worker is still there.

A worker is host, boot, process, the process's start time and a run in it.  On the same host a vanished process is dead at
once, so a program that is run again after `kill -9` does not wait for anything; and so is a run of this process that ended
without a word, because the disk was full, say.

About all others there is the beat, a counter in the storage that a thread of each run raises every third of its lease.  Whoever
sees it stand still for a whole lease, on their own monotonic clock, takes the worker for dead: no two clocks are compared,
and a clock that is set does no harm.  Time in which the storage could not be looked at does not count, because beats could
not be written then either.  A worker that was only held up (SIGSTOP, a network) and comes back does no harm: its attempt is
not the current one any more, so that whatever it adds is kept as late.
"""

from __future__ import annotations

import functools
import logging
import math
import os
import secrets
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from parzen.errors import StorageError, StudyError, Unavailable
from parzen.log import Beat, Stream
from parzen.trials import BY_HAND, LOST, Event, Finished, Outcome, Released, State, TrialError

__all__ = ["BY_HAND", "LEASE", "Presence", "present", "release_abandoned", "working"]

_log = logging.getLogger("parzen")

LEASE = 60.0
"""Seconds without a beat after which a worker is taken for dead; it beats three times as often."""
MAX_ATTEMPTS = 3
"""A trial whose worker went away so often is not run again: its objective takes the process down, and would for ever."""

_LONGEST = 1e8
"""Seconds that databases and timers can say: three years."""
_OFTEN = 1.0
"""Seconds between two looks at the workers of running trials: a look asks the system about each process."""

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


@contextmanager
def present(stream: Stream, lease: float = LEASE) -> Iterator[Presence]:
    """A run as a worker that beats as long as the context lasts, and watches the others.

    Args:
        stream: of the study.
        lease: seconds without a beat after which others may take this run for dead.
    """
    with working() as name:
        me = Presence(stream, name, lease)
        if not stream.storage.durable:  # whoever can see the study is in this process
            yield me
            return
        me.beat()
        beating = threading.Thread(target=me.keep_beating, name="parzen-beat", daemon=True)
        beating.start()
        try:
            yield me
        finally:
            me.end(beating)


class Presence:
    """One run's view of who works on a study.

    Attributes:
        name: of this run, as a worker.
        lease: seconds without a beat after which this run is to be taken for dead.
    """

    def __init__(self, stream: Stream, name: str, lease: float = LEASE) -> None:
        self.stream, self.name, self.lease = stream, name, min(lease, _LONGEST)
        self._ended = threading.Event()
        self._sight = _Sight(self.lease, stream.clock.monotonic())
        self._looked = -math.inf
        self._pid = os.getpid()

    def look(self) -> int:
        """Give up the trials of workers that are gone, so that they are run again; how many there were."""
        if not self.stream.history.count(State.RUNNING):  # a search of its own asks nobody
            return 0
        now = self.stream.clock.monotonic()
        if now - self._looked < _OFTEN:
            return 0
        self._looked = now
        return _give_up(self.stream, self._dead(), self.name)

    def awaits(self) -> int:
        """How many trials others are running who may yet be lost: somebody has to be there then to run them again."""
        return sum(_has_lease(worker) and worker not in _GOING_ON for worker in _running(self.stream).values())

    def gone(self) -> frozenset[str]:
        """The workers of running trials that are known to be gone; nothing is given up and nothing written.

        Those of this host whose process has vanished, and those whose beats have stood still for whoever looked (`watch`).
        """
        return frozenset(self._dead())

    def _dead(self) -> set[str]:
        workers = set(_running(self.stream).values()) - {self.name}
        return {worker for worker in workers if _is_dead(worker) or worker in self._sight.still}

    # --- the thread that beats ----------------------------------------------------------------------------------

    def beat(self) -> None:
        """Say that this run is there, and see who else is."""
        storage, uid = self.stream.storage, self.stream.header.uid
        storage.beat(uid, self.name, self.lease)
        self.watch(storage.beats(uid))

    def watch(self, beats: Mapping[str, Beat]) -> None:
        """Take note of the beats of all."""
        workers = {worker: beats.get(worker, Beat(0, LEASE)) for worker in _running(self.stream).values()}
        workers.update(beats)
        self._sight.look(workers, self.stream.clock.monotonic())

    def keep_beating(self) -> None:
        """Beat until the run ends, come what may: a storage that does not answer now may answer next time."""
        while not self._ended.wait(self.lease / 3):
            if os.getpid() != self._pid:
                return
            try:
                self.beat()
            except StudyError:  # the study was deleted
                return
            except (StorageError, OSError) as error:
                _log.warning("a beat could not be written: %s", error)

    def end(self, beating: threading.Thread) -> None:
        """Beat no more."""
        self._ended.set()
        if os.getpid() != self._pid:
            return
        beating.join(1.0)
        with suppress(StorageError, StudyError):
            if not beating.is_alive():  # else the storage does not answer, and need not be asked
                self.stream.storage.leave(self.stream.header.uid, self.name)


class _Sight:
    """Whose beat stands still, as one observer sees it.

    Args:
        lease: the observer's own, who looks three times as often.
        now: on the observer's monotonic clock.

    Attributes:
        still: the workers that have stood still for their lease.
    """

    def __init__(self, lease: float, now: float) -> None:
        self._lease = lease
        self.still: frozenset[str] = frozenset()
        self._seen: dict[str, tuple[int, float]] = {}
        self._last = now

    def look(self, beats: Mapping[str, Beat], now: float) -> None:
        """Compare with what was seen before.

        A look that comes late says that the storage could not be asked, or that this observer was held up itself: then
        others may have been, too, and what was seen before does not count against them.
        """
        gap, self._last = now - self._last, now
        seen = {}
        for worker, beat in beats.items():
            total, since = self._seen.get(worker, (-1, now))
            moved = total != beat.total or gap > max(beat.lease, self._lease) / 2
            seen[worker] = (beat.total, now if moved else since)
        self._seen = seen
        self.still = frozenset(worker for worker, (_, since) in seen.items() if now - since >= beats[worker].lease)


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


def _has_lease(worker: str) -> bool:
    """Whether this is the name of a run, which beats, and not somebody whom only its own program knows."""
    return worker.count("/") == 5


def _running(stream: Stream) -> dict[int, str]:
    """The running trials that somebody may give up -> their workers."""
    history = stream.history
    if not history.count(State.RUNNING):
        return {}
    workers = {int(i): history.worker(int(i)) for i in np.flatnonzero(history.running)}
    return {i: worker for i, worker in workers.items() if worker is not None and _has_lease(worker)}


def release_abandoned(stream: Stream) -> int:
    """Give up the trials of workers that are known to be gone, so that they are run again; how many there were.

    These are the vanished processes of this host; those of others become known to who watches their beats (`present`).
    """
    return _give_up(stream, {worker for worker in set(_running(stream).values()) if _is_dead(worker)})


def _give_up(stream: Stream, dead: set[str], me: str = "") -> int:
    if not dead:
        return 0
    numbers, at = [i for i, worker in _running(stream).items() if worker in dead], stream.clock.wall()
    events: list[Event] = []
    for i in numbers:
        attempt = int(stream.history.attempts[i])
        lost = stream.history.lost(i) + 1
        if i in stream.history.wishes.cancelling:
            events.append(Finished(i, attempt, Outcome(State.CANCELLED), at))
        elif lost < MAX_ATTEMPTS:
            events.append(Released(i, attempt, LOST, at))
        else:
            why = f"{lost} times its process was gone before it had a result: the objective may take it down"
            events.append(Finished(i, attempt, Outcome(State.ERROR, error=TrialError("lost worker", why)), at))
    if events:
        stream.publish(*events)
        _log.info("gave up %d trials of %d workers that are gone", len(events), len(dead))
    for worker in dead:
        with suppress(Unavailable, StudyError):  # else it is forgotten by who comes next
            stream.storage.leave(stream.header.uid, worker)
    return len(numbers)
