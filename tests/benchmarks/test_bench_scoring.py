"""Regrets, ranks and the files that runs are kept in."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.quality import records, report, scoring
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


def test_equal_losses_share_their_rank() -> None:
    """1, 2.5, 2.5 and not 1, 2, 3."""
    found = report.ranks(np.array([[2.0, 1.0, 2.0], [3.0, 2.0, 1.0]]))

    assert found.tolist() == [[2.5, 1.0, 2.5], [3.0, 2.0, 1.0]]


def test_only_runs_that_all_optimisers_have_are_compared() -> None:
    """A seed that one of two lacks counts for neither."""
    runs = [_run((3.0, 2.0)), _run((9.0, 9.0), seed=1), _run((4.0, 4.0), optimiser="b")]
    rows = report.compare(
        {(run.optimiser, run.task, run.seed): run for run in runs}, {"coco/f": REFERENCE}, ["a", "b"], 2
    )

    assert [row.optimiser for row in rows] == ["a", "b"]
    assert [row.runs for row in rows] == [1, 1]
    assert rows[0].rank == 1.0
    assert rows[0].wins == {"b": 1.0}


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
