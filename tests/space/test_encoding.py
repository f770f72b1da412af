"""Reading configurations back: options of any object, alike options, shared parameters, arithmetic."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from parzen import hp
from parzen.errors import OutOfSpace
from parzen.space import Space, scope


class Point:
    """A class of the user's, without `__eq__`."""


class Rude:
    """Equality fails, hashing is off, showing fails."""

    def __eq__(self, other):
        raise RuntimeError("no")

    def __repr__(self):
        raise RuntimeError("no")

    __hash__ = None  # type: ignore[assignment]


OBJECTS = [
    None, 1, True, 1.0, np.int64(1), np.float32(1), np.bool_(True), 1 + 0j, "1", b"1", [1], (2,), {1}, {"a": 1},
    math.nan, math.inf, -0.0, np.arange(3), np.array([math.nan]), np.array(["a"]), np.array(1.0), math.sin, Point, Point(), Point(),
    Rude(), ..., range(3), print, lambda: None,
]  # fmt: skip


@pytest.mark.parametrize("word", ["categorical", "ordinal"])
def test_options_may_be_any_objects_and_are_handed_over_as_they_are(word):
    """The very object, never a copy; read back as the option that it is, even among equal ones of other types."""
    space = Space(getattr(hp, word)("x", OBJECTS))
    points = space.from_unit((np.arange(len(OBJECTS))[:, None] + 0.5) / len(OBJECTS))
    for code, obj in enumerate(OBJECTS):
        config = space.decode(points, code)

        assert config is obj
        assert space.encode(config).values.tolist() == [[code]]
        assert space.encode_params(space.params(points, code)).values.tolist() == [[code]]


def test_a_choice_may_have_any_objects_too():
    """Lists become tuples and text keys are sorted, as in Hyperopt; the rest is handed over as it is."""
    space = Space(hp.choice("x", OBJECTS))
    points = space.from_unit((np.arange(len(OBJECTS))[:, None] + 0.5) / len(OBJECTS))
    for code, obj in enumerate(OBJECTS):
        config = space.decode(points, code)

        assert config is obj or config == (tuple(obj) if isinstance(obj, list) else obj)
        assert space.encode(config).values.tolist() == [[code]]


@pytest.mark.parametrize("given", [np.int64(3), 3.0, np.float64(3), True], ids=repr)
def test_an_equal_value_of_another_type_will_do(given):
    """What comes back from a file or a frame has often changed its type."""
    options = [7, 3] if given is not True else [0, 1]

    assert Space(hp.categorical("x", options)).encode(given).values.tolist() == [[1.0]]


def test_an_option_may_be_given_by_the_name_it_was_given():
    """For objects that cannot be written down."""
    space = Space(hp.categorical("x", [hp.option("a", Point()), hp.option("b", Point())]))

    assert space.encode_params({"x": "b"}).values.tolist() == [[1.0]]


# --- alike options and shared parameters ------------------------------------------------------------------------


def row(space: Space, config: object) -> dict[str, object]:
    """The columns that a configuration shows."""
    points = space.encode(config)
    return {label: float(x) for label, x in zip(space.labels, points.values[0], strict=True) if x == x}


def test_a_shared_parameter_tells_which_option_was_meant():
    """x stands at both places, so 0.3 beside x = 0.7 can only be y; in whichever order they are written."""
    x, y = hp.uniform("x", 0, 1), hp.uniform("y", 0, 1)
    for first, second, config in [(x, hp.choice("a", [x, y]), [0.7, 0.3]), (hp.choice("a", [x, y]), x, [0.3, 0.7])]:
        space = Space([first, second])

        assert row(space, config) == {"x": 0.7, "y": 0.3, "a": 1.0}
        assert row(space, [0.7, 0.7]) == {"x": 0.7, "a": 0.0}


def test_a_wrong_guess_is_taken_back():
    """The first option of `a` fits until `b`, opened in either order, shows that it was the second."""
    for flip in (False, True):
        x, y, z = hp.uniform("x", 0, 1), hp.uniform("y", 0, 0.5), hp.uniform("z", 2, 3)
        a, b = hp.choice("a", [x, y]), hp.choice("b", [x, z])
        space = Space([b, a] if flip else [a, b])
        config = [0.9, 0.4] if flip else [0.4, 0.9]

        assert space.decode(space.encode(config)) == config
        assert row(space, config) == {"a": 1.0, "b": 0.0, "x": 0.9, "y": 0.4}


def test_many_alike_options_cost_no_more_than_one_after_the_other():
    """Forty choices of two alike options before something that does not fit: 2**40 ways, none of them tried."""
    x = hp.uniform("shared", 0, 1)
    alike = [hp.choice(f"c{i}", [hp.uniform(f"x{i}", 0, 1), hp.uniform(f"y{i}", 0, 1)]) for i in range(40)]
    for last in (hp.choice("z", [1, 2]), hp.choice("z", [x, 2])):
        space = Space([hp.choice("q", [x, hp.uniform("r", 0, 0.1)]), *alike, last])
        start = time.process_time()
        with pytest.raises(OutOfSpace):
            space.encode([0.5] * 41 + [0.7])

        assert time.process_time() - start < 2.0


def test_one_parameter_in_two_places_must_show_one_value():
    """Else the configuration is of another space."""
    x = hp.uniform("x", 0, 1)

    assert row(Space([x, x]), [0.5, 0.5]) == {"x": 0.5}
    with pytest.raises(OutOfSpace):
        Space([x, x]).encode([0.5, 0.6])


# --- values within rounding -------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [10.0**k for k in range(-9, 4)] + [0.2, 0.3, 7.0])
def test_the_natural_bound_of_a_log_range_is_a_value(value):
    """exp(log(0.1)) is not 0.1; what people enqueue is 0.1.  The row keeps within the bounds all the same."""
    for space in (
        Space(hp.loguniform("x", math.log(value), math.log(value) + 3)),
        Space(hp.loguniform("x", math.log(value) - 3, math.log(value))),
    ):
        for points in (space.encode(value), space.encode_params({"x": value})):
            assert points.values[0, 0] == pytest.approx(value, rel=1e-14)
            assert space.distributions[0].contains(points.values[0]).all()
        assert space.fix({"x": value}).d == 0


def test_a_value_on_the_grid_is_the_grid_s_own():
    """0.3 and 0.1 + 0.2 are one value of a grid, so that repeats are seen as repeats."""
    space = Space(hp.float("x", 0, 1, step=0.1))

    assert space.encode(0.3).values.tolist() == space.encode(0.1 + 0.2).values.tolist() == [[3 * 0.1]]


# --- arithmetic -------------------------------------------------------------------------------------------------

X = (0.1, 0.3)
INVERTIBLE = {
    "x * 3": lambda x: x * 3,
    "3 * x": lambda x: 3 * x,
    "x / 7": lambda x: x / 7,
    "1 / x": lambda x: 1 / x,
    "x + 1": lambda x: x + 1,
    "1 - x": lambda x: 1 - x,
    "x - 5": lambda x: x - 5,
    "-x": lambda x: -x,
    "x ** 2": lambda x: x**2,
    "2 ** x": lambda x: 2**x,
    "exp": scope.exp,
    "log": scope.log,
    "sqrt": scope.sqrt,
    "2 * x + 1": lambda x: 2 * x + 1,
    "10 ** -(x * 9)": lambda x: 10 ** -(x * 9),
}


@pytest.mark.parametrize("case", INVERTIBLE)
def test_arithmetic_of_one_parameter_is_traced_back(case):
    """config -> row -> config to the last digits, at the ends of the range too."""
    space = Space(INVERTIBLE[case](hp.uniform("x", *X)))
    points = space.from_unit(np.linspace(0, 1, 101)[:, None])
    for i in range(101):
        config = space.decode(points, i)
        again = space.encode(config)

        assert space.decode(again) == pytest.approx(config, rel=1e-15)
        assert again.values[0, 0] == pytest.approx(points.values[i, 0], rel=1e-12)


WHOLE = {
    "int of quniform": lambda: scope.int(hp.quniform("x", 1, 9, 2)),
    "int of uniform": lambda: scope.int(hp.uniform("x", 2.5, 5)),
    "int of loguniform": lambda: scope.int(hp.loguniform("x", math.log(10), math.log(100))),
    "int of a negative": lambda: scope.int(hp.uniform("x", -3.5, -0.5)),
    "doubled": lambda: 2 * hp.int("x", 1, 9),
    "power of two": lambda: 2 ** hp.int("x", 0, 10),
    "less one": lambda: hp.randint("x", 5) - 1,
}


@pytest.mark.parametrize("case", WHOLE)
def test_whole_numbers_are_traced_back_exactly(case):
    """Also 2, which came of a float in [2.5, 5]."""
    space = Space(WHOLE[case]())
    points = space.from_unit(np.linspace(0, 1, 51)[:, None])
    for i in range(51):
        config = space.decode(points, i)
        again = space.decode(space.encode(config))

        assert again == config
        assert type(again) is type(config)


def test_what_has_no_inverse_says_so():
    """Functions of one's own, and of two parameters; the values of the parameters are asked for instead."""
    x, y = hp.uniform("x", 0, 1), hp.uniform("y", 0, 1)
    for node, name in [(x * y, "mul"), (hp.call(math.cos, x), "call"), (scope.sin(x), "sin")]:
        with pytest.raises(OutOfSpace, match=f"computed by '{name}' cannot be traced back"):
            Space([node]).encode([0.5])


def test_what_has_no_inverse_is_no_trouble_where_another_option_fits():
    """The constant is recognised although the option before it cannot be traced back."""
    space = Space(hp.choice("a", [hp.call(math.cos, hp.uniform("x", 0, 1)), "plain"]))

    assert row(space, "plain") == {"a": 1.0}
    assert space.encode_params({"a": "plain"}).values[0, 0] == 1.0


def test_a_switch_on_an_expression_is_traced_back_through_it():
    """The second of three options, chosen by i + 1, means i = 0."""
    space = Space(scope.switch(hp.randint("i", 2) + 1, "a", "b", "c"))

    assert row(space, "b") == {"i": 0.0}
    with pytest.raises(OutOfSpace):
        space.encode("a")  # which no i gives


# --- not from the space -----------------------------------------------------------------------------------------

STRANGERS = [
    {}, None, [], 3, "text", {"a": 0.5}, {"a": 0.5, "b": ["p", 1], "c": 1}, {"a": 1.5, "b": ["p", 1]}, {"a": 0.5, "b": ["q", 1]},
    {"a": 0.5, "b": ["p", 2]}, {"a": 0.5, "b": ["p"]}, {"a": "0.5", "b": ["p", 1]}, {"a": True, "b": ["p", 1]}, {"a": math.nan, "b": ["p", 1]},
    {"a": [0.5], "b": ["p", 1]}, {"a": np.array([0.5]), "b": ["p", 1]}, {"a": 0.5, "b": {"p": 1}}, {"a": 10**400, "b": ["p", 1]},
]  # fmt: skip


@pytest.mark.parametrize("config", STRANGERS, ids=lambda config: f"{config!r:.40}")
def test_a_configuration_of_another_space_is_out_of_space(config):
    """Whatever it is made of."""
    space = Space({"a": hp.uniform("a", 0, 1), "b": [hp.categorical("b", ["p"]), 1]})
    with pytest.raises(OutOfSpace):
        space.encode(config)


def test_a_value_computed_from_constants_alone_is_checked_too():
    """After `fix`, an expression is a constant."""
    space = Space({"twice": hp.int("x", 1, 9) * 2, "y": hp.bool("y")}).fix({"x": 3})

    assert space.decode(space.encode({"twice": 6, "y": True})) == {"twice": 6, "y": True}
    with pytest.raises(OutOfSpace):
        space.encode({"twice": 7, "y": True})


def test_an_option_that_is_none_is_refused_with_those_that_are():
    """The text lists them."""
    space = Space({"opt": hp.categorical("opt", ["adam", "sgd"])})
    with pytest.raises(OutOfSpace, match="'opt': 'lion' is not one of its options 'adam', 'sgd'") as caught:
        space.encode_params({"opt": "lion"})

    assert caught.value.label == "opt"
