"""Turns of several suggest functions under Hyperopt's name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from parzen.algorithms import Algorithm, Mix
from parzen.hyperopt._arguments import algorithm_of
from parzen.hyperopt._iteration import suggest_of
from parzen.hyperopt.base import Document, Trials

__all__ = ["suggest"]


def suggest(
    new_ids: Sequence[int],
    domain: Any,
    trials: Trials,
    seed: Any,
    p_suggest: Sequence[tuple[float, Any]],
) -> Sequence[Document]:
    """Proposals of one of several algorithms, chosen by chance.

    Give it to `fmin` as `partial(mix.suggest, p_suggest=[(0.1, rand.suggest), (0.9, tpe.suggest)])`.

    Args:
        new_ids: ids of the new documents.
        domain: the `Domain`.
        trials: what is known.
        seed: an integer, or whatever `numpy.random.default_rng` takes.
        p_suggest: pairs of a probability and whatever `fmin` takes as `algo`: a suggest function, a `partial` of one, an
            algorithm of parzen or its name; functions that are not parzen's are called as they are.

    Returns:
        What the chosen one returned.

    Raises:
        ValueError: the probabilities do not sum to 1.
        AlgorithmError: what was chosen is nothing that suggests.
    """
    probabilities = _checked(p_suggest)
    rng = np.random.default_rng(seed)
    chosen = p_suggest[int(rng.multinomial(1, probabilities).argmax())][1]
    chosen_seed = int(rng.integers(2**31))
    return suggest_of(chosen)(new_ids, domain, trials, seed=chosen_seed)


def _checked(p_suggest: Sequence[tuple[float, Any]]) -> list[float]:
    probabilities = [float(p) for p, _ in p_suggest]
    if not math.isclose(math.fsum(probabilities), 1.0, rel_tol=1e-5):
        raise ValueError(f"the probabilities of mix.suggest sum to 1, got {probabilities!r}")
    return [p / math.fsum(probabilities) for p in probabilities]


def _algorithm(*, p_suggest: Sequence[tuple[float, Any]]) -> Algorithm | None:
    """None where one of the functions is no algorithm of parzen: then `suggest` is called as it is."""
    records = [(p, algorithm_of(function)) for p, (_, function) in zip(_checked(p_suggest), p_suggest, strict=True)]
    parts = tuple((p, record) for p, record in records if record is not None)
    return Mix(parts) if len(parts) == len(records) else None


suggest.algorithm = _algorithm  # type: ignore[attr-defined]  # how fmin finds the record behind the function
