"""Adaptive TPE: the setting that would have predicted best proposes, and nothing else is different."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parzen import hp
from parzen.algorithms import TPE, AdaptiveTPE, Random
from parzen.algorithms._form import Form
from parzen.errors import AlgorithmError
from parzen.space import Space
from parzen.trials import History

from .studies import add, ask, retract, study

SPACE = Space({"x": hp.uniform("x", -5, 5), "y": hp.uniform("y", -5, 5), "c": hp.choice("c", [0.0, 1.0])})


def _loss(config: dict[str, Any]) -> float:
    return float((config["x"] - 1) ** 2 + (config["y"] + 2) ** 2 + config["c"])


def test_at_first_it_is_tpe_in_all_but_name() -> None:
    """The same proposals until there is something to choose by."""
    history = study(TPE(), SPACE, _loss, 19)
    adaptive, plain = (algorithm.suggest(SPACE, history, ask(history)) for algorithm in (AdaptiveTPE(), TPE()))

    assert np.array_equal(adaptive.points.values, plain.points.values)
    assert adaptive.sources == ("adaptive tpe",)


def test_the_setting_that_predicts_best_proposes() -> None:
    """Its proposals are those of one of the settings, and that one's scores agree best with the losses."""
    chosen = set()
    for seed in range(12):
        history = study(Random(), SPACE, _loss, 60, seed)
        proposal = AdaptiveTPE().suggest(SPACE, history, ask(history))
        same = [
            i
            for i, setting in enumerate((TPE(), TPE(prior_weight=0.3), TPE(prior_weight=3.0), TPE(wide=False)))
            if np.array_equal(setting.suggest(SPACE, history, ask(history)).points.values, proposal.points.values)
        ]

        assert same
        chosen.add(same[0])

    assert len(chosen) > 1


def test_scores_are_higher_where_losses_are_lower() -> None:
    """A model of the older trials ranks the newer ones."""
    space = Space({"x": hp.uniform("x", -5, 5)})
    history = study(Random(), space, lambda config: (config["x"] - 1) ** 2, 200)
    scores = TPE().scores(Form(space), history, range(100), history.unit[100:])
    in_order = scores[np.argsort(history.losses[100:])]

    assert in_order[:10].mean() > in_order[10:].mean() + 3


def test_the_choice_follows_from_the_log_however_often_it_was_asked() -> None:
    """Asked after every trial or for the first time after 70, retracted trials included."""
    often = study(AdaptiveTPE(), SPACE, _loss, 70)
    once = History(SPACE, {"loss": "minimize"})
    add(once, often.points, often.losses.tolist())
    for history in (often, once):
        retract(history, 3)

    left, right = (AdaptiveTPE().suggest(SPACE, history, ask(history)) for history in (often, once))

    assert np.array_equal(left.points.values, right.points.values)


def test_it_finds_what_tpe_finds() -> None:
    """The median of the best of 80 trials is less than a third of random search's."""
    found = {
        algorithm: np.median([study(algorithm, SPACE, _loss, 80, seed).best.loss for seed in range(9)])  # type: ignore[union-attr]  # there is one
        for algorithm in (AdaptiveTPE(), Random())
    }

    assert found[AdaptiveTPE()] < 0.3 * found[Random()]


def test_settings_that_make_no_sense_are_refused_as_by_tpe() -> None:
    """With the same sentence."""
    with pytest.raises(AlgorithmError, match="n_startup is a whole number"):
        AdaptiveTPE(n_startup=-1)
