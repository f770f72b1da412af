"""Trial documents, made and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from parzen.hyperopt._bson import assert_encodable
from parzen.hyperopt._states import JOB_STATE_NEW, TRIAL_KEYS, TRIAL_MISC_KEYS, Document
from parzen.hyperopt.exceptions import InvalidTrial

__all__ = ["check_document", "new_documents", "sourced_documents"]


def new_documents(
    tids: Sequence[Any], specs: Sequence[Any], results: Sequence[Any], miscs: Sequence[Any], exp_key: Any
) -> list[Document]:
    """Documents in state NEW."""
    return [
        {
            "state": JOB_STATE_NEW,
            "tid": tid,
            "spec": spec,
            "result": result,
            "misc": misc,
            "exp_key": exp_key,
            "owner": None,
            "version": 0,
            "book_time": None,
            "refresh_time": None,
        }
        for tid, spec, result, misc in zip(tids, specs, results, miscs, strict=True)
    ]


def sourced_documents(
    tids: Sequence[Any],
    specs: Sequence[Any],
    results: Sequence[Any],
    miscs: Sequence[Any],
    sources: Sequence[Document],
) -> list[Document]:
    """Documents that stand as their sources do and name them as "from_tid".

    Raises:
        InvalidTrial: a misc says another tid, cmd or source.
    """
    docs = []
    for tid, spec, result, misc, source in zip(tids, specs, results, miscs, sources, strict=True):
        for key, value in (("tid", tid), ("cmd", None), ("from_tid", source["tid"])):
            if misc.setdefault(key, value) != value:
                raise InvalidTrial(f"the misc of a trial with a source has {key!r} {value!r}", misc)
        doc = {"version": 0, "tid": tid, "spec": spec, "result": result, "misc": misc}
        docs.append(doc | {key: source[key] for key in "state exp_key owner book_time refresh_time".split()})
    return docs


def check_document(trial: Any, exp_key: Any) -> None:
    """Nothing, for a document as it should be.

    Raises:
        InvalidTrial: it lacks a key, contradicts itself, or cannot be written as BSON (see `SONify`).
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
    assert_encodable(trial)
    if trial["exp_key"] != exp_key:
        raise InvalidTrial(f"the exp_key of a trial document is not {exp_key!r}", trial)
