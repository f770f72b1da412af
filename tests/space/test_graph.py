"""The nodes that spaces are written with."""

from __future__ import annotations

import numpy as np
import pytest

from parzen import hp
from parzen.errors import BadLabel, SpaceError
from parzen.space import Apply, Literal, Space, as_apply, scope

OPERATORS = {
    "+": (lambda n: n + 2, lambda x: x + 2),
    "r+": (lambda n: 2 + n, lambda x: 2 + x),
    "-": (lambda n: n - 2, lambda x: x - 2),
    "r-": (lambda n: 2 - n, lambda x: 2 - x),
    "*": (lambda n: n * 2, lambda x: x * 2),
    "r*": (lambda n: 2 * n, lambda x: 2 * x),
    "/": (lambda n: n / 2, lambda x: x / 2),
    "r/": (lambda n: 2 / n, lambda x: 2 / x),
    "//": (lambda n: n // 2, lambda x: x // 2),
    "r//": (lambda n: 7 // n, lambda x: 7 // x),
    "%": (lambda n: n % 2, lambda x: x % 2),
    "r%": (lambda n: 7 % n, lambda x: 7 % x),
    "**": (lambda n: n**2, lambda x: x**2),
    "r**": (lambda n: 2**n, lambda x: 2**x),
    "-x": (lambda n: -n, lambda x: -x),
    "abs": (lambda n: abs(-n), abs),
    "<": (lambda n: n < 3, lambda x: x < 3),
    "<=": (lambda n: n <= 3, lambda x: x <= 3),
    ">": (lambda n: n > 3, lambda x: x > 3),
    ">=": (lambda n: n >= 3, lambda x: x >= 3),
    "int": (scope.int, int),
    "float": (scope.float, float),
    "exp": (scope.exp, np.exp),
    "getitem": (lambda n: scope.getitem([10, 20, 30, 40, 50, 60], n), lambda x: 10 * (x + 1)),
    "call": (lambda n: hp.call(divmod, n, 2), lambda x: divmod(x, 2)),
    "call with a name": (lambda n: hp.call(dict, k=n), lambda x: {"k": x}),
    "max": (lambda n: scope.max([n, 3]), lambda x: max(x, 3)),
}


@pytest.mark.parametrize("case", OPERATORS)
def test_operators_on_nodes_compute_what_they_say(case):
    """For each of five values."""
    node, plain = OPERATORS[case]
    space = Space(node(hp.int("n", 1, 5)))
    points = space.from_unit(np.linspace(0, 1, 5)[:, None])
    stored = Space.from_json(space.to_json())

    assert [space.decode(points, i) for i in range(5)] == [plain(x) for x in range(1, 6)]
    if "call" not in case:
        assert [stored.decode(points, i) for i in range(5)] == [plain(x) for x in range(1, 6)]


def test_a_node_may_be_called_indexed_and_unpacked():
    """What an option is may be chosen first and used afterwards."""
    function = hp.choice("f", [min, max])
    pair = as_apply([hp.int("a", 1, 1), hp.int("b", 2, 2)])
    left, right = pair
    space = Space([function(3, 4), left + right, pair[1], len(pair)])
    configs = {tuple(space.decode(space.from_unit(np.array([[u, 0.5, 0.5]])))) for u in (0.1, 0.9)}

    assert configs == {(3, 3, 2, 2), (4, 3, 2, 2)}
    with pytest.raises(TypeError, match="not known before"):
        len(hp.int("c", 1, 2))


def test_nodes_compare_by_identity_and_are_true():
    """So that they can be keys, be looked for in lists, and stand in an `if`."""
    a, b = hp.int("n", 1, 5), hp.int("n", 1, 5)

    assert a != b
    assert a in [b, a]
    assert len({a, b}) == 2
    assert a
    assert "n" in repr(a)


def test_data_becomes_a_graph_as_in_hyperopt():
    """Lists become tuples, text keys are sorted, other keys stay as they are."""
    space = Space(as_apply({"b": [1, (2, [])], "a": {3: "x", "y": None}}))

    assert space.decode(space.sample(np.random.default_rng(0))) == {"a": {3: "x", "y": None}, "b": (1, (2, ()))}
    assert list(space.decode(space.sample(np.random.default_rng(0)))) == ["a", "b"]
    assert isinstance(as_apply(3), Literal)
    node = hp.bool("x")
    assert as_apply(node) is node


def test_what_was_changed_after_the_words_were_written_counts():
    """hyperopt-sklearn edits the graph; a list that grew has grown."""
    node = hp.uniform("x", 0, 1)
    inner = node.pos_args[0]
    assert isinstance(inner, Apply)
    inner.pos_args[1].pos_args[1] = Literal(5.0)
    data = [node]
    data.append(hp.bool("later"))
    space = Space(data)
    data.append(hp.bool("too late"))

    assert space.distributions[0].high == 5.0
    assert space.labels == ("x", "later")


def test_a_change_that_makes_no_sense_is_found_when_the_space_is_made():
    """What was written was fine; what it was turned into is not."""
    node = hp.uniform("x", 0, 1)
    node.pos_args[0].pos_args[1].pos_args[1] = Literal(-5.0)
    with pytest.raises(SpaceError, match=r"'x': low must be less than high, got low=0\.0, high=-5\.0"):
        Space(node)


@pytest.fixture
def twice():
    """A symbol for as long as the test lasts."""

    def twice(x):
        return 2 * x

    yield scope.define(twice)
    scope.undefine(twice)


def test_symbols_can_be_added_and_taken_back(twice):
    """By a decorator; a name that is taken by another function is refused."""
    node = scope.twice(hp.int("n", 3, 3))

    assert Space(node).decode(Space(node).sample(np.random.default_rng(0))) == 6
    assert scope.define(twice) is twice
    with pytest.raises(ValueError, match="'twice' already"):
        scope.define(lambda x: x, name="twice")
    scope.define_if_new(twice)


def test_a_symbol_that_is_unknown_is_named():
    """When it is asked for, and when a graph uses it."""
    with pytest.raises(AttributeError, match="no symbol 'thrice'; add it"):
        scope.thrice  # noqa: B018  # the attribute is what is tested
    with pytest.raises(SpaceError, match="'thrice' that scope does not know"):
        Space(Apply("thrice", [Literal(1)]))


HIDDEN = {"a key": lambda x: {x: 1}, "a set": lambda x: {"a": {x}}, "a frozen set": lambda x: [frozenset([1, x])]}


@pytest.mark.parametrize("case", HIDDEN)
def test_a_parameter_where_it_cannot_be_drawn_is_refused(case):
    """Rather than handing a node to the objective."""
    with pytest.raises(SpaceError, match=r"constants|set"):
        Space(HIDDEN[case](hp.uniform("x", 0, 1)))


def test_a_label_that_is_no_text_is_found_in_a_graph_made_by_hand():
    """Like the words do."""
    with pytest.raises(BadLabel, match="must be text, got 3"):
        Space(Apply("hyperopt_param", [Literal(3), Apply("uniform", [Literal(0), Literal(1)])]))
    with pytest.raises(SpaceError, match="'x': a parameter is a finite number, and 'literal' draws 'one'"):
        Space(Apply("hyperopt_param", [Literal("x"), Literal("one")]))
    with pytest.raises(SpaceError, match="wrong arguments"):
        Space(Apply("hyperopt_param", [Literal("x"), Apply("uniform", [Literal(0)])]))
