"""The optimisers that are compared, each at its defaults.

A library is imported when a search of it begins, so that parzen and its peers may live in different environments.
"""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.quality.optimisers._search import Optimiser, Search, Setup, Start
from benchmarks.quality.optimisers.own import RandomSearch, parzen_with
from benchmarks.quality.optimisers.with_ax import Ax
from benchmarks.quality.optimisers.with_hebo import Hebo
from benchmarks.quality.optimisers.with_hyperopt import HyperoptTPE
from benchmarks.quality.optimisers.with_nevergrad import nevergrad_with
from benchmarks.quality.optimisers.with_optuna import optuna_with
from benchmarks.quality.optimisers.with_smac import Smac

__all__ = ["OPTIMISERS", "VARIANTS", "Optimiser", "Search", "Setup", "Start"]

OPTIMISERS: Mapping[str, Optimiser] = {
    "random": Optimiser(RandomSearch, "numpy"),
    "parzen-auto": Optimiser(parzen_with("auto"), "parzen"),
    "parzen-gp": Optimiser(parzen_with("gp"), "parzen"),
    "parzen-tpe": Optimiser(parzen_with("tpe"), "parzen"),
    "parzen-cmaes": Optimiser(parzen_with("cmaes"), "parzen"),
    "parzen-evolution": Optimiser(parzen_with("evolution"), "parzen"),
    "parzen-qmc": Optimiser(parzen_with("qmc"), "parzen"),
    "parzen-random": Optimiser(parzen_with("random"), "parzen"),
    "hyperopt-tpe": Optimiser(HyperoptTPE, "hyperopt", "basic"),
    "optuna-tpe": Optimiser(optuna_with("TPESampler"), "optuna", "basic"),
    "optuna-cmaes": Optimiser(optuna_with("CmaEsSampler"), "optuna", "basic"),
    "optuna-gp": Optimiser(optuna_with("GPSampler"), "optuna", "basic"),
    "nevergrad": Optimiser(nevergrad_with("NGOpt"), "nevergrad", "nevergrad"),
    "smac": Optimiser(Smac, "smac", "smac"),
    "hebo": Optimiser(Hebo, "HEBO", "hebo"),
    "ax": Optimiser(Ax, "ax-platform", "ax"),
}
"""Name -> optimiser.  `random` is our own dozen lines, independent of any library."""

VARIANTS: Mapping[str, Optimiser] = {
    **OPTIMISERS,
    "parzen-auto-noisy": Optimiser(parzen_with("auto", noisy=True), "parzen"),
    "parzen-tpe-noisy": Optimiser(parzen_with("tpe", noisy=True), "parzen"),
}
"""Besides the optimisers those that only `robustness` compares: parzen when it is told that losses have noise."""
