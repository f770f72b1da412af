"""Draws from graphs: the same numbers as Hyperopt, and nothing that the space does not have."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parzen import hp
from parzen.errors import SpaceError
from parzen.hyperopt.pyll import as_apply, clone, dfs, rec_eval, scope
from parzen.hyperopt.pyll.base import GarbageCollected
from parzen.hyperopt.pyll.stochastic import implicit_stochastic, recursive_set_rng_kwarg, sample
from parzen.hyperopt.vectorize import VectorizeHelper
from parzen.space import Literal, Space
from parzen.space._graph import label_of
from tests.strategies import spaces_with_rows

DRAWS = {
    "uniform": (scope.uniform(0, 2), lambda rng: rng.uniform(0, 2)),
    "loguniform": (scope.loguniform(0, 2), lambda rng: np.exp(rng.uniform(0, 2))),
    "quniform": (scope.quniform(0, 9, 2), lambda rng: np.round(rng.uniform(0, 9) / 2) * 2),
    "qloguniform": (scope.qloguniform(0, 3, 2), lambda rng: np.round(np.exp(rng.uniform(0, 3)) / 2) * 2),
    "normal": (scope.normal(1, 2), lambda rng: rng.normal(1, 2)),
    "qnormal": (scope.qnormal(1, 9, 2), lambda rng: np.round(rng.normal(1, 9) / 2) * 2),
    "lognormal": (scope.lognormal(1, 2), lambda rng: np.exp(rng.normal(1, 2))),
    "qlognormal": (scope.qlognormal(1, 2, 3), lambda rng: np.round(np.exp(rng.normal(1, 2)) / 3) * 3),
    "randint": (scope.randint(9), lambda rng: rng.integers(9)),
    "randint from": (scope.randint(5, 9), lambda rng: rng.integers(5, 9)),
    "categorical": (scope.categorical([0.2, 0.8]), lambda rng: [rng.multinomial(1, [0.2, 0.8]).argmax()]),
}


@pytest.mark.parametrize("case", DRAWS)
def test_a_draw_is_one_call_of_the_generator(case):
    """The same as Hyperopt's, of one number or of many."""
    node, call = DRAWS[case]
    ours, theirs = np.random.default_rng(3), np.random.default_rng(3)

    for _ in range(5):
        assert sample(node, ours) == call(theirs)


def test_draws_come_in_hyperopts_order():
    """The last argument first, and only in the option that is taken: these numbers are Hyperopt's."""
    x = hp.uniform("x", 0, 1)
    space = {"a": hp.choice("a", ["no", x]), "b": [x, hp.randint("r", 5)], "c": hp.uniformint("u", 1, 9)}
    rng = np.random.default_rng(7)

    u = np.round(rng.uniform(1, 9))
    r = rng.integers(5)
    drawn = rng.uniform(0, 1)
    taken = rng.integers(2)
    assert sample(space, np.random.default_rng(7)) == {"a": ["no", drawn][taken], "b": (drawn, r), "c": u}


def test_all_draws_of_a_graph_use_the_generator_that_it_is_given():
    """The graph itself is changed; `sample` changes a copy."""
    node = as_apply([scope.uniform(0, 1), hp.int("i", 0, 9), hp.float("f", 1, 2), hp.ordinal("o", [1, 2])])
    with pytest.raises(SpaceError, match="needs a generator"):
        rec_eval(node)
    before = str(node)
    drawn = sample(node, np.random.default_rng(0))

    assert str(node) == before
    assert [type(value) for value in drawn] == [np.ndarray, int, float, int]  # Hyperopt's has no dimensions
    recursive_set_rng_kwarg(node, scope.rng_from_seed(0))
    assert rec_eval(node) == rec_eval(clone(node)) == drawn


def test_a_symbol_of_the_users_own_may_draw():
    """When it is said that it does."""

    @implicit_stochastic
    @scope.define
    def coin(rng=None, size=()):
        return rng.integers(2, size=size)

    try:
        assert {int(sample(scope.coin(), np.random.default_rng(i))) for i in range(9)} == {0, 1}
    finally:
        scope.undefine(coin)


def test_our_own_words_draw_arrays_too():
    """One by one where an argument is drawn itself."""
    node = scope.integer(np.array([1, 10]), np.array([2, 20]), size=2, rng=np.random.default_rng(0))

    low, high = rec_eval(node)
    assert 1 <= low <= 2
    assert 10 <= high <= 20


@given(spaces_with_rows())
def test_a_graph_comes_to_what_the_compiled_space_says(written):
    """Given the same values of its parameters."""
    data, _, unit = written
    expr = as_apply(data)
    space = Space(expr)
    points = space.from_unit(unit)
    for i in range(len(unit)):
        memo = {}
        for node in dfs(expr):
            label = label_of(node)
            if label is not None:
                j = space.column[label]
                x, active = points.values[i, j], points.active[i, j]
                memo[node] = GarbageCollected if not active else _value(space, j, points.values[i], x)

        assert repr(rec_eval(expr, memo=memo)) == repr(space.decode(points, i))


def _value(space, j, row, x):
    return space.distribution(j, row).value(float(x))


@pytest.mark.slow
@given(spaces_with_rows(), st.integers(0, 99))
def test_a_vectorised_graph_draws_values_of_the_space(written, seed):
    """Of active parameters only."""
    expr, ids = as_apply(written[0]), Literal("ids")
    space = Space(expr)
    helper = VectorizeHelper(expr, ids)
    both = scope.pos_args(helper.idxs_by_label(), helper.vals_by_label())
    idxs, vals = rec_eval(recursive_set_rng_kwarg(both, np.random.default_rng(seed)), memo={ids: range(6)})
    rows = np.full((6, space.d), np.nan)
    for j, label in enumerate(space.labels):
        rows[np.asarray(idxs[label], dtype=int), j] = vals[label]

    assert space.outside(rows) is None
