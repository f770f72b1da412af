"""What a guess is worth, and what a wrong one costs: searches with and without `prior=`, on public tasks.

    python -m benchmarks.priors [--data FOLDER] [--seeds 10] [--algorithms tpe auto] [--quick]

The good guess is the best configuration of a search of 400 trials that nobody else sees, moved by a tenth of the range at
random in each parameter; the wrong guess is as far from that configuration as each range allows (for categories: an option
that it does not have).  Every parameter gets its guess, with the default width and trust.  Numbers are normalised regrets,
0 is the best loss known and 1 is where random search's median is after as many evaluations; means over tasks and seeds.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np

import parzen
from benchmarks.quality.scoring import Reference, normalised_regret, read_references
from benchmarks.quality.spaces import Config, Param, Params, from_unit, to_unit
from benchmarks.quality.tasks import Task, load
from parzen import hp

TASKS = ("yahpo/lcbench-3945", "yahpo/rbv2_rpart-14", "yahpo/iaml_glmnet-1489", "coco/f8-d5-i2", "coco/f15-d5-i3")
BUDGETS = (10, 25, 50, 100)
KINDS = ("none", "good", "wrong")


def space_of(params: Params, guess: Config | None) -> dict[str, Any]:
    """The space as a parzen user would write it who believes in a configuration."""

    def leaf(param: Param) -> Any:
        prior = None if guess is None else guess[param.name]
        if param.kind == "categorical":
            weights = None if prior is None else [4.0 if option == prior else 1.0 for option in param.choices]
            return hp.categorical(param.name, list(param.choices), prior=weights)
        if param.kind == "ordinal":
            return hp.ordinal(param.name, list(param.choices), prior=prior)
        if param.kind == "int":
            return hp.int(param.name, int(param.low), int(param.high), log=param.log, prior=prior)
        return hp.float(param.name, param.low, param.high, log=param.log, prior=prior)

    return {param.name: leaf(param) for param in params}


def guesses(task: Task, seed: int, best: Config) -> dict[str, Config | None]:
    """Kind -> a guess at the best configuration."""
    rng = np.random.default_rng(seed)
    good, wrong = {}, {}
    for param in task.params:
        unit = to_unit(param, best[param.name])
        if param.kind == "categorical":
            others = [option for option in param.choices if option != best[param.name]]
            good[param.name], wrong[param.name] = best[param.name], others[int(rng.integers(len(others)))]
            continue
        good[param.name] = from_unit(param, float(np.clip(unit + rng.normal(0.0, 0.1), 0.0, 1.0)))
        wrong[param.name] = from_unit(param, 0.05 if unit > 0.5 else 0.95)
    return {"none": None, "good": good, "wrong": wrong}


def searched(task: Task, guess: Config | None, algorithm: str, trials: int, seed: int) -> parzen.Result:
    """One search; failures of a task are failures."""
    return parzen.minimize(
        task.objective, space_of(task.params, guess), trials, algorithm=algorithm, seed=seed, catch=True, progress=False
    )


def measured(
    tasks: Sequence[Task], algorithm: str, seeds: Sequence[int], references: dict[str, Reference]
) -> dict[str, dict[int, list[float]]]:
    """Kind -> budget -> regret of each task and seed."""
    regrets: dict[str, dict[int, list[float]]] = {kind: {budget: [] for budget in BUDGETS} for kind in KINDS}
    for task in tasks:
        best = searched(task, None, "tpe", 400, 10_000).best.params
        for seed in seeds:
            for kind, guess in guesses(task, seed, dict(best)).items():
                losses = searched(task, guess, algorithm, max(BUDGETS), seed).history.losses
                for budget in BUDGETS:
                    regrets[kind][budget].append(normalised_regret(losses, references[task.name], budget))
    return regrets


def main(arguments: Sequence[str] | None = None) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", default=None, help="folder of the tasks' data, see benchmarks/README.md")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--algorithms", nargs="+", default=["tpe", "auto"])
    parser.add_argument("--quick", action="store_true", help="one task, two seeds, tpe")
    given = parser.parse_args(arguments)
    names, seeds, algorithms = TASKS, range(given.seeds), given.algorithms
    if given.quick:
        names, seeds, algorithms = TASKS[-1:], range(2), ["tpe"]
    known, skipped = load(sorted({name.split("/")[0] for name in names}), given.data)
    tasks = [task for task in known if task.name in names]
    for suite, reason in skipped.items():
        print(f"without {suite}: {reason}")
    print(f"{len(tasks)} tasks, {len(seeds)} seeds\n")
    print("| algorithm | guess | " + " | ".join(f"@{budget}" for budget in BUDGETS) + " |")
    print("| --- | --- |" + " --- |" * len(BUDGETS))
    for algorithm in algorithms:
        for kind, by_budget in measured(tasks, algorithm, seeds, read_references()).items():
            cells = " | ".join(f"{np.mean(by_budget[budget]):.3f}" for budget in BUDGETS)
            print(f"| {algorithm} | {kind} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
