"""`Domain` and `Ctrl`: what algorithms, workers and users know of a search."""

from __future__ import annotations

import math
import pickle
from decimal import Decimal
from typing import Any

import cloudpickle
import numpy as np
import pytest

from parzen import hp
from parzen.errors import DuplicateLabel, InvalidLoss, ParzenError, SpaceError
from parzen.hyperopt import Ctrl, Domain, Trials, base
from parzen.hyperopt.exceptions import InvalidResultStatus, InvalidTrial
from parzen.space import Apply, Literal, Space

SPACE = {"x": hp.uniform("x", -1, 1), "c": hp.choice("c", ["a", {"k": hp.randint("k", 5)}])}


def _domain(fn: Any, **more: Any) -> Domain:
    return Domain(fn, SPACE, **more)


def test_a_domain_knows_its_space() -> None:
    """As a node, by label, and as parzen's algorithms take it."""
    domain = _domain(None)

    assert isinstance(domain.expr, Apply)
    assert set(domain.params) == {"x", "c", "k"}
    assert domain.params["x"].name == "uniform"
    assert isinstance(domain.compiled, Space)
    assert set(domain.compiled.labels) == {"x", "c", "k"}
    assert domain.cmd == ("domain_attachment", "FMinIter_Domain")
    assert (domain.workdir, domain.name, domain.loss_target, domain.pass_expr_memo_ctrl) == (None, None, None, False)
    assert domain.new_result() == {"status": "new"}
    assert "Domain{" in domain.short_str()


def test_a_label_for_two_nodes_is_refused() -> None:
    """Also where the two are alike; one node in two places is fine."""
    x = hp.uniform("x", 0, 1)
    assert list(Domain(None, [x, x]).params) == ["x"]
    with pytest.raises(DuplicateLabel, match="'x'"):
        Domain(None, [hp.uniform("x", 0, 1), hp.uniform("x", 0, 1)])


def test_the_objective_gets_the_configuration() -> None:
    """Indexes become options, and what is inactive need not be given."""
    domain = _domain(lambda config: (config, 0)[1] if config == {"x": 0.5, "c": "a"} else config["c"]["k"])

    assert domain.evaluate({"x": 0.5, "c": 0}, None) == {"loss": 0.0, "status": "ok"}
    assert domain.evaluate({"x": 0.5, "c": 1, "k": 3}, None) == {"loss": 3.0, "status": "ok"}


def test_a_value_that_is_needed_must_be_given() -> None:
    """It is not made up."""
    with pytest.raises(SpaceError, match="k"):
        _domain(lambda config: 0.0).evaluate({"x": 0.5, "c": 1}, None)


@pytest.mark.parametrize(
    "returned", [2, 2.0, np.float32(2), np.int8(2), np.array(2.0), np.array([2.0]), Decimal(2)], ids=repr
)
def test_a_number_is_a_loss(returned: Any) -> None:
    """Of any kind; it becomes a float."""
    result = _domain(lambda config: returned).evaluate({"x": 0, "c": 0}, None)

    assert result == {"loss": 2.0, "status": "ok"}
    assert type(result["loss"]) is float


@pytest.mark.parametrize(
    ("returned", "result"),
    [
        ({"status": "ok", "loss": np.float64(1), "more": [1]}, {"status": "ok", "loss": 1.0, "more": [1]}),
        ({"status": "ok", "loss": "1.5"}, {"status": "ok", "loss": 1.5}),
        ({"status": "fail"}, {"status": "fail"}),
        ({"status": "new"}, {"status": "new"}),
        ({"loss": 1}, {"status": "ok", "loss": 1.0}),
        ([("status", "ok"), ("loss", 1)], {"status": "ok", "loss": 1.0}),
    ],
    ids=repr,
)
def test_a_mapping_says_how_it_went(returned: Any, result: dict[str, Any]) -> None:
    """Whatever else it holds is kept."""
    assert _domain(lambda config: returned).evaluate({"x": 0, "c": 0}, None) == result


def test_losses_that_are_no_real_numbers_are_kept() -> None:
    """NaN and infinity; the best trial is another."""
    assert math.isnan(_domain(lambda config: math.nan).evaluate({"x": 0, "c": 0}, None)["loss"])
    assert (
        _domain(lambda config: {"status": "ok", "loss": math.inf}).evaluate({"x": 0, "c": 0}, None)["loss"] == math.inf
    )


@pytest.mark.parametrize(
    ("returned", "error"),
    [
        ({"status": "great", "loss": 1}, InvalidResultStatus),
        ({"status": "ok"}, InvalidLoss),
        ({"status": "ok", "loss": None}, InvalidLoss),
        ({"status": "ok", "loss": "low"}, InvalidLoss),
        ({}, KeyError),
        ({"accuracy": 1}, KeyError),
        ({"accuracy": 1}, InvalidResultStatus),
        (None, InvalidLoss),
        ("text", InvalidLoss),
        (1j, InvalidLoss),
    ],
    ids=repr,
)
def test_what_cannot_be_used_is_an_error_in_words(returned: Any, error: type[Exception]) -> None:
    """Its class is Hyperopt's and parzen's, and `result` is what came."""
    with pytest.raises(error, match="the objective returned ") as caught:
        _domain(lambda config: returned).evaluate({"x": 0, "c": 0}, None)

    assert isinstance(caught.value, (ParzenError, ValueError))
    assert caught.value.result == returned
    assert str(caught.value) == str(pickle.loads(pickle.dumps(caught.value)))


def test_attachments_go_to_the_document() -> None:
    """Unless they are to stay in the result."""
    trials = Trials()
    doc = {"tid": 3}
    domain = _domain(lambda config: {"status": "ok", "loss": 1, "attachments": {"model": b"123"}})

    assert domain.evaluate({"x": 0, "c": 0}, Ctrl(trials, doc)) == {"status": "ok", "loss": 1.0}
    assert trials.attachments == {"ATTACH::3::model": b"123"}
    assert "attachments" in domain.evaluate({"x": 0, "c": 0}, None, attach_attachments=False)
    with pytest.raises(InvalidTrial, match="no Ctrl"):
        domain.evaluate({"x": 0, "c": 0}, None)


def test_an_objective_may_ask_for_the_graph() -> None:
    """By a mark on it, or because the domain is told so."""

    def fn(expr: Apply, memo: dict[Apply, Any], ctrl: Ctrl) -> float:
        (x,) = (value for node, value in memo.items() if node.pos_args[0].obj == "x")
        ctrl.attachments["seen"] = x
        return float(x)

    ctrl = Ctrl(Trials(), {"tid": 0})
    domain = _domain(fn, pass_expr_memo_ctrl=True)
    assert domain.evaluate({"x": 0.25, "c": 0}, ctrl)["loss"] == 0.25
    assert ctrl.attachments["seen"] == 0.25
    called, argument = domain.evaluate_async({"x": 0.5, "c": 0}, ctrl)
    assert domain.evaluate_async2(called(argument), ctrl)["loss"] == 0.5
    fn.fmin_pass_expr_memo_ctrl = True  # type: ignore[attr-defined]  # how Hyperopt marks them

    assert _domain(fn).pass_expr_memo_ctrl is True


def test_an_evaluation_may_be_done_elsewhere() -> None:
    """In two parts: what to call, and what to make of what it returned."""
    domain = _domain(lambda config: config["x"])
    fn, config = domain.evaluate_async({"x": 0.5, "c": 0}, None)

    assert config == {"x": 0.5, "c": "a"}
    assert domain.evaluate_async2(fn(config), None) == {"status": "ok", "loss": 0.5}


def test_a_space_may_hold_the_control_object() -> None:
    """The literal stands for the one of the trial."""
    ctrl = Ctrl(Trials(), {"tid": 7})
    seen = []
    domain = Domain(
        lambda config: seen.append(config["ctrl"]) or 0.0, {"x": hp.uniform("x", 0, 1), "ctrl": Literal(Ctrl)}
    )
    domain.evaluate({"x": 0.5}, ctrl)

    assert seen == [ctrl]


def test_a_domain_without_a_function_says_so() -> None:
    """Some use it for the space only."""
    with pytest.raises(TypeError, match="fn=None"):
        _domain(None).evaluate({"x": 0, "c": 0}, None)


def test_a_worker_can_have_a_domain_by_cloudpickle() -> None:
    """Even with a lambda for its objective."""
    domain = cloudpickle.loads(cloudpickle.dumps(_domain(lambda config: config["x"] * 2)))

    assert domain.evaluate({"x": 0.25, "c": 0}, None)["loss"] == 0.5
    assert set(domain.compiled.labels) == {"x", "c", "k"}


def test_a_domain_reads_results() -> None:
    """Where they say nothing it has defaults."""
    domain = _domain(None)
    plain, full = {"status": "ok", "loss": 1.0}, {"status": "ok", "loss": 1.0, "loss_variance": 2.0, "true_loss": 3.0}

    assert (domain.loss(plain), domain.loss_variance(plain), domain.true_loss(plain)) == (1.0, 0.0, 1.0)
    assert (domain.loss(full), domain.loss_variance(full), domain.true_loss(full)) == (1.0, 2.0, 3.0)
    assert domain.loss({"status": "fail"}) is None
    assert domain.status(plain) == "ok"
    with pytest.raises(NotImplementedError):
        domain.true_loss_variance()


def test_a_control_object_keeps_and_adds_results() -> None:
    """An evaluation may write down how far it is, and what it found on the way."""
    trials = Trials()
    (tid,) = trials.new_trial_ids(1)
    misc = {"tid": tid, "cmd": None, "idxs": {"x": [tid]}, "vals": {"x": [0.5]}}
    trials.insert_trial_docs(trials.new_trial_docs([tid], [None], [{"status": "new"}], [misc]))
    trials.refresh()
    ctrl = Ctrl(trials, trials.trials[0])
    ctrl.checkpoint({"status": "running", "loss": 5.0})
    ctrl.checkpoint()
    (new,) = ctrl.inject_results(
        [None], [{"status": "ok", "loss": 1.0}], [{"tid": 1, "idxs": {"x": [1]}, "vals": {"x": [0.1]}}]
    )
    trials.refresh()

    assert new == 1
    assert trials.losses() == [5.0, 1.0]
    assert trials.trials[1]["state"] == base.JOB_STATE_DONE
    assert trials.trials[1]["misc"]["from_tid"] == tid
    assert Ctrl(None).trials.trials == []
    with pytest.raises(InvalidTrial, match="no trial"):
        Ctrl(trials).checkpoint({})
