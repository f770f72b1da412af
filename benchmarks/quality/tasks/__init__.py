"""The public tasks: functions to minimise, each with the neutral description of its space.

`yahpo` surrogates of real trainings, `tabular` tables of real trainings, `coco` synthetic functions with known
optimum, `live` scikit-learn trainings on bundled data.  A suite whose data or package is absent is skipped, with the
reason.  Tuning looks at these tasks alone; other instances of the same suites are held back to judge by.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.quality.tasks._task import Skipped, Task

__all__ = ["SUBSETS", "SUITES", "Skipped", "Task", "data_directory", "load"]

SUITES = ("yahpo", "coco", "mixint", "tabular", "live")
SUBSETS: Mapping[str, tuple[str, ...]] = {
    "heavy": (
        "yahpo/lcbench-3945",
        "yahpo/lcbench-168330",
        "yahpo/rbv2_xgboost-1501",
        "yahpo/rbv2_xgboost-41143",
        "yahpo/rbv2_rpart-14",
        "yahpo/iaml_glmnet-1489",
        "coco/f2-d5-i1",
        "coco/f8-d5-i2",
        "coco/f15-d5-i3",
        "coco/f21-d10-i3",
        "mixint/f8-d5-i2",
        "mixint/f15-d10-i3",
        "tabular/hpobench-segment",
        "tabular/hpobench-phoneme",
        "tabular/nasbench201-cifar10",
        "live/svm-digits",
        "live/model-diabetes",
    ),
}
"""Name -> tasks.  `heavy` is for peers that need a second or more for a proposal: 17 tasks of all suites, in the suites'
proportions.  Cheap objectives first, so of the live ones only the two whose conditions are the point; at most one of ten
columns per synthetic suite, since proposals get dearer with columns; of two data sets of one benchmark the ones in the
middle of the list.  HPOLib is left out because its losses are logarithms: SMAC3's default takes logarithms of costs once
more and cuts off what is not positive, which would say something of that choice and nothing of the search."""

_HOMES = {"yahpo": "yahpo", "coco": "coco", "mixint": "coco", "tabular": "tabular", "live": "live"}


def data_directory(data: str | Path | None = None) -> Path:
    """Where the data is: `data`, else the environment's PARZEN_BENCH_DATA, else `../shared/data` beside the clone."""
    if data is None:
        data = os.environ.get("PARZEN_BENCH_DATA")
    return Path(data) if data else Path(__file__).resolve().parents[4] / "shared" / "data"


def load(suites: Iterable[str] = SUITES, data: str | Path | None = None) -> tuple[list[Task], dict[str, str]]:
    """The tasks of some suites, and why suites are missing.

    Args:
        suites: names out of `SUITES`.
        data: folder with `yahpo/` and `tabular/`.

    Returns:
        The tasks in the order of their suites, and suite -> reason for those that were skipped.
    """
    tasks: list[Task] = []
    skipped: dict[str, str] = {}
    folder = data_directory(data)
    for suite in suites:
        module = importlib.import_module(f"{__name__}.{_HOMES[suite]}")
        try:
            tasks.extend(module.load(suite, folder))
        except Skipped as reason:
            skipped[suite] = str(reason)
    return tasks, skipped
