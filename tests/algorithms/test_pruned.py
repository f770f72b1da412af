"""Trials that were given up half-way: what models learn from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from parzen import hp
from parzen.algorithms import GP, TPE
from parzen.space import Points, Space
from parzen.trials import Asked, Finished, History, Outcome, Reported, Started, State

from .studies import add, ask

LINE = Space({"x": hp.float("x", 0, 1)})


def _at(x: float) -> Points:
    return LINE.encode_params({"x": x})


def _prune(history: History, x: float, told: float | None) -> None:
    """A trial that reported once, or not at all, and was pruned."""
    n = len(history)
    history.apply(history.seq + 1, Asked(n, (x,), "test", 0, history.seq, 0.0))
    history.apply(history.seq + 1, Started(n, 1, "test", 0.0))
    if told is not None:
        history.apply(history.seq + 1, Reported(n, 1, 1.0, {"loss": told}, 0.0))
    history.apply(history.seq + 1, Finished(n, 1, Outcome(State.PRUNED), 0.0))


def _few_results(told: Callable[[float], float | None]) -> History:
    """Three results that say nothing about where to go, and twelve trials that were pruned."""
    history = History(LINE, {"loss": "minimize"})
    for x, loss in ((0.45, 1.0), (0.5, 0.99), (0.55, 1.0)):
        add(history, _at(x), [loss])
    add(history, _at(0.02), [9.0])
    add(history, _at(0.98), [9.0])
    for x in np.linspace(0.1, 0.9, 12).tolist():
        _prune(history, x, told(x))
    return history


@pytest.mark.parametrize(("told", "side"), [(lambda x: 1.0 + 8.0 * x, "left"), (lambda x: 9.0 - 8.0 * x, "right")])
def test_the_process_follows_what_they_told_last(told: Callable[[float], float], side: str) -> None:
    """Of two histories that differ in nothing else."""
    history = _few_results(told)
    proposals = [float(GP().suggest(LINE, history, ask(history, seed=s)).points.values[0, 0]) for s in range(5)]

    assert all((x < 0.5) == (side == "left") for x in proposals), proposals


def test_the_process_believes_in_nothing_better_than_the_median() -> None:
    """Where losses grow while a training goes on, what was told early is lower than any result."""
    low, silent = _few_results(lambda x: -100.0), _few_results(lambda _: None)
    for history in (low, silent):
        proposal = GP().suggest(LINE, history, ask(history))
        assert proposal.sources == ("gp",)
        assert 0.2 < proposal.points.values[0, 0] < 0.8


@pytest.mark.parametrize("told", [1e308, float("inf"), float("nan"), -float("inf")])
def test_nothing_that_was_told_breaks_the_process(told: float) -> None:
    """Reports of a training that diverged."""
    history = _few_results(lambda _: told)

    assert GP().suggest(LINE, history, ask(history)).sources == ("gp",)


def _sides(history: History) -> set[str]:
    drawn: list[Any] = [TPE().suggest(LINE, history, ask(history, seed=s)).points.values[0, 0] for s in range(60)]
    return {"left" if x < 0.35 else "right" if x > 0.65 else "middle" for x in drawn}


def test_the_good_group_of_tpe_is_a_share_of_them_too() -> None:
    """They are worse than what was finished, so that a tenth of all is more of the finished ones."""
    few = History(LINE, {"loss": "minimize"})
    for x, loss in ((0.2, 0.0), (0.8, 0.001), (0.21, 0.002), (0.79, 0.003), (0.5, 9.0)):
        add(few, _at(x), [loss])
    for x in np.linspace(0.4, 0.6, 35).tolist():
        _prune(few, x, 1.0)
    ended = History(LINE, {"loss": "minimize"})
    for x, loss in ((0.2, 0.0), (0.8, 0.001), (0.21, 0.002), (0.79, 0.003), (0.5, 9.0)):
        add(ended, _at(x), [loss])
    for x in np.linspace(0.4, 0.6, 4).tolist():
        _prune(ended, x, 1.0)

    assert {"left", "right"} <= _sides(few)
    assert "right" not in _sides(ended)
