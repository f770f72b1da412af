"""Prints what the runs say, in Markdown: regret, rank and wins, over all tasks and per suite.

    python -m benchmarks.quality.report [--optimisers A B ...] [--budgets 25 50 100 200] [--tasks-too] [--json FILE]

Only (task, seed) pairs that every optimiser in the report has at a budget count there, so that all are compared on the
same runs.  **mean**: normalised regret (0 = best known, 1 = random search's median at that budget) averaged over seeds,
then over tasks.  **geo**: geometric mean over tasks of the per-task means, floored at 1e-3.  **rank**: mean rank among
the rows, paired by task and seed, with a 95 % bootstrap interval (tasks are drawn anew, then seeds within a task).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality import records, scoring
from benchmarks.quality.run import RESULTS

__all__ = ["Row", "compare", "main", "ranks"]

_BUDGETS = (25, 50, 100, 200)
_RESAMPLES = 2000


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


def ranks(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks `(runs, k)` from 1 of losses `(runs, k)` within each row; equal ones share their mean rank."""
    smaller = (losses[:, :, None] > losses[:, None, :]).sum(axis=2)
    equal = (losses[:, :, None] == losses[:, None, :]).sum(axis=2)
    return np.asarray(smaller + (equal + 1) / 2.0, dtype=np.float64)


def _bootstrap(by_task: Sequence[NDArray[np.float64]], rng: np.random.Generator) -> NDArray[np.float64]:
    """95 % intervals `(2, k)` of the mean rank over tasks, from ranks `(seeds, k)` of each task."""
    means = np.empty((_RESAMPLES, by_task[0].shape[1]))
    for i in range(_RESAMPLES):
        drawn = [by_task[t] for t in rng.integers(len(by_task), size=len(by_task))]
        means[i] = np.mean([r[rng.integers(len(r), size=len(r))].mean(axis=0) for r in drawn], axis=0)
    return np.quantile(means, [0.025, 0.975], axis=0)


def compare(
    runs: Mapping[tuple[str, str, int], records.Run],
    references: Mapping[str, scoring.Reference],
    optimisers: Sequence[str],
    budget: int,
    suite: str | None = None,
) -> list[Row]:
    """The rows of one table, best mean rank first; empty where no run is shared by all.

    Args:
        runs: from `records.read`.
        references: of the tasks.
        optimisers: at least one.
        budget: evaluations.
        suite: only its tasks.
    """
    # Only runs of the optimisers asked for decide who is paired; the best known loss looks at every run there is.
    best: dict[str, float] = {}
    for (_, task, _), run in runs.items():
        best[task] = min(best.get(task, np.inf), float(np.fmin.reduce(np.asarray(run.losses))))
    pairs: dict[str, list[int]] = {}
    for _, task, seed in sorted(key for key in runs if key[0] == optimisers[0]):
        there = all(len(getattr(runs.get((o, task, seed)), "losses", ())) >= budget for o in optimisers)
        if there and task in references and (suite is None or task.split("/")[0] == suite):
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
    low, high = _bootstrap(by_task, np.random.default_rng(0))
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


def _table(head: Iterable[str], body: Iterable[Iterable[str]]) -> list[str]:
    cells = list(head)
    rule = ["---"] * len(cells)
    return ["| " + " | ".join(line) + " |" for line in [cells, rule, *map(list, body)]]


def _show(title: str, rows: Sequence[Row], tasks_too: bool) -> list[str]:
    names = [row.optimiser for row in rows]
    body = [
        [
            row.optimiser,
            f"{row.mean:.3f}",
            f"{row.geometric:.3f}",
            f"{row.rank:.2f} ({row.interval[0]:.2f} to {row.interval[1]:.2f})",
            *("" if name == row.optimiser else f"{100 * row.wins[name]:.0f} %" for name in names),
        ]
        for row in rows
    ]
    lines = [f"### {title}: {len(rows[0].tasks)} tasks, {rows[0].runs} paired runs", ""]
    lines += [*_table(["", "mean", "geo", "rank", *(f"beats {name}" for name in names)], body), ""]
    if tasks_too:
        by_task = [[task, *(f"{row.tasks[task]:.3f}" for row in rows)] for task in rows[0].tasks]
        lines += [*_table(["task", *names], by_task), ""]
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns 1 if there is nothing to compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--optimisers", nargs="+", help="default: all that have runs")
    parser.add_argument("--budgets", nargs="+", type=int, default=_BUDGETS)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--tasks-too", action="store_true", help="also a regret per task")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    runs, references = records.read(options.results), scoring.read_references()
    optimisers = options.optimisers or sorted({key[0] for key in runs})
    if not optimisers:
        print(f"no runs in {options.results}")
        return 1
    suites = list(dict.fromkeys(key[1].split("/")[0] for key in sorted(runs)))
    stored = []
    for budget in options.budgets:
        for suite in [None, *suites]:
            rows = compare(runs, references, optimisers, budget, suite)
            if rows:
                print("\n".join(_show(f"{suite or 'All suites'} after {budget}", rows, options.tasks_too)))
                stored.append({"budget": budget, "suite": suite, "rows": [asdict(row) for row in rows]})
    if options.json:
        options.json.write_text(json.dumps(stored, indent=1) + "\n")
    return 0 if stored else 1


if __name__ == "__main__":
    raise SystemExit(main())
