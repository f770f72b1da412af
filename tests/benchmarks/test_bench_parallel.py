"""The command about workers measures what it says, in small."""

from __future__ import annotations

import pytest

from benchmarks import parallel


def test_a_rate_leaves_out_the_beginning() -> None:
    """The first two calls of each worker, however late they end."""
    late = [100.0, 100.0, 100.05, 100.05]
    steady = [100.05 + 0.025 * i for i in range(1, 21)]

    assert parallel.rate([*steady, *late], 2) == pytest.approx(40.0)


def test_parzen_is_measured_beside_the_bare_engine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rates of the same size, in a table."""
    monkeypatch.setattr(parallel, "CALLS", 6)
    parallel.main(["--quick", "--engines", "threads", "--workers", "2"])
    row = capsys.readouterr().out.splitlines()[-1].split("|")
    bare, memory, file = (float(cell) for cell in row[3:6])

    assert row[1].strip() == "threads"
    assert 5 < bare <= 42
    assert 0.2 < memory < 2
    assert 0.2 < file < 2
