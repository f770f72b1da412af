"""Bayesian optimisation with a Gaussian process: `GP`."""

from parzen.algorithms.gp._process import GP

__all__ = ["GP"]
