"""Makes `references.json`: of each task the best loss known and random search's median best after b evaluations.

    python -m benchmarks.quality.references [--data FOLDER] [--suites yahpo coco ...] [--from-runs]

The best of b independent draws has as its median the 1 - 2^(-1/b) quantile of one draw, so that one long random search
gives the median for every b, exactly where a table can be listed whole.  Where no optimum is known, the best draws are
refined by a shrinking random walk; a better loss that is in the file already or in a committed run takes its place.
`--from-runs` does only the last.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality import records, spaces
from benchmarks.quality.run import RESULTS
from benchmarks.quality.tasks import SUITES, Task, load

__all__ = ["main", "median_of_best"]

_PATH = Path(__file__).parent / "references.json"
_BUDGETS = 200
_DRAWS = {"yahpo": 40_000, "coco": 40_000, "mixint": 40_000, "live": 800}
_ROUNDS, _STARTS, _STEPS = 60, 16, 16


def median_of_best(losses: NDArray[np.float64], budgets: int) -> NDArray[np.float64]:
    """`(budgets,)`: the median of the smallest of 1 ... budgets independent draws of `losses`."""
    quantiles = 1.0 - 0.5 ** (1.0 / np.arange(1, budgets + 1))
    return np.quantile(losses, quantiles, method="inverted_cdf")


def _refined(task: Task, configs: list[spaces.Config], losses: NDArray[np.float64], rng: np.random.Generator) -> float:
    """The best loss of random walks from the best configurations; steps shrink from a fifth of the range to 1e-4."""
    starts = np.argsort(losses)[:_STARTS]
    points, values = spaces.units(task.params, [configs[i] for i in starts]), losses[starts]
    for scale in np.geomspace(0.2, 1e-4, _ROUNDS):
        steps = rng.normal(size=(_STEPS, *points.shape)) * scale
        # A few coordinates at a time (a category changes only by a jump), sometimes all of them.
        moved = rng.random(steps.shape) < rng.choice([0.15, 0.4, 1.0], size=(_STEPS, len(points), 1))
        jumps = (rng.random(steps.shape) < 0.1) & moved
        proposals = np.clip(points + np.where(moved, steps, 0.0), 0.0, 1.0)
        proposals = np.where(jumps, rng.random(steps.shape), proposals)
        tried = [spaces.unit_config(task.params, row) for row in proposals.reshape(-1, points.shape[1]).tolist()]
        found = task.losses(tried).reshape(_STEPS, len(points))
        winners = found.argmin(axis=0)
        columns = np.arange(len(points))
        better = found[winners, columns] < values
        points = np.where(better[:, None], proposals[winners, columns], points)
        values = np.where(better, found[winners, columns], values)
    return float(values.min())


def _reference(task: Task, rng: np.random.Generator) -> dict[str, Any]:
    """One entry of the file."""
    if task.finite is not None:
        cells = itertools.product(*(param.choices for param in task.params))
        names = [param.name for param in task.params]
        configs = [dict(zip(names, cell, strict=True)) for cell in cells]
    else:
        configs = [spaces.sample(task.params, rng) for _ in range(_DRAWS[task.suite])]
    losses = np.concatenate([task.losses(configs[i : i + 2000]) for i in range(0, len(configs), 2000)])
    best = task.optimum
    if best is None:
        # Live trainings are too dear to refine; there the best of every run takes its place.
        best = float(losses.min()) if task.suite == "live" else _refined(task, configs, losses, rng)
    median = median_of_best(losses, _BUDGETS)
    return {"best": best, "draws": len(configs), "random_median": [float(f"{value:.7g}") for value in median]}


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--suites", nargs="+", choices=SUITES, default=SUITES)
    parser.add_argument("--out", type=Path, default=_PATH)
    parser.add_argument("--from-runs", action="store_true", help="only lower the best to what the kept runs found")
    options = parser.parse_args(arguments)
    tasks, skipped = load(options.suites, options.data)
    for suite, reason in skipped.items():
        print(f"skipped {suite}: {reason}")
    known = json.loads(options.out.read_text()) if options.out.is_file() else {}
    runs = records.read(RESULTS)
    for number, task in enumerate(tasks):
        before = known.get(task.name)
        entry = before if options.from_runs and before else _reference(task, np.random.default_rng([2026, number]))
        if task.optimum is None:
            found = [float(np.fmin.reduce(run.losses)) for run in runs.values() if run.task == task.name]
            entry["best"] = min([entry["best"], *found, *([before["best"]] if before else [])])
        known[task.name] = entry
        print(f"{task.name}: best {entry['best']:.6g}, random after 100: {entry['random_median'][99]:.6g}", flush=True)
        # One line per task, so that a change of one is a change of one line.
        lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(known[name])}" for name in sorted(known))
        options.out.write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
