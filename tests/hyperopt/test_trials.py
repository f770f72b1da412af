"""`Trials`: documents that exist before any space."""

from __future__ import annotations

import math
from typing import Any

import pytest

from parzen import JOB_STATE_DONE, JOB_STATE_ERROR, JOB_STATE_NEW, Trials, trials_from_docs
from parzen.errors import AllTrialsFailed
from parzen.hyperopt.exceptions import InvalidTrial


def _docs(trials: Trials, losses: list[Any], **more: Any) -> list[dict[str, Any]]:
    tids = trials.new_trial_ids(len(losses))
    results = [{"status": "ok", "loss": loss, **more} for loss in losses]
    miscs = [{"tid": tid, "cmd": None, "idxs": {"x": [tid]}, "vals": {"x": [float(tid)]}} for tid in tids]
    docs = trials.new_trial_docs(tids, [None] * len(tids), results, miscs)
    for doc in docs:
        doc["state"] = JOB_STATE_DONE
    return docs


def test_documents_show_after_refresh() -> None:
    """Inserted ones do not before."""
    trials = Trials()
    trials.insert_trial_docs(_docs(trials, [3.0, 1.0, 2.0]))
    assert len(trials) == 0
    trials.refresh()

    assert len(trials) == len(list(trials)) == 3
    assert trials.losses() == [3.0, 1.0, 2.0]
    assert trials.best_trial["tid"] == 1
    assert trials.argmin == {"x": 1.0}
    assert (trials.idxs, trials.vals) == ({"x": [0, 1, 2]}, {"x": [0.0, 1.0, 2.0]})


@pytest.mark.parametrize("losses", [[], [math.nan], [-math.inf]])
def test_without_a_usable_loss_there_is_no_best(losses: list[float]) -> None:
    """NaN is none, and a loss that nothing can beat is a fault."""
    trials = Trials()
    trials.insert_trial_docs(_docs(trials, losses))
    trials.refresh()
    with pytest.raises(AllTrialsFailed):
        _ = trials.best_trial


def test_ids_are_never_given_twice() -> None:
    """Also beside documents with ids of their own."""
    trials = Trials()
    first = trials.new_trial_ids(2)
    docs = _docs(trials, [1.0])
    docs[0]["tid"] = docs[0]["misc"]["tid"] = 41
    trials.insert_trial_docs(docs)
    trials.refresh()

    assert first == [0, 1]
    assert trials.new_trial_ids(2) == [42, 43]


@pytest.mark.parametrize("tid", [1, 3, 41])
def test_ids_given_through_a_view_are_not_given_again(tid: int) -> None:
    """Views share their documents, and so their ids; whatever ids somebody gave to documents."""
    trials = Trials()
    trials.new_trial_ids(1)
    view = trials.view("a")
    docs = _docs(view, [1.0])
    docs[0]["tid"] = docs[0]["misc"]["tid"] = tid
    view.insert_trial_docs(docs)
    given = [*trials.new_trial_ids(3), *view.new_trial_ids(3), *trials.new_trial_ids(1)]

    assert len({0, tid, *given}) == len(given) + 2


@pytest.mark.parametrize("key", ["tid", "spec", "result", "misc", "state", "owner", "book_time", "exp_key"])
def test_a_document_without_a_key_is_refused(key: str) -> None:
    """`InvalidTrial` names the key; nothing of the batch is kept."""
    trials = Trials()
    good, bad = _docs(trials, [1.0, 2.0])
    del bad[key]
    with pytest.raises(InvalidTrial, match=key):
        trials.insert_trial_docs([good, bad])
    trials.refresh()

    assert len(trials) == 0


def test_documents_that_contradict_themselves_are_refused() -> None:
    """Two ids, or another search's key; unless nobody wants to know."""
    trials = Trials()
    (doc,) = _docs(trials, [1.0])
    doc["misc"]["tid"] = 7
    with pytest.raises(InvalidTrial, match="tid"):
        trials_from_docs([doc])

    assert len(trials_from_docs([doc], validate=False)) == 1


def test_counts_go_by_state() -> None:
    """One state or several; as of the last refresh, or all."""
    trials = Trials()
    docs = _docs(trials, [1.0, 2.0, 3.0])
    docs[0]["state"], docs[1]["state"] = JOB_STATE_NEW, JOB_STATE_ERROR
    trials.insert_trial_docs(docs)
    trials.refresh()

    assert trials.count_by_state_synced(JOB_STATE_DONE) == 1
    assert trials.count_by_state_synced([JOB_STATE_NEW, JOB_STATE_DONE]) == 2
    assert trials.count_by_state_unsynced(JOB_STATE_ERROR) == 1
    assert len(trials) == 2


def test_a_view_sees_the_documents_of_one_key() -> None:
    """And shares them."""
    trials = Trials(exp_key="a")
    trials.insert_trial_docs(_docs(trials, [1.0]))
    trials.refresh()

    assert len(trials.view("a")) == 1
    assert len(trials.view("b")) == 0
    assert len(trials.view(None)) == 1


def test_the_average_best_error_is_over_all_that_may_be_the_best() -> None:
    """Each weighs as much as it is probable that it is the best; without variances it is the best one's true loss."""
    trials = Trials()
    trials.insert_trial_docs(_docs(trials, [3.0, 1.0, 1.0], loss_variance=0.25, true_loss=7.0))
    trials.refresh()
    trials.trials[1]["result"]["true_loss"] = 9.0

    assert trials.average_best_error() == pytest.approx(8.0, abs=0.1)

    for result in trials.results:
        result["loss_variance"] = 0
    trials.trials[1]["result"]["loss"] = 0.5

    assert trials.average_best_error() == 9.0


def test_everything_can_be_forgotten() -> None:
    """Documents, ids and attachments."""
    trials = Trials()
    trials.insert_trial_docs(docs := _docs(trials, [1.0]))
    trials.trial_attachments(docs[0])["name"] = b"x"
    assert "name" in trials.trial_attachments(docs[0])
    trials.delete_all()

    assert (len(trials), trials.attachments, trials.new_trial_ids(1)) == (0, {}, [0])


def test_attachments_belong_to_one_document() -> None:
    """Set, listed, deleted."""
    trials = Trials()
    one, two = _docs(trials, [1.0, 2.0])
    trials.trial_attachments(one)["a"] = 1
    trials.trial_attachments(two)["b"] = 2

    assert trials.trial_attachments(one).keys() == ["a"]
    del trials.trial_attachments(one)["a"]
    assert len(trials.trial_attachments(one)) == 0
    assert trials.trial_attachments(two)["b"] == 2
