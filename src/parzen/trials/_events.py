"""The log's vocabulary: a study is its header and these events, in order.

This is the schema of every stored study, so it only ever grows.  Facts go in as the user reported them (own sign, own
units); whatever can be derived is derived in the fold (`_history.py`).

`attempt` counts the `Started` of a number.  An entry whose attempt is not the current one came from a worker that had
been given up for lost; it is kept as *late* and changes nothing (a fencing token, Kleppmann 2016).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from parzen._typing import JSON, Direction
from parzen.trials._trial import Outcome

__all__ = [
    "BY_HAND",
    "EARLIER",
    "EVENT_KINDS",
    "LOST",
    "Asked",
    "Entry",
    "Event",
    "Finished",
    "Header",
    "Noted",
    "Released",
    "Reported",
    "Requested",
    "Retracted",
    "Started",
    "Unknown",
    "is_by_hand",
]


@dataclass(frozen=True, slots=True)
class Header:
    """What is fixed when a study is made.

    Attributes:
        uid: random, global: two studies never share one.
        name: unique within a storage.
        created: seconds since the epoch.
        seed: every random stream of the study comes from it.
        metrics: name -> direction, of all metrics whose direction is known.
        objectives: the metrics that are optimised.
        space: the space as JSON (`space.to_json()`).
        noisy: equal configurations may give different losses, so that repeats are worth their price.
        schema: version of this vocabulary.
    """

    uid: str
    name: str
    created: float
    seed: int
    metrics: Mapping[str, Direction]
    objectives: tuple[str, ...]
    space: JSON
    noisy: bool = False
    schema: int = 1


@dataclass(frozen=True, slots=True)
class Asked:
    """A configuration joins the study, WAITING.

    Attributes:
        number: the next one, always.
        values: `(d,)`, as the user sees them (codes for categories); NaN where inactive.
        source: the rule that chose it, in a word or a line.
        seed: of this trial's own random streams.
        saw: the `seq` of the log that the proposal was computed from.
        at: seconds since the epoch.
        gain: what the rule expected of it, in the rule's own units.
        memo: what the algorithm wants back after a restart; at most 4 kB of JSON.
        space: version of the space.
    """

    number: int
    values: tuple[float, ...]
    source: str
    seed: int
    saw: int
    at: float
    gain: float | None = None
    memo: JSON = None
    space: int = 0


@dataclass(frozen=True, slots=True)
class Started:
    """A worker begins attempt `attempt` (1, 2 …) of a WAITING number."""

    number: int
    attempt: int
    worker: str
    at: float


@dataclass(frozen=True, slots=True)
class Reported:
    """A running trial tells how it is doing."""

    number: int
    attempt: int
    step: float
    metrics: Mapping[str, float]
    at: float


@dataclass(frozen=True, slots=True)
class Finished:
    """An attempt ended."""

    number: int
    attempt: int
    outcome: Outcome
    at: float


EARLIER = "an earlier study"
"""The worker of trials that were evaluated in another study: known, and no part of this one's budget."""

BY_HAND = "by hand"
"""The worker of trials that a program asked for itself and that nobody else may give up."""


def is_by_hand(worker: str | None) -> bool:
    """Whether this is who a program asked for a trial as, with a lease or without: no run, and nobody who listens."""
    return worker is not None and worker.rpartition("/")[2].startswith(BY_HAND)


LOST = "lost"
"""The reason of a `Released` that counts against the trial: something took its worker down."""


@dataclass(frozen=True, slots=True)
class Released:
    """A RUNNING number goes back to WAITING: its worker was interrupted, or is gone (`reason` is `LOST`)."""

    number: int
    attempt: int
    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class Requested:
    """Somebody wants something of the study.

    Attributes:
        action: "stop", "pause", "resume", "cancel" or "budget"; others are kept and change nothing.
        target: number of the trial that "cancel" means.
        value: of "budget": a number that a run was told, which only raises it; or {"exactly": a number, or null for none}.
        at: seconds since the epoch.
    """

    action: str
    target: int | None
    value: JSON
    at: float


@dataclass(frozen=True, slots=True)
class Retracted:
    """A number is to be treated as if it had never been."""

    number: int
    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class Noted:
    """A remark about the study: parzen's own under keys of its own, people's under the key "note" (`_wishes`)."""

    key: str
    value: JSON
    at: float


@dataclass(frozen=True, slots=True)
class Unknown:
    """An entry of a later vocabulary: kept, and ignored by the fold."""

    kind: str
    body: str
    at: float = 0.0


Event: TypeAlias = Asked | Started | Reported | Finished | Released | Requested | Retracted | Noted | Unknown

EVENT_KINDS: Mapping[str, type[Event]] = {
    "asked": Asked,
    "started": Started,
    "reported": Reported,
    "finished": Finished,
    "released": Released,
    "requested": Requested,
    "retracted": Retracted,
    "noted": Noted,
}
"""Name in the log -> class.  The names are stored: never rename."""


class Entry(NamedTuple):  # a third of the price of a dataclass, and there are three to a trial
    """An event at its place in the log.  `seq` starts at 1 and has no gaps."""

    seq: int
    event: Event
