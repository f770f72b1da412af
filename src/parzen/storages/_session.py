"""One process's connection to a database: opened when first needed, mended when it breaks, one thread at a time.

What can be lost on the way to a server is lost here.  A transaction that met a deadlock, and one whose answer never came,
are done again, for up to `timeout` seconds: each of ours may be done twice, because an append is known by its token, and
everything else says what shall be there afterwards.  A server that was never reached is not waited for: its address is
more likely wrong than its service interrupted.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, TypeVar

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from parzen.errors import CorruptLog, ParzenError, StorageError, StudyNotFound, TooLarge, Unavailable
from parzen.storages._engines import (
    WAIT,
    Watchdog,
    has_refused,
    is_misspelt,
    is_too_large,
    may_pass,
    parse_url,
    prepare,
    sent_bytes,
    server_engine,
    sqlite_file,
)
from parzen.storages._file import SCHEMA, StudyFile, sentence, sqlite_error
from parzen.storages._rows import check_schema
from parzen.storages._tables import Statements, make_tables
from parzen.storages._upgrade import upgrade

__all__ = ["Duplicate", "Session"]

_T = TypeVar("_T")
_MOMENT = 0.0005
"""Seconds that a transaction on a file takes."""
_LONGEST = 0.05
"""Seconds between two tries to write to a file while others do, at most."""
_LONG = 4
"""Characters from which a password is no part of ordinary words."""
_REST = 2048
"""Bytes of a statement beside the one value in it that may be large, at most: a key has 700."""
_SMALLER = "store less with it (the path of a file, say), or set max_allowed_packet of the server higher, up to 1 GB"


class Duplicate(CorruptLog):
    """A unique column refused a row.  Where nobody expects that, the table and its index contradict each other."""


class Session:
    """What `SQLStorage` stands on; its docstring says what the arguments are."""

    def __init__(self, url: str | sa.URL, *, readonly: bool = False) -> None:
        parsed = parse_url(url)
        self.readonly = readonly
        self.file: StudyFile | None = None
        self.schema = SCHEMA  # of the tables, once they were looked at
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._connection: Any = None  # a DBAPI connection, which has no type
        self._finalizer: weakref.finalize[..., Any] | None = None
        self._inherited: list[object] = []
        self._closed = self._reached = False
        self._limit: int | None = None  # of bytes in one statement, once a server was asked
        self._crowded = False  # somebody else was writing when we last wanted to
        self._patience = 0.0
        self._watchdog: Watchdog | None = None
        self._jitter = random.Random()  # the program's own generators are not ours to turn
        self._secrets = [str(parsed.password)] if parsed.password else []
        if parsed.get_backend_name() == "sqlite":
            self.file = sqlite_file(parsed, readonly)
            self.location = self.file.path
            self.file.exists()
            creator = self.file.connect
            self._engine = sa.create_engine("sqlite://", creator=creator, poolclass=NullPool)
        else:
            self.location = parsed.set(query={}).render_as_string(hide_password=True)
            self._secrets += [
                value for name, value in parsed.query.items() if "pass" in name and isinstance(value, str)
            ]
            self._engine, self._patience = server_engine(parsed)
            self._watchdog = Watchdog()
            weakref.finalize(self, self._watchdog.end)
        self._dialect = self._engine.dialect
        self._dbapi_error: type[Exception] = self._dialect.loaded_dbapi.Error
        self._sql = Statements(self._dialect)
        self._pipes = self._dialect.driver == "psycopg" and self._dialect.loaded_dbapi.Pipeline.is_supported()

    def close(self) -> None:
        with self._guarded():
            self._closed = True
            self._drop()
            if self._watchdog is not None:
                self._watchdog.end()

    def _absent(self) -> bool:
        """Whether there is no file yet, and so no study."""
        return self.file is not None and self._connection is None and not self._closed and not self.file.exists()

    # --- connection ---

    def _connect(self) -> Any:  # a DBAPI connection
        if self._closed:
            raise StorageError(f"the storage at {self.location} was closed: open it again with open_storage")
        if self._connection is None:
            try:
                pooled = self._engine.raw_connection()
            except ParzenError:  # of a file's own
                raise
            except (TypeError, ValueError, AttributeError, OSError) as error:  # what the driver was told makes no sense
                raise self._misspelt(error) from None
            connection: Any = pooled.dbapi_connection
            pooled.detach()  # the pool would log what goes wrong while a broken connection is closed
            try:
                self._check(connection)
            except BaseException:
                with contextlib.suppress(self._dbapi_error):
                    connection.close()
                raise
            self._connection, self._reached = connection, True
            self._finalizer = weakref.finalize(self, _close, connection, self._pid)
        return self._connection

    def _check(self, connection: Any) -> None:
        """Are the tables there, and of a version that we know; older ones are brought up to date."""
        if self.file is None:
            self._limit = prepare(connection, self._dialect.name)
            if not self.readonly:
                if not self._reached:
                    make_tables(self._engine, connection, self._sql)
            elif not sa.inspect(self._engine).has_table("parzen_meta"):
                raise Unavailable(f"there are no studies in {self.location} to read")
        with contextlib.closing(connection.cursor()) as cursor:
            self.schema = check_schema(self._sql.get_meta(cursor, k="schema").fetchone(), self.location)
        if self.file is None:
            connection.commit()
        if self.schema < SCHEMA and not self.readonly:
            upgrade(connection, self._dialect, self._sql, self.file is not None)
            self.schema = SCHEMA

    def _drop(self) -> None:
        if self._finalizer is not None:
            self._finalizer()
        self._connection = self._finalizer = None

    # --- transactions ---

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """One thread at a time, in the process that the connection belongs to; the driver's errors as ours."""
        if os.getpid() != self._pid:
            # We are a forked child.  SQLite forbids to use and even to close a connection of the parent, and a server
            # would mix up both ends; so it is put aside, and the lock with it, which another thread may have held.
            self._inherited.append(self._connection)
            self._lock, self._pid = threading.RLock(), os.getpid()
            self._connection = self._finalizer = None
            if self._watchdog is not None:
                self._watchdog = Watchdog()
                weakref.finalize(self, self._watchdog.end)
            self._engine.dispose(close=False)
        with self._lock:
            try:
                yield
            except (self._dbapi_error, sa.exc.SQLAlchemyError, UnicodeError) as error:
                self._translate(error)

    def _translate(self, error: Exception) -> NoReturn:
        cause = getattr(error, "orig", None) or error
        if isinstance(cause, self._dialect.loaded_dbapi.IntegrityError):
            raise Duplicate(
                f"{self.location} refused a row as a duplicate ({sentence(cause)}): it is damaged"
            ) from error
        if self.file is not None:
            raise sqlite_error(cause, self.location) from error
        self._drop()
        # Not `from error`: drivers repeat in their errors what they were given to connect with.
        said = self._shown(cause)
        if is_too_large(cause):
            raise TooLarge(f"{self.location} takes no statement that is so long ({said}): {_SMALLER}") from None
        if not self._reached and is_misspelt(cause, self._dialect.loaded_dbapi):
            raise self._misspelt(cause) from None
        passing = self._reached and may_pass(cause, self._dialect.loaded_dbapi)
        if not has_refused(cause):
            raise Unavailable(
                f"{self.location} did not answer ({said}): look at the server, then try again", passing=passing
            ) from None
        where = "the server" if self._reached else "the user, the password and the name of the database"
        raise Unavailable(
            f"{self.location} refused ({said.rpartition(' failed: ')[2]}): look at {where}, then try again",
            passing=passing,
        ) from None

    def _misspelt(self, error: Exception) -> StorageError:
        """What a driver did not take; nobody was asked."""
        return StorageError(
            f"{self.location}: after the ? stand timeout=SECONDS and what the driver knows: {self._shown(error)}"
        )

    def _refuse_large(self, cursor: Any, what: str, value: str | bytes) -> None:
        """Raise `TooLarge` for what a server would cut the connection for.

        Args:
            cursor: that is to send it.
            what: it is, to be said.
            value: in ASCII, or bytes.
        """
        if self._limit is None or 2 * len(value) + _REST <= self._limit:
            return
        size = sent_bytes(cursor, value) + _REST
        if size > self._limit:
            raise TooLarge(
                f"{what} ({len(value) / 1e6:.3g} MB) needs a statement of {size / 1e6:.3g} MB, and {self.location} takes "
                f"{self._limit / 1e6:.3g} MB (its max_allowed_packet): {_SMALLER}",
                size=size,
                limit=self._limit,
            )

    def _shown(self, error: Exception) -> str:
        """What a driver said, without what nobody is to see."""
        said = sentence(error)
        for secret in self._secrets:
            if len(secret) >= _LONG and not secret.isalpha():
                said = said.replace(secret, "***")
            elif secret in said if len(secret) >= _LONG else re.search(rf"(?<!\w){re.escape(secret)}(?!\w)", said):
                # Stars in place of a word say what the word is, as soon as it is one that servers say: "*** authentication
                # failed".
                return f"{type(error).__name__}, whose text may hold the password"
        return said

    def _read(self, act: Callable[[Any], _T]) -> _T:
        """What is read with a cursor of the driver, however often the server has to be asked."""

        def once(again: bool) -> _T:
            with self._reading() as cursor:
                return act(cursor)

        return self._again(once)

    def _write(self, act: Callable[[Any, bool], _T], *, lasting: bool = True, seconds: float = WAIT) -> _T:
        """One transaction; `act` is told whether an earlier try may have been committed after all.

        Args:
            act: gets a cursor of the driver; whatever it raises undoes what it did.
            lasting: whether a server's disk is waited for; what is not lasting may be lost with the server's power.
            seconds: after which a server that says nothing is given up.
        """

        def once(again: bool) -> _T:
            with self._writing(lasting=lasting, seconds=seconds) as cursor:
                return act(cursor, again)

        return self._again(once)

    def _again(self, act: Callable[[bool], _T]) -> _T:
        """Do what may be done twice, until it was not interrupted or `timeout` is over."""
        began, turn = time.monotonic(), 0
        while True:
            try:
                return act(turn > 0)
            except Unavailable as error:
                if not error.passing or time.monotonic() - began >= self._patience:
                    raise
            # Apart from each other, so that those who stood in each other's way do not meet again.
            time.sleep(min(0.01 * 2**turn, 1.0) * (0.5 + self._jitter.random()))
            turn += 1

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Any]:  # a DBAPI cursor
        with self._guarded():
            connection = self._connect()
            with self._watched(connection):
                cursor = connection.cursor()
                try:
                    yield cursor
                finally:
                    # At once: an error keeps the cursor alive in its traceback, and SQLite cannot close while one is.
                    cursor.close()
                    if self.file is None:
                        with contextlib.suppress(self._dbapi_error):  # the first error is the one to tell of
                            connection.rollback()

    @contextlib.contextmanager
    def _writing(
        self,
        *,
        lasting: bool,
        seconds: float,
        piped: bool = False,
        meanwhile: Callable[[], object] | None = None,
    ) -> Iterator[Any]:  # a DBAPI cursor
        self._refuse_readonly()
        with self._guarded():
            if self._absent():
                raise StudyNotFound(f"{self.location} does not exist, and so has no study", gone=True)
            connection = self._connect()
            with self._watched(connection, seconds):
                cursor = connection.cursor()
                # Of rows that go out as one statement.
                if self._limit is not None and hasattr(cursor, "max_stmt_length"):
                    cursor.max_stmt_length = min(cursor.max_stmt_length, self._limit - _REST)
                try:
                    if self.file is not None:
                        self.file.check_in_place()
                        if meanwhile is None:
                            cursor.execute("BEGIN IMMEDIATE")
                        else:
                            self._begin(cursor, self.file, meanwhile)
                    elif not lasting:
                        self._hurry(cursor)
                    # Statements whose answers nobody waits for go out together; an error shows at the commit at the latest.
                    with connection.pipeline() if piped and self._pipes else contextlib.nullcontext():
                        yield cursor
                        self._commit(connection)
                except BaseException:
                    with contextlib.suppress(self._dbapi_error):  # the first error is the one to tell of
                        connection.rollback()
                    raise
                finally:
                    cursor.close()

    def _begin(self, cursor: Any, file: StudyFile, meanwhile: Callable[[], object]) -> None:
        """Begin to write to the file; while others do, something else is done, again and again.

        SQLite's own waiting may be overtaken by whoever has just written for ever, and does nothing meanwhile.  Ours looks
        at once and then ever more seldom: four programs that only write take each other's processors by looking, and get
        0.8 of what one of them does alone, instead of 0.6 with a look at each half of a millisecond.
        """
        deadline, pause = time.monotonic() + file.timeout, _MOMENT
        if self._crowded:
            meanwhile()
        self._crowded = False
        while True:
            cursor.execute("PRAGMA busy_timeout = 0")
            try:
                cursor.execute("BEGIN IMMEDIATE")
                return
            except self._dbapi_error as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
            finally:  # for what is read meanwhile, too
                cursor.execute(f"PRAGMA busy_timeout = {int(1000 * file.timeout)}")
            self._crowded = True
            time.sleep(pause * (0.5 + self._jitter.random()))
            pause = min(2 * pause, _LONGEST)
            meanwhile()  # after the pause, so that little is left to be done with the lock in hand

    def _hurry(self, cursor: Any) -> None:
        """The transaction need not wait for the disk."""
        if self._dialect.name == "postgresql":
            cursor.execute("SET LOCAL synchronous_commit TO off")

    def _commit(self, connection: Any) -> None:
        """The moment from which a transaction is there."""
        connection.commit()

    def _watched(self, connection: Any, seconds: float = WAIT) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext() if self._watchdog is None else self._watchdog.over(connection, seconds)

    def _refuse_readonly(self) -> None:
        if self.readonly:
            raise StorageError(
                f"{self.location} was opened to be read only: open it without readonly=True to write to it"
            )


def _close(connection: Any, pid: int) -> None:
    if os.getpid() == pid:
        with contextlib.suppress(Exception):  # a broken connection may say anything about being closed
            connection.close()
