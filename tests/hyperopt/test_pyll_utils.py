"""The older names of the words, and the conditions of a graph."""

from __future__ import annotations

import numpy as np
import pytest

from parzen import hp
from parzen.errors import BadDistribution, DuplicateLabel
from parzen.hyperopt import pyll_utils
from parzen.hyperopt.pyll import scope
from parzen.hyperopt.pyll_utils import EQ, Cond, expr_to_config, validate_distribution_range, validate_label
from parzen.space import Literal


def _conditions(space, outer=None):
    hps = {}
    expr_to_config(space, outer, hps)
    return {label: entry["conditions"] for label, entry in hps.items()}


def test_the_older_names_are_the_words():
    """The same functions."""
    for name in (
        "choice pchoice randint uniform quniform uniformint loguniform qloguniform normal qnormal lognormal qlognormal"
    ).split():
        assert getattr(pyll_utils, f"hp_{name}") is getattr(hp, name)


def test_what_is_in_an_option_needs_that_option():
    """All that leads to it, after what the caller says."""
    z = hp.randint("z", 10)
    inner = hp.choice("d", [hp.normal("c", 0, 1), {"e": hp.loguniform("e", 0, 1)}])

    assert _conditions([hp.choice("a", [hp.uniform("b", -1, 1) + z, inner]), z], (True,)) == {
        "a": {(True,)},
        "b": {(True, EQ("a", 0))},
        "c": {(True, EQ("a", 1), EQ("d", 0))},
        "d": {(True, EQ("a", 1))},
        "e": {(True, EQ("a", 1), EQ("d", 1))},
        "z": {(True,), (True, EQ("a", 0))},
    }


@pytest.mark.parametrize("word", ["choice", "pchoice", "randint", "randint from", "ordinal"])
def test_what_is_in_all_options_needs_none(word):
    """Whatever draws the index."""
    z = hp.uniform("z", 0, 1)
    index = {
        "randint": hp.randint("a", 2),
        "randint from": hp.randint("a", 0, 2),
        "ordinal": hp.ordinal("a", [1, 2]).pos_args[0],
    }
    options = [z, z + 1]
    space = {"choice": hp.choice("a", options), "pchoice": hp.pchoice("a", [(0.5, z), (0.5, z + 1)])}.get(word)
    if space is None:
        space = scope.switch(index[word], *options)

    assert _conditions(space) == {"a": {()}, "z": {()}}
    assert _conditions(hp.choice("a", [z, z, 1]))["z"] == {(EQ("a", 0),), (EQ("a", 1),)}


def test_one_label_is_one_draw():
    """Two draws of one label are refused."""
    with pytest.raises(DuplicateLabel, match="'x' stands for two"):
        _conditions([hp.uniform("x", 0, 1), hp.uniform("x", 0, 2)])


def test_conditions_are_values():
    """They are compared, counted and read."""
    assert EQ("a", 1) == Cond("a", 1, "=") != EQ("a", 2)
    assert len({EQ("a", 1), EQ("a", 1)}) == 1
    assert str(EQ("a", 1)) == "Cond{a = 1}"


def test_words_of_the_users_own_are_checked_by_decorators():
    """Of their label, and of their bounds."""

    @validate_label
    @validate_distribution_range
    def hp_square(label, low, high):
        return scope.hyperopt_param(label, scope.uniform(low, high)) ** 2

    hp_square(Literal("x"), 0, 1)
    hp_square("x", 0, high=hp.uniform("y", 1, 2))
    for wrong in ((3, 0, 1), (None, 0, 1)):
        with pytest.raises(TypeError, match="label must be text"):
            hp_square(*wrong)
    with pytest.raises(ValueError, match="low must be less than high, got low=1, high=0"):
        hp_square("x", 1, high=0)
    with pytest.raises(ValueError, match="low must be less"):
        hp_square("x", low=0, high=-1)


def test_a_generator_may_follow_the_arguments_and_nothing_else():
    """Hyperopt's words take one, and no search looks at it."""
    assert hp.uniform("x", 0, 1, np.random.default_rng()).name == "float"
    with pytest.raises(BadDistribution, match="loguniform takes 2 numbers, and then only a generator, got 1"):
        hp.loguniform("x", 0, 1, 1)
