"""Between trial documents and a study.

Documents of earlier runs are read into the study once, in order, those that it has already excepted; what happens in the
study is written into documents as it happens.  A document that the space cannot have produced is kept and counted, and
left out of what the algorithm sees.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from parzen._typing import FloatArray
from parzen.errors import Conflict, InvalidLoss, InvalidResult, OutOfSpace, UnknownLabel
from parzen.hyperopt import _attachments
from parzen.hyperopt.base import (
    JOB_STATE_CANCEL,
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
    Document,
    Trials,
    coarse_utcnow,
)
from parzen.log import Stream, trial_seed
from parzen.run import outcome_of
from parzen.space import Points, Quantized, Space
from parzen.trials import (
    Asked,
    Entry,
    Event,
    Finished,
    History,
    Outcome,
    Released,
    Retracted,
    Started,
    State,
    TrialError,
)

__all__ = [
    "DocumentWriter",
    "idxs_vals_of",
    "is_of_space",
    "outcome_of_document",
    "points_of",
    "raw_values",
    "read_documents",
    "spell_out",
    "values_of",
]

OWNER = "parzen"

_OPEN = (JOB_STATE_NEW, JOB_STATE_RUNNING)
_HIDDEN = (JOB_STATE_ERROR, JOB_STATE_CANCEL)

_Read: TypeAlias = tuple[Document, tuple[float, ...], "Outcome | None"]
"""A document, its row of values, and how it ended if it has."""


def raw_values(space: Space, points: Points, i: int) -> dict[str, Any]:
    """Label -> what Hyperopt keeps: indexes for choices, plain Python numbers; inactive labels are left out."""
    result: dict[str, Any] = {}
    for j in np.flatnonzero(points.active[i]).tolist():
        x = points.values[i, j]
        dist = space.distributions[j]
        # uniformint is a float there: it is rounded by q before it becomes an int.
        whole = space.is_choice(j) or (dist is not None and dist.integral and not isinstance(dist, Quantized))
        result[space.labels[j]] = int(x) if whole else float(x)
    return dict(sorted(result.items()))  # as Hyperopt prints them


def idxs_vals_of(space: Space, raw: Mapping[str, Any], tid: Any) -> dict[str, dict[str, list[Any]]]:
    """The part of a document that says what was tried: "idxs" and "vals", with every label, empty where inactive."""
    labels = sorted(space.labels)
    return {
        "idxs": {label: [tid] if label in raw else [] for label in labels},
        "vals": {label: [raw[label]] if label in raw else [] for label in labels},
    }


def points_of(space: Space, raw: Mapping[str, Any], unit: Any = None) -> Points:
    """The row with these raw values; an option that is no index may be given by its value.

    Raises:
        OutOfSpace, UnknownLabel: they cannot have come from the space.
    """
    row = np.full(space.d, np.nan)
    named = {}
    for label, value in raw.items():
        j = space.column.get(label)
        distribution = None if j is None else space.distributions[j]
        is_index = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
        impossible = (
            is_index and distribution is not None and not bool(distribution.contains(np.array([float(value)]))[0])
        )
        if j is None or (space.is_choice(j) and not is_index) or impossible:
            named[label] = value
        else:
            row[j] = float(value)
    for label, value in named.items():
        code = space.code(label, value)  # raises for a label that the space lacks
        row[space.column[label]] = code
    return space.completed(row, unit)


def values_of(doc: Document) -> dict[str, Any]:
    """Label -> value, of the labels that a document has one for."""
    return {label: values[0] for label, values in doc["misc"]["vals"].items() if len(values)}


def is_of_space(space: Space, doc: Document) -> bool:
    """Whether the space can have produced a document."""
    try:
        points_of(space, values_of(doc))
    except (OutOfSpace, UnknownLabel):
        return False
    return True


def spell_out(space: Space, doc: Document) -> None:
    """Let a document that is still to be evaluated say what Hyperopt's say, where somebody has written it by hand.

    An option that was named by its value becomes its index, and inactive labels are there, and empty.
    """
    if doc["state"] != JOB_STATE_NEW or not is_of_space(space, doc):
        return
    raw = raw_values(space, points_of(space, values_of(doc)), 0)
    if values_of(doc) != raw or len(doc["misc"]["vals"]) != space.d:
        doc["misc"].update(idxs_vals_of(space, raw, doc["tid"]))


def read_documents(stream: Stream, trials: Trials) -> dict[int, Document]:
    """Take documents into a study; those that it has, from an earlier run with the same storage, are found there.

    Returns:
        Number of the trial -> its document, of those that the space can have produced.
    """
    read: list[_Read] = []
    # Those in state ERROR or CANCEL are not in `trials.trials`; they are looked for in the study and never taken into it.
    for doc in [*trials.trials, *(doc for doc in trials._dynamic_trials if doc["state"] in _HIDDEN)]:
        spell_out(stream.space, doc)
        try:
            values = points_of(stream.space, values_of(doc)).values[0]
        except (OutOfSpace, UnknownLabel):
            continue
        read.append((doc, tuple(values.tolist()), outcome_of_document(doc)))
    while True:
        with stream.asking:
            history = stream.history
            taken, rest = _found(history, read)
            events: list[Event] = []
            at, seed = stream.clock.wall(), stream.header.seed
            new = [one for one in rest if one[0]["state"] not in _HIDDEN]
            for number, (doc, values, outcome) in enumerate(new, start=len(history)):
                taken[number] = doc
                events.append(Asked(number, values, "document", trial_seed(seed, number), 0, at))
                if outcome is not None:
                    events.append(Started(number, 1, OWNER, at))
                    events.append(Finished(number, 1, outcome, at))
            try:
                if events:
                    stream.publish(*events)
            except Conflict:  # another process was first: its trials may be among the documents now
                stream.pull()
                continue
            return taken


def _found(history: History, read: Sequence[_Read]) -> tuple[dict[int, Document], list[_Read]]:
    """Number -> the document of that trial, and the documents of no trial.

    By values and loss and not by id: ids are free where documents were made by hand.  Of trials that are equal in both
    the earliest is the first document's, as they were written.
    """
    ended: dict[object, list[int]] = defaultdict(list)
    for number in reversed(range(len(history))):
        state, key = State(int(history.state[number])), _key(history.values[number])
        if state is State.OK:
            ended[key, history.reported(history.losses[number])].append(number)
        elif state not in (State.WAITING, State.RUNNING, State.CANCELLED):
            ended[key, None].append(number)
    found: dict[int, Document] = {}
    rest: list[_Read] = []
    for one in read:
        doc, values, outcome = one
        loss = outcome.metrics["loss"] if outcome is not None and outcome.state is State.OK else None
        numbers = ended[_key(values), loss] if outcome is not None else []
        if numbers:
            found[numbers.pop()] = doc
        else:
            rest.append(one)
    # The study may know more about a trial than its document: that it ended meanwhile, or was retracted.
    left: dict[object, list[int]] = defaultdict(list)
    for number in reversed(range(len(history))):
        if number not in found:
            left[_key(history.values[number])].append(number)
    unknown = []
    for one in rest:
        doc, values, outcome = one
        numbers = left[_key(values)]
        fits = [i for i in numbers if outcome is None or history.state[i] == State.CANCELLED]
        if fits:
            numbers.remove(fits[-1])
            found[fits[-1]] = doc
        else:
            unknown.append(one)
    return found, unknown


def _key(values: Sequence[float] | FloatArray) -> tuple[float | None, ...]:
    """A row that equals others: NaN does not equal itself."""
    return tuple([None if x != x else float(x) for x in values])


def outcome_of_document(doc: Document) -> Outcome | None:
    """How a document's trial ended; None where it is still to be evaluated."""
    if doc["state"] in _OPEN:
        return None
    if doc["state"] == JOB_STATE_CANCEL:
        return Outcome(State.CANCELLED)
    if doc["state"] != JOB_STATE_DONE:
        return Outcome(State.ERROR, error=TrialError(*map(str, doc["misc"].get("error", ("error", "")))))
    try:
        return outcome_of(doc["result"], "loss", np.inf)
    except (InvalidResult, InvalidLoss) as error:
        return Outcome(State.FAILED, error=TrialError("loss", str(error)))


class DocumentWriter:
    """Subscribes to a study and keeps the documents of a `Trials` as Hyperopt would.

    Args:
        trials: gets the documents.
        stream: of the study; its storage has attachments of earlier runs.
        documents: number -> document, of what is there already.
        results: (number, attempt) -> the mapping that the objective returned, which the log keeps in another form.
    """

    def __init__(
        self, trials: Trials, stream: Stream, documents: dict[int, Document], results: dict[tuple[int, int], Any]
    ) -> None:
        self.trials, self.stream, self.documents, self.results = trials, stream, documents, results
        self._given = {id(doc) for doc in documents.values()}
        # Looking at all documents after each trial makes a search quadratic.  A subclass may want to be told all the
        # same: some copy what `refresh` found to other places.
        self.refreshes = type(trials).refresh is not Trials.refresh

    def write_all(self, history: History) -> None:
        """Make documents of a study that was loaded, and end those whose trial has ended."""
        for number in range(len(history)):
            doc = self.documents.get(number)
            if doc is None:
                doc = self._insert(history, number)
            retracted = history.state[number] == State.CANCELLED and doc["state"] not in _HIDDEN
            if doc["state"] in _OPEN or retracted:
                self._finish(doc, history, number)
        self.trials.refresh()

    def __call__(self, entries: Sequence[Entry], history: History) -> None:
        changed = False
        for entry in entries:
            event = entry.event
            if isinstance(event, Asked):
                if event.number not in self.documents:
                    self._insert(history, event.number)
                    changed = True
            elif isinstance(event, Retracted):
                doc = self.documents.get(event.number)
                if doc is not None:  # the trial is to be treated as if it had never been
                    self._finish(doc, history, event.number)
                    changed = True
            elif isinstance(event, (Started, Released, Finished)):
                doc = self.documents.get(event.number)
                # An attempt that was given up changes nothing, nor does anything after the end.
                if doc is None or doc["state"] not in _OPEN or event.attempt > history.attempts[event.number]:
                    continue
                if isinstance(event, Started):
                    doc["state"], doc["book_time"], doc["owner"] = JOB_STATE_RUNNING, coarse_utcnow(), OWNER
                    doc["refresh_time"] = doc["book_time"]
                elif isinstance(event, Released):
                    doc["state"] = JOB_STATE_NEW
                elif event.attempt == history.attempts[event.number]:
                    self._finish(doc, history, event.number)
                    changed = True
        if changed and self.refreshes:
            self.trials.refresh()

    def forget_unfinished(self) -> None:
        """After an interrupt: no document is left that says it is running, or waiting unless somebody else made it."""
        unfinished = [doc for doc in self.documents.values() if doc["state"] in _OPEN]
        for doc in unfinished:
            doc["state"] = JOB_STATE_NEW
        own = {id(doc) for doc in unfinished} - self._given
        self.trials._dynamic_trials[:] = [doc for doc in self.trials._dynamic_trials if id(doc) not in own]
        self.trials.refresh()

    def _insert(self, history: History, number: int) -> Document:
        tid = self._tid(number)
        raw = raw_values(history.space, history.points, number)
        misc = {
            "tid": tid,
            "cmd": ("domain_attachment", "FMinIter_Domain"),
            "workdir": None,
            **idxs_vals_of(history.space, raw, tid),
        }
        (doc,) = self.trials.new_trial_docs([tid], [None], [{"status": "new"}], [misc])
        self._keep(doc)
        if not self.refreshes:
            self.trials._show(doc)
        self.documents[number] = doc
        return doc

    def _tid(self, number: int) -> Any:
        """The id of a trial's new document."""
        return self.trials.new_trial_ids(1)[0]

    def _keep(self, doc: Document) -> None:
        # Not `insert_trial_docs`: there is nothing to check, and it may keep a copy, where this one is written on.
        self.trials._insert_trial_docs([doc])

    def _finish(self, doc: Document, history: History, number: int) -> None:
        """Write the end of a trial into its document, if it has ended: what the history says, not what an entry says."""
        state = State(int(history.state[number]))
        if state in (State.WAITING, State.RUNNING):
            return
        doc["refresh_time"] = coarse_utcnow()
        error = history.error(number)
        result, trial = self.results.pop((number, int(history.attempts[number])), None), history.trial(number)
        loss = trial.metrics.get(history.objectives[0])
        unusable = state is State.FAILED and loss is None and (error is None or error.kind != "status")
        if state in (State.ERROR, State.CANCELLED) or unusable:
            doc["state"] = JOB_STATE_CANCEL if state is State.CANCELLED else JOB_STATE_ERROR
            # As Hyperopt says it: the text of the class, and that of the exception.
            doc["misc"]["error"] = (f"<class '{error.kind}'>", error.message) if error is not None else (state.name, "")
            if not self.refreshes:
                self.trials._hide(doc)
            return
        doc["state"] = JOB_STATE_DONE
        status = "fail" if loss is None else "ok"  # NaN is a loss there
        if result is None:  # a plain number, or from a file: the log's own form
            result = {**trial.extra, "status": status}
            if loss is not None:
                result["loss"] = loss
            if isinstance(result.get("attachments"), Mapping):
                result["attachments"] = _attachments.kept(self.stream, number, result["attachments"])
        result.setdefault("status", status)
        if isinstance(result.get("attachments"), Mapping):
            for name, value in result.pop("attachments").items():
                self.trials.trial_attachments(doc)[name] = value
        doc["result"] = result
