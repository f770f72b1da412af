"""The full view: what there is to see, as lines, and on a terminal."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from rich.cells import cell_len

from parzen import hp
from parzen.feedback import Watch, overview_of
from parzen.feedback._page import curve_svg, overview_html
from parzen.feedback._panel import joined, pace_text, panel, sparkline
from parzen.space import Space
from parzen.trials import Asked, Finished, Outcome, Reported, Requested, Started, State, TrialError

if TYPE_CHECKING:
    from conftest import Driver, Screen

HERE = "host/boot/ns/41/99/run"
THERE = "far-away/boot/ns/42/99/run"


def _study(driver: Driver, n: int = 30) -> Any:
    """Trials of ten seconds by two workers, one after the other; a few fail; two run at second 1000."""
    for i in range(n):
        at, worker = 10.0 * i, (HERE, THERE)[i % 2]
        driver.publish(Asked(i, (0.5 / (i + 1), float(i % 2), 3.0), "t", 0, 0, at), Started(i, 1, worker, at))
        if i % 10 == 9:
            error = TrialError("builtins.ValueError", f"bad [red]luck[/] {i}\nmore")
            driver.publish(Finished(i, 1, Outcome(State.ERROR, error=error, seconds=10.0), at + 10))
        elif i % 10 == 8:
            error = TrialError("status", "exit status 3: no memory")
            driver.publish(Finished(i, 1, Outcome(State.FAILED, error=error, seconds=10.0), at + 10))
        else:
            driver.publish(Finished(i, 1, Outcome(State.OK, {"loss": 10.0 / (i + 1)}, seconds=10.0), at + 10))
    driver.publish(Requested("budget", None, 2 * n, 0.0))
    for k in (n, n + 1):
        driver.publish(Asked(k, (0.25, 1.0, 4.0), "t", 0, 0, 990.0), Started(k, 1, HERE, 990.0))
    driver.publish(Reported(n, 1, 7.0, {"loss": 0.75}, 995.0))
    return overview_of(driver.history, 1000.0, name="demo", location="s.db")


def test_there_is_everything_to_see(driver: Driver) -> None:
    """As data, from the history and the time alone."""
    seen = _study(driver)

    assert (seen.done, seen.total, seen.counts[State.RUNNING]) == (30, 60, 2)
    assert seen.best is not None
    assert (seen.best.number, seen.best_age) == (27, 1000.0 - 280.0)
    # The pause between second 300 and 990 is no part of the time, nor of the pace.
    assert seen.busy == pytest.approx(310.0)
    assert seen.pace == pytest.approx(20 / 210.0)
    assert seen.left == pytest.approx(30 * 210.0 / 20)
    assert [(one.number, one.seconds, one.step, one.loss) for one in seen.running] == [
        (30, 10.0, 7.0, 0.75),
        (31, 10.0, None, None),
    ]
    assert [(w.name, w.trials, w.done) for w in seen.workers] == [("host 41", (30, 31), 15)]
    assert [(f.count, f.kind, f.number, f.message) for f in seen.failures] == [
        (3, "exit status 3", 28, "no memory"),
        (3, "ValueError", 29, "bad [red]luck[/] 29"),
    ]
    assert seen.chance is not None
    assert seen.to_json()["best"]["params"] == {"lr": pytest.approx(0.5 / 28), "opt": "sgd", "n": 3}


def test_a_worker_that_is_gone_is_marked(driver: Driver) -> None:
    """One of the runs of its process is enough for it to be there; beside whom else it is named."""
    _study(driver)
    names = {driver.history.worker(i) for i in (30, 31)}
    assert len(names) == 1
    seen = overview_of(driver.history, 1000.0, name="demo", gone=names)

    assert [(w.trials, w.gone) for w in seen.workers] == [((30, 31), True)]
    assert "host 41              lost with trials 30, 31, 15 done" in joined(panel(seen))
    assert seen.to_json()["workers"][0]["gone"] is True
    assert not any(w.gone for w in overview_of(driver.history, 1000.0, name="demo", gone={"somebody"}).workers)


def test_a_worker_that_has_nothing_to_do_is_idle(driver: Driver) -> None:
    """For ten minutes; then it is no worker any more."""
    _study(driver)
    seen = overview_of(driver.history, 500.0, name="demo")

    assert [(w.name, w.trials, w.seconds) for w in seen.workers][1:] == [("far-away 42", (), 200.0)]


def test_kinds_of_failures_that_are_not_shown_are_counted(driver: Driver) -> None:
    """Three in a terminal, a dozen as data."""
    for i in range(30):
        driver.publish(Asked(i, driver.row, "t", 0, 0, 0.0), Started(i, 1, HERE, 0.0))
        error = TrialError(f"Kind{i % 15}", "")
        driver.publish(Finished(i, 1, Outcome(State.ERROR, error=error), 1.0))
    seen = overview_of(driver.history, 100.0, name="demo")
    told = seen.to_json()

    assert "24 × 12 other kinds of failure" in joined(panel(seen))
    assert "24 × 12 other kinds of failure" in overview_html(seen)
    assert (len(told["failures"]), told["other_failures"]) == (12, {"kinds": 3, "count": 6})


def test_trials_at_the_same_time_are_counted_once(driver: Driver) -> None:
    """In the time; their pace is that of all together."""
    for i in range(10):
        driver.publish(Asked(i, driver.row, "t", 0, 0, 0.0), Started(i, 1, HERE, 0.0))
    for i in range(10):
        driver.publish(Finished(i, 1, Outcome(State.OK, {"loss": 1.0}), 5.0))
    seen = overview_of(driver.history, 100.0, name="demo")

    assert (seen.busy, seen.pace, seen.left) == (5.0, 2.0, None)


def test_nothing_yet_is_shown_too(driver: Driver) -> None:
    """An empty study, and one that only failed."""
    empty = joined(panel(overview_of(driver.history, 0.0, name="demo")))
    driver.trial(None)
    failed = joined(panel(overview_of(driver.history, 0.0, name="demo")))

    assert "0 trials, 0 running" in empty
    assert "nothing is running" in empty
    assert "none yet: no trial has a loss" in failed


def test_eighty_columns_are_enough(driver: Driver) -> None:
    """And say everything."""
    lines = panel(_study(driver), 80)
    text = joined(lines)

    assert max(cell_len(line.plain) for line in lines) <= 80
    assert "…" not in text
    for word in (
        "30/60 trials, 2 running, 6 failed",
        "5:10 so far, one trial every 10 s",
        "5:15 left",
        "loss 0.357143 in trial 27",
        "% that 28 more trials improve on it; the last 2 did not",
        "best            trial 30        trial 31",
        "0.75 @7",
        "host 41              trials 30, 31 for 0:10, 15 done",
        "3 × ValueError, last in trial 29: bad [red]luck[/] 29",
    ):
        assert word in text, word


def test_a_sentence_that_is_wider_than_the_terminal_goes_on_below(driver: Driver) -> None:
    """Its end explains its beginning: of the chance, and of what failed."""
    driver.publish(Requested("budget", None, 1_000_000, 0.0))
    for i in range(120):
        driver.trial(1.0 + i)
    error = TrialError("builtins.ArithmeticError", "the loss is not finite any more, and nobody knows why it is so")
    driver.publish(Asked(120, driver.row, "t", 0, 0, 0.0), Started(120, 1, HERE, 0.0))
    driver.publish(Finished(120, 1, Outcome(State.ERROR, error=error), 1.0))
    overview = overview_of(driver.history, 1000.0, name="demo", noisy=True)
    lines = [line.plain.rstrip() for line in panel(overview, 77)]
    at = next(k for k, line in enumerate(lines) if line.startswith("   chance"))

    assert max(map(cell_len, lines)) <= 77
    assert " ".join(line.strip() for line in lines[at : at + 2]).endswith("the last 120 did not (losses are noisy)")
    assert lines[-2:] == [
        " failures  1 × ArithmeticError, last in trial 120:",
        "           the loss is not finite any more, and nobody knows why it is so",
    ]


@pytest.mark.parametrize(
    ("pace", "text"),
    [
        (1.0, "one trial a second"),
        (1.02, "one trial a second"),
        (0.99, "one trial a second"),
        (0.5, "one trial every 2 s"),
        (1.2, "1.2 trials a second"),
    ],
)
def test_one_trial_is_no_trials(pace: float, text: str) -> None:
    """Nor is one second every 1 s."""
    assert pace_text(pace) == text


def test_what_reads_the_same_is_the_same(driver: Driver) -> None:
    """A value that differs from the best one's by less than is written is not marked as another."""
    driver.trial(1.0)
    row = (driver.row[0] * (1 + 1e-9), *driver.row[1:])
    driver.publish(Asked(1, row, "t", 0, 0, 0.0), Started(1, 1, HERE, 0.0))
    lines = panel(overview_of(driver.history, 10.0, name="demo"))
    line = next(line for line in lines if line.plain.strip().startswith("lr"))

    assert not any("bold" in str(span.style) for span in line.spans)


@pytest.mark.parametrize(("width", "height"), [(40, 10), (20, 5), (8, 3), (1, 1), (200, 100), (80, 8)])
def test_no_terminal_is_too_small(driver: Driver, width: int, height: int) -> None:
    """What does not fit is left out, the most important last."""
    lines = panel(_study(driver), width, height)

    assert 1 <= len(lines) <= height
    assert max(cell_len(line.plain) for line in lines) <= width


def test_many_of_everything_is_cut_short(make_driver: type[Driver]) -> None:
    """Parameters, running trials, workers; wide characters and control characters among them."""
    space = Space({f"p{i}": hp.float(f"p{i}" if i else "ラベル\x1b[2J", 0, 1) for i in range(30)})
    driver = make_driver(space=space, row=(0.5,) * 30)
    driver.trial(1.0)
    for i in range(20):
        driver.publish(Asked(i + 1, driver.row, "t", 0, 0, 0.0), Started(i + 1, 1, f"h{i}/b/n/{i}/9/r", 0.0))
    lines = panel(overview_of(driver.history, 9.0, name="de\x1bmo"), 80)
    text = joined(lines)

    assert "\x1b" not in text
    assert max(cell_len(line.plain) for line in lines) <= 80
    for word in ("and 22 more parameters", "and 15 more", "20 running"):
        assert word in text, word
    assert text.count(" more") >= 3  # parameters, workers, running trials


def test_a_sparkline_goes_where_the_losses_go() -> None:
    """The median of each share, clipped at the limits, blank where there is no loss."""
    assert sparkline(np.array([0.0, 1, 2, 3, 4, 5, 6, 7]), 8, (0, 7)) == "▁▂▃▄▅▆▇█"
    assert sparkline(np.array([7.0, 100, math.inf, -5, math.nan]), 8, (0, 7)) == "███▁ "
    assert sparkline(np.array([0.0, 7] * 48), 4, (0, 7)) == "▅▅▅▅"
    assert sparkline(np.array([1.0, 1.0]), 8, (1, 1)) == "▅▅"
    assert sparkline(np.array([0.0, 7.0]), 8, (0, 7), blocks=False) == "_@"
    assert len(sparkline(np.arange(100_000.0), 50, (0, 1e5))) == 50


def test_the_best_so_far_knows_the_direction(make_driver: type[Driver]) -> None:
    """In the user's own sign; failures have no loss."""
    driver = make_driver(direction="maximize")
    for loss in (1.0, None, 3.0, 2.0):
        driver.trial(loss)
    seen = overview_of(driver.history, 0.0, name="demo")

    assert seen.losses.tolist()[2:] == [3.0, 2.0]
    assert seen.best_so_far.tolist() == [1.0, 1.0, 3.0, 3.0]


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_what_stands_for_infinity_hides_no_improvement(make_driver: type[Driver], direction: str) -> None:
    """However many trials have it: the curve shows the others, and the last improvement is not among what did not help."""
    sign = 1.0 if direction == "minimize" else -1.0
    driver = make_driver(direction=direction)
    for i in range(30):
        driver.trial(sign * (sys.float_info.max if i % 5 < 3 else 30.0 - i))
    seen = overview_of(driver.history, 0.0, name="demo")

    assert seen.chance is not None
    assert seen.chance.since == 0
    assert "e300" not in joined(panel(seen))
    assert "e300" not in curve_svg(seen)


def test_losses_over_many_orders_of_magnitude_are_seen_on_a_logarithm(driver: Driver) -> None:
    """And it says so."""
    for i in range(20):
        driver.trial(10.0 ** (-i / 2))

    assert ", log" in joined(panel(overview_of(driver.history, 0.0, name="demo")))


def test_a_long_study_is_looked_at_in_a_moment(driver: Driver) -> None:
    """Often enough a second to be live."""
    import time

    _study(driver, 5_000)
    begun = time.process_time()
    panel(overview_of(driver.history, 1e6, name="demo"))

    assert time.process_time() - begun < 0.5


# --- on a terminal ----------------------------------------------------------------------------------------------


def test_the_view_stays_beneath_what_is_printed(driver: Driver, terminal: Callable[..., Screen]) -> None:
    """Drawn in place, as high as it is then; in the end it stays, and the summary comes beneath."""
    screen = terminal(80, 40)
    watch = Watch(screen.err, interval=None)
    driver.start(watch, total=4)
    driver.trial(0.5)
    watch.tick()
    first = screen.lines()
    print("from the objective", file=screen.out, flush=True)
    driver.trial(None)
    driver.begin()
    watch.tick()
    second = screen.lines()
    driver.finish("timeout")
    last = screen.lines()

    assert "1/4 trials" in "\n".join(first)
    assert second[0] == "from the objective"
    assert sum("study  demo" in line for line in second) == 1
    assert "2/4 trials, 1 running, 1 failed" in "\n".join(second)
    assert "1 × ValueError" in "\n".join(second)
    assert len(second) > len(first)
    assert sum("study  demo" in line for line in last) == 1
    assert any("stopped  timeout" in line for line in last)
    assert not screen.cursor_hidden


def test_a_view_that_becomes_shorter_leaves_nothing_behind(driver: Driver, terminal: Callable[..., Screen]) -> None:
    """The rows that are not needed any more are cleared."""
    screen = terminal(80, 40)
    watch = Watch(screen.err, interval=None)
    driver.start(watch, total=4)
    number = driver.begin()
    watch.tick()
    before = screen.lines()
    driver.publish(Finished(number, 1, Outcome(State.OK, {"loss": 1.0}), 1e10))
    watch.tick()
    after = screen.lines()
    driver.finish()

    assert any("trial 0 for" in line for line in before)
    assert not any("trial 0 for" in line for line in after)
    assert sum("study  demo" in line for line in after) == 1


def test_a_low_terminal_never_scrolls(driver: Driver, terminal: Callable[..., Screen]) -> None:
    """However often it is drawn, nothing but the view is there."""
    screen = terminal(60, 8)
    watch = Watch(screen.err, interval=None)
    driver.start(watch, total=9)
    for i in range(5):
        driver.trial(1.0 / (i + 1))
        watch.tick()
    lines = screen.lines()
    driver.finish()

    assert lines[0].split() == ["study", "demo", "in", "memory"]
    assert len(lines) <= 6


def test_no_color_means_no_colour(
    driver: Driver, terminal: Callable[..., Screen], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words say the same; bold and dim are no colours."""
    monkeypatch.setenv("NO_COLOR", "1")
    screen = terminal(80, 30)
    watch = Watch(screen.err, interval=None)
    driver.start(watch, total=4)
    driver.trial(None)
    watch.tick()
    screen.lines()

    assert b"1 failed" in screen.raw
    codes = {
        int(code) for styles in re.findall(rb"\x1b\[([0-9;]*)m", screen.raw) for code in styles.split(b";") if code
    }
    assert codes <= {0, 1, 2}
    driver.finish()


def test_in_a_pipe_there_are_lines(driver: Driver, tmp_path: Any) -> None:
    """Without escape codes."""
    with open(tmp_path / "log", "w+", encoding="utf-8") as file:
        watch = Watch(file, interval=None)
        driver.start(watch, total=2)
        driver.trial(0.5)
        driver.finish()
        file.seek(0)
        text = file.read()

    assert "\x1b" not in text
    assert "parzen" in text
    assert "best" in text
