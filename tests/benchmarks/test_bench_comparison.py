"""Tables, duels and tests over runs that were made up so that the answer is known."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from benchmarks.quality import comparison, curves, readme, records, report, scoring

REFERENCE = scoring.Reference(best=0.0, random_median=np.array([3.0, 2.0, 1.0]), draws=100)
TASKS = ("coco/f", "coco/g", "live/h")
REFERENCES = dict.fromkeys(TASKS, REFERENCE)


def _runs(found: dict[str, Sequence[float]], tasks: Sequence[str] = TASKS) -> dict[tuple[str, str, int], records.Run]:
    """Optimiser -> final losses of its seeds, the same on each task; the first two evaluations are bad."""
    made = [
        records.Run(name, task, seed, (9.0, 8.0, loss), 0.5, "1.0")
        for name, losses in found.items()
        for task in tasks
        for seed, loss in enumerate(losses)
    ]
    return {(run.optimiser, run.task, run.seed): run for run in made}


def test_equal_losses_share_their_rank() -> None:
    """1, 2.5, 2.5 and not 1, 2, 3."""
    found = comparison.ranks(np.array([[2.0, 1.0, 2.0], [3.0, 2.0, 1.0]]))

    assert found.tolist() == [[2.5, 1.0, 2.5], [3.0, 2.0, 1.0]]


def test_only_runs_that_all_optimisers_have_are_compared() -> None:
    """A seed that one of two lacks counts for neither."""
    runs = _runs({"a": [0.2, 7.0], "b": [0.4]}, ["coco/f"])
    rows = comparison.compare(runs, REFERENCES, ["a", "b"], 3)

    assert [row.optimiser for row in rows] == ["a", "b"]
    assert [row.runs for row in rows] == [1, 1]
    assert [row.mean for row in rows] == pytest.approx([0.2, 0.4])
    assert rows[0].rank == 1.0
    assert rows[0].wins == {"b": 1.0}


def test_the_interval_of_a_rank_holds_the_rank_and_shrinks_with_the_seeds() -> None:
    """Two that win by turns have ranks of 1.5."""
    few = comparison.compare(_runs({"a": [1, 2] * 2, "b": [2, 1] * 2}), REFERENCES, ["a", "b"], 3)[0]
    many = comparison.compare(_runs({"a": [1, 2] * 20, "b": [2, 1] * 20}), REFERENCES, ["a", "b"], 3)[0]

    assert few.rank == many.rank == 1.5
    assert few.interval[0] < many.interval[0] < 1.5 < many.interval[1] < few.interval[1]


def test_a_peer_with_runs_on_a_subset_is_not_in_the_table_of_all() -> None:
    """It would shrink everybody's; whoever lacks only what most lack is complete."""
    runs = _runs({"a": [1], "b": [2], "c": [3]}) | _runs({"slow": [1]}, ["coco/f"]) | _runs({"a": [1]}, ["yahpo/only"])

    assert comparison.complete(runs, ["a", "b", "c", "slow"], 3) == ["a", "b", "c"]
    assert comparison.complete(runs, ["a", "b"], 4) == []


def test_a_duel_is_fought_on_the_tasks_that_both_have_with_all_their_runs() -> None:
    """Three of our runs against two of theirs: 5.5 of 6 pairs, and a gap of means, on one task of three."""
    runs = _runs({"ours": [0.1, 0.2, 0.4]}) | _runs({"peer": [0.3, 0.4]}, ["coco/g"])
    best = dict.fromkeys(TASKS, 0.0)
    found = comparison.duel(runs, REFERENCES, "ours", "peer", 3, best=best)

    assert found is not None
    assert (found.tasks, found.runs) == (1, (3, 2))
    assert found.wins == pytest.approx((2 + 2 + 0.5) / 6)
    assert found.gap == pytest.approx(0.7 / 3 - 0.35)
    assert found.wins_interval[0] <= found.wins <= found.wins_interval[1]


@pytest.mark.parametrize(
    ("theirs", "verdict"), [([0.5] * 5, "ahead"), ([0.3, 0.1, 0.2, 0.3, 0.1], "level"), ([0.01] * 5, "behind")]
)
def test_a_verdict_needs_an_interval_on_one_side(theirs: list[float], verdict: str) -> None:
    """Clear cases are called, by wins and by regret; an even one is not."""
    runs = _runs({"ours": [0.1, 0.2, 0.3, 0.2, 0.2], "peer": theirs})
    found = comparison.duel(runs, REFERENCES, "ours", "peer", 3, best=dict.fromkeys(TASKS, 0.0))

    assert found is not None
    assert found.by_wins == verdict
    assert found.by_regret == verdict


def test_a_single_run_is_too_few_for_a_verdict() -> None:
    """Its bootstrap has no width, and would call anything significant."""
    found = comparison.duel(_runs({"ours": [0.1] * 9, "peer": [0.01]}, ["coco/f"]), REFERENCES, "ours", "peer", 3)

    assert found is not None
    assert found.by_wins == found.by_regret == "too few"


def test_a_duel_without_a_common_task_is_none() -> None:
    """Nothing to say."""
    runs = _runs({"ours": [1]}, ["coco/f"]) | _runs({"peer": [1]}, ["live/h"])

    assert comparison.duel(runs, REFERENCES, "ours", "peer", 3) is None


def test_holm_multiplies_the_smallest_by_their_number_and_never_decreases() -> None:
    """A worked example of four tests."""
    assert comparison.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert comparison.holm([0.9, 0.8]) == [1.0, 1.0]
    assert comparison.holm([]) == []


def test_worse_than_random_is_a_sign_test_against_its_median() -> None:
    """Twenty runs above it are found at 1 % after Holm; ties count for neither side."""
    runs = _runs({"bad": [1.5] * 20}, ["coco/f"]) | _runs({"bad": [0.5] * 10 + [1.0] * 4 + [1.5] * 6}, ["coco/g"])
    worst, fine = comparison.worse_than_random(runs, REFERENCES, "bad", 3)

    assert (worst.task, worst.above, worst.p) == ("coco/f", 20, pytest.approx(0.5**20))
    assert worst.adjusted == pytest.approx(2 * 0.5**20)
    assert fine.p == pytest.approx(sum(math.comb(16, k) for k in range(6, 17)) / 2**16)


def test_random_search_itself_is_rarely_called_worse_than_random() -> None:
    """Of 400 searches by 20 seeds, about a hundredth at most has p below 1 %; the margin is four standard deviations."""
    rng = np.random.default_rng(5)
    reference = scoring.Reference(0.0, np.array([1.0, 1.0, 0.5]), 100)
    calls = 0
    for _ in range(400):
        runs = _runs({"r": rng.random(20).tolist()}, ["coco/f"])
        calls += comparison.worse_than_random(runs, {"coco/f": reference}, "r", 3)[0].p < 0.01

    assert calls <= 4 + 4 * 2


def test_the_report_names_who_is_ahead_and_keeps_the_slow_ones_in_a_table_of_their_own(
    capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A peer on one task of three does not shrink the table; it is named as ahead on its suite."""
    folder = tmp_path_factory.mktemp("results")
    known = scoring.read_references()
    tasks = ["coco/f2-d5-i1", "coco/f8-d5-i2", "live/svm-digits"]
    levels = {"parzen-auto": 0.5, "random": 1.0, "peer": 2.0}
    for name, level in levels.items():
        for task in tasks:
            for seed in range(5):
                loss = known[task].best + level * (known[task].random_median[24] - known[task].best)
                records.append(folder, records.Run(name, task, seed, (loss,) * 25, 1.0, "1.0"))
    for seed in range(5):
        records.append(folder, records.Run("slow", tasks[0], seed, (known[tasks[0]].best,) * 25, 1.0, "1.0"))
    code = report.main(["--results", str(folder), "--budgets", "25"])
    printed = capsys.readouterr().out

    assert code == 0
    assert "### All suites after 25: 3 tasks, 15 paired runs" in printed
    assert "### Everybody after 25, on what all have of the heavy subset: 1 tasks, 5 paired runs" in printed
    assert "Significantly ahead of parzen-auto: slow on coco." in printed
    assert "| peer | 3 | 15 / 15 | 100 % (100 to 100) | ahead |" in printed

    runs = records.read(folder)
    everything = report._Report(
        runs, known, comparison.best_known(runs), ["parzen-auto", "peer", "random", "slow"], "parzen-auto", None
    )
    outline = "\n".join(report._outline(everything, (25, 50)))
    assert "| mean regret | after 25 (3 tasks) |" in outline
    assert "| parzen-auto | 0.50 |" in outline
    assert "| slow | 0 % (0 to 0), 1 tasks |" in outline


def test_a_curve_goes_as_far_as_its_run() -> None:
    """Regret of the best so far, over the median at that budget; NaN beyond."""
    curve = curves.regret_curve([3.0, float("nan"), 0.5], REFERENCE, 0.0, np.array([1, 2, 3]))
    short = curves.regret_curve([3.0], REFERENCE, 0.0, np.array([1, 3]))

    assert curve.tolist() == pytest.approx([1.0, 1.5, 0.5])
    assert short[0] == 1.0
    assert np.isnan(short[1])


def test_tables_go_between_the_markers_of_a_page_and_nowhere_else() -> None:
    """What stands around them stays; a page without markers is refused."""
    page = "before\n<!-- t:begin -->\nold\n<!-- t:end -->\nafter\n"

    assert readme.replaced(page, "t", ["new", ""]) == "before\n<!-- t:begin -->\nnew\n<!-- t:end -->\nafter\n"
    with pytest.raises(ValueError, match="<!-- u:begin -->"):
        readme.replaced(page, "u", ["new"])
