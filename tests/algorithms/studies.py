"""Studies in a few lines, without the layers above the history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from parzen import hp
from parzen._typing import JSON
from parzen.algorithms import Algorithm, Ask, Proposal
from parzen.algorithms._named import _TABLE
from parzen.space import Points, Space
from parzen.trials import Asked, Finished, History, Outcome, Retracted, Started, State, TrialError

NAMES = sorted(_TABLE)
"""Of all algorithms of our own."""
FAILED = Outcome(State.ERROR, error=TrialError("ValueError", "no"))

BRANIN = Space({"x": hp.float("x", -5, 10), "y": hp.float("y", 0, 15)})


def branin(config: Any) -> float:  # a configuration
    """Dixon and Szego 1978, "The global optimization problem: an introduction"; least value 0.397887, at three places."""
    x, y = config["x"], config["y"]
    bowl = (y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6) ** 2
    return float(bowl + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10)


def ask(history: History, q: int = 1, seed: int = 0) -> Ask:
    """For the next `q` numbers."""
    n = len(history)
    return Ask(tuple(range(n, n + q)), lambda number: np.random.default_rng((seed, number)))


def add(
    history: History,
    points: Points,
    outcomes: Sequence[Outcome | float | None],
    source: str = "test",
    memo: JSON = None,
) -> None:
    """More trials; None for one that is running."""
    for row, outcome in zip(points.values, outcomes, strict=True):
        n = len(history)
        history.apply(history.seq + 1, Asked(n, tuple(row.tolist()), source, 0, history.seq, 0.0, memo=memo))
        history.apply(history.seq + 1, Started(n, 1, "test", 0.0))
        if outcome is not None:
            end = outcome if isinstance(outcome, Outcome) else Outcome(State.OK, {"loss": float(outcome)})
            history.apply(history.seq + 1, Finished(n, 1, end, 0.0))


def retract(history: History, number: int) -> None:
    """Take a trial back."""
    history.apply(history.seq + 1, Retracted(number, "test", 0.0))


def study(
    algorithm: Algorithm,
    space: Space,
    objective: Callable[[Any], float | None],  # of a configuration, whatever the space makes it
    n: int,
    seed: int = 0,
) -> History:
    """`n` trials one after the other; an objective that returns None fails."""
    history = History(space, {"loss": "minimize"})
    for _ in range(n):
        proposal: Proposal = algorithm.suggest(space, history, ask(history, seed=seed))
        loss = objective(space.decode(proposal.points))
        add(history, proposal.points, [FAILED if loss is None else loss], proposal.sources[0], proposal.memo)
    return history
