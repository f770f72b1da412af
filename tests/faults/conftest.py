"""Workers in processes of their own, and the count of what was lost and doubled when all is over."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import parzen
from parzen import State, Study, hp

WORKER = Path(__file__).parent / "programs" / "worker.py"
SPACE = {"x": hp.float("x", 0, 1), "k": hp.int("k", 1, 9)}
LIMIT = 150.0
"""Seconds after which a test that is not over has failed."""


class Crew:
    """Workers on one study.

    Attributes:
        where: the storage.
        total: trials that there shall be in the end.
        errors: what workers said that ended with an error.
    """

    def __init__(self, folder: Path, where: str, total: int, lease: float = 2.0, pause: float = 0.02) -> None:
        self.folder, self.where, self.total, self.lease, self.pause = folder, where, total, lease, pause
        self.processes: list[subprocess.Popen[str]] = []
        self.errors: list[str] = []
        self.tries = 0
        study = Study(SPACE, storage=where, algorithm="random", seed=1)
        study.storage.close()

    def start(self, n: int = 1, *, fault: str = "none", where: str | None = None, **env: str) -> None:
        """Start workers, with a fault of their own."""
        home = str(Path(parzen.__file__).resolve().parents[1])
        given = (where or self.where, self.total, self.lease, self.folder, self.pause, fault)
        for _ in range(n):
            process = subprocess.Popen(
                [sys.executable, str(WORKER), *map(str, given)],
                env={**os.environ, "PYTHONPATH": home, **env},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            self.processes.append(process)

    def finished(self) -> int:
        """Trials that workers were told are stored."""
        path = self.folder / "acknowledged"
        return len(path.read_bytes().splitlines()) if path.exists() else 0

    def until(self, met: Callable[[], bool]) -> None:
        """Wait for something."""
        deadline = time.monotonic() + LIMIT
        while not met():
            assert time.monotonic() < deadline, f"{self.finished()} of {self.total} trials; errors: {self.errors}"
            time.sleep(0.02)

    def until_more(self, count: int) -> None:
        """Wait until so many more trials are stored than now."""
        goal = self.finished() + count
        self.until(lambda: self.finished() >= goal)

    def until_all_beat(self) -> None:
        """Wait until every worker has been connected: one that never was takes a server that is away for a wrong address."""
        study = Study.load(self.where, readonly=True)
        self.until(lambda: len(study.storage.beats(study.header.uid)) == len(self.processes))
        study.storage.close()

    def kill(self, number: signal.Signals = signal.SIGKILL) -> subprocess.Popen[str]:
        """The worker that was started first is sent a signal, and is nobody of the crew any more."""
        process = self.processes.pop(0)
        process.send_signal(number)
        self.tries += 1
        return process

    def reap(self) -> int:
        """Take those that have ended out of the crew; how many of them a signal killed."""
        killed = 0
        for process in list(self.processes):
            if process.poll() is not None:
                self.processes.remove(process)
                _, said = process.communicate()
                killed += process.returncode < 0
                if process.returncode > 0:
                    self.errors.append(said[-2000:])
        return killed

    def end(self) -> None:
        """Wait until all have ended."""
        self.until(lambda: self.reap() == 0 and not self.processes)

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.communicate()

    def count(self, failed: int = 0) -> tuple[int, int]:
        """Trials that were acknowledged and are not there, and trials that are there twice; all else has to be right.

        Args:
            failed: trials that have to be an ERROR, because a limit ended them.
        """
        study = Study.load(self.where, readonly=True)
        history = study.history
        told = [json.loads(line) for line in (self.folder / "acknowledged").read_text().splitlines()]
        kept = {i: history.trial(i).loss for i in range(len(history))}
        lost = sum(kept.get(number) != loss for number, loss in told)
        rows = Counter(history.values[i].tobytes() for i in range(len(history)))
        doubled = sum(times - 1 for times in rows.values()) + sum(t - 1 for t in Counter(n for n, _ in told).values())

        assert len(history) == self.total, history.tally
        assert (history.count(State.OK), history.count(State.ERROR)) == (self.total - failed, failed), history.tally
        assert len(told) <= self.total
        for trial in study.trials:
            assert trial.loss == (None if trial.state is State.ERROR else (trial.params["x"] - 0.3) ** 2)
        assert study.best.loss == min((trial.params["x"] - 0.3) ** 2 for trial in study.trials)
        assert study.replay().matches
        study.storage.close()
        return lost, doubled


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Callable[..., Crew]]:
    """Makes a crew; none of it outlives the test."""
    made: list[Crew] = []

    def make(where: str, total: int, **more: float) -> Crew:
        made.append(Crew(tmp_path, where, total, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def survived() -> Callable[..., None]:
    """Counts, compares with nothing lost and nothing doubled, and adds a line to the table."""

    def check(fault: str, store: str, crew: Crew, *, errors: int = 0, failed: int = 0) -> None:
        lost, doubled = crew.count(failed)
        table = os.environ.get("PARZEN_FAULT_TABLE")
        if table:
            with open(table, "a", encoding="utf-8") as file:
                file.write(json.dumps([fault, store, crew.tries, crew.total, lost, doubled]) + "\n")

        assert (lost, doubled) == (0, 0)
        assert len(crew.errors) <= errors, crew.errors

    return check
