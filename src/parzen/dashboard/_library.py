"""The studies of one storage, each read once and followed by one thread for all who look.

Requests never touch the storage to look at something: they get the snapshot that the thread made last, so that a database
that does not answer delays nobody.  A study is read when it is first wanted, because a log of 100 000 trials takes seconds.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

from parzen.errors import ParzenError, StudyNotFound
from parzen.feedback import Overview, overview_of
from parzen.log import Storage
from parzen.run import Presence
from parzen.storages import open_storage
from parzen.study import Study
from parzen.trials import Entry, Header, History, State

__all__ = ["Library", "Watched"]

_T = TypeVar("_T")
_log = logging.getLogger("parzen")
_BUSY = (State.RUNNING, State.WAITING)

SOON, LATE = 0.2, 3.0
"""Seconds between looks at a study that somebody watches, and at one that nobody does."""
WATCHED = 20.0
"""Seconds after the last request for which somebody is taken to be watching."""
BEATS = 1.0
"""Seconds between looks at who still runs a study's trials."""
PATIENCE = 5.0
"""Seconds without an answer of the storage after which that is said; a server that restarts is waited for much longer."""
REMEMBERED = 50_000
"""Entries of the log of which it is known which trial they were about."""
ON_SIGHT = 20
"""Studies that are read without being asked for, so that the list can say how they are."""


class Watched:
    """One study, as it was when it was last looked at.

    Attributes:
        header: of the study.
        study: through which it is read and changed; None before it was read.
        history: a snapshot; None before it was read.
        problem: why it cannot be looked at now, in a sentence; empty where it can.
        gone: whether it was deleted.
        lost: the workers of running trials that are known to be there no more; as for `parzen watch`.
        changes: counts everything that a page may want to show anew, the problem included.
    """

    def __init__(self, header: Header) -> None:
        self.header = header
        self.study: Study | None = None
        self.history: History | None = None
        self.problem, self.gone, self.changes = "", False, 0
        self.wanted = 0.0  # monotonic time of the last request
        self.looked = 0.0
        self._asked: float | None = None  # since when the storage has been asked for what is new
        self.lost: frozenset[str] = frozenset()
        self._observer: Presence | None = None
        self._sought = 0.0  # monotonic time of the last look at the workers
        self._about: deque[tuple[int, int]] = deque(maxlen=REMEMBERED)  # (seq, number; -1 for the study as a whole)
        self._since = 0  # seq from which on `_about` is whole
        self._lock = threading.RLock()
        self._made: dict[Hashable, tuple[object, Any]] = {}
        self._making: dict[Hashable, threading.Lock] = {}

    def open(self, storage_now: Callable[[], Storage]) -> None:
        """Read all of it, which takes as long as it takes.

        Args:
            storage_now: the library's storage when it is our turn to read: the file may have been replaced meanwhile.
        """
        with self._lock:
            if self.study is not None:
                return
            try:
                study = self._load(storage_now())
            except StudyNotFound as error:
                self.lose(error)
                return
            except ParzenError as error:
                self.say(str(error))
                return
            self._about.clear()  # of another file, if this one took its place
            self._since = study.history.seq
            study.stream.subscribe(self._take)
            # In this order, and without the lock of the list, which waits for nobody who reads: whatever name `find` gives
            # meanwhile, it gives again at the next look at the list if one of the two has another.
            self.study = study
            self.header = study.header
            self._observer, self._sought = Presence(study.stream, "somebody who only looks"), 0.0
            with contextlib.suppress(ParzenError):  # the next look says so
                self._seek()
            self._photograph()
            self.changes += 1

    def _load(self, storage: Storage) -> Study:
        """The study by the name that it has now, which may be another than the list had, also while we ask."""
        uid = self.header.uid
        for again in (True, False):
            there = next((header for header in storage.studies() if header.uid == uid), None)
            if there is None:
                break
            try:
                study = Study.load(storage, there.name)
            except StudyNotFound:
                if not again:
                    raise
            else:
                if study.header.uid == uid:
                    return study
        raise StudyNotFound(f"the study {self.header.name!r} was deleted")

    def find(self, header: Header) -> None:
        """It is there, and is called that; whoever missed it before may have asked by a name that it had no more."""
        if self.gone:
            self.problem, self.gone = "", False
            self.changes += 1
        study = self.study
        if header != self.header or (study is not None and header != study.header):
            self.header = header
            if study is not None:
                study.header = study.stream.header = header
            self.changes += 1

    def forget(self) -> None:
        """Another file has taken the place of its own; whoever is reading that is waited for."""
        with self._lock:
            self.study, self.history, self.gone, self.problem = None, None, False, ""
            self._made = {}  # of the other file, whose entries may have the same numbers
            self.changes += 1

    def _take(self, entries: Sequence[Entry], history: History) -> None:
        if len(self._about) + len(entries) > REMEMBERED:
            gone = len(self._about) + len(entries) - REMEMBERED
            self._since = self._about[min(gone, len(self._about)) - 1][0] if self._about else entries[-1].seq
        self._about.extend((entry.seq, getattr(entry.event, "number", -1)) for entry in entries)

    def look(self) -> None:
        """Take in what is new; while somebody reads all of it, nothing is, and nobody waits."""
        if self.study is None:
            return
        with self._lock:
            study = self.study
            if study is None or self.gone:
                return
            self.looked = self._asked = time.monotonic()
            try:
                study.refresh()
                self._seek()
            except StudyNotFound as error:
                self.lose(error)
                return
            except ParzenError as error:
                self.say(str(error))
                return
            finally:
                self._asked = None
            self.say("")
            if self.history is None or study.history.seq != self.history.seq:
                self._photograph()
                self.changes += 1

    def _seek(self) -> None:
        """See which workers are there no more; nothing is given up and nothing written."""
        study, observer, now = self.study, self._observer, time.monotonic()
        if study is None or observer is None or now - self._sought < BEATS:
            return
        self._sought = now
        if study.storage.durable and study.history.count(State.RUNNING):
            observer.watch(study.storage.beats(study.header.uid))
        lost = observer.gone()
        if lost != self.lost:
            self.lost = lost
            self.changes += 1

    @property
    def trouble(self) -> str:
        """What is the matter, also while the storage does not answer at all; empty where nothing is."""
        asked = self._asked
        if self.problem or asked is None or time.monotonic() - asked < PATIENCE:
            return self.problem
        return "the storage does not answer: this is what was known last"

    def _photograph(self) -> None:
        assert self.study is not None
        self.history = self.study.stream.snapshot()

    def say(self, problem: str) -> None:
        """Remember why it cannot be looked at, or that it can."""
        if problem != self.problem:
            self.problem = problem
            self.changes += 1

    def lose(self, error: Exception) -> None:
        """It was deleted."""
        self.problem, self.gone = str(error), True
        self.changes += 1

    def trials_since(self, seq: int, history: History) -> list[int] | None:
        """Numbers of the trials that changed after an entry; None where that is too long ago to know."""
        if seq < self._since or seq > history.seq:
            return None
        about = list(self._about)
        return sorted({number for at, number in about if seq < at <= history.seq and number >= 0})

    def made(self, key: Hashable, version: Hashable, make: Callable[[], _T]) -> _T:
        """What `make` gave for this version, made once however many ask for it at the same time."""
        with self._lock_of(key):
            known = self._made.get(key)
            if known is None or known[0] != version:
                known = (version, make())
                self._made[key] = known
            value: _T = known[1]
            return value

    def _lock_of(self, key: Hashable) -> threading.Lock:
        return self._making.setdefault(key, threading.Lock())

    def overview(self, history: History) -> Overview:
        """What there is to see in a snapshot, which stays whole where another file takes the place of its own."""
        lost = self.lost
        return self.made(
            "overview",
            (history.seq, lost, int(time.time()) if history.count(*_BUSY) else 0),
            lambda: overview_of(history, time.time(), name=self.header.name, noisy=self.header.noisy, gone=lost),
        )


class Library:
    """All studies of a storage.

    Args:
        storage: path, URL or storage.
        readonly: nothing is written.

    Attributes:
        location: of the storage, without any password.
        problem: why the storage cannot be looked at now; empty where it can.
    """

    def __init__(self, storage: str | os.PathLike[str] | Storage, *, readonly: bool = False) -> None:
        self._given, self.readonly = storage, readonly
        self.storage = open_storage(storage, readonly=readonly)
        self.location = self.storage.location
        self.problem = ""
        self.changes = 0
        self._studies: dict[str, Watched] = {}
        self._headers: list[Header] = []
        self._lock = threading.RLock()
        self._identity = self._file()
        self._wake, self._ended = threading.Event(), False
        self._reader: threading.Thread | None = None
        self.listed = 0.0
        self._list()  # an error here is whoever started us to see
        self._thread = threading.Thread(target=self._follow, name="parzen-dashboard", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop following; a storage that was opened here is closed."""
        self._ended = True
        self._wake.set()
        self._thread.join(5)
        if self._reader is not None:  # else it would read on from a storage that is closed, or open it once more
            self._reader.join(5)
        if isinstance(self._given, (str, os.PathLike)):
            with contextlib.suppress(ParzenError):
                self.storage.close()

    @property
    def studies(self) -> list[Watched]:
        """All, newest first; those that were deleted are not among them."""
        with self._lock:
            return [self._studies[header.uid] for header in reversed(self._headers)]

    def get(self, uid: str) -> Watched | None:
        """A study that is wanted now; it is read if it was not yet.  None where there never was one of that uid."""
        watched = self._studies.get(uid)
        if watched is None:
            with contextlib.suppress(ParzenError):
                self._list()  # it may be new
            watched = self._studies.get(uid)
        if watched is not None:
            watched.wanted = time.monotonic()
            if watched.study is None and not watched.gone:
                watched.open(lambda: self.storage)
        return watched

    # --- the thread ---------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        while not self._ended:
            try:
                self._step(time.monotonic())
            except Exception as error:  # a page that stands still without a word would be worse than any error
                _log.exception("the page could not look at %s", self.location)
                self._say(f"{type(error).__name__}: {error}")
            self._wake.wait(SOON)

    def _step(self, now: float) -> None:
        self._check_place()
        if self.problem:
            return
        if now - self.listed > 2 * SOON:
            self._try(self._list)
        self._look_at_all(now)
        self._read_ahead()

    def _look_at_all(self, now: float) -> None:
        for watched in list(self._studies.values()):
            pause = SOON if now - watched.wanted < WATCHED else LATE
            if now - watched.looked >= 0.9 * pause:
                watched.look()

    def _read_ahead(self) -> None:
        """Read the newest study that nobody has asked for yet: one at a time, and in a thread of its own.

        A long log takes seconds, in which the other studies stay live.
        """
        if self._reader is not None and self._reader.is_alive():
            return
        for watched in self.studies[:ON_SIGHT]:
            if watched.study is None and not watched.gone and not watched.problem:
                self._reader = threading.Thread(
                    target=self._read, args=(watched,), name="parzen-dashboard-reader", daemon=True
                )
                self._reader.start()
                return

    def _read(self, watched: Watched) -> None:
        try:
            watched.open(lambda: self.storage)
        except Exception as error:  # else it would be begun again and again
            _log.exception("the page could not read the study %r", watched.header.name)
            watched.say(f"{type(error).__name__}: {error}")

    def _list(self) -> None:
        headers = self.storage.studies()
        self.listed = time.monotonic()
        with self._lock:
            for header in headers:
                known = self._studies.get(header.uid)
                if known is None:
                    self._studies[header.uid] = Watched(header)
                else:
                    known.find(header)
            there = {header.uid for header in headers}
            for uid, watched in self._studies.items():
                if uid not in there and not watched.gone:
                    watched.lose(StudyNotFound(f"the study {watched.header.name!r} was deleted"))
            if headers != self._headers:
                self._headers = headers
                self.changes += 1

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except ParzenError as error:
            self._say(str(error))

    def _say(self, problem: str) -> None:
        if problem == self.problem:
            return
        self.problem = problem
        self.changes += 1
        for watched in list(self._studies.values()):
            if not watched.gone:
                watched.say(problem)

    def _file(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self.location)
        except (OSError, ValueError):
            return None
        return status.st_dev, status.st_ino

    def _check_place(self) -> None:
        """A file that was moved or replaced stays open under us and would look alive for ever; a server says so itself."""
        found = self._file()
        if self._identity is not None and found is None:
            self._say(f"{self.location} is not there any more: put it back, and this page goes on")
        elif found != self._identity or self.problem:
            self._try(self._reopen)

    def _reopen(self) -> None:
        fresh = self.storage
        if isinstance(self._given, (str, os.PathLike)):
            fresh = open_storage(self._given, readonly=self.readonly)
        headers = fresh.studies()  # does it answer?
        replaced = fresh is not self.storage
        if replaced and self._file() != self._identity:  # another file: other logs, perhaps under the same uid
            old, self.storage = self.storage, fresh
            for watched in list(self._studies.values()):
                watched.forget()
            with self._lock:
                self._headers = []
            with contextlib.suppress(ParzenError):
                old.close()
        elif replaced:
            fresh.close()
        self._identity = self._file()
        del headers
        self._say("")
        self._list()
