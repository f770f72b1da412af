"""The command about workers measures what it says, in small."""

from __future__ import annotations

import pytest

from benchmarks import parallel


def test_a_rate_leaves_out_the_beginning() -> None:
    """The first two calls of each worker, however late they end."""
    late = [100.0, 100.0, 100.05, 100.05]
    steady = [100.05 + 0.025 * i for i in range(1, 21)]

    assert parallel.rate([*steady, *late], 2) == pytest.approx(40.0)


@pytest.mark.slow
def test_parzen_is_measured_beside_the_bare_engine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rates of the same size, in a table."""
    monkeypatch.setattr(parallel, "CALLS", 6)
    parallel.main(["--quick", "--engines", "threads", "workers", "--workers", "2"])
    rows = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines()[-2:]]
    threads, workers = ([cell.strip() for cell in row] for row in rows)

    assert threads[0] == "threads"
    assert workers[0] == "workers"
    assert workers[3] == ""  # they need a storage
    for bare, *ours in (threads[2:5], [workers[2], workers[4]]):
        assert 5 < float(bare) <= 42
        assert all(0.2 < float(cell) < 2 for cell in ours)
