"""Every algorithm of our own keeps every promise of the protocol, and the kit notices one that does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

import parzen
from parzen import hp
from parzen.algorithms import (
    CMAES,
    GP,
    QMC,
    TPE,
    AdaptiveTPE,
    Algorithm,
    Anneal,
    Ask,
    Auto,
    Evolution,
    Grid,
    Mix,
    Proposal,
    Random,
)
from parzen.errors import AlgorithmError, SpaceExhausted
from parzen.space import Points, Space
from parzen.testing._algorithms import CASES, check_algorithm
from parzen.trials import History

ALGORITHMS: dict[str, Algorithm] = {
    "auto": Auto(),
    "gp": GP(),
    "random": Random(),
    "tpe": TPE(),
    "tpe from the first trial": TPE(n_startup=0),
    "tpe with Hyperopt's knobs": TPE(n_startup=5, n_candidates=24, gamma=0.25, prior_weight=1.0, linear_forgetting=25),
    "tpe, narrow": TPE(wide=False),
    "tpe, one candidate": TPE(n_startup=3, n_candidates=1),
    "adaptive tpe": AdaptiveTPE(n_startup=5),
    "anneal": Anneal(),
    "anneal around the best alone": Anneal(avg_best_idx=1.0, shrink_coef=1.0),
    "cmaes": CMAES(),
    "cmaes, small generations": CMAES(population=4, sigma=0.5),
    "evolution": Evolution(),
    "evolution, small population": Evolution(population=5, sample=2),
    "grid": Grid(),
    "grid of many levels": Grid(levels=40),
    "qmc": QMC(),
    "qmc by Halton": QMC("halton", scramble=False),
    "mix": Mix(((0.1, Random()), (0.3, Anneal()), (0.6, TPE(n_startup=5)))),
}


VARIANTS = ("gp", "tpe,", "tpe from", "cmaes,", "evolution,", "anneal around", "grid of", "qmc by", "mix")
"""Of what is there in another form: with these the kit takes minutes."""


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name.startswith(VARIANTS) else ()) for name in ALGORITHMS]
)
def test_an_algorithm_keeps_its_promise(name: str, case: str) -> None:
    """Each promise of the protocol holds for each algorithm."""
    if name.startswith("cmaes"):
        pytest.importorskip("cmaes", reason="needs the package cmaes")
    CASES[case](ALGORITHMS[name])


@dataclass(frozen=True)
class _Broken:
    """Random search with a fault."""

    inner: Algorithm = field(default_factory=Random)

    def suggest(self, space: Space, history: History, ask: Ask) -> Proposal:
        raise NotImplementedError


class _Ambient(_Broken):
    """Draws from a generator of its own."""

    rng = np.random.default_rng(0)

    def suggest(self, space: Space, history: History, ask: Ask) -> Proposal:
        return replace(self.inner.suggest(space, history, ask), points=space.sample(self.rng, len(ask.numbers)))


class _Outside(_Broken):
    """Fills what is inactive."""

    def suggest(self, space: Space, history: History, ask: Ask) -> Proposal:
        proposal = self.inner.suggest(space, history, ask)
        values = np.nan_to_num(proposal.points.values, nan=1.0)
        return replace(proposal, points=Points(values, np.ones(values.shape, dtype=bool)))


class _Forgetful(_Broken):
    """Repeats itself."""

    def suggest(self, space: Space, history: History, ask: Ask) -> Proposal:
        points = Points.stack([space.sample(ask.rng(number)) for number in ask.numbers])
        return Proposal(points, ("forgetful",) * len(points))


class _Counting(_Broken):
    """Depends on how often it was asked."""

    def suggest(self, space: Space, history: History, ask: Ask) -> Proposal:
        asks = history.fold("asks", lambda: [0], lambda state, *_: state, ())
        asks[0] += 1
        return replace(self.inner.suggest(space, history, ask), sources=(str(asks[0]),) * len(ask.numbers))


class _Ending(_Broken):
    """Has nothing after ten trials, and does not say so."""

    def suggest(self, space: Space, history: History, ask: Ask) -> Proposal:
        if len(history) >= 10:
            raise SpaceExhausted("no more")
        return self.inner.suggest(space, history, ask)


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (_Ambient, "the same space, history and ask"),
        (_Outside, "active is what the space says"),
        (_Forgetful, "the proposals of one ask differ"),
        (_Counting, "the same space, history and ask"),
        (_Ending, "says in the error's `n` how much there was, not None"),
    ],
)
def test_the_kit_says_in_a_sentence_which_promise_is_broken(broken: Callable[[], Algorithm], sentence: str) -> None:
    """An algorithm that breaks a promise is an AssertionError that says which."""
    with pytest.raises(AssertionError, match=sentence):
        check_algorithm(broken())


@pytest.mark.parametrize("given", ["tpe", None, TPE])
def test_what_is_no_algorithm_is_refused_by_the_kit(given: Any) -> None:
    """A name, nothing, or a class without its settings."""
    with pytest.raises(TypeError, match="takes an algorithm with its settings"):
        check_algorithm(given)


@dataclass(frozen=True)
class _Forgetful:
    """Has no return."""

    def suggest(self, space: Any, history: Any, ask: Any) -> Any:
        """Nothing."""


def test_an_algorithm_that_returns_nothing_is_named() -> None:
    """By the run that asked it."""
    with pytest.raises(AlgorithmError, match="_Forgetful proposed what cannot be used: suggest returned None"):
        parzen.minimize(lambda config: 0.0, {"x": hp.float("x", 0, 1)}, 2, algorithm=_Forgetful(), progress=False)
