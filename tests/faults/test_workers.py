"""Workers, databases and networks that fail in the middle of a search: nothing is lost, and nothing is there twice."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from parzen import State, Study
from tests.databases import OwnPostgreSQL, fresh_database
from tests.faults.proxy import Proxy

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]


@pytest.fixture(params=["SQLite", "journal", "PostgreSQL", "MariaDB"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """What it is called, and where."""
    if request.param == "SQLite":
        yield request.param, str(tmp_path / "s.db")
    elif request.param == "journal":
        yield request.param, str(tmp_path / "s.journal")
    else:
        with fresh_database("postgresql" if request.param == "PostgreSQL" else "mysql") as url:
            yield request.param, url


@pytest.fixture
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnPostgreSQL]:
    """A server that may be stopped."""
    server = OwnPostgreSQL(tmp_path_factory.mktemp("server"))
    server.start()
    yield server
    server.remove()


def test_the_driver_is_killed_and_run_again(store: tuple[str, str], crew: Any, survived: Any) -> None:
    """Whenever that is; it does not wait for itself."""
    name, where = store
    one = crew(where, 30)
    for goal in (3, 9, 10, 20, 26):
        one.start()
        one.until(lambda goal=goal: one.finished() >= goal)
        one.kill().communicate()
    one.start()
    one.end()

    survived("kill -9 of the driver", name, one)


def test_each_of_four_workers_is_killed_in_turn(store: tuple[str, str], crew: Any, survived: Any) -> None:
    """And another started in its place."""
    name, where = store
    one = crew(where, 60)
    one.start(4)
    for goal in (6, 14, 22, 30):
        one.until(lambda goal=goal: one.finished() >= goal)
        one.kill().communicate()
        one.start()
    one.end()

    survived("kill -9 of each of 4 workers in turn", name, one)


@pytest.mark.parametrize(
    "point", ["between claim and start", "before the commit of a result", "after the commit of a result"]
)
def test_a_worker_dies_at_the_worst_moment(store: tuple[str, str], point: str, crew: Any, survived: Any) -> None:
    """Three times, one after the other, and then beside one that goes on."""
    name, where = store
    if name == "journal" and point.startswith("before"):
        pytest.skip("a line of a journal is written in one call: see the test of a line without an end")
    one = crew(where, 24, pause=0.05)
    for _ in range(3):
        one.start(fault=point)
        one.until(lambda: one.processes[0].poll() is not None)
        one.tries += one.reap()
    assert one.tries == 3
    one.start(fault=point)
    one.start()
    one.until(lambda: len(one.processes) < 2 or one.processes[0].poll() is not None)
    one.tries += one.reap()
    one.start()
    one.end()

    survived(f"kill -9 of a worker {point}", name, one)


def test_a_program_is_killed_between_ask_and_tell(store: tuple[str, str], crew: Any, survived: Any) -> None:
    """What it had told is there, and what it had only asked for is run again by whoever comes next."""
    name, where = store
    one = crew(where, 24)
    for _ in range(4):
        one.start(fault="between ask and tell")
        one.until(lambda: one.processes[0].poll() is not None)
        one.tries += one.reap()
    one.start()
    one.end()

    study = Study.load(where, readonly=True)
    assert sorted(Counter(trial.attempt for trial in study.trials).items()) == [(1, 20), (2, 4)]
    study.storage.close()
    survived("kill -9 of a program between ask and tell", name, one)


@pytest.mark.parametrize(
    ("deed", "attempts", "error"),
    [
        ("segfaults", 2, None),
        ("forks", 1, None),
        ("leaks to the memory limit", 1, "parzen.errors.ObjectiveMemory"),
        ("ignores SIGTERM", 1, "parzen.errors.ObjectiveTimeout"),
    ],
)
def test_an_objective_does_its_worst(
    store: tuple[str, str], deed: str, attempts: int, error: str | None, tmp_path: Path, crew: Any, survived: Any
) -> None:
    """In a process of its own (`parallel=2`): it costs its own trial at most, and every other one is there once."""
    name, where = store
    one = crew(where, 24)
    one.start(fault=f"objective that {deed}")
    one.end()
    did_it = sorted(int(path.name.removeprefix("fault-")) for path in tmp_path.glob("fault-*"))
    one.tries = len(did_it)

    study = Study.load(where, readonly=True)
    assert did_it == [2, 8, 14, 20]
    assert [trial.attempt for trial in study.trials] == [attempts if number in did_it else 1 for number in range(24)]
    assert [trial.error and trial.error.kind for trial in (study.trials[i] for i in did_it)] == [error] * 4
    study.storage.close()
    survived(f"objective that {deed}", name, one, failed=0 if error is None else len(did_it))


def test_a_worker_is_held_up_past_its_lease(store: tuple[str, str], crew: Any, survived: Any) -> None:
    """Another runs its trial again; when it goes on, what it says is late."""
    name, where = store
    one = crew(where, 12, lease=1.5, pause=0.5)
    one.start()
    one.until(lambda: one.finished() >= 2)
    held = one.processes.pop(0)
    while True:  # in an evaluation, not in a write: who is stopped with a lock in hand holds up everybody
        held.send_signal(signal.SIGSTOP)
        time.sleep(0.1)
        study = Study.load(where, readonly=True)
        running = study.history.count(State.RUNNING)
        study.storage.close()
        if running:
            break
        held.send_signal(signal.SIGCONT)
        time.sleep(0.2)
    one.tries = 1
    one.start(2)
    one.until(lambda: one.finished() >= 12)
    held.send_signal(signal.SIGCONT)
    one.processes.append(held)
    one.end()

    study = Study.load(where, readonly=True)
    assert max(trial.attempt for trial in study.trials) == 2
    assert study.history.late >= 1
    study.storage.close()
    survived("SIGSTOP past the lease, then SIGCONT", name, one)


def test_the_clock_of_a_worker_is_set_back(store: tuple[str, str], crew: Any, survived: Any) -> None:
    """By an hour, in the middle; nobody is taken for dead, and nobody waits an hour."""
    name, where = store
    one = crew(where, 30, lease=30.0, pause=0.05)
    one.start(fault="the clock is set back an hour")
    one.start(2)
    one.tries = 1
    one.end()

    study = Study.load(where, readonly=True)
    assert max(trial.attempt for trial in study.trials) == 1
    study.storage.close()
    survived("clock set back an hour", name, one)


def test_the_network_is_cut_and_comes_back(crew: Any, survived: Any, own: OwnPostgreSQL) -> None:
    """Connections are reset, and refused for a while."""
    proxy = Proxy(own.port)
    one = crew(own.url, 120, pause=0.15)
    through = sa.make_url(own.url).set(port=proxy.port).render_as_string()
    one.start(2, where=through)
    one.start()
    one.until_all_beat()
    for _ in range(2):
        one.until_more(8)
        proxy.reset()
        one.tries += 1
        time.sleep(4)
        proxy.cut = ""
    one.end()
    proxy.close()

    survived("network cut, connections reset", "PostgreSQL", one)


def test_the_network_swallows_what_is_sent(crew: Any, survived: Any, own: OwnPostgreSQL) -> None:
    """Nobody is told; the server keeps the locks of who was cut off until it notices, and the others go on then."""
    proxy = Proxy(own.port)
    one = crew(own.url, 120, pause=0.15)
    through = sa.make_url(own.url).set(port=proxy.port).render_as_string()
    one.start(2, where=through)
    one.start()
    one.until_all_beat()
    one.until_more(6)
    proxy.cut = "swallow"
    one.tries = 1
    time.sleep(5)
    proxy.cut = ""
    one.end()
    proxy.close()

    survived("network swallows packets", "PostgreSQL", one)


def test_the_server_is_started_again_under_load(crew: Any, survived: Any, own: OwnPostgreSQL) -> None:
    """Once as in a crash, once in order."""
    one = crew(own.url, 120, pause=0.15)
    one.start(4)
    one.until_all_beat()
    for how in ("immediate", "fast"):
        one.until_more(12)
        own.stop(how)
        one.tries += 1
        time.sleep(1)
        own.start()
    one.end()

    survived("PostgreSQL restarted under load", "PostgreSQL", one)


@pytest.mark.parametrize("name", ["SQLite", "journal"])
def test_sixteen_processes_write_one_file(name: str, tmp_path: Path, crew: Any, survived: Any) -> None:
    """None of them sees a lock."""
    one = crew(str(tmp_path / ("s.db" if name == "SQLite" else "s.journal")), 320, lease=30.0, pause=0.0)
    one.start(16)
    one.tries = 16
    one.end()

    survived("16 processes on one file", name, one)


@pytest.mark.skipif(sys.platform != "linux", reason="needs locks of the open file")
def test_workers_copy_their_own_file_while_others_open_and_close_it(tmp_path: Path, crew: Any, survived: Any) -> None:
    """To copy it takes SQLite's locks away; who closes it then takes itself for the last one and removes its log."""
    where = tmp_path / "s.db"
    one = crew(str(where), 400, pause=0.0)
    one.start(3, fault="its own file is copied")

    def look() -> bool:
        with contextlib.closing(sqlite3.connect(where, timeout=60)) as connection:
            connection.execute("SELECT count(*) FROM parzen_trial").fetchone()
        one.tries += 1
        return one.finished() >= 400

    one.until(look)
    one.end()

    survived("its own file copied by each trial, and closed by others", "SQLite", one)


@pytest.mark.parametrize("name", ["SQLite", "journal"])
def test_the_disk_is_full_and_then_is_not(name: str, tmp_path: Path, crew: Any, survived: Any) -> None:
    """The worker ends with an error that says so; what it had stored is there, and the next one goes on."""
    where = tmp_path / ("s.db" if name == "SQLite" else "s.journal")
    one = crew(str(where), 60, pause=0.0)
    size = where.stat().st_size
    for _ in range(3):
        one.start(fault="the disk is full", FAULT_LIMIT=str(size + 12_000))
        one.end()
        one.tries += 1
        size = max(where.stat().st_size, size + 12_000)
    assert len(one.errors) >= 1
    assert all("make room" in said or "look at the disk" in said for said in one.errors)
    one.start()
    one.end()

    survived("disk full", name, one, errors=3)


def test_a_writer_dies_in_the_middle_of_a_line(tmp_path: Path, crew: Any, survived: Any) -> None:
    """The line has no end; who comes next cuts it off."""
    where = tmp_path / "s.journal"
    one = crew(str(where), 40)
    for goal in (5, 12, 20):
        one.start()
        one.until(lambda goal=goal: one.finished() >= goal)
        one.kill().communicate()
        last = where.read_bytes().splitlines()[-1]
        with where.open("ab") as file:
            file.write(last[: len(last) // 2])
    one.start(2)
    one.end()

    survived("last line of the journal truncated", "journal", one)
