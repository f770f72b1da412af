"""What runs say about optimisers: means and ranks of many, duels of two, and who is worse than random search.

Seeds of different optimisers have nothing in common but their number, so a **table** of several pairs runs by task and
seed only to look at the same number of runs of each, while a **duel** looks at every pair of a run of one and a run of
the other on a task.  Intervals are bootstraps that draw tasks anew and then runs within a task: what would other tasks
of this kind have said?  With three tasks in a suite, they are narrower than they should be.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality import records, scoring

__all__ = [
    "Duel",
    "Row",
    "Runs",
    "Worse",
    "best_known",
    "compare",
    "complete",
    "duel",
    "holm",
    "ranks",
    "worse_than_random",
]

Runs = Mapping[tuple[str, str, int], records.Run]
"""(optimiser, task, seed) -> run, from `records.read`."""
References = Mapping[str, scoring.Reference]
Choice = Callable[[str], bool]
"""Which tasks count."""

_RESAMPLES = 2000
_FEWEST = 5  # runs of either: a bootstrap of one run has an interval of no width, and everything is significant
_INTERVAL = [0.025, 0.975]


@dataclass(frozen=True, slots=True)
class Row:
    """One optimiser at one budget.

    Attributes:
        optimiser: name.
        mean: mean normalised regret.
        geometric: geometric mean over tasks, floored.
        rank: mean rank, 1 is best.
        interval: 95 % bootstrap interval of the rank.
        wins: other optimiser -> share of paired runs with the smaller loss, ties half.
        tasks: task -> mean normalised regret.
        runs: number of paired runs.
    """

    optimiser: str
    mean: float
    geometric: float
    rank: float
    interval: tuple[float, float]
    wins: Mapping[str, float]
    tasks: Mapping[str, float]
    runs: int


@dataclass(frozen=True, slots=True)
class Duel:
    """One optimiser against another, on the tasks that both have.

    Attributes:
        ours, other: names.
        tasks: how many.
        runs: of each, in all.
        means: mean normalised regret of each.
        wins: chance that a run of ours ends with the smaller loss, ties half; a mean over tasks.
        wins_interval: 95 % bootstrap interval.
        gap: our mean regret minus the other's; negative is better for us.
        gap_interval: 95 % bootstrap interval.
    """

    ours: str
    other: str
    tasks: int
    runs: tuple[int, int]
    means: tuple[float, float]
    wins: float
    wins_interval: tuple[float, float]
    gap: float
    gap_interval: tuple[float, float]

    @property
    def by_wins(self) -> str:
        """`ahead` or `behind` where one half is outside of the interval, else `level`; `too few` runs to say."""
        if min(self.runs) < _FEWEST:
            return "too few"
        low, high = self.wins_interval
        return "ahead" if low > 0.5 else "behind" if high < 0.5 else "level"

    @property
    def by_regret(self) -> str:
        """`ahead` or `behind` where 0 is outside of the interval, else `level`; `too few` runs to say."""
        if min(self.runs) < _FEWEST:
            return "too few"
        low, high = self.gap_interval
        return "ahead" if high < 0.0 else "behind" if low > 0.0 else "level"


@dataclass(frozen=True, slots=True)
class Worse:
    """A task, and whether an optimiser is worse than random search on it.

    Attributes:
        task: name.
        runs: number of them.
        above: how many ended above random search's median.
        p: chance of at least that many if the optimiser were random search.
        adjusted: the same after Holm's correction over tasks.
    """

    task: str
    runs: int
    above: int
    p: float
    adjusted: float


def best_known(runs: Runs) -> dict[str, float]:
    """Task -> the smallest loss of any run there is, whoever is compared."""
    best: dict[str, float] = {}
    for (_, task, _), run in runs.items():
        best[task] = min(best.get(task, math.inf), float(np.fmin.reduce(np.asarray(run.losses))))
    return best


def ranks(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks `(runs, k)` from 1 of losses `(runs, k)` within each row; equal ones share their mean rank."""
    smaller = (losses[:, :, None] > losses[:, None, :]).sum(axis=2)
    equal = (losses[:, :, None] == losses[:, None, :]).sum(axis=2)
    return np.asarray(smaller + (equal + 1) / 2.0, dtype=np.float64)


def _over_tasks(draw: Sequence[Callable[[int], NDArray[np.float64]]], rng: np.random.Generator) -> NDArray[np.float64]:
    """Bootstrap means `(resamples, k)` over tasks.

    Args:
        draw: for each task, number of resamples -> `(resamples, k)`, each from runs drawn anew.
        rng: draws the tasks.
    """
    picks = rng.integers(len(draw), size=(_RESAMPLES, len(draw)))
    total = np.zeros((_RESAMPLES, draw[0](1).shape[1]))
    for slot in range(len(draw)):
        for task, of_task in enumerate(draw):
            chosen = np.flatnonzero(picks[:, slot] == task)
            if chosen.size:
                total[chosen] += of_task(chosen.size)
    return total / len(draw)


def _interval(samples: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.quantile(samples, _INTERVAL)
    return float(low), float(high)


def complete(runs: Runs, optimisers: Sequence[str], budget: int) -> list[str]:
    """Those that have a long enough run on every task that at least half of those with any such run have.

    A peer that was run on a subset of the tasks only would shrink the table of all the others.
    """
    covered = {
        name: {task for (o, task, _), run in runs.items() if o == name and len(run.losses) >= budget}
        for name in optimisers
    }
    present = [tasks for tasks in covered.values() if tasks]
    common = {task for tasks in present for task in tasks if 2 * sum(task in t for t in present) >= len(present)}
    return [name for name in optimisers if covered[name] and covered[name] >= common]


def compare(
    runs: Runs,
    references: References,
    optimisers: Sequence[str],
    budget: int,
    counts: Choice = lambda task: True,
    best: Mapping[str, float] | None = None,
) -> list[Row]:
    """The rows of one table, best mean rank first; empty where no run is shared by all.

    Args:
        runs: from `records.read`.
        references: of the tasks.
        optimisers: at least one.
        budget: evaluations.
        counts: only these tasks.
        best: from `best_known`.
    """
    # Only runs of the optimisers asked for decide who is paired; the best known loss looks at every run there is.
    best = best_known(runs) if best is None else best
    pairs: dict[str, list[int]] = {}
    for _, task, seed in sorted(key for key in runs if key[0] == optimisers[0]):
        there = all(len(getattr(runs.get((o, task, seed)), "losses", ())) >= budget for o in optimisers)
        if there and task in references and counts(task):
            pairs.setdefault(task, []).append(seed)
    if not pairs:
        return []
    found, regrets = [], []
    for task, seeds in pairs.items():
        chosen = [[np.asarray(runs[o, task, seed].losses) for o in optimisers] for seed in seeds]
        found.append(np.array([[np.fmin.reduce(losses[:budget]) for losses in row] for row in chosen]))
        regrets.append(
            [
                [scoring.normalised_regret(losses, references[task], budget, best[task]) for losses in row]
                for row in chosen
            ]
        )
    per_task = np.array([np.mean(rows, axis=0) for rows in regrets])  # (tasks, k)
    by_task = [ranks(losses) for losses in found]
    mean_rank = np.mean([r.mean(axis=0) for r in by_task], axis=0)
    rng = np.random.default_rng(0)
    draws = [lambda n, r=r: r[rng.integers(len(r), size=(n, len(r)))].mean(axis=1) for r in by_task]
    low, high = np.quantile(_over_tasks(draws, rng), _INTERVAL, axis=0)
    together = np.concatenate(found)
    rows = []
    for j, optimiser in enumerate(optimisers):
        beaten = (together[:, [j]] < together).mean(axis=0) + (together[:, [j]] == together).mean(axis=0) / 2
        rows.append(
            Row(
                optimiser,
                float(per_task[:, j].mean()),
                scoring.geometric(per_task[:, j]),
                float(mean_rank[j]),
                (float(low[j]), float(high[j])),
                {other: float(beaten[i]) for i, other in enumerate(optimisers) if i != j},
                dict(zip(pairs, per_task[:, j].tolist(), strict=True)),
                len(together),
            )
        )
    return sorted(rows, key=lambda row: row.rank)


def _of_tasks(runs: Runs, optimiser: str, budget: int, counts: Choice) -> dict[str, list[NDArray[np.float64]]]:
    """Task -> losses of each run that is long enough."""
    kept: dict[str, list[NDArray[np.float64]]] = {}
    for name, task, seed in sorted(key for key in runs if key[0] == optimiser):
        losses = runs[name, task, seed].losses
        if len(losses) >= budget and counts(task):
            kept.setdefault(task, []).append(np.asarray(losses[:budget]))
    return kept


def duel(
    runs: Runs,
    references: References,
    ours: str,
    other: str,
    budget: int,
    counts: Choice = lambda task: True,
    best: Mapping[str, float] | None = None,
) -> Duel | None:
    """One optimiser against another on the tasks that both have; None where there is none.

    Args:
        runs: from `records.read`.
        references: of the tasks.
        ours: whose wins are counted.
        other: against whom.
        budget: evaluations.
        counts: only these tasks.
        best: from `best_known`.
    """
    best = best_known(runs) if best is None else best
    sides = [_of_tasks(runs, name, budget, counts) for name in (ours, other)]
    tasks = [task for task in sides[0] if task in sides[1] and task in references]
    if not tasks:
        return None
    rng = np.random.default_rng(0)
    draws, values = [], []
    for task in tasks:
        found = [np.array([np.fmin.reduce(losses) for losses in side[task]]) for side in sides]
        regrets = [
            np.array([scoring.normalised_regret(losses, references[task], budget, best[task]) for losses in side[task]])
            for side in sides
        ]
        less, equal = found[0][:, None] < found[1], found[0][:, None] == found[1]
        won = less + equal / 2.0  # (our runs, their runs)
        values.append((won.mean(), regrets[0].mean(), regrets[1].mean()))
        draws.append(_duel_draws(won, regrets, rng))
    wins, mine, theirs = np.mean(values, axis=0).tolist()
    samples = _over_tasks(draws, rng)
    return Duel(
        *(ours, other, len(tasks)),
        (sum(len(sides[0][task]) for task in tasks), sum(len(sides[1][task]) for task in tasks)),
        (mine, theirs),
        wins,
        _interval(samples[:, 0]),
        mine - theirs,
        _interval(samples[:, 1]),
    )


def _duel_draws(
    won: NDArray[np.float64], regrets: Sequence[NDArray[np.float64]], rng: np.random.Generator
) -> Callable[[int], NDArray[np.float64]]:
    """Number of resamples -> (share won, gap of the means) `(resamples, 2)`, runs of either side drawn anew."""

    def draw(resamples: int) -> NDArray[np.float64]:
        weights = [rng.multinomial(n, np.full(n, 1.0 / n), size=resamples) / n for n in won.shape]
        shares = np.einsum("ri,ij,rj->r", weights[0], won, weights[1])
        return np.column_stack([shares, weights[0] @ regrets[0] - weights[1] @ regrets[1]])

    return draw


def holm(p: Sequence[float]) -> list[float]:
    """Holm's adjustment: the level at which each of several tests would reject, all being looked at (Holm 1979)."""
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    highest = 0.0
    for place, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p) - place) * p[index]))
        adjusted[index] = highest
    return [float(value) for value in adjusted]


def worse_than_random(
    runs: Runs, references: References, optimiser: str, budget: int, counts: Choice = lambda task: True
) -> list[Worse]:
    """For each task a one-sided sign test against random search's median, Holm-corrected; smallest p first.

    Half of the runs of random search end above its median, whatever the losses look like, so the number above it is
    binomial if the optimiser is no better.  A run that ends at the median itself speaks for neither side, and is left
    out.  Five runs cannot reach 1 % (the least p is 1/32); twenty can.
    """
    rows: list[tuple[str, int, int, float]] = []
    for task, kept in _of_tasks(runs, optimiser, budget, counts).items():
        if task in references:
            median = references[task].random_median[budget - 1]
            found = np.array([np.fmin.reduce(losses) for losses in kept])
            above, trials = int((found > median).sum()), int((found != median).sum())
            tail = sum(math.comb(trials, k) for k in range(above, trials + 1))
            rows.append((task, len(kept), above, tail / 2**trials))
    adjusted = holm([row[3] for row in rows])
    return sorted((Worse(*row, level) for row, level in zip(rows, adjusted, strict=True)), key=lambda row: row.p)
