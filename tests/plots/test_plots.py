"""Plots are data first: what is in them is looked at, and then that both libraries draw it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import parzen
from parzen import State, hp
from parzen.errors import SpaceError, StudyError, UnknownLabel
from parzen.plots import NAMES, THEMES, Band, Bars, Cells, Chart, Line, Paths, Plots, Points, Spans
from parzen.plots._matplotlib import draw
from parzen.plots._thinning import thinned
from tests.plots import studies

MAKERS: dict[str, Callable[[], parzen.Result]] = {
    "plain": studies.plain,
    "branches": studies.branches,
    "noisy": studies.noisy,
}


@pytest.fixture(scope="module")
def results() -> dict[str, parzen.Result]:
    return {name: make() for name, make in MAKERS.items()}


def _chart(results: dict[str, parzen.Result], study: str, plot: str) -> Chart:
    return results[study].plot.named(plot)().chart


def _points(chart: Chart, panel: int = 0) -> dict[str, Points]:
    return {mark.label: mark for mark in chart.panels[panel].marks if isinstance(mark, Points)}


def test_contours_have_room_for_trials_that_failed() -> None:
    """Where a whole part of the space fails, its crosses are seen, on either scale."""

    def objective(config: dict[str, float]) -> float:
        if config["x"] > 0.5 or config["C"] < 1e-1:
            raise MemoryError
        return config["x"]

    space = {"x": hp.float("x", 0, 1), "C": hp.float("C", 1e-3, 1e3, log=True)}
    result = parzen.minimize(objective, space, 60, seed=1, algorithm="random", progress=False, catch=True)
    chart = result.plot.contour("x", "C").chart
    panel, crosses = chart.panels[0], _points(chart)["failed"]

    assert len(crosses.x) > 10
    for axis, values in ((panel.x, crosses.x), (panel.y, crosses.y)):
        assert axis.low is not None
        assert axis.high is not None
        assert axis.low < values.min()
        assert values.max() < axis.high


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("study", MAKERS)
def test_every_plot_of_every_study_is_json_and_finite(results: dict[str, parzen.Result], study: str, name: str) -> None:
    """A page gets numbers and plain texts; and the same ones every time."""
    if name == "curves" and study != "noisy":
        with pytest.raises(StudyError, match=r"no trial has reported anything; call evaluation\.report"):
            results[study].plot.curves()
        return
    plot = results[study].plot.named(name)()
    text = json.dumps(plot.to_json(), allow_nan=False)

    assert json.loads(text)["name"] == name
    assert plot.chart.panels
    assert all(panel.marks for panel in plot.chart.panels)
    assert text == json.dumps(results[study].plot.named(name)().to_json(), allow_nan=False)
    assert json.dumps(plot.to_plotly("dark"), allow_nan=False)


@pytest.mark.parametrize("study", MAKERS)
def test_the_history_has_every_trial_once(results: dict[str, parzen.Result], study: str) -> None:
    """With a loss, far out, failed, pruned or running: nothing is left out, and what has no loss lies beyond all others."""
    result = results[study]
    found = _points(_chart(results, study, "history"))
    numbers = np.sort(np.concatenate([mark.numbers for mark in found.values()]))

    assert numbers.tolist() == list(range(len(result.history)))
    ok = found["trials"]
    assert ok.y.tolist() == [result.trials[i].loss for i in ok.numbers.tolist()]
    failed = result.history.count(State.FAILED, State.ERROR)
    assert len(found["failed"].x if "failed" in found else ()) == failed
    infinite = int(np.isinf(result.history.losses[result.history.ok]).sum())
    assert len(found["infinite loss"].x if "infinite loss" in found else ()) == infinite
    for label, mark in found.items():
        if label != "trials":
            beyond = mark.y.max() < ok.y.min() if study == "branches" else mark.y.min() > ok.y.max()
            assert beyond


def test_a_study_that_begins_with_failures_is_drawn_without_a_warning() -> None:
    """There is no best before the first loss, and nothing to subtract from it."""
    losses = iter([np.nan, np.nan, 3.0, 2.0])
    space = {"x": hp.float("x", 0, 1)}
    result = parzen.minimize(lambda c: next(losses), space, 4, seed=1, catch=True, progress=False)
    chart = result.plot.history().chart
    (line,) = (mark for mark in chart.panels[0].marks if isinstance(mark, Line))

    assert (line.x.tolist(), line.y.tolist()) == ([2.0, 3.0, 3.0], [3.0, 2.0, 2.0])


def test_the_best_so_far_is_the_best_so_far(results: dict[str, parzen.Result]) -> None:
    """Under maximisation it rises."""
    (line,) = (mark for mark in _chart(results, "branches", "history").panels[0].marks if isinstance(mark, Line))

    assert line.y[-1] == results["branches"].best.loss
    assert (np.diff(line.y) >= 0).all()


def test_only_a_noisy_study_has_a_band(results: dict[str, parzen.Result]) -> None:
    """As wide as the noise that was put in, which the note puts beside the best loss."""
    chart = _chart(results, "noisy", "history")
    (band,) = (mark for mark in chart.panels[0].marks if mark.kind == "band")

    assert band.high[-1] - results["noisy"].best.loss == pytest.approx(0.04, rel=0.8)
    assert "is expected of the best parameters" in chart.notes[-1]
    assert not any(mark.kind == "band" for mark in _chart(results, "plain", "history").panels[0].marks)


def test_slices_show_a_conditional_parameter_where_it_is_active(results: dict[str, parzen.Result]) -> None:
    """On the scale that it is searched on, options by name, failures too."""
    result, chart = results["branches"], _chart(results, "branches", "slice")
    panels = {panel.x.label: k for k, panel in enumerate(chart.panels)}

    assert panels.keys() == set(result.history.space.labels)
    C = chart.panels[panels["C"]]
    active = int(result.history.active[:, result.history.space.column["C"]].sum())
    assert sum(len(mark.numbers) for label, mark in _points(chart, panels["C"]).items() if label != "best") == active
    assert C.x.scale == "log"
    assert C.title == f"active in {active / len(result.history):.0%} of the trials"
    assert chart.panels[panels["model"]].x.ticks == ((0.0, "svm"), (1.0, "forest"))
    assert len(_points(chart, panels["C"])["failed"].x) > 3


def test_contours_are_blank_where_nothing_was_tried(results: dict[str, parzen.Result]) -> None:
    """And say how many trials have both parameters."""
    chart = results["branches"].plot.contour("C", "kernel").chart
    (cells,) = (mark for mark in chart.panels[0].marks if isinstance(mark, Cells))

    assert cells.colour.shape == (2, 40)
    assert "have both parameters" in chart.notes[-1]
    blank = results["plain"].plot.contour("rate", "dropout").chart.panels[0].marks[0]
    assert isinstance(blank, Cells)
    assert np.isnan(blank.colour).any()
    with pytest.raises(SpaceError, match="'C' and 'trees' are not"):
        results["branches"].plot.contour("C", "trees")
    with pytest.raises(UnknownLabel, match="no parameter 'lr'"):
        results["plain"].plot.contour("lr")


def test_parallel_coordinates_pass_below_what_is_inactive(results: dict[str, parzen.Result]) -> None:
    """A line for each trial; where its parameter is not there it is below the axis, and failed ones end above."""
    result, chart = results["branches"], _chart(results, "branches", "parallel")
    paths = {mark.label: mark for mark in chart.panels[0].marks if isinstance(mark, Paths)}
    good = paths["trials"]
    k = len(result.history.space.labels) + 1
    y = good.y.reshape(-1, k)

    assert ((y[:, :-1] < 0) == ~result.history.active[good.numbers]).all()
    assert good.numbers[-1] == result.best.number  # on top
    assert (paths["failed"].y.reshape(-1, k)[:, -1] > 1).all()
    assert (paths["infinite loss"].y.reshape(-1, k)[:, -1] > 1).all()
    assert len(good.numbers) + len(paths["failed"].numbers) + len(paths["infinite loss"].numbers) == len(result.history)


def test_parallel_coordinates_have_the_pruned_trials_too(results: dict[str, parzen.Result]) -> None:
    """Above the axis of the loss, beside the failed ones and not on them."""
    history, chart = results["noisy"].history, _chart(results, "noisy", "parallel")
    paths = {mark.label: mark for mark in chart.panels[0].marks if isinstance(mark, Paths)}

    assert history.count(parzen.State.PRUNED) > 0
    ended = len(history) - history.count(parzen.State.RUNNING, parzen.State.WAITING)
    assert sum(len(path.numbers) for path in paths.values()) == ended
    assert set(history.state[paths["pruned"].numbers].tolist()) == {int(parzen.State.PRUNED)}


def test_importances_are_bars_with_whiskers_and_floors(results: dict[str, parzen.Result]) -> None:
    """The numbers are those of the analysis."""
    chart = _chart(results, "plain", "importances")
    bars = chart.panels[0].marks[0]
    found = parzen.analysis.ped_anova(results["plain"])

    assert isinstance(bars, Bars)
    assert bars.value.tolist() == [one.value for one in found]
    assert (bars.low <= bars.value).all()
    assert (bars.value <= bars.high).all()
    pytest.importorskip("sklearn", reason="fANOVA is a forest of scikit-learn")
    assert "forest predicts" in results["plain"].plot.importances("fanova").notes[-1]
    with pytest.raises(ValueError, match="method is 'ped-anova' or 'fanova'"):
        results["plain"].plot.importances("shap")


def test_an_edf_counts_what_failed(results: dict[str, parzen.Result]) -> None:
    """Its line ends at the share of trials that have a loss on the axis; several studies may be compared."""
    plot = results["noisy"].plot.edf(other=studies.noisy(30))
    lines = [mark for mark in plot.chart.panels[0].marks if isinstance(mark, Line)]
    history = results["noisy"].history

    assert [line.label for line in lines] == ["study", "other"]
    assert lines[0].y[-1] <= history.count(State.OK) / (history.count(State.OK) + history.count(State.PRUNED))
    assert any("have no loss" in note for note in plot.notes)


def test_a_timeline_has_a_span_for_each_trial(results: dict[str, parzen.Result]) -> None:
    """In a row for each worker; a trial that runs ends now."""
    chart = _chart(results, "noisy", "timeline")
    spans = [mark for mark in chart.panels[0].marks if isinstance(mark, Spans)]

    assert sum(len(mark.numbers) for mark in spans) == len(results["noisy"].history)
    assert all((mark.end >= mark.start).all() for mark in spans)
    assert len(chart.panels[0].y.ticks) == 2  # the run, and the trial that was asked for by hand
    with pytest.raises(StudyError, match="no trial of this study has been started"):
        parzen.Study(studies.PLAIN).plot.timeline()


def test_learning_curves_end_where_trials_were_pruned(results: dict[str, parzen.Result]) -> None:
    """A line for each trial that reported."""
    history = results["noisy"].history
    marks = _chart(results, "noisy", "curves").panels[0].marks
    told = {mark.label: len(mark.numbers) for mark in marks if isinstance(mark, Paths)}

    assert told == {"pruned": history.count(State.PRUNED), "ok": history.count(State.OK)}
    (ends,) = (mark for mark in marks if isinstance(mark, Points))
    assert len(ends.x) == told["pruned"]


def test_studies_beside_each_other_are_all_on_the_axis() -> None:
    """Whichever comes first: one that is much better is no line beyond the edge."""
    space = {"x": parzen.hp.float("x", 0.0, 1.0)}
    good = parzen.minimize(lambda c: c["x"], space, 30, seed=1, algorithm="random", progress=False)
    bad = parzen.minimize(lambda c: 50 + c["x"], space, 30, seed=1, algorithm="random", progress=False)
    for plot in (bad.plot.edf(other=good), bad.plot.convergence(other=good), good.plot.convergence(other=bad)):
        (panel,) = plot.chart.panels
        axis = panel.x if plot.chart.name == "edf" else panel.y

        assert axis.low <= 1.0
        assert axis.high >= 50.0
        assert not any("beyond the axis" in note for note in plot.chart.notes)


def test_convergence_says_that_random_search_was_estimated_or_not(results: dict[str, parzen.Result]) -> None:
    """A search that was made is taken as it is."""
    assert "Random search was not run" in results["plain"].plot.convergence().notes[0]
    made = parzen.minimize(lambda c: 1.0, studies.PLAIN, 5, seed=1, algorithm="random", progress=False)
    plot = results["plain"].plot.convergence(random=made)
    assert not plot.notes
    assert plot.chart.panels[0].marks[0].label == "random search, 4 of 5 searches"


@pytest.mark.parametrize(
    ("labels", "chosen", "said"),
    [
        ("a", (), "together, and the space has only 'a'"),
        ("ab", ("a", "b"), "together, and 'a' and 'b' are not"),
        ("a", ("a",), "together, and the space has only 'a'"),
    ],
)
def test_a_contour_that_cannot_be_says_why_in_a_sentence(labels: str, chosen: tuple[str, ...], said: str) -> None:
    """For a space of one parameter, and for branches that are never active together."""
    space = [{label: hp.float(label, 0, 1)} for label in labels]
    result = parzen.minimize(
        lambda c: 1.0,
        space[0] if len(space) == 1 else hp.choice("which", space),
        20,
        seed=1,
        algorithm="random",
        progress=False,
    )
    with pytest.raises(SpaceError, match=said):
        result.plot.contour(*chosen)


@pytest.mark.parametrize("name", ["slice", "contour", "parallel", "rank"])
def test_a_study_without_parameters_has_none_to_plot(name: str) -> None:
    """Which every plot of parameters says alike."""
    study = parzen.Study({"constant": 3})
    study.run(lambda config: 1.0, 1, progress=False)

    with pytest.raises(SpaceError, match="the space has no parameters to plot"):
        study.plot.named(name)()


@pytest.mark.parametrize("share", [0.6, 1.0])
@pytest.mark.parametrize(("direction", "worst"), [("minimize", 1.0), ("maximize", -1.0), ("maximize", 1.0)])
def test_the_largest_floats_do_not_break_a_plot(direction: parzen.Direction, worst: float, share: float) -> None:
    """They stand for infinity: beside others they are far out where they are the worse ones, however many there are."""
    large, rng = worst * sys.float_info.max, np.random.default_rng(1)
    study = parzen.Study({"x": hp.float("x", 0, 1), "y": hp.float("y", 0, 1)}, direction=direction, seed=1)
    study.run(lambda config: large if rng.random() < share else config["x"] + 1, 25, progress=False)
    for name in ("history", "convergence", "slice", "contour", "parallel", "rank", "edf"):
        plot = study.plot.named(name)()

        assert json.dumps(plot.to_plotly(), allow_nan=False)
    history = study.plot.history()
    axis = history.chart.panels[0].y
    assert axis.low is not None
    assert axis.high is not None
    assert np.isfinite(axis.high - axis.low)
    if share == 1.0:
        assert "losses beyond it are drawn there" in history.notes[0]
    elif (worst > 0) == (direction == "minimize"):
        assert max(abs(axis.low), axis.high) < 5
        assert "far out" in _points(history.chart)


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_random_search_finds_nothing_better_than_what_was_seen(direction: str) -> None:
    """A loss that is never negative has no band below zero; and both libraries draw it on the scale that the chart has."""
    sign = 1 if direction == "minimize" else -1

    def objective(config: dict[str, float]) -> float:
        return (config["x"] - 0.3) ** 2 + (config["y"] - 0.5) ** 2 if sign > 0 else 10 ** -(4 * config["x"])

    space = {"x": hp.float("x", 0, 1), "y": hp.float("y", 0, 1)}
    result = parzen.minimize(objective, space, 60, seed=1, algorithm="tpe", progress=False, direction=direction)
    plot = result.plot.convergence()
    panel = plot.chart.panels[0]
    band = panel.marks[0]

    assert isinstance(band, Band)
    assert panel.y.scale == "log"
    assert panel.y.low is not None
    assert (sign * np.stack((band.low, band.high)) >= sign * result.best.loss * (1 - sign * 1e-12)).all()
    assert min(band.low.min(), band.high.min()) >= panel.y.low > 0
    drawn = draw(plot.chart).axes[0]
    layout = plot.to_plotly()["layout"]
    assert drawn.get_xscale() == panel.x.scale == layout["xaxis"].get("type", "linear")
    assert drawn.get_yscale() == panel.y.scale == layout["yaxis"].get("type", "linear")


def test_thinning_keeps_what_is_lonely() -> None:
    """Of a crowd of 100 000 and a point far away, the point stays; the order does too."""
    rng = np.random.default_rng(0)
    x, y = np.r_[rng.normal(size=100_000), 50.0], np.r_[rng.normal(size=100_000), 50.0]
    kept = thinned(x, y, 2000)

    assert len(kept) == 2000
    assert kept[-1] == 100_000
    assert (np.diff(kept) > 0).all()
    assert thinned(x[:10], y[:10], 2000).tolist() == list(range(10))


def test_a_large_study_is_thinned_and_says_so() -> None:
    """Every plot stays small enough to be sent to a page."""
    space = {"x": hp.float("x", 0, 1), "y": hp.float("y", 0, 1)}
    result = parzen.minimize(lambda c: c["x"] + c["y"] ** 2, space, 6000, seed=1, algorithm="random", progress=False)
    for name in ("history", "slice", "contour", "parallel", "rank", "edf", "timeline"):
        plot = result.plot.named(name)()
        assert len(json.dumps(plot.to_plotly())) < 700_000
        if name not in ("edf", "timeline"):
            assert any("are drawn, some from every place" in note for note in plot.notes)


def test_both_ends_of_the_floats_are_drawn() -> None:
    """On one axis, by matplotlib, which looks for ends and ticks beyond those that it is given."""
    pytest.importorskip("matplotlib", reason="draws", exc_type=ImportError)
    losses = [sys.float_info.max, -sys.float_info.max, 1.0, 1.0]
    study = parzen.Study({"x": hp.float("x", 0, 1)}, direction="maximize", seed=1, algorithm="random")
    study.run(lambda config: losses[int(4 * config["x"])], 20, progress=False)

    assert study.plot.edf().chart.panels[0].x.scale == "log"
    for name in ("history", "edf"):
        assert study.plot.named(name)().svg()


def test_a_study_without_losses_says_that_there_is_nothing_to_plot() -> None:
    """In a sentence, not as an empty picture."""
    study = parzen.Study(studies.PLAIN)

    with pytest.raises(StudyError, match="needs at least 1 trial with a finite loss"):
        study.plot.history()
    with pytest.raises(ValueError, match="there is no plot 'pie'; there are history, convergence"):
        study.plot.named("pie")
    with pytest.raises(SpaceError, match="no parameters"):
        parzen.minimize(lambda c: 1.0, {"k": 1}, 1, progress=False).plot.slice()


# --- the two libraries ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", THEMES)
def test_matplotlib_draws_every_kind_of_mark(results: dict[str, parzen.Result], theme: str, tmp_path: Path) -> None:
    """Without pyplot; the colours are the theme's."""
    pytest.importorskip("matplotlib", reason="a drawing library", exc_type=ImportError)
    for study, name in (
        ("noisy", "history"),
        ("branches", "parallel"),
        ("plain", "importances"),
        ("noisy", "timeline"),
    ):
        svg = results[study].plot.named(name)().svg(theme)
        assert svg.startswith("<svg")
        assert THEMES[theme]["paper"] in svg
    path = tmp_path / "contour.png"
    results["branches"].plot.contour().save(path, theme, dpi=50)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_plotly_takes_every_figure(results: dict[str, parzen.Result]) -> None:
    """Its own validation finds nothing wrong."""
    objects = pytest.importorskip("plotly.graph_objects", reason="a drawing library")
    for name in NAMES:
        figure = results["noisy"].plot.named(name)().plotly("dark")
        assert isinstance(figure, objects.Figure)


def test_points_of_a_figure_know_their_trials(results: dict[str, parzen.Result]) -> None:
    """By which a page links one plot to another."""
    figure = results["plain"].plot.history().to_plotly()
    (points,) = (trace for trace in figure["data"] if trace.get("name") == "trials")

    assert points["customdata"] == sorted(points["customdata"])
    assert len(points["customdata"]) == len(points["x"])


def test_spans_of_a_figure_are_as_long_as_their_trials(results: dict[str, parzen.Result]) -> None:
    """In seconds on an axis of seconds; plotly wants milliseconds only where the axis has dates."""
    plot = results["noisy"].plot.timeline()
    mark = next(mark for mark in plot.chart.panels[0].marks if isinstance(mark, Spans) and mark.label == "ok")
    trace = next(trace for trace in plot.to_plotly()["data"] if trace["name"] == "ok")

    assert plot.chart.panels[0].x.scale == "linear"
    assert trace["x"] == (mark.end - mark.start).tolist()
    assert trace["base"] == mark.start.tolist()


EVIL = "<img src=x onerror=alert(1)>$x^2$"


def test_labels_are_texts_and_never_markup_or_formulas() -> None:
    """Neither in SVG nor in plotly, which reads tags; a dollar begins nothing."""
    pytest.importorskip("matplotlib", reason="a drawing library", exc_type=ImportError)
    space = {EVIL: hp.float(EVIL, 0, 1), "k": hp.categorical("k", ["<b>bold</b>", "$\\frac{"])}
    result = parzen.minimize(lambda c: c[EVIL], space, 12, seed=1, algorithm="random", progress=False)
    for name in ("slice", "contour", "parallel", "importances", "rank"):
        plot = result.plot.named(name)()
        assert "<img" not in plot.svg()
        assert "<b>" not in plot.svg()
        assert "<img" not in json.dumps(plot.to_plotly())


def test_a_plot_is_saved_by_its_ending(results: dict[str, parzen.Result], tmp_path: Path) -> None:
    """As a picture, as a page, as data; and nothing else."""
    pytest.importorskip("matplotlib", reason="a drawing library", exc_type=ImportError)
    plot = results["plain"].plot.edf()
    for ending, start in {"svg": b"<svg", "json": b'{"name": "edf"', "pdf": b"%PDF"}.items():
        path = tmp_path / f"plot.{ending}"
        plot.save(path)
        assert path.read_bytes().startswith(start)
    with pytest.raises(ValueError, match=r"saved as \.png, \.svg"):
        plot.save(tmp_path / "plot.bmp")
    with pytest.raises(ValueError, match="theme is 'light' or 'dark'"):
        plot.svg("sepia")


def test_a_notebook_shows_a_plot(results: dict[str, parzen.Result]) -> None:
    """As SVG; and its text says what it is."""
    pytest.importorskip("matplotlib", reason="a drawing library", exc_type=ImportError)
    bundle: dict[str, Any] = results["plain"].plot.history()._repr_mimebundle_()

    assert bundle["image/svg+xml"].startswith("<svg")
    assert bundle["text/plain"].startswith("<Plot history: Optimisation history, 1 panel>")
    assert "history, convergence" in repr(Plots(results["plain"]))


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (x / 12.92 if x <= 0.03928 else ((x + 0.055) / 1.055) ** 2.4 for x in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


@pytest.mark.parametrize("theme", THEMES)
def test_colours_have_contrast_and_are_different(theme: str) -> None:
    """WCAG 2.1: texts 4.5 to 1 against the paper, marks 3 to 1; no two roles are one colour."""
    colours = THEMES[theme]
    paper = _luminance(colours["paper"])
    for role, colour in colours.items():
        if role not in ("paper", "grid"):
            light, dark = sorted([paper, _luminance(colour)], reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= (4.5 if role in ("ink", "muted") else 3.0), role
    assert len(set(colours.values())) == len(colours)
    assert colours.keys() == THEMES["light"].keys()
