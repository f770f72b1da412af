"""Same seed, same trials; and an interruption, wherever it comes, changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import parzen
from parzen import Evaluation, Result, State, Study, Trials, hp

SPACE = {
    "x": hp.float("x", -5, 5),
    "lr": hp.float("lr", 1e-5, 1e-1, log=True),
    "n": hp.int("n", 1, 9),
    "model": hp.choice(
        "model", [{"kind": "a", "depth": hp.int("depth", 1, 5)}, {"kind": "b", "c": hp.float("c", 0, 1)}]
    ),
}
algorithms = pytest.mark.parametrize("algorithm", ["random", "tpe"])


def _loss(config: dict[str, Any]) -> float:
    bonus = config["model"].get("depth", 0) - config["model"].get("c", 0.0)
    return float(config["x"] ** 2 + abs(np.log10(config["lr"]) + 3) + config["n"] * 0.1 + bonus)


def _run(
    trials: int, algorithm: str, *, seed: int | None = 5, objective: Callable[..., Any] = _loss, **more: Any
) -> Result:
    return parzen.minimize(objective, SPACE, trials, algorithm=algorithm, seed=seed, progress=False, **more)


def _params(result: Any) -> list[dict[str, Any]]:
    return [trial.params for trial in result.trials]


@algorithms
def test_the_same_seed_gives_the_same_trials(algorithm: str, tmp_path: Path) -> None:
    """In memory and in a file; another seed gives others."""
    one = _params(_run(40, algorithm))

    assert _params(_run(40, algorithm, storage=tmp_path / "a.db")) == one
    assert _params(_run(40, algorithm, seed=6)) != one


@algorithms
def test_without_a_seed_two_searches_differ_and_each_goes_on_as_it_began(algorithm: str, tmp_path: Path) -> None:
    """The seed that was drawn is kept in the study."""
    path = tmp_path / "a.db"
    first = _params(_run(5, algorithm, seed=None, storage=path))

    assert _params(_run(5, algorithm, seed=None)) != first
    whole = _params(_run(12, algorithm, seed=None, storage=path))
    kept = Study.load(path).header.seed
    assert whole[:5] == first
    assert whole == _params(_run(12, algorithm, seed=kept))


@algorithms
def test_thirty_and_a_resume_to_sixty_is_sixty_in_one_go(algorithm: str, tmp_path: Path) -> None:
    """The resumed run takes the path of the uninterrupted one, point for point."""
    for total in (30, 60):
        resumed = _run(total, algorithm, storage=tmp_path / "study.db")

    assert _params(resumed) == _params(_run(60, algorithm))


@algorithms
def test_many_interruptions_change_nothing(algorithm: str, tmp_path: Path) -> None:
    """Ctrl-C, exits and errors from a callback at odd places; with ERROR trials both have them."""
    stops = {7: KeyboardInterrupt, 8: KeyboardInterrupt, 23: SystemExit, 24: KeyboardInterrupt, 41: RuntimeError}
    pending = dict(stops)

    def callback(study: Study, trial: parzen.Trial) -> None:
        if trial.number in pending:
            raise pending.pop(trial.number)

    def objective(config: Any, evaluation: Evaluation) -> float:
        if evaluation.number + 1000 in pending:
            raise pending.pop(evaluation.number + 1000)
        return _loss(config)

    pending.update({1012: KeyboardInterrupt, 1030: KeyboardInterrupt})
    for _ in range(20):
        try:
            result = _run(60, algorithm, objective=objective, storage=tmp_path / "study.db", callbacks=[callback])
        except (SystemExit, RuntimeError):
            continue
        if result.stopped_by == "trials":
            break

    assert pending == {}
    assert [trial.state for trial in result.trials] == [State.OK] * 60
    assert _params(result) == _params(_run(60, algorithm))


KILLED = """
    import os, signal, sys
    import numpy as np
    import parzen
    from parzen import hp

    SPACE = {
        "x": hp.float("x", -5, 5),
        "model": hp.choice("model", [{"depth": hp.int("depth", 1, 5)}, {"c": hp.float("c", 0, 1)}]),
    }

    def drive(storage, at=-1, where=""):
        def objective(config, evaluation: parzen.Evaluation):
            if evaluation.number == at and where == "objective":
                os.kill(os.getpid(), signal.SIGKILL)
            return config["x"] ** 2 + config["model"].get("depth", 0) - config["model"].get("c", 0)

        def callback(study, trial):
            if trial.number == at:
                os.kill(os.getpid(), signal.SIGKILL)

        return parzen.minimize(
            objective, SPACE, 60, algorithm=sys.argv[1], seed=5, storage=storage, callbacks=[callback], progress=False
        )

    for at, where in ((3, "objective"), (22, "objective"), (41, "callback"), (42, "objective")):
        pid = os.fork()
        if pid == 0:
            drive("study.db", at, where)
            os._exit(1)
        assert os.waitpid(pid, 0)[1] == signal.SIGKILL
    resumed, whole = drive("study.db"), drive(None)
    assert [t.state for t in resumed.trials] == [parzen.State.OK] * 60
    assert [t.params for t in resumed.trials] == [t.params for t in whole.trials]
    assert [t.loss for t in resumed.trials] == [t.loss for t in whole.trials]
"""


@pytest.mark.slow
@algorithms
def test_kills_in_the_middle_change_nothing(algorithm: str, run: Callable[..., object]) -> None:
    """Processes that die in the objective and between trials; then sixty as in one go."""
    run(KILLED, algorithm)


@algorithms
def test_the_same_seed_after_a_resume_does_not_repeat_points(algorithm: str, tmp_path: Path) -> None:
    """A trial's randomness comes from its number, not from how many were drawn in this process."""
    for total in (20, 40):
        result = _run(total, algorithm, storage=tmp_path / "study.db")
    rows = [tuple(row) for row in np.nan_to_num(result.history.values, nan=-99.0)]

    assert len(set(rows)) == 40


@pytest.mark.parametrize("suggest", ["rand", "tpe"])
def test_in_the_old_door_a_search_that_goes_on_from_its_documents_is_the_uninterrupted_one(suggest: str) -> None:
    """Thirty with one `Trials`, thirty more with the same seed: sixty in one go, none of them twice."""
    algo = getattr(parzen, suggest).suggest

    def search(total: int, trials: Trials) -> Trials:
        parzen.fmin(_loss, SPACE, algo, total, trials=trials, rstate=np.random.default_rng(3), verbose=False)
        return trials

    resumed = search(60, search(30, Trials()))
    whole = search(60, Trials())

    assert [doc["misc"]["vals"] for doc in resumed] == [doc["misc"]["vals"] for doc in whole]
    assert len({repr(doc["misc"]["vals"]) for doc in resumed}) == 60


@pytest.mark.parametrize("suggest", ["rand", "tpe"])
def test_in_the_old_door_a_save_file_goes_on_as_if_nothing_had_happened(suggest: str, tmp_path: Path) -> None:
    """The same for `trials_save_file`."""

    def search(total: int, name: str) -> Trials:
        best = parzen.fmin(
            _loss,
            SPACE,
            getattr(parzen, suggest).suggest,
            total,
            rstate=3,
            trials_save_file=tmp_path / name,
            verbose=False,
        )
        trials: Trials = best.trials
        return trials

    search(30, "a.pkl")

    assert search(60, "a.pkl").vals == search(60, "b.pkl").vals


def test_the_evaluations_own_generator_depends_on_seed_and_number_only(tmp_path: Path) -> None:
    """So an objective that draws from it is repeatable too, also after a resume."""

    def objective(config: Any, evaluation: Evaluation) -> float:
        return float(evaluation.rng.random())

    for total in (4, 8):
        resumed = _run(total, "random", objective=objective, storage=tmp_path / "a.db")
    losses = [trial.loss for trial in resumed.trials]

    assert losses == [trial.loss for trial in _run(8, "tpe", objective=objective).trials]
    assert len(set(losses)) == 8


def test_unlabelled_draws_are_repeatable_too(tmp_path: Path) -> None:
    """They are no columns, and come from the trial's own seed: reading a study draws them again, alike."""
    from parzen.hyperopt.pyll import scope

    space = {"x": hp.float("x", 0, 1), "noise": scope.uniform(0, 1)}
    seen: list[float] = []

    def objective(config: Any) -> float:
        seen.append(config["noise"])
        return float(config["x"])

    parzen.minimize(objective, space, 6, seed=1, storage=tmp_path / "a.db", progress=False)

    assert len(set(seen)) == 6
    assert [trial.config["noise"] for trial in Study.load(tmp_path / "a.db").trials] == seen
