"""More of the Gaussian process's parts against references: trend, believed rows, chance of success, bad matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from parzen import hp
from parzen._typing import BoolArray, FloatArray
from parzen.algorithms._form import Form
from parzen.algorithms.gp._kernel import Encoding
from parzen.algorithms.gp._model import _BAD, LENGTHS, NOISE, Model, Prior, _Objective, start
from parzen.algorithms.gp._output import _yeo_johnson, fit_output
from parzen.algorithms.gp._process import _Room
from parzen.algorithms.gp._success import Success, fit_success
from parzen.space import Space

TREE = Space(
    {
        "m": hp.choice(
            "m", [{"a": hp.float("a", 0, 1)}, {"b": hp.float("b", 0, 1), "c": hp.categorical("c", [*"xyz"])}]
        ),
        "x": hp.float("x", 0, 1),
        "y": hp.float("y", 0, 1),
    }
)


def rows(n: int, seed: int = 0) -> tuple[Encoding, np.ndarray]:
    """`(n, d)` random rows of the tree."""
    form = Form(TREE)
    return Encoding(form), form.settle(np.random.default_rng(seed).random((n, TREE.d)))


def test_the_trends_polynomials_are_orthonormal_under_the_prior() -> None:
    """By quadrature over one column: mean 0, variance 1, and no correlation."""
    encoding = Encoding(Form(Space({"x": hp.float("x", 0, 1)})))
    g = encoding.inputs((np.arange(20_000)[:, None] + 0.5) / 20_000).trend

    assert g.mean(axis=0) == pytest.approx([0.0, 0.0], abs=1e-6)
    assert g.T @ g / len(g) == pytest.approx(np.eye(2), abs=1e-6)


def test_the_slope_of_the_trend_is_its_slope() -> None:
    """By finite differences, for weights of any sign, in the columns that are active; 0 in the others."""
    encoding, unit = rows(12)
    weights = np.random.default_rng(1).standard_normal(encoding.inputs(unit).trend.shape)
    slope = encoding.trend_gradient(unit, weights)
    for k, j in enumerate(encoding.form.ordered.tolist()):
        up, down = unit.copy(), unit.copy()
        up[:, j] += 1e-6
        down[:, j] -= 1e-6
        numeric = ((encoding.inputs(up).trend - encoding.inputs(down).trend) * weights).sum(axis=1) / 2e-6

        assert slope[:, k] == pytest.approx(numeric, abs=1e-6)
        assert (slope[np.isnan(unit[:, j]), k] == 0.0).all()


def _model(noise: float = -4.0, seed: int = 0) -> tuple[Encoding, np.ndarray, np.ndarray, np.ndarray, Model]:
    encoding, unit = rows(60, seed)
    z = np.random.default_rng(seed).standard_normal(30)
    theta = start(Prior.of(encoding.lengths))
    theta[NOISE] = noise
    return encoding, unit, z, theta, Model(encoding, theta, encoding.inputs(unit[:30]), z, np.zeros(30))


def test_believed_rows_leave_the_mean_and_take_the_doubt_away() -> None:
    """A loss that comes out as expected is no news of the mean anywhere, and makes the model surer, most where it is."""
    encoding, unit, z, theta, before = _model()
    believed, doubt = before.predict(encoding.inputs(unit[30:35]))
    after = Model(encoding, theta, encoding.inputs(unit[:35]), np.concatenate((z, believed)), np.zeros(35))
    everywhere = encoding.inputs(unit)

    assert after.predict(everywhere)[0] == pytest.approx(before.predict(everywhere)[0], abs=1e-6)
    assert (after.predict(everywhere)[1] <= before.predict(everywhere)[1] + 1e-9).all()
    alone = doubt * np.sqrt(before.noise / (doubt**2 + before.noise))  # what one noisy observation leaves of it
    assert (after.predict(encoding.inputs(unit[30:35]))[1] < alone + 1e-9).all()


@pytest.mark.parametrize("seed", range(4))
def test_there_is_less_room_beside_what_is_under_way(seed: int) -> None:
    """A share between 0 and 1, least at the place itself; all of it where nothing is under way."""
    encoding, unit, _, _, model = _model(seed=seed)
    room = _Room(encoding, model.inverse_lengths, encoding.inputs(unit[40:45]))(unit)

    assert np.isfinite(room).all()
    assert (room <= 0.0).all()
    assert room[40:45].max() < room[:40].mean()
    assert (_Room(encoding, model.inverse_lengths, encoding.inputs(unit[:0]))(unit) == 0.0).all()


def _success(failing: Callable[[FloatArray], BoolArray], n: int = 60) -> tuple[Success, FloatArray, BoolArray]:
    """What is learnt of a part of a square that fails, other rows, and which of them fail."""
    space = Space({"x": hp.float("x", 0, 1), "y": hp.float("y", 0, 1)})
    encoding, unit = Encoding(Form(space)), np.random.default_rng(5).random((n + 400, 2))
    fails, prior = failing(unit), Prior.of(2)
    good, failed = unit[:n][~fails[:n]], unit[:n][fails[:n]]
    theta = fit_success(encoding, good, failed, prior, [start(prior)], 30)
    return Success(encoding, theta, good, failed), unit[n:], fails[n:]


def test_a_region_that_fails_is_learnt() -> None:
    """Beyond a border that depends on the configuration alone no improvement is worth a try; on this side each one is."""
    success, unit, fails = _success(lambda unit: unit[:, 0] + 0.5 * unit[:, 1] > 0.9)
    added = success(unit)

    assert np.exp(success.log_chance(unit)[fails]).mean() < 0.2
    assert np.mean(added[fails] < -50.0) > 0.9
    assert np.mean(added[~fails] > -1.0) > 0.85


@pytest.mark.parametrize(("share", "n"), [(0.2, 100), (0.4, 60), (0.5, 100)])
def test_failures_by_chance_rule_out_little(share: float, n: int) -> None:
    """Whatever the configuration is, so many fail: nearly all of the space has a chance that is high enough."""
    free = []
    for seed in range(4):
        luck = np.random.default_rng(seed)
        success, unit, _ = _success(lambda unit, luck=luck: luck.random(len(unit)) < share, n)  # type: ignore[misc]
        free.append(np.mean(success(unit) > -2.0))

    assert np.mean(free) > 0.9


def test_the_slope_of_the_chance_is_that_of_finite_differences() -> None:
    """On both sides of what is high enough."""
    success, unit, _ = _success(lambda unit: unit[:, 0] > 0.6)
    step = 1e-4  # the logarithm of a tiny chance has few digits
    value, slope = success.with_slope(unit[:50])
    high = value > -0.2

    assert value[high] == pytest.approx(success(unit[:50])[high])
    for j in range(2):
        ahead, behind = unit[:50].copy(), unit[:50].copy()
        ahead[:, j] += step
        behind[:, j] -= step
        expected = (success.with_slope(ahead)[0] - success.with_slope(behind)[0]) / (2.0 * step)
        assert slope[:, j] == pytest.approx(expected, rel=0.02, abs=0.01)


def test_a_matrix_that_is_not_positive_definite_is_mended_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows three times over, a large trend and no noise: the model adds jitter until it can go on; a fit turns away."""
    encoding, unit = rows(20)
    unit, z = np.tile(unit, (3, 1)), np.tile(np.random.default_rng(0).standard_normal(20), 3)
    theta = np.concatenate(([-5.0, -60.0, 4.0], np.full(encoding.lengths, 4.0)))
    monkeypatch.setattr("parzen.algorithms.gp._model._JITTER", 0.0)
    inputs, prior = encoding.inputs(unit), Prior.of(encoding.lengths)
    value, slope = _Objective(encoding, inputs, z, np.zeros(60), prior)(theta)
    mean, deviation = Model(encoding, theta, inputs, z, np.zeros(60)).predict(inputs)

    assert value == _BAD
    assert (slope == 0.0).all()
    assert np.isfinite(mean).all()
    assert (deviation > 0.0).all()


def test_rows_that_repeat_are_averaged_where_noise_is_allowed() -> None:
    """Two losses of one configuration: the model goes between, and is as sure as of their mean with half the noise."""
    encoding, unit = rows(10)
    theta = np.concatenate(([0.0, -2.0, -2.0], np.zeros(encoding.lengths)))
    z = np.random.default_rng(0).standard_normal((2, 10))
    twice = Model(encoding, theta, encoding.inputs(np.tile(unit, (2, 1))), z.ravel(), np.zeros(20))
    half = theta.copy()
    half[NOISE] -= np.log(2.0)
    once = Model(encoding, half, encoding.inputs(unit), z.mean(axis=0), np.zeros(10))
    query = encoding.inputs(rows(30, 5)[1])

    assert len(theta) == LENGTHS + encoding.lengths
    for a, b in zip(twice.predict(query), once.predict(query), strict=True):
        assert a == pytest.approx(b, abs=1e-6)


@pytest.mark.parametrize("power", [-2.0, -0.5, 0.0, 0.7, 1.0, 2.0, 3.1, 4.0])
def test_the_power_transform_is_that_of_scipy(power: float) -> None:
    """On both sides of 0, and at the two powers where it is a logarithm."""
    y: Any = np.linspace(-4.0, 4.0, 41)

    assert _yeo_johnson(y, power) == pytest.approx(stats.yeojohnson(y, power), rel=1e-12, abs=1e-12)


def test_a_transformed_loss_comes_back() -> None:
    """The inverse of the power transform, also beyond what was seen; what no loss has becomes the nearest that one has."""
    for seed, losses in enumerate([np.arange(20.0), np.exp(np.arange(20.0)), -np.exp(np.arange(20.0)), np.zeros(5)]):
        output = fit_output(losses)
        wide = np.random.default_rng(seed).uniform(losses.min() - 1, losses.max() + 1, 50)

        assert np.allclose(output.inverse(output(wide)), np.minimum(wide, output.most), rtol=1e-6, atol=1e-6)
        assert np.isfinite(output.inverse(np.array([-50.0, 50.0]))).all()
