"""SQL on real servers: the promises of a storage, and what may go wrong on the way to one."""

from __future__ import annotations

import logging
import os
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from parzen import State, Study, hp
from parzen.cli import main
from parzen.cli._status import STORAGE
from parzen.errors import ParzenError, StorageError, TooLarge, Unavailable
from parzen.storages import open_storage
from parzen.storages._engines import Watchdog, has_refused, may_pass
from parzen.storages.sql import SQLStorage
from parzen.testing import check_storage
from parzen.trials import Asked, Finished, Header, Noted, Outcome, Started
from tests.databases import KINDS, OwnPostgreSQL, a_user_with_a_password, fresh_database

SPACE = {"x": hp.float("x", 0, 1)}
HEADER = Header("u1", "study", 1.5, 7, {"loss": "minimize"}, ("loss",), {"x": ["float", 0, 1]})


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Of an empty database of each kind of server."""
    with fresh_database(request.param) as found:
        yield found


@pytest.mark.databases
def test_a_server_keeps_every_promise(url: str) -> None:
    """Each promise of the protocol holds on each server."""

    def empty() -> SQLStorage:
        storage = SQLStorage(url)
        for header in storage.studies():
            storage.delete(header.uid)
        return storage

    check_storage(empty)


def test_a_search_on_postgresql_is_kept_and_gone_on_with() -> None:
    """The gate's smoke test: make, run, load, go on."""
    with fresh_database("postgresql") as url:
        first = Study(SPACE, storage=url, name="smoke", algorithm="random", seed=1)
        first.run(lambda config: config["x"], 5, progress=False)
        first.storage.close()
        study = Study.load(url, "smoke")
        result = study.run(lambda config: config["x"], 8, progress=False)

        assert study.history.count(State.OK) == 8
        assert [trial.params for trial in first.trials] == [trial.params for trial in result.trials[:5]]
        assert study.storage.beats(study.header.uid) == {}
        study.storage.close()


@pytest.mark.databases
def test_two_processes_may_make_the_tables_at_once(url: str) -> None:
    """Each finds them made."""
    errors: list[BaseException] = []
    barrier = threading.Barrier(4)

    def come(me: int) -> None:
        try:
            barrier.wait()
            storage = open_storage(url)
            storage.create(Header(f"u{me}", f"study {me}", 1.5, 7, {"loss": "minimize"}, ("loss",), None))
            storage.close()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=come, args=(me,)) for me in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert len(open_storage(url).studies()) == 4


# --- what is lost on the way ------------------------------------------------------------------------------------


def _break(storage: Any) -> None:
    """As a network does that goes away: neither end is told in order."""
    connection = storage._connection
    if hasattr(connection, "fileno"):
        with socket.socket(fileno=os.dup(connection.fileno())) as cut:
            cut.shutdown(socket.SHUT_RDWR)
    else:  # to close it would do nothing: the driver has it open twice
        connection._sock.shutdown(socket.SHUT_RDWR)


@pytest.mark.databases
@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_append_whose_acknowledgement_is_lost_is_there_once(
    url: str, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the connection broke before the commit or after it."""
    storage: Any = SQLStorage(url)
    storage.create(HEADER)
    commit, broken = SQLStorage._commit, []

    def breaking(self: SQLStorage, connection: Any) -> None:
        if broken:
            commit(self, connection)
            return
        broken.append(moment)
        if moment == "after":
            commit(self, connection)
        _break(self)
        commit(self, connection)  # which finds the connection gone

    monkeypatch.setattr(SQLStorage, "_commit", breaking)
    seq = storage.append("u1", [Asked(0, (0.5,), "random", 1, 0, 1.0), Noted("k", 1, 1.0)], "token")

    assert broken == [moment]
    assert seq == 2
    assert [entry.seq for entry in storage.read("u1")] == [1, 2]
    broken.clear()
    claim = storage.claim("u1", "w", 2.0, "claim")
    assert claim is not None
    assert (claim.seq, claim.started.number, claim.started.attempt) == (3, 0, 1)
    assert claim.asked.values == (0.5,)
    assert len(storage.read("u1")) == 3
    storage.close()


@pytest.mark.databases
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_turn_whose_acknowledgement_is_lost_is_there_once(
    url: str, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the next trial where the connection broke after the commit, alone where it broke before."""
    study = Study({"x": hp.float("x", 0, 1)}, storage=url, seed=1, algorithm="random")
    study.stream.publish(Asked(0, (0.5,), "test", 7, 0, 1.0), Started(0, 1, "me", 1.0))
    commit, broken = SQLStorage._commit, []

    def breaking(self: SQLStorage, connection: Any) -> None:
        if not broken:
            broken.append(moment)
            if moment == "after":
                commit(self, connection)
            _break(self)
        commit(self, connection)

    monkeypatch.setattr(SQLStorage, "_commit", breaking)
    history = study.history
    end = Finished(0, 1, Outcome(State.OK, {"loss": 0.25}, seconds=0.5), 2.0)
    counted = study.stream.turn(
        lambda: [Asked(1, (0.25,), "test", 8, history.seq, 3.0), Started(1, 1, "me", 3.0)], [end]
    )
    again = Study.load(url).history

    assert broken == [moment]
    assert counted == (True,)
    assert history.tally == again.tally == ("1 RUNNING, 1 OK" if moment == "after" else "1 OK")
    assert history.seq == again.seq == (5 if moment == "after" else 3)
    study.storage.close()


@pytest.mark.databases
def test_a_broken_connection_is_mended_for_reads(url: str) -> None:
    """Nothing is noticed by whoever asked."""
    storage: Any = SQLStorage(url)
    storage.create(HEADER)
    for look in (storage.studies, lambda: storage.read("u1"), lambda: storage.keys("u1"), lambda: storage.beats("u1")):
        before = look()
        _break(storage)

        assert look() == before
    for write in (
        lambda: storage.put("u1", "key", b"x"),
        lambda: storage.beat("u1", "w", 60.0),
        lambda: storage.rename("u1", "other"),
        lambda: storage.drop("u1", "key"),
        lambda: storage.delete("u1"),
    ):
        _break(storage)
        write()
    assert storage.studies() == []
    storage.close()


@pytest.mark.databases
def test_a_deadlock_is_done_again(url: str) -> None:
    """Two transactions that hold what the other wants: one is refused by the server, and nobody is told."""
    one, two = SQLStorage(url), SQLStorage(url)
    one.create(HEADER)
    two.create(Header("u2", "two", 1.5, 7, {"loss": "minimize"}, ("loss",), None))
    met, turns = threading.Barrier(2), {"one": 0, "two": 0}
    errors: list[BaseException] = []

    def work(storage: Any, me: str, order: tuple[str, str]) -> None:
        def act(cursor: Any, again: bool) -> None:
            turns[me] += 1
            storage._sql.hold(cursor, u=order[0]).fetchall()
            if turns[me] == 1:
                met.wait(20)
            storage._sql.hold(cursor, u=order[1]).fetchall()

        try:
            storage._write(act)
        except BaseException as error:
            errors.append(error)

    threads = [
        threading.Thread(target=work, args=(one, "one", ("u1", "u2"))),
        threading.Thread(target=work, args=(two, "two", ("u2", "u1"))),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert sum(turns.values()) == 3
    one.close()
    two.close()


@pytest.mark.databases
def test_a_connection_on_which_nobody_answers_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that says nothing is taken for lost; the same is tried on a new connection."""
    monkeypatch.setattr("parzen.storages._engines.WAIT", 1)
    with fresh_database("postgresql") as url:
        storage: Any = SQLStorage(url)
        storage.create(HEADER)
        seen: list[int] = []

        def act(cursor: Any, again: bool) -> None:
            seen.append(cursor.connection.info.backend_pid)
            if not again:
                cursor.execute("SELECT pg_sleep(60)")

        storage._write(act, seconds=1)

        assert len(set(seen)) == 2
        storage.close()


def test_a_watchdog_leaves_alone_what_answers_in_time() -> None:
    """And drivers that have time limits of their own."""
    dog = Watchdog()
    with dog.over(object()):
        assert dog._thread is None
    dog.end()


def test_a_server_that_was_never_reached_is_not_waited_for() -> None:
    """Its address is more likely wrong than its service interrupted."""
    pytest.importorskip("psycopg")
    with pytest.raises(Unavailable, match="did not answer"):
        open_storage("postgresql://127.0.0.1:9/nowhere").studies()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://u@127.0.0.1:99999/x", "1 to 65535"),
        ("mysql://hunter2:99999", "1 to 65535"),
        ("postgresql://u@127.0.0.1:9/x?no_such_option=1", "what the driver knows"),
        ("postgresql://u@127.0.0.1:9/x?sslmode=perhaps", "what the driver knows"),
        ("mysql://u@127.0.0.1:9/x?no_such_option=1", "what the driver knows"),
        ("mysql://u@127.0.0.1:9/x?charset=perhaps", "what the driver knows"),
        ("mysql://u@127.0.0.1:9/x?ssl_ca=/not/there", "what the driver knows"),
    ],
)
def test_a_url_that_makes_no_sense_is_no_silence_of_a_server(url: str, said: str) -> None:
    """Nobody was asked."""
    pytest.importorskip("pymysql" if url.startswith("mysql") else "psycopg")
    with pytest.raises(StorageError, match=said) as caught:
        open_storage(url).studies()

    assert type(caught.value) is StorageError
    assert "99999" not in str(caught.value)


@pytest.mark.databases
@pytest.mark.parametrize("password", ["hunter2-Secret", "password", "Access"])
def test_a_server_that_says_no_is_not_one_that_is_silent(url: str, password: str, tmp_path: Path) -> None:
    """What it said is told, without the password, even where that is a word which servers use themselves."""
    parsed = sa.make_url(url).set(password=password)
    other = "nowhere_to_be_found"
    cases = {other: parsed.set(database=other), "nobody_known": parsed.set(username="nobody_known")}
    for word, wrong in cases.items():
        with pytest.raises(Unavailable, match=r"refused .*look at the user, the password") as caught:
            open_storage(wrong.render_as_string(hide_password=False)).studies()
        told = str(caught.value)
        assert word in told or "may hold the password" in told
        assert "did not answer" not in told
        assert "***" not in told.replace(":***@", "")
        assert password not in told.replace("the password", "")


@pytest.mark.databases
def test_a_wrong_password_is_said_to_be_one(tmp_path: Path) -> None:
    """On a server that asks for it; and where none was given."""
    with fresh_database("mysql") as mysql, a_user_with_a_password(mysql, PASSWORD) as right:
        _refuses(right, "Access denied for user", "using password: NO")
    server = OwnPostgreSQL(tmp_path)
    server.start()
    try:
        with a_user_with_a_password(server.url, PASSWORD) as right:
            rules = "host all parzen 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
            (tmp_path / "data" / "pg_hba.conf").write_text(rules)
            server.stop("fast")
            server.start()
            _refuses(right, "FATAL: password authentication failed for user", "no password supplied")
    finally:
        server.remove()


def _refuses(right: str, wrong_one: str, none: str) -> None:
    for password, said in (("another-1-Secret", wrong_one), (None, none)):
        parsed = sa.make_url(right)
        wrong = sa.URL.create(parsed.drivername, parsed.username, password, parsed.host, parsed.port, parsed.database)
        with pytest.raises(Unavailable, match="refused") as caught:
            open_storage(wrong.render_as_string(hide_password=False)).studies()
        assert said in str(caught.value)
        assert "another-1-Secret" not in "".join(traceback.format_exception(caught.value))
    storage = open_storage(right)
    assert storage.studies() == []
    storage.close()


class _Errors:
    """A driver's exceptions, as PEP 249 names them."""

    class OperationalError(Exception):
        sqlstate: str | None = None

    class InterfaceError(Exception): ...

    class InternalError(Exception): ...

    class DataError(Exception): ...


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        (('connection failed: connection to server at "h", port 1 failed: FATAL:  no',), True),
        (('connection failed: connection to server at "h", port 1 failed: ВАЖНО:  нет',), True),
        (('connection failed: connection to server at "h", port 1 failed: Connection refused\n\tIs it there?',), False),
        (("server closed the connection unexpectedly",), False),
        ((1045, "Access denied"), True),
        ((3159, "only over TLS"), True),
        ((1153, "Got a packet bigger than"), True),
        ((2003, "Can't connect"), False),
        ((0, ""), False),
        ((), False),
    ],
)
def test_a_refusal_is_told_from_silence(error: tuple[Any, ...], refused: bool) -> None:
    """By what PostgreSQL's client says in any language, and by MySQL's numbers."""
    assert has_refused(_Errors.OperationalError(*error)) is refused


@pytest.mark.parametrize(("state", "refused"), [("53100", True), ("42501", True), ("08006", False), ("57P01", False)])
def test_an_error_with_a_state_was_said_by_the_server(state: str, refused: bool) -> None:
    """But for those that say that it is going away."""
    error = _Errors.OperationalError("what it said")
    error.sqlstate = state

    assert has_refused(error) is refused


@pytest.mark.parametrize(
    ("state", "passes"),
    [
        ("40001", True),
        ("40P01", True),
        ("57P01", True),
        ("57P03", True),
        (None, True),
        ("53100", False),
        ("42601", False),
    ],
)
def test_what_postgresql_says_passes_or_does_not(state: str | None, passes: bool) -> None:
    """Deadlocks, restarts and lost connections do; a full disk does not."""
    error = _Errors.OperationalError("what it said")
    error.sqlstate = state

    assert may_pass(error, _Errors) is passes
    assert not may_pass(_Errors.DataError("too long"), _Errors)


@pytest.mark.parametrize(
    ("number", "state", "passes"), [(1205, "HY000", True), (2006, None, True), (1153, "08S01", False)]
)
def test_what_mysql_says_passes_or_does_not_by_its_number(number: int, state: str | None, passes: bool) -> None:
    """Its states, which PyMySQL tells since 1.2, are the same for a lock not had as for anything else."""
    error = _Errors.OperationalError(number, "what it said")
    error.sqlstate = state

    assert may_pass(error, _Errors) is passes


@pytest.mark.databases
def test_mysql_is_sent_all_that_it_takes_and_no_more() -> None:
    """Up to the last bytes, whatever becomes of them within a statement."""
    with fresh_database("mysql") as url:
        storage: Any = SQLStorage(url)
        storage.create(HEADER)
        limit = storage._limit
        data, text = b"x" * (limit // 2 - 3000), "x" * (limit - 3000)
        storage.put("u1", "key", data)
        storage.append("u1", [Noted("key", text, 2.0)], "token")

        assert storage.get("u1", "key") == data
        assert [entry.event for entry in storage.read("u1")] == [Noted("key", text, 2.0)]
        with pytest.raises(TooLarge, match="max_allowed_packet"):
            storage.put("u1", "more", b"x" * limit)
        with pytest.raises(TooLarge, match="a note"):
            storage.append("u1", [Noted("key", "x" * limit, 2.0)], "another")
        assert storage.keys("u1") == ["key"]
        storage.close()


# --- passwords --------------------------------------------------------------------------------------------------

PASSWORD = "hunter2-Secret"


def _wrong(url: str) -> list[str]:
    parsed = sa.make_url(url).set(password=PASSWORD)
    shown = [
        parsed.set(port=9),
        parsed.set(database="nowhere"),
        parsed.update_query_dict({"no_such_option": PASSWORD}),
        parsed.update_query_dict({"timeout": "soon"}),
    ]
    return [one.render_as_string(hide_password=False) for one in shown]


@pytest.mark.databases
def test_a_password_is_in_no_error_no_log_and_no_event(
    url: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], run_cli: Callable[..., Any]
) -> None:
    """Whatever goes wrong, in text, repr and traceback; nor in what a study keeps or the command line says."""
    caplog.set_level(logging.DEBUG)
    said = []
    for wrong in _wrong(url):
        with pytest.raises(ParzenError) as caught:
            open_storage(wrong).studies()
        said += ["".join(traceback.format_exception(caught.value)), repr(caught.value), repr(caught.value.__dict__)]
        said.append(run_cli("ls", wrong))
    with a_user_with_a_password(url, PASSWORD) as right:
        study = Study(SPACE, storage=right, algorithm="random")
        study.run(lambda config: config["x"], 3, progress="lines")
        said += [repr(study), study.location, repr(study.storage), repr(study.storage.__dict__.get("location"))]
        said += [repr(entry) for entry in study.storage.read(study.header.uid)]
        said += [repr(study.storage.beats(study.header.uid)), repr(study.header)]
        study.storage.close()
    captured = capsys.readouterr()
    said += [captured.out, captured.err, caplog.text]

    assert len(said) > 20
    assert not [text for text in said if PASSWORD in text]


@pytest.fixture
def run_cli() -> Callable[..., str]:
    """What a command says."""
    from click.testing import CliRunner

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == STORAGE
        return result.output + repr(result.exception)

    return run
