"""Bayesian optimisation with a Gaussian process: `GP`; `Belief`, for views; `EXACT`, from where noise is none."""

from parzen.algorithms.gp._belief import Belief
from parzen.algorithms.gp._process import EXACT, GP

__all__ = ["EXACT", "GP", "Belief"]
