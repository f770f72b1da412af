"""What a storage must do.

A storage keeps, for each study, a header and an append-only sequence of events.  Beside them, in the same transaction,
it keeps a *head*: the next free number and the last `seq` of the study, and (attempt, state) of each trial.  The heads
decide what may be appended, so that two writers who never speak to each other cannot both win:

* `Asked` for number k is accepted if and only if k is the next number;
* `Started(k, a)` if and only if k is WAITING and a is its attempt + 1;
* `Finished(k, a)` as CANCELLED also closes a trial that is WAITING after a attempts;
* everything else is accepted, and changes the head only if its attempt is the current one and the trial is RUNNING
  (`Finished`, `Released`), or in any case (`Retracted`).

Anything else in the batch is refused with it: a batch is in the log as a whole or not at all.

A uid that no study has is a `StudyNotFound` for whatever writes or reads the log: `rename`, `delete`, `append`, `read`,
`put` and `drop`.  Looking for bytes is not an error: `get` gives None and `keys` gives none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from parzen.trials import Asked, Entry, Event, Header, Started

__all__ = ["Beat", "Claim", "Storage"]


class Claim(NamedTuple):
    """A trial that somebody took: where its `Started` is in the log, and what there is to evaluate.

    `asked` is None where the storage keeps no events (`live` has them).
    """

    seq: int
    started: Started
    asked: Asked | None


class Beat(NamedTuple):
    """How often a worker has said that it is there, and the seconds without a beat after which it is to be given up."""

    total: int
    lease: float


class Storage(Protocol):
    """Where studies live.  Every method may be called from any thread."""

    @property
    def location(self) -> str:
        """Where it is, fit to be shown to people: a URL or path without any password; "memory" if it dies with us."""
        ...

    @property
    def durable(self) -> bool:
        """Whether what is appended survives this process."""
        ...

    @property
    def live(self) -> dict[str, object] | None:
        """Where the live streams of the studies are, for a storage that keeps no events; None for one that does.

        A storage without events cannot give a study back, so each study has exactly one live `Stream` (uid -> stream),
        and the history of that stream is the study's state: whoever opens the study takes the stream from here, or
        makes it and puts it here.  `read` then always gives nothing, and `delete` takes the stream out.
        """
        ...

    def create(self, header: Header) -> None:
        """Make a new, empty study.

        Raises:
            StudyExists: the name is taken.
        """
        ...

    def open(self, name: str) -> Header:
        """The header of a study.

        Raises:
            StudyNotFound: no study has that name.
        """
        ...

    def studies(self) -> list[Header]:
        """All studies, oldest first."""
        ...

    def rename(self, uid: str, name: str) -> None:
        """Give a study another name.

        Raises:
            StudyExists: the name is taken by another study.
            StudyNotFound: no study has that uid.
        """
        ...

    def delete(self, uid: str) -> None:
        """Remove a study with everything that belongs to it.

        Raises:
            StudyNotFound: no study has that uid.
        """
        ...

    def append(self, uid: str, events: Sequence[Event], token: str) -> int:
        """Add a batch; it is in the log as a whole or not at all.

        Args:
            uid: of the study.
            events: at least one.
            token: random and unique; a batch that is sent again with the same token, because the acknowledgement of
                the first was lost, is found and not added twice.

        Returns:
            The `seq` of the last event of the batch; the batch occupies the `len(events)` places up to it.

        Raises:
            Conflict: the heads do not allow it; nothing was added.
            StudyNotFound: no study has that uid; it may have been deleted meanwhile.
            Unavailable: it could not be written (disk full, locked for too long); nothing was added.
            TooLarge: an event is larger than the storage takes; nothing was added.
        """
        ...

    def turn(
        self,
        uid: str,
        after: int,
        decide: Callable[[list[Entry]], Sequence[Event]],
        token: str,
        meanwhile: Callable[[list[Entry]], object] | None = None,
    ) -> int:
        """Append what is decided while nobody else may write.

        All other writers of the study wait until the batch is in the log, so that there is no race to lose, and whatever
        `decide` looked at is still so.  It is called once, and must neither write to the study nor take long.

        Args:
            uid: of the study.
            after: the place up to which the caller knows the log.
            decide: given the entries after that place, up to the last one, returns the batch; an empty one adds nothing.
            token: as for `append`.
            meanwhile: may be given entries, before others have ended their turns; `decide` is given those after them then.
                So what is new is not read while all others wait for it.

        Returns:
            The `seq` of the last entry of the log.

        Raises:
            Conflict, StudyNotFound, TooLarge: as `append`.
            Unavailable: it was interrupted, and is not tried again here: whether the batch is in the log can be found out
                by its token only.
            Exception: whatever `decide` raises; nothing was added.
        """
        ...

    def claim(self, uid: str, worker: str, at: float, token: str) -> Claim | None:
        """Start the WAITING trial with the lowest number in a worker's name, whoever else wants one in this moment.

        It is `append` of a `Started`, of the one trial that may be started, so that claims never conflict; a worker that
        only evaluates need not know the log.

        Args:
            uid: of the study.
            worker: who will evaluate it.
            at: seconds since the epoch.
            token: as for `append`; a claim that is sent again is given the trial that it took.

        Returns:
            What was taken; None where no trial is WAITING.

        Raises:
            StudyNotFound, Unavailable: as `append`.
        """
        ...

    def beat(self, uid: str, worker: str, lease: float) -> None:
        """Count one more beat of a worker; the first one makes it known.

        Args:
            uid: of the study.
            worker: its name, at most 200 characters.
            lease: seconds without a beat after which it may be taken for dead.

        Raises:
            StudyNotFound: no study has that uid.
            ValueError: the name is too long.
        """
        ...

    def beats(self, uid: str) -> Mapping[str, Beat]:
        """The workers that are known; none if no study has that uid."""
        ...

    def leave(self, uid: str, worker: str) -> None:
        """Forget a worker; where it is not known, nothing happens.

        Raises:
            StudyNotFound: no study has that uid.
        """
        ...

    def read(self, uid: str, after: int = 0, limit: int | None = None) -> list[Entry]:
        """Entries with `seq > after`, in order, at most `limit` of them; none where `live` has the study's state.

        Raises:
            StudyNotFound: no study has that uid.
            CorruptLog: what is stored is not what was appended.
        """
        ...

    def digest(self, uid: str, upto: int) -> int | None:
        """The sum of the checksums of the first `upto` entries, by which a copy of them is known to be still a copy.

        None where the log has not so many entries, or where the storage has nothing to gain from checkpoints.
        """
        ...

    def put(self, uid: str, key: str, data: bytes) -> None:
        """Keep opaque bytes beside a study, replacing what was under the key.

        Raises:
            StudyNotFound: no study has that uid.
            TooLarge: they are more than the storage takes; what was there before stays.
        """
        ...

    def get(self, uid: str, key: str) -> bytes | None:
        """The bytes under a key; None if there are none, or no study has that uid."""
        ...

    def keys(self, uid: str) -> list[str]:
        """The keys that have bytes, sorted; none if no study has that uid."""
        ...

    def drop(self, uid: str, key: str) -> None:
        """Let go of the bytes under a key; where there are none, nothing happens.

        Raises:
            StudyNotFound: no study has that uid.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections; the storage may not be used afterwards."""
        ...
