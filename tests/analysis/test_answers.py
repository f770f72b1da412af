"""The answer as a region, why a trial was tried, what random search would have found."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

import parzen
from parzen import hp
from parzen.algorithms.gp import Belief
from parzen.analysis import doctor, noise_of, random_search, region, why
from parzen.errors import StudyError
from tests.analysis.studies import BRANCHES, UNIT, bowl, branches, noisy_bowl, searched

THREE = {**UNIT, "z": hp.float("z", 0, 1)}


def test_a_region_holds_the_optimum_and_says_what_is_free() -> None:
    """The steep parameter is narrow, the one without effect may be anything."""
    found = region(searched(bowl, THREE), within=0.01)

    assert found["x"].low <= 0.3 <= found["x"].high
    assert found["x"].high - found["x"].low == pytest.approx(2 * 0.001**0.5, rel=0.5)
    assert found["z"].free
    assert not found["x"].free
    assert found.number in found.trials
    assert "z: " in str(found)
    assert "(nearly anything)" in str(found)


def test_a_noisy_study_has_a_wider_region_around_an_expected_loss() -> None:
    """One standard error of the best, which many trials are within; the luckiest loss is not the answer."""
    result = searched(noisy_bowl(0.2), trials=100, noisy=True)
    found = region(result)

    assert found.why == "one standard error"
    assert found.expected > result.best.loss + 0.1
    assert found.expected == pytest.approx(0, abs=0.12)
    assert len(found.trials) > 5
    assert found["x"].low <= 0.55 <= found["x"].high


def test_a_region_over_branches_has_the_options_and_their_parameters() -> None:
    """What is inactive everywhere in it is not in it."""
    found = region(searched(branches, BRANCHES, trials=120), within=0.02)

    assert found["model"].options == ("'svm'",)
    assert found["model"].share == pytest.approx(0.5)
    assert {one.label for one in found.ranges} == {"model", "C", "gamma"}
    assert found["C"].low <= 10 <= found["C"].high
    assert json.loads(json.dumps(found.to_json()))["number"] == found.number


def test_a_region_is_in_the_users_sign_and_checks_its_width() -> None:
    """Also where too few trials are there to learn from."""
    result = searched(lambda c: -bowl(c), trials=3, direction="maximize")

    assert region(result).expected == result.best.loss
    with pytest.raises(ValueError, match="within is a difference of losses"):
        region(result, within=-1)
    with pytest.raises(StudyError, match="at least 1 trial with a finite loss"):
        region(parzen.Study(UNIT))


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_noise_is_estimated(noise: float) -> None:
    """From the model; from trials with equal parameters where there are any."""
    found = noise_of(searched(noisy_bowl(noise), trials=100).history)

    assert found is not None
    assert found.source == "model"
    assert found.deviation == pytest.approx(noise, rel=0.3, abs=0.003)
    space = {"k": hp.categorical("k", list(range(5)))}
    rng = np.random.default_rng(1)
    again = noise_of(searched(lambda c: c["k"] + noise * rng.standard_normal(), space, trials=80, noisy=True).history)
    assert again is not None
    assert again.source == "repeats"
    assert again.deviation == pytest.approx(noise, rel=0.4, abs=1e-12)


def test_why_says_the_rule_what_was_known_and_what_was_expected() -> None:
    """Of a proposal of a model, with the trials that are most alike."""
    result = searched(bowl, THREE, "gp", 30)
    found = why(result, 25)

    assert found.rule == "gp"
    assert (found.known, found.running) == (25, 0)
    assert found.best == int(np.argmin(result.history.losses[:25]))
    assert found.gain == result.history.gains[25]
    assert "log of the expected improvement" in found.unit
    assert len(found.nearest) == 3
    assert all(number < 25 for number, _ in found.nearest)
    assert json.loads(json.dumps(found.to_json()))["number"] == 25
    assert "The rule “gp” proposed trial 25. 25 trials had ended then." in str(found)


def test_why_knows_the_first_trial_people_and_earlier_studies() -> None:
    """None of these is an algorithm's idea."""
    earlier = searched(bowl, trials=4)
    study = parzen.Study(UNIT, seed=1)
    study.import_trials(earlier)
    study.enqueue({"x": 0.25})
    study.run(bowl, 2, progress=False)

    assert "was evaluated in an earlier study and taken in (earlier: study)" in str(why(study, 0))
    assert "Somebody asked for trial 4 and gave x." in str(why(study, 4))
    assert why(study, -1).number == 5
    assert why(earlier, 0).known == 0
    assert why(earlier, 0).best is None
    with pytest.raises(IndexError, match="there is no trial 99"):
        why(study, 99)
    for wrong in ("x", None, 1.5):
        with pytest.raises(TypeError, match=f"that of a trial, a whole number, got {wrong!r}"):
            why(study, wrong)  # type: ignore[arg-type]  # on purpose
    assert why(study, np.int64(4)).number == 4  # type: ignore[arg-type]  # what columns have


def test_random_search_is_estimated_or_taken_as_it_was_made() -> None:
    """The estimate and a real search of the same length agree about its best loss."""
    found = random_search(searched(bowl, UNIT, "tpe", 60).history, 50)

    assert found is not None
    assert found.estimated
    reached = [searched(bowl, UNIT, trials=50, seed=seed).best.loss for seed in range(15)]
    assert found.low[-1] < np.median(reached) < 3 * found.high[-1]
    assert (np.diff(found.median) <= 1e-12).all()
    made = random_search(searched(bowl).history, 50, made=searched(bowl, trials=30, seed=9).history)
    assert made is not None
    assert not made.estimated
    assert made.trials[-1] == 30
    assert random_search(searched(bowl, trials=2).history, 10) is None


@pytest.mark.parametrize("seed", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_the_answer_of_an_exact_objective_is_its_best_trial(seed: int) -> None:
    """After 300 trials the process has seen 200 of them, and knows nothing of the others; what was measured is known."""
    space = {
        "lr": hp.float("lr", 1e-5, 1e-1, log=True),
        "n": hp.int("n", 1, 8),
        "kind": hp.categorical("kind", ["a", "b"]),
    }

    def objective(c: Any) -> float:
        if c["n"] == 8:
            raise MemoryError("too large")
        return abs(math.log10(c["lr"]) + 2) + abs(c["n"] - 3) * 0.1 + (c["kind"] == "b") * 0.2

    result = searched(objective, space, "auto", 300, seed=seed)
    found = region(result)

    assert result.recommended.number == result.best.number == found.number
    assert found.expected == result.best.loss
    assert found["n"].low == found["n"].high == 3


def test_what_a_trial_measured_itself_counts_in_what_is_expected_of_it() -> None:
    """Under noise, and of a trial that is not among the 200 that the process has seen."""
    rng = np.random.default_rng(0)
    result = searched(lambda c: c["x"] ** 2 + 0.3 * rng.standard_normal(), UNIT, "random", 400)
    noise = noise_of(result.history)
    belief = Belief.of(result.history)
    others = ~np.isin(noise.numbers, belief.numbers)
    plain = belief.losses(belief.expect(result.history.unit[noise.numbers])[0])
    measured = result.history.losses[noise.numbers]
    moved = (noise.expected - plain)[others]

    assert others.sum() == 200
    assert (np.sign(moved) == np.sign(measured - plain)[others]).mean() > 0.95
    assert np.abs(moved).mean() < 0.5 * np.abs(measured - plain)[others].mean()


def test_every_view_of_a_study_names_the_same_trial() -> None:
    """What a process is unsure of would make two computations of it disagree."""

    def rough(c: Any) -> float:
        return float((math.log10(c["x"]) + 3) ** 2 + 0.5 * math.sin(5e6 * c["x"]) + abs(c["l"] - 4) * 0.1)

    space = {"x": hp.float("x", 1e-5, 1e-1, log=True), "l": hp.int("l", 1, 8)}
    result = searched(rough, space, "auto", 60, seed=3)
    (luck,) = (one for one in doctor(result) if one.kind == "luck")

    recommended = result.recommended.number
    assert recommended != result.best.number
    assert recommended == region(result).number == luck.evidence["recommended"]
    assert f"those of trial {recommended}." in result.plot.history().notes[-1]


def test_one_noisy_reading_among_exact_ones_is_no_answer() -> None:
    """Each trial says itself how far its loss is to be believed."""
    study = parzen.Study({"x": hp.float("x", 0, 1)}, seed=1, noisy=True)
    for i in range(21):
        study.enqueue({"x": i / 20})
        exact = {"loss": (i / 20 - 0.3) ** 2, "loss_variance": 1e-8}
        study.tell(study.ask(), {"loss": -1.0, "loss_variance": 100.0} if i == 20 else exact)
    result = study.run(lambda c: 0.0, 21, progress=False)
    (luck,) = (one for one in doctor(result) if one.kind == "luck")

    assert result.best.number == 20
    assert result.recommended.number == region(result).number == 6
    assert "in trial 20, is luck: its own noise is 10" in luck.sentence
    assert luck.advice == "Take trial 6 (result.recommended), or evaluate trial 20 again."
