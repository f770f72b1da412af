"""What is special about studies in an SQLite file while all goes well: processes, threads, forks, options."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from parzen.errors import Conflict, SchemaTooNew, StorageError, StudyExists, StudyNotFound, Unavailable
from parzen.storages import open_storage
from parzen.storages._file import StudyFile
from parzen.trials import Asked, Entry, Noted

WRITER = """
import sys, uuid
from parzen.errors import Conflict
from parzen.storages import open_storage
from parzen.trials import Asked, Noted, Started
storage, me, number = open_storage(sys.argv[1]), sys.argv[2], 0
for turn in range(100):
    while True:
        try:
            storage.append("u1", [Asked(number, (0.5,), me, 0, 0, 0.0), Started(number, 1, me, 0.0)], uuid.uuid4().hex)
            break
        except Conflict as error:
            number = getattr(error, "next_number", number + 1)
    storage.append("u1", [Noted(me, turn, 0.0)], uuid.uuid4().hex)
    number += 1
print("done")
"""


def test_two_processes_lose_nothing(tmp_path: Path, make_header) -> None:  # type: ignore[no-untyped-def]
    """Two writers at once, each with 100 trials: all are there, numbered without gaps, and neither saw a lock."""
    path = tmp_path / "study.db"
    storage = open_storage(path)
    storage.create(make_header())
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for name in ("a", "b")
    ]
    answers = [writer.communicate() for writer in writers]

    assert answers == [("done\n", "")] * 2

    entries = storage.read("u1")
    asked = [entry.event for entry in entries if isinstance(entry.event, Asked)]

    assert [entry.seq for entry in entries] == list(range(1, 601))
    assert [event.number for event in asked] == list(range(200))
    assert sorted(event.source for event in asked) == ["a"] * 100 + ["b"] * 100


def test_a_killed_process_leaves_what_it_had_committed(tmp_path: Path) -> None:
    """A process that dies without closing anything loses nothing that append had returned for."""
    program = """
import os, sys
from parzen.storages import open_storage
from parzen.trials import Header, Noted
storage = open_storage(sys.argv[1])
storage.create(Header("u1", "study", 1.0, 1, {}, (), None))
for turn in range(50):
    storage.append("u1", [Noted("k", turn, 0.0)], str(turn))
os.kill(os.getpid(), 9)
"""
    path = tmp_path / "study.db"
    subprocess.run([sys.executable, "-c", program, str(path)], check=False)

    assert len(open_storage(path, readonly=True).read("u1")) == 50
    assert len(open_storage(path).read("u1")) == 50


def test_two_processes_may_make_the_file_at_once(tmp_path: Path, make_header) -> None:  # type: ignore[no-untyped-def]
    """Who comes second finds the file made and adds its study to it."""
    path = tmp_path / "study.db"
    first, second, third = (open_storage(path) for _ in range(3))
    make = StudyFile.make

    def make_late(self: StudyFile, fill) -> bool:  # type: ignore[no-untyped-def]
        StudyFile.make = make  # type: ignore[method-assign]
        first.create(make_header("one", "u1"))
        return make(self, fill)

    StudyFile.make = make_late  # type: ignore[method-assign, assignment]
    try:
        second.create(make_header("two", "u2"))
    finally:
        StudyFile.make = make  # type: ignore[method-assign]
    with pytest.raises(StudyExists):
        third.create(make_header("two", "u3"))

    assert [header.name for header in first.studies()] == ["one", "two"]
    assert min(os.listdir(tmp_path)) == "study.db"


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")  # the point of this test
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_uses_a_connection_of_its_own(study_file: Path, batch) -> None:  # type: ignore[no-untyped-def]
    """A child may read and append through the storage that it inherited, also if a thread held its lock."""
    storage = open_storage(study_file)
    storage.read("u1")
    held, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with storage._lock:  # type: ignore[attr-defined]  # as a thread in the middle of an append would
            held.set()
            go_on.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            storage.append("u1", batch(60), "child")
            status = 0 if len(storage.read("u1")) == 183 else 2
            storage.close()
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    go_on.set()
    holder.join()

    assert status == 0
    assert storage.append("u1", batch(61), "parent") == 186
    assert len(storage.read("u1")) == 186


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_that_ends_does_no_harm(tmp_path: Path) -> None:
    """A child that inherits the storage and exits in the ordinary way leaves the parent's connection alone."""
    program = """
import os, sys
from parzen.storages import open_storage
from parzen.trials import Header, Noted
storage = open_storage(sys.argv[1])
storage.create(Header("u1", "study", 1.0, 1, {}, (), None))
for turn in range(20):
    storage.append("u1", [Noted("k", turn, 0.0)], str(turn))
    child = os.fork()
    if child == 0:
        sys.exit(0)
    os.waitpid(child, 0)
print(len(storage.read("u1")))
"""
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "study.db")], capture_output=True, text=True, check=True
    )

    assert run.stdout.strip() == "20"
    assert len(open_storage(tmp_path / "study.db").read("u1")) == 20


def test_the_objective_may_change_the_directory(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make_header,  # type: ignore[no-untyped-def]
) -> None:
    """A relative path means the directory in which the storage was made."""
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    storage = open_storage("study.db")
    monkeypatch.chdir(tmp_path / "other")
    storage.create(make_header())
    storage.put("u1", "key", b"x")
    storage.close()

    assert sorted(os.listdir(tmp_path)) == ["other", "study.db"]


@pytest.mark.parametrize(("query", "synchronous"), [("", 1), ("?sync=normal", 1), ("?sync=full", 2)])
def test_appends_wait_for_the_disk_if_asked_to(
    query: str,
    synchronous: int,
    tmp_path: Path,
    make_header,  # type: ignore[no-untyped-def]
) -> None:
    """sync=full is SQLite's FULL, the default is WAL with NORMAL."""
    storage = open_storage(f"{tmp_path}/study.db{query}")
    storage.create(make_header())
    storage.studies()
    cursor = storage._connection.cursor()  # type: ignore[attr-defined]  # SQLite's settings are the connection's

    assert cursor.execute("PRAGMA synchronous").fetchone() == (synchronous,)
    assert cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_lock_that_is_held_too_long_is_told(study_file: Path, batch) -> None:  # type: ignore[no-untyped-def]
    """When another writer does not let go, append is Unavailable, and works again afterwards."""
    storage = open_storage(f"{study_file}?timeout=0")
    other = sqlite3.connect(study_file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="another process"):
        storage.append("u1", batch(60), "t")

    assert len(storage.read("u1")) == 180

    other.execute("ROLLBACK")
    other.close()

    assert storage.append("u1", batch(60), "t") == 183


def test_an_interrupt_in_the_middle_of_an_append_leaves_nothing_of_it(
    study_file: Path,
    batch,  # type: ignore[no-untyped-def]
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever stops an append before its commit, the batch is not in the log and the next one is taken."""
    storage = open_storage(study_file)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("parzen.storages.sql.advance", interrupted)
        with pytest.raises(KeyboardInterrupt):
            storage.append("u1", batch(60), "t")

    assert len(storage.read("u1")) == 180
    assert storage.append("u1", batch(60), "t") == 183


def test_a_token_belongs_to_one_study(study_file: Path, make_header, batch) -> None:  # type: ignore[no-untyped-def]
    """The token of another study's batch is not taken for an acknowledgement."""
    storage = open_storage(study_file)
    storage.create(make_header("other", "u2"))
    with pytest.raises(StorageError):
        storage.append("u2", batch(0), "token-0")

    assert storage.read("u2") == []


def test_a_storage_opened_to_be_read_only_refuses_to_write(study_file: Path, make_header, batch) -> None:  # type: ignore[no-untyped-def]
    """readonly=True reads everything, writes nothing and leaves nothing beside the file."""
    before = study_file.read_bytes()
    storage = open_storage(study_file, readonly=True)

    assert len(storage.read(storage.open("study").uid)) == 180
    for write in (
        lambda: storage.create(make_header("other", "u2")),
        lambda: storage.append("u1", batch(60), "t"),
        lambda: storage.rename("u1", "new"),
        lambda: storage.delete("u1"),
        lambda: storage.put("u1", "key", b""),
        lambda: storage.drop("u1", "key"),
    ):
        with pytest.raises(StorageError, match="read only"):
            write()
    storage.close()

    assert study_file.read_bytes() == before
    assert os.listdir(study_file.parent) == ["study.db"]


def test_a_closed_storage_says_so(study_file: Path, batch) -> None:  # type: ignore[no-untyped-def]
    """After close everything is an error that says what to do."""
    storage = open_storage(study_file)
    storage.studies()
    storage.close()
    storage.close()
    with pytest.raises(StorageError, match="was closed"):
        storage.append("u1", batch(60), "t")
    with pytest.raises(StorageError, match="was closed"):
        storage.studies()

    assert os.listdir(study_file.parent) == ["study.db"]


def test_a_storage_without_a_file_has_no_studies(tmp_path: Path) -> None:
    """Looking does not make the file."""
    storage = open_storage(tmp_path / "study.db")

    assert storage.studies() == []
    assert storage.get("u1", "key") is None
    assert storage.keys("u1") == []
    for look in (lambda: storage.open("x"), lambda: storage.read("u1"), lambda: storage.delete("u1")):
        with pytest.raises(StudyNotFound):
            look()

    assert os.listdir(tmp_path) == []


def test_a_study_can_be_read_while_it_is_written(study_file: Path, batch) -> None:  # type: ignore[no-untyped-def]
    """A second storage on the file sees new entries as they are committed, and gets past conflicts."""
    writer, reader = open_storage(study_file), open_storage(study_file, readonly=True)
    seen = len(reader.read("u1"))
    writer.append("u1", batch(60), "t")

    assert reader.read("u1", after=seen) == [Entry(181 + place, event) for place, event in enumerate(batch(60))]

    with pytest.raises(Conflict):
        open_storage(study_file).append("u1", batch(60), "u")


def test_a_study_with_a_newer_header_is_not_opened(study_file: Path, make_header) -> None:  # type: ignore[no-untyped-def]
    """The schema of the study itself is looked at too."""
    storage = open_storage(study_file)
    storage.create(replace(make_header("later", "u2"), schema=99))
    with pytest.raises(SchemaTooNew, match="99"):
        storage.open("later")

    assert storage.open("study").uid == "u1"


def test_a_trial_remembers_where_it_was_asked(study_file: Path, batch) -> None:  # type: ignore[no-untyped-def]
    """The row of each trial has the place of its Asked in the log, whatever happened to the trial since."""
    storage = open_storage(study_file)
    storage.append("u1", [*batch(60)[:2], batch(61)[0]], "t")
    storage.append("u1", batch(61)[1:], "u")
    storage.close()
    connection = sqlite3.connect(study_file)
    places = dict(connection.execute("SELECT number, asked FROM parzen_trial"))
    kinds = dict(connection.execute("SELECT seq, kind FROM parzen_entry"))
    connection.close()

    assert places == {**{number: 3 * number + 1 for number in range(61)}, 61: 183}
    assert {kinds[place] for place in places.values()} == {"asked"}


def test_the_next_waiting_trial_is_found_by_an_index(study_file: Path) -> None:
    """Who looks for a WAITING trial reads a row, not the table."""
    connection = sqlite3.connect(study_file)
    plan = connection.execute(
        "EXPLAIN QUERY PLAN SELECT min(number) FROM parzen_trial WHERE study = 1 AND state = 0"
    ).fetchall()
    connection.close()

    assert [row[3].partition(" USING ")[2] for row in plan] == [
        "COVERING INDEX parzen_trial_state (study=? AND state=?)"
    ]


def test_who_waits_for_a_turn_reads_what_is_new_meanwhile(tmp_path: Path, make_header) -> None:  # type: ignore[no-untyped-def]
    """And is given only the rest when the turn has come."""
    path = tmp_path / "study.db"
    here, there = open_storage(path), open_storage(path)
    here.create(make_header())
    there.append("u1", [Noted("k", 1, 0.0), Noted("k", 2, 0.0)], "t1")
    holds, may_end = threading.Event(), threading.Event()
    before: list[int] = []
    rest: list[int] = []

    def hold(new: list[Entry]) -> list[Noted]:
        holds.set()
        assert may_end.wait(30)
        return [Noted("k", 3, 0.0)]

    def meanwhile(new: list[Entry]) -> None:
        before.extend(entry.seq for entry in new)
        may_end.set()

    def decide(new: list[Entry]) -> list[Noted]:
        rest.extend(entry.seq for entry in new)
        return [Noted("k", 4, 0.0)]

    other = threading.Thread(target=there.turn, args=("u1", 2, hold, "t2"))
    other.start()
    assert holds.wait(30)
    seq = here.turn("u1", 0, decide, "t3", meanwhile)
    other.join()

    assert before[:2] == [1, 2]  # and the third where it was there before the lock was free
    assert (before + rest, seq) == ([1, 2, 3], 4)


def test_who_reads_while_others_write_waits_for_them(tmp_path: Path, make_header) -> None:  # type: ignore[no-untyped-def]
    """Without SQLite's log a reader meets the lock of a commit, which is over in a moment; with a log, a recovery's."""
    path = tmp_path / "study.db"
    here = open_storage(f"sqlite:///{path}?timeout=7")
    here.create(make_header())
    here.append("u1", [Noted("k", 1, 0.0)], "t1")
    patience: list[int] = []
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE parzen_study SET head = head")

        def meanwhile(new: list[Entry]) -> None:
            patience.append(here._connection.execute("PRAGMA busy_timeout").fetchone()[0])  # type: ignore[attr-defined]
            connection.execute("ROLLBACK")

        here.turn("u1", 0, lambda new: [Noted("k", 2, 0.0)], "t2", meanwhile)

    assert patience == [7000]


def test_who_waits_for_a_turn_in_vain_is_told(tmp_path: Path, make_header) -> None:  # type: ignore[no-untyped-def]
    """After the time that the URL says, and nothing was added."""
    path = tmp_path / "study.db"
    here = open_storage(f"sqlite:///{path}?timeout=0.1")
    here.create(make_header())
    with sqlite3.connect(path, isolation_level=None) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="another process"):
            here.turn("u1", 0, lambda new: [Noted("k", 1, 0.0)], "t", lambda new: None)
        connection.execute("ROLLBACK")
    connection.close()

    assert here.read("u1") == []
    assert here.turn("u1", 0, lambda new: [Noted("k", 1, 0.0)], "t") == 1


def test_the_write_ahead_log_stays_small_though_somebody_always_reads(tmp_path: Path, make_header) -> None:  # type: ignore[no-untyped-def]
    """SQLite begins its log anew only when nobody reads; with several programs there would never be such a moment."""
    path = tmp_path / "study.db"
    storage = open_storage(path)
    storage.create(make_header())
    ended = threading.Event()

    def read_all_the_time() -> None:
        """Of two readers one is always in a transaction, and each of these is short."""
        readers = [sqlite3.connect(path, isolation_level=None) for _ in range(2)]
        while not ended.is_set():
            for first, second in (readers, readers[::-1]):
                first.execute("BEGIN")
                first.execute("SELECT count(*) FROM parzen_study").fetchall()
                if second.in_transaction:
                    second.execute("COMMIT")
                ended.wait(0.001)
        for reader in readers:
            reader.close()

    thread = threading.Thread(target=read_all_the_time)
    thread.start()
    try:
        for turn in range(100):
            storage.append("u1", [Noted("k", "x" * 4000, 0.0)] * 100, str(turn))
    finally:
        ended.set()
        thread.join()

    assert path.stat().st_size + Path(f"{path}-wal").stat().st_size > 40e6
    assert Path(f"{path}-wal").stat().st_size < 20e6
