"""What a task is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality import spaces

__all__ = ["Skipped", "Task"]


class Skipped(Exception):
    """A suite cannot be loaded here; the text says why."""


@dataclass(frozen=True, slots=True)
class Task:
    """A function to minimise.

    Attributes:
        name: `suite/instance`, unique.
        suite: the group that reports average over.
        params: the neutral space.
        function: flat configurations -> losses `(n,)`; surrogates answer many at once much faster than one by one.
        optimum: the smallest possible loss, where it is known.
        finite: number of distinct configurations, where it is small enough to list them all.
        draw: the loss of one repetition of a flat configuration, drawn at random, where the suite has repetitions.
    """

    name: str
    suite: str
    params: spaces.Params
    function: Callable[[Sequence[Mapping[str, Any]]], NDArray[np.float64]]
    optimum: float | None = None
    finite: int | None = None
    draw: Callable[[Mapping[str, Any], np.random.Generator], float] | None = None

    def space(self) -> dict[str, Any]:
        """The space for parzen."""
        return spaces.parzen_space(self.params)

    def losses(self, configs: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
        """Losses `(n,)` of flat configurations."""
        return np.asarray(self.function(configs), dtype=np.float64)

    def objective(self, config: Mapping[str, Any]) -> float:
        """The loss of one configuration, flat or as nested as parzen's space makes it."""
        return float(self.losses([spaces.flatten(config)])[0])
