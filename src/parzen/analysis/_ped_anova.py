"""Importance for being among the best, by Pearson divergences of one-dimensional densities.

Watanabe, Bansal and Hutter 2023, "PED-ANOVA: efficiently quantifying hyperparameter importance in arbitrary subspaces",
equations (10) to (12): with b(x) = 1 where x is among the best share g of the trials, what column j explains of the
variance of b is

    V_j = g^2 PE(p_j( . | best) || p_j( . | all)),     PE(p || q) = sum q (p / q - 1)^2                               (1)

against Var b = g (1 - g).  No model is fitted, and every trial that ended says something: those that failed or were pruned
are not among the best.  Here it is taken further in four ways:

- *Crowds.*  The densities are those of trials that are spread out (`_spread`): of a search that has converged nearly all
  trials are good, and (1) compared the best with the nearly best.
- *Conditional columns.*  A column that is active in a share w of the trials explains w g_j^2 PE_j, where g_j and PE_j are
  of those trials only.  That a branch as a whole is good is the choice's merit, not that of the parameters inside it: the
  parts stay orthogonal, so that they may be added.
- *Chance.*  PE is never negative, so columns without effect seem to have one.  What they get on average, by drawing the
  best anew at random among the trials, is taken off; the 95 % point of that is `floor`.
- *Intervals.*  The best and the others are drawn again with replacement (Efron 1979, the bootstrap); what resamples are too
  high by on average is taken off as well.

Columns are counts on at most 32 cells of the quantiles, so that 100 000 trials cost little more than 100.
"""

from __future__ import annotations

import numpy as np

from parzen._typing import BoolArray, FloatArray, IntArray
from parzen.analysis._importances import Importance, Importances, Interaction
from parzen.analysis._source import Source, ended, history_of, top_of
from parzen.analysis._spread import spread_out
from parzen.space import Space
from parzen.trials import History

__all__ = ["cells_of", "ped_anova"]

_CELLS, _PAIR_CELLS = 32, 6
_DRAWS = 200
_PAIRED = 6
"""Columns among which pairs are looked at: 15 pairs."""
_LEAST = 20
"""Trials in which two columns are both active, below which a table of pairs says nothing."""


def ped_anova(source: Source, *, top: float = 0.1, seed: int = 0) -> Importances:
    """Which parameters matter for being among the best trials.

    Of a search that has converged only few trials are spread out, and then this is a hint and no more: after 300 trials of
    `tpe` on a bowl, the parameter that makes nearly all of the difference was above its floor in six of ten searches, and one
    without effect in three.  `fanova` had the former first in all ten, with 0.5 to 0.8 of the variance, but gave the other up
    to 0.3: what a search has not looked at, no method knows.

    Args:
        source: a study, a result or a history.
        top: which share of the trials are the best; at least ten of them, and at most a third.
        seed: of the draws behind intervals and floors.

    Raises:
        StudyError: fewer than three trials that differ have a finite loss.
        ValueError: `top` is no share.
    """
    if not 0 < top < 1:
        raise ValueError(f"top is a share of the trials between 0 and 1, got {top!r:.80}")
    history = history_of(source)
    rng = np.random.default_rng(seed)
    base, best = spread_out(history, np.flatnonzero(ended(history)), seed), np.zeros(len(history), dtype=bool)
    best[top_of(history, top, base)] = True
    share = best.sum() / len(base)
    total = share * (1.0 - share)
    space, found = history.space, []
    for j, label in enumerate(space.labels):
        rows = base[history.active[base, j]]
        cells, smooth = cells_of(space, history, j, rows)
        value, low, high, floor = _estimate(cells, best[rows], smooth, rng)
        weight = len(rows) / len(base) / total
        value, low, high, floor = (_share(weight * x) for x in (value, low, high, floor))
        found.append(Importance(label, value, low, high, floor, len(rows)))
    found.sort(key=lambda one: -one.value)
    pairs = _pairs(history, base, best, [space.column[one.label] for one in found[:_PAIRED]], total, rng)
    return Importances(
        "ped-anova",
        f"being among the best {int(best.sum())}",
        tuple(found),
        tuple(sorted(pairs, key=lambda one: -one.value)),
        len(base),
    )


def _share(x: float) -> float:
    return float(min(max(x, 0.0), 1.0))


def cells_of(space: Space, history: History, j: int, rows: IntArray, most: int = _CELLS) -> tuple[IntArray, FloatArray]:
    """The cell `(r,)` of each row's value in a column, and where the cells lie; nowhere where their order means nothing."""
    distribution = space.distributions[j]
    if distribution is not None and distribution.size is not None:
        levels = distribution.values() if distribution.size <= most or not distribution.ordered else None
        if levels is not None:
            cells = np.searchsorted(levels, history.values[rows, j]).clip(0, len(levels) - 1)
            return cells.astype(np.int64), distribution.to_unit(levels) if distribution.ordered else np.zeros(0)
    unit = np.nan_to_num(history.unit[rows, j], nan=0.5)
    return np.minimum((unit * most).astype(np.int64), most - 1), (np.arange(most) + 0.5) / most


def _estimate(
    cells: IntArray, is_best: BoolArray, places: FloatArray, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    """g^2 PE of (1) without what chance adds, its interval, and its floor; of the rows of one column."""
    k = int(cells.max(initial=0)) + 1 if not len(places) else len(places)
    all_, top = np.bincount(cells, minlength=k), np.bincount(cells[is_best], minlength=k)
    if top.sum() == 0 or top.sum() == all_.sum():
        return 0.0, 0.0, 0.0, 0.0
    smooth = _smoother(places, top) if len(places) else np.eye(k)

    def explained(best: IntArray, everything: IntArray) -> FloatArray:
        p = (best @ smooth) / best.sum(axis=-1, keepdims=True)
        q = (everything @ smooth) / everything.sum(axis=-1, keepdims=True)
        ratio = np.divide(p, q, out=np.ones_like(p), where=q > 0)
        share = best.sum(axis=-1) / everything.sum(axis=-1)
        return np.asarray(share**2 * (q * (ratio - 1.0) ** 2).sum(axis=-1))

    count, rest = int(top.sum()), all_ - top
    chance = explained(rng.multivariate_hypergeometric(all_, count, size=_DRAWS, method="marginals"), all_)
    bias = float(chance.mean())
    again = rng.multinomial(count, top / count, size=_DRAWS)
    drawn = explained(again, again + rng.multinomial(int(rest.sum()), rest / rest.sum(), size=_DRAWS))
    raw = float(explained(top, all_))
    value = raw - bias
    low, high = np.quantile(drawn, [0.05, 0.95]) - (float(drawn.mean()) - raw) - bias
    return value, min(float(low), value), max(float(high), value), float(np.quantile(chance, 0.95)) - bias


def _smoother(places: FloatArray, top: IntArray) -> FloatArray:
    """`(k, k)` kernels on the cells, each of mass one within [0, 1]; Scott's bandwidth for the best trials."""
    n = top.sum()
    mean = (top * places).sum() / n
    spread = np.sqrt((top * (places - mean) ** 2).sum() / n)
    width = np.clip(spread * n**-0.2, 0.5 / len(places), 0.25)
    kernel = np.exp(-0.5 * ((places[:, None] - places) / width) ** 2)
    return np.asarray(kernel / kernel.sum(axis=1, keepdims=True))


# --- pairs ------------------------------------------------------------------------------------------------------


def _pairs(
    history: History, base: IntArray, best: BoolArray, columns: list[int], total: float, rng: np.random.Generator
) -> list[Interaction]:
    """What pairs explain beyond their two columns, on six cells each, of the trials in which both are active."""
    space, found = history.space, []
    for place, i in enumerate(columns):
        for j in columns[place + 1 :]:
            rows = base[history.active[base, i] & history.active[base, j]]
            if len(rows) < _LEAST or not 0 < best[rows].sum() < len(rows):
                continue
            first, second = (_coarse(cells_of(space, history, c, rows)) for c in (i, j))
            value, low, high, floor = _together(first, second, best[rows], rng)
            weight = len(rows) / len(base) / total
            labels = (space.labels[i], space.labels[j])
            value, low, high, floor = (_share(weight * x) for x in (value, low, high, floor))
            found.append(Interaction(labels, value, low, high, floor, len(rows)))
    return found


def _coarse(column: tuple[IntArray, FloatArray]) -> IntArray:
    cells, places = column
    return np.minimum((places[cells] * _PAIR_CELLS).astype(np.int64), _PAIR_CELLS - 1) if len(places) else cells


def _together(
    first: IntArray, second: IntArray, is_best: BoolArray, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    shape = int(first.max()) + 1, int(second.max()) + 1
    cells = first * shape[1] + second
    k = shape[0] * shape[1]
    all_, top = np.bincount(cells, minlength=k), np.bincount(cells[is_best], minlength=k)

    def beyond(best: IntArray, everything: IntArray) -> FloatArray:
        """V_ij - V_i - V_j of tables `(…, k)`."""
        a, b = best.reshape(-1, *shape), np.broadcast_to(everything, best.shape).reshape(-1, *shape)
        share = a.sum(axis=(1, 2)) / b.sum(axis=(1, 2))
        parts = [(a, b), (a.sum(axis=2), b.sum(axis=2)), (a.sum(axis=1), b.sum(axis=1))]
        both, one, other = (_between(x, y, share) for x, y in parts)
        return np.asarray(both - one - other)

    count, rest = int(top.sum()), all_ - top
    chance = beyond(rng.multivariate_hypergeometric(all_, count, size=_DRAWS, method="marginals"), all_)
    bias = float(chance.mean())
    again = rng.multinomial(count, top / count, size=_DRAWS)
    drawn = beyond(again, again + rng.multinomial(int(rest.sum()), rest / rest.sum(), size=_DRAWS))
    raw = float(beyond(top, all_)[0])
    value = raw - bias
    low, high = np.quantile(drawn, [0.05, 0.95]) - (float(drawn.mean()) - raw) - bias
    return value, min(float(low), value), max(float(high), value), float(np.quantile(chance, 0.95)) - bias


def _between(best: IntArray, everything: IntArray, share: FloatArray) -> FloatArray:
    """Variance of the cells' shares of the best, weighted by the cells, for each of several tables."""
    b = everything.reshape(len(everything), -1).astype(np.float64)
    p = np.divide(best.reshape(len(best), -1), b, out=np.zeros_like(b), where=b > 0)
    return np.asarray((b * (p - share[:, None]) ** 2).sum(axis=1) / b.sum(axis=1))
