"""Lines for pipes and log files, when they come and what they say."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from parzen import ParzenError, Study, hp, minimize
from parzen.feedback import Lines, Silent
from parzen.space import Space
from parzen.trials import Retracted

if TYPE_CHECKING:
    from conftest import Driver


def _lines(stream: io.StringIO) -> list[str]:
    return stream.getvalue().splitlines()


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def test_each_improvement_is_a_line(driver: Driver, stream: io.StringIO) -> None:
    """Time, trial, loss and configuration; a worse trial says nothing."""
    driver.start(Lines(stream, interval=None), total=100)
    for loss in (0.5, 0.7, 0.25):
        driver.trial(loss)

    assert _lines(stream) == [
        "parzen    0:01  trial 0     loss 0.5  lr=0.01235 opt=adam n=3",
        "parzen    0:03  trial 2     loss 0.25  lr=0.01235 opt=adam n=3",
    ]


def test_the_largest_is_best_under_maximize(make_driver: type[Driver], stream: io.StringIO) -> None:
    """Losses are shown in the sign that the user reported."""
    driver = make_driver(direction="maximize")
    driver.start(Lines(stream, interval=None), total=100)
    for loss in (0.5, 0.25, 0.75):
        driver.trial(loss)

    assert [line.split()[4:6] for line in _lines(stream)] == [["loss", "0.5"], ["loss", "0.75"]]


def test_ten_thousand_improvements_in_five_seconds_are_a_dozen_lines(driver: Driver, stream: io.StringIO) -> None:
    """A burst, then two a second; the last one is told at the end in any case."""
    driver.start(Lines(stream, interval=None), total=10_000)
    for i in range(10_000):
        driver.trial(1.0 - i / 10_000, seconds=0.0005)
    improvements = len(_lines(stream))
    driver.finish()

    assert improvements <= 16
    assert "trial 9999  loss" in _lines(stream)[improvements]


def test_an_improvement_that_had_to_wait_is_told_by_the_next_tick(driver: Driver, stream: io.StringIO) -> None:
    """The objective may take an hour: the thread tells."""
    lines = Lines(stream, interval=None)
    driver.start(lines, total=100)
    for i in range(7):
        driver.trial(1.0 - i / 10, seconds=0.0)
    driver.begin()
    before = len(_lines(stream))
    driver.clock.now += 0.6
    lines.tick()

    assert before == 5
    assert "trial 6" in _lines(stream)[-1]


def test_a_day_is_about_fifty_status_lines(driver: Driver, stream: io.StringIO) -> None:
    """At 10 s, 30 s, 1 min … and then every half hour."""
    lines = Lines(stream, interval=None)
    driver.start(lines, total=100)
    driver.trial(0.5, seconds=1)
    driver.begin()
    when = []
    for second in range(2, 86_400):
        driver.clock.now = 1000.0 + second
        seen = len(stream.getvalue())
        lines.tick()
        if len(stream.getvalue()) > seen:
            when.append(second)

    assert when[:8] == [10, 30, 60, 120, 300, 600, 1200, 1800]
    assert len(when) == 54
    assert _lines(stream)[1].startswith("parzen    0:10    1/100 · ")


def test_the_status_says_how_it_goes(driver: Driver, stream: io.StringIO) -> None:
    """Count, time left, failures and best."""
    driver.start(Lines(stream, interval=None), total=100)
    driver.trial(0.5, seconds=5)
    driver.trial(None, seconds=5)

    assert _lines(stream)[-1] == "parzen    0:10    2/100 · 8:10 left · 1 failed · best 0.5 (trial 0)"


def test_the_time_left_goes_down_while_a_trial_runs(driver: Driver) -> None:
    """And is never more than the timeout leaves."""
    lines = Lines(io.StringIO(), interval=None)
    driver.start(lines, total=4, timeout=25.0)
    before = lines._progress().left
    driver.trial(0.5, seconds=10)
    after_one = lines._progress().left
    driver.clock.now += 4
    later = lines._progress().left

    assert before == 25.0
    assert after_one == 15.0
    assert later == 11.0


def test_a_trial_longer_than_the_others_raises_the_estimate(driver: Driver) -> None:
    """The mean counts the running one."""
    lines = Lines(io.StringIO(), interval=None)
    driver.start(lines, total=4)
    driver.trial(0.5, seconds=10)
    lines._progress()
    driver.clock.now += 50

    assert lines._progress().left == pytest.approx(30 * 3 - 50)


def test_a_resumed_run_says_so_in_one_line(driver: Driver, stream: io.StringIO) -> None:
    """Where from, how far it was, and the best."""
    for _ in range(37):
        driver.trial(0.123)
    driver.start(Lines(stream, interval=None), total=100, durable=True, location="study.db")

    assert _lines(stream) == ["parzen resumed 'demo' from study.db: 37 of 100 trials done, best 0.123 (trial 0)"]


def test_the_summary_says_what_came_of_it(driver: Driver, stream: io.StringIO) -> None:
    """Best, states, the commonest failure, times, where it is kept, why it ended."""
    driver.start(Lines(stream, interval=None), total=4)
    driver.trial(0.5, seconds=1)
    for message in ("too hot\nat once", "too cold"):
        driver.trial(None, seconds=1, error=message)
    driver.clock.now += 0.25
    driver.finish("timeout")

    assert _lines(stream)[1:] == [
        "parzen      best  loss 0.5 in trial 0",
        "parzen            lr   0.01235",
        "parzen            opt  adam",
        "parzen            n    3",
        "parzen    trials  1 ok, 2 failed",
        "parzen  failures  2 × ValueError, as in trial 1: too hot",
        "parzen      time  3.2 s: 3 s in the objective, 0.25 s in parzen",
        'parzen      kept  in memory only: pass storage="study.db" to keep it',
        "parzen   stopped  timeout",
    ]


def test_the_summary_names_the_error_that_ended_the_run(driver: Driver, stream: io.StringIO) -> None:
    """Without a traceback: that follows from Python."""
    driver.start(Lines(stream, interval=None), total=4)
    driver.finish("error", ZeroDivisionError("division by zero\nreally"))

    assert _lines(stream)[-1] == "parzen   stopped  ZeroDivisionError: division by zero"


def test_the_time_of_earlier_runs_does_not_count(driver: Driver, stream: io.StringIO) -> None:
    """Elapsed and objective are of this run."""
    driver.trial(0.5, seconds=100)
    driver.start(Lines(stream, interval=None), total=2)
    driver.trial(0.7, seconds=2)
    driver.finish()

    assert "time  2 s: 2 s in the objective, 0 ms in parzen" in stream.getvalue()


def test_a_retracted_best_is_no_improvement(driver: Driver, stream: io.StringIO) -> None:
    """The next best is shown from then on, and not announced."""
    lines = Lines(stream, interval=None)
    driver.start(lines, total=10)
    driver.trial(0.5)
    driver.trial(0.25)
    driver.publish(Retracted(1, "wrong data", 0.0))
    best = lines._progress().best

    assert len(_lines(stream)) == 2
    assert best is not None
    assert best.loss == 0.5


class _Rude:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def test_options_whose_repr_raises_are_shown_by_type(make_driver: type[Driver], stream: io.StringIO) -> None:
    """The user's objects cannot end the search."""
    driver = make_driver(Space([hp.categorical("x", [_Rude(), _Rude()])]), (1.0,))
    driver.start(Lines(stream, interval=None), total=3)
    driver.trial(0.5)

    assert _lines(stream) == ["parzen    0:01  trial 0     loss 0.5  x=<_Rude>"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8", "cp1252"])
def test_every_encoding_can_say_it(encoding: str, make_driver: type[Driver]) -> None:
    """Lone surrogates, emoji and our own dots raise nowhere."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, errors="strict", newline="\n")
    driver = make_driver(Space([hp.categorical("größe \udc80", ["\U0001f600 \ud800", "b"])]), (0.0,))
    driver.start(Lines(stream, interval=None), total=3)
    driver.trial(0.5, seconds=10)
    driver.trial(None)
    driver.finish()

    assert b"trial 0" in raw.getvalue()
    assert b"\x1b" not in raw.getvalue()


class _Broken(io.StringIO):
    def write(self, text: str, /) -> int:
        raise BrokenPipeError(32, "Broken pipe")


def test_a_broken_pipe_does_not_end_the_search(driver: Driver) -> None:
    """It is written to no more."""
    driver.start(Lines(_Broken(), interval=None), total=3)
    driver.trial(0.5)
    driver.finish()

    assert driver.history.finished == 1


@pytest.mark.slow
def test_ten_thousand_parameters_do_not_flood(make_driver: type[Driver], stream: io.StringIO) -> None:
    """A configuration is cut, and says how much is left out."""
    space = Space([hp.float(f"parameter_{i}", 0.0, 1.0) for i in range(10_000)])
    driver = make_driver(space, (0.5,) * 10_000)
    driver.start(Lines(stream, interval=None), total=3)
    driver.trial(0.5)
    driver.finish()

    assert len(stream.getvalue()) < 6_000
    assert "more" in stream.getvalue()


def test_the_logger_carries_the_same_in_silence(driver: Driver, caplog: pytest.LogCaptureFixture) -> None:
    """`progress=False` shows nothing and logs everything, with the facts as fields."""
    caplog.set_level(logging.INFO, logger="parzen")
    driver.trial(0.9)
    driver.start(Silent(), total=4)
    driver.trial(0.5, seconds=11)
    driver.finish()
    improved = next(record for record in caplog.records if record.__dict__["event"] == "improved")

    assert [record.__dict__["event"] for record in caplog.records] == ["resumed", "improved", "status", "ended"]
    assert (improved.__dict__["trial"], improved.__dict__["loss"]) == (1, 0.5)
    assert improved.__dict__["settings"] == {"lr": 0.0123456, "opt": "adam", "n": 3}
    assert improved.getMessage() == "0:11  trial 1     loss 0.5  lr=0.01235 opt=adam n=3"


def test_what_logging_writes_to_the_stream_is_not_written_twice(driver: Driver, stream: io.StringIO) -> None:
    """With a handler on the same stream the improvement is the handler's; the summary comes in any case."""
    logger, handler = logging.getLogger("parzen"), logging.StreamHandler(stream)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        driver.start(Lines(stream, interval=None), total=3)
        driver.trial(0.5)
        improvement = stream.getvalue()
        driver.finish()
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)

    assert improvement == "0:01  trial 0     loss 0.5  lr=0.01235 opt=adam n=3\n"
    assert "parzen      best  loss 0.5 in trial 0" in stream.getvalue()


def test_the_summary_counts_this_study_s_own_trials(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those of an earlier one cost it no time, failed elsewhere, and were not pruned here."""
    rows = [
        "state,loss,seconds,error,x",
        "OK,0.5,500,,0.5",
        "PRUNED,,300,,0.6",
        "ERROR,,200,builtins.ValueError: no,0.7",
    ]
    (tmp_path / "earlier.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    space = {"x": hp.float("x", 0, 1)}
    minimize(lambda config: config["x"], space, 2, seed=2, warm_start=[tmp_path / "earlier.csv"], progress="lines")
    said = capsys.readouterr().err

    assert "2 ok" in said
    assert "ValueError" not in said
    assert "pruned" not in said
    assert "at once" not in said


@pytest.mark.parametrize("name", ["s.db", "s.journal"])
@pytest.mark.parametrize("how", ["deleted", "moved"])
def test_nothing_is_said_to_be_saved_where_nothing_is(
    how: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else the error that follows would contradict it."""
    path = tmp_path / name

    def objective(config: dict[str, float]) -> float:
        if how == "deleted":
            Study.load(path).delete()
        else:
            path.rename(tmp_path / "elsewhere")
        return config["x"]

    with pytest.raises(ParzenError, match=how):
        minimize(objective, {"x": hp.float("x", 0, 1)}, 2, storage=path, progress="lines")
    said = capsys.readouterr().err

    assert "saved" not in said
    assert "run the same program again" not in said
    assert f"kept  no longer in {path}, as the error says" in said
