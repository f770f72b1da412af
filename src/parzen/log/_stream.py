"""A study's log as this process sees it: publish, pull, subscribe.

Everything that happens to a study goes through `publish`: it is appended to the storage first and folded into the history
then, so that the history never holds what the storage does not.
"""

from __future__ import annotations

import math
import os
import secrets
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import compress
from typing import TypeAlias

from parzen._clock import Clock, SystemClock
from parzen._typing import JSON
from parzen.errors import Conflict, StudyError, TooLarge, Unavailable
from parzen.log._checkpoint import is_worthwhile, keep, restore
from parzen.log._fitting import fitting
from parzen.log._seeds import DRAWS, generator
from parzen.log._storage import Storage
from parzen.space import Space
from parzen.trials import Entry, Event, Finished, Header, History

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
        pondering: about how many seconds a proposal takes; infinite before the first one.
        asked: the algorithm that was last asked, its note, and whether it may be asked while others wait.
        asking: held from a look at the history to the publication of what was proposed from it.
    """

    def __init__(self, storage: Storage, header: Header, space: Space, clock: Clock | None = None) -> None:
        self.storage = storage
        self.header = header
        self.space = space
        self.clock: Clock = clock or SystemClock()
        self.history = History(space, header.metrics, header.objectives, lambda seed: generator(seed, DRAWS))
        self._subscribers: list[Subscriber] = []
        self._lock = threading.RLock()
        self._telling = threading.RLock()
        self._busy = False
        self._untold: deque[list[Entry]] = deque()
        self.asking = threading.RLock()
        self.pondering = math.inf
        self.asked: tuple[object, JSON, bool] | None = None
        self._pid = os.getpid()
        # Tokens of batches: a random beginning of our own, and a number.
        self._token, self._batches = f"{secrets.token_hex(8)}-", 0
        self._kept = 0
        if storage.live is None:
            restore(storage, header.uid, self.history)
            self._kept = self.history.seq
        self.pull()

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Show every further entry to a subscriber; the returned function ends it.

        It is called with a lock held that others wait for while they hold `asking`: so it must not ask.
        """
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    def publish(self, *events: Event) -> tuple[bool, ...]:
        """Append events to the log as one batch, and fold them.

        Returns:
            For each event whether it counted: one of an attempt that was given up meanwhile is kept as late.

        Raises:
            Conflict: another writer was first; nothing was appended.  `pull`, and think again.
            Unavailable: the storage could not write; nothing was appended.
            TooLarge: the storage takes nothing so large; of results what came beside the loss is left out before.
            StudyError: this is a forked child of the process that opened the study.
        """
        self._refuse_fork()
        with self._lock:
            last, kept = self._append(events, self._next_token())
            counted = self._fold_up_to(last, kept)
        self._show()
        return counted

    def claim(self, worker: str) -> int | None:
        """Start the WAITING trial with the lowest number in a worker's name; its number, or None where there is none.

        Raises:
            Unavailable: the storage could not write; nothing was started.
            StudyError: this is a forked child of the process that opened the study.
        """
        self._refuse_fork()
        with self._lock:
            claim = self.storage.claim(self.header.uid, worker, self.clock.wall(), self._next_token())
            if claim is None:
                return None
            self._fold_up_to(claim.seq, [claim.started])
        self._show()
        return claim.started.number

    def turn(self, decide: Callable[[], Sequence[Event]], ended: Sequence[Finished] = ()) -> tuple[bool, ...]:
        """Publish what is decided while nobody else may write, and with it, in one batch, how trials ended before.

        `decide` sees the history with those endings and with all that others have written, and what it gives is appended
        as it is: no number can be taken meanwhile.  It must neither publish nor take long.  Whatever it raises is raised
        here once the endings are in the log.

        Where the storage is interrupted, or the batch is too large for it, the endings are appended by themselves, and
        whether the rest is in the log is for the caller to see in the history.

        Returns:
            For each ending whether it counted.

        Raises:
            Unavailable: the storage could not write for long; no ending was appended.
            StudyError: this is a forked child of the process that opened the study.
        """
        self._refuse_fork()
        history, token = self.history, self._next_token()
        counted: list[bool] = []
        undo: list[Callable[[], None]] = []
        batch: list[Event] = list(ended)
        failure: BaseException | None = None

        def act(new: list[Entry]) -> Sequence[Event]:
            nonlocal failure
            self._fold(new)
            for event in ended:
                counts, take_back = history.foresee(event)
                counted.append(counts)
                undo.append(take_back)
            try:
                batch.extend(decide())
            except BaseException as error:
                failure = error
            return batch

        with self._lock:
            try:
                last = self.storage.turn(self.header.uid, history.seq, act, token, self._fold)
            except BaseException as error:
                while undo:
                    undo.pop()()
                if not isinstance(error, (Unavailable, TooLarge)):
                    raise
                # Under the same token: if it is in the log after all, the whole batch is.
                if batch:
                    with suppress(Conflict):  # only what was decided can be one
                        self._append(ended or batch, token)
                self.pull()
                counted = [self._counts(event) for event in ended]
            else:
                if self._subscribers:
                    first = last - len(batch) + 1
                    told = [Entry(first + i, event) for i, event in enumerate(ended) if counted[i]]
                    if told:
                        self._untold.append(told)
                self._fold([Entry(seq, event) for seq, event in enumerate(batch[len(ended) :], history.seq + 1)])
        self._show()
        if failure is not None:
            raise failure
        return tuple(counted)

    def _append(self, events: Sequence[Event], token: str) -> tuple[int, Sequence[Event]]:
        """Append a batch, with less beside its losses if need be; its last place, and what was appended."""
        while True:
            try:
                return self.storage.append(self.header.uid, events, token), events
            except TooLarge as error:
                events = fitting(events, error)

    def _counts(self, event: Finished) -> bool:
        history, number = self.history, event.number
        return history.attempt_of(number) == event.attempt and float(history.finished_at[number]) == event.at

    def _refuse_fork(self) -> None:
        if os.getpid() != self._pid:
            raise StudyError("this process was forked from the one that opened the study: open it anew with Study.load")

    def _next_token(self) -> str:
        self._batches += 1
        return f"{self._token}{self._batches:x}"

    def _fold_up_to(self, last: int, events: Sequence[Event]) -> tuple[bool, ...]:
        """Take in our own events that end at a place, and before them what others wrote in between."""
        first = last - len(events) + 1
        if first > self.history.seq + 1:
            self._fold(self.storage.read(self.header.uid, self.history.seq, first - 1 - self.history.seq))
        return self._fold([Entry(seq, event) for seq, event in enumerate(events, start=first)])

    def pull(self) -> int:
        """Take in what others have appended; how many entries that was."""
        total = 0
        while True:
            with self._lock:
                entries = self.storage.read(self.header.uid, self.history.seq, _CHUNK)
                self._fold(entries)
            total += len(entries)
            self._show()
            if len(entries) < _CHUNK:
                return total

    def keep_checkpoint(self, at_the_end: bool = False) -> None:
        """Keep the history beside the log, where opening the study would take long without.

        Args:
            at_the_end: of a run: then it is worth more.
        """
        if not is_worthwhile(self.history.seq, self._kept, at_the_end) or self.storage.live is not None:
            return
        history = self.snapshot()
        self._kept = keep(self.storage, self.header.uid, history, at_the_end)

    def snapshot(self) -> History:
        """The history as it is now, whatever other threads publish or pull at this moment."""
        with self._lock:
            return self.history.snapshot()

    def _fold(self, entries: Sequence[Entry]) -> tuple[bool, ...]:
        apply = self.history.apply
        counted = tuple([apply(entry.seq, entry.event) for entry in entries])
        if self._subscribers:
            told = list(compress(entries, counted))
            if told:
                self._untold.append(told)
        return counted

    def _show(self) -> None:
        """Tell subscribers what they have not been told: in order of the log, one at a time, outside of its lock.

        What a subscriber publishes itself waits until all have been told what it was told.
        """
        if not self._untold:
            return
        with self._telling:
            if self._busy:
                return
            self._busy = True
            try:
                while self._untold:
                    entries = self._untold.popleft()
                    for subscriber in tuple(self._subscribers):
                        subscriber(entries, self.history)
            finally:
                self._busy = False
