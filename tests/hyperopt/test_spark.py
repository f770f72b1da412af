"""What of Spark needs no Spark; `tests/engines/test_spark.py` has the rest."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import cloudpickle
import pytest

from parzen.errors import MissingDependency
from parzen.hyperopt import _spark_dispatcher, hp, rand, spark
from parzen.hyperopt.base import JOB_STATE_CANCEL, JOB_STATE_DONE
from parzen.hyperopt.spark import SparkTrials

SPACE = hp.uniform("x", 0, 1)
MOST = SparkTrials.MAX_CONCURRENT_JOBS_ALLOWED


def test_without_pyspark_the_constructor_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The import works, and the error is an ImportError."""
    monkeypatch.setattr(spark, "_have_spark", False)

    with pytest.raises(MissingDependency, match=r"cannot import pyspark.*parzen\[spark\]"):
        SparkTrials()


def test_the_import_loads_no_pyspark(run_python: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """It is imported when a SparkTrials is made."""
    done = run_python("-c", "import sys, parzen.hyperopt.spark\nassert 'pyspark' not in sys.modules")

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("asked", "used", "said"),
    [(3, 3, ""), (None, 2, "will be set to (2)"), (-1, 2, "will be set to (2)"), (MOST + 1, MOST, "is capped at")],
)
def test_the_parallelism_is_what_was_asked_for_or_the_log_says_why(
    caplog: pytest.LogCaptureFixture, asked: int | None, used: int, said: str
) -> None:
    """None and negative numbers are Spark's default; 128 is the most."""
    assert SparkTrials._decide_parallelism(requested_parallelism=asked, spark_default_parallelism=2) == used
    assert said in caplog.text


# --- with jobs that are no Spark's ----------------------------------------------------------------------------------


class _Jobs:
    """Runs what it is given in the thread; a job that waits ends when it is cancelled, if it is so kind."""

    pinned = can_cancel = True
    has_profiles = False
    group = "group"
    kind = True

    def __init__(self, session: object, resource_profile: object = None) -> None:
        self.cancelled = threading.Event()

    def share(self, data: bytes) -> Any:
        return SimpleNamespace(value=data, unpersist=lambda: None)

    def in_thread(self, function: Callable[..., None]) -> Callable[..., None]:
        return function

    def run(self, function: Callable[[], Any]) -> Any:
        answer = function()
        if pickle.loads(answer)[0]["loss"] < 0:
            BEGUN.release()
            (self.cancelled if self.kind else NEVER).wait(60)
            if self.kind:
                raise RuntimeError("the job was cancelled")
            LATE.release()
        return answer

    def cancel(self) -> None:
        self.cancelled.set()


class _SilentJobs(_Jobs):
    kind = False


BEGUN, LATE, NEVER = threading.Semaphore(0), threading.Semaphore(0), threading.Event()


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> SparkTrials:
    """Trials on a Spark that is none, two at a time."""
    monkeypatch.setattr(spark, "_have_spark", True)
    monkeypatch.setattr(_spark_dispatcher, "_pickle", lambda: cloudpickle)
    monkeypatch.setattr(spark, "SparkJobs", _Jobs)
    session = SimpleNamespace(sparkContext=SimpleNamespace(defaultParallelism=2))
    return SparkTrials(parallelism=2, spark_session=session)


def _waiting(x: float) -> float:
    return -1.0


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM to send to oneself")
@pytest.mark.parametrize(("number", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
def test_a_signal_cancels_the_jobs(trials: SparkTrials, number: int, raised: type[BaseException]) -> None:
    """Ctrl-C and SIGTERM do the same; neither leaves a document open."""

    def send() -> None:
        BEGUN.acquire(timeout=60)
        BEGUN.acquire(timeout=60)
        os.kill(os.getpid(), number)

    sender = threading.Thread(target=send)
    sender.start()
    with pytest.raises(raised):
        trials.fmin(_waiting, SPACE, rand.suggest, 10, max_queue_len=4, rstate=1, show_progressbar=False)
    sender.join()

    assert trials.fmin_cancelled_reason == spark.FMIN_CANCELLED_REASON_USER
    states = [doc["state"] for doc in trials._dynamic_trials]
    assert len(states) >= 2
    assert set(states) == {JOB_STATE_CANCEL}


def test_a_suggest_function_that_raises_leaves_no_document_open(trials: SparkTrials) -> None:
    """What runs comes to its end, what waits is cancelled."""

    def suggest(ids: Any, domain: Any, trials: Any, seed: Any) -> Any:
        if len(trials):
            raise RuntimeError("no more")
        return rand.suggest(ids, domain, trials, seed)

    with pytest.raises(RuntimeError, match="no more"):
        trials.fmin(abs, SPACE, suggest, 10, max_queue_len=4, rstate=1, show_progressbar=False)

    states = [doc["state"] for doc in trials._dynamic_trials]
    assert states
    assert set(states) <= {JOB_STATE_DONE, JOB_STATE_CANCEL}


def test_jobs_that_do_not_end_have_one_deadline_and_their_trials_are_cancelled(
    trials: SparkTrials, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """However many there are; what one of them says later changes nothing."""
    monkeypatch.setattr(spark, "SparkJobs", _SilentJobs)
    monkeypatch.setattr(_spark_dispatcher, "_PATIENCE", 0.4)
    NEVER.clear()
    trials.parallelism = 8  # each with a patience of its own would take longer than all of them together
    given = {"timeout": 1, "max_queue_len": 8, "return_argmin": False, "show_progressbar": False}
    trials.fmin(_waiting, SPACE, rand.suggest, 8, rstate=1, **given)
    took = [record.created for record in caplog.records if "fmin cancelled because" in record.message]
    ended = [record.created for record in caplog.records if "cancelled jobs have not ended" in record.message]

    assert ended[0] - took[0] < 8 * 0.4
    assert [doc["state"] for doc in trials._dynamic_trials] == [JOB_STATE_CANCEL] * 8
    NEVER.set()
    for _ in range(8):
        assert LATE.acquire(timeout=60)
    assert [doc["state"] for doc in trials._dynamic_trials] == [JOB_STATE_CANCEL] * 8
