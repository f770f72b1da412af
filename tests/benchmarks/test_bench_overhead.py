"""The overhead command measures what it says, in small."""

from __future__ import annotations

import json

import pytest

from benchmarks import _subject, overhead


@pytest.mark.parametrize("algorithm", ["random", "tpe"])
def test_a_window_after_a_fill_gives_the_time_of_a_trial(algorithm: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Ours runs in this process on a history of 15 random trials."""
    _subject.main(["trial", "parzen", algorithm, "20 branches", "15", "0.01"])
    answer = json.loads(capsys.readouterr().out)

    assert 0 < answer["trial"] < 1.0


def test_the_tables_show_ratios_over_parzen_and_leave_gaps_for_what_is_missing() -> None:
    """A peer's time divided by ours."""
    known = {
        overhead.Case("import", "numpy"): 0.1,
        overhead.Case("import", "parzen"): 0.11,
        overhead.Case("trial", "parzen", "tpe", "10-D mixed", 100): 0.001,
        overhead.Case("trial", "hyperopt", "tpe", "10-D mixed", 100): 0.02,
    }
    lines = overhead.tables(known, ["parzen", "hyperopt", "optuna"])

    assert "| parzen | 0.11 | 1.10 |" in lines
    assert "| tpe | 100 | 1 | 20 |  | 20.0 |  |" in lines
