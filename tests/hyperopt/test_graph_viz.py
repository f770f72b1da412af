"""A search space as text for graphviz."""

from __future__ import annotations

from parzen.hyperopt import hp
from parzen.hyperopt.graph_viz import dot_hyperparameters

SHARED = hp.uniform("shared", 0, 1)


def test_a_parameter_is_a_box_and_a_value_that_others_hang_on_an_ellipse() -> None:
    """Arrows go from a choice to its value, and from there to what hangs on it."""
    space = hp.choice("model", [{"c": hp.uniform("c", 0, 1)}, {"k": hp.randint("k", 9)}])

    assert dot_hyperparameters(space).splitlines() == [
        "digraph {",
        '"model" [ shape=box];',
        '"c" [ shape=box];',
        '"model=0" [ shape=ellipse];',
        '"model" -> "model=0";',
        '"model=0" -> "c";',
        '"k" [ shape=box];',
        '"model=1" [ shape=ellipse];',
        '"model" -> "model=1";',
        '"model=1" -> "k";',
        "}",
    ]


def test_what_hangs_on_nothing_has_no_arrows() -> None:
    """A flat space is boxes; a quotation mark in a label does not end the name."""
    assert dot_hyperparameters([hp.uniform('a "b"', 0, 1)]) == 'digraph {\n"a \\"b\\"" [ shape=box];\n}\n'


def test_two_branches_that_share_a_parameter_both_point_to_it() -> None:
    """Each line is there once."""
    lines = dot_hyperparameters(hp.choice("m", [[SHARED], [SHARED, 1], 2])).splitlines()

    assert '"m=0" -> "shared";' in lines
    assert '"m=1" -> "shared";' in lines
    assert len(lines) == len(set(lines))
