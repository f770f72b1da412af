"""Programs of their own: what a crash does can only be seen from outside."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import parzen

Ran = subprocess.CompletedProcess[str]


@pytest.fixture
def environment() -> dict[str, str]:
    """That of a child, which finds the parzen that is tested whether it is installed or not."""
    source = str(Path(parzen.__file__).resolve().parents[1])
    paths = [source, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HYPEROPT_", "COVERAGE_"))}
    # One thread each: what is tested is not how fast matrices are.
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], list[str]]:
    """Write a program; the command that runs it."""

    def write(text: str, *args: str) -> list[str]:
        path = tmp_path / "program.py"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        # Python 3.12 warns of every fork beside a thread: the tests of forks mean it.
        return [sys.executable, "-W", "error", "-W", "ignore:This process:DeprecationWarning", str(path), *args]

    return write


@pytest.fixture
def run(program: Callable[..., list[str]], environment: dict[str, str], tmp_path: Path) -> Callable[..., Ran]:
    """Run a program to its end in the temporary directory."""

    def call(text: str, *args: str, timeout: float = 60, expect: int | None = 0) -> Ran:
        done = subprocess.run(
            program(text, *args), env=environment, cwd=tmp_path, timeout=timeout, capture_output=True, text=True
        )

        assert expect is None or done.returncode == expect, done.stdout + done.stderr
        return done

    return call


@pytest.fixture
def start(
    program: Callable[..., list[str]], environment: dict[str, str], tmp_path: Path
) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a program and go on; it does not outlive the test."""
    started: list[subprocess.Popen[str]] = []

    def call(text: str, *args: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            program(text, *args),
            env=environment,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield call
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()
