"""Tables of real trainings: every cell of a grid was trained (HPOBench, HPOLib, NAS-Bench-201).

The loss is the mean over the repetitions, the last axis, so the exact minimum is known; HPOLib's spans decades, hence
its logarithm.  Numeric axes are ordered positions: the tables keep no values.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.spaces import Param, Params, category, ordered
from benchmarks.quality.tasks._task import Skipped, Task

__all__ = ["GRIDS", "load"]


def _steps(name: str, count: int) -> Param:
    return ordered(name, tuple(range(count)))


_ACTIVATIONS = ("relu", "tanh")
_OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")

GRIDS: Mapping[str, Params] = {
    "hpobench": (
        _steps("alpha", 10),
        _steps("batch_size", 10),
        _steps("depth", 3),
        _steps("learning_rate_init", 10),
        _steps("width", 10),
    ),
    "hpolib": (
        category("activation_fn_1", _ACTIVATIONS),
        category("activation_fn_2", _ACTIVATIONS),
        _steps("batch_size", 4),
        _steps("dropout_1", 3),
        _steps("dropout_2", 3),
        _steps("init_lr", 6),
        category("lr_schedule", ("cosine", "const")),
        _steps("n_units_1", 6),
        _steps("n_units_2", 6),
    ),
    "nasbench201": tuple(category(f"Op{i}", _OPERATIONS) for i in range(6)),
}
"""Bench -> axes of its tables, in order."""

_PUBLIC = (
    ("hpobench", "segment"),
    ("hpobench", "phoneme"),
    ("hpolib", "protein_structure"),
    ("nasbench201", "cifar10"),
)
_TRANSFORMS: Mapping[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {"hpolib": np.log10}


@functools.cache
def _repetitions(path: Path, bench: str) -> NDArray[np.float64]:
    """Losses as they were measured, one axis per parameter and one of repetitions."""
    with np.load(path, allow_pickle=False) as archive:
        losses: NDArray[np.float64] = archive["loss"].astype(np.float64)
    expected = tuple(len(param.choices) for param in GRIDS[bench])
    if losses.shape[:-1] != expected:
        raise ValueError(f"{path} has axes {losses.shape[:-1]}; {bench} is described as {expected}")
    return losses


def _transformed(bench: str, losses: NDArray[np.float64]) -> NDArray[np.float64]:
    transform = _TRANSFORMS.get(bench)
    return losses if transform is None else transform(losses)


@functools.cache
def _table(path: Path, bench: str) -> NDArray[np.float64]:
    """Losses, one axis per parameter."""
    return _transformed(bench, _repetitions(path, bench).mean(axis=-1))


@dataclass(frozen=True, slots=True)
class _Loss:
    path: Path
    bench: str

    def __call__(self, configs: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
        table, params = _table(self.path, self.bench), GRIDS[self.bench]
        cells = [[param.choices.index(config[param.name]) for param in params] for config in configs]
        return np.asarray(table[tuple(np.array(cells).T)], dtype=np.float64)

    def draw(self, config: Mapping[str, Any], rng: np.random.Generator) -> float:
        """The loss of one repetition."""
        cell = tuple(param.choices.index(config[param.name]) for param in GRIDS[self.bench])
        one = rng.choice(_repetitions(self.path, self.bench)[cell])
        return float(_transformed(self.bench, np.asarray(one)))


def load(suite: str, data: Path) -> list[Task]:
    """The tasks of this suite; raises `Skipped` where the tables are absent."""
    tasks = []
    for bench, dataset in _PUBLIC:
        path = data / "tabular" / bench / f"{dataset}.npz"
        if not path.is_file():
            raise Skipped(f"no table {path}; set PARZEN_BENCH_DATA or give --data")
        table, loss = _table(path, bench), _Loss(path, bench)
        tasks.append(
            Task(
                f"tabular/{bench}-{dataset}",
                suite,
                GRIDS[bench],
                loss,
                optimum=float(table.min()),
                finite=table.size,
                draw=loss.draw,
            )
        )
    return tasks
