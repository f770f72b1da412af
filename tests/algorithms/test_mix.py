"""A mixture of algorithms: who proposes a trial is drawn by chance, and by nothing else."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from parzen import hp
from parzen.algorithms import TPE, Anneal, Mix, Random
from parzen.errors import AlgorithmError
from parzen.space import Space

from .studies import ask, study

SPACE = Space({"x": hp.uniform("x", -1, 1), "y": hp.uniform("y", -1, 1)})


def test_each_algorithm_proposes_its_share() -> None:
    """Of 400 trials about as many as its probability says."""
    history = study(Random(), SPACE, lambda config: config["x"] ** 2, 5)
    mix = Mix(((0.25, Random()), (0.75, Anneal())))

    shares = Counter(mix.suggest(SPACE, history, ask(history, q=400)).sources)

    assert 75 <= shares["random"] <= 125


def test_the_choice_says_nothing_about_the_draw() -> None:
    """An algorithm that is chosen by a small number does not draw small numbers for it."""
    history = study(Random(), SPACE, lambda config: 0.0, 1)
    proposal = Mix(((0.1, Random()), (0.9, TPE(n_startup=10**6)))).suggest(SPACE, history, ask(history, q=1000))

    drawn = SPACE.to_unit(proposal.points)[[source == "random" for source in proposal.sources], 0]

    assert abs(drawn.mean() - 0.5) < 0.1


def test_who_proposes_depends_on_the_trials_number_alone() -> None:
    """A batch has the same sources as the trials one by one."""
    mix = Mix([(0.5, "random"), (0.5, "anneal")])  # type: ignore[arg-type]  # names and lists are taken, too
    history = study(mix, SPACE, lambda config: config["x"], 5)
    together = mix.suggest(SPACE, history, ask(history, q=6)).sources
    one_by_one = [
        mix.suggest(SPACE, history, type(ask(history))((number,), ask(history).rng)).sources[0]
        for number in range(5, 11)
    ]

    assert list(together) == one_by_one


def test_a_batch_does_not_hold_a_configuration_twice() -> None:
    """What two algorithms both proposed is drawn anew, and a finite space ends with what is left."""
    space = Space({"c": hp.choice("c", list("abcde"))})
    mix = Mix(((0.5, Random()), (0.5, Anneal())))
    history = study(mix, space, lambda config: 0.0, 1)

    proposal = mix.suggest(space, history, ask(history, q=8))

    assert len(proposal.points) == len(proposal.sources) == 4
    assert len(np.unique(proposal.points.values)) == 4


def test_equal_mixes_are_equal_and_can_be_keys() -> None:
    """However they were written."""
    assert Mix([(0.1, "random"), (0.9, "tpe")]) == Mix(((0.1, Random()), (0.9, TPE())))  # type: ignore[arg-type]  # as above
    assert len({Mix(((1.0, Random()),)), Mix(((1.0, Random()),))}) == 1


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ((), "has no parts"),
        (((0.5, Random()),), "sum to 1, these to 0.5"),
        (((-0.5, Random()), (1.5, Random())), "numbers from 0 to 1, got -0.5"),
        ((("1", Random()),), "numbers from 0 to 1"),
        ("tpe", "pairs of a probability and an algorithm"),
        (((1.0, "nothing"),), "no algorithm is called 'nothing'"),
    ],
)
def test_parts_that_make_no_sense_are_refused_with_a_sentence(parts: Any, sentence: str) -> None:
    """At once."""
    with pytest.raises(AlgorithmError, match=sentence):
        Mix(parts)
