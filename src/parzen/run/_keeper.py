"""Who beats for trials that a program has asked for itself, between `ask` and `tell`."""

from __future__ import annotations

import logging
import math
import secrets
import threading
import time
import weakref
from contextlib import suppress

import numpy as np

from parzen.errors import StorageError, StudyError
from parzen.log import Stream
from parzen.run._leases import BY_HAND, LEASE, OFTEN, Presence
from parzen.run._workers import worker_name

__all__ = ["Keeper"]

_log = logging.getLogger("parzen")


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
        self.stream, self.name = stream, worker_name(f"{BY_HAND} {secrets.token_hex(4)}")
        self._presence = Presence(stream, self.name, lease, seldom=True)
        self._lock = threading.Lock()
        self._has_thread = self._has_beaten = False
        self._due = self._looked = -math.inf

    def look(self) -> None:
        """Give up the trials of workers that are gone, so that one of them may be asked for next."""
        now = self.stream.clock.monotonic()
        if now - self._looked >= OFTEN:
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
            pause = min(self._presence.lease / 3, OFTEN)
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
