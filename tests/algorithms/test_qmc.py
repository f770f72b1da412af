"""Quasi-random search: even, by number, and no configuration twice."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest
from scipy.stats import qmc

from parzen import hp
from parzen.algorithms import QMC, algorithm_named
from parzen.errors import AlgorithmError, UnsupportedSpace
from parzen.space import Space
from parzen.trials import History

from .studies import add, ask, study

CUBE = Space({f"x{j}": hp.float(f"x{j}", 0.0, 1.0) for j in range(5)})
KINDS: list[Literal["sobol", "halton"]] = ["sobol", "halton"]


@pytest.mark.parametrize("kind", KINDS)
def test_points_are_more_even_than_random_ones(kind: Literal["sobol", "halton"]) -> None:
    """Their discrepancy is a fraction of that of independent draws."""
    history = study(QMC(kind), CUBE, lambda config: 1.0, 128)
    random = np.random.default_rng(0).random((128, 5))

    assert qmc.discrepancy(history.unit) < qmc.discrepancy(random) / 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_trial_has_the_point_of_its_number(kind: Literal["sobol", "halton"]) -> None:
    """Whoever asks, in whatever order and however many at once; the study's seed scrambles."""
    history = study(QMC(kind), CUBE, lambda config: 1.0, 20)
    fresh = History(CUBE, {"loss": "minimize"})
    asked = ask(fresh, q=20)
    backwards = QMC(kind).suggest(CUBE, fresh, type(asked)(asked.numbers[::-1], asked.rng)).points.values
    other = QMC(kind).suggest(CUBE, fresh, type(asked)(asked.numbers, asked.rng, seed=1)).points.values

    assert np.array_equal(backwards[::-1], history.values)
    assert not np.array_equal(other, history.values)


def test_the_sequences_are_scipys_own() -> None:
    """Unscrambled and without the corner that they begin with."""
    sobol = study(QMC("sobol", scramble=False), CUBE, lambda config: 1.0, 7).unit
    halton = study(QMC("halton", scramble=False), CUBE, lambda config: 1.0, 7).unit

    assert np.allclose(sobol, qmc.Sobol(5, scramble=False).random(8)[1:])
    assert np.allclose(halton, qmc.Halton(5, scramble=False).random(8)[1:])


def test_categories_get_their_shares() -> None:
    """Of 128 trials each of four options a quarter, and one of probability 0.75 three quarters, nearly exactly."""
    space = Space({
        "c": hp.categorical("c", list("abcd")),
        "p": hp.pchoice("p", [(0.75, "often"), (0.25, "seldom")]),
        "x": hp.float("x", 0.0, 1.0),
    })  # fmt: skip
    history = study(QMC(), space, lambda config: 1.0, 128)

    assert np.bincount(history.values[:, 0].astype(int)).tolist() == [32] * 4
    assert abs(int((history.values[:, 1] == 0).sum()) - 96) <= 1


def test_a_branch_is_filled_evenly() -> None:
    """A column that is active in half of the trials is spread over its range there."""
    space = Space({"b": hp.choice("b", [0, {"x": hp.float("x", 0.0, 1.0)}])})
    history = study(QMC(), space, lambda config: 1.0, 33)
    x = np.sort(history.values[~np.isnan(history.values[:, 1]), 1])

    assert len(x) >= 14
    assert np.diff(np.concatenate(([0.0], x, [1.0]))).max() < 0.16


def test_a_finite_space_is_tried_whole_without_repeats() -> None:
    """Where the sequence comes back to a configuration, another takes its place."""
    space = Space({"a": hp.int("a", 0, 5), "b": hp.categorical("b", list("xyz"))})
    history = study(QMC(), space, lambda config: 1.0, 18)

    assert len(np.unique(history.values, axis=0)) == 18
    assert "qmc: random, tried before" in {history.source(i) for i in range(18)}


def test_what_was_enqueued_is_not_proposed_again() -> None:
    """A point that somebody took gives way, and the others stay."""
    plain = study(QMC(), CUBE, lambda config: 1.0, 4)
    history = History(CUBE, {"loss": "minimize"})
    add(history, plain.points[1:2], [1.0])
    values = QMC().suggest(CUBE, history, ask(history, q=2)).points.values

    assert not np.array_equal(values[0], plain.values[1])
    assert np.array_equal(values[1], plain.values[2])


@pytest.mark.slow
def test_sobol_has_an_end_of_columns_and_says_what_to_take() -> None:
    """Beyond 21 201 it is Halton's turn."""
    space = Space([hp.float(f"x{j}", 0.0, 1.0) for j in range(21_202)])
    history = History(space, {"loss": "minimize"})

    with pytest.raises(UnsupportedSpace, match=r"21201 columns, and the space has 21202: take QMC\(kind='halton'\)"):
        QMC().suggest(space, history, ask(history))


def test_scipys_generators_load_with_the_first_proposal(
    run_python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """Not with the record: they cost seconds."""
    done = run_python(
        "-c",
        "import sys\nfrom parzen.algorithms import QMC\nQMC()\nassert 'scipy' not in sys.modules\n",
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"kind": "lhs"}, "kind is 'sobol' or 'halton', got 'lhs'"),
        ({"scramble": 1}, "scramble is True or False, got 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], sentence: str) -> None:
    """At once, in a sentence."""
    with pytest.raises(AlgorithmError, match=sentence):
        QMC(**settings)


def test_it_has_a_name() -> None:
    """`algorithm="qmc"`."""
    assert algorithm_named("qmc") == QMC()
