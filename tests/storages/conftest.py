"""A study to store, and batches of events for it."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from parzen.storages import open_storage
from parzen.trials import Asked, Event, Finished, Header, Outcome, Started, State


def _header(name: str = "study", uid: str = "u1") -> Header:
    return Header(uid, name, 1.5, 7, {"loss": "minimize"}, ("loss",), {"x": ["float", 0, 1]})


def _batch(number: int) -> list[Event]:
    rng = random.Random(number)
    values = tuple(rng.random() for _ in range(10))
    return [
        Asked(number, values, "random", rng.getrandbits(62), 3 * number, 10.0),
        Started(number, 1, "host:1", 11.0),
        Finished(number, 1, Outcome(State.OK, {"loss": rng.random()}, seconds=0.5), 12.0),
    ]


@pytest.fixture
def make_header() -> Callable[..., Header]:
    return _header


@pytest.fixture
def batch() -> Callable[[int], list[Event]]:
    """The three events of one trial that went well."""
    return _batch


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    """A closed file with 60 trials and a blob."""
    path = tmp_path / "study.db"
    storage = open_storage(path)
    storage.create(_header())
    for number in range(60):
        storage.append("u1", _batch(number), f"token-{number}")
    storage.put("u1", "key", b"data" * 100)
    storage.close()
    return path
