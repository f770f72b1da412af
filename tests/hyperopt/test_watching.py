"""Words and bar are asked for apart, and whoever asks for neither is left alone."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import parzen as hyperopt
from parzen import Trials, hp, rand
from parzen.hyperopt.base import Domain
from parzen.hyperopt.fmin import FMinIter

SPACE = {"x": hp.uniform("x", 0, 1)}


def _foreign(new_ids: Any, domain: Any, trials: Any, seed: Any) -> Any:
    """A suggest function of a program's own, for which the loop over documents runs."""
    return rand.suggest(new_ids, domain, trials, seed)


def _loss(config: dict[str, float]) -> float:
    return config["x"]


def _by_fmin(algo: Any, **said: Any) -> None:
    hyperopt.fmin(_loss, SPACE, algo, 4, rstate=np.random.default_rng(0), **said)


def _by_fmin_with_trials(algo: Any, **said: Any) -> None:
    hyperopt.fmin(_loss, SPACE, algo, 4, trials=Trials(), rstate=np.random.default_rng(0), **said)


def _by_a_class_that_hands_on(algo: Any, **said: Any) -> None:
    """As MLflow's and others' do: an `fmin` of its own, with Hyperopt's arguments."""

    class Own(Trials):
        def fmin(self, fn: Any, space: Any, **more: Any) -> Any:
            return super().fmin(fn, space, **more)

    hyperopt.fmin(_loss, SPACE, algo, 4, trials=Own(), rstate=np.random.default_rng(0), **said)


# What is said -> whether there is a line for each improvement, the word "stopped" of the summary, a count, a log.
WORDS, SUMMARY, COUNT, LOG = "trial 0  ", "stopped", "4/4", "log"
CASES: list[tuple[dict[str, Any], set[str]]] = [
    ({}, {WORDS, SUMMARY, LOG}),
    ({"verbose": True}, {WORDS, SUMMARY, LOG}),
    ({"verbose": True, "show_progressbar": True}, {WORDS, SUMMARY, LOG}),
    ({"show_progressbar": True}, {WORDS, SUMMARY, LOG}),
    ({"verbose": False}, set()),
    ({"verbose": 0, "show_progressbar": False}, set()),
    ({"show_progressbar": False}, {LOG}),
    ({"verbose": False, "show_progressbar": True}, {COUNT}),
    ({"verbose": True, "show_progressbar": False}, {WORDS, LOG}),
]


@pytest.mark.parametrize(("said", "shown"), CASES)
@pytest.mark.parametrize("algo", [rand.suggest, _foreign])
@pytest.mark.parametrize("run", [_by_fmin, _by_fmin_with_trials, _by_a_class_that_hands_on])
def test_words_and_bar_are_apart(
    run: Any, algo: Any, said: dict[str, Any], shown: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """In both loops, and whoever hands the arguments on; what was not said follows Hyperopt's rule."""
    run(algo, **said)
    written = capsys.readouterr()

    assert {word for word in (WORDS, SUMMARY, COUNT) if word in written.err} == shown - {LOG}
    assert written.out == ""


@pytest.mark.parametrize(("said", "shown"), CASES)
@pytest.mark.parametrize("algo", [rand.suggest, _foreign])
def test_the_log_has_words_where_words_are_wanted(
    algo: Any, said: dict[str, Any], shown: set[str], caplog: pytest.LogCaptureFixture
) -> None:
    """`verbose=False` is quiet there as well."""
    with caplog.at_level(logging.INFO, "parzen"):
        _by_fmin(algo, **said)

    assert ("improved" in {getattr(record, "event", None) for record in caplog.records}) == (LOG in shown)


@pytest.mark.parametrize("said", [{}, {"verbose": False}])
def test_trials_fmin_is_quiet_until_a_bar_is_asked_for(
    said: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """Its `verbose` is False by default, as in Hyperopt."""
    Trials().fmin(_loss, SPACE, rand.suggest, 4, rstate=1, **said)
    before = capsys.readouterr().err
    Trials().fmin(_loss, SPACE, rand.suggest, 4, rstate=1, show_progressbar=True, **said)

    assert before == ""
    assert COUNT in capsys.readouterr().err


@pytest.mark.parametrize("verbose", [False, True])
def test_a_callback_is_used_whatever_verbose_says(verbose: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """It was asked for; nothing else is shown."""
    opened = []

    @contextmanager
    def mine(initial: int, total: int) -> Iterator[Any]:
        opened.append((initial, total))
        yield SimpleNamespace(update=lambda n: None)

    for algo in (rand.suggest, _foreign):
        _by_fmin(algo, verbose=verbose, show_progressbar=mine)

    assert opened == [(0, 4)] * 2
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("said", "shown"),
    [({}, set()), ({"show_progressbar": True}, {COUNT}), ({"verbose": True}, {WORDS, SUMMARY}),
     ({"verbose": True, "show_progressbar": False}, {WORDS})],
)  # fmt: skip
def test_an_iteration_by_hand_follows_the_same_rule(
    said: dict[str, Any], shown: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """`FMinIter` is quiet by default."""
    FMinIter(rand.suggest, Domain(_loss, SPACE), Trials(), np.random.default_rng(0), max_evals=4, **said).exhaust()
    err = capsys.readouterr().err

    assert {word for word in (WORDS, SUMMARY, COUNT) if word in err} == shown


def test_one_evaluation_a_call_gives_a_line_for_each_improvement_and_no_more(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Programs call `fmin` once for each trial, with `verbose=True, show_progressbar=False`."""
    trials, losses = Trials(), [3.0, 2.0, 5.0, 1.0]
    for n in range(1, 5):
        hyperopt.fmin(
            lambda config: losses[len(trials) - 1], SPACE, rand.suggest, n, trials=trials, rstate=n,
            verbose=True, show_progressbar=False,
        )  # fmt: skip
    lines = capsys.readouterr().err.splitlines()

    assert [line.split("loss ")[1].split()[0] for line in lines] == ["3", "2", "1"]


def test_the_estimator_has_them_apart_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    """`HyperoptSearchCV(show_progressbar=)`: a bar without scikit-learn's lines, and the other way round."""
    pytest.importorskip("sklearn")
    from sklearn.linear_model import Ridge

    from parzen.hyperopt.sklearn import HyperoptSearchCV

    def written(**said: Any) -> tuple[bool, bool, bool]:
        search = HyperoptSearchCV(Ridge(), {"alpha": hp.loguniform("alpha", -5, 5)}, 4, cv=2, random_state=1, **said)
        search.fit(np.arange(16.0).reshape(8, 2), np.arange(8.0))
        shown = capsys.readouterr()
        return "Fitting" in shown.out, WORDS in shown.err, COUNT in shown.err

    assert written() == (False, False, False)
    assert written(verbose=1) == (True, True, False)
    assert written(show_progressbar=True) == (False, False, True)
    assert written(verbose=1, show_progressbar=False) == (True, True, False)
