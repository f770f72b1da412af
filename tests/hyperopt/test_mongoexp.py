"""MongoTrials and its kin are names that say what takes their place."""

from __future__ import annotations

import sys

import pytest

from parzen.errors import StorageError, StudyError
from parzen.hyperopt import Trials, ipy, mongoexp


def test_mongo_trials_converts_the_line_it_was_given() -> None:
    """Database and key become storage and name; who may log in stays unsaid."""
    with pytest.raises(StorageError) as caught:
        mongoexp.MongoTrials("mongo://ann:secret@db.lab:1234/digits/jobs", exp_key="exp1")

    assert 'Trials(storage="postgresql://db.lab/digits", name="exp1")' in str(caught.value)
    assert "parzen worker postgresql://db.lab/digits --name exp1 --objective" in str(caught.value)
    assert 'storage="digits.db"' in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["MongoTrials", "MongoJobs", "MongoWorker", "MongoCtrl"])
def test_whatever_would_open_a_connection_refuses(name: str) -> None:
    """In a sentence that names the successor."""
    with pytest.raises(StorageError, match=f"^{name} is not part of parzen.*parzen worker"):
        getattr(mongoexp, name)("localhost:27017/db/jobs")


def test_programs_may_still_name_the_classes() -> None:
    """In `isinstance` and `except`."""
    assert issubclass(mongoexp.MongoTrials, Trials)
    for name in ("OperationFailure", "ReserveTimeout", "Shutdown", "WaitQuit", "DomainSwapError"):
        assert issubclass(getattr(mongoexp, name), Exception)
    with pytest.raises(StorageError, match="host/base"):
        mongoexp.MongoJobs.new_from_connection_str("mongo://host:1/base/jobs")


def test_the_old_worker_says_what_to_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """And ends with the status of a command that was called wrongly."""
    for given in (["--mongo=box:1234/digits"], ["--mongo", "box:1234/digits", "--max-jobs=3"]):
        monkeypatch.setattr(sys, "argv", ["hyperopt-mongo-worker", *given])
        with pytest.raises(SystemExit) as caught:
            mongoexp.main()

        assert caught.value.code == 2
        assert "parzen worker postgresql://box/digits" in capsys.readouterr().err


def test_ipython_trials_says_what_to_use_instead() -> None:
    """Hyperopt's imports a module that is gone."""
    with pytest.raises(StudyError, match=r"Trials\(storage=.*parzen worker"):
        ipy.IPythonTrials(None, "log")
    assert issubclass(ipy.IPythonTrials, Trials)
