"""The tables about noise, crashes and workers, from runs that were made up."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.quality import records, robustness, scoring
from benchmarks.quality.optimisers import VARIANTS
from benchmarks.quality.tasks import SUITES, load

KNOWN = scoring.read_references()


def _keep(folder: Path, optimiser: str, name: str, losses: Callable[[int], tuple[float, ...]]) -> None:
    for seed in range(3):
        records.append(folder, records.Run(optimiser, name, seed, losses(seed), 1.0, "1.0"))


def _level(task: str, regret: float, budget: int) -> float:
    """The loss that has this normalised regret at a budget."""
    reference = KNOWN[task]
    return reference.best + regret * (float(reference.random_median[budget - 1]) - reference.best)


def _printed(folder: Path, part: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert robustness.main(["--parts", part, "--results", str(folder), "--report-only"]) == 0
    return capsys.readouterr().out


def test_every_part_is_of_optimisers_and_tasks_that_there_are() -> None:
    """Names that no file knows would never be made."""
    for part in robustness.PARTS.values():
        assert set(part.optimisers) <= set(VARIANTS)
        assert set(part.tasks) <= set(KNOWN)
        assert max(part.budgets) == part.evaluations


def test_noise_is_judged_by_the_truth_of_what_was_tried_and_of_what_is_handed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Found at regret 0.2 on every task, and 0.7 handed over."""
    part = robustness.PARTS["noise"]
    for task in part.tasks:
        _keep(tmp_path, "random", f"noise/{task}", lambda _, t=task: (_level(t, 0.2, 60),) * 60)
        _keep(tmp_path, "random", f"noise-pick/{task}", lambda _, t=task: (_level(t, 0.7, 60),) * 60)
    printed = _printed(tmp_path, "noise", capsys)

    assert f"| random | {len(part.tasks)} | {3 * len(part.tasks)} |" in printed
    assert printed.rstrip().endswith("| 0.200 / 0.200 | 0.700 / 0.700 |")


def test_eight_workers_are_compared_with_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Half a regret behind, and never ahead."""
    for task in robustness.PARTS["workers"].tasks:
        _keep(tmp_path, "parzen-tpe", task, lambda seed, t=task: (_level(t, 0.25, 100) * (1 + 1e-9 * seed),) * 100)
        _keep(tmp_path, "parzen-tpe", f"workers/{task}", lambda _, t=task: (_level(t, 0.75, 100),) * 100)
    printed = _printed(tmp_path, "workers", capsys)

    assert "| parzen-tpe | 100 | 8 | 24 / 24 | 0.750 | 0.250 |" in printed
    assert "| 0 % (0 to 0) |" in printed


def test_crashed_evaluations_are_counted_over_all_and_at_the_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half of sixty crash, none of the last twenty; a run in which all crash counts as one random draw."""
    _, skipped = load(SUITES)
    if skipped:
        pytest.skip(" ".join(skipped.values()))
    for task in robustness.PARTS["crash"].tasks:
        _keep(tmp_path, "parzen-tpe", f"crash/{task}", lambda _, t=task: (math.nan,) * 30 + (_level(t, 0.5, 60),) * 30)
        _keep(tmp_path, "random", f"crash/{task}", lambda _: (math.nan,) * 60)
    printed = _printed(tmp_path, "crash", capsys)

    assert "| 50 % | 0 % |" in printed
    assert "| random | 6 | 18 | 1.000 / 1.000 | 1.000 / 1.000 | 100 % | 100 % |" in printed
