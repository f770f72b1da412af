"""The public tasks load here, or say why not."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.quality import scoring, spaces, tasks


def _tasks(suite: str) -> list[tasks.Task]:
    loaded, skipped = tasks.load([suite])
    if skipped:
        pytest.skip(skipped[suite])
    return loaded


@pytest.mark.slow
@pytest.mark.parametrize("suite", tasks.SUITES)
def test_every_task_answers_a_random_configuration_with_a_number_above_its_optimum(suite: str) -> None:
    """One by one and many at once, flat and nested alike; live trainings are asked once."""
    rng = np.random.default_rng(1)
    for task in _tasks(suite):
        configs = [spaces.sample(task.params, rng) for _ in range(1 if suite == "live" else 20)]
        losses = task.losses(configs)

        assert losses.shape == (len(configs),)
        assert np.isfinite(losses).all()
        assert task.objective(configs[0]) == pytest.approx(losses[0], rel=1e-4, abs=1e-5)
        assert task.optimum is None or losses.min() >= task.optimum


@pytest.mark.parametrize("suite", tasks.SUITES)
def test_every_task_has_a_reference(suite: str) -> None:
    """A regret can be computed for each."""
    references = scoring.read_references()
    for task in _tasks(suite):
        assert task.name in references


def test_an_absent_data_folder_is_a_reason_and_no_error(tmp_path: object) -> None:
    """What cannot be loaded is skipped, and the text says what to set."""
    loaded, skipped = tasks.load(["tabular"], str(tmp_path))

    assert loaded == []
    assert "PARZEN_BENCH_DATA" in skipped["tabular"]


def test_random_search_scores_about_one() -> None:
    """About half of its runs end below the median, on the tables, where that is known exactly; the margin is wide."""
    chosen = _tasks("tabular")

    def run(task: tasks.Task, seed: int, evaluations: int) -> list[float]:
        rng = np.random.default_rng(seed)
        return [task.objective(spaces.sample(task.params, rng)) for _ in range(evaluations)]

    score = scoring.evaluate(run, chosen, seeds=range(60), budgets=(10, 50))

    assert score.regrets.shape == (len(chosen), 60, 2)
    assert np.mean(score.regrets <= 1.0) == pytest.approx(0.5, abs=0.1)
