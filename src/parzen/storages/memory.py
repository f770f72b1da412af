"""Studies that die with the process: the default, and the cheapest.

In one process a study has exactly one live `Stream`, and the columns of its `History` are the state.  Keeping the event
objects as well would double the memory of a trial for nobody to read, so this storage keeps headers, heads, counts and
blobs only, and `read` has nothing to give.  `live` is where the stream keeps itself, so that a study which is opened
again by name is the same object.
"""

from __future__ import annotations

import threading
from array import array
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from parzen.errors import StudyExists, StudyNotFound
from parzen.log import Beat, Claim
from parzen.storages._heads import Head, advance
from parzen.trials import Entry, Event, Header, Started, State

__all__ = ["MemoryStorage"]

_TOKENS = 1024
"""Batches that a lost acknowledgement may lie back.  In one process the second try follows the first at once; keeping
every token would cost more than all the rest of a trial."""

_WAITING = int(State.WAITING)


@dataclass(slots=True)
class _Study:
    header: Header
    seq: int = 0
    heads: array[int] = field(default_factory=lambda: array("q"))  # attempt * 8 + state of each number: 8 bytes a trial
    tokens: OrderedDict[str, int] = field(default_factory=OrderedDict)
    claims: OrderedDict[str, Claim] = field(default_factory=OrderedDict)
    beats: dict[str, Beat] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)


class MemoryStorage:
    """Studies of this process.

    Attributes:
        live: uid -> the one live stream of that study; the stream puts itself there.
    """

    location = "memory"
    durable = False

    def __init__(self) -> None:
        self.live: dict[str, object] = {}
        self._studies: dict[str, _Study] = {}
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"MemoryStorage({len(self._studies)} studies)"

    def create(self, header: Header) -> None:
        with self._lock:
            self._refuse_taken(header.name)
            if header.uid in self._studies:
                raise StudyExists(f"a study with the uid {header.uid!r} exists already", uid=header.uid)
            self._studies[header.uid] = _Study(header)

    def open(self, name: str) -> Header:
        with self._lock:
            for study in self._studies.values():
                if study.header.name == name:
                    return study.header
            known = ", ".join(repr(study.header.name) for study in self._studies.values()) or "no study at all"
        raise StudyNotFound(f"no study in memory is named {name!r}; there is {known}", name=name)

    def studies(self) -> list[Header]:
        with self._lock:
            return [study.header for study in self._studies.values()]

    def rename(self, uid: str, name: str) -> None:
        with self._lock:
            study = self._study(uid)
            if study.header.name != name:
                self._refuse_taken(name)
                study.header = replace(study.header, name=name)

    def delete(self, uid: str) -> None:
        with self._lock:
            self._study(uid)
            del self._studies[uid]
            self.live.pop(uid, None)

    def append(self, uid: str, events: Sequence[Event], token: str) -> int:
        if not events:
            raise ValueError("a batch has at least one event")
        with self._lock:
            study = self._study(uid)
            seen = study.tokens.get(token)
            if seen is not None:
                return seen
            heads = study.heads
            count = len(heads)

            def head_of(number: int) -> Head | None:
                return divmod(heads[number], 8) if 0 <= number < count else None

            after, changed = advance(count, head_of, events)
            if after > count:
                heads.extend([0] * (after - count))
            for number, (attempt, state) in changed.items():
                heads[number] = attempt * 8 + state
            study.seq += len(events)
            study.tokens[token] = study.seq
            if len(study.tokens) > _TOKENS:
                study.tokens.popitem(last=False)
            return study.seq

    def turn(
        self,
        uid: str,
        after: int,
        decide: Callable[[list[Entry]], Sequence[Event]],
        token: str,
        meanwhile: Callable[[list[Entry]], object] | None = None,
    ) -> int:
        with self._lock:
            self._study(uid)
            events = decide([])
            return self.append(uid, events, token) if events else self._study(uid).seq

    def claim(self, uid: str, worker: str, at: float, token: str) -> Claim | None:
        with self._lock:
            study = self._study(uid)
            taken = study.claims.get(token)
            if taken is not None:
                return taken
            if not study.heads:
                return None
            waiting = np.flatnonzero(np.frombuffer(study.heads, np.int64) % 8 == _WAITING)
            if not len(waiting):
                return None
            number = int(waiting[0])
            started = Started(number, study.heads[number] // 8 + 1, worker, at)
            claim = Claim(self.append(uid, [started], token), started, None)
            study.claims[token] = claim
            if len(study.claims) > _TOKENS:
                study.claims.popitem(last=False)
            return claim

    def beat(self, uid: str, worker: str, lease: float) -> None:
        if len(worker) > 200:
            raise ValueError(f"a worker's name has at most 200 characters, got {worker!r:.300}")
        with self._lock:
            beats = self._study(uid).beats
            beats[worker] = Beat(beats[worker].total + 1 if worker in beats else 1, lease)

    def beats(self, uid: str) -> dict[str, Beat]:
        with self._lock:
            study = self._studies.get(uid)
            return {} if study is None else dict(study.beats)

    def leave(self, uid: str, worker: str) -> None:
        with self._lock:
            self._study(uid).beats.pop(worker, None)

    def read(self, uid: str, after: int = 0, limit: int | None = None) -> list[Entry]:
        """Always empty: the live stream's history is the state (see the module's text)."""
        with self._lock:
            self._study(uid)
        return []

    def digest(self, uid: str, upto: int) -> None:
        """None: no events are kept, so there is nothing to read again."""

    def put(self, uid: str, key: str, data: bytes) -> None:
        with self._lock:
            self._study(uid).blobs[key] = bytes(data)

    def get(self, uid: str, key: str) -> bytes | None:
        with self._lock:
            study = self._studies.get(uid)
            return None if study is None else study.blobs.get(key)

    def keys(self, uid: str) -> list[str]:
        with self._lock:
            study = self._studies.get(uid)
            return [] if study is None else sorted(study.blobs)

    def drop(self, uid: str, key: str) -> None:
        with self._lock:
            self._study(uid).blobs.pop(key, None)

    def close(self) -> None:
        """Nothing to let go of: what is in memory goes when the object does."""

    def _study(self, uid: str) -> _Study:
        study = self._studies.get(uid)
        if study is None:
            raise StudyNotFound(
                f"no study in memory has the uid {uid!r}: it was deleted, or never created", uid=uid, gone=True
            )
        return study

    def _refuse_taken(self, name: str) -> None:
        if any(study.header.name == name for study in self._studies.values()):
            raise StudyExists(f"a study named {name!r} is in memory already: open it, or take another name", name=name)
