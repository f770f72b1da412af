"""Every proposal of a study recomputed from its log: does it say what was tried?

An `Asked` names the place in the log that its proposal was computed from (`saw`).  The log up to there is a history like any
other, so that the same algorithm proposes the same from it, whoever was how fast when it happened.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from parzen.algorithms import Algorithm, algorithm_noted, row_key
from parzen.errors import AlgorithmError, CorruptLog, StudyError
from parzen.log import DRAWS, Storage, generator, trial_seed
from parzen.run import ALGORITHM, recomputed
from parzen.space import Space
from parzen.study._given import was_wanted
from parzen.trials import EARLIER, Asked, Header, History, Noted, Started

__all__ = ["Replay", "replay"]

_WIDEST = 4096
"""Proposals that one ask may have been for."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of recomputing a study's proposals.

    Attributes:
        proposals: how many the log has.
        matching: how many of them came out the same, to the last bit.
        different: the numbers of those that did not.
        unknown: the numbers of those that cannot be recomputed: the log does not say how they were made.
        given: trials that no algorithm proposed: enqueued, run again, or of an earlier study.
    """

    proposals: int
    matching: int
    different: tuple[int, ...]
    unknown: tuple[int, ...]
    given: int

    @property
    def matches(self) -> bool:
        """Whether every proposal came out the same."""
        return self.matching == self.proposals

    def __str__(self) -> str:
        if self.matches:
            return f"all {self.proposals} proposals recomputed, all match"
        said = [f"{self.matching} of {self.proposals} proposals match"]
        if self.different:
            said.append(f"{len(self.different)} differ, the first is that of trial {self.different[0]}")
        if self.unknown:
            said.append(
                f"{len(self.unknown)} cannot be recomputed, the first is that of trial {self.unknown[0]}: the log does not "
                "say by which algorithm (with which settings) it was made; name it"
            )
        return "; ".join(said)


def replay(storage: Storage, header: Header, space: Space, algorithm: Algorithm | None) -> Replay:
    """Recompute the proposals of a study.

    Args:
        storage, header, space: of the study.
        algorithm: that made them; None for what the log says.

    Raises:
        StudyError: the study is in memory, where no log is kept.
    """
    if storage.live is not None:
        raise StudyError("a study in memory keeps no log to recompute its proposals from: give it a file, storage=...")
    entries = storage.read(header.uid)
    earlier = {e.event.number for e in entries if isinstance(e.event, Started) and e.event.worker == EARLIER}
    asks: dict[int, list[tuple[Asked, Algorithm | None]]] = defaultdict(list)
    by, given = algorithm, 0
    for entry in entries:
        event = entry.event
        if isinstance(event, Noted) and event.key == ALGORITHM and algorithm is None:
            by = algorithm_noted(event.value)
        elif isinstance(event, Asked):
            if was_wanted(event.source) or event.number in earlier:
                given += 1
            else:
                asks[event.saw].append((event, by))
    same: list[int] = []
    different: list[int] = []
    unknown: list[int] = []
    history = History(space, header.metrics, header.objectives, lambda seed: generator(seed, DRAWS))
    for place in range(len(entries) + 1):
        if place:
            history.apply(*entries[place - 1])
        for number, is_same in _recomputed_at(history, header, space, asks.pop(history.seq, [])):
            (unknown if is_same is None else same if is_same else different).append(number)
    if asks:
        raise CorruptLog(f"a proposal was made from entry {min(asks)}, the log ends at {history.seq}")
    total = len(same) + len(different) + len(unknown)
    return Replay(total, len(same), tuple(sorted(different)), tuple(sorted(unknown)), given)


def _recomputed_at(
    history: History, header: Header, space: Space, asks: list[tuple[Asked, Algorithm | None]]
) -> list[tuple[int, bool | None]]:
    """Of the proposals that were made from one place in the log: number, and whether it comes out the same; None: who knows.

    What was asked for at once is known by its seeds, which are those of the numbers that were free then, also where others
    took these numbers meanwhile.  Algorithms propose one number after the other, so that the first of many are the same
    as few.
    """
    found: list[tuple[int, bool | None]] = []
    first = len(history)
    # Not the width of the widest ask, because that would be dear for every single one.
    offsets = {trial_seed(header.seed, first + i): i for i in range(min(_WIDEST, 64 if len(asks) < 64 else _WIDEST))}
    by_algorithm: dict[Algorithm, list[tuple[Asked, int]]] = defaultdict(list)
    for event, algorithm in asks:
        offset = offsets.get(event.seed)
        if algorithm is None or offset is None:
            found.append((event.number, None))
        else:
            by_algorithm[algorithm].append((event, offset))
    for algorithm, events in by_algorithm.items():
        n = 1 + max(offset for _, offset in events)
        try:
            proposal, _ = recomputed(algorithm, space, history.snapshot(), header.seed, n, True)
        except AlgorithmError:
            found += [(event.number, False) for event, _ in events]
            continue
        values = proposal.points.values
        for event, offset in events:
            is_same = (
                offset < len(values)
                and row_key(values[offset]) == row_key(np.array(event.values))
                and proposal.sources[offset] == event.source
            )
            found.append((event.number, is_same))
    return found
