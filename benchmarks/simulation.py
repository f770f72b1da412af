"""A thousand workers on one study, on a clock that is told to go on: `python -m benchmarks.simulation`.

    python -m benchmarks.simulation [--trials 1000000] [--minutes 10] [--workers 1000] [--hold 2] [--write docs/scale.md]

The log is real: each transaction is made on an SQLite file, by the code that workers run.  The time is not: evaluations
take what a draw from a log-normal distribution says, a transaction holds the study's lock for `--hold` milliseconds, and
who comes meanwhile waits in line.  All workers share one history, because a thousand of them would need a thousand machines;
what reading the log costs each of them is measured once and multiplied.

Workers die now and then: their trials are released when the lease is over, and run again.  At the end the log is read
anew, and every trial has to be there once.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from parzen import Study, hp
from parzen.errors import Conflict
from parzen.log import Stream
from parzen.run._asking import finish_and_start, prepare
from parzen.run._asking import start_trials as start
from parzen.testing import FakeClock
from parzen.trials import LOST, Asked, Event, Finished, Outcome, Released, Started, State

SPACE = {f"x{i}": hp.float(f"x{i}", 0, 1) for i in range(10)}
LEASE = 60.0
BEGIN, APPEND, END, RELEASE = range(4)


@dataclass(frozen=True)
class Setting:
    """What is simulated.

    Attributes:
        workers: how many there are, at any time.
        seconds: mean of an evaluation; its logarithm has a standard deviation of a half.
        hold: seconds for which a transaction holds the study's lock.
        think: seconds that a proposal takes.  What is quick is made while the lock is held, what is not is made beside it.
        deaths: the share of evaluations in which the worker goes away.
    """

    workers: int
    seconds: float
    hold: float
    think: float = 0.0
    deaths: float = 1e-4


@dataclass
class Tally:
    """What came of it."""

    begun: int = 0
    conflicts: int = 0
    again: int = 0
    released: int = 0
    busy: float = 0.0
    virtual: float = 0.0
    real: float = 0.0
    waits: list[float] = field(default_factory=list)


class Simulation:
    """Workers as events on a heap: (virtual time, order, what, worker, number)."""

    def __init__(self, stream: Stream, clock: FakeClock, study: Study, setting: Setting, seed: int) -> None:
        self.stream, self.clock, self.study, self.setting = stream, clock, study, setting
        self.rng = np.random.default_rng(seed)
        self.heap: list[tuple[float, int, int, str, int]] = []
        self.order = itertools.count()
        self.names = itertools.count()
        self.proposed: dict[str, list[Asked]] = {}
        self.free_at = 0.0
        self.tally = Tally()

    def run(self, minutes: float) -> Tally:
        """Until the budget is used up and everything has ended, or no trial begins any more after so many minutes."""
        began, started, tally = time.perf_counter(), self.clock.monotonic(), self.tally
        for _ in range(self.setting.workers):
            self.push(float(self.rng.random()) * self.setting.seconds, BEGIN)
        while self.heap:
            at, _, what, worker, number = heapq.heappop(self.heap)
            if self.clock.monotonic() < at:
                self.clock.advance(at - self.clock.monotonic())
            goes_on = time.perf_counter() - began < 60 * minutes
            if what == RELEASE:
                attempt = self.stream.history.attempt_of(number)
                self.wait_in_line(at)
                self.stream.publish(Released(number, attempt, LOST, self.clock.wall()))
                tally.released += 1
                self.push(at, BEGIN)  # somebody new
            elif self.setting.think:
                self.beside(at, what, worker, number, goes_on)
            else:
                self.in_turn(at, worker, [self.ended(number)] if what == END else [], goes_on)
        tally.real, tally.virtual = time.perf_counter() - began, self.clock.monotonic() - started
        return tally

    def push(self, at: float, what: int, worker: str = "", number: int = -1) -> None:
        worker = worker or f"host-{next(self.names)}/00000000/4026531836/1234/123456789/abcdef01"
        heapq.heappush(self.heap, (at, next(self.order), what, worker, number))

    def wait_in_line(self, at: float) -> float:
        """One transaction; when it is over."""
        begins = max(at, self.free_at)
        self.tally.waits.append(begins - at)
        self.tally.busy += self.setting.hold
        self.free_at = begins + self.setting.hold
        return self.free_at

    def ended(self, number: int) -> Finished:
        history = self.stream.history
        loss = float(np.square(history.row(number) - 0.3).sum())
        outcome = Outcome(State.OK, {"loss": loss}, seconds=self.setting.seconds)
        return Finished(number, history.attempt_of(number), outcome, self.clock.wall())

    def evaluate(self, at: float, worker: str, number: int) -> None:
        self.tally.begun += 1
        if self.rng.random() < self.setting.deaths:
            self.push(at + LEASE, RELEASE, worker, number)
            return
        self.push(at + self.setting.seconds * float(self.rng.lognormal(-0.125, 0.5)), END, worker, number)

    def in_turn(self, at: float, worker: str, ended: Sequence[Finished], goes_on: bool) -> None:
        """As workers do whose algorithm is quick: the result and the next trial are one transaction."""
        over = self.wait_in_line(at)
        _, numbers = finish_and_start(
            self.stream,
            self.study.algorithm,
            1 if goes_on else 0,
            repeat=False,
            worker=worker,
            limited=True,
            ended=ended,
        )
        for number in numbers:
            self.evaluate(over, worker, number)

    def beside(self, at: float, what: int, worker: str, number: int, goes_on: bool) -> None:
        """As workers do whose algorithm takes long: it thinks while others write, and may lose the number."""
        history = self.stream.history
        if what == END:
            self.stream.publish(self.ended(number))
            at = self.wait_in_line(at)
        if what in (BEGIN, END):
            if history.count(State.WAITING) and goes_on:
                (claimed,) = start(self.stream, self.study.algorithm, 1, repeat=False, worker=worker, prepared=[])
                self.evaluate(self.wait_in_line(at), worker, claimed)
            elif goes_on and (history.budget is None or history.spent < history.budget):
                self.proposed[worker] = prepare(self.stream, self.study.algorithm, 1, repeat=False)
                self.push(at + self.setting.think, APPEND, worker)
            return
        proposed, over = self.proposed.pop(worker), self.wait_in_line(at)
        if proposed[0].number != len(history):
            # What this worker would send, which knows only what was there when it looked.
            stale: list[Event] = [*proposed, Started(proposed[0].number, 1, worker, self.clock.wall())]
            try:
                self.stream.storage.append(self.stream.header.uid, stale, f"stale-{next(self.order)}")
                raise AssertionError("a number was given twice")
            except Conflict:
                self.tally.conflicts += 1
            over = self.wait_in_line(over)
        first = proposed[0].values
        if history.budget is not None and history.spent >= history.budget:
            return
        (begun,) = start(
            self.stream,
            self.study.algorithm,
            1,
            repeat=False,
            worker=worker,
            limited=True,
            prepared=proposed,
        )
        if tuple(history.row(begun).tolist()) != first:  # it repeated what another had asked for, and thought again
            self.tally.again += 1
            over += self.setting.think
        self.evaluate(over, worker, begun)


def simulate(setting: Setting, trials: int, minutes: float, folder: Path) -> str:
    """One row of the table."""
    path = folder / f"{len(os.listdir(folder))}.db"
    study = Study(SPACE, storage=path, seed=1, algorithm="random")
    clock = FakeClock()
    study.stream.clock = clock
    study.run(lambda config: 1.0, 0, progress=False)  # says the algorithm and the budget
    from parzen.trials import Requested

    study.stream.publish(Requested("budget", None, trials, clock.wall()))
    prepare(study.stream, study.algorithm, 1, repeat=False)  # what is imported late is there
    tally = Simulation(study.stream, clock, study, setting, seed=2).run(minutes)
    uid, n = study.header.uid, len(study.history)
    study.storage.close()
    size = os.path.getsize(path)

    begun = time.process_time()  # other programs may be waiting for the processor as well
    again = Study.load(path, readonly=True)
    opened = time.process_time() - begun
    assert again.header.uid == uid
    assert again.history.count(State.OK) == len(again.history) == n, again.history.tally
    again.storage.close()
    waits = np.sort(tally.waits) * 1e3
    return (
        f"| {setting.workers} | {setting.seconds:g} | {setting.think:g} | {n} | {tally.begun / tally.virtual:.1f} | "
        f"{tally.busy / tally.virtual:.1%} | {waits[len(waits) // 2]:.1f} / {waits[int(0.99 * len(waits))]:.1f} | "
        f"{1000 * tally.conflicts / n:.1f} | {1000 * tally.again / n:.1f} | {tally.released} | {size / n:.0f} | "
        f"{n / tally.real:.0f} | {opened:.2f} |"
    )


HEAD = """| workers | s a trial | s a proposal | trials | trials/s | lock held | wait for it, ms: median / 99 % | conflicts per 1000 | thought again per 1000 | released | bytes a trial | real trials/s | log read again, CPU s |
|---|---|---|---|---|---|---|---|---|---|---|---|---|"""


def beats(workers: int, folder: Path) -> tuple[float, float]:
    """Milliseconds of a beat, and of looking at those of all."""
    study = Study(SPACE, storage=folder / "beats.db", seed=1)
    names = [f"host-{i}/00000000/4026531836/1234/123456789/abcdef01" for i in range(workers)]
    for name in names:
        study.storage.beat(study.header.uid, name, LEASE)
    begun = time.process_time()
    for name in names:
        study.storage.beat(study.header.uid, name, LEASE)
    one = (time.process_time() - begun) / workers
    begun = time.process_time()
    for _ in range(10):
        study.storage.beats(study.header.uid)
    return 1e3 * one, 1e3 * (time.process_time() - begun) / 10


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1_000_000, help="of the long row")
    parser.add_argument("--minutes", type=float, default=10.0, help="after which no further trial begins in it")
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--hold", type=float, default=2.0, help="milliseconds that a transaction holds the lock")
    parser.add_argument("--short", type=int, default=20_000, help="trials of the other rows")
    given = parser.parse_args(arguments)
    workers, hold = given.workers, given.hold / 1e3
    print(HEAD)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for setting, trials in (
            (Setting(workers, 60, hold), given.trials),
            (Setting(workers, 10, hold), given.short),
            (Setting(workers, 3, hold), given.short),
            (Setting(workers, 1, hold), given.short),
            (Setting(workers, 60, hold, think=0.02), given.short),
            (Setting(workers, 60, hold, think=0.2), given.short),
            (Setting(workers // 10 or 1, 60, hold, think=0.2), given.short),
        ):
            print(simulate(setting, trials, given.minutes, folder), flush=True)
        one, all_of_them = beats(workers, folder)
    print(f"\nOf {workers} workers a beat takes {one:.2f} ms of CPU, and to look at all beats {all_of_them:.1f} ms.")
    print(
        f"On {os.cpu_count()} cores, with a load of {os.getloadavg()[0]:.1f} at the end; a lock held for {given.hold:g} ms."
    )


if __name__ == "__main__":
    main()
