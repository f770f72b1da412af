"""The overhead command measures what it says, in small."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import _subject, overhead
from benchmarks._overhead_report import BEGIN, END, Case, in_block


@pytest.mark.parametrize("algorithm", ["random", "tpe"])
def test_a_window_after_a_fill_gives_the_time_of_a_trial(algorithm: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Ours runs in this process on a history of 15 random trials."""
    _subject.main(["trial", "parzen", algorithm, "20 branches", "15", "0.01"])
    answer = json.loads(capsys.readouterr().out)

    assert 0 < answer["trial"] < 1.0


def test_auto_has_a_window_of_twenty_and_its_largest(capsys: pytest.CaptureFixture[str]) -> None:
    """The largest trial of a window is at least its mean."""
    _subject.main(["trial", "parzen", "auto", "10-D mixed", "12", "0.01"])
    answer = json.loads(capsys.readouterr().out)

    assert 0 < answer["trial"] <= answer["largest"] < 10.0


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_memory_is_bytes_for_each_trial() -> None:
    """A trial of ten columns has 97 bytes of plain numbers at the least; in a process of its own, which has none to spare."""
    case = Case("memory", "parzen", "random", "10-D mixed", 3000)
    ((measured, value),) = overhead._Children(sys.executable, None, 300.0).measure(case, 1.0)

    assert measured == case
    assert 97 < value < 10_000


KNOWN = {
    Case("import", "numpy"): 0.1,
    Case("import", "parzen"): 0.11,
    Case("trial", "parzen", "tpe", "10-D mixed", 1000): 0.001,
    Case("trial", "parzen", "tpe", "10-D mixed", 100_000): 0.002,
    Case("trial", "hyperopt", "tpe", "10-D mixed", 1000): 0.02,
    Case("trial", "parzen", "auto", "10-D mixed", 100): 0.01,
    Case("largest", "parzen", "auto", "10-D mixed", 100): 0.03,
    Case("memory", "parzen", "random", "10-D mixed", 10_000): 600.0,
    Case("memory", "optuna", "random", "10-D mixed", 10_000): 3000.0,
}


def test_the_tables_show_ratios_over_parzen_and_leave_gaps_for_what_is_missing() -> None:
    """A peer's time divided by ours; growth as an exponent of n; bytes a trial."""
    lines = overhead.tables(KNOWN, ["parzen", "hyperopt", "optuna"])

    assert "| parzen | 0.11 | 1.10 |" in lines
    assert "| n | parzen | hyperopt | hyperopt / parzen |" in lines
    assert "| 1000 | 1 | 20 | 20.0 |" in lines
    assert "| 100000 | 2 |  |  |" in lines
    assert "| 10-D mixed | 30 |" in lines
    assert "| parzen, tpe, 10-D mixed | 100000 | 0.15 |" in lines
    assert "| optuna | 10-D mixed | 10000 | 3000 | 5.0 |" in lines


def test_the_tables_replace_those_of_the_page_and_nothing_else(tmp_path: Path) -> None:
    """What stands before and after the marks stays; a page without marks is refused."""
    page = tmp_path / "README.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    in_block(page, "new\n")

    assert page.read_text(encoding="utf-8") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(ValueError, match="to write between"):
        in_block(page, "new")


def test_what_cannot_be_measured_is_named_with_its_reason() -> None:
    """Optuna's GPSampler without an interpreter that has torch."""
    children = overhead._Children(sys.executable, None, 60.0)

    with pytest.raises(RuntimeError, match="give --gp-python"):
        list(children.measure(Case("trial", "optuna", "auto", "10-D mixed", 100), 1.0))
