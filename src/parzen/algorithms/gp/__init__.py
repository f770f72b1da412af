"""Bayesian optimisation with a Gaussian process: `GP`; and `expected_best`, the best trial of noisy ones."""

from parzen.algorithms.gp._process import GP, expected_best

__all__ = ["GP", "expected_best"]
