"""From documents to the core's history, and from a core algorithm's proposal to documents.

Hyperopt calls a suggest function with a `Domain`, a `Trials` and a seed, and calls it again after somebody, often not the
program that asked, has changed documents in place.  The documents are the truth, so each call looks at all of them, and
takes into the history what is new: a document is read once, and compared from then on.  Inside a loop of ours documents
that have ended are compared all when a program has called `refresh`, and else a few in turn.  The history is
always the one that reading all documents afresh would give, row for row: a proposal depends on the seed and the documents,
and not on how often somebody has asked.  So when a document is gone, or one that had ended says something else, all is
read again, instead of a retraction that a fresh reader would not see.
"""

from __future__ import annotations

import operator
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np

from parzen.algorithms import Algorithm, Ask, repeats
from parzen.errors import OutOfSpace, SpaceExhausted, UnknownLabel
from parzen.hyperopt._documents import idxs_vals_of, outcome_of_document, points_of, raw_values, values_of
from parzen.hyperopt.base import JOB_STATE_ERROR, JOB_STATE_NEW, JOB_STATE_RUNNING, Document, Trials
from parzen.log import PROPOSAL, generator, trial_seed
from parzen.space import Points, Space
from parzen.trials import Asked, Event, Finished, History, Started

__all__ = [
    "DocumentHistory",
    "changes_announced",
    "documents_of_points",
    "history_of",
    "refresh_unannounced",
    "suggest_documents",
]

_OPEN = (JOB_STATE_NEW, JOB_STATE_RUNNING)
_SOME = 16
"""Ended documents that are compared in turn where nobody has announced a change: one in the middle of 2 000 is seen within
125 proposals, for 20 microseconds each."""

_Told: TypeAlias = tuple[Any, ...]
"""What of a document decides about its trial: state, status, loss, variance, labels and values."""


class DocumentHistory:
    """The history that a space's algorithms see, of documents.

    Args:
        space: gives the columns.

    Attributes:
        history: a row for each document that the space can have produced, in their order.
        foreign: how many documents it cannot have produced; they are kept by whoever has them, and left out here.
        announced: whether all changes of documents that have ended are announced by a `refresh`, as in a loop of ours.
        looks: how many had been announced when all documents were last compared.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.announced = False
        self.looks: int | None = None
        self._clear()

    def _clear(self) -> None:
        self.history = History(self.space, {"loss": "minimize"})
        self.foreign = 0
        self._docs: list[Document] = []
        self._told: list[_Told] = []
        self._columns: tuple[list[Any], ...] = ([], [], [], [], [])
        self._rows: list[int] = []  # of each document read; -1 where it is foreign
        self._open: list[int] = []  # places of those that had not ended
        self._turn = 0

    def update(self, docs: Sequence[Document], whole: bool = True) -> History:
        """The history of these documents, which are all that there are.

        Args:
            docs: in their order.
            whole: compare all of them.  Else whoever changes one that has ended says so, and it is enough to look at
                those that had not, and at a few others in turn, for whoever forgets to.
        """
        changed = self._changed(docs, whole)
        if changed is None:
            self._clear()
            changed = []
        for i in changed:
            self._compare(self._rows[i], docs[i])
            self._told[i] = _told(docs[i])
        fresh = range(len(self._told), len(docs))
        for i in fresh:
            self._told.append(_told(docs[i]))
            self._rows.append(self._take(docs[i]))
        self._docs += docs[fresh.start :]
        self._open = [i for i in (*self._open, *fresh) if docs[i]["state"] in _OPEN]
        for column in self._columns:
            column.extend([None] * len(fresh))
        for i in (*changed, *fresh):
            for column, (value,) in zip(self._columns, _columns(docs[i : i + 1]), strict=True):
                column[i] = _fixed(value)
        return self.history

    def _changed(self, docs: Sequence[Document], whole: bool) -> list[int] | None:
        """The places of documents that have gone on; None where nothing of what was read can be kept."""
        n = len(self._told)
        if len(docs) < n:
            return None
        if whole or not all(map(operator.is_, self._docs, docs)):
            # Column by column, and document by document only where something has changed: this is the one thing that
            # grows with the square of the number of documents.
            if all(_equal(was, now[:n]) for was, now in zip(self._columns, _columns(docs), strict=True)):
                self._docs[:] = docs[:n]
                return []
            places: Iterable[int] = range(n)
        else:
            first, self._turn = self._turn, (self._turn + _SOME) % max(n, 1)
            places = sorted({*self._open, *range(first, min(first + _SOME, n))})
        told = {i: _told(docs[i]) for i in places}
        changed = [i for i, now in told.items() if now != self._told[i]]
        if not all(_may_follow(self._told[i], told[i]) for i in changed):
            return None
        self._docs[:] = docs[:n]
        return changed

    def _take(self, doc: Document) -> int:
        """The row of a new document."""
        try:
            values = points_of(self.space, values_of(doc)).values[0]
        except (OutOfSpace, UnknownLabel):
            self.foreign += 1
            return -1
        row = len(self.history)
        self._apply(Asked(row, tuple(values.tolist()), "document", 0, 0, 0.0))
        self._compare(row, doc)
        return row

    def _compare(self, row: int, doc: Document) -> None:
        """Let a row that was open go as far as its document."""
        if row < 0 or doc["state"] == JOB_STATE_NEW:
            return
        if self.history.waiting[row]:
            self._apply(Started(row, 1, str(doc["owner"]), 0.0))
        outcome = outcome_of_document(doc)
        if outcome is not None:
            self._apply(Finished(row, 1, outcome, 0.0))

    def _apply(self, event: Event) -> None:
        self.history.apply(self.history.seq + 1, event)


def _columns(docs: Sequence[Document]) -> tuple[list[Any], ...]:
    """What `_told` tells, in the objects that the documents have."""
    results = [doc["result"] for doc in docs]
    return (
        [doc["state"] for doc in docs],
        [result.get("status") for result in results],
        [result.get("loss") for result in results],
        [result.get("loss_variance") for result in results],
        [doc["misc"]["vals"] for doc in docs],
    )


class _Doubt:
    """Stands for what may be changed in place, or does not say whether it is equal: equal to nothing."""

    __hash__ = None  # type: ignore[assignment]  # nothing is to look for it

    def __eq__(self, other: object) -> bool:
        return False


def _fixed(value: Any) -> Any:
    """An object of a column as it is now, whatever becomes of the document."""
    if value is None or isinstance(value, (int, float, str, np.generic)):
        return value
    if type(value) is dict and all(type(item) is list for item in value.values()):
        return {label: list(values) for label, values in value.items()}
    return _Doubt()


def _equal(before: list[Any], now: list[Any]) -> bool:
    try:
        return before == now
    except ValueError:  # an array, where there was none
        return False


def _told(doc: Document) -> _Told:
    result, vals = doc["result"], doc["misc"]["vals"]
    loss = result.get("loss")
    return (
        doc["state"],
        result.get("status"),
        # NaN differs from itself, and arrays do not say whether they differ.
        loss if type(loss) is float and loss == loss else repr(loss),
        repr(result.get("loss_variance")),
        tuple(vals),
        tuple(map(tuple, vals.values())),
    )


def _may_follow(was: _Told, now: _Told) -> bool:
    """Whether a document that was open has gone on, of the same values; else nothing of what was read can be kept."""
    if was[-2:] != now[-2:]:
        return False
    return bool(was[0] == JOB_STATE_NEW or (was[0] == JOB_STATE_RUNNING and now[0] != JOB_STATE_NEW))


def _documents(trials: Trials) -> list[Document]:
    """The documents of a `Trials` as of its last refresh, and in their places those that ended with an exception.

    The latter are hidden from `trials.trials`; an algorithm that forgets them proposes what has failed.
    """
    shown = trials.trials
    everything = getattr(trials, "_dynamic_trials", ())  # empty in subclasses that keep documents elsewhere
    if len(everything) <= len(shown):
        return shown
    key, ids = trials._exp_key, {id(doc) for doc in shown}
    merged = [
        doc
        for doc in everything
        if id(doc) in ids or (doc["state"] == JOB_STATE_ERROR and (key is None or doc["exp_key"] == key))
    ]
    return merged if sum(id(doc) in ids for doc in merged) == len(shown) else shown


class _Kept:
    """What a domain remembers of each `Trials`; it is in no pickle and in no copy of the domain.

    By `id`, and forgotten when the `Trials` is: a subclass with an `__eq__` is no key of a dictionary.
    """

    def __init__(self) -> None:
        self.of: dict[int, tuple[weakref.ref[Trials], DocumentHistory]] = {}

    def history(self, trials: Trials, space: Space) -> DocumentHistory:
        """The one of these trials, an empty one at first."""
        key, of = id(trials), self.of
        if key not in of:
            of[key] = weakref.ref(trials, lambda _: of.pop(key, None)), DocumentHistory(space)
        return of[key][1]

    def __reduce__(self) -> tuple[type[_Kept], tuple[()]]:
        return _Kept, ()


def history_of(domain: Any, trials: Trials) -> History:  # a Domain, or what a program has made to stand for one
    """The history of all documents of `trials`, for the space of `domain`; only what is new is read."""
    known = _known(domain, trials)
    looks = trials._looks if known.announced else None
    history = known.update(_documents(trials), whole=looks is None or looks != known.looks)
    known.looks = looks
    return history


def _known(domain: Any, trials: Trials) -> DocumentHistory:
    kept = getattr(domain, "_kept_histories", None)
    if kept is None:
        kept = domain._kept_histories = _Kept()
    known: DocumentHistory = kept.history(trials, domain.compiled)
    return known


@contextmanager
def changes_announced(domain: Any, trials: Trials) -> Iterator[None]:
    """For a loop that calls `refresh_unannounced`: meanwhile a `refresh` of anybody else says that documents have changed."""
    known = _known(domain, trials)  # which is not read before an algorithm or a person wants to know
    known.announced, known.looks = True, None
    try:
        yield
    finally:
        known.announced = False


def refresh_unannounced(trials: Trials) -> None:
    """Refresh trials whose ended documents nobody has changed."""
    looks = trials._looks
    trials.refresh()
    trials._looks = looks


def suggest_documents(
    algorithm: Algorithm,
    new_ids: Sequence[Any],
    domain: Any,
    trials: Trials,
    seed: Any,
) -> list[Document]:
    """New documents by any algorithm of the core, as a suggest function of Hyperopt returns them; none is inserted.

    Args:
        algorithm: proposes.
        new_ids: ids of the documents, one for each.
        domain: a `Domain`.
        trials: what is known.
        seed: an integer, or whatever `numpy.random.default_rng` takes.

    Returns:
        A document for each id, in state NEW, with numpy scalars for values.  On a finite space that is exhausted they
        repeat configurations, the good ones more often.
    """
    new_ids = list(new_ids)
    if not new_ids:
        return []
    history = history_of(domain, trials).snapshot()
    if not isinstance(seed, (int, np.integer)):
        seed = np.random.default_rng(seed).integers(2**63 - 1)
    first, mixed = len(history), int(seed)

    def rng(number: int) -> np.random.Generator:
        # By its place and not by its id, which may be anything and is to have no influence.
        return generator(trial_seed(mixed, number - first), PROPOSAL)

    # Every call has a seed of its own; what belongs to the whole search has that of the first call.
    shared = vars(domain).setdefault("_first_seed", mixed)
    ask = Ask(tuple(range(first, first + len(new_ids))), rng, shared)
    points = []
    try:
        points.append(algorithm.suggest(domain.compiled, history, ask).points)
    except SpaceExhausted:
        if not first:
            raise
    missing = len(new_ids) - sum(map(len, points))
    if missing and first:
        points.append(repeats(algorithm, domain.compiled, history, Ask(ask.numbers[-missing:], rng, shared)).points)
    return documents_of_points(domain, trials, new_ids, Points.stack(points))


def documents_of_points(domain: Any, trials: Trials, new_ids: Sequence[Any], points: Points) -> list[Document]:
    """Documents in state NEW for rows of a domain's space, with numpy scalars for values: programs call their `item`.

    Args:
        domain: a `Domain`.
        trials: makes the documents; none is inserted.
        new_ids: their ids.
        points: a row for each id; fewer where there are no more.
    """
    space, docs = domain.compiled, []
    for i, tid in enumerate(new_ids[: len(points)]):
        raw = {label: np.array(value)[()] for label, value in raw_values(space, points, i).items()}
        misc = {
            "tid": tid,
            "cmd": domain.cmd,
            "workdir": domain.workdir,
            **idxs_vals_of(space, raw, tid),
        }
        docs += trials.new_trial_docs([tid], [None], [domain.new_result()], [misc])
    return docs
