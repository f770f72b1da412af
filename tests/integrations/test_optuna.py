"""Samplers of Optuna as algorithms of parzen."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import parzen
from parzen import hp
from parzen.algorithms import Ask, Random
from parzen.errors import AlgorithmError
from parzen.integrations import OptunaSampler
from parzen.space import Space
from parzen.testing._algorithms import CASES
from parzen.trials import Asked, Finished, History, Outcome, Started, State, TrialError

optuna: Any = pytest.importorskip("optuna", reason="needs the package optuna")

TPE = OptunaSampler(optuna.samplers.TPESampler)
SPACE = {
    "x": hp.float("x", -1.0, 1.0),
    "lr": hp.float("lr", 1e-5, 1.0, log=True),
    "n": hp.int("n", 1, 9),
    "units": hp.int("units", 16, 128, step=16),
    "wide": hp.int("wide", 1, 1000, log=True),
    "share": hp.float("share", 0.0, 1.0, step=0.25),
    "kind": hp.choice("kind", ["plain", {"deep": hp.normal("deep", 0.0, 1.0), "o": hp.ordinal("o", [1, 2, 4])}]),
    "p": hp.pchoice("p", [(0.7, "a"), (0.0, "never"), (0.3, "b")]),
    "q": hp.qloguniform("q", 0, 5, 1),
}


def _loss(config: Any) -> float:
    loss: float = (config["x"] - 0.5) ** 2 + (np.log10(config["lr"]) + 3) ** 2 / 9 + abs(config["n"] - 3) / 9
    return loss + (0.0 if config["kind"] == "plain" else 0.1 * abs(config["kind"]["deep"]))


@pytest.mark.parametrize(
    "case",
    # The long one: a short search that is resumed has a test of its own below.
    [pytest.param(c, marks=pytest.mark.slow) if c.startswith("a_resumed") else c for c in CASES],
)
def test_a_sampler_keeps_the_promises_of_an_algorithm(case: str) -> None:
    """Every one of them, on every kind of space."""
    CASES[case](TPE)


def test_it_searches() -> None:
    """Optuna's TPE is better than random search on a space of all kinds of columns, conditional ones included."""
    ours = [parzen.minimize(_loss, SPACE, 80, algorithm=TPE, seed=seed, progress=False).best.loss for seed in (1, 2, 3)]
    random = [
        parzen.minimize(_loss, SPACE, 80, algorithm=Random(), seed=seed, progress=False).best.loss for seed in (1, 2, 3)
    ]

    assert np.mean(ours) < 0.7 * np.mean(random)  # type: ignore[arg-type]  # all have a loss


def test_it_proposes_what_the_sampler_does_in_optuna_itself() -> None:
    """The same trials and seed in a study of Optuna's own give the same parameters."""
    space = {"x": hp.float("x", -1.0, 1.0), "n": hp.int("n", 1, 9), "c": hp.categorical("c", ["a", "b", "c"])}
    done = parzen.minimize(lambda p: p["x"] ** 2 + p["n"], space, 30, algorithm="random", seed=4, progress=False)
    history = done.history
    proposal = TPE.suggest(history.space, history, Ask((30,), np.random.default_rng))
    seed = int(np.random.default_rng(30).integers(2**31))

    distributions = {
        "x": optuna.distributions.FloatDistribution(-1.0, 1.0),
        "n": optuna.distributions.IntDistribution(1, 9),
        "c": optuna.distributions.CategoricalDistribution([0, 1, 2]),
    }
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    for trial in done.trials:
        params = {**trial.params, "c": "abc".index(trial.params["c"])}
        study.add_trial(optuna.trial.create_trial(value=trial.loss, params=params, distributions=distributions))
    theirs = study.ask(distributions).params

    assert history.space.params(proposal.points) == {**theirs, "c": "abc"[theirs["c"]]}


def test_a_resumed_study_goes_on_as_if_it_had_not_stopped(tmp_path: Any) -> None:
    """The mirror is made anew from the log."""
    whole = parzen.minimize(_loss, SPACE, 30, algorithm=TPE, seed=3, progress=False)
    for trials in (17, 30):
        rest = parzen.minimize(_loss, SPACE, trials, algorithm=TPE, seed=3, storage=tmp_path / "s.db", progress=False)

    assert np.array_equal(whole.history.values, rest.history.values, equal_nan=True)


def test_a_study_of_each_direction_is_optunas_to_minimise() -> None:
    """The history's losses are, whatever the user's sign."""
    space = {"x": hp.float("x", -1.0, 1.0)}
    low = parzen.minimize(lambda p: (p["x"] - 0.5) ** 2, space, 40, algorithm=TPE, seed=1, progress=False)
    high = parzen.minimize(
        lambda p: -((p["x"] - 0.5) ** 2), space, 40, algorithm=TPE, seed=1, direction="maximize", progress=False
    )

    assert np.array_equal(low.history.values, high.history.values)


def test_trials_without_a_finite_loss_are_taken_as_failed_or_pruned() -> None:
    """Whatever happened to a trial, Optuna gets a word for it, and the next one is proposed."""
    space = Space({"x": hp.float("x", -1.0, 1.0)})
    history = History(space, {"loss": "minimize"})
    ends = [
        Outcome(State.OK, {"loss": 1.0}),
        Outcome(State.OK, {"loss": float("inf")}),
        Outcome(State.ERROR, error=TrialError("ValueError", "no")),
        Outcome(State.PRUNED),
        Outcome(State.CANCELLED),
        None,
    ]
    for number, end in enumerate(ends):
        history.apply(history.seq + 1, Asked(number, (number / 10,), "test", 0, 0, 0.0))
        history.apply(history.seq + 1, Started(number, 1, "test", 0.0))
        if end is not None:
            history.apply(history.seq + 1, Finished(number, 1, end, 0.0))
    seen: list[str] = []

    class Sampler(optuna.samplers.RandomSampler):  # type: ignore[misc]  # optuna is of any type here
        def sample_independent(self, study: Any, trial: Any, name: str, distribution: Any) -> Any:
            seen.extend(one.state.name for one in study.get_trials(deepcopy=False))
            return super().sample_independent(study, trial, name, distribution)

    OptunaSampler(Sampler).suggest(space, history, Ask((6,), np.random.default_rng))

    assert seen == ["COMPLETE", "FAIL", "FAIL", "PRUNED", "FAIL", "RUNNING", "RUNNING"]


def test_what_is_proposed_and_not_evaluated_does_not_count() -> None:
    """An ask leaves nothing behind that a sampler sees."""
    history = parzen.minimize(_loss, SPACE, 25, algorithm=TPE, seed=1, progress=False).history
    asked = Ask((25, 26), np.random.default_rng)
    first = TPE.suggest(history.space, history, asked).points.values
    for _ in range(3):
        TPE.suggest(history.space, history, Ask((25,), lambda number: np.random.default_rng(99)))

    assert np.array_equal(TPE.suggest(history.space, history, asked).points.values, first, equal_nan=True)


def test_settings_go_to_the_sampler_and_make_the_record() -> None:
    """Equal settings, equal records; what Optuna calls experimental is not said for each trial."""
    algorithm = OptunaSampler(optuna.samplers.TPESampler, {"multivariate": True, "n_startup_trials": 3})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = parzen.minimize(_loss, SPACE, 10, algorithm=algorithm, seed=1, progress=False)

    assert {trial.source for trial in result.trials} == {"optuna: TPESampler"}
    assert algorithm == OptunaSampler(optuna.samplers.TPESampler, {"n_startup_trials": 3, "multivariate": True})
    assert algorithm != TPE
    assert hash(algorithm) == hash(OptunaSampler(optuna.samplers.TPESampler, {}))


def test_other_samplers_work_too() -> None:
    """A function of a seed makes one, such as one that holds a parameter."""

    def held(seed: int) -> Any:
        return optuna.samplers.PartialFixedSampler({"n": 7}, optuna.samplers.RandomSampler(seed=seed))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        result = parzen.minimize(_loss, SPACE, 8, algorithm=OptunaSampler(held), seed=1, progress=False)

    assert {trial.params["n"] for trial in result.trials} == {7}
    assert len({trial.params["x"] for trial in result.trials}) == 8


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((optuna.samplers.RandomSampler(),), "takes a class of samplers and its settings"),
        ((optuna.samplers.RandomSampler, {"seed": 1}), "without a seed, which is the study's"),
        ((optuna.samplers.RandomSampler, 3), "keyword arguments"),
    ],
)
def test_what_cannot_be_used_is_refused(arguments: tuple[Any, ...], sentence: str) -> None:
    """In a sentence that says what to give."""
    with pytest.raises(AlgorithmError, match=sentence):
        OptunaSampler(*arguments)
