"""Between trial documents and a study.

Documents of earlier runs are read into the study once, in order; what happens in the study is written into documents as
it happens.  A document that the space cannot have produced is kept and counted, and left out of what the algorithm sees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from parzen.errors import InvalidLoss, InvalidResult, OutOfSpace, UnknownLabel
from parzen.hyperopt.base import (
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
from parzen.space import Grid, Points, Space
from parzen.trials import Asked, Entry, Event, Finished, History, Outcome, Released, Started, State, TrialError

__all__ = ["DocumentWriter", "points_of", "raw_values", "read_documents"]

OWNER = "parzen"


def raw_values(space: Space, points: Points, i: int) -> dict[str, Any]:
    """Label -> what Hyperopt keeps: indexes for choices, plain Python numbers; inactive labels are left out."""
    result: dict[str, Any] = {}
    for j in np.flatnonzero(points.active[i]).tolist():
        x = points.values[i, j]
        dist = space.distributions[j]
        # uniformint is a float there: it is rounded by q before it becomes an int.
        whole = space.is_choice(j) or (isinstance(dist, Grid) and dist.integral)
        result[space.labels[j]] = int(x) if whole else float(x)
    return result


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
        row[space.column.get(label, 0)] = space.code(label, value)
    return space.completed(row, unit)


def read_documents(stream: Stream, docs: Sequence[Document]) -> dict[int, Document]:
    """Take documents into an empty study.

    Returns:
        Number of the trial -> its document, of those that the space can have produced.
    """
    taken: dict[int, Document] = {}
    events: list[Event] = []
    at, seed = stream.clock.wall(), stream.header.seed
    for doc in docs:
        raw = {label: values[0] for label, values in doc["misc"]["vals"].items() if len(values)}
        try:
            point = points_of(stream.space, raw)
        except (OutOfSpace, UnknownLabel):
            continue
        number = len(taken)
        taken[number] = doc
        values = tuple(point.values[0].tolist())
        events.append(Asked(number, values, "document", trial_seed(seed, number), 0, at))
        outcome = _outcome_of_document(doc)
        if outcome is not None:
            events.append(Started(number, 1, OWNER, at))
            events.append(Finished(number, 1, outcome, at))
    if events:
        stream.publish(*events)
    return taken


def _outcome_of_document(doc: Document) -> Outcome | None:
    """How a document's trial ended; None where it is still to be evaluated."""
    if doc["state"] in (JOB_STATE_NEW, JOB_STATE_RUNNING):
        return None
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
        documents: number -> document, of what is there already.
        results: number -> the mapping that the objective returned, which the log keeps in another form.
    """

    def __init__(self, trials: Trials, documents: dict[int, Document], results: dict[int, Any]) -> None:
        self.trials, self.documents, self.results = trials, documents, results

    def write_all(self, history: History) -> None:
        """Make documents of a study that was loaded."""
        for number in range(len(history)):
            if number not in self.documents:
                doc = self._insert(history, number)
                self._finish(doc, history, number, State(int(history.state[number])))
        self.trials.refresh()

    def __call__(self, entries: Sequence[Entry], history: History) -> None:
        for entry in entries:
            event = entry.event
            if isinstance(event, Asked) and event.number not in self.documents:
                self._insert(history, event.number)
            elif isinstance(event, Started):
                doc = self.documents[event.number]
                doc["state"], doc["book_time"], doc["owner"] = JOB_STATE_RUNNING, coarse_utcnow(), OWNER
                doc["refresh_time"] = doc["book_time"]
            elif isinstance(event, Released):
                self.documents[event.number]["state"] = JOB_STATE_NEW
            elif isinstance(event, Finished):
                self._finish(self.documents[event.number], history, event.number, event.outcome.state)
        self.trials.refresh()

    def forget_unfinished(self) -> None:
        """After an interrupt: no document is left that says it is running or waiting."""
        unfinished = {id(doc) for doc in self.documents.values() if doc["state"] in (JOB_STATE_NEW, JOB_STATE_RUNNING)}
        self.trials._dynamic_trials = [doc for doc in self.trials._dynamic_trials if id(doc) not in unfinished]
        self.trials.refresh()

    def _insert(self, history: History, number: int) -> Document:
        (tid,) = self.trials.new_trial_ids(1)
        raw = raw_values(history.space, history.points, number)
        misc = {
            "tid": tid,
            "cmd": ("domain_attachment", "FMinIter_Domain"),
            "workdir": None,
            "idxs": {label: [tid] if label in raw else [] for label in history.space.labels},
            "vals": {label: [raw[label]] if label in raw else [] for label in history.space.labels},
        }
        (doc,) = self.trials.new_trial_docs([tid], [None], [{"status": "new"}], [misc])
        self.trials.insert_trial_docs([doc])
        self.documents[number] = doc
        return doc

    def _finish(self, doc: Document, history: History, number: int, state: State) -> None:
        doc["refresh_time"] = coarse_utcnow()
        error = history.error(number)
        if state in (State.WAITING, State.RUNNING):
            return
        result, trial = self.results.pop(number, None), history.trial(number)
        loss = trial.metrics.get(history.objectives[0])
        unusable = state is State.FAILED and loss is None and (error is None or error.kind != "status")
        if state in (State.ERROR, State.CANCELLED) or unusable:
            doc["state"] = JOB_STATE_ERROR
            doc["misc"]["error"] = (error.kind, error.message) if error is not None else (state.name, "")
            return
        doc["state"] = JOB_STATE_DONE
        status = "fail" if loss is None else "ok"  # NaN is a loss there
        if result is None:  # a plain number, or from a file: the log's own form
            result = {**trial.extra, "status": status}
            if loss is not None:
                result["loss"] = loss
        result.setdefault("status", status)
        attached = result.pop("attachments", None)
        for name, value in (attached or {}).items():
            self.trials.trial_attachments(doc)[name] = value
        doc["result"] = result
