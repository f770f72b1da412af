"""Three studies to draw: a plain one, one with branches and failures, one with noise, pruning and reports."""

from __future__ import annotations

from typing import Any

import numpy as np

import parzen
from parzen import hp

PLAIN = {
    "rate": hp.float("rate", 1e-5, 1e-1, log=True),
    "layers": hp.int("layers", 1, 8),
    "dropout": hp.float("dropout", 0, 0.6),
}
BRANCHES = hp.choice(
    "model",
    [
        {
            "kind": "svm",
            "C": hp.float("C", 1e-3, 1e3, log=True),
            "kernel": hp.categorical("kernel", ["rbf", "linear"]),
        },
        {"kind": "forest", "trees": hp.int("trees", 1, 200, log=True), "depth": hp.int("depth", 1, 20)},
    ],
)
NOISY = {"rate": hp.float("rate", 1e-3, 1, log=True), "decay": hp.float("decay", 0, 1)}


def plain(trials: int = 60) -> parzen.Result:
    """Every trial has a loss."""

    def objective(config: dict[str, Any]) -> float:
        return (
            0.1 * (np.log10(config["rate"]) + 3) ** 2
            + 0.02 * (config["layers"] - 4) ** 2
            + (config["dropout"] - 0.2) ** 2
            + 0.05
        )

    return parzen.minimize(objective, PLAIN, trials, seed=1, algorithm="tpe", progress=False)


def branches(trials: int = 90) -> parzen.Result:
    """Maximised; some raise, one in ten says that it failed, some are infinite, and a few are far out."""

    def objective(config: dict[str, Any], evaluation: parzen.Evaluation) -> Any:
        if config["kind"] == "svm":
            if config["C"] > 200:
                raise MemoryError("C is too large")
            if evaluation.number % 10 == 7:
                return {"status": "fail"}
            return 0.9 - 0.05 * abs(np.log10(config["C"]) - 1) - 0.02 * (config["kernel"] == "linear")
        if config["depth"] == 1:
            return -50.0
        if config["depth"] == 2:
            return -np.inf
        return 0.85 - abs(config["depth"] - 9) * 0.01 - 0.1 / config["trees"]

    return parzen.minimize(
        objective, BRANCHES, trials, seed=3, algorithm="random", progress=False, catch=True, direction="maximize"
    )


def noisy(trials: int = 80) -> parzen.Result:
    """Curves of twelve steps under noise, of which a pruner ends many; one trial is left running."""
    rng = np.random.default_rng(5)

    def objective(config: dict[str, Any], evaluation: parzen.Evaluation) -> float:
        level = 0.2 * (np.log10(config["rate"]) + 1.5) ** 2 + 0.3 * (config["decay"] - 0.4) ** 2
        loss = 1.0
        for step in range(1, 13):
            loss = level + np.exp(-0.3 * step) + 0.04 * float(rng.standard_normal())
            evaluation.report(step, loss)
            if evaluation.should_stop():
                break
        return loss

    result = parzen.minimize(
        objective, NOISY, trials, seed=2, algorithm="tpe", progress=False, pruner="median", noisy=True
    )
    result.study.ask()
    return result
