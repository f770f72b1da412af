"""What there is to tell of a run, read from its history: the best trial, how far it is, and what came of it all.

Times are seconds of this run, on its monotonic clock.  Losses are in the user's own sign.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from parzen._typing import IntArray
from parzen._wording import Settings, clock_time, joined, number, plain, setting, settings, span
from parzen.errors import StudyNotFound, Unavailable
from parzen.feedback._base import RunInfo
from parzen.trials import History, State

__all__ = ["Best", "Pace", "Progress", "Summary", "commonest", "commonest_said"]

_BAD = (State.FAILED, State.ERROR)
_TABLE = 12
_GONE = "no longer in"
"""Parameters up to which the summary gives each a line of its own."""

_REASONS = {
    "callback": "a callback or the objective said so (StopStudy)",
    "failures in a row": "too many failures in a row",
    "interrupt": "interrupted",
    "space exhausted": "every configuration of the space has been tried",
}


@dataclass(frozen=True, slots=True)
class Best:
    """The best trial so far.

    Attributes:
        number, loss, settings: of the trial.
        metric: what the loss is called.
        elapsed: when it was noticed.
    """

    number: int
    loss: float
    settings: Settings
    metric: str
    elapsed: float

    @classmethod
    def of(cls, history: History, elapsed: float) -> Best | None:
        """The history's best, if it has one."""
        i = history.best_number
        if i is None:
            return None
        loss = history.reported(history.losses[i])
        metric = plain(history.objectives[0], 40)
        return cls(i, loss, settings(history.space, history.values[i]), metric, elapsed)

    def __str__(self) -> str:
        return f"{clock_time(self.elapsed):>7}  trial {self.number:<4}  {self.found}  {joined(self.settings)}"

    @property
    def found(self) -> str:
        """What was reached."""
        return f"{self.metric} {number(self.loss, 6)}"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        elapsed: of this run.
        left: the expected rest; None where nothing tells.
        done: finished trials of the study.
        total: how many there are to be; None for no limit.
        failed: of those done.
        pruned: of those done.
        running: begun and not ended.
        best: so far.
    """

    elapsed: float
    left: float | None
    done: int
    total: int | None
    failed: int
    running: int
    best: Best | None
    pruned: int = 0

    @property
    def counted(self) -> str:
        """`37/100`, or `37 trials` where there is no limit."""
        if self.total is None:
            return f"{self.done} trial{'' if self.done == 1 else 's'}"
        return f"{self.done:>{len(str(self.total))}}/{self.total}"

    def parts(self) -> Iterator[tuple[str, str]]:
        """Kind and text of each thing worth a word, the most important first."""
        yield "counted", self.counted
        yield "elapsed", clock_time(self.elapsed)
        if self.left is not None and self.left >= 0.5:
            yield "left", f"{clock_time(self.left + 0.5)} left"
        if self.failed:
            yield "failed", f"{self.failed} failed"
        if self.pruned:
            yield "pruned", f"{self.pruned} pruned"
        if self.best is not None:
            loss = number(self.best.loss, 6)
            yield "best", f"best {loss}" if self.best.metric == "loss" else f"best {self.best.metric} {loss}"
        elif self.done:
            yield "none", "no loss yet"

    def __str__(self) -> str:
        text = " · ".join(text for kind, text in self.parts() if kind != "elapsed")
        at = f" (trial {self.best.number})" if self.best is not None else ""
        return f"{clock_time(self.elapsed):>7}  {text}{at}"


class Pace:
    """How long the rest will take, from the pace of this run alone: an earlier one may have had another machine."""

    def __init__(self, finished: int) -> None:
        self._first = self._finished = finished
        self._last = 0.0

    def left(self, run: RunInfo, total: int | None, finished: int, elapsed: float) -> float | None:
        """Expected seconds to the end of the run; None where nothing tells."""
        if finished > self._finished:
            self._finished, self._last = finished, elapsed
        by_timeout = None if run.timeout is None else max(run.timeout - elapsed, 0.0)
        k = self._finished - self._first
        if total is None or k <= 0:
            return by_timeout
        # A trial that takes longer than the mean raises the mean before it has ended.
        mean = max(self._last / k, elapsed / (k + 1))
        by_pace = max(mean * (total - finished) - (elapsed - self._last), 0.0)
        return by_pace if by_timeout is None else min(by_pace, by_timeout)


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of a run.

    Attributes:
        best: of the study.
        counts: how many trials are in each state, of the study.
        failures: how often the commonest error came, its kind, an example's number and message, and how many other
            kinds there were; None where nothing failed.
        elapsed: of this run.
        objective: seconds inside the objective, all workers together; of this run.
        stopped: why it ended, in words.
        kept: where it is saved and how to go on, in words.
        metric: what the loss is called.
        paused: seconds in which no trial was to begin.
    """

    best: Best | None
    counts: dict[State, int]
    failures: tuple[int, str, int, str, int] | None
    elapsed: float
    objective: float
    stopped: str
    kept: str
    metric: str
    paused: float = 0.0

    @classmethod
    def of(
        cls,
        history: History,
        run: RunInfo,
        elapsed: float,
        objective: float,
        stopped_by: str,
        error: BaseException | None,
        paused: float = 0.0,
    ) -> Summary:
        """Gather it from the history as it is at the end."""
        name = plain(run.name, 60)
        if isinstance(error, (StudyNotFound, Unavailable)) and error.gone:
            kept = f"{_GONE} {plain(run.location, 200)}, as the error says"
        elif run.durable:
            done = stopped_by == "trials" and error is None and not history.count(State.RUNNING)
            more = "raise trials and " if done else ""
            kept = f"{plain(run.location, 200)}, study '{name}'; to go on, {more}{plain(run.resume_hint, 200)}"
        else:
            kept = 'in memory only: pass storage="study.db" to keep it'
        return cls(
            best=Best.of(history, elapsed),
            counts={state: history.count(state) - history.imported(state) for state in State},
            failures=commonest(history),
            elapsed=elapsed,
            objective=objective,
            stopped=_stopped(stopped_by, error, run, history),
            kept=kept,
            metric=plain(history.objectives[0], 40),
            paused=paused,
        )

    def rows(self) -> Iterator[tuple[str, str]]:
        """Key and text of each line; lines that go on the one before have an empty key."""
        if self.best is not None:
            yield "best", f"{self.best.found} in trial {self.best.number}"
            pairs = self.best.settings
            if len(pairs) > _TABLE:
                yield "", joined(pairs)
            else:
                width = max((len(label) for label, _ in pairs), default=0)
                for label, value in pairs:
                    yield "", f"{label:<{width}}  {setting(value)}"
        elif sum(self.counts.values()):
            yield "best", f"none: no trial has a finite {self.metric}"
        yield "trials", self.trials
        if self.failures is not None:
            yield "failures", commonest_said(self.failures)
            others = self.failures[-1]
            if others:
                yield "", f"and {others} other kind{'s' if others > 1 else ''} of failure"
        yield "time", self.time
        yield "kept" if self.kept.startswith(("in memory", _GONE)) else "saved", self.kept
        yield "stopped", self.stopped

    @property
    def trials(self) -> str:
        """How many, and what became of them."""
        names = (
            ("ok", (State.OK,)),
            ("failed", _BAD),
            ("pruned", (State.PRUNED,)),
            ("cancelled", (State.CANCELLED,)),
            ("unfinished", (State.RUNNING, State.WAITING)),
        )
        parts = [(sum(self.counts[s] for s in states), name) for name, states in names]
        return ", ".join(f"{count} {name}" for count, name in parts if count or name == "ok")

    @property
    def time(self) -> str:
        """Where it went."""
        inside, elapsed = self.objective, self.elapsed
        if inside > elapsed * 1.001:
            at_once = number(inside / elapsed, 2) if elapsed > 0 else "many"
            return f"{span(elapsed)}, with {span(inside)} in the objective ({at_once} at once)"
        waited = f"{span(self.paused)} paused, " if self.paused else ""
        ours = max(elapsed - inside - self.paused, 0.0)
        return f"{span(elapsed)}: {span(inside)} in the objective, {waited}{span(ours)} in parzen"

    def __str__(self) -> str:
        best = f"{self.best.found} in trial {self.best.number}" if self.best else f"no {self.metric}"
        return f"best {best}; {self.trials}; {self.time}; {self.stopped}"


def objective_seconds(history: History) -> float:
    """Time inside the objective, over all trials of the study; those of earlier ones cost it nothing."""
    return float(np.nansum(history.seconds[history.own]))


def _stopped(stopped_by: str, error: BaseException | None, run: RunInfo, history: History) -> str:
    if error is not None and not isinstance(error, KeyboardInterrupt):
        try:
            message = str(error)
        except Exception:  # the user's own class, which may do anything
            message = ""
        kind = type(error).__name__
        return plain(f"{kind}: {message.strip().splitlines()[0]}" if message.strip() else kind, 160)
    if error is not None:
        return _REASONS["interrupt"]
    total = run.total_now(history)
    if stopped_by == "trials" and total is not None:
        running = history.count(State.RUNNING)
        if running:  # of another thread, which is not waited for, or asked for by hand
            return f"all {total} trials have begun; another thread or program still runs {running}"
        return "the one trial is done" if total == 1 else f"all {total} trials are done"
    if stopped_by == "timeout" and run.timeout is not None:
        return f"the timeout of {span(run.timeout)} is over"
    return _REASONS.get(stopped_by, plain(stopped_by, 160))


def commonest(history: History, numbers: IntArray | None = None) -> tuple[int, str, int, str, int] | None:
    """How often the commonest error came, its kind, an example's number and message, and how many other kinds there were.

    Args:
        numbers: of the trials to look at; None for all of the study's own that failed.

    Returns:
        None where nothing failed.
    """
    if numbers is None:
        numbers = np.flatnonzero(np.isin(history.state, _BAD) & history.own)
    kinds: Counter[str] = Counter()
    example: dict[str, tuple[int, str]] = {}
    for i in numbers.tolist():
        error = history.error(i)
        kind = "without a reason" if error is None else plain(error.kind.removeprefix("builtins."), 80)
        message = "" if error is None else error.message.strip().partition("\n")[0]
        if kind in ("status", "loss"):  # the objective's own words are the kind
            kind, message = plain(message.partition(":")[0], 80) or kind, message.partition(":")[2].strip()
        kinds[kind] += 1
        example.setdefault(kind, (i, plain(message, 120)))
    if not kinds:
        return None
    kind, count = kinds.most_common(1)[0]
    return count, kind, *example[kind], len(kinds) - 1


def commonest_said(failures: tuple[int, str, int, str, int]) -> str:
    """The same in words, without the other kinds."""
    count, kind, example, message, _ = failures
    return f"{count} × {kind}, as in trial {example}" + (f": {message}" if message else "")
