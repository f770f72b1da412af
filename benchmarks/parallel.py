"""How busy parzen keeps workers, beside the bare engine in the same run.

    python -m benchmarks.parallel [--engines processes threads dask ray] [--workers 2 4 8] [--rounds 3] [--quick]

An objective sleeps for 50 ms, so that as many workers as one likes fit on any machine, and what is lost is what the loop costs.
The bare engine is given the same number of calls at once and does nothing else: a pool of loky for processes, of
`concurrent.futures` for threads, the clients of Dask and Ray.  A rate counts calls from when each worker has ended its
first ones until the last has ended, so that starting processes counts for nobody.  Rounds alternate; the median is shown.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import importlib.util
import os
import platform
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import parzen
from parzen import hp

SECONDS = 0.05
CALLS = 40
"""Calls for each worker."""
NEEDS = {"processes": "loky", "threads": "threading", "dask": "distributed", "ray": "ray"}


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
    if name == "processes":
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
    space = {f"x{i}": hp.float(f"x{i}", 0, 1) for i in range(10)}
    with tempfile.TemporaryDirectory() as folder:
        path = None if storage is None else Path(folder, storage)
        result = parzen.minimize(
            wait, space, CALLS * workers, algorithm="random", seed=1, storage=path, progress=False, **given
        )
        return rate([trial.finished for trial in result.trials], workers)


def measured(name: str, workers: int, rounds: int) -> tuple[float, float, float]:
    """Rates of the bare engine, of parzen in memory, and of parzen on a SQLite file."""
    with engine(name, workers) as (bare, given):
        if name in {"dask", "ray"}:  # their workers import what they are sent once
            bare()
            of_parzen(workers, None, given)
        turns = [
            (bare(), of_parzen(workers, None, given), of_parzen(workers, "study.db", given)) for _ in range(rounds)
        ]
    a, b, c = (statistics.median(column) for column in zip(*turns, strict=True))
    return a, b, c


def main(arguments: Sequence[str] | None = None) -> None:
    global CALLS  # what --quick is for
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--engines", nargs="+", default=["processes", "threads", "dask", "ray"], choices=NEEDS)
    parser.add_argument("--workers", nargs="+", type=int, default=[2, 4, 8])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="few calls, one round: does it work")
    given = parser.parse_args(arguments)
    if given.quick:
        CALLS, given.rounds = 6, 1
    print(
        f"{datetime.datetime.now(tz=datetime.timezone.utc):%Y-%m-%d}, Python {platform.python_version()}, {os.cpu_count()} cores, {SECONDS:g} s a call\n"
    )
    print("| engine | workers | bare, calls/s | parzen / bare | on SQLite / bare |")
    print("|---|---|---|---|---|")
    for name in given.engines:
        if importlib.util.find_spec(NEEDS[name]) is None:
            print(f"| {name} | | {NEEDS[name]} is not installed | | |")
            continue
        for workers in given.workers:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                bare, memory, file = measured(name, workers, given.rounds)
            print(f"| {name} | {workers} | {bare:.1f} | {memory / bare:.3f} | {file / bare:.3f} |", flush=True)


if __name__ == "__main__":
    main()
