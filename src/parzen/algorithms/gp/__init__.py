"""Bayesian optimisation with a Gaussian process: `GP`; `expected_best`, the best trial of noisy ones; `Belief`, for views."""

from parzen.algorithms.gp._belief import Belief
from parzen.algorithms.gp._process import GP, expected_best

__all__ = ["GP", "Belief", "expected_best"]
