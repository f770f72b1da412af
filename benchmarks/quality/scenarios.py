"""What a run may be besides plain: evaluations that crash, losses with noise, workers that finish out of turn.

A scenario turns (optimiser, task, seed, evaluations) into named sequences of losses, which are kept like plain runs.
"""

from __future__ import annotations

import functools
import heapq
import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality import scoring, spaces
from benchmarks.quality.optimisers import Optimiser, Setup
from benchmarks.quality.tasks import Task

__all__ = ["CRASHES", "SCENARIOS", "WORKERS", "Losses", "Region", "crashing", "region_of", "simulated", "with_noise"]

Losses = dict[str, list[float]]
"""Name of what was recorded -> losses in order; NaN: the evaluation failed."""

WORKERS = 8

CRASHES: Mapping[str, str] = {
    "coco/f2-d5-i1": "ball",
    "coco/f8-d5-i2": "half-space",
    "coco/f15-d5-i3": "ball",
    "mixint/f8-d5-i2": "half-space",
    "yahpo/lcbench-3945": "half-space",
    "yahpo/lcbench-168330": "ball",
}
"""Task -> shape of the region of its unit cube in which every evaluation fails."""

_SHARE = (0.2, 0.45)  # of the space that may crash: enough to matter, not so much that nothing else is left
_MARGIN = 0.05


def plain(optimiser: Optimiser, task: Task, seed: int, evaluations: int) -> Losses:
    """One evaluation after the other."""
    return {task.name: optimiser.run(task, seed, evaluations)}


# --- a region that crashes -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Region:
    """A half-space `normal . u > offset`, or a ball around `centre`, of the unit cube.

    Attributes:
        point: `(d,)` normal or centre.
        size: offset or radius.
        ball: which of the two.
        worst: the largest loss of some random draws, as the cost of a crash where a library needs one.
    """

    point: NDArray[np.float64]
    size: float
    ball: bool
    worst: float

    def holds(self, units: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of the points `(n, d)` are inside."""
        if self.ball:
            return np.asarray(np.linalg.norm(units - self.point, axis=1) < self.size)
        return np.asarray(units @ self.point > self.size)

    def crashes(self, task: Task, config: spaces.Config) -> bool:
        """Whether evaluating it fails; an inactive parameter counts as the middle of its range."""
        return bool(self.holds(spaces.units(task.params, [config]))[0])


@functools.lru_cache
def region_of(task: Task) -> Region:
    """The region of a task, always the same.

    Its border passes close by the best of 500 random draws, so that a search is drawn to it.
    """
    rng = np.random.default_rng(zlib.crc32(task.name.encode()))
    configs = [spaces.sample(task.params, rng) for _ in range(500)]
    units, losses = spaces.units(task.params, configs), task.losses(configs)
    best, worst = units[losses.argmin()], float(losses.max())
    while True:
        if CRASHES[task.name] == "ball":
            centre = rng.random(len(task.params))
            region = Region(centre, float(np.linalg.norm(best - centre)) - _MARGIN, True, worst)
        else:
            normal = rng.normal(size=len(task.params))
            normal /= np.linalg.norm(normal)
            region = Region(normal, float(normal @ best) + _MARGIN, False, worst)
        if _SHARE[0] <= region.holds(units).mean() <= _SHARE[1]:
            return region


def crashing(optimiser: Optimiser, task: Task, seed: int, evaluations: int) -> Losses:
    """Evaluations inside the region fail, each library being told in its own way."""
    region = region_of(task)
    search = optimiser.start(Setup(task.params, seed, evaluations, region.worst))
    losses: list[float] = []
    while len(losses) < evaluations and (config := search.ask()) is not None:
        losses.append(math.nan if region.crashes(task, config) else task.objective(config))
        search.tell(len(losses) - 1, losses[-1])
    return {f"crash/{task.name}": losses}


# --- noise -----------------------------------------------------------------------------------------------------------


def _spread(task: Task) -> float:
    """Standard deviation of the noise of a task without repetitions.

    Half of what is left to gain when random search has made 100 evaluations: noise is nothing to what bad
    configurations cost, and everything between good ones.
    """
    reference = scoring.read_references()[task.name]
    return 0.5 * (float(reference.random_median[99]) - reference.best)


def with_noise(optimiser: Optimiser, task: Task, seed: int, evaluations: int) -> Losses:
    """Losses carry noise: one repetition of a table, drawn at random, or Gaussian.

    Kept are the true losses, of each evaluation and of what the library then calls the best.
    """
    rng = np.random.default_rng([seed, zlib.crc32(task.name.encode())])
    spread = 0.0 if task.draw is not None else _spread(task)
    search = optimiser.start(Setup(task.params, seed, evaluations))
    truths: list[float] = []
    picks: list[float] = []
    while len(truths) < evaluations and (config := search.ask()) is not None:
        truths.append(task.objective(config))
        noisy = truths[-1] + spread * float(rng.normal()) if task.draw is None else task.draw(config, rng)
        search.tell(len(truths) - 1, noisy)
        best = search.best()
        assert best is not None
        picks.append(truths[best])
    return {f"noise/{task.name}": truths, f"noise-pick/{task.name}": picks}


# --- asynchronous workers --------------------------------------------------------------------------------------------


def simulated(optimiser: Optimiser, task: Task, seed: int, evaluations: int) -> Losses:
    """Eight workers on a virtual clock: whoever is done first asks next.  Losses are in order of completion.

    Durations are log-normal with a spread of a factor 1.6; nobody waits for them.
    """
    rng = np.random.default_rng([seed, WORKERS])
    search = optimiser.start(Setup(task.params, seed, evaluations))
    under_way: list[tuple[float, int, float]] = []  # when it ends, its number, its loss
    losses: list[float] = []
    now, asked, more = 0.0, 0, True
    while True:
        while more and len(under_way) < WORKERS and asked < evaluations:
            config = search.ask()
            more = config is not None
            if config is not None:
                heapq.heappush(under_way, (now + float(rng.lognormal(0.0, 0.5)), asked, task.objective(config)))
                asked += 1
        if not under_way:
            return {f"workers/{task.name}": losses}
        now, number, loss = heapq.heappop(under_way)
        search.tell(number, loss)
        losses.append(loss)


SCENARIOS: Mapping[str, Callable[[Optimiser, Task, int, int], Losses]] = {
    "plain": plain,
    "crash": crashing,
    "noise": with_noise,
    "workers": simulated,
}
"""Name -> how a run is made."""
