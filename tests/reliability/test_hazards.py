"""Objectives that do what no objective should: fork, print, change what they were given, touch the global state."""

from __future__ import annotations

import gc
import logging
import random
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import parzen
from parzen import State, Study, hp

Run = Callable[..., subprocess.CompletedProcess[str]]

SPACE = {"x": hp.float("x", -5, 5), "layers": hp.categorical("layers", [[1, 2], [3]])}

FORKS = """
    import os, sys
    import parzen
    from parzen import hp

    how, door = sys.argv[1:3]
    log = os.open("evaluations", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    children = []

    def objective(config):
        os.write(log, b"begun\\n")
        pid = os.fork()
        if pid:
            children.append(pid)
        elif how == "raises":
            raise ValueError("in the child")
        elif how == "exits":
            sys.exit(7)
        elif how == "interrupts":
            raise KeyboardInterrupt
        return config["x"]  # the child of "falls through" comes here too

    space = {"x": hp.float("x", 0, 1)}
    if door == "minimize":
        result = parzen.minimize(
            objective, space, 10, algorithm="random", seed=1, storage="study.db", progress="lines"
        )
        count = result.history.count(parzen.State.OK)
    else:
        trials = parzen.Trials()
        parzen.fmin(
            objective, space, parzen.rand.suggest, 10, trials=trials, rstate=1, storage="study.db",
            trials_save_file="trials.pkl",
        )
        count = len(trials)
    codes = {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children}
    print(count, *codes)
"""

CODES = {"falls through": "0", "raises": "1", "exits": "7", "interrupts": "1"}


@pytest.mark.parametrize("door", ["minimize", pytest.param("fmin", marks=pytest.mark.slow)])
@pytest.mark.parametrize("how", CODES)
def test_a_forked_child_never_becomes_a_second_driver(how: str, door: str, run: Run, tmp_path: Path) -> None:
    """Whether it falls through, raises or exits: ten evaluations for ten trials, and the output is written once."""
    done = run(FORKS, how, door)

    assert done.stdout.split() == ["10", CODES[how]]
    assert (tmp_path / "evaluations").read_text().count("begun") == 10
    assert len({trial.params["x"] for trial in Study.load(tmp_path / "study.db").trials}) == 10


def test_a_child_that_uses_the_study_is_told_to_open_its_own(run: Run, tmp_path: Path) -> None:
    """It may read; what it writes through its parent's connection is refused, what it writes through its own counts."""
    done = run("""
        import os
        import parzen
        from parzen import hp

        study = parzen.Study({"x": hp.float("x", 0, 1)}, storage="study.db", seed=1)
        trial = study.ask()
        pid = os.fork()
        if pid == 0:
            try:
                study.tell(trial, 1.0)
            except parzen.errors.StudyError as error:
                print(error, flush=True)
                parzen.Study.load("study.db").tell(trial.number, 2.0)
            os._exit(0)
        os.waitpid(pid, 0)
        study.refresh()
        print(study.trials[0].loss)
    """)

    assert "open it anew with Study.load" in done.stdout
    assert done.stdout.endswith("\n2.0\n")


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_an_objective_may_use_processes_of_its_own(method: str, run: Run) -> None:
    """A pool inside of the objective works, and no child of it becomes a driver."""
    done = run(
        """
        import multiprocessing, os, sys
        import parzen
        from parzen import hp

        def square(x):
            return x * x

        def objective(config):
            with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
                values = pool.map(square, [config["x"], 1.0, 2.0])
            process = multiprocessing.get_context(sys.argv[1]).Process(target=square, args=(1,))
            process.start()
            process.join()
            return sum(values)

        if __name__ == "__main__":
            space = {"x": hp.float("x", 0, 1)}
            result = parzen.minimize(objective, space, 2, seed=1, storage="study.db", progress=False)
            print(len(result.trials), result.history.count(parzen.State.OK))
        """,
        method,
    )

    assert done.stdout == "2 2\n"


def test_a_forked_child_ends_at_a_sigterm_whatever_it_catches(run: Run) -> None:
    """As a pool ends its workers: with parzen's own handler the child could swallow it, and the pool wait for ever."""
    done = run(
        """
        import os, signal, time
        import parzen
        from parzen import hp

        def objective(config):
            ready, told = os.pipe()
            child = os.fork()
            if child == 0:
                try:
                    os.write(told, b"x")
                    time.sleep(60)
                except BaseException:
                    time.sleep(60)
                os._exit(0)
            os.read(ready, 1)
            os.kill(child, signal.SIGTERM)
            return float(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

        print(parzen.minimize(objective, {"x": hp.float("x", 0, 1)}, 1, progress=False).best.loss)
        """
    )

    assert done.stdout == "-15.0\n"


def test_a_handler_that_the_objective_installs_is_its_own(run: Run) -> None:
    """It stays, in the children that it forks and after the run."""
    done = run(
        """
        import os, signal, time
        import parzen
        from parzen import hp

        def own(number, frame):
            os._exit(7)

        def objective(config):
            signal.signal(signal.SIGTERM, own)
            child = os.fork()
            if child == 0:
                time.sleep(60)
                os._exit(0)
            time.sleep(0.1)
            os.kill(child, signal.SIGTERM)
            return float(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

        best = parzen.minimize(objective, {"x": hp.float("x", 0, 1)}, 1, progress=False).best
        print(best.loss, signal.getsignal(signal.SIGTERM) is own)
        """
    )

    assert done.stdout == "7.0 True\n"


@pytest.mark.skipif(sys.platform != "linux", reason="asks the system's own library to wait")
def test_a_forked_child_that_waits_for_a_lock_ends_at_a_sigterm(run: Run) -> None:
    """As one of a pool does, whose queue another one has locked and taken with it: only the system can end that wait."""
    done = run(
        """
        import ctypes, os, signal, time
        import parzen
        from parzen import hp

        def objective(config):
            ready, told = os.pipe()
            child = os.fork()
            if child == 0:
                mutex = ctypes.create_string_buffer(64)
                ctypes.CDLL(None).pthread_mutex_lock(mutex)
                os.write(told, b"x")
                ctypes.CDLL(None).pthread_mutex_lock(mutex)  # for ever, whatever a signal's handler of Python's would do
            os.read(ready, 1)
            time.sleep(0.1)
            os.kill(child, signal.SIGTERM)
            for _ in range(100):
                done, status = os.waitpid(child, os.WNOHANG)
                if done:
                    return float(os.waitstatus_to_exitcode(status))
                time.sleep(0.05)
            os.kill(child, signal.SIGKILL)
            return 0.0

        print(parzen.minimize(objective, {"x": hp.float("x", 0, 1)}, 1, progress=False).best.loss)
        """
    )

    assert done.stdout == "-15.0\n"


def _search(objective: Callable[[Any], float], trials: int = 12, **settings: Any) -> parzen.Result:
    return parzen.minimize(objective, SPACE, trials, algorithm="random", seed=4, progress=False, **settings)


def test_an_objective_may_change_its_configuration(tmp_path: Path) -> None:
    """What is recorded is what was proposed, and a mutable option is handed out as it is each time."""

    def objective(config: dict[str, Any]) -> float:
        x = config["x"]
        config["x"] = 1e9
        config["more"] = "things"
        config.pop("layers")
        return float(x**2)

    result = _search(objective, storage=tmp_path / "study.db")

    assert all(trial.loss == trial.params["x"] ** 2 for trial in result.trials)
    assert all(set(trial.config) == {"x", "layers"} for trial in result.trials)


def test_an_objective_may_seed_the_global_generators() -> None:
    """Proposals do not come from them, and they are not touched by us."""

    def objective(config: dict[str, Any]) -> float:
        np.random.seed(0)
        random.seed(0)
        return float(config["x"])

    values = [trial.params["x"] for trial in _search(objective).trials]
    np.random.seed(7)
    random.seed(7)
    expected = np.random.random(), random.random()
    np.random.seed(7)
    random.seed(7)
    _search(lambda config: float(config["x"]))

    assert len(set(values)) == 12
    assert (np.random.random(), random.random()) == expected


def test_an_objective_may_run_a_search_of_its_own(tmp_path: Path) -> None:
    """In memory, in another file, and as another study of the same file."""

    def inner(config: dict[str, Any]) -> float:
        return float(config["x"]) ** 2

    def objective(config: dict[str, Any]) -> float:
        memory = _search(inner, 3).best.loss
        file = _search(inner, 3, storage=tmp_path / "inner.db", name=f"inner {config['x']}").best.loss
        same = _search(inner, 3, storage=tmp_path / "study.db", name=f"inner {config['x']}").best.loss
        assert memory == file == same is not None
        return float(config["x"]) + memory

    result = _search(objective, 4, storage=tmp_path / "study.db")

    assert result.history.count(State.OK) == 4
    assert len(Study.load(tmp_path / "study.db", "study").storage.studies()) == 5


def test_an_objective_may_leave_threads_and_garbage_behind() -> None:
    """And turn the collector off, change the recursion limit's work, or set logging levels."""
    stop = threading.Event()
    threads = []

    def objective(config: dict[str, Any]) -> float:
        thread = threading.Thread(target=stop.wait)
        thread.start()
        threads.append(thread)
        gc.collect()
        logging.disable(logging.CRITICAL)
        return float(config["x"])

    try:
        result = _search(objective, 5)
    finally:
        stop.set()
        logging.disable(logging.NOTSET)
        for thread in threads:
            thread.join()

    assert result.history.count(State.OK) == 5


def test_an_objective_may_close_or_replace_the_standard_streams(run: Run) -> None:
    """The search goes on and its result is right; feedback is the one that falls silent."""
    done = run("""
        import io, os, sys
        import parzen
        from parzen import hp

        def objective(config):
            sys.stderr.close() if sys.argv[1:] else None
            sys.stdout = io.StringIO()
            os.close(2)
            return config["x"]

        calls = iter(range(100))
        space = {"x": hp.float("x", 0, 1)}
        true = os.dup(1)
        def once(config):
            return objective(config) if next(calls) == 2 else config["x"]
        result = parzen.minimize(once, space, 8, algorithm="random", progress="lines")
        os.write(true, str(len(result.trials)).encode())
    """)

    assert done.stdout == "8"


def test_a_search_runs_in_a_thread() -> None:
    """Where Python does not allow signal handlers."""
    results: list[parzen.Result] = []
    thread = threading.Thread(target=lambda: results.append(_search(lambda config: float(config["x"]), 5)))
    thread.start()
    thread.join()

    assert len(results[0].trials) == 5


def test_a_search_leaves_signal_handlers_as_they_were() -> None:
    """Those of the program before, ours in between, those of the program after."""
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    inside = []

    def objective(config: dict[str, Any]) -> float:
        inside.append((signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)))
        return float(config["x"])

    _search(objective, 2)

    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert inside[0] != before


def test_an_objective_with_warnings_as_errors_still_counts() -> None:
    """A warning that becomes an exception inside of the objective is the objective's exception."""

    def objective(config: dict[str, Any]) -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            if config["x"] > 0:
                warnings.warn("positive", stacklevel=1)
        return float(config["x"])

    result = _search(objective, catch=UserWarning)

    assert result.history.count(State.ERROR) == sum(trial.params["x"] > 0 for trial in result.trials)


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_a_large_result_is_kept_as_it_is(size: int, tmp_path: Path) -> None:
    """A megabyte of text in a result does not harm the trial."""
    result = _search(lambda config: {"loss": 1.0, "text": "x" * size}, 2, storage=tmp_path / "study.db")  # type: ignore[arg-type, return-value]

    assert len(result.trials[1].extra["text"]) == size
    assert len(Study.load(tmp_path / "study.db").trials[1].extra["text"]) == size


def test_an_environment_without_a_home_works(run: Run, environment: dict[str, str]) -> None:
    """Nothing is written outside of the study's file."""
    for name in ("HOME", "USER", "XDG_CACHE_HOME", "TERM", "LANG", "COLUMNS"):
        environment.pop(name, None)
    done = run("""
        import os, parzen
        from parzen import hp
        before = set(os.listdir("."))
        parzen.minimize(lambda c: c["x"], {"x": hp.float("x", 0, 1)}, 3, storage="study.db", progress="lines")
        print(sorted(name for name in set(os.listdir(".")) - before if not name.startswith("study.db-")))
    """)

    assert done.stdout == "['study.db']\n"
