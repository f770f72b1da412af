"""When a run ends.

A rule looks at the history and the time and says why to stop, or None.  Rules combine: `a | b` stops when either does,
`a & b` when both do; a sequence of rules means any of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from parzen.trials import History, State

__all__ = [
    "LossReached",
    "NoProgress",
    "StopRule",
    "Timeout",
    "TrialsDone",
    "any_of",
    "checked_count",
    "checked_seconds",
    "is_own",
]


class StopRule:
    """Why to stop: a name such as "timeout", or None.  Subclass it and define `__call__`."""

    __slots__ = ()

    def __call__(self, history: History, elapsed: float) -> str | None:
        """Asked before each new trial.

        Args:
            history: what has happened, earlier runs included.
            elapsed: seconds since this run began, on the monotonic clock.
        """
        raise TypeError(f"{type(self).__name__} must define __call__(history, elapsed)")

    def __or__(self, other: StopRule) -> StopRule:
        return _Either((self, other))

    def __and__(self, other: StopRule) -> StopRule:
        return _Both((self, other))


@dataclass(frozen=True, slots=True)
class _Either(StopRule):
    rules: tuple[StopRule, ...]

    def __call__(self, history: History, elapsed: float) -> str | None:
        return next((reason for rule in self.rules if (reason := _reason(rule, history, elapsed))), None)


@dataclass(frozen=True, slots=True)
class _Both(StopRule):
    rules: tuple[StopRule, ...]

    def __call__(self, history: History, elapsed: float) -> str | None:
        reasons = [_reason(rule, history, elapsed) for rule in self.rules]
        said = [reason for reason in reasons if reason is not None]
        return " and ".join(said) if len(said) == len(reasons) else None


@dataclass(frozen=True, slots=True)
class TrialsDone(StopRule):
    """Stop when this many trials have finished, in this run and earlier ones."""

    count: int

    def __post_init__(self) -> None:
        checked_count("count", self.count)

    def __call__(self, history: History, elapsed: float) -> str | None:
        return "trials" if history.finished >= self.count else None


@dataclass(frozen=True, slots=True)
class Timeout(StopRule):
    """Start no further trial after so many seconds of this run."""

    seconds: float

    def __post_init__(self) -> None:
        checked_seconds("seconds", self.seconds)

    def __call__(self, history: History, elapsed: float) -> str | None:
        return "timeout" if elapsed >= self.seconds else None


@dataclass(frozen=True, slots=True)
class LossReached(StopRule):
    """Stop when the best loss is as good as `loss`, in the user's own sign."""

    loss: float

    def __post_init__(self) -> None:
        if isinstance(self.loss, (bool, str)) or not hasattr(self.loss, "__float__") or math.isnan(self.loss):
            raise ValueError(f"a loss threshold is a number, got {self.loss!r:.80}")

    def __call__(self, history: History, elapsed: float) -> str | None:
        best = history.best_number
        # `reported` turns the sign both ways.
        reached = best is not None and float(history.losses[best]) <= history.reported(self.loss)
        return "loss threshold" if reached else None


@dataclass(frozen=True, slots=True)
class NoProgress(StopRule):
    """Stop when so many trials in a row have not improved on the best loss; failed ones count.

    Attributes:
        trials: how many.
        percent: an improvement by less than this share of the best loss counts as none.
    """

    trials: int
    percent: float = 0.0

    def __post_init__(self) -> None:
        checked_count("trials", self.trials, least=1)
        if not (isinstance(self.percent, (int, float)) and 0 <= self.percent < math.inf):
            raise ValueError(f"percent is a number from 0 up, got {self.percent!r:.80}")

    def __call__(self, history: History, elapsed: float) -> str | None:
        if history.finished < self.trials:
            return None
        losses = history.losses[history.ok | np.isin(history.state, _ENDED)]
        losses = np.where(np.isnan(losses), np.inf, losses)
        best = np.minimum.accumulate(losses)
        before = np.concatenate(([np.inf], best[:-1]))
        with np.errstate(invalid="ignore"):
            needed = np.where(np.isinf(before), 0.0, np.abs(before) * (self.percent / 100.0))
            improved = (losses < before) & ((before - losses > needed) | np.isinf(before))
        last = np.flatnonzero(improved)
        since = len(losses) - 1 - int(last[-1]) if len(last) else len(losses)
        return "no progress" if since >= self.trials else None


_ENDED = (State.FAILED, State.PRUNED, State.ERROR)


def _reason(rule: Callable[[History, float], Any], history: History, elapsed: float) -> str | None:
    """What a rule says; True and False from a user's own function are taken for what they mean.

    Raises:
        TypeError: it says something else.
    """
    said = rule(history, elapsed)
    if said is None or isinstance(said, (bool, np.bool_)):
        return getattr(rule, "__name__", type(rule).__name__) if said else None
    if isinstance(said, str):
        return said or None
    raise TypeError(f"a stop rule says why to stop, or None; {rule!r:.80} said {said!r:.80}")


def is_own(rule: object) -> bool:
    """Whether nobody else's code runs when a rule is asked, and what it says takes a moment: then others may wait for it."""
    if isinstance(rule, (_Either, _Both)):
        return all(map(is_own, rule.rules))
    return type(rule).__module__.startswith("parzen.") and isinstance(rule, StopRule)


def any_of(rules: StopRule | Iterable[StopRule]) -> StopRule:
    """One rule out of what a user gave.

    Raises:
        TypeError: something in it is not a stop rule.
    """
    given: tuple[Any, ...] = tuple(rules) if isinstance(rules, Iterable) and not callable(rules) else (rules,)
    for rule in given:
        if not callable(rule):
            raise TypeError(f"a stop rule is called with (history, elapsed), got {rule!r:.80}")
    return _Either(given)


def checked_count(name: str, value: Any, least: int = 0) -> int:
    """A number of trials.

    Raises:
        TypeError: it is not a whole number.
        ValueError: it is less than `least`.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        whole = isinstance(value, (float, np.floating)) and math.isfinite(value) and value == math.floor(value)
        hint = f"; write {int(value)}" if whole else ""
        raise CountError(f"{name} must be a whole number, got {value!r:.80}{hint}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return int(value)


class CountError(TypeError, ValueError):
    """A count that is no whole number: of the wrong type and of the wrong value."""


def checked_seconds(name: str, value: Any) -> float:
    """A duration in seconds.

    Raises:
        ValueError: it is not a positive number.
    """
    try:
        seconds = math.nan if isinstance(value, (bool, np.bool_, str, bytes)) else float(value)
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if not seconds > 0:
        raise ValueError(f"{name} must be a positive number of seconds, got {value!r:.80}")
    return seconds
