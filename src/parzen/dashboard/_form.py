"""A form for one configuration, made from the space; and what came of it, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from parzen._typing import FloatArray
from parzen._wording import number, plain, quoted
from parzen.dashboard._answers import Problem, is_whole
from parzen.dashboard._filter import option_names
from parzen.errors import BadDistribution, OutOfSpace, SpaceError
from parzen.space import Space
from parzen.space.distributions import LogNormal, Normal
from parzen.trials import History

__all__ = ["form_of", "params_from"]

_OPTIONS = 500
"""Options up to which they are a list to choose from."""


def form_of(history: History, trial: int | None = None) -> dict[str, Any]:
    """What the page needs to ask for a configuration.

    Each field has its column, label, whether it is a choice and of what, what numbers it takes, and when it is active: an or
    of ands of (column, code).  `values` is what the form begins with: those of `trial`, else of the best one.

    Raises:
        Problem: there is no such trial.
    """
    space = history.space
    if trial is not None and not 0 <= trial < len(history):
        raise Problem(f"there is no trial {trial}: the study has {len(history)}, counted from 0", 404)
    number_ = history.best_number if trial is None else trial
    start = np.full(space.d, np.nan) if number_ is None else history.values[number_]
    fields = [_field(history, j) for j in range(space.d)]
    values = [None if x != x else _plain(space, j, x) for j, x in enumerate(start.tolist())]
    return {"fields": fields, "values": values, "of": number_, "missing": [plain(one, 60) for one in space.missing]}


def _plain(space: Space, j: int, x: float) -> float | int:
    distribution = space.distributions[j]
    whole = space.is_choice(j) or (distribution is not None and distribution.integral)
    return int(x) if whole else x


def _field(history: History, j: int) -> dict[str, Any]:
    space = history.space
    distribution = space.distributions[j]
    field: dict[str, Any] = {
        "column": j,
        "label": space.labels[j],
        "choice": space.is_choice(j),
        "when": [[list(pair) for pair in conjunction] for conjunction in space.conditions[j]],
    }
    if space.is_choice(j):
        names = option_names(history, j)
        return {**field, "options": list(names[:_OPTIONS]), "what": f"one of {len(names)}"}
    if distribution is None:
        return {**field, "what": f"{space.param(j).family}, whose bounds are computed"}
    low, high = np.asarray(distribution.from_unit(np.array([0.0, 1.0]))).tolist()
    if isinstance(getattr(distribution, "base", distribution), (Normal, LogNormal)):
        # What there is at 0 and at 1 are the last quantiles that can be computed, and no bounds.
        low, high = -np.inf, np.inf
    ends = f"{number(low)} to {number(high)}" if np.isfinite([low, high]).all() else distribution.describe()
    scale = ", logarithmic" if "log" in distribution.family else ""
    return {
        **field,
        "integer": distribution.integral,
        "low": low if np.isfinite(low) else None,
        "high": high if np.isfinite(high) else None,
        "what": f"{'whole number' if distribution.integral else 'number'}, {ends}{scale}",
    }


def params_from(space: Space, given: object) -> dict[str, Any]:
    """Label -> real value, of what somebody filled in; what is inactive or left open is not in it.

    Args:
        space: of the study.
        given: column (as text) -> number or text; an option is given by its place.

    Raises:
        Problem: a value cannot be; `label` and `column` say which.
    """
    if not isinstance(given, Mapping):
        raise Problem("a configuration is a mapping from columns to values")
    row = np.full(space.d, np.nan)
    for key, value in given.items():
        if not is_whole(str(key)) or int(key) >= space.d:
            raise Problem(f"there is no column {key!r:.40}")
        if value is None or value == "":
            continue
        row[int(key)] = _read(space, int(key), value)
    # Columns in order: what a value makes inactive is not looked at, what is left open is drawn when it is enqueued.
    found = np.full(space.d, np.nan)
    for j, label in enumerate(space.labels):
        if not space.is_active(j, found):
            continue
        try:
            distribution = space.distribution(j, found)
            found[j] = float(distribution.from_unit(np.array([0.5]))[0])
            if row[j] == row[j]:
                found[j] = distribution.nearest(float(row[j]))
        except BadDistribution as error:
            raise _blamed(space, j, f"{plain(label, 60)}: {error}") from None
    return _named(space, found, ~np.isnan(row))


def _named(space: Space, row: FloatArray, given: FloatArray) -> dict[str, Any]:
    try:
        params = space.params(space.completed(row))
    except (OutOfSpace, SpaceError) as error:
        raise Problem(str(error), label=str(getattr(error, "label", ""))) from None
    return {label: value for label, value in params.items() if given[space.column[label]]}


def _read(space: Space, j: int, value: object) -> float:
    label = plain(space.labels[j], 60)
    try:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise ValueError
        x = float(value)
        if not np.isfinite(x):
            raise ValueError
    except ValueError:
        raise _blamed(space, j, f"{label}: expected a number, got {quoted(str(value), 40)}") from None
    if space.is_choice(j):
        size = getattr(space.distributions[j], "size", None)
        if x != int(x) or not 0 <= x < (size or 0):
            raise _blamed(space, j, f"{label}: there is no option {plain(str(value), 40)}; there are {size}")
    return x


def _blamed(space: Space, j: int, sentence: str) -> Problem:
    return Problem(sentence, label=space.labels[j], column=j)
