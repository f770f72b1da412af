"""Studies in an SQL database: an SQLite file, or a server.

One append is one transaction, and its first statement is `UPDATE parzen_study SET head = head + k`.  That takes the
study's row lock, so `seq` is gapless *in commit order*: whoever has read up to `seq` never sees an earlier entry appear
later, which an autoincrement column does not promise.  SQLite locks the whole file (`BEGIN IMMEDIATE`) to the same end.

Nothing stored is trusted (`_rows.py`), and nothing stored is executed: it is text and bytes.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn, TypeVar

import sqlalchemy as sa

from parzen.errors import Conflict, CorruptLog, StorageError, StudyExists, StudyNotFound
from parzen.log import Beat, Claim
from parzen.storages._engines import WAIT
from parzen.storages._file import RESTORE, SCHEMA
from parzen.storages._heads import advance, numbers
from parzen.storages._rows import (
    asked_of,
    beats_of,
    bytes_of,
    checked_worker,
    entries_of,
    head_of,
    header_of,
    keys_of,
    position_of,
)
from parzen.storages._session import Duplicate, Session
from parzen.storages._tables import schema_statements
from parzen.trials import (
    Asked,
    Entry,
    Event,
    Finished,
    Header,
    Noted,
    Reported,
    Started,
    State,
    checksum,
    event_to_json,
    header_to_json,
)

__all__ = ["SQLStorage"]

_E = TypeVar("_E", Asked, Started)
_MOVED = 1000
"""Entries after which SQLite's log is moved into its file: 13 MB of pages."""
_SLOW = 100_000.0
"""Bytes a second that a network carries at least."""


class SQLStorage(Session):
    """Studies in an SQLite file or on a database server.

    Args:
        url: as SQLAlchemy spells it; "sqlite:///study.db" is relative, "sqlite:////data/study.db" absolute.  For
            SQLite the query takes `sync=full` (each append waits for the disk, so that it survives a power cut; the
            default survives the death of the process) and `timeout=60` (seconds to wait for another writer); for a
            server `timeout=60` (seconds to wait for one that went away) beside what its driver knows.
        readonly: refuse everything that writes.

    Raises:
        CorruptLog, SchemaTooNew, Unavailable: an existing file cannot be used (nothing was written to it).
        MissingDependency: the database's driver is not installed.
        StorageError: the URL makes no sense.
        TooLarge: by MySQL and MariaDB, for what is beyond their max_allowed_packet; nothing is sent then.
    """

    durable = True
    live: dict[str, object] | None = None  # the log is kept, so that any stream can be made from it

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

        def add(cursor: Any, again: bool) -> None:
            found = self._sql.study_named(cursor, n=row["name"]).fetchone()
            if found is None:
                self._refuse_large(cursor, "the study's header, with its space", text)
                self._sql.add_study(cursor, **row)
            elif not (again and found[0] == header.uid):  # then the acknowledgement was lost
                raise StudyExists(
                    f"a study named {header.name!r} is in {self.location} already: open it, or take another name",
                    name=header.name,
                )

        try:
            self._write(add)
        except Duplicate as error:
            raise StudyExists(
                f"a study with the name {header.name!r} or the uid {header.uid!r} is in {self.location} already",
                name=header.name,
            ) from error

    def open(self, name: str) -> Header:
        if self._absent():
            raise StudyNotFound(f"no study named {name!r}: {self.location} does not exist yet", name=name)
        row = self._read(lambda cursor: self._sql.study_named(cursor, n=json.dumps(name)).fetchone())
        if row is not None:
            return header_of(row, self.location)
        known = ", ".join(repr(header.name) for header in self.studies()) or "no study at all"
        raise StudyNotFound(f"no study in {self.location} is named {name!r}; there is {known}", name=name)

    def studies(self) -> list[Header]:
        if self._absent():
            return []
        rows = self._read(lambda cursor: self._sql.all_studies(cursor).fetchall())
        return [header_of(row, self.location) for row in rows]

    def rename(self, uid: str, name: str) -> None:
        def act(cursor: Any, again: bool) -> None:
            row = self._sql.study_of(cursor, u=uid).fetchone()
            if row is None:
                self._missing(uid)
            text = header_to_json(replace(header_of(row, self.location), name=name))
            self._sql.rename(cursor, u=uid, n=json.dumps(name), text=text, sum=checksum("header", text))

        try:
            self._write(act)
        except Duplicate as error:
            raise StudyExists(
                f"a study named {name!r} is in {self.location} already: take another name", name=name
            ) from error

    def delete(self, uid: str) -> None:
        def act(cursor: Any, again: bool) -> None:
            row = self._sql.hold(cursor, u=uid).fetchone()
            if row is None:
                if again:
                    return
                self._missing(uid)
            study, _, _ = position_of(row, uid, self.location)
            for statement in self._sql.delete:
                statement(cursor, i=study)

        self._write(act)

    # --- the log ---

    def append(self, uid: str, events: Sequence[Event], token: str) -> int:
        if not events:
            raise ValueError("a batch has at least one event")
        bodies = [event_to_json(event) for event in events]
        asked = sum(1 for kind, _ in bodies if kind == "asked")
        try:
            last = self._write(
                lambda cursor, again: self._append(cursor, uid, events, bodies, asked, token),
            )
            self._move_log(last - len(bodies), last)
            return last
        except (Conflict, Duplicate):
            # Either another writer was first, or this very batch was: its acknowledgement was lost on the way.
            seq = self._place_of(uid, token)
            if seq is None:
                raise
            return seq

    def _append(
        self, cursor: Any, uid: str, events: Sequence[Event], bodies: list[tuple[str, str]], asked: int, token: str
    ) -> int:
        sql = self._sql
        sql.advance(cursor, u=uid, k=len(bodies), asked=asked)
        study, seq, next_number = self._position(cursor, uid)
        self._add_batch(cursor, study, seq - len(bodies) + 1, next_number - asked, events, bodies, token)
        return int(seq)

    def _add_batch(
        self,
        cursor: Any,
        study: int,
        first: int,
        before: int,
        events: Sequence[Event],
        bodies: list[tuple[str, str]],
        token: str,
    ) -> None:
        """Entries and heads of a batch that begins at a place, where `before` was the next free number."""
        for event, (_, body) in zip(events, bodies, strict=True):
            self._refuse_large(cursor, _said(event), body)
        sql, heads = self._sql, {}
        for number in numbers(before, events):
            head = sql.trial(cursor, i=study, n=number).fetchone()
            heads[number] = head_of(head, number, self.location)
        _, changed = advance(before, heads.get, events)
        self._add_entries(cursor, study, first, bodies, token)
        for number, (attempt, state) in changed.items():
            if number < before:
                sql.move_trial(cursor, i=study, n=number, a=attempt, s=state)
        places = {event.number: place for place, event in enumerate(events, first) if isinstance(event, Asked)}
        sql.add_trial.many(
            cursor,
            [
                {"study": study, "number": number, "attempt": attempt, "state": state, "asked": places[number]}
                for number, (attempt, state) in changed.items()
                if number >= before
            ],
        )

    def turn(
        self,
        uid: str,
        after: int,
        decide: Callable[[list[Entry]], Sequence[Event]],
        token: str,
        meanwhile: Callable[[list[Entry]], object] | None = None,
    ) -> int:
        sql = self._sql

        def look() -> None:
            nonlocal after
            if meanwhile is not None and (new := self.read(uid, after)):
                after = new[-1].seq
                meanwhile(new)

        with self._writing(lasting=True, seconds=WAIT, piped=True, meanwhile=look) as cursor:
            (study, head, next_number), entries = self._hold(cursor, uid, after)
            events = decide(entries)
            if not events:
                return head
            bodies = [event_to_json(event) for event in events]
            last, following = head + len(bodies), next_number + sum(1 for kind, _ in bodies if kind == "asked")
            sql.move_study(cursor, i=study, h=last, n=following)
            self._add_batch(cursor, study, head + 1, next_number, events, bodies, token)
        self._move_log(head, last)
        return last

    def _move_log(self, before: int, last: int) -> None:
        """After a batch: of all writers, the one whose batch passes a thousand takes care of SQLite's log."""
        if self.file is not None and before // _MOVED != last // _MOVED:
            with self._guarded():
                self.file.move_log(self._connect())

    def _hold(self, cursor: Any, uid: str, after: int) -> tuple[tuple[int, int, int], list[Entry]]:
        """Keep other writers away; the study's place, and what is new after `after`."""
        if self._pipes:  # both in one round trip: the second statement is begun when the first one has the lock
            other = cursor.connection.cursor()
            self._sql.hold(cursor, u=uid)
            self._sql.entries_of(other, u=uid, after=after)
            row, rows = cursor.fetchone(), other.fetchall()
            if row is None:
                self._missing(uid)
            study, head, next_number = position_of(row, uid, self.location)
        else:
            study, head, next_number = self._position(cursor, uid, hold=True)
            rows = self._sql.entries(cursor, i=study, after=after, upto=head).fetchall() if head > after else []
        return (study, head, next_number), self._all_entries(rows, after, head, head)

    def _add_entries(self, cursor: Any, study: int, first: int, bodies: list[tuple[str, str]], token: str) -> None:
        rows: list[dict[str, object]] = [
            {"study": study, "seq": place, "kind": kind, "body": body, "crc": checksum(kind, body), "token": None}
            for place, (kind, body) in enumerate(bodies, first)
        ]
        rows[-1]["token"] = token
        self._sql.add_entry.many(cursor, rows)

    def _place_of(self, uid: str, token: str) -> int | None:
        """Where the batch with a token ends."""
        found = self._read(lambda cursor: self._sql.token(cursor, t=token).fetchone())
        if found is not None and found[0] != uid:
            raise StorageError(f"the token {token!r} is that of a batch of another study: tokens are unique") from None
        return None if found is None else int(found[1])

    def claim(self, uid: str, worker: str, at: float, token: str) -> Claim | None:
        sql = self._sql

        def act(cursor: Any, again: bool) -> Claim | None:
            taken = sql.token(cursor, t=token).fetchone()  # its acknowledgement may have been lost
            if taken is not None:
                return known(cursor, int(taken[1]))
            # Once without a lock: most who look find nothing, and need not wait for those who write.
            for locked in (False, True):
                study, head, _ = self._position(cursor, uid, hold=locked)
                number = sql.waiting(cursor, i=study, s=int(State.WAITING)).fetchone()[0]
                if number is None:
                    return None
            sql.advance(cursor, u=uid, k=1, asked=0)
            attempt, _, place = asked_of(sql.asked(cursor, i=study, n=number).fetchone(), number, self.location)
            started = Started(number, attempt + 1, worker, at)
            self._add_entries(cursor, study, head + 1, [event_to_json(started)], token)
            sql.move_trial(cursor, i=study, n=number, a=attempt + 1, s=int(State.RUNNING))
            return Claim(head + 1, started, self._entry(cursor, study, place, Asked))

        def known(cursor: Any, seq: int) -> Claim:
            study, _, _ = self._position(cursor, uid)
            started = self._entry(cursor, study, seq, Started)
            row = sql.asked(cursor, i=study, n=started.number).fetchone()
            _, _, place = asked_of(row, started.number, self.location)
            return Claim(seq, started, self._entry(cursor, study, place, Asked))

        try:
            return self._write(act)
        except Duplicate:
            seq = self._place_of(uid, token)
            if seq is None:
                raise
            return self._read(lambda cursor: known(cursor, seq))

    def read(self, uid: str, after: int = 0, limit: int | None = None) -> list[Entry]:
        if self._absent():
            self._missing(uid)
        after = max(after, 0)

        def act(cursor: Any) -> tuple[int, int, list[Any]]:
            study, head, _ = self._position(cursor, uid)
            upto = head if limit is None else min(head, after + max(limit, 0))
            if upto <= after:
                return head, after, []
            rows = self._sql.entries(cursor, i=study, after=after, upto=upto).fetchall()
            if len(rows) != upto - after:
                self._position(cursor, uid)  # deleted in this moment, perhaps
            return head, upto, rows

        head, upto, rows = self._read(act)
        return self._all_entries(rows, after, upto, head)

    def _all_entries(self, rows: Sequence[Any], after: int, upto: int, head: int) -> list[Entry]:
        entries = entries_of(rows, after, self.location)
        if len(entries) != upto - after:
            place = after + len(entries) + 1
            raise CorruptLog(f"entry {place} of {head} is missing in {self.location}; {RESTORE}", seq=place)
        return entries

    def digest(self, uid: str, upto: int) -> int | None:
        if self._absent():
            return None
        row = self._read(lambda cursor: self._sql.digest(cursor, u=uid, upto=upto).fetchone())
        return None if row is None or row[0] != upto or row[1] is None else int(row[1])

    # --- workers ---

    def beat(self, uid: str, worker: str, lease: float) -> None:
        name = checked_worker(worker)

        def act(cursor: Any, again: bool) -> None:
            study, _, _ = self._position(cursor, uid)  # without its lock: beats are in nobody's way
            if not self._sql.beat(cursor, i=study, w=name, l=lease).rowcount:
                self._sql.first_beat(cursor, study=study, worker=name, beats=1, lease=lease)

        self._write(act, lasting=False)

    def beats(self, uid: str) -> Mapping[str, Beat]:
        if self._absent():
            return {}
        self._read(lambda cursor: None)  # connected, and so aware of the tables' version
        if self.schema < 2:
            return {}
        return beats_of(self._read(lambda cursor: self._sql.beats(cursor, u=uid).fetchall()), self.location)

    def leave(self, uid: str, worker: str) -> None:
        name = checked_worker(worker)

        def act(cursor: Any, again: bool) -> None:
            study, _, _ = self._position(cursor, uid)
            self._sql.last_beat(cursor, i=study, w=name)

        self._write(act, lasting=False)

    # --- bytes beside a study ---

    def put(self, uid: str, key: str, data: bytes) -> None:
        name = json.dumps(key)

        def act(cursor: Any, again: bool) -> None:
            study, _, _ = self._position(cursor, uid, hold=True)
            self._refuse_large(cursor, f"what is to be kept as {key!r}", data)
            self._sql.drop_blob(cursor, i=study, k=name)
            self._sql.add_blob(cursor, study=study, key=name, crc=zlib.crc32(data), data=bytes(data))

        self._write(act, seconds=WAIT + len(data) / _SLOW)

    def get(self, uid: str, key: str) -> bytes | None:
        if self._absent():
            return None
        row = self._read(lambda cursor: self._sql.blob(cursor, u=uid, k=json.dumps(key)).fetchone())
        return None if row is None else bytes_of(row, key, self.location)

    def keys(self, uid: str) -> list[str]:
        if self._absent():
            return []
        rows = self._read(lambda cursor: self._sql.keys(cursor, u=uid).fetchall())
        return keys_of(rows, self.location)

    def drop(self, uid: str, key: str) -> None:
        def act(cursor: Any, again: bool) -> None:
            study, _, _ = self._position(cursor, uid, hold=True)
            self._sql.drop_blob(cursor, i=study, k=json.dumps(key))

        self._write(act)

    def _position(self, cursor: Any, uid: str, hold: bool = False) -> tuple[int, int, int]:
        """The study's id, its last place in the log and its next free number; `hold` keeps other writers away."""
        row = (self._sql.hold if hold else self._sql.position)(cursor, u=uid).fetchone()
        if row is None:
            self._missing(uid)
        return position_of(row, uid, self.location)

    def _entry(self, cursor: Any, study: int, seq: int, kind: type[_E]) -> _E:
        """One entry of a study, which is of this kind."""
        (entry,) = entries_of(self._sql.entry(cursor, i=study, q=seq).fetchall(), seq - 1, self.location) or (None,)
        if entry is None or not isinstance(entry.event, kind):
            raise CorruptLog(f"entry {seq} in {self.location} is not the {kind.__name__} that it should be; {RESTORE}")
        return entry.event

    def _missing(self, uid: str) -> NoReturn:
        raise StudyNotFound(
            f"no study in {self.location} has the uid {uid!r}: it was deleted, or never created",
            uid=uid,
            gone=True,
        )


def _said(event: Event) -> str:
    """What an event is, to whoever made it."""
    kind = {Finished: "result", Reported: "report"}.get(type(event))
    if kind is not None:
        return f"the {kind} of trial {getattr(event, 'number', '?')}"
    return "a note" if isinstance(event, Noted) else f"an entry ({type(event).__name__})"
