"""From what a user gave as `executor=` to an executor; engines are recognised by the module of their class, not imported."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from parzen.errors import ExecutorError
from parzen.run.executors._base import Executor

__all__ = ["executor_of"]


def executor_of(given: Any, slots: int | None, *, threads: bool = False) -> Executor:
    """The executor that a user meant.

    Args:
        given: None for processes (or threads) of this machine; an `Executor`; or an engine that one is made for.
        slots: how many trials at once; None for as many as the engine has.

    Raises:
        ExecutorError: it is nothing that trials can run on, or the engine does not say how many at once.
    """
    if given is None:
        name = "Threads" if threads else "Processes"
        made: Executor = getattr(importlib.import_module(f"parzen.run.executors.{name.lower()}"), name)(slots or 1)
        return made
    if isinstance(given, Executor) and not isinstance(given, type):
        return given
    for owner, module, name in _ENGINES:
        if _is_of(given, owner):
            engine: Executor = getattr(importlib.import_module(f"parzen.run.executors.{module}"), name)(given, slots)
            return engine
    if isinstance(given, str):
        what = (
            "the module itself (import ray, executor=ray)" if given == "ray" else "the object itself, and not its name"
        )
        raise ExecutorError(
            f"executor={given[:80]!r} is a name: give {what}; for processes of this machine give parallel="
        )
    raise ExecutorError(
        f"executor= takes an engine ({', '.join(dict.fromkeys(owner.partition('.')[0] for owner, *_ in _ENGINES))}) or a "
        f"parzen.run.executors.Executor, got {given!r:.80}"
    )


_ENGINES = (
    ("distributed.client.Client", "dask", "Dask"),
    ("ray", "ray", "Ray"),
    ("pyspark.sql.session.SparkSession", "spark", "Spark"),
    ("pyspark.sql.classic.session.SparkSession", "spark", "Spark"),
    ("submitit.core.core.Executor", "submitit", "Submitit"),
    ("joblib.parallel.Parallel", "joblib", "Joblib"),
    ("concurrent.futures.thread.ThreadPoolExecutor", "futures", "ThreadFutures"),
    ("concurrent.futures._base.Executor", "futures", "Futures"),
)
"""Class of an engine -> where our executor for it is; the first that fits."""


def _is_of(given: Any, owner: str) -> bool:
    """Whether something is an object of a class that is told by its name, or is a module of that name."""
    if isinstance(given, ModuleType):
        return given.__name__ == owner
    return any(f"{cls.__module__}.{cls.__qualname__}" == owner for cls in type(given).__mro__)
