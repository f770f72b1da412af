"""Guesses of people: what may be said, how it is kept, and that a wrong one is overcome.

Densities, quantiles and draws of these priors are in tests/statistical/test_distributions.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import parzen
from parzen import Space, Study, Trials, fmin, hp
from parzen.errors import BadDistribution, CorruptLog, SpaceMismatch
from parzen.space import Around

SPACE = {
    "lr": hp.float("lr", 1e-5, 1e-1, log=True, prior=1e-3),
    "momentum": hp.float("momentum", 0.0, 1.0, prior=hp.around(0.9, 0.05, trust=0.5)),
    "layers": hp.int("layers", 1, 64, log=True, prior=hp.around(8, 2)),
    "batch": hp.ordinal("batch", [16, 32, 64, 128], prior=32),
    "optimizer": hp.categorical("optimizer", ["adam", "sgd", "lion"], prior={"adam": 3, "lion": 0}),
}


def test_priors_are_said_where_a_space_is_printed() -> None:
    """In the parameter's own units, with the share of each option."""
    assert str(Space(SPACE)).splitlines()[1:-1] == [
        "  lr: loguniform(low=1e-05, high=0.1) around 0.001 (within a factor of 6.30957, trust 0.5)",
        "  momentum: uniform(low=0.0, high=1.0) around 0.9 (within 0.05, trust 0.5)",
        "  layers: int(1, 64, log) around 8 (within a factor of 2, trust 0.5)",
        "  batch: one of 16, 32, 64, 128 around 32",
        "  optimizer: one of 'adam' (54.2 %), 'sgd' (29.2 %), 'lion' (16.7 %)",
    ]


def test_a_stored_space_has_its_priors() -> None:
    """Through JSON and back it is the same space, with the same distributions."""
    space = Space(SPACE)
    again = Space.from_json(json.loads(json.dumps(space.to_json())))

    assert again.distributions == space.distributions
    assert again.differences(space) == []
    assert isinstance(again.distributions[0], Around)


def test_a_space_without_priors_is_stored_as_it_always_was() -> None:
    """Files of before are gone on with: their text is what the program's space gives now."""
    assert Space({"x": hp.float("x", 0, 1, log=False), "n": hp.int("n", 1, 5)}).to_json() == [
        ["param", "x", "uniform", {"low": 0.0, "high": 1.0}],
        ["param", "n", "grid", {"low": 1.0, "high": 5.0, "step": 1.0, "log": False, "integral": True}],
        ["dict", ["x", "n"], [0, 1]],
    ]


DAMAGED = {
    "a base without bounds": {"base": "normal", "mu": 0.0, "sigma": 1.0, "guess": 0.0, "within": 1.0, "trust": 0.5},
    "a base that is a prior": {"base": "around", "guess": 0.0, "within": 1.0, "trust": 0.5},
    "a guess outside": {"base": "uniform", "low": 0.0, "high": 1.0, "guess": 2.0, "within": 1.0, "trust": 0.5},
    "all trust": {"base": "uniform", "low": 0.0, "high": 1.0, "guess": 0.5, "within": 1.0, "trust": 1.0},
    "no within": {"base": "uniform", "low": 0.0, "high": 1.0, "guess": 0.5, "trust": 0.5},
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_prior_is_a_corrupt_file(case: str) -> None:
    """Nothing that is read is trusted."""
    with pytest.raises(CorruptLog):
        Space.from_json([["param", "x", "around", DAMAGED[case]]])


def test_a_study_with_another_guess_is_another_study(tmp_path: Path) -> None:
    """Its unit coordinates are others; the text says what differs."""
    Study({"x": hp.float("x", 0, 1, prior=0.5)}, storage=tmp_path / "s.db").ask()
    Study({"x": hp.float("x", 0, 1, prior=0.5)}, storage=tmp_path / "s.db")

    with pytest.raises(SpaceMismatch, match=r"around 0\.5 .* and is uniform\(low=0\.0, high=1\.0\) around 0\.75"):
        Study({"x": hp.float("x", 0, 1, prior=0.75)}, storage=tmp_path / "s.db")


def test_options_of_any_kind_may_be_weighted() -> None:
    """By place, by the option itself, by the name that it was given; a weight of zero is no lock."""

    def fancy() -> None: ...

    named = hp.option("big", {"units": 512})
    by_place = Space(hp.categorical("c", [fancy, None, named], prior=np.array([2, 1, 0])))
    by_name = Space(hp.categorical("c", [fancy, None, named], prior={fancy: 2, "big": 0}))

    assert by_place.distributions == by_name.distributions
    np.testing.assert_allclose(by_name.distributions[0].probabilities(), [3 / 6, 2 / 6, 1 / 6])


def test_bounds_that_are_computed_may_have_a_guess() -> None:
    """It is checked when the bounds are known."""
    low = hp.float("low", 0.0, 1.0)
    space = Space([low, hp.float("x", low, 3.0, prior=hp.around(2.0, 0.1, trust=0.9))])
    x = space.sample(np.random.default_rng(1), 2000).values[:, 1]
    again = Space.from_json(json.loads(json.dumps(space.to_json())))

    assert 0.8 < np.mean(np.abs(x - 2.0) < 0.25) < 0.95
    np.testing.assert_allclose(again.sample(np.random.default_rng(1), 2000).values[:, 1], x)


def test_a_choice_of_its_own_is_encoded_and_decoded() -> None:
    """Configurations go into rows and back, whatever the prior."""
    space = Space(SPACE)
    points = space.sample(np.random.default_rng(2), 50)
    for i in range(50):
        again = space.encode_params(space.params(points, i))
        np.testing.assert_allclose(again.values[0], points.values[i], rtol=1e-12)

    config = space.decode(points, 0)
    assert isinstance(config["layers"], int)
    assert config["batch"] in (16, 32, 64, 128)


@pytest.mark.parametrize("max_queue_len", [1, 2])  # over a study, and over documents
def test_fmin_takes_them_and_keeps_whole_numbers_whole(max_queue_len: int) -> None:
    """The documents of an `hp.int` with a guess hold whole numbers, as without: Python's, or numpy's where pymongo is not."""
    trials = Trials()
    fmin(
        lambda config: config["layers"], SPACE, parzen.tpe.suggest, 5, rstate=1, trials=trials, verbose=False,
        max_queue_len=max_queue_len,
    )  # fmt: skip

    assert all(isinstance(doc["misc"]["vals"]["layers"][0], (int, np.integer)) for doc in trials.trials)
    assert all(isinstance(doc["misc"]["vals"]["lr"][0], float) for doc in trials.trials)  # numpy's are Python's too


WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "outside": (lambda: hp.float("x", 0, 1, prior=2), "must lie within the bounds, from 0 to 1, got 2.0"),
    "text": (lambda: hp.int("x", 0, 9, prior="five"), "the prior's guess must be a number, got 'five'"),
    "no trust": (lambda: hp.float("x", 0, 1, prior=hp.around(0.5, trust=0)), "trust must be above 0 and at most 0.9"),
    "all trust": (lambda: hp.float("x", 0, 1, prior=hp.around(0.5, trust=1)), "the rest of the range keeps some draws"),
    "no factor": (lambda: hp.float("x", 1, 9, log=True, prior=hp.around(3, 1)), "a factor above 1 on the log scale"),
    "no width": (lambda: hp.float("x", 1, 9, prior=hp.around(3, 0)), "positive, in the parameter's own units"),
    "too narrow": (lambda: hp.float("x", 0, 1, prior=hp.around(0.5, 1e-9)), "from a 1,000,000th of the range"),
    "a mapping": (lambda: hp.float("x", 0, 1, prior={"x": 1}), "its prior is a value or hp.around"),
    "four things": (lambda: hp.float("x", 0, 1, prior=(1, 2, 3, 4)), r"a prior is \(guess, within, trust\)"),
    "no such value": (lambda: hp.ordinal("x", [1, 2], prior=3), "must be one of the values, got 3"),
    "too few weights": (lambda: hp.categorical("x", ["a", "b"], prior=[1]), "1 weights for 2 options"),
    "negative weights": (lambda: hp.categorical("x", ["a", "b"], prior=[2, -1]), "must not be negative"),
    "zero weights": (lambda: hp.categorical("x", ["a", "b"], prior=[0, 0]), "nor all zero"),
    "no option": (lambda: hp.categorical("x", ["a", "b"], prior={"c": 1}), "names 'c', which is none of its options"),
    "a word": (lambda: hp.categorical("x", ["a", "b"], prior="a"), "a list of weights or a mapping"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_guess_that_makes_no_sense_is_refused_in_a_sentence(case: str) -> None:
    """Naming the parameter, what was expected, and what came."""
    make, sentence = WRONG[case]
    with pytest.raises(BadDistribution, match=sentence) as caught:
        make()

    assert "parameter 'x'" in str(caught.value)


# --- what it does to a search -----------------------------------------------------------------------------------


def searched(guess: Any, algorithm: str, trials: int, seed: int) -> np.ndarray:
    """The best loss after each trial, of a bowl in five dimensions with its bottom at 0.8."""
    space = {f"x{j}": hp.float(f"x{j}", 0.0, 1.0, prior=guess) for j in range(5)}
    result = parzen.minimize(
        lambda config: sum((x - 0.8) ** 2 for x in config.values()), space, trials, algorithm=algorithm, seed=seed,
        progress=False,
    )  # fmt: skip
    return np.minimum.accumulate(result.history.losses)


@pytest.mark.parametrize("algorithm", ["random", "tpe", "auto"])
def test_a_good_guess_is_worth_many_trials(algorithm: str) -> None:
    """Ten trials with one that is trusted are better than twenty without."""
    guess = hp.around(0.75, 0.1, trust=0.75)
    with_guess = np.mean([searched(guess, algorithm, 10, seed)[-1] for seed in range(6)])
    without = np.mean([searched(None, algorithm, 20, seed)[-1] for seed in range(6)])

    assert with_guess < without


@pytest.mark.parametrize(("algorithm", "reached"), [("tpe", 0.05), pytest.param("auto", 0.02, marks=pytest.mark.slow)])
def test_a_wrong_guess_is_overcome(algorithm: str, reached: float) -> None:
    """All five guesses on the wrong side: after a hundred trials the bottom is found all the same."""
    final = [searched(0.1, algorithm, 100, seed) for seed in range(3)]

    assert np.mean([losses[9] for losses in final]) > 0.3  # it did mislead at first
    assert max(losses[-1] for losses in final) < reached
