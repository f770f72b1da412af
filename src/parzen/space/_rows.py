"""Rows, one column after the other: all of a finite space, and the branches that a few given values stand on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from parzen._typing import FloatArray
from parzen.errors import OutOfSpace, SpaceError

if TYPE_CHECKING:
    from parzen.space._space import Space

__all__ = ["all_rows", "imply_branches"]


def all_rows(space: Space) -> Iterator[FloatArray]:
    """Every row `(d,)` of a finite space, the last column changing fastest.

    Raises:
        SpaceError: a column turns out to have no finite list of values.
    """
    row = np.full(space.d, np.nan)
    pending: list[Iterator[Any]] = [_choices(space, 0, row)] if space.d else []
    if not pending:
        yield row
    while pending:
        j = len(pending) - 1
        row[j:] = np.nan
        for x in pending[-1]:
            row[j] = x
            break
        else:
            pending.pop()
            continue
        if j + 1 == space.d:
            yield row.copy()
        else:
            pending.append(_choices(space, j + 1, row))


def _choices(space: Space, j: int, row: FloatArray) -> Iterator[Any]:
    if not space.is_active(j, row):
        return iter((np.nan,))
    distribution = space.distribution(j, row)
    if distribution.size is None:
        raise SpaceError(f"parameter {space.labels[j]!r} has no finite list of values", label=space.labels[j])
    return iter(distribution.values())


def imply_branches(space: Space, row: FloatArray) -> None:
    """Take the branches that the values of a row `(d,)` stand on, where it says nothing about them.

    Raises:
        OutOfSpace: two of its values cannot be active together, and nothing says which branch is meant.
    """
    implied: dict[int, int] = {}
    wanted = np.flatnonzero(~np.isnan(row)).tolist()
    while wanted:
        j = wanted.pop()
        ways = [
            conjunction
            for conjunction in space.conditions[j]
            if all(np.isnan(row[column]) or row[column] == code for column, code in conjunction)
        ]
        if not ways:
            clash = [column for conjunction in space.conditions[j] for column, _ in conjunction if column in implied]
            if clash:
                raise OutOfSpace(
                    f"parameters {space.labels[j]!r} and {space.labels[implied[clash[0]]]!r} are never active together: "
                    f"give {space.labels[clash[0]]!r} too, to say which branch is meant",
                    label=space.labels[j],
                )
            continue  # it is inactive in the branch that was given, and not looked at
        for column, code in ways[0]:
            if np.isnan(row[column]):
                row[column], implied[column] = code, j
                wanted.append(column)
