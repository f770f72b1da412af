"""The start-up points cover every column, in one and in two dimensions, and are the published sequence."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import qmc

from parzen.algorithms._sobol import _directions, sobol_point


def _points(n: int, d: int, seed: int) -> np.ndarray:
    return np.array([sobol_point(i, d, np.random.default_rng(seed)) for i in range(n)])


def test_the_direction_numbers_are_those_of_joe_and_kuo() -> None:
    """Without the scrambling, the points are scipy's, to the bit."""
    numbers = _directions(100)
    ours = [
        np.bitwise_xor.reduce(numbers[:, [k for k in range(30) if (i ^ i >> 1) >> k & 1]], axis=1) / 2**30
        for i in range(64)
    ]

    assert np.array_equal(ours, qmc.Sobol(100, scramble=False, bits=30).random(64))


@pytest.mark.parametrize("seed", range(5))
def test_each_column_is_filled_evenly(seed: int) -> None:
    """64 points have one in each of 64 slices of each column, also after the scrambling."""
    points = _points(64, 100, seed)

    assert (np.sort((points * 64).astype(int), axis=0) == np.arange(64)[:, None]).all()


def test_pairs_of_columns_are_filled_evenly() -> None:
    """The discrepancy is that of scipy's scrambled points, a quarter of random ones'."""
    ours = np.mean([qmc.discrepancy(_points(64, 8, seed)) for seed in range(10)])
    random = np.mean([qmc.discrepancy(np.random.default_rng(seed).random((64, 8))) for seed in range(10)])

    assert ours < random / 2


def test_another_seed_gives_other_points_each_uniform() -> None:
    """The first point, of many seeds, is everywhere."""
    first = np.array([sobol_point(0, 3, np.random.default_rng(seed)) for seed in range(400)])

    assert np.abs(first.mean(axis=0) - 0.5).max() < 0.08
    assert np.abs(np.corrcoef(first.T) - np.eye(3)).max() < 0.2


@pytest.mark.parametrize("d", [0, 1, 2, 100, 250])
def test_any_number_of_columns_will_do(d: int) -> None:
    """Columns beyond the table are plain random numbers, and the same for the same seed."""
    points = _points(8, d, 3)

    assert points.shape == (8, d)
    assert ((points > 0) & (points < 1)).all()
    assert np.array_equal(points, _points(8, d, 3))
    assert len(np.unique(points[:, d - 1 :])) == (8 if d else 0)
