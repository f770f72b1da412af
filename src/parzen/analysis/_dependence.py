"""What the loss does along one parameter, or two, while all others are drawn from their priors.

Friedman 2001, "Greedy function approximation: a gradient boosting machine", section 8.2, partial dependence; by a forest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from parzen._typing import JSON, FloatArray
from parzen.analysis._forest import Forest
from parzen.analysis._source import Source, column_of, history_of
from parzen.errors import SpaceError
from parzen.space import Space

__all__ = ["Dependence", "partial_dependence"]

_GRID, _PAIR_GRID, _DRAWS = 32, 16, 256


@dataclass(frozen=True, slots=True)
class Dependence:
    """The expected loss along parameters.

    Attributes:
        labels: one parameter, or two.
        values: for each of them the `k` values looked at, codes for options.
        names: the same as people call them.
        loss: `(k,)` or `(k, k')` in the user's own sign; NaN where two values never occur together.
        low, high: what the lowest and the highest of nine tenths of the forests say.
        trials: how many the forests have seen.
        explained: as of `Importances`.
    """

    labels: tuple[str, ...]
    values: tuple[FloatArray, ...]
    names: tuple[tuple[str, ...], ...]
    loss: FloatArray
    low: FloatArray
    high: FloatArray
    trials: int
    explained: float

    def to_json(self) -> Mapping[str, JSON]:
        """All of it as JSON."""
        return {
            "labels": list(self.labels),
            "values": [v.tolist() for v in self.values],
            "names": [list(n) for n in self.names],
            **{name: getattr(self, name).tolist() for name in ("loss", "low", "high")},
            "trials": self.trials,
            "explained": self.explained,
        }


def partial_dependence(source: Source, label: str, other: str | None = None, *, seed: int = 0) -> Dependence:
    """The expected loss along one parameter, or two, where they are active.

    Args:
        source: a study, a result or a history.
        label, other: of the parameters.
        seed: of the forests and of the draws.

    Raises:
        UnknownLabel: the space has no such parameter.
        SpaceError: the two are never active together.
        MissingDependency: scikit-learn is not installed: `pip install "parzen[sklearn]"`.
        StudyError: fewer than ten trials have a finite loss.
    """
    history = history_of(source)
    space = history.space
    columns = [column_of(space, one) for one in ((label,) if other is None else (label, other))]
    forest = Forest.of(history, seed=seed)
    rng = np.random.default_rng((seed, 2))
    draws = _where_active(space, columns, rng)
    grids = [_grid(space, j, _GRID if other is None else _PAIR_GRID) for j in columns]
    shape = tuple(len(grid) for grid in grids)
    cells = np.stack([mesh.reshape(-1) for mesh in np.meshgrid(*grids, indexing="ij")], axis=1)
    rows = np.repeat(draws[None], len(cells), axis=0)
    rows[:, :, columns] = cells[:, None, :]
    points = space.from_unit(rows.reshape(-1, space.d))
    active = points.active[:, columns].all(axis=1)
    told = forest.predict(space.to_unit(points))
    told[~active] = np.nan
    told = told.reshape(len(cells), len(draws), -1)
    known = ~np.isnan(told[:, :, 0]).all(axis=1)
    means = np.full((len(cells), told.shape[2]), np.nan)
    means[known] = np.nanmean(told[known], axis=1)
    sign = history.reported(1.0)
    edges = np.sort(sign * np.quantile(means, [0.05, 0.95], axis=1), axis=0)
    values = tuple(_values(space, j, grid) for j, grid in zip(columns, grids, strict=True))
    return Dependence(
        tuple(space.labels[j] for j in columns),
        values,
        tuple(tuple(space.option(j, x) for x in v.tolist()) for j, v in zip(columns, values, strict=True)),
        (sign * means.mean(axis=1)).reshape(shape),
        edges[0].reshape(shape),
        edges[1].reshape(shape),
        len(forest.numbers),
        forest.explained,
    )


def _where_active(space: Space, columns: list[int], rng: np.random.Generator) -> FloatArray:
    """`(draws, d)` uniform rows in which the columns are active."""
    kept: list[FloatArray] = []
    for _ in range(64):
        unit = rng.random((4 * _DRAWS, space.d))
        kept.append(unit[space.from_unit(unit).active[:, columns].all(axis=1)])
        if sum(map(len, kept)) >= _DRAWS:
            break
    rows = np.concatenate(kept)[:_DRAWS]
    if not len(rows):
        names = " and ".join(repr(space.labels[j]) for j in columns)
        raise SpaceError(f"parameters {names} are never active together, so there is nothing along both")
    return rows


def _grid(space: Space, j: int, most: int) -> FloatArray:
    """Quantiles to look at: of each value, where there are few."""
    distribution = space.distributions[j]
    if distribution is not None and distribution.size is not None and distribution.size <= most:
        return distribution.to_unit(distribution.values())
    return (np.arange(most) + 0.5) / most


def _values(space: Space, j: int, grid: FloatArray) -> FloatArray:
    distribution = space.distributions[j]
    if distribution is None:  # computed from other columns: only the quantile means the same everywhere
        return grid
    return distribution.from_unit(grid)
