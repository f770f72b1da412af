"""What is compared: a search that is asked for configurations and told losses, whatever library is behind it.

One loop then serves every library and every benchmark: plain runs, evaluations that fail, losses with noise, and
workers that finish out of turn.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.quality.spaces import Config, Params
from benchmarks.quality.tasks import Task

__all__ = ["Optimiser", "Search", "Setup", "Start"]


@dataclass(frozen=True, slots=True)
class Setup:
    """What a search is told before it begins.

    Attributes:
        params: the space.
        seed: of everything random.
        evaluations: how many there will be; some libraries plan with it.
        worst: a loss that is as bad as any, for libraries that need a number for a failed evaluation; infinite where
            nothing fails.
    """

    params: Params
    seed: int
    evaluations: int
    worst: float = math.inf


class Search(ABC):
    """One search under way.  Its evaluations are numbered from 0 in the order in which they were asked for."""

    def __init__(self) -> None:
        self.told: dict[int, float] = {}

    @abstractmethod
    def ask(self) -> Config | None:
        """The next flat configuration, or None where a finite space is exhausted."""

    @abstractmethod
    def record(self, number: int, loss: float) -> None:
        """Hands a loss to the library; NaN: the evaluation failed, said in the library's own way."""

    def tell(self, number: int, loss: float) -> None:
        """What came of evaluation `number`; NaN: it failed."""
        self.told[number] = loss
        self.record(number, loss)

    def best(self) -> int | None:
        """Number of the evaluation that the library would return as the best; the smallest loss, unless it says so."""
        succeeded = [number for number, loss in self.told.items() if math.isfinite(loss)]
        return min(succeeded, key=self.told.__getitem__, default=None)


Start = Callable[[Setup], Search]
"""Begins a search."""


@dataclass(frozen=True, slots=True)
class Optimiser:
    """One row of a report.

    Attributes:
        start: begins a search; the library is imported here.
        package: whose version is recorded with a run.
        environment: name of the peers' environment it lives in, see `peers`; None: runs where parzen does.
    """

    start: Start
    package: str
    environment: str | None = None

    def run(self, task: Task, seed: int, evaluations: int) -> list[float]:
        """Losses in the order of evaluation; fewer than asked for where a finite space is exhausted."""
        search = self.start(Setup(task.params, seed, evaluations))
        losses: list[float] = []
        while len(losses) < evaluations and (config := search.ask()) is not None:
            losses.append(task.objective(config))
            search.tell(len(losses) - 1, losses[-1])
        return losses
