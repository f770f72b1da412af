"""Makes the runs: optimiser x task x seed, resumable, on at most two processes.

    python -m benchmarks.quality.run [--optimisers parzen-tpe optuna-tpe] [--seeds 0:5] [--evaluations 100]
        [--suites yahpo coco] [--subset heavy] [--tasks 'yahpo/lcbench-*'] [--peers FOLDER] [--data FOLDER] [--pack]

Runs that are there already, at least as long, are not made again; interrupt it and start it again at will.
`--fresh` makes those of the named optimisers anew (after parzen changed, say).  Read them with `report`.
"""

from __future__ import annotations

import argparse
import fnmatch
import importlib.metadata
import math
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.quality import records
from benchmarks.quality.optimisers import OPTIMISERS
from benchmarks.quality.peers import add_arguments, python_of
from benchmarks.quality.tasks import SUBSETS, SUITES, data_directory, load

__all__ = ["RESULTS", "main"]

RESULTS = Path(__file__).parent / "results"
_ROOT = Path(__file__).resolve().parents[2]
_THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True, slots=True)
class _Job:
    """Seeds of one optimiser on one task: one child process, which imports the library once."""

    optimiser: str
    task: str
    seeds: tuple[int, ...]
    evaluations: int

    def command(self, python: str, data: Path) -> list[str]:
        seeds = [str(seed) for seed in self.seeds]
        return [
            *[python, "-m", "benchmarks.quality.run", "--child", "--optimisers", self.optimiser, "--tasks", self.task],
            *["--data", str(data), "--evaluations", str(self.evaluations), "--seeds", *seeds],
        ]


def _seeds(texts: Sequence[str]) -> tuple[int, ...]:
    """Seeds from numbers and `first:end` ranges."""
    seeds: list[int] = []
    for text in texts:
        first, colon, end = text.partition(":")
        seeds.extend(range(int(first), int(end)) if colon else [int(first)])
    return tuple(seeds)


def _child(job: _Job, data: Path) -> None:
    """Makes runs in this process; a line of stdout each."""
    tasks, skipped = load([job.task.split("/")[0]], data)
    if skipped:
        raise SystemExit(" ".join(skipped.values()))
    (task,) = [task for task in tasks if task.name == job.task]
    chosen = OPTIMISERS[job.optimiser]
    for seed in job.seeds:
        begun = time.process_time()
        losses = chosen.run(task, seed, job.evaluations)
        seconds = time.process_time() - begun
        try:
            version = importlib.metadata.version(chosen.package)
        except importlib.metadata.PackageNotFoundError:
            version = "source tree"
        run = records.Run(job.optimiser, job.task, seed, tuple(losses), seconds, version)
        print(run.to_json(), flush=True)


def _execute(job: _Job, python: str, data: Path, results: Path) -> str:
    """One child; each of its runs is on disk as soon as it is made.  Returns a line to show."""
    paths = [str(_ROOT), str(_ROOT / "src")]
    environment = {**os.environ, **_THREADS, "PYTHONPATH": os.pathsep.join(paths)}
    seconds, made, said = 0.0, 0, "no message"
    with subprocess.Popen(
        job.command(python, data),
        cwd=_ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith('{"task"'):
                run = records.Run.from_json(job.optimiser, line)
                records.append(results, run)
                seconds, made = seconds + run.seconds, made + 1
            elif line.strip():
                said = line.strip()
    if process.returncode != 0:
        return f"FAILED {job.optimiser} {job.task}: {said}"
    return f"{job.optimiser} {job.task}: {made} runs, {seconds:.1f} s of CPU"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--optimisers", nargs="+", choices=list(OPTIMISERS), default=list(OPTIMISERS))
    parser.add_argument("--suites", nargs="+", choices=SUITES, default=SUITES)
    parser.add_argument("--subset", choices=list(SUBSETS), help="only the tasks of a named subset")
    parser.add_argument("--tasks", nargs="+", default=["*"], help="names or patterns")
    parser.add_argument("--seeds", nargs="+", default=["0:5"], help="numbers or first:end")
    parser.add_argument("--evaluations", type=int, default=100)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--data", type=Path, help="default: PARZEN_BENCH_DATA, else ../shared/data")
    add_arguments(parser)
    parser.add_argument("--jobs", type=int, choices=(1, 2), default=2)
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin nothing new after that")
    parser.add_argument("--fresh", action="store_true", help="forget earlier runs of these optimisers on these tasks")
    parser.add_argument("--pack", action="store_true", help="afterwards compress the runs for keeping")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns 1 if a run failed."""
    options = _parser().parse_args(arguments)
    seeds, data = _seeds(options.seeds), data_directory(options.data).resolve()
    if options.child:
        _child(_Job(options.optimisers[0], options.tasks[0], seeds, options.evaluations), data)
        return 0
    tasks, skipped = load(options.suites, data)
    for suite, reason in skipped.items():
        print(f"skipped {suite}: {reason}")
    chosen = [task.name for task in tasks if any(fnmatch.fnmatch(task.name, pattern) for pattern in options.tasks)]
    if options.subset:
        chosen = [name for name in chosen if name in SUBSETS[options.subset]]
    if options.fresh:
        records.discard(options.results, options.optimisers, chosen)
    done = records.read(options.results, options.optimisers)
    long_enough = {key for key, run in done.items() if len(run.losses) >= options.evaluations}
    jobs = []
    for optimiser in options.optimisers:
        for name in chosen:
            missing = tuple(seed for seed in seeds if (optimiser, name, seed) not in long_enough)
            if missing:
                jobs.append(_Job(optimiser, name, missing, options.evaluations))
    print(f"{sum(len(job.seeds) for job in jobs)} runs to make", flush=True)
    end = time.monotonic() + 60 * options.minutes

    def execute(job: _Job) -> str | None:
        if time.monotonic() > end:
            return None
        python = python_of(OPTIMISERS[job.optimiser].environment, options)
        line = _execute(job, python, data, options.results)
        print(line, flush=True)
        return line

    with ThreadPoolExecutor(options.jobs) as pool:
        said = [line for line in pool.map(execute, jobs) if line is not None]
    failed = any(line.startswith("FAILED") for line in said)
    if len(said) < len(jobs):
        print(f"time is up: {len(jobs) - len(said)} of {len(jobs)} groups of runs left for another time")
    if options.pack:
        for path in records.pack(options.results, options.optimisers):
            print(f"{path.name}: {path.stat().st_size} bytes")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
