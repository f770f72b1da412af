"""The loop over documents: foreign suggest functions, workers of one's own, queues, and `FMinIter` by hand."""

from __future__ import annotations

import functools
import pickle
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import parzen as hyperopt
from parzen import Trials, hp
from parzen.errors import AlgorithmError, AllTrialsFailed, StopStudy, TrialPruned
from parzen.hyperopt import base, progress, rand, tpe
from parzen.hyperopt.base import Ctrl, Domain, spec_from_misc
from parzen.hyperopt.early_stop import no_progress_loss
from parzen.hyperopt.fmin import FMinIter, fmin_pass_expr_memo_ctrl, generate_trials_to_calculate, partial

SPACE = {"x": hp.uniform("x", -2, 2), "c": hp.choice("c", ["a", "b"])}


def square(config: Any) -> float:
    return float(config["x"] ** 2)


def at_one(new_ids: Any, domain: Any, trials: Any, seed: Any) -> list[Any]:
    """A suggest function that a user might have written: always the same place."""
    docs = rand.suggest(new_ids, domain, trials, seed)
    for doc in docs:
        doc["misc"]["vals"]["x"] = [1.0]
    return docs


def fmin(fn: Any = square, algo: Any = at_one, max_evals: Any = 6, space: Any = SPACE, **more: Any) -> Any:
    more.setdefault("rstate", 1)
    more.setdefault("verbose", False)
    return hyperopt.fmin(fn, space, algo, max_evals, **more)


def iteration(algo: Any = rand.suggest, fn: Any = square, trials: Any = None, **more: Any) -> FMinIter:
    trials = Trials() if trials is None else trials
    return FMinIter(algo, Domain(fn, SPACE), trials, more.pop("rstate", 3), **more)


# --- fmin -------------------------------------------------------------------------------------------------------


def test_a_suggest_function_of_ones_own_is_run_and_the_answer_is_the_same_kind() -> None:
    trials = Trials()
    best = fmin(trials=trials)

    assert trials.vals["x"] == [1.0] * 6
    assert dict(best) == trials.argmin
    assert type(best["x"]) is float
    assert best.loss == 1.0
    assert best.config == {"x": 1.0, "c": best.params["c"]}
    assert best.trials is trials
    assert fmin(return_argmin=False)["x"] == 1.0


def test_a_partial_of_a_foreign_function_may_have_positional_settings() -> None:
    def shifted(place: float, new_ids: Any, domain: Any, trials: Any, seed: Any) -> list[Any]:
        docs = rand.suggest(new_ids, domain, trials, seed)
        docs[0]["misc"]["vals"]["x"] = [place]
        return docs

    assert fmin(algo=functools.partial(shifted, 0.5))["x"] == 0.5


def test_what_does_not_suggest_is_refused() -> None:
    with pytest.raises(AlgorithmError, match="suggest function"):
        fmin(algo=3)


def test_no_documents_end_the_search_and_too_many_are_an_error() -> None:
    trials = Trials()

    def four(new_ids: Any, domain: Any, trials: Any, seed: Any) -> list[Any]:
        return [] if len(trials.trials) == 4 else rand.suggest(new_ids, domain, trials, seed)

    fmin(algo=four, max_evals=100, trials=trials)

    assert len(trials) == 4
    with pytest.raises(AlgorithmError, match="2 documents for 1 ids"):
        fmin(algo=lambda ids, *rest: rand.suggest([*ids, 99], *rest))


@pytest.mark.parametrize("algo", [rand.suggest, tpe.suggest, at_one, hyperopt.algorithms.TPE(n_startup=3)])
def test_a_queue_is_filled_before_it_is_evaluated(algo: Any) -> None:
    """Stop functions and save file then see batches."""
    trials, batches = Trials(), []

    def count(trials: Trials) -> tuple[bool, list[Any]]:
        batches.append(len(trials))
        return False, []

    fmin(algo=algo, trials=trials, max_evals=10, max_queue_len=4, early_stop_fn=count)

    assert len(trials) == 10
    assert batches == [4, 8, 10]
    assert len(set(trials.tids)) == 10


def test_an_objective_that_looks_inside_gets_the_graph_and_the_control() -> None:
    seen = []

    @fmin_pass_expr_memo_ctrl
    def objective(expr: Any, memo: Any, ctrl: Any, shift: float = 0.0) -> dict[str, Any]:
        config = hyperopt.pyll.rec_eval(expr, memo=memo) if hasattr(hyperopt.pyll, "rec_eval") else None
        seen.append((config, ctrl))
        return {"status": "ok", "loss": shift, "attachments": {"a": b"1"}}

    trials = Trials()
    fmin(partial(objective, shift=2.0), algo=rand.suggest, trials=trials, max_evals=2)

    assert trials.losses() == [2.0, 2.0]
    assert isinstance(seen[0][1], Ctrl)
    assert trials.trial_attachments(trials.trials[0])["a"] == b"1"


def test_a_subclass_that_takes_in_documents_itself_is_asked_to() -> None:
    class Mine(Trials):
        def _insert_trial_docs(self, docs: Any) -> Any:
            return super()._insert_trial_docs([{**doc, "mine": True} for doc in docs])

    trials = Mine()
    fmin(algo=tpe.suggest, trials=trials)

    assert len(trials) == 6
    assert all(doc["mine"] and doc["state"] == base.JOB_STATE_DONE for doc in trials.trials)


def test_a_subclass_that_is_told_to_refresh_sees_every_document_ended() -> None:
    class Mine(Trials):
        ended = 0

        def refresh(self) -> None:
            super().refresh()
            self.ended = max(self.ended, self.count_by_state_synced(base.JOB_STATE_DONE))

    trials = Mine()
    fmin(algo=rand.suggest, trials=trials)

    assert trials.ended == len(trials) == 6


@pytest.mark.parametrize("algo", [rand.suggest, at_one])
def test_points_come_first_and_a_value_names_its_option(algo: Any) -> None:
    """In both loops, as points and as trials, which are not counted unless they were refreshed before."""
    points = [{"x": 0.25, "c": "b"}, {"x": 0.5, "c": 0}]
    best = fmin(algo=algo, points_to_evaluate=points, max_evals=3)
    generated = generate_trials_to_calculate(points)
    counted = generate_trials_to_calculate(points)
    counted.refresh()
    fmin(algo=algo, trials=generated, max_evals=3)
    fmin(algo=algo, trials=counted, max_evals=3)

    for trials in (best.trials, generated, counted):
        assert trials.vals["x"][:2] == [0.25, 0.5]
        assert trials.vals["c"][:2] == [1, 0]
    assert [len(best.trials), len(generated), len(counted)] == [5, 5, 3]


@pytest.mark.parametrize("algo", [rand.suggest, at_one])
def test_points_that_no_column_can_hold_are_evaluated_all_the_same(algo: Any) -> None:
    trials = generate_trials_to_calculate([{"x": -100.0, "c": 0}])
    best = fmin(lambda config: config["x"], algo=algo, trials=trials, max_evals=3)

    assert trials.losses()[0] == best.loss == -100.0
    assert best.config == {"x": -100.0, "c": "a"}
    assert len(trials) == 4


@pytest.mark.parametrize("algo", [rand.suggest, at_one])
def test_inactive_labels_of_points_may_be_left_out_and_are_empty_then(algo: Any) -> None:
    space = {"x": hp.uniform("x", -2, 2), "c": hp.choice("c", [{"y": hp.normal("y", 0, 1)}, "plain"])}
    trials = generate_trials_to_calculate([{"c": 1, "x": 0.0}, {"c": 0, "y": 2.0, "x": 1.0}])
    fmin(square, algo=algo, space=space, trials=trials, max_evals=1)

    assert trials.trials[0]["misc"]["vals"] == {"x": [0.0], "c": [1], "y": []}
    assert trials.trials[1]["misc"]["idxs"] == {"x": [1], "c": [1], "y": [1]}


def test_a_threshold_that_was_reached_before_ends_the_search_before_it_begins() -> None:
    for algo in (rand.suggest, at_one):
        trials = Trials()
        fmin(algo=algo, trials=trials, max_evals=3)
        fmin(algo=algo, trials=trials, max_evals=9, loss_threshold=100.0)

        assert len(trials) == 3


def test_a_timeout_ends_it() -> None:
    trials = Trials()
    it = iteration(at_one, trials=trials, timeout=1.0)
    it.start_time -= 2.0
    it.run(5)

    assert len(trials) == 0
    assert it.stopped_by == "timeout"
    with pytest.raises(StopIteration):
        next(it)


def test_the_save_file_goes_on_where_it_was_left(tmp_path: Path) -> None:
    path = str(tmp_path / "trials.pkl")
    fmin(max_evals=3, trials_save_file=path)
    best = fmin(max_evals=5, trials_save_file=path)

    assert len(best.trials) == 5
    with open(path, "rb") as file:  # as users do
        assert len(pickle.load(file)) == 5


def test_storage_and_evaluations_are_for_the_core_and_said_to_be(tmp_path: Path) -> None:
    def objective(config: Any, evaluation: hyperopt.Evaluation) -> float:
        return 0.0

    with pytest.raises(AlgorithmError, match="storage= goes with an algorithm of parzen"):
        fmin(storage=tmp_path / "s.db")
    with pytest.raises(AlgorithmError, match="takes an Evaluation"):
        fmin(objective)


# --- what goes wrong --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algo", [rand.suggest, at_one])
def test_an_exception_is_recorded_and_raised_or_caught(algo: Any) -> None:
    def fails(config: Any) -> float:
        raise LookupError("no such thing")

    for catch in (False, True):
        trials = Trials()
        if catch:
            assert fmin(fails, algo, 3, trials=trials, catch_eval_exceptions=True, return_argmin=False) is None
            with pytest.raises(AllTrialsFailed):
                fmin(fails, algo, 3, trials=Trials(), catch_eval_exceptions=True)
        else:
            with pytest.raises(LookupError):
                fmin(fails, algo, 3, trials=trials)

        assert len(trials) == 0
        assert len(trials._dynamic_trials) == (3 if catch else 1)
        for doc in trials._dynamic_trials:
            assert doc["state"] == base.JOB_STATE_ERROR
            assert doc["misc"]["error"] == ("<class 'LookupError'>", "no such thing")


@pytest.mark.parametrize("algo", [rand.suggest, at_one])
def test_an_interrupt_leaves_nothing_running_and_keeps_points_that_wait(algo: Any, capsys: Any) -> None:
    calls: list[float] = []

    def interrupted(config: Any) -> float:
        calls.append(config["x"])
        if len(calls) == 4:
            raise KeyboardInterrupt
        return 0.0

    trials = Trials()
    with pytest.raises(KeyboardInterrupt):
        fmin(interrupted, algo, trials=trials, verbose=True, show_progressbar=False)
    assert len(trials) == len(trials._dynamic_trials) == 3
    assert "interrupted after 3 trials; best loss 0.0" in capsys.readouterr().err

    calls[:] = [0.0] * 3
    given = generate_trials_to_calculate([{"x": 0.5, "c": 0}])
    with pytest.raises(KeyboardInterrupt):
        fmin(interrupted, algo, trials=given)
    assert [doc["state"] for doc in given._dynamic_trials] == [base.JOB_STATE_NEW]
    fmin(interrupted, algo, max_evals=2, trials=given)

    assert given.vals["x"][0] == 0.5
    assert given.statuses() == ["ok", "ok"]


@pytest.mark.parametrize("algo", [rand.suggest, at_one])
def test_a_trial_may_be_given_up_and_a_search_ended_from_inside(algo: Any) -> None:
    def objective(config: Any) -> float:
        if len(trials.trials) == 2:
            raise TrialPruned
        if len(trials.trials) == 4:
            raise StopStudy
        return 1.0

    trials = Trials()
    fmin(objective, algo, trials=trials, max_evals=9)

    assert trials.statuses() == ["ok", "fail", "ok"]


def test_a_search_that_is_ended_from_inside_leaves_its_queue_alone() -> None:
    calls: list[Any] = []

    def stops(config: Any) -> float:
        calls.append(config)
        raise StopStudy

    it = iteration(fn=stops, max_evals=8, max_queue_len=4)
    it.run(8)

    assert len(calls) == 1
    assert it.stopped_by == "callback"


def test_an_interrupt_is_forgotten_when_the_search_goes_on() -> None:
    calls: list[Any] = []

    def once(config: Any) -> float:
        calls.append(config)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return 0.0

    it = iteration(fn=once)
    with pytest.raises(KeyboardInterrupt):
        it.run(2)
    interrupted_by = it.interrupted_by
    it.run(2)

    assert interrupted_by is not None
    assert it.interrupted_by is None


def test_a_suggest_function_that_returns_nothing_is_told_what_is_expected() -> None:
    with pytest.raises(AlgorithmError, match="gave None, expected a list of documents"):
        fmin(algo=lambda *args: None)


def test_no_progress_is_counted_in_trials_and_not_in_batches() -> None:
    trials = Trials()
    fmin(lambda config: 1.0, trials=trials, max_evals=40, max_queue_len=4, early_stop_fn=no_progress_loss(10))

    assert len(trials) == 16
    assert no_progress_loss(2)(trials, 1.0, 1)[0]


def test_documents_are_looked_at_a_few_times_for_each_trial() -> None:
    class Counting(Trials):
        refreshed = 0

        def refresh(self) -> None:
            super().refresh()
            self.refreshed += 1

    trials = Counting()
    fmin(trials=trials, max_evals=50)

    assert trials.refreshed < 2 * 50 + 10


def test_an_exit_of_the_objective_is_recorded_too() -> None:
    def leaves(config: Any) -> float:
        sys.exit(3)

    trials = Trials()
    with pytest.raises(SystemExit):
        fmin(leaves, trials=trials)

    assert [doc["state"] for doc in trials._dynamic_trials] == [base.JOB_STATE_ERROR]


# --- feedback ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algo", [rand.suggest, at_one])
def test_a_progress_callback_is_told_how_many_have_ended_and_the_best(algo: Any) -> None:
    told: list[Any] = []

    @contextmanager
    def mine(initial: int, total: int) -> Iterator[Any]:
        told.append((initial, total))

        class Shown(SimpleNamespace):
            def update(self, n: int) -> None:
                told.append((n, self.postfix))

        yield Shown()
        told.append("closed")

    trials = Trials()
    fmin(algo=algo, trials=trials, max_evals=1)
    fmin(lambda config: 0.25, algo=algo, trials=trials, max_evals=3, verbose=True, show_progressbar=mine)

    assert told[0] == (1, 3)
    assert told[1:3] == [(1, "best loss: 0.25")] * 2
    assert told[3:] == ["closed"]


@pytest.mark.parametrize("algo", [rand.suggest, at_one])
def test_both_loops_show_parzens_feedback(algo: Any, capsys: pytest.CaptureFixture[str]) -> None:
    fmin(algo=algo, verbose=True)
    shown = capsys.readouterr().err

    assert "trial 0" in shown
    assert "6" in shown
    fmin(algo=algo, verbose=False)
    assert capsys.readouterr().err == ""


def test_a_bar_of_tqdm_is_one_of_the_callbacks(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    fmin(verbose=True, show_progressbar=progress.tqdm_progress_callback)
    written = capsys.readouterr()

    assert "best loss: 1.0" in written.out + written.err
    with progress.no_progress_callback(initial=0, total=3) as shown:
        shown.postfix = "x"
        shown.update(1)


# --- FMinIter by hand -------------------------------------------------------------------------------------------


def test_it_is_an_iterator_over_its_trials() -> None:
    it = iteration(max_evals=4)
    lengths = [len(trials) for trials in it]

    assert lengths == [1, 2, 3]
    assert len(it.trials) == 4
    assert it.exhaust() is it
    assert len(it.trials) == 4


def test_its_steps_can_be_taken_apart() -> None:
    it = iteration(max_evals=10, max_queue_len=3)
    it.trials.insert_trial_docs(rand.suggest(it.trials.new_trial_ids(3), it.domain, it.trials, 0))
    it.serial_evaluate(N=2)
    evaluated = it.trials.count_by_state_unsynced(base.JOB_STATE_DONE)
    it.block_until_done()

    assert evaluated == 2
    assert it.trials.count_by_state_unsynced(base.JOB_STATE_DONE) == 3
    it.run(2)
    assert len(it.trials) == 5
    assert it.is_cancelled is False
    it.trials._fmin_cancelled = True
    it.run(2)
    assert len(it.trials) == 5
    assert it.is_cancelled


def test_its_arguments_are_its_attributes() -> None:
    it = iteration(
        max_queue_len=2, poll_interval_secs=0.5, max_evals=7, timeout=9, loss_threshold=1.0, trials_save_file="f"
    )

    assert (it.max_queue_len, it.poll_interval_secs, it.max_evals, it.timeout) == (2, 0.5, 7, 9)
    assert (it.loss_threshold, it.trials_save_file, it.asynchronous, it.verbose) == (1.0, "f", False, False)
    assert it.early_stop_fn is None
    assert it.early_stop_args == []
    assert it.progress_callback is progress.no_progress_callback
    assert it.catch_eval_exceptions is False


def test_it_serves_as_a_bag_as_nni_uses_it() -> None:
    """Its own copies of documents come in, ended, with the ids that NNI chose."""
    state = np.random.RandomState(2)
    bag = FMinIter(tpe.suggest, Domain(None, SPACE), Trials(), max_evals=-1, rstate=state, verbose=0)
    bag.catch_eval_exceptions = False
    for tid in range(25):
        (doc,) = bag.algo([tid], bag.domain, bag.trials, state.randint(2**31 - 1))
        raw = {label: values[0].item() for label, values in doc["misc"]["vals"].items() if values}
        misc = {"tid": tid, "cmd": bag.domain.cmd, "workdir": bag.domain.workdir}
        (new,) = bag.trials.new_trial_docs([tid], [None], [bag.domain.new_result()], [misc])
        new["misc"]["idxs"] = {label: [tid] for label in bag.domain.params}
        new["misc"]["vals"] = {label: [raw[label]] for label in bag.domain.params}
        new["result"] = {"loss": raw["x"] ** 2, "status": "ok"}
        new["state"] = base.JOB_STATE_DONE
        bag.trials.insert_trial_docs([new])
        bag.trials.refresh()

    assert set(bag.domain.params) == {"x", "c"}
    assert abs(bag.trials.argmin["x"]) < 0.5
    with pytest.raises(ValueError, match="rstate"):
        iteration(rstate="seed").run(1)


# --- workers of one's own ---------------------------------------------------------------------------------------


class Asynchronous(Trials):
    """Documents that somebody else evaluates."""

    asynchronous = True


def work(trials: Trials, done: threading.Event) -> None:
    """A worker as users write them: the domain from the attachment, documents changed in place."""
    while not done.is_set():
        for doc in list(trials._dynamic_trials):
            if doc["state"] != base.JOB_STATE_NEW or "FMinIter_Domain" not in trials.attachments:
                continue
            domain = pickle.loads(trials.attachments["FMinIter_Domain"])
            doc["state"] = base.JOB_STATE_RUNNING
            doc["result"] = domain.evaluate(spec_from_misc(doc["misc"]), Ctrl(trials, current_trial=doc))
            doc["state"] = base.JOB_STATE_DONE
        done.wait(0.001)


@pytest.mark.parametrize("algo", [rand.suggest, tpe.suggest, at_one])
def test_a_thread_evaluates_documents_that_the_driver_waits_for(algo: Any) -> None:
    trials, done = Asynchronous(), threading.Event()
    worker = threading.Thread(target=work, args=(trials, done))
    worker.start()
    try:
        it = iteration(algo, trials=trials, max_evals=8, max_queue_len=2, poll_interval_secs=0.001)
        it.exhaust()
    finally:
        done.set()
        worker.join()

    assert trials.statuses() == ["ok"] * 8
    assert trials.losses() == [x**2 for x in trials.vals["x"]]


def test_fmin_leaves_asynchronous_documents_to_their_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    trials, waits = Asynchronous(), []

    def no_sleep(seconds: float) -> None:
        waits.append(seconds)
        (doc,) = [doc for doc in trials._dynamic_trials if doc["state"] == base.JOB_STATE_NEW]
        domain = pickle.loads(trials.attachments["FMinIter_Domain"])
        doc["result"] = domain.evaluate(spec_from_misc(doc["misc"]), Ctrl(trials, current_trial=doc))
        doc["state"] = base.JOB_STATE_DONE

    monkeypatch.setattr("parzen.hyperopt._iteration.time.sleep", no_sleep)
    best = fmin(algo=tpe.suggest, trials=trials, max_evals=4)

    assert waits == [1.0] * 4
    assert best.loss == min(trials.losses())  # type: ignore[type-var]


def test_the_start_of_a_search_is_spread_as_well_over_documents() -> None:
    """After the middle, seven Sobol points are in seven slices of each column, though every suggestion has its own seed."""
    seen: list[list[float]] = []

    def objective(config: Any) -> float:
        seen.append([config[f"x{j}"] for j in range(8)])
        return 0.0

    space = {f"x{j}": hp.uniform(f"x{j}", 0, 1) for j in range(8)}
    hyperopt.fmin(objective, space, None, 8, max_queue_len=2, rstate=0, verbose=False)

    assert np.allclose(seen[0], 0.5)
    assert all(len(set(slices)) == 7 for slices in (np.array(seen[1:]) * 8).astype(int).T.tolist())
