"""Annealing under Hyperopt's name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from parzen.algorithms import Algorithm, Anneal
from parzen.errors import AlgorithmError
from parzen.hyperopt._history import suggest_documents
from parzen.hyperopt.algobase import SuggestAlgo
from parzen.hyperopt.base import Document, Trials, miscs_to_idxs_vals
from parzen.space import Apply

__all__ = ["AnnealingAlgo", "suggest", "suggest_batch"]

_NEVER_CALLED = ("choose_ltv", "eval_nodes", "on_node", "on_node_hyperparameter", "on_switch", "set_in_memo")


class AnnealingAlgo(SuggestAlgo):
    """Annealing as an object: `AnnealingAlgo(domain, trials, seed)(new_id)` gives what `suggest` gives.

    The rule is the core's.  For a rule of your own start from `algobase.SuggestAlgo`: there are no methods here, one a
    family of distributions, to override.

    Args:
        domain: the `Domain`.
        trials: what is known.
        seed: non-negative integer.
        avg_best_idx, shrink_coef: as for `suggest`.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        ignored = sorted(name for name in vars(cls) if name in _NEVER_CALLED or name.startswith("hp_"))
        if ignored:
            raise AlgorithmError(
                f"{cls.__name__} overrides {', '.join(ignored)}, which AnnealingAlgo never calls, because its rule is the "
                "core's: subclass parzen.hyperopt.algobase.SuggestAlgo for a rule of your own"
            )

    def __init__(
        self, domain: Any, trials: Trials, seed: int, avg_best_idx: float = 2.0, shrink_coef: float = 0.1
    ) -> None:
        # Not the base's: nothing here walks the domain's graph, which is dear to make.
        self.domain, self.trials, self._seed = domain, trials, seed
        self.avg_best_idx, self.shrink_coef = avg_best_idx, shrink_coef

    def __call__(self, new_id: int) -> list[Document]:
        """A document for an id, in a list; it is not inserted."""
        return suggest([new_id], self.domain, self.trials, self._seed, self.avg_best_idx, self.shrink_coef)

    def eval_nodes(self, memo: Mapping[Apply, Any] | None = None) -> dict[Apply, Any]:
        """Not here: there is no graph.

        Raises:
            AlgorithmError: always.
        """
        raise AlgorithmError(
            "AnnealingAlgo walks no graph: call the object with an id, or its batch(new_ids), for proposals"
        )

    def batch(self, new_ids: Sequence[int]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Proposals for several ids as columns, as `suggest_batch` has them."""
        return suggest_batch(new_ids, self.domain, self.trials, self._seed, self.avg_best_idx, self.shrink_coef)


def suggest(
    new_ids: Sequence[int],
    domain: Any,
    trials: Trials,
    seed: Any,
    avg_best_idx: float = 2.0,
    shrink_coef: float = 0.1,
) -> list[Document]:
    """Annealing: give it to `fmin(..., algo=anneal.suggest)`, or a `partial` of it with settings.

    Args:
        new_ids: ids of the new documents.
        domain: the `Domain`.
        trials: what is known.
        seed: an integer, or whatever `numpy.random.default_rng` takes.
        avg_best_idx: mean of the geometric distribution over the trials in order of their loss, counted from one.
        shrink_coef: how fast the neighbourhood shrinks: to 1 / (1 + shrink_coef * T) of the prior after T trials.

    Returns:
        A document for each id, not inserted.
    """
    return suggest_documents(Anneal(avg_best_idx, shrink_coef), new_ids, domain, trials, seed)


def suggest_batch(
    new_ids: Sequence[int],
    domain: Any,
    trials: Trials,
    seed: Any,
    avg_best_idx: float = 2.0,
    shrink_coef: float = 0.1,
) -> tuple[dict[str, list[int]], dict[str, list[Any]]]:
    """The same proposals as columns: label -> ids in which it is active, and label -> its values in these."""
    miscs = [doc["misc"] for doc in suggest(new_ids, domain, trials, seed, avg_best_idx, shrink_coef)]
    return miscs_to_idxs_vals(miscs, keys=domain.compiled.labels)


def _algorithm(**given: Any) -> Algorithm:
    unknown = set(given) - {"avg_best_idx", "shrink_coef"}
    if unknown:
        raise AlgorithmError(f"anneal.suggest has no setting {min(unknown)!r}; it has avg_best_idx and shrink_coef")
    return Anneal(**given)


suggest.algorithm = _algorithm  # type: ignore[attr-defined]  # how fmin finds the record behind the function
