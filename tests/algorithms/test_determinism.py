"""The same seed and the same log give the same proposals: in another process, after any interruption, on any machine."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import parzen
from parzen import Study, hp
from parzen.algorithms import algorithm_named
from parzen.errors import SpaceExhausted
from parzen.space import Space
from parzen.trials import History

from .studies import NAMES, add, ask

DEPTH = hp.int("depth", 1, 12)
TREE = {
    "model": hp.choice(
        "model",
        [
            {"kind": "svm", "C": hp.float("C", 1e-3, 1e3, log=True), "kernel": hp.categorical("kernel", [*"lrp"])},
            {"kind": "forest", "depth": DEPTH, "share": hp.float("share", 0.1, 1.0)},
            {"kind": "boosting", "depth": DEPTH, "rate": hp.lognormal("rate", -3, 1)},
        ],
    ),
    "x": hp.float("x", 0, 1),
    "n": hp.int("n", 1, 300, log=True),
}
"""A mixed conditional space with a node that hangs on two branches."""


def loss_of(unit: np.ndarray) -> float | None:
    """A loss, infinity, or None for a trial that fails: by the row alone."""
    whole = float(np.nansum(unit))
    if whole % 1.0 < 0.1:
        return None
    return float("inf") if whole % 1.0 > 0.95 else float(np.nansum((unit - 0.3) ** 2))


def go_on(searching: Study, n: int) -> None:
    """`n` more trials."""
    for _ in range(n):
        trial = searching.ask()
        loss = loss_of(searching.history.unit[trial.number])
        if loss is None:
            searching.tell(trial, state="FAILED")
        else:
            searching.tell(trial, {"loss": loss, "status": "ok"})


def rows(searching: Study) -> tuple[list[Any], list[str]]:
    """What was proposed, and why."""
    history = searching.history
    values = np.where(np.isnan(history.values), None, history.values.astype(object)).tolist()  # type: ignore[arg-type]  # None is an object
    return values, [history.source(number) for number in range(len(history))]


@pytest.mark.parametrize("every", [7, pytest.param(60, marks=pytest.mark.slow)])
def test_auto_goes_on_after_interruptions_as_if_there_had_been_none(every: int, tmp_path: Path) -> None:
    """Sixty trials in memory, and in a file that is closed and loaded after each few: what a fit found is in the log."""
    whole = Study(TREE, seed=3)
    go_on(whole, 60)
    parts = Study(TREE, seed=3, storage=tmp_path / "a.db")
    for first in range(0, 60, every):
        parts.storage.close()
        parts = Study.load(tmp_path / "a.db", space=TREE)
        go_on(parts, min(every, 60 - first))

    assert rows(parts) == rows(whole)
    assert {"auto: gp", "auto: tpe", "auto: sobol start"} < set(rows(whole)[1])
    parts.storage.close()


@pytest.mark.parametrize("name", NAMES)
def test_every_algorithm_goes_on_after_an_interruption_as_if_there_had_been_none(name: str, tmp_path: Path) -> None:
    """Twenty-five trials, the last ones by a study that was loaded, with a trial under way when it was left."""
    studies = [Study(TREE, seed=4, algorithm=name), Study(TREE, seed=4, algorithm=name, storage=tmp_path / "a.db")]
    for searching in studies:
        go_on(searching, 15)
        searching.ask()
    studies[1].storage.close()
    studies[1] = Study.load(tmp_path / "a.db", space=TREE, algorithm=name)
    for searching in studies:
        go_on(searching, 9)

    assert rows(studies[0]) == rows(studies[1])
    studies[1].storage.close()


_PROGRAM = """
import json, sys
from tests.algorithms.test_determinism import proposed
print(json.dumps(proposed(sys.argv[1:])))
"""


def proposed(names: list[str]) -> dict[str, list[list[str]]]:
    """What each algorithm proposes after 30 random trials, one alone and three together, to the last bit."""
    made: dict[str, list[list[str]]] = {}
    for name in names:
        space = Space(TREE)
        history = History(space, {"loss": "minimize"})
        points = space.sample(np.random.default_rng(0), 30)
        losses = [loss_of(unit) for unit in space.to_unit(points)]
        add(history, points, [float("inf") if loss is None else loss for loss in losses])
        proposals = [algorithm_named(name).suggest(space, history, ask(history, q)) for q in (1, 3)]
        values = np.concatenate([proposal.points.values for proposal in proposals])
        made[name] = [[float(x).hex() for x in row] for row in values.tolist()]
    return made


def test_another_process_proposes_the_same() -> None:
    """With another order of hashes, and whatever was imported or asked for before."""
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    root = Path(__file__).parents[2]
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *reversed(NAMES)],
        env=environment,
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(ended.stdout) == proposed(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_matters(name: str) -> None:
    """Another seed of the study makes other proposals; what is compared above is no constant."""
    made = []
    for seed in (1, 2, 1):
        searching = Study(TREE, seed=seed, algorithm=name)
        with contextlib.suppress(SpaceExhausted):
            go_on(searching, 16)
        made.append(rows(searching)[0])

    assert made[0] == made[2]
    assert made[0] != made[1]


def test_the_default_is_auto() -> None:
    """So what holds for `auto` holds for a study that names nothing."""
    assert Study(TREE).algorithm == algorithm_named("auto") == parzen.algorithms.Auto()
