"""Importance for the loss itself: the functional analysis of variance of a forest.

Hutter, Hoos and Leyton-Brown 2014, "An efficient approach for assessing hyperparameter importance": a forest is fitted to
the losses, and the variance of what it expects over the *whole* space is shared out among columns and pairs of them.  So it
answers for the space as the prior draws from it, not for the places where a search has been.

The quantiles of the columns are independent and uniform under the prior, whatever the space, which makes the decomposition
plain: one draw of 16 384 rows is cut into cells by each column in turn, and the variance between the cells' means, less
what it has of the variance within them, is what the column explains.  A column that is active in a share w of the draws
explains w times the variance between its cells there; the merit of a branch as a whole is the choice's.

`floor` is what a column of random numbers gets that was given to the forest beside the real ones (Kursa and Rudnicki 2010,
"Feature selection with the Boruta package", the shadow).
"""

from __future__ import annotations

import numpy as np

from parzen._typing import FloatArray, IntArray
from parzen.analysis._forest import Forest
from parzen.analysis._importances import Importance, Importances, Interaction
from parzen.analysis._source import Source, history_of
from parzen.space import Space

__all__ = ["fanova"]

_ROWS = 16_384
_CELLS, _PAIR_CELLS = 16, 8
_PAIRED = 8
"""Columns among which pairs are looked at: 28 pairs."""


def fanova(source: Source, *, seed: int = 0) -> Importances:
    """Which parameters matter for the loss, over the whole space.

    Trials without a finite loss are left out; losses that are far out count as the fence beyond which they are.

    Args:
        source: a study, a result or a history.
        seed: of the forests.

    Raises:
        MissingDependency: scikit-learn is not installed: `pip install "parzen[sklearn]"`.
        StudyError: fewer than ten trials have a finite loss.
    """
    history = history_of(source)
    space = history.space
    forest = Forest.of(history, shadow=True, seed=seed)
    rng = np.random.default_rng((seed, 1))
    points = space.sample(rng, _ROWS)
    unit = np.column_stack((space.to_unit(points), rng.random(_ROWS)))
    told = forest.predict(unit)
    total = told.var(axis=0)
    total[total <= 0] = np.inf
    columns = [_cells(space, points.values, unit, j, _CELLS) for j in range(space.d)]
    columns.append(np.minimum((unit[:, -1] * _CELLS).astype(np.int64), _CELLS - 1))
    alone = [_between(cells, told) / total for cells in columns]
    floor = float(np.quantile(alone[-1], 0.95))
    found = [
        Importance(label, *_summary(alone[j]), floor, int(history.active[forest.numbers, j].sum()))
        for j, label in enumerate(space.labels)
    ]
    found.sort(key=lambda one: -one.value)
    chosen = [space.column[one.label] for one in found[:_PAIRED]]
    coarse = {j: _cells(space, points.values, unit, j, _PAIR_CELLS) for j in chosen}
    shadow = np.minimum((unit[:, -1] * _PAIR_CELLS).astype(np.int64), _PAIR_CELLS - 1)
    # What the shadow has in common with the greatest column is what chance gives to a pair.
    chance = float(np.quantile(_beyond(coarse[chosen[0]], shadow, told) / total, 0.95)) if chosen else 0.0
    pairs = []
    for place, i in enumerate(chosen):
        for j in chosen[place + 1 :]:
            both = (coarse[i] >= 0) & (coarse[j] >= 0)
            if both.sum() < _PAIR_CELLS**2:
                continue
            trials = int((history.active[forest.numbers, i] & history.active[forest.numbers, j]).sum())
            beyond = _beyond(coarse[i], coarse[j], told) / total
            pairs.append(Interaction((space.labels[i], space.labels[j]), *_summary(beyond), chance, trials))
    return Importances(
        "fanova",
        f"the {history.objectives[0]}, over the whole space",
        tuple(found),
        tuple(sorted(pairs, key=lambda one: -one.value)),
        len(forest.numbers),
        forest.explained,
    )


def _summary(shares: FloatArray) -> tuple[float, float, float]:
    low, high = np.quantile(shares, [0.05, 0.95])
    return tuple(float(np.clip(x, 0.0, 1.0)) for x in (shares.mean(), low, high))  # type: ignore[return-value]  # three


def _cells(space: Space, values: FloatArray, unit: FloatArray, j: int, most: int) -> IntArray:
    """`(n,)` the cell of each row; -1 where the column is inactive."""
    distribution = space.distributions[j]
    known = ~np.isnan(unit[:, j])
    cells = np.full(len(unit), -1, dtype=np.int64)
    if distribution is not None and not distribution.ordered:
        cells[known] = values[known, j].astype(np.int64)
    else:
        cells[known] = np.minimum((unit[known, j] * most).astype(np.int64), most - 1)
    return cells


def _between(cells: IntArray, told: FloatArray) -> FloatArray:
    """`(forests,)` variance between the means of the cells, times the share of rows in them, without what chance adds."""
    known = cells >= 0
    n = int(known.sum())
    if n < 2:
        return np.zeros(told.shape[1])
    _, which, counts = np.unique(cells[known], return_inverse=True, return_counts=True)
    y = told[known] - told[known].mean(axis=0)
    order = np.argsort(which.reshape(-1), kind="stable")
    sums = np.add.reduceat(y[order], np.cumsum(counts) - counts, axis=0)
    between = (sums**2 / counts[:, None]).sum(axis=0)
    within = (y**2).sum(axis=0) - between
    k = len(counts)
    # Of k cells without any effect the squares between them come to k - 1 times the variance within.
    unbiased = (between - (k - 1) * within / max(n - k, 1)) / n
    return np.asarray(unbiased * n / len(cells))


def _beyond(first: IntArray, second: IntArray, told: FloatArray) -> FloatArray:
    """`(forests,)` what two columns explain together beyond what each does, where both are active."""
    both = (first >= 0) & (second >= 0)
    a, b = np.where(both, first, -1), np.where(both, second, -1)
    table = np.where(both, first * (int(second.max()) + 1) + second, -1)
    return np.asarray(_between(table, told) - _between(a, told) - _between(b, told))
