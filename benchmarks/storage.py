"""Stores side by side with Optuna's, in the same run: `python -m benchmarks.storage [--quick] [--postgresql URL]`.

Random search, a free objective, ten columns.  Every number is a ratio to what Optuna does a moment earlier or later on the
same machine, because trials a second by themselves say more about the machine.  Workers are processes that have loaded
everything before the clock starts.  Rounds take turns, and the medians are shown.

A study is open when its trials can be looked at: the columns of the history, and Optuna's `get_trials(deepcopy=False)`.  Optuna
can say which trial is the best without that, which has a row of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

COLUMNS = 10
WORKER = """
import sys
library, where, trials = sys.argv[1], sys.argv[2], int(sys.argv[3])
if library == "parzen":
    from parzen import Study
    study = Study.load(where, "bench", algorithm="random")
    def go():
        study.run(lambda config: config["x0"], trials, progress=False)
else:
    import optuna
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    waiting = {"connect_args": {"timeout": 300}} if where.startswith("sqlite") else {}  # by default it gives up after 5 s
    storage = optuna.storages.RDBStorage(where, engine_kwargs=waiting)
    study = optuna.load_study(study_name="bench", storage=storage, sampler=optuna.samplers.RandomSampler(int(sys.argv[4])))
    def objective(trial):
        return [trial.suggest_float(f"x{i}", 0, 1) for i in range(10)][0]
    def go():
        study.optimize(objective, n_trials=int(sys.argv[5]))
print("ready", flush=True)
sys.stdin.readline()
go()
print("done", flush=True)
"""
OPEN = """
import json, os, sys, time
library, where, best = sys.argv[1:4]
if library == "parzen":
    from parzen import Study
    import parzen.storages.sql, parzen.storages.journal
    def load():
        history = Study.load(where, "bench", readonly=True, algorithm="random").history
        return history, history.best
else:
    import optuna
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend
    def load():
        storage = JournalStorage(JournalFileBackend(where)) if where.endswith(".log") else where
        study = optuna.load_study(study_name="bench", storage=storage)
        return study, study.best_trial if best == "best" else study.get_trials(deepcopy=False)
def memory():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
before, begun, used = memory(), time.perf_counter(), time.process_time()
kept = load()
print(json.dumps([time.perf_counter() - begun, time.process_time() - used, memory() - before]))
"""


def _make(library: str, where: str) -> None:
    if library == "parzen":
        from parzen import Study, hp

        Study(
            {f"x{i}": hp.float(f"x{i}", 0, 1) for i in range(COLUMNS)}, name="bench", storage=where, seed=1
        ).storage.close()
    else:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        optuna.create_study(study_name="bench", storage=where)


def throughput(library: str, where: str, workers: int, trials: int) -> float:
    """Trials a second of so many workers together."""
    _make(library, where)
    each = trials // workers
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, library, where, str(each * workers), str(place), str(each)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for place in range(workers)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    begun = time.perf_counter()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "done\n"
    seconds = time.perf_counter() - begun
    for process in processes:
        process.communicate()
    return each * workers / seconds


def opening(library: str, where: str, best: str = "") -> tuple[float, float, float]:
    """Seconds, seconds of CPU and bytes that it takes to open a study; the medians of three."""
    found = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", OPEN, library, where, best], capture_output=True, text=True, check=True
            ).stdout
        )
        for _ in range(3)
    ]
    wall, cpu, memory = (float(statistics.median(column)) for column in zip(*found, strict=True))
    return wall, cpu, memory


def synced(folder: Path, seconds: float) -> float:
    """Durable commits a second of one row each, on an SQLite file."""
    connection = sqlite3.connect(folder / f"{secrets.token_hex(4)}.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY)")
    done, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        connection.execute("INSERT INTO t DEFAULT VALUES")
        done += 1
    rate = done / (time.perf_counter() - begun)
    connection.close()
    return rate


@contextlib.contextmanager
def database(url: str) -> Iterator[str]:
    """A new database on the server, which is gone afterwards."""
    import psycopg

    name = f"parzen_bench_{secrets.token_hex(4)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield url.rpartition("/")[0] + f"/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def commits(url: str, seconds: float) -> float:
    """Durable commits a second that a server does for one connection."""
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS parzen_bench (n int)")
        connection.execute("INSERT INTO parzen_bench VALUES (0)")
        connection.commit()
        done, begun = 0, time.perf_counter()
        while time.perf_counter() - begun < seconds:
            connection.execute("UPDATE parzen_bench SET n = n + 1")
            connection.commit()
            done += 1
        rate = done / (time.perf_counter() - begun)
        connection.execute("DROP TABLE parzen_bench")
        return rate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer trials: a first look")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["sqlite", "postgresql", "opening"], help="a part of it")
    parser.add_argument("--postgresql", help="URL of a database; new ones are made beside it, and dropped")
    given = parser.parse_args()
    scale, rounds = (1, 1) if given.quick else (5, given.rounds)
    print("| what | parzen | beside | ratio | wanted |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.only in (None, "sqlite"):
            sqlite(folder, scale, rounds)
        if given.postgresql and given.only in (None, "postgresql"):
            postgresql(given.postgresql, scale, rounds)
        if given.only in (None, "opening"):
            openings(folder, 2_000 * scale, 0 if given.quick else 100_000)
    print(f"\nOn {os.cpu_count()} cores, with a load of {os.getloadavg()[0]:.1f} at the end.")


def row(what: str, ours: float, theirs: float, wanted: str) -> None:
    print(f"| {what} | {ours:.4g} | {theirs:.4g} | {ours / theirs:.3g} | {wanted} |", flush=True)


def path(folder: Path, end: str) -> str:
    return str(folder / f"{secrets.token_hex(4)}{end}")


def sqlite(folder: Path, scale: int, rounds: int) -> None:
    """Trials a second on files of SQLite."""
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        found.setdefault("commits", []).append(synced(folder, 1.0))
        for workers in (1, 4):
            theirs = throughput("optuna", f"sqlite:///{path(folder, '.db')}", workers, 20 * scale)
            found.setdefault(f"{workers} optuna", []).append(theirs)
            for mode, query, trials in (("default", "", 2000), ("synced", "?sync=full", 400)):
                ours = throughput("parzen", path(folder, ".db") + query, workers, trials * scale)
                found.setdefault(f"{workers} {mode}", []).append(ours)
    rate = {what: statistics.median(values) for what, values in found.items()}
    row("SQLite, 1 worker, default: trials a second", rate["1 default"], rate["1 optuna"], "at least 100 times")
    row("SQLite, 1 worker, fully synced: trials a second", rate["1 synced"], rate["1 optuna"], "at least 15 times")
    row("SQLite, 4 workers, default: trials a second", rate["4 default"], rate["4 optuna"], "")
    row("SQLite, 4 workers, fully synced: trials a second", rate["4 synced"], rate["4 optuna"], "")
    row("SQLite, default: 4 workers beside 1", rate["4 default"], rate["1 default"], "at least 0.8")
    row("SQLite, fully synced, 1 worker: trials a durable commit", rate["1 synced"], rate["commits"], "")


def postgresql(url: str, scale: int, rounds: int) -> None:
    """Trials a second on a server."""
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        with database(url) as ours, database(url) as theirs:
            found.setdefault("commits", []).append(commits(ours, 1.0))
            found.setdefault("ours", []).append(throughput("parzen", ours, 4, 200 * scale))
            found.setdefault("commits", []).append(commits(ours, 1.0))
            other = theirs.replace("postgresql://", "postgresql+psycopg://")
            found.setdefault("theirs", []).append(throughput("optuna", other, 4, 20 * scale))
    rate = {what: statistics.median(values) for what, values in found.items()}
    row("PostgreSQL, 4 workers: trials a second", rate["ours"], rate["theirs"], "at least 8 times")
    row("PostgreSQL, 4 workers: trials a durable commit", rate["ours"], rate["commits"], "at least 0.5")


def openings(folder: Path, trials: int, most: int) -> None:
    """How long studies are opened."""
    kept = {}
    for end in (".db", ".journal"):
        kept[end] = path(folder, end)
        throughput("parzen", kept[end], 1, trials)
    theirs_db, theirs_journal = path(folder, ".db"), path(folder, ".log")
    _filled(f"sqlite:///{theirs_db}", trials)
    _filled(theirs_journal, trials)
    ours, theirs = opening("parzen", kept[".db"]), opening("optuna", f"sqlite:///{theirs_db}")
    row(f"opening {trials} trials on SQLite: seconds", ours[0], theirs[0], "at most 0.05")
    best = opening("optuna", f"sqlite:///{theirs_db}", "best")
    row(f"the same, beside Optuna's best trial alone ({trials}): seconds", ours[0], best[0], "")
    row(f"memory of {trials} opened trials: bytes a trial", ours[2] / trials, theirs[2] / trials, "at most 0.25")
    ours, theirs = opening("parzen", kept[".journal"]), opening("optuna", theirs_journal)
    row(f"opening {trials} trials of a journal: seconds", ours[0], theirs[0], "at most 0.1")
    if most:
        large = path(folder, ".db")
        throughput("parzen", large, 1, most)
        wall, cpu, _ = opening("parzen", large)
        row(f"opening {most} trials on SQLite: seconds, beside 5 s", wall, 5.0, "at most 1")
        row(f"opening {most} trials on SQLite: seconds of CPU, beside 5 s", cpu, 5.0, "at most 1")


def _filled(where: str, trials: int) -> None:
    """A study of Optuna's with finished trials, added as fast as it can."""
    import optuna
    from optuna.distributions import FloatDistribution
    from optuna.trial import create_trial

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage: object = where
    if where.endswith(".log"):
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        storage = JournalStorage(JournalFileBackend(where))
    else:
        import sqlalchemy as sa

        storage = optuna.storages.RDBStorage(where)
        sa.event.listen(storage.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous = OFF"))
        storage.engine.dispose()
    study = optuna.create_study(study_name="bench", storage=storage)
    kinds = {f"x{i}": FloatDistribution(0, 1) for i in range(COLUMNS)}
    for number in range(trials):
        study.add_trial(
            create_trial(params=dict.fromkeys(kinds, number / trials), distributions=kinds, value=number / trials)
        )


if __name__ == "__main__":
    main()
