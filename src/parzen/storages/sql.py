"""Studies in an SQL database: an SQLite file, or a server.

One append is one transaction, and its first statement is `UPDATE parzen_study SET head = head + k`.  That takes the
study's row lock, so `seq` is gapless *in commit order*: whoever has read up to `seq` never sees an earlier entry appear
later, which an autoincrement column does not promise.  SQLite locks the whole file (`BEGIN IMMEDIATE`) to the same end.

Nothing stored is trusted (`_rows.py`), and nothing stored is executed: it is text and bytes.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import weakref
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NoReturn

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from parzen.errors import Conflict, CorruptLog, StorageError, StudyExists, StudyNotFound, Unavailable
from parzen.storages._engines import parse_url, server_engine, sqlite_file
from parzen.storages._file import RESTORE, SCHEMA, StudyFile, sentence, sqlite_error
from parzen.storages._heads import advance, numbers
from parzen.storages._rows import bytes_of, check_schema, entries_of, head_of, header_of, keys_of, position_of
from parzen.storages._tables import Statements, make_tables, schema_statements
from parzen.trials import Asked, Entry, Event, Header, checksum, event_to_json, header_to_json

__all__ = ["SQLStorage"]


class SQLStorage:
    """Studies in an SQLite file or on a database server.

    Args:
        url: as SQLAlchemy spells it; "sqlite:///study.db" is relative, "sqlite:////data/study.db" absolute.  For
            SQLite the query takes `sync=full` (each append waits for the disk, so that it survives a power cut; the
            default survives the death of the process) and `timeout=60` (seconds to wait for another writer).
        readonly: refuse everything that writes.

    Raises:
        CorruptLog, SchemaTooNew, Unavailable: an existing file cannot be used (nothing was written to it).
        MissingDependency: the database's driver is not installed.
        StorageError: the URL makes no sense.
    """

    durable = True
    live: dict[str, object] | None = None  # the log is kept, so that any stream can be made from it

    def __init__(self, url: str | sa.URL, *, readonly: bool = False) -> None:
        parsed = parse_url(url)
        self.readonly = readonly
        self.file: StudyFile | None = None
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._connection: Any = None  # a DBAPI connection, which has no type
        self._finalizer: weakref.finalize[..., Any] | None = None
        self._inherited: list[object] = []
        self._closed = False
        if parsed.get_backend_name() == "sqlite":
            self.file = sqlite_file(parsed, readonly)
            self.location = self.file.path
            self.file.exists()
            creator = self.file.connect
            self._engine = sa.create_engine("sqlite://", creator=creator, poolclass=NullPool)
        else:
            self.location = parsed.set(query={}).render_as_string(hide_password=True)
            self._engine = server_engine(parsed)
        self._dialect = self._engine.dialect
        self._dbapi_error: type[Exception] = self._dialect.loaded_dbapi.Error
        self._sql = Statements(self._dialect)

    @classmethod
    def at(cls, path: str, *, query: str = "", readonly: bool = False) -> SQLStorage:
        """The SQLite file at a path, whatever characters the path has."""
        options = sa.make_url(f"sqlite://?{query}").query
        return cls(sa.URL.create("sqlite", database=path, query=options), readonly=readonly)

    def __repr__(self) -> str:
        return f"SQLStorage({self.location!r})"

    # --- studies ---

    def create(self, header: Header) -> None:
        self._refuse_readonly()
        text = header_to_json(header)
        row = {
            "uid": header.uid,
            "name": json.dumps(header.name),
            "header": text,
            "crc": checksum("header", text),
            "head": 0,
            "next_number": 0,
        }
        if self.file is not None and not self.file.exists():

            def fill(connection: sqlite3.Connection) -> None:
                cursor = connection.cursor()
                for statement in schema_statements(self._dialect):
                    cursor.execute(statement)
                self._sql.add_meta(cursor, key="schema", value=str(SCHEMA))
                self._sql.add_study(cursor, **row)

            with self._guarded():
                if self.file.make(fill):
                    return
        try:
            with self._writing() as cursor:
                if self._sql.study_named(cursor, n=row["name"]).fetchone() is not None:
                    raise StudyExists(
                        f"a study named {header.name!r} is in {self.location} already: open it, or take another name",
                        name=header.name,
                    )
                self._sql.add_study(cursor, **row)
        except _Duplicate as error:
            raise StudyExists(
                f"a study with the name {header.name!r} or the uid {header.uid!r} is in {self.location} already",
                name=header.name,
            ) from error

    def open(self, name: str) -> Header:
        if self._absent():
            raise StudyNotFound(f"no study named {name!r}: {self.location} does not exist yet", name=name)
        with self._reading() as cursor:
            row = self._sql.study_named(cursor, n=json.dumps(name)).fetchone()
        if row is not None:
            return header_of(row, self.location)
        known = ", ".join(repr(header.name) for header in self.studies()) or "no study at all"
        raise StudyNotFound(f"no study in {self.location} is named {name!r}; there is {known}", name=name)

    def studies(self) -> list[Header]:
        if self._absent():
            return []
        with self._reading() as cursor:
            rows = self._sql.all_studies(cursor).fetchall()
        return [header_of(row, self.location) for row in rows]

    def rename(self, uid: str, name: str) -> None:
        try:
            with self._writing() as cursor:
                row = self._sql.study_of(cursor, u=uid).fetchone()
                if row is None:
                    self._missing(uid)
                text = header_to_json(replace(header_of(row, self.location), name=name))
                self._sql.rename(cursor, u=uid, n=json.dumps(name), text=text, sum=checksum("header", text))
        except _Duplicate as error:
            raise StudyExists(
                f"a study named {name!r} is in {self.location} already: take another name", name=name
            ) from error

    def delete(self, uid: str) -> None:
        with self._writing() as cursor:
            study, _, _ = self._position(cursor, uid, hold=True)
            for statement in self._sql.delete:
                statement(cursor, i=study)

    # --- the log ---

    def append(self, uid: str, events: Sequence[Event], token: str) -> int:
        if not events:
            raise ValueError("a batch has at least one event")
        bodies = [event_to_json(event) for event in events]
        asked = sum(1 for kind, _ in bodies if kind == "asked")
        sql = self._sql
        try:
            with self._writing() as cursor:
                sql.advance(cursor, u=uid, k=len(bodies), asked=asked)
                study, seq, next_number = self._position(cursor, uid)
                before = next_number - asked
                heads = {}
                for number in numbers(before, events):
                    head = sql.trial(cursor, i=study, n=number).fetchone()
                    heads[number] = head_of(head, number, self.location)
                _, changed = advance(before, heads.get, events)
                first = seq - len(bodies) + 1
                rows: list[dict[str, object]] = [
                    {
                        "study": study,
                        "seq": place,
                        "kind": kind,
                        "body": body,
                        "crc": checksum(kind, body),
                        "token": None,
                    }
                    for place, (kind, body) in enumerate(bodies, first)
                ]
                rows[-1]["token"] = token
                sql.add_entry.many(cursor, rows)
                for number, (attempt, state) in changed.items():
                    if number < before:
                        sql.move_trial(cursor, i=study, n=number, a=attempt, s=state)
                places = {event.number: place for place, event in enumerate(events, first) if isinstance(event, Asked)}
                sql.add_trial.many(
                    cursor,
                    [
                        {
                            "study": study,
                            "number": number,
                            "attempt": attempt,
                            "state": state,
                            "asked": places[number],
                        }
                        for number, (attempt, state) in changed.items()
                        if number >= before
                    ],
                )
        except (Conflict, _Duplicate):
            # Either another writer was first, or this very batch was: its acknowledgement was lost on the way.
            with self._reading() as cursor:
                found = sql.token(cursor, t=token).fetchone()
            if found is None:
                raise
            if found[0] != uid:
                raise StorageError(
                    f"the token {token!r} is that of a batch of another study: tokens are unique"
                ) from None
            return int(found[1])
        return int(seq)

    def read(self, uid: str, after: int = 0, limit: int | None = None) -> list[Entry]:
        if self._absent():
            self._missing(uid)
        after = max(after, 0)
        with self._reading() as cursor:
            study, head, _ = self._position(cursor, uid)
            upto = head if limit is None else min(head, after + max(limit, 0))
            if upto <= after:
                return []
            rows = self._sql.entries(cursor, i=study, after=after, upto=upto).fetchall()
            if len(rows) != upto - after:
                self._position(cursor, uid)  # deleted in this moment, perhaps
        entries = entries_of(rows, after, self.location)
        if len(entries) != upto - after:
            place = after + len(entries) + 1
            raise CorruptLog(f"entry {place} of {head} is missing in {self.location}; {RESTORE}", seq=place)
        return entries

    # --- bytes beside a study ---

    def put(self, uid: str, key: str, data: bytes) -> None:
        with self._writing() as cursor:
            study, _, _ = self._position(cursor, uid, hold=True)
            key = json.dumps(key)
            self._sql.drop_blob(cursor, i=study, k=key)
            self._sql.add_blob(cursor, study=study, key=key, crc=zlib.crc32(data), data=bytes(data))

    def get(self, uid: str, key: str) -> bytes | None:
        if self._absent():
            return None
        with self._reading() as cursor:
            row = self._sql.blob(cursor, u=uid, k=json.dumps(key)).fetchone()
        return None if row is None else bytes_of(row, key, self.location)

    def keys(self, uid: str) -> list[str]:
        if self._absent():
            return []
        with self._reading() as cursor:
            rows = self._sql.keys(cursor, u=uid).fetchall()
        return keys_of(rows, self.location)

    def drop(self, uid: str, key: str) -> None:
        with self._writing() as cursor:
            study, _, _ = self._position(cursor, uid, hold=True)
            self._sql.drop_blob(cursor, i=study, k=json.dumps(key))

    def close(self) -> None:
        with self._guarded():
            self._closed = True
            self._drop()

    # --- connection and transaction ---

    def _absent(self) -> bool:
        """Whether there is no file yet, and so no study."""
        return self.file is not None and self._connection is None and not self._closed and not self.file.exists()

    def _connect(self) -> Any:  # a DBAPI connection
        if self._closed:
            raise StorageError(f"the storage at {self.location} was closed: open it again with open_storage")
        if self._connection is None:
            connection: Any = self._engine.raw_connection()
            cursor = connection.cursor()
            try:
                if self.file is None:
                    if not self.readonly:
                        make_tables(self._engine, connection, self._sql)
                    elif not sa.inspect(self._engine).has_table("parzen_meta"):
                        raise Unavailable(f"there are no studies in {self.location} to read")
                check_schema(self._sql.get_meta(cursor, k="schema").fetchone(), self.location)
            except BaseException:
                cursor.close()
                connection.close()
                raise
            cursor.close()
            self._connection = connection
            self._finalizer = weakref.finalize(self, _close, connection, self._pid)
        return self._connection

    def _drop(self) -> None:
        if self._finalizer is not None:
            self._finalizer()
        self._connection = self._finalizer = None

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """One thread at a time, in the process that the connection belongs to; the driver's errors as ours."""
        if os.getpid() != self._pid:
            # We are a forked child.  SQLite forbids to use and even to close a connection of the parent, and a server
            # would mix up both ends; so it is put aside, and the lock with it, which another thread may have held.
            self._inherited.append(self._connection)
            self._lock, self._pid = threading.RLock(), os.getpid()
            self._connection = self._finalizer = None
            self._engine.dispose(close=False)
        with self._lock:
            try:
                yield
            except (self._dbapi_error, sa.exc.SQLAlchemyError, UnicodeError) as error:
                self._translate(error)

    def _translate(self, error: Exception) -> NoReturn:
        cause = getattr(error, "orig", None) or error
        if isinstance(cause, self._dialect.loaded_dbapi.IntegrityError):
            raise _Duplicate(
                f"{self.location} refused a row as a duplicate ({sentence(cause)}): it is damaged"
            ) from error
        if self.file is not None:
            raise sqlite_error(cause, self.location) from error
        self._drop()
        raise Unavailable(
            f"{self.location} did not answer ({sentence(cause)}): look at the server, then try again"
        ) from error

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Any]:  # a DBAPI cursor
        with self._guarded():
            connection = self._connect()
            cursor = connection.cursor()
            try:
                yield cursor
            finally:
                # At once: an error keeps the cursor alive in its traceback, and SQLite cannot close while one is.
                cursor.close()
                if self.file is None:
                    connection.rollback()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Any]:  # a DBAPI cursor
        self._refuse_readonly()
        with self._guarded():
            if self._absent():
                raise StudyNotFound(f"{self.location} does not exist, and so has no study")
            connection = self._connect()
            cursor = connection.cursor()
            try:
                if self.file is not None:
                    self.file.check_in_place()
                    cursor.execute("BEGIN IMMEDIATE")
                yield cursor
                connection.commit()
            except BaseException:
                with contextlib.suppress(self._dbapi_error):  # the first error is the one to tell of
                    connection.rollback()
                raise
            finally:
                cursor.close()

    def _refuse_readonly(self) -> None:
        if self.readonly:
            raise StorageError(
                f"{self.location} was opened to be read only: open it without readonly=True to write to it"
            )

    def _position(self, cursor: Any, uid: str, hold: bool = False) -> tuple[int, int, int]:
        """The study's id, its last place in the log and its next free number; `hold` keeps other writers away."""
        row = (self._sql.hold if hold else self._sql.position)(cursor, u=uid).fetchone()
        if row is None:
            self._missing(uid)
        return position_of(row, uid, self.location)

    def _missing(self, uid: str) -> NoReturn:
        raise StudyNotFound(
            f"no study in {self.location} has the uid {uid!r}: it was deleted, or never created", uid=uid
        )


class _Duplicate(CorruptLog):
    """A unique column refused a row.  Where nobody expects that, the table and its index contradict each other."""


def _close(connection: Any, pid: int) -> None:
    if os.getpid() == pid:
        connection.close()
