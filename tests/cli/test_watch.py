"""`parzen watch`, on a pseudo-terminal, while somebody else runs the study."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyte
import pytest

import parzen as package
from parzen import Study, hp

if TYPE_CHECKING:
    from conftest import Parzen

PATIENCE = 60.0


class Watched:
    """`parzen watch` on a terminal of 80 columns, and what somebody in front of it sees."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        home = str(Path(package.__file__).resolve().parents[1])
        self._screen = pyte.Screen(80, 30)
        self._feed = pyte.ByteStream(self._screen)
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 80, 0, 0))
        # The tests may run where interrupts are ignored, which a child inherits.
        program = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from parzen.cli import main; main()"
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", program, "watch", *arguments],
            env={**os.environ, "PYTHONPATH": home, "TERM": "xterm-256color", **environment},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.raw = b""

    def text(self) -> str:
        while select.select([self._master], [], [], 0.05)[0]:
            try:
                data = os.read(self._master, 65536)
            except OSError:  # how Linux says that the other side is gone
                break
            if not data:
                break
            self.raw += data
            self._feed.feed(data)
        return "\n".join(row.rstrip() for row in self._screen.display).rstrip()

    def until(self, words: str) -> str:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            text = self.text()
            if words in text:
                return text
        raise AssertionError(f"{words!r} was not seen in:\n{self.text()}")

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)


@pytest.fixture
def watch() -> Iterator[Callable[..., Watched]]:
    started: list[Watched] = []

    def start(*arguments: str, **environment: str) -> Watched:
        started.append(Watched(*arguments, **environment))
        return started[-1]

    yield start
    for one in started:
        one.close()


def test_a_study_is_seen_while_somebody_runs_it(watch: Callable[..., Watched], tmp_path: Path) -> None:
    """Each trial a moment after it ended; Ctrl-C ends the looking, and the view stays."""
    study = Study({"x": hp.float("x", 0, 1)}, storage=tmp_path / "s.db", name="live", seed=1, algorithm="random")
    seen = watch(str(tmp_path / "s.db"), "--interval", "0.1")
    seen.until("0 trials, 0 running")

    def objective(config: dict[str, float]) -> float:
        seen.until(f"{study.history.finished}/3 trials, 1 running")
        return config["x"]

    study.run(objective, 3, progress=False)
    text = seen.until("3/3 trials")
    best = study.best
    assert f"in trial {best.number}" in text
    assert text.count("study  live") == 1
    seen.process.send_signal(signal.SIGINT)

    assert seen.process.wait(PATIENCE) == 0
    assert "3/3 trials" in seen.text()
    assert b"?25l" not in seen.raw  # the cursor was never hidden
    assert b"?1049" not in seen.raw  # and there was no mode to leave


@pytest.mark.slow
def test_it_ends_when_all_is_done(watch: Callable[..., Watched], study: Study, tmp_path: Path) -> None:
    """If it is told to; without colours where nobody wants them."""
    study.tell(20, 0.5)
    study.tell(study.ask(), 0.5)
    seen = watch(str(tmp_path / "s.db"), "--until-done", NO_COLOR="1")

    assert seen.process.wait(PATIENCE) == 0
    assert "22/20 trials" in seen.text()
    assert b"\x1b[34m" not in seen.raw


def test_a_study_that_is_not_there_is_status_4(watch: Callable[..., Watched], tmp_path: Path) -> None:
    """As everywhere."""
    seen = watch(str(tmp_path / "none.db"))

    assert seen.process.wait(PATIENCE) == 4
    assert "no file" in seen.text()


def test_on_a_pipe_it_is_printed_once(parzen: Parzen, study: Study, from_json: Callable[..., Any]) -> None:
    """As text, or as JSON with the same numbers."""
    text = parzen("watch", "s.db").stdout
    said = from_json("watch", "s.db")

    assert parzen("watch", "s.db", "--once").stdout.splitlines()[0] == text.splitlines()[0]
    assert (said["done"], said["total"], said["counts"]["RUNNING"]) == (20, 20, 1)
    assert f"loss {said['best']['loss']:.6g}" in text.replace("e-05", "e-5") or "e-" in text
    assert said["failures"][0]["kind"] == "ValueError"
    assert json.dumps(said)
