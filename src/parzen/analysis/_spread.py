"""Trials that are spread out: as many as there are different things that were tried.

A search that has converged tries hundreds of configurations next to each other.  To ask of all trials what sets the good ones
apart is then to ask about the last digit; and what most trials have in common, by an algorithm's habit, seems to matter.
So of trials that lie closer together than points of a uniform draw ever do, the first one stands for all.  Which that is
depends on the order of the trials alone, not on their losses.
"""

from __future__ import annotations

import numpy as np

from parzen._typing import FloatArray, IntArray
from parzen.space import Space
from parzen.trials import History

__all__ = ["apart", "spread_out"]

_MOST = 3000
"""Trials that are compared with each other; an even choice of more."""
_POOL, _DRAWN = 4000, 400
_CLOSE = 0.1
"""Share of a uniform draw that would be taken for crowded."""


def apart(space: Space, rows: FloatArray, row: FloatArray) -> FloatArray:
    """`(m,)` how different rows `(m, d)` of quantiles are from one, from 0 to 1.

    The root of the mean squared difference: 1 for another option, and for a column that only one of both has.
    """
    difference = np.abs(rows - row)
    named = [j for j, one in enumerate(space.distributions) if one is not None and not one.ordered]
    difference[:, named] = np.where(difference[:, named] > 0, 1.0, difference[:, named])
    neither = np.isnan(rows) & np.isnan(row)
    difference = np.where(neither, 0.0, np.where(np.isnan(difference), 1.0, difference))
    return np.asarray(np.sqrt((difference**2).sum(axis=1) / np.maximum((~neither).sum(axis=1), 1)))


def spread_out(history: History, numbers: IntArray, seed: int = 0) -> IntArray:
    """Those of the trials that do not crowd around an earlier one, in order."""
    space = history.space
    if len(numbers) > _MOST:
        numbers = numbers[np.linspace(0, len(numbers) - 1, _MOST).astype(np.int64)]
    if len(numbers) < 3 or not space.d:
        return numbers
    unit, active = history.unit[numbers], history.active[numbers]
    _, branch = np.unique(active, axis=0, return_inverse=True)  # trials of different branches are never alike
    branch = branch.reshape(-1)
    rng = np.random.default_rng((seed, 3))
    draws = space.sample(rng, _POOL)
    pool = space.to_unit(draws)
    chosen: list[int] = []
    for which in range(int(branch.max()) + 1):
        places = np.flatnonzero(branch == which)
        columns = active[places[0]]
        alike = pool[(draws.active == columns).all(axis=1)][: min(len(places), _DRAWN)]
        close = _closeness(space, alike, len(places), int(columns.sum()))
        kept = np.empty((len(places), space.d))
        count = 0
        for place in places.tolist():
            if not count or apart(space, kept[:count], unit[place]).min() > close:
                kept[count] = unit[place]
                count += 1
                chosen.append(place)
    return np.asarray(numbers[np.sort(chosen)])


def _closeness(space: Space, draws: FloatArray, n: int, d: int) -> float:
    """How near the nearest neighbour is for the most crowded tenth of `n` draws from the prior, of a branch of `d` columns.

    0, where only equal trials are alike, in a branch that is hardly ever drawn.
    """
    if len(draws) < 3 or not d:
        return 0.0
    nearest = [apart(space, np.delete(draws, i, axis=0), row).min() for i, row in enumerate(draws[:100])]
    # Distances to the nearest of n points go with n^(-1/d).
    return float(np.quantile(nearest, _CLOSE) * (len(draws) / n) ** (1.0 / d))
