"""What was said wrongly is status 2, wherever it is noticed; what cannot be written is a line and no traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import parzen as library
from parzen import Study, hp

if TYPE_CHECKING:
    from conftest import Parzen


@pytest.mark.parametrize(
    "arguments",
    [
        ("enqueue", "s.db", "nobody=1"),
        ("enqueue", "s.db", "lr=99"),
        ("enqueue", "s.db", "lr=nan"),
        ("export", "s.db", "-o", "t.xyz"),
        ("cancel", "s.db", "9999"),
        ("rerun", "s.db", "9999"),
        ("note", "s.db", "text", "--trial", "9999"),
        ("note", "s.db", ""),
        ("rename", "s.db", ""),
        ("budget", "s.db", "100000000000000000000000"),
        ("plot", "s.db", "slice", "--param", "nobody", "-o", "t.json"),
        ("watch", "s.db", "--interval", "nan"),
        ("watch", "s.db", "--interval", "inf"),
        ("worker", "s.db", "--objective", "math:sqrt", "--lease", "nan"),
        ("worker", "s.db", "--objective", "math:sqrt", "--timeout", "nan", "--parallel", "2"),
        ("run", "--storage", "s.db", "--trials", "9", "--trial-timeout", "nan", "--", "echo", "x:float(0, 1)"),
        ("run", "--storage", "s.db", "--trials", "9", "--timeout", "nan", "--", "echo", "x:float(0, 1)"),
    ],
    ids=" ".join,
)
def test_a_value_that_makes_no_sense_is_status_2(study: Study, parzen: Parzen, arguments: tuple[str, ...]) -> None:
    """As the documentation has it; and nothing is written."""
    before = len(study.history)
    parzen(*arguments, status=2)
    study.refresh()

    assert len(study.history) == before


@pytest.mark.parametrize(
    "arguments", [("export", "-o", "nowhere/t.csv"), ("report", "-o", "nowhere/r.html", "--no-plots")]
)
def test_a_folder_that_is_not_there_is_a_line(study: Study, parzen: Parzen, arguments: tuple[str, ...]) -> None:
    """Status 6, with the name of what could not be written."""
    done = parzen(arguments[0], "s.db", *arguments[1:], status=6)

    assert done.stderr.count("\n") == 1
    assert done.stderr.rstrip().endswith("nowhere: No such file or directory")
    assert ".tmp" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break in another way there")
def test_whoever_reads_the_output_may_have_enough(study: Study, tmp_path: Path) -> None:
    """As in `parzen show s.db | head -1`: 128 and the signal's number, as the documentation has it, and not a word."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "parzen", "show", str(tmp_path / "s.db")],
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)

    assert done.returncode == 141
    assert done.stderr == b""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send there")
def test_ctrl_c_is_how_the_page_ends(study: Study, tmp_path: Path) -> None:
    """Status 0, as for `watch`, and no word of something that was aborted."""
    command = [sys.executable, "-m", "parzen", "dashboard", str(tmp_path / "s.db"), "--no-open", "--port", "0"]
    # Whoever runs the tests in the background may have them ignore it, and so what they start.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        page = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    finally:
        signal.signal(signal.SIGINT, before)
    with page:
        assert page.stdout is not None
        until = next(line for line in page.stdout if b"Ctrl-C" in line or b"http" in line)
        page.send_signal(signal.SIGINT)
        rest = page.stdout.read()

    assert until
    assert b"Aborted" not in rest
    assert page.returncode == 0


def test_a_label_may_hold_the_sign_that_stands_before_values(parzen: Parzen, tmp_path: Path) -> None:
    """The longest label that the text begins with is meant."""
    space = {"a": hp.float("a", 0, 9), "b": hp.float("a=b", 0, 9)}
    library.minimize(lambda c: c["a"], space, 1, storage=tmp_path / "s.db", progress=False)
    parzen("enqueue", "s.db", "a=b=3", "a=4")

    assert Study.load(tmp_path / "s.db").trials[1].params == {"a": 4.0, "a=b": 3.0}


def test_a_report_says_where_it_is_as_json(study: Study, parzen: Parzen, tmp_path: Path) -> None:
    """Like everything that prints."""
    said = json.loads(parzen("report", "s.db", "-o", "r.html", "--no-plots", "--json").stdout)

    assert said == {"path": str(tmp_path / "r.html"), "bytes": (tmp_path / "r.html").stat().st_size}
