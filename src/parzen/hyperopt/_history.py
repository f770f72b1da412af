"""From documents to the core's history, and from a core algorithm's proposal to documents.

Hyperopt calls a suggest function with a `Domain`, a `Trials` and a seed, and calls it again after somebody, often not the
program that asked, has changed documents in place.  The documents are the truth, so each call looks at all of them, and
takes into the history what is new: a document is read once, and compared from then on.  The history is
always the one that reading all documents afresh would give, row for row: a proposal depends on the seed and the documents,
and not on how often somebody has asked.  So when a document is gone, or one that had ended says something else, all is
read again, instead of a retraction that a fresh reader would not see.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from parzen.algorithms import Algorithm, Ask, repeats
from parzen.errors import OutOfSpace, SpaceExhausted, UnknownLabel
from parzen.hyperopt._documents import outcome_of_document, points_of, raw_values, values_of
from parzen.hyperopt.base import JOB_STATE_ERROR, JOB_STATE_NEW, JOB_STATE_RUNNING, Document, Trials
from parzen.log import PROPOSAL, generator, trial_seed
from parzen.space import Points, Space
from parzen.trials import Asked, Event, Finished, History, Started

__all__ = ["DocumentHistory", "history_of", "new_documents", "suggest_documents"]

_Told: TypeAlias = tuple[Any, ...]
"""What of a document decides about its trial: state, status, loss, variance, labels and values."""


class DocumentHistory:
    """The history that a space's algorithms see, of documents.

    Args:
        space: gives the columns.

    Attributes:
        history: a row for each document that the space can have produced, in their order.
        foreign: how many documents it cannot have produced; they are kept by whoever has them, and left out here.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self._clear()

    def _clear(self) -> None:
        self.history = History(self.space, {"loss": "minimize"})
        self.foreign = 0
        self._told: list[_Told] = []
        self._columns: list[list[Any]] = [[], [], [], [], []]
        self._rows: list[int] = []  # of each document read; -1 where it is foreign

    def update(self, docs: Sequence[Document]) -> History:
        """The history of these documents, which are all that there are."""
        # All documents are looked at for each proposal: the one thing that grows with the square of their number.  So it is
        # done column by column, and document by document only where something has changed.
        n, columns = len(self._told), _columns(docs)
        same = all(_equal(before, column[:n]) for before, column in zip(self._columns, columns, strict=True))
        if not same:
            told = [_told(doc) for doc in docs]
            changed = [i for i, (was, now) in enumerate(zip(self._told, told, strict=False)) if was != now]
            if len(docs) < n or not all(_may_follow(self._told[i], told[i]) for i in changed):
                self._clear()
            for i in changed if self._told else ():
                self._compare(self._rows[i], docs[i])
                self._told[i] = told[i]
        for doc in docs[len(self._told) :]:
            self._told.append(_told(doc))
            self._rows.append(self._take(doc))
        for before, column in zip(self._columns, columns, strict=True):
            del before[n if same else 0 :]
            before.extend(map(_fixed, column[len(before) :]))
        return self.history

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
    kept = getattr(domain, "_kept_histories", None)
    if kept is None:
        kept = domain._kept_histories = _Kept()
    known: DocumentHistory = kept.history(trials, domain.compiled)
    return known.update(_documents(trials))


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
    return new_documents(domain, trials, new_ids, Points.stack(points))


def new_documents(domain: Any, trials: Trials, new_ids: Sequence[Any], points: Points) -> list[Document]:
    """Documents in state NEW for rows of a domain's space, with numpy scalars for values: programs call their `item`.

    Args:
        domain: a `Domain`.
        trials: makes the documents; none is inserted.
        new_ids: their ids.
        points: a row for each id; fewer where there are no more.
    """
    space, docs = domain.compiled, []
    for i, tid in enumerate(new_ids[: len(points)]):
        raw = raw_values(space, points, i)
        misc = {
            "tid": tid,
            "cmd": domain.cmd,
            "workdir": domain.workdir,
            "idxs": {label: [tid] if label in raw else [] for label in sorted(space.labels)},
            "vals": {label: [np.array(raw[label])[()]] if label in raw else [] for label in sorted(space.labels)},
        }
        docs += trials.new_trial_docs([tid], [None], [domain.new_result()], [misc])
    return docs
