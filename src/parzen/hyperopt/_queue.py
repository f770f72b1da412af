"""What waits to be evaluated in a loop over documents, and what of the documents is to be looked at after each step.

Hyperopt looks at all documents several times for each trial, because anybody may have changed them, and that makes a search
quadratic.  Where documents are in this process and nobody has a `refresh` or an insertion of his own, their number tells
whether somebody has added any, and a call of `refresh` that something else may have changed; as long as neither happens,
only what the loop itself has inserted and evaluated is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from parzen.hyperopt._history import changes_announced, refresh_unannounced
from parzen.hyperopt.base import JOB_STATE_NEW, JOB_VALID_STATES, Document, Domain, Trials

__all__ = ["Queue"]


class Queue:
    """The documents of a `Trials` that a loop suggests and evaluates."""

    def __init__(self, trials: Trials) -> None:
        self.trials = trials
        self._count: int | None = None  # of all documents, as of the last look; None where all are looked at each time
        self._waiting: list[Document] = []  # what may be in state NEW
        self._seen = (-1, -1)  # how many documents and calls of `refresh` there were when that was so
        self._inserted: list[Document] = []  # since the last look
        self._hidden: list[Document] = []

    @contextmanager
    def alone(self, domain: Domain) -> Iterator[None]:
        """For a loop in this process that may be the only one to change documents."""
        trials, kind = self.trials, type(self.trials)
        if (
            trials.asynchronous
            or not isinstance(domain, Domain)
            or trials._stored is not None
            or trials._exp_key is not None
            or kind.refresh is not Trials.refresh
            or kind._insert_trial_docs is not Trials._insert_trial_docs
        ):
            yield
            return
        self._count, self._seen = len(trials._dynamic_trials), (-1, -1)
        try:
            with changes_announced(domain, trials):
                yield
        finally:
            self._count = None

    def insert(self, docs: Sequence[Document]) -> None:
        """Add documents to the trials, and let them show."""
        before = len(self.trials._dynamic_trials)
        self.trials.insert_trial_docs(docs)
        if self._count is not None:
            self._inserted += self.trials._dynamic_trials[before:]  # where pymongo is installed they are copies
        self.look()

    def ended(self, doc: Document) -> None:
        """A document was evaluated."""
        if self._count is not None and doc["state"] not in JOB_VALID_STATES:
            self._hidden.append(doc)

    def look(self) -> None:
        """What `refresh` does, after some documents were inserted or evaluated."""
        trials = self.trials
        if self._count is None:
            trials.refresh()
            return
        if len(trials._dynamic_trials) != self._count + len(self._inserted):
            refresh_unannounced(trials)
        else:
            for doc in self._inserted:
                trials._show(doc)
            for doc in self._hidden:
                trials._hide(doc)
            if self._seen == (self._count, trials._looks):
                self._waiting += self._inserted
                self._seen = len(trials._dynamic_trials), trials._looks
        self._inserted, self._hidden = [], []
        self._count = len(trials._dynamic_trials)

    def waiting(self) -> list[Document]:
        """The documents in state NEW."""
        trials = self.trials
        docs = trials._dynamic_trials
        if self._count is None:
            key = trials._exp_key
            return [doc for doc in docs if doc["state"] == JOB_STATE_NEW and (key is None or doc["exp_key"] == key)]
        now = len(docs), trials._looks
        looked_at = self._waiting if self._seen == now else docs
        self._waiting, self._seen = [doc for doc in looked_at if doc["state"] == JOB_STATE_NEW], now
        return list(self._waiting)

    def __len__(self) -> int:
        if self._count is None:  # a class of somebody else may count what is in a database
            return self.trials.count_by_state_unsynced(JOB_STATE_NEW)
        return len(self.waiting())
