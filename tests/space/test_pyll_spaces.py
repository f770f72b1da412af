"""Whatever Hyperopt's language can say becomes a space."""

from __future__ import annotations

import numpy as np
import pytest

from parzen import hp
from parzen.errors import SpaceError
from parzen.space import Apply, Literal, Space, scope


def _draws(space, n=60):
    points = space.sample(np.random.default_rng(1), n)
    return [space.decode(points, i, lambda i=i: np.random.default_rng(i)) for i in range(n)]


@pytest.fixture
def symbol():
    """Define symbols for as long as the test lasts."""
    defined = []

    def define(f):
        scope.define(f)
        defined.append(f)
        return f

    yield define
    for f in defined:
        scope.undefine(f)


def test_draws_take_their_arguments_by_name():
    """Under a label and without one; a generator that was given with a label is not used."""
    assert set(_draws(Space(scope.quniform(q=2, low=0, high=7.9)))) == {0.0, 2.0, 4.0, 6.0, 8.0}
    param = scope.hyperopt_param("x", scope.randint(low=3, high=5, rng=np.random.default_rng(0)))
    assert Space(param).labels == ("x",)
    assert set(_draws(Space(param))) == {3, 4}


def test_draws_without_a_label_may_have_a_generator_and_a_shape():
    """They are drawn with the trial's own generator nevertheless, so that they can be had again."""
    given = np.random.default_rng(5)
    space = Space([hp.bool("b"), scope.normal(0, 1, rng=given), scope.uniform(0, 1, size=(2, 3))])

    got, again = _draws(space, 3), _draws(space, 3)
    assert [c[1] for c in got] == [c[1] for c in again]
    assert got[0][2].shape == (2, 3)
    assert given.random() == np.random.default_rng(5).random()


def test_one_of_draws_without_a_label():
    """Each configuration anew; parameters in its options are always columns."""
    space = Space([scope.one_of("a", "b", hp.uniform("x", 5, 6)), scope.choice([1, 2])])

    got = _draws(space)
    assert {x for _, x in got} == {1, 2}
    assert {x for x, _ in got if isinstance(x, str)} == {"a", "b"}


def test_a_draw_of_the_users_own_is_drawn_from_the_trials_generator(symbol):
    """It cannot have a label, because its quantiles are not known."""

    def triangle(top, rng=None, size=()):
        return rng.triangular(0, top, 1, size=size)

    symbol(triangle)
    scope.stochastic.add("triangle")
    space = Space({"t": scope.triangle(0.5), "x": hp.uniform("x", 0, 1)})

    got = _draws(space, 3)
    assert [c["t"] for c in got] == [np.random.default_rng(i).triangular(0, 0.5, 1) for i in range(3)]
    stored = Space.from_json(space.to_json())
    assert _draws(stored, 3) == got
    with pytest.raises(SpaceError, match="'y': parzen does not know the quantiles of 'triangle'"):
        Space(scope.hyperopt_param("y", scope.triangle(0.5)))
    scope.undefine(triangle)
    assert repr(_draws(Space.from_json(space.to_json()), 1)[0]["t"]) == "<triangle(…)>"
    scope.define(triangle)


def test_a_name_may_choose_among_options():
    """And what is in an option is active when its name is drawn."""
    space = Space(scope.kwswitch(hp.choice("kind", ["sgd", "adam"]), adam=hp.uniform("beta", 0, 1), sgd="plain"))

    assert {type(config) for config in _draws(space)} == {str, float}


def test_a_function_may_return_a_graph(symbol):
    """Which is evaluated too."""

    @symbol
    def doubled(x):
        return scope.add(x, x)

    assert set(_draws(Space(scope.doubled(hp.randint("n", 1, 3))))) == {2, 4}
    assert set(_draws(Space(scope.partial("add", 2)(hp.randint("n", 2))))) == {2, 3}


def test_int_and_float_around_a_draw_of_that_kind_are_no_functions():
    """`hp.randint` has Hyperopt's nodes, and costs nothing more."""
    node = hp.randint("n", 3)
    space = Space(scope.int(node))

    assert (node.name, node.pos_args[0].name) == ("int", "hyperopt_param")
    assert len(space.nodes) == 1
    assert {type(n) for n in _draws(space)} == {int}
    assert Space(scope.switch(hp.randint("k", 2), "a", hp.uniform("x", 0, 1))).conditions[1] == (((0, 1),),)


def test_a_label_may_be_given_by_name():
    """As any argument."""
    node = Apply("hyperopt_param", [], {"label": Literal("x"), "obj": scope.uniform(0, 1)})

    assert Space(node).labels == ("x",)
