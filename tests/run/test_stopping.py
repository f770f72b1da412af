"""Rules that end a run, and what they make of each other."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import parzen
from parzen import State, hp, stopping
from parzen._clock import SystemClock
from parzen.run import StopRule, any_of
from parzen.run._stopping import is_own
from parzen.stopping import LossReached, NoProgress, Timeout, TrialsDone
from parzen.testing import FakeClock
from parzen.trials import History

SPACE = {"x": hp.float("x", 0, 1)}


def _run(losses: Iterable[Any], stop: Any = (), **settings: Any) -> tuple[str, int]:
    values = iter(losses)
    result = parzen.minimize(
        lambda config: next(values), SPACE, algorithm="random", stop=stop, progress=False, **settings
    )
    return result.stopped_by, len(result.trials)


def _down(n: int = 1000) -> list[float]:
    return [float(n - i) for i in range(n)]


def test_trials_done_counts_what_has_finished() -> None:
    """Failed ones too."""
    assert _run([1.0, math.nan, 2.0, 3.0, 4.0], TrialsDone(4)) == ("trials", 4)


def test_a_loss_is_reached_when_it_is_met_exactly() -> None:
    """Lower or equal."""
    assert _run(_down(), LossReached(990.0)) == ("loss threshold", 11)
    assert _run(_down(), LossReached(990.5)) == ("loss threshold", 11)


def test_a_loss_is_reached_from_below_when_maximising() -> None:
    """The threshold is in the user's own sign."""
    assert _run(range(100), LossReached(5), direction="maximize") == ("loss threshold", 6)


def test_no_progress_counts_trials_since_the_last_improvement() -> None:
    """Equal losses are none; failed trials count."""
    assert _run([5.0, 4.0, 4.0, 4.5, math.nan, 4.0, 3.0], NoProgress(4)) == ("no progress", 6)
    assert _run([5.0, 4.0, 4.0, 3.9, 4.0, 4.0, 4.0], NoProgress(3)) == ("no progress", 7)


def test_no_progress_may_ask_for_more_than_a_trace_of_improvement() -> None:
    """Under `percent` of the best is no progress."""
    losses = [100.0, 99.9, 99.8, 99.7, 90.0, 89.9, 89.8, 89.7, 89.6]

    assert _run(losses, NoProgress(4, percent=5)) == ("no progress", 9)


def test_no_progress_stops_a_search_in_which_everything_fails() -> None:
    """From the first trial on."""
    assert _run([math.nan] * 10, NoProgress(4)) == ("no progress", 4)


def test_a_timeout_rule_looks_at_this_run_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the monotonic clock."""
    clock = FakeClock()
    monkeypatch.setattr(SystemClock, "monotonic", staticmethod(clock.monotonic))

    def objective(config: dict[str, float]) -> float:
        clock.advance(2.0)
        return config["x"]

    study = parzen.Study(SPACE, algorithm="random")
    first = study.run(objective, stop=Timeout(5), progress=False)
    assert (first.stopped_by, len(study.trials)) == ("timeout", 3)
    study.run(objective, stop=Timeout(5), progress=False)

    assert len(study.trials) == 6


def test_either_rule_stops() -> None:
    """With `|`, and as a list."""
    for rules in (
        TrialsDone(5) | LossReached(998),
        [TrialsDone(5), LossReached(998)],
        (LossReached(998), TrialsDone(5)),
    ):
        assert _run(_down(), rules) == ("loss threshold", 3)


def test_both_rules_must_agree() -> None:
    """With `&`; the reason names both."""
    assert _run(_down(), TrialsDone(5) & LossReached(998)) == ("trials and loss threshold", 5)
    assert _run(_down(), TrialsDone(2) & LossReached(990)) == ("trials and loss threshold", 11)


def test_rules_nest() -> None:
    """`(a & b) | c`."""
    rule = (TrialsDone(50) & LossReached(0)) | TrialsDone(7)

    assert _run(_down(), rule) == ("trials", 7)
    assert _run(_down(), rule & TrialsDone(9)) == ("trials and trials", 9)


def test_a_function_is_a_rule() -> None:
    """Called with the history and the seconds; its text is the reason."""

    def rule(history: History, elapsed: float) -> str | None:
        assert elapsed >= 0
        return "I have seen enough" if history.count(State.OK) == 3 else None

    assert _run(_down(), rule) == ("I have seen enough", 3)


def test_a_rule_of_ones_own_combines_with_the_others() -> None:
    """By subclassing `StopRule`."""

    class Even(StopRule):
        def __call__(self, history: History, elapsed: float) -> str | None:
            return "even" if len(history) and len(history) % 2 == 0 else None

    assert _run(_down(), Even() & TrialsDone(3)) == ("even and trials", 4)
    assert issubclass(TrialsDone, stopping.StopRule)


def test_a_rule_that_raises_leaves_no_trial_running() -> None:
    """It is asked between trials."""

    def rule(history: History, elapsed: float) -> str | None:
        if len(history) == 3:
            raise ValueError("rule")
        return None

    study = parzen.Study(SPACE, algorithm="random")
    with pytest.raises(ValueError, match="rule"):
        study.run(lambda config: 1.0, 10, stop=rule, progress=False)

    assert [trial.state for trial in study.trials] == [State.OK] * 3


def test_the_total_and_rules_and_the_timeout_work_together() -> None:
    """Whichever comes first; the total includes earlier runs."""
    study = parzen.Study(SPACE, algorithm="random")
    reasons = [
        study.run(lambda config: 1.0, total, stop=TrialsDone(7), progress=False).stopped_by for total in (5, 10, 20)
    ]

    assert reasons == ["trials", "trials", "trials"]
    assert len(study.trials) == 7


def test_only_parzens_own_rules_are_asked_while_others_wait() -> None:
    """A rule of somebody else's may take as long as it likes, and so may one that is made of it."""

    class Mine(StopRule):
        def __call__(self, history: Any, elapsed: float) -> str | None:
            return None

    own = LossReached(0.5) | (Timeout(5) & NoProgress(3))

    assert is_own(own)
    assert is_own(any_of([own, TrialsDone(3)]))
    assert not is_own(any_of([own, Mine()]))
    assert not is_own(any_of(lambda history, elapsed: None))
    assert not is_own(own & Mine())


def test_a_rule_of_parzens_own_ends_a_search_in_a_file_right_after_the_result(tmp_path: Path) -> None:
    """Nothing is begun after the result that the rule is about, though both could have been one transaction."""
    losses = iter([3.0, 2.0, 1.0, 0.5, 0.25])
    study = parzen.Study({"x": hp.float("x", 0, 1)}, storage=tmp_path / "s.db", algorithm="random")
    result = study.run(lambda config: next(losses), 50, stop=LossReached(1.0), progress=False)

    assert result.stopped_by == "loss threshold"
    assert study.history.tally == "3 OK"
