"""Synthetic functions with known optimum: COCO's bbob and bbob-mixint (Hansen et al. 2021, Tusar et al. 2019).

The loss is f - f_opt, so the optimum is 0.  In bbob-mixint the first four fifths of the variables are integers
0 ... 2^k - 1.
"""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.spaces import Params, integer, real
from benchmarks.quality.tasks._task import Skipped, Task

__all__ = ["load"]

# (function, dimension, instance)
_PUBLIC: Mapping[str, tuple[tuple[int, int, int], ...]] = {
    "coco": ((2, 5, 1), (3, 10, 1), (8, 5, 2), (10, 10, 2), (15, 5, 3), (21, 10, 3)),
    "mixint": ((1, 10, 1), (8, 5, 2), (15, 10, 3)),
}
_NAMES = {"coco": "bbob", "mixint": "bbob-mixint"}


@contextmanager
def _scratch_directory() -> Iterator[Path]:
    """A temporary working directory."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield Path(folder)
        finally:
            os.chdir(before)


@functools.cache
def _problem(suite: str, function: int, dimension: int, instance: int) -> tuple[Any, Any, float]:
    """The suite (it owns the problem), the problem and f_opt."""
    import cocoex

    collection = cocoex.Suite(_NAMES[suite], f"instances: {instance}", f"dimensions: {dimension}")
    problem = collection.get_problem_by_function_dimension_instance(function, dimension, instance)
    # The package tells the best point only by writing it to a file in the working directory.
    with _scratch_directory() as folder:
        problem._best_parameter("print")
        (written,) = folder.iterdir()
        best = np.array(written.read_text().split(), dtype=np.float64)
    return collection, problem, float(problem(best))


@dataclass(frozen=True, slots=True)
class _Loss:
    suite: str
    function: int
    dimension: int
    instance: int

    def __call__(self, configs: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
        _, problem, f_opt = _problem(self.suite, self.function, self.dimension, self.instance)
        names = [f"x{j}" for j in range(self.dimension)]
        points = np.array([[config[name] for name in names] for config in configs], dtype=np.float64)
        return np.array([problem(point) for point in points]) - f_opt


def _params(problem: Any) -> Params:
    bounds = list(zip(problem.lower_bounds, problem.upper_bounds, strict=True))
    integers = problem.number_of_integer_variables
    return tuple(
        integer(f"x{j}", int(low), int(high)) if j < integers else real(f"x{j}", low, high)
        for j, (low, high) in enumerate(bounds)
    )


def load(suite: str, _data: Path) -> list[Task]:
    """The tasks of `coco` or `mixint`; raises `Skipped` where the package coco-experiment is absent."""
    try:
        import cocoex  # noqa: F401 - asked for here, so that a missing one is a reason and not a traceback later
    except ImportError:
        raise Skipped("coco-experiment (module cocoex) is not installed") from None
    tasks = []
    for function, dimension, instance in _PUBLIC[suite]:
        _, problem, _ = _problem(suite, function, dimension, instance)
        tasks.append(
            Task(
                f"{suite}/f{function}-d{dimension}-i{instance}",
                suite,
                _params(problem),
                _Loss(suite, function, dimension, instance),
                optimum=0.0,
            )
        )
    return tasks
