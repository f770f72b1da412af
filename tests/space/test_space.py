"""Any space that a person can write: drawn, decoded, read back, stored, fixed."""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings

from parzen import hp
from parzen.errors import OutOfSpace, SpaceError, UnknownLabel
from parzen.space import Points, Space
from tests.strategies import spaces_with_rows

UNIT = np.linspace(0.0, 1.0, 11)[:, None]


def equal(a: object, b: object) -> bool:
    """Equality of configurations, types included, NaN equal to itself."""
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)) and type(a) is type(b):
        return len(a) == len(b) and all(map(equal, a, b))  # type: ignore[arg-type]  # b is of the same type
    return type(a) is type(b) and (a == b or (a != a and b != b))


# --- properties of all spaces -----------------------------------------------------------------------------------


@given(spaces_with_rows())
@settings(max_examples=60)
def test_a_configuration_is_read_back_exactly(drawn):
    """config -> row -> config, for any space, at the ends of the prior and between them."""
    _, space, unit = drawn
    points = space.from_unit(unit)
    for i in range(len(points)):
        config = space.decode(points, i)
        again = space.decode(space.encode(config))

        assert equal(again, config)


@given(spaces_with_rows())
@settings(max_examples=60)
def test_params_are_read_back_to_the_same_row(drawn):
    """params -> row -> params, to the bit, and only active labels are in them."""
    _, space, unit = drawn
    points = space.from_unit(unit)
    for i in range(len(points)):
        params = space.params(points, i)
        row = space.encode_params(params)

        assert np.array_equal(row.values[0], points.values[i], equal_nan=True)
        assert np.array_equal(row.active[0], points.active[i])
        assert list(params) == [label for label, on in zip(space.labels, points.active[i], strict=True) if on]
        assert equal(space.params(row), params)


@given(spaces_with_rows())
@settings(max_examples=60)
def test_a_stored_space_is_the_same_space(drawn):
    """Equal JSON, columns, conditions and rows; no differences; what JSON can say decodes alike."""
    _, space, unit = drawn
    stored = Space.from_json(space.to_json())

    assert stored.to_json() == space.to_json()
    assert (stored.labels, stored.conditions) == (space.labels, space.conditions)
    assert stored.distributions == space.distributions
    assert space.differences(stored) == stored.differences(space) == []
    assert np.array_equal(stored.from_unit(unit).values, space.from_unit(unit).values, equal_nan=True)
    assert repr(stored).count("\n") == repr(space).count("\n")


@given(spaces_with_rows())
@settings(max_examples=60)
def test_quantiles_and_values_belong_together(drawn):
    """unit -> values -> unit -> values is stable, within the bounds, NaN exactly where inactive."""
    _, space, unit = drawn
    points = space.from_unit(unit)
    quantiles = space.to_unit(points)
    again = space.from_unit(np.nan_to_num(quantiles, nan=0.5))

    assert np.array_equal(np.isnan(points.values), ~points.active)
    assert np.array_equal(np.isnan(quantiles), ~points.active)
    assert np.all((quantiles[points.active] >= 0) & (quantiles[points.active] <= 1))
    # Tails of the normal families lose digits near quantile 1, which is one in 2**53.
    np.testing.assert_allclose(again.values[2:], points.values[2:], rtol=1e-9, atol=1e-9)
    for i, j in itertools.product(range(len(points)), range(space.d)):
        if points.active[i, j]:
            assert space.distribution(j, points.values[i]).contains(points.values[i, j : j + 1]).all()


@given(spaces_with_rows(n=3))
@settings(max_examples=40)
def test_a_fixed_parameter_is_gone_and_keeps_its_value(drawn):
    """Each parameter of a row in turn: its column is gone, the others stay, and the rest of the row decodes alike."""
    _, space, unit = drawn
    points = space.from_unit(unit)
    config, params = space.decode(points, 2), space.params(points, 2)
    for label in params:
        code = points.values[2, space.column[label]]
        rest = space.fix({label: params[label]})

        assert label not in rest.labels
        assert set(rest.labels) <= set(space.labels)
        if space.code(label, params[label]) == code:  # else another option looks alike from outside
            left = {name: value for name, value in params.items() if name in rest.labels}
            assert equal(rest.decode(rest.encode_params(left)), config)


@given(spaces_with_rows())
@settings(max_examples=30)
def test_a_row_does_not_depend_on_its_neighbours(drawn):
    """One row at a time gives what all at once give, to the bit."""
    _, space, unit = drawn
    together = space.from_unit(unit)
    alone = Points.stack([space.from_unit(unit[i : i + 1]) for i in range(len(unit))])

    assert np.array_equal(together.values, alone.values, equal_nan=True)
    assert np.array_equal(space.to_unit(together), space.to_unit(alone), equal_nan=True)


@given(spaces_with_rows(n=3))
@settings(max_examples=30)
def test_the_columns_agree_with_the_single_distributions(drawn):
    """Mapping all columns at once gives what each distribution gives, to the bit."""
    _, space, unit = drawn
    points = space.from_unit(unit)
    quantiles = space.to_unit(points)
    for j, distribution in enumerate(space.distributions):
        on = points.active[:, j]
        if distribution is not None:
            assert np.array_equal(points.values[on, j], distribution.from_unit(unit[on, j]))
            assert np.array_equal(quantiles[on, j], distribution.to_unit(points.values[on, j]))


@given(spaces_with_rows(n=3))
@settings(max_examples=30)
def test_what_is_outside_alone_is_outside_together(drawn):
    """A row is judged alike alone and among others: as it was drawn, with a value moved, and with one taken away."""
    _, space, unit = drawn
    values = space.from_unit(unit).values

    assert all(space.outside(rows) is None for rows in (values, values[2:]))
    for j in range(space.d):
        for moved in (-1e300, 0.5, 1e300, np.nan):
            row = values[2].copy()
            row[j] = moved
            together, alone = space.outside(np.stack((row, row))), space.outside(row[None, :])

            assert (together is None) == (alone is None)


@given(spaces_with_rows(n=3))
@settings(max_examples=30)
def test_one_value_is_mapped_as_an_array_of_one(drawn):
    """`at`, `unit_of` and `holds` of a distribution give what its methods for arrays do, to the bit."""
    _, space, unit = drawn
    for j, distribution in enumerate(space.distributions):
        if distribution is None:
            continue
        values = distribution.from_unit(unit[:, j])

        assert [distribution.at(u) for u in unit[:, j].tolist()] == values.tolist()
        assert [distribution.unit_of(x) for x in values.tolist()] == distribution.to_unit(values).tolist()
        for x in [*values.tolist(), -1.0, 0.25, 1e9]:
            assert distribution.holds(x) == bool(distribution.contains(np.array([x]))[0])


# --- drawing ----------------------------------------------------------------------------------------------------


def test_the_same_generator_draws_the_same_rows():
    """Sampling depends on the generator alone."""
    space = Space({"a": hp.normal("a", 0, 1), "b": hp.choice("b", [1, hp.uniform("c", 0, 1)])})
    first = space.sample(np.random.default_rng(3), 20)
    again = space.sample(np.random.default_rng(3), 20)

    assert np.array_equal(first.values, again.values, equal_nan=True)


def test_numbers_reach_the_objective_as_plain_python_numbers():
    """float and int, not numpy scalars; the integer families give int, the q-families of Hyperopt float."""
    space = Space(
        {
            "float": hp.float("a", 0, 1),
            "quniform": hp.quniform("b", 0, 10, 1),
            "int": hp.int("c", 0, 5),
            "randint": hp.randint("d", 5),
            "uniformint": hp.uniformint("e", 0, 5),
            "ordinal": hp.ordinal("f", [1, 2]),
            "bool": hp.bool("g"),
        }
    )
    points = space.sample(np.random.default_rng(0))
    config = space.decode(points)
    kinds = {name: type(value) for name, value in config.items()}

    assert kinds == {
        "float": float,
        "quniform": float,
        "int": int,
        "randint": int,
        "uniformint": int,
        "ordinal": int,
        "bool": bool,
    }
    assert {type(value) for value in space.params(points).values()} == {float, int, bool}


def test_containers_are_made_anew_for_each_configuration():
    """An objective that changes its argument changes nobody else's."""
    space = Space({"list": [hp.float("x", 0, 1)], "tuple": (1, {"deep": [2]})})
    points = space.sample(np.random.default_rng(0))
    spoiled = space.decode(points)
    spoiled["list"].clear()
    spoiled["tuple"][1]["deep"].append(3)

    assert space.decode(points)["tuple"] == (1, {"deep": [2]})
    assert len(space.decode(points)["list"]) == 1


def test_a_constant_space_has_no_columns_and_one_row():
    """A space without parameters is drawn, encoded, enumerated and stored like any other."""
    for data in ({}, [], (), {"a": 3}, "text", 5):
        space = Space(data)
        points = space.sample(np.random.default_rng(0), 3)

        assert (space.d, points.values.shape) == (0, (3, 0))
        assert space.decode(points, 2) == data
        assert space.encode(data).values.shape == (1, 0)
        assert [row.tolist() for row in space.enumerate() or ()] == [[]]
        assert Space.from_json(space.to_json()).decode(points) == data


def test_nothing_is_not_a_space():
    """None is refused by name: it is what a function returns that forgot to."""
    with pytest.raises(SpaceError, match="None"):
        Space(None)


class Pair(NamedTuple):
    """What a user may write a space with."""

    left: object
    right: object


def test_a_named_tuple_stays_one():
    """The objective gets the class that the space was written with."""
    space = Space(Pair(hp.uniform("x", 0, 1), 2))
    config = space.decode(space.sample(np.random.default_rng(0)))

    assert type(config) is Pair
    assert config.right == 2
    assert space.decode(space.encode(config)) == config


# --- enumerating ------------------------------------------------------------------------------------------------


def test_a_finite_space_lists_each_row_once():
    """Conditional columns only where they are active."""
    space = Space(
        {
            "a": hp.choice("a", ["none", {"k": hp.int("k", 1, 3)}, hp.bool("b")]),
            "c": hp.float("c", 0, 1, step=0.5),
        }
    )
    rows = list(space.enumerate() or ())
    configs = [space.decode(Points(row[None, :], ~np.isnan(row)[None, :])) for row in rows]

    assert len(rows) == (1 + 3 + 2) * 3
    assert len({str(config) for config in configs}) == len(rows)


def test_the_values_of_a_computed_integer_are_listed_for_each_of_its_bounds():
    """m up to n, n up to 3: six rows."""
    n = hp.int("n", 1, 3)
    space = Space([n, hp.int("m", 1, n)])
    rows = [tuple(row) for row in space.enumerate() or ()]

    assert rows == [(1, 1), (2, 1), (2, 2), (3, 1), (3, 2), (3, 3)]


def test_a_space_with_a_continuous_column_has_no_list():
    """None, not an endless generator."""
    assert Space([hp.bool("a"), hp.uniform("x", 0, 1)]).enumerate() is None


def test_an_option_of_no_weight_is_never_listed_or_drawn():
    """A probability of zero is allowed and means never."""
    space = Space(hp.pchoice("a", [(0.0, "no"), (1.0, "yes"), (0.0, "never")]))
    drawn = {space.decode(space.from_unit(u[None, :])) for u in UNIT}

    assert drawn == {"yes"}
    assert len(list(space.enumerate() or ())) == 1


# --- giving values ----------------------------------------------------------------------------------------------


def test_missing_parameters_are_drawn_where_quantiles_are_given():
    """What is not active may be left out; what is active is filled in or missed by name."""
    space = Space({"a": hp.choice("a", ["x", {"k": hp.float("k", 0, 10)}]), "b": hp.float("b", 0, 1)})
    filled = space.encode_params({"b": 0.5}, np.array([0.9, 0.25, 0.1]))

    assert space.params(filled) == {"a": {"k": 2.5}, "k": 2.5, "b": 0.5}
    assert space.params(space.encode_params({"a": "x", "b": 0.5})) == {"a": "x", "b": 0.5}
    with pytest.raises(OutOfSpace, match="'b' is active, but no value was given") as caught:
        space.encode_params({"a": "x"})
    assert caught.value.label == "b"


def test_a_parameter_that_the_space_does_not_have_is_refused():
    """The text lists those that it has."""
    space = Space([hp.uniform("lr", 0, 1), hp.uniform("decay", 0, 1)])
    for call in (space.encode_params, space.fix):
        with pytest.raises(UnknownLabel, match="'rate'; it has 'lr', 'decay'") as caught:
            call({"rate": 0.5})
        assert caught.value.label == "rate"


NOT_VALUES = [2.0, -0.1, math.nan, math.inf, "0.5", None, 1j, [0.5], np.array([0.5]), np.array([0.1, 0.2]), 10**400]


@pytest.mark.parametrize("value", NOT_VALUES, ids=lambda value: f"{value!r:.20}")
@pytest.mark.parametrize("call", ["encode_params", "fix"])
def test_what_a_parameter_cannot_be_is_out_of_space(call, value):
    """The label is named, whatever the value is."""
    space = Space({"x": hp.uniform("x", 0, 1)})
    with pytest.raises(OutOfSpace, match="'x'") as caught:
        getattr(space, call)({"x": value})

    assert caught.value.label == "x"


def test_fixing_a_choice_keeps_what_is_inside_of_the_option():
    """A fixed choice loses its column and the other options with theirs."""
    space = Space(
        hp.choice("model", [{"kind": "svm", "C": hp.float("C", 1, 2)}, {"kind": "tree", "d": hp.int("d", 1, 9)}])
    )
    tree = space.fix({"model": {"kind": "tree", "d": 3}})
    both = space.fix({"model": {"kind": "tree", "d": 3}, "d": 3})

    assert tree.labels == ("d",)
    assert tree.conditions == (((),),)
    assert tree.decode(tree.encode({"kind": "tree", "d": 5})) == {"kind": "tree", "d": 5}
    assert both.decode(both.sample(np.random.default_rng(0))) == {"kind": "tree", "d": 3}


def test_fixing_the_bound_of_another_parameter_holds_it_there():
    """A dependent bound is then computed from the fixed value; a dependent parameter can be fixed itself."""
    n = hp.int("n", 1, 9)
    space = Space({"n": n, "m": hp.int("m", 1, n)})
    rows = space.fix({"n": 2}).sample(np.random.default_rng(0), 50).values[:, 0]

    assert set(rows) == {1.0, 2.0}
    assert space.fix({"m": 3.0}).decode(space.fix({"m": 3.0}).encode({"n": 4, "m": 3})) == {"n": 4, "m": 3}
    with pytest.raises(OutOfSpace, match="'m'"):
        space.fix({"m": 2.5})


# --- showing ----------------------------------------------------------------------------------------------------


class Rude:
    """An option whose methods all fail."""

    def __repr__(self):
        raise RuntimeError("no")

    def __eq__(self, other):
        raise RuntimeError("no")

    __hash__ = None  # type: ignore[assignment]


def test_a_space_shows_its_parameters_options_and_conditions():
    """One line a parameter; options by the name that people would use."""
    space = Space(
        {
            "act": hp.categorical("act", [math.sin, hp.option("mine", object()), Rude(), None]),
            "c": hp.choice("c", ["a", {"k": hp.float("k", 0, 1)}]),
        }
    )

    assert repr(space).splitlines()[1:-1] == [
        "  act: one of sin, mine, <Rude>, None",
        "  c: one of 'a', option 1",
        "  k: uniform(low=0.0, high=1.0)  if c = option 1",
    ]
    assert repr(Space({})) == "Space()"
