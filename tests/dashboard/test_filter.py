"""Conditions on trials, as people write them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from parzen import Study, hp
from parzen.dashboard._answers import Problem
from parzen.dashboard._filter import matching
from parzen.dashboard._table import Wanted, chosen, page_of
from parzen.trials import History, State

SPACE = {
    "lr": hp.float("lr", 0, 1),
    "two words": hp.int("two words", 0, 9),
    "opt": hp.choice("opt", [{"name": "adam", "beta": hp.float("beta", 0, 1)}, {"name": "sgd"}]),
    "batch": hp.categorical("batch", [16, 32]),
}


@pytest.fixture(scope="module")
def history() -> History:
    """Two hundred trials, some failed."""
    study = Study(SPACE, seed=3, algorithm="random")

    def objective(config: dict[str, float]) -> float:
        if config["lr"] > 0.9:
            raise RuntimeError("Diverged at once")
        return config["lr"]

    study.run(objective, 200, catch=True, progress=False)
    return study.history


CASES: list[tuple[str, Callable[[History, int], bool]]] = [
    ("lr < 0.1", lambda h, i: h.values[i, 0] < 0.1),
    ("0.1 > lr", lambda h, i: h.values[i, 0] < 0.1),
    ("0.2 <= lr < .3", lambda h, i: 0.2 <= h.values[i, 0] < 0.3),
    ("`two words` == 4", lambda h, i: h.values[i, 1] == 4),
    ("opt == adam", lambda h, i: h.values[i, 2] == 0),
    ("opt = 'SGD'", lambda h, i: h.values[i, 2] == 1),
    ("opt != adam", lambda h, i: h.values[i, 2] == 1),
    ("batch >= 20", lambda h, i: h.values[i, 4] == 1),
    ("20 > batch", lambda h, i: h.values[i, 4] == 0),
    ("batch == 32", lambda h, i: h.values[i, 4] == 1),
    ("beta < 2", lambda h, i: h.values[i, 2] == 0),  # nothing is said of what is inactive
    ("not beta < 2", lambda h, i: h.values[i, 2] == 1),
    ("lr < 0.5 and opt == sgd or number < 3", lambda h, i: (h.values[i, 0] < 0.5 and h.values[i, 2] == 1) or i < 3),
    ("lr < 0.5 (opt == sgd or number < 3)", lambda h, i: h.values[i, 0] < 0.5 and (h.values[i, 2] == 1 or i < 3)),
    ("state == error", lambda h, i: h.state_of(i) == State.ERROR),
    ("diverged", lambda h, i: h.state_of(i) == State.ERROR),
    ("RuntimeError", lambda h, i: h.state_of(i) == State.ERROR),
    ("#17", lambda h, i: i == 17),
    ("adam number<50", lambda h, i: h.values[i, 2] == 0 and i < 50),
    ("lr < loss", lambda h, i: False),
    ("", lambda h, i: True),
]


@pytest.mark.parametrize(("text", "holds"), CASES, ids=[text or "nothing" for text, _ in CASES])
def test_a_condition_means_what_it_says(history: History, text: str, holds: Callable[[History, int], bool]) -> None:
    """For every trial the same as when it is asked one by one."""
    mask = matching(history, text)

    assert mask.tolist() == [bool(holds(history, i)) for i in range(len(history))]
    assert mask.any() or text == "lr < loss"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("lr <", "missing"),
        ("< 3", "missing"),
        ("(lr < 1", "parenthesis"),
        ("lr < 1)", "ends before"),
        ("learning < 1", "neither a number nor a parameter"),
        ("`no such` < 1", "no parameter"),
        ("opt == batch", "two columns"),
        ("state == BOGUS", "state is never 'BOGUS'; there are WAITING, RUNNING, OK"),
        ("opt != adm", "opt is never 'adm'; there are adam, sgd"),
        ("opt < 3", "opt has no numbers, and texts have no order: compare opt by == or !="),
        ("batch < many", "'many' is no number"),
        ("3 > worker", "worker has no numbers"),
        ("(" * 200 + "lr < 1", "deeper"),
        ("not " * 100 + "lr < 1", "deeper"),
        ("x" * 2000, "characters"),
        ("lr < 'a", "cannot be read"),
        ("__import__('os').system('true') < 1", "missing"),
    ],
)
def test_what_cannot_be_read_says_why(history: History, text: str, says: str) -> None:
    """In a sentence, and nothing of it is evaluated."""
    with pytest.raises(Problem, match=says):
        matching(history, text)


@pytest.mark.parametrize("sort", ["number", "loss", "seconds", "state", "rule", "p0", "p2", "p3", "p4", "started"])
@pytest.mark.parametrize("descending", [True, False])
def test_every_column_sorts_both_ways_with_the_unknown_last(history: History, sort: str, descending: bool) -> None:
    """Trials without a value are at the end in any case, and none is lost."""
    numbers = chosen(history, Wanted(sort=sort, descending=descending))
    assert sorted(numbers.tolist()) == list(range(200))

    if sort in {"loss", "p3"}:
        column = history.losses if sort == "loss" else history.values[:, 3]
        values = column[numbers]
        known = values[~np.isnan(values)]
        assert np.isnan(values[len(known) :]).all()
        assert (np.diff(known) <= 0 if descending else np.diff(known) >= 0).all()


def test_a_page_is_a_part_of_the_whole(history: History) -> None:
    """Past the end there is the last page."""
    whole = chosen(history, Wanted(states=("OK",), sort="loss", descending=False)).tolist()
    second = page_of(history, Wanted(states=("OK",), sort="loss", descending=False), 50, 50)
    beyond = page_of(history, Wanted(states=("OK",)), 10**9, 50)

    assert [row["number"] for row in second["rows"]] == whole[50:100]
    assert second["total"] == len(whole) < second["all"] == 200
    assert beyond["rows"]


def test_only_what_was_picked(history: History) -> None:
    """Numbers that there are not are left out."""
    assert chosen(history, Wanted(only=(3, 5, 999999), descending=False)).tolist() == [3, 5]


def test_an_unknown_state_or_column_is_refused(history: History) -> None:
    """With what there is."""
    with pytest.raises(Problem, match="RUNNING"):
        chosen(history, Wanted(states=("HAPPY",)))
    with pytest.raises(Problem, match="no column"):
        chosen(history, Wanted(sort="p99"))
