"""What happens to a parallel run when its processes, or the program itself, come to a bad end.

Real processes, real signals.  After each fault every finished trial is there once, the total is exact, and nothing that was
started is left behind.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

import parzen
from parzen import hp
from parzen.run.executors._base import Begun, Job, Lost, Task
from parzen.run.executors._evaluate import dumped
from parzen.run.executors._process import WorkerProcess
from parzen.study import Study
from parzen.trials import State

# A machine that is busy with something else may take its time to start processes.
pytestmark = pytest.mark.timeout(400)
Start = Callable[..., subprocess.Popen[str]]
SPACE = {"x": hp.float("x", 0, 1)}


def _run(objective: Callable[..., Any], trials: int, **given: Any) -> parzen.Result:
    settings: dict[str, Any] = {"algorithm": "random", "seed": 1, "progress": False, "parallel": 2}
    return parzen.minimize(objective, SPACE, trials, **{**settings, **given})


def _children() -> set[int]:
    """What this process has started and is still there; loky's resource tracker is there for good."""
    found = psutil.Process().children(recursive=True)
    return {one.pid for one in found if "resource_tracker" not in " ".join(_command(one))}


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def _gone(pids: set[int], within: float = 30.0) -> bool:
    """Whether processes end, without counting those that nobody has waited for."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if not any(_lives(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


def _lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(autouse=True)
def _leaves_nothing_behind() -> Any:
    before = _children()
    yield

    assert _gone(_children() - before), "a run has left processes behind"


# --- objectives -------------------------------------------------------------------------------------------------


def test_an_objective_that_takes_its_process_down_costs_itself_only() -> None:
    """Three attempts each, ERROR "lost worker", and the search goes on; whatever the way of dying."""

    def objective(config: Any, evaluation: parzen.Evaluation) -> float:
        import ctypes
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if evaluation.number == 1:
            ctypes.string_at(0)
        if evaluation.number == 3:
            os._exit(3)
        return float(config["x"])

    result = _run(objective, 6)
    states = [trial.state.name for trial in result.trials]
    first, second = result.trials[1], result.trials[3]

    assert states == ["OK", "ERROR", "OK", "ERROR", "OK", "OK"]
    assert first.attempt == second.attempt == 3
    assert first.error is not None
    assert first.error.kind == "lost worker"
    assert "SIGSEGV" in first.error.message
    assert "exit status 3" in str(second.error)


@pytest.mark.parametrize(
    "then", ["it returns", pytest.param("it goes on", marks=pytest.mark.slow), "it was os._exit(113)"]
)
def test_an_objective_that_closes_everything_is_told_so(then: str, capfd: pytest.CaptureFixture[str]) -> None:
    """As a daemon does: the line to the driver is among it, which is no reason for a traceback of ours.

    The status by which the worker says so may also be one that the objective has chosen.
    """

    def objective(config: float) -> float:
        if then == "it was os._exit(113)":
            os._exit(113)
        os.closerange(3, 1 << 16)  # whatever its number is
        if then == "it goes on":
            threading.Event().wait()
        return config

    worker = WorkerProcess(dumped(Job(objective, False, "loss", ({},)), "the objective"), {})
    worker.give(Task(0, 1, 0.5, 1, 0))
    messages: list[Any] = []
    while not messages or isinstance(messages[-1], Begun):
        messages += worker.hear() if worker.connection.poll(30) else worker.fate()

    assert messages[-1] == Lost(
        0,
        1,
        "its process ended with exit status 113: either its connection to the driver was closed by the objective "
        "(os.closerange?), or the objective ended it so (os._exit?)",
    )
    assert "Traceback" not in capfd.readouterr().err
    assert not worker.is_alive()


@pytest.mark.slow
def test_when_nothing_but_losses_come_back_the_run_ends() -> None:
    """It cannot be the trials, and the budget is not used up for it."""
    with pytest.raises(parzen.errors.ExecutorError, match="workers in a row were gone"):
        _run(lambda config: os._exit(1), 1000)


def test_a_child_that_the_objective_forks_becomes_no_second_worker(tmp_path: Path) -> None:
    """It ends where it would come back, and each trial is recorded once."""

    def objective(config: Any, evaluation: parzen.Evaluation) -> float:
        pid = os.fork()
        if pid:
            os.waitpid(pid, 0)
        (tmp_path / f"{evaluation.number}-{os.getpid()}").touch()
        return float(config["x"])

    result = _run(objective, 6, storage=tmp_path / "study.db")

    assert result.history.count(State.OK) == len(result.history) == 6
    assert len(list(tmp_path.glob("[0-9]*-*"))) == 12


@pytest.mark.slow
def test_a_limit_holds_for_an_objective_that_refuses_to_end(tmp_path: Path) -> None:
    """It ignores signals, stops itself, has children that are sessions of their own: it is gone, and they are."""

    def objective(config: Any, evaluation: parzen.Evaluation) -> float:
        if evaluation.number > 2:
            return 0.0
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        pid = os.fork()
        (tmp_path / f"pid-{os.getpid()}").touch()
        if not pid and evaluation.number == 1:
            os.setsid()
        if pid and evaluation.number == 2:
            os.kill(os.getpid(), signal.SIGSTOP)
        while True:
            time.sleep(1)

    result = _run(objective, 5, trial_timeout=1.0)
    kinds = [str(trial.error and trial.error.kind) for trial in result.trials]
    pids = {int(path.name[4:]) for path in tmp_path.glob("pid-*")}

    assert kinds == ["parzen.errors.ObjectiveTimeout"] * 3 + ["None"] * 2
    assert all(trial.seconds is not None and trial.seconds >= 1 for trial in result.trials[:3])
    assert len(pids) == 6
    assert _gone(pids)


def test_an_objective_that_leaks_is_ended_and_shared_memory_counts_once() -> None:
    """The first uses more and more; the second holds an array that its children see too, and may."""

    def objective(config: Any, evaluation: parzen.Evaluation) -> float:
        held = [np.ones(20_000_000)]  # 160 MB
        if evaluation.number == 0:
            while True:
                held.append(np.ones(5_000_000))
                time.sleep(0.02)
        if evaluation.number == 1:
            children = []
            for _ in range(4):
                pid = os.fork()
                if not pid:
                    time.sleep(1.5)
                    os._exit(0)
                children.append(pid)
            for pid in children:
                os.waitpid(pid, 0)
        return float(config["x"])

    result = _run(objective, 3, trial_memory="500 MB")
    error = result.trials[0].error

    assert [trial.state.name for trial in result.trials] == ["ERROR", "OK", "OK"]
    assert error is not None
    assert error.kind == "parzen.errors.ObjectiveMemory"
    assert "500 MB" in error.message


@pytest.mark.slow
@pytest.mark.parametrize("forced", [False, True], ids=["in order", "by force"])
def test_what_an_objective_leaves_behind_ends_with_the_run_unless_it_has_left_the_family(
    forced: bool, tmp_path: Path
) -> None:
    """A leftover would hold memory or a GPU for nobody; a server that is meant to stay has forked itself away."""

    def objective(config: Any, evaluation: parzen.Evaluation) -> float:
        sleep = [sys.executable, "-c", "import time; time.sleep(100)"]
        if evaluation.number == 0:
            (tmp_path / "left").write_text(str(subprocess.Popen(sleep).pid))
            away = "import os, pathlib, time; os.setsid(); os.fork() and os._exit(0); "
            stay = f"pathlib.Path({str(tmp_path / 'stays')!r}).write_text(str(os.getpid())); time.sleep(100)"
            subprocess.run([sys.executable, "-c", away + stay], check=True)
        deadline = time.monotonic() + 60
        while not (tmp_path / "stays").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        if evaluation.number == 1:
            assert _lives(int((tmp_path / "left").read_text()))  # what one trial has started another may use
        if evaluation.number == 2 and forced:
            time.sleep(100)
        return float(config["x"])

    result = _run(objective, 3, parallel=1, trial_timeout=5 if forced else 60)
    left, stays = (int((tmp_path / name).read_text()) for name in ("left", "stays"))
    alive = _lives(stays)
    os.kill(stays, signal.SIGKILL)

    assert [trial.state.name for trial in result.trials] == ["OK", "OK", "ERROR" if forced else "OK"]
    assert not _lives(left)
    assert alive


# --- workers ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_each_of_four_workers_is_killed_and_nothing_is_lost(tmp_path: Path) -> None:
    """From outside, at whatever it was doing: the total is exact, and each trial is there once."""

    def objective(config: Any, evaluation: parzen.Evaluation) -> float:
        (tmp_path / f"pid-{os.getpid()}").touch()
        deadline = time.monotonic() + 120
        while evaluation.number >= 20 and not (tmp_path / "done").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.02)
        return float(config["x"])

    killed: list[int] = []

    def kill() -> None:
        deadline = time.monotonic() + 120
        while len(pids := sorted(tmp_path.glob("pid-*"))) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        for path in pids[:4]:
            os.kill(int(path.name[4:]), signal.SIGKILL)
            killed.append(int(path.name[4:]))
            time.sleep(0.3)
        (tmp_path / "done").touch()

    killer = threading.Thread(target=kill)
    killer.start()
    result = _run(objective, 100, parallel=4, storage=tmp_path / "study.db")
    killer.join()
    attempts = [trial.attempt for trial in result.trials]

    assert len(killed) == 4
    assert result.history.count(State.OK) == len(result.history) == 100
    assert 104 >= sum(attempts) > 100
    assert result.best.loss == min(trial.params["x"] for trial in result.trials)


# --- the program ------------------------------------------------------------------------------------------------

DRIVER = """
    import os, pathlib, subprocess, sys, time
    import parzen
    from parzen import hp

    slow = sys.argv[1] == "slow"

    def objective(config, evaluation):
        if slow and evaluation.number >= 6:
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
            pathlib.Path(f"pid-{os.getpid()}").touch()
            pathlib.Path(f"pid-{child.pid}").touch()
            time.sleep(100)
        return config["x"]

    space = {"x": hp.float("x", 0, 1)}
    result = parzen.minimize(
        objective, space, 20, algorithm="random", seed=3, storage="study.db", parallel=2, progress=False
    )
    print("stopped by", result.stopped_by, result.history.tally)
"""


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGKILL,
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, marks=pytest.mark.slow),
    ],
    ids=lambda number: number.name,
)
def test_a_program_that_is_ended_takes_its_processes_with_it(
    number: signal.Signals, start: Start, run: Callable[..., Any], tmp_path: Path
) -> None:
    """With what they have started; and when it is run again it goes on, to the same total and the same trials."""
    process = start(DRIVER, "slow")
    deadline = time.monotonic() + 150
    while len(list(tmp_path.glob("pid-*"))) < 4 and time.monotonic() < deadline:
        time.sleep(0.05)
    pids = {int(path.name[4:]) for path in tmp_path.glob("pid-*")}
    process.send_signal(number)
    output, errors = process.communicate(timeout=150)
    before = Study.load(tmp_path / "study.db", readonly=True)

    assert len(pids) == 4
    assert _gone(pids)
    assert before.history.count(State.OK) == 6, errors
    if number == signal.SIGKILL:
        assert before.history.count(State.RUNNING) == 2
    else:
        assert process.returncode == 0
        assert output.startswith("stopped by interrupt 2 WAITING, 6 OK"), output + errors
    again = run(DRIVER, "fast", timeout=150)
    trials = list(Study.load(tmp_path / "study.db", readonly=True).trials)

    assert again.stdout == "stopped by trials 20 OK\n"
    assert [trial.attempt for trial in trials] == [1] * 6 + [2] * 2 + [1] * 12
    serial = parzen.minimize(lambda config: config["x"], SPACE, 20, algorithm="random", seed=3, progress=False)
    assert [trial.params for trial in trials] == [trial.params for trial in serial.trials]
