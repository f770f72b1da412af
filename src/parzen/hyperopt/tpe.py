"""The tree of Parzen estimators under Hyperopt's name, with Hyperopt's knobs.

The defaults are Hyperopt's numbers, so that signatures agree, but are recognised as defaults: a setting that was given
means what it means in Hyperopt, one that was not follows parzen's own rule, which is better.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from parzen.algorithms import TPE, Algorithm
from parzen.errors import AlgorithmError
from parzen.hyperopt import _tpe_names, pyll, rand
from parzen.hyperopt._history import suggest_documents
from parzen.hyperopt._tpe_names import *  # noqa: F403  # its `__all__` is the list of Hyperopt's names
from parzen.hyperopt.base import Document, Trials, miscs_to_idxs_vals, miscs_update_idxs_vals
from parzen.hyperopt.pyll import scope
from parzen.hyperopt.pyll.stochastic import implicit_stochastic

__all__ = [
    "implicit_stochastic",
    "miscs_to_idxs_vals",
    "miscs_update_idxs_vals",
    "pyll",
    "rand",
    "scope",
    "suggest",
]
__all__ += _tpe_names.__all__


class _DefaultFloat(float):
    """A number that nobody has chosen.  By its type, so that a pickled `partial` still knows."""

    __slots__ = ()


class _DefaultInt(int):
    """The same for whole numbers."""

    __slots__ = ()


_default_prior_weight = _DefaultFloat(1.0)
_default_n_EI_candidates = _DefaultInt(24)  # noqa: N816  # Hyperopt's own spelling
_default_gamma = _DefaultFloat(0.25)
_default_n_startup_jobs = _DefaultInt(20)
_default_linear_forgetting = _tpe_names.DEFAULT_LF


def suggest(
    new_ids: Sequence[int],
    domain: Any,
    trials: Trials,
    seed: Any,
    prior_weight: float = _default_prior_weight,
    n_startup_jobs: int = _default_n_startup_jobs,
    n_EI_candidates: int = _default_n_EI_candidates,  # noqa: N803
    gamma: float = _default_gamma,
    verbose: bool = True,
) -> list[Document]:
    """Tree of Parzen estimators: give it to `fmin(..., algo=tpe.suggest)`, or a `partial` of it with settings.

    Settings that are given mean what they mean in Hyperopt; those that are not follow parzen's better rules.

    Args:
        new_ids: ids of the new documents.
        domain: the `Domain`.
        trials: what is known.
        seed: an integer, or whatever `numpy.random.default_rng` takes.
        prior_weight: weight of the prior among the kernels, in observations.
        n_startup_jobs: trials to begin with, before anything is learnt; they are spread evenly.
        n_EI_candidates: draws from the good density, of which the best is taken.
        gamma: the good trials are the best `ceil(gamma * sqrt(n))`, at most 25.
        verbose: has no effect.

    Returns:
        A document for each id, not inserted.
    """
    algorithm = _algorithm(
        prior_weight=prior_weight, n_startup_jobs=n_startup_jobs, n_EI_candidates=n_EI_candidates, gamma=gamma
    )
    return suggest_documents(algorithm, new_ids, domain, trials, seed)


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
    chosen = {k: v for k, v in given.items() if k in _NAMES and not isinstance(v, (_DefaultFloat, _DefaultInt))}
    return TPE(**{_NAMES[name]: value for name, value in chosen.items()})


suggest.algorithm = _algorithm  # type: ignore[attr-defined]  # how fmin finds the record behind the function
