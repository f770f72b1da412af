"""Every distribution against its definition: samples, masses, densities and quantiles.

The seeds are fixed and the margins wide: a right distribution fails a test here with a chance below 1e-6 for any seed,
and a wrong weight of an end point, a shifted grid or a swapped bound is far beyond them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import integrate, stats

from parzen import hp
from parzen.space import Sampled, Space, ndtr, ndtri

N = 20_000
CHANCE = 1e-6


class Guessed:
    """The mixture of equation (1) of `_around`, by scipy: uniform on [low, high], and a normal cut off there."""

    def __init__(self, low: float, high: float, guess: float, within: float, trust: float, log: bool = False) -> None:
        self.map, self.back = (np.log, np.exp) if log else ((lambda x: x), (lambda t: t))
        self.log, self.trust = log, trust
        a, b = float(self.map(low)), float(self.map(high))
        centre, sd = float(self.map(guess)), float(self.map(within))
        self.even = stats.uniform(a, b - a)
        self.near = stats.truncnorm((a - centre) / sd, (b - centre) / sd, loc=centre, scale=sd)
        self.ends = a, b

    def cdf(self, x):
        t = self.map(x)
        return (1 - self.trust) * self.even.cdf(t) + self.trust * self.near.cdf(t)

    def logpdf(self, x):
        t = self.map(x)
        density = (1 - self.trust) * self.even.pdf(t) + self.trust * self.near.pdf(t)
        return np.log(density) - (t if self.log else 0.0)

    def ppf(self, u):
        low, high = np.full(len(u), self.ends[0]), np.full(len(u), self.ends[1])
        for _ in range(60):  # bisection
            middle = 0.5 * (low + high)
            above = self.cdf(self.back(middle)) > u
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        return self.back(low)

    def rvs(self, rng: np.random.Generator, n: int) -> np.ndarray:
        near = rng.random(n) < self.trust
        return self.back(np.where(near, self.near.rvs(n, random_state=rng), self.even.rvs(n, random_state=rng)))


def on_grid(reference: Guessed, low: float, step: float, n: int) -> Callable[[np.random.Generator], np.ndarray]:
    """The nearest of `low, low + step, …`, n of them."""
    return lambda rng: low + step * np.clip(np.rint((reference.rvs(rng, 10 * N) - low) / step), 0, n - 1)


CONTINUOUS = {
    "uniform": (lambda: hp.uniform("x", -2, 3), stats.uniform(-2, 5)),
    "loguniform": (lambda: hp.loguniform("x", -3, 2), stats.loguniform(math.exp(-3), math.exp(2))),
    "normal": (lambda: hp.normal("x", 1, 2), stats.norm(1, 2)),
    "lognormal": (lambda: hp.lognormal("x", 0.5, 0.75), stats.lognorm(0.75, scale=math.exp(0.5))),
    "float": (lambda: hp.float("x", 10, 11), stats.uniform(10, 1)),
    "float log": (lambda: hp.float("x", 1e-5, 1e-1, log=True), stats.loguniform(1e-5, 1e-1)),
    "float with a guess": (
        lambda: hp.float("x", -2, 6, prior=hp.around(1, 0.5, trust=0.6)),
        Guessed(-2, 6, 1, 0.5, 0.6),
    ),
    "float with a guess at its end": (lambda: hp.float("x", -2, 6, prior=6), Guessed(-2, 6, 6, 1.6, 0.5)),
    "float with a wide guess": (
        lambda: hp.float("x", 0, 1, prior=hp.around(0.9, 5, trust=0.9)),
        Guessed(0, 1, 0.9, 5, 0.9),
    ),
    "float log with a guess": (
        lambda: hp.float("x", 1e-5, 1e-1, log=True, prior=hp.around(1e-3, 3)),
        Guessed(1e-5, 1e-1, 1e-3, 3, 0.5, log=True),
    ),
    "float log with a close guess": (
        lambda: hp.float("x", 1e-5, 1e-1, log=True, prior=hp.around(2e-4, 1.05, trust=0.9)),
        Guessed(1e-5, 1e-1, 2e-4, 1.05, 0.9, log=True),
    ),
}


def distribution(node: object):
    """The prior of a space of one parameter."""
    return Space(node).distributions[0]


@pytest.mark.parametrize("case", CONTINUOUS)
def test_samples_of_a_continuous_family_follow_its_formula(case):
    """Kolmogorov-Smirnov against scipy, through the space and through the distribution."""
    make, reference = CONTINUOUS[case]
    rng = np.random.default_rng(1)
    through_space = Space(make()).sample(rng, N).values[:, 0]
    alone = distribution(make()).sample(rng, N)
    for drawn in (through_space, alone):
        assert stats.kstest(drawn, reference.cdf).pvalue > CHANCE


@pytest.mark.parametrize("case", CONTINUOUS)
def test_quantiles_and_densities_are_those_of_scipy(case):
    """from_unit is the quantile function, to_unit the distribution function, log_prob the log density."""
    make, reference = CONTINUOUS[case]
    ours, u = distribution(make()), np.linspace(0.001, 0.999, 999)
    x = ours.from_unit(u)

    np.testing.assert_allclose(x, reference.ppf(u), rtol=1e-10, atol=1e-15)
    np.testing.assert_allclose(ours.to_unit(x), u, rtol=1e-10)
    np.testing.assert_allclose(ours.log_prob(x), reference.logpdf(x), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("case", CONTINUOUS)
def test_a_density_integrates_to_one_and_is_zero_outside(case):
    """Quadrature between the quantiles of 1e-9 and 1 - 1e-9, on the log scale where that is the natural one."""
    ours = distribution(CONTINUOUS[case][0]())
    a, b = ours.from_unit(np.array([1e-9, 1 - 1e-9]))
    log = case in {"loguniform", "lognormal"} or "float log" in case

    def density(t: float) -> float:
        x = math.exp(t) if log else t
        return math.exp(ours.log_prob(np.array([x]))[0]) * (x if log else 1.0)

    ends = (math.log(a), math.log(b)) if log else (a, b)
    peak = ours.from_unit(np.linspace(0.1, 0.9, 9))  # so that a narrow one is not missed
    total, _ = integrate.quad(density, *ends, limit=200, points=np.log(peak) if log else peak)

    assert total == pytest.approx(1.0, abs=1e-6)
    if "normal" not in case:
        assert ours.log_prob(np.array([a - 1, b + 1000.0])).tolist() == [-math.inf, -math.inf]


# --- discrete families ------------------------------------------------------------------------------------------


def rounded(draw: Callable[[np.random.Generator], np.ndarray], q: float) -> Callable[[np.random.Generator], np.ndarray]:
    """The definition of the q-families, by numpy alone."""
    return lambda rng: np.round(draw(rng) / q) * q


def log_grid(low: float, high: float, step: float) -> Callable[[np.random.Generator], np.ndarray]:
    """A log-uniform draw between the outer edges of all cells, put on the nearest value of the grid."""

    def draw(rng: np.random.Generator) -> np.ndarray:
        n = math.floor((high - low) / step + 1e-9) + 1
        x = np.exp(rng.uniform(math.log(low - step / 2), math.log(low + (n - 0.5) * step), 10 * N))
        return low + np.clip(np.floor((x - low) / step + 0.5), 0, n - 1) * step

    return draw


DISCRETE = {
    # name: (node, the definition simulated by numpy)
    "quniform": (lambda: hp.quniform("x", 0, 10, 2), rounded(lambda rng: rng.uniform(0, 10, 10 * N), 2)),
    "quniform off the grid": (
        lambda: hp.quniform("x", 0.3, 4.1, 0.5),
        rounded(lambda rng: rng.uniform(0.3, 4.1, 10 * N), 0.5),
    ),
    "quniform below zero": (lambda: hp.quniform("x", -5, 5, 3), rounded(lambda rng: rng.uniform(-5, 5, 10 * N), 3)),
    "uniformint": (lambda: hp.uniformint("x", 1, 6), rounded(lambda rng: rng.uniform(1, 6, 10 * N), 1)),
    "qloguniform": (lambda: hp.qloguniform("x", 0, 3, 2), rounded(lambda rng: np.exp(rng.uniform(0, 3, 10 * N)), 2)),
    "qnormal": (lambda: hp.qnormal("x", 1, 3, 2), rounded(lambda rng: rng.normal(1, 3, 10 * N), 2)),
    "qlognormal": (lambda: hp.qlognormal("x", 1, 0.5, 1), rounded(lambda rng: np.exp(rng.normal(1, 0.5, 10 * N)), 1)),
    "randint": (lambda: hp.randint("x", 7), lambda rng: rng.integers(0, 7, 10 * N)),
    "randint of two": (lambda: hp.randint("x", -3, 4), lambda rng: rng.integers(-3, 4, 10 * N)),
    "choice": (lambda: hp.choice("x", list("abcde")), lambda rng: rng.integers(0, 5, 10 * N)),
    "pchoice": (
        lambda: hp.pchoice("x", [(0.1, "a"), (0.0, "b"), (0.65, "c"), (0.25, "d")]),
        lambda rng: rng.choice(4, 10 * N, p=[0.1, 0.0, 0.65, 0.25]),
    ),
    "float step": (lambda: hp.float("x", 0.5, 2.5, step=0.5), lambda rng: 0.5 + 0.5 * rng.integers(0, 5, 10 * N)),
    "float step off the end": (lambda: hp.float("x", 0, 1, step=0.3), lambda rng: 0.3 * rng.integers(0, 4, 10 * N)),
    "float log step": (lambda: hp.float("x", 1, 4, log=True, step=0.5), log_grid(1, 4, 0.5)),
    "int": (lambda: hp.int("x", 3, 9), lambda rng: rng.integers(3, 10, 10 * N)),
    "int step": (lambda: hp.int("x", 3, 10, step=2), lambda rng: 3 + 2 * rng.integers(0, 4, 10 * N)),
    "int log": (lambda: hp.int("x", 1, 20, log=True), log_grid(1, 20, 1)),
    "int log step": (lambda: hp.int("x", 8, 64, log=True, step=8), log_grid(8, 64, 8)),
    "categorical": (lambda: hp.categorical("x", list("abc")), lambda rng: rng.integers(0, 3, 10 * N)),
    "ordinal": (lambda: hp.ordinal("x", [1, 2, 4, 8]), lambda rng: rng.integers(0, 4, 10 * N)),
    "bool": (lambda: hp.bool("x"), lambda rng: rng.integers(0, 2, 10 * N)),
    "int with a guess": (
        lambda: hp.int("x", 3, 22, prior=hp.around(8, 2.5, trust=0.5)),
        on_grid(Guessed(2.5, 22.5, 8, 2.5, 0.5), 3, 1, 20),
    ),
    "int log with a guess": (
        lambda: hp.int("x", 4, 30, log=True, prior=hp.around(10, 1.5)),
        on_grid(Guessed(3.5, 30.5, 10, 1.5, 0.5, log=True), 4, 1, 27),
    ),
    "float step with a guess": (
        lambda: hp.float("x", 0, 1, step=0.25, prior=0.5),
        on_grid(Guessed(-0.125, 1.125, 0.5, 0.25, 0.5), 0, 0.25, 5),
    ),
    "ordinal with a guess": (
        lambda: hp.ordinal("x", [1, 2, 4, 8], prior=hp.around(4, 1.5)),
        on_grid(Guessed(-0.5, 3.5, 2, 1.5, 0.5), 0, 1, 4),
    ),
    "categorical with weights": (
        lambda: hp.categorical("x", list("abcd"), prior=[6, 1, 1, 0]),
        lambda rng: rng.choice(4, 10 * N, p=np.array([6, 1, 1, 0]) / 8 * 0.5 + 0.5 / 4),
    ),
}


@pytest.mark.parametrize("case", DISCRETE)
def test_samples_of_a_discrete_family_follow_its_definition(case):
    """Chi-square of two samples, ours against the definition simulated by numpy; rare values are taken together."""
    make, define = DISCRETE[case]
    rng = np.random.default_rng(2)
    ours = np.round(Space(make()).sample(rng, N).values[:, 0], 9)
    theirs = np.round(np.asarray(define(rng), dtype=float) + 0.0, 9)
    values = np.unique(np.concatenate([ours, theirs]))
    table = np.array([[(sample == value).sum() for value in values] for sample in (ours, theirs)])
    often = table[1] >= 200
    table = np.column_stack([table[:, often], table[:, ~often].sum(axis=1)])
    table = table[:, table.sum(axis=0) > 0]

    assert set(ours) <= set(theirs)
    assert stats.chi2_contingency(table).pvalue > CHANCE


def listed(ours: object) -> np.ndarray:
    """All values; where there is no end of them, those between the quantiles of 1e-12 and 1 - 1e-12."""
    if ours.size is not None:
        return ours.values()
    first, last = ours.from_unit(np.array([1e-12, 1 - 1e-12]))
    return np.arange(first, last + ours.q / 2, ours.q)


@pytest.mark.parametrize("case", DISCRETE)
def test_masses_are_the_cells_and_sum_to_one(case):
    """`log_prob` is the log of the cell's width; the cells follow each other; samples have these frequencies."""
    ours = distribution(DISCRETE[case][0]())
    x = listed(ours)
    low, high = ours.cell(x)
    mass = np.exp(ours.log_prob(x))
    drawn = ours.sample(np.random.default_rng(3), N)
    counts = np.array([np.isclose(drawn, value).sum() for value in x])
    error = np.sqrt(N * mass * (1 - mass)) + 1

    np.testing.assert_allclose(mass, high - low, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(high[:-1], low[1:], atol=1e-12)
    assert mass.sum() == pytest.approx(1.0, abs=1e-9)
    assert np.all(np.abs(counts - N * mass) < 6 * error)
    np.testing.assert_allclose(ours.from_unit(ours.to_unit(x)), x, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", DISCRETE)
def test_each_quantile_belongs_to_the_cell_of_its_value(case):
    """from_unit sends all of a value's cell to that value, and nothing else."""
    ours = distribution(DISCRETE[case][0]())
    u = np.random.default_rng(4).random(N)
    low, high = ours.cell(ours.from_unit(u))

    assert np.all((low - 1e-12 <= u) & (u <= high + 1e-12))


def test_the_ends_of_quniform_are_half_as_likely():
    """Hyperopt's rounding gives 0 and 10 half a cell each; `hp.float(step=)` gives every value the same."""
    theirs, ours = distribution(hp.quniform("x", 0, 10, 2)), distribution(hp.float("x", 0, 10, step=2))

    np.testing.assert_allclose(np.exp(theirs.log_prob(theirs.values())), [0.1, 0.2, 0.2, 0.2, 0.2, 0.1])
    np.testing.assert_allclose(np.exp(ours.log_prob(ours.values())), [1 / 6] * 6)


@pytest.mark.parametrize("case", [*CONTINUOUS, *DISCRETE])
def test_what_a_family_cannot_give_has_no_probability(case):
    """NaN, infinities, values off the grid and beyond the bounds: not contained, and of log probability -inf."""
    ours = distribution({**CONTINUOUS, **DISCRETE}[case][0]())
    strange = [math.nan, math.inf, -math.inf] + ([1e9 + 0.123] if ours.size is not None else [])

    assert not ours.contains(np.array(strange)).any()
    if "normal" not in case:
        assert np.all(ours.log_prob(np.array([-1e12, 1e12])) == -math.inf)
    assert ours.contains(ours.sample(np.random.default_rng(5), 1000)).all()


def test_columns_are_drawn_independently():
    """Also from parameters that hang on each other: correlations of the quantiles within six standard errors."""
    a = hp.uniform("a", 1, 2)
    space = Space([a, hp.uniform("b", 0, a), hp.normal("c", 0, 1), hp.int("d", 0, 1000)])
    unit = space.to_unit(space.sample(np.random.default_rng(6), 5_000))
    off = np.corrcoef(unit.T)[~np.eye(4, dtype=bool)]

    assert np.all(np.abs(off) < 6 / math.sqrt(5_000))
    for j in range(4):
        assert stats.kstest(unit[:, j], "uniform").pvalue > CHANCE


def test_the_normal_functions_are_those_of_scipy():
    """In the middle and far out in both tails, to nearly all digits."""
    from scipy import special

    x = np.concatenate([np.linspace(-37, 8, 4_001), [-np.inf, np.inf, 0.0]])
    p = np.concatenate([np.geomspace(1e-300, 0.5, 2_001), 1 - np.geomspace(1e-16, 0.5, 2_001), [0.0, 1.0]])

    np.testing.assert_allclose(ndtr(x), special.ndtr(x), rtol=1e-12)
    np.testing.assert_allclose(ndtri(p), special.ndtri(p), rtol=1e-12, atol=1e-15)
    assert np.isnan(ndtri(np.array([-0.1, 1.1]))).all()


def test_what_is_known_from_draws_is_a_distribution():
    """Masses are cells and sum to one, a density integrates to one, and quantiles belong to their values."""
    rng = np.random.default_rng(6)
    listed_ones, smooth = Sampled.of(rng.poisson(3, 1000), True), Sampled.of(rng.normal(size=1000), False)
    x, u = listed_ones.values(), rng.random(N)
    grid = np.linspace(smooth.levels[0], smooth.levels[-1], 200_001)

    for ours in (listed_ones, smooth):
        low, high = ours.cell(ours.from_unit(u))
        assert np.all((low - 1e-12 <= u) & (u <= high + 1e-12))
    assert np.exp(listed_ones.log_prob(x)).sum() == pytest.approx(1.0)
    assert np.exp(smooth.log_prob(grid)).mean() * (grid[-1] - grid[0]) == pytest.approx(1.0, abs=1e-2)
    assert smooth.log_prob(np.array([-9.0, 9.0])).tolist() == [-math.inf] * 2
    assert not listed_ones.contains(np.array([0.5, math.nan, 1e9])).any()
    assert not smooth.contains(np.array([math.nan, math.inf])).any()
    assert stats.kstest(smooth.sample(rng, N), np.array(smooth.levels)).pvalue > CHANCE
