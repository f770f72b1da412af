"""Spaces as JSON: what is kept, what is only named, what differs, and what damage does."""

from __future__ import annotations

import json
import math
import random

import numpy as np
import pytest

from parzen import hp
from parzen.errors import CorruptLog
from parzen.space import Space, scope


class Kernel:
    """An option of the user's."""


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

DAMAGED = [
    None, 3, "text", {}, [], [[]], [None], [["const"]], [["what", 1]], [["list", [0]]], [["list", [5]]], [["list", [-1]]], [["list", "0"]],
    [["const", []]], [["const", {"$what": 1}]], [["const", {"$float": "x"}]], [["param", "x", "uniform", {"low": 1, "high": 0}]],
    [["param", "x", "uniform", {}]], [["param", 3, "uniform", {"low": 0, "high": 1}]], [["param", "x", "what", {}]],
    [["param", "x", "grid", {"low": 0, "high": 1, "step": 0, "log": False, "integral": False}]],
    [["param", "x", "quantized", {"low": 0, "high": 1, "q": 0, "base": "uniform", "integral": False}]],
    [["param", "x", "categorical", {"count": 0}]], [["param", "x", "categorical", {"count": 10**400}]],
    [["param", "x", "categorical", {"count": 3, "weights": [1.0]}]],
    [["const", 1], ["computed", "x", "what", [0], {}]], [["const", 1], ["draw", "what", [0], {}]], [["const", 1], ["switch", 0, 0]],
    [["const", 1], ["switch", 0, []]], [["const", "a"], ["switch", 0, [0]]],
]  # fmt: skip


@pytest.mark.parametrize("data", DAMAGED, ids=lambda data: f"{data!r:.50}")
def test_a_damaged_space_is_a_corrupt_log(data):
    """Whatever is wrong with it, and nothing else."""
    with pytest.raises(CorruptLog):
        Space.from_json(data)


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
        holder[key] = rng.choice([None, -1, 0, 1, 99, 10**30, 0.5, "x", "", [], {}, [0], {"$object": "o"}, True])
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
