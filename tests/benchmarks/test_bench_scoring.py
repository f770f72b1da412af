"""Regrets and the files that runs are kept in."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.quality import records, scoring
from benchmarks.quality.references import median_of_best

REFERENCE = scoring.Reference(best=1.0, random_median=np.array([5.0, 4.0, 3.0]), draws=100)


def _run(losses: tuple[float, ...], seed: int = 0, optimiser: str = "a", task: str = "coco/f") -> records.Run:
    return records.Run(optimiser, task, seed, losses, 0.5, "1.0")


def test_regret_is_one_at_the_median_of_random_search_and_zero_at_the_best() -> None:
    """The two fixed points of the scale."""
    assert scoring.normalised_regret([9.0, 3.0, 8.0], REFERENCE, 3) == pytest.approx(1.0)
    assert scoring.normalised_regret([1.0, 3.0, 8.0], REFERENCE, 3) == 0.0


def test_regret_looks_no_further_than_the_budget_and_past_failed_evaluations() -> None:
    """NaN is nobody's best."""
    assert scoring.normalised_regret([float("nan"), 2.5, 1.0], REFERENCE, 2) == pytest.approx(0.5)


def test_a_better_loss_of_another_run_moves_the_reference() -> None:
    """Regret is measured from the best known of all."""
    assert scoring.normalised_regret([2.0, 2.0, 2.0], REFERENCE, 3, best=0.0) == pytest.approx(2 / 3)


def test_the_median_of_the_best_is_what_many_random_searches_have() -> None:
    """The quantile formula agrees with 4 000 simulated searches of 1, 5 and 20 draws."""
    pool = np.random.default_rng(1).exponential(size=50_000)
    formula = median_of_best(pool, 20)
    for budget in (1, 5, 20):
        draws = np.random.default_rng(2).choice(pool, size=(4000, budget))

        assert formula[budget - 1] == pytest.approx(np.median(draws.min(axis=1)), rel=0.08)


def test_half_a_line_of_a_killed_command_spoils_only_itself(tmp_path: Path) -> None:
    """Runs before and after it are read."""
    records.append(tmp_path, _run((1.0,)))
    with (tmp_path / "a.jsonl").open("a") as file:
        file.write('{"task": "coco/f", "seed"')
    records.append(tmp_path, _run((2.0, float("nan")), seed=7))
    runs = records.read(tmp_path)

    assert sorted(key[2] for key in runs) == [0, 7]
    assert np.isnan(runs["a", "coco/f", 7].losses[1])


def test_packing_keeps_the_longest_runs_and_gives_the_same_bytes_again(tmp_path: Path) -> None:
    """What is committed does not change when nothing was added."""
    for losses in ((1.0,), (1.0, 0.5), (1.0,)):
        records.append(tmp_path, _run(losses))
    (path,) = records.pack(tmp_path)
    first = path.read_bytes()
    records.append(tmp_path, _run((1.0,)))
    records.pack(tmp_path)

    assert path.read_bytes() == first
    assert records.read(tmp_path)["a", "coco/f", 0].losses == (1.0, 0.5)
    assert list(tmp_path.iterdir()) == [path]


def test_packing_some_optimisers_leaves_the_others_alone(tmp_path: Path) -> None:
    """Runs under way of somebody else stay as they are."""
    records.append(tmp_path, _run((1.0,)))
    records.append(tmp_path, _run((2.0,), optimiser="b"))
    records.pack(tmp_path, ["b"])

    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "b.jsonl.gz"]


def test_the_committed_references_are_whole() -> None:
    """Every median is a number at least as large as the best, and none rises with the budget."""
    references = scoring.read_references()

    assert references
    for reference in references.values():
        assert np.all(np.diff(reference.random_median) <= 0)
        assert reference.random_median[-1] >= reference.best


def test_a_run_reads_back_as_it_was_written() -> None:
    """One JSON line, losses to seven digits."""
    run = _run((0.123456789, float("nan")))
    back = records.Run.from_json("a", run.to_json())

    assert back.losses[0] == 0.1234568
    assert np.isnan(back.losses[1])
    assert json.loads(run.to_json())["losses"][1] is None
