"""Hyperopt's criteria: right where a float can hold them, and in logarithms where it cannot."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from parzen.hyperopt import criteria


@pytest.mark.parametrize("s", [-30.0, -25.1, -24.9, -8.0, -1.0, 0.0, 2.5])
def test_expected_improvement_is_the_integral_that_it_is_defined_as(s: float) -> None:
    """Against quadrature, of the improvement in units that do not underflow."""
    tail, _ = integrate.quad(lambda t: t * np.exp(s * t - 0.5 * t * t), 0, 40)
    log_h = np.log(tail) - 0.5 * s * s - 0.5 * np.log(2 * np.pi)

    assert criteria.logEI_gaussian(3 + 2 * s, 4.0, 3.0) == pytest.approx(np.log(2) + log_h, rel=1e-9)


def test_expected_improvement_agrees_with_its_textbook_formula_and_with_draws() -> None:
    """Analytic, textbook and empirical."""
    mean, var, thresholds = -4.0, 9.0, np.arange(-15.0, 10.0)
    score = (mean - thresholds) / 3
    textbook = 3 * (score * stats.norm.cdf(score) + stats.norm.pdf(score))
    drawn = [criteria.EI_gaussian_empirical(mean, var, t, np.random.default_rng(0), 10_000) for t in thresholds]

    assert np.allclose(criteria.EI_gaussian(mean, var, thresholds), textbook, rtol=1e-9)
    assert np.allclose(criteria.EI_gaussian(mean, var, thresholds), drawn, atol=0.05)


def test_the_logarithm_is_finite_where_the_improvement_is_too_small_for_a_float() -> None:
    """Monotone over the switch from formula to series, however far the threshold."""
    far = criteria.logEI_gaussian(0.0, 1.0, np.array([24.9, 25.0, 25.1, 100.0, 5000.0]))

    assert np.isfinite(far).all()
    assert (np.diff(far) < 0).all()
    assert isinstance(criteria.logEI_gaussian(0, 1, 5000), float)


def test_without_variance_improvement_is_certain_or_impossible() -> None:
    """No division by zero."""
    assert criteria.EI_gaussian(2.0, 0.0, 0.5) == pytest.approx(1.5)
    assert criteria.EI_gaussian(0.0, 0.0, 0.5) == 0.0
    assert criteria.logEI_gaussian(0.0, 0.0, 0.5) == -np.inf


def test_a_negative_variance_is_refused_with_a_sentence() -> None:
    """It is a mistake of the model's."""
    with pytest.raises(ValueError, match="a variance is not negative, got -1"):
        criteria.logEI_gaussian(0.0, -1.0, 0.0)


def test_the_upper_confidence_bound_is_the_mean_and_so_many_deviations() -> None:
    """Numbers and arrays."""
    assert criteria.UCB(1, 4, 1) == 3
    assert criteria.UCB(np.zeros(2), np.array([1.0, 9.0]), 2).tolist() == [2.0, 6.0]
