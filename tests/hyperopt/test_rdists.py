"""Hyperopt's frozen distributions agree with scipy's, and their parts with each other."""

from __future__ import annotations

import numpy as np
import pytest

from parzen.hyperopt import rdists

stats = pytest.importorskip("scipy.stats")
CONTINUOUS = {
    "loguniform": (rdists.loguniform_gen(-2, 1), stats.loguniform(np.exp(-2), np.exp(1))),
    "lognormal": (rdists.lognorm_gen(0.5, 2), stats.lognorm(2, scale=np.exp(0.5))),
}
ROUNDED = {
    "quniform": (rdists.quniform_gen(0, 9, 2), stats.uniform(0, 9)),
    "qloguniform": (rdists.qloguniform_gen(0, 2, 1), stats.loguniform(1, np.exp(2))),
    "qnormal": (rdists.qnormal_gen(0, 3, 0.5), stats.norm(0, 3)),
    "qlognormal": (rdists.qlognormal_gen(0, 1, 1), stats.lognorm(1)),
}


@pytest.mark.parametrize("case", CONTINUOUS)
def test_continuous_ones_agree_with_scipy(case):
    """Density, distribution function and quantiles, of numbers and of arrays."""
    ours, theirs = CONTINUOUS[case]
    x = np.array([[0.2, 0.5], [1.0, 2.0]])

    np.testing.assert_allclose(ours.pdf(x), theirs.pdf(x))
    np.testing.assert_allclose(ours.logpdf(0.5), theirs.logpdf(0.5))
    np.testing.assert_allclose(ours.cdf(x), theirs.cdf(x), rtol=1e-6)
    np.testing.assert_allclose(ours.ppf(0.3), theirs.ppf(0.3))
    assert (ours.cdf(-1.0), ours.cdf(1e300), ours.logpdf(-1.0)) == (0.0, 1.0, -np.inf)


@pytest.mark.parametrize("case", ROUNDED)
def test_rounded_ones_have_the_probability_that_is_rounded_to_each_value(case):
    """And none elsewhere."""
    ours, base = ROUNDED[case]
    grid = np.arange(-4, 5) * ours.q

    np.testing.assert_allclose(ours.pmf(grid), base.cdf(grid + ours.q / 2) - base.cdf(grid - ours.q / 2), atol=1e-12)
    assert ours.logpmf(ours.q * 0.3) == -np.inf


@pytest.mark.parametrize("case", [*CONTINUOUS, *ROUNDED])
def test_draws_have_the_shape_that_was_asked_for(case):
    """And can be had again."""
    ours, _ = {**CONTINUOUS, **ROUNDED}[case]

    assert isinstance(ours.rvs(), type(getattr(ours, "q", 1.0)))
    assert ours.rvs((2, 3)).shape == (2, 3)
    np.testing.assert_array_equal(ours.rvs(5, random_state=1), ours.rvs(size=5, random_state=1))
