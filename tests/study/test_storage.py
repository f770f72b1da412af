"""Studies in a file: several of them, by name, to look at, to go on with."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest

import parzen
from parzen import ParzenError, Result, State, StorageError, Study, hp
from parzen.errors import SpaceMismatch, StudyNotFound
from parzen.storages import open_storage

SPACE = {"x": hp.float("x", 0, 1)}


def _run(path: Any, trials: int = 4, **settings: Any) -> Result:
    return parzen.minimize(
        lambda config: config["x"], SPACE, trials, seed=1, storage=path, algorithm="random", progress=False, **settings
    )


def test_several_studies_live_in_one_file(tmp_path: Path) -> None:
    """Each with its own space, direction, seed and trials."""
    path = tmp_path / "s.db"
    _run(path, 3, name="one")
    _run(path, 5, name="two", direction="maximize")
    parzen.minimize(float, hp.int("k", 1, 3), 2, storage=path, name="three", progress=False)
    _run(path, 4, name="one")

    assert [len(Study.load(path, name).trials) for name in ("one", "two", "three")] == [4, 5, 2]
    assert Study.load(path, "two").best.loss == max(trial.loss or 0 for trial in Study.load(path, "two").trials)
    with pytest.raises(StudyNotFound, match="'one', 'two', 'three'"):
        Study.load(path)


def test_a_study_that_is_alone_needs_no_name(tmp_path: Path) -> None:
    """Any other name is `StudyNotFound`, also a `LookupError`, and says what there is."""
    _run(tmp_path / "s.db", name="mine")

    assert Study.load(tmp_path / "s.db").name == "mine"
    with pytest.raises(LookupError, match="'mine'"):
        Study.load(tmp_path / "s.db", "yours")


def test_a_file_that_does_not_exist_is_not_made_by_looking(tmp_path: Path) -> None:
    """Whether to read or to write."""
    for readonly in (False, True):
        with pytest.raises(ParzenError, match=r"no file|no study"):
            Study.load(tmp_path / "s.db", readonly=readonly)

    assert list(tmp_path.iterdir()) == []


def test_a_study_that_was_loaded_to_look_at_is_not_written(tmp_path: Path) -> None:
    """Every verb that writes is refused; what others write is seen after `refresh`."""
    path = tmp_path / "s.db"
    study = _run(path).study
    seen = Study.load(path, readonly=True)
    for write in (seen.ask, seen.stop, lambda: seen.run(lambda config: 1.0, 9, progress=False)):
        with pytest.raises(StorageError, match="read only"):
            write()
    study.run(lambda config: 2.0, 6, progress=False)

    assert len(seen.trials) == 4
    assert seen.refresh() > 0
    assert len(seen.trials) == 6


def test_a_loaded_study_goes_on_without_the_space_at_hand(tmp_path: Path) -> None:
    """The file holds it, and the algorithm is given anew."""
    path = tmp_path / "s.db"
    _run(path)
    study = Study.load(path, algorithm="random")
    study.run(lambda config: config["x"], 8, progress=False)

    assert [trial.params for trial in study.trials] == [trial.params for trial in _run(None, 8).trials]


def test_options_that_a_file_cannot_hold_come_back_with_the_space(tmp_path: Path) -> None:
    """Functions as functions if the program gives its space, as names otherwise; another space is refused."""
    path = tmp_path / "s.db"
    space = {"f": hp.categorical("f", [abs, len])}
    parzen.minimize(lambda config: 1.0, space, 2, storage=path, progress=False)

    assert {trial.params["f"] for trial in Study.load(path, space=space).trials} == {abs, len}
    assert {repr(trial.params["f"]) for trial in Study.load(path).trials} == {"<builtins.abs>", "<builtins.len>"}
    with pytest.raises(SpaceMismatch):
        Study.load(path, space={"f": hp.categorical("f", [abs, max])})


def test_a_storage_object_is_used_as_it_is(tmp_path: Path) -> None:
    """It is not closed behind its owner's back, not even by an error."""
    storage = open_storage(tmp_path / "s.db")
    _run(storage)
    with pytest.raises(SpaceMismatch):
        Study({"y": hp.float("y", 0, 1)}, storage=storage)

    assert len(Study.load(storage).trials) == 4
    storage.close()


def test_a_memory_storage_holds_several_studies_too() -> None:
    """The same name gives the same study."""
    from parzen.storages import MemoryStorage

    storage = MemoryStorage()
    _run(storage, 3, name="one")
    _run(storage, 2, name="two")

    assert len(_run(storage, 5, name="one").trials) == 5
    assert Study.load(storage, "two").trials[1].state is State.OK


def test_nothing_stays_beside_the_file_when_the_study_is_gone(tmp_path: Path) -> None:
    """SQLite's own files go with the last connection."""
    _run(tmp_path / "s.db")
    gc.collect()

    assert [path.name for path in tmp_path.iterdir()] == ["s.db"]


@pytest.mark.parametrize("kind", ["text", "path", "url"])
def test_a_file_is_named_by_text_path_or_url(kind: str, tmp_path: Path) -> None:
    """All three mean the same file."""
    path = tmp_path / "s.db"
    where: dict[str, Any] = {"text": str(path), "path": path, "url": f"sqlite:///{path}"}
    _run(where[kind])

    assert len(Study.load(path).trials) == 4


def test_the_total_may_be_raised_and_is_never_lowered(tmp_path: Path) -> None:
    """A second run with a smaller total does nothing; without one it goes on to the old."""
    path = tmp_path / "s.db"

    assert [len(_run(path, trials).trials) for trials in (4, 2, 6)] == [4, 4, 6]
    assert _run(path, 3).stopped_by == "trials"
