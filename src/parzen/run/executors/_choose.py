"""From what a user gave as `executor=` to an executor; engines are recognised by the module of their class, not imported."""

from __future__ import annotations

import importlib
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
    raise ExecutorError(f"executor= takes an engine or a parzen.run.executors.Executor, got {given!r:.80}")
