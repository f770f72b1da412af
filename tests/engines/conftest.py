"""Third parties, unmodified: each test is a program of tests/engines/programs, run in a fresh interpreter.

They start clusters and take long, so that an ordinary run leaves them out: `pytest -m engines tests/engines`, which
`.ci/full hyperopt` does.  Where a package is absent, its test says so and is skipped.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).resolve().parent / "programs"


@pytest.fixture
def passes(
    run_python: Callable[..., subprocess.CompletedProcess[str]],
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run one of the programs, in an empty folder; it has to end well."""

    def run(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        # Their warnings are theirs.  Spark's workers are of the first `python3` unless told otherwise.
        done = run_python(PROGRAMS / name, *arguments, options=(), env={"PYSPARK_PYTHON": sys.executable})

        assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done

    return run
