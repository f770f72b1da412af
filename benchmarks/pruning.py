"""What pruners save and what they cost, on trainings of scikit-learn models, beside Optuna's.

    python -m benchmarks.pruning [--seeds 10] [--configurations 60] [--search SEEDS] [--quick]

First the pruners alone: for each seed, the curves of so many random configurations are trained to their end once, and every
pruner sees the same curves in the same order.  Then (`--search 3`) whole searches, each library with its own TPE.  Both
libraries' pruners are at their defaults.  The loss is the log loss on held-out data after the last epoch; "epochs" is what
was trained in all, in per cent of training everything, and "found" the best loss of a finished trial.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import platform
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import parzen
from benchmarks.quality.spaces import Params, category, integer, parzen_space, real, sample, suggest_with_optuna
from parzen import hp
from parzen.pruners import Patient

EPOCHS = 30


# --- trainings --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Workload:
    """A training that can be watched.

    Attributes:
        name: of it.
        space: of its settings.
        model: settings, seed -> an estimator with `partial_fit`.
        rows: training rows.
    """

    name: str
    space: Params
    model: Callable[[dict[str, Any], int], Any]
    rows: int

    def losses(self, config: dict[str, Any], seed: int) -> Iterator[float]:
        """The held-out log loss after each epoch."""
        x, y, x_held, y_held = _digits(self.rows, seed)
        model, order = self.model(config, seed), np.random.default_rng(seed)
        for _ in range(EPOCHS):
            mixed = order.permutation(len(x))
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                try:
                    model.partial_fit(x[mixed], y[mixed], classes=np.arange(10))
                    told = model.predict_proba(x_held)[np.arange(len(y_held)), y_held]
                    loss = float(-np.log(np.clip(np.nan_to_num(told, nan=0.1), 1e-6, 1.0)).mean())
                except ValueError:  # the weights have become infinite
                    loss = float("nan")
            yield loss


def _digits(rows: int, seed: int) -> tuple[Any, Any, Any, Any]:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    x = (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-9)
    order = np.random.default_rng(1000 + seed).permutation(len(x))
    held = order[rows : rows + 500]
    return x[order[:rows]], y[order[:rows]], x[held], y[held]


def _linear(config: dict[str, Any], seed: int) -> Any:
    from sklearn.linear_model import SGDClassifier

    return SGDClassifier(loss="log_loss", random_state=seed, **config)


def _network(config: dict[str, Any], seed: int) -> Any:
    from sklearn.neural_network import MLPClassifier

    settings = dict(config)
    return MLPClassifier((settings.pop("width"),), random_state=seed, **settings)


WORKLOADS = (
    Workload(
        "SGDClassifier",
        (
            real("alpha", 1e-7, 1e-1, log=True),
            real("eta0", 1e-5, 1.0, log=True),
            real("power_t", 0.05, 0.9),
            category("learning_rate", ["constant", "invscaling"]),
            category("penalty", ["l2", "l1"]),
            category("average", [False, True]),
        ),
        _linear,
        1000,
    ),
    Workload(
        "MLPClassifier",
        (
            integer("width", 4, 64, log=True),
            real("learning_rate_init", 1e-5, 1e-1, log=True),
            real("alpha", 1e-6, 1e1, log=True),
            integer("batch_size", 16, 256, log=True),
            category("activation", ["relu", "tanh", "logistic"]),
        ),
        _network,
        500,
    ),
)


# --- who decides ------------------------------------------------------------------------------------------------

Losses = Callable[[int, dict[str, Any]], Iterator[float]]
"""Number and settings of a trial -> its loss after each epoch."""

PARZEN: dict[str, Any] = {
    "no pruner": None,
    "parzen median": "median",
    "parzen asha": "asha",
    "parzen hyperband": "hyperband",
    "parzen patient(median)": Patient(patience=3),
}
OPTUNA = ("optuna MedianPruner", "optuna SuccessiveHalvingPruner", "optuna HyperbandPruner")


def with_parzen(pruner: Any, space: Any, algorithm: str, n: int, seed: int, losses: Losses) -> tuple[int, float]:
    """Epochs trained, and the best loss of a finished trial."""
    spent = 0

    def objective(config: Any, evaluation: parzen.Evaluation) -> float:
        nonlocal spent
        loss = float("nan")
        for epoch, loss in enumerate(losses(evaluation.number, config), start=1):
            spent += 1
            evaluation.report(epoch, loss)
            if epoch < EPOCHS and evaluation.should_stop():
                raise parzen.TrialPruned
        return loss

    result = parzen.minimize(objective, space, n, algorithm=algorithm, pruner=pruner, seed=seed, progress=False)
    return spent, float(result.best.loss)


def with_optuna(name: str, space: Params | None, n: int, seed: int, losses: Losses) -> tuple[int, float]:
    """The same with a pruner of Optuna's; `space` None means random settings that nobody looks at."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    spent = 0

    def objective(trial: Any) -> float:
        nonlocal spent
        config = suggest_with_optuna(space, trial) if space is not None else {}
        loss = float("nan")
        for epoch, loss in enumerate(losses(trial.number, config), start=1):
            spent += 1
            trial.report(loss, epoch)
            if epoch < EPOCHS and trial.should_prune():
                raise optuna.TrialPruned
        return loss

    pruner = getattr(optuna.pruners, name.split()[1])() if name.startswith("optuna ") else optuna.pruners.NopPruner()
    sampler = optuna.samplers.TPESampler(seed=seed)
    study = optuna.create_study(pruner=pruner, sampler=sampler)
    study.optimize(objective, n)
    return spent, float(study.best_value)


# --- runs -------------------------------------------------------------------------------------------------------


def alone(workload: Workload, n: int, seeds: Sequence[int]) -> dict[str, list[tuple[float, float]]]:
    """Every pruner on the same curves: for each seed the share of epochs, and how much worse the best loss is."""
    rows: dict[str, list[tuple[float, float]]] = {}
    nothing = {"x": hp.float("x", 0, 1)}
    for seed in seeds:
        rng = np.random.default_rng(seed)
        curves = [list(workload.losses(sample(workload.space, rng), seed)) for _ in range(n)]
        best = np.nanmin([curve[-1] for curve in curves])

        def replay(number: int, _: dict[str, Any], curves: list[list[float]] = curves) -> Iterator[float]:
            return iter(curves[number])

        for name, pruner in PARZEN.items():
            spent, found = with_parzen(pruner, nothing, "random", n, seed, replay)
            rows.setdefault(name, []).append((spent / (n * EPOCHS), found - best))
        for name in OPTUNA:
            spent, found = with_optuna(name, None, n, seed, replay)
            rows.setdefault(name, []).append((spent / (n * EPOCHS), found - best))
    return rows


def searches(workload: Workload, n: int, seeds: Sequence[int]) -> dict[str, list[tuple[float, float]]]:
    """Whole searches: for each seed the share of epochs, and the best loss."""
    rows: dict[str, list[tuple[float, float]]] = {}
    for seed in seeds:

        def train(_: int, config: dict[str, Any], seed: int = seed) -> Iterator[float]:
            return workload.losses(config, seed)

        for name in ("no pruner", "parzen median", "parzen asha"):
            spent, found = with_parzen(PARZEN[name], parzen_space(workload.space), "tpe", n, seed, train)
            rows.setdefault(name.replace("no pruner", "parzen, no pruner"), []).append((spent / (n * EPOCHS), found))
        for name in ("optuna, no pruner", *OPTUNA[:2]):
            spent, found = with_optuna(name, workload.space, n, seed, train)
            rows.setdefault(name, []).append((spent / (n * EPOCHS), found))
    return rows


def table(title: str, column: str, rows: dict[str, list[tuple[float, float]]]) -> str:
    """Means over the seeds, with the standard error of the loss."""
    lines = [f"### {title}", "", f"| | epochs | {column} |", "| --- | --- | --- |"]
    for name, pairs in rows.items():
        spent, loss = np.array(pairs).T
        error = loss.std(ddof=1) / np.sqrt(len(loss)) if len(loss) > 1 else 0.0
        lines.append(f"| {name} | {100 * spent.mean():.1f} % | {loss.mean():.4f} ± {error:.4f} |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--configurations", type=int, default=60)
    parser.add_argument(
        "--search", type=int, default=0, metavar="SEEDS", help="whole searches as well, with so many seeds"
    )
    parser.add_argument("--quick", action="store_true", help="two seeds, twelve configurations, one workload")
    given = parser.parse_args(arguments)
    seeds, n, workloads = range(given.seeds), given.configurations, WORKLOADS
    if given.quick:
        seeds, n, workloads = range(2), 12, WORKLOADS[:1]
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("scikit-learn", "optuna", "numpy"))
    print(
        f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}, {len(seeds)} seeds; {versions}; Python {platform.python_version()}\n"
    )
    began = time.process_time()
    for workload in workloads:
        print(
            table(
                f"{workload.name}, the same {n} curves of {EPOCHS} epochs",
                "best loss, above that of all",
                alone(workload, n, seeds),
            ),
            flush=True,
        )
    for workload in workloads if given.search else ():
        print(
            table(f"{workload.name}, searches of {n} trials", "best loss", searches(workload, n, range(given.search))),
            flush=True,
        )
    print(f"{time.process_time() - began:.0f} s of CPU")


if __name__ == "__main__":
    main()
