"""A form made from the space."""

from __future__ import annotations

from typing import Any

import pytest

from parzen import Study, hp
from parzen.dashboard._answers import Problem
from parzen.dashboard._form import form_of, params_from
from parzen.space import Space
from parzen.trials import State
from tests.dashboard.conftest import SPACE


@pytest.fixture
def study() -> Study:
    return Study(SPACE, seed=0, algorithm="random")


def test_a_form_says_what_each_field_takes_and_when(study: Study) -> None:
    """A field of a branch appears with its option."""
    made = form_of(study.history)
    fields = {one["label"]: one for one in made["fields"]}

    assert fields["layers"]["integer"]
    assert (fields["layers"]["low"], fields["layers"]["high"]) == (1, 5)
    assert fields["opt"]["options"] == ["adam", "sgd"]
    assert fields["beta"]["when"] == [[[fields["opt"]["column"], 0]]]
    assert fields["lr"]["when"] == [[]]
    assert made["of"] is None


def test_a_form_names_no_bounds_where_there_are_none() -> None:
    """The last quantile of a normal distribution that can be computed is none."""
    space = {"a": hp.normal("a", 0, 1), "b": hp.lognormal("b", 0, 1), "c": hp.qnormal("c", 0, 3, 1)}
    fields = form_of(Study(space).history)["fields"]

    assert [(one["low"], one["high"]) for one in fields] == [(None, None)] * 3
    assert "mu=0" in fields[0]["what"]


def test_a_form_begins_with_the_best_or_with_a_trial(study: Study) -> None:
    """Codes of options, and nothing for what is inactive."""
    study.run(lambda config: config["lr"], 8, progress=False)
    best, other = form_of(study.history), form_of(study.history, 3)

    assert best["of"] == study.best.number
    assert other["of"] == 3
    assert other["values"][0] == study.trials[3].params["lr"]
    with pytest.raises(Problem, match="no trial 99"):
        form_of(study.history, 99)


def test_what_was_filled_in_is_what_is_tried(study: Study) -> None:
    """Through the same method as Python's; what was left open is drawn."""
    column = study.space.column
    given = {str(column["lr"]): "0.01", str(column["opt"]): "1", str(column["mom"]): 0.5, str(column["layers"]): ""}
    (trial,) = study.enqueue(params_from(study.space, given))

    assert trial.state is State.WAITING
    assert (trial.params["lr"], trial.params["mom"]) == (0.01, 0.5)
    assert trial.params["layers"] in range(1, 6)
    assert "beta" not in trial.params


def test_what_an_option_makes_inactive_is_not_looked_at(study: Study) -> None:
    """A field may still hold something when its option is left."""
    column = study.space.column
    given = {str(column["opt"]): 1, str(column["beta"]): 99}

    assert "beta" not in params_from(study.space, given)


@pytest.mark.parametrize(
    ("label", "value", "says"),
    [
        ("lr", "0.5", "0.5"),
        ("lr", "fast", "expected a number"),
        ("lr", "nan", "expected a number"),
        ("lr", [1], "expected a number"),
        ("lr", True, "expected a number"),
        ("layers", "1.5", "1.5"),
        ("opt", "2", "no option"),
        ("opt", "adam", "expected a number"),
    ],
)
def test_what_cannot_be_is_refused_by_name(study: Study, label: str, value: Any, says: str) -> None:
    """With the field that is to blame."""
    with pytest.raises(Problem, match=says) as caught:
        params_from(study.space, {str(study.space.column[label]): value})

    assert caught.value.facts["label"] == label
    assert caught.value.facts["column"] == study.space.column[label]


@pytest.mark.parametrize("given", [None, [], "x", {"99": 1}, {"-1": 1}, {"lr": 1}, {"²": 1}])
def test_nonsense_is_refused(study: Study, given: Any) -> None:
    """Without an error of Python's own."""
    with pytest.raises(Problem):
        params_from(study.space, given)


def test_options_that_a_file_cannot_hold_are_chosen_by_place(tmp_path: Any) -> None:
    """They come back as place-holders, and are the options all the same."""
    study = Study({"kind": hp.choice("kind", [int, str])}, storage=tmp_path / "study.db")
    loaded = Study.load(tmp_path / "study.db")
    (trial,) = loaded.enqueue(params_from(loaded.space, {"0": 1}))
    study.refresh()

    assert study.trials[trial.number].config == {"kind": str}


def test_bounds_that_are_computed_are_checked_with_what_was_filled_in() -> None:
    """As the objective's values would be."""
    space = Space({"a": (a := hp.uniform("a", 0, 10)), "b": hp.uniform("b", 0, a)})

    assert params_from(space, {"0": 5, "1": 4}) == {"a": 5.0, "b": 4.0}
    with pytest.raises(Problem, match="b"):
        params_from(space, {"0": 5, "1": 6})
