"""The Gaussian process: its parts against references, and what it does on small problems."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from scipy import integrate, optimize, special, stats
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, PairwiseKernel

from parzen import hp
from parzen.algorithms import GP, Auto
from parzen.algorithms._form import Form
from parzen.algorithms.gp._acquisition import log_expected_improvement, log_expected_improvement_slopes
from parzen.algorithms.gp._kernel import Encoding
from parzen.algorithms.gp._model import LENGTHS, Model, Prior, _Objective, fit, start
from parzen.algorithms.gp._output import fit_output
from parzen.algorithms.gp._process import _subset, _success
from parzen.errors import AlgorithmError
from parzen.space import Space
from parzen.trials import History, Outcome, State

from .studies import FAILED, add, ask, study

MIXED = {
    "m": hp.choice("m", [{"a": hp.float("a", 0, 1)}, {"b": hp.float("b", 0, 1), "c": hp.categorical("c", [*"xyz"])}]),
    "x": hp.float("x", 0, 1),
    "n": hp.int("n", 0, 9),
}


def _data(space: Space, n: int, seed: int = 0) -> tuple[Encoding, Any, np.ndarray]:
    rng = np.random.default_rng(seed)
    form = Form(space)
    encoding = Encoding(form)
    return encoding, form.settle(rng.random((n, space.d))), rng.standard_normal(n)


def test_of_thousands_the_process_sees_the_best_and_the_newest() -> None:
    """And 200 in all, however many there are, so that an ask does not take longer and longer."""
    space, rng = Space({"x": hp.float("x", 0, 1), "y": hp.float("y", 0, 1)}), np.random.default_rng(0)
    history = History(space, {"loss": "minimize"})
    add(history, space.from_unit(rng.random((1500, 2))), rng.random(1500).tolist())
    encoding = Encoding(Form(space))
    chosen = _subset(encoding, history, np.arange(1500), start(Prior.of(encoding.lengths)))

    assert len(set(chosen.tolist())) == 200
    assert set(np.argsort(history.losses)[:80].tolist()) <= set(chosen.tolist())
    assert set(range(1470, 1500)) <= set(chosen.tolist())


@pytest.mark.parametrize("tail", [0.3, 1.0, 3.0])
def test_the_transform_of_thousands_of_losses_is_learnt_from_some_of_them(
    tail: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the one that all of them would give."""
    losses = np.random.default_rng(0).lognormal(sigma=tail, size=20_000)
    quick = fit_output(losses)
    monkeypatch.setattr("parzen.algorithms.gp._output._ENOUGH", 20_000)

    assert quick.power == pytest.approx(fit_output(losses).power, abs=0.1)


# --- parts against references -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_the_slope_of_the_likelihood_is_its_slope(seed: int) -> None:
    """By finite differences, at random hyperparameters on a mixed conditional space with known noise."""
    encoding, unit, z = _data(Space(MIXED), 30, seed)
    prior = Prior.of(encoding.lengths)
    noise = np.random.default_rng(seed).random(30) * 0.1
    objective = _Objective(encoding, encoding.inputs(unit), z, noise, prior)
    theta = start(prior) + np.random.default_rng(seed).standard_normal(encoding.lengths + LENGTHS) * 0.5
    numeric = optimize.approx_fprime(theta, lambda t: objective(t)[0], 1e-6)

    assert np.allclose(objective(theta)[1], numeric, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("seed", range(3))
def test_the_slopes_of_a_prediction_are_its_slopes(seed: int) -> None:
    """Mean and deviation, by finite differences, in every ordered column that is active; 0 in the others."""
    encoding, unit, z = _data(Space(MIXED), 30, seed)
    theta = start(Prior.of(encoding.lengths))
    model = Model(encoding, theta, encoding.inputs(unit), z, np.zeros(30))
    _, query, _ = _data(Space(MIXED), 6, seed + 100)
    _, _, mean_slope, deviation_slope = model.predict_with_gradient(query)
    for k, j in enumerate(encoding.form.ordered.tolist()):
        up, down = query.copy(), query.copy()
        up[:, j] += 1e-5
        down[:, j] -= 1e-5
        high, low = model.predict(encoding.inputs(up)), model.predict(encoding.inputs(down))
        on = ~np.isnan(query[:, j])

        assert np.allclose(mean_slope[on, k], (high[0] - low[0])[on] / 2e-5, atol=1e-4)
        assert np.allclose(deviation_slope[on, k], (high[1] - low[1])[on] / 2e-5, atol=1e-4)
        assert (mean_slope[~on, k] == 0).all()


def test_the_posterior_is_that_of_scikit_learn() -> None:
    """On a plain space, with the constant mean taken off and the same kernel: Matern, and the trend's polynomials."""
    encoding, unit, z = _data(Space({f"x{j}": hp.float(f"x{j}", 0, 1) for j in range(3)}), 25)
    theta = np.array([0.3, -4.0, -1.0, -0.5, 0.1, 0.7])

    def trend(a: np.ndarray, b: np.ndarray, gamma: float) -> float:
        pairs = [(special.eval_legendre(k, 2 * a - 1), special.eval_legendre(k, 2 * b - 1)) for k in (1, 2)]
        return float(np.exp(-1.0) / 3 * sum((2 * k + 1) * (p @ q) for k, (p, q) in enumerate(pairs, 1)))

    model = Model(encoding, theta, encoding.inputs(unit), z, np.zeros(25))
    kernel = ConstantKernel(np.exp(0.3), "fixed") * Matern(np.exp(theta[LENGTHS:]), "fixed", nu=2.5)
    kernel += PairwiseKernel(metric=trend)
    theirs = GaussianProcessRegressor(kernel, alpha=np.exp(-4.0), optimizer=None).fit(unit, z - model.mean)
    query = np.random.default_rng(1).random((50, 3))
    mean, deviation = model.predict(encoding.inputs(query))
    expected, expected_deviation = theirs.predict(query, return_std=True)

    assert np.allclose(mean - model.mean, expected, atol=1e-7)
    assert np.allclose(deviation, expected_deviation, atol=1e-7)


def test_the_covariance_is_positive_definite_on_any_space() -> None:
    """Also where columns are switched off, which the arc is for."""
    encoding, unit, _ = _data(Space(MIXED), 60)
    rng = np.random.default_rng(0)
    for _ in range(10):
        theta = np.concatenate(([0.0, -13.0, -1.0], rng.normal(0, 1, encoding.lengths)))
        model = Model(encoding, theta, encoding.inputs(unit), np.zeros(60), np.zeros(60))

        assert np.linalg.eigvalsh(model.covariance(encoding.inputs(unit))[0]).min() > -1e-9


def test_what_is_switched_off_makes_no_difference() -> None:
    """Two rows that differ only in what neither has are the same configuration, and equally far from a third."""
    encoding, unit, z = _data(Space(MIXED), 40)
    model = Model(encoding, start(Prior.of(encoding.lengths)), encoding.inputs(unit), z, np.zeros(40))
    off = np.array([[0.25, 0.3, np.nan, np.nan, 0.5, 0.55]])

    assert encoding.form.space.labels == ("m", "a", "b", "c", "x", "n")
    assert np.isfinite(model.predict(encoding.inputs(off))[0]).all()


@pytest.mark.parametrize("t", [5.0, 1.0, 0.0, -0.99, -1.01, -3.0, -30.0, -900.0, -1100.0, -1e6])
def test_log_expected_improvement_is_its_logarithm(t: float) -> None:
    """Against quadrature near by, against its asymptote h(t) = phi(t) / t^2 far out."""
    mean, deviation = np.array([-2.0 * t]), np.array([2.0])
    value = float(log_expected_improvement(mean, deviation, 0.0)[0])
    if t > -8:
        whole, _ = integrate.quad(lambda z: (t - z) * stats.norm.pdf(z), -np.inf, t)
        assert value == pytest.approx(np.log(2.0 * whole), rel=1e-6)
    else:
        assert value == pytest.approx(np.log(2.0) + stats.norm.logpdf(t) - 2 * np.log(-t), rel=1e-3)


@pytest.mark.parametrize("t", [3.0, 0.0, -0.9, -1.1, -5.0, -50.0, -2000.0])
def test_the_slopes_of_log_expected_improvement(t: float) -> None:
    """By finite differences."""
    mean, deviation = np.array([-0.7 * t]), np.array([0.7])
    by_mean, by_deviation = log_expected_improvement_slopes(mean, deviation, 0.0)
    step = 1e-6

    def difference(dm: float, ds: float) -> float:
        up = log_expected_improvement(mean + dm, deviation + ds, 0.0)
        return float((up - log_expected_improvement(mean - dm, deviation - ds, 0.0))[0]) / (2 * step)

    assert float(by_mean[0]) == pytest.approx(difference(step, 0.0), rel=1e-4)
    assert float(by_deviation[0]) == pytest.approx(difference(0.0, step), rel=1e-4, abs=1e-6)


def test_the_output_transform_is_that_of_yeo_and_johnson() -> None:
    """Its lambda is scipy's, and the values are standardised."""
    losses = np.random.default_rng(0).lognormal(0, 1.5, 60)
    output = fit_output(losses)
    y = (losses - output.centre) / output.scale
    z = output(losses)

    assert output.power == pytest.approx(stats.yeojohnson_normmax(y), abs=0.02)
    assert np.allclose(z, stats.zscore(stats.yeojohnson(y, output.power)), atol=1e-9)
    assert output.deviations(losses, np.full(60, 1e-3)) == pytest.approx(
        (output(losses + 1e-3) - output(losses - 1e-3)) / 2
    )


@pytest.mark.parametrize(
    "losses",
    [
        [1.0, 1.0],
        [0.0, 1e308, -1e308],
        [-1.7e308, *[1.7e308] * 9],
        [1e-300, 2e-300, 5e-300],
        [3.0, 1.0],
        [7.0],
    ],
)
def test_odd_losses_are_transformed_to_numbers(losses: list[float]) -> None:
    """Ties, losses near the largest float and near the smallest."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        z = fit_output(np.array(losses))(np.array(losses))

    assert np.isfinite(z).all()
    assert (np.argsort(z, kind="stable") == np.argsort(losses, kind="stable")).all()


def test_a_fit_finds_the_columns_that_matter() -> None:
    """A column without influence gets a long length."""
    encoding, unit, _ = _data(Space({f"x{j}": hp.float(f"x{j}", 0, 1) for j in range(4)}), 60)
    z = stats.zscore(np.sin(6 * unit[:, 0]) + unit[:, 1])
    prior = Prior.of(encoding.lengths)
    theta = fit(encoding, encoding.inputs(unit), z, np.zeros(60), prior, [start(prior)], 50)

    assert max(theta[2:4]) + 1.0 < min(theta[4:6])


# --- whole searches ---------------------------------------------------------------------------------------------


def _bowl(config: Any) -> float:
    return (config["x"] - 0.3) ** 2 + (config["y"] - 0.8) ** 2 + {"a": 0.0, "b": 0.5, "c": 1.0}[config["c"]]


BOWL = Space({"x": hp.float("x", 0, 1), "y": hp.float("y", 0, 1), "c": hp.categorical("c", [*"cba"])})


@pytest.mark.parametrize("algorithm", [GP(), Auto()])
def test_a_bowl_is_found_in_thirty_trials(algorithm: GP | Auto) -> None:
    """To a thousandth, from every seed; random search needs thousands."""
    assert max(study(algorithm, BOWL, _bowl, 30, seed).losses.min() for seed in range(5)) < 1e-3


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_units_of_the_loss_make_no_difference(scale: float) -> None:
    """Shift and scale of the losses lead to the same proposals, up to rounding of the fit."""
    plain = study(GP(), BOWL, _bowl, 14)
    other = study(GP(), BOWL, lambda config: scale * (_bowl(config) + 3.0), 14)

    assert np.allclose(plain.unit, other.unit, atol=2e-3, equal_nan=True)


def test_nothing_is_fitted_again_when_a_study_is_loaded() -> None:
    """The hyperparameters are in the log; a history that is folded anew proposes the same from them."""
    algorithm, history = GP(), study(GP(), BOWL, _bowl, 20)
    memo = history.memo(19) or algorithm.suggest(BOWL, history, ask(history)).memo

    assert isinstance(memo, dict)
    assert len(memo["gp"]) == LENGTHS + 3  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "memo",
    [
        {"gp": [0.0] * 5},
        {"gp": [0.0] * 5, "at": "x"},
        {"gp": "x", "at": 3},
        {"gp": [1000.0] * 5, "at": 3},
        {"gp": [0.0, float("nan"), 0.0, 0.0, 0.0], "at": 3},
        {"gp": [0.0], "at": 3},
        ["gp"],
    ],
)
def test_a_memo_that_is_not_ours_is_left_alone(memo: Any) -> None:
    """Another algorithm's, or a damaged one: the process is fitted anew."""
    history = study(GP(), BOWL, _bowl, 7)
    add(history, BOWL.sample(np.random.default_rng(0)), [1.0], memo=memo)

    assert GP().suggest(BOWL, history, ask(history)).sources == ("gp",)


def test_proposals_keep_away_from_where_trials_fail() -> None:
    """Half of the space crashes: it is tried less and less."""

    def objective(config: Any) -> float | None:
        return None if config["x"] > 0.5 else (config["x"] - 0.45) ** 2 + (config["y"] - 0.8) ** 2

    space = Space({"x": hp.float("x", 0, 1), "y": hp.float("y", 0, 1)})
    late = np.concatenate([study(GP(), space, objective, 40, seed).state[20:] for seed in range(3)])

    assert (late == State.ERROR).mean() < 0.25


def test_a_border_that_hides_better_losses_is_not_run_against() -> None:
    """As where a larger model would be better, and no longer fits into memory: the best on this side of it is found."""

    def objective(config: Any) -> float | None:
        return None if config["x"] > 0.6 else (config["x"] - 0.8) ** 2 + (config["y"] - 0.5) ** 2

    space = Space({"x": hp.float("x", 0, 1), "y": hp.float("y", 0, 1)})
    history = study(GP(), space, objective, 40, 1)

    assert (history.state[15:] == State.ERROR).mean() < 0.5  # it was nearly all of them
    assert np.nanmin(history.losses) < 0.0425  # 0.04 is the limit


def test_failures_by_chance_do_not_hide_the_losses() -> None:
    """Two of five trials fail wherever they are; what is found is what would be found without."""
    luck = np.random.default_rng(0)

    def objective(config: Any) -> float | None:
        return None if luck.random() < 0.4 else (config["x"] - 0.3) ** 2 + (config["y"] - 0.6) ** 2

    space = Space({"x": hp.float("x", 0, 1), "y": hp.float("y", 0, 1)})

    assert np.nanmin(study(GP(), space, objective, 40, 1).losses) < 1e-4


def test_rare_failures_are_not_made_frequent() -> None:
    """Of a long history the newest that ended are looked at, with as many failures among them as there were."""
    history, rng = study(GP(), BOWL, _bowl, 3), np.random.default_rng(2)
    for i in range(500):
        add(history, BOWL.sample(rng), [FAILED if i % 10 == 0 else 1.0 + i % 7])
    scored = np.flatnonzero(history.ok)
    success, _ = _success(Encoding(Form(BOWL)), history, scored, ())

    assert success is not None
    assert np.exp(success.log_chance(BOWL.to_unit(BOWL.sample(rng, 200)))).mean() > 0.75


def test_a_batch_spreads() -> None:
    """Eight proposals of one ask are apart, though nothing is learnt between them."""
    history = study(GP(), BOWL, _bowl, 8)
    points = GP().suggest(BOWL, history, ask(history, q=8)).points.values

    assert len(np.unique(np.round(points, 2), axis=0)) == 8


def test_noise_that_is_known_is_used() -> None:
    """A loss with a large variance moves the model less than one without."""
    space = Space({"x": hp.float("x", 0, 1)})
    history = study(GP(), space, lambda config: (config["x"] - 0.3) ** 2, 10)
    point = space.encode({"x": 0.9})
    add(history, point, [Outcome(State.OK, {"loss": -5.0}, variance=100.0)])
    near = [GP().suggest(space, history, ask(history, seed=seed)).points.values[0, 0] for seed in range(5)]

    assert abs(np.median(near) - 0.9) > 0.05


@pytest.mark.parametrize("n_startup", [-1, 1.5, True, "many"])
def test_a_start_that_makes_no_sense_is_refused(n_startup: Any) -> None:
    """With a sentence that says what was expected."""
    with pytest.raises(AlgorithmError, match="n_startup is a whole number from 0 up"):
        GP(n_startup=n_startup)


# --- taking turns -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("penalty", [1e4, 1e10, 1e300])
def test_a_penalty_for_what_crashed_does_not_make_all_others_equal(penalty: float) -> None:
    """The ordinary losses keep a good part of the spread, in their order, and the penalties stay the worst."""
    ordinary = np.linspace(0.1, 0.9, 30)
    z = fit_output(np.concatenate((ordinary, np.full(6, penalty))))(np.concatenate((ordinary, [penalty])))

    assert (np.diff(z) > 0).all()
    assert np.ptp(z[:30]) > 0.5


def test_the_transform_of_losses_follows_their_shift_and_scale() -> None:
    """Also where some are cut off."""
    losses = np.concatenate((np.random.default_rng(0).lognormal(0, 3, 40), [1e9]))
    moved = 7.0 + 3.0 * losses

    assert np.allclose(fit_output(losses)(losses), fit_output(moved)(moved), atol=1e-6)


def test_auto_says_which_rule_chose_a_trial() -> None:
    """The middle, Sobol points, then the process and the estimators in turn."""
    history = study(Auto(), BOWL, _bowl, 50)
    sources = [history.source(number) for number in range(50)]

    assert sources[:5] == ["auto: the middle of every range", *["auto: sobol start"] * 4]
    assert sources[6:12] == ["auto: tpe", "auto: gp", "auto: gp"] * 2
    assert [number for number in range(40, 50) if sources[number] == "auto: tpe"] == [47]


def test_what_was_pruned_is_no_sign_of_a_region_that_fails() -> None:
    """It is believed to be bad, and may be proposed near by where the losses say so; a failure keeps further away."""
    space = Space({"x": hp.float("x", 0, 1)})
    points = space.sample(np.random.default_rng(3), 30)
    gains, ended = {}, {State.PRUNED: Outcome(State.PRUNED), State.ERROR: FAILED}
    for state in (State.PRUNED, State.ERROR):
        history = study(GP(), space, lambda config: 0.0, 0)
        for i in range(30):
            x = float(points.values[i, 0])
            add(history, points[i : i + 1], [ended[state] if 0.25 < x < 0.35 else (x - 0.3) ** 2])
        gains[state] = GP().suggest(space, history, ask(history)).gains[0]

    assert gains[State.PRUNED] > gains[State.ERROR]


def test_auto_goes_on_with_sobol_points_while_nothing_has_ended() -> None:
    """Slow workers ask for many before the first loss comes."""
    history = study(Auto(), BOWL, _bowl, 0)
    add(history, BOWL.sample(np.random.default_rng(0), 20), [None] * 20)

    assert Auto().suggest(BOWL, history, ask(history)).sources == ("auto: sobol start",)


def test_auto_lets_the_estimators_work_on_wide_spaces_and_long_studies() -> None:
    """One turn in four is left to the process."""
    wide = Space({f"x{j}": hp.float(f"x{j}", 0, 1) for j in range(50)})
    history = study(Auto(), wide, lambda config: sum(config.values()), 24)

    assert [history.source(number) for number in range(16, 24)].count("auto: gp") == 2
