"""Results that are larger than the storage takes: what was paid for is kept."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from parzen import Evaluation, State, Study, hp
from parzen.errors import TooLarge
from parzen.log._fitting import LEFT_OUT
from parzen.trials import Asked, Finished, Outcome, Started

LIMIT = 30_000


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """In a storage that takes little at once, as a server does that is told to."""
    study = Study({"x": hp.float("x", 0, 1)}, storage=tmp_path / "study.db", seed=1, algorithm="random")
    study.storage._limit = LIMIT  # type: ignore[attr-defined]
    return study


def _large(config: Any) -> dict[str, Any]:
    return {"loss": config["x"], "log": "x" * LIMIT, "accuracy": 0.5}


@pytest.mark.parametrize("how", [{}, {"parallel": 2, "threads": True}, {"callbacks": [print]}], ids=str)
def test_a_search_goes_on_with_its_losses_when_results_are_too_large(
    how: dict[str, Any], study: Study, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """Only what is large is left out, and what that was is said, and kept."""
    caplog.set_level(logging.WARNING)
    study.run(_large, 3, progress=False, **how)
    trials = Study.load(tmp_path / "study.db").trials

    assert [trial.loss for trial in trials] == [trial.params["x"] for trial in trials]
    assert [trial.extra["accuracy"] for trial in trials] == [0.5] * 3
    assert all(trial.extra.keys() == {"accuracy", LEFT_OUT} and "log" in trial.extra[LEFT_OUT] for trial in trials)
    assert "max_allowed_packet" in caplog.text


def test_many_values_are_left_out_until_the_rest_fits(study: Study) -> None:
    """In as many tries as it takes: quotes are longer in a statement than they are."""
    study.stream.publish(Asked(0, (0.5,), "test", 7, 0, 1.0), Started(0, 1, "me", 1.0))
    extra = {f"{i}": '"' * 2000 for i in range(30)}
    study.stream.publish(Finished(0, 1, Outcome(State.OK, {"loss": 0.25}, extra=extra), 2.0))

    assert study.trials[0].loss == 0.25
    assert 2 <= len(study.trials[0].extra) < 30


def test_what_cannot_be_made_smaller_is_refused(study: Study) -> None:
    """A note is what somebody wrote: nothing of it is dropped."""
    with pytest.raises(TooLarge, match="a note"):
        study.note("n" * LIMIT)
    assert study.notes == []


def test_attachments_that_are_too_large_do_not_end_a_search_elsewhere(
    study: Study, caplog: pytest.LogCaptureFixture
) -> None:
    """The trial that made one is in another process and goes on."""

    def objective(config: Any, evaluation: Evaluation) -> float:
        evaluation.attach("log", b"x" * LIMIT)
        evaluation.attach("end", b"x")
        return float(config["x"])

    study.run(objective, 2, parallel=2, threads=True, progress=False)

    assert study.history.count(State.OK) == 2
    assert study.storage.keys(study.header.uid) == ["trial/0/end", "trial/1/end"]
    assert "goes on" in caplog.text
