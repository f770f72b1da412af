"""Adaptive TPE under Hyperopt's name: parzen's own choice of settings, without LightGBM and without learnt models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from parzen.algorithms import AdaptiveTPE, Algorithm
from parzen.errors import AlgorithmError
from parzen.hyperopt._history import suggest_documents
from parzen.hyperopt.base import Document, Trials

__all__ = ["suggest"]


def suggest(new_ids: Sequence[int], domain: Any, trials: Trials, seed: Any) -> list[Document]:
    """TPE that chooses its own settings: give it to `fmin(..., algo=atpe.suggest)`, or call it for documents.

    Args:
        new_ids: ids of the new documents.
        domain: the `Domain`.
        trials: what is known.
        seed: an integer, or whatever `numpy.random.default_rng` takes.

    Returns:
        A document for each id, not inserted.
    """
    return suggest_documents(AdaptiveTPE(), new_ids, domain, trials, seed)


def _algorithm(**given: Any) -> Algorithm:
    if given:
        raise AlgorithmError(f"atpe.suggest chooses its own settings and takes none, got {', '.join(given)}")
    return AdaptiveTPE()


suggest.algorithm = _algorithm  # type: ignore[attr-defined]  # how fmin finds the record behind the function
