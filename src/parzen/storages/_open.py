"""From what people write after `storage=` to a storage.

A path is an SQLite file; a URL names its kind before `://`.  The class behind a URL is imported when one is asked for,
so that a study in memory never loads a database library.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from parzen.errors import StorageError
from parzen.storages.memory import MemoryStorage

if TYPE_CHECKING:
    from parzen.log import Storage

__all__ = ["SCHEMES", "open_storage"]

SCHEMES: Mapping[str, str] = {
    "sqlite": "parzen.storages.sql:SQLStorage",
    "postgresql": "parzen.storages.sql:SQLStorage",
    "postgres": "parzen.storages.sql:SQLStorage",
    "mysql": "parzen.storages.sql:SQLStorage",
    "mariadb": "parzen.storages.sql:SQLStorage",
    "journal": "parzen.storages.journal:JournalStorage",
}
"""What stands before `://` (and before `+driver`) -> module:class, called as `class(url, readonly=...)`."""

_URL = re.compile(r"([A-Za-z][A-Za-z0-9.\-]*)(\+[A-Za-z0-9_]+)?://")
_NEARLY = re.compile(
    r"(postgres|postgresql|mysql|mariadb|sqlite|journal)(\+\w+)?:|.*(://|//.*@|(password|passwd|pwd)\s*=)|[^/]*:.*@",
    re.IGNORECASE | re.DOTALL,
)
"""What a URL or a DSN has in it, however it is misspelt, and no file but one that is called so on purpose."""
_PATH = re.compile(r"\.{1,2}[/\\]|/(?!/|.*//)|[A-Za-z]:\\", re.DOTALL)
"""How a path begins that is meant to be one, whatever follows."""
_OPTIONS = re.compile(r"(sync|timeout)=[^&]+(&(sync|timeout)=[^&]+)*")
"""What may stand after the `?` of a path; the storage looks at the values."""
_METHODS = (
    *("create", "open", "studies", "rename", "delete", "append", "turn", "claim", "read", "digest"),
    *("beat", "beats", "leave", "put", "get", "keys", "drop", "close"),
)
_ATTRIBUTES = ("location", "durable", "live")
_MEMORY = ("", "memory", ":memory:", "memory://", "sqlite://", "sqlite:///", "sqlite:///:memory:")


def open_storage(where: str | os.PathLike[str] | Storage | None = None, readonly: bool = False) -> Storage:
    """The storage that is meant.

    Args:
        where: None for memory; "study.db" or a `Path` for an SQLite file (also "study.db?sync=full", which survives a
            power cut after every trial; in a `Path` a ? is a part of the name); "study.journal" for an append-only file on a shared file system; a URL such as "sqlite:////data/study.db" or "postgresql://host/name"; or a
            storage, which is returned as it is.
        readonly: refuse everything that writes, and make no file.

    Raises:
        CorruptLog: the file is not a study of parzen, or is damaged.
        SchemaTooNew: the file was written by a later parzen.
        Unavailable: the directory is missing, the file may not be written.
        MissingDependency: the database's driver is not installed.
        StorageError: what was given is nothing of the above.
    """
    if where is None:
        return MemoryStorage()
    if isinstance(where, (str, os.PathLike)):
        text = os.fspath(where)
        if not isinstance(text, str):
            raise StorageError(f"a storage is named by text, not by bytes: {text!r}; os.fsdecode() makes text of it")
        if isinstance(where, str):
            text = text.strip()  # what was read from a file or pasted ends in a newline
        if text in _MEMORY:
            raise StorageError(
                f"storage={text!r} names no file: memory is what a study has when no storage is given (storage=None); "
                'to keep it, give a file, as in storage="study.db"'
            )
        url = _URL.match(text) if isinstance(where, str) else None
        if url is None:
            if isinstance(where, str) and _NEARLY.match(text) and not _PATH.match(text):
                # It is not repeated: there may be a password in it.
                raise StorageError(
                    "what was given as storage looks like the address of a database and is no URL, which is "
                    "DATABASE://USER:PASSWORD@HOST:PORT/NAME without anything before it, as in postgresql://host/name; a "
                    "file that has such a name is given as a Path, or with ./ before it"
                )
            path, query = _path_and_options(text) if isinstance(where, str) else (text, "")
            if path.endswith(".journal"):
                from parzen.storages.journal import JournalStorage

                return JournalStorage.at(path, query=query, readonly=readonly)
            from parzen.storages.sql import SQLStorage

            return SQLStorage.at(path, query=query, readonly=readonly)
        home = SCHEMES.get(url.group(1).lower())
        if home is None:
            raise StorageError(
                f"no storage is known for {url.group(0)!r}; known are a path such as study.db, and URLs of "
                + ", ".join(f"{scheme}://" for scheme in SCHEMES)
            )
        module, _, name = home.partition(":")
        text = url.group(1).lower() + text[url.end(1) :]
        return cast("Storage", getattr(importlib.import_module(module), name)(text, readonly=readonly))
    missing = [method for method in _METHODS if not callable(getattr(where, method, None))]
    missing += [name for name in _ATTRIBUTES if not hasattr(where, name)]
    if missing:
        raise StorageError(
            f"a storage is None, a path, a URL or an object with the methods and attributes of parzen.log.Storage; "
            f"{type(where).__name__} lacks {', '.join(missing)}"
        )
    return where


def _path_and_options(text: str) -> tuple[str, str]:
    """A path, and what stands after its last `?`.

    Raises:
        StorageError: that is no option.  To take it for a part of the name would leave out what a misspelt one asks for, a
            trial that survives a power cut, say, without a word.
    """
    drive, rest = os.path.splitdrive(text)  # on Windows there is one that is called \\?\C:
    path, mark, query = rest.rpartition("?")
    if not mark:
        return text, ""
    if not path or not _OPTIONS.fullmatch(query):
        # What came is not repeated where it is a setting: there may be a password in it.  The rest is a path, as in dir?/b.db.
        shown = f"{drive + path}?…" if "=" in query else text
        raise StorageError(
            f"{shown!r}: after the ? of a path stand sync=normal or sync=full, and timeout=SECONDS, with & between "
            "them; a file that has a ? in its name is given as a Path, or with ?timeout=60 behind the name"
        )
    return drive + path, query
