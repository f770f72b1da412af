"""The words that spaces are written in: what each takes, refuses and promises."""

from __future__ import annotations

import itertools
import json
import math
import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from parzen import hp
from parzen.errors import BadDistribution, BadLabel, DuplicateLabel, SpaceError
from parzen.space import Literal, Space

NAN, INF = math.nan, math.inf
TWELVE = (
    "choice pchoice uniform quniform loguniform qloguniform normal qnormal lognormal qlognormal randint uniformint"
).split()


def values(node: object, n: int = 4001) -> list[object]:
    """What a space of one parameter gives at evenly spaced quantiles, both ends included."""
    space = Space(node)
    points = space.from_unit(np.linspace(0.0, 1.0, n)[:, None])
    return [space.decode(points, i) for i in range(n)]


# --- bounds that hold -------------------------------------------------------------------------------------------

BOUNDS = [
    (0, 1),
    (-3.7, -3.6),
    (1e-5, 1e-1),
    (1e-300, 1e300),
    (-1.7e308, 1.7e308),
    (0.1, 0.3),
    (7, 1e15),
    (1, 1 + 2**-40),
]


@pytest.mark.parametrize(
    ("bounds", "log"), [(b, log) for b in BOUNDS for log in (False, True) if b[0] > 0 or not log], ids=str
)
def test_the_bounds_of_a_float_are_included_and_hold(bounds, log):
    """The quantiles 0 and 1 are the bounds (on the log scale up to rounding), and nothing lies outside."""
    low, high = bounds
    drawn = values(hp.float("x", low, high, log=log))

    assert (drawn[0], drawn[-1]) == (pytest.approx(bounds, rel=1e-12, abs=0.0) if log else bounds)
    assert all(low <= x <= high for x in drawn)
    assert drawn == sorted(drawn)


STEPS = [
    (0, 1, 0.1),
    (0.1, 0.3, 0.1),
    (4.0, 4.1, 0.1),
    (-1, 1, 0.25),
    (1, 10, 3),
    (0, 1, 0.3),
    (0, 1, 1),
    (1e-3, 1, 1e-3),
]


@pytest.mark.parametrize(
    ("low", "high", "step", "log"), [(*s, log) for s in STEPS for log in (False, True) if s[0] > 0 or not log]
)
def test_steps_count_from_low_and_stay_within_high(low, high, step, log):
    """Values are low + k step, high among them where it is on the grid, and never a hair above it."""
    grid = Space(hp.float("x", low, high, log=log, step=step)).distributions[0].values()
    exact = [Fraction(str(low)) + k * Fraction(str(step)) for k in range(len(grid) + 1)]

    assert grid.tolist() == pytest.approx([float(x) for x in exact[:-1]], rel=1e-12)
    assert exact[-2] <= Fraction(str(high)) < exact[-1]
    assert grid[-1] <= high
    assert set(values(hp.float("x", low, high, step=step))) <= set(grid.tolist())


@pytest.mark.parametrize(
    ("low", "high", "step"), [(1, 8, 1), (-5, 5, 5), (16, 128, 16), (0, 10, 4), (3, 3, 1), (0, 10**12, 1)]
)
def test_integers_count_from_low_and_stay_within_high(low, high, step):
    """Both bounds are included; what is not on the grid is not a value."""
    distribution = Space(hp.int("n", low, high, step=step)).distributions[0]
    inside = np.array([low, low + (high - low) // step * step], dtype=float)
    outside = np.array([low - step, low + distribution.size * step, low + 0.5, NAN, INF])

    assert distribution.size == len(range(low, high + 1, step))
    assert distribution.contains(inside).all()
    assert not distribution.contains(outside).any()
    assert distribution.from_unit(np.array([0.0, 1.0])).tolist() == inside.tolist()


@pytest.mark.parametrize("node", [lambda: hp.int("n", 1, 4), lambda: hp.float("n", 0, 0.75, step=0.25)])
def test_end_points_of_a_grid_weigh_as_much_as_the_rest(node):
    """Each of four values has a quarter of the quantiles."""
    distribution = Space(node()).distributions[0]
    low, high = distribution.cell(distribution.values())

    assert (high - low).tolist() == [0.25] * 4
    assert low.tolist() == [0.0, 0.25, 0.5, 0.75]


def test_log_integers_weigh_what_their_interval_weighs():
    """P(k) is proportional to log((k + 1/2) / (k - 1/2)), and the sum is one."""
    distribution = Space(hp.int("n", 1, 1000, log=True)).distributions[0]
    k = distribution.values()
    mass = np.exp(distribution.log_prob(k))
    expected = np.log((k + 0.5) / (k - 0.5)) / math.log(1000.5 / 0.5)

    np.testing.assert_allclose(mass, expected, rtol=1e-9)
    assert mass.sum() == pytest.approx(1.0, abs=1e-12)


def test_numbers_may_be_of_any_numeric_type():
    """numpy scalars, Decimal, Fraction, 0-d arrays."""
    for low, high in [(np.float32(0), np.int64(1)), (Decimal(0), Fraction(1)), (np.array(0.0), True)]:
        assert values(hp.float("x", low, high), 3) == [0.0, 0.5, 1.0]
        assert set(values(hp.int("n", low, high), 3)) == {0, 1}


def test_the_twelve_mean_what_they_mean_in_hyperopt():
    """Bounds of the log families are logarithms, randint leaves out its upper bound, q counts from zero."""
    ends = {
        "uniform": values(hp.uniform("x", -1, 2), 3)[::2],
        "loguniform": values(hp.loguniform("x", 0, math.log(100)), 3),
        "quniform": sorted(set(values(hp.quniform("x", 1, 8, 3)))),
        "qloguniform": sorted(set(values(hp.qloguniform("x", 0.1, math.log(8.5), 2)))),
        "randint": sorted(set(values(hp.randint("x", 3)))),
        "randint of two": sorted(set(values(hp.randint("x", 2, 5)))),
        "uniformint": sorted(set(values(hp.uniformint("x", 2, 5)))),
    }

    assert ends == {
        "uniform": [-1.0, 2.0],
        "loguniform": pytest.approx([1.0, 10.0, 100.0]),
        "quniform": [0.0, 3.0, 6.0, 9.0],  # 1 rounds to 0 and 8 to 9: Hyperopt's grid leaves the bounds
        "qloguniform": [2.0, 4.0, 6.0, 8.0],
        "randint": [0, 1, 2],
        "randint of two": [2, 3, 4],
        "uniformint": [2, 3, 4, 5],
    }
    assert sorted(set(hp.__all__) & set(TWELVE)) == sorted(TWELVE)


def test_a_range_of_one_value_is_a_range():
    """randint over one value, an integer from 3 to 3, a choice of one: columns that do not vary."""
    for node, value in [
        (hp.randint("x", 1), 0),
        (hp.int("x", 3, 3), 3),
        (hp.choice("x", ["a"]), "a"),
        (hp.randint("x", 4, 5), 4),
    ]:
        assert set(values(node, 5)) == {value}
        assert Space(node).distributions[0].size == 1


# --- what makes no sense ----------------------------------------------------------------------------------------

NONSENSE = {
    # family: (good arguments, {name of the fault: (bad arguments, word in the text)})
    "uniform": {"low > high": ((1, 0), "low"), "low = high": ((1, 1), "low"), "too narrow": ((0, 5e-324), "between")},
    "loguniform": {
        "low > high": ((1, 0), "low"),
        "natural units": ((0, 1e4), "logarithms"),
        "below all numbers": ((-800, -790), "logarithms"),
    },
    "normal": {"sigma 0": ((0, 0), "sigma"), "sigma < 0": ((0, -1), "sigma"), "too wide": ((0, 1e308), "infinite")},
    "lognormal": {"sigma 0": ((0, 0), "sigma"), "too wide": ((0, 1e308), "infinite")},
    "quniform": {
        "q 0": ((0, 1, 0), "q must"),
        "q < 0": ((0, 1, -1), "q must"),
        "q too small": ((0, 1e300, 1e-300), "too small"),
        "low > high": ((1, 0, 1), "low"),
    },
    "qloguniform": {"q NaN": ((0, 1, NAN), "q must"), "natural units": ((1, 1e4, 1), "logarithms")},
    "qnormal": {"q 0": ((0, 1, 0), "q must"), "q too small": ((1e300, 1, 1e-300), "too small")},
    "qlognormal": {"q < 0": ((0, 1, -1), "q must"), "q too small": ((300, 1, 5e-324), "too small")},
    "randint": {
        "none": ((0,), "upper|low"),
        "backwards": ((5, 3), "less than high"),
        "equal": ((3, 3), "less than high"),
        "fractional": ((0, 2.5), "whole"),
        "beyond exact": ((0, 2**60), "2\\*\\*53"),
    },
    "uniformint": {"backwards": ((3, 1), "low"), "q 2": ((0, 9, 2), "q of uniformint is 1")},
    "float": {
        "low > high": ((1, 0), "low"),
        "low = high": ((1, 1), "low"),
        "log of 0": ((0, 1, {"log": True}), "positive low"),
        "log of a negative": ((-1, 1, {"log": True}), "positive low"),
        "log too narrow": ((1e300, 1e300 * (1 + 2**-52), {"log": True}), "logarithm"),
        "step 0": ((0, 1, {"step": 0}), "step must be positive"),
        "step < 0": ((0, 1, {"step": -0.1}), "step must be positive"),
        "step NaN": ((0, 1, {"step": NAN}), "step must be finite"),
        "step > range": ((0, 1, {"step": 1.5}), "larger than the range"),
        "step too small": ((0, 1, {"step": 1e-320}), "too small"),
        "step too small for huge": ((-1.7e308, 1.7e308, {"step": 1.0}), "too small"),
        "step is text": ((0, 1, {"step": "a"}), "step must be a number"),
    },
    "int": {
        "low > high": ((3, 1), "greater than high"),
        "fractional": ((0.5, 2.5), "whole"),
        "log of 0": ((0, 3, {"log": True}), "positive low"),
        "step 0": ((0, 3, {"step": 0}), "step must be positive"),
        "step > range": ((0, 3, {"step": 4}), "larger than the range"),
        "step fractional": ((0, 3, {"step": 0.5}), "step must be a whole"),
        "beyond exact": ((0, 2**53 + 2), "2\\*\\*53"),
    },
    "choice": {
        "nothing": (([],), "at least one"),
        "a number": ((3,), "list"),
        "text": (("abc",), "list"),
        "None": ((None,), "list"),
    },
    "categorical": {
        "nothing": (((),), "at least one"),
        "no end of nothing": ((iter(()),), "at least one"),
        "a number": ((3,), "list"),
        "a node": (([1, hp.uniform("y", 0, 1)],), "hp.choice"),
    },
    "ordinal": {"nothing": (([],), "at least one"), "text": (("abc",), "list")},
    "pchoice": {
        "nothing": (([],), "at least one"),
        "no pairs": (([1, 2],), "pairs"),
        "sum 0.5": (([(0.25, 1), (0.25, 2)],), "sum to 1, these sum to 0.5"),
        "sum 1.03": (([(0.53, 1), (0.5, 2)],), "sum to 1"),
        "sum 0": (([(0, 1), (0, 2)],), "sum to 1"),
        "negative": (([(1.5, 1), (-0.5, 2)],), "negative"),
        "NaN": (([(NAN, 1), (1, 2)],), "finite"),
        "text": (([("half", 1), (0.5, 2)],), "number"),
    },
}
CASES = [(word, fault) for word, faults in NONSENSE.items() for fault in faults]


def call(word: str, label: object, arguments: tuple[object, ...]) -> object:
    """`hp.word(label, *arguments)`, where a mapping at the end is named settings."""
    named = arguments[-1] if arguments and isinstance(arguments[-1], dict) else {}
    return getattr(hp, word)(label, *(arguments[:-1] if named else arguments), **named)


@pytest.mark.parametrize(("word", "fault"), CASES, ids=lambda part: part)
def test_what_makes_no_sense_is_refused_where_it_is_written(word, fault):
    """A `BadDistribution`, a `SpaceError` and a `ValueError`; it names the label and the fault."""
    arguments, words = NONSENSE[word][fault]
    with pytest.raises(BadDistribution, match=words) as caught:
        call(word, "my rate", arguments)

    assert isinstance(caught.value, SpaceError)
    assert isinstance(caught.value, ValueError)
    assert caught.value.label == "my rate"
    assert "'my rate'" in str(caught.value)


NUMERIC = {
    "uniform": (0, 1), "loguniform": (0, 1), "normal": (0, 1), "lognormal": (0, 1), "quniform": (0, 1, 1), "qloguniform": (0, 1, 1),
    "qnormal": (0, 1, 1), "qlognormal": (0, 1, 1), "uniformint": (0, 1), "randint": (0, 1), "float": (0, 1), "int": (0, 1),
}  # fmt: skip


@pytest.mark.parametrize("bad", [NAN, INF, -INF, "1", None, 1j, [0], object], ids=repr)
@pytest.mark.parametrize("word", NUMERIC)
def test_every_numeric_argument_must_be_a_finite_number(word, bad):
    """In each place in turn; the label is named."""
    for place in range(len(NUMERIC[word])):
        if word == "randint" and place == 1 and bad is None:
            continue  # which is how one says that there is one bound
        arguments = list(NUMERIC[word])
        arguments[place] = bad
        with pytest.raises(BadDistribution, match="'x'"):
            call(word, "x", tuple(arguments))


def test_probabilities_a_little_off_are_rescaled_with_a_warning():
    """Less than 2 % is a matter of rounding; the label and the sum are named."""
    with pytest.warns(UserWarning, match=r"'c': probabilities sum to 1\.01; they were rescaled"):
        node = hp.pchoice("c", [(0.505, "a"), (0.505, "b")])
    with pytest.warns(UserWarning, match="rescaled"):
        space = Space(node)

    assert space.distributions[0].weights == (0.5, 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hp.pchoice("c", [(1 / 3, "a")] * 3)  # rounding alone is not worth a word


# --- labels -----------------------------------------------------------------------------------------------------

OPTIONS = {
    "choice": ([1, 2],),
    "categorical": ([1, 2],),
    "ordinal": ([1, 2],),
    "pchoice": ([(0.5, 1), (0.5, 2)],),
    "bool": (),
}
WORDS = {**NUMERIC, **OPTIONS}


def test_a_label_may_be_bytes_or_a_literal():
    """As in Hyperopt; it is text from then on."""
    assert Space([hp.uniform(b"x", 0, 1), hp.int(Literal("y"), 0, 1)]).labels == ("x", "y")


@pytest.mark.parametrize(
    "label", [None, 3, 1.5, b"\xff", ("a",), True, ["x"], object()], ids=lambda label: f"{label!r:.12}"
)
@pytest.mark.parametrize("word", WORDS)
def test_a_label_that_is_no_text_is_refused(word, label):
    """A `BadLabel`, which is a `SpaceError` and a `TypeError`."""
    with pytest.raises(BadLabel, match="label must be text") as caught:
        call(word, label, WORDS[word])

    assert isinstance(caught.value, SpaceError)
    assert isinstance(caught.value, TypeError)
    assert caught.value.label is label


@pytest.mark.parametrize(
    "label", ["\ud800", "", " ", "a\x00b", "größe", "a" * 10_000, 'it\'s "x"', "{}%s", np.str_("numpy")], ids=repr
)
@pytest.mark.parametrize("word", WORDS)
def test_a_label_may_be_any_text(word, label):
    """It comes back as plain text, from the space and from its JSON."""
    space = Space(call(word, label, WORDS[word]))
    stored = Space.from_json(space.to_json())

    assert space.labels == stored.labels == (label,)
    assert type(space.labels[0]) is str
    assert list(space.params(space.sample(np.random.default_rng(0)))) == [label]


ALIKE = {
    "equal ranges": lambda: (hp.uniform("x", 0, 1), hp.uniform("x", 0.0, 1.0)),
    "equal choices": lambda: (hp.choice("x", ["a", {"k": [1, None]}]), hp.choice("x", ["a", {"k": [1, None]}])),
    "equal weights": lambda: (hp.pchoice("x", [(0.5, 1), (0.5, 2)]), hp.pchoice("x", [(0.5, 1), (0.5, 2)])),
    "arrays and NaN": lambda: (hp.categorical("x", [np.arange(3), NAN]), hp.categorical("x", [np.arange(3), NAN])),
    "choices of equal parameters": lambda: (
        hp.choice("x", [1, hp.uniform("y", 0, 1)]),
        hp.choice("x", [1, hp.uniform("y", 0, 1)]),
    ),
    "functions of equal parameters": lambda: (hp.uniform("x", 0, 1) * 2, hp.uniform("x", 0, 1) + 1),
}
UNLIKE = {
    "other range": lambda: (hp.uniform("x", 0, 1), hp.uniform("x", 0, 2)),
    "other family": lambda: (hp.uniform("x", 0, 1), hp.normal("x", 0, 1)),
    "number and choice": lambda: (hp.uniform("x", 0, 1), hp.choice("x", [1, 2])),
    "other q": lambda: (hp.quniform("x", 0, 1, 0.5), hp.quniform("x", 0, 1, 0.25)),
    "other options": lambda: (hp.choice("x", ["a", "b"]), hp.choice("x", ["a", "c"])),
    "other number of options": lambda: (hp.choice("x", ["a", "b"]), hp.choice("x", ["a", "b", "c"])),
    "other types": lambda: (hp.choice("x", [1, 0]), hp.choice("x", [True, 0])),
    "other keys": lambda: (hp.choice("x", [{"k": 1}, 0]), hp.choice("x", [{"l": 1}, 0])),
    "other weights": lambda: (hp.pchoice("x", [(0.5, 1), (0.5, 2)]), hp.pchoice("x", [(0.4, 1), (0.6, 2)])),
    "other parameter inside": lambda: (
        hp.choice("x", [1, hp.uniform("y", 0, 1)]),
        hp.choice("x", [1, hp.uniform("z", 0, 1)]),
    ),
    "choice and weighted choice": lambda: (hp.choice("x", [1, 2]), hp.pchoice("x", [(0.5, 1), (0.5, 2)])),
    "ordered and not": lambda: (hp.ordinal("x", [1, 2]), hp.categorical("x", [1, 2])),
}


@pytest.mark.parametrize("case", ALIKE)
def test_a_label_that_means_the_same_twice_is_one_column(case):
    """As Hyperopt allows: both places show the same draw."""
    space = Space(list(ALIKE[case]()))

    assert space.labels.count("x") == 1
    assert space.distributions == Space(ALIKE[case]()[0]).distributions


@pytest.mark.parametrize("case", UNLIKE)
@pytest.mark.parametrize("swapped", [False, True])
def test_a_label_that_means_two_things_is_refused(case, swapped):
    """`DuplicateLabel` names it, in whichever order the two come."""
    pair = UNLIKE[case]()
    with pytest.raises(DuplicateLabel, match="'x' stands for two") as caught:
        Space(list(reversed(pair)) if swapped else list(pair))

    assert caught.value.label == "x"


# --- dependent bounds -------------------------------------------------------------------------------------------


def test_bounds_may_be_computed_from_earlier_parameters():
    """The value lies within them in each row; the column it needs comes first, wherever it is written."""
    low = hp.float("low", 0, 1)
    space = Space({"between": hp.uniform("x", low, low + 1), "low": low})
    points = space.sample(np.random.default_rng(0), 200)
    configs = [space.decode(points, i) for i in range(200)]

    assert space.labels == ("low", "x")
    assert all(config["low"] <= config["between"] <= config["low"] + 1 for config in configs)
    assert len({config["between"] for config in configs}) == 200


def test_bounds_that_turn_out_wrong_name_the_parameter():
    """Nothing is drawn from a range that is none."""
    n = hp.int("n", 1, 3)
    space = Space([n, hp.int("m", 2, n)])
    with pytest.raises(BadDistribution, match=r"'m'.*low=2, high=1") as caught:
        space.from_unit(np.array([[0.0, 0.5]]))

    assert caught.value.label == "m"
    assert space.decode(space.from_unit(np.array([[1.0, 1.0]]))) == [3, 3]


def test_a_bound_may_be_a_choice_or_come_from_inside_of_one():
    """An integer up to one of two limits, one of which is a parameter itself."""
    limit = hp.choice("limit", [hp.int("k", 3, 4), 9])
    space = Space([limit, hp.int("m", 1, limit)])
    points = space.sample(np.random.default_rng(0), 100)

    assert space.labels == ("limit", "k", "m")
    for i in range(100):
        top, drawn = space.decode(points, i)
        assert 1 <= drawn <= top


FAMILIES_OF_TWO = [word for word, arguments in NUMERIC.items() if len(arguments) == 2]


@pytest.mark.parametrize("word", FAMILIES_OF_TWO)
def test_every_family_may_have_computed_arguments(word):
    """And reads back what it drew."""
    a = hp.int("a", 1, 2)
    space = Space({"a": a, "x": getattr(hp, word)("x", a, a + 2)})
    points = space.sample(np.random.default_rng(0), 20)
    for i in range(20):
        config = space.decode(points, i)

        assert np.array_equal(space.encode(config).values[0], points.values[i])


def test_all_words_can_be_mixed_and_nested():
    """Every word within every other that takes options."""
    for outer, inner in itertools.product(["choice", "pchoice"], WORDS):
        node = call(inner, "inner", WORDS[inner])
        options = [node, "plain"] if outer == "choice" else [(0.5, node), (0.5, "plain")]
        space = Space({"outer": getattr(hp, outer)("outer", options)})

        assert space.labels == ("outer", "inner")
        assert space.conditions == (((),), (((0, 0),),))


def test_a_sub_space_may_have_a_name_of_its_own() -> None:
    """It is shown, stored and enqueued by it, and the objective receives what is inside."""
    space = Space(
        hp.choice("m", [hp.option("svm", {"a": hp.int("aa", 1, 3)}), hp.option("none", {"b": 1}), hp.option("k", 5)])
    )

    assert [space.option(0, code) for code in range(3)] == ["svm", "none", "k"]
    assert space.conditions[1] == (((0, 0),),)
    for given, config in (({"m": "svm", "aa": 2}, {"a": 2}), ({"m": "none"}, {"b": 1}), ({"m": "k"}, 5)):
        points = space.encode_params(given)
        assert space.decode(points) == config
        assert space.decode(space.encode(config)) == config
    stored = Space.from_json(json.loads(json.dumps(space.to_json())))
    assert stored.to_json() == space.to_json()
    assert stored.option(0, 0) == "svm"
    assert space.differences(Space(hp.choice("m", [hp.option("x", {"a": hp.int("aa", 1, 3)}), 1, 2])))
