"""`parzen.hyperopt.base`: what is done to documents beside keeping them."""

from __future__ import annotations

import datetime
import math
import pickle
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from parzen.errors import AllTrialsFailed, ParzenError, SpaceError
from parzen.hyperopt import Domain, Trials, base, exceptions
from parzen.hyperopt.base import InvalidTrial, SONify, miscs_to_idxs_vals, miscs_update_idxs_vals, spec_from_misc


@pytest.fixture(params=["with BSON", "without BSON"])
def bson(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether documents are held to BSON, as they are where pymongo is installed."""
    wanted = request.param == "with BSON"
    if wanted and find_spec("pymongo") is None:
        pytest.skip("pymongo is not installed")
    monkeypatch.setattr(base, "have_bson", wanted)
    return wanted


def _doc(tid: Any = 0, **more: Any) -> dict[str, Any]:
    misc = {"tid": tid, "cmd": None, "idxs": {"x": [tid]}, "vals": {"x": [1.0]}}
    (doc,) = Trials().new_trial_docs([tid], [None], [{"status": "ok", "loss": 1.0}], [misc])
    return {**doc, "state": base.JOB_STATE_DONE, **more}


# --- BSON -------------------------------------------------------------------------------------------------------


def test_documents_are_copied_where_they_are_held_to_bson_and_else_are_not(bson: bool) -> None:
    """As in Hyperopt, where either is relied upon."""
    trials = Trials()
    doc = _doc()
    trials.insert_trial_doc(doc)
    doc["result"]["loss"] = 5.0
    trials.refresh()

    assert trials.losses() == [1.0 if bson else 5.0]
    assert (trials.trials[0] is doc) is not bson


def test_documents_in_place_are_the_truth_either_way(bson: bool) -> None:
    """What `trials.trials` gives is written on, and `refresh` sees it."""
    trials = Trials()
    trials.insert_trial_docs([_doc(0), _doc(1)])
    trials.refresh()
    trials.trials[0]["result"]["loss"] = 5.0
    trials.trials[1]["state"] = base.JOB_STATE_ERROR
    trials.refresh()

    assert trials.losses() == [5.0]


def test_a_document_of_numpys_numbers_is_fine(bson: bool) -> None:
    """Suggest functions make such; with BSON they become Python's."""
    trials = Trials()
    doc = _doc(
        result={"status": "ok", "loss": np.float32(1.5), "n": np.int64(3), "b": np.bool_(True), "a": np.ones((1, 2))}
    )
    assert trials.assert_valid_trial(doc) is doc
    trials.insert_trial_doc(doc)
    trials.refresh()
    result = trials.results[0]

    assert (type(result["loss"]) is float) is bson
    assert (type(result["n"]) is int) is bson
    assert (result["b"] is True) is bson
    assert np.asarray(result["a"]).tolist() == [[1.0, 1.0]]


def test_an_object_is_refused_in_words_where_bson_is_asked_for(bson: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """Not with a dump; and the text says how to have it."""
    trials = Trials()
    if not bson:
        assert trials.insert_trial_doc(_doc(spec=object())) == 0
        return
    with pytest.raises(TypeError, match="have_bson = False"):
        trials.insert_trial_doc(_doc(spec=object()))
    with pytest.raises(InvalidTrial, match="have_bson = False"):
        trials.insert_trial_doc(_doc(spec={1: 2}))

    assert capsys.readouterr().out == ""


@pytest.mark.skipif(find_spec("pymongo") is None, reason="pymongo is not installed")
def test_what_bson_can_say_is_copied_as_plain_data() -> None:
    """Each kind of object."""
    at = datetime.datetime(2020, 1, 1)
    thing = {"a": 1, "b": "2", "c": True, "d": None, "e": (1.5, b"x"), "at": at}

    assert SONify(thing) == thing
    assert SONify(thing) is not thing
    assert SONify(np.array([[1, 2]])) == [[1, 2]]
    assert SONify(np.array(3)) == 3
    assert SONify([np.str_("a"), np.float64(2)]) == ["a", 2.0]
    assert type(SONify(np.float64(2))) is float


# --- values -----------------------------------------------------------------------------------------------------


def test_values_of_many_trials_are_written_into_their_miscs() -> None:
    """Inactive labels are there, and empty."""
    miscs = [{"tid": 0}, {"tid": 5}]
    assert miscs_update_idxs_vals(miscs, {"a": [0, 5], "b": [5]}, {"a": [1, 2], "b": [3]}) is miscs

    assert miscs == [
        {"tid": 0, "idxs": {"a": [0], "b": []}, "vals": {"a": [1], "b": []}},
        {"tid": 5, "idxs": {"a": [5], "b": [5]}, "vals": {"a": [2], "b": [3]}},
    ]
    assert miscs_to_idxs_vals(miscs) == ({"a": [0, 5], "b": [5]}, {"a": [1, 2], "b": [3]})
    assert miscs_to_idxs_vals(miscs, keys=["b"]) == ({"b": [5]}, {"b": [3]})
    assert [spec_from_misc(misc) for misc in miscs] == [{"a": 1}, {"a": 2, "b": 3}]


def test_values_may_be_of_other_trials() -> None:
    """By other numbers, or left out."""
    miscs = [{"tid": 7}]
    miscs_update_idxs_vals(miscs, {"a": [0]}, {"a": [1]}, idxs_map={0: 7})
    assert miscs[0]["vals"] == {"a": [1]}  # type: ignore[comparison-overlap]
    miscs_update_idxs_vals(miscs, {"a": [0, 7]}, {"a": [1, 2]}, assert_all_vals_used=False)
    assert miscs[0]["vals"] == {"a": [2]}  # type: ignore[comparison-overlap]
    with pytest.raises(KeyError, match="trial 0"):
        miscs_update_idxs_vals(miscs, {"a": [0]}, {"a": [1]})


@pytest.mark.parametrize(("idxs", "vals"), [({"a": [0]}, {"b": [1]}), ({"a": [0]}, {"a": [1, 2]})])
def test_values_that_do_not_fit_are_refused(idxs: Any, vals: Any) -> None:
    """In words."""
    with pytest.raises(ValueError, match=r"idxs"):
        miscs_update_idxs_vals([{"tid": 0}], idxs, vals)


def test_labels_need_not_be_the_same_in_all_trials() -> None:
    """Conditional spaces leave some out, and the same trials may have served another space."""
    trials = Trials()
    trials.insert_trial_docs([_doc(0), _doc(1)])
    trials.refresh()
    trials.trials[1]["misc"].update(idxs={"y": [0]}, vals={"y": [2.0]})  # and some write a 0 there

    assert trials.idxs_vals == ({"x": [0], "y": [1]}, {"x": [1.0], "y": [2.0]})
    assert Trials().vals == {}
    with pytest.raises(ValueError, match="keys"):
        miscs_to_idxs_vals([])
    with pytest.raises(NotImplementedError, match="2 values"):
        spec_from_misc({"vals": {"x": [1, 2]}})


# --- Trials -----------------------------------------------------------------------------------------------------


def test_ids_may_be_anything_that_can_be_a_key() -> None:
    """New ones are numbers that no document has."""
    trials = Trials()
    trials.insert_trial_docs([_doc("a"), _doc(0.5), _doc(np.int64(4))])
    trials.refresh()

    assert trials.tids == ["a", 0.5, 4]
    assert trials.new_trial_ids(2) == [5, 6]


def test_trials_are_not_indexed() -> None:
    """A number could be a place or a tid."""
    with pytest.raises(NotImplementedError, match="tid"):
        Trials()[0]


def test_documents_may_have_sources() -> None:
    """They stand as those do."""
    trials = Trials(exp_key="e")
    source = _doc(3, owner="me", exp_key="e")
    (doc,) = trials.source_trial_docs([9], [None], [{"status": "ok"}], [{"tid": 9, "idxs": {}, "vals": {}}], [source])

    assert (doc["tid"], doc["state"], doc["owner"], doc["exp_key"]) == (9, base.JOB_STATE_DONE, "me", "e")
    assert (doc["misc"]["from_tid"], doc["misc"]["cmd"]) == (3, None)
    assert trials.assert_valid_trial(doc) is doc
    with pytest.raises(InvalidTrial, match="from_tid"):
        trials.source_trial_docs([9], [None], [{}], [{"from_tid": 4}], [source])


def test_a_domain_may_say_what_losses_are() -> None:
    """Under Hyperopt's old word for it."""

    class Half(Domain):
        def loss(self, result: Any, config: Any = None) -> Any:
            return result["loss"] / 2

    trials = Trials()
    trials.insert_trial_docs([_doc(0), _doc(1)])
    trials.refresh()
    bandit = Half(None, 0)

    assert trials.losses(bandit) == [0.5, 0.5]
    assert trials.statuses(bandit) == ["ok", "ok"]
    assert trials.average_best_error(bandit) == 0.5
    with pytest.raises(AllTrialsFailed):
        Trials().average_best_error(bandit)


def test_counting_needs_states() -> None:
    """One, or several."""
    with pytest.raises(TypeError, match="JOB_STATE"):
        Trials().count_by_state_synced(7)
    with pytest.raises(TypeError, match="JOB_STATE"):
        Trials().count_by_state_synced([0, 7])


def test_the_best_trial_is_a_real_one() -> None:
    """Infinity is better than nothing; failed trials may have any loss."""
    trials = Trials()
    trials.insert_trial_docs(
        [_doc(0, result={"status": "ok", "loss": math.inf}), _doc(1, result={"status": "fail", "loss": 0})]
    )
    trials.insert_trial_docs([_doc(2, result={"status": "new"}), _doc(3, result={"status": "ok", "loss": math.nan})])
    trials.refresh()

    assert trials.best_trial["tid"] == 0


def test_a_subclass_need_not_call_our_constructor() -> None:
    """Some set Hyperopt's attributes themselves."""

    class Own(Trials):
        def __init__(self) -> None:
            self._ids, self._dynamic_trials, self._exp_key, self.attachments = set(), [], None, {}
            self.refresh()

    trials = Own()
    trials.insert_trial_docs([_doc(0), _doc(1)])
    trials.refresh()

    assert trials.new_trial_ids(1) == [2]
    assert len(trials.view()) == 2
    assert len(pickle.loads(pickle.dumps(Trials()))) == 0


def test_names_of_attachments_may_be_a_subclass_own() -> None:
    """`aname` says under which key they are kept."""

    class Own(Trials):
        def aname(self, trial: Any, name: str) -> str:
            return f"{trial['tid']}/{name}"

    trials = Own()
    attachments = trials.trial_attachments({"tid": 3})
    attachments["a"] = 1

    assert trials.attachments == {"3/a": 1}
    assert list(attachments) == ["a"]
    assert len(attachments) == 1
    del attachments["a"]
    assert "a" not in attachments


# --- the rest ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("timeout", [0, -1, True, "1", math.nan, 1j])
def test_a_timeout_is_a_positive_number(timeout: Any) -> None:
    """Or None."""
    base.validate_timeout(None)
    base.validate_timeout(0.5)
    base.validate_timeout(np.float32(1))
    with pytest.raises(Exception, match="timeout argument should be None or a positive value. Given value: "):  # noqa: RUF043
        base.validate_timeout(timeout)


@pytest.mark.parametrize("threshold", [False, "1", 1j, [1]])
def test_a_loss_threshold_is_a_number(threshold: Any) -> None:
    """Or None."""
    base.validate_loss_threshold(None)
    base.validate_loss_threshold(-3)
    with pytest.raises(Exception, match="loss_threshold argument should be None or a numeric value. Given value: "):  # noqa: RUF043
        base.validate_loss_threshold(threshold)


def test_the_exceptions_are_both_hyperopts_and_ours() -> None:
    """One identity under each name, with the builtin that Hyperopt's are."""
    assert exceptions.BadSearchSpace is SpaceError
    assert issubclass(exceptions.DuplicateLabel, exceptions.BadSearchSpace)
    for name in ("InvalidTrial", "InvalidResultStatus", "InvalidLoss", "InvalidAnnotatedParameter"):
        assert issubclass(getattr(exceptions, name), (ValueError, ParzenError))
        assert issubclass(getattr(exceptions, name), ValueError)
    for name in ("AllTrialsFailed", "DuplicateLabel", "InvalidLoss", "InvalidResultStatus", "InvalidTrial"):
        assert getattr(base, name) is getattr(exceptions, name)
    assert exceptions.InvalidLoss("x").result is None
    error = InvalidTrial("it is odd", {"tid": 1})
    twin = pickle.loads(pickle.dumps(error))

    assert error.obj == twin.obj == {"tid": 1}
    assert str(error) == str(twin) == "it is odd: {'tid': 1}"
    assert str(InvalidTrial("it is odd")) == "it is odd"
