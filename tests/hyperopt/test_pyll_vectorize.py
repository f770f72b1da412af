"""The graph that draws for many trials at once, as algorithms of the user's own evaluate it."""

from __future__ import annotations

import numpy as np
import pytest

from parzen import hp
from parzen.hyperopt.base import Domain
from parzen.hyperopt.pyll import as_apply, rec_eval, scope, toposort
from parzen.hyperopt.pyll.stochastic import recursive_set_rng_kwarg
from parzen.hyperopt.vectorize import VectorizeHelper
from parzen.space import Literal, Space

shared = hp.uniform("shared", 0, 1)
low = hp.uniform("low", 0, 1)
number = hp.randint("number", 3)
inner = hp.choice("inner", [0, number])
SPACES = {
    "flat": {"x": hp.uniform("x", -1, 1), "n": hp.uniformint("n", 1, 5)},
    "a choice": hp.choice(
        "a", [{"x": hp.normal("x", 0, 1)}, {"y": hp.quniform("y", 0, 10, 2), "z": hp.randint("z", 2, 9)}]
    ),
    "choices in choices": hp.choice("a", [1, hp.choice("b", [2, hp.choice("c", [3, hp.lognormal("d", 0, 1)])])]),
    "shared by options": [hp.choice("a", [shared, 0]), hp.choice("b", [1, shared + 1])],
    "bounds that are drawn": hp.uniform("high", low, low + 1),
    "probabilities": hp.pchoice("p", [(0.1, "a"), (0.2, hp.uniform("x", 0, 1)), (0.7, "c")]),
    "computed": {"v": scope.int(hp.quniform("q", 1, 9, 2)) * 2, "w": scope.max(shared, 0.5)},
    "an index that is an option": scope.switch(number, number + 1, [number], "c"),
    "an index that is chosen": scope.switch(inner, "a", {"n": number}, {"n": number, "x": shared}),
    "our own words": {"f": hp.float("f", 1e-3, 1, log=True), "i": hp.int("i", 1, 9), "o": hp.ordinal("o", [1, 2, 4])},
    "constants": {"x": 1, "y": [2, "three"]},
}


@pytest.mark.parametrize("case", SPACES)
def test_every_parameter_is_drawn_where_it_is_active_and_only_there(case):
    """As the compiled space says, and within its distributions; the domain's graph is not changed."""
    domain = Domain(None, SPACES[case])
    before = str(domain.expr)
    ids = list(range(100, 160))
    idxs, vals = rec_eval(domain.s_idxs_vals, memo={domain.s_new_ids: ids, domain.s_rng: np.random.default_rng(1)})
    space = Space(domain.expr)
    rows = np.full((len(ids), space.d), np.nan)
    for j, label in enumerate(space.labels):
        rows[np.asarray(idxs[label], dtype=int) - 100, j] = vals[label]

    assert set(idxs) == set(vals) == set(space.labels) == set(domain.params)
    if case != "an index that is chosen":  # of that the compiled space only knows that it may be active
        assert space.outside(rows) is None
    assert str(domain.expr) == before
    for j in range(space.d):
        if space.distributions[j] is not None:
            assert len(np.unique(rows[:, j][~np.isnan(rows[:, j])])) > 1


def test_the_values_of_a_label_are_one_draw_with_its_arguments_by_name():
    """Which an algorithm of the user's looks at."""
    domain = Domain(None, {"x": hp.uniform("x", 2, 3), "c": hp.choice("c", ["a", hp.qnormal("y", 0, 1, q=0.5)])})
    nodes = domain.vh.vals_by_label()

    assert {label: node.name for label, node in nodes.items()} == {"x": "uniform", "c": "randint", "y": "qnormal"}
    assert (nodes["x"].arg["low"].obj, nodes["x"].arg["high"].obj) == (2, 3)
    memo = {domain.s_new_ids: [7, 8]}
    assert rec_eval(nodes["x"].arg["size"], memo=memo) == 2
    assert rec_eval(nodes["c"].arg["low"], memo=memo) == 2
    toposort(domain.s_idxs_vals)


@pytest.mark.parametrize("case", SPACES)
def test_the_column_of_the_space_is_what_each_configuration_comes_to(case):
    """Given the values that were drawn for it."""
    expr, ids = as_apply(SPACES[case]), Literal("ids")
    helper = VectorizeHelper(expr, ids)
    rng = as_apply(np.random.default_rng(0))
    both = recursive_set_rng_kwarg(scope.pos_args(helper.v_expr, helper.idxs_by_label(), helper.vals_by_label()), rng)
    column, idxs, vals = rec_eval(both, memo={ids: range(20)})
    domain = Domain(None, expr)

    assert len(column) == 20
    for i, config in enumerate(column):
        given = {label: vals[label][list(idxs[label]).index(i)] for label in idxs if i in list(idxs[label])}
        assert config == rec_eval(expr, memo=domain.memo_from_config(given))
