"""How busy parzen keeps workers, beside the bare engine in the same run.

    python -m benchmarks.parallel [--engines processes threads dask ray workers] [--workers 2 4 8] [--rounds 3] [--quick]
        [--url postgresql://127.0.0.1:5432/test]

An objective sleeps for 50 ms, so that as many workers as one likes fit on any machine, and what is lost is what the loop costs.
The bare engine is given the same number of calls at once and does nothing else: a pool of loky for processes, of
`concurrent.futures` for threads, the clients of Dask and Ray.  A rate counts calls from when each worker has ended its
first ones until the last has ended, so that starting processes counts for nobody.  Rounds alternate; the median is shown.

`workers` is the command `parzen worker`: so many processes on one study, which is in an SQLite file and, with `--url`, on a
server (PostgreSQL).  They are held against the pool of loky, and every trial of theirs is a durable commit of the server's,
whose rate is said, too.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import importlib.util
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import parzen
from benchmarks.storage import commits, database
from parzen import hp

SECONDS = 0.05
_ROOT = Path(__file__).parents[1]
CALLS = 40
"""Calls for each worker."""
NEEDS = {"processes": "loky", "threads": "threading", "dask": "distributed", "ray": "ray", "workers": "loky"}
SPACE = {f"x{i}": hp.float(f"x{i}", 0, 1) for i in range(10)}


def wait(_: object) -> float:
    time.sleep(SECONDS)
    return 1.0


def rate(ended: Sequence[float], workers: int) -> float:
    """Calls per second, from the times at which they ended: without the first two of each worker."""
    times = sorted(ended)[2 * workers - 1 :]
    return (len(times) - 1) / (times[-1] - times[0])


# --- the bare engines -------------------------------------------------------------------------------------------


def of_futures(submit: Callable[..., Any], workers: int) -> float:
    ended: list[float] = []
    futures = [submit(wait, i) for i in range(CALLS * workers)]
    for future in futures:
        future.add_done_callback(lambda _: ended.append(time.time()))
    for future in futures:
        future.result()
    while len(ended) < len(futures):  # callbacks come after results
        time.sleep(0.01)
    return rate(ended, workers)


def of_ray(ray: Any, workers: int) -> float:
    call = ray.remote(num_cpus=1)(wait)
    left, ended = [call.remote(i) for i in range(CALLS * workers)], []
    while left:
        _, left = ray.wait(left)
        ended.append(time.time())
    return rate(ended, workers)


@contextlib.contextmanager
def engine(name: str, workers: int) -> Iterator[tuple[Callable[[], float], dict[str, Any]]]:
    """How to measure the bare engine, and the arguments that have parzen use it."""
    if name in ("processes", "workers"):
        import loky

        def bare() -> float:
            with loky.ProcessPoolExecutor(workers) as pool:
                return of_futures(pool.submit, workers)

        yield bare, {"parallel": workers}
    elif name == "threads":

        def bare() -> float:
            with ThreadPoolExecutor(workers) as pool:
                return of_futures(pool.submit, workers)

        yield bare, {"parallel": workers, "threads": True}
    elif name == "dask":
        import distributed

        with (
            distributed.LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
            distributed.Client(cluster) as client,
        ):
            client.wait_for_workers(workers)
            yield lambda: of_futures(lambda f, i: client.submit(f, i, pure=False), workers), {"executor": client}
    else:
        import ray

        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        try:
            yield lambda: of_ray(ray, workers), {"executor": ray}
        finally:
            ray.shutdown()


# --- parzen -----------------------------------------------------------------------------------------------------


def of_parzen(workers: int, storage: str | None, given: dict[str, Any]) -> float:
    result = parzen.minimize(
        wait, SPACE, CALLS * workers, algorithm="random", seed=1, storage=storage, progress=False, **given
    )
    return rate([trial.finished for trial in result.trials], workers)


def of_workers(workers: int, storage: str) -> float:
    """Of processes of `parzen worker`, which share nothing but the storage."""
    study = parzen.Study(SPACE, storage=storage, algorithm="random", seed=1)
    command = [
        sys.executable,
        "-m",
        "parzen",
        "worker",
        storage,
        "--name",
        study.name,
        "--quiet",
        "--algorithm",
        "random",
    ]
    # They start one after another, a second apart on a busy machine, and nobody waits for the others.
    command += ["--trials", str((CALLS + 60) * workers), "--parallel", str(workers)]
    subprocess.run([*command, "--objective", "benchmarks.parallel:wait"], check=True, cwd=_ROOT)
    study.refresh()
    ended: dict[str | None, list[float]] = {}
    for trial in study.trials:
        ended.setdefault(trial.worker, []).append(trial.finished)
    start = max(sorted(times)[1] for times in ended.values())
    times = [time for each in ended.values() for time in each if time >= start]
    return (len(times) - 1) / (max(times) - start)


def measured(name: str, workers: int, rounds: int, url: str | None) -> list[float]:
    """Rates of the bare engine, and of parzen in memory, on an SQLite file, and on a server; NaN for what there is not."""
    with engine(name, workers) as (bare, given):

        def ours(storage: str | None) -> float:
            if name != "workers":
                return of_parzen(workers, storage, given)
            return math.nan if storage is None else of_workers(workers, storage)

        def turn() -> tuple[float, ...]:
            with tempfile.TemporaryDirectory() as folder:
                pool, memory, file = bare(), ours(None), ours(f"sqlite:///{folder}/study.db")
            if url is None:
                return pool, memory, file, math.nan
            with database(url) as server:
                return pool, memory, file, ours(server)

        if name in {"dask", "ray"}:  # their workers import what they are sent once
            bare()
            ours(None)
        turns = [turn() for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*turns, strict=True)]


def main(arguments: Sequence[str] | None = None) -> None:
    global CALLS  # what --quick is for
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--engines", nargs="+", default=list(NEEDS), choices=NEEDS)
    parser.add_argument("--workers", nargs="+", type=int, default=[2, 4, 8])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--url", help="of a PostgreSQL database, beside which others are made for studies on a server")
    parser.add_argument("--quick", action="store_true", help="few calls, one round: does it work")
    given = parser.parse_args(arguments)
    if given.quick:
        CALLS, given.rounds = 6, 1
    print(
        f"{datetime.datetime.now(tz=datetime.timezone.utc):%Y-%m-%d}, Python {platform.python_version()}, {os.cpu_count()} cores, {SECONDS:g} s a call\n"
    )
    if given.url is not None:
        print(f"The server does {commits(given.url, 2.0):.0f} durable commits a second for one connection.\n")
    print("| engine | workers | bare, calls/s | parzen / bare | on SQLite / bare | on a server / bare |")
    print("|---|---|---|---|---|---|")
    for name in given.engines:
        if importlib.util.find_spec(NEEDS[name]) is None:
            print(f"| {name} | | {NEEDS[name]} is not installed | | | |")
            continue
        for workers in given.workers:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                bare, *ours = measured(name, workers, given.rounds, given.url)
            cells = [f"{rate / bare:.3f}" if rate == rate else "" for rate in ours]
            print(f"| {name} | {workers} | {bare:.1f} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
