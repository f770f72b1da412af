"""The names of `hyperopt.tpe` beside `suggest`: what is small works, what is machinery says so."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from scipy import stats

from parzen.errors import AlgorithmError

# Not `from parzen.hyperopt import tpe`, so that the test says what programs say.
tpe = importlib.import_module("parzen.hyperopt.tpe")


def test_normal_and_lognormal_distribution_functions_agree_with_scipy() -> None:
    """Elementwise; a width of 0 is a step."""
    x = np.linspace(0.0, 9.0, 10)

    assert np.allclose(tpe.normal_cdf(x, 2.0, 3.0), stats.norm.cdf(x, 2.0, 3.0))
    assert np.allclose(tpe.lognormal_cdf(x, 0.5, 2.0), stats.lognorm.cdf(x, 2.0, scale=np.exp(0.5)))
    assert tpe.normal_cdf(1.0, 0.5, 0.0) == 1.0
    with pytest.raises(ValueError, match="from 0 up, got -1"):
        tpe.lognormal_cdf(-1.0, 0.0, 1.0)


def test_linear_forgetting_ramps_from_one_over_n_to_one() -> None:
    """The newest LF weigh 1."""
    weights = tpe.linear_forgetting_weights(30, tpe.DEFAULT_LF)

    assert weights.shape == (30,)
    assert np.allclose(weights[:5], np.linspace(1 / 30, 1.0, 5))
    assert np.all(weights[5:] == 1.0)
    assert tpe.linear_forgetting_weights(0, 25).shape == (0,)
    assert np.all(tpe.linear_forgetting_weights(10, 25) == 1.0)


def test_trials_are_split_at_gamma_times_the_root_of_their_number() -> None:
    """Of nine the best ceil(3 gamma), of those that have the parameter."""
    below, above = tpe.ap_split_trials([0, 2, 4, 6], [10, 12, 14, 16], range(9), [5, 0, 1, 2, 9, 9, 9, 9, 9], 0.5)

    assert below.tolist() == [12]
    assert above.tolist() == [10, 14, 16]
    assert len(tpe.ap_split_trials(range(100), range(100), range(100), range(100), 9.0)[0]) == tpe.DEFAULT_LF


def test_the_best_sample_is_repeated_for_all() -> None:
    """By the difference of the likelihoods."""
    assert tpe.broadcast_best(["a", "b"], [0.0, 1.0], [0.0, 0.5]) == ["b", "b"]
    assert tpe.broadcast_best([], [], []) == []


def test_pseudocounts_are_counts_and_the_prior_for_each_category() -> None:
    """As Hyperopt has them."""
    assert np.allclose(tpe.tpe_cat_pseudocounts(np.array([2, 0]), 1.0, np.array([0.5, 0.5]), 1), [0.75, 0.25])


@pytest.mark.parametrize(
    "name", ["GMM1", "GMM1_lpdf", "LGMM1", "LGMM1_lpdf", "adaptive_parzen_normal", "build_posterior"]
)
def test_machinery_can_be_imported_and_says_what_to_use_instead(name: str) -> None:
    """When it is called."""
    with pytest.raises(AlgorithmError, match=f"{name} was part of Hyperopt's own estimator"):
        getattr(tpe, name)([1.0], [0.0], [1.0])


def test_a_program_may_register_a_sampler_as_it_did() -> None:
    """It is kept, and not needed."""
    before = dict(tpe.adaptive_parzen_samplers)
    try:
        tpe.adaptive_parzen_sampler("mine")(len)

        assert tpe.adaptive_parzen_samplers["mine"] is len
        assert {"uniform", "categorical"} <= set(before)
    finally:
        tpe.adaptive_parzen_samplers.pop("mine", None)
