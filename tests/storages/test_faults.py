"""Files that are not what they should be: each is a clear error, and the file is left as it was."""

from __future__ import annotations

import os
import random
import sqlite3
import stat
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from parzen.errors import CorruptLog, SchemaTooNew, StorageError, Unavailable
from parzen.storages import _file, open_storage
from parzen.trials import Event, Header


def _use(path: Path, readonly: bool = False) -> list[object]:
    """Everything that can be read, as a program would that opens a study."""
    storage = open_storage(path, readonly=readonly)
    try:
        headers = storage.studies()
        for header in headers:
            storage.open(header.name)
        return [headers, [storage.read(header.uid) for header in headers], storage.keys("u1"), storage.get("u1", "key")]
    finally:
        storage.close()


def _state(path: Path) -> tuple[bytes, int, list[str]]:
    return path.read_bytes(), path.stat().st_mtime_ns, sorted(os.listdir(path.parent))


def _header_field(offset: int, value: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:offset] + struct.pack(">I", value) + data[offset + 4 :]


def _foreign(statement: str) -> Callable[[bytes], bytes]:
    def make(_: bytes) -> bytes:
        connection = sqlite3.connect(":memory:")
        connection.execute(statement)
        # Not Connection.serialize: that is Python 3.11.
        script = "\n".join(connection.iterdump())
        connection.close()
        path = Path(os.environ["PARZEN_TEST_SCRATCH"]) / "foreign.db"
        file = sqlite3.connect(path)
        file.executescript(script)
        file.execute("PRAGMA journal_mode = WAL")
        file.close()
        return path.read_bytes()

    return make


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], type[StorageError], str]] = {
    "zero bytes": (lambda _: b"", CorruptLog, "is empty"),
    "truncated to 60 %": (lambda data: data[: len(data) * 6 // 10], CorruptLog, "cut off"),
    "truncated to whole pages": (lambda data: data[: 4096 * 3], CorruptLog, "cut off"),
    "truncated in the header": (lambda data: data[:50], CorruptLog, "not a study file"),
    "last 3 bytes cut": (lambda data: data[:-3], CorruptLog, "cut off"),
    "replaced by text": (lambda _: b"Dear diary,\n" * 500, CorruptLog, "Dear diary"),
    "64 bytes flipped at the start": (lambda data: _flip(data, 0, 64), CorruptLog, "not a study file"),
    "64 bytes flipped in the middle of the log": (
        lambda data: _flip(data, data.index(b'"number":30,'), 64),
        CorruptLog,
        "damaged",
    ),
    "64 bytes flipped near the end": (lambda data: _flip(data, len(data) - 200, 64), CorruptLog, "damaged"),
    "first page wiped after the header": (lambda data: data[:100] + bytes(3996) + data[4096:], CorruptLog, "damaged"),
    "another program's database": (_foreign("CREATE TABLE songs (title)"), CorruptLog, "another program"),
    "an Optuna study": (_foreign("CREATE TABLE trial_params (param_name)"), CorruptLog, "Optuna"),
    "a database without tables": (_foreign("SELECT 1"), CorruptLog, "parzen|not a study file|is empty"),
    "our mark on another database": (
        lambda data: _header_field(68, 0x50415A4E)(_foreign("CREATE TABLE songs (title)")(data)),
        CorruptLog,
        "parzen_meta",
    ),
    "a later version": (_header_field(60, 3), SchemaTooNew, "upgrade parzen"),
}


def _flip(data: bytes, start: int, count: int) -> bytes:
    return data[:start] + bytes(byte ^ 0xFF for byte in data[start : start + count]) + data[start + count :]


@pytest.fixture
def scratch(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARZEN_TEST_SCRATCH", str(tmp_path_factory.mktemp("scratch")))


@pytest.mark.usefixtures("scratch")
@pytest.mark.parametrize("readonly", [False, True], ids=["to write", "to read"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_told_and_left_as_it_was(damage: str, readonly: bool, study_file: Path) -> None:
    """The error says what is wrong; bytes, time stamp and directory are unchanged."""
    change, error, sentence = DAMAGE[damage]
    study_file.write_bytes(change(study_file.read_bytes()))
    os.utime(study_file, (1e9, 1e9))
    before = _state(study_file)
    with pytest.raises(error, match=sentence) as caught:
        _use(study_file, readonly)

    assert str(study_file) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "***" not in str(caught.value)
    assert _state(study_file) == before


@pytest.mark.usefixtures("scratch")
@pytest.mark.parametrize("damage", [name for name in DAMAGE if "flipped" not in name and "wiped" not in name])
def test_most_damage_is_found_before_anything_is_asked_of_the_file(damage: str, study_file: Path) -> None:
    """What the first bytes show is an error when the storage is made, before an evaluation is paid for."""
    change, error, _ = DAMAGE[damage]
    study_file.write_bytes(change(study_file.read_bytes()))
    if damage == "our mark on another database":
        open_storage(study_file)
        return
    with pytest.raises(error):
        open_storage(study_file)


@pytest.mark.parametrize("checked", [_file.CHECKED, 0], ids=["small file", "large file"])
@pytest.mark.parametrize("seed", range(30))
def test_flipped_bytes_never_change_what_is_read(
    seed: int, checked: int, study_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever a byte is flipped: the same entries, or a StorageError, and nothing else; also without SQLite's check."""
    monkeypatch.setattr(_file, "CHECKED", checked)
    expected = repr(_use(study_file))
    rng = random.Random(seed)
    data = bytearray(study_file.read_bytes())
    for _ in range(1 + seed % 3):
        data[rng.randrange(len(data))] ^= rng.randrange(1, 256)
    study_file.write_bytes(data)
    try:
        found = repr(_use(study_file))
    except StorageError:
        return

    assert found == expected


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE parzen_entry SET body = replace(body, '0.', '1.') WHERE seq = 40",
        "UPDATE parzen_entry SET kind = 'noted' WHERE seq = 40",
        "UPDATE parzen_entry SET crc = crc + 1 WHERE seq = 40",
        "UPDATE parzen_entry SET body = x'00ff' WHERE seq = 40",
        "UPDATE parzen_entry SET body = 'é' WHERE seq = 40",
        "UPDATE parzen_entry SET body = CAST(x'ff' AS TEXT) WHERE seq = 40",
        "UPDATE parzen_entry SET seq = 1000 WHERE seq = 40",
        "DELETE FROM parzen_entry WHERE seq = 40",
        "DELETE FROM parzen_entry WHERE seq > 170",
        "UPDATE parzen_study SET head = 200",
        "UPDATE parzen_study SET head = 'many'",
        "UPDATE parzen_study SET header = replace(header, '7', '8')",
        "UPDATE parzen_study SET header = 'é'",
        "UPDATE parzen_study SET header = 5",
        "UPDATE parzen_study SET name = 'other'",
        "UPDATE parzen_study SET uid = 'other'",
        "UPDATE parzen_blob SET data = x'00'",
        "UPDATE parzen_blob SET data = 5",
        "UPDATE parzen_blob SET key = 'key'",
        "UPDATE parzen_blob SET key = '5'",
        "UPDATE parzen_blob SET key = 5",
        "UPDATE parzen_meta SET value = ''",
        "DELETE FROM parzen_meta",
        "DROP TABLE parzen_entry",
    ],
)
def test_rows_that_were_tampered_with_are_noticed(statement: str, study_file: Path) -> None:
    """Checksums, places and names are held against each other."""
    connection = sqlite3.connect(study_file)
    connection.execute(statement)
    connection.commit()
    connection.close()
    with pytest.raises(CorruptLog):
        _use(study_file)


@pytest.mark.parametrize("column", ["state = 77", "state = NULL", "attempt = 'x'"])
def test_a_damaged_head_is_noticed_when_it_is_needed(column: str, study_file: Path, batch) -> None:  # type: ignore[no-untyped-def]
    """A head that makes no sense decides nothing."""
    connection = sqlite3.connect(study_file)
    connection.execute("PRAGMA ignore_check_constraints = 1")
    connection.execute("DROP TABLE parzen_trial")
    connection.execute("CREATE TABLE parzen_trial (study, number, attempt, state)")
    connection.execute("INSERT INTO parzen_trial VALUES (1, 5, 1, 2)")
    connection.execute(f"UPDATE parzen_trial SET {column}")
    connection.commit()
    connection.close()
    with pytest.raises(CorruptLog, match="trial 5"):
        open_storage(study_file).append("u1", batch(5)[1:], "t")


def test_tables_of_a_later_version_are_noticed_on_any_database(study_file: Path) -> None:
    """The version also is in a table, because a server has no file header."""
    connection = sqlite3.connect(study_file)
    connection.execute("UPDATE parzen_meta SET value = '3'")
    connection.commit()
    connection.close()
    with pytest.raises(SchemaTooNew, match="upgrade parzen"):
        _use(study_file)


@pytest.mark.parametrize("large", [False, True], ids=["small file", "large file"])
def test_a_large_file_is_not_read_through_to_open_it(
    large: bool, study_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's own check, which takes time with the file's size, is left out beyond a size."""
    statements: list[str] = []
    connect = _file._connect

    def traced(uri: str, timeout: float) -> sqlite3.Connection:
        connection = connect(uri, timeout)
        connection.set_trace_callback(statements.append)
        return connection

    monkeypatch.setattr(_file, "_connect", traced)
    monkeypatch.setattr(_file, "CHECKED", study_file.stat().st_size - large)
    _use(study_file)

    assert any("integrity_check" in statement for statement in statements) is not large


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("*** in database main ***\nTree 5 page 7: code 11", "Tree 5 page 7: code 11"),
        ('syntax error at "x"\nLINE 1: SELECT x\n               ^', 'syntax error at "x" LINE 1: SELECT x'),
        ("no\n(Background on this error at: https://sqlalche.me/e/20/e3q8)", "no"),
        ("", "ValueError"),
    ],
)
def test_what_a_driver_says_is_told_in_one_line(said: str, told: str) -> None:
    """Decorations of databases are left out of our errors."""
    assert _file.sentence(ValueError(said)) == told


# --- the place ---------------------------------------------------------------------------------------------------


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    """The error comes when the storage is made, and the directory is not."""
    with pytest.raises(Unavailable, match=r"missing/deep does not exist.*make the directory"):
        open_storage(tmp_path / "missing" / "deep" / "study.db")

    assert os.listdir(tmp_path) == []


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    """The path of a directory is refused."""
    with pytest.raises(Unavailable, match="is a directory"):
        open_storage(tmp_path)


def test_a_file_is_no_directory(study_file: Path) -> None:
    """A path that goes through a file is refused."""
    with pytest.raises(Unavailable, match="does not exist"):
        open_storage(study_file / "study.db")


@pytest.mark.parametrize("name", ["x" * 5000, "nul\x00.db"])
def test_an_impossible_name_is_refused(name: str, tmp_path: Path) -> None:
    """What the system cannot even look for is Unavailable."""
    with pytest.raises(Unavailable):
        open_storage(f"{tmp_path}/{name}")


def test_a_read_only_file_is_refused_before_anything_runs_but_can_be_read(study_file: Path) -> None:
    """Nobody's permission to write means no: the superuser is told as well."""
    expected = repr(_use(study_file))
    study_file.chmod(0o444)
    before = _state(study_file)
    with pytest.raises(Unavailable, match=r"read-only.*chmod"):
        open_storage(study_file)

    assert repr(_use(study_file, readonly=True)) == expected
    assert _state(study_file) == before


def test_a_read_only_file_with_a_pending_log_can_be_read(study_file: Path, batch) -> None:  # type: ignore[no-untyped-def]
    """What a killed process left beside the file belongs to it."""
    writer = open_storage(study_file)
    writer.append("u1", batch(60), "t")
    study_file.chmod(0o444)

    assert len(open_storage(study_file, readonly=True).read("u1")) == 183


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_directory_without_permission_to_write_is_named(study_file: Path) -> None:
    """SQLite keeps its log beside the file, so the directory must be writable."""
    study_file.parent.chmod(0o555)
    try:
        with pytest.raises(Unavailable, match="may not be written to"):
            open_storage(study_file)

        assert len(open_storage(study_file, readonly=True).read("u1")) == 180
    finally:
        study_file.parent.chmod(0o755)


def test_a_file_that_was_taken_away_is_noticed(study_file: Path, batch) -> None:  # type: ignore[no-untyped-def]
    """Appending to a file that has no name any more would be lost, so it is refused."""
    storage = open_storage(study_file)
    storage.append("u1", batch(60), "t")
    study_file.rename(study_file.with_name("moved.db"))
    with pytest.raises(Unavailable, match="moved, deleted or replaced"):
        storage.append("u1", batch(61), "u")


@pytest.mark.parametrize("way", ["put it back", "move them to it"])
def test_a_file_that_was_moved_without_its_log_loses_nothing_to_who_does_what_the_error_says(
    study_file: Path,
    batch: Callable[[int], list[Event]],
    make_header: Callable[..., Header],
    way: str,
) -> None:
    """The last trials are in the log, and a bare start with the moved file would be without them."""
    storage = open_storage(study_file)
    storage.append("u1", batch(60), "t")
    saved = len(storage.read("u1"))
    moved = study_file.rename(study_file.with_name("moved.db"))
    with pytest.raises(Unavailable, match=way) as told:
        storage.append("u1", batch(61), "u")
    storage.close()
    with pytest.raises(Unavailable, match=way):  # whoever runs the same program again
        open_storage(study_file).create(make_header())

    assert "study.db-wal and study.db-shm" in str(told.value)
    assert "start again" not in str(told.value)
    if way == "put it back":
        moved.rename(study_file)
        assert len(open_storage(study_file).read("u1")) == saved
    else:
        for end in ("-wal", "-shm"):
            Path(f"{study_file}{end}").rename(f"{moved}{end}")
        assert len(open_storage(moved).read("u1")) == saved


def test_a_file_that_was_moved_with_its_log_can_be_gone_on_with(study_file: Path, batch) -> None:  # type: ignore[no-untyped-def]
    storage = open_storage(study_file)
    storage.append("u1", batch(60), "t")
    saved = len(storage.read("u1"))
    for end in ("", "-wal", "-shm"):
        Path(f"{study_file}{end}").rename(study_file.with_name(f"moved.db{end}"))
    with pytest.raises(Unavailable, match="start again with the file where it is now"):
        storage.append("u1", batch(61), "u")

    assert len(open_storage(study_file.with_name("moved.db")).read("u1")) == saved


@pytest.mark.parametrize("replaced", [True, False])
def test_a_log_that_has_no_trials_of_the_moved_file_is_not_advised_to_be_moved_to_it(
    replaced: bool, study_file: Path, batch: Callable[[int], list[Event]], make_header: Callable[..., Header]
) -> None:
    """Beside a new file it is the new study's own, and `-shm` alone holds none: to move them would destroy two studies."""
    storage = open_storage(study_file)
    storage.append("u1", batch(60), "t")
    for end in ("", "-wal", "-shm") if replaced else ("", "-wal"):
        Path(f"{study_file}{end}").rename(study_file.with_name(f"moved.db{end}"))
    if replaced:
        other = open_storage(study_file)
        other.create(make_header())
        other.append("u1", batch(0), "t")
        assert Path(f"{study_file}-wal").stat().st_size
    with pytest.raises(Unavailable, match="start again with the file where it is now") as told:
        storage.append("u1", batch(61), "u")

    assert "-wal" not in str(told.value)
    assert "-shm" not in str(told.value)


def test_the_log_of_a_file_that_was_opened_by_a_link_is_named_where_it_is(
    tmp_path: Path, study_file: Path, batch: Callable[[int], list[Event]]
) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "study.db").symlink_to(study_file)
    storage = open_storage(tmp_path / "links" / "study.db")
    storage.append("u1", batch(60), "t")
    study_file.rename(study_file.with_name("moved.db"))
    with pytest.raises(Unavailable, match=f"{study_file.name}-wal") as told:
        storage.append("u1", batch(61), "u")

    assert f"left behind in {study_file.parent}:" in str(told.value)
    assert "start again" not in str(told.value)


def test_a_link_to_nowhere_becomes_a_file_there(tmp_path: Path, make_header) -> None:  # type: ignore[no-untyped-def]
    """A symbolic link is followed, also to a file that does not exist yet."""
    (tmp_path / "there").mkdir()
    (tmp_path / "study.db").symlink_to(tmp_path / "there" / "real.db")
    storage = open_storage(tmp_path / "study.db")
    storage.create(make_header())
    storage.close()

    assert os.listdir(tmp_path / "there") == ["real.db"]
    assert (tmp_path / "study.db").is_symlink()


def test_a_file_system_without_hard_links_will_do(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make_header,  # type: ignore[no-untyped-def]
) -> None:
    """Where a link cannot be made, the draft is renamed."""

    def no_link(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", no_link)
    storage = open_storage(tmp_path / "study.db")
    storage.create(make_header())
    storage.close()

    assert os.listdir(tmp_path) == ["study.db"]
    assert stat.S_ISREG((tmp_path / "study.db").stat().st_mode)


@pytest.mark.parametrize("end", ["", "-journal", "-wal", "-shm"])
def test_drafts_of_killed_processes_are_swept_away_after_a_day(end: str, tmp_path: Path, make_header) -> None:  # type: ignore[no-untyped-def]
    """Only old plain files with the exact name of a draft go; all that is young or looks different stays."""
    name = f".parzen-{0:032x}.tmp{end}"
    old, young = tmp_path / name, tmp_path / f".parzen-{1:032x}.tmp{end}"
    others = [tmp_path / other for other in (f"{name}.bak", "parzen.tmp", ".parzen-notes.tmp", f"x{name}")]
    link, folder = tmp_path / f".parzen-{2:032x}.tmp", tmp_path / f".parzen-{3:032x}.tmp"
    for path in (old, young, *others):
        path.write_bytes(b"")
    link.symlink_to(others[0])
    folder.mkdir()
    day = 86400
    for path in (old, *others, link, folder):
        os.utime(path, (1e9, 1e9), follow_symlinks=False)
    now = young.stat().st_mtime
    os.utime(young, (now, now - day + 600))
    storage = open_storage(tmp_path / "study.db")
    storage.create(make_header())
    storage.close()

    assert sorted(tmp_path.iterdir()) == sorted([young, *others, link, folder, tmp_path / "study.db"])


# --- a full disk: the size of files is limited, which works without any rights -------------------------------------

FULL = """
import resource, signal, sys
from parzen.errors import Unavailable
from parzen.storages import open_storage
from parzen.trials import Event, Header, Noted
path, limit, study = sys.argv[1], int(sys.argv[2]), Header("u1", "study", 1.0, 1, {}, (), None)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
storage, kept = open_storage(path), 0
try:
    storage.create(study)
    print("created")
    while True:
        storage.append("u1", [Noted("k", "x" * 1000, 0.0)], str(kept))
        kept += 1
except Unavailable as error:
    print(type(error).__name__, error)
print(kept, len(storage.read("u1")) if kept else 0)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
if kept:
    print(storage.append("u1", [Noted("k", "room", 0.0)], "after"))
"""


def _full(path: Path, limit: int) -> list[str]:
    run = subprocess.run(
        [sys.executable, "-c", FULL, str(path), str(limit)], capture_output=True, text=True, check=True
    )

    assert run.stderr == ""
    return run.stdout.splitlines()


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit on Windows")
def test_no_room_for_a_new_study_is_an_error_of_create(tmp_path: Path) -> None:
    """It is known before the first evaluation, and nothing is left behind."""
    lines = _full(tmp_path / "study.db", 10_000)

    assert lines[0].startswith("Unavailable")
    assert "look at the disk" in lines[0] or "make room" in lines[0]
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit on Windows")
def test_a_disk_that_fills_up_keeps_what_was_committed(tmp_path: Path) -> None:
    """The append that did not fit is Unavailable, all others are kept, and with room the study goes on."""
    path = tmp_path / "study.db"
    lines = _full(path, 1_000_000)
    kept = int(lines[2].split()[0])

    assert lines[0] == "created"
    assert lines[1].startswith("Unavailable")
    assert kept > 10
    assert lines[2:] == [f"{kept} {kept}", str(kept + 1)]
    assert len(open_storage(path).read("u1")) == kept + 1


def test_a_file_that_was_removed_without_its_log_is_not_begun_anew(
    tmp_path: Path, make_header: Callable[..., Header]
) -> None:
    """SQLite would read the old log into the new file; the error says what else to remove."""
    path = tmp_path / "s.db"
    for end in ("-wal", "-shm"):
        Path(f"{path}{end}").write_bytes(b"left over")

    with pytest.raises(Unavailable, match="db-wal"):
        open_storage(path).create(make_header())
    assert not path.exists()
