"""Hyperopt's trials in MongoDB: the names, and what takes their place.

The successor is a study in SQLite or PostgreSQL, which needs no server of its own on one machine: `Trials(storage=URL,
name=...)` in the program, and `parzen worker` in place of `hyperopt-mongo-worker`.  Programs import these names for
`except` and `isinstance`; whatever would open a connection says how to convert the line.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from typing import Any, NoReturn
from urllib.parse import urlsplit

from parzen.errors import StorageError
from parzen.hyperopt.base import InvalidTrial, Trials

__all__ = [
    "DomainSwapError",
    "InvalidMongoTrial",
    "MongoCtrl",
    "MongoJobs",
    "MongoTrials",
    "MongoWorker",
    "OperationFailure",
    "ReserveTimeout",
    "Shutdown",
    "WaitQuit",
    "as_mongo_str",
    "main",
    "main_worker",
    "main_worker_helper",
    "parse_url",
]


class OperationFailure(Exception):
    """The database refused what was asked of it."""


class Shutdown(Exception):
    """A worker was told to end at once."""


class WaitQuit(Exception):
    """A worker was told to end after its job."""


class InvalidMongoTrial(InvalidTrial):
    """A document that cannot be kept."""


class DomainSwapError(Exception):
    """The objective of a search was exchanged while it ran."""


class ReserveTimeout(Exception):
    """No job came up for too long."""


def as_mongo_str(s: str) -> str:
    """A URL that begins with mongo://."""
    return s if s.startswith("mongo://") else f"mongo://{s}"


def _refuse(what: str, url: str = "mongo://localhost/hyperopt/jobs", name: str | None = None) -> NoReturn:
    """Say what the same search looks like here."""
    parts = urlsplit(as_mongo_str(str(url)))
    # Whoever may read the error need not know who may log in; the port is MongoDB's.
    host, database = parts.hostname or "localhost", parts.path.strip("/").partition("/")[0] or "hyperopt"
    storage, study = f"postgresql://{host}/{database}", name or "study"
    raise StorageError(
        f"{what} is not part of parzen, which keeps searches in SQLite or PostgreSQL: write "
        f'trials=Trials(storage="{storage}", name="{study}") in the program, or storage="{database}.db" where all '
        f'workers are on this machine, and run "parzen worker {storage} --name {study} --objective module:function" '
        "in place of each hyperopt-mongo-worker"
    )


class MongoTrials(Trials):
    """Not built: the constructor says what to write instead.

    Args:
        arg: the URL of the database, which the error converts.
        exp_key: becomes the study's name.

    Raises:
        StorageError: always.
    """

    asynchronous = True

    def __init__(
        self, arg: Any = None, exp_key: str | None = None, cmd: Any = None, workdir: Any = None, refresh: bool = True
    ) -> None:
        url = arg if isinstance(arg, str) else "mongo://localhost/hyperopt/jobs"
        _refuse("MongoTrials", url, exp_key)


class MongoJobs:
    """Not built.

    Raises:
        StorageError: always.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse("MongoJobs")

    @classmethod
    def new_from_connection_str(cls, conn_str: str, *_: str) -> NoReturn:
        """Say what the same search looks like here (`StorageError`)."""
        _refuse("MongoJobs", conn_str)


class MongoWorker:
    """Not built: `parzen worker` is.

    Raises:
        StorageError: always.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse("MongoWorker")


class MongoCtrl:
    """Not built: an objective gets an `Evaluation` or Hyperopt's `Ctrl`.

    Raises:
        StorageError: always.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse("MongoCtrl")


def main_worker() -> int:
    """What `hyperopt-mongo-worker` ran: says what to run instead.

    Returns:
        2, the status of a command that was called wrongly.
    """
    arguments = sys.argv[1:]
    given = [one.partition("=")[2] for one in arguments if one.startswith("--mongo=")]
    given += [after for one, after in pairwise(arguments) if one == "--mongo"]
    try:
        _refuse("hyperopt-mongo-worker", *given[:1])
    except StorageError as error:
        sys.stderr.write(f"parzen: {error}\n")
    return 2


def main_worker_helper(options: Any, args: Any) -> NoReturn:
    """What `main_worker` ran after it had read its options: says what to run instead (`StorageError`)."""
    _refuse("hyperopt-mongo-worker", *[url for url in [getattr(options, "mongo", None)] if isinstance(url, str)])


def parse_url(url: str, pwfile: Any = None) -> NoReturn:
    """The parts of a MongoDB's URL are of no use here: says what to write instead (`StorageError`)."""
    _refuse("parse_url", url)


def main() -> NoReturn:
    """`main_worker` as a command."""
    sys.exit(main_worker())
