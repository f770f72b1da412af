"""The documents of a study in a storage: what `Trials(storage=...)` shows.

The log is the truth here.  Any number of processes work on the study, as `fmin`, `parzen worker` or `Study`; each makes
documents of what it has read, and a document's tid is the number of its trial, so that all speak of the same.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any

from parzen.errors import Conflict, StudyNotFound
from parzen.hyperopt import _attachments
from parzen.hyperopt._documents import OWNER, DocumentWriter, outcome_of_document, points_of, values_of
from parzen.hyperopt.base import Document, Trials
from parzen.log import Storage, Stream, trial_seed
from parzen.storages import open_storage
from parzen.study import Study
from parzen.study._given import checked_name
from parzen.trials import Asked, Event, Finished, Started

__all__ = ["StoredAttachments", "StoredDocuments"]


class StoredDocuments:
    """Keeps a `Trials` in step with a study.

    Args:
        trials: gets the documents.
        storage: path of a file, URL, or a storage object.
        name: of the study; None for "study".

    Attributes:
        where, name: as given, a path made absolute.
        storage: opened.
        stream: of the study; None as long as there is none.

    Raises:
        StorageError: the storage cannot be used.
    """

    def __init__(self, trials: Trials, storage: str | os.PathLike[str] | Storage, name: str | None) -> None:
        if name is not None:
            checked_name(name)
        self.trials = trials
        self.where = storage
        if isinstance(storage, os.PathLike) or (isinstance(storage, str) and "://" not in storage):
            self.where = os.path.abspath(storage)  # another process may be elsewhere
            if not isinstance(storage, str) and "?" in self.where:
                self.where += "?timeout=60"  # in a path that is text, options would begin there
        self.name = name or "study"
        self.storage = open_storage(self.where)
        self.stream: Stream | None = None
        self.documents: dict[int, Document] = {}
        self._unsubscribe = _nothing

    def pull(self) -> None:
        """Let the documents say what the study says now; there are none as long as it does not exist."""
        if self.stream is not None:
            self.stream.pull()
            return
        try:
            study = Study.load(self.storage, self.name)
        except StudyNotFound:
            return
        self.follow(study.stream, {})

    def follow(self, stream: Stream, results: dict[tuple[int, int], Any]) -> DocumentWriter:
        """Write what happens in this stream from now on; `fmin` has one of its own, which knows the options' objects.

        Args:
            stream: of the study.
            results: see `DocumentWriter`.
        """
        self._unsubscribe()
        self.stream = stream
        writer = _Writer(self.trials, stream, self.documents, results)
        self._unsubscribe = stream.subscribe(writer)
        writer.write_all(stream.history)
        return writer

    def insert(self, docs: Sequence[Document]) -> list[int]:
        """Add documents to the study: those that have ended as they ended, all others to be evaluated by somebody.

        Returns:
            Their tids, the numbers that the study gives them.

        Raises:
            StudyNotFound: there is no study yet, so that nobody knows the space.
            OutOfSpace, UnknownLabel: the space cannot have produced one of them.
        """
        self.pull()
        if self.stream is None:
            raise StudyNotFound(
                f"there is no study {self.name!r} in {self.storage.location} to insert documents into: fmin with these "
                "trials makes it, or parzen.Study(space, storage=..., name=...)"
            )
        stream = self.stream
        rows = [tuple(points_of(stream.space, values_of(doc)).values[0].tolist()) for doc in docs]
        outcomes = [outcome_of_document(doc) for doc in docs]
        while True:
            with stream.asking:
                first, at = len(stream.history), stream.clock.wall()
                events: list[Event] = []
                for number, (row, outcome) in enumerate(zip(rows, outcomes, strict=True), start=first):
                    seed = trial_seed(stream.header.seed, number)
                    events.append(Asked(number, row, "document", seed, stream.history.seq, at))
                    if outcome is not None:
                        events += [Started(number, 1, OWNER, at), Finished(number, 1, outcome, at)]
                try:
                    if events:
                        stream.publish(*events)
                except Conflict:
                    stream.pull()
                    continue
            return list(range(first, first + len(docs)))

    def next_number(self) -> int:
        """The number that the study's next trial has, unless another process is faster."""
        self.pull()
        return 0 if self.stream is None else len(self.stream.history)

    def delete(self) -> None:
        """Remove the study and what belongs to it."""
        self.pull()
        if self.stream is not None:
            self._unsubscribe()
            self.storage.delete(self.stream.header.uid)
        self.stream, self._unsubscribe = None, _nothing
        self.documents.clear()

    def attachments(self) -> StoredAttachments:
        """New `Trials.attachments`, with nothing but what the storage has."""
        return StoredAttachments(self)

    def attachment(self, key: str) -> bytes | None:
        """What is kept in the storage under a key of `Trials.attachments`; None where there is nothing."""
        found = _KEY.fullmatch(key)
        if found is None or self.stream is None:
            return None
        return _attachments.data(self.stream, int(found[1]), found[2])

    def attachment_keys(self) -> list[str]:
        """The keys of `Trials.attachments` under which the storage has something."""
        if self.stream is None:
            return []
        return [f"ATTACH::{number}::{name}" for number, name in _attachments.names(self.stream)]

    def given(self) -> tuple[str, str]:
        """What another process needs to open the same.

        Raises:
            TypeError: it was given as an object, which only this process has.
        """
        if not isinstance(self.where, str):
            raise TypeError(
                f"these trials are in the storage object {self.where!r:.80}, which cannot be pickled: make them with a "
                "path or a URL"
            )
        return self.where, self.name


class StoredAttachments(MutableMapping[str, Any]):
    """`Trials.attachments` of a study: what is here, and what is in the storage.

    What is set or deleted is so for this process; the storage keeps what it has, because others look there.
    """

    def __init__(self, stored: StoredDocuments) -> None:
        self._stored = stored
        self._here: dict[str, Any] = {}
        self._deleted: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        if key in self._here:
            return self._here[key]
        found = None if key in self._deleted else self._stored.attachment(key)
        if found is None:
            raise KeyError(key)
        return found

    def __setitem__(self, key: str, value: Any) -> None:
        self._here[key] = value

    def __delitem__(self, key: str) -> None:
        if key not in self:
            raise KeyError(key)
        self._here.pop(key, None)
        self._deleted.add(key)

    def __iter__(self) -> Iterator[str]:
        there = (key for key in self._stored.attachment_keys() if key not in self._deleted)
        return iter(dict.fromkeys([*self._here, *there]))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} with {len(self)} attachments>"


_KEY = re.compile(r"ATTACH::(\d+)::(.*)", re.DOTALL)


def _nothing() -> None:
    pass


class _Writer(DocumentWriter):
    def _tid(self, number: int) -> int:
        return number

    def _keep(self, doc: Document) -> None:
        self.trials._keep([doc])

    def forget_unfinished(self) -> None:
        """Nothing: the log says what is unfinished, and others may be at it."""
        self.trials.refresh()
