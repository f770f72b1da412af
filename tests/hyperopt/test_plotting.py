"""Plots of what searches leave behind, failures and branches included."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from parzen.hyperopt import STATUS_FAIL, STATUS_OK, Trials, fmin, hp, rand

matplotlib = pytest.importorskip("matplotlib", exc_type=ImportError)
matplotlib.use("agg")

from matplotlib import pyplot  # noqa: E402  # after the backend is chosen

from parzen.hyperopt import plotting  # noqa: E402

SPACE = hp.choice("m", [{"log c": hp.loguniform("log c", -5, 0)}, {"k": hp.randint("k", 9), "never": 1}])


def _objective(config: dict[str, Any]) -> dict[str, Any]:
    if config.get("k") == 3:
        return {"status": STATUS_FAIL}
    if "k" in config:
        return {"status": STATUS_OK, "loss": float("nan") if config["k"] == 4 else float(config["k"])}
    return {
        "status": STATUS_OK,
        "loss": config["log c"],
        "attachments": {"curve": pickle.dumps([1, 2, config["log c"]])},
    }


@pytest.fixture
def trials() -> Trials:
    kept = Trials()
    fmin(_objective, SPACE, rand.suggest, 40, trials=kept, rstate=np.random.default_rng(3), verbose=False)
    return kept


@pytest.fixture(autouse=True)
def _fresh_figure() -> Iterator[None]:
    pyplot.close("all")
    yield
    pyplot.close("all")


def test_the_history_has_a_point_for_each_loss_and_a_tick_for_each_trial_without_one(trials: Trials) -> None:
    """Places stay places: the x axis counts all trials."""
    axes = plotting.main_plot_history(trials, do_show=False)

    points = axes.collections[0].get_offsets()
    finite = [i for i, loss in enumerate(trials.losses()) if loss is not None and np.isfinite(loss)]
    assert points[:, 0].tolist() == finite
    assert len(finite) + len(axes.lines[0].get_xdata()) == 40
    assert axes.get_title() == "Loss History"


def test_the_histogram_counts_the_losses_that_are_there(trials: Trials) -> None:
    """None and NaN are left out."""
    axes = plotting.main_plot_histogram(trials, do_show=False, title="T")

    assert sum(patch.get_height() for patch in axes.patches) == sum(
        loss is not None and np.isfinite(loss) for loss in trials.losses()
    )
    assert axes.get_title() == "T"


@pytest.mark.parametrize("options", [{}, {"colorize_best": 3}, {"arrange_by_loss": True}, {"columns": 1}])
def test_each_parameter_gets_a_plot_of_the_trials_in_which_it_was_active(trials: Trials, options: Any) -> None:
    """Conditional ones too; a label with "log" in it gets a logarithmic axis."""
    figure = plotting.main_plot_vars(trials, do_show=False, **options)

    assert [axes.get_title() for axes in figure.axes] == ["k", "log c", "m"]
    assert figure.axes[1].get_yscale() == "log"
    assert len(figure.axes[2].collections[0].get_offsets()) == 40


def test_attachments_of_one_dimension_become_lines(trials: Trials) -> None:
    """Those of the trials that have one; `num_trails` takes some of them."""
    with_curve = sum("curve" in trials.trial_attachments(doc) for doc in trials)

    assert 0 < with_curve < 40
    assert len(plotting.main_plot_1D_attachment(trials, "curve", do_show=False).lines) == with_curve
    pyplot.close("all")
    some = plotting.main_plot_1D_attachment(trials, "curve", do_show=False, num_trails=5, colorize_by_loss=False)
    assert len(some.lines) <= 5


@pytest.mark.parametrize("name", ["main_plot_history", "main_plot_histogram", "main_plot_vars"])
def test_an_empty_trials_gives_an_empty_plot(name: str) -> None:
    """Nothing has been tried, and nothing breaks."""
    assert getattr(plotting, name)(Trials(), do_show=False) is not None
