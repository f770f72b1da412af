"""Random search under Hyperopt's name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from parzen.algorithms import Algorithm, Random
from parzen.errors import AlgorithmError
from parzen.hyperopt import pyll
from parzen.hyperopt._history import suggest_documents
from parzen.hyperopt.base import Document, Trials, miscs_to_idxs_vals, miscs_update_idxs_vals

__all__ = [
    "miscs_update_idxs_vals",
    "pyll",
    "suggest",
    "suggest_batch",
]


def suggest(new_ids: Sequence[int], domain: Any, trials: Trials, seed: Any) -> list[Document]:
    """Random search: give it to `fmin(..., algo=rand.suggest)`, or call it for documents.

    Args:
        new_ids: ids of the new documents.
        domain: the `Domain`.
        trials: what is known; on a finite space nothing is drawn twice before all was drawn.
        seed: an integer, or whatever `numpy.random.default_rng` takes.

    Returns:
        A document for each id, not inserted.
    """
    return suggest_documents(Random(), new_ids, domain, trials, seed)


def suggest_batch(
    new_ids: Sequence[int], domain: Any, trials: Trials, seed: Any
) -> tuple[dict[str, list[int]], dict[str, list[Any]]]:
    """The same draws as columns: label -> ids in which it is active, and label -> its values in these."""
    miscs = [doc["misc"] for doc in suggest(new_ids, domain, trials, seed)]
    return miscs_to_idxs_vals(miscs, keys=domain.compiled.labels)


def _algorithm(**given: Any) -> Algorithm:
    if given:
        raise AlgorithmError(f"rand.suggest has no settings, got {', '.join(given)}")
    return Random()


suggest.algorithm = _algorithm  # type: ignore[attr-defined]  # how fmin finds the record behind the function
