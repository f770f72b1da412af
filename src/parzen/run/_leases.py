"""Whose a running trial is, and whether that worker is still there.

On the same host a vanished process is dead at once (`_workers`), so that a program that is run again after `kill -9` does
not wait for anything.  About all others there is the beat, a counter in the storage that a thread of each run raises every
third of its lease.  Whoever sees it stand still for a whole lease, on their own monotonic clock, takes the worker for dead:
no two clocks are compared, and a clock that is set does no harm.  Time in which the storage could not be looked at does not
count, because beats could not be written then either.  A worker that was only held up (SIGSTOP, a network) and comes back
does no harm: its attempt is not the current one any more, so that whatever it adds is kept as late.

A program that asks for trials itself beats in the same way, from a thread that is there as long as a trial is open (`_keeper`).
"""

from __future__ import annotations

import logging
import math
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import numpy as np

from parzen.errors import StorageError, StudyError, Unavailable
from parzen.log import Beat, Stream
from parzen.run._workers import has_lease, is_dead, is_there, runs_here, working
from parzen.trials import BY_HAND, LOST, Event, Finished, Outcome, Released, State, TrialError, is_by_hand

__all__ = ["BY_HAND", "LEASE", "MAX_ATTEMPTS", "OFTEN", "Presence", "present", "release_abandoned"]

_log = logging.getLogger("parzen")

LEASE = 60.0
"""Seconds without a beat after which a worker is taken for dead; it beats three times as often."""
MAX_ATTEMPTS = 3
"""A trial whose worker went away so often is not run again: its objective takes the process down, and would for ever."""

_LONGEST = 1e8
"""Seconds that databases and timers can say: three years."""
OFTEN = 1.0
"""Seconds between two looks at the workers of running trials: a look asks the system about each process."""


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
        if now - self._looked < OFTEN:
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
            return not (is_there(worker) or worker in self._sight.beating)
        return not runs_here(worker)

    def gone(self) -> frozenset[str]:
        """The workers of running trials that are known to be gone; nothing is given up and nothing written.

        Those of this host whose process has vanished, and those whose beats have stood still for whoever looked (`watch`).
        """
        return frozenset(self._dead())

    def _dead(self) -> set[str]:
        workers = set(_running(self.stream).values()) - {self.name}
        return {worker for worker in workers if is_dead(worker) or worker in self._sight.still}

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


def _running(stream: Stream) -> dict[int, str]:
    """The running trials that somebody may give up -> their workers."""
    history = stream.history
    if not history.count(State.RUNNING):
        return {}
    workers = {int(i): history.worker(int(i)) for i in np.flatnonzero(history.running)}
    return {i: worker for i, worker in workers.items() if worker is not None and has_lease(worker)}


def release_abandoned(stream: Stream) -> int:
    """Give up the trials of workers that are known to be gone, so that they are run again; how many there were.

    These are the vanished processes of this host; those of others become known to who watches their beats (`present`).
    """
    return _give_up(stream, {worker for worker in set(_running(stream).values()) if is_dead(worker)})


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
