"""Hyperopt's exceptions, by their own names.

All are parzen's own classes, so that either name catches them, and each also is the builtin that Hyperopt's is.
"""

from __future__ import annotations

from typing import Any

from parzen.errors import AllTrialsFailed, DuplicateLabel, InvalidLoss, ParzenError
from parzen.errors import InvalidResult as InvalidResultStatus
from parzen.errors import SpaceError as BadSearchSpace

__all__ = [
    "AllTrialsFailed",
    "BadSearchSpace",
    "DuplicateLabel",
    "InvalidAnnotatedParameter",
    "InvalidLoss",
    "InvalidResultStatus",
    "InvalidTrial",
    "MissingStatus",
]

_NOTHING: Any = object()  # told from every object that a caller might give; compared by identity only


class InvalidTrial(ParzenError, ValueError):
    """A trial document lacks what every document has, or contradicts itself.  `obj` is what was given."""

    obj: Any = None

    def __init__(self, message: str, obj: Any = _NOTHING) -> None:
        # Exceptions are unpickled from their text alone, and get their attributes afterwards.
        if obj is _NOTHING:
            super().__init__(message)
        else:
            super().__init__(f"{message}: {obj!r:.200}", obj=obj)


class InvalidAnnotatedParameter(BadSearchSpace):
    """A parameter of an annotated objective is annotated with something that is no node of hp.  `result` is that."""

    result: Any = None


class MissingStatus(InvalidResultStatus, KeyError):
    """An objective returned a mapping that does not say how it went."""

    __str__ = Exception.__str__  # a KeyError puts its text between quotes
