"""What a search gives back, for people and for programs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import parzen
from parzen import Result, State, Study, TrialPruned, hp
from parzen.errors import AllTrialsFailed

SPACE = {"x": hp.float("x", 0, 1), "k": hp.categorical("k", ["p", "q"])}


def _result(**settings: Any) -> Result:
    def objective(config: Any, evaluation: parzen.Evaluation) -> Any:
        if evaluation.number == 1:
            return math.nan
        if evaluation.number == 2:
            raise TrialPruned
        if evaluation.number == 3:
            raise ValueError("broken")
        return {"loss": float(evaluation.number), "accuracy": 0.5}

    return parzen.minimize(objective, SPACE, 6, algorithm="random", seed=1, catch=True, progress=False, **settings)


def test_the_best_trial_is_the_lowest_or_the_highest() -> None:
    """The loss has the sign that the user gave it; `history.losses` are always to be minimised."""
    low, high = _result(), _result(direction="maximize")

    assert (low.best.number, low.best.loss) == (0, 0.0)
    assert (high.best.number, high.best.loss) == (5, 5.0)
    assert high.history.losses[5] == -5.0
    assert low.best.config == {"x": low.best.params["x"], "k": low.best.params["k"]}
    assert high.study.best == high.best


def test_the_recommended_trial_is_not_the_one_that_was_lucky() -> None:
    """Of noisy losses the least is far out here; the process expects the least where the function has its minimum."""
    rng = np.random.default_rng(3)

    def noisy(config: Any, evaluation: parzen.Evaluation) -> float:
        luck = 1.2 if evaluation.number == 0 else 0.0
        return float((config["x"] - 0.3) ** 2 + rng.normal(0.0, 0.1)) - luck

    space = {"x": hp.float("x", 0, 1)}
    result = parzen.minimize(noisy, space, 80, algorithm="random", seed=1, enqueue=[{"x": 0.95}], progress=False)

    assert result.best.number == 0
    assert 0.1 < result.recommended.params["x"] < 0.5


@pytest.mark.parametrize("losses", [[1.0], [2.0, 1.0], [1.0, math.nan, 1.0], [3.0, 1.0, 2.0, 5.0]])
def test_without_noise_the_best_is_recommended(losses: list[float]) -> None:
    """Also of one trial, of equal ones, and beside failed ones."""
    left = iter(losses)
    result = parzen.minimize(lambda config: next(left), SPACE, len(losses), seed=1, catch=True, progress=False)

    assert result.recommended == result.best


def test_trials_are_a_sequence() -> None:
    """Indexing, slices, from the end, length, iteration, and a repr that counts."""
    trials = _result().trials

    assert len(trials) == 6
    assert [trial.number for trial in trials] == list(range(6))
    assert trials[-1].number == 5
    assert [trial.number for trial in trials[1:3]] == [1, 2]
    assert repr(trials) == "<6 trials: 3 OK, 1 FAILED, 1 PRUNED, 1 ERROR>"
    with pytest.raises(IndexError):
        trials[6]
    with pytest.raises(IndexError):
        trials[-7]


def test_the_repr_says_what_there_is_to_know() -> None:
    """Best loss and configuration, counts, why it stopped, where it is kept."""
    text = repr(_result())

    for part in (
        "best loss",
        "0.0 (trial 0)",
        "best config",
        "'k': ",
        "3 ok, 2 failed",
        "1 pruned",
        "trials",
        "memory",
    ):
        assert part in text


def test_the_html_is_escaped() -> None:
    """Whatever labels, options and names are."""
    space = {"<b>": hp.categorical("<script>alert(1)</script>", ["<img src=x>", "&"])}
    result = parzen.minimize(lambda config: 1.0, space, 1, name="<i>&'\"", progress=False)
    text = result._repr_html_()

    assert text.startswith("<table ")
    for raw in ("<b>", "<script>", "<img", "<i>"):
        assert raw not in text
    assert "&lt;" in text


def test_a_frame_has_a_row_for_each_trial() -> None:
    """Numbers, states, losses, parameters, metrics, errors."""
    frame = _result().to_pandas()

    assert list(frame["number"]) == list(range(6))
    assert list(frame["state"]) == ["OK", "FAILED", "PRUNED", "ERROR", "OK", "OK"]
    assert frame["loss"].isna().tolist() == [False, True, True, True, False, False]
    assert {"param_x", "param_k", "seconds", "source", "error"} <= set(frame.columns)
    assert "broken" in frame["error"][3]


def test_a_frame_of_nothing_is_empty() -> None:
    """And no error."""
    assert len(parzen.minimize(lambda config: 1.0, SPACE, 0, progress=False).to_pandas()) == 0


def test_a_frame_holds_no_lone_surrogates() -> None:
    """Arrow, which pandas may keep text in, has no such thing: labels, options, metrics and errors are spelled out."""

    def objective(config: dict[str, str]) -> dict[str, float]:
        if config["c"] == "\udc81":
            raise ValueError("no \udc83")
        return {"loss": 1.0, "é\udc82": 2.0}

    space = {"c": hp.categorical("ç\udc80", ["\udc81", "z"])}
    frame = parzen.minimize(objective, space, 8, seed=1, catch=True, progress=False, noisy=True).to_pandas()

    assert list(frame.columns) == [*"number state loss seconds".split(), "param_ç\\udc80", *frame.columns[5:]]
    assert set(frame["param_ç\\udc80"]) == {"\\udc81", "z"}
    assert "metric_é\\udc82" in frame.columns
    assert any("no \\udc83" in str(error) for error in frame["error"])


def test_no_best_says_what_happened_instead() -> None:
    """How many there were, in which states, and the last reason."""

    def objective(config: Any) -> float:
        raise ValueError("no luck")

    empty = Study(SPACE)
    failed = parzen.minimize(objective, SPACE, 3, catch=True, progress=False)
    infinite = parzen.minimize(lambda config: math.inf, SPACE, 3, progress=False)
    with pytest.raises(AllTrialsFailed, match="no trial has been run"):
        _ = empty.best
    with pytest.raises(AllTrialsFailed, match=r"none of 3 .*3 ERROR.*3 × ValueError, as in trial 0: no luck"):
        _ = failed.best
    with pytest.raises(AllTrialsFailed, match=r"none of 3 has a finite loss \(3 OK\)"):
        _ = infinite.best

    assert "none" in repr(failed)
    assert "none" in failed._repr_html_()


def test_a_finite_space_ends_the_search_when_it_is_exhausted() -> None:
    """Unless the study is noisy; the default algorithm covers all six before it repeats one."""
    space = {"a": hp.categorical("a", [1, 2, 3]), "b": hp.bool("b")}
    result = parzen.minimize(lambda config: 1.0, space, 50, seed=1, progress=False)
    noisy = parzen.minimize(lambda config: 1.0, space, 15, seed=1, noisy=True, progress=False)

    assert (result.stopped_by, len(result.trials)) == ("space exhausted", 6)
    assert (noisy.stopped_by, len(noisy.trials)) == ("trials", 15)
    for one in (result, noisy):
        assert len({tuple(trial.params.items()) for trial in one.trials[:6]}) == 6


def test_a_result_shows_the_study_as_it_is_now() -> None:
    """Going on with the study shows in it."""
    result = _result()
    result.study.run(lambda config: -1.0, 8, progress=False)

    assert len(result.trials) == 8
    assert result.best.loss == -1.0
    assert repr(result.study) == "<Study 'study' in memory: 8 of 8 trials finished, best -1>"
    assert result.history.count(State.OK) == 5
