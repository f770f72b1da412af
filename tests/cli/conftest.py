"""The command `parzen` in this process, and a study to use it on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from parzen import Study, hp
from parzen.cli import main

SPACE = {
    "lr": hp.float("lr", 1e-5, 1, log=True),
    "n": hp.int("n", 1, 9),
    "model": hp.choice("model", [{"kind": "svm", "C": hp.float("C", 0.1, 10)}, {"kind": "tree"}]),
    "opt": hp.categorical("opt", ["adam", "sgd", "None"]),
    "size": hp.ordinal("size", [16, 32, 64]),
    "flag": hp.bool("flag"),
}


def objective(config: dict[str, Any]) -> Any:
    if config["n"] == 3:
        raise ValueError("three is too many")
    return {"loss": config["lr"] * config["n"], "accuracy": 1 - config["lr"]}


Parzen = Callable[..., Result]


@pytest.fixture
def parzen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Parzen:
    """Call `parzen` with arguments, in an empty folder; an exception of its own fails the test."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, status: int = 0, text: str | None = None) -> Result:
        done = CliRunner().invoke(main, arguments, input=text, catch_exceptions=False)

        assert done.exit_code == status, done.output
        return done

    return call


@pytest.fixture
def from_json(parzen: Parzen) -> Callable[..., Any]:
    """What `parzen … --json` says."""
    return lambda *arguments: json.loads(parzen(*arguments, "--json").stdout)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """A study in s.db, with failures, a running trial and one that waits."""
    study = Study(SPACE, name="one", storage=tmp_path / "s.db", seed=1, algorithm="random")
    study.run(objective, 20, catch=True, progress=False)
    study.ask()
    study.enqueue({"lr": 0.5, "opt": "sgd"})
    return study
