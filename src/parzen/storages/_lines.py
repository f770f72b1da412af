"""One append-only file of checked lines, which processes on many machines may share.

The first line says what the file is.  Every other one is a CRC-32, a tab, and fields with tabs between them; a field is a word
or JSON in ASCII, which has neither tabs nor line ends in it, so that a line is either whole or has no end.  Who dies while
writing leaves a last line without an end: readers do not look at it, and the next writer cuts it off.

Writers hold an exclusive lock of the file, readers a shared one.  They are locks of the *open file* (`F_OFD_SETLK`, else
`flock`): the older POSIX ones belong to the process, so that two studies in one process would not exclude each other, and
closing any descriptor lets go of all.  On NFS both become locks of the server, and taking one also makes the client look at
what others have written since; without them a reader could wait a minute for that.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import random
import stat
import sys
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from parzen.errors import CorruptLog, SchemaTooNew, StorageError, Unavailable
from parzen.storages._file import RESTORE, sentence
from parzen.storages._locks import OPEN_FILE_LOCKS, lock_open_file

if TYPE_CHECKING or sys.platform != "win32":
    import fcntl

__all__ = ["START", "LineFile"]

_log = logging.getLogger("parzen")

_MAGIC = b"parzen journal "
_VERSION = 1
START = len(_MAGIC) + 2
"""Where the lines begin."""
_CHUNK = 1 << 20


class LineFile:
    """The file; it may not exist yet.

    Args:
        path: where it is.
        readonly: nothing will be written.
        timeout: seconds to wait for a lock.
        sync: wait for the disk after each line.
    """

    def __init__(self, path: str, *, readonly: bool, timeout: float, sync: bool) -> None:
        if sys.platform == "win32":
            raise StorageError(
                "a journal needs locks that Windows does not have: use a file of SQLite, such as study.db"
            )
        self.path = os.path.abspath(os.path.expanduser(path))
        self.readonly, self.timeout, self.sync = readonly, timeout, sync
        self._fd: int | None = None
        self._known = START
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._held = 0
        self._jitter = random.Random()

    def exists(self) -> bool:
        """Whether the file is there, and then: ours, and writable if it has to be.

        Raises:
            CorruptLog: it is another file.
            SchemaTooNew: it was written by a later parzen.
            Unavailable: it may not be read or written, or its directory is missing.
        """
        try:
            status = os.stat(self.path)
        except (FileNotFoundError, NotADirectoryError) as error:
            folder = os.path.dirname(os.path.realpath(self.path))
            if not os.path.isdir(folder):
                raise Unavailable(
                    f"the directory {folder} does not exist, so {os.path.basename(self.path)} cannot be made in it: "
                    "make the directory, or give another path",
                    path=self.path,
                ) from error
            if self.readonly:
                raise Unavailable(f"there is no file {self.path} to read", path=self.path) from error
            return False
        except (OSError, ValueError) as error:
            raise Unavailable(f"{self.path!r} cannot be looked at: {sentence(error)}", path=self.path) from error
        if not stat.S_ISREG(status.st_mode):
            raise Unavailable(f"{self.path} is no file; a study needs one, such as study.journal", path=self.path)
        if not self.readonly and not (status.st_mode & 0o222 and os.access(self.path, os.W_OK)):
            raise Unavailable(
                f"{self.path} is read-only, so no trial could be saved: give yourself permission to write to it, or take a "
                "copy; to look at it only, open it with readonly=True",
                path=self.path,
            )
        try:
            with open(self.path, "rb") as file:
                start = file.read(START)
        except OSError as error:
            raise Unavailable(f"{self.path} cannot be read ({error.strerror})", path=self.path) from error
        return self._check(start)

    def _check(self, start: bytes) -> bool:
        if _first_line().startswith(start):
            return len(start) == START  # a process died while it made the file: nothing is lost
        if start.startswith(_first_line()[:-1] + b"\r"):
            raise CorruptLog(
                f"the line ends of {self.path} were changed from LF to CRLF, as git, an editor or a transfer in text mode do; "
                "it is left as it was: copy it again as binary (git: `*.journal -text` in .gitattributes), or change a copy "
                "back, as dos2unix does",
                path=self.path,
            )
        version = start[len(_MAGIC) :].strip()
        if start.startswith(_MAGIC) and version.isdigit():
            raise SchemaTooNew(
                f"{self.path} was written by a later parzen (journal of version {version.decode()}, this one knows "
                f"{_VERSION}): upgrade parzen",
                path=self.path,
            )
        raise CorruptLog(
            f"{self.path} is not a journal of studies (it begins with {start[:16]!r}, not with {_MAGIC!r}); it is left as it "
            "was: move it away to start a new study, or give another path",
            path=self.path,
        )

    # --- locks ---

    @contextlib.contextmanager
    def held(self, *, shared: bool = False, make: bool = False) -> Iterator[None]:
        """Hold the file: alone, or together with others who only read.

        Args:
            make: make it if it is not there.

        Raises:
            Unavailable: somebody else holds it for too long, or it was taken away or shortened.
        """
        if os.getpid() != self._pid:
            # A forked child shares the parent's open file, and so its locks: it opens the file for itself.
            self._lock, self._pid, self._held = threading.RLock(), os.getpid(), 0
            self._close()
        with self._lock:
            if self._held:  # in the same thread: whoever holds the file already holds it alone, or only reads as well
                yield
                return
            try:
                fd = self._open(make)
                self._take(fd, shared)
            except OSError as error:
                if isinstance(error, Unavailable):
                    raise
                raise self._unavailable(error) from error
            self._held += 1
            try:
                self._check_length(fd)
                if not shared:
                    self._check_in_place(fd)
                    if os.fstat(fd).st_size < START:
                        os.pwrite(fd, _first_line(), 0)
                yield
            except OSError as error:
                if isinstance(error, Unavailable):
                    raise
                raise self._unavailable(error) from error
            finally:
                self._held -= 1
                with contextlib.suppress(OSError):
                    _lock(fd, None)

    def _open(self, make: bool) -> int:
        if self._fd is None:
            if not self.exists() and not make:
                raise Unavailable(f"{self.path} is gone: put it back, or start again", path=self.path, gone=True)
            flags = os.O_RDONLY if self.readonly else os.O_RDWR | (os.O_CREAT if make else 0)
            self._fd = os.open(self.path, flags | getattr(os, "O_CLOEXEC", 0), 0o666)
        return self._fd

    def _take(self, fd: int, shared: bool) -> None:
        deadline, pause = time.monotonic() + self.timeout, 0.0002
        while not _lock(fd, shared):
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"another process has held {self.path} for more than {self.timeout:g} s: wait for it or stop it, "
                    "then try again",
                    path=self.path,
                )
            time.sleep(pause * (0.5 + self._jitter.random()))
            pause = min(pause * 1.5, 0.02)

    def _check_in_place(self, fd: int) -> None:
        try:
            now = os.stat(self.path)
        except OSError:
            now = None
        here = os.fstat(fd)
        if now is None or (now.st_dev, now.st_ino) != (here.st_dev, here.st_ino):
            raise Unavailable(
                f"{self.path} was moved, deleted or replaced while the study was open, so nothing more can be saved "
                "there: put it back, or start again with the file where it is now",
                path=self.path,
                gone=True,
            )

    def _check_length(self, fd: int) -> None:
        """Nobody takes away what this process has read: whoever wrote on behind it would leave a hole."""
        if self._known > START and os.fstat(fd).st_size < self._known:
            raise Unavailable(
                f"{self.path} was shortened while the study was open, so nothing more can be saved there: put the whole file "
                "back, or start again with what is left of it",
                path=self.path,
            )

    def _unavailable(self, error: OSError) -> Unavailable:
        advice = "look at the disk and at the permissions, then run the same program again, what was saved is kept"
        if error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
            advice = "make room, then run the same program again, what was saved is kept"
        return Unavailable(
            f"{self.path} could not be written or read just now ({sentence(error)}): {advice}", path=self.path
        )

    def _close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
        self._fd = None

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._close()

    # --- lines, while it is held ---

    def scan(self, offset: int, stop: int | None = None) -> Iterator[tuple[int, int, list[str]]]:
        """The whole lines from a place on: where each begins, where it ends, and its fields.

        Raises:
            CorruptLog: a line is not as it was written.
        """
        fd, rest, place = self._descriptor(), b"", offset
        while True:
            data = os.pread(fd, _CHUNK, place + len(rest))
            rest += data
            lines = rest.split(b"\n")
            rest = lines.pop()
            for line in lines:
                end = place + len(line) + 1
                if stop is not None and place >= stop:
                    return
                fields = self._fields(line, place, end)
                if fields is None:
                    return
                self._known = max(self._known, end)
                yield place, end, fields
                place = end
            if not data:
                return

    def _fields(self, line: bytes, place: int, end: int) -> list[str] | None:
        try:
            text = line.decode("ascii")
            if int(text[:8], 16) == zlib.crc32(line[9:]) and text[8] == "\t":
                return text[9:].split("\t")
        except (ValueError, IndexError):
            pass
        if b"\0" in line and end == os.fstat(self._descriptor()).st_size:
            return None  # the power went while the last line was written, and some of its blocks were never
        raise CorruptLog(
            f"the line at byte {place} of {self.path} is damaged (its checksum does not fit); {RESTORE}", path=self.path
        )

    def checksum(self, end: int) -> int | None:
        """CRC-32 of the file up to a place; None where it is shorter."""
        fd, place, crc = self._descriptor(), 0, 0
        while place < end:
            data = os.pread(fd, min(_CHUNK, end - place), place)
            if not data:
                return None
            crc = zlib.crc32(data, crc)
            place += len(data)
        self._known = max(self._known, end)
        return crc

    def append(self, fields: Sequence[str], end: int) -> int:
        """Add a line at the end of the last whole one, which the caller has read up to; where the file ends then.

        Raises:
            OSError: it could not be written; nothing was added.
        """
        fd = self._descriptor()
        text = "\t".join(fields).encode("ascii")
        line = b"%08x\t%s\n" % (zlib.crc32(text), text)
        torn = os.fstat(fd).st_size - end
        if torn:
            _log.warning("cut %d bytes off %s, which a process that died had begun to write", torn, self.path)
            os.ftruncate(fd, end)
        try:
            written = 0
            while written < len(line):
                written += os.pwrite(fd, line[written:], end + written)
            if self.sync:
                os.fsync(fd)
        except BaseException:
            with contextlib.suppress(OSError):
                os.ftruncate(fd, end)
            raise
        self._known = end + len(line)
        return self._known

    def _descriptor(self) -> int:
        assert self._fd is not None, "the file is held"
        return self._fd


def _first_line() -> bytes:
    return _MAGIC + b"%d\n" % _VERSION


def _lock(fd: int, shared: bool | None) -> bool:
    """Take a lock if it is free; None lets go."""
    try:
        if OPEN_FILE_LOCKS:
            lock_open_file(fd, "none" if shared is None else "read" if shared else "write")
        else:
            kind = fcntl.LOCK_UN if shared is None else fcntl.LOCK_SH if shared else fcntl.LOCK_EX
            fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN):
            return False
        raise
    return True
