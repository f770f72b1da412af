"""SQLite's locks end when anybody in the process closes the file: nothing may be lost by that."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from parzen import Study, hp
from parzen.storages import _descriptors, open_storage
from parzen.storages._descriptors import glance

GLANCE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(connection.execute("SELECT count(*) FROM parzen_trial").fetchone()[0])
connection.close()
"""
RUN = """
import sys
from parzen import Study
study = Study.load(sys.argv[1], "s", algorithm="random")
study.run(lambda config: config["x"], int(sys.argv[2]), progress=False)
study.storage.close()
"""


def seen_by_another_program(path: Path) -> int:
    """How many trials another program sees, which opens the file with SQLite and closes it."""
    done = subprocess.run([sys.executable, "-S", "-c", GLANCE, str(path)], capture_output=True, text=True, check=True)
    return int(done.stdout)


def run_by_another_program(path: Path, budget: int) -> None:
    subprocess.run([sys.executable, "-c", RUN, str(path), str(budget)], check=True)


def begun(path: Path) -> Study:
    study = Study({"x": hp.float("x", 0, 1)}, name="s", storage=path, seed=1, algorithm="random")
    study.run(lambda config: config["x"], 3, progress=False)
    return study


def go_on(study: Study, budget: int) -> None:
    study.run(lambda config: config["x"], budget, progress=False)


def loaded(path: Path) -> None:
    Study.load(path, "s")


def copied(path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("without locks of the open file, a program that copies its study has none until it opens it again")
    shutil.copy(path, path.with_suffix(".copy"))


def listed(path: Path) -> None:
    open_storage(path, readonly=True).studies()


@pytest.mark.parametrize("close", [loaded, listed, copied])
def test_a_program_that_opens_its_file_twice_loses_nothing_to_another_one(close, tmp_path: Path) -> None:
    """The other one is the last that knows of the file: it removes the log which the first goes on writing to."""
    path = tmp_path / "study.db"
    study = begun(path)

    close(path)
    assert seen_by_another_program(path) == 3
    go_on(study, 9)

    assert len(study.history) == 9
    assert seen_by_another_program(path) == 9


def test_two_studies_of_one_program_go_on_beside_each_other(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    study = begun(path)
    other = Study.load(path, "s", algorithm="random")

    copied(path)
    assert seen_by_another_program(path) == 3
    go_on(study, 7)
    run_by_another_program(path, 8)
    go_on(other, 10)
    go_on(study, 12)

    assert seen_by_another_program(path) == 12
    assert sorted(study.history.losses) == sorted(Study.load(path, "s").history.losses)


def test_a_program_that_only_looks_sees_what_others_wrote_after_it_lost_its_locks(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    begun(path).storage.close()
    study = Study.load(path, "s", readonly=True)

    copied(path)
    seen_by_another_program(path)
    run_by_another_program(path, 6)
    study.refresh()

    assert len(study.history) == 6


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_may_look_into_the_file(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    study = begun(path)

    def hold() -> None:
        with _descriptors._lock:
            ready.set()
            time.sleep(0.2)

    ready = threading.Event()
    holder = threading.Thread(target=hold)
    holder.start()
    ready.wait()
    if (child := os.fork()) == 0:  # while another thread holds the lock, which is then nobody's in the child
        signal.alarm(10)
        os._exit(0 if not _descriptors._held and glance(str(path), 6)[0] == b"SQLite" else 1)
    status = os.waitpid(child, 0)[1]
    holder.join()
    seen_by_another_program(path)
    go_on(study, 6)

    assert status == 0
    assert seen_by_another_program(path) == 6


def test_descriptors_are_closed_with_the_last_connection(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    study = begun(path)
    for _ in range(5):
        loaded(path)
    assert path.with_name("study.db-wal").exists()
    study.storage.close()

    assert not path.with_name("study.db-wal").exists()
    assert not before or len(os.listdir("/proc/self/fd")) == before
