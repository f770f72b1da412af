"""Libraries and clusters that say `import hyperopt` get parzen, and work."""

from __future__ import annotations

import importlib.util

import pytest

pytestmark = [pytest.mark.engines, pytest.mark.timeout(300)]


def test_tasks_of_ray_import_parzen(passes):
    """In a cluster that is started after the alias, and in one that was there before, by way of `runtime_env`."""
    pytest.importorskip("ray")
    passes("ray_tasks.py")


@pytest.mark.parametrize("session", ["before", "after"])
def test_jobs_of_spark_import_parzen(passes, session: str):
    """In a session that was there before the alias, and in one that is started after it."""
    pytest.importorskip("pyspark")
    passes("spark_jobs.py", session)


def test_ray_tune_searches_with_parzen(passes, tmp_path):
    """`HyperOptSearch` in a `Tuner`: nested space, given points, save and restore, Ray's own words for spaces."""
    pytest.importorskip("ray.tune")
    passes("ray_tune.py", tmp_path)


def test_hyperopt_sklearn_searches_with_parzen(passes):
    """`HyperoptEstimator` finds a classifier with its preprocessing; the package asks for another version of Hyperopt."""
    pytest.importorskip("sklearn")
    # Not imported here: it would import Hyperopt.
    if importlib.util.find_spec("hpsklearn") is None:
        pytest.skip("could not import 'hpsklearn': pip install --no-deps hyperopt-sklearn==1.1.1")
    passes("hyperopt_sklearn.py")
