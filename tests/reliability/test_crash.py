"""A driver that dies, at any point and in any way, loses at most the evaluation that was running."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import parzen
from parzen import State, Study, hp

Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., "subprocess.Popen[str]"]

SPACE = {"x": hp.float("x", -5, 5), "k": hp.categorical("k", ["a", "b", "c"])}
TOTAL = 20

DRIVER = """
    import os, signal, sys
    import parzen
    from parzen import hp
    from parzen.run import _asking
    from parzen.storages.sql import SQLStorage

    _asking.QUICK = 60.0  # however busy the machine is
    point, total = sys.argv[1], int(sys.argv[2])
    SPACE = {"x": hp.float("x", -5, 5), "k": hp.categorical("k", ["a", "b", "c"])}
    log = os.open("evaluations", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def die():
        os.kill(os.getpid(), signal.SIGKILL)

    def drive(kill_at):
        calls = appends = 0

        def objective(config):
            nonlocal calls
            calls += 1
            os.write(log, b"begun\\n")
            if point == "in the objective" and calls == kill_at:
                die()
            os.write(log, b"ended\\n")
            return config["x"] ** 2

        append, turn = SQLStorage.append, SQLStorage.turn

        def is_due(events):
            nonlocal appends
            named = bool(events) and type(events[-1]).__name__ == point.rsplit(" ", 1)[-1]
            appends += named
            return named and appends == kill_at

        def dying_append(self, uid, events, token):
            due = is_due(events)
            if due and point.startswith("before"):
                die()
            seq = append(self, uid, events, token)
            if due and point.startswith("after"):
                die()
            return seq

        def dying_turn(self, uid, after, decide, token, meanwhile=None):
            due = False

            def deciding(new):
                nonlocal due
                events = decide(new)
                due = is_due(events)
                if due and point.startswith("before"):
                    die()
                return events

            seq = turn(self, uid, after, deciding, token, meanwhile)
            if due and point.startswith("after"):
                die()
            return seq

        def callback(study, trial):
            if point == "between trials" and calls == kill_at:
                die()

        SQLStorage.append, SQLStorage.turn = dying_append, dying_turn
        return parzen.minimize(
            objective, SPACE, total, seed=3, algorithm="random", storage="study.db", progress=False,
            callbacks=[callback] if sys.argv[3] == "callback" else [],
        )

    for kill_at in (1, 4, 2, 3, 2):
        if sys.argv[3] == "together":
            kill_at += 1  # the first proposal of a process is not made with a result
        pid = os.fork()
        if pid == 0:
            drive(kill_at)
            os._exit(1)
        assert os.waitpid(pid, 0)[1] == signal.SIGKILL, point
    result = drive(10_000)
    assert result.stopped_by == "trials", result.stopped_by
"""

POINTS = (
    "in the objective",
    "between trials",
    "before Started",
    "after Started",
    "before Finished",
    "after Finished",
)


def _square(config: dict[str, float]) -> float:
    return config["x"] ** 2


def _check(trials: list[parzen.Trial]) -> None:
    """The total is exact, no trial is RUNNING, none is there twice, and the trials are those of a run without kills."""
    uninterrupted = parzen.minimize(_square, SPACE, TOTAL, seed=3, algorithm="random", progress=False)

    assert [trial.state for trial in trials] == [State.OK] * TOTAL
    assert [trial.params for trial in trials] == [trial.params for trial in uninterrupted.trials]
    assert all(trial.loss == trial.params["x"] ** 2 for trial in trials)


@pytest.mark.parametrize("point", POINTS)
def test_five_kills_and_a_resume_give_what_one_run_gives(point: str, run: Run, tmp_path: Path) -> None:
    """Wherever it dies, and every evaluation but the one that was running is paid for once."""
    run(DRIVER, point, str(TOTAL), "callback")
    lines = (tmp_path / "evaluations").read_text().split()
    _check(list(Study.load(tmp_path / "study.db").trials))

    # An evaluation is paid for twice only if it was running when the driver died.
    lost = 5 if point in ("in the objective", "before Finished") else 0
    assert lines.count("ended") == TOTAL + (lost if point == "before Finished" else 0)
    assert lines.count("begun") == TOTAL + lost


@pytest.mark.parametrize(("point", "lost"), [("before Started", 5), ("after Started", 0)])
def test_a_result_and_the_next_trial_are_one_transaction(point: str, lost: int, run: Run, tmp_path: Path) -> None:
    """Killed right before it, a driver loses the evaluation that has just ended; right after it, nothing."""
    run(DRIVER, point, str(TOTAL), "together")
    lines = (tmp_path / "evaluations").read_text().split()
    _check(list(Study.load(tmp_path / "study.db").trials))

    assert lines.count("ended") == lines.count("begun") == TOTAL + lost


SLOW_DRIVER = """
    import sys, time
    import parzen
    from parzen import hp

    done = 0

    def objective(config):
        global done
        print("begun", flush=True)
        if done == int(sys.argv[1]):
            time.sleep(60)
        done += 1
        return config["x"] ** 2

    space = {"x": hp.float("x", -5, 5), "k": hp.categorical("k", ["a", "b", "c"])}
    result = parzen.minimize(objective, space, 15, seed=3, storage="study.db", progress="lines")
    print("stopped by", result.stopped_by, "with", len(result.trials))
"""


@pytest.mark.parametrize(
    "number",
    [signal.SIGKILL, *(pytest.param(number, marks=pytest.mark.slow) for number in (signal.SIGTERM, signal.SIGINT))],
    ids=lambda number: number.name,
)
def test_a_program_that_was_ended_from_outside_goes_on_when_it_is_run_again(
    number: signal.Signals, start: Start, run: Run, tmp_path: Path
) -> None:
    """At once, with the same total, what was finished kept, and with a line that says so; with the default algorithm."""
    process = start(SLOW_DRIVER, "6")
    assert process.stdout is not None
    for _ in range(7):
        process.stdout.readline()
    process.send_signal(number)
    output, errors = process.communicate(timeout=30)
    before = Study.load(tmp_path / "study.db", readonly=True)

    assert process.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 0)
    assert (output == "stopped by interrupt with 7\n") == (number != signal.SIGKILL), errors
    assert before.history.count(State.OK) == 6
    assert before.history.count(State.RUNNING) == (number == signal.SIGKILL)

    again = run(SLOW_DRIVER, "1000", timeout=30)
    after = Study.load(tmp_path / "study.db", readonly=True)

    assert again.stdout.count("begun") == 9
    assert "stopped by trials with 15" in again.stdout
    assert "resumed 'study'" in again.stderr
    assert "6 of 15 trials done" in again.stderr
    assert after.history.count(State.OK) == len(after.history) == 15
    assert [t.params for t in after.trials][:6] == [t.params for t in before.trials][:6]


DEATHS = {
    "segmentation fault": ("os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV),
    "null pointer": ("ctypes.string_at(0)", -signal.SIGSEGV),
    "abort": ("os.abort()", -signal.SIGABRT),
    "os._exit": ("os._exit(3)", 3),
}


@pytest.mark.parametrize("death", DEATHS)
def test_an_objective_that_takes_the_interpreter_down_loses_one_evaluation(
    death: str, run: Run, tmp_path: Path
) -> None:
    """What was finished is kept; the next run evaluates the lost configuration again and reaches the total."""
    statement, code = DEATHS[death]
    text = f"""
        import ctypes, os, resource, signal, sys
        import parzen
        from parzen import hp

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        calls = 0

        def objective(config):
            global calls
            calls += 1
            if calls == 4 and sys.argv[1] == "dies":
                {statement}
            return config["x"]

        space = {{"x": hp.float("x", 0, 1)}}
        parzen.minimize(objective, space, 10, algorithm="random", seed=1, storage="study.db", progress=False)
        print(calls)
    """
    run(text, "dies", expect=code)
    before = [trial.state for trial in Study.load(tmp_path / "study.db", readonly=True).trials]
    again = run(text, "lives")
    trials = list(Study.load(tmp_path / "study.db", readonly=True).trials)

    assert before == [State.OK] * 3 + [State.RUNNING]
    assert again.stdout.strip() == "7"
    assert [trial.state for trial in trials] == [State.OK] * 10
    assert [trial.attempt for trial in trials] == [1, 1, 1, 2, 1, 1, 1, 1, 1, 1]


SAVER = """
    import os, pickle, signal
    import parzen as hyperopt
    from parzen.hyperopt import _pickles

    def drive(kill_at, point):
        saves = 0
        name = {"while it is written": "fsync", "before it takes its place": "replace"}[point]
        true = getattr(os, name)

        def dying(*args):
            nonlocal saves
            saves += 1
            if saves == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return true(*args)

        setattr(os, name, dying)
        _pickles._SYNC_SHARE = 0  # wait for the disk each time, as with a dear objective
        hyperopt.fmin(
            lambda x: x * x, hyperopt.hp.uniform("x", -1, 1), hyperopt.rand.suggest, 60, rstate=1,
            trials_save_file="trials.pkl", verbose=False,
        )

    for k in range(8):
        pid = os.fork()
        if pid == 0:
            drive(2 + k, ["while it is written", "before it takes its place"][k % 2])
            os._exit(1)
        assert os.waitpid(pid, 0)[1] == signal.SIGKILL
        with open("trials.pkl", "rb") as file:
            print(len(pickle.load(file)))
"""


def test_a_kill_while_trials_are_saved_leaves_the_last_save_whole(run: Run) -> None:
    """`trials_save_file` loads after each of eight kills, and grows."""
    counts = [int(line) for line in run(SAVER).stdout.split()]

    assert counts == [0, 1, 3, 6, 10, 15, 21, 28]


def test_a_trial_that_was_asked_for_by_hand_is_left_to_whoever_asked(tmp_path: Path) -> None:
    """Another run of the study neither evaluates it nor gives it up."""
    path = tmp_path / "study.db"
    mine = Study(SPACE, storage=path, algorithm="random", seed=1)
    trial = mine.ask()
    result = parzen.minimize(_square, SPACE, 5, storage=path, algorithm="random", progress=False)

    assert result.trials[0].state is State.RUNNING
    assert result.history.count(State.OK) == 4
    mine.refresh()
    mine.tell(trial, 0.5)
    assert mine.history.count(State.OK) == 5


@pytest.mark.slow
def test_an_objective_that_always_takes_the_interpreter_down_is_given_up_after_three_attempts(
    run: Run, tmp_path: Path
) -> None:
    """Its trial is ERROR "lost worker", and the search goes on past it."""
    text = """
        import os, signal
        import parzen
        from parzen import hp

        def objective(config, evaluation: parzen.Evaluation):
            if evaluation.number == 2:
                os.kill(os.getpid(), signal.SIGSEGV)
            return config["x"]

        space = {"x": hp.float("x", 0, 1)}
        parzen.minimize(objective, space, 5, algorithm="random", seed=1, storage="study.db", progress=False)
    """
    for _ in range(3):
        run(text, expect=-signal.SIGSEGV)
    run(text)
    trials = list(Study.load(tmp_path / "study.db", readonly=True).trials)

    assert [trial.state.name for trial in trials] == ["OK", "OK", "ERROR", "OK", "OK"]
    assert trials[2].error is not None
    assert trials[2].error.kind == "lost worker"
