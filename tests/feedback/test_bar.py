"""The bar without words."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from parzen.feedback import Bar, BarPanel

if TYPE_CHECKING:
    from conftest import Driver, Screen

    MakeTerminal = Callable[..., Screen]


def test_on_a_terminal_only_the_line_is_left(driver: Driver, terminal: MakeTerminal) -> None:
    """No line for an improvement, no summary; the last state of the live line stays."""
    screen, bar = terminal(80), Bar(interval=None)
    driver.start(bar, total=2)
    driver.trial(0.5)
    driver.trial(0.25)
    bar.tick()
    during = screen.lines()
    driver.finish()

    assert during == [" 2/2 · 0:02 · best 0.25  lr=0.01235 opt=adam n=3"]
    assert screen.lines() == during


def test_in_a_pipe_there_is_a_line_now_and_then_and_one_at_the_end(driver: Driver) -> None:
    """A line after ten seconds, and how far it came."""
    stream = io.StringIO()
    driver.start(Bar(stream, interval=None), total=3, already=0)
    driver.trial(0.5, seconds=11)
    driver.trial(0.25, seconds=1)
    driver.finish()

    assert stream.getvalue().splitlines() == [
        "parzen    0:11  1/3 · 0:22 left · best 0.5 (trial 0)",
        "parzen    0:12  2/3 · 0:06 left · best 0.25 (trial 1)",
    ]


def test_the_log_hears_nothing(driver: Driver, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever asks for a bar alone wants no records on the same terminal either."""
    with caplog.at_level(logging.INFO, "parzen"):
        driver.start(Bar(io.StringIO(), interval=None), total=1)
        driver.trial(0.5)
        driver.finish()

    assert caplog.records == []


def test_the_panel_shows_the_bar_and_no_summary(driver: Driver) -> None:
    """In a notebook's cell."""
    shown: list[dict[str, str]] = []

    def display(bundle: dict[str, str], *, update: bool) -> None:
        shown.append(bundle)

    driver.start(BarPanel(display, interval=None), total=2, already=1)
    driver.trial(0.5)
    driver.trial(0.25)
    driver.finish()

    assert "2/2" in shown[-1]["text/html"]
    assert "0.25" in shown[-1]["text/plain"]
    assert not any("resumed" in bundle["text/html"] or "are done" in bundle["text/html"] for bundle in shown)
