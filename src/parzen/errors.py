"""Every error that parzen raises, in one tree.

Each class also is the builtin that an ordinary user would catch, carries the facts as attributes, and its text says
what was expected, what came, and what to do.  `TrialPruned` and `StopStudy` are signals, not errors.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "AlgorithmError",
    "AllTrialsFailed",
    "AlreadyFinished",
    "AlreadyImported",
    "BadDistribution",
    "BadLabel",
    "Conflict",
    "CorruptLog",
    "DuplicateLabel",
    "ExecutorError",
    "InvalidLoss",
    "InvalidResult",
    "MissingDependency",
    "NotPicklable",
    "ObjectiveError",
    "ObjectiveMemory",
    "ObjectiveTimeout",
    "OutOfSpace",
    "ParzenError",
    "SchemaTooNew",
    "SpaceError",
    "SpaceExhausted",
    "SpaceMismatch",
    "StopStudy",
    "StorageError",
    "StudyError",
    "StudyExists",
    "StudyNotFound",
    "TooLarge",
    "TrialPruned",
    "Unavailable",
    "UnknownLabel",
    "UnsupportedSpace",
]


class ParzenError(Exception):
    """The root: `except parzen.ParzenError` catches everything that parzen raises on purpose."""

    def __init__(self, message: str, **facts: Any) -> None:  # facts are of any type: that is what they are for
        super().__init__(message)
        self.__dict__.update(facts)


# --- what may be tried ------------------------------------------------------------------------------------------


class SpaceError(ParzenError, ValueError):
    """The search space makes no sense, or something does not fit into it.  `label` names the parameter, if one is to blame."""

    label: object = None


class DuplicateLabel(SpaceError):
    """One label stands for two different parameters."""


class BadLabel(SpaceError, TypeError):
    """A label is not a string."""


class BadDistribution(SpaceError):
    """The arguments of a distribution contradict each other."""


class UnknownLabel(SpaceError):
    """A value was given for a label that the space does not have."""


class OutOfSpace(SpaceError):
    """A value cannot have come from the space."""


# --- what the objective did -------------------------------------------------------------------------------------


class ObjectiveError(ParzenError):
    """The objective did something that cannot be used.  `number` and `params` name the trial, `result` is what came."""

    number: int | None = None
    params: dict[str, object] | None = None
    result: object = None


class InvalidResult(ObjectiveError, ValueError):
    """The objective returned neither a number nor a mapping with a known status."""


class InvalidLoss(ObjectiveError, ValueError):
    """The loss is not a number."""


class ObjectiveTimeout(ObjectiveError, TimeoutError):
    """A trial took longer than `trial_timeout`, and was ended.  It is recorded, not raised."""


class ObjectiveMemory(ObjectiveError, MemoryError):
    """A trial used more memory than `trial_memory`, and was ended.  It is recorded, not raised."""


# --- what the algorithm could not do ----------------------------------------------------------------------------


class AlgorithmError(ParzenError):
    """An algorithm cannot go on, or there is none of that name; so with pruners, which are chosen in the same way."""


class SpaceExhausted(AlgorithmError):
    """Every configuration of a finite space has been proposed."""


class UnsupportedSpace(AlgorithmError, ValueError):
    """This algorithm does not work on this kind of space."""


# --- studies ----------------------------------------------------------------------------------------------------


class StudyError(ParzenError):
    """A study cannot do what was asked."""


class StudyNotFound(StudyError, LookupError):
    """No study of that name is in the storage.  `gone` says that one was meant that had been there."""

    gone: bool = False


class StudyExists(StudyError):
    """A study of that name is in the storage already."""


class SpaceMismatch(StudyError, ValueError):
    """A stored study has another space under the same name.  `differences` lists them, one sentence each."""

    differences: tuple[str, ...] = ()


class AllTrialsFailed(StudyError):
    """There is no best trial: none has a finite loss."""


class AlreadyFinished(StudyError, ValueError):
    """A result was told for a trial that has one already."""


# --- storages ---------------------------------------------------------------------------------------------------


class StorageError(ParzenError):
    """A storage cannot be read or written."""


class Conflict(StorageError):
    """Another writer was first; retryable: pull, then ask again."""


class Unavailable(StorageError, OSError):
    """The storage does not answer just now (locked, disk full, server gone); retryable once the cause is mended.

    `passing` says that the connection broke or a lock was not had: the same may do well if it is done again at once.
    `gone` says that the file was there and is not any more.
    """

    passing: bool = False
    gone: bool = False


class TooLarge(StorageError, ValueError):
    """A result, an attachment or a note is larger than the storage takes at once.  `size` and `limit` are bytes, where known."""

    size: int | None = None
    limit: int | None = None


class CorruptLog(StorageError, ValueError):
    """The stored log is damaged, or the file is not a parzen study at all.  It is left as it was."""


class SchemaTooNew(StorageError):
    """The file was written by a newer parzen than this one can read."""


# --- executors --------------------------------------------------------------------------------------------------


class ExecutorError(ParzenError):
    """Trials cannot be evaluated where they were to be."""


class NotPicklable(ExecutorError, TypeError):
    """An objective, a configuration or a result cannot be sent to another process."""


# --- the rest ---------------------------------------------------------------------------------------------------


class MissingDependency(ParzenError, ImportError):
    """An optional package is not installed; the text names what to install."""


class AlreadyImported(ParzenError, ImportError):
    """Another Hyperopt was imported before `parzen.install_as_hyperopt()`; `module` is its name."""


class TrialPruned(Exception):
    """Raise it inside an objective to give up the trial: it is recorded as PRUNED, not as a failure."""


class StopStudy(Exception):
    """Raise it inside a callback or an objective to end the run after recording what is finished."""
