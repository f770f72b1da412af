"""Spaces of extreme shape: many parameters, many options, deep data, deep choices, cycles."""

from __future__ import annotations

import time

import numpy as np
import pytest

from parzen import hp
from parzen.errors import SpaceError
from parzen.space import Space, as_apply


def nested(depth: int, inner: object) -> object:
    """Plain data, lists and mappings in turn."""
    for level in range(depth):
        inner = [inner] if level % 2 else {"k": inner}
    return inner


def unnested(config: object) -> object:
    """What is at the bottom of it."""
    while isinstance(config, (list, tuple, dict)):
        config = config["k"] if isinstance(config, dict) else config[0]
    return config


def choices(depth: int) -> object:
    """A choice inside of the last option of a choice, and so on."""
    node: object = hp.uniform("x", 0, 1)
    for level in range(depth):
        node = hp.choice(f"c{level}", ["stop", node])
    return node


def works(space: Space, *, unit: float = 0.9) -> object:
    """Draw, decode, read back, store; the configuration at one quantile of everything."""
    points = space.from_unit(np.full((1, space.d), unit))
    config = space.decode(points)

    assert np.array_equal(space.encode(config).values, points.values, equal_nan=True)
    assert np.array_equal(space.encode_params(space.params(points)).values, points.values, equal_nan=True)
    assert Space.from_json(space.to_json()).to_json() == space.to_json()
    assert repr(space)
    return config


@pytest.mark.slow
def test_ten_thousand_parameters():
    """In a few seconds at the very most, also where half of them are conditional."""
    start = time.process_time()
    flat = Space({f"p{i}": hp.float(f"p{i}", 0, 1) for i in range(10_000)})
    conditional = Space({f"c{i}": hp.choice(f"c{i}", [0, {"k": hp.int(f"k{i}", 1, 9)}]) for i in range(5_000)})

    assert (flat.d, conditional.d) == (10_000, 10_000)
    assert set(works(flat).values()) == {0.9}
    assert works(conditional)["c77"] == {"k": 9}
    assert time.process_time() - start < 20


def test_ten_thousand_options():
    """The last one is found again."""
    space = Space(hp.choice("c", range(10_000)))

    assert works(space, unit=1.0) == 9_999
    assert len(set(space.sample(np.random.default_rng(0), 1000).values[:, 0])) > 900


@pytest.mark.parametrize(
    "wrap", [lambda data: data, as_apply, lambda data: hp.choice("c", [0, data])], ids=["data", "as_apply", "choice"]
)
def test_plain_data_nested_five_thousand_deep(wrap):
    """Python's stack is not what holds it."""
    space = Space(wrap(nested(5_000, hp.uniform("x", 0, 1))))

    assert unnested(works(space)) == 0.9


def test_choices_nested_as_deep_as_they_may_be():
    """250 work; one more is a SpaceError that names a label."""
    assert works(Space(choices(250))) == 0.9
    with pytest.raises(SpaceError, match="'c0': choices are nested deeper than 250") as caught:
        Space(choices(251))
    assert caught.value.label == "c0"


def test_an_expression_may_be_long():
    """A sum of a thousand terms: arithmetic is not nested data, but is turned over in the same way."""
    node = hp.int("x", 1, 1)
    for _ in range(1_000):
        node = node + 1
    space = Space(node)

    assert space.decode(space.sample(np.random.default_rng(0))) == 1_001
    assert space.encode(1_001).values.tolist() == [[1.0]]


def list_in_itself() -> object:
    data: list[object] = [1]
    data.append({"again": data})
    return data


def dict_in_itself() -> object:
    data: dict[str, object] = {"a": 1}
    data["again"] = (data,)
    return data


def node_in_itself() -> object:
    node = hp.uniform("x", 0, 1) + 1
    node.pos_args[1] = node
    return node


def node_in_a_list_in_itself() -> object:
    options: list[object] = [1]
    node = hp.choice("c", options)
    node.pos_args.append(as_apply([node]))
    return [node]


@pytest.mark.parametrize("make", [list_in_itself, dict_in_itself, node_in_itself, node_in_a_list_in_itself])
def test_a_cycle_is_refused(make):
    """It says that the space contains itself, wherever it begins."""
    for data in (make(), [1, make()], {"a": make()}):
        with pytest.raises(SpaceError, match="contains itself"):
            Space(data)


@pytest.mark.parametrize("make", [list_in_itself, dict_in_itself])
@pytest.mark.parametrize(
    "door", [as_apply, lambda data: hp.choice("c", [data, 1]), lambda data: hp.pchoice("c", [(1.0, data)])]
)
def test_a_cycle_is_refused_where_it_is_written(make, door):
    """The words that turn data into nodes see it first."""
    with pytest.raises(SpaceError, match="contains itself"):
        door(make())


def test_what_is_shared_is_no_cycle():
    """One list in many places, also at many depths, is one list."""
    x = [hp.uniform("x", 0, 1)]
    diamond: object = x
    for _ in range(50):
        diamond = [diamond, diamond]
    space = Space([x, {"a": x, "b": (x, [x])}])

    assert space.labels == ("x",)
    assert Space(as_apply([x, x])).labels == ("x",)
    assert Space(diamond).d == 1  # 2**50 places
