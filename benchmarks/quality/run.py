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
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.quality import records
from benchmarks.quality.optimisers import OPTIMISERS, VARIANTS
from benchmarks.quality.peers import add_arguments, python_of
from benchmarks.quality.scenarios import SCENARIOS
from benchmarks.quality.tasks import SUBSETS, SUITES, data_directory, load

__all__ = ["RESULTS", "Job", "add_common_arguments", "make", "main", "missing", "seeds_of"]

RESULTS = Path(__file__).parent / "results"
_ROOT = Path(__file__).resolve().parents[2]
_THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True, slots=True)
class Job:
    """Seeds of one optimiser on one task: one child process, which imports the library once."""

    optimiser: str
    task: str
    seeds: tuple[int, ...]
    evaluations: int
    scenario: str = "plain"

    @property
    def kept_as(self) -> str:
        """The name of the task under which its runs are kept."""
        return self.task if self.scenario == "plain" else f"{self.scenario}/{self.task}"

    def command(self, python: str, data: Path) -> list[str]:
        seeds = [str(seed) for seed in self.seeds]
        return [
            *[python, "-m", "benchmarks.quality.run", "--child", "--optimisers", self.optimiser, "--tasks", self.task],
            *["--data", str(data), "--evaluations", str(self.evaluations), "--scenario", self.scenario],
            *["--seeds", *seeds],
        ]


def seeds_of(texts: Sequence[str]) -> tuple[int, ...]:
    """Seeds from numbers and `first:end` ranges."""
    seeds: list[int] = []
    for text in texts:
        first, colon, end = text.partition(":")
        seeds.extend(range(int(first), int(end)) if colon else [int(first)])
    return tuple(seeds)


def _child(job: Job, data: Path) -> None:
    """Makes runs in this process; a line of stdout each."""
    tasks, skipped = load([job.task.split("/")[0]], data)
    if skipped:
        raise SystemExit(" ".join(skipped.values()))
    (task,) = [task for task in tasks if task.name == job.task]
    chosen = VARIANTS[job.optimiser]
    for seed in job.seeds:
        begun = time.process_time()
        recorded = SCENARIOS[job.scenario](chosen, task, seed, job.evaluations)
        seconds = time.process_time() - begun
        try:
            version = importlib.metadata.version(chosen.package)
        except importlib.metadata.PackageNotFoundError:
            version = "source tree"
        for name, losses in recorded.items():
            print(records.Run(job.optimiser, name, seed, tuple(losses), seconds, version).to_json(), flush=True)


def _execute(job: Job, python: str, data: Path, results: Path) -> str:
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
        return f"FAILED {job.optimiser} {job.kept_as}: {said}"
    return f"{job.optimiser} {job.kept_as}: {made} runs, {seconds:.1f} s of CPU"


def missing(jobs: Iterable[Job], results: Path) -> list[Job]:
    """The jobs without the seeds of which there is a run that is long enough."""
    wanted = list(jobs)
    done = {key: len(run.losses) for key, run in records.read(results, {job.optimiser for job in wanted}).items()}
    left = []
    for job in wanted:
        seeds = tuple(s for s in job.seeds if done.get((job.optimiser, job.kept_as, s), 0) < job.evaluations)
        if seeds:
            left.append(replace(job, seeds=seeds))
    return left


def make(jobs: Sequence[Job], options: argparse.Namespace, data: Path) -> bool:
    """Makes runs, a line shown for each job; whether none failed.  What there is no time for is left."""
    print(f"{sum(len(job.seeds) for job in jobs)} runs to make", flush=True)
    end = time.monotonic() + 60 * options.minutes

    def execute(job: Job) -> str | None:
        if time.monotonic() > end:
            return None
        line = _execute(job, python_of(VARIANTS[job.optimiser].environment, options), data, options.results)
        print(line, flush=True)
        return line

    with ThreadPoolExecutor(options.jobs) as pool:
        said = [line for line in pool.map(execute, jobs) if line is not None]
    if len(said) < len(jobs):
        print(f"time is up: {len(jobs) - len(said)} of {len(jobs)} groups of runs left for another time")
    return not any(line.startswith("FAILED") for line in said)


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of every command that makes runs."""
    add_arguments(parser)
    parser.add_argument("--data", type=Path, help="default: PARZEN_BENCH_DATA, else ../shared/data")
    parser.add_argument("--jobs", type=int, choices=(1, 2), default=2)
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin nothing new after that")
    parser.add_argument("--fresh", action="store_true", help="forget earlier runs of these optimisers on these tasks")
    parser.add_argument("--pack", action="store_true", help="afterwards compress the runs for keeping")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    # A child may be told of a variant.
    parser.add_argument("--optimisers", nargs="+", choices=list(VARIANTS), default=list(OPTIMISERS))
    parser.add_argument("--suites", nargs="+", choices=SUITES, default=SUITES)
    parser.add_argument("--subset", choices=list(SUBSETS), help="only the tasks of a named subset")
    parser.add_argument("--tasks", nargs="+", default=["*"], help="names or patterns")
    parser.add_argument("--seeds", nargs="+", default=["0:5"], help="numbers or first:end")
    parser.add_argument("--evaluations", type=int, default=100)
    parser.add_argument("--results", type=Path, default=RESULTS)
    add_common_arguments(parser)
    parser.add_argument("--scenario", default="plain", help=argparse.SUPPRESS)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns 1 if a run failed."""
    options = _parser().parse_args(arguments)
    seeds, data = seeds_of(options.seeds), data_directory(options.data).resolve()
    if options.child:
        _child(Job(options.optimisers[0], options.tasks[0], seeds, options.evaluations, options.scenario), data)
        return 0
    tasks, skipped = load(options.suites, data)
    for suite, reason in skipped.items():
        print(f"skipped {suite}: {reason}")
    chosen = [task.name for task in tasks if any(fnmatch.fnmatch(task.name, pattern) for pattern in options.tasks)]
    if options.subset:
        chosen = [name for name in chosen if name in SUBSETS[options.subset]]
    if options.fresh:
        records.discard(options.results, options.optimisers, chosen)
    jobs = [Job(optimiser, name, seeds, options.evaluations) for optimiser in options.optimisers for name in chosen]
    fine = make(missing(jobs, options.results), options, data)
    if options.pack:
        for path in records.pack(options.results, options.optimisers):
            print(f"{path.name}: {path.stat().st_size} bytes")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
