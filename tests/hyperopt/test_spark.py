"""What of Spark needs no Spark; `tests/engines/test_spark.py` has the rest."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from parzen.errors import MissingDependency
from parzen.hyperopt import spark
from parzen.hyperopt.spark import SparkTrials

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
