"""From a database's URL to the file or the engine that it means."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from parzen.errors import MissingDependency, StorageError
from parzen.storages._file import StudyFile, sentence

__all__ = ["parse_url", "server_engine", "sqlite_file"]

_DRIVERS: Mapping[str, tuple[str, str]] = {
    "postgresql": ("postgresql+psycopg", '"psycopg[binary]"'),
    "mysql": ("mysql+pymysql", "PyMySQL"),
    "mariadb": ("mariadb+pymysql", "PyMySQL"),
}
"""URL scheme -> the driver that is meant by it, and what to install for that."""


def parse_url(url: str | sa.URL) -> sa.URL:
    """The parts of a URL; its text is not repeated in an error, because a password may be in it."""
    try:
        return sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError) as error:
        scheme = str(url).partition("://")[0]
        raise StorageError(
            f"a URL of a database is DATABASE://USER:PASSWORD@HOST:PORT/NAME; the one that begins with {scheme[:20]!r} "
            "cannot be read"
        ) from error


def sqlite_file(url: sa.URL, readonly: bool) -> StudyFile:
    """The file that a URL means."""
    database = url.database or ""
    if database in ("", ":memory:") or database.startswith("file:"):
        raise StorageError(
            f"{url} names no file: memory is what a study has when no storage is given (storage=None); to keep it, "
            'give a file, as in storage="study.db"'
        )
    options = {name: value if isinstance(value, str) else value[-1] for name, value in url.query.items()}
    sync, timeout = options.pop("sync", "normal").upper(), options.pop("timeout", "60")
    if options or sync not in ("NORMAL", "FULL"):
        raise StorageError(f"{url}: after the ? stand sync=normal or sync=full, and timeout=SECONDS, and nothing else")
    try:
        seconds = float(timeout)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86400:
        raise StorageError(f"{url}: timeout is the seconds to wait for another writer, 0 to 86400, not {timeout!r}")
    return StudyFile(database, readonly=readonly, timeout=seconds, synchronous=sync)


def server_engine(url: sa.URL) -> sa.Engine:
    """The engine of a database server; nothing is connected yet.

    READ COMMITTED, because every transaction takes the row lock of its study first and needs nothing more; MySQL's own
    default adds locks on gaps between rows, on which two writers of different keys can wait for each other.  No pool,
    because a storage holds one connection, and `close` is to close it.
    """
    driver, package = _DRIVERS.get(url.drivername, (url.drivername, url.drivername.partition("+")[2]))
    try:
        return sa.create_engine(
            url.set(drivername=driver),
            poolclass=NullPool,
            isolation_level="READ COMMITTED",
        )
    except ImportError as error:
        raise MissingDependency(
            f"{url.get_backend_name()} needs a driver that is not installed: pip install {package}", package=package
        ) from error
    except sa.exc.SQLAlchemyError as error:
        raise StorageError(f"{url.render_as_string(hide_password=True)} cannot be used: {sentence(error)}") from error
