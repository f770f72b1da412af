"""Bayesian optimisation with a Gaussian process: `GP`; `expected_best`, the best trial of noisy ones; `Belief`, for views; `EXACT`, from where noise is none."""

from parzen.algorithms.gp._belief import Belief
from parzen.algorithms.gp._process import EXACT, GP, expected_best

__all__ = ["EXACT", "GP", "Belief", "expected_best"]
