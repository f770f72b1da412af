"""Stores side by side with Optuna's, in the same run: `python -m benchmarks.storage [--quick] [--postgresql URL]`.

Random search, a free objective, ten columns.  Every number is a ratio to what Optuna does a moment earlier or later on the
same machine, because trials a second by themselves say more about the machine.  Workers are processes that have loaded
everything before the clock starts.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
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
import json, sys, time, tracemalloc
library, where = sys.argv[1:3]
if library == "parzen":
    from parzen import Study
    import parzen.storages.sql, parzen.storages.journal
    def load():
        return Study.load(where, "bench", readonly=True, algorithm="random").history.best
else:
    import optuna
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if where.endswith(".log"):
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend
    def load():
        storage = JournalStorage(JournalFileBackend(where)) if where.endswith(".log") else where
        return optuna.load_study(study_name="bench", storage=storage).best_trial
begun = time.perf_counter()
kept = load()
seconds = time.perf_counter() - begun
print(json.dumps(seconds))
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


def _opening(library: str, where: str) -> float:
    found = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", OPEN, library, where], capture_output=True, text=True, check=True
            ).stdout
        )
        for _ in range(3)
    ]
    return float(statistics.median(found))


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
    parser.add_argument("--postgresql", help="URL of a database in which both may make tables; it is not cleaned")
    given = parser.parse_args()
    scale = 1 if given.quick else 5
    rows: list[tuple[str, float, float, str]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def path(end: str) -> str:
            return str(folder / f"{secrets.token_hex(4)}{end}")

        own: dict[str, float] = {}
        for workers in (1, 4):
            theirs = throughput("optuna", f"sqlite:///{path('.db')}", workers, 20 * scale)
            for mode, query, wanted in (("default", "", 100), ("fully synced", "?sync=full", 15)):
                ours = throughput("parzen", path(".db") + query, workers, (2000 if not query else 400) * scale)
                own[f"{workers} {mode}"] = ours
                goal = f"at least {wanted} times" if workers == 1 else ""
                rows.append((f"SQLite, {workers} workers, {mode}: trials a second", ours, theirs, goal))
        rows.append(("SQLite, default: 4 workers beside 1", own["4 default"], own["1 default"], "at least 0.8"))
        if given.postgresql:
            durable = commits(given.postgresql, 1.0 * scale)
            theirs = throughput(
                "optuna", given.postgresql.replace("postgresql://", "postgresql+psycopg://"), 4, 20 * scale
            )
            ours = throughput("parzen", given.postgresql, 4, 400 * scale)
            rows.append(("PostgreSQL, 4 workers: trials a second", ours, theirs, "at least 8 times"))
            rows.append(("PostgreSQL, 4 workers: trials a durable commit", ours, durable, "at least 0.5"))
        trials = 2_000 * scale
        ours_db, ours_journal = path(".db"), path(".journal")
        for where in (ours_db, ours_journal):
            throughput("parzen", where, 1, trials)
        theirs_db, theirs_journal = path(".db"), path(".log")
        _filled(f"sqlite:///{theirs_db}", trials)
        _filled(theirs_journal, trials)
        kept, journal = _opening("parzen", ours_db), _opening("parzen", ours_journal)
        theirs, theirs_log = _opening("optuna", f"sqlite:///{theirs_db}"), _opening("optuna", theirs_journal)
        rows.append((f"opening {trials} trials on SQLite: seconds", kept, theirs, "at most 0.05"))
        rows.append((f"opening {trials} trials of a journal: seconds", journal, theirs_log, "at most 0.1"))
        if not given.quick:
            large = path(".db")
            throughput("parzen", large, 1, 100_000)
            rows.append(
                ("opening 100000 trials on SQLite: seconds, beside 5 s", _opening("parzen", large), 5.0, "at most 1")
            )
    print("| what | parzen | beside | ratio | wanted |\n|---|---|---|---|---|")
    for what, ours, theirs, wanted in rows:
        print(f"| {what} | {ours:.4g} | {theirs:.4g} | {ours / theirs:.3g} | {wanted} |")
    print(f"\nOn {os.cpu_count()} cores, with a load of {os.getloadavg()[0]:.1f} at the end.")


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
    study = optuna.create_study(study_name="bench", storage=storage)
    kinds = {f"x{i}": FloatDistribution(0, 1) for i in range(COLUMNS)}
    for number in range(trials):
        study.add_trial(
            create_trial(params=dict.fromkeys(kinds, number / trials), distributions=kinds, value=number / trials)
        )


if __name__ == "__main__":
    main()
