"""A worker that writes down what it was told is stored, and may meet a fault of its own.

Arguments: the storage, the total, the lease in seconds, a folder, the seconds that an evaluation takes, the fault.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import Any

from parzen import Study
from parzen.storages.journal import JournalStorage
from parzen.storages.sql import SQLStorage
from parzen.trials import Finished, Started

where, total, lease, folder, pause, fault = sys.argv[1:7]
acknowledged = os.open(os.path.join(folder, "acknowledged"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def loss_of(x: float) -> float:
    return (x - 0.3) ** 2


def objective(config: dict[str, float]) -> float:
    time.sleep(float(pause))
    return loss_of(config["x"])


if fault == "its own file is copied":
    import shutil

    def objective(config: dict[str, float]) -> float:
        shutil.copy(where, os.path.join(folder, f"copy-{os.getpid()}"))  # closes it: SQLite's own locks end there
        time.sleep(float(pause))
        return loss_of(config["x"])


def each(study: Study, trial: Any) -> None:
    os.write(acknowledged, (json.dumps([trial.number, trial.loss]) + "\n").encode())


if fault in ("between claim and start", "after the commit of a result"):
    last = Started if fault == "between claim and start" else Finished

    def die_if_due(events: Any) -> None:
        if events and isinstance(events[-1], last) and events[-1].number % 3 == 2 and events[-1].attempt == 1:
            die()

    for storage in (SQLStorage, JournalStorage):

        def append(self: Any, uid: str, events: Any, token: str, append: Any = storage.append) -> int:
            seq = append(self, uid, events, token)
            die_if_due(events)
            return int(seq)

        def turn(
            self: Any, uid: str, after: int, decide: Any, token: str, meanwhile: Any = None, turn: Any = storage.turn
        ) -> int:
            batch: list[Any] = []
            seq = turn(self, uid, after, lambda new: batch.extend(decide(new)) or batch, token, meanwhile)
            die_if_due(batch)
            return int(seq)

        storage.append, storage.turn = append, turn  # type: ignore[method-assign]
elif fault == "before the commit of a result":
    inner, commit = SQLStorage._append, SQLStorage._commit

    def _append(self: Any, cursor: Any, uid: str, events: Any, *rest: Any) -> int:
        end = events[-1]
        self.is_result = isinstance(end, Finished) and end.number % 3 == 2 and end.attempt == 1
        return inner(self, cursor, uid, events, *rest)

    def _commit(self: Any, connection: Any) -> None:
        if getattr(self, "is_result", False):
            die()
        commit(self, connection)

    SQLStorage._append, SQLStorage._commit = _append, _commit  # type: ignore[method-assign]
elif fault == "the clock is set back an hour":
    real, since = time.time, time.monotonic()
    from parzen._clock import SystemClock

    SystemClock.wall = staticmethod(lambda: real() - (3600 if time.monotonic() - since > 0.5 else 0))  # type: ignore[assignment]
elif fault == "the disk is full":
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(os.environ["FAULT_LIMIT"]), resource.RLIM_INFINITY))

settings: dict[str, Any] = {}
if fault.startswith("objective that "):
    # In processes of their own, which the objective takes down; the numbers 2, 8, 14 … do it the first time.
    deed = fault.removeprefix("objective that ")
    limits = {"leaks to the memory limit": {"trial_memory": "400 MB"}, "ignores SIGTERM": {"trial_timeout": 1.5}}
    settings = {"parallel": 2, **limits.get(deed, {})}

    def objective(config: dict[str, float], evaluation: Any) -> float:  # type: ignore[misc]  # the other one, with a fault
        marker = os.path.join(folder, f"fault-{evaluation.number}")
        if evaluation.number % 6 == 2 and not os.path.exists(marker):
            open(marker, "w").close()
            misbehave(deed)
        time.sleep(float(pause))
        return (config["x"] - 0.3) ** 2

    def misbehave(deed: str) -> None:
        import ctypes
        import resource

        if deed == "segfaults":
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            ctypes.string_at(0)
        elif deed == "forks":
            child = os.fork()  # it returns into the loop as well, and must not become a second worker
            if child:
                os.waitpid(child, 0)
        elif deed == "leaks to the memory limit":
            held = []
            while True:
                held.append(bytearray(os.urandom(1)) * 10_000_000)
                time.sleep(0.01)
        else:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            while True:
                time.sleep(1)


study = Study.load(where, algorithm="random")
if fault == "between ask and tell":
    for _ in range(3):
        trial = study.ask(lease=float(lease))
        each(study, study.tell(trial, loss_of(trial.params["x"])))
    study.ask(lease=float(lease))
    die()
study.run(objective, int(total), callbacks=[each], lease=float(lease), progress=False, **settings)
