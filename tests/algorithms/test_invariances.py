"""What must make no difference: units of the loss, names, the order of columns and of categories.

Losses here are multiples of 2^-20 and trials are as many as a power of two, so that means, differences and scales are
exact: where an algorithm is invariant at all, it is so to the last bit, and that is what is compared.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from parzen import hp
from parzen._typing import Direction, FloatArray
from parzen.algorithms import GP, TPE, AdaptiveTPE, Algorithm, Anneal, Auto, Mix, Proposal, Random
from parzen.algorithms._form import Form
from parzen.algorithms._parzen import Mixture, point_rows
from parzen.algorithms.gp._acquisition import log_expected_improvement, log_expected_improvement_slopes
from parzen.algorithms.gp._kernel import Encoding
from parzen.algorithms.gp._model import LENGTHS, Model, Prior, _Objective
from parzen.algorithms.gp._process import _Room
from parzen.algorithms.gp._success import Success
from parzen.space import Space
from parzen.trials import History

from .studies import FAILED, add, ask, study

MODELS: dict[str, Algorithm] = {
    "tpe": TPE(n_startup=5),
    "tpe, narrow": TPE(n_startup=5, wide=False),
    "tpe with Hyperopt's knobs": TPE(n_startup=5, n_candidates=24, gamma=0.25, linear_forgetting=25),
    "gp": GP(),
    "auto": Auto(),
    "atpe": AdaptiveTPE(n_startup=5),
    "anneal": Anneal(),
    "mix": Mix(((0.3, Anneal()), (0.7, TPE(n_startup=5)))),
}


def tree(name: Callable[[str], str] = str, categories: str = "abc") -> dict[str, Any]:
    """A mixed conditional space; `name` gives the labels, and the keys stay."""
    return {
        "m": hp.choice(
            name("m"),
            [
                {"rate": hp.float(name("rate"), 1e-4, 1.0, log=True)},
                {"depth": hp.int(name("depth"), 1, 12), "kind": hp.categorical(name("kind"), [*categories])},
            ],
        ),
        "x": hp.float(name("x"), 0.0, 1.0),
        "n": hp.int(name("n"), 1, 300, log=True),
        "s": hp.categorical(name("s"), [*categories]),
    }


TREE = Space(tree())


def coarse(loss: float) -> float:
    """The nearest multiple of 2^-20."""
    return round(loss * 2.0**20) / 2.0**20


def quality(unit: FloatArray) -> float:
    """A loss that every column takes part in; a column that is off counts as a half."""
    return coarse(float(((np.nan_to_num(unit, nan=0.5) - 0.3) ** 2).sum()))


def told(
    space: Space,
    n: int,
    turned: Callable[[float], float] = float,
    direction: Direction = "minimize",
    failed: int = 0,
) -> History:
    """`n` random trials with losses and `failed` without, and what is `turned` from the losses in the log."""
    history = History(space, {"loss": direction})
    points = space.from_unit(np.random.default_rng(7).random((n + failed, space.d)))
    losses = [turned(quality(unit)) for unit in space.to_unit(points)[:n]]
    add(history, points, [*losses, *[FAILED] * failed])
    return history


def proposals(algorithm: Algorithm, history: History) -> list[Proposal]:
    """Of two single asks and a batch."""
    alone = [algorithm.suggest(history.space, history, ask(history, seed=seed)) for seed in range(2)]
    return [*alone, algorithm.suggest(history.space, history, ask(history, 3))]


def same(a: list[Proposal], b: list[Proposal]) -> bool:
    """To the last bit."""
    return all(
        np.array_equal(one.points.values, other.points.values, equal_nan=True) and one.sources == other.sources
        for one, other in zip(a, b, strict=True)
    )


# --- units of the loss ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 5.0), (1.0, -300.0), (2.0**-10, 0.0), (2.0**40, 0.0), (4.0, 64.0)])
@pytest.mark.parametrize("name", MODELS)
def test_shift_and_scale_of_the_losses_change_no_proposal(name: str, scale: float, shift: float) -> None:
    """To the last bit: the algorithms see the losses through their order and through ratios of differences alone."""
    plain, other = told(TREE, 32, failed=3), told(TREE, 32, lambda loss: scale * loss + shift, failed=3)

    assert same(proposals(MODELS[name], plain), proposals(MODELS[name], other))


@pytest.mark.parametrize("name", ["tpe", "auto", "atpe", "anneal"])
def test_a_whole_search_is_the_same_in_another_unit(name: str) -> None:
    """Fifty trials of losses 1 024 times as large; scaling by a power of two rounds nothing, whatever was asked for."""
    algorithm = MODELS[name]
    plain, other = (
        study(algorithm, TREE, lambda config, scale=scale: scale * quality(TREE.to_unit(TREE.encode(config))[0]), 50)
        for scale in (1.0, 1024.0)
    )

    assert np.array_equal(plain.values, other.values, equal_nan=True)


@pytest.mark.parametrize("name", MODELS)
def test_units_that_round_the_losses_hardly_move_a_proposal(name: str) -> None:
    """Degrees of Fahrenheit for those of Celsius: the same row up to a thousandth of the range."""
    plain, other = told(TREE, 30), told(TREE, 30, lambda loss: 1.8 * loss + 32.0)
    a, b = (MODELS[name].suggest(TREE, history, ask(history)).points for history in (plain, other))

    assert np.allclose(TREE.to_unit(a), TREE.to_unit(b), atol=1e-3, equal_nan=True)


@pytest.mark.parametrize("name", MODELS)
def test_to_maximise_the_negative_is_to_minimise(name: str) -> None:
    """The log has the user's sign, and the algorithms never see it."""
    down, up = told(TREE, 40, failed=2), told(TREE, 40, lambda loss: -loss, direction="maximize", failed=2)

    assert same(proposals(MODELS[name], down), proposals(MODELS[name], up))


def test_what_is_compared_depends_on_the_losses() -> None:
    """The comparisons above can fail: squared losses have the same order, and lead the models elsewhere."""
    plain, squared = told(TREE, 32), told(TREE, 32, lambda loss: loss**2)
    differ = [
        name
        for name, algorithm in MODELS.items()
        if not same(proposals(algorithm, plain), proposals(algorithm, squared))
    ]

    assert {"gp", "auto"} <= set(differ)  # TPE looks at the best few, whose places may win all the same
    assert "anneal" not in differ  # it knows of an order only


# --- names ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*MODELS, "random"])
def test_other_labels_change_nothing(name: str) -> None:
    """Labels that sort in another order, that are long, that are no identifiers."""
    renamed = Space(tree(lambda label: {"x": "zz top", "m": "ü", "rate": "0"}.get(label, label[::-1] * 20)))
    algorithm = MODELS.get(name, Random())

    assert renamed.labels != TREE.labels
    assert same(proposals(algorithm, told(TREE, 32)), proposals(algorithm, told(renamed, 32)))


@pytest.mark.parametrize("name", [*MODELS, "random"])
def test_what_the_options_are_changes_nothing(name: str) -> None:
    """A category is a place in a list, whatever stands there."""
    other = Space(tree(categories="zyx"))
    algorithm = MODELS.get(name, Random())

    assert same(proposals(algorithm, told(TREE, 32)), proposals(algorithm, told(other, 32)))


# --- order of columns -------------------------------------------------------------------------------------------


def reordered() -> tuple[Space, Space, FloatArray]:
    """The same nodes in two orders, and which column of the first each one of the second is."""
    nodes = list(tree().values())
    first, second = Space(nodes), Space([nodes[3], nodes[1], nodes[0], nodes[2]])
    return first, second, np.array([first.column[label] for label in second.labels])


def test_the_densities_do_not_depend_on_the_order_of_columns() -> None:
    """log l - log g of every setting at 300 points, from the same 40 trials."""
    first, second, columns = reordered()
    rows = Form(first).settle(np.random.default_rng(0).random((340, first.d)))
    histories = [History(first, {"loss": "minimize"}), History(second, {"loss": "minimize"})]
    losses = [quality(row) for row in rows[:40]]
    add(histories[0], first.from_unit(np.nan_to_num(rows[:40], nan=0.5)), losses)
    add(histories[1], second.from_unit(np.nan_to_num(rows[:40, columns], nan=0.5)), losses)

    assert not np.array_equal(columns, np.arange(first.d))
    for setting in (TPE(), TPE(wide=False), TPE(prior_weight=0.3), TPE(gamma=1.0)):
        a = setting.scores(Form(first), histories[0], range(40), rows[40:])
        b = setting.scores(Form(second), histories[1], range(40), rows[40:, columns])

        assert np.ptp(a) > 1.0
        assert np.allclose(a, b, rtol=1e-9, atol=1e-9)


def test_the_process_does_not_depend_on_the_order_of_columns() -> None:
    """Its likelihood, posterior, improvement and chance of success, with their slopes, from lengths in the same order."""
    first, second, columns = reordered()
    rng = np.random.default_rng(1)
    rows, z = Form(first).settle(rng.random((60, first.d))), rng.standard_normal(40)
    lengths = dict(zip(first.labels, rng.normal(0.0, 0.7, first.d), strict=True))
    seen = []
    for space, unit in ((first, rows), (second, rows[:, columns])):
        form = Form(space)
        encoding = Encoding(form)
        ordered = [space.labels[j] for j in form.ordered]
        theta = np.array(
            [0.2, -4.0, -0.5, *[lengths[label] for label in (*ordered, *[space.labels[j] for j in form.named])]]
        )
        inputs, noise = encoding.inputs(unit[:40]), np.linspace(0.0, 0.1, 40)
        value, gradient = _Objective(encoding, inputs, z, noise, Prior.of(encoding.lengths))(theta)
        model = Model(encoding, theta, inputs, z, noise)
        mean, deviation, mean_slope, deviation_slope = model.predict_with_gradient(unit[40:])
        by_mean, by_deviation = log_expected_improvement_slopes(mean, deviation, float(z.min()))
        slope = by_mean[:, None] * mean_slope + by_deviation[:, None] * deviation_slope
        seen.append(
            [
                np.array([value, model.mean]),
                gradient[:LENGTHS],
                np.sort(gradient[LENGTHS:]),
                mean,
                deviation,
                log_expected_improvement(mean, deviation, float(z.min())),
                slope[:, [ordered.index(label) for label in sorted(ordered)]],
                _Room(encoding, model.inverse_lengths, encoding.inputs(unit[35:40]))(unit[40:]),
                Success(encoding, theta, unit[:20], unit[20:35])(unit[40:]),
            ]
        )

    for one, other in zip(*seen, strict=True):
        assert np.allclose(one, other, rtol=1e-7, atol=1e-8)


# --- order of categories ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(itertools.permutations(range(3)))[1:], ids=str)
@pytest.mark.parametrize("weighted", [False, True], ids=["equal", "weighted"])
def test_the_order_of_categories_changes_neither_densities_nor_kernels(order: tuple[int, ...], weighted: bool) -> None:
    """The options in another order, with their probabilities: the same value at the same option."""
    probabilities = (0.5, 0.2, 0.3) if weighted else (1 / 3, 1 / 3, 1 / 3)

    def space(names: tuple[int, ...]) -> Space:
        options = [(probabilities[i], "abc"[i]) for i in names]
        return Space({"c": hp.pchoice("c", options), "x": hp.float("x", 0.0, 1.0)})

    rng = np.random.default_rng(2)
    configs = [{"c": "abc"[rng.integers(3)], "x": float(rng.random())} for _ in range(30)]
    seen = []
    for one in (space((0, 1, 2)), space(order)):
        form = Form(one)
        unit = np.concatenate([one.to_unit(one.encode(config)) for config in configs])
        sigma, weights = np.full((12, 1), 0.2), np.linspace(0.5, 2.0, 12)
        mixed = Mixture(form, unit[:12], sigma, np.array([0.6]), weights, 1.0)
        encoding = Encoding(form)
        inputs = encoding.inputs(unit[:12])
        model = Model(encoding, np.array([0.1, -3.0, 0.0, -0.4, 0.2]), inputs, np.sin(np.arange(12.0)), np.zeros(12))
        others = encoding.inputs(unit[12:])
        seen.append(
            (mixed.log_density(point_rows(form, unit[12:])), model.covariance(others)[0], *model.predict(others))
        )

    for a, b in zip(*seen, strict=True):
        assert np.allclose(a, b, rtol=1e-9, atol=1e-9)
