"""Parzen mixtures: what they say is a density, and what they draw is drawn from it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from parzen import hp
from parzen._typing import FloatArray
from parzen.algorithms._form import Form
from parzen.algorithms._kernel_row import KernelRow
from parzen.algorithms._parzen import (
    Mixture,
    gap_bandwidths,
    kernel_rows,
    log_density,
    point_rows,
    shared_bandwidths,
)
from parzen.space import Space
from tests.strategies import spaces_with_rows

NAN = float("nan")


def mixture(space: Space, unit: FloatArray, sigma: float = 0.1, prior: float = 1.0, seed: int = 0) -> Mixture:
    """Kernels at `unit` with random weights."""
    form = Form(space)
    rng = np.random.default_rng(seed)
    spread = np.full((len(unit), len(form.ordered)), sigma) * rng.uniform(0.5, 2.0, (len(unit), len(form.ordered)))
    return Mixture(form, unit, spread, form.options / 3.0, rng.uniform(0.2, 2.0, len(unit)), prior)


def density(mixed: Mixture, unit: FloatArray) -> FloatArray:
    """In the unit coordinate."""
    return np.exp(mixed.log_density(point_rows(mixed.form, unit)))


def grid(n: int) -> FloatArray:
    """Middles of `n` equal cells of the unit interval."""
    return (np.arange(n) + 0.5) / n


LINE = Space({"x": hp.float("x", 0, 1)})
NAMES = Space({"c": hp.categorical("c", [*"abcd"])})
WEIGHTED = Space({"c": hp.pchoice("c", [(0.6, "a"), (0.1, "b"), (0.3, "c")])})
MANY = Space({"c": hp.categorical("c", range(100))})
PLANE = Space({"x": hp.float("x", 0, 1), "y": hp.float("y", 1e-3, 1, log=True)})
STEPS = Space({"n": hp.int("n", 1, 64, log=True), "q": hp.quniform("q", 0, 1, 0.1), "i": hp.int("i", 0, 3)})
TREE = Space({"m": hp.choice("m", [{"x": hp.float("x", 0, 1)}, {"y": hp.float("y", 0, 1)}]), "z": hp.float("z", 0, 1)})
IN_TREE = {label: TREE.column[label] for label in "mxyz"}


def tree_row(m: float, x: float, y: float, z: float) -> FloatArray:
    """A row of `TREE`, in the unit coordinate."""
    row = np.empty(4)
    for label, value in zip("mxyz", (m, x, y, z), strict=True):
        row[IN_TREE[label]] = value
    return row


@pytest.mark.parametrize(
    ("space", "unit"),
    [
        (LINE, [[0.0], [0.3], [0.35], [1.0]]),
        (NAMES, [[0.125], [0.125], [0.875]]),
        (WEIGHTED, [[0.3], [0.65], [0.85], [0.85]]),
        (MANY, [[0.005], [0.995], [0.505]]),
    ],
    ids=["float", "categories", "weighted categories", "many categories"],
)
def test_a_density_over_one_column_integrates_to_one(space: Space, unit: list[list[float]]) -> None:
    """Over the unit interval, by the midpoint rule, to within its error."""
    x = grid(20_000)[:, None]

    assert density(mixture(space, np.array(unit)), x).mean() == pytest.approx(1.0, abs=1e-4)


def test_a_density_over_two_columns_integrates_to_one() -> None:
    """It is a joint density, so the square is what it integrates over."""
    side = grid(200)
    x = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    unit = np.random.default_rng(0).random((7, 2))

    assert density(mixture(PLANE, unit), x).mean() == pytest.approx(1.0, abs=1e-4)


def test_a_density_over_a_tree_integrates_to_one() -> None:
    """Branch by branch: a branch's probability times the integral over what is active in it."""
    unit = np.array([tree_row(0.25, 0.2, NAN, 0.5), tree_row(0.25, 0.9, NAN, 0.1), tree_row(0.75, NAN, 0.4, 0.8)])
    mixed = mixture(TREE, unit)
    # A kernel without x counts as uniform over x, in a branch where x is active: its factor is 1.
    side = grid(200)
    total = 0.0
    for m in (0.25, 0.75):
        a, z = (axis.ravel() for axis in np.meshgrid(side, side))
        rows = np.array([tree_row(m, *((u, NAN) if m < 0.5 else (NAN, u)), w) for u, w in zip(a, z, strict=True)])
        total += 0.5 * float(density(mixed, rows).mean())

    assert total == pytest.approx(1.0, abs=1e-4)


def test_the_matrix_product_is_the_sum_of_plain_log_densities() -> None:
    """Formula (1) against scipy's truncated normal and the categories' probabilities, one by one."""
    stats = pytest.importorskip("scipy.stats")
    space = Space({"x": hp.float("x", 0, 1), "n": hp.int("n", 1, 9), "c": hp.categorical("c", [*"abc"])})
    form, rng = Form(space), np.random.default_rng(3)
    kernels, points = form.settle(rng.random((5, 3))), form.settle(rng.random((4, 3)))
    sigma, pseudo, weights = rng.uniform(0.05, 1.0, (5, 2)), np.array([0.7]), rng.random(5)
    expected = np.full(4, 0.25)
    for i in range(5):
        product = np.full(4, weights[i])
        for o, j in enumerate(form.ordered):
            mean, s = kernels[i, j], sigma[i, o]
            product *= stats.truncnorm.pdf(points[:, j], -mean / s, (1 - mean) / s, mean, s)
        c = form.named[0]
        product *= 3 * ((points[:, c] == kernels[i, c]) + 0.7 / 3) / 1.7
        expected += product

    got = log_density(form, point_rows(form, points), kernel_rows(form, kernels, sigma, pseudo), weights, 0.25)

    assert np.exp(got) == pytest.approx(expected, rel=1e-6)  # its exponentials are of single precision


def test_an_inactive_column_contributes_the_factor_one() -> None:
    """Whether it is the kernel or the point that has it not."""
    form = Form(TREE)
    kernel = np.array([tree_row(0.25, 0.2, NAN, 0.5)])
    sigma, pseudo = np.full((1, 3), 0.1), np.array([1.0])
    other = np.array([tree_row(0.75, NAN, y, 0.5) for y in (0.1, 0.5, 0.9)])
    rows = kernel_rows(form, kernel, sigma, pseudo)

    logs = log_density(form, point_rows(form, other), rows, np.ones(1), 1e-300)

    alone = Form(Space({"z": hp.float("z", 0, 1)}))
    z = log_density(
        alone,
        point_rows(alone, np.array([[0.5]])),
        kernel_rows(alone, np.array([[0.5]]), sigma[:, :1], np.empty(0)),
        np.ones(1),
        1e-300,
    )
    assert logs == pytest.approx(np.full(3, z[0] + np.log(0.5)))  # the other of two options: w / (1 + w)


def test_a_kernel_that_weighs_nothing_changes_nothing() -> None:
    """Even where its density is e^250 times that of all others, which therefore must not be measured against it."""
    space = Space([hp.float(f"x{j}", 0, 1) for j in range(100)])
    form = Form(space)
    unit = np.stack((np.full(100, 0.5), np.full(100, 0.57)))
    rows = kernel_rows(form, unit, np.full((2, 100), 0.03), np.empty(0))
    point = point_rows(form, unit[:1])

    both = log_density(form, point, rows, np.array([0.0, 1.0]), 1.0)

    assert both == pytest.approx(log_density(form, point, rows[1:], np.ones(1), 1.0))
    assert log_density(form, point, rows[:1], np.ones(1), 1.0)[0] - both[0] > 250.0


def test_hundreds_of_narrow_columns_do_not_overflow() -> None:
    """The density of 400 columns at their kernel is e^1000 or so; its log is a number."""
    space = Space([hp.float(f"x{j}", 0, 1) for j in range(400)])
    unit = np.full((3, 400), 0.5)
    form = Form(space)
    mixed = Mixture(form, unit, np.full((3, 400), 0.03), np.empty(0), np.ones(3), 1.0)
    logs = mixed.log_density(point_rows(form, np.stack([unit[0], np.full(400, 0.95)])))

    assert logs[0] == pytest.approx(400 * (-np.log(0.03) - 0.5 * np.log(2 * np.pi)) + np.log(0.75), rel=1e-9)
    assert np.isfinite(logs[1])


@pytest.mark.parametrize("space", [LINE, NAMES, WEIGHTED, MANY], ids=["float", "categories", "weighted", "many"])
def test_what_is_drawn_has_the_density(space: Space) -> None:
    """A chi-square over twenty bins, with a margin that a correct sampler passes 9 999 times of 10 000."""
    form = Form(space)
    mixed = mixture(space, form.settle(np.array([[0.05], [0.3], [0.62], [0.97]])))
    n, edges = 20_000, np.linspace(0, 1, 21)
    draws = mixed.sample(np.random.default_rng(1), n)[:, 0]
    fine = form.settle(grid(20_000)[:, None].copy())
    weights = density(mixed, grid(20_000)[:, None])
    expected = n * np.histogram(fine[:, 0], edges, weights=weights)[0] / weights.sum()
    observed = np.histogram(draws, edges)[0]
    used = expected > 0

    assert not observed[~used].any()
    chi_square = float(((observed[used] - expected[used]) ** 2 / expected[used]).sum())
    assert chi_square < 50.0


def test_columns_of_a_draw_come_from_one_kernel() -> None:
    """Two kernels on a diagonal: draws lie at the two, not at the other corners."""
    unit = np.array([[0.2, 0.2], [0.8, 0.8]])
    form = Form(PLANE)
    mixed = Mixture(form, unit, np.full((2, 2), 0.03), np.empty(0), np.ones(2), 1e-9)
    x = mixed.sample(np.random.default_rng(0), 500)

    assert (abs(x[:, 0] - x[:, 1]) < 0.25).all()
    assert 150 < np.count_nonzero(x[:, 0] < 0.5) < 350


def test_a_column_that_the_kernel_lacks_is_drawn_from_one_that_has_it() -> None:
    """Draws that leave their kernel's branch take the other branch's parameter from a kernel that was there."""
    unit = np.array([tree_row(0.25, 0.2, NAN, 0.5), tree_row(0.75, NAN, 0.9, 0.5)])
    form = Form(TREE)
    mixed = Mixture(form, unit, np.full((2, 3), 0.02), np.array([2.0]), np.array([1.0, 1e-3]), 1e-9)
    draws = mixed.sample(np.random.default_rng(0), 1000)
    crossed = draws[draws[:, IN_TREE["m"]] == 0.75]

    assert len(crossed) > 200
    assert (abs(crossed[:, IN_TREE["y"]] - 0.9) < 0.15).all()
    assert np.isnan(crossed[:, IN_TREE["x"]]).all()


def test_a_column_that_no_kernel_has_is_drawn_from_the_prior() -> None:
    """Uniform in the unit coordinate."""
    mixed = Mixture(
        Form(TREE), np.array([tree_row(0.25, 0.2, NAN, 0.5)]), np.full((1, 3), 0.02), np.array([2.0]), np.ones(1), 1e-9
    )
    draws = mixed.sample(np.random.default_rng(0), 3000)
    y = draws[draws[:, IN_TREE["m"]] == 0.75, IN_TREE["y"]]

    assert len(y) > 600
    assert np.histogram(y, 4, (0, 1))[0] / len(y) == pytest.approx(np.full(4, 0.25), abs=0.06)


def test_without_kernels_a_mixture_is_the_prior() -> None:
    """Its log density is 0 everywhere."""
    form = Form(TREE)
    mixed = Mixture(form, np.empty((0, 4)), np.empty((0, 3)), np.array([1.0]), np.empty(0), 1.0)
    draws = mixed.sample(np.random.default_rng(0), 100)

    assert mixed.log_density(point_rows(form, draws)) == pytest.approx(np.zeros(100))


def test_draws_are_settled_as_the_space_would_settle_them() -> None:
    """Cells and activity by tables are those of `Space.from_unit`."""
    shared = hp.int("n", 1, 7)
    space = Space(
        {
            "k": hp.choice("k", [0, {"n": shared}, {"n": shared, "d": hp.choice("d", [1, hp.quniform("q", 0, 9, 2)])}]),
            "w": hp.pchoice("w", [(0.2, 0), (0.8, [hp.int("log", 1, 300, log=True), hp.normal("z", 0, 1)])]),
        }
    )  # fmt: skip
    unit = np.random.default_rng(5).random((500, space.d))

    expected = space.to_unit(space.from_unit(unit))

    assert Form(space).settle(unit.copy()) == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_gap_bandwidths_are_the_larger_gap_to_a_neighbour() -> None:
    """Inactive rows do not count, and the floor holds."""
    unit = np.array([[0.5], [0.1], [NAN], [0.2], [0.21]])

    sigma = gap_bandwidths(unit, np.array([0.05]))

    assert sigma[[0, 1, 3, 4], 0] == pytest.approx([0.29, 0.1, 0.1, 0.29])


def test_gap_bandwidths_of_a_single_observation_are_the_floor() -> None:
    """It has no neighbour."""
    assert gap_bandwidths(np.array([[0.5]]), np.array([0.33])) == pytest.approx(np.array([[0.33]]))


def test_shared_bandwidths_shrink_at_scotts_rate() -> None:
    """By a factor of 2 for 2^(d + 4) times as many observations."""
    few, many = shared_bandwidths(np.array([10.0, 10.0 * 2**6]), 2.0, 0.4, 0.001)

    assert few / many == pytest.approx(2.0)


def test_large_categories_say_the_same_as_small_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comparing cells one by one is another way to compute the same."""
    inner = hp.categorical("d", range(5))
    space = Space([hp.categorical("c", range(9)), hp.float("x", 0, 1), hp.choice("b", [0, inner])])
    rng = np.random.default_rng(0)
    unit, points = Form(space).settle(rng.random((20, 4))), Form(space).settle(rng.random((50, 4)))
    small = density(mixture(space, unit), points)
    monkeypatch.setattr("parzen.algorithms._form._ONE_HOT", 1)

    assert density(mixture(space, unit), points) == pytest.approx(small)


@given(spaces_with_rows(n=4))
@settings(max_examples=60, deadline=None)
def test_one_kernel_alone_is_the_kernel_among_others(drawn):
    """`KernelRow` gives what `kernel_rows` gives for the same observation, to the bit: any space, inactive columns too."""
    _, space, quantiles = drawn
    form = Form(space)
    unit = space.to_unit(space.from_unit(quantiles))
    sigma = np.linspace(0.04, 0.6, len(form.ordered))
    pseudo = form.options / 3.0
    widths = np.maximum(sigma, form.half_cells(unit)) + np.zeros((len(unit), 1))
    together = kernel_rows(form, unit, widths, pseudo)
    alone = np.array([KernelRow(form, sigma, pseudo).of(row) for row in unit])

    assert alone.tobytes() == together.tobytes()


@pytest.mark.parametrize("space", [LINE, NAMES, WEIGHTED, MANY, PLANE, TREE, STEPS])
def test_one_kernel_alone_is_the_kernel_among_others_on_plain_spaces(space: Space) -> None:
    """The same on the spaces of this page, among them categories of unequal weight and more than are multiplied."""
    form = Form(space)
    unit = space.to_unit(space.sample(np.random.default_rng(3), 50))
    sigma, pseudo = np.full(len(form.ordered), 0.07), form.options / 3.0
    widths = np.maximum(sigma, form.half_cells(unit)) + np.zeros((len(unit), 1))
    together = kernel_rows(form, unit, widths, pseudo)
    alone = np.array([KernelRow(form, sigma, pseudo).of(row) for row in unit])

    assert alone.tobytes() == together.tobytes()
