"""What a run does with a pruner: who is told, what is recorded, and what it costs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import parzen
from parzen import Evaluation, State, Study, TrialPruned, hp
from parzen.feedback import Progress
from parzen.pruners import Median, Threshold
from parzen.trials import History, Released, Reported

SPACE = {"x": hp.float("x", 0, 1)}


def returning(config: Any, evaluation: Evaluation) -> float:
    """Leaves the loop when told so, and returns what it has."""
    loss = 2.0
    for step in range(1, 11):
        loss = config["x"] + 1 / step
        evaluation.report(step, loss)
        if evaluation.should_stop():
            break
    return loss


def raising(config: Any, evaluation: Evaluation) -> float:
    """Raises `TrialPruned` when told so."""
    loss = 2.0
    for step in range(1, 11):
        loss = config["x"] + 1 / step
        evaluation.report(step, loss)
        if evaluation.should_stop():
            raise TrialPruned
    return loss


@pytest.mark.parametrize("objective", [returning, raising])
@pytest.mark.parametrize("pruner", ["median", "asha", Median(startup=3)])
def test_a_pruned_trial_keeps_its_reports_and_says_why(objective: Any, pruner: Any, tmp_path: Path) -> None:
    """It has no loss, is no failure, and the file holds the same."""
    result = parzen.minimize(
        objective, SPACE, 25, algorithm="random", pruner=pruner, seed=1, storage=tmp_path / "s.db", progress=False
    )
    pruned = [trial for trial in Study.load(tmp_path / "s.db").trials if trial.state is State.PRUNED]

    assert len(pruned) >= 5
    assert result.history.tally == f"{25 - len(pruned)} OK, {len(pruned)} PRUNED"
    assert all(trial.loss is None and 1 <= len(trial.reports) < 10 for trial in pruned)
    assert all(trial.error is not None and trial.error.kind == "pruned" for trial in pruned)
    assert all(("loss" in trial.metrics) == (objective is returning) for trial in pruned)
    assert all(len(trial.reports) == 10 for trial in result.trials if trial.state is State.OK)


def test_both_ways_to_leave_give_the_same_search() -> None:
    """Raise or return: the algorithm sees the same trials."""
    a, b = (
        parzen.minimize(objective, SPACE, 30, algorithm="tpe", pruner="median", seed=2, progress=False)
        for objective in (returning, raising)
    )

    assert a.history.state.tolist() == b.history.state.tolist()
    assert a.history.values.tolist() == b.history.values.tolist()


def test_a_loss_that_beats_all_before_it_is_a_result_whoever_wanted_to_end_the_trial() -> None:
    """Otherwise the best known loss would be lost."""

    def objective(config: Any, evaluation: Evaluation) -> float:
        evaluation.report(1, 9.0)
        assert evaluation.should_stop()
        return [3.0, 5.0, 2.0, 2.0][evaluation.number]

    result = parzen.minimize(objective, SPACE, 4, pruner=Threshold(1.0), seed=1, progress=False)

    assert [trial.state for trial in result.trials] == [State.OK, State.PRUNED, State.OK, State.PRUNED]
    assert result.best.number == 2


def test_a_pruner_changes_nothing_where_the_objective_does_not_report() -> None:
    """Or does not ask."""

    def deaf(config: Any, evaluation: Evaluation) -> float:
        for step in range(1, 5):
            evaluation.report(step, config["x"])
        return float(config["x"])

    plain = parzen.minimize(lambda config: config["x"], SPACE, 15, algorithm="random", seed=3, progress=False)
    with_one = parzen.minimize(deaf, SPACE, 15, algorithm="random", seed=3, pruner="asha", progress=False)

    assert with_one.history.losses.tolist() == plain.history.losses.tolist()


def test_what_was_said_once_stays_said() -> None:
    """An objective that asks again after a better report is still to end."""
    said = []

    def objective(config: Any, evaluation: Evaluation) -> float:
        for loss in (9.0, 0.0):
            evaluation.report(1, loss)
            said.append(evaluation.should_stop())
        return 1.0

    parzen.minimize(objective, SPACE, 2, pruner=Threshold(1.0), progress=False)

    assert said == [True] * 4


def test_larger_is_better_under_maximize() -> None:
    """The same objective turned over is pruned alike."""

    def turned(config: Any, evaluation: Evaluation) -> float:
        value = 0.0
        for step in range(1, 11):
            value = -(config["x"] + 1 / step)
            evaluation.report(step, value)
            if evaluation.should_stop():
                break
        return value

    low = parzen.minimize(returning, SPACE, 25, algorithm="random", pruner="median", seed=1, progress=False)
    high = parzen.minimize(
        turned, SPACE, 25, algorithm="random", pruner="median", seed=1, direction="maximize", progress=False
    )

    assert high.history.state.tolist() == low.history.state.tolist()
    assert high.best.loss == -low.best.loss


def test_a_search_that_is_resumed_prunes_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    """What a pruner compares with comes from the log."""
    once = parzen.minimize(returning, SPACE, 30, pruner="median", seed=4, algorithm="random", progress=False)
    for trials in (7, 19, 30):
        parts = parzen.minimize(
            returning, SPACE, trials, pruner="median", seed=4, algorithm="random", storage=tmp_path / "s.db",
            progress=False,
        )  # fmt: skip

    assert parts.history.state.tolist() == once.history.state.tolist()
    assert [len(trial.reports) for trial in parts.trials] == [len(trial.reports) for trial in once.trials]


def test_a_reason_given_with_the_signal_is_kept() -> None:
    """`TrialPruned("…")` needs no pruner."""

    def objective(config: Any) -> float:
        raise TrialPruned("too many parameters") if config["x"] > 0.5 else TrialPruned

    trials = parzen.minimize(objective, SPACE, 8, seed=1, progress=False).trials

    assert {str(trial.error) for trial in trials} == {"pruned: too many parameters", "None"}


@dataclass(frozen=True)
class _Yes:
    """Does not say why."""

    def prune(self, history: History, number: int) -> Any:
        return True


def test_a_pruner_that_does_not_say_why_is_refused() -> None:
    """In a sentence, where the run is."""
    with pytest.raises(TypeError, match="a pruner says why"):
        parzen.minimize(returning, SPACE, 2, pruner=_Yes(), progress=False)


def test_a_wrong_pruner_is_refused_before_anything_runs(tmp_path: Path) -> None:
    """And no file is made."""
    with pytest.raises(parzen.ParzenError, match="no pruner is called 'mean'"):
        parzen.minimize(returning, SPACE, 2, pruner="mean", storage=tmp_path / "s.db", progress=False)

    assert list(tmp_path.iterdir()) == []


def test_the_line_that_people_see_counts_pruned_trials() -> None:
    """Beside the failed ones, where there are any."""
    shown = Progress(elapsed=1, left=None, done=9, total=10, failed=0, running=0, best=None, pruned=4)

    assert "4 pruned" in str(shown)
    assert "failed" not in str(shown)
    assert "pruned" not in str(Progress(elapsed=1, left=None, done=9, total=10, failed=0, running=0, best=None))


def test_reports_cost_the_same_however_many_there_are() -> None:
    """The last thousand of thirty thousand reports take about as long as the first; with tuples it was 30 times."""
    study = Study(SPACE)
    number = study.ask().number
    spans = []
    for part in range(30):
        began = time.process_time()
        for step in range(1000):
            study.stream.publish(Reported(number, 1, 1000 * part + step, {"loss": 1.0}, 0.0))
        spans.append(time.process_time() - began)

    assert min(spans[-5:]) < 4 * min(spans[:5])
    assert len(study.history.reports(number)) == 30_000


def test_a_snapshot_holds_the_reports_of_its_time() -> None:
    """Later ones do not show, nor does a new attempt take them away."""
    study = Study(SPACE)
    number = study.ask().number
    for step in range(3):
        study.stream.publish(Reported(number, 1, step, {"loss": float(step)}, 0.0))
    before = study.history.snapshot()
    study.stream.publish(Reported(number, 1, 3, {"loss": 3.0}, 0.0))
    reports = before.reports(number)

    assert [report.step for report in reports] == [0, 1, 2]
    assert [report.step for report in reports[1:]] == [1, 2]
    assert reports[-1].metrics == {"loss": 2.0}
    assert len(study.history.reports(number)) == 4
    assert study.history.reports(number)[-1].step == 3
    with pytest.raises(IndexError, match="there are 3 reports"):
        reports[3]


@pytest.mark.parametrize(("direction", "sign"), [("minimize", 1.0), ("maximize", -1.0)])
def test_the_last_reported_loss_is_a_column(direction: Any, sign: float) -> None:
    """To be minimised, NaN where none was told or the attempt was given up; a snapshot keeps that of its time."""
    study = Study(SPACE, direction=direction)
    told, silent, torn = (study.ask().number for _ in range(3))
    study.report(told, 1, 5.0)
    study.report(told, 2, 3.0)
    study.report(told, 3, accuracy=0.5)
    study.report(silent, 1, accuracy=0.5)
    study.report(torn, 1, 4.0)
    before = study.history.snapshot()
    study.stream.publish(Released(torn, 1, "interrupted", 0.0))
    study.report(told, 4, 2.0)
    study.tell(told, state="PRUNED")

    np.testing.assert_array_equal(study.history.partial, [sign * 2.0, np.nan, np.nan])
    np.testing.assert_array_equal(before.partial, [sign * 3.0, np.nan, sign * 4.0])
