"""From the tables of an older parzen to ours, one version at a time.

Each step only adds, so that a process with an older parzen that has the database open goes on working, and each may be done
twice: MySQL commits with every `CREATE TABLE`, so that a process may die between a step and the row that says it was done.

| version | what it brought |
|---|---|
| 1 | studies, entries, heads, bytes |
| 2 | `parzen_beat`: that a worker is still there |
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from parzen.storages._file import SCHEMA
from parzen.storages._tables import TABLES, Statements

__all__ = ["upgrade"]

_NEW: Mapping[int, Sequence[str]] = {2: ("parzen_beat",)}
"""Version -> the tables that it brought."""


def upgrade(connection: Any, dialect: sa.Dialect, statements: Statements, is_file: bool) -> None:
    """Bring the tables of a database up to `SCHEMA`; who comes second finds it done.

    Args:
        connection: of the driver, outside of a transaction.
        dialect: of the database.
        statements: compiled for it.
        is_file: it is SQLite's, whose header carries the version as well.
    """
    with contextlib.closing(connection.cursor()) as cursor:
        try:
            if is_file:
                cursor.execute("BEGIN IMMEDIATE")
            version = int(statements.hold_meta(cursor, k="schema").fetchone()[0])
            for step in range(version + 1, SCHEMA + 1):
                for name in _NEW[step]:
                    made = sa.schema.CreateTable(TABLES.tables[name], if_not_exists=True)
                    cursor.execute(str(made.compile(dialect=dialect)))
            if version < SCHEMA:
                statements.set_meta(cursor, k="schema", v=str(SCHEMA))
                if is_file:
                    cursor.execute(f"PRAGMA user_version = {SCHEMA}")
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
