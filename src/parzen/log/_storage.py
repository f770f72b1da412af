"""What a storage must do.

A storage keeps, for each study, a header and an append-only sequence of events.  Beside them, in the same transaction,
it keeps a *head*: the next free number and the last `seq` of the study, and (attempt, state) of each trial.  The heads
decide what may be appended, so that two writers who never speak to each other cannot both win:

* `Asked` for number k is accepted if and only if k is the next number;
* `Started(k, a)` if and only if k is WAITING and a is its attempt + 1;
* everything else is accepted, and changes the head only if its attempt is the current one and the trial is RUNNING
  (`Finished`, `Released`), or in any case (`Retracted`).

Anything else in the batch is refused with it: a batch is in the log as a whole or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from parzen.trials import Entry, Event, Header

__all__ = ["Storage"]


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
        """Give a study another name (`StudyExists` if it is taken)."""
        ...

    def delete(self, uid: str) -> None:
        """Remove a study with everything that belongs to it."""
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
            Unavailable: it could not be written (disk full, locked for too long); nothing was added.
        """
        ...

    def read(self, uid: str, after: int = 0, limit: int | None = None) -> list[Entry]:
        """Entries with `seq > after`, in order, at most `limit` of them."""
        ...

    def put(self, uid: str, key: str, data: bytes) -> None:
        """Keep opaque bytes beside a study, replacing what was under the key."""
        ...

    def get(self, uid: str, key: str) -> bytes | None:
        """The bytes under a key, or None."""
        ...

    def close(self) -> None:
        """Let go of files and connections; the storage may not be used afterwards."""
        ...
