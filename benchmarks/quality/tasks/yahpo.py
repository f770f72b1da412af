"""Surrogates of real trainings: YAHPO Gym (Pfisterer et al. 2022), networks in ONNX format, on one thread.

Fidelities are fixed at their fullest (52 epochs; the whole training set, repetition 10).  The true minimum is not
known: `references.json` keeps the best of a long random search, of refinements of it and of every run so far.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.spaces import Param, Params
from benchmarks.quality.tasks._task import Skipped, Task

__all__ = ["SCENARIOS", "load"]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Columns of a surrogate's input and the one output that counts.

    Attributes:
        continuous: order of the numeric columns.
        categorical: order of the categorical columns.
        instance: which categorical says what data set it is.
        fixed: fidelities.
        output: column of the network's answer.
        scale, offset: loss = offset + scale * output.
        instances: the public data sets.
    """

    continuous: tuple[str, ...]
    categorical: tuple[str, ...]
    instance: str
    fixed: Mapping[str, float]
    output: int
    scale: float
    offset: float
    instances: tuple[str, ...]


_IMPUTE = "num.impute.selected.cpo"

SCENARIOS: Mapping[str, Scenario] = {
    "lcbench": Scenario(
        continuous=(
            "epoch",
            "batch_size",
            "learning_rate",
            "momentum",
            "weight_decay",
            "num_layers",
            "max_units",
            "max_dropout",
        ),
        categorical=("OpenML_task_id",),
        instance="OpenML_task_id",
        fixed={"epoch": 52},
        output=1,  # validation accuracy in per cent
        scale=-0.01,
        offset=1.0,
        instances=("167168", "3945", "168330", "189866"),
    ),
    "rbv2_xgboost": Scenario(
        continuous=(
            "nrounds",
            "eta",
            "gamma",
            "lambda",
            "alpha",
            "subsample",
            "max_depth",
            "min_child_weight",
            "colsample_bytree",
            "colsample_bylevel",
            "rate_drop",
            "skip_drop",
            "trainsize",
            "repl",
        ),
        categorical=("task_id", "booster", _IMPUTE),
        instance="task_id",
        fixed={"trainsize": 1.0, "repl": 10},
        output=0,  # accuracy
        scale=-1.0,
        offset=1.0,
        instances=("54", "1501", "41143", "1489"),
    ),
    "rbv2_rpart": Scenario(
        continuous=("cp", "maxdepth", "minbucket", "minsplit", "trainsize", "repl"),
        categorical=("task_id", _IMPUTE),
        instance="task_id",
        fixed={"trainsize": 1.0, "repl": 10},
        output=0,
        scale=-1.0,
        offset=1.0,
        instances=("14",),
    ),
    "iaml_glmnet": Scenario(
        continuous=("alpha", "s", "trainsize"),
        categorical=("task_id",),
        instance="task_id",
        fixed={"trainsize": 1.0},
        output=3,  # log loss
        scale=1.0,
        offset=0.0,
        instances=("1489",),
    ),
}


def _params(description: Mapping[str, Any], scenario: Scenario) -> Params:
    """The neutral space of a `config_space.json`, without the data set and the fidelities."""
    parents: dict[str, tuple[str, tuple[Any, ...]]] = {}
    for condition in description["conditions"]:
        values = condition["values"] if condition["type"] == "IN" else [condition["value"]]
        parents[condition["child"]] = (condition["parent"], tuple(values))
    params = []
    for entry in description["hyperparameters"]:
        name = entry["name"]
        if name == scenario.instance or name in scenario.fixed:
            continue
        when = parents.get(name)
        if entry["type"] == "categorical":
            params.append(Param(name, "categorical", choices=tuple(entry["choices"]), when=when))
        else:
            kind: Any = "int" if entry["type"] == "uniform_int" else "float"
            params.append(Param(name, kind, entry["lower"], entry["upper"], bool(entry["log"]), when=when))
    return tuple(sorted(params, key=lambda param: param.when is not None))


class _Surrogate:
    """One scenario's network; its data sets share it."""

    def __init__(self, folder: Path, scenario: Scenario) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._codes = json.loads((folder / "encoding.json").read_text())
        self._scenario = scenario

    def losses(self, configs: Sequence[Mapping[str, Any]], *, instance: str) -> NDArray[np.float64]:
        """Losses `(n,)` on one data set.  Inactive numbers are 0, inactive categories `#na#`, as in YAHPO Gym."""
        scenario = self._scenario
        given = {**scenario.fixed, scenario.instance: instance}
        rows = [{**config, **given} for config in configs]
        numbers = np.array([[row.get(name, 0.0) for name in scenario.continuous] for row in rows], dtype=np.float32)
        codes = np.array(
            [[self._codes[name][row.get(name, "#na#")] for name in scenario.categorical] for row in rows],
            dtype=np.int32,
        )
        (answer,) = self._session.run(["output"], {"x_cont": numbers, "x_cat": codes})
        return scenario.offset + scenario.scale * np.asarray(answer[:, scenario.output], dtype=np.float64)


@functools.cache
def _surrogate(folder: Path, name: str) -> _Surrogate:
    return _Surrogate(folder, SCENARIOS[name])


@dataclass(frozen=True, slots=True)
class _Loss:
    folder: Path
    scenario: str
    instance: str

    def __call__(self, configs: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
        return _surrogate(self.folder, self.scenario).losses(configs, instance=self.instance)


def load(suite: str, data: Path) -> list[Task]:
    """The tasks of this suite; raises `Skipped` where the data or onnxruntime is absent."""
    try:
        import onnxruntime  # noqa: F401 - asked for here, so that a missing one is a reason and not a traceback later
    except ImportError:
        raise Skipped("onnxruntime is not installed") from None
    tasks: list[Task] = []
    for name, scenario in SCENARIOS.items():
        folder = data / "yahpo" / name
        if not (folder / "model.onnx").is_file():
            raise Skipped(f"no surrogate in {folder}; set PARZEN_BENCH_DATA or give --data")
        params = _params(json.loads((folder / "config_space.json").read_text()), scenario)
        tasks.extend(
            Task(f"yahpo/{name}-{instance}", suite, params, _Loss(folder, name, instance))
            for instance in scenario.instances
        )
    return tasks
