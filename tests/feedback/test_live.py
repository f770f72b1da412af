"""The live line, looked at through a terminal emulator."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from parzen import hp
from parzen.feedback import Live, feedback_for
from parzen.space import Space

if TYPE_CHECKING:
    from conftest import Driver, Screen

    MakeTerminal = Callable[..., Screen]


def test_the_line_shows_count_time_best_and_real_values(driver: Driver, terminal: MakeTerminal) -> None:
    """Everything a person asks for is on one line of an ordinary terminal."""
    screen, live = terminal(80), Live(interval=None)
    driver.start(live, total=100)
    driver.trial(0.5, seconds=2)
    driver.trial(None, seconds=2)
    live.tick()

    assert screen.lines() == [
        "   0:02  trial 0    loss 0.5         lr=0.01235 opt=adam n=3",
        "   2/100 · 0:04 · 3:16 left · 1 failed · best 0.5  lr=0.01235 opt=adam n=3",
    ]


def test_time_goes_on_while_the_objective_runs(driver: Driver, terminal: MakeTerminal) -> None:
    """A tick redraws the line in its place."""
    screen, live = terminal(), Live(interval=None)
    driver.start(live, total=10)
    driver.begin()
    for _ in range(3):
        driver.clock.now += 1
        live.tick()

    assert screen.lines() == ["  0/10 · 0:03"]


def test_the_thread_draws_by_itself(driver: Driver, terminal: MakeTerminal) -> None:
    """Without anything being published the line is drawn again."""
    screen, live = terminal(), Live(interval=0.001)
    driver.start(live, total=10)
    driver.clock.now += 75
    while "  0/10 · 1:15" not in screen.lines():
        pass
    driver.finish("timeout")

    assert screen.lines()[-1] == "  stopped  timeout"


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 99, 100, 140, 300])
def test_the_line_never_wraps(columns: int, driver: Driver, terminal: MakeTerminal) -> None:
    """It is cut with an ellipsis where the terminal is narrow."""
    screen, live = terminal(columns), Live(interval=None)
    driver.start(live, total=100)
    driver.trial(0.123456789)
    live.tick()
    before = len(screen.lines())
    for _ in range(5):
        live.tick()

    assert len(screen.lines()) == before
    assert len(screen.lines()[-1]) < columns


def test_prints_of_the_objective_stand_above_the_line(driver: Driver, terminal: MakeTerminal) -> None:
    """Whole lines, in the order in which they were printed."""
    screen, live = terminal(), Live(interval=None)
    driver.start(live, total=3)
    print("first", "line", 1)
    print("second\nthird")
    sys.stderr.write("to stderr: ünïcode ✓ 日本\n")

    assert screen.lines() == ["first line 1", "second", "third", "to stderr: ünïcode ✓ 日本", " 0/3 · 0:00"]


def test_an_unfinished_line_is_gone_on_with(driver: Driver, terminal: MakeTerminal) -> None:
    """`print(..., end="")` stays where it is, the live line goes beneath it and comes back up."""
    screen, live = terminal(), Live(interval=None)
    driver.start(live, total=3)
    print("epoch 1 ", end="")
    live.tick()
    seen = [screen.lines()]
    print("epoch 2 ", end="")
    seen.append(screen.lines())
    live.tick()
    driver.trial(0.5)
    seen.append(screen.lines())
    print("done")
    seen.append(screen.lines())

    assert seen[0] == ["epoch 1", " 0/3 · 0:00"]
    assert seen[1] == ["epoch 1 epoch 2", " 0/3 · 0:00"]
    assert [row[:16] for row in seen[2]] == ["   0:01  trial 0", "epoch 1 epoch 2", " 0/3 · 0:00"]
    assert [row[:20] for row in seen[3]] == ["   0:01  trial 0  lo", "epoch 1 epoch 2 done", " 0/3 · 0:00"]


def test_a_progress_bar_of_the_objective_lives_beside_the_line(driver: Driver, terminal: MakeTerminal) -> None:
    """A bar that returns over itself keeps a row of its own."""
    screen, live = terminal(), Live(interval=None)
    driver.start(live, total=3)
    for percent in (10, 50, 100):
        sys.stderr.write(f"\r{percent:3d}% |####|")
        live.tick()
    rows = screen.lines()
    sys.stderr.write("\n")

    assert rows == ["100% |####|", " 0/3 · 0:00"]
    assert screen.lines() == ["100% |####|", " 0/3 · 0:00"]


def test_an_unfinished_line_wider_than_the_terminal_is_left_alone(driver: Driver, terminal: MakeTerminal) -> None:
    """The live line waits for its end."""
    screen, live = terminal(40), Live(interval=None)
    driver.start(live, total=3)
    print("x" * 60, end="")
    live.tick()
    during = screen.lines()
    print()

    assert during == ["x" * 40, "x" * 20]
    assert screen.lines() == ["x" * 40, "x" * 20, " 0/3 · 0:00"]


def test_a_handler_that_held_the_stream_before_is_readable(driver: Driver, terminal: MakeTerminal) -> None:
    """Logging that was configured before the run passes through as well."""
    screen, live = terminal(), Live(interval=None)
    logger = logging.Logger("somebody")
    logger.addHandler(logging.StreamHandler(sys.stderr))
    driver.start(live, total=3)
    logger.warning("careful")

    assert screen.lines() == ["careful", " 0/3 · 0:00"]


def test_the_end_is_a_summary_and_untouched_streams(driver: Driver, terminal: MakeTerminal) -> None:
    """The line is gone, the cursor is there, and the streams are what they were."""
    screen, live = terminal(), Live(interval=None)
    streams = sys.stdout, sys.stderr
    driver.start(live, total=2, durable=True, location="study.db")
    driver.trial(0.5)
    driver.trial(0.25)
    live.tick()
    driver.finish()
    print("after")

    assert screen.lines() == [
        "   0:01  trial 0  loss 0.5         lr=0.01235 opt=adam n=3",
        "   0:02  trial 1  loss 0.25        lr=0.01235 opt=adam n=3",
        "",
        "     best  loss 0.25 in trial 1",
        "           lr   0.01235",
        "           opt  adam",
        "           n    3",
        "   trials  2 ok",
        "     time  2 s: 2 s in the objective, 0 ms in parzen",
        "    saved  study.db, study 'demo'; to go on, raise trials and run the same",
        "           program again",
        "  stopped  all 2 trials are done",
        "after",
    ]
    assert (sys.stdout, sys.stderr) == streams
    assert "write" not in vars(sys.stdout)
    assert "write" not in vars(sys.stderr)
    assert not screen.cursor_hidden
    assert b"\x1b[?25l" not in screen.raw


def test_a_wide_configuration_is_broken_between_settings(driver: Driver, terminal: MakeTerminal) -> None:
    """Rows of an improvement hang beneath the first one."""
    screen, live = terminal(58), Live(interval=None)
    driver.start(live, total=3)
    driver.trial(0.5)
    rows = screen.lines()[:-1]

    assert rows == [
        "   0:01  trial 0  loss 0.5         lr=0.01235 opt=adam",
        "         n=3",
    ]


def test_a_run_inside_of_a_run_writes_lines(driver: Driver, make_driver: type[Driver], terminal: MakeTerminal) -> None:
    """The terminal has one live line; the inner run's lines stand above it."""
    screen, live, inner = terminal(), Live(interval=None), make_driver()
    driver.start(live, total=3)
    inner.start(Live(interval=None), total=1)
    inner.trial(0.5)
    inner.finish()
    live.tick()
    rows = screen.lines()

    assert rows[0] == "parzen    0:01  trial 0     loss 0.5  lr=0.01235 opt=adam n=3"
    assert rows[-1] == " 0/3 · 0:00"
    driver.finish()


def test_stdout_elsewhere_is_not_touched(
    driver: Driver, terminal: MakeTerminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe, a file or another terminal as stdout keeps its own write."""
    terminal()
    read, write = os.pipe()
    with os.fdopen(write, "w") as pipe, os.fdopen(read):
        monkeypatch.setattr("sys.stdout", pipe)
        live = Live(interval=None)
        driver.start(live, total=1)

        assert "write" not in vars(pipe)
        assert "write" in vars(sys.stderr)
        driver.finish()


def test_what_is_redirected_during_the_run_is_not_touched(driver: Driver, terminal: MakeTerminal) -> None:
    """`contextlib.redirect_stdout` in the objective works as ever."""
    terminal()
    driver.start(Live(interval=None), total=1)
    with contextlib.redirect_stdout(io.StringIO()) as caught:
        print("to the user's buffer")
    driver.finish()

    assert caught.getvalue() == "to the user's buffer\n"


def test_an_error_of_a_print_is_the_printers_alone(driver: Driver, terminal: MakeTerminal) -> None:
    """Text that the stream cannot encode raises as it would have, and the line is still in place."""
    screen, live = terminal(), Live(interval=None)
    driver.start(live, total=3)
    with pytest.raises(UnicodeEncodeError):
        print("\udc80", file=sys.stdout)
    print("next")
    live.tick()

    assert screen.lines() == ["next", " 0/3 · 0:00"]


def test_a_terminal_that_hangs_up_does_not_end_the_search(driver: Driver, terminal: MakeTerminal) -> None:
    """Nothing is drawn any more, nothing is raised."""
    screen, live = terminal(), Live(interval=None)
    driver.start(live, total=3)
    screen.hang_up()
    driver.trial(0.5)
    live.tick()
    driver.trial(0.25)
    driver.finish()

    assert "write" not in vars(screen.err)


def test_a_closed_stderr_does_not_end_the_search(driver: Driver, terminal: MakeTerminal) -> None:
    """Somebody closed the stream in the middle."""
    screen, live = terminal(), Live(interval=None)
    driver.start(live, total=3)
    screen.err.close()
    driver.trial(0.5)
    live.tick()
    driver.finish()


def test_a_forked_child_does_not_draw(driver: Driver, terminal: MakeTerminal) -> None:
    """Its prints are readable, its ticks and its end are silent, and no lock is waited for."""
    screen, live = terminal(), Live(interval=None)
    driver.start(live, total=3)
    with live._lock, live._terminal._lock:  # type: ignore[union-attr]  # as if the drawing thread held both
        pid = os.fork()
        if pid == 0:
            print("from the child")
            live.tick()
            driver.trial(0.5)
            driver.finish()
            sys.stdout.flush()
            os._exit(0)
        os.waitpid(pid, 0)
    live.tick()

    assert screen.lines() == ["from the child", " 0/3 · 0:00"]


def test_no_color_is_respected(driver: Driver, terminal: MakeTerminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """No colour is sent where the user wants none."""
    monkeypatch.setenv("NO_COLOR", "1")
    screen, live = terminal(), Live(interval=None)
    driver.start(live, total=3)
    driver.trial(0.5)
    live.tick()
    driver.finish()
    screen.lines()

    assert b"\x1b[32m" not in screen.raw


def test_labels_and_values_are_never_markup(make_driver: type[Driver], terminal: MakeTerminal) -> None:
    """Brackets, escapes and newlines are shown as what they are."""
    driver = make_driver(Space([hp.categorical("[bold]x[/]", ["\x1b[2J\n[red]:smile:", "b"])]), (0.0,))
    screen, live = terminal(), Live(interval=None)
    driver.start(live, total=3)
    driver.trial(0.5)
    live.tick()

    assert screen.lines()[-1] == r" 1/3 · 0:01 · 0:02 left · best 0.5  [bold]x[/]='\x1b[2J\n[red]:smile:'"


def test_a_dumb_terminal_gets_lines(terminal: MakeTerminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """TERM=dumb cannot draw over a line."""
    terminal()
    monkeypatch.setenv("TERM", "dumb")

    assert type(feedback_for(True, notebook=False)).__name__ == "Lines"


def test_a_terminal_gets_the_live_line(terminal: MakeTerminal) -> None:
    """An ordinary one can."""
    terminal()

    assert type(feedback_for(True, notebook=False)) is Live


def test_where_no_line_can_be_drawn_there_are_lines(driver: Driver) -> None:
    """`progress="live"` on a pipe."""
    stream = io.StringIO()
    driver.start(Live(stream, interval=None), total=1)
    driver.trial(0.5)
    driver.finish()

    assert stream.getvalue().startswith("parzen    0:01  trial 0     loss 0.5  lr=0.01235 opt=adam n=3\n")
    assert "\x1b" not in stream.getvalue()
