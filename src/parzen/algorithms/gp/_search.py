"""Where an acquisition is greatest, on spaces of any kind.

1. A pool: draws from the prior, and perturbations of the best rows.
2. Twice: perturb the best of the pool, with smaller steps.
3. Follow the gradient from the three best, in the columns that are continuous.
4. Sweep the best one's categories and whole numbers, one column at a time.

A perturbation keeps a row's structure, so that most candidates are near what is known to be good, and a share is not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import minimize

from parzen._typing import FloatArray
from parzen.algorithms._form import Form

__all__ = ["Score", "Slopes", "climb"]

Score = Callable[[FloatArray], FloatArray]
"""Rows of unit coordinates `(m, d)` -> `(m,)` the acquisition."""
Slopes = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
"""The same, with `(m, o)` derivatives by the ordered columns."""

_PRIOR, _AROUND_BEST, _AGAIN, _ELITE, _CLIMBERS = 512, 256, 128, 10, 3
_CLIMB_ITERATIONS = 25
_SMOOTH = 0.05
"""Cells of ordered columns narrower than this are passed over as if there were none."""
_MOST_CODES = 64


def climb(
    form: Form,
    score: Score,
    slopes: Slopes,
    best: FloatArray,
    lengths: FloatArray,
    rng: np.random.Generator,
) -> FloatArray:
    """`(m, d)` every row that was looked at, in order of the acquisition, the greatest first; some may be equal.

    Args:
        form: of the space.
        score, slopes: the acquisition.
        best: `(b, d)` rows that are known to be good.
        lengths: `(o,)` how far one has to go in an ordered column to see a difference.
        rng: source of randomness.
    """
    rows = form.settle(rng.random((_PRIOR, form.d)))
    rows = np.concatenate((rows, _perturbed(form, best, _AROUND_BEST, 0.2, rng)))
    values = score(rows)
    for scale in (0.1, 0.05):
        new = _perturbed(form, rows[_top(values, _ELITE)], _AGAIN, scale, rng)
        rows, values = np.concatenate((rows, new)), np.concatenate((values, score(new)))
    new = _ascended(form, slopes, _distinct(rows, values), lengths)
    if len(new):
        rows, values = np.concatenate((rows, new)), np.concatenate((values, score(new)))
    new = _swept(form, rows[int(np.argmax(values))], rng)
    if len(new):
        rows, values = np.concatenate((rows, new)), np.concatenate((values, score(new)))
    return rows[_top(values, len(rows))]


def _top(values: FloatArray, k: int) -> Sequence[int]:
    order: list[int] = np.argsort(-values, kind="stable")[:k].tolist()
    return order


def _perturbed(form: Form, parents: FloatArray, n: int, scale: float, rng: np.random.Generator) -> FloatArray:
    """`(n, d)` changed copies of some of `parents`."""
    rows = parents[rng.integers(len(parents), size=n)]
    fresh = rng.random(rows.shape)
    rows = np.where(rows == rows, rows, fresh)  # what a change switches on comes from the prior
    d = form.d
    chance = np.full((n, 1), max(2.0 / d, 0.3))
    chance[: n * 3 // 10] = 1.0
    mutate = rng.random(rows.shape) < chance
    mutate[np.arange(n), rng.integers(d, size=n)] = True
    if len(form.ordered):
        u = rows[:, form.ordered]
        step = scale * np.exp(rng.uniform(-2.5, 0.5, size=(n, 1))) * rng.standard_normal(u.shape)
        cell = 2.0 * form.half_cells(rows)
        step = np.where(np.abs(step) < cell, np.copysign(cell, step), step)
        moved = np.abs(u + step)
        moved = np.clip(np.where(moved > 1.0, 2.0 - moved, moved), 0.0, 1.0)
        rows[:, form.ordered] = np.where(mutate[:, form.ordered], moved, u)
    if len(form.named):
        redraw = mutate[:, form.named] & (rng.random((n, len(form.named))) < 0.5)
        rows[:, form.named] = np.where(redraw, fresh[:, form.named], rows[:, form.named])
    return form.settle(rows)


def _distinct(rows: FloatArray, values: FloatArray) -> FloatArray:
    """The best rows that are not nearly the same."""
    chosen: list[FloatArray] = []
    for i in _top(values, 5 * _CLIMBERS):
        row = np.nan_to_num(rows[i], nan=-1.0)
        if all(np.abs(row - np.nan_to_num(other, nan=-1.0)).max() > 0.01 for other in chosen):
            chosen.append(rows[i])
            if len(chosen) == _CLIMBERS:
                break
    return np.array(chosen)


def _ascended(form: Form, slopes: Slopes, rows: FloatArray, lengths: FloatArray) -> FloatArray:
    """Rows uphill of these, moved in their smooth columns, all at once: the sum of them is what is climbed."""
    half = form.half_cells(rows)
    smooth = (2.0 * half <= _SMOOTH) & ~np.isnan(rows[:, form.ordered])
    if not smooth.any():
        return np.empty((0, form.d))
    scale = np.broadcast_to(np.minimum(lengths, 2.0), smooth.shape)[smooth]
    where = np.zeros(rows.shape, dtype=bool)
    where[:, form.ordered] = smooth

    def downhill(x: FloatArray) -> tuple[float, FloatArray]:
        rows[where] = np.clip(x * scale, 0.0, 1.0)
        value, slope = slopes(rows)
        return -float(value.sum()), -slope[smooth] * scale

    rows = rows.copy()
    ended = minimize(
        downhill,
        rows[where] / scale,
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, 1.0 / s) for s in scale.tolist()],
        options={"maxiter": _CLIMB_ITERATIONS},
    )
    rows[where] = np.clip(ended.x * scale, 0.0, 1.0)
    return form.settle(rows)


def _swept(form: Form, row: FloatArray, rng: np.random.Generator) -> FloatArray:
    """The neighbours of a row `(d,)` that differ in one category, or in one whole number by one or two."""
    fresh = rng.random(form.d)
    base = np.where(row == row, row, fresh)
    changed: list[tuple[int, float]] = []
    half = np.broadcast_to(form.half_cells(row[None, :]), (1, len(form.ordered)))[0]
    for j, h in zip(form.ordered.tolist(), half.tolist(), strict=True):
        if h > 0.0 and row[j] == row[j]:
            changed += [(j, base[j] + 2.0 * h * k) for k in (-2, -1, 1, 2) if 0.0 <= base[j] + 2.0 * h * k <= 1.0]
    for j, count in zip(form.named.tolist(), form.options.tolist(), strict=True):
        if row[j] == row[j]:
            codes = np.arange(count) if count <= _MOST_CODES else rng.integers(int(count), size=_MOST_CODES)
            changed += [(j, (float(code) + 0.5) / count) for code in codes.tolist()]
    if not changed:
        return np.empty((0, form.d))
    rows = np.repeat(base[None, :], len(changed), axis=0)
    rows[np.arange(len(changed)), [j for j, _ in changed]] = [u for _, u in changed]
    return form.settle(rows)
