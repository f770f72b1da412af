"""From a database's URL to the file or the engine that it means, and what connections to servers need of us."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from parzen.errors import MissingDependency, StorageError
from parzen.storages._file import StudyFile, sentence

__all__ = [
    "WAIT",
    "Watchdog",
    "has_refused",
    "is_misspelt",
    "is_too_large",
    "may_pass",
    "parse_url",
    "prepare",
    "sent_bytes",
    "server_engine",
    "sqlite_file",
]

_DRIVERS: Mapping[str, tuple[str, str]] = {
    "postgresql": ("postgresql+psycopg", '"psycopg[binary]"'),
    "mysql": ("mysql+pymysql", "PyMySQL"),
    "mariadb": ("mariadb+pymysql", "PyMySQL"),
}
"""URL scheme -> the driver that is meant by it, and what to install for that."""
_OPTION = re.compile(r"|[^=]+=.+", re.DOTALL)
"""What may stand between two & after the `?` of a URL of SQLite: NAME=VALUE, or nothing."""
WAIT = 30
"""Seconds after which a server that says nothing is taken for lost: half of a lease, so that there is time to come back."""
_LOCKED = 20
"""Seconds that a transaction waits for a lock, or may hold one while its client says nothing."""

_CONNECT: Mapping[str, Mapping[str, Any]] = {
    "psycopg": {"connect_timeout": 10, "keepalives_idle": 20, "keepalives_interval": 5, "keepalives_count": 3},
    "pymysql": {"connect_timeout": 10, "read_timeout": WAIT, "write_timeout": WAIT},
}
"""Driver -> what it is told about a network that may go away, unless the URL says something else."""

_NAMING = frozenset({"database", "db", "read_default_file", "read_default_group"})
"""Options of PyMySQL that say which database is meant, where the URL does not; the last two by what is in a my.cnf."""

_PREPARE: Mapping[str, str] = {
    # Without these a client that was cut off in the middle of a transaction would keep its locks for hours: until the
    # server's kernel gives up the connection.
    "postgresql": f"SET lock_timeout = '{_LOCKED}s'; SET idle_in_transaction_session_timeout = '{_LOCKED}s'",
    "mariadb": f"SET SESSION innodb_lock_wait_timeout = {_LOCKED}, SESSION idle_transaction_timeout = {_LOCKED}",
    "mysql": f"SET SESSION innodb_lock_wait_timeout = {_LOCKED}, SESSION wait_timeout = 90",
}


def parse_url(url: str | sa.URL) -> sa.URL:
    """The parts of a URL; its text is not repeated in an error, because a password may be in it."""
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        scheme = str(url).partition("://")[0]
        raise StorageError(
            f"a URL of a database is DATABASE://USER:PASSWORD@HOST:PORT/NAME; the one that begins with {scheme[:20]!r} "
            "cannot be read"
        ) from None  # some versions of SQLAlchemy repeat the URL in their error
    kind, plus, driver = parsed.drivername.partition("+")
    if kind == "postgres":  # so libpq, and whoever rents databases out, spell it as well
        parsed = parsed.set(drivername=f"postgresql{plus}{driver}")
    if kind == "sqlite" and isinstance(url, str) and not all(map(_OPTION.fullmatch, url.partition("?")[2].split("&"))):
        raise StorageError(  # SQLAlchemy leaves out what has no value, as in ?full
            f"{parsed.set(query={})}: after the ? stand sync=normal or sync=full, and timeout=SECONDS, with & between them"
        )
    text = url.partition("://")[2] if isinstance(url, str) else (parsed.host or "") + "@"
    if kind != "sqlite" and text.count("@") > 1:
        # Wherever the second one stands, what is before it may be the rest of the password, taken for a host or a database,
        # and would be shown with it.
        raise StorageError(
            f"the URL that begins with {parsed.drivername}:// has more than one @: one in a password, or anywhere else but "
            "before the host, is written %40"
        )
    if parsed.port is not None and not 1 <= parsed.port <= 65535:  # not repeated: without an @HOST it is the password
        raise StorageError(
            f"the URL that begins with {parsed.drivername}:// has a port that cannot be: one is a number from 1 to 65535"
        )
    return parsed


def sqlite_file(url: sa.URL, readonly: bool) -> StudyFile:
    """The file that a URL means."""
    if url.username or url.password:
        raise StorageError(
            "a URL of SQLite names a file after three slashes, as in sqlite:///study.db, and neither a user nor a host"
        )
    database = url.database or ""
    if database in ("", ":memory:") or database.startswith("file:"):
        raise StorageError(
            f"{url} names no file: memory is what a study has when no storage is given (storage=None); to keep it, "
            'give a file, as in storage="study.db"'
        )
    shown = url.set(query={}).render_as_string()  # what stands after the ? may be a password
    options = {}
    for name, value in url.query.items():
        if not isinstance(value, str):
            raise StorageError(f"{shown}: {name} is given {len(value)} times after the ?, and may be once")
        options[name] = value
    sync, timeout = options.pop("sync", "normal").upper(), options.pop("timeout", "60")
    if options or sync not in ("NORMAL", "FULL"):
        other = f", not {', '.join(sorted(options))}" if options else ""
        raise StorageError(f"{shown}: after the ? stand sync=normal or sync=full, and timeout=SECONDS{other}")
    seconds = _seconds(timeout, shown)
    return StudyFile(database, readonly=readonly, timeout=seconds, synchronous=sync)


def server_engine(url: sa.URL) -> tuple[sa.Engine, float]:
    """The engine of a database server, and the seconds that a server which went away is waited for.

    Nothing is connected yet.  READ COMMITTED, because every transaction takes the row lock of its study first and needs
    nothing more; MySQL's own default adds locks on gaps between rows, on which two writers of different keys can wait for
    each other.  No pool, because a storage holds one connection, and `close` is to close it.
    """
    shown = url.set(query={}).render_as_string(hide_password=True)
    if url.get_backend_name() in ("mysql", "mariadb") and not url.database and _NAMING.isdisjoint(url.query):
        # PostgreSQL takes the database that is called as the user; here there is none, and no table can be made.
        raise StorageError(
            f"{shown} names no database: give its name after the last slash, as in mysql://user@host/search"
        )
    patience = _seconds(url.query.get("timeout", "60"), shown)
    url = url.difference_update_query(["timeout"])
    for name, value in url.query.items():  # drivers repeat the value in their errors
        if ("timeout" in name or name.startswith("keepalives")) and not re.fullmatch(r"-?\d+(\.\d+)?", str(value)):
            raise StorageError(f"{shown}: {name} is a number")
    driver, package = _DRIVERS.get(url.drivername, (url.drivername, url.drivername.partition("+")[2]))
    defaults = _CONNECT.get(driver.partition("+")[2], {})
    try:
        engine = sa.create_engine(
            url.set(drivername=driver),
            poolclass=NullPool,
            isolation_level="READ COMMITTED",
            connect_args={name: value for name, value in defaults.items() if name not in url.query},
        )
    except ImportError as error:
        raise MissingDependency(
            f"{url.get_backend_name()} needs a driver that is not installed: pip install {package}", package=package
        ) from error
    except sa.exc.SQLAlchemyError as error:
        raise StorageError(f"{shown} cannot be used: {sentence(error)}") from error
    except (ValueError, TypeError):  # the error would repeat the value, which may be a password
        names = ", ".join(sorted(url.query))
        raise StorageError(f"{shown}: a value after the ? is not one that its name can have ({names})") from None
    return engine, patience


def _seconds(text: object, shown: str) -> float:
    try:
        seconds = float(str(text))
    except ValueError:  # the value is not repeated: who leaves out an & writes a password behind it
        seconds = -1.0
    if not 0 <= seconds <= 86400:
        raise StorageError(f"{shown}: timeout is the seconds to wait, 0 to 86400")
    return seconds


def prepare(connection: Any, dialect: str) -> int | None:
    """Tell a server about a new connection what it has to know; the bytes that it takes in one statement, if few.

    MySQL and MariaDB have such a limit, and cut the connection of whoever passes it, often before they have said why: what
    is too large must not be sent.
    """
    told = (
        "mariadb"
        if dialect == "mysql" and "mariadb" in str(getattr(connection, "server_version", "")).lower()
        else dialect
    )
    with contextlib.closing(connection.cursor()) as cursor:
        cursor.execute(_PREPARE[told])
        limit = None
        if dialect in ("mysql", "mariadb"):
            cursor.execute("SELECT @@max_allowed_packet")
            limit = int(cursor.fetchone()[0])
    connection.commit()
    return limit


def sent_bytes(cursor: Any, value: str | bytes) -> int:
    """How long a value in ASCII, or bytes, is within a statement of MySQL.

    Of that there is only the driver to ask: PyMySQL writes bytes as themselves with backslashes, and since 1.2 in hex.
    """
    if hasattr(cursor, "mogrify"):
        return len(cursor.mogrify("%s", (value,)))
    return 2 * len(value)


_PASSING_STATES = ("08", "40", "57P", "25P03", "53300", "55P03")
"""PostgreSQL: connection lost, serialization or deadlock, server ending or starting, idle for too long, too many
connections, lock not had."""
_PASSING_NUMBERS = frozenset({0, 1040, 1053, 1158, 1159, 1160, 1161, 1205, 1213, 1927, 2003, 2006, 2013, 2055, 4031})
"""MySQL and MariaDB: the same."""
_TOO_LARGE = frozenset({1153, 2020})
"""MySQL and MariaDB: a packet beyond max_allowed_packet, as the server and as the client say it."""


def may_pass(error: BaseException, dbapi: Any) -> bool:
    """Whether the same transaction may do well if it is done again."""
    if not isinstance(error, (dbapi.OperationalError, dbapi.InterfaceError, dbapi.InternalError)):
        return False
    number = error.args[0] if error.args else None
    # Before the state, which PyMySQL knows since 1.2: of a lock not had it is HY000, anything.
    if isinstance(number, int):
        return number in _PASSING_NUMBERS
    # None where the server could not be asked.
    state = getattr(error, "sqlstate", None)
    return state is None or state.startswith(_PASSING_STATES)


def is_misspelt(error: BaseException, dbapi: Any) -> bool:
    """Whether the driver itself refused what it was to connect with, and no server was asked.

    libpq says so in its user's language; where that is not English, it is a server that did not answer, as ever.
    """
    if has_refused(error):  # servers make errors of the same classes
        return False
    return isinstance(error, dbapi.ProgrammingError) or str(error).startswith("connection is bad: invalid ")


def is_too_large(error: BaseException) -> bool:
    """Whether a statement was longer than a server takes; one that stands behind another with a smaller limit, say."""
    return bool(error.args) and error.args[0] in _TOO_LARGE


def has_refused(error: BaseException) -> bool:
    """Whether a server has answered and said no, and it is neither the network nor its silence."""
    state, number = getattr(error, "sqlstate", None), error.args[0] if error.args else None
    if isinstance(number, int):  # 2000 to 2999 are the client's own
        return 1000 <= number < 2000 or number >= 3000
    if state is not None:
        return not str(state).startswith(("08", "57P"))
    # libpq keeps the state of a connection that was not made to itself, and has two blanks after the severity, in whatever
    # language the server speaks.
    return re.search(r"failed: \S+:  |no password supplied", str(error)) is not None


class Watchdog:
    """Cuts a connection on which a server has said nothing for `WAIT` seconds.

    A kernel, or a proxy between, may acknowledge what nobody will ever answer; libpq has no time limit for that.  PyMySQL
    has (`read_timeout`), so that its connections, which have no `fileno`, are left alone.
    """

    def __init__(self) -> None:
        self._watched: tuple[float, Any] | None = None
        self._thread: threading.Thread | None = None
        self._end = threading.Event()

    @contextlib.contextmanager
    def over(self, connection: Any, seconds: float = WAIT) -> Iterator[None]:
        """Watch a connection of the driver for as long as the context lasts."""
        if not hasattr(connection, "fileno"):
            yield
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="parzen-watchdog", daemon=True)
            self._thread.start()
        self._watched = (time.monotonic() + seconds, connection)
        try:
            yield
        finally:
            self._watched = None

    def end(self) -> None:
        """Watch no more."""
        self._end.set()

    def _watch(self) -> None:
        while not self._end.wait(1.0):
            watched = self._watched
            if watched is not None and time.monotonic() > watched[0]:
                self._watched = None
                # It may have ended in this moment, and a connection that is closed has no descriptor.
                with contextlib.suppress(Exception), socket.socket(fileno=os.dup(watched[1].fileno())) as cut:
                    cut.shutdown(socket.SHUT_RDWR)
