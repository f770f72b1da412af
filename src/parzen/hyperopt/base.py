"""Hyperopt's trial documents, and the object that keeps them.

A document is a dict with the keys of `TRIAL_KEYS`.  `Trials` exists before any space, may be filled by hand, pickled and
given to `fmin` again; the documents are the truth, and what a search knows is read from them.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from parzen.errors import AllTrialsFailed, InvalidLoss, InvalidResult
from parzen.hyperopt.exceptions import InvalidTrial

__all__ = [
    "JOB_STATES",
    "JOB_STATE_CANCEL",
    "JOB_STATE_DONE",
    "JOB_STATE_ERROR",
    "JOB_STATE_NEW",
    "JOB_STATE_RUNNING",
    "STATUS_FAIL",
    "STATUS_NEW",
    "STATUS_OK",
    "STATUS_RUNNING",
    "STATUS_STRINGS",
    "STATUS_SUSPENDED",
    "TRIAL_KEYS",
    "TRIAL_MISC_KEYS",
    "AllTrialsFailed",
    "InvalidLoss",
    "InvalidResult",
    "InvalidTrial",
    "Trials",
    "coarse_utcnow",
    "trials_from_docs",
]

STATUS_NEW = "new"
STATUS_RUNNING = "running"
STATUS_SUSPENDED = "suspended"
STATUS_OK = "ok"
STATUS_FAIL = "fail"
STATUS_STRINGS = (STATUS_NEW, STATUS_RUNNING, STATUS_SUSPENDED, STATUS_OK, STATUS_FAIL)

JOB_STATE_NEW = 0
JOB_STATE_RUNNING = 1
JOB_STATE_DONE = 2
JOB_STATE_ERROR = 3
JOB_STATE_CANCEL = 4
JOB_STATES = [JOB_STATE_NEW, JOB_STATE_RUNNING, JOB_STATE_DONE, JOB_STATE_ERROR, JOB_STATE_CANCEL]
JOB_VALID_STATES = {JOB_STATE_NEW, JOB_STATE_RUNNING, JOB_STATE_DONE}

TRIAL_KEYS = [
    "tid", "spec", "result", "misc", "state", "owner", "book_time", "refresh_time", "exp_key", "version",
]  # fmt: skip
TRIAL_MISC_KEYS = ["tid", "cmd", "idxs", "vals"]

Document: TypeAlias = dict[str, Any]
"""A trial document; users put anything into its result."""


def coarse_utcnow() -> datetime.datetime:
    """The time now in UTC, without a zone, in whole milliseconds: what documents are stamped with."""
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


class Trials:
    """Trial documents in memory.

    Args:
        exp_key: only documents with this key are looked at; None for all.
        refresh: look at the documents at once.
    """

    asynchronous = False

    def __init__(self, exp_key: str | None = None, refresh: bool = True) -> None:
        self._exp_key = exp_key
        self._ids: set[int] = set()
        self._next = 0  # an id that is above all of `_ids`, unless a view has added some
        self._dynamic_trials: list[Document] = []
        self._trials: list[Document] = []
        self.attachments: dict[str, Any] = {}
        if refresh:
            self.refresh()

    # --- documents in and out -----------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Look at the documents again: those that failed with an exception are left out of `trials`."""
        self._trials = [
            doc
            for doc in self._dynamic_trials
            if doc["state"] in JOB_VALID_STATES and (self._exp_key is None or doc["exp_key"] == self._exp_key)
        ]
        self._ids.update(doc["tid"] for doc in self._trials)
        self._next = max(self._ids, default=-1) + 1

    def _show(self, doc: Document) -> None:
        """What `refresh` does about one document that was inserted just now."""
        if not (self._trials and self._trials[-1] is doc):
            self._trials.append(doc)

    def _hide(self, doc: Document) -> None:
        """What `refresh` does about one document that failed."""
        for i in reversed(range(len(self._trials))):  # it is nearly always the last one
            if self._trials[i] is doc:
                del self._trials[i]
                return

    def new_trial_ids(self, n: int) -> list[int]:
        """`n` ids that no document has yet."""
        fresh = range(self._next, self._next + n)
        if not self._ids.isdisjoint(fresh):
            first = max(self._ids) + 1
            fresh = range(first, first + n)
        self._ids.update(fresh)
        self._next = fresh.stop
        return list(fresh)

    def new_trial_docs(
        self, tids: Iterable[int], specs: Iterable[Any], results: Iterable[Any], miscs: Iterable[Any]
    ) -> list[Document]:
        """Documents in state NEW; they are not inserted."""
        return [
            {
                "state": JOB_STATE_NEW,
                "tid": tid,
                "spec": spec,
                "result": result,
                "misc": misc,
                "exp_key": self._exp_key,
                "owner": None,
                "version": 0,
                "book_time": None,
                "refresh_time": None,
            }
            for tid, spec, result, misc in zip(tids, specs, results, miscs, strict=True)
        ]

    def assert_valid_trial(self, trial: Document) -> Document:
        """The document itself.

        Raises:
            InvalidTrial: it lacks a key, or contradicts itself.
        """
        if not isinstance(trial, Mapping):
            raise InvalidTrial("a trial document is a dict", trial)
        for key in TRIAL_KEYS:
            if key not in trial:
                raise InvalidTrial(f"the trial document lacks {key!r}", trial)
        for key in TRIAL_MISC_KEYS:
            if key not in trial["misc"]:
                raise InvalidTrial(f"the trial document lacks {key!r} in 'misc'", trial)
        if trial["tid"] != trial["misc"]["tid"]:
            raise InvalidTrial("the tid of a trial document and of its 'misc' differ", trial)
        if trial["exp_key"] != self._exp_key:
            raise InvalidTrial(f"the exp_key of a trial document is not {self._exp_key!r}", trial)
        return trial

    def insert_trial_doc(self, doc: Document) -> int:
        """Keep one document; it shows after `refresh`.  Returns its tid."""
        return self.insert_trial_docs([doc])[0]

    def insert_trial_docs(self, docs: Iterable[Document]) -> list[int]:
        """Keep documents; they show after `refresh`.  Returns their tids."""
        valid = [self.assert_valid_trial(doc) for doc in docs]
        return self._insert_trial_docs(valid)

    def _insert_trial_docs(self, docs: list[Document]) -> list[int]:
        self._dynamic_trials.extend(docs)
        self._ids.update(doc["tid"] for doc in docs)
        self._next = max([self._next, *(doc["tid"] + 1 for doc in docs)])
        return [doc["tid"] for doc in docs]

    def delete_all(self) -> None:
        """Forget every document and attachment."""
        self._dynamic_trials = []
        self._ids = set()
        self.attachments = {}
        self.refresh()

    # --- looking ------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._trials)

    def __iter__(self) -> Iterator[Document]:
        return iter(self._trials)

    @property
    def trials(self) -> list[Document]:
        """The documents, as of the last `refresh`."""
        return self._trials

    @property
    def tids(self) -> list[int]:
        """Their ids."""
        return [doc["tid"] for doc in self._trials]

    @property
    def specs(self) -> list[Any]:
        """Their specs, which are None."""
        return [doc["spec"] for doc in self._trials]

    @property
    def results(self) -> list[Any]:
        """What the objective returned, as dicts."""
        return [doc["result"] for doc in self._trials]

    @property
    def miscs(self) -> list[Any]:
        """What was tried, as dicts with "idxs" and "vals"."""
        return [doc["misc"] for doc in self._trials]

    @property
    def idxs(self) -> dict[str, list[Any]]:
        """Label -> tids in which it was active."""
        return self.idxs_vals[0]

    @property
    def vals(self) -> dict[str, list[Any]]:
        """Label -> values, in the order of `idxs`."""
        return self.idxs_vals[1]

    @property
    def idxs_vals(self) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
        """Both of the above."""
        idxs: dict[str, list[Any]] = {}
        vals: dict[str, list[Any]] = {}
        for misc in self.miscs:
            for label, tids in misc["idxs"].items():
                idxs.setdefault(label, []).extend(tids)
                vals.setdefault(label, []).extend(misc["vals"][label])
        return idxs, vals

    def losses(self, bandit: object = None) -> list[float | None]:
        """The loss of each document; None where it has none."""
        return [result.get("loss") for result in self.results]

    def statuses(self, bandit: object = None) -> list[str | None]:
        """The status of each document."""
        return [result.get("status") for result in self.results]

    def count_by_state_synced(self, state: int | Iterable[int], trials: Iterable[Document] | None = None) -> int:
        """How many documents are in a state, or in one of several, as of the last `refresh`."""
        states = {state} if isinstance(state, int) else set(state)
        return sum(doc["state"] in states for doc in (self._trials if trials is None else trials))

    def count_by_state_unsynced(self, state: int | Iterable[int]) -> int:
        """The same for all documents that were inserted."""
        docs = self._dynamic_trials
        return self.count_by_state_synced(
            state, [doc for doc in docs if self._exp_key is None or doc["exp_key"] == self._exp_key]
        )

    @property
    def best_trial(self) -> Document:
        """The document with the lowest loss.

        Raises:
            AllTrialsFailed: no document has status "ok" and a loss that is a number.
        """
        candidates = [
            doc
            for doc in self._trials
            if doc["result"].get("status") == STATUS_OK and float(doc["result"]["loss"]) > -math.inf  # NaN neither
        ]
        if not candidates:
            raise AllTrialsFailed(f"there is no best trial: none of {len(self._trials)} has status 'ok' and a loss")
        return min(candidates, key=lambda doc: float(doc["result"]["loss"]))

    @property
    def argmin(self) -> dict[str, Any]:
        """Label -> value of the best trial, indexes for choices; inactive labels are left out."""
        return {label: values[0] for label, values in self.best_trial["misc"]["vals"].items() if values}

    def average_best_error(self, bandit: object = None) -> float:
        """The mean true loss of the trials that may be the best, given the variance of their losses."""
        ok = [result for result in self.results if result.get("status") == STATUS_OK]
        if not ok:
            raise AllTrialsFailed("there is no best trial: none has status 'ok'")
        losses = np.array([float(result["loss"]) for result in ok])
        variances = np.array([float(result.get("loss_variance", 0.0)) for result in ok])
        true = np.array([float(result.get("true_loss", result["loss"])) for result in ok])
        best = int(np.nanargmin(losses))
        cutoff = losses[best] + np.sqrt(variances[best])
        return float(np.mean(true[losses <= cutoff]))

    def trial_attachments(self, trial: Document) -> TrialAttachments:
        """The attachments of one document: `in`, `[]`, assignment and `del`."""
        return TrialAttachments(self.attachments, trial["tid"])

    def view(self, exp_key: str | None = None, refresh: bool = True) -> Trials:
        """The same documents, seen through another key."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._exp_key = exp_key
        if refresh:
            other.refresh()
        return other

    def fmin(self, fn: Any, space: Any, algo: Any = None, max_evals: int | None = None, **kwargs: Any) -> Any:
        """`parzen.fmin` with these trials; quiet unless told otherwise, as in Hyperopt."""
        from parzen.hyperopt.fmin import fmin

        kwargs.setdefault("verbose", False)
        return fmin(fn, space, algo, max_evals, trials=self, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__.copy()

    def __repr__(self) -> str:
        return f"<Trials with {len(self)} documents>"


class TrialAttachments:
    """What is attached to one document, under names of its own."""

    def __init__(self, store: dict[str, Any], tid: int) -> None:
        self._store, self._prefix = store, f"ATTACH::{tid}::"

    def __contains__(self, name: str) -> bool:
        return self._prefix + name in self._store

    def __getitem__(self, name: str) -> Any:
        return self._store[self._prefix + name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._store[self._prefix + name] = value

    def __delitem__(self, name: str) -> None:
        del self._store[self._prefix + name]

    def __len__(self) -> int:
        return len(self.keys())

    def keys(self) -> list[str]:
        """Names of the attachments."""
        return [name[len(self._prefix) :] for name in self._store if name.startswith(self._prefix)]


def trials_from_docs(docs: Iterable[Document], validate: bool = True, **kwargs: Any) -> Trials:
    """A `Trials` of these documents; they are checked unless `validate` is False."""
    trials = Trials(**kwargs)
    trials.insert_trial_docs(docs) if validate else trials._insert_trial_docs(list(docs))
    trials.refresh()
    return trials
