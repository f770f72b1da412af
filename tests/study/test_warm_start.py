"""Trials of earlier studies are known from the beginning, and cost nothing."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
import pytest

import parzen
from parzen import hp
from parzen.algorithms import TPE, Random
from parzen.errors import StudyError, StudyNotFound
from parzen.space import Space
from parzen.trials import EARLIER, Asked, Finished, History, Outcome, Retracted, Started, State

SPACE = {
    "x": hp.float("x", -1.0, 1.0),
    "kind": hp.choice("kind", ["plain", {"deep": hp.float("deep", 0.0, 1.0)}]),
    "c": hp.categorical("c", ["a", "b"]),
}


def _loss(config: Any) -> float:
    return float((config["x"] - 0.5) ** 2 + (0.3 if config["kind"] == "plain" else config["kind"]["deep"] ** 2))


def _search(trials: int = 20, **settings: Any) -> parzen.Result:
    return parzen.minimize(_loss, settings.pop("space", SPACE), trials, **{"seed": 1, "progress": False, **settings})


def test_finished_trials_are_known_and_do_not_count() -> None:
    """They are rows of the history, with their losses, and the study has as many trials of its own as it was to have."""
    earlier = _search(15, name="first")
    later = _search(10, warm_start=earlier)
    history = later.history

    assert len(later.trials) == 25
    assert (history.spent, history.finished, history.asked, history.imported()) == (10, 10, 25, 15)
    assert np.array_equal(history.values[:15], earlier.history.values, equal_nan=True)
    assert np.array_equal(history.losses[:15], earlier.history.losses)
    assert {trial.source for trial in later.trials[:15]} == {"earlier: first"}
    assert all(trial.worker != EARLIER for trial in later.trials[15:])
    assert later.stopped_by == "trials"


def test_algorithms_learn_from_them() -> None:
    """A TPE that needs no start of its own is at once as good as the earlier search had become."""
    earlier = _search(60, algorithm=TPE(n_startup=10))
    warm = _search(15, algorithm=TPE(n_startup=0), warm_start=earlier, seed=2).history
    cold = _search(15, algorithm=TPE(n_startup=0), seed=2).history

    assert np.median(warm.losses[60:]) < np.median(cold.losses) / 2


@pytest.mark.parametrize("way", ["result", "study", "path", "storage", "list"])
def test_whatever_leads_to_a_study_is_taken(way: str, tmp_path: Any) -> None:
    """A result, a study, a path, a storage, or several of them."""
    path = tmp_path / "first.db"
    earlier = _search(8, storage=path)
    other = _search(4, seed=2, name="other")
    given = {
        "result": earlier,
        "study": earlier.study,
        "path": path,
        "storage": earlier.study.storage,
        "list": [str(path), other],
    }[way]
    later = _search(3, warm_start=given)

    assert later.history.imported() == (12 if way == "list" else 8)
    assert len(later.trials) == later.history.imported() + 3
    assert len(_search(9, storage=path).trials) == 9  # it was let go of, and can be gone on with


def test_running_the_program_again_takes_nothing_in_twice(tmp_path: Any) -> None:
    """But what the earlier study has found meanwhile."""
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    _search(6, storage=first)
    for trials, expected in ((4, 6), (7, 6), (7, 6)):
        later = _search(trials, storage=second, warm_start=first)

        assert later.history.imported() == expected
        assert later.history.spent == trials

    _search(9, storage=first)
    again = _search(8, storage=second, warm_start=first)

    assert (again.history.imported(), again.history.spent, len(again.trials)) == (9, 8, 17)
    assert parzen.Study.load(second).history.imported() == 9


def test_trials_are_encoded_by_label_and_value() -> None:
    """Other bounds, another order, another choice: what fits is known, the rest is left out, and one line says so."""
    earlier = _search(30, algorithm="random")
    space = {"c": hp.categorical("c", ["b", "c", "a"]), "kind": SPACE["kind"], "x": hp.float("x", 0.0, 2.0)}
    stream = io.StringIO()
    with contextlib.redirect_stderr(stream):
        later = _search(2, space=space, warm_start=earlier, progress="lines")
    fits = [trial for trial in earlier.trials if trial.params["x"] >= 0.0]

    assert 5 < len(fits) < 25
    assert [trial.params for trial in later.trials[: len(fits)]] == [trial.params for trial in fits]
    assert [trial.loss for trial in later.trials[: len(fits)]] == [trial.loss for trial in fits]
    assert (
        f"{len(fits)} trials are known from study 'study'; {30 - len(fits)} are not of this space and were left out"
        in stream.getvalue()
    )


def test_a_study_of_which_nothing_fits_says_so_and_goes_on() -> None:
    """With a reason."""
    earlier = _search(5)
    later = parzen.minimize(
        lambda p: p["y"], {"y": hp.float("y", 0.0, 1.0)}, 3, warm_start=earlier, seed=1, progress=False
    )
    (note,) = later.history.notes.values()

    assert later.history.imported() == 0
    assert len(later.trials) == 3
    assert str(note).startswith(
        "none of the 5 trials of study 'study' is of this space, the first because the space has no"
    )


def test_all_that_ended_is_taken_in_as_it_ended() -> None:
    """Failures tell where not to look; what is running, waiting or was cancelled is not there."""
    study = parzen.Study({"x": hp.float("x", 0.0, 1.0)}, seed=1)
    ok, failed, error, pruned, cancelled, _running = study.ask(6)
    study.tell(ok, {"loss": 1.0, "loss_variance": 0.25})
    study.tell(failed, state="FAILED", error="too hot")
    study.tell(error, state="ERROR")
    study.tell(pruned, state="PRUNED")
    study.tell(cancelled, state="CANCELLED")
    study.enqueue({"x": 0.5})
    later = parzen.Study({"x": hp.float("x", 0.0, 1.0)}, seed=2)

    assert later.import_trials(study) == 4
    assert later.import_trials(study) == 0
    assert [trial.state.name for trial in later.trials] == ["OK", "FAILED", "ERROR", "PRUNED"]
    assert later.trials[1].error == study.trials[1].error
    assert later.history.variances[0] == 0.25
    assert later.history.spent == later.history.finished == 0
    assert later.best.number == 0
    assert "0 of 0 trials finished" in repr(later)


def test_a_finite_space_is_not_tried_again_where_it_is_known() -> None:
    """What an earlier study has evaluated is evaluated already."""
    space = {"n": hp.int("n", 0, 9)}
    earlier = parzen.minimize(lambda p: p["n"], space, 4, algorithm="random", seed=1, progress=False)
    later = parzen.minimize(lambda p: p["n"], space, 50, algorithm=Random(), seed=2, warm_start=earlier, progress=False)

    assert later.stopped_by == "space exhausted"
    assert sorted(trial.params["n"] for trial in later.trials) == list(range(10))
    assert later.history.spent == 6


def test_studies_that_do_not_fit_are_refused(tmp_path: Any) -> None:
    """In a sentence, before anything is evaluated."""
    study = parzen.Study(SPACE, name="own")
    upward = parzen.Study(SPACE, direction="maximize", name="upward")
    path = tmp_path / "two.db"
    for name in ("a", "b"):
        _search(1, storage=path, name=name)

    with pytest.raises(StudyError, match="'own' cannot begin with its own trials"):
        study.import_trials(study)
    with pytest.raises(StudyError, match="'upward' has direction 'maximize', and its losses mean nothing"):
        study.import_trials(upward)
    with pytest.raises(StudyNotFound, match="holds several studies"):
        study.import_trials(path)
    with pytest.raises(TypeError, match="an earlier study is a Result, a Study, or the path"):
        study.import_trials(7)  # type: ignore[arg-type]  # that is what is tested


def test_a_history_counts_what_came_from_elsewhere_apart() -> None:
    """Also when it is retracted, or given to a worker after all, and in snapshots."""
    history = History(Space({"x": hp.float("x", 0.0, 1.0)}), {"loss": "minimize"})

    def add(*events: Any) -> None:
        for event in events:
            history.apply(history.seq + 1, event)

    for number, worker in enumerate((EARLIER, "me", EARLIER)):
        add(Asked(number, (0.5,), "test", 0, 0, 0.0), Started(number, 1, worker, 0.0))
    before = history.snapshot()
    for number in range(3):
        add(Finished(number, 1, Outcome(State.OK, {"loss": 1.0}), 0.0))

    assert (before.imported(), before.imported(State.RUNNING), before.finished, before.spent) == (2, 2, 0, 1)
    assert (history.imported(), history.imported(State.OK), history.finished, history.spent) == (2, 2, 1, 1)

    add(Retracted(0, "test", 0.0))
    assert (history.imported(State.OK), history.finished, history.spent, history.asked) == (1, 1, 1, 2)


@pytest.mark.parametrize("algorithm", ["auto", "gp", "tpe"])
def test_a_model_begins_with_what_earlier_studies_know(algorithm: str) -> None:
    """No trial is spent on a start that is there already."""

    def bowl(config: Any) -> float:
        return float((config["x"] - 0.3) ** 2)

    earlier = parzen.minimize(bowl, {"x": hp.float("x", 0, 1)}, 20, algorithm="random", seed=0, progress=False)
    space = {"x": hp.float("x", 0, 1)}
    result = parzen.minimize(bowl, space, 3, algorithm=algorithm, seed=1, warm_start=earlier, progress=False)
    sources = [trial.source for trial in result.trials if not trial.source.startswith("earlier")]

    assert len(sources) == 3
    assert not [source for source in sources if "sobol" in source or "random" in source or "middle" in source]
