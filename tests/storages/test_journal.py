"""What is special about studies in one append-only file: locks, last lines without an end, damage."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from parzen import State, Study, hp
from parzen.errors import Conflict, CorruptLog, SchemaTooNew, StorageError, StudyExists, StudyNotFound, Unavailable
from parzen.storages import open_storage
from parzen.storages.journal import JournalStorage
from parzen.trials import Asked, Entry, Noted

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a journal needs locks that Windows does not have")

SPACE = {"x": hp.float("x", 0, 1)}


@pytest.fixture
def journal(tmp_path: Path, make_header, batch) -> Path:  # type: ignore[no-untyped-def]
    """A closed file with 20 trials and a blob."""
    path = tmp_path / "study.journal"
    storage = open_storage(path)
    storage.create(make_header())
    for number in range(20):
        storage.append("u1", batch(number), f"token-{number}")
    storage.put("u1", "key", b"data" * 100)
    storage.close()
    return path


@pytest.mark.parametrize(
    "where", ["s.journal", "s.journal?sync=full", "journal:///s.journal", "journal:///s.journal?timeout=5&sync=normal"]
)
def test_a_path_and_a_url_mean_one_file(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Absolute from the start; looking does not make it."""
    monkeypatch.chdir(tmp_path)
    storage = open_storage(where)

    assert isinstance(storage, JournalStorage)
    assert storage.location == str(tmp_path / "s.journal")
    assert storage.studies() == []
    assert storage.get("u1", "key") is None
    with pytest.raises(StudyNotFound):
        storage.read("u1")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("query", ["sync=maybe", "timeout=soon", "timeout=-1", "x=1"])
def test_options_that_make_no_sense_are_refused(query: str) -> None:
    """A misspelt option is not ignored."""
    with pytest.raises(StorageError, match="sync="):
        open_storage(f"journal:///s.journal?{query}")


def test_a_search_is_kept_and_gone_on_with(tmp_path: Path) -> None:
    """As in any other storage."""
    path = tmp_path / "s.journal"
    first = Study(SPACE, storage=path, algorithm="random", seed=1).run(lambda c: c["x"], 5, progress=False)
    study = Study.load(path, algorithm="random")
    result = study.run(lambda c: c["x"], 8, progress=False)

    assert [trial.params for trial in result.trials[:5]] == [trial.params for trial in first.trials]
    assert study.history.count(State.OK) == 8
    assert os.listdir(tmp_path) == ["s.journal"]


def test_two_storages_see_each_other(journal: Path, batch, make_header) -> None:  # type: ignore[no-untyped-def]
    """Each reads what the other has added, and one of two that want a number is told."""
    one, two = open_storage(journal), open_storage(journal)
    assert len(one.read("u1")) == len(two.read("u1")) == 60
    one.append("u1", batch(20), "a")

    assert two.read("u1", after=60) == [Entry(61 + i, event) for i, event in enumerate(batch(20))]
    with pytest.raises(Conflict):
        two.append("u1", batch(20), "b")
    assert two.append("u1", batch(21), "c") == 66
    assert one.append("u1", batch(21), "c") == 66, "another storage finds the batch by its token"
    with pytest.raises(StudyExists):
        two.create(make_header(uid="u9"))
    two.rename("u1", "new")
    assert one.open("new").uid == "u1"
    two.delete("u1")
    with pytest.raises(StudyNotFound):
        one.append("u1", batch(22), "d")
    assert one.studies() == []


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7, 100])
def test_it_is_read_in_pieces_of_any_size(limit: int, journal: Path) -> None:
    """Also in pieces that end in the middle of a batch."""
    storage, pieces = open_storage(journal, readonly=True), []
    while entries := storage.read("u1", len(pieces), limit):
        assert len(entries) <= limit
        pieces += entries

    assert pieces == open_storage(journal).read("u1")
    assert len(pieces) == 60


def _cut(path: Path, left: int) -> bytes:
    data = path.read_bytes()
    path.write_bytes(data[:left])
    return data


def test_a_last_line_without_an_end_is_cut_off_by_the_next_writer(journal: Path, batch) -> None:  # type: ignore[no-untyped-def]
    """Whatever is left of it: readers do not see it, everything before is there, and the study goes on."""
    storage = open_storage(journal)
    before = journal.stat().st_size
    storage.append("u1", batch(20), "last")
    storage.close()
    whole = journal.read_bytes()
    for left in range(before, len(whole)):
        _cut(journal, left)
        reader = open_storage(journal, readonly=True)

        assert len(reader.read("u1")) == 60
        assert journal.stat().st_size == left, "who only reads changes nothing"
        if left % 40 == 1:
            writer = open_storage(journal)
            assert writer.append("u1", batch(20), "last") == 63
            assert journal.read_bytes() == whole
            writer.close()
            assert len(reader.read("u1")) == 63, "who had it open reads on"
        reader.close()
        journal.write_bytes(whole)


def test_blocks_that_were_never_written_are_no_damage(journal: Path, batch) -> None:  # type: ignore[no-untyped-def]
    """A power cut may leave zeros in the last line, its end included."""
    with journal.open("ab") as file:
        file.write(b"\0" * 50 + b"batch\n")
    storage = open_storage(journal)

    assert len(storage.read("u1")) == 60
    assert storage.append("u1", batch(20), "t") == 63
    assert len(open_storage(journal).read("u1")) == 63


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_damage_is_told_with_its_place_and_left_as_it_is(place: float, journal: Path, batch) -> None:  # type: ignore[no-untyped-def]
    """A bit that was turned anywhere is found by the checksum of its line."""
    data = bytearray(journal.read_bytes())
    data[int(len(data) * place)] ^= 1
    journal.write_bytes(data)
    storage = open_storage(journal)
    with pytest.raises(CorruptLog, match=r"byte \d+ of .*damaged"):
        storage.read("u1")
    with pytest.raises(CorruptLog):
        storage.append("u1", batch(20), "t")

    assert journal.read_bytes() == bytes(data)


def test_a_line_that_cannot_follow_is_damage(journal: Path) -> None:
    """Two that were written without a lock, say."""
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:-1], lines[5], lines[-1]]))
    with pytest.raises(CorruptLog, match="cannot follow"):
        open_storage(journal).read("u1")


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        (b"x,y\n1,2\n", CorruptLog, "is not a journal of studies"),
        (b"SQLite format 3\0" + bytes(100), CorruptLog, "is not a journal of studies"),
        (b"parzen journal 2\n", SchemaTooNew, "upgrade parzen"),
        (b"parzen journal 2\r\n", SchemaTooNew, "upgrade parzen"),
        (b"parzen journal 1\r\n", CorruptLog, "LF to CRLF"),
    ],
)
def test_another_file_is_refused_and_left_as_it_was(
    content: bytes,
    error: type[Exception],
    said: str,
    tmp_path: Path,
    make_header,  # type: ignore[no-untyped-def]
) -> None:
    """Before anything is written to it."""
    path = tmp_path / "s.journal"
    path.write_bytes(content)
    with pytest.raises(error, match=said):
        open_storage(path)

    assert path.read_bytes() == content


def test_line_ends_that_were_changed_can_be_changed_back(journal: Path) -> None:
    """As the error says: no line has others within it."""
    before = journal.read_bytes()
    journal.write_bytes(before.replace(b"\n", b"\r\n"))
    with pytest.raises(CorruptLog, match="dos2unix"):
        open_storage(journal).read("u1")

    assert journal.read_bytes().replace(b"\r\n", b"\n") == before


@pytest.mark.parametrize("left", range(17))
def test_a_file_that_was_just_being_made_is_made(left: int, journal: Path, make_header) -> None:  # type: ignore[no-untyped-def]
    """A process that died then had nothing in it."""
    _cut(journal, left)
    storage = open_storage(journal)
    assert storage.studies() == []
    storage.create(make_header())

    assert len(open_storage(journal).studies()) == 1


def test_a_line_of_a_later_parzen_is_kept_and_ignored(journal: Path, batch) -> None:  # type: ignore[no-untyped-def]
    """It may say what this one does not know."""
    import zlib

    text = b'dreamt\t"u1"\t{}'
    with journal.open("ab") as file:
        file.write(b"%08x\t%s\n" % (zlib.crc32(text), text))
    storage = open_storage(journal)

    assert storage.append("u1", batch(20), "t") == 63
    assert b"dreamt" in journal.read_bytes()


def test_a_study_of_a_later_parzen_is_in_nobodys_way(journal: Path, make_header, batch) -> None:  # type: ignore[no-untyped-def]
    """It is not opened, and the others are."""
    storage = open_storage(journal)
    storage.create(replace(make_header("later", "u2"), schema=99))
    again = open_storage(journal)
    with pytest.raises(SchemaTooNew, match="99"):
        again.open("later")

    assert again.open("study").uid == "u1"
    assert again.append("u1", batch(20), "t") == 63


def test_who_only_reads_writes_nothing(journal: Path, make_header, batch) -> None:  # type: ignore[no-untyped-def]
    """And is told so."""
    before = journal.read_bytes()
    storage = open_storage(journal, readonly=True)
    assert len(storage.read(storage.open("study").uid)) == 60
    for write in (
        lambda: storage.create(make_header("other", "u2")),
        lambda: storage.append("u1", batch(20), "t"),
        lambda: storage.claim("u1", "w", 1.0, "t"),
        lambda: storage.beat("u1", "w", 60.0),
        lambda: storage.put("u1", "key", b""),
        lambda: storage.delete("u1"),
    ):
        with pytest.raises(StorageError, match="read only"):
            write()

    assert journal.read_bytes() == before
    with pytest.raises(Unavailable, match="there is no file"):
        open_storage(journal.with_name("other.journal"), readonly=True)


def test_a_lock_that_is_held_too_long_is_told(journal: Path, batch) -> None:  # type: ignore[no-untyped-def]
    """And who waited goes on when it is free."""
    holder, waiter = open_storage(journal), open_storage(f"{journal}?timeout=0.05")
    with holder._file.held(), pytest.raises(Unavailable, match="another process has held"):  # type: ignore[attr-defined]
        waiter.append("u1", batch(20), "t")

    assert waiter.append("u1", batch(20), "t") == 63
    with holder._file.held(shared=True):  # type: ignore[attr-defined]
        assert len(waiter.read("u1")) == 63


def test_a_file_that_was_taken_away_is_noticed(journal: Path, batch) -> None:  # type: ignore[no-untyped-def]
    """What would be written to it would be lost."""
    storage = open_storage(journal)
    storage.append("u1", batch(20), "t")
    journal.rename(journal.with_name("moved"))
    with pytest.raises(Unavailable, match="moved, deleted or replaced"):
        storage.append("u1", batch(21), "u")


@pytest.mark.parametrize("left", [-17, 0])
def test_a_file_that_was_shortened_is_noticed_and_left_as_it_is(left: int, journal: Path, batch, make_header) -> None:  # type: ignore[no-untyped-def]
    """A program that goes on in a file of which the end was cut off would fill the hole with zeros, for nobody to read."""
    storage = open_storage(journal)
    storage.append("u1", batch(20), "t20")
    os.truncate(journal, left if left >= 0 else journal.stat().st_size + left)
    before = journal.read_bytes()

    for attempt in (
        lambda: storage.append("u1", batch(21), "t21"),
        lambda: storage.beat("u1", "w", 60.0),
        lambda: storage.read("u1"),
        lambda: storage.create(make_header("u9")),
        lambda: storage.turn("u1", 0, lambda entries: batch(21), "t7"),
    ):
        with pytest.raises(Unavailable, match="shortened"):
            attempt()
    assert journal.read_bytes() == before
    storage.close()
    if left:
        fresh = open_storage(journal)
        fresh.append("u1", batch(20), "t20")
        assert fresh.read("u1")[-1].event == batch(20)[-1]


def test_a_closed_storage_says_so(journal: Path) -> None:
    """After close everything is an error that says what to do."""
    storage = open_storage(journal)
    storage.close()
    storage.close()
    with pytest.raises(StorageError, match="was closed"):
        storage.studies()
    with pytest.raises(StorageError, match="was closed"):
        storage.append("u1", [Noted("k", 1, 1.0)], "t")


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")  # the point of this test
def test_a_forked_child_has_locks_of_its_own(journal: Path, batch) -> None:  # type: ignore[no-untyped-def]
    """It waits for the parent, also if a thread of the parent held the file."""
    storage = open_storage(journal)
    storage.read("u1")
    held, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with storage._file.held():  # type: ignore[attr-defined]  # as a thread in the middle of an append would
            held.set()
            go_on.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if storage.append("u1", batch(20), "child") == 63 else 2
        finally:
            os._exit(status)
    assert os.waitpid(child, os.WNOHANG) == (0, 0)
    go_on.set()
    holder.join()
    _, status = os.waitpid(child, 0)

    assert status == 0
    assert storage.append("u1", batch(21), "parent") == 66


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


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path, make_header: Callable[..., object]) -> None:
    """Three writers, each with 100 trials: all are there, numbered without gaps."""
    path = tmp_path / "study.journal"
    storage = open_storage(path)
    storage.create(make_header())  # type: ignore[arg-type]
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for name in "abc"
    ]
    answers = [writer.communicate() for writer in writers]
    entries = storage.read("u1")
    asked = [entry.event for entry in entries if isinstance(entry.event, Asked)]

    assert answers == [("done\n", "")] * 3
    assert [entry.seq for entry in entries] == list(range(1, 901))
    assert [event.number for event in asked] == list(range(300))


FULL = """
import resource, sys
from parzen.errors import Unavailable
from parzen.storages import open_storage
from parzen.trials import Header, Noted
path = sys.argv[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
storage, kept = open_storage(path), 0
storage.create(Header("u1", "study", 1.0, 1, {}, (), None))
try:
    while True:
        storage.append("u1", [Noted("k", "x" * 1000, 0.0)], str(kept))
        kept += 1
except Unavailable as error:
    print(error)
print(kept, len(storage.read("u1")))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(storage.append("u1", [Noted("k", "room", 0.0)], "after"))
"""


def test_a_disk_that_fills_up_keeps_what_was_committed(tmp_path: Path) -> None:
    """What did not fit is not there by half, and with room the study goes on."""
    path = tmp_path / "study.journal"
    run = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True)
    said, counts, after = run.stdout.splitlines()
    kept = int(counts.split()[0])

    assert re.search("make room", said)
    assert kept > 50
    assert counts == f"{kept} {kept}"
    assert after == str(kept + 1)
    assert len(open_storage(path).read("u1")) == kept + 1
