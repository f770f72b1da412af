"""Random search under Hyperopt's name."""

from __future__ import annotations

from typing import Any

from parzen.algorithms import Algorithm, Random
from parzen.errors import AlgorithmError

__all__ = ["suggest"]


def suggest(new_ids: Any, domain: Any, trials: Any, seed: Any) -> Any:
    """Random search: give it to `fmin(..., algo=rand.suggest)`."""
    raise AlgorithmError(
        "rand.suggest is given to fmin(algo=...); to ask for points yourself use parzen.Study(...).ask()"
    )


def _algorithm(**given: Any) -> Algorithm:
    if given:
        raise AlgorithmError(f"rand.suggest has no settings, got {', '.join(given)}")
    return Random()


suggest.algorithm = _algorithm  # type: ignore[attr-defined]  # how fmin finds the record behind the function
