"""Which parameters a plot shows, where nobody said."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from parzen.analysis import ped_anova
from parzen.errors import SpaceError, StudyError, UnknownLabel
from parzen.trials import History

__all__ = ["chosen_columns", "chosen_pair"]

_NONE = "the space has no parameters to plot"


def chosen_columns(history: History, labels: Sequence[str] | None, most: int) -> list[int]:
    """The columns of some labels, or those that matter most, in the order of the space.

    Raises:
        UnknownLabel: a label is not in the space.
        SpaceError: the space has no parameters.
    """
    space = history.space
    if labels is not None:
        wanted = [labels] if isinstance(labels, str) else list(labels)
        for label in wanted:
            if label not in space.column:
                known = ", ".join(map(repr, space.labels)) or "none"
                raise UnknownLabel(f"the space has no parameter {label!r:.80}; it has {known}", label=label)
        return [space.column[label] for label in wanted]
    if not space.d:
        raise SpaceError(_NONE)
    if space.d <= most:
        return list(range(space.d))
    try:
        ranked = [space.column[one.label] for one in ped_anova(history)]
    except StudyError:
        ranked = list(range(space.d))
    return sorted(ranked[:most])


def chosen_pair(history: History, x: str | None, y: str | None) -> tuple[int, int]:
    """Two columns that are active together in some trial: those named, or the ones that matter most.

    Raises:
        UnknownLabel: a label is not in the space.
        SpaceError: there are no two such parameters.
    """
    space, active = history.space, history.active
    if x is None and y is None and not space.d:
        raise SpaceError(_NONE)
    named = chosen_columns(history, [label for label in (x, y) if label is not None], 2)
    try:
        ranked = [space.column[one.label] for one in ped_anova(history)]
    except StudyError:
        ranked = list(range(space.d))
    for i in named[:1] or ranked:
        for j in named[1:] or ranked:
            if i != j and bool(np.any(active[:, i] & active[:, j])):
                return i, j
    names = " and ".join(repr(label)[:80] for label in (x, y) if label is not None)
    if space.d < 2:
        found = f"and the space has only {space.labels[0]!r:.80}"
    elif not names:
        found = "and there are none"
    else:
        found = f"and {names} are not" if x is not None and y is not None else f"and {names} is active with no other"
    raise SpaceError(f"a contour needs two parameters that are active together, {found}")
