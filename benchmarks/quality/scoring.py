"""Regret arithmetic: from losses in the order of evaluation to the numbers of a report.

Normalised regret of a run after b evaluations = (best so far - reference best) / (random search's median best after
b - reference best): 0 is the best known, 1 is random search.  The reference best is the known optimum or the best of a
long search and of every run; the median comes from a long random search, see `references`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmarks.quality.tasks import Task

__all__ = ["FLOOR", "Reference", "Score", "evaluate", "geometric", "normalised_regret", "read_references"]

FLOOR = 1e-3
"""Regrets below this count as this in geometric means: a thousandth of random search's is as good as found."""

_PATH = Path(__file__).parent / "references.json"


@dataclass(frozen=True, slots=True)
class Reference:
    """What is known of a task.

    Attributes:
        best: smallest loss known or possible.
        random_median: `(b,)` median of random search's best after 1 ... b evaluations.
        draws: number of random evaluations behind the median.
    """

    best: float
    random_median: NDArray[np.float64]
    draws: int


def read_references(path: Path = _PATH) -> dict[str, Reference]:
    """Task name -> reference, from the committed file."""
    stored = json.loads(path.read_text())
    return {
        name: Reference(entry["best"], np.array(entry["random_median"]), entry["draws"])
        for name, entry in stored.items()
    }


def normalised_regret(losses: ArrayLike, reference: Reference, budget: int, best: float | None = None) -> float:
    """Normalised regret of one run.

    Args:
        losses: `(n,)` in the order of evaluation, NaN for a failed one.  Shorter than the budget only where a finite
            space was exhausted.
        reference: of the task.
        budget: number of evaluations that count.
        best: a smaller reference best, where other runs found one.
    """
    floor = reference.best if best is None else min(best, reference.best)
    found = float(np.fmin.reduce(np.asarray(losses, dtype=np.float64)[:budget]))
    span = float(reference.random_median[budget - 1]) - floor
    # Random search's median is the best itself only where the space is nearly exhausted; whoever ties it is as good.
    return max(found - floor, 0.0) / max(span, 1e-12)


def geometric(regrets: ArrayLike) -> float:
    """Geometric mean with floor."""
    return float(np.exp(np.mean(np.log(np.maximum(np.asarray(regrets, dtype=np.float64), FLOOR)))))


@dataclass(frozen=True, slots=True)
class Score:
    """Regrets of one optimiser.

    Attributes:
        tasks: names.
        budgets: evaluations.
        regrets: `(tasks, seeds, budgets)` normalised.
    """

    tasks: tuple[str, ...]
    budgets: tuple[int, ...]
    regrets: NDArray[np.float64]

    @property
    def mean(self) -> dict[int, float]:
        """Budget -> mean normalised regret over seeds and tasks."""
        return dict(zip(self.budgets, self.regrets.mean(axis=(0, 1)).tolist(), strict=True))

    @property
    def geometric(self) -> dict[int, float]:
        """Budget -> geometric mean over tasks of each task's mean."""
        per_task = self.regrets.mean(axis=1)
        return {budget: geometric(per_task[:, j]) for j, budget in enumerate(self.budgets)}

    def __str__(self) -> str:
        """A Markdown table: a row per task, then the means."""
        lines = ["| task | " + " | ".join(f"@{b}" for b in self.budgets) + " |", "|---" * (len(self.budgets) + 1) + "|"]
        rows = [*zip(self.tasks, self.regrets.mean(axis=1).tolist(), strict=True)]
        rows += [("mean", list(self.mean.values())), ("geometric mean", list(self.geometric.values()))]
        lines += [f"| {name} | " + " | ".join(f"{value:.3f}" for value in values) + " |" for name, values in rows]
        return "\n".join(lines)


def evaluate(
    run: Callable[[Task, int, int], Sequence[float]],
    tasks: Sequence[Task],
    *,
    seeds: Sequence[int] = range(10),
    budgets: Sequence[int] = (25, 60),
    references: Mapping[str, Reference] | None = None,
) -> Score:
    """Scores an optimiser in this process.

    Args:
        run: (task, seed, number of evaluations) -> losses in the order of evaluation.
        tasks: what to minimise.
        seeds: one run each.
        budgets: ascending; the last one is the length of a run.
        references: default: the committed ones.
    """
    known = read_references() if references is None else references
    regrets = np.empty((len(tasks), len(seeds), len(budgets)))
    for i, task in enumerate(tasks):
        for j, seed in enumerate(seeds):
            losses = run(task, seed, budgets[-1])
            regrets[i, j] = [normalised_regret(losses, known[task.name], budget) for budget in budgets]
    return Score(tuple(task.name for task in tasks), tuple(budgets), regrets)
