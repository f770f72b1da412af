"""When a parameter is active, and what is drawn without a label."""

from __future__ import annotations

import numpy as np
import pytest

from parzen import hp
from parzen.errors import SpaceError
from parzen.space import Space, scope


def draws(space: Space, n: int = 200) -> list[dict[str, object]]:
    """The params of some rows."""
    points = space.sample(np.random.default_rng(0), n)
    return [space.params(points, i) for i in range(n)]


def test_a_parameter_is_active_when_its_option_is_taken():
    """And only then is it in the params; NaN stands in the row else."""
    space = Space(hp.choice("a", ["x", {"k": hp.float("k", 0, 1)}]))
    points = space.sample(np.random.default_rng(0), 100)
    taken = points.values[:, 0] == 1

    assert space.conditions == (((),), (((0, 1),),))
    assert np.array_equal(points.active, np.column_stack([np.ones(100, bool), taken]))
    assert np.array_equal(np.isnan(points.values[:, 1]), ~taken)
    assert taken.any()
    assert not taken.all()


def test_a_shared_parameter_is_active_on_each_of_its_branches():
    """An or of ands: below a = 0, or below b = 1 inside of a = 2."""
    x = hp.float("x", 0, 1)
    space = Space(hp.choice("a", [{"x": x}, "none", hp.choice("b", [0, [x, 3]])]))
    a, b, j = space.column["a"], space.column["b"], space.column["x"]

    assert space.conditions[j] == (((a, 0),), ((b, 1),))
    assert space.conditions[b] == (((a, 2),),)
    for params in draws(space):
        assert ("x" in params) == (params["a"] != "none" and params.get("b") != 0)
        assert set(params) >= {"a"}


def test_a_parameter_on_every_branch_is_always_active_in_effect():
    """Whatever is drawn, it is there."""
    x = hp.float("x", 0, 1)
    space = Space(hp.choice("a", [x, [x]]))

    assert all("x" in params for params in draws(space, 50))


def test_a_parameter_outside_of_the_choice_that_shares_it_is_always_active():
    """An unconditional place makes it unconditional."""
    x = hp.float("x", 0, 1)
    space = Space([hp.choice("a", [x, 0]), x])

    assert space.conditions[space.column["x"]] == ((),)


def test_an_expression_of_an_integer_may_choose():
    """i // 2 over four values: each branch hangs on two of them."""
    i = hp.randint("i", 4)
    space = Space(scope.switch(i // 2, hp.float("x", 0, 1), hp.float("y", 0, 1)))
    at = space.column

    assert space.conditions[at["x"]] == (((at["i"], 0),), ((at["i"], 1),))
    assert space.conditions[at["y"]] == (((at["i"], 2),), ((at["i"], 3),))
    for params in draws(space):
        assert ("x" in params) == (params["i"] < 2)


def test_a_comparison_may_choose():
    """False is 0 and True is 1."""
    space = Space(scope.switch(hp.int("i", 1, 9) > 3, "small", "large"))
    points = space.sample(np.random.default_rng(0), 100)

    assert all(space.decode(points, k) == ("large" if points.values[k, 0] > 3 else "small") for k in range(100))


def test_a_branch_that_is_never_taken_holds_no_columns():
    """The constant index of a switch decides at once."""
    space = Space(scope.switch(1, hp.float("x", 0, 1), hp.float("y", 0, 1)))

    assert space.labels == ("y",)


BAD_SWITCHES = {
    "from 1": (lambda: scope.switch(hp.randint("i", 1, 3), "a", "b"), "'i'.*1 to 2"),
    "from -1": (lambda: scope.switch(hp.randint("i", -1, 1), "a", "b"), "'i'.*-1 to 0"),
    "more codes than options": (lambda: scope.switch(hp.randint("i", 3), "a", "b"), "'i'.*3 codes"),
    "a float": (lambda: scope.switch(hp.uniform("i", 0, 1), "a", "b"), "'i'.*whole number.*scope.int"),
    "an expression beyond": (lambda: scope.switch(hp.randint("i", 4) * 2, "a", "b"), "'i'.*at 1"),
    "a float expression": (lambda: scope.switch(hp.randint("i", 2) * 1.0, "a", "b"), "'i'.*at 0"),
    "an expression that fails": (lambda: scope.switch(4 // hp.randint("i", 2), "a", "b"), "'i'.*at 0.*zero"),
    "a constant beyond": (lambda: scope.switch(5, "a", "b"), "below 2, got 5"),
    "a text": (lambda: scope.switch("i", "a", "b"), "whole number"),
    "no options": (lambda: scope.switch(hp.randint("i", 1)), "'i'.*at least one option"),
}


@pytest.mark.parametrize("case", BAD_SWITCHES)
def test_a_switch_whose_index_cannot_be_one_is_refused(case):
    """Before anything is drawn; the text names the parameter, and what it draws."""
    make, words = BAD_SWITCHES[case]
    for data in (make(), [make(), hp.float("x", 0, 1)]):
        with pytest.raises(SpaceError, match=words):
            Space(data)


# --- unlabelled draws -------------------------------------------------------------------------------------------


def test_an_unlabelled_draw_comes_from_the_generator_of_the_trial():
    """No column; the same generator gives the same configuration, another one another."""
    space = Space({"x": hp.float("x", 0, 1), "noise": scope.uniform(5, 6), "n": scope.randint(1000)})
    points = space.sample(np.random.default_rng(0))
    first, again, other = (space.decode(points, 0, lambda seed=seed: np.random.default_rng(seed)) for seed in (1, 1, 2))

    assert space.labels == ("x",)
    assert first == again
    assert other["x"] == first["x"]
    assert other["noise"] != first["noise"]
    assert 5 <= first["noise"] <= 6
    assert type(first["n"]) is int


def test_a_generator_that_the_program_gave_to_an_unlabelled_draw_is_not_used():
    """The trial's is, so that a trial is the same however often it is looked at."""
    mine = np.random.default_rng(0)
    space = Space([hp.uniform("x", 0, 1), scope.normal(0, 1, rng=mine)])
    points = space.sample(np.random.default_rng(1))

    first, again = (space.decode(points, 0, lambda: np.random.default_rng(2)) for _ in range(2))

    assert first == again
    assert mine.bit_generator.state == np.random.default_rng(0).bit_generator.state


def test_one_unlabelled_draw_in_two_places_is_drawn_once():
    """A node is a draw; its places show it."""
    noise = scope.normal(0, 1)
    space = Space([noise, noise, scope.normal(0, 1)])
    a, b, c = space.decode(space.sample(np.random.default_rng(0)), 0, lambda: np.random.default_rng(0))

    assert a == b != c


def test_a_space_without_unlabelled_draws_makes_no_generator():
    """It would cost more than the decoding."""
    space = Space([hp.float("x", 0, 1)])
    space.decode(space.sample(np.random.default_rng(0)), 0, lambda: pytest.fail("not needed"))


def test_an_unlabelled_draw_without_a_generator_is_an_error_that_says_so():
    """Rather than a number from nowhere."""
    space = Space([scope.uniform(0, 1)])
    with pytest.raises(SpaceError, match="unlabelled uniform needs the trial's own generator"):
        space.decode(space.sample(np.random.default_rng(0)))


def test_an_unlabelled_draw_is_no_obstacle_to_reading_back():
    """It is not in the row, so whatever it was is fine; a labelled bound of it is."""
    space = Space({"x": hp.float("x", 0, 1), "noise": scope.uniform(0, 1)})

    assert space.encode({"x": 0.5, "noise": 99.0}).values.tolist() == [[0.5]]
    assert Space.from_json(space.to_json()).to_json() == space.to_json()
