"""A study's log as this process sees it: publish, pull, subscribe.

Everything that happens to a study goes through `publish`: it is appended to the storage first and folded into the history
then, so that the history never holds what the storage does not.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable, Sequence
from typing import TypeAlias

from parzen._clock import Clock, SystemClock
from parzen.errors import StudyError
from parzen.log._seeds import generator
from parzen.log._storage import Storage
from parzen.space import Space
from parzen.trials import Entry, Event, Header, History

__all__ = ["Stream", "Subscriber"]

Subscriber: TypeAlias = Callable[[Sequence[Entry], History], None]
"""Is shown entries that are new, and the history that they are part of; in the thread that published or pulled them."""

_CHUNK = 10_000
"""Entries read at once when a study is loaded."""


class Stream:
    """One study's log and the history that it folds into.

    Attributes:
        storage, header, space: of the study.
        history: up to date with everything published or pulled here.
        clock: stamps events.
    """

    def __init__(self, storage: Storage, header: Header, space: Space, clock: Clock | None = None) -> None:
        self.storage = storage
        self.header = header
        self.space = space
        self.clock: Clock = clock or SystemClock()
        self.history = History(space, header.metrics, header.objectives, lambda seed: generator(seed, 2))
        self._subscribers: list[Subscriber] = []
        self._lock = threading.RLock()
        self._notify = threading.RLock()
        self._pid = os.getpid()
        self.pull()

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Show every further entry to a subscriber; the returned function ends it."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    def publish(self, *events: Event) -> int:
        """Append events to the log as one batch, and fold them.

        Returns:
            The `seq` of the last of them.

        Raises:
            Conflict: another writer was first; nothing was appended.  `pull`, and think again.
            Unavailable: the storage could not write; nothing was appended.
            StudyError: this is a forked child of the process that opened the study.
        """
        if os.getpid() != self._pid:
            raise StudyError("this process was forked from the one that opened the study: open it anew with Study.load")
        with self._lock:
            last = self.storage.append(self.header.uid, events, secrets.token_hex(8))
            first = last - len(events) + 1
            entries = [Entry(seq, event) for seq, event in enumerate(events, start=first)]
            if first > self.history.seq + 1:  # others wrote in between
                missed = self.storage.read(self.header.uid, self.history.seq, first - 1 - self.history.seq)
                entries = [*missed, *entries]
            for entry in entries:
                self.history.apply(entry.seq, entry.event)
        self._show(entries)
        return last

    def pull(self) -> int:
        """Take in what others have appended; how many entries that was."""
        total = 0
        while True:
            with self._lock:
                entries = self.storage.read(self.header.uid, self.history.seq, _CHUNK)
                for entry in entries:
                    self.history.apply(entry.seq, entry.event)
            total += len(entries)
            if entries:
                self._show(entries)
            if len(entries) < _CHUNK:
                return total

    def _show(self, entries: Sequence[Entry]) -> None:
        if self._subscribers:
            with self._notify:  # one at a time, outside of the lock that guards the log
                for subscriber in tuple(self._subscribers):
                    subscriber(entries, self.history)
