"""What every pruner must do, as a program: the protocol of `parzen.pruners.Pruner`, sentence by sentence."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import numpy as np

from parzen import hp
from parzen._typing import Direction
from parzen.pruners import Pruner
from parzen.space import Space
from parzen.trials import Asked, Event, Finished, History, Outcome, Released, Reported, Started, State, TrialError

__all__ = ["PRUNER_CASES", "STEPS", "check_pruner"]

STEPS = 30
"""Reports of a trial that runs to its end, at the steps 1 … 30."""


def check_pruner(pruner: Pruner) -> None:
    """Hold a pruner against every sentence of its protocol.

    Losses of the kit fall from about 2 to between 0.3 (the best trial) and 1.6 (the worst); under "maximize" the kit
    reports 2 minus that.

    Args:
        pruner: with settings under which, of such trials, some end before their last step.

    Raises:
        AssertionError: it breaks a promise; the text says which.
    """
    for case in PRUNER_CASES.values():
        case(pruner)


class _Study:
    """Trials of known curves, and the events that they leave."""

    def __init__(self, pruner: Pruner, direction: Direction = "minimize") -> None:
        self.pruner, self.direction = pruner, direction
        self.events: list[Event] = []
        self.history = History(Space({"x": hp.float("x", 0, 1)}), {"loss": direction})

    def add(self, *events: Event) -> None:
        for event in events:
            self.history.apply(self.history.seq + 1, event)
            self.events.append(event)

    def start(self) -> int:
        number = len(self.history)
        self.add(Asked(number, (0.5,), "kit", 0, self.history.seq, 0.0), Started(number, 1, "kit", 0.0))
        return number

    def report(self, number: int, step: float, loss: float) -> None:
        told = loss if self.direction == "minimize" else 2.0 - loss
        self.add(Reported(number, int(self.history.attempts[number]), step, {"loss": told}, 0.0))

    def finish(self, number: int, state: State, loss: float = 1.0) -> None:
        told = loss if self.direction == "minimize" else 2.0 - loss
        error = None if state in (State.OK, State.PRUNED) else TrialError("E", "")
        outcome = Outcome(state, {"loss": told} if state is State.OK else {}, error=error)
        self.add(Finished(number, int(self.history.attempts[number]), outcome, 0.0))

    def verdict(self, number: int) -> str | None:
        return self.pruner.prune(self.history.snapshot(), number)

    def train(self, curve: Sequence[float]) -> tuple[int, bool]:
        """One trial as a run would have it: its number, and whether it came to its end."""
        number = self.start()
        for step, loss in enumerate(curve, start=1):
            self.report(number, step, loss)
            if self.verdict(number) is not None:
                self.finish(number, State.PRUNED)
                return number, False
        self.finish(number, State.OK, curve[-1])
        return number, True


def _curve(quality: float) -> list[float]:
    """From about 2 down to 0.3 + 1.3 · `quality` within `STEPS`, and no better near the end."""
    return [min(2.0, 0.3 + 1.3 * quality + 1.6 / step**1.5 + 0.01 * max(step - 15, 0)) for step in range(1, STEPS + 1)]


def _qualities(n: int) -> list[float]:
    return [float(x) for x in np.random.default_rng(2026).random(n)]


def _trained(pruner: Pruner, n: int = 40, direction: Direction = "minimize") -> tuple[_Study, list[bool]]:
    study = _Study(pruner, direction)
    return study, [study.train(_curve(quality))[1] for quality in _qualities(n)]


def _under_way(pruner: Pruner, n: int = 25) -> tuple[_Study, int]:
    """A study with trials that ended in every way, and a bad one that is running."""
    study = _Study(pruner)
    for i, quality in enumerate(_qualities(n)):
        number = study.start()
        curve = _curve(quality)
        for step, loss in enumerate(curve[: STEPS if i % 3 else 7], start=1):
            study.report(number, step, float("nan") if i % 11 == 5 and step == 5 else loss)
        study.finish(number, (State.OK, State.OK, State.PRUNED, State.ERROR)[i % 4], curve[-1])
    number = study.start()
    for step, loss in enumerate(_curve(0.95)[:27], start=1):
        study.report(number, step, loss)
    return study, number


# --- the promises -----------------------------------------------------------------------------------------------


def _settings_identify_a_pruner(pruner: Pruner) -> None:
    again = copy.deepcopy(pruner)
    assert again == pruner, "a pruner is equal to its copy"
    assert hash(again) == hash(pruner), "a pruner is hashable by its settings"


def _a_verdict_is_a_line_or_nothing(pruner: Pruner) -> None:
    study, number = _under_way(pruner)
    why = study.verdict(number)
    assert why is None or (isinstance(why, str) and why), f"a verdict is None or says why, not {why!r}"


def _bad_trials_are_ended_and_some_are_not(pruner: Pruner) -> None:
    _, done = _trained(pruner)
    assert not all(done), "of forty trials, some are not worth finishing"
    assert any(done), "of forty trials, some are"


def _a_trial_that_has_reported_nothing_goes_on(pruner: Pruner) -> None:
    study, _ = _trained(pruner)
    number = study.start()
    assert study.verdict(number) is None, "there is nothing to judge before the first report"
    study.add(Reported(number, 1, 1.0, {"accuracy": 0.5}, 0.0))
    assert study.verdict(number) is None, "a report without a loss is no ground"


def _the_first_trial_goes_on(pruner: Pruner) -> None:
    study = _Study(pruner)
    assert study.train(_curve(0.2))[1], "a fair first trial has nothing to be compared with"


def _the_best_trial_goes_on(pruner: Pruner) -> None:
    study, _ = _trained(pruner)
    assert study.train(_curve(-0.05))[1], "what is better than all others at every step is never ended"


def _larger_is_better_where_that_was_said(pruner: Pruner) -> None:
    _, falling = _trained(pruner)
    study, rising = _trained(pruner, direction="maximize")
    assert rising == falling, "the mirror image of a study has the same verdicts"
    assert study.train(_curve(-0.05))[1], "under maximize the trial of the highest values is never ended"


def _the_same_history_gets_the_same_verdict(pruner: Pruner) -> None:
    study, number = _under_way(pruner)
    assert study.verdict(number) == study.verdict(number), "asking twice changes nothing"


def _a_history_from_its_events_gets_the_same_verdict(pruner: Pruner) -> None:
    study, number = _under_way(pruner)
    step_by_step = _Study(pruner)
    for event in study.events:
        step_by_step.add(event)
        for running in np.flatnonzero(step_by_step.history.running).tolist():
            step_by_step.verdict(running)
    later = _Study(copy.deepcopy(pruner))
    later.add(*study.events)
    assert step_by_step.verdict(number) == later.verdict(number), (
        "who looked all along and who reads the log later say the same"
    )


def _an_older_snapshot_gets_the_older_verdict(pruner: Pruner) -> None:
    study, number = _under_way(pruner)
    before, then = study.history.snapshot(), study.verdict(number)
    study.report(number, 28, 0.01)
    study.verdict(number)
    for quality in _qualities(5):
        study.train(_curve(quality))
    assert pruner.prune(before, number) == then, "what came after a snapshot does not show in its verdict"


def _what_a_given_up_attempt_reported_is_forgotten(pruner: Pruner) -> None:
    study, number = _under_way(pruner)
    torn, other = _under_way(pruner)
    for step in range(28, STEPS + 1):
        torn.report(other, step, 0.001)
        torn.verdict(other)
    torn.add(Released(other, 1, "interrupted", 0.0), Started(other, 2, "kit", 0.0))
    assert torn.verdict(other) is None, "a trial that begins again has reported nothing"
    for step, loss in enumerate(_curve(0.95)[:27], start=1):
        torn.report(other, step, loss)
    assert torn.verdict(other) == study.verdict(number), "only the reports of the current attempt count"


def _a_report_of_nan_does_no_harm(pruner: Pruner) -> None:
    study, _ = _trained(pruner)
    for bad in (float("nan"), float("inf"), float("-inf")):
        number = study.start()
        study.report(number, 1, bad)
        study.verdict(number)
        study.finish(number, State.OK, 0.5)
    assert study.train(_curve(-0.05))[1], "trials that reported NaN or infinity are not better than any"


def _a_history_is_only_read(pruner: Pruner) -> None:
    study, number = _under_way(pruner)
    before = (study.history.seq, len(study.history), study.history.state.tolist(), list(study.history.reports(number)))
    study.verdict(number)
    after = (study.history.seq, len(study.history), study.history.state.tolist(), list(study.history.reports(number)))
    assert before == after, "a pruner adds nothing to a history"


PRUNER_CASES: dict[str, Callable[[Pruner], None]] = {
    case.__name__.strip("_"): case
    for case in (
        _settings_identify_a_pruner,
        _a_verdict_is_a_line_or_nothing,
        _bad_trials_are_ended_and_some_are_not,
        _a_trial_that_has_reported_nothing_goes_on,
        _the_first_trial_goes_on,
        _the_best_trial_goes_on,
        _larger_is_better_where_that_was_said,
        _the_same_history_gets_the_same_verdict,
        _a_history_from_its_events_gets_the_same_verdict,
        _an_older_snapshot_gets_the_older_verdict,
        _what_a_given_up_attempt_reported_is_forgotten,
        _a_report_of_nan_does_no_harm,
        _a_history_is_only_read,
    )
}
"""Name of a promise -> its check."""
