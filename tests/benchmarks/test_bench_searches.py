"""Optimisers behind one loop, and the scenarios that are made of it."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
import pytest

import parzen
from benchmarks.quality import peers, scenarios, spaces
from benchmarks.quality.optimisers import OPTIMISERS, VARIANTS, Optimiser, Search, Setup
from benchmarks.quality.tasks import SUBSETS, SUITES, Task, load

PARAMS = (
    spaces.category("model", ("tree", "line")),
    spaces.integer("depth", 1, 9, when=("model", ("tree",))),
    spaces.real("x", -1.0, 1.0),
)


def _loss(configs: object) -> np.ndarray:
    return np.array([config["x"] ** 2 + (config["model"] == "line") for config in configs])  # type: ignore[attr-defined]


TASK = Task("coco/f8-d5-i2", "coco", PARAMS, _loss, optimum=0.0)


def test_asking_and_telling_parzen_gives_the_trials_of_minimize() -> None:
    """The loop of the benchmark measures what users get."""
    seen: list[float] = []

    def objective(config: dict[str, object]) -> float:
        seen.append(TASK.objective(config))
        return seen[-1]

    parzen.minimize(objective, TASK.space(), 25, algorithm="tpe", seed=3, progress=False)

    assert OPTIMISERS["parzen-tpe"].run(TASK, 3, 25) == seen


def test_a_finite_space_ends_a_run() -> None:
    """Fewer losses than asked for, and no error."""
    task = Task(
        "coco/two", "coco", (spaces.category("model", ("tree", "line")),), lambda configs: np.zeros(len(configs))
    )

    assert len(OPTIMISERS["parzen-tpe"].run(task, 0, 10)) == 2


def test_failures_reach_parzen_as_errors_and_the_best_is_a_success() -> None:
    """A search goes on after them."""
    search = VARIANTS["parzen-auto-noisy"].start(Setup(PARAMS, 1, 5))
    for number, loss in enumerate([math.nan, 3.0, math.nan, 1.0, 2.0]):
        assert search.ask() is not None
        search.tell(number, loss)

    assert search.best() == 3


_MODULES = {"ax-platform": "ax", "HEBO": "hebo"}
_NEEDS = {"optuna-gp": "torch", "optuna-cmaes": "cmaes"}


@pytest.mark.parametrize("name", sorted(OPTIMISERS))
def test_every_optimiser_that_is_installed_asks_for_configurations_of_the_space(name: str) -> None:
    """Active parameters and no others, within their bounds, of the right types, whatever was told."""
    optimiser = OPTIMISERS[name]
    for module in (_MODULES.get(optimiser.package, optimiser.package), _NEEDS.get(name, "numpy")):
        pytest.importorskip(module)
    search = optimiser.start(Setup(PARAMS, 1, 8, 10.0))
    for number in range(8):
        config = search.ask()

        assert config is not None
        assert set(config) == {param.name for param in PARAMS if param.active(config)}
        assert config["model"] in {"tree", "line"}
        assert -1.0 <= config["x"] <= 1.0
        assert config.get("depth", 1) in range(1, 10)
        fails = number == 3 and name != "nevergrad"  # it cannot be told
        search.tell(number, math.nan if fails else TASK.objective(config))

    assert search.best() == min(range(8), key=lambda n: math.inf if math.isnan(search.told[n]) else search.told[n])


def test_what_is_in_the_region_fails_and_nothing_else() -> None:
    """The share that fails of random search is the share of the space, which is the same at every call."""
    region = scenarios.region_of(TASK)
    losses = scenarios.crashing(OPTIMISERS["random"], TASK, 0, 400)[f"crash/{TASK.name}"]
    rng = np.random.default_rng(0)
    inside = [region.crashes(TASK, spaces.sample(PARAMS, rng)) for _ in range(400)]

    assert [math.isnan(loss) for loss in losses] == inside
    assert 0.1 < np.mean(inside) < 0.55
    assert region.worst == pytest.approx(2.0, abs=0.2)


@pytest.mark.parametrize("ball", [True, False])
def test_a_region_is_a_ball_or_a_half_space(ball: bool) -> None:
    """Points on either side of the border."""
    region = scenarios.Region(np.array([1.0, 0.0]), 0.5, ball, 1.0)

    assert region.holds(np.array([[0.9, 0.0], [0.1, 0.0]])).tolist() == [True, False]
    assert region.holds(np.array([[0.9, 0.9]])).tolist() == [not ball]


class _Second(Search):
    """Asks for what it is given; hands over its second evaluation, whatever the losses."""

    def __init__(self, _setup: Setup) -> None:
        super().__init__()
        self.order: list[int] = []
        self.open = self.most = self.asked = 0

    def ask(self) -> spaces.Config:
        self.open, self.asked = self.open + 1, self.asked + 1
        self.most = max(self.most, self.open)
        return {"model": "tree", "depth": 1, "x": 1.0 / self.asked}

    def record(self, number: int, loss: float) -> None:
        self.open -= 1
        self.order.append(number)

    def best(self) -> int:
        return min(1, len(self.told) - 1)


def _kept(made: list[_Second]) -> Optimiser:
    def start(setup: Setup) -> Search:
        made.append(_Second(setup))
        return made[-1]

    return Optimiser(start, "numpy")


def test_noise_hides_the_loss_from_the_search_and_not_from_the_record() -> None:
    """Kept are true losses, of what was evaluated and of what would be handed over."""
    made: list[_Second] = []
    kept = scenarios.with_noise(_kept(made), TASK, 0, 4)
    truths = [1.0, 1 / 4, 1 / 9, 1 / 16]

    assert kept[f"noise/{TASK.name}"] == pytest.approx(truths)
    assert kept[f"noise-pick/{TASK.name}"] == pytest.approx([1.0, 1 / 4, 1 / 4, 1 / 4])
    assert all(abs(made[0].told[number] - truth) > 0 for number, truth in enumerate(truths))


def test_eight_workers_keep_eight_evaluations_open_and_finish_out_of_turn() -> None:
    """Every evaluation is told once, its own loss, and the same seed gives the same course."""
    made: list[_Second] = []
    optimiser = _kept(made)
    first = scenarios.simulated(optimiser, TASK, 0, 30)[f"workers/{TASK.name}"]
    search = made[0]

    assert search.most == scenarios.WORKERS
    assert sorted(search.order) == list(range(30)) != search.order
    assert first == pytest.approx([1.0 / (number + 1) ** 2 for number in search.order])
    assert scenarios.simulated(optimiser, TASK, 0, 30)[f"workers/{TASK.name}"] == first


def test_the_heavy_subset_is_of_public_tasks_and_covers_every_suite() -> None:
    """Seventeen of them."""
    assert len(set(SUBSETS["heavy"])) == 17
    assert {name.split("/")[0] for name in SUBSETS["heavy"]} == set(SUITES)
    tasks, skipped = load()
    if skipped:
        pytest.skip(" ".join(skipped.values()))

    assert set(SUBSETS["heavy"]) <= {task.name for task in tasks}


def test_every_peer_has_an_environment_with_requirements() -> None:
    """So that anybody can make it."""
    folder = Path(peers.__file__).parent / "requirements"

    assert {o.environment for o in OPTIMISERS.values()} == {None, *peers.ENVIRONMENTS}
    for name in peers.ENVIRONMENTS:
        assert "==" in (folder / f"{name}.txt").read_text()


def test_the_interpreter_of_a_peer_is_what_was_said_about_it(tmp_path: Path) -> None:
    """By name before folder before one for all."""
    python = tmp_path / "smac" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    parser = argparse.ArgumentParser()
    peers.add_arguments(parser)
    options = parser.parse_args(["--peers", str(tmp_path), "--peer-python", "ax=/a/python", "/any/python"])

    assert peers.python_of("ax", options) == "/a/python"
    assert peers.python_of("smac", options) == str(python)
    assert peers.python_of("hebo", options) == "/any/python"
    assert peers.python_of(None, options) not in {"/any/python", "/a/python"}
