"""What every test may count on: the same surroundings everywhere, and a way to run a program as a user would."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import hypothesis
import pytest

import parzen

ROOT = Path(__file__).resolve().parents[1]

# The same examples on every machine and in every run: a test that fails for one of us fails for all.
hypothesis.settings.register_profile(
    "parzen", derandomize=True, deadline=None, database=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("parzen")

# Where the parzen under test was found; the environment may have said it relative to another folder.
_HOME = str(Path(parzen.__file__).resolve().parents[1])
_READ_BY_PARZEN = ("HYPEROPT_FMIN_SEED", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that a developer has in the environment changes what a test sees."""
    for name in _READ_BY_PARZEN:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def root() -> Path:
    """The root of the clone."""
    return ROOT


@pytest.fixture
def run_python(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a program in a fresh interpreter, in an empty folder, without a terminal."""

    def run(
        *arguments: str | Path, env: Mapping[str, str] | None = None, options: Sequence[str] = ("-W", "error")
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *options, *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": _HOME, "PYTHONIOENCODING": "utf-8", **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=150,
            check=False,
        )

    return run
