"""A loop over documents looks at few of them for each trial, and misses nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import parzen as hyperopt
from parzen import STATUS_OK, Trials, hp, rand
from parzen.hyperopt import _history
from parzen.hyperopt._history import history_of
from parzen.hyperopt.base import JOB_STATE_DONE, JOB_STATE_ERROR
from parzen.hyperopt.fmin import generate_trial

SPACE = {"x": hp.uniform("x", 0, 1)}


class Told:
    """A suggest function that notes the losses which an algorithm sees when it is called."""

    def __init__(self) -> None:
        self.losses: list[list[float]] = []

    def __call__(self, new_ids: Any, domain: Any, trials: Any, seed: Any) -> Any:
        self.losses.append(history_of(domain, trials).losses.tolist())
        return rand.suggest(new_ids, domain, trials, seed)


def _run(fn: Any, algo: Any, n: int, trials: Trials, **more: Any) -> None:
    hyperopt.fmin(fn, SPACE, algo, n, trials=trials, rstate=np.random.default_rng(0), verbose=False, **more)


def test_an_ended_document_that_is_changed_is_seen_at_once_after_a_refresh() -> None:
    """By whoever changes it: the objective here."""
    trials, told = Trials(), Told()

    def objective(config: dict[str, float]) -> float:
        if len(trials) == 40:
            trials.trials[3]["result"]["loss"] = -7.0
            trials.refresh()
        return 1.0

    _run(objective, told, 42, trials)

    assert -7.0 not in told.losses[39]
    assert told.losses[40][3] == -7.0


def test_without_a_refresh_it_is_seen_after_a_while() -> None:
    """A few documents are compared in turn at each proposal."""
    trials, told = Trials(), Told()

    def objective(config: dict[str, float]) -> float:
        if len(trials) == 40:
            trials.trials[3]["result"]["loss"] = -7.0
        return 1.0

    _run(objective, told, 60, trials)

    assert told.losses[-1][3] == -7.0


@pytest.mark.parametrize("change", ["goes", "is another", "is an error"])
def test_a_document_that_is_no_more_what_it_was_is_seen_at_once(change: str) -> None:
    """Gone, replaced, or failed after the fact."""
    trials, told = Trials(), Told()

    def objective(config: dict[str, float]) -> float:
        if len(trials) == 20:
            docs = trials._dynamic_trials
            if change == "goes":
                del docs[3]
            elif change == "is another":
                docs[3] = {**docs[3], "result": {"status": STATUS_OK, "loss": -7.0}}
            else:
                docs[3]["state"] = JOB_STATE_ERROR
            trials.refresh()
        return float(len(trials))

    _run(objective, told, 22, trials)

    assert told.losses[19][3] == 4.0
    assert str(told.losses[20][3]) == {"goes": "5.0", "is another": "-7.0", "is an error": "nan"}[change]


def test_what_an_objective_inserts_shows_and_is_evaluated() -> None:
    """Documents in state NEW are evaluated before anything is suggested; results that were injected show at once."""
    trials, seen = Trials(), []

    @hyperopt.fmin_pass_expr_memo_ctrl
    def objective(expr: Any, memo: Any, ctrl: Any) -> float:
        x = hyperopt.pyll.rec_eval(expr, memo=memo)["x"]
        seen.append(x)
        if len(seen) == 2:
            ctrl.trials.insert_trial_docs([generate_trial(100, {"x": 0.125})])
        if len(seen) == 4:
            misc = {"tid": 101, "cmd": None, "idxs": {"x": [101]}, "vals": {"x": [0.75]}}
            ctrl.inject_results([None], [{"status": STATUS_OK, "loss": -1.0}], [misc], new_tids=[101])
        return float(x)

    told = Told()
    _run(objective, told, 6, trials)

    assert seen[2] == 0.125
    assert [doc["state"] for doc in trials.trials] == [JOB_STATE_DONE] * len(trials)
    assert trials.tids[:2] == [0, 1]
    assert {100, 101} <= set(trials.tids)
    assert any(-1.0 in losses for losses in told.losses)


def test_failed_documents_are_hidden_as_they_fail() -> None:
    """As `refresh` would."""
    trials, lengths = Trials(), []

    def objective(config: dict[str, float]) -> float:
        lengths.append(len(trials))
        if len(lengths) % 3 == 0:
            raise ValueError("too hot")
        return 1.0

    _run(objective, Told(), 6, trials, catch_eval_exceptions=True)

    assert lengths[:6] == [1, 2, 3, 3, 4, 5]
    assert len(trials.trials) == sum(doc["state"] == JOB_STATE_DONE for doc in trials._dynamic_trials)


def test_documents_are_compared_a_few_times_each_however_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice as many trials are twice the work."""
    calls = 0
    original = _history._told

    def counted(doc: Any) -> Any:
        nonlocal calls
        calls += 1
        return original(doc)

    monkeypatch.setattr(_history, "_told", counted)
    counts = []
    for n in (100, 200):
        calls = 0
        _run(lambda config: config["x"], Told(), n, Trials())
        counts.append(calls / n)

    assert counts[1] < 1.2 * counts[0]
