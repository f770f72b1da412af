"""A study that the tests move by hand, a clock that they turn, and terminals to look at."""

from __future__ import annotations

import contextlib
import os
import pty
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TextIO

import pyte
import pytest

from parzen import hp
from parzen.feedback import Feedback, RunInfo
from parzen.space import Space
from parzen.trials import (
    Asked,
    Entry,
    Event,
    Finished,
    History,
    Outcome,
    Requested,
    Started,
    State,
    TrialError,
)


@dataclass
class FakeClock:
    """Stands still until it is told to go on."""

    now: float = 1000.0

    def wall(self) -> float:
        return 1.7e9 + self.now

    def monotonic(self) -> float:
        return self.now


@dataclass
class Driver:
    """Plays the run: trials happen when a test says so."""

    space: Space = field(
        default_factory=lambda: Space(
            {"lr": hp.float("lr", 1e-5, 1.0), "opt": hp.categorical("opt", ["adam", "sgd"]), "n": hp.int("n", 1, 9)}
        )
    )
    row: tuple[float, ...] = (0.0123456, 0.0, 3.0)
    direction: Any = "minimize"
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.history = History(self.space, {"loss": self.direction})
        self.feedback: Feedback | None = None

    def publish(self, *events: Event) -> None:
        entries = []
        for event in events:
            entries.append(Entry(self.history.seq + 1, event))
            self.history.apply(self.history.seq + 1, event)
        if self.feedback is not None:
            self.feedback(entries, self.history)

    def start(self, feedback: Feedback, **info: Any) -> None:
        if info.get("total") is not None:
            self.publish(Requested("budget", None, info["total"], 0.0))
        self.feedback = feedback
        info.setdefault("already", self.history.finished)
        feedback.start(RunInfo(info.pop("name", "demo"), clock=self.clock, **info), self.history)

    def begin(self, row: tuple[float, ...] | None = None) -> int:
        number = len(self.history)
        self.publish(Asked(number, row or self.row, "test", 0, self.history.seq, 0.0))
        self.publish(Started(number, 1, "w", 0.0))
        return number

    def trial(
        self, loss: float | None, seconds: float = 1.0, row: tuple[float, ...] | None = None, error: str = "too hot"
    ) -> None:
        number = self.begin(row)
        self.clock.now += seconds
        if loss is None:
            outcome = Outcome(State.ERROR, error=TrialError("builtins.ValueError", error), seconds=seconds)
        else:
            outcome = Outcome(State.OK, {"loss": loss}, seconds=seconds)
        self.publish(Finished(number, 1, outcome, 0.0))

    def finish(self, stopped_by: str = "trials", error: BaseException | None = None) -> None:
        assert self.feedback is not None
        self.feedback.finish(self.history, stopped_by, error)


@pytest.fixture
def driver() -> Driver:
    return Driver()


@pytest.fixture
def make_driver() -> type[Driver]:
    return Driver


class Screen:
    """A pseudo-terminal and what somebody in front of it sees."""

    def __init__(self, columns: int = 80, rows: int = 30) -> None:
        import fcntl
        import struct
        import termios

        self._screen = pyte.Screen(columns, rows)
        self._feed = pyte.ByteStream(self._screen)
        self._master, slave = pty.openpty()
        os.set_blocking(self._master, False)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.err: TextIO = os.fdopen(slave, "w", encoding="utf-8", errors="backslashreplace")
        self.out: TextIO = os.fdopen(os.dup(slave), "w", encoding="utf-8")
        self.raw = b""

    def lines(self) -> list[str]:
        """The rows, without those that are empty at the bottom."""
        self.out.flush()
        try:
            while True:
                data = os.read(self._master, 65536)
                self.raw += data
                self._feed.feed(data)
        except (BlockingIOError, OSError):
            pass
        rows = [row.rstrip() for row in self._screen.display]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    @property
    def cursor_hidden(self) -> bool:
        return bool(self._screen.cursor.hidden)

    def hang_up(self) -> None:
        """Nobody sits there any more."""
        os.close(self._master)
        self._master = -1

    def close(self) -> None:
        if self._master >= 0:
            self.lines()
            os.close(self._master)
        for stream in (self.err, self.out):
            with contextlib.suppress(OSError):
                stream.close()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Screen]]:
    """Makes a terminal, which stdout and stderr are then on."""
    screens: list[Screen] = []

    def make(columns: int = 80, rows: int = 30) -> Screen:
        screen = Screen(columns, rows)
        screens.append(screen)
        monkeypatch.setattr("sys.stdout", screen.out)
        monkeypatch.setattr("sys.stderr", screen.err)
        return screen

    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    yield make
    for screen in screens:
        screen.close()
