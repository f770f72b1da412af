"""Which parameters matter, against functions whose variance can be written down."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from parzen import hp
from parzen.analysis import fanova, partial_dependence, ped_anova
from parzen.errors import SpaceError, StudyError, UnknownLabel
from tests.analysis.studies import BRANCHES, UNIT, bowl, branches, searched

pytest.importorskip("sklearn", reason="fANOVA is a forest of scikit-learn")

THREE = {**UNIT, "z": hp.float("z", 0, 1)}


def test_fanova_finds_the_shares_of_an_additive_function() -> None:
    """3 x + 1 y: the variances are as 9 to 1, and nothing is left for pairs."""
    found = fanova(searched(lambda c: 3 * c["x"] + c["y"], THREE, trials=300))

    assert found["x"].value == pytest.approx(0.9, abs=0.05)
    assert found["y"].value == pytest.approx(0.1, abs=0.05)
    assert not found["z"].matters
    assert found["x"].low <= 0.9 <= found["x"].high
    assert found.explained > 0.9
    assert sum(pair.value for pair in found.interactions) < 0.03


def test_fanova_finds_an_interaction() -> None:
    """(x - 1/2)(y - 1/2) is all interaction: neither parameter does anything alone."""
    found = fanova(searched(lambda c: (c["x"] - 0.5) * (c["y"] - 0.5), THREE, trials=400))
    first = found.interactions[0]

    assert set(first.labels) == {"x", "y"}
    assert first.matters
    assert first.value > 0.5
    assert found["x"].value + found["y"].value < 0.15


def test_fanova_over_branches_gives_each_its_part() -> None:
    """By the law of total variance: what lies between the branches is the choice's, the rest the branches' own."""
    found = fanova(searched(branches, BRANCHES, trials=300))
    # Of the prior without the zone that fails, by drawing it.
    rng = np.random.default_rng(0)
    power = rng.uniform(-3, 2, 100_000)
    svm, forest = 0.2 + abs(power - 1) * 0.1, 0.5 + abs(rng.integers(1, 81, 100_000) - 40) * 0.005
    within = 0.5 * svm.var(), 0.5 * forest.var()
    between = 0.25 * (svm.mean() - forest.mean()) ** 2
    total = sum(within) + between

    assert found["model"].value == pytest.approx(between / total, abs=0.12)
    assert found["C"].value == pytest.approx(within[0] / total, abs=0.08)
    assert found["trees"].value == pytest.approx(within[1] / total, abs=0.05)
    assert not found["gamma"].matters
    assert sum(one.value for one in found) <= 1.0


def test_ped_anova_equals_the_variance_that_can_be_counted() -> None:
    """The best are those with one of ten options: all of the variance of being among them is the option's."""
    space = {"k": hp.categorical("k", list(range(10))), "x": hp.float("x", 0, 1)}
    result = searched(lambda c: float(c["k"]) + 0.001 * c["x"], space, trials=400)
    found = ped_anova(result, top=0.1)

    assert found["k"].value > 0.7
    assert found["x"].value < 0.05
    assert found["k"].low <= found["k"].value <= found["k"].high


def test_ped_anova_of_noise_finds_nothing_on_average() -> None:
    """What chance gives has been taken off, and is above its floor about one time in twenty."""
    values, above = [], 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        found = ped_anova(searched(lambda c, rng=rng: rng.random(), UNIT, trials=60, seed=seed))
        values += [one.value for one in found]
        above += sum(one.matters for one in found)

    assert np.mean(values) < 0.03
    assert above <= 12  # of 80, of which four are expected


@pytest.mark.parametrize("algorithm", ["random", "tpe"])
def test_importances_by_forests_do_not_depend_on_where_a_search_went(algorithm: str) -> None:
    """A search that has converged, and one that never does, say the same of what matters most, and of what does not."""
    result = searched(lambda c: 10 * (c["x"] - 0.3) ** 2 + (c["y"] - 0.5) ** 2, THREE, algorithm, 120)
    found = fanova(result)

    assert found["x"].value > 0.4
    assert found["z"].value < 0.1


def test_counted_importances_say_what_matters_where_trials_are_spread_out() -> None:
    """Of a search that has converged they know a few trials only, as their documentation says."""
    result = searched(lambda c: 10 * (c["x"] - 0.3) ** 2 + (c["y"] - 0.5) ** 2, THREE, "random", 120)
    found = ped_anova(result)

    assert found["x"].matters
    assert not found["z"].matters


def test_a_conditional_parameter_counts_where_it_is_active() -> None:
    """Its trials are those of its branch; failures say that a value is not good."""
    found = ped_anova(searched(branches, BRANCHES, trials=200))

    assert next(one.label for one in found) == "C"
    assert found["C"].trials + found["trees"].trials == found.trials == found["model"].trials
    assert not found["gamma"].matters
    assert found["trees"].value == 0  # no forest is among the best


def test_interactions_of_ped_anova_are_those_of_pairs_that_meet() -> None:
    """Being near the diagonal is neither coordinate's merit; parameters of different branches never interact."""
    found = ped_anova(searched(lambda c: abs(c["x"] - c["y"]), THREE, trials=400))

    assert set(found.interactions[0].labels) == {"x", "y"}
    assert found.interactions[0].matters
    pairs = [set(pair.labels) for pair in ped_anova(searched(branches, BRANCHES, trials=200)).interactions]
    assert {"C", "trees"} not in pairs


def test_partial_dependence_follows_the_function() -> None:
    """Along x a bowl around 0.3, in the user's own sign, with a band around it."""
    result = searched(lambda c: -bowl(c), trials=200, direction="maximize")
    found = partial_dependence(result, "x")
    at = found.values[0]

    assert found.loss.shape == found.low.shape == at.shape
    assert at[np.argmax(found.loss)] == pytest.approx(0.3, abs=0.1)
    assert (found.low <= found.loss + 1e-9).all()
    assert (found.loss <= found.high + 1e-9).all()
    assert np.corrcoef(found.loss, -10 * (at - 0.3) ** 2)[0, 1] > 0.95


def test_partial_dependence_of_two_parameters() -> None:
    """A table with a row for each value of the first."""
    found = partial_dependence(searched(branches, BRANCHES, trials=100), "C", "model")

    assert found.loss.shape == (16, 2)
    assert np.isnan(found.loss[:, 1]).all()  # C is not there in the second branch
    assert np.isfinite(found.loss[:, 0]).all()
    assert found.names[1] == ("'svm'", "'forest'")


def test_what_cannot_be_answered_is_said() -> None:
    """A wrong label, branches that never meet, too few trials."""
    result = searched(branches, BRANCHES, trials=60)

    with pytest.raises(UnknownLabel, match="no parameter 'kernel'; it has 'model', 'C'"):
        partial_dependence(result, "kernel")
    with pytest.raises(SpaceError, match="'C' and 'trees' are never active together"):
        partial_dependence(result, "C", "trees")
    for method in (ped_anova, fanova):
        with pytest.raises(StudyError, match="needs at least"):
            method(searched(bowl, trials=2))
    with pytest.raises(ValueError, match="top is a share"):
        ped_anova(result, top=2.0)


@pytest.mark.parametrize("method", [ped_anova, fanova])
def test_importances_are_json_and_text(method: Any) -> None:
    """And the same every time."""
    result = searched(bowl, trials=60)
    found = method(result)
    told = json.loads(json.dumps(found.to_json()))

    assert told["parameters"][0]["label"] == "x"
    assert found == method(result)
    assert "x" in repr(found)
    assert 0 <= found.rest <= 1
