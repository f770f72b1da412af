"""What happens when evaluations crash, losses have noise, or eight workers finish out of turn.

    python -m benchmarks.quality.robustness [--parts crash noise workers] [--optimisers A B ...] [--peers FOLDER]
        [--fresh] [--minutes M] [--pack] [--report-only] [--readme]

Makes the runs that are missing and prints a table for each part; `--fresh --optimisers parzen-auto` makes those of one
optimiser anew.  What a run is made of is in `scenarios`; each part has its optimisers and tasks below.

**crash**: in a fifth to a half of the space, next to a good point, every evaluation fails.  Regret is normalised by
random search's median in the same space with the same crashes, 1 is random search; `crashed`: share of the evaluations
that failed, and of those in the last third, when a search could know.  SMAC3 is told the worst of 500 random losses as
its crash cost (at its default, infinity, it stops).

**noise**: tables of trainings give the loss of one repetition at random; synthetic functions get Gaussian noise.
Regrets are of true losses: of the best that was evaluated, and of what the library would hand over as the best.

**workers**: eight asynchronous workers on a virtual clock against one, at equal numbers of evaluations.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.quality import readme, records, scoring, spaces
from benchmarks.quality.comparison import best_known, duel
from benchmarks.quality.references import median_of_best
from benchmarks.quality.report import markdown, percent
from benchmarks.quality.run import RESULTS, Job, add_common_arguments, make, missing
from benchmarks.quality.scenarios import CRASHES, region_of
from benchmarks.quality.tasks import SUITES, Task, data_directory, load

__all__ = ["PARTS", "Part", "main"]

FOLDER = RESULTS / "robustness"


@dataclass(frozen=True, slots=True)
class Part:
    """One of the three questions.

    Attributes:
        scenarios: how runs are made.
        optimisers: name -> number of seeds; ours get ten, peers what they cost.
        tasks: names.
        evaluations: of a run.
        budgets: at which regrets are shown.
    """

    scenarios: tuple[str, ...]
    optimisers: Mapping[str, int]
    tasks: tuple[str, ...]
    evaluations: int
    budgets: tuple[int, ...]

    def jobs(self, most_seeds: int) -> list[Job]:
        """All that could be made."""
        return [
            Job(optimiser, task, tuple(range(min(seeds, most_seeds))), self.evaluations, scenario)
            for optimiser, seeds in self.optimisers.items()
            for scenario in self.scenarios
            for task in self.tasks
        ]


PARTS: Mapping[str, Part] = {
    "crash": Part(
        ("crash",),
        {"parzen-auto": 10, "parzen-tpe": 10, "random": 10, "optuna-tpe": 10, "optuna-gp": 3, "smac": 3},
        tuple(CRASHES),
        60,
        (30, 60),
    ),
    "noise": Part(
        ("noise",),
        {
            "parzen-auto": 10,
            "parzen-auto-noisy": 10,
            "parzen-tpe": 10,
            "parzen-tpe-noisy": 10,
            "random": 10,
            "optuna-tpe": 10,
            "hyperopt-tpe": 10,
            "optuna-gp": 3,
        },
        (
            *("coco/f8-d5-i2", "coco/f15-d5-i3", "mixint/f8-d5-i2"),
            *("tabular/hpobench-segment", "tabular/hpobench-phoneme", "tabular/nasbench201-cifar10"),
        ),
        60,
        (30, 60),
    ),
    "workers": Part(
        ("plain", "workers"),
        {"parzen-auto": 10, "parzen-tpe": 10, "optuna-tpe": 10},
        (
            *("yahpo/lcbench-3945", "yahpo/lcbench-168330", "yahpo/rbv2_xgboost-1501"),
            *("coco/f8-d5-i2", "coco/f15-d5-i3", "mixint/f8-d5-i2"),
            *("tabular/hpobench-segment", "tabular/nasbench201-cifar10"),
        ),
        100,
        (50, 100),
    ),
}


def _runs_of(runs: Mapping[tuple[str, str, int], records.Run], part: Part, prefix: str) -> dict[str, dict[str, list]]:
    """Optimiser -> task -> losses `(n,)` of each run, of those kept under `prefix`."""
    kept: dict[str, dict[str, list]] = {}
    for (optimiser, name, _), run in sorted(runs.items()):
        task = name.removeprefix(prefix)
        if name.startswith(prefix) and optimiser in part.optimisers and task in part.tasks:
            kept.setdefault(optimiser, {}).setdefault(task, []).append(np.array(run.losses))
    return kept


def _crash_reference(task: Task, found: float) -> scoring.Reference:
    """Random search's median where the region crashes, and the best that is known outside of it."""
    rng = np.random.default_rng(2026)
    configs = [spaces.sample(task.params, rng) for _ in range(4000)]
    region = region_of(task)
    crashed = region.holds(spaces.units(task.params, configs))
    losses = np.where(crashed, np.inf, task.losses(configs))
    return scoring.Reference(min(found, float(losses.min())), median_of_best(losses, 200), len(losses))


def _regret(losses: np.ndarray, reference: scoring.Reference, budget: int) -> float:
    """Normalised regret; a run in which nothing has succeeded yet counts like random search's first median."""
    best = float(np.fmin.reduce(losses[:budget]))
    if np.isnan(best):
        return scoring.normalised_regret([float(reference.random_median[0])], reference, 1)
    return scoring.normalised_regret(losses, reference, budget)


def _crash_table(part: Part, runs: Mapping[tuple[str, str, int], records.Run], tasks: Mapping[str, Task]) -> list[str]:
    kept = _runs_of(runs, part, "crash/")
    references = {}
    for name in part.tasks:
        found = [float(np.fmin.reduce(losses)) for of_task in kept.values() for losses in of_task.get(name, [])]
        references[name] = _crash_reference(tasks[name], float(np.fmin.reduce(found)))
    body = []
    for optimiser, of_task in kept.items():
        regrets = {
            budget: [np.mean([_regret(run, references[name], budget) for run in of_task[name]]) for name in of_task]
            for budget in part.budgets
        }
        late = 2 * part.evaluations // 3
        shares = [np.mean([np.isnan(run) for run in of_task[name]]) for name in of_task]
        late_shares = [np.mean([np.isnan(run[late:]) for run in of_task[name]]) for name in of_task]
        body.append(
            [
                optimiser,
                f"{len(of_task)}",
                f"{sum(map(len, of_task.values()))}",
                *(f"{np.mean(values):.3f} / {scoring.geometric(values):.3f}" for values in regrets.values()),
                f"{100 * np.mean(shares):.0f} %",
                f"{100 * np.mean(late_shares):.0f} %",
            ]
        )
    body.sort(key=lambda row: float(row[3 + len(part.budgets) - 1].split(" ")[0]))
    budgets = [f"mean / geo after {budget}" for budget in part.budgets]
    lines = ["### Evaluations that crash", ""]
    return lines + markdown(["", "tasks", "runs", *budgets, "crashed", "of the last third"], body)


def _noise_table(part: Part, runs: Mapping[tuple[str, str, int], records.Run]) -> list[str]:
    references = scoring.read_references()
    truths, picks = _runs_of(runs, part, "noise/"), _runs_of(runs, part, "noise-pick/")
    body = []
    for optimiser, of_task in truths.items():
        cells = []
        for budget in part.budgets:
            for kept, at in ((of_task, slice(0, budget)), (picks[optimiser], slice(budget - 1, budget))):
                values = [
                    np.mean([_at(run[at], references[name], budget) for run in kept[name]]) for name in sorted(kept)
                ]
                cells.append(f"{np.mean(values):.3f} / {scoring.geometric(values):.3f}")
        body.append([optimiser, f"{len(of_task)}", f"{sum(map(len, of_task.values()))}", *cells])
    body.sort(key=lambda row: float(row[-1].split(" ")[0]))
    budgets = [f"{what} after {budget}" for budget in part.budgets for what in ("best evaluated", "handed over")]
    lines = ["### Losses with noise, mean / geo of the true losses", ""]
    return lines + markdown(["", "tasks", "runs", *budgets], body)


def _at(losses: np.ndarray, reference: scoring.Reference, budget: int) -> float:
    """Normalised regret at a budget of the best of some losses."""
    return scoring.normalised_regret([float(losses.min())], scoring.Reference(
        reference.best, reference.random_median[budget - 1 : budget], reference.draws), 1)  # fmt: skip


def _workers_table(part: Part, runs: Mapping[tuple[str, str, int], records.Run]) -> list[str]:
    """The same optimiser with eight workers and with one, as a duel."""
    references = scoring.read_references()
    renamed = {}
    for (optimiser, name, seed), run in runs.items():
        task = name.removeprefix("workers/")
        if optimiser in part.optimisers and task in part.tasks:
            renamed[optimiser + (" 8" if name.startswith("workers/") else " 1"), task, seed] = run
    best = best_known(renamed)
    body = []
    for optimiser in part.optimisers:
        for budget in part.budgets:
            d = duel(renamed, references, f"{optimiser} 8", f"{optimiser} 1", budget, best=best)
            if d is not None:
                body.append(
                    [
                        *(optimiser, f"{budget}", f"{d.tasks}", f"{d.runs[0]} / {d.runs[1]}"),
                        *(f"{mean:.3f}" for mean in d.means),
                        f"{d.gap:+.3f} ({d.gap_interval[0]:+.3f} to {d.gap_interval[1]:+.3f})",
                        f"{100 * d.wins:.0f} % ({percent(d.wins_interval)})",
                    ]
                )
    head = ["", "evaluations", "tasks", "runs", "mean regret, 8 workers", "1 worker", "gap", "8 workers win"]
    return ["### Eight asynchronous workers against one, at equal evaluations", "", *markdown(head, body)]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns 1 if a run failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--optimisers", nargs="+", help="make only runs of these; default: all")
    parser.add_argument("--most-seeds", type=int, default=10, help="fewer of them, where time is short")
    parser.add_argument("--results", type=Path, default=FOLDER)
    parser.add_argument("--report-only", action="store_true", help="make no run")
    parser.add_argument("--readme", action="store_true", help="write the tables into benchmarks/README.md")
    add_common_arguments(parser)
    options = parser.parse_args(arguments)
    data = data_directory(options.data).resolve()
    tasks, skipped = load(SUITES, data)
    for suite, reason in skipped.items():
        print(f"skipped {suite}: {reason}")
    known = {task.name: task for task in tasks}
    parts = {name: PARTS[name] for name in options.parts}
    fine = True
    if not options.report_only:
        jobs = [job for part in parts.values() for job in part.jobs(options.most_seeds) if job.task in known]
        jobs = [job for job in jobs if options.optimisers is None or job.optimiser in options.optimisers]
        if options.fresh:
            names = {name for job in jobs for name in (job.kept_as, job.kept_as.replace("noise/", "noise-pick/", 1))}
            records.discard(options.results, {job.optimiser for job in jobs}, names)
        fine = make(missing(jobs, options.results), options, data)
        if options.pack:
            records.pack(options.results)
    runs = records.read(options.results)
    lines: list[str] = []
    if "crash" in parts:
        lines += _crash_table(parts["crash"], runs, known)
    if "noise" in parts:
        lines += _noise_table(parts["noise"], runs)
    if "workers" in parts:
        lines += _workers_table(parts["workers"], runs)
    print("\n".join(lines))
    if options.readme:
        readme.write("robustness", lines)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
