"""`import hyperopt` in jobs of Spark."""

import sys

from pyspark.sql import SparkSession

import parzen


def look(_):
    """Where `hyperopt` leads, and a draw made with it."""
    import hyperopt.pyll.base
    from hyperopt import Trials, fmin, hp, rand

    trials = Trials()
    fmin(lambda x: x**2, hp.uniform("x", 0, 1), algo=rand.suggest, max_evals=3, trials=trials, rstate=1, verbose=False)
    return hyperopt.__name__, trials


def session():
    """A local Spark with two workers."""
    return SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()


def found():
    """What two tasks of a job see."""
    return session().sparkContext.parallelize(range(2), 2).map(look).collect()


if sys.argv[1] == "before":
    session()  # is there first, as in a notebook of Databricks
parzen.install_as_hyperopt()
for name, trials in found():
    assert name == "parzen.hyperopt"
    assert type(trials) is parzen.Trials
    assert len(trials) == 3
session().stop()
