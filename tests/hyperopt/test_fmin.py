"""The arguments of `fmin`, one after the other."""

from __future__ import annotations

import functools
import itertools
import os
import pickle
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import parzen as hyperopt
from parzen import Trials, hp
from parzen._clock import SystemClock
from parzen.errors import AlgorithmError, InvalidResult, OutOfSpace, SpaceError, StudyError
from parzen.storages import MemoryStorage
from parzen.testing import FakeClock
from parzen.trials import Finished, Outcome, Released, Started, State

SPACE = hp.uniform("x", -2, 2)
CHOICES = {"a": hp.choice("a", ["p", "q", "r"]), "x": hp.uniform("x", -2, 2)}


def _square(x: float) -> float:
    return x * x


def _fmin(
    fn: Any = _square, space: Any = SPACE, algo: Any = hyperopt.rand.suggest, max_evals: Any = 10, **more: Any
) -> Any:
    more.setdefault("rstate", 1)
    more.setdefault("verbose", False)
    return hyperopt.fmin(fn, space, algo, max_evals, **more)


# --- trials -------------------------------------------------------------------------------------------------------


def test_documents_are_hyperopts() -> None:
    """Keys, states, ids, times, results as they were returned."""
    trials = Trials()
    _fmin(lambda x: {"loss": x * x, "status": "ok", "model": [1, 2]}, trials=trials)
    doc = trials.trials[3]

    assert list(doc) == [
        "state", "tid", "spec", "result", "misc", "exp_key", "owner", "version", "book_time", "refresh_time"
    ]  # fmt: skip
    assert (doc["state"], doc["tid"], doc["misc"]["tid"]) == (hyperopt.JOB_STATE_DONE, 3, 3)
    assert doc["result"] == {"loss": doc["misc"]["vals"]["x"][0] ** 2, "status": "ok", "model": [1, 2]}
    assert doc["book_time"] <= doc["refresh_time"]
    assert trials.tids == list(range(10))
    assert trials.losses() == [x * x for x in trials.vals["x"]]
    assert trials.statuses() == ["ok"] * 10
    assert trials.best_trial["result"]["loss"] == min(trials.losses())  # type: ignore[type-var]


@pytest.mark.parametrize("algo", [hyperopt.rand.suggest, hyperopt.tpe.suggest])
def test_the_same_trials_go_on(algo: Any) -> None:
    """`max_evals` is the total; what is there is kept; nothing is evaluated again."""
    trials, calls = Trials(), []
    for total in (4, 9, 9):
        _fmin(lambda x: calls.append(x) or x * x, algo=algo, max_evals=total, trials=trials)

    assert len(calls) == len(trials) == 9
    assert trials.vals["x"] == calls
    assert sorted(trials.tids) == list(range(9))


def test_documents_made_by_hand_are_learnt_from() -> None:
    """With any ids; a failed one and one that is still to be run among them."""
    source = Trials()
    _fmin(trials=source, max_evals=3)
    docs = pickle.loads(pickle.dumps(source.trials))
    for doc, tid in zip(docs, (100, 7, 55), strict=True):
        doc["tid"] = doc["misc"]["tid"] = tid
        doc["misc"]["idxs"]["x"] = [tid]
    docs[1]["result"] = {"status": "fail"}
    trials = hyperopt.trials_from_docs(docs)
    best = _fmin(lambda x: 1e6, trials=trials, max_evals=8)

    assert len(trials) == 8
    assert trials.tids[:3] == [100, 7, 55]
    assert len(set(trials.tids)) == 8
    assert best.loss == min(docs[0]["result"]["loss"], docs[2]["result"]["loss"])


def test_trials_have_an_fmin_of_their_own() -> None:
    """And a subclass with another one takes over."""
    seen = []

    class Mine(Trials):
        def fmin(self, fn: Any, space: Any, *args: Any, **kwargs: Any) -> Any:
            seen.append(kwargs)
            return super().fmin(fn, space, *args, **kwargs)

    trials = Trials()
    best = trials.fmin(_square, SPACE, hyperopt.rand.suggest, 5, rstate=np.random.default_rng(1))
    assert best.trials is trials
    assert len(trials) == 5
    _fmin(trials=Mine(), max_evals=3)

    assert seen[0]["max_evals"] == 3
    assert "allow_trials_fmin" not in seen[0]  # Hyperopt's own classes do not take it


def test_trials_survive_pickling_with_attachments() -> None:
    """As users save them."""
    trials = Trials()
    _fmin(lambda x: {"loss": x, "status": "ok", "attachments": {"blob": b"123"}}, trials=trials, max_evals=3)
    twin = pickle.loads(pickle.dumps(trials))

    assert "attachments" not in trials.trials[1]["result"]
    assert twin.trial_attachments(twin.trials[1])["blob"] == b"123"
    assert twin.trials == trials.trials
    assert len(_fmin(trials=twin, max_evals=5).trials) == 5


# --- where it begins ----------------------------------------------------------------------------------------------


def test_points_to_evaluate_come_first_and_on_top() -> None:
    """Indexes for choices, partial ones completed; `max_evals` counts anew with them, as in Hyperopt."""
    received: list[Any] = []
    points = [{"a": 1, "x": 0.5}, {"a": 2, "x": -1.0}]
    best = _fmin(
        lambda config: received.append(config) or abs(config["x"] - 0.5),
        CHOICES,
        max_evals=4,
        points_to_evaluate=points,
    )

    assert received[:2] == [{"a": "q", "x": 0.5}, {"a": "r", "x": -1.0}]
    assert len(received) == 6
    assert best == {"a": 1, "x": 0.5}


def test_a_point_to_evaluate_that_is_outside_is_named() -> None:
    """By its place in the list."""
    with pytest.raises(OutOfSpace, match="point 1"):
        _fmin(space=CHOICES, points_to_evaluate=[{"a": 0, "x": 0}, {"a": 5, "x": 0}])


@pytest.mark.parametrize(
    "make", [lambda: np.random.default_rng(5), lambda: np.random.RandomState(5), lambda: 5, lambda: np.int64(5)]
)
def test_rstate_of_any_kind_makes_a_search_repeatable(make: Any) -> None:
    """Generator, RandomState or a number."""
    one, two = (_fmin(rstate=make(), trials=Trials()).trials.vals for _ in range(2))

    assert one == two


def test_a_generator_is_drawn_from_once_a_call() -> None:
    """So that two searches with one generator differ, and a program's own draws stay where they are."""
    rng, twin = np.random.default_rng(5), np.random.default_rng(5)
    one, two = _fmin(rstate=rng), _fmin(rstate=rng)
    twin.integers(2**31 - 1, size=2)

    assert one != two
    assert rng.random() == twin.random()


def test_the_environment_gives_a_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    """HYPEROPT_FMIN_SEED, as in Hyperopt."""
    monkeypatch.setenv("HYPEROPT_FMIN_SEED", "12")
    one, two = _fmin(rstate=None), _fmin(rstate=None)
    monkeypatch.delenv("HYPEROPT_FMIN_SEED")

    assert one == two
    assert _fmin(rstate=None) != _fmin(rstate=None)


def test_a_partial_carries_settings() -> None:
    """By Hyperopt's names; nested partials too; positional ones and unknown ones are errors."""
    from parzen.hyperopt._arguments import algorithm_of

    made = algorithm_of(functools.partial(functools.partial(hyperopt.tpe.suggest, gamma=0.4), n_startup_jobs=7))
    default = algorithm_of(hyperopt.tpe.suggest)

    assert made != default
    assert getattr(made, "gamma", None) == 0.4
    assert getattr(made, "n_startup", None) == 7
    best = _fmin(algo=functools.partial(hyperopt.tpe.suggest, n_EI_candidates=100, prior_weight=0.5), max_evals=30)
    assert len(best.trials) == 30
    with pytest.raises(AlgorithmError, match="by name"):
        _fmin(algo=functools.partial(hyperopt.tpe.suggest, 3))
    with pytest.raises(
        AlgorithmError, match=r"'gama'; it has gamma, n_EI_candidates, n_startup_jobs, prior_weight and v"
    ):
        _fmin(algo=functools.partial(hyperopt.tpe.suggest, n_startup_jobs=5, gama=3))
    with pytest.raises(AlgorithmError, match="n_candidates"):
        _fmin(algo=functools.partial(hyperopt.tpe.suggest, n_EI_candidates=24.0))
    with pytest.raises(AlgorithmError, match="gamma"):
        _fmin(algo=functools.partial(hyperopt.rand.suggest, gamma=3))
    assert algorithm_of(functools.partial(hyperopt.tpe.suggest, verbose=False)) == default


def test_functions_and_parameters_of_the_package_hyperopt_are_refused_in_words() -> None:
    """One forgotten import of the real package would make its parameters constants."""

    def suggest(new_ids: Any, domain: Any, trials: Any, seed: int) -> list[Any]:
        return []

    suggest.__module__ = "hyperopt.tpe"
    node = type("Apply", (), {"__module__": "hyperopt.pyll.base"})()

    with pytest.raises(AlgorithmError, match=r"of the package hyperopt.*from parzen import tpe"):
        hyperopt.fmin(lambda c: 0.0, {"x": hp.uniform("x", 0, 1)}, algo=suggest, max_evals=2, show_progressbar=False)
    with pytest.raises(SpaceError, match=r"a parameter of the package hyperopt \(Apply\) stands in the space: make"):
        hyperopt.fmin(lambda c: 0.0, {"x": [1, node]}, algo=hyperopt.tpe.suggest, max_evals=2, show_progressbar=False)


def test_algorithms_of_the_core_are_taken_too() -> None:
    """A record or its name."""
    assert _fmin(algo="random") == _fmin(algo=hyperopt.algorithms.Random()) == _fmin(algo=hyperopt.rand.suggest)


# --- where it ends ------------------------------------------------------------------------------------------------


def test_a_loss_threshold_ends_the_search() -> None:
    """At the first loss that is as low."""
    best = _fmin(max_evals=1000, loss_threshold=0.01)

    assert best.loss <= 0.01
    assert len(best.trials) < 1000
    assert best.trials.losses()[-1] == best.loss


def test_a_timeout_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `max_evals` or without."""
    clock = FakeClock()
    monkeypatch.setattr(SystemClock, "monotonic", staticmethod(clock.monotonic))

    def objective(x: float) -> float:
        clock.advance(1.0)
        return x

    for max_evals in (None, 100, sys.maxsize, float(sys.maxsize)):
        assert len(_fmin(objective, max_evals=max_evals, timeout=5).trials) == 5


def test_early_stop_fn_is_called_after_each_trial_with_what_it_returned() -> None:
    """Until it says stop."""
    seen: list[tuple[int, int]] = []

    def stop(trials: Trials, count: int = 0) -> tuple[bool, list[int]]:
        seen.append((len(trials), count))
        return count == 3, [count + 1]

    best = _fmin(early_stop_fn=stop, max_evals=50)

    assert seen == [(1, 0), (2, 1), (3, 2), (4, 3)]
    assert len(best.trials) == 4


def test_no_progress_loss_survives_failed_trials() -> None:
    """Which count as no progress, the first one too."""

    def objective(x: float) -> dict[str, Any]:
        return {"status": "fail"} if next(calls) in (0, 2, 3) else {"status": "ok", "loss": 1.0}

    calls = itertools.count()
    best = _fmin(objective, max_evals=50, early_stop_fn=hyperopt.early_stop.no_progress_loss(4))

    assert len(best.trials) == 6


def test_no_progress_loss_stops_when_nothing_improves() -> None:
    """Counted from the last improvement."""
    losses = iter([5.0, 4.0, 4.5, 4.5, 3.0, 3.5, 3.5, 3.5, 1.0])
    best = _fmin(lambda x: next(losses), max_evals=50, early_stop_fn=hyperopt.early_stop.no_progress_loss(3))

    assert best.loss == 3.0
    assert len(best.trials) == 8


def test_caught_exceptions_leave_the_rest() -> None:
    """`catch_eval_exceptions=True`: as many good documents as were good."""
    calls = []

    def objective(x: float) -> float:
        calls.append(x)
        if len(calls) % 3 == 0:
            raise ValueError("third")
        return x

    trials = Trials()
    _fmin(objective, max_evals=9, catch_eval_exceptions=True, trials=trials)

    assert len(calls) == 9
    assert len(trials) == 6
    assert trials.count_by_state_unsynced(hyperopt.JOB_STATE_ERROR) == 3


def test_an_exception_keeps_the_documents_of_before() -> None:
    """And the next call goes on."""
    trials, calls = Trials(), []

    def objective(x: float) -> float:
        calls.append(x)
        if len(calls) == 4:
            raise ValueError("fourth")
        return x

    with pytest.raises(ValueError, match="fourth"):
        _fmin(objective, trials=trials)
    assert len(trials) == 3
    assert trials.count_by_state_unsynced([hyperopt.JOB_STATE_NEW, hyperopt.JOB_STATE_RUNNING]) == 0
    _fmin(objective, trials=trials)

    assert len(trials) == 10


# --- saving -------------------------------------------------------------------------------------------------------


def test_a_save_file_is_what_pickle_loads(tmp_path: Path) -> None:
    """So that users' own scripts read it; it is there after each trial, whole."""
    path, sizes = tmp_path / "trials.pkl", []

    def objective(x: float) -> float:
        with path.open("rb") as file:
            sizes.append(len(pickle.load(file)))
        return x

    best = _fmin(objective, max_evals=5, trials_save_file=str(path))

    assert sizes == [0, 1, 2, 3, 4]
    assert pickle.loads(path.read_bytes()).trials == best.trials.trials
    assert os.listdir(tmp_path) == ["trials.pkl"]


def test_a_save_file_goes_on_and_points_are_not_evaluated_again(tmp_path: Path) -> None:
    """As in Hyperopt: what was to be evaluated first has been."""
    path, calls = tmp_path / "trials.pkl", []
    for total in (3, 6):
        _fmin(
            lambda x: calls.append(x) or x * x, max_evals=total, trials_save_file=path, points_to_evaluate=[{"x": 1.25}]
        )

    assert calls.count(1.25) == 1
    assert len(calls) == 6


def test_results_of_ones_own_class_can_be_saved_and_the_error_says_how_to_load_them(tmp_path: Path) -> None:
    """Reading runs nothing; whoever trusts the file loads it with pickle and passes it on."""
    path = tmp_path / "trials.pkl"
    with pytest.warns(UserWarning, match="next search will not read it") as caught:
        _fmin(lambda x: {"loss": x, "status": "ok", "path": Path("/tmp")}, max_evals=2, trials_save_file=path)
    assert len(caught) == 1
    with pytest.raises(hyperopt.StorageError, match="pass it as trials="):
        _fmin(max_evals=4, trials_save_file=path)
    trials = pickle.loads(path.read_bytes())

    assert len(_fmin(max_evals=4, trials=trials).trials) == 4


def _suggest(*args: Any) -> Any:
    return hyperopt.rand.suggest(*args)


LOOPS = pytest.mark.parametrize("algo", [hyperopt.rand.suggest, _suggest])


@LOOPS
def test_empty_trials_go_on_with_the_save_file(tmp_path: Path, algo: Any) -> None:
    """They take in what is there, so that it is not overwritten."""
    path, calls = tmp_path / "trials.pkl", []
    for total in (5, 7):
        trials = Trials()
        _fmin(lambda x: calls.append(x) or x, algo=algo, max_evals=total, trials=trials, trials_save_file=path)

    assert len(calls) == len(trials) == 7
    assert trials.vals["x"] == calls


def test_trials_that_lack_what_is_in_the_save_file_are_refused(tmp_path: Path) -> None:
    """Before anything is written; those with all of it go on."""
    path = tmp_path / "trials.pkl"
    trials = _fmin(max_evals=5, trials_save_file=path).trials
    before = path.read_bytes()
    other = _fmin(max_evals=5, rstate=2, trials=Trials()).trials
    with pytest.raises(hyperopt.StorageError, match="holds 5 evaluated documents"):
        _fmin(max_evals=7, trials=other, trials_save_file=path)

    assert path.read_bytes() == before
    assert len(_fmin(max_evals=6, trials=trials, trials_save_file=path).trials) == 6
    assert len(_fmin(max_evals=7, trials=pickle.loads(path.read_bytes()), trials_save_file=path).trials) == 7


class _Mine(Trials):
    """A class of a program's own."""


@pytest.mark.filterwarnings("ignore:.*will not read it")
@pytest.mark.parametrize("make", [Trials, _Mine])
def test_a_program_that_unpickles_its_trials_and_saves_them_again_works(tmp_path: Path, make: Any) -> None:
    """As Hyperopt's users write it, with any class in the results."""
    path = tmp_path / "trials.pkl"
    for total in (2, 4):
        trials = pickle.loads(path.read_bytes()) if path.exists() else make()
        _fmin(
            lambda x: {"loss": np.float64(x), "status": "ok", "path": Path("/tmp")},
            max_evals=total,
            trials=trials,
            trials_save_file=path,
        )

    assert len(trials) == 4


@LOOPS
@pytest.mark.parametrize("catch", [False, True])
def test_a_save_that_fails_does_not_hide_what_the_objective_raised(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, algo: Any, catch: bool
) -> None:
    """It is logged, and comes as a note."""
    folder = tmp_path / "folder"
    folder.mkdir()

    def objective(x: float) -> float:
        if catch:
            (folder / "trials.pkl").unlink()
            (folder / "trials.pkl.lock").unlink()
            folder.rmdir()
            return x
        (folder / "trials.pkl").unlink()
        (folder / "trials.pkl").mkdir()  # nothing can replace it
        raise KeyError("mine")

    expected = hyperopt.StorageError if catch else KeyError
    with pytest.raises(expected) as caught:
        _fmin(objective, algo=algo, trials_save_file=folder / "trials.pkl")

    assert ("cannot be saved" in caplog.text) == (not catch)
    if hasattr(caught.value, "add_note") and not catch:
        assert "cannot be saved" in caught.value.__notes__[0]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of its own")
def test_a_save_file_keeps_its_permissions(tmp_path: Path) -> None:
    """A new one has those that the process gives."""
    path, plain = tmp_path / "trials.pkl", tmp_path / "plain"
    plain.touch()
    _fmin(max_evals=1, trials_save_file=path)
    assert path.stat().st_mode == plain.stat().st_mode
    path.chmod(0o640)
    _fmin(max_evals=2, trials_save_file=path)

    assert path.stat().st_mode & 0o777 == 0o640


def test_an_error_in_a_place_without_locks_has_no_context(tmp_path: Path) -> None:
    """What is raised inside is nobody else's consequence."""
    from parzen.hyperopt._pickles import only_writer

    with pytest.raises(KeyError) as caught, only_writer(tmp_path / "nowhere" / "trials.pkl"):
        raise KeyError("mine")

    assert caught.value.__context__ is None


def test_no_argument_of_fmin_vanishes_silently(tmp_path: Path) -> None:
    """Where trials have an `fmin` of their own, or documents already."""

    class Mine(Trials):
        def fmin(self, fn: Any, space: Any, *args: Any, **kwargs: Any) -> Any:
            return super().fmin(fn, space, *args, **kwargs)

    points = [{"x": 1.25}]
    with pytest.raises(StudyError, match="Mine has of its own"):
        _fmin(trials=Mine(), storage=tmp_path / "s.db")
    with pytest.raises(StudyError, match="Mine has of its own"):
        _fmin(trials=Mine(), name="s")
    with pytest.warns(UserWarning, match="Mine has of its own"):
        _fmin(trials=Mine(), points_to_evaluate=points)
    trials = Trials()
    _fmin(trials=trials, points_to_evaluate=points, max_evals=2)
    assert trials.vals["x"][0] == 1.25
    assert len(trials) == 3
    with pytest.warns(UserWarning, match="have documents already"):
        _fmin(trials=trials, points_to_evaluate=points, max_evals=4)

    assert trials.vals["x"].count(1.25) == 1


def test_a_seed_in_the_environment_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its variable."""
    monkeypatch.setenv("HYPEROPT_FMIN_SEED", "abc")
    with pytest.raises(ValueError, match="HYPEROPT_FMIN_SEED is a non-negative integer, got 'abc'"):
        _fmin(rstate=None)


def test_a_storage_keeps_the_study_for_both_doors(tmp_path: Path) -> None:
    """What `fmin` began is a study like any other."""
    path = tmp_path / "s.db"
    first = _fmin(max_evals=4, storage=path, name="mine")
    second = _fmin(max_evals=7, storage=path, name="mine")
    study = hyperopt.Study.load(path, "mine")

    assert len(study.trials) == 7
    assert [trial.params["x"] for trial in study.trials] == second.trials.vals["x"]
    assert second.trials.vals["x"][:4] == first.trials.vals["x"]
    assert second.trials.losses() == [x * x for x in second.trials.vals["x"]]


# --- trials and a storage -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("space", [SPACE, hp.choice("a", [1, 2])], ids=["line", "two points"])
def test_the_same_trials_and_storage_go_on_as_one(space: Any, tmp_path: Path) -> None:
    """A cell of a notebook that is run again: documents are found in the study and neither counted nor written twice."""
    path, trials, calls = tmp_path / "s.db", Trials(), []

    def objective(x: float) -> dict[str, Any]:
        calls.append(x)
        if len(calls) == 3:
            raise ValueError("third")
        return {"status": "fail"} if len(calls) == 4 else {"status": "ok", "loss": x + 0.1, "n": len(calls)}

    for total in (5, 10, 10):
        _fmin(objective, space, trials=trials, storage=path, max_evals=total, catch_eval_exceptions=True)

    assert len(calls) == 10
    assert len(trials) == 9
    assert [doc["tid"] for doc in trials._dynamic_trials] == list(range(10))
    assert trials._dynamic_trials[2]["state"] == hyperopt.JOB_STATE_ERROR
    assert [result.get("n") for result in trials.results] == [1, 2, None, *range(5, 11)]
    assert len(hyperopt.Study.load(path).trials) == 10


def test_documents_of_any_id_are_found_again(tmp_path: Path) -> None:
    """Also copies, and those that the space cannot have produced are still only counted."""
    path, source = tmp_path / "s.db", Trials()
    _fmin(trials=source, max_evals=4)
    docs = pickle.loads(pickle.dumps(source.trials))
    for doc, tid in zip(docs, (100, 7, 55, 3), strict=True):
        doc["tid"] = doc["misc"]["tid"] = tid
    docs[1]["misc"]["vals"]["x"] = [77.0]
    for total in (6, 8):
        trials = hyperopt.trials_from_docs(docs)
        _fmin(trials=trials, storage=path, max_evals=total)

    assert len(trials) == 8
    assert len(set(trials.tids)) == 8
    assert len(hyperopt.Study.load(path).trials) == 7


def test_documents_that_the_study_lacks_are_taken_into_it(tmp_path: Path) -> None:
    """What was tried elsewhere is learnt from, and what is to be evaluated is, once."""
    path, calls, other = tmp_path / "s.db", [], Trials()
    _fmin(storage=path, max_evals=3)
    _fmin(trials=other, max_evals=2, rstate=5)
    (doc,) = pickle.loads(pickle.dumps(other.trials[:1]))
    doc.update(tid=9, state=hyperopt.JOB_STATE_NEW, result={"status": "new"})
    doc["misc"].update(tid=9, idxs={"x": [9]}, vals={"x": [1.25]})
    other.insert_trial_docs([doc])
    for _ in range(2):
        _fmin(lambda x: calls.append(x) or x * x, trials=other, storage=path, max_evals=6)

    assert calls == [1.25]
    assert len(hyperopt.Study.load(path).trials) == len(other) == 6
    assert other.count_by_state_synced(hyperopt.JOB_STATE_DONE) == 6


def test_a_document_that_was_left_open_learns_how_its_trial_ended(tmp_path: Path) -> None:
    """A copy that was saved while the trial ran."""
    path, saved = tmp_path / "s.db", []
    trials = Trials()
    _fmin(lambda x: saved.append(pickle.dumps(trials)) or x * x, trials=trials, storage=path, max_evals=3)
    old = pickle.loads(saved[1])
    assert old.trials[1]["state"] == hyperopt.JOB_STATE_RUNNING
    _fmin(trials=old, storage=path, max_evals=3)

    assert old.losses() == trials.losses()
    assert old.tids == trials.tids


def test_attachments_that_are_bytes_or_text_are_there_again_from_a_storage(tmp_path: Path) -> None:
    """Under any name; other objects stay in the process that made them, for no file is to hold a pickle, and that is said once."""
    path, odd = tmp_path / "s.db", "a/ü '%\n"
    attachments = {"model": b"\x00\xff", odd: "text \ud800", "object": object(), "long" * 50: b"1"}
    with pytest.warns(UserWarning, match=r"'object' \(object\), 'longlong.*pickle.dumps") as said:
        first = _fmin(
            lambda x: {"status": "ok", "loss": x, "attachments": attachments}, storage=path, max_evals=2
        ).trials
    assert len(said) == 1
    again = _fmin(storage=path, max_evals=3).trials

    assert len(first.attachments) == 2 * len(attachments)
    assert first.trial_attachments(first.trials[1])["object"] is attachments["object"]
    for doc in again.trials[:2]:
        found = again.trial_attachments(doc)
        assert {name: found[name] for name in found.keys()} == {"model": b"\x00\xff", odd: "text \ud800"}  # noqa: SIM118  # no mapping
        assert "attachments" not in doc["result"]
    assert len(again.trial_attachments(again.trials[2])) == 0


def test_attachments_that_are_no_dict_are_refused() -> None:
    """By a text that shows them."""
    for attachments in ([1, 2], {1: "2"}):
        with pytest.raises(InvalidResult, match=r"1.*2"):
            _fmin(lambda x, given=attachments: {"status": "ok", "loss": x, "attachments": given})


# --- documents as they are written --------------------------------------------------------------------------------


def test_a_late_result_does_not_overwrite_a_document() -> None:
    """Another process gave up our attempt and finished the trial itself: its loss is in the document."""
    storage, trials = MemoryStorage(), Trials()

    def objective(x: float) -> dict[str, Any]:
        study = hyperopt.Study(SPACE, storage=storage)
        if len(study.history) == 2:
            study.stream.publish(
                Released(1, 1, "lost", 0.0),
                Started(1, 2, "other", 0.0),
                Finished(1, 2, Outcome(State.OK, {"loss": -7.0}), 0.0),
            )
        return {"status": "ok", "loss": 1.0, "mine": True}

    _fmin(objective, trials=trials, storage=storage, max_evals=3)

    assert trials.losses() == [1.0, -7.0, 1.0]
    assert ["mine" in result for result in trials.results] == [True, False, True]


def test_a_subclass_is_told_to_refresh_when_a_trial_ends() -> None:
    """However it ends; documents show at the same times as in the class itself."""
    seen: list[tuple[int, int]] = []

    class Mine(Trials):
        def refresh(self) -> None:
            super().refresh()
            failed = sum(doc["state"] == hyperopt.JOB_STATE_ERROR for doc in self._dynamic_trials)
            seen.append((self.count_by_state_synced(hyperopt.JOB_STATE_DONE), failed))

    def lengths(trials: Trials) -> list[int]:
        found: list[int] = []

        def objective(x: float) -> float:
            found.append(len(trials))
            if len(found) == 2:
                raise ValueError
            return x

        _fmin(objective, trials=trials, max_evals=4, catch_eval_exceptions=True)
        return [*found, len(trials)]

    assert lengths(Mine()) == lengths(Trials()) == [1, 2, 2, 3, 3]
    assert [entry for i, entry in enumerate(seen) if entry not in seen[:i]] == [(0, 0), (1, 0), (1, 1), (2, 1), (3, 1)]


def test_a_plain_trials_is_not_looked_through_after_each_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a search would be quadratic."""
    refreshed, refresh = [], Trials.refresh
    monkeypatch.setattr(Trials, "refresh", lambda self: refreshed.append(1) or refresh(self))
    numbers = []
    for total in (5, 50):
        refreshed.clear()
        assert len(_fmin(max_evals=total).trials) == total
        numbers.append(len(refreshed))

    assert numbers[0] == numbers[1]


# --- interrupts, in processes of their own ------------------------------------------------------------------------

INTERRUPTED = """
    import signal, sys
    import parzen as hyperopt
    from parzen import hp

    calls = 0

    def objective(x):
        global calls
        calls += 1
        if calls == 4:
            signal.raise_signal(int(sys.argv[1]))
        return x * x

    keep = {"file": {"trials_save_file": "trials.pkl"}, "db": {"storage": "s.db"}, "memory": {}}[sys.argv[2]]
    trials = None if "trials_save_file" in keep else hyperopt.Trials()
    try:
        hyperopt.fmin(objective, hp.uniform("x", -1, 1), hyperopt.rand.suggest, 9, trials=trials, rstate=1, **keep)
    finally:
        if trials is not None:
            print(len(trials), trials.count_by_state_unsynced([0, 1]))
"""


@pytest.mark.parametrize("keep", ["memory", "file", "db"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_an_interrupt_says_what_the_best_was_and_how_to_go_on(
    number: signal.Signals, keep: str, tmp_path: Path
) -> None:
    """Ctrl-C raises KeyboardInterrupt, SIGTERM ends the process with 143; no document says that it is running."""
    path = tmp_path / "program.py"
    path.write_text(textwrap.dedent(INTERRUPTED), encoding="utf-8")
    source = str(Path(hyperopt.__file__).resolve().parents[1])
    done = subprocess.run(
        [sys.executable, "-W", "error", str(path), str(int(number)), keep],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([source, os.environ.get("PYTHONPATH", "")])},
        cwd=tmp_path,
        timeout=60,
        capture_output=True,
        text=True,
    )
    hint = "pass the same trials= again" if keep == "memory" else "run the same program again"

    assert done.returncode == (143 if number == signal.SIGTERM else -signal.SIGINT), done.stderr
    assert ("KeyboardInterrupt" in done.stderr) == (number == signal.SIGINT)
    assert "interrupted after 3 trials; best loss" in done.stderr
    assert hint in done.stderr
    if keep != "file":
        assert done.stdout == "3 0\n"
    else:
        assert len(pickle.loads((tmp_path / "trials.pkl").read_bytes())) == 3


@pytest.mark.parametrize("algo", [hyperopt.rand.suggest, hyperopt.tpe.suggest])
def test_points_of_another_space_are_evaluated_as_far_as_they_go(algo: Any) -> None:
    """A label that is unknown is left out, a number beyond its bounds is evaluated, as in Hyperopt; both are said."""
    trials = hyperopt.Trials()
    with pytest.warns(UserWarning, match="points_to_evaluate, point") as said:
        best = hyperopt.fmin(
            lambda x: -x, hp.uniform("x", 0, 1), algo, 3, trials=trials, rstate=1, verbose=False,
            points_to_evaluate=[{"x": 0.5, "gone": 1}, {"x": 5.0}],
        )  # fmt: skip

    assert [str(warning.message).partition(": ")[2][:20] for warning in said] == [
        "the space has no 'gone', which is left out"[:20],
        "parameter 'x': 5.0 is not"[:20],
    ]
    assert trials.vals["x"][:2] == [0.5, 5.0]
    assert len(trials) == 5
    assert best == {"x": 5.0}


def test_max_evals_may_be_a_whole_float() -> None:
    """As `1e3`."""
    trials = hyperopt.Trials()
    hyperopt.fmin(lambda x: x, hp.uniform("x", 0, 1), hyperopt.rand.suggest, 3.0, trials=trials, verbose=False)

    assert len(trials) == 3
    with pytest.raises(ValueError, match="whole number"):
        hyperopt.fmin(lambda x: x, hp.uniform("x", 0, 1), hyperopt.rand.suggest, 2.5, verbose=False)
