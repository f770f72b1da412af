"""Graphs as programs: they are evaluated, walked, copied and printed."""

from __future__ import annotations

import numpy as np
import pytest

from parzen import hp
from parzen.errors import SpaceError
from parzen.hyperopt.pyll import as_apply, clone, clone_merge, dfs, rec_eval, scope, toposort
from parzen.hyperopt.pyll.base import GarbageCollected, Lambda, Literal, MissingArgument, PyllImportError, apply, p0


@pytest.fixture
def symbol():
    """Define symbols for as long as the test lasts."""
    defined = []

    def define(f, **info):
        scope.define(f, **info)
        defined.append(f)
        return f

    yield define
    for f in defined:
        scope.undefine(f)


def test_a_graph_is_evaluated_with_the_values_that_are_given():
    """By the node, as a search's configuration is."""
    x = hp.uniform("x", 0, 1)
    param = x.pos_args[0]

    assert rec_eval({"a": x + 1, "b": [x, 3]}, memo={param: 2}) == {"a": 3.0, "b": (2.0, 3)}
    assert (x * 3).eval({param: 2}) == 6.0


def test_only_the_option_that_is_taken_is_evaluated():
    """The others may raise; indexes of numpy count as whole numbers."""
    index = Literal()
    node = scope.switch(index, "a", scope.Raise(KeyError, "no"))

    assert rec_eval(node, memo={index: np.int64(0)}) == "a"
    assert rec_eval(node, memo={index: np.array([0])}) == "a"
    with pytest.raises(KeyError, match="no"):
        rec_eval(node, memo={index: 1})


def test_errors_are_sentences_that_name_the_parameter(capsys):
    """Nothing is printed; an exception of the user's own keeps its type."""
    choice = hp.choice("kind", ["a", "b"])
    index = choice.pos_args[0]
    with pytest.raises(TypeError, match="the choice of 'kind' must be a whole number, got 'b' of type str"):
        rec_eval(choice, memo={index: "b"})
    with pytest.raises(
        ValueError, match="the choice of 'kind' must be from 0 to 1, because there are 2 options, got 7"
    ):
        rec_eval(choice, memo={index: 7})
    with pytest.raises(SpaceError, match="parameter 'kind' has no value"):
        rec_eval([choice], memo={index: GarbageCollected})
    with pytest.raises(SpaceError, match="'no_such' that scope does not know"):
        rec_eval(apply("no_such", 1))
    with pytest.raises(ValueError, match="a memo is given by name"):
        rec_eval(choice, {index: 0})
    n = hp.randint("n", 5)
    with pytest.raises(ZeroDivisionError) as caught:
        rec_eval(1 / n, memo={n: 0})

    assert getattr(caught.value, "__notes__", ["'truediv', computed from 'n'"])[0].endswith("from 'n'")
    assert capsys.readouterr().out == ""


def test_a_function_may_return_a_graph(symbol):
    """It is evaluated too, and a `Lambda` may use itself."""
    symbol(Lambda("factorial", [("n", p0)], expr=scope.switch(p0 > 1, 1, p0 * apply("factorial", p0 - 1))))

    assert rec_eval(scope.factorial(300)) > 10**600
    assert rec_eval(scope.partial("add", 2)(3)) == 5
    assert rec_eval(scope.callpipe1([scope.partial("add", 2), lambda a: scope.sub(a, 9)], 5)) == -2


def test_deep_graphs_are_no_trouble():
    """Nothing recurses."""
    node = as_apply(0)
    for _ in range(5000):
        node = node + 1

    assert rec_eval(node) == 5000
    assert len(dfs(node)) == len(toposort(clone(node))) == 10001
    assert str(node).count("\n") == 10000


def test_a_circle_is_named():
    """When the nodes are put in order, and when they are evaluated."""
    node = as_apply(1) + 1
    node.pos_args[0] = node
    with pytest.raises(SpaceError, match="circle"):
        toposort(node)
    with pytest.raises(RuntimeError, match="circle"):
        rec_eval(node, max_program_len=100)


def test_a_graph_is_printed_as_a_numbered_tree():
    """What is shared is referred to by its line."""
    x = scope.uniform(0, high=1)

    assert str(as_apply([x, x])).split("\n") == [
        "0 pos_args",
        "1   uniform",
        "2     Literal{0}",
        "3    high =",
        "4     Literal{1}",
        "5   uniform  [line:1]",
    ]


def test_equal_nodes_are_merged_on_request():
    """Constants only where that is asked for; what draws never."""
    a, b, c = as_apply(2), as_apply(3), as_apply(2)
    node = (a + b) * (c + b)
    draws = as_apply([scope.uniform(0, 1), scope.uniform(0, 1)])

    assert (len(dfs(node)), len(dfs(clone_merge(node)))) == (6, 6)
    merged = clone_merge(node, merge_literals=True)
    assert (len(dfs(merged)), merged.eval()) == (4, 25)
    assert len({id(item) for item in clone_merge(draws, merge_literals=True).pos_args}) == 2


def test_arguments_are_found_by_name():
    """However they were given; a node can be rewired."""
    node = scope.quniform(0, q=2, high=10)

    assert [node.arg[name].obj for name in ("low", "high", "q")] == [0, 10, 2]
    assert node.arg["rng"] is MissingArgument
    node.set_kwarg("high", 20)
    assert node.arg["high"].obj == 20
    with pytest.raises(NotImplementedError, match="by position"):
        node.set_kwarg("low", 1)
    other = Literal(7)
    assert node.replace_input(node.pos_args[0], other) == [0]
    assert node.arg["low"] is other
    with pytest.raises(TypeError, match="has 3 inputs, got 1"):
        node.clone_from_inputs([other])


def test_symbols_are_injected_by_name(symbol):
    """And what a symbol was said to return can be unpacked."""

    def pair(x):
        return x, -x

    symbol(pair, o_len=2)
    there: dict = {}
    scope.import_(there, "pair", choose="one_of")
    plus, minus = there["pair"](3)

    assert rec_eval([plus, minus]) == (3, -3)
    assert set(there) == {"pair", "choose"}
    with pytest.raises(PyllImportError, match="no symbol 'nothing'"):
        scope.inject("nothing")
