"""What an algorithm is, and what all of them share.

An algorithm is a frozen record of settings with one method.  It keeps nothing: what it remembers is folded from the
history, so that the same log always gives the same proposal, in this process or after a restart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from parzen._typing import JSON, FloatArray
from parzen.algorithms._threads import one_blas_thread
from parzen.errors import SpaceExhausted
from parzen.space import Points, Space
from parzen.trials import Asked, Event, Finished, History, State

__all__ = ["Algorithm", "Ask", "Pick", "Proposal", "Seen", "proposal_of", "repeats", "row_key", "seen", "unseen_point"]


@dataclass(frozen=True, slots=True)
class Ask:
    """What is wanted.

    Attributes:
        numbers: of the trials that proposals are wanted for.
        rng: makes a trial's own generator from its number; it depends on the study's seed and the number alone.
        seed: of the study, for what all its trials share, such as the scrambling of a sequence.
    """

    numbers: tuple[int, ...]
    rng: Callable[[int], np.random.Generator]
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Proposal:
    """What to try.

    Attributes:
        points: one row for each number that was asked for; fewer where a finite space has no more to give.
        sources: for each row, the rule that chose it, in a word or a line.
        gains: for each row, what the rule expected of it, in its own units; None where it has no expectation.
        memo: at most 4 kB of JSON that the algorithm wants back after a restart.
    """

    points: Points
    sources: tuple[str, ...]
    gains: tuple[float | None, ...] = ()
    memo: JSON = None


@runtime_checkable
class Algorithm(Protocol):
    """Proposes points.  Implementations are frozen dataclasses, hashable by their settings."""

    def suggest(self, space: Space, history: History, ask: Ask) -> Proposal:
        """Points for `ask.numbers`: the same for the same space, history and ask.

        Raises:
            SpaceExhausted: every configuration of a finite space has been proposed; or, with how many there were as its
                `n`, everything that the algorithm looks at.
        """
        ...


@dataclass(frozen=True, slots=True)
class Pick:
    """One row of a proposal, as it is being made.

    Attributes:
        point: one row.
        key: of it, see `row_key`.
        source, gain, memo: as in `Proposal`.
    """

    point: Points
    key: bytes
    source: str
    gain: float | None = None
    memo: JSON = None

    @classmethod
    def of(cls, point: Points, source: str, memo: JSON = None) -> Pick:
        """A row of which nothing is expected."""
        return cls(point, row_key(point.values[0]), source, None, memo)


def proposal_of(ask: Ask, pick: Callable[[int, Sequence[Pick]], Pick]) -> Proposal:
    """One pick after the other: `pick(number, picks)` is told which rows the same ask has already.

    Raises:
        SpaceExhausted: there is not even one.
    """
    picks: list[Pick] = []
    for number in ask.numbers:
        try:
            with one_blas_thread():
                picks.append(pick(number, picks))
        except SpaceExhausted:
            if not picks:
                raise
            break
    points = picks[0].point if len(picks) == 1 else Points.stack([one.point for one in picks])
    memo = next((one.memo for one in reversed(picks) if one.memo is not None), None)
    return Proposal(points, tuple(one.source for one in picks), tuple(one.gain for one in picks), memo)


# --- not the same twice -----------------------------------------------------------------------------------------


class Seen:
    """Rows that were asked for before, and which trials they were."""

    __slots__ = ("numbers",)

    def __init__(self) -> None:
        self.numbers: dict[bytes, list[int]] = {}

    def add(self, history: History, number: int) -> None:
        """Take in one more row."""
        self.numbers.setdefault(row_key(history.row(number)), []).append(number)

    def drop(self, history: History, number: int) -> None:
        """Forget a row that was cancelled: it may be asked for again."""
        key = row_key(history.row(number))
        left = [other for other in self.numbers.get(key, ()) if other != number]
        if left:
            self.numbers[key] = left
        else:
            self.numbers.pop(key, None)

    def __contains__(self, row: FloatArray) -> bool:
        return row_key(row) in self.numbers


def row_key(row: FloatArray) -> bytes:
    """A row `(d,)` of a history, or from `Space.from_unit`, as a key: equal for equal values, -0 like 0.

    What is NaN in such rows is `np.nan` itself, which equals itself byte by byte.
    """
    return (row + 0.0).tobytes()


_CANCELLED = int(State.CANCELLED)


def _note(state: Seen, history: History, kind: type[Event], number: int) -> Seen:
    cancelled = history.state_of(number) == _CANCELLED
    if kind is Asked and not cancelled:
        state.add(history, number)
    elif kind is not Asked and cancelled:
        state.drop(history, number)
    return state


def seen(history: History) -> Seen:
    """All rows of a history but the cancelled ones, kept up to date from call to call."""
    return history.fold("seen", Seen, _note, (Asked, Finished))


_TRIES = 64
_MARGIN = 256


def unseen_point(space: Space, known: Seen, rng: np.random.Generator, taken: Sequence[bytes] = ()) -> Points:
    """A draw from the prior that was not asked for before, wherever there is one.

    On an infinite space a draw may still repeat (a choice with a finite branch), where 64 draws all did.

    Args:
        space: to draw from.
        known: rows of the history.
        rng: of the trial.
        taken: keys of rows that the same ask has proposed already.

    Raises:
        SpaceExhausted: the space is finite, and every configuration has been asked for.
    """
    point = space.sample(rng)
    for _ in range(_TRIES):
        key = row_key(point.values[0])
        if key not in known.numbers and key not in taken:
            return point
        point = space.sample(rng)
    rows = space.enumerate()
    if rows is None:
        return point
    # Nearly everything has been seen: list what has not, up to a margin, and draw from that.
    fresh: list[FloatArray] = []
    used = set(taken)
    for row in rows:
        if row not in known and row_key(row) not in used:
            fresh.append(row)
            if len(fresh) == _MARGIN:
                break
    if not fresh:
        raise SpaceExhausted(
            f"all {len(known.numbers)} configurations of the space have been proposed", n=len(known.numbers)
        )
    row = fresh[int(rng.integers(len(fresh)))][None, :]
    return Points(row, ~np.isnan(row))


def repeats(algorithm: Algorithm, space: Space, history: History, ask: Ask) -> Proposal:
    """What to evaluate once more when a finite space is exhausted.

    An algorithm may say so itself, by a method `repeat` with the arguments of `suggest`.  For all others the configurations
    are the arms of a bandit, and the one with the lowest confidence bound is next (UCB1: Auer, Cesa-Bianchi and Fischer
    2002, "Finite-time analysis of the multiarmed bandit problem"): all are evaluated now and then, the good ones more
    often, equal ones equally often.  Where every evaluation failed, that counts as the worst loss.
    """
    own = getattr(algorithm, "repeat", None)
    if own is not None:
        proposal: Proposal = own(space, history, ask)
        return proposal
    arms = list(seen(history).numbers.values())
    counts = np.array([len(numbers) for numbers in arms], dtype=float)
    means = np.array([_mean_loss(history.losses[numbers]) for numbers in arms])
    finite = means[np.isfinite(means)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
    scaled = np.where(np.isfinite(means), (means - low) / ((high - low) or 1.0), 1.0)
    rows = []
    for _ in ask.numbers:
        arm = int(np.argmin(scaled - np.sqrt(2.0 * math.log(counts.sum() + 1.0) / counts)))
        counts[arm] += 1
        rows.append(arms[arm][0])
    points = Points(history.values[rows], history.active[rows])
    return Proposal(points, ("repeat",) * len(rows))


def _mean_loss(losses: FloatArray) -> float:
    # Capped far below the largest float, so that sums and differences of means are finite too.
    known = np.clip(losses[np.isfinite(losses)], -(2.0**1000), 2.0**1000)
    return float(known.mean()) if len(known) else math.inf
