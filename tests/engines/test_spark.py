"""Trials on Spark, in local mode: several at once, cancelled when time is up, failures kept.

Run with `-m engines` where pyspark and Java are; `tests/hyperopt/test_spark.py` has what needs neither.
"""

from __future__ import annotations

import logging
import os
import pickle
import shutil
import sys
import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from parzen.errors import AllTrialsFailed, StudyError
from parzen.hyperopt import STATUS_OK, early_stop, fmin, hp, rand
from parzen.hyperopt.spark import SparkTrials

SPACE = hp.uniform("x", 0, 1)
# Starting a JVM takes what it takes; the warnings are pyspark's own, about other packages and sockets left open.
pytestmark = [pytest.mark.engines, pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    pytest.importorskip("pyspark")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.master("local[4]").config("spark.ui.enabled", "false")
        made = builder.config("spark.ui.showConsoleProgress", "false").getOrCreate()
        made.sparkContext.setLogLevel("OFF")
        yield made
        made.stop()


def _search(fn: Any, trials: SparkTrials, evals: int, **given: Any) -> Any:
    return fmin(fn, SPACE, rand.suggest, evals, trials=trials, rstate=1, verbose=False, **given)


def test_trials_that_raise_are_kept_and_the_others_count(session: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The traceback is in the document; attachments arrive; the trials can be pickled."""

    def objective(x: float) -> dict[str, Any]:
        if x > 0.7:
            raise RuntimeError("too high")
        return {"loss": x, "status": STATUS_OK, "attachments": {"note": b"low"}}

    trials = SparkTrials(parallelism=4, spark_session=session)
    with caplog.at_level(logging.INFO, "hyperopt-spark"):
        best = _search(objective, trials, 12)

    failed = [doc for doc in trials._dynamic_trials if "error" in doc["misc"]]
    assert (trials.count_total_trials(), trials.count_failed_trials()) == (12, len(failed))
    assert trials.count_successful_trials() == len(trials) == 12 - len(failed)
    assert 0 < len(failed) < 12
    assert failed[0]["misc"]["error"][0] == "<class 'RuntimeError'>"
    assert "too high" in failed[0]["misc"]["error"][1]
    assert best["x"] == min(trials.vals["x"])
    assert trials.trial_attachments(trials.trials[0])["note"] == b"low"
    assert f"Total Trials: 12: {len(trials)} succeeded, {len(failed)} failed, 0 cancelled." in caplog.text
    assert pickle.loads(pickle.dumps(trials)).vals == trials.vals
    assert trials.fmin_cancelled_reason is None


def test_the_timeout_cancels_what_is_running(session: Any) -> None:
    """`fmin` returns long before the objective would; nothing stays RUNNING; the same trials may go on."""

    def slow(x: float) -> float:
        time.sleep(120)
        return x

    trials = SparkTrials(parallelism=2, spark_session=session, timeout=3)
    began = time.monotonic()
    answer = _search(slow, trials, 5, return_argmin=False)

    assert answer is None
    assert time.monotonic() - began < 60
    assert trials.fmin_cancelled_reason == "fmin run timeout"
    assert trials.count_cancelled_trials() == trials.count_total_trials() == len(trials._dynamic_trials)
    trials.timeout = None
    assert _search(lambda x: x, trials, 3)["x"] <= 1
    assert trials.fmin_cancelled_reason is None


def test_a_loss_that_is_low_enough_ends_the_search(session: Any) -> None:
    """Results that are there stay."""
    trials = SparkTrials(parallelism=2, spark_session=session)
    best = _search(lambda x: x, trials, 200, loss_threshold=0.5)

    assert best["x"] <= 0.5
    assert trials.count_total_trials() < 200
    assert trials.fmin_cancelled_reason == "loss threshold"


def test_a_rule_to_stop_early_sees_finished_trials_only(session: Any) -> None:
    """So that a rule that looks at the last loss finds one."""

    def objective(x: float) -> float:
        if x > 0.8:
            raise RuntimeError("too high")
        return 1.0

    seen: list[Any] = []

    def rule(trials: Any, *args: Any) -> Any:
        seen.append(trials.trials[-1]["result"]["loss"])
        return stop(trials, *args)

    stop = early_stop.no_progress_loss(3)
    trials = SparkTrials(parallelism=2, spark_session=session)
    _search(objective, trials, 100, early_stop_fn=rule)

    assert trials.fmin_cancelled_reason == "early stopping condition"
    assert trials.count_total_trials() < 100
    assert set(seen) == {1.0}


def test_what_cannot_be_sent_back_is_that_trials_failure(session: Any) -> None:
    """Not the end of the search."""
    trials = SparkTrials(parallelism=1, spark_session=session)
    _search(lambda x: {"loss": x, "status": STATUS_OK, "open": (i for i in range(3))}, trials, 1, return_argmin=False)

    assert trials.count_failed_trials() == 1
    with pytest.raises(AllTrialsFailed, match="There are no evaluation tasks"):
        _search(lambda x: 1 / 0, SparkTrials(parallelism=1, spark_session=session), 1)
    with pytest.raises(StudyError, match="expr, memo and ctrl"):
        _search(lambda x: x, trials, 2, pass_expr_memo_ctrl=True)
