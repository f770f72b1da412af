"""Whole programs: in a pipe, on a pseudo-terminal, interrupted, in a notebook."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from typing import Any

import pyte
import pytest

PROGRAM = """
import sys
import parzen
from parzen import hp

def objective(config):
    print("evaluating", "é", end=" ")
    print(round(config["x"], 3))
    return config["x"] ** 2

if __name__ == "__main__":
    result = parzen.minimize(objective, {"x": hp.float("x", -1, 1)}, trials=20, seed=1, algorithm="random"%s)
    print("best", result.best.number)
"""

INTERRUPTED = """
import os, signal
import parzen
from parzen import hp

signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests in the background ignores it

def objective(config):
    if config["x"] < 0:
        print("going", flush=True)
        os.kill(os.getpid(), signal.SIGINT)
    return config["x"] ** 2

result = parzen.minimize(objective, {"x": hp.float("x", -1, 1)}, trials=50, seed=1, algorithm="random")
print("stopped by", result.stopped_by)
"""


def _environment(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")}
    return {**kept, "PYTHONIOENCODING": "utf-8", "TERM": "xterm-256color", **more}


def _on_a_terminal(code: str, columns: int = 80, rows: int = 60) -> tuple[list[str], bytes, bool]:
    """What is on the screen when a program has ended, what was sent, and whether the cursor can be seen."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    program = subprocess.Popen(
        [sys.executable, "-c", code], stdin=slave, stdout=slave, stderr=slave, env=_environment(), close_fds=True
    )
    os.close(slave)
    raw = b""
    while True:
        try:
            data = os.read(master, 65536)
        except OSError:  # Linux says so when the other side is closed
            break
        if not data:
            break
        raw += data
    program.wait()
    os.close(master)
    screen = pyte.Screen(columns, rows)
    pyte.ByteStream(screen).feed(raw)
    lines = [row.rstrip() for row in screen.display]
    while lines and not lines[-1]:
        lines.pop()
    return lines, raw, not screen.cursor.hidden


def test_stdout_in_a_pipe_is_byte_for_byte_that_of_a_silent_run() -> None:
    """Feedback is on stderr alone, without escape codes, and ends with a summary."""
    runs = [
        subprocess.run([sys.executable, "-c", PROGRAM % more], capture_output=True, env=_environment(), check=True)
        for more in ("", ", progress=False", ", progress='live'")
    ]

    assert runs[0].stdout == runs[1].stdout == runs[2].stdout
    assert runs[0].stdout.count(b"\n") == 21
    assert runs[1].stderr == b""
    assert b"\x1b" not in runs[0].stderr
    assert b"all 20 trials are done" in runs[0].stderr


def test_prints_on_a_terminal_are_whole_lines_beside_the_feedback() -> None:
    """None is torn, none is lost, the last line is the program's own."""
    lines, _, cursor = _on_a_terminal(PROGRAM % "")
    silent, _, _ = _on_a_terminal(PROGRAM % ", progress=False")

    assert [line for line in lines if line.startswith("evaluating")] == silent[:-1]
    assert lines[-1] == silent[-1]
    assert "  stopped  all 20 trials are done" in lines
    assert not any("left" in line for line in lines)
    assert cursor


def test_an_interrupt_leaves_a_clean_terminal() -> None:
    """Ctrl-C: the live line is gone, the summary is there, the cursor can be seen."""
    lines, raw, cursor = _on_a_terminal(INTERRUPTED)

    assert lines[-1] == "stopped by interrupt"
    assert "  stopped  interrupted" in lines
    assert not any("/50" in line for line in lines)
    assert cursor
    assert b"\x1b[?25l" not in raw


def test_a_reader_that_leaves_does_not_end_the_search() -> None:
    """stderr is a pipe that nobody reads any more."""
    read, write = os.pipe()
    os.close(read)
    program = subprocess.run(
        [sys.executable, "-c", PROGRAM % ""], stdout=subprocess.PIPE, stderr=write, env=_environment(), check=False
    )
    os.close(write)

    assert program.stdout.splitlines()[-1].startswith(b"best ")
    assert program.returncode >= 0 or -program.returncode != signal.SIGPIPE


def test_the_panel_of_a_notebook_updates_in_place() -> None:
    """One output, escaped, with the summary at the end; the objective's prints are the cell's own."""
    nbformat = pytest.importorskip("nbformat", reason="needs the packages nbclient and ipykernel")
    nbclient = pytest.importorskip("nbclient", reason="needs the packages nbclient and ipykernel")
    pytest.importorskip("ipykernel", reason="needs the packages nbclient and ipykernel")
    code = (PROGRAM % "").replace('"x", -1', '"<b>x</b>", -1').replace('__name__ == "__main__"', "True")
    notebook: Any = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    outputs = notebook.cells[0].outputs
    panels = [output for output in outputs if output.output_type == "display_data"]
    printed = "".join(o.text for o in outputs if o.output_type == "stream" and o.name == "stdout")

    assert len(panels) == 1
    assert "all 20 trials are done" in panels[0].data["text/html"]
    assert "&lt;b&gt;x&lt;/b&gt;" in panels[0].data["text/html"]
    assert "<b>x</b>" not in panels[0].data["text/html"]
    assert "all 20 trials are done" in panels[0].data["text/plain"]
    assert printed.count("evaluating") == 20
    assert not any(o.output_type == "stream" and o.name == "stderr" for o in outputs)
