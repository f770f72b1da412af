"""What people write after `storage=`, and what they get."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from parzen.errors import MissingDependency, StorageError, Unavailable
from parzen.storages import MemoryStorage, open_storage
from parzen.storages.sql import SQLStorage


def test_nothing_given_means_memory() -> None:
    """storage=None is a fresh storage in memory."""
    storage = open_storage(None)

    assert isinstance(storage, MemoryStorage)
    assert not storage.durable
    assert storage.location == "memory"


def test_a_storage_is_returned_as_it_is() -> None:
    """An object with the methods of the protocol is the storage."""
    storage = MemoryStorage()

    assert open_storage(storage) is storage


@pytest.mark.parametrize(
    "where",
    [
        "study.db",
        "./study.db",
        Path("study.db"),
        "study.db?sync=full",
        "study.db?timeout=5",
        "sqlite:///study.db",
        "sqlite:///study.db?sync=full",
        "SQLite:///{here}/study.db",
        "sqlite:///{here}/study.db",
        "sqlite:///{here}/study.db?sync=normal&timeout=2.5",
    ],
)
def test_a_path_and_a_url_of_sqlite_mean_one_file(
    where: str | Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All spellings of a file are that file, absolute from the start."""
    monkeypatch.chdir(tmp_path)
    storage = open_storage(where.format(here=tmp_path) if isinstance(where, str) else where)

    assert storage.location == str(tmp_path / "study.db")
    assert storage.durable
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["a b%20c.db", "é.db", "what?.db", "#1.db", "a'b\".db", "no-suffix"])
def test_a_file_may_have_any_name(name: str, tmp_path: Path, make_header, batch) -> None:  # type: ignore[no-untyped-def]
    """Characters that mean something in a URL mean nothing in a path."""
    storage = open_storage(tmp_path / name)
    storage.create(make_header())
    storage.append("u1", batch(0), "t")
    storage.close()

    assert os.listdir(tmp_path) == [name]
    assert len(open_storage(tmp_path / name).read("u1")) == 3


def test_the_home_directory_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """~ is the home directory."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))

    assert open_storage("~/study.db").location == str(tmp_path / "study.db")


@pytest.mark.parametrize("where", ["", "memory", ":memory:", "sqlite://", "sqlite:///:memory:", "sqlite:///"])
def test_memory_by_another_name_is_pointed_to_the_default(where: str) -> None:
    """What names no file is refused with a word on how to have memory."""
    with pytest.raises(StorageError, match=r"storage=None"):
        open_storage(where)


def test_an_unknown_kind_of_url_lists_those_that_are_known() -> None:
    """The error names the URL's beginning and all known ones."""
    with pytest.raises(StorageError, match=r"redis://.*sqlite://.*postgresql://"):
        open_storage("redis://localhost/0")


@pytest.mark.parametrize("where", [b"study.db", 7, object(), ["study.db"]])
def test_what_is_no_storage_is_refused(where: object) -> None:
    """The error says what was expected."""
    with pytest.raises(StorageError, match=r"lacks create|storage is named by text|a storage is None"):
        open_storage(where)  # type: ignore[arg-type]  # the point


@pytest.mark.parametrize(
    "query",
    ["sync=maybe", "mode=ro", "timeout=soon", "timeout=-1", "timeout=nan", "sync=full&x=1", "full", "sync=", "sync"],
)
def test_options_that_make_no_sense_are_refused(query: str) -> None:
    """A misspelt option is not ignored."""
    with pytest.raises(StorageError, match=r"sync=|timeout"):
        open_storage(f"sqlite:///study.db?{query}")


@pytest.mark.parametrize("name", ["y.db", "y.journal", "y"])
@pytest.mark.parametrize(
    "query",
    [
        "synch=full",
        "sync=full&timeout=-1",
        "timeout=-1",
        "",
        "full",
        "sync",
        "sync=full;timeout=3",
        "sync=full&",
        ".db",
    ],
)
def test_a_misspelt_option_is_no_part_of_a_name(name: str, query: str, tmp_path: Path) -> None:
    """Else what it asks for would not be there, and nobody would know."""
    with pytest.raises(StorageError, match=r"sync=full|timeout"):
        open_storage(f"{tmp_path}/{name}?{query}")

    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [("dir?/b.db", "dir?/b.db"), ("y.db?full", "y.db?full"), ("y.db?", "y.db?"), ("y.db?token=SeCrEt", "y.db?…")],
)
def test_a_path_whose_options_are_none_is_named_as_it_was_given(text: str, shown: str) -> None:
    """What is before the ? is a path that nobody gave; a setting of another kind may be a secret."""
    with pytest.raises(StorageError) as caught:
        open_storage(text)

    assert str(caught.value).startswith(f"{shown!r}: after the ?")


@pytest.mark.parametrize("start", ["y.db", "y.journal", "sqlite:///y.db", "journal:///y.journal"])
@pytest.mark.parametrize("query", ["sync=full&sync=normal", "timeout=5&sync=full&timeout=5"])
def test_an_option_that_is_given_twice_is_refused(start: str, query: str) -> None:
    """Else one of the two is passed over without a word, and which one depends on the kind of file."""
    with pytest.raises(StorageError, match=r"given 2 times|given once"):
        open_storage(f"{start}?{query}")


def test_a_file_with_a_question_mark_in_its_name_is_spelled_with_an_option_behind_it(tmp_path: Path) -> None:
    """On a command line, where there are no objects."""
    assert open_storage(f"{tmp_path}/what?.db?timeout=60").location == str(tmp_path / "what?.db")
    assert open_storage(f"{tmp_path}/y.db?timeout=+5").location == str(tmp_path / "y.db")


@pytest.mark.parametrize(
    ("url", "install"),
    [("postgresql://u:secret@h/d", r"psycopg\[binary\]"), ("mysql://u:secret@h/d", "PyMySQL")],
)
def test_a_missing_driver_is_named_with_what_to_install(
    url: str, install: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says which package is missing and never shows the password."""
    for module in ("psycopg", "pymysql"):
        monkeypatch.setitem(sys.modules, module, None)  # what Python itself does to forbid an import
    with pytest.raises(MissingDependency, match=f"pip install .*{install}") as caught:
        open_storage(url)

    assert "secret" not in str(caught.value)


def test_an_object_that_lacks_an_attribute_is_no_storage() -> None:
    """`live` is part of the protocol, so a storage without it is refused by name."""

    class Lacking(MemoryStorage):
        @property
        def live(self) -> dict[str, object]:  # type: ignore[override]  # the point
            raise AttributeError

        @live.setter
        def live(self, value: dict[str, object]) -> None: ...

    with pytest.raises(StorageError, match="Lacking lacks live"):
        open_storage(Lacking())


def test_a_url_that_makes_no_sense_is_refused() -> None:
    """SQLAlchemy's complaint becomes ours."""
    with pytest.raises(StorageError):
        SQLStorage("postgresql://host:port:port/x")


def test_a_missing_file_opened_to_be_read_only_is_not_made(tmp_path: Path) -> None:
    """readonly=True makes no file."""
    with pytest.raises(Unavailable, match="there is no file"):
        open_storage(tmp_path / "study.db", readonly=True)

    assert os.listdir(tmp_path) == []


def test_a_study_in_memory_loads_no_database_library() -> None:
    """sqlalchemy and sqlite3 are imported when a file is named, not before."""
    program = (
        "import sys; from parzen.storages import open_storage; open_storage(None); "
        "print([name for name in ('sqlalchemy', 'sqlite3') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:sek@SeCrEt@127.0.0.1:1/x",
        "mysql://u:a@SeCrEt@127.0.0.1:1/x",
        "postgresql://u:sek@SeCrEt/x@127.0.0.1:1/x",
        "mysql://u:a@SeCrEt/w?b@127.0.0.1/x",
        "postgresql://u:a@SeCrEt#b@127.0.0.1/x",
        "postgresql:/u:SeCrEt@127.0.0.1/x",
        "postgres:u:SeCrEt@127.0.0.1/x",
        "postgres://u:a@SeCrEt@127.0.0.1:1/x",
        "sqlite:///p.db?password=SeCrEt",
        "sqlite:///p.db?password=SeCrEt&timeout=soon",
        "sqlite:///p.db?sync=full&token=SeCrEt",
        "'postgresql://u:SeCrEt@h/d'",
        '"postgresql://u:SeCrEt@h/d"',
        "jdbc:postgresql://u:SeCrEt@h/d",
        "URL=postgresql://u:SeCrEt@h/d",
        "postgresql//u:SeCrEt@h/d",
        "//u:SeCrEt@h/d",
        "u:SeCrEt@h/d",
        "host=127.0.0.1 user=postgres password=SeCrEt dbname=test",
        "host=127.0.0.1 PASSWD = SeCrEt",
        "sqlite:///p.db?timeout=abcSeCrEt",
        "p.db?timeout=abcSeCrEt",
        "p.journal?timeout=abcSeCrEt",
        "postgresql://u@127.0.0.1:1/x?timeout=abcSeCrEt",
        "mysql://u@127.0.0.1:1/x?read_timeout=abcSeCrEt",
        "mysql://u@127.0.0.1:1/x?local_infile=abcSeCrEt",
        "postgresql://u@127.0.0.1:1/x?connect_timeout=abcSeCrEt",
        "sqlite://u:SeCrEt@h/d",
        "journal://u:SeCrEt@h/d",
    ],
)
def test_a_url_that_is_written_wrongly_is_refused_without_its_password(url: str) -> None:
    """The error is read by everybody, and a URL whose parts cannot be told apart is repeated by none."""
    if url.startswith("mysql:"):
        pytest.importorskip("pymysql")
    with pytest.raises(StorageError) as caught:
        open_storage(url)

    assert "SeCrEt" not in "".join(traceback.format_exception(caught.value))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a=password=1.db", "u:1@h.db"])
def test_a_file_that_is_called_like_a_url_is_given_as_a_path(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is kept from a name; a `Path` and ./ say that it is one."""
    monkeypatch.chdir(tmp_path)
    here = open_storage(Path(name)).location

    assert open_storage(f"./{name}").location == here
    assert open_storage(here).location == here


@pytest.mark.parametrize("url", ["mysql://u:secret@host/", "mysql://u:secret@host:3306", "mariadb://u:secret@host/"])
def test_a_url_of_mysql_without_a_database_is_refused(url: str) -> None:
    """There is none by default, as PostgreSQL has."""
    pytest.importorskip("pymysql")
    with pytest.raises(StorageError, match=r"u:\*\*\*@host.* names no database") as caught:
        open_storage(url)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("option", ["db=x", "read_default_file=my.cnf", "read_default_group=client"])
def test_a_url_of_mysql_may_leave_the_database_to_an_option(option: str) -> None:
    """PyMySQL takes its name from there; nothing is connected yet."""
    pytest.importorskip("pymysql")
    open_storage(f"mysql://u:secret@host/?{option}").close()


def test_blanks_around_a_url_are_no_part_of_it() -> None:
    """A URL that was read from a file ends in a newline, which is no part of the database's name."""
    pytest.importorskip("psycopg")
    storage = open_storage(" postgresql://u:secret@host/test\n")

    assert storage.location.replace("+psycopg", "") == "postgresql://u:***@host/test"
    storage.close()


@pytest.mark.parametrize("given", ["postgres://u:secret@host/x", "postgres+psycopg://u:secret@host/x"])
def test_the_short_name_of_postgresql_means_it(given: str) -> None:
    """Heroku, Render and others give such URLs, and they can be pasted as they are."""
    pytest.importorskip("psycopg")
    storage = open_storage(given)

    assert storage.location.replace("+psycopg", "") == "postgresql://u:***@host/x"
    storage.close()


def test_a_short_password_is_neither_shown_nor_given_away_by_stars() -> None:
    """`f***iled` says that it is `a`."""
    pytest.importorskip("psycopg")
    with pytest.raises(StorageError) as caught:
        open_storage("postgresql://u:a@no.such.host.invalid:1/x").studies()
    assert "***iled" not in str(caught.value)
    assert "N***me" not in str(caught.value)
