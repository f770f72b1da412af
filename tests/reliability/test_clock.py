"""The wall clock may jump; what lasts is measured on the other one."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

import parzen
from parzen import Evaluation, State, Study, hp
from parzen._clock import SystemClock
from parzen.testing import FakeClock

SPACE = {"x": hp.float("x", 0, 1)}
DAY = 86_400.0
NOW = 1_700_000_000.0
JUMPS = {"a day back": -DAY, "a day ahead": DAY, "to the epoch": -NOW, "forty years ahead": 40 * 365 * DAY}


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """The time of every study."""
    fake = FakeClock(NOW)
    monkeypatch.setattr(SystemClock, "wall", staticmethod(fake.wall))
    monkeypatch.setattr(SystemClock, "monotonic", staticmethod(fake.monotonic))
    return fake


@pytest.mark.parametrize("door", ["minimize", "fmin"])
@pytest.mark.parametrize("jump", JUMPS)
def test_a_timeout_is_honoured_whatever_the_wall_clock_does(
    jump: str, door: str, time: FakeClock, tmp_path: Path
) -> None:
    """The clock jumps in the middle of the run; with trials of a second, ten seconds are ten trials."""
    calls = 0

    def objective(config: dict[str, float]) -> float:
        nonlocal calls
        calls += 1
        if calls == 4:
            time.set_wall(time.wall() + JUMPS[jump])
        time.advance(1.0)
        return config["x"]

    path = tmp_path / "study.db"
    if door == "minimize":
        result = parzen.minimize(objective, SPACE, algorithm="random", timeout=10, storage=path, progress="lines")

        assert result.stopped_by == "timeout"
    else:
        parzen.fmin(objective, SPACE, parzen.rand.suggest, timeout=10, storage=path)
    trials = list(Study.load(path).trials)

    assert calls == len(trials) == 10
    assert all(trial.state is State.OK and trial.seconds == 1.0 for trial in trials)
    assert all(trial.started is not None and trial.started >= 0 for trial in trials)


def test_a_study_of_tomorrow_goes_on_today(time: FakeClock, tmp_path: Path) -> None:
    """A file whose stamps lie in the future is as good as any other."""
    path = tmp_path / "study.db"
    for total in (5, 10):
        result = parzen.minimize(
            lambda config: float(config["x"]), SPACE, total, seed=1, algorithm="random", storage=path, progress=False
        )
        time.set_wall(time.wall() - 400 * DAY)
    whole = parzen.minimize(lambda config: float(config["x"]), SPACE, 10, seed=1, algorithm="random", progress=False)

    assert [trial.params for trial in result.trials] == [trial.params for trial in whole.trials]
    assert result.trials[9].started is not None
    assert result.trials[0].started is not None
    assert result.trials[9].started < result.trials[0].started


def test_stamps_are_wall_time_and_documents_have_them(time: FakeClock) -> None:
    """They are for people, who have calendars."""

    def objective(config: dict[str, float]) -> float:
        time.advance(60)
        return config["x"]

    result = parzen.minimize(objective, SPACE, 2, algorithm="random", progress=False)
    best = parzen.fmin(objective, SPACE, parzen.rand.suggest, 1, verbose=False)

    assert [trial.started for trial in result.trials] == [NOW, NOW + 60]
    assert [trial.finished for trial in result.trials] == [NOW + 60, NOW + 120]
    assert isinstance(best.trials.trials[0]["book_time"], datetime.datetime)


def test_should_stop_follows_the_timeout(time: FakeClock) -> None:
    """An objective in small steps may end when the time is up, and is told so on the monotonic clock."""
    answers: list[Any] = []

    def objective(config: dict[str, float], evaluation: Evaluation) -> float:
        while not evaluation.should_stop():
            time.advance(1)
            time.set_wall(0.0)
            answers.append(evaluation.number)
        return config["x"]

    result = parzen.minimize(objective, SPACE, 5, timeout=7, progress=False)

    assert answers == [0] * 7
    assert (len(result.trials), result.stopped_by) == (1, "timeout")
