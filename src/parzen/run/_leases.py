"""Whose a running trial is, and whether that worker is still there.

A worker is host, boot, process, the process's start time and a run in it.  On the same host a vanished process is dead at
once, so a program that is run again after `kill -9` does not wait for anything; and so is a run of this process that ended
without a word, because the disk was full, say.

About all others there is the beat, a counter in the storage that a thread of each run raises every third of its lease.  Whoever
sees it stand still for a whole lease, on their own monotonic clock, takes the worker for dead: no two clocks are compared,
and a clock that is set does no harm.  Time in which the storage could not be looked at does not count, because beats could
not be written then either.  A worker that was only held up (SIGSTOP, a network) and comes back does no harm: its attempt is
not the current one any more, so that whatever it adds is kept as late.

A program that asks for trials itself beats in the same way, from a thread that is there as long as a trial is open (`Keeper`).
"""

from __future__ import annotations

import functools
import logging
import math
import os
import secrets
import socket
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from parzen.errors import StorageError, StudyError, Unavailable
from parzen.log import Beat, Stream
from parzen.trials import BY_HAND, LOST, Event, Finished, Outcome, Released, State, TrialError, is_by_hand

__all__ = ["BY_HAND", "LEASE", "Keeper", "Presence", "present", "release_abandoned", "runs_here", "working"]

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
    name = _name(secrets.token_hex(4))
    _GOING_ON.add(name)
    try:
        yield name
    finally:
        _GOING_ON.discard(name)


def runs_here(worker: str | None) -> bool:
    """Whether this is the name of a run that this process is in."""
    return worker in _GOING_ON


def _name(run: str) -> str:
    me = os.getpid()
    return f"{_host()}/{_boot()}/{_namespace()}/{me}/{_start_time(me)}/{run}"


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

    Args:
        stream: of the study.
        name: of this run, as a worker.
        lease: seconds without a beat after which this run is to be taken for dead.
        seldom: it looks when its program asks for something, and not all the time.

    Attributes:
        name: of this run, as a worker.
        lease: seconds without a beat after which this run is to be taken for dead.
    """

    def __init__(self, stream: Stream, name: str, lease: float = LEASE, *, seldom: bool = False) -> None:
        self.stream, self.name, self.lease = stream, name, min(lease, _LONGEST)
        self._ended = threading.Event()
        self._sight = _Sight(self.lease, stream.clock.monotonic(), seldom=seldom)
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
        """How many trials others are running who may yet be lost: somebody has to be there then to run them again.

        Who asked for a trial may think about it for days.  So a run waits only until it knows that they are there: by their
        process on this host, by a beat on another.
        """
        return sum(self._may_be_lost(worker) for worker in _running(self.stream).values())

    def _may_be_lost(self, worker: str) -> bool:
        if is_by_hand(worker):
            return not (_is_there(worker) or worker in self._sight.beating)
        return worker not in _GOING_ON

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
        trials: dict[str, list[int]] = {}
        for number, worker in _running(self.stream).items():
            trials.setdefault(worker, []).append(number)
        workers = {worker: beats.get(worker, Beat(0, LEASE)) for worker in trials}
        workers.update(beats)
        self._sight.look(workers, self.stream.clock.monotonic(), trials)

    def observe(self) -> None:
        """See who else is there, if somebody else runs a trial."""
        if set(_running(self.stream).values()) - {self.name}:
            self.watch(self.stream.storage.beats(self.stream.header.uid))

    def forget(self) -> None:
        """The storage could not be looked at: what was seen before does not count against anybody."""
        self._sight.forget()

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
        seldom: the observer looks when there is a reason to, and says when the storage could not be asked (`forget`).

    Attributes:
        still: the workers that have stood still for their lease.
        beating: the workers whose beat has risen while this observer looked, and has not stood still for their lease since.
    """

    def __init__(self, lease: float, now: float, *, seldom: bool = False) -> None:
        self._lease, self._seldom = lease, seldom
        self.still: frozenset[str] = frozenset()
        self.beating: frozenset[str] = frozenset()
        self._seen: dict[str, tuple[int, list[int], float]] = {}
        self._last = now

    def look(self, beats: Mapping[str, Beat], now: float, trials: Mapping[str, list[int]] | None = None) -> None:
        """Compare with what was seen before.

        Who has begun or ended a trial since is there as well as who has beaten: a program that asks and tells quickly never
        beats (`trials`: worker -> those that it runs).

        A look that comes late says that the storage could not be asked, or that this observer was held up itself: then
        others may have been, too, and what was seen before does not count against them.  Of an observer who looks seldom it
        says nothing: the time between counts, but as no more than one beat that was missed, so that it takes several looks
        to find a worker dead.
        """
        gap, self._last = now - self._last, now
        seen: dict[str, tuple[int, list[int], float]] = {}
        risen = set(self.beating)
        for worker, beat in beats.items():
            runs = (trials or {}).get(worker, [])
            total, ran, since = self._seen.get(worker, (-1, runs, now))
            if total != beat.total or ran != runs:
                since = now
            elif gap > max(beat.lease, self._lease) / 2:
                since = since + gap - beat.lease / 3 if self._seldom else now
            seen[worker] = (beat.total, runs, since)
            if 0 <= total < beat.total:
                risen.add(worker)
        self._seen = seen
        self.still = frozenset(worker for worker, (_, _, since) in seen.items() if now - since >= beats[worker].lease)
        self.beating = frozenset(risen & seen.keys()) - self.still

    def forget(self) -> None:
        """Begin anew with everybody."""
        self._seen, self.still = {}, frozenset()


class Keeper:
    """Beats for the trials that a program has asked for and not told, and gives up those of others who are gone.

    A thread beats from the first such trial on, and ends within a second of the last one's end.  A pause of days between
    asking and telling does no harm as long as the process lives.  The thread knows the keeper weakly, so that it ends with the
    study too; what is open then goes to somebody else after the lease, and not before, because another `Study` of the
    process may be about to tell it.  Which trials are open is read from the history: there is no second list to keep true.

    Whoever asks and tells quickly never beats: an observer gives a worker that has not beaten yet a whole lease.  They see
    who else is there all the same, whenever they ask, and what they have seen lasts as long as the keeper.

    Args:
        stream: of the study.
        lease: seconds without a beat after which others may run the trials again.

    Attributes:
        name: of whoever asks, as a worker.
    """

    def __init__(self, stream: Stream, lease: float = LEASE) -> None:
        self.stream, self.name = stream, _name(f"{BY_HAND} {secrets.token_hex(4)}")
        self._presence = Presence(stream, self.name, lease, seldom=True)
        self._lock = threading.Lock()
        self._has_thread = self._has_beaten = False
        self._due = self._looked = -math.inf

    def look(self) -> None:
        """Give up the trials of workers that are gone, so that one of them may be asked for next."""
        now = self.stream.clock.monotonic()
        if now - self._looked >= _OFTEN:
            self._looked = now
            try:
                self.stream.pull()
                with self._lock:
                    self._presence.observe()
            except (StorageError, OSError):
                self._presence.forget()
                raise
            self._presence.look()

    def begin(self) -> None:
        """Beat from now on, as long as a trial is open; to be called when one has begun."""
        with self._lock:
            if self._has_thread:
                return
            if not self._has_beaten:  # until then nobody can know of another lease than the usual one
                self._due = self.stream.clock.monotonic() + min(self._presence.lease, LEASE) / 3
            pause = min(self._presence.lease / 3, _OFTEN)
            beating = threading.Thread(
                target=_keep, args=(weakref.ref(self), pause), name="parzen-beat-asked", daemon=True
            )
            try:
                beating.start()
                self._has_thread = True
            except RuntimeError as error:  # there may be no more threads, or the interpreter is about to end
                _log.warning("no thread could be started that beats for what was asked for: %s", error)

    def told(self) -> None:
        """A trial has ended: when it was the last one, nobody needs to know of this worker any more."""
        if self._has_beaten:
            with self._lock:
                self._leave_if_done()

    def goes_on(self) -> bool:
        """Beat, if it is time to; whether the thread is still needed."""
        with self._lock:
            self._has_thread = not self._leave_if_done() and self._beat()
            return self._has_thread

    def _beat(self) -> bool:
        now = self.stream.clock.monotonic()
        if now < self._due:
            return True
        self._due, self._has_beaten = now + self._presence.lease / 3, True
        try:
            self._presence.beat()
        except OSError as error:  # `Unavailable` is one: it may answer next time
            self._presence.forget()
            _log.warning("a beat could not be written: %s", error)
        except (StorageError, StudyError):  # it was closed, or the study deleted
            return False
        return True

    def _leave_if_done(self) -> bool:
        history = self.stream.snapshot()
        if any(history.worker(int(i)) == self.name for i in np.flatnonzero(history.running)):
            return False
        if self._has_beaten:
            self._has_beaten = False
            with suppress(StorageError, StudyError, OSError):
                self.stream.storage.leave(self.stream.header.uid, self.name)
        return True


def _keep(known: weakref.ref[Keeper], pause: float) -> None:
    """The thread of a keeper."""
    while True:
        time.sleep(pause)
        keeper = known()
        if keeper is None or not keeper.goes_on():
            return
        del keeper


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
    return _fate(worker) is False


def _is_there(worker: str) -> bool:
    return _fate(worker) is True


def _fate(worker: str) -> bool | None:
    """Whether a worker's process is there; None where only its beat can tell."""
    parts = worker.split("/")
    if len(parts) != 6 or not parts[3].isdigit():
        return None
    host, boot, namespace, pid, started = parts[0], parts[1], parts[2], int(parts[3]), parts[4]
    if host != _host():
        return None
    if boot != _boot():
        return False  # the machine has been started anew since
    if namespace != _namespace():
        return None
    if pid == os.getpid() and started in ("-", _start_time(pid)):
        # Whoever asked may have let go of the `Study` and tell by another one: that is for the lease to say.
        return worker in _GOING_ON or is_by_hand(worker)
    now = _start_time(pid)
    if now == "-":
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except OSError:
            return True
        return True
    return now != "" and started in ("-", now)


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
