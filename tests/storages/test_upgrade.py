"""Databases that an older parzen made, from the first schema on, are opened, brought up to date and gone on with."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from parzen import State, Study
from parzen.storages import open_storage
from parzen.storages._file import SCHEMA
from tests.databases import fresh_database

DATA = Path(__file__).parent / "data"
FIRST = json.loads((DATA / "schema-1.json").read_text(encoding="ascii"))
SERVERS = [pytest.param(kind, marks=pytest.mark.databases) for kind in ("postgresql", "mysql")]


def _fill(execute: Any, kind: str, mark: str) -> None:
    for statement in FIRST["statements"][kind]:
        execute(statement)
    for table, content in FIRST["tables"].items():
        for row in content["rows"]:
            values = tuple(bytes.fromhex(cell["hex"]) if isinstance(cell, dict) else cell for cell in row)
            quoted = ", ".join(f"`{name}`" if kind == "mysql" else f'"{name}"' for name in content["columns"])
            execute(f"INSERT INTO {table} ({quoted}) VALUES ({', '.join([mark] * len(values))})", values)


@contextlib.contextmanager
def _old(kind: str, folder: Path) -> Iterator[str]:
    """A database as the first version left it."""
    if kind == "sqlite":
        with contextlib.closing(sqlite3.connect(folder / "study.db")) as connection:
            connection.execute(f"PRAGMA application_id = {FIRST['application_id']}")
            connection.execute(f"PRAGMA user_version = {FIRST['user_version']}")
            _fill(connection.execute, "sqlite", "?")
            connection.commit()
            connection.execute("PRAGMA journal_mode = WAL")
        yield str(folder / "study.db")
        return
    with fresh_database(kind) as url:
        driver = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}[kind]
        engine = sa.create_engine(sa.make_url(url).set(drivername=driver), poolclass=NullPool)
        connection = engine.raw_connection()
        cursor = connection.cursor()
        _fill(cursor.execute, kind, "%s")
        connection.commit()
        connection.close()
        yield url


def _version(where: str) -> Any:
    storage = open_storage(where, readonly=True)
    with storage._reading() as cursor:  # type: ignore[attr-defined]  # what is in the tables is looked at
        version = storage._sql.get_meta(cursor, k="schema").fetchone()[0]  # type: ignore[attr-defined]
    storage.close()
    return version


@pytest.mark.parametrize("kind", ["sqlite", *SERVERS])
def test_a_study_of_the_first_schema_is_read_and_gone_on_with(kind: str, tmp_path: Path) -> None:
    """Reading leaves it as it was; who writes brings the tables up to date, and nothing is lost."""
    with _old(kind, tmp_path) as where:
        looked = Study.load(where, readonly=True)
        before = [(trial.number, trial.state, trial.loss) for trial in looked.trials]
        uid = looked.header.uid

        assert looked.storage.beats(uid) == {}
        assert [state for _, state, _ in before] == [State.OK] * 6 + [State.WAITING]
        looked.storage.close()
        assert _version(where) == "1"

        study = Study.load(where, algorithm="random")
        study.storage.beat(uid, "w", 60.0)
        result = study.run(lambda config: config["x"] ** 2, 9, progress=False)

        assert [(trial.number, trial.state, trial.loss) for trial in result.trials][:6] == before[:6]
        assert result.trials[6].attempt == 2
        assert study.history.count(State.OK) == 9
        assert study.storage.get(uid, "note") == b"\x00\x01data"
        assert "w" in study.storage.beats(uid)
        study.storage.close()
        assert _version(where) == str(SCHEMA)


@pytest.mark.parametrize("kind", ["sqlite", *SERVERS])
def test_two_may_upgrade_at_once(kind: str, tmp_path: Path) -> None:
    """Who comes second finds it done, and one that had it open before goes on."""
    with _old(kind, tmp_path) as where:
        storages = [open_storage(where) for _ in range(3)]
        headers = [storage.studies()[0] for storage in storages]

        assert len({header.uid for header in headers}) == 1
        for storage in storages:
            storage.beat(headers[0].uid, "w", 60.0)
        assert storages[0].beats(headers[0].uid)["w"].total == 3
        for storage in storages:
            storage.close()


def test_a_step_that_was_done_by_half_is_done_again(tmp_path: Path) -> None:
    """A process may die between a table and the row that says that it is there."""
    with _old("sqlite", tmp_path) as where:
        with contextlib.closing(sqlite3.connect(where)) as connection:
            connection.execute("CREATE TABLE parzen_beat (study, worker, beats, lease, PRIMARY KEY (study, worker))")
        storage = open_storage(where)
        uid = storage.studies()[0].uid
        storage.beat(uid, "w", 60.0)

        assert storage.beats(uid)["w"].total == 1
        storage.close()
