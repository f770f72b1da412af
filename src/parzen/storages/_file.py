"""What is special about a database that is a file: is it ours, is it whole, may we write to it.

Whose it is, is found out by looking at the first hundred bytes and at the directory, before SQLite is let near the
file: to open a foreign database with SQLite can already leave `-wal` and `-shm` files beside it.  For that, two numbers
sit in SQLite's own file header (https://www.sqlite.org/fileformat.html): the application id says that the file is ours,
the user version is the version of the tables.

A new file is built under a temporary name and then linked to its own, so that neither a kill nor a full disk leaves
half a file behind, and of two processes that make it at once one wins and the other finds it made.

How much of an existing file is looked at when it is opened depends on its size.  Always: the header and the length.  Up
to `CHECKED` bytes: every page and index, with SQLite's own check, which takes 1 ms for each 1 000 entries.  Beyond that
it would be seconds for each `parzen show`, so that a large file is only checked where it is read: entries, headers and
bytes have checksums of their own.  What then stays unnoticed is an index that contradicts its table.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import stat
import struct
import uuid
from collections.abc import Callable
from pathlib import Path

from parzen.errors import CorruptLog, ParzenError, SchemaTooNew, StorageError, Unavailable
from parzen.storages._descriptors import Identity, closing, glance, guard, hold, identity

__all__ = ["CHECKED", "RESTORE", "SCHEMA", "StudyFile", "sentence", "sqlite_error"]

SCHEMA = 2
"""Version of the tables; `_upgrade.py` says what each brought."""
RESTORE = "it is left as it was: restore it from a copy, or move it away to start a new study"
"""What to do about a damaged log."""
CHECKED = 64 << 20
"""Bytes up to which a file is checked as a whole when it is opened: 0.2 s with 200 000 entries."""
_SHORT = 20
"""Milliseconds for which readers are waited for."""
_FORGOTTEN = 86400.0
"""Seconds after which a draft is taken for that of a killed process: to fill one takes a fraction of a second."""
_DRAFT = re.compile(r"\.parzen-[0-9a-f]{32}\.tmp(-journal|-wal|-shm)?")
_APPLICATION = 0x50415A4E
"""SQLite's `application_id` of our files: "PAZN"."""
_MAGIC = b"SQLite format 3\x00"
_OPTUNA = b"trial_params"
"""A table of Optuna's, whose name is in the first page of its databases in plain text."""


class StudyFile:
    """One SQLite file with studies in it; it may not exist yet.

    Attributes:
        path: absolute from the start, because the objective may change the directory.
        readonly: nothing will be written.
        timeout: seconds to wait for another writer.
        synchronous: SQLite's setting of that name, "NORMAL" or "FULL".
    """

    def __init__(self, path: str, *, readonly: bool, timeout: float, synchronous: str) -> None:
        self.path = os.path.abspath(os.path.expanduser(path))
        self.readonly = readonly
        self.timeout = timeout
        self.synchronous = synchronous
        self._identity: Identity | None = None
        self._real = self.path  # without links, which SQLite follows: the log lies beside it

    def exists(self) -> bool:
        """Whether the file is there, and then: ours, whole, and writable if it has to be.

        Raises:
            CorruptLog: it is not a study file, or damaged.
            SchemaTooNew: it was written by a later parzen.
            Unavailable: it may not be read or written, or its directory is missing.
        """
        folder = ""
        try:
            folder = os.path.dirname(os.path.realpath(self.path))
            status = os.stat(self.path)
        except (FileNotFoundError, NotADirectoryError) as error:
            if not os.path.isdir(folder):
                raise Unavailable(
                    f"the directory {folder} does not exist, so {os.path.basename(self.path)} cannot be made in it: "
                    "make the directory, or give another path",
                    path=self.path,
                ) from error
            if self.readonly:
                raise Unavailable(f"there is no file {self.path} to read", path=self.path) from error
            self._check_folder(folder)
            return False
        except (OSError, ValueError) as error:  # no permission on the way, a name too long, a NUL byte in it
            raise Unavailable(f"{self.path!r} cannot be looked at: {sentence(error)}", path=self.path) from error
        if not stat.S_ISREG(status.st_mode):
            kind = "directory" if stat.S_ISDIR(status.st_mode) else "special file"
            raise Unavailable(f"{self.path} is a {kind}; a study needs a file, such as study.db", path=self.path)
        if not self.readonly:
            if not self._writable(status):
                raise Unavailable(
                    f"{self.path} is read-only, so no trial could be saved: give yourself permission to write to it "
                    "(chmod u+w), or take a copy; to look at it only, open it with readonly=True",
                    path=self.path,
                )
            self._check_folder(folder)
        self._check_bytes()
        return True

    def connect(self) -> sqlite3.Connection:
        """A connection to the existing file, with our settings; transactions are begun by hand.

        Raises:
            CorruptLog, SchemaTooNew, Unavailable: as `exists`.
            sqlite3.Error: SQLite does not like what is in the file.
        """
        self.exists()
        uri = Path(self.path).as_uri()
        if not self.readonly:
            uri += "?mode=rw"
        elif self._writable(os.stat(self.path)) and os.access(os.path.dirname(self.path), os.W_OK):
            # Read-write with query_only (below), and not mode=ro: a connection that may not write leaves the -wal and
            # -shm files that it needed lying about when it closes.
            uri += "?mode=rw"
        else:
            # Where nobody may write and no log is pending, the file cannot change; without one SQLite would want to
            # make two files beside it.
            uri += "?mode=ro" if _pending(self.path) else "?immutable=1"
        file = hold(self.path)
        try:
            connection = _connect(uri, self.timeout)
        except BaseException:
            with closing(file):
                raise
        connection.file = file
        try:
            with contextlib.closing(connection.cursor()) as cursor:
                if os.stat(self.path).st_size <= CHECKED:
                    # It also holds the indexes against their tables, which reading does not: a damaged index of tokens
                    # would refuse or repeat batches without a word.
                    found = cursor.execute("PRAGMA integrity_check(1)").fetchall()
                    if found != [("ok",)]:
                        raise sqlite3.DatabaseError(str(found[0][0]))
                mode = cursor.execute("PRAGMA journal_mode").fetchone()[0]
                if mode == "wal":
                    cursor.execute("SELECT count(*) FROM sqlite_master").fetchall()  # from here SQLite holds its lock
                    guard(file)
                if self.readonly:
                    cursor.execute("PRAGMA query_only = 1")
                else:
                    # With WAL, NORMAL cannot damage the file, and a power cut takes the last appends only; with the
                    # old journal it could damage it.
                    cursor.execute(f"PRAGMA synchronous = {self.synchronous if mode == 'wal' else 'FULL'}")
                    # 16 MB: moving the log into the file waits for the disk twice, which at SQLite's own 4 MB would be
                    # at every 130th trial.
                    cursor.execute("PRAGMA wal_autocheckpoint = 4000")
        except BaseException:
            connection.close()
            raise
        self._identity, self._real = file, os.path.realpath(self.path)
        return connection

    def move_log(self, connection: sqlite3.Connection) -> None:
        """Move the write-ahead log into the file, so that the next writer begins it anew.

        SQLite does that by itself after so many pages, but passes over it while anybody reads, and where several
        programs take turns somebody always does: then the log grows without end, and every single commit tries again
        and waits for the disk twice.  Here those who read are waited for, as long as they read no more than a few
        entries.
        """
        # What was committed is in the log in any case, and the next one tries again.
        with contextlib.suppress(sqlite3.OperationalError):
            connection.execute(f"PRAGMA busy_timeout = {_SHORT}")
            try:
                connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
            finally:
                connection.execute(f"PRAGMA busy_timeout = {int(1000 * self.timeout)}")

    def check_in_place(self) -> None:
        """Raises `Unavailable` if the open file is no longer the one under its path: what is written would be lost."""
        if identity(self.path) == self._identity:
            return
        advice = "put it back, or start again with the file where it is now"
        # Another file at the path has a log of its own there, which has to stay where it is.
        if identity(self._real) is None and _pending(self._real):
            # We do not move the log into the file ourselves, though it is still open: somebody may have opened it under its
            # new name, with a log of that name, and of two logs that go into one file nothing whole comes.
            advice = (
                f"its last trials are in {_left(self._real)}, which it left behind in {os.path.dirname(self._real)}: before anything opens it where it is now, put it back "
                f"beside them, or move them to it, each with its new name and the same end. Without them those trials are "
                f"lost, and whoever opens it without them and puts it back then damages it"
            )
        raise Unavailable(
            f"{self.path} was moved, deleted or replaced while the study was open, so nothing more can be saved there: "
            f"{advice}",
            path=self.path,
            gone=True,
        )

    def make(self, fill: Callable[[sqlite3.Connection], None]) -> bool:
        """Make the file, with what `fill` writes into it; False if another process was first.

        Raises:
            Unavailable: it cannot be made (disk full); nothing is left behind.
        """
        target = os.path.realpath(self.path)
        if (left := _left(target)) and not os.path.exists(target):
            # SQLite would take them for the new file's own.  They may also be those of another process that is just
            # making the file, so they are not ours to remove.
            raise Unavailable(
                f"{self.path} is gone, but {left} of it are still there, and may hold its last trials: if it was moved, put it "
                "back beside them, or move them to it, each with its new name and the same end; if it was deleted, remove them "
                "too (and let go of results of the old study in this process); or give the new study another file",
                path=self.path,
            )
        draft = os.path.join(os.path.dirname(target), f".parzen-{uuid.uuid4().hex}.tmp")
        try:
            connection = _connect(Path(draft).as_uri() + "?mode=rwc", self.timeout)
            try:
                # Before WAL, so that the file's own first page carries them whether or not a log is pending.
                connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                connection.execute(f"PRAGMA user_version = {SCHEMA}")
                connection.execute("BEGIN IMMEDIATE")
                fill(connection)
                connection.execute("COMMIT")
                # Readers and a writer at once.  The mode is kept in the file; where the file system cannot do it
                # (some network drives), SQLite stays with its old journal, which works as well.
                connection.execute("PRAGMA journal_mode = WAL")
            finally:
                connection.close()
            _sweep(draft)
            return _link(draft, target)
        except sqlite3.Error as error:
            raise sqlite_error(error, self.path) from error
        except OSError as error:
            raise Unavailable(f"{self.path} cannot be made: {sentence(error)}", path=self.path) from error
        finally:
            for end in ("", "-journal", "-wal", "-shm"):
                with contextlib.suppress(OSError):
                    os.unlink(draft + end)

    def _writable(self, status: os.stat_result) -> bool:
        # The mode bits as well: the superuser may write to everything, but a file without any was meant to stay.
        return bool(status.st_mode & 0o222) and os.access(self.path, os.W_OK)

    def _check_folder(self, folder: str) -> None:
        if not os.access(folder, os.W_OK | os.X_OK):
            raise Unavailable(
                f"the directory {folder} may not be written to, and a study keeps its write-ahead log beside its file: "
                "give yourself permission, or take another directory",
                path=self.path,
            )

    def _check_bytes(self) -> None:
        for _ in range(3):  # another process may be moving its log into the file between our looks: look again
            pending = _pending(self.path)
            try:
                start, size = glance(self.path, 1 << 14)
            except OSError as error:
                raise Unavailable(
                    f"{self.path} cannot be read ({error.strerror}): give yourself permission, or look at the disk",
                    path=self.path,
                ) from error
            missing = self._check_header(start)
            if pending or size >= missing:
                return
        raise CorruptLog(
            f"{self.path} was cut off: it says of itself that it has {missing} bytes, but {size} are there; {RESTORE}",
            path=self.path,
        )

    def _check_header(self, start: bytes) -> int:
        """How many bytes the file ought to have at least."""
        advice = "it is left as it was: move it away to start a new study, or give another path"
        if not start:
            raise CorruptLog(
                f"the file {self.path} is empty (a study that was cut off?); {RESTORE}",
                path=self.path,
            )
        if not start.startswith(_MAGIC) or len(start) < 100:
            raise CorruptLog(
                f"{self.path} is not a study file (it begins with {start[:16]!r}, not with {_MAGIC!r}); {advice}",
                path=self.path,
            )
        (page,) = struct.unpack_from(">H", start, 16)
        (pages,) = struct.unpack_from(">I", start, 28)
        (version,) = struct.unpack_from(">I", start, 60)
        (application,) = struct.unpack_from(">I", start, 68)
        if application != _APPLICATION:
            whose = "an Optuna study" if _OPTUNA in start else "another program's database"
            raise CorruptLog(
                f"{self.path} is an SQLite file, but {whose} and not a study of parzen; {advice}", path=self.path
            )
        if version > SCHEMA:
            raise SchemaTooNew(
                f"{self.path} was written by a later parzen (tables of version {version}, this one knows {SCHEMA}): "
                "upgrade parzen",
                path=self.path,
                schema=version,
            )
        return int((65536 if page == 1 else page) * pages)


def sentence(error: Exception) -> str:
    """What a driver said, on one line and without its decorations.

    SQLite heads what its check found with "*** in database main ***", PostgreSQL draws an arrow under a statement, and
    SQLAlchemy adds a link.
    """
    text = re.sub(r"\*{3} in database \w+ \*{3}|\(Background on this error at: [^)]*\)|\^", " ", str(error))
    return " ".join(text.split()) or type(error).__name__


def sqlite_error(error: Exception, path: str) -> ParzenError:
    """What an exception of the sqlite3 module means for a study."""
    text = sentence(error)
    for symptom, advice in _UNAVAILABLE.items():
        if symptom in text:
            return Unavailable(f"{path} could not be written or read just now ({text}): {advice}", path=path)
    if isinstance(error, (sqlite3.ProgrammingError, sqlite3.InterfaceError)):
        return StorageError(f"{path} could not be used ({text})", path=path)
    # Whatever else SQLite complains of (malformed pages, missing tables, text that is no text), our statements are the
    # same every day, so that it is the file that has changed.
    return CorruptLog(f"{path} is damaged ({text}); {RESTORE}", path=path)


_UNAVAILABLE = {
    "disk is full": "the disk is full, or the file has reached its limit; make room, then run the same program again, "
    "what was saved is kept",
    "disk I/O error": "look at the disk (full? taken away?), then run the same program again, what was saved is kept",
    "locked": "another process has been writing to it for too long; wait for it or stop it, then try again",
    "busy": "another process has been writing to it for too long; wait for it or stop it, then try again",
    "readonly": "it has become read-only; give yourself permission to write to it and to its directory",
    "unable to open": "look at the permissions of the file and of its directory, and at how many files are open",
    "out of memory": "the computer has run out of memory",
    "interrupted": "the operation was interrupted; try again",
}


class _Connection(sqlite3.Connection):
    """Lets go of its file when it is closed."""

    file: Identity | None = None

    def close(self) -> None:
        file, self.file = self.file, None
        with contextlib.nullcontext() if file is None else closing(file):
            super().close()


def _connect(uri: str, timeout: float) -> _Connection:
    return sqlite3.connect(
        uri, uri=True, timeout=timeout, isolation_level=None, check_same_thread=False, factory=_Connection
    )


def _pending(path: str) -> bool:
    """Whether a log lies beside the file whose content is not yet in it."""
    for end in ("-wal", "-journal"):
        with contextlib.suppress(OSError):
            if os.stat(path + end).st_size:
                return True
    return False


def _left(path: str) -> str:
    """What lies beside a path and belongs to the file that was there, in words; empty where nothing does."""
    return " and ".join(os.path.basename(path + end) for end in ("-wal", "-shm") if os.path.exists(path + end))


def _link(draft: str, target: str) -> bool:
    """Give the draft its name unless that is taken; never replaces a file."""
    try:
        os.link(draft, target)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links; here two processes at the same instant are one too many
        if os.path.exists(target):
            return False
        os.rename(draft, target)
    return True


def _sweep(draft: str) -> None:
    """Remove drafts beside this one that a killed process left.

    Only what has the name of a draft, is a plain file of this user, and is a day older than `draft`, which was written
    just now: the clock is the file system's own, which on a network drive may differ from ours.  Whoever was held up for
    a day between making a draft and naming it is told that the file cannot be made, and loses nothing.
    """
    folder, own = os.path.split(draft)
    with contextlib.suppress(OSError):
        new = os.stat(draft)
        with os.scandir(folder) as found:
            names = [entry.name for entry in found if entry.name != own and _DRAFT.fullmatch(entry.name)]
        for name in names:
            old = os.lstat(os.path.join(folder, name))
            if stat.S_ISREG(old.st_mode) and old.st_uid == new.st_uid and new.st_mtime - old.st_mtime > _FORGOTTEN:
                os.unlink(os.path.join(folder, name))
