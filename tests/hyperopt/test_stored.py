"""`Trials(storage=...)`: the documents of a study that any number of processes work on."""

from __future__ import annotations

import pickle
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

import parzen
from parzen import Trials, fmin, hp, rand
from parzen.errors import CorruptLog, OutOfSpace, SpaceMismatch, StudyNotFound
from parzen.hyperopt import load_trials, tpe
from parzen.hyperopt._pickles import save_trials
from parzen.hyperopt.base import (
    JOB_STATE_CANCEL,
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    SONify,
    spec_from_misc,
)
from parzen.run import Evaluation
from parzen.space import as_apply
from parzen.storages import MemoryStorage
from parzen.trials import Retracted, State
from tests.databases import KINDS, fresh_database

SPACE = {"x": hp.uniform("x", -1, 1), "c": hp.choice("c", ["a", {"k": hp.randint("k", 5)}])}


@pytest.fixture(params=["sqlite", *(pytest.param(kind, marks=pytest.mark.databases) for kind in KINDS)])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A storage and the name of a study in it."""
    name = f"stored-{secrets.token_hex(4)}"
    if request.param == "sqlite":
        yield str(tmp_path / "study.db"), name
        return
    with fresh_database(request.param) as url:
        yield url, name


def _square(config: Any) -> float:
    return float(config["x"] ** 2)


def _fmin(trials: Trials, max_evals: int, fn: Any = _square, **more: Any) -> Any:
    return fmin(fn, SPACE, more.pop("algo", rand.suggest), max_evals, trials=trials, rstate=1, verbose=False, **more)


def test_a_search_is_kept_in_the_storage(where: tuple[str, str]) -> None:
    """Documents are as ever; whoever looks again finds them, and a search goes on."""
    storage, name = where
    trials = Trials(storage=storage, name=name)
    assert len(trials) == 0
    best = _fmin(trials, 5)
    assert len(trials) == 5
    assert best == trials.argmin
    again = Trials(storage=storage, name=name)

    assert [doc["misc"] for doc in again.trials] == [doc["misc"] for doc in trials.trials]
    assert again.losses() == trials.losses()
    assert again.tids == [0, 1, 2, 3, 4]
    assert {doc["state"] for doc in again.trials} == {JOB_STATE_DONE}
    _fmin(again, 8, algo=tpe.suggest)
    assert len(trials) == 5
    trials.refresh()
    assert trials.losses() == again.losses()
    assert len(trials) == 8


def test_the_method_fmin_does_the_same(where: tuple[str, str]) -> None:
    """`trials.fmin(fn, space)`."""
    storage, name = where
    Trials(storage=storage, name=name).fmin(_square, SPACE, rand.suggest, 3, rstate=1)

    assert len(Trials(storage=storage, name=name)) == 3


def test_another_process_adds_trials(where: tuple[str, str]) -> None:
    """`refresh` pulls them, also while a search goes on here; the total is of all processes."""
    storage, name = where
    program = (
        "import sys, parzen\n"
        "study = parzen.Study.load(sys.argv[1], sys.argv[2])\n"
        "for trial in study.ask(3):\n"
        "    study.tell(trial, trial.params['x'] ** 2)\n"
    )
    trials = Trials(storage=storage, name=name)
    counts = []

    def objective(config: Any) -> float:
        if len(counts) == 1:
            subprocess.run([sys.executable, "-c", program, storage, name], check=True, timeout=100)
            trials.refresh()
        counts.append(len(trials))
        return _square(config)

    _fmin(trials, 10, objective)

    assert counts[:2] == [1, 5]
    assert len(counts) == 7
    assert trials.tids == list(range(10))
    assert len(trials.losses()) == 10
    assert None not in trials.losses()


def test_results_and_attachments_come_back(where: tuple[str, str]) -> None:
    """What JSON can say, and bytes; also what an `Evaluation` has attached."""
    storage, name = where

    def objective(config: Any, evaluation: Evaluation) -> Any:
        evaluation.attach("log", b"lines")
        return {"status": "ok", "loss": 1.0, "more": {"a": [1]}, "attachments": {"blob": b"\xff", "text": "t"}}

    _fmin(Trials(storage=storage, name=name), 2, objective)
    trials = Trials(storage=storage, name=name)
    attachments = trials.trial_attachments(trials.trials[1])

    assert trials.results[1] == {"status": "ok", "loss": 1.0, "more": {"a": [1]}}
    assert (attachments["blob"], attachments["text"], attachments["log"]) == (b"\xff", "t", b"lines")
    assert "log" in attachments
    assert "nothing" not in attachments
    with pytest.raises(KeyError):
        attachments["nothing"]
    everything = trials.attachments
    assert sorted(attachments.keys()) == ["blob", "log", "text"]
    assert everything.get("ATTACH::1::log") == b"lines"
    assert everything.get("ATTACH::1::nothing") is None
    assert len(everything) == len(dict(everything)) == 6
    del attachments["log"]
    assert ("log" in attachments, "log" in Trials(storage=storage, name=name).trial_attachments(trials.trials[1])) == (
        False,
        True,
    )
    with pytest.raises(KeyError):
        del attachments["log"]


def test_documents_may_be_inserted(where: tuple[str, str]) -> None:
    """They join the study: some with a result, some to be evaluated by whoever comes."""
    storage, name = where
    trials = Trials(storage=storage, name=name)
    with pytest.raises(StudyNotFound, match="fmin with these trials makes it"):
        trials.insert_trial_docs(_documents(trials, [0.5]))
    _fmin(trials, 1)
    done, new = _documents(trials, [0.5, 0.25])
    done["state"], done["result"] = JOB_STATE_DONE, {"status": "ok", "loss": 0.0, "note": "by hand"}

    assert trials.insert_trial_docs([done, new]) == [1, 2] == [done["tid"], new["tid"]]

    trials.refresh()
    assert [doc["state"] for doc in trials.trials] == [JOB_STATE_DONE, JOB_STATE_DONE, JOB_STATE_NEW]
    assert trials.best_trial["result"]["note"] == "by hand"
    _fmin(Trials(storage=storage, name=name), 3)
    trials.refresh()
    assert trials.losses()[1:] == [0.0, 0.0625]
    with pytest.raises(OutOfSpace):
        trials.insert_trial_docs(_documents(trials, [7.0]))


def _documents(trials: Trials, xs: list[float]) -> list[dict[str, Any]]:
    tids = trials.new_trial_ids(len(xs))
    miscs = [
        {"tid": tid, "cmd": None, "idxs": {"x": [tid], "c": [tid], "k": []}, "vals": {"x": [x], "c": [0], "k": []}}
        for tid, x in zip(tids, xs, strict=True)
    ]
    return trials.new_trial_docs(tids, [None] * len(xs), [{"status": "new"}] * len(xs), miscs)


def test_failures_are_counted_as_ever(where: tuple[str, str]) -> None:
    """A trial that raised is hidden, and nobody's running trial is forgotten after an error."""
    storage, name = where
    trials = Trials(storage=storage, name=name)
    study = parzen.Study(as_apply(SPACE), storage=storage, name=name, noisy=True)
    study.ask()  # somebody else is at it

    def objective(config: Any) -> float:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        _fmin(trials, 3, objective)

    assert trials.tids == [0]
    assert trials.count_by_state_unsynced(JOB_STATE_ERROR) == 1
    study.tell(0, 0.5)
    assert trials.count_by_state_unsynced(JOB_STATE_DONE) == 1
    trials.refresh()
    assert trials.losses() == [0.5]


def test_a_worker_may_be_given_the_space_as_the_program_writes_it(tmp_path: Path) -> None:
    """Though `fmin` reads it as Hyperopt does, lists as tuples and keys sorted; and it gets configurations like those."""
    space = {"x": hp.uniform("x", 0, 1), "c": [hp.choice("c", [len, max])]}
    path = str(tmp_path / "study.db")
    seen: list[Any] = []
    trials = Trials(storage=path)
    fmin(lambda config: seen.append(config) or 0.0, space, rand.suggest, 1, trials=trials, verbose=False)  # type: ignore[func-returns-value]
    trial = parzen.Study.load(path, space=space).ask()

    assert list(trial.config) == list(seen[0]) == ["c", "x"]
    assert trial.config["c"][0] in (len, max)
    assert type(trial.config["c"]) is type(seen[0]["c"]) is tuple
    with pytest.raises(SpaceMismatch):
        parzen.Study.load(path, space={"x": hp.uniform("x", 0, 2), "c": [hp.choice("c", [len, max])]})


@pytest.mark.parametrize("pickler", [pickle, cloudpickle])
def test_they_are_pickled_as_a_place_and_a_name(where: tuple[str, str], pickler: Any) -> None:
    """A worker opens the same study."""
    storage, name = where
    trials = Trials(exp_key="key", storage=storage, name=name)
    _fmin(trials, 2)
    data = pickler.dumps(trials)
    twin = pickle.loads(data)

    assert b"vals" not in data
    assert twin.losses() == trials.losses()
    assert (twin.storage, twin.name, twin._exp_key) == (trials.storage, name, "key")


def test_a_view_sees_the_same_study(where: tuple[str, str]) -> None:
    """And grows with it."""
    storage, name = where
    trials = Trials(storage=storage, name=name)
    _fmin(trials, 2)
    view = trials.view()
    _fmin(trials, 3)
    view.refresh()

    assert view.losses() == trials.losses()


def test_everything_can_be_deleted(where: tuple[str, str]) -> None:
    """For all processes; a new search begins anew."""
    storage, name = where
    trials = Trials(storage=storage, name=name)
    _fmin(trials, 2)
    trials.delete_all()

    assert len(trials) == len(Trials(storage=storage, name=name)) == 0
    _fmin(trials, 1)
    assert trials.tids == [0]


def test_a_storage_object_will_do() -> None:
    """But it cannot be pickled."""
    trials = Trials(storage=MemoryStorage())
    _fmin(trials, 2)

    assert trials.name == "study"
    assert len(trials) == 2
    with pytest.raises(TypeError, match="path or a URL"):
        pickle.dumps(trials)


@pytest.mark.skipif(sys.platform == "win32", reason="no file is called so there")
def test_a_path_with_a_question_mark_stays_one(tmp_path: Path) -> None:
    """Also as text, which is what is kept of it, and in which options begin with one."""
    trials = Trials(storage=tmp_path / "what?.db")
    fmin(lambda x: x, hp.uniform("x", 0, 1), rand.suggest, 2, trials=trials, show_progressbar=False)

    assert (tmp_path / "what?.db").exists()
    assert len(pickle.loads(pickle.dumps(trials))) == 2


def test_a_file_cannot_make_us_open_a_storage(tmp_path: Path) -> None:
    """`load_trials` refuses it; `trials_save_file` is of no use beside a storage."""
    trials = Trials(storage=str(tmp_path / "study.db"))
    (tmp_path / "saved").write_bytes(pickle.dumps(trials))
    with pytest.raises(CorruptLog, match="storage"):
        load_trials(tmp_path / "saved")
    with pytest.raises(ValueError, match="leave trials_save_file away"):
        save_trials(trials, tmp_path / "other")


def test_a_subclass_may_be_stored_too(tmp_path: Path) -> None:
    """It is told of changes by its `refresh`."""

    class Mine(Trials):
        told = 0

        def refresh(self) -> None:
            super().refresh()
            self.told += 1

    trials = Mine(storage=str(tmp_path / "study.db"))
    _fmin(trials, 3)

    assert trials.losses() == Trials(storage=str(tmp_path / "study.db")).losses()
    assert trials.told >= 3


def test_documents_of_a_stored_study_are_plain(tmp_path: Path) -> None:
    """As those of `fmin`."""
    trials = Trials(storage=str(tmp_path / "study.db"))
    _fmin(trials, 1)
    (doc,) = trials.trials

    assert SONify(doc) == doc
    assert set(spec_from_misc(doc["misc"])) >= {"x", "c"}
    assert trials.assert_valid_trial(doc) is doc


def test_ordinary_trials_load_no_database(run_python: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """Only those with a storage do."""
    done = run_python(
        "-c", "import sys, parzen; parzen.Trials(); print('parzen.study' in sys.modules, 'sqlalchemy' in sys.modules)"
    )

    assert done.stdout.split()[1] == "False", done.stderr


def test_a_document_goes_as_its_trial_does(tmp_path: Path) -> None:
    """For who looks on and for who looks later; nor is one that was called off an error in the study."""
    trials = Trials(storage=tmp_path / "s.db")
    _fmin(trials, 4)
    best, study = trials.best_trial["tid"], parzen.Study.load(tmp_path / "s.db")
    study.stream.publish(Retracted(best, "a mistake", 1.0))
    trials.refresh()
    later = Trials(storage=tmp_path / "s.db")

    for seen in (trials, later):
        assert best not in seen.tids
        assert len(seen) == 3
        assert seen.best_trial["tid"] != best
    called_off = [doc for doc in later._dynamic_trials if doc["tid"] == best]
    assert [doc["state"] for doc in called_off] == [JOB_STATE_CANCEL]
    (tid,) = later.insert_trial_docs(called_off)
    assert State(int(later._stored.stream.history.state[tid])) is State.CANCELLED  # type: ignore[union-attr]
