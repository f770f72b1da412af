"""What the lines of a journal say of one study."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from parzen.log import Beat
from parzen.storages._beside import StudyState
from parzen.storages._heads import Head, advance
from parzen.trials import Event, Header, State, header_from_json

__all__ = ["JournalStudy"]

_TOKENS = 4096
"""Batches that a lost acknowledgement may lie back.  The file's writer hears at once what became of a line."""
_WAITING = int(State.WAITING)


def _integers() -> array[int]:
    return array("q")


@dataclass(slots=True)
class JournalStudy:
    """What the lines say of one study, as far as they were read.

    Attributes:
        name: its name now.
        text: its header as it was made, which is read when somebody asks: one of a later parzen is in nobody else's way.
        heads: attempt * 8 + state of each number.
        asked: where the line is that each number was asked in.
        places: where each batch's line begins.
        lasts: the seq of each batch's last entry.
    """

    name: str
    text: str
    seq: int = 0
    heads: array[int] = field(default_factory=_integers)
    asked: array[int] = field(default_factory=_integers)
    places: array[int] = field(default_factory=_integers)
    lasts: array[int] = field(default_factory=_integers)
    tokens: OrderedDict[str, int] = field(default_factory=OrderedDict)
    beats: dict[str, Beat] = field(default_factory=dict)
    blobs: dict[str, int] = field(default_factory=dict)  # key -> place of its line

    @property
    def header(self) -> Header:
        return replace(header_from_json(self.text), name=self.name)

    @property
    def state(self) -> StudyState:
        """All of it as plain data."""
        beats = {worker: list(beat) for worker, beat in self.beats.items()}
        facts = {"name": self.name, "text": self.text, "seq": self.seq, "beats": beats, "blobs": self.blobs}
        arrays = {"heads": self.heads, "asked": self.asked, "places": self.places, "lasts": self.lasts}
        return StudyState({**facts, "tokens": list(self.tokens.items())}, arrays)

    @classmethod
    def of(cls, state: StudyState) -> JournalStudy:
        """What `state` gave."""
        facts = state.facts
        study = cls(str(facts["name"]), str(facts["text"]), int(facts["seq"]))
        for name, numbers in state.arrays.items():
            setattr(study, name, numbers)
        study.tokens.update((str(token), int(seq)) for token, seq in facts["tokens"])
        study.beats.update(
            {worker: Beat(int(total), float(lease)) for worker, (total, lease) in facts["beats"].items()}
        )
        study.blobs.update({key: int(place) for key, place in facts["blobs"].items()})
        return study

    def head(self, number: int) -> Head | None:
        return divmod(self.heads[number], 8) if 0 <= number < len(self.heads) else None

    def take(self, events: Sequence[Event], token: str, place: int) -> None:
        """A batch that is in the file; raises `Conflict` before anything is changed if it may not be."""
        count = len(self.heads)
        after, changed = advance(count, self.head, events)
        self.heads.extend([0] * (after - count))
        self.asked.extend([place] * (after - count))
        for number, (attempt, state) in changed.items():
            self.heads[number] = attempt * 8 + state
        self.seq += len(events)
        self.places.append(place)
        self.lasts.append(self.seq)
        self.tokens[token] = self.seq
        if len(self.tokens) > _TOKENS:
            self.tokens.popitem(last=False)

    def first_waiting(self) -> int | None:
        """The lowest number of the trials that wait for a worker."""
        if not self.heads:
            return None
        waiting = np.flatnonzero(np.frombuffer(self.heads, np.int64) % 8 == _WAITING)
        return int(waiting[0]) if len(waiting) else None

    def beat(self, worker: str, lease: float) -> None:
        known = self.beats.get(worker)
        self.beats[worker] = Beat(1 if known is None else known.total + 1, lease)
