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
    """Where it has no label."""

    def triangle(top, rng=None, size=()):
        return rng.triangular(0, top, 1, size=size)

    symbol(triangle)
    scope.stochastic.add("triangle")
    space = Space({"t": scope.triangle(0.5), "x": hp.uniform("x", 0, 1)})

    got = _draws(space, 3)
    assert [c["t"] for c in got] == [np.random.default_rng(i).triangular(0, 0.5, 1) for i in range(3)]
    stored = Space.from_json(space.to_json())
    assert _draws(stored, 3) == got
    scope.undefine(triangle)
    assert repr(_draws(Space.from_json(space.to_json()), 1)[0]["t"]) == "<triangle(…)>"
    scope.define(triangle)


@pytest.mark.parametrize(
    ("draw", "levels", "kind"),
    [
        (lambda rng, size: rng.beta(2, 5, size=size), None, float),
        (lambda rng, size: rng.choice([2, 3, 5, 7], size=size), 4, int),
        (lambda rng, size: rng.choice([0.5, 2.5], p=[0.9, 0.1], size=size), 2, float),
        (lambda rng, size: np.exp(rng.uniform(0, 20, size=size)) // 1, None, float),
        (lambda rng, size: np.full((1,), 3) if size == () else np.full(size, 3), 1, int),
    ],
)
def test_a_draw_of_the_users_own_may_be_a_parameter(symbol, draw, levels, kind):
    """Its quantiles are those of many draws; the same program has the same space, and a file holds it."""

    def own(rng=None, size=()):
        return draw(rng, size)

    symbol(own)
    scope.stochastic.add("own")
    space = Space({"y": scope.hyperopt_param("y", scope.own())})
    again = Space.from_json(space.to_json())
    dist = space.distributions[0]
    ours, theirs = space.sample(np.random.default_rng(1), 4000).values[:, 0], draw(np.random.default_rng(2), 4000)

    assert (
        again.distributions == space.distributions == Space({"y": scope.hyperopt_param("y", scope.own())}).distributions
    )
    assert levels is None or dist.size == levels
    assert type(space.decode(space.sample(np.random.default_rng(3)))["y"]) is kind
    for level in (0.1, 0.5, 0.9):
        share = np.mean(ours <= np.quantile(theirs, level)) - np.mean(theirs <= np.quantile(theirs, level))
        assert abs(share) < 0.08
    if levels is not None:
        assert set(ours) == set(theirs)
    np.testing.assert_allclose(dist.from_unit(dist.to_unit(ours)), ours, rtol=1e-9)


def test_an_expression_of_draws_may_have_a_label(symbol):
    """And an own draw with arguments that are computed; not one that hangs on another parameter."""

    def shifted(by, rng=None, size=()):
        return by + rng.random(size)

    symbol(shifted)
    scope.stochastic.add("shifted")
    space = Space([
        scope.hyperopt_param("a", scope.uniform(0, 1) * 10 + 5),
        scope.hyperopt_param("b", scope.shifted(scope.int(2.5))),
        scope.hyperopt_param("c", scope.one_of(3, 4)),
    ])  # fmt: skip
    low, high = space.from_unit(np.array([[0.0] * 3, [1.0] * 3])).values

    assert 5 <= low[0] < 5.2
    assert 14.8 < high[0] <= 15
    assert 2 <= low[1] < 2.1
    assert 2.9 < high[1] <= 3
    assert (low[2], high[2]) == (3, 4)
    with pytest.raises(SpaceError, match="'d': what 'shifted' draws depends on another parameter"):
        Space(scope.hyperopt_param("d", scope.shifted(hp.uniform("x", 0, 1))))


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
