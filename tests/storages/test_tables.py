"""The tables as each database is told to make them; no server is needed to look at that."""

from __future__ import annotations

import importlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from parzen.storages._file import SCHEMA
from parzen.storages._tables import TABLES, Statements, make_tables, schema_statements

DATABASES = ["sqlite", "postgresql", "mysql", "mariadb"]


def _made(database: str) -> str:
    kind = "mysql" if database == "mariadb" else database
    dialect = importlib.import_module(f"sqlalchemy.dialects.{kind}").dialect()
    dialect.name = database
    return "\n".join(schema_statements(dialect))


@pytest.mark.parametrize("database", DATABASES)
def test_every_database_is_told_of_every_table_and_index(database: str) -> None:
    """The tables, the index by which WAITING trials are found, and every statement can be said in each dialect."""
    made = _made(database)

    assert made.count("CREATE TABLE") == len(TABLES.tables) == 6
    assert "CREATE INDEX parzen_trial_state ON parzen_trial (study, state, number)" in made


@pytest.mark.parametrize("database", ["mysql", "mariadb"])
def test_mysql_compares_bytes_and_keeps_long_texts(database: str) -> None:
    """Its defaults take "a" for "A", and end a text at 64 kB."""
    lines = [line.strip() for line in _made(database).splitlines()]
    texts = [line for line in lines if " VARCHAR" in line or " TEXT" in line]

    assert len(texts) == 10
    assert all("COLLATE ascii_bin" in line for line in texts)
    assert sorted(line.split()[0] for line in texts if " TEXT(4294967295)" in line) == ["body", "header", "value"]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_other_databases_are_not_told_of_mysqls_ways(database: str) -> None:
    """They compare bytes by themselves, and their TEXT has no end."""
    made = _made(database)

    assert "COLLATE" not in made
    assert "body TEXT NOT NULL" in made


@pytest.mark.parametrize(("database", "locks"), [("sqlite", False), ("postgresql", True), ("mysql", True)])
def test_a_server_locks_the_row_of_a_study(database: str, locks: bool) -> None:
    """Who changes what lies beside the log waits for who appends; SQLite has locked the file by then."""
    dialect = importlib.import_module(f"sqlalchemy.dialects.{database}").dialect()

    assert ("FOR UPDATE" in Statements(dialect).hold._text) is locks


@pytest.mark.parametrize("moment", ["before the tables", "before the version"])
def test_of_two_who_come_first_at_once_both_find_the_tables(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is refused, because the other was faster, looks again instead of calling the database damaged."""
    engine = sa.create_engine(f"sqlite:///{tmp_path}/server.db", poolclass=NullPool)
    statements, refused = Statements(engine.dialect), []
    create_all = sa.MetaData.create_all
    other = sqlite3.connect(tmp_path / "server.db")

    def overtaken(self: sa.MetaData, *args: object, **options: bool) -> None:
        if not refused:
            refused.append(moment)
            for statement in schema_statements(engine.dialect):
                other.execute(statement)
            if moment == "before the tables":
                options["checkfirst"] = False  # it had looked already
            else:
                look = statements.get_meta

                def late(*args: object, **values: object) -> object:
                    statements.get_meta = look
                    found = look(*args, **values)
                    row = found.fetchone()
                    other.execute("INSERT INTO parzen_meta VALUES ('schema', '2')")
                    other.commit()
                    assert row is None
                    return found

                statements.get_meta = late  # type: ignore[assignment]
            other.commit()
        create_all(self, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(sa.MetaData, "create_all", overtaken)
    connection = engine.raw_connection()
    make_tables(engine, connection, statements)
    rows = connection.cursor().execute("SELECT * FROM parzen_meta").fetchall()
    connection.close()
    other.close()

    assert rows == [("schema", str(SCHEMA))]


def test_what_refuses_again_and_again_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking again has an end: a server that refuses for another reason is an error."""
    engine = sa.create_engine(f"sqlite:///{tmp_path}/server.db", poolclass=NullPool)

    def refuse(*_: object, **options: object) -> None:
        raise sa.exc.OperationalError("CREATE TABLE", {}, Exception("permission denied"))

    monkeypatch.setattr(sa.MetaData, "create_all", refuse)
    connection = engine.raw_connection()
    with pytest.raises(sa.exc.OperationalError, match="permission denied"):
        make_tables(engine, connection, Statements(engine.dialect))
    connection.close()


def test_a_study_in_a_file_loads_no_other_dialect() -> None:
    """Those of servers cost their users 18 ms, and nobody else anything."""
    program = (
        "import sys; from parzen.storages import open_storage; open_storage(sys.argv[1]); "
        "print([name for name in ('mysql', 'postgresql') if f'sqlalchemy.dialects.{name}' in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program, "study.db"], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "[]"
