"""Trials as rows of a table: chosen, sorted and cut to a page on whole columns, and only the page's rows put into words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from parzen._typing import FloatArray, IntArray
from parzen._wording import settings
from parzen.dashboard._answers import Problem, is_whole
from parzen.dashboard._filter import FIELDS, matching, option_names
from parzen.trials import History, State

__all__ = ["MOST", "Wanted", "chosen", "page_of", "row_of"]

MOST = 500
"""Rows of a page."""
_LONG = 400
"""Characters of an option: the page cuts what it has no room for, and has the rest at hand."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to see.

    Attributes:
        where: a condition, see `_filter`.
        states: names of states; empty for all.
        sort: a field, "state", "rule", or "p3" for the parameter of column 3.
        descending: the greatest first; trials without a value are last in any case.
        only: numbers to choose from; None for all.
    """

    where: str = ""
    states: tuple[str, ...] = ()
    sort: str = "number"
    descending: bool = True
    only: tuple[int, ...] | None = None


def chosen(history: History, wanted: Wanted) -> IntArray:
    """Numbers of the trials that are wanted, in the order that is wanted.

    Raises:
        Problem: the condition cannot be read, or there is no such column or state.
    """
    mask = matching(history, wanted.where)
    if wanted.states:
        try:
            states = [int(State[name]) for name in wanted.states]
        except KeyError as error:
            raise Problem(
                f"there is no state {error.args[0]!r:.40}; there are {', '.join(State.__members__)}"
            ) from None
        mask = mask & np.isin(history.state, states)
    if wanted.only is not None:
        inside = np.zeros(len(history), dtype=bool)
        inside[[number for number in wanted.only if 0 <= number < len(history)]] = True
        mask = mask & inside
    numbers = np.flatnonzero(mask)
    keys = _keys(history, wanted.sort)[numbers]
    order = np.argsort(-keys if wanted.descending else keys, kind="stable")  # NaN is last both ways
    return np.asarray(numbers[order], dtype=np.int64)


def _keys(history: History, sort: str) -> FloatArray:
    """`(n,)` numbers by which trials are ordered."""
    space = history.space
    if sort in FIELDS:
        return FIELDS[sort](history)
    if sort == "state":
        return history.state.astype(np.float64)
    if sort == "rule":
        return _ranks([history.source(i) for i in range(len(history))])
    if sort[:1] == "p" and is_whole(sort[1:]) and int(sort[1:]) < space.d:
        j = int(sort[1:])
        values = history.values[:, j]
        if not space.is_choice(j):
            return values
        names = [str(value).lower() for value in option_names(history, j)]
        if not names:
            return values
        place = np.append(_ranks(names), np.nan)
        return np.asarray(place[np.where(np.isnan(values), -1, values).astype(np.int64)])
    raise Problem(f"there is no column {sort!r:.40} to sort by")


def _ranks(texts: Sequence[str]) -> FloatArray:
    order = {text: place for place, text in enumerate(sorted(set(texts)))}
    return np.array([order[text] for text in texts], dtype=np.float64)


def page_of(history: History, wanted: Wanted, offset: int, limit: int) -> dict[str, Any]:
    """A page of rows, with how many there are in all."""
    numbers = chosen(history, wanted)
    limit = min(max(limit, 1), MOST)
    offset = max(0, min(offset, max(len(numbers) - 1, 0) // limit * limit))
    rows = [row_of(history, number) for number in numbers[offset : offset + limit].tolist()]
    return {"rows": rows, "total": len(numbers), "all": len(history), "offset": offset, "seq": history.seq}


def row_of(history: History, i: int) -> dict[str, Any]:
    """One trial in short."""
    error = history.error(i)
    return {
        "number": i,
        "state": State(history.state_of(i)).name,
        "loss": _told(history.reported(history.losses[i])),
        "partial": _told(history.reported(history.partial[i])),
        "seconds": _told(history.seconds[i]),
        "rule": history.source(i)[:80],
        "started": _told(history.started_at[i]),
        "finished": _told(history.finished_at[i]),
        "error": None if error is None else str(error)[:200],
        "values": values_of(history, i),
    }


def values_of(history: History, i: int) -> list[Any]:
    """`d` values as people call them; None where inactive."""
    row = history.values[i]
    words = iter(settings(history.space, row, _LONG))
    return [next(words)[1] if x == x else None for x in row.tolist()]


def _told(x: float) -> float | None:
    return float(x) if np.isfinite(x) else None
