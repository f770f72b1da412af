"""The object that keeps trial documents.

`Trials` exists before any space, may be filled by hand, pickled and given to `fmin` again; the documents are the truth,
and what a search knows is read from them.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from parzen.errors import AllTrialsFailed, StudyError
from parzen.hyperopt._attachments import TrialAttachments
from parzen.hyperopt._bson import SONify
from parzen.hyperopt._making import check_document, new_documents, sourced_documents
from parzen.hyperopt._miscs import miscs_to_idxs_vals
from parzen.hyperopt._states import (
    JOB_STATES,
    JOB_VALID_STATES,
    STATUS_OK,
    Document,
)
from parzen.hyperopt._watching import UNSAID
from parzen.hyperopt.utils import pmin_sampled

if TYPE_CHECKING:
    from parzen.hyperopt._stored import StoredDocuments
    from parzen.log import Storage

__all__ = ["Trials", "trials_from_docs"]

_STATE, _TID = itemgetter("state"), itemgetter("tid")


class Trials:
    """Trial documents in memory, or those of a study in a storage.

    Subclasses may keep them elsewhere: they override `refresh` and `_insert_trial_docs`, and `fmin` asks for nothing else.

    With `storage` the study is the truth, and any number of processes work on it: `refresh` makes documents of what they
    have added, `insert_trial_docs` adds to it, and what is written into a document by hand stays here.  It pickles as
    the place and the name.

    Args:
        exp_key: only documents with this key are looked at; None for all.
        refresh: look at the documents at once.
        storage: path of a file, URL, or a storage object; None for memory.
        name: of the study in that storage; None for "study".

    Attributes:
        storage, name: what `fmin` searches in; None in memory.

    Raises:
        StorageError: the storage cannot be used.
    """

    # Where programs have always found it: pickles name this module.
    __module__ = "parzen.hyperopt.base"

    asynchronous = False
    _attaches_domain = True  # where it is asynchronous: whoever evaluates finds the objective in `attachments`

    _looks = 0  # how often `refresh` was called; a search takes it as word that documents may have changed
    _next = 0  # an id that is above all of `_ids`, unless a view has added some; subclasses may not call `__init__`

    # `fmin` reads these two; subclasses have been known to use such names for something else, so nobody else does.
    storage: Any = None
    name: Any = None
    _stored: StoredDocuments | None = None

    def __init__(
        self,
        exp_key: str | None = None,
        refresh: bool = True,
        *,
        storage: str | os.PathLike[str] | Storage | None = None,
        name: str | None = None,
    ) -> None:
        self._exp_key = exp_key
        self._ids: set[Any] = set()
        self._dynamic_trials: list[Document] = []
        self._trials: list[Document] = []
        self.attachments: MutableMapping[str, Any] = {}
        if storage is not None:
            self._store(storage, name)
        elif name is not None:
            raise StudyError(f"name={name!r:.80} is that of a study in a storage: give storage= as well, or exp_key=")
        if refresh:
            self.refresh()

    def _store(self, storage: str | os.PathLike[str] | Storage, name: str | None) -> None:
        from parzen.hyperopt._stored import StoredDocuments

        self._stored = StoredDocuments(self, storage, name)
        self.storage, self.name = self._stored.where, self._stored.name
        self.attachments = self._stored.attachments()

    # --- documents in and out -----------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Look at the documents again: those that failed with an exception are left out of `trials`."""
        self._looks += 1
        if self._stored is not None:
            self._stored.pull()
        docs = self._of_key()
        # By C's loops where all is well: a search over documents looks at all of them again and again.
        valid = JOB_VALID_STATES.issuperset(map(_STATE, docs))
        self._trials = list(docs) if valid else [doc for doc in docs if doc["state"] in JOB_VALID_STATES]
        tids = self.tids
        if not self._ids.issuperset(tids):  # looked at first: nearly always nothing is new, and there may be many
            self._next = _above(self._next, set(tids) - self._ids)
            self._ids.update(tids)

    def _of_key(self) -> list[Document]:
        if self._exp_key is None:
            return self._dynamic_trials
        return [doc for doc in self._dynamic_trials if doc["exp_key"] == self._exp_key]

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
        """`n` ids that no document has yet; of a stored study the next numbers, which it gives to whoever is first."""
        if self._stored is not None:
            self._next = max(self._next, self._stored.next_number())
        fresh = range(self._next, self._next + n)
        if not self._ids.isdisjoint(fresh):
            first = _above(self._next, self._ids)
            fresh = range(first, first + n)
        self._ids.update(fresh)
        self._next = fresh.stop
        return list(fresh)

    def new_trial_docs(
        self, tids: Sequence[Any], specs: Sequence[Any], results: Sequence[Any], miscs: Sequence[Any]
    ) -> list[Document]:
        """Documents in state NEW; they are not inserted."""
        return new_documents(tids, specs, results, miscs, self._exp_key)

    def source_trial_docs(
        self,
        tids: Sequence[Any],
        specs: Sequence[Any],
        results: Sequence[Any],
        miscs: Sequence[Any],
        sources: Sequence[Document],
    ) -> list[Document]:
        """Documents that stand as their sources do and name them as "from_tid"; they are not inserted.

        Raises:
            InvalidTrial: a misc says another tid, cmd or source.
        """
        return sourced_documents(tids, specs, results, miscs, sources)

    def assert_valid_trial(self, trial: Document) -> Document:
        """The document itself.

        Raises:
            InvalidTrial: it lacks a key, contradicts itself, or cannot be written as BSON (see `SONify`).
        """
        check_document(trial, self._exp_key)
        return trial

    def insert_trial_doc(self, doc: Document) -> Any:
        """Keep one document; it shows after `refresh`.  Returns its tid."""
        return self._insert_trial_docs([self.assert_valid_trial(SONify(doc))])[0]

    def insert_trial_docs(self, docs: Iterable[Document]) -> list[Any]:
        """Keep documents; they show after `refresh`.  Returns their tids.

        Where pymongo is installed they are copied (see `SONify`), else they are kept themselves.
        """
        return self._insert_trial_docs([self.assert_valid_trial(SONify(doc)) for doc in docs])

    def _insert_trial_docs(self, docs: list[Document]) -> list[Any]:
        if self._stored is not None:
            return self._stored.insert(docs)
        return self._keep(docs)

    def _keep(self, docs: list[Document]) -> list[Any]:
        self._dynamic_trials.extend(docs)
        tids = [doc["tid"] for doc in docs]
        self._ids.update(tids)
        self._next = _above(self._next, tids)
        return tids

    def delete_all(self) -> None:
        """Forget every document and attachment; a stored study is removed from its storage."""
        if self._stored is not None:
            self._stored.delete()
            self._dynamic_trials.clear()
            self.attachments = self._stored.attachments()
        else:
            self._dynamic_trials = []
            self.attachments = {}
        self._ids, self._next = set(), 0
        self.refresh()

    # --- looking ------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._trials)

    def __iter__(self) -> Iterator[Document]:
        return iter(self._trials)

    def __getitem__(self, item: object) -> Document:
        raise NotImplementedError(
            f"trials[{item!r}] could mean a place or a tid: take trials.trials[i], or look for doc['tid']"
        )

    @property
    def trials(self) -> list[Document]:
        """The documents, as of the last `refresh`."""
        return self._trials

    @property
    def tids(self) -> list[Any]:
        """Their ids."""
        return list(map(_TID, self._trials))

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
        """Both of the above; empty where there are no documents."""
        miscs = self.miscs
        return miscs_to_idxs_vals(miscs) if miscs else ({}, {})

    def losses(self, bandit: Any = None) -> list[Any]:
        """The loss of each document, None where it has none; `bandit`, a Domain, may say what counts as one."""
        if bandit is None:
            return [result.get("loss") for result in self.results]
        return list(map(bandit.loss, self.results, self.specs))

    def statuses(self, bandit: Any = None) -> list[Any]:
        """The status of each document; `bandit`, a Domain, may say what it is."""
        if bandit is None:
            return [result.get("status") for result in self.results]
        return list(map(bandit.status, self.results, self.specs))

    def count_by_state_synced(self, arg: int | Iterable[int], trials: Iterable[Document] | None = None) -> int:
        """How many documents are in a state, or in one of several, as of the last `refresh`.

        Raises:
            TypeError: `arg` is neither a JOB_STATE nor an iterable of them.
        """
        states = set(arg) if isinstance(arg, Iterable) else {arg}
        if not states.issubset(JOB_STATES):
            raise TypeError(f"expected a JOB_STATE, {JOB_STATES}, or several of them, got {arg!r:.80}")
        found = list(map(_STATE, self._trials if trials is None else trials))
        return sum(map(found.count, states))

    def count_by_state_unsynced(self, arg: int | Iterable[int]) -> int:
        """The same for all documents that were inserted, here or by other processes."""
        if self._stored is not None:
            self._stored.pull()
        return self.count_by_state_synced(arg, self._of_key())

    @property
    def best_trial(self) -> Document:
        """The document with the lowest loss.

        Raises:
            AllTrialsFailed: no document has status "ok" and a loss that is a number.
        """
        best, least = None, math.inf
        for doc in self.trials:
            if doc["result"].get("status") == STATUS_OK:
                loss = doc["result"].get("loss")
                loss = math.nan if loss is None else float(loss)
                if -math.inf < loss and (loss < least or (best is None and loss == least)):  # NaN neither
                    best, least = doc, loss
        if best is None:
            raise AllTrialsFailed(f"there is no best trial: none of {len(self)} has status 'ok' and a loss")
        return best

    @property
    def argmin(self) -> dict[str, Any]:
        """Label -> value of the best trial, indexes for choices; inactive labels are left out."""
        return {label: values[0] for label, values in self.best_trial["misc"]["vals"].items() if len(values)}

    def average_best_error(self, bandit: Any = None) -> float:
        """The mean true loss, weighted by how probable it is that a trial is the best, given the variance of its loss.

        Args:
            bandit: a Domain, which says what loss, variance and true loss are; None for the results' own.

        Raises:
            AllTrialsFailed: no document has status "ok" and a loss.
        """
        rows = np.array(
            [row for row in self._loss_rows(bandit) if not math.isnan(row[0])], dtype=float
        )  # loss, its variance, true loss
        if not len(rows):
            raise AllTrialsFailed("there is no best trial: none has status 'ok' and a loss")
        rows = rows[np.lexsort(rows.T[::-1])]
        if not rows[:, 1].any():
            return float(rows[0, 2])
        # What is this far behind the lowest is the best one too rarely to be sampled.
        rows = rows[: max(1, np.searchsorted(rows[:, 0], rows[0, 0] + 3 * math.sqrt(rows[0, 1])))]
        return float(pmin_sampled(rows[:, 0], rows[:, 1]) @ rows[:, 2])

    def _loss_rows(self, bandit: Any) -> Iterator[tuple[float, float, float]]:
        for result, spec in zip(self.results, self.specs, strict=True):
            if bandit is not None:
                if bandit.status(result) == STATUS_OK:
                    yield (
                        bandit.loss(result, spec),
                        bandit.loss_variance(result, spec),
                        bandit.true_loss(result, spec),
                    )
            elif result.get("status") == STATUS_OK and result.get("loss") is not None:
                loss = float(result["loss"])
                yield loss, float(result.get("loss_variance") or 0.0), float(result.get("true_loss", loss))

    # --- attachments, views, searches ---------------------------------------------------------------------------

    def aname(self, trial: Document, name: str) -> str:
        """The key in `attachments` of what is attached to one document under a name."""
        return f"ATTACH::{trial['tid']}::{name}"

    def trial_attachments(self, trial: Document) -> TrialAttachments:
        """The attachments of one document: `in`, `[]`, assignment and `del`."""
        return TrialAttachments(self, trial)

    def view(self, exp_key: str | None = None, refresh: bool = True) -> Trials:
        """The same documents, seen through another key."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._exp_key = exp_key
        if refresh:
            other.refresh()
        return other

    def fmin(
        self,
        fn: Any,
        space: Any,
        algo: Any = None,
        max_evals: int | None = None,
        timeout: float | None = None,
        loss_threshold: float | None = None,
        max_queue_len: int = 1,
        rstate: Any = None,
        verbose: bool = False,
        pass_expr_memo_ctrl: bool | None = None,
        catch_eval_exceptions: bool = False,
        return_argmin: bool = True,
        show_progressbar: Any = UNSAID,
        early_stop_fn: Callable[..., tuple[bool, Sequence[Any]]] | None = None,
        trials_save_file: str | os.PathLike[str] = "",
    ) -> Any:
        """`parzen.fmin` with these trials; quiet unless told otherwise, as in Hyperopt."""
        from parzen.hyperopt.fmin import fmin

        return fmin(
            fn,
            space,
            algo=algo,
            max_evals=max_evals,
            timeout=timeout,
            loss_threshold=loss_threshold,
            trials=self,
            rstate=rstate,
            allow_trials_fmin=False,
            pass_expr_memo_ctrl=pass_expr_memo_ctrl,
            catch_eval_exceptions=catch_eval_exceptions,
            verbose=verbose,
            return_argmin=return_argmin,
            max_queue_len=max_queue_len,
            show_progressbar=show_progressbar,
            early_stop_fn=early_stop_fn,
            trials_save_file=trials_save_file,
        )

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state.pop("_looks", None)
        if self._stored is not None:
            for key in ("_ids", "_next", "_dynamic_trials", "_trials", "attachments", "storage", "name"):
                state.pop(key, None)
            state["_stored"] = self._stored.given()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Also what Hyperopt itself has pickled, which knows fewer attributes.
        self.__dict__.update({"_ids": set(), "_dynamic_trials": [], "_exp_key": None, "_trials": [], "attachments": {}})
        self.__dict__.update(state)
        given = self.__dict__.pop("_stored", None)
        if given is not None:
            self._store(*given)
            self.refresh()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} with {len(self)} documents>"


def trials_from_docs(docs: Iterable[Document], validate: bool = True, **kwargs: Any) -> Trials:
    """A `Trials` of these documents; they are checked unless `validate` is False."""
    trials = Trials(**kwargs)
    trials.insert_trial_docs(docs) if validate else trials._insert_trial_docs(list(docs))
    trials.refresh()
    return trials


def _above(least: int, tids: Iterable[Any]) -> int:
    """A number from `least` up that is above all whole numbers among these; ids may be anything that can be a key."""
    return max(least, *(int(tid) + 1 for tid in tids if isinstance(tid, (int, np.integer))), 0)
