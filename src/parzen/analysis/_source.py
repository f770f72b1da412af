"""What all of the analysis reads: a history, and which of its trials say what."""

from __future__ import annotations

from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np

from parzen._typing import BoolArray, IntArray
from parzen.errors import StudyError, UnknownLabel
from parzen.space import Space
from parzen.trials import Header, History, State

__all__ = ["HasHistory", "Source", "column_of", "ended", "history_of", "says_noisy", "scored", "top_of"]


@runtime_checkable
class HasHistory(Protocol):
    """A study, a result: whatever knows its history."""

    @property
    def history(self) -> History:
        """The columns."""
        ...


Source: TypeAlias = History | HasHistory
"""What can be looked at: a `History`, or a study or result that has one."""


def history_of(source: Source) -> History:
    """The history as it is now; a run that goes on does not change it under whoever looks.

    Raises:
        TypeError: there is none.
    """
    if isinstance(source, History):
        return source.snapshot()
    if isinstance(source, HasHistory):
        return source.history.snapshot()
    hint = ""
    if hasattr(source, "miscs"):  # documents of the old door, which is a floor above
        hint = (
            '; Hyperopt\'s Trials are documents without a study: search with trials=Trials(storage="study.db"), and give '
            'Study.load("study.db")'
        )
    raise TypeError(f"give a Study, a Result or a History to look at, got {source!r:.80}{hint}")


def says_noisy(source: Source) -> bool:
    """Whether a study, or that of a result, was made with `noisy=True`; a history by itself does not know."""
    header = getattr(getattr(source, "study", source), "header", None)
    return isinstance(header, Header) and header.noisy


def column_of(space: Space, label: str) -> int:
    """The column of a parameter (raises `UnknownLabel` where there is none)."""
    if label not in space.column:
        known = ", ".join(map(repr, space.labels)) or "none"
        raise UnknownLabel(f"the space has no parameter {label!r:.80}; it has {known}", label=label)
    return space.column[label]


def scored(history: History, least: int = 1) -> IntArray:
    """Numbers of the trials with a finite loss.

    Raises:
        StudyError: there are fewer than `least`.
    """
    numbers = np.flatnonzero(history.ok & np.isfinite(history.losses)).astype(np.int64)
    if len(numbers) < least:
        raise StudyError(
            f"this needs at least {least} trial{'s' if least > 1 else ''} with a finite loss, and the study has {len(numbers)} "
            f"({history.tally or 'no trials'})"
        )
    return numbers


def ended(history: History) -> BoolArray:
    """`(n,)` which trials have ended and count: those that failed or were pruned are no good ones, and say as much."""
    return np.isin(history.state, [int(s) for s in (State.OK, State.FAILED, State.PRUNED, State.ERROR)])


def top_of(history: History, share: float, among: IntArray | None = None, least: int = 10) -> IntArray:
    """Numbers of the best trials, the best first: a share of all that ended, at least `least` and at most a third.

    Args:
        history: of the study.
        share: from 0 to 1.
        among: numbers of trials that have ended; None for all of them.
        least: how many at least.
    """
    known = scored(history, 3)
    chosen = np.flatnonzero(ended(history)).astype(np.int64) if among is None else among
    numbers = np.intersect1d(known, chosen)
    if len(numbers) < 3:
        raise StudyError(f"this needs at least 3 trials that differ and have a finite loss; {len(numbers)} do")
    count = max(round(share * len(chosen)), min(least, len(chosen) // 3), 1)
    order = np.argsort(history.losses[numbers], kind="stable")
    return numbers[order[:count]]
