"""Hyperopt's trials on an IPython cluster: the name, and what to use instead.

Hyperopt's own imports `IPython.parallel`, which left IPython in 2015, so no program of today can have been using it.
"""

from __future__ import annotations

from typing import Any

from parzen.errors import StudyError
from parzen.hyperopt.base import Trials

__all__ = ["IPythonTrials", "LostEngineError"]


class LostEngineError(RuntimeError):
    """An engine of the cluster vanished, and a trial with it."""


class IPythonTrials(Trials):
    """Not built: the constructor says what takes its place.

    Raises:
        StudyError: always.
    """

    def __init__(self, client: Any = None, job_error_reaction: str = "raise", save_ipy_metadata: bool = True) -> None:
        raise StudyError(
            "IPythonTrials is not part of parzen: let several processes work on one study instead, with "
            'trials=Trials(storage="study.db", name="study") here and "parzen worker study.db --name study --objective '
            'module:function" on each engine or in each shell; SparkTrials runs trials on a cluster'
        )
