"""Ctrl-C and SIGTERM: at once inside of the objective, at the next look outside, twice always."""

from __future__ import annotations

import signal
from typing import Any

import pytest

import parzen
from parzen import State, hp
from parzen.pruners import Threshold
from parzen.run import Interrupts
from parzen.storages import MemoryStorage
from parzen.trials import Reported

SPACE = {"x": hp.float("x", 0, 1)}
signals = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)


@signals
def test_a_signal_inside_of_the_objective_ends_it_at_once(number: signal.Signals) -> None:
    """Its trial goes back to WAITING, the result is what there is."""

    def objective(config: dict[str, float]) -> float:
        nonlocal calls
        calls += 1
        if calls == 4:
            signal.raise_signal(number)
            raise AssertionError("not reached")
        return config["x"]

    calls = 0
    result = parzen.minimize(objective, SPACE, 9, progress=False)

    assert result.stopped_by == "interrupt"
    assert result.signal == number
    assert [trial.state for trial in result.trials] == [State.OK] * 3 + [State.WAITING]


@signals
def test_a_signal_between_trials_waits_for_the_loop_to_look(number: signal.Signals) -> None:
    """A callback is not torn apart."""
    reached = []

    def callback(study: Any, trial: Any) -> None:
        if trial.number == 2:
            signal.raise_signal(number)
            reached.append(trial.number)

    result = parzen.minimize(lambda config: 1.0, SPACE, 9, callbacks=[callback], progress=False)

    assert reached == [2]
    assert (result.stopped_by, len(result.trials)) == ("interrupt", 3)


def test_a_second_signal_raises_wherever_it_comes() -> None:
    """Somebody who presses twice means it."""
    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)

    assert interrupts.signal == signal.SIGINT


def test_a_handler_of_the_programs_own_is_left_alone() -> None:
    """It gets its signal, and the search goes on."""
    seen = []

    def objective(config: dict[str, float]) -> float:
        signal.raise_signal(signal.SIGTERM)
        return config["x"]

    before = signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    try:
        result = parzen.minimize(objective, SPACE, 3, progress=False)
    finally:
        signal.signal(signal.SIGTERM, before)

    assert seen == [signal.SIGTERM] * 3
    assert result.stopped_by == "trials"


def test_an_objective_may_be_told_instead_of_torn(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that catches the interrupt and returns has a finished trial; the run still ends."""

    def objective(config: dict[str, float], evaluation: parzen.Evaluation) -> float:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            assert evaluation.should_stop()
        return 7.0

    result = parzen.minimize(objective, SPACE, 3, progress=False)

    assert result.stopped_by == "interrupt"
    assert [trial.loss for trial in result.trials] == [7.0]


class _Interrupted(MemoryStorage):
    """A signal comes while a report is being appended."""

    def append(self, study: str, events: Any, token: str) -> int:
        if any(isinstance(event, Reported) and event.step == 3 for event in events):
            signal.raise_signal(signal.SIGINT)
        return super().append(study, events, token)


def test_a_signal_during_a_report_waits_until_the_report_is_whole() -> None:
    """It is in the storage and in the history, or in neither; then the objective ends at once."""
    seen = []

    def objective(config: dict[str, float], evaluation: parzen.Evaluation) -> float:
        for step in range(1, 9):
            try:
                evaluation.report(step, 1.0)
            except KeyboardInterrupt:
                seen.append((step, len(study.history.reports(0)), study.history.seq))
                raise
        return 1.0

    study = parzen.Study(SPACE, storage=_Interrupted())
    result = study.run(objective, 3, progress=False)

    assert seen == [(3, 3, 6)]  # the budget, asked, started, and three reports
    assert result.stopped_by == "interrupt"
    assert result.trials[0].state is State.WAITING


def test_a_signal_during_a_verdict_waits_until_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a pruner folds is not left half done."""
    made = []

    def prune(self: Threshold, history: Any, number: int) -> None:
        signal.raise_signal(signal.SIGINT)
        made.append(number)

    monkeypatch.setattr(Threshold, "prune", prune)
    result = parzen.minimize(
        lambda config, evaluation: float(evaluation.should_stop()), SPACE, 3, pruner=Threshold(1.0), progress=False
    )

    assert made == [0]
    assert result.stopped_by == "interrupt"
