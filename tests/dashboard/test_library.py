"""The studies behind the page: each is read once, and none holds up the others."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from parzen import Study, hp
from parzen.dashboard._library import Library, Watched
from parzen.errors import StudyNotFound

SPACE = {"x": hp.float("x", 0, 1)}


def until(there: Callable[[], bool]) -> bool:
    """Whether something comes to be within ten seconds."""
    end = time.monotonic() + 10
    while not there() and time.monotonic() < end:
        time.sleep(0.02)
    return there()


def test_a_study_that_takes_long_to_read_holds_up_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither while the page reads it ahead, nor while somebody waits for it."""
    path = tmp_path / "s.db"
    small = Study(SPACE, storage=path, name="small", seed=1)
    small.run(lambda config: config["x"], 2, progress=False)
    Study(SPACE, storage=path, name="large", seed=1).storage.close()
    go_on, read = threading.Event(), Study.load

    def slowly(storage: object, name: str) -> Study:
        assert name != "large" or go_on.wait(20)
        return read(storage, name)  # type: ignore[arg-type]

    monkeypatch.setattr("parzen.dashboard._library.Study.load", slowly)
    library = Library(path)
    try:
        shown = library.get(small.header.uid)
        assert shown is not None

        small.run(lambda config: config["x"], 3, progress=False)

        assert until(lambda: shown.history is not None and len(shown.history) == 3)
        (large,) = [one for one in library.studies if one.header.name == "large"]
        assert large.study is None
        go_on.set()
        assert until(lambda: large.study is not None)
    finally:
        go_on.set()
        library.close()


def test_what_cannot_be_read_says_so_and_is_not_tried_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the reason; the others are read."""
    path = tmp_path / "s.db"
    for name in ("good", "bad"):
        Study(SPACE, storage=path, name=name, seed=1).storage.close()
    tries: list[str] = []
    read = Watched.open

    def fail(self: Watched, storage_now: object) -> None:
        tries.append(self.header.name)
        if self.header.name == "bad":
            raise RuntimeError("no memory")
        read(self, storage_now)  # type: ignore[arg-type]

    monkeypatch.setattr(Watched, "open", fail)
    library = Library(path)
    try:
        assert until(lambda: len(tries) > 1 and all(one.study is not None or one.problem for one in library.studies))
        for _ in range(3):
            library._read_ahead()

        assert {one.header.name: one.problem for one in library.studies} == {
            "good": "",
            "bad": "RuntimeError: no memory",
        }
        assert tries.count("bad") == 1
    finally:
        library.close()


@pytest.mark.parametrize("when", ["before it is read", "after it was read"])
def test_a_study_that_is_renamed_while_it_is_read_is_there_by_its_new_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """It is neither taken for deleted, nor shown by its old name from then on."""
    path = tmp_path / "s.db"
    study = Study(SPACE, storage=path, name="old", seed=1)
    read = Study.load

    def rename_once(storage: object, name: str) -> Study:
        if study.name == "old" and when == "before it is read":
            study.rename("new")
        found = read(storage, name)  # type: ignore[arg-type]
        if study.name == "old":
            study.rename("new")
            library._list()
        return found

    monkeypatch.setattr(Library, "_follow", lambda self: None)  # the test looks itself
    monkeypatch.setattr("parzen.dashboard._library.Study.load", rename_once)
    library = Library(path)
    try:
        watched = library.get(study.header.uid)
        library._list()

        assert watched is not None
        assert not watched.gone
        assert watched.study is not None
        assert watched.header.name == watched.study.name == "new"
    finally:
        library.close()


def test_a_study_that_is_in_the_list_is_not_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was thought before, as while it was renamed twice."""
    path = tmp_path / "s.db"
    study = Study(SPACE, storage=path, name="s", seed=1)
    monkeypatch.setattr(Library, "_follow", lambda self: None)
    library = Library(path)
    try:
        (watched,) = library.studies
        watched.lose(StudyNotFound("there is no study 's'"))
        library._list()

        assert (watched.gone, watched.problem) == (False, "")
        assert library.get(study.header.uid) is watched
        assert watched.study is not None
    finally:
        library.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows replaces no file that is open")
def test_a_deleted_study_that_the_next_file_has_is_shown_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what was said of it, and with nothing of what was computed from the other file."""
    path, copy = tmp_path / "s.db", tmp_path / "copy.db"
    study = Study(SPACE, storage=path, name="s", seed=1)
    study.run(lambda config: config["x"], 2, progress=False)
    study.storage.close()
    shutil.copy(path, copy)
    monkeypatch.setattr(Library, "_follow", lambda self: None)
    library = Library(path)
    try:
        watched = library.get(study.header.uid)
        assert watched is not None
        watched.made("figure", 1, lambda: "of the first file")
        library.storage.delete(study.header.uid)
        library._list()
        assert watched.gone

        for beside in tmp_path.glob("s.db-*"):
            beside.unlink()
        copy.replace(path)
        library._check_place()

        assert (watched.gone, watched.problem) == (False, "")
        assert library.get(study.header.uid) is watched
        assert watched.study is not None
        assert watched.made("figure", 1, lambda: "of the second file") == "of the second file"
    finally:
        library.close()


def test_a_study_that_is_being_read_is_read_before_the_storage_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the file stays open, and the reader fails with nobody there to be told."""
    path = tmp_path / "s.db"
    Study(SPACE, storage=path, name="s", seed=1).storage.close()
    begun, closed, read = threading.Event(), threading.Event(), Study.load
    early: list[bool] = []

    def slowly(storage: object, name: str) -> Study:
        begun.set()
        early.append(closed.wait(0.3))
        return read(storage, name)  # type: ignore[arg-type]

    monkeypatch.setattr("parzen.dashboard._library.Study.load", slowly)
    library = Library(path)
    close = library.storage.close
    monkeypatch.setattr(library.storage, "close", lambda: (closed.set(), close()))
    assert begun.wait(20)
    library.close()

    assert early == [False]
    assert [(one.study is not None, one.problem) for one in library.studies] == [(True, "")]
