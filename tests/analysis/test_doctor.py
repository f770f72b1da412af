"""Each diagnosis is made on a study that was built to show it, and not on one that must not."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import numpy as np
import pytest

import parzen
from parzen import hp
from parzen.analysis import Finding, doctor, region
from tests.analysis.studies import BRANCHES, UNIT, bowl, branches, noisy_bowl, searched

ALGORITHMS = ("random", "tpe")


def _of(kind: str, result: Any) -> list[Finding]:
    return [one for one in doctor(result) if one.kind == kind]


@pytest.fixture(scope="module", params=ALGORITHMS)
def healthy(request: pytest.FixtureRequest) -> parzen.Result:
    """Nothing is the matter: an optimum inside, both parameters matter, every option is as good."""
    return searched(lambda c: 2 * (c["x"] - 0.3) ** 2 + (c["y"] - 0.5) ** 2, algorithm=request.param)


def test_a_healthy_study_has_no_findings(healthy: parzen.Result) -> None:
    """Whichever algorithm made it."""
    assert doctor(healthy) == ()


def test_equal_losses_are_the_objectives_matter() -> None:
    """No parameter is said to be dead where nothing has an effect: somebody forgot to return what was computed."""
    (found,) = doctor(searched(lambda c: 0.5, trials=40))

    assert found.kind == "constant"
    assert "All 40 losses are equal (0.5)" in found.sentence
    assert "objective" in found.advice


# --- the optimum at a bound -------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["tpe"])
@pytest.mark.parametrize("side", ["lower", "upper"])
def test_an_optimum_at_a_bound_is_found(algorithm: str, side: str) -> None:
    """Losses fall to the last value that is allowed; the other parameter is left alone."""
    sign = 1 if side == "lower" else -1
    (found,) = _of("bound", searched(lambda c: sign * c["x"] + (c["y"] - 0.4) ** 2, algorithm=algorithm))

    assert found.labels == ("x",)
    assert found.evidence["side"] == side
    assert found.evidence["bound"] == (0.0 if side == "lower" else 1.0)
    assert f"{side} bound of 'x'" in found.sentence


def test_a_parameter_without_effect_is_not_said_to_be_at_its_bound() -> None:
    """A process tries the corners of what does not matter: all its trials lie there, for no reason."""
    space = {**UNIT, "z": hp.float("z", 0, 1)}

    assert not _of("bound", searched(bowl, space, "auto", 60))


def test_a_bound_of_two_or_three_values_is_no_bound() -> None:
    """The last of few values is an option like another."""
    space = {**UNIT, "n": hp.int("n", 1, 3)}

    assert not _of("bound", searched(lambda c: bowl(c) - c["n"], space, "tpe"))


# --- scales -----------------------------------------------------------------------------------------------------


def test_a_linear_scale_from_zero_is_found_where_losses_rise_again_towards_it() -> None:
    """Zero itself is bad, and so is everything above a hundredth."""
    space = {"decay": hp.float("decay", 0, 1), "y": hp.float("y", 0, 1)}
    result = searched(lambda c: abs(np.log10(c["decay"] + 1e-9) + 3) + (c["y"] - 0.4) ** 2, space, "tpe")

    assert [one.labels for one in _of("scale", result)] == [("decay",)]
    assert not _of("scale", searched(lambda c: c["decay"] + (c["y"] - 0.4) ** 2, space, "tpe"))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_linear_scale_that_should_be_logarithmic_is_found(algorithm: str) -> None:
    """Good learning rates around a thousandth, of a linear range up to one; it is neither noise nor a bound."""
    space = {"lr": hp.float("lr", 1e-6, 1), "y": hp.float("y", 0, 1)}
    result = searched(lambda c: abs(np.log10(c["lr"]) + 3) + (c["y"] - 0.4) ** 2, space, algorithm)
    found = doctor(result)

    assert [(one.kind, one.labels) for one in found if one.kind != "dead parameter"] == [("scale", ("lr",))]
    assert "log=True" in found[0].advice


def test_the_same_parameter_on_the_log_scale_is_fine() -> None:
    """What the doctor advised helps."""
    space = {"lr": hp.float("lr", 1e-6, 1, log=True), "y": hp.float("y", 0, 1)}
    for algorithm in ALGORITHMS:
        assert not _of("scale", searched(lambda c: abs(np.log10(c["lr"]) + 3) + (c["y"] - 0.4) ** 2, space, algorithm))


def test_a_log_scale_that_should_be_linear_is_found() -> None:
    """Momentum around a half is good, and a log scale from a millionth on hardly tries any."""
    space = {"m": hp.float("m", 1e-6, 1, log=True), "y": hp.float("y", 0, 1)}
    result = searched(lambda c: max(abs(c["m"] - 0.7) - 0.25, 0.0) + 0.1 * (c["y"] - 0.4) ** 2, space, "random", 150)
    (found,) = _of("scale", result)

    assert found.labels == ("m",)
    assert found.evidence["now"] == "log"


def test_a_narrow_optimum_in_the_middle_of_a_linear_range_is_no_matter_of_scale(healthy: parzen.Result) -> None:
    """A third of the way along is no corner."""
    assert not _of("scale", healthy)


# --- dead options and parameters --------------------------------------------------------------------------------


def test_a_dead_option_is_found_and_others_are_not() -> None:
    """One of three optimisers is worse whatever else is chosen."""
    space = {**UNIT, "opt": hp.categorical("opt", ["adam", "sgd", "lion"])}
    (found,) = _of("dead option", searched(lambda c: bowl(c) + 5 * (c["opt"] == "sgd"), space))

    assert found.labels == ("opt",)
    assert found.evidence["option"] == "'sgd'"
    assert found.evidence["chance of that if it were like the others"] < 0.01


def test_options_that_are_alike_are_not_dead() -> None:
    """However the best of them were drawn."""
    space = {**UNIT, "opt": hp.categorical("opt", ["adam", "sgd", "lion"])}
    for seed in range(5):
        assert not _of("dead option", searched(bowl, space, seed=seed))


@pytest.mark.parametrize("seed", [2, 3])
def test_a_dead_parameter_is_found(seed: int) -> None:
    """The third one has no effect, the first two have one."""
    space = {**UNIT, "z": hp.float("z", 0, 1)}
    found = _of("dead parameter", searched(bowl, space, seed=seed))

    assert [one.labels for one in found] == [("z",)]


def test_a_label_is_spelled_once() -> None:
    """As plots and tables spell it: what cannot be printed is an escape, and an escape is not escaped again."""
    label = "z\u202e\x1b[31m"
    found = _of("dead parameter", searched(bowl, {**UNIT, label: hp.float(label, 0, 1)}, seed=2))

    assert "an effect of 'z\\u202e\\x1b[31m':" in found[0].sentence


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_parameter_that_decides_on_failure_is_not_dead_and_its_failing_option_no_answer(seed: int) -> None:
    """Neither by the doctor nor by the region: among losses alone the option makes no difference."""

    def loss(config: Any) -> float:
        if config["opt"] == "bad":
            raise MemoryError("always")
        return float(config["x"])

    space = {"x": hp.float("x", 0, 1), "opt": hp.categorical("opt", ["a", "b", "bad"]), "z": hp.float("z", 0, 1)}
    result = parzen.minimize(loss, space, 40, seed=seed, catch=True, progress=False)

    assert result.history.count(parzen.State.ERROR) > 0
    assert ("opt",) not in [one.labels for one in _of("dead parameter", result)]
    assert not any("bad" in option for option in region(result)["opt"].options)


def test_losses_whose_squares_are_too_large_are_looked_at_without_a_warning() -> None:
    """Warnings are errors here."""
    space = {"x": hp.float("x", 0, 1), "y": hp.float("y", 0, 1)}
    result = parzen.minimize(lambda c: (c["x"] - 0.5) * 1e300, space, 30, seed=1, progress=False)

    assert isinstance(doctor(result), tuple)


@pytest.mark.parametrize("share", [0.6, 1.0])
def test_losses_that_stand_for_infinity_leave_the_answer_as_it_is(share: float) -> None:
    """What is as good as the best is not measured by them, and no warning comes."""
    rng = np.random.default_rng(1)
    space = {"x": hp.float("x", 0, 1), "y": hp.float("y", 0, 1)}
    result = parzen.minimize(
        lambda c: sys.float_info.max if rng.random() < share else c["x"],
        space,
        30,
        seed=1,
        algorithm="random",
        progress=False,
    )

    assert isinstance(doctor(result), tuple)
    assert region(result).within < 100


def test_a_parameter_that_only_matters_with_another_is_not_dead() -> None:
    """By itself neither of the two says anything about the loss."""
    for algorithm in ALGORITHMS:
        assert not _of("dead parameter", searched(lambda c: abs(c["x"] - c["y"]), algorithm=algorithm))


# --- failures ---------------------------------------------------------------------------------------------------


def test_a_zone_that_always_fails_is_found() -> None:
    """One condition, with the error that is common there."""
    (found,) = _of("failing zone", searched(branches, BRANCHES, trials=120))

    assert found.labels == ("C",)
    assert "MemoryError: C is too large" in found.sentence
    assert found.evidence["failed"] == found.evidence["trials"]
    assert found.evidence["share of failures elsewhere"] == 0


def test_trials_of_an_infinite_loss_are_not_said_to_have_failed() -> None:
    """They are OK in every count; among failed ones both are named."""
    space = {"x": hp.float("x", 0, 1)}

    def objective(config: dict[str, float], raises: float = 0.0) -> float:
        if config["x"] < raises:
            raise MemoryError
        return np.inf if config["x"] < 0.3 else config["x"]

    (alone,) = _of("failing zone", searched(objective, space))
    (both,) = _of("failing zone", searched(lambda c: objective(c, 0.2), space))

    assert re.search(r"All \d+ trials with x ≤ \S+ have an infinite loss, and 0% of the others\.$", alone.sentence)
    assert "failed or have an infinite loss" in both.sentence
    assert "most of them with: MemoryError" in both.sentence


def test_a_zone_of_two_conditions_is_found() -> None:
    """Large batches fail, on one device."""
    space = {"batch": hp.int("batch", 1, 100), "device": hp.categorical("device", ["cpu", "gpu"])}

    def objective(config: dict[str, Any]) -> float:
        if config["batch"] > 60 and config["device"] == "gpu":
            raise MemoryError
        return 1 / config["batch"]

    (found,) = _of("failing zone", searched(objective, space))

    assert set(found.labels) == {"batch", "device"}
    assert "device = 'gpu'" in found.sentence


@pytest.mark.parametrize(("sign", "relation"), [(1, "≥"), (-1, "≤")])
def test_the_bound_of_a_zone_holds_for_the_trials_that_are_counted(sign: int, relation: str) -> None:
    """With as many digits as it takes: whoever counts the trials up to it finds those of the sentence."""
    study = parzen.Study({"x": hp.float("x", -2, 2)}, seed=1)
    values = [sign * (0.99981121 + k * 1e-5) for k in range(20)]
    study.enqueue(*({"x": value} for value in values))

    def objective(config: dict[str, float]) -> float:
        if sign * config["x"] > 0.999885:
            raise MemoryError
        return 1.0

    study.run(objective, 20, progress=False, catch=True)
    (found,) = (one for one in doctor(study) if one.kind == "failing zone")
    said = re.search(rf"All (\d+) trials with x {relation} (\S+) failed", found.sentence)

    assert said is not None
    assert int(said[1]) == sum(sign * value >= sign * float(said[2]) for value in values)


def test_failures_by_chance_are_no_zone() -> None:
    """A fifth of all trials, wherever they are."""
    for seed in range(5):
        rng = np.random.default_rng(seed)

        def flaky(config: dict[str, float], rng: np.random.Generator = rng) -> float:
            if rng.random() < 0.2:
                raise OSError("the network")
            return bowl(config)

        assert not _of("failing zone", searched(flaky, seed=seed))


def test_a_study_in_which_everything_fails_is_told_so() -> None:
    """With the error; there is nothing else to say."""

    def broken(config: dict[str, float]) -> float:
        raise KeyError("lr")

    found = doctor(searched(broken, trials=12))

    assert [one.kind for one in found] == ["failing zone", "too little"]
    assert "All 12 trials failed" in found[0].sentence
    assert "KeyError" in found[0].sentence


# --- luck -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_winner_by_luck_is_found(algorithm: str) -> None:
    """The noise is as large as everything that the parameters do."""
    (found,) = _of("luck", searched(noisy_bowl(0.3), algorithm=algorithm))

    assert found.evidence["noise"] == pytest.approx(0.3, rel=0.35)
    assert found.evidence["noise from"] == "model"
    assert found.evidence["expected of it"] > found.evidence["best"] + 0.15


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_winner_under_little_noise_did_not_win_by_luck(algorithm: str) -> None:
    """A two-thousandth of the range."""
    assert not _of("luck", searched(noisy_bowl(0.0005), algorithm=algorithm))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_kink_is_not_taken_for_luck(algorithm: str) -> None:
    """A process rounds it off, and is exact nowhere along it."""
    assert not _of("luck", searched(lambda c: abs(c["x"] - c["y"]), algorithm=algorithm))


def test_variances_that_were_returned_are_believed() -> None:
    """Rather than what a model makes of the losses."""
    noisy = noisy_bowl(0.3)
    (found,) = _of(
        "luck", searched(lambda c: {"loss": noisy(c), "loss_variance": 0.09, "status": "ok"}, algorithm="tpe")
    )

    assert found.evidence["noise from"] == "variances"
    assert found.evidence["noise"] == pytest.approx(0.3)


def test_the_sign_is_the_users_own() -> None:
    """Under maximisation the best is the greatest."""
    noisy = noisy_bowl(0.3)
    (found,) = _of("luck", searched(lambda c: -noisy(c), direction="maximize"))

    assert found.evidence["expected of it"] < found.evidence["best"]


def test_a_model_alone_does_not_say_that_an_objective_is_noisy() -> None:
    """It takes what is rugged for noise; whoever said noisy=True is not told to say it."""
    result = searched(noisy_bowl(0.3))
    (unsaid,), (said,) = ([one for one in doctor(result, noisy=noisy) if one.kind == "luck"] for noisy in (False, True))

    assert "is luck if equal parameters may give different losses" in unsaid.sentence
    assert unsaid.advice.startswith(f"Evaluate trial {result.best.number} again.")
    assert "say noisy=True" in unsaid.advice
    assert "is luck: " in said.sentence
    assert "noisy=True" not in said.advice
    (of_the_study,) = _of("luck", searched(noisy_bowl(0.3), noisy=True))
    assert "noisy=True" not in of_the_study.advice


def test_the_lucky_trial_may_be_the_one_to_take() -> None:
    """Then its loss is what should not be believed, and nobody is told to take another."""
    result = searched(noisy_bowl(0.3, seed=13), noisy=True)
    (found,) = _of("luck", result)

    assert result.recommended == result.best
    assert found.advice.startswith("Expect ")
    assert f"of trial {result.best.number}, which is the one to take all the same; evaluate" in found.advice


# --- what all have in common ------------------------------------------------------------------------------------


def test_a_short_study_is_told_to_go_on() -> None:
    """Nothing is concluded from a dozen trials."""
    (found,) = doctor(searched(bowl, trials=12))

    assert found.kind == "too little"


@pytest.mark.parametrize(("trials", "said"), [(1, "1 trial has a"), (2, "2 trials have a")])
def test_one_trial_is_told_in_the_singular(trials: int, said: str) -> None:
    """As everywhere else."""
    assert said in doctor(searched(bowl, trials=trials))[0].sentence


def test_findings_are_json_and_sentences() -> None:
    """For programs and for people; a study, its result and its history get the same ones."""
    result = searched(branches, BRANCHES, trials=120)
    found = doctor(result)

    assert json.loads(json.dumps([one.to_json() for one in found]))
    assert found == doctor(result.study) == doctor(result.history)
    assert all(one.sentence.endswith(".") and one.advice.endswith(".") for one in found)
    with pytest.raises(TypeError, match="give a Study, a Result or a History"):
        doctor("study.db")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"documents without a study: .*Trials\(storage="):
        doctor(parzen.Trials())


def test_a_space_of_more_columns_than_a_process_learns_is_looked_at_all_the_same() -> None:
    """What needs no process is told."""
    space = {f"x{j}": hp.float(f"x{j}", 0, 1) for j in range(301)}

    def objective(config: dict[str, float]) -> float:
        if config["x7"] > 0.7:
            raise MemoryError
        return config["x0"]

    found = doctor(searched(objective, space, trials=40))

    assert [one.labels for one in found if one.kind == "failing zone"] == [("x7",)]
