"""Spaces as JSON: what is kept, what is only named, what differs, and what damage does."""

from __future__ import annotations

import json
import math
import random
from collections import OrderedDict
from enum import Enum, IntEnum

import numpy as np
import pytest

from parzen import hp
from parzen.errors import CorruptLog
from parzen.space import Space, scope


class Kernel:
    """An option of the user's."""


class Colour(str, Enum):
    """Options of the user's."""

    RED = "red"
    BLUE = "blue"


class Size(IntEnum):
    """The same, as numbers."""

    BIG = 1


def scaled(x):
    """A function of the user's."""
    return 2.0 * x


def odd(x):
    """A choice of the user's."""
    return x % 2


def rich() -> Space:
    """Every kind of node."""
    a = hp.int("a", 1, 3)
    x = hp.float("x", 0.1, 1, log=True)
    return Space(
        {
            "a": a,
            "b": hp.uniform("b", 0, a),
            "c": hp.choice("c", [{"x": x}, [x * 2, hp.option("mine", Kernel())], Kernel, math.sin, None]),
            "d": [hp.qnormal("d", 0, 1, 0.5), scope.uniform(0, 1), scope.int(hp.quniform("e", 0, 9, 1))],
            "o": hp.categorical("o", [{"h": 1, "w": [2, {"deep": (3,)}]}, Colour.RED, [[1], []]]),
            "f": (hp.pchoice("f", [(0.25, "p"), (0.75, b"q")]), hp.ordinal("g", [1, 2.5, (3, "t"), math.nan])),
            1: hp.float("h", 0, 1, step=0.25),
        }
    )


def test_json_is_plain_and_the_same_each_time():
    """Through text and back; two spaces that are written alike have equal JSON."""
    text = json.dumps(rich().to_json(), allow_nan=False)

    assert json.loads(text) == rich().to_json()
    assert Space.from_json(json.loads(text)).to_json() == json.loads(text)
    assert "0x" not in text  # an address would differ from process to process


def test_json_values_come_back_and_other_objects_by_name():
    """An object is module and name, never its repr; `hp.option` gives it the name."""
    options = [
        1,
        True,
        1.0,
        "1",
        None,
        math.inf,
        (1, "a"),
        [1],
        Kernel,
        Kernel(),
        hp.option("k", Kernel()),
        len,
        np.int64(7),
        np.bool_(False),
    ]
    stored = Space.from_json(Space(hp.categorical("x", options)).to_json())
    points = stored.from_unit((np.arange(14)[:, None] + 0.5) / 14)
    back = [stored.decode(points, i) for i in range(14)]

    assert back[:8] == [1, True, 1.0, "1", None, math.inf, (1, "a"), [1]]
    assert [type(value) for value in back[:4]] == [int, bool, float, str]
    assert [repr(value) for value in back[8:12]] == [f"<{__name__}.Kernel>"] * 2 + ["<k>", "<builtins.len>"]
    assert back[12:] == [7, False]


def test_a_function_that_this_process_does_not_know_is_read_all_the_same():
    """What hangs on it cannot be known, so that its columns count as always active; nothing is executed."""

    def parity(x):
        return x % 2

    scope.define(parity)
    data = [scope.switch(scope.parity(hp.randint("i", 4)), hp.bool("x"), 0), scope.parity(hp.int("n", 1, 2))]
    space = Space(data)
    written = space.to_json()
    scope.undefine(parity)
    stored = Space.from_json(written)

    assert stored.to_json() == written
    assert stored.labels == space.labels
    assert space.differences(stored) == []
    called = Space([scope.switch(hp.call(parity, hp.randint("i", 4)), hp.bool("x"), 0)])
    assert Space.from_json(called.to_json()).to_json() == called.to_json()


NESTED = [
    {"h": 1, "w": [2.5, {"deep": (None, math.inf)}]}, [[1, 2], [3, [4]]], {}, [], (), {1: "a", (2, "b"): {True: "c"}},
    {"$float": 1}, [{"$object": "x"}],
]  # fmt: skip


@pytest.mark.parametrize("value", NESTED, ids=repr)
def test_containers_of_plain_values_come_back_as_they_were(value):
    """As an option and as a constant beside one, of the same types and in the same order."""
    written = json.loads(json.dumps(Space({"o": hp.categorical("o", [value, 0])}).to_json(), allow_nan=False))
    stored = Space.from_json(written)

    assert repr(stored.decode(stored.from_unit(np.array([[0.1]])))) == repr({"o": value})
    assert stored.to_json() == written


TOLD_APART = [
    ({"h": 1}, {"h": 99}), ([[1], [2]], [[1], [3]]), (np.str_("a"), np.str_("b")), (Colour.RED, Colour.BLUE), (Size.BIG, 1), (0, False),
    (1, 1.0), ([0, 1], [False, True]), ({"a": 1}, {"a": True}), ((1,), [1]), ({1: 0}, {"1": 0}), (0.0, -0.0), (OrderedDict(a=1), OrderedDict(a=2)),
]  # fmt: skip


@pytest.mark.parametrize("pair", TOLD_APART, ids=repr)
def test_options_that_are_not_the_same_are_told_apart(pair):
    """Though they are of one type, or equal in Python; both ways round, also in a list, and against what was stored."""
    one, other = (Space({"o": hp.categorical("o", [option, "else"])}) for option in pair)
    nested, different = (Space({"o": hp.categorical("o", [["in", option], "else"])}) for option in pair)

    assert one.differences(other) != []
    assert other.differences(one) != []
    assert nested.differences(different) != []
    assert Space.from_json(one.to_json()).differences(other) != []
    assert Space.from_json(one.to_json()).differences(one) == []


def test_members_of_enums_and_numpy_text_have_names_and_values():
    """A member as class and name, so that nothing is executed when it is read; text as text."""
    space = Space(hp.categorical("o", [Colour.RED, Size.BIG, np.str_("a"), hp.option("big", Size.BIG)]))
    stored = Space.from_json(space.to_json())
    points = stored.from_unit((np.arange(4)[:, None] + 0.5) / 4)

    assert repr([stored.decode(points, i) for i in range(4)]) == (
        f"[<{__name__}.Colour.RED>, <{__name__}.Size.BIG>, 'a', <big>]"
    )
    assert stored.option(0, 0) == "RED"


def test_an_option_that_contains_itself_or_is_very_deep_is_written_all_the_same():
    """Cut where it begins again, or at a depth that no option has by intention; what was cut is known by its type."""
    circular: dict[str, object] = {"a": 1}
    circular["me"] = [circular]
    deep: list[object] = []
    for _ in range(5_000):
        deep = [deep]
    keys = {Kernel(): 1, Kernel(): 2}
    written = Space([hp.categorical("o", [circular, deep, keys])]).to_json()
    text = json.dumps(written)

    assert '{"$dict": [["a", 1], ["me", {"$list": [{"$object": "builtins.dict"}]}]]}' in text
    assert text.count("$list") == 21  # one in the circular one
    assert '["const", {"$object": "builtins.dict"}]' in text  # its keys could not be told apart
    assert Space.from_json(json.loads(text)).to_json() == written


# --- what hangs on what was lost --------------------------------------------------------------------------------


def test_what_is_computed_by_a_lost_function_is_unknown_too():
    """A stored study can be looked at: arithmetic on the lost result, choices by it, containers with it in them."""
    n = hp.int("n", 1, 5)
    call = hp.call(scaled, n)
    data = {
        "u": call * 2.5,
        "v": [scope.int(call + 1), hp.call(len, [n])],
        "w": scope.switch(hp.call(odd, n), "a", "b"),
        "x": scope.max([call, 1]),
        "y": scope.getitem([call, n], 1),
        "z": hp.option("kernel", Kernel()),
        "plain": n * 2,
    }
    space = Space(data)
    points = space.encode_params({"n": 3})
    stored = Space.from_json(space.to_json())
    config = stored.decode(points)

    assert repr(config["u"]) == "<mul(…)>"
    assert repr(config["v"]) == "[<int(…)>, <builtins.len(…)>]"
    assert repr(config["w"]) == f"<{__name__}.odd(…)>"
    assert repr(config["x"]) == "<max(…)>"
    assert (config["y"], repr(config["z"]), config["plain"]) == (3, "<kernel>", 6)
    assert stored.params(points) == {"n": 3}
    assert np.array_equal(stored.to_unit(points), space.to_unit(points))


def test_a_parameter_whose_bounds_are_computed_by_a_lost_function_has_no_quantile():
    """Its value is in the row all the same, and the other columns are as they were."""
    a = hp.float("a", 1, 2)
    space = Space([a, hp.float("b", 0, hp.call(scaled, a)), hp.float("c", 0, a * 2)])
    points = space.from_unit(np.array([[0.5, 0.25, 0.75], [0.1, 0.2, 0.3]]))
    stored = Space.from_json(space.to_json())
    unit = stored.to_unit(points)

    assert np.isnan(unit[:, 1]).all()
    assert np.array_equal(unit[:, [0, 2]], space.to_unit(points)[:, [0, 2]])
    assert [stored.params(points, i) for i in range(2)] == [space.params(points, i) for i in range(2)]
    assert stored.decode(points, 1) == space.decode(points, 1)


def test_a_draw_with_lost_bounds_leaves_those_after_it_as_they_were():
    """The trial's own generator goes on by one number, whatever is known."""
    space = Space([scope.uniform(0, hp.call(scaled, hp.int("n", 1, 5))), scope.uniform(0, 1)])
    points = space.encode_params({"n": 2})
    was, (lost, after) = (
        known.decode(points, 0, lambda: np.random.default_rng(3)) for known in (space, Space.from_json(space.to_json()))
    )

    assert repr(lost) == "<uniform(…)>"
    assert after == was[1]


def test_an_error_of_a_function_that_is_known_is_not_hidden():
    """Only what is lost is unknown; a mistake in the space is a mistake."""
    space = Space(1 / hp.int("n", 0, 5))

    with pytest.raises(ZeroDivisionError):
        space.decode(space.encode_params({"n": 0}))
    with pytest.raises(ZeroDivisionError):
        Space.from_json(space.to_json()).decode(space.encode_params({"n": 0}))


# --- differences ------------------------------------------------------------------------------------------------

BASE = {
    "lr": lambda: hp.float("lr", 0, 1),
    "opt": lambda: hp.categorical("opt", ["adam", "sgd"]),
    "net": lambda: hp.choice("net", ["none", {"depth": hp.int("depth", 1, 9)}]),
}
CHANGES = {
    "new": ({"wd": lambda: hp.bool("wd")}, ["parameter 'wd' is new"]),
    "gone": ({"lr": lambda: 0.5}, ["parameter 'lr' is gone"]),
    "renamed": ({"lr": lambda: hp.float("rate", 0, 1)}, ["parameter 'rate' is new", "parameter 'lr' is gone"]),
    "range": (
        {"lr": lambda: hp.float("lr", 0, 2)},
        ["parameter 'lr' was uniform(low=0.0, high=1.0) and is uniform(low=0.0, high=2.0)"],
    ),
    "options": (
        {"opt": lambda: hp.categorical("opt", ["adam", "lion"])},
        ["the options of 'opt' were [\"'adam'\", \"'sgd'\"] and are [\"'adam'\", \"'lion'\"]"],
    ),
    "order of options": (
        {"opt": lambda: hp.categorical("opt", ["sgd", "adam"])},
        ["the options of 'opt' were [\"'adam'\", \"'sgd'\"] and are [\"'sgd'\", \"'adam'\"]"],
    ),
    "condition": (
        {"net": lambda: hp.choice("net", [{"depth": hp.int("depth", 1, 9)}, "none"])},
        ["parameter 'depth' was active if net = ", "and is active if net = "],
    ),
    "constant": ({"const": lambda: 2}, ["the fixed parts of the space differ"]),
    "arithmetic": ({"lr": lambda: hp.float("lr", 0, 1) * 2}, ["the fixed parts of the space differ"]),
}


def made(change: dict[str, object]) -> Space:
    """The base with some of its parts replaced."""
    return Space({key: make() for key, make in {**BASE, **change}.items()})


@pytest.mark.parametrize("case", CHANGES)
def test_what_differs_is_said_in_sentences(case):
    """Each names the label and says was and is; the two sides are told apart."""
    change, sentences = CHANGES[case]
    found = made({}).differences(made(change))
    text = "; ".join(found)

    assert all(sentence in text for sentence in sentences)
    assert made(change).differences(made({})) != []
    assert made(change).differences(made(change)) == []


# --- damage -----------------------------------------------------------------------------------------------------


def nested(depth: int) -> object:
    """A constant of lists in lists."""
    value: object = 1
    for _ in range(depth):
        value = {"$list": [value]}
    return value


DAMAGED = [
    None, 3, "text", {}, [], [[]], [None], [["const"]], [["what", 1]], [["list", [0]]], [["list", [5]]], [["list", [-1]]], [["list", "0"]],
    [["const", []]], [["const", {"$what": 1}]], [["const", {"$float": "x"}]], [["param", "x", "uniform", {"low": 1, "high": 0}]],
    [["param", "x", "uniform", {}]], [["param", 3, "uniform", {"low": 0, "high": 1}]], [["param", "x", "what", {}]],
    [["param", "x", "grid", {"low": 0, "high": 1, "step": 0, "log": False, "integral": False}]],
    [["param", "x", "quantized", {"low": 0, "high": 1, "q": 0, "base": "uniform", "integral": False}]],
    [["param", "x", "categorical", {"count": 0}]], [["param", "x", "categorical", {"count": 10**400}]],
    [["param", "x", "categorical", {"count": 3, "weights": [1.0]}]],
    [["const", 1], ["computed", "x", "what", [0], {}]], [["const", 1], ["switch", 0, 0]],
    [["const", 1], ["switch", 0, []]], [["const", "a"], ["switch", 0, [0]]],
    [["const", {"$list": "ab"}]], [["const", {"$dict": {"a": 1}}]], [["const", {"$dict": [[1]]}]], [["const", {"$dict": [[{"$list": []}, 1]]}]],
    [["const", 1], ["dict", [{"$list": []}], [0]]], [["const", nested(21)]],
]  # fmt: skip


@pytest.mark.parametrize("data", DAMAGED, ids=lambda data: f"{data!r:.50}")
def test_a_damaged_space_is_a_corrupt_log(data):
    """Whatever is wrong with it, and nothing else."""
    with pytest.raises(CorruptLog):
        Space.from_json(data)


def test_a_space_that_is_nested_too_deep_to_look_at_is_a_corrupt_log():
    """Where a constant stands, and where text does."""
    for depth in (100, 900, 20_000):
        deep = nested(depth)
        for damaged in ([["const", deep]], [["draw", deep, [], {}]]):
            with pytest.raises(CorruptLog):
                Space.from_json(damaged)


def mutated(data: object, rng: random.Random) -> object:
    """The same JSON with one value somewhere in it replaced, dropped, or swapped for another part."""
    pieces: list[tuple[object, object]] = []
    stack = [data]
    while stack:
        part = stack.pop()
        keys = list(part) if isinstance(part, dict) else list(range(len(part))) if isinstance(part, list) else []
        pieces += [(part, key) for key in keys]
        stack += [part[key] for key in keys]
    holder, key = rng.choice(pieces)
    kind = rng.randrange(3)
    if kind == 0:
        del holder[key]
    elif kind == 1:
        other, place = rng.choice(pieces)
        holder[key] = json.loads(json.dumps(other[place])) if not isinstance(other[place], (list, dict)) else 1
    else:
        holder[key] = rng.choice(
            [None, -1, 0, 1, 99, 10**30, 0.5, "x", "", [], {}, [0], {"$object": "o"}, {"$dict": [["a", 1]]}, True]
        )
    return data


def test_a_space_with_one_part_changed_is_read_or_refused():
    """Random damage: a space or a CorruptLog, never another exception."""
    text = json.dumps(rich().to_json())
    rng = random.Random(5)
    refused = 0
    for _ in range(1500):
        data = mutated(json.loads(text), rng)
        try:
            space = Space.from_json(data)
            assert space.d >= 0
        except CorruptLog:
            refused += 1

    assert 300 < refused < 1500
