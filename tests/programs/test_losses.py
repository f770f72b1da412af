"""Where the loss of a program is, and what it tells on the way."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from parzen.errors import ObjectiveError
from parzen.programs._losses import NoLoss, Watcher, loss_named


def _result(where: str, output: str, folder: Path | str = ".", errors: str = "") -> Any:
    watcher = Watcher(loss_named(where))
    for line in errors.split("\n"):
        watcher.see(line, error=True)
    for line in output.split("\n"):
        watcher.see(line)
    return watcher.result(str(folder))


@pytest.mark.parametrize(
    ("where", "output", "loss"),
    [
        ("last", "epoch 1\n0.25\n", 0.25),
        ("last", "0.5\n0.25\n\n  \n", 0.25),
        ("last", "loss: 1e-3", 1e-3),
        ("last", "final val_loss = -2.", -2.0),
        ("last", "  0%\r 50%\r.5", 0.5),
        ("last", "inf", math.inf),
        ("last", "-Infinity", -math.inf),
        ("regex:loss=(\\S+)", "loss=1\nloss=2\nbye", 2.0),
        ("regex:a (?P<other>\\d) b (?P<loss>\\d)", "a 1 b 2", 2.0),
        ("regex:\\d+$", "took 17", 17.0),
    ],
)
def test_the_loss_is_found(where: str, output: str, loss: float) -> None:
    """As a number."""
    assert _result(where, output) == {"loss": loss}


def test_nan_is_a_number_too() -> None:
    """The study knows what to make of it."""
    assert math.isnan(_result("last", "nan")["loss"])


def test_a_pattern_is_found_among_errors_too() -> None:
    """Many programs log there."""
    assert _result("regex:loss=(\\S+)", "done", errors="INFO loss=3") == {"loss": 3.0}


def test_an_object_says_more() -> None:
    """Further numbers, a variance, that it failed."""
    assert _result("last", '{"loss": 1, "accuracy": 0.5}') == {"loss": 1, "accuracy": 0.5}
    assert _result("last", '{"status": "fail", "error": "diverged"}')["error"] == "diverged"


@pytest.mark.parametrize(
    ("where", "output", "said"),
    [
        ("last", "", "it printed nothing"),
        ("last", "0.5\nbye", "the last line is 'bye'"),
        ("last", "1_000", "the last line is"),
        ("last", "1 2", "the last line is"),
        ("last", '{"step": 1, "loss": 2}', "all it printed are reports on the way"),
        ("last", '{"loss": true}', "the last line is"),
        ("last", '{"loss": "0.5"}', "the last line is"),
        ("last", '{"loss": null}', "the last line is"),
        ("last", "[1]", "the last line is"),
        ("regex:loss=(\\S+)", "nothing", "nothing matched"),
        ("regex:loss=(\\S+)", "loss=low", "no number"),
    ],
)
def test_no_loss_says_what_came(where: str, output: str, said: str) -> None:
    """A report on the way is no result."""
    with pytest.raises(NoLoss, match=said):
        _result(where, output)


@pytest.mark.parametrize(
    ("where", "content", "expected"),
    [
        ("json:r.json", "0.5", {"loss": 0.5}),
        ("json:r.json", '{"loss": 0.5, "n": 3}', {"loss": 0.5, "n": 3}),
        ("json:r.json#a.b", '{"a": {"b": 2}}', {"loss": 2.0}),
        ("json:r.json#a.1.loss", '{"a": [0, {"loss": "3"}]}', {"loss": 3.0}),
        ("json:r.json", None, "wrote no such file"),
        ("json:r.json", "{", "expected a loss in"),
        ("json:r.json", "[1]", "expected a number"),
        ("json:r.json", "true", "expected a number"),
        ("json:r.json", '{"loss": true}', "expected a number"),
        ("json:r.json#a.c", '{"a": {"b": 2}}', "no 'c'"),
    ],
)
def test_the_loss_in_a_file(tmp_path: Path, where: str, content: str | None, expected: Any) -> None:
    """Found by keys and places, or said to be missing."""
    if content is not None:
        (tmp_path / "r.json").write_text(content, encoding="utf-8")
    if isinstance(expected, dict):
        assert _result(where, "", tmp_path) == expected
    else:
        with pytest.raises(NoLoss, match=expected) as refused:
            _result(where, "", tmp_path)
        assert str(tmp_path) not in str(refused.value)  # equal failures of two trials have equal words


def test_a_file_of_a_loss_that_cannot_be_read_says_why_without_its_folder(tmp_path: Path) -> None:
    """What the system says of it has the path in it as well."""
    (tmp_path / "r.json").mkdir()
    with pytest.raises(NoLoss, match=r"expected a loss in r\.json: \w") as refused:
        _result("json:r.json", "", tmp_path)

    assert str(tmp_path) not in str(refused.value)


@pytest.mark.parametrize("text", ["first", "regex:", "json:", "regex:(", ""])
def test_a_place_that_is_none_is_refused(text: str) -> None:
    """Before anything is run."""
    with pytest.raises(ObjectiveError, match=r"a loss is at|no regular expression"):
        loss_named(text)


@pytest.mark.parametrize(
    ("pattern", "line", "reports"),
    [
        (
            None,
            '{"step": 3, "loss": 0.5, "accuracy": 0.25, "name": "x", "self": 1}',
            [(3.0, {"loss": 0.5, "accuracy": 0.25})],
        ),
        (None, '{"loss": 0.5}', []),
        (None, "epoch 3 loss 0.5", []),
        (r"epoch (?P<step>\d+) loss (?P<loss>\S+)", "epoch 3 loss 0.5", [(3.0, {"loss": 0.5})]),
        (r"loss (\S+)", "loss 0.5", [(1.0, {"loss": 0.5})]),
        (r"loss (\S+)", "loss low", []),
        (None, '{"step": NaN, "loss": 0.5}', [(1.0, {"loss": 0.5})]),
        (None, '{"step": -Infinity, "loss": 0.5}', [(1.0, {"loss": 0.5})]),
        (r"step (?P<step>\S+) loss (?P<loss>\S+)", "step nan loss 0.5", [(1.0, {"loss": 0.5})]),
        (r"(?P<step>\d+) (?P<loss>\S+) (?P<acc>\S+)", "2 .5 .75", [(2.0, {"loss": 0.5, "acc": 0.75})]),
    ],
)
def test_reports_on_the_way(pattern: str | None, line: str, reports: Any) -> None:
    """By a pattern, or as objects with a step; one that is not finite is counted, and no reason to end the trial."""
    watcher = Watcher(loss_named("last"), pattern)
    watcher.see(line)

    assert watcher.reports == reports


def test_steps_count_where_none_is_said() -> None:
    """Each report is one step further."""
    watcher = Watcher(loss_named("last"), r"loss (\S+)")
    for loss in (3, 2, 1):
        watcher.see(f"loss {loss}")

    assert [step for step, _ in watcher.reports] == [1.0, 2.0, 3.0]


def test_a_line_is_looked_at_as_far_as_it_goes(tmp_path: Path) -> None:
    """A megabyte of it; the rest is no loss."""
    with pytest.raises(NoLoss):
        _result("last", json.dumps({"pad": "x" * (1 << 21), "loss": 1}))
