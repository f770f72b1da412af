"""Studies whose answers are known, as histories."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import parzen
from parzen import hp

UNIT = {"x": hp.float("x", 0, 1), "y": hp.float("y", 0, 1)}
BRANCHES = hp.choice(
    "model",
    [
        {"kind": "svm", "C": hp.float("C", 1e-3, 1e3, log=True), "gamma": hp.float("gamma", 1e-3, 1e3, log=True)},
        {"kind": "forest", "trees": hp.int("trees", 1, 80)},
    ],
)


def searched(
    objective: Callable[[Any], Any],  # of a configuration, whatever the space makes it
    space: Any = UNIT,
    algorithm: str = "random",
    trials: int = 80,
    **settings: Any,
) -> parzen.Result:
    """A search that goes on after failures."""
    seed = settings.pop("seed", 2)
    return parzen.minimize(
        objective, space, trials, seed=seed, algorithm=algorithm, progress=False, catch=True, **settings
    )


def bowl(config: dict[str, float]) -> float:
    """Ten times steeper along x than along y, flat along everything else."""
    return 10 * (config["x"] - 0.3) ** 2 + (config["y"] - 0.5) ** 2


def branches(config: dict[str, Any]) -> float:
    """The svm is better, and fails where C is large; gamma has no effect."""
    if config["kind"] == "forest":
        return 0.5 + abs(config["trees"] - 40) * 0.005
    if config["C"] > 100:
        raise MemoryError("C is too large")
    return 0.2 + abs(float(np.log10(config["C"])) - 1) * 0.1


def noisy_bowl(noise: float, seed: int = 0) -> Callable[[dict[str, float]], float]:
    """A flat bowl under noise of that standard deviation."""
    rng = np.random.default_rng(seed)
    return lambda config: (config["x"] - 0.55) ** 2 + (config["y"] - 0.4) ** 2 + noise * float(rng.standard_normal())
