"""The tables of a database, and every statement that is run on them.

SQLAlchemy Core describes the tables, speaks each database's dialect and finds its driver.  The statements are compiled
once and handed to the driver itself: a look-up takes 3 µs of CPU so, and 19 µs by Core's own way from a statement to its
rows; an append is six or seven statements, and 0.1 ms in all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from parzen.storages._file import SCHEMA

__all__ = ["TABLES", "Statement", "Statements", "make_tables", "schema_statements"]

TABLES = sa.MetaData()


def _name(length: int) -> sa.String:
    """A short text in ASCII.  MySQL by its own default takes "a" and "A" for one, so that it is told to compare bytes."""
    return sa.String(length).with_variant(sa.String(length, collation="ascii_bin"), "mysql", "mariadb")


def _text() -> sa.Text:
    """A text in ASCII of any length.

    A TEXT of MySQL ends at 64 kB; given a length, MySQL takes the type that holds it, which is LONGTEXT.  Its dialect has
    that type by name, but costs 18 ms to import, which every study in a file would pay.
    """
    return sa.Text().with_variant(sa.Text(2**32 - 1, collation="ascii_bin"), "mysql", "mariadb")


_meta = sa.Table(
    "parzen_meta",
    TABLES,
    sa.Column("key", _name(40), primary_key=True),
    sa.Column("value", _text(), nullable=False),
)
_study = sa.Table(
    "parzen_study",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("uid", _name(64), nullable=False, unique=True),
    # As a JSON string: any name, lone surrogates included, becomes ASCII.
    sa.Column("name", _name(700), nullable=False, unique=True),
    sa.Column("header", _text(), nullable=False),
    sa.Column("crc", sa.BigInteger, nullable=False),
    sa.Column("head", sa.BigInteger, nullable=False),
    sa.Column("next_number", sa.BigInteger, nullable=False),
)
_entry = sa.Table(
    "parzen_entry",
    TABLES,
    sa.Column("study", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", _name(40), nullable=False),
    sa.Column("body", _text(), nullable=False),
    sa.Column("crc", sa.BigInteger, nullable=False),
    # On the last entry of a batch; databases allow any number of NULLs in a unique column.
    sa.Column("token", _name(64), nullable=True, unique=True),
    sqlite_with_rowid=False,  # rows lie in the order in which they are read, and there is no second tree to keep
)
_head = sa.Table(
    "parzen_trial",
    TABLES,
    sa.Column("study", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("state", sa.Integer, nullable=False),
    # Where its Asked is in the log, so that who takes a WAITING trial finds its values without reading the log.
    sa.Column("asked", sa.BigInteger, nullable=False),
    # min(number) of a state is the first row of a range.  Ask for that first, and for the row then: asked for both at
    # once, SQLite goes through the trials from number 0.
    sa.Index("parzen_trial_state", "study", "state", "number"),
    sqlite_with_rowid=False,
)
_blob = sa.Table(
    "parzen_blob",
    TABLES,
    sa.Column("study", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("key", _name(700), primary_key=True),
    sa.Column("crc", sa.BigInteger, nullable=False),
    sa.Column("data", sa.LargeBinary(2**32 - 1), nullable=False),
)

_beat = sa.Table(
    "parzen_beat",
    TABLES,
    sa.Column("study", sa.Integer, primary_key=True, autoincrement=False),
    # As a JSON string, like every text that somebody else may have chosen.
    sa.Column("worker", _name(255), primary_key=True),
    sa.Column("beats", sa.BigInteger, nullable=False),
    # Seconds without a beat after which this worker is to be taken for dead; it says so itself.
    sa.Column("lease", sa.Float, nullable=False),
    sqlite_with_rowid=False,
)


def schema_statements(dialect: sa.Dialect) -> list[str]:
    """What makes the tables and their indexes."""
    made: list[str] = []
    for table in TABLES.sorted_tables:
        made.append(str(sa.schema.CreateTable(table).compile(dialect=dialect)))
        made += [str(sa.schema.CreateIndex(index).compile(dialect=dialect)) for index in table.indexes]
    return made


class Statement:
    """One statement as the driver takes it."""

    __slots__ = ("_names", "_text")

    def __init__(self, clause: sa.ClauseElement, dialect: sa.Dialect, columns: Sequence[str] | None = None) -> None:
        compiled: Any = clause.compile(dialect=dialect, column_keys=columns)
        self._text: str = str(compiled)
        self._names: list[str] | None = compiled.positiontup  # None where the driver takes names

    def _bind(self, values: Mapping[str, object]) -> Any:  # what a driver takes: a tuple or a mapping
        return values if self._names is None else tuple([values[name] for name in self._names])

    def __call__(self, cursor: Any, **values: object) -> Any:  # DBAPI cursors have no type
        cursor.execute(self._text, self._bind(values))
        return cursor

    def many(self, cursor: Any, rows: Sequence[Mapping[str, object]]) -> None:
        if len(rows) == 1:
            cursor.execute(self._text, self._bind(rows[0]))
        elif rows:
            cursor.executemany(self._text, [self._bind(row) for row in rows])


class Statements:
    """Every statement of this module, compiled for one dialect."""

    def __init__(self, dialect: sa.Dialect) -> None:
        def made(clause: sa.ClauseElement, columns: Sequence[str] | None = None) -> Statement:
            return Statement(clause, dialect, columns)

        p = sa.bindparam
        s, e, h, b, t = _study.c, _entry.c, _head.c, _blob.c, _beat.c
        self.get_meta = made(sa.select(_meta.c.value).where(_meta.c.key == p("k")))
        self.hold_meta = made(sa.select(_meta.c.value).where(_meta.c.key == p("k")).with_for_update())
        self.set_meta = made(sa.update(_meta).where(_meta.c.key == p("k")).values(value=p("v")))
        self.add_meta = made(_meta.insert(), ["key", "value"])
        self.add_study = made(_study.insert(), ["uid", "name", "header", "crc", "head", "next_number"])
        self.all_studies = made(sa.select(s.uid, s.name, s.header, s.crc).order_by(s.id))
        self.study_named = made(sa.select(s.uid, s.name, s.header, s.crc).where(s.name == p("n")))
        self.study_of = made(sa.select(s.uid, s.name, s.header, s.crc).where(s.uid == p("u")))
        self.rename = made(
            sa.update(_study).where(s.uid == p("u")).values(name=p("n"), header=p("text"), crc=p("sum")),
        )
        position = sa.select(s.id, s.head, s.next_number).where(s.uid == p("u"))
        self.position = made(position)
        # With the study's row lock, as `advance` has it; on SQLite, whose lock is the file's, it is the same statement.
        self.hold = made(position.with_for_update())
        self.advance = made(
            sa.update(_study)
            .where(s.uid == p("u"))
            .values(head=s.head + p("k"), next_number=s.next_number + p("asked")),
        )
        # By whoever holds the study: what the two were is known.
        self.move_study = made(sa.update(_study).where(s.id == p("i")).values(head=p("h"), next_number=p("n")))
        self.add_entry = made(_entry.insert(), ["study", "seq", "kind", "body", "crc", "token"])
        self.entries = made(
            sa.select(e.seq, e.kind, e.body, e.crc)
            .where(e.study == p("i"), e.seq > p("after"), e.seq <= p("upto"))
            .order_by(e.seq)
        )
        own = sa.select(s.id).where(s.uid == p("u")).scalar_subquery()
        self.entries_of = made(
            sa.select(e.seq, e.kind, e.body, e.crc).where(e.study == own, e.seq > p("after")).order_by(e.seq)
        )
        self.digest = made(
            sa.select(sa.func.count(), sa.func.sum(e.crc)).where(e.study == own, e.seq <= p("upto")).select_from(_entry)
        )
        self.token = made(sa.select(s.uid, e.seq).where(s.id == e.study, e.token == p("t")))
        self.entry = made(sa.select(e.seq, e.kind, e.body, e.crc).where(e.study == p("i"), e.seq == p("q")))
        self.trial = made(sa.select(h.attempt, h.state).where(h.study == p("i"), h.number == p("n")))
        self.add_trial = made(_head.insert(), ["study", "number", "attempt", "state", "asked"])
        self.move_trial = made(
            sa.update(_head).where(h.study == p("i"), h.number == p("n")).values(attempt=p("a"), state=p("s"))
        )
        self.waiting = made(sa.select(sa.func.min(h.number)).where(h.study == p("i"), h.state == p("s")))
        self.asked = made(sa.select(h.attempt, h.state, h.asked).where(h.study == p("i"), h.number == p("n")))
        self.beat = made(
            sa.update(_beat)
            .where(t.study == p("i"), t.worker == p("w"))
            .values(beats=t.beats + sa.literal_column("1"), lease=p("l"))
        )
        self.first_beat = made(_beat.insert(), ["study", "worker", "beats", "lease"])
        self.last_beat = made(sa.delete(_beat).where(t.study == p("i"), t.worker == p("w")))
        self.beats = made(sa.select(t.worker, t.beats, t.lease).where(s.id == t.study, s.uid == p("u")))
        self.drop_blob = made(sa.delete(_blob).where(b.study == p("i"), b.key == p("k")))
        self.add_blob = made(_blob.insert(), ["study", "key", "crc", "data"])
        self.blob = made(sa.select(b.crc, b.data).where(s.id == b.study, s.uid == p("u"), b.key == p("k")))
        self.keys = made(sa.select(b.key).where(s.id == b.study, s.uid == p("u")))
        self.delete = [
            made(sa.delete(table).where(column == p("i")))
            for table, column in (
                (_entry, e.study),
                (_head, h.study),
                (_blob, b.study),
                (_beat, t.study),
                (_study, s.id),
            )
        ]


def make_tables(engine: sa.Engine, connection: Any, statements: Statements) -> None:  # DBAPI connections have no type
    """On a server: the tables and the row of their version, unless they are there.

    Two processes that come first at once both find them missing, and one of them is refused, somewhere between the first
    table and the row of the version.  It then looks again: each refusal means that something more is there.
    """
    for left in reversed(range(2 + len(TABLES.tables))):
        cursor = connection.cursor()
        try:
            TABLES.create_all(engine, checkfirst=True)
            if statements.get_meta(cursor, k="schema").fetchone() is None:
                statements.add_meta(cursor, key="schema", value=str(SCHEMA))
            connection.commit()
            return
        except (engine.dialect.loaded_dbapi.Error, sa.exc.SQLAlchemyError):
            connection.rollback()
            if not left:
                raise
        finally:
            cursor.close()
