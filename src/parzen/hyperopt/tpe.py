"""The tree of Parzen estimators under Hyperopt's name, with Hyperopt's knobs."""

from __future__ import annotations

from typing import Any

from parzen.algorithms import TPE, Algorithm
from parzen.errors import AlgorithmError

__all__ = ["suggest"]


def suggest(
    new_ids: Any,
    domain: Any,
    trials: Any,
    seed: Any,
    prior_weight: float = 1.0,
    n_startup_jobs: int = 20,
    n_EI_candidates: int = 24,  # noqa: N803  # Hyperopt's own spelling
    gamma: float = 0.25,
    verbose: bool = True,
) -> Any:
    """Tree of Parzen estimators: give it to `fmin(..., algo=tpe.suggest)`, or a `partial` of it with settings.

    Settings that are given mean what they mean in Hyperopt; those that are not follow parzen's better rules.

    Args:
        prior_weight: weight of the prior among the kernels, in observations.
        n_startup_jobs: random trials to begin with.
        n_EI_candidates: draws from the good density, of which the best is taken.
        gamma: the good trials are the best `ceil(gamma * sqrt(n))`, at most 25.
        verbose: has no effect.
    """
    raise AlgorithmError(
        "tpe.suggest is given to fmin(algo=...); to ask for points yourself use parzen.Study(...).ask()"
    )


_NAMES = {
    "prior_weight": "prior_weight",
    "n_startup_jobs": "n_startup",
    "n_EI_candidates": "n_candidates",
    "gamma": "gamma",
}
"""Hyperopt's name of a setting -> parzen's."""


def _algorithm(**given: Any) -> Algorithm:
    unknown = [name for name in given if name not in (*_NAMES, "verbose")]
    if unknown:
        raise AlgorithmError(
            f"tpe.suggest has no setting {unknown[0]!r}; it has {', '.join(sorted(_NAMES))} and verbose. "
            "More can be set with algo=parzen.algorithms.TPE(...)"
        )
    return TPE(**{_NAMES[name]: value for name, value in given.items() if name in _NAMES})


suggest.algorithm = _algorithm  # type: ignore[attr-defined]  # how fmin finds the record behind the function
