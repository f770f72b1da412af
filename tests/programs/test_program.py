"""Programs as objectives: each trial is one process."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from parzen import State, Study, hp, minimize
from parzen.errors import ObjectiveError, Unavailable
from parzen.programs import Program
from parzen.trials import Reported

SPACE = {"x": "float(0, 1)", "model": {"choice": {"svm": {"C": "float(1, 2)"}, "tree": {"depth": "int(1, 9)"}}}}


def _run(program: Program, trials: int = 3, **settings: Any) -> Any:
    settings.setdefault("algorithm", "random")
    return minimize(program, program.space, trials, seed=1, progress=False, catch=True, **settings)


def _sh(text: str, *words: str, **settings: Any) -> Program:
    return Program(["sh", "-c", text, "sh", *words], **settings)


def test_a_trial_is_a_process_with_its_values(tmp_path: Path) -> None:
    """They arrive exactly; the folder has all that was said, and how to run it again by hand."""
    program = _sh('echo "$@"; echo problem >&2; echo "$2"', "--x", "float(0, 1)", folder=tmp_path / "t")
    result = _run(program)
    trial = result.trials[1]
    folder = tmp_path / "t" / "00001"

    assert [t.loss for t in result.trials] == [t.params["x"] for t in result.trials]
    assert trial.extra["folder"] == str(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["command.txt", "config.json", "errors.txt", "output.txt"]
    assert json.loads((folder / "config.json").read_text(encoding="utf-8")) == trial.config
    assert (folder / "errors.txt").read_text(encoding="utf-8") == "problem\n"
    by_hand = subprocess.run((folder / "command.txt").read_text(encoding="utf-8"), shell=True, capture_output=True)
    assert by_hand.stdout == (folder / "output.txt").read_bytes()


def test_a_program_is_told_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By places and by its environment; in its own folder, if it wants to be."""
    monkeypatch.chdir(tmp_path)
    text = 'test "$1 $2 $3 $4" = "$PARZEN_FOLDER $PARZEN_CONFIG $PARZEN_NUMBER $PARZEN_SEED" && pwd && echo 1'
    words = ("{folder}", "{config}", "{number}", "{seed}")
    for inside in (False, True):
        result = _run(_sh(text, *words, space=SPACE, folder=tmp_path / str(inside), in_folder=inside), 1)
        folder = Path(result.best.extra["folder"])
        where = (folder / "output.txt").read_text(encoding="utf-8").split()[0]

        assert os.path.realpath(where) == os.path.realpath(folder if inside else tmp_path)


def test_inactive_parameters_are_left_out(tmp_path: Path) -> None:
    """With the option before them; the file has the nested configuration."""
    program = _sh(
        'echo "$@" > "$PARZEN_FOLDER/got"; echo 1',
        "{model}",
        "--C",
        "{C}",
        "--depth={depth}",
        space=SPACE,
        folder=tmp_path,
    )
    for trial in _run(program, 8).trials:
        got = (Path(trial.extra["folder"]) / "got").read_text(encoding="utf-8").split()
        model = trial.config["model"]

        assert got == (
            ["svm", "--C", repr(model["C"])] if model["choice"] == "svm" else ["tree", f"--depth={model['depth']}"]
        )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("echo 1; echo the reason >&2; exit 3", "exit status 3: the reason"),
        ("exit 3", "exit status 3"),
        ("kill -9 $$", "ended by signal 9"),
        ("echo bye", "the last line is 'bye'"),
        ('echo \'{"status": "fail", "error": "diverged"}\'', "diverged"),
    ],
)
def test_what_goes_wrong_is_a_failed_trial(tmp_path: Path, text: str, why: str) -> None:
    """With the reason; the search goes on."""
    result = _run(_sh(text, "x:float(0, 1)", folder=tmp_path), 2)

    assert [trial.state for trial in result.trials] == [State.FAILED] * 2
    assert why in str(result.trials[0].error)


def test_a_program_that_cannot_be_run_is_a_failed_trial(tmp_path: Path) -> None:
    """Where that shows only then."""
    result = _run(Program(["./none", "x:float(0, 1)"], folder=tmp_path, in_folder=True), 1)

    assert "./none cannot be run: No such file" in str(result.trials[0].error)


def test_a_program_that_is_not_there_is_refused() -> None:
    """Before a study is made."""
    with pytest.raises(ObjectiveError, match="no program 'no-such-program'"):
        Program(["no-such-program", "x:float(0, 1)"])
    with pytest.raises(ObjectiveError, match="a list of words"):
        Program("train --lr float")


def _gone(path: Path, patience: float = 10.0) -> bool:
    """Whether the process that wrote its number into a file is gone."""
    pid, until = int(path.read_text(encoding="ascii")), time.monotonic() + patience
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
    return False


def test_a_trial_that_takes_too_long_is_ended_with_all_it_started(tmp_path: Path) -> None:
    """And has failed."""
    text = 'sleep 60 & echo $! > "$PARZEN_FOLDER/pid"; wait'
    result = _run(_sh(text, "x:float(0, 1)", folder=tmp_path, timeout=0.5), 1)

    assert "took longer than 0.5 s" in str(result.trials[0].error)
    assert _gone(tmp_path / "00000" / "pid")


def test_reports_reach_the_study_while_the_program_runs(tmp_path: Path) -> None:
    """The program waits until somebody has seen them."""
    text = 'echo \'{"step": 1, "loss": 4}\'; while [ ! -e "$PARZEN_FOLDER/seen" ]; do sleep 0.02; done; echo 2'
    program = _sh(text, "x:float(0, 1)", folder=tmp_path / "t")
    study = Study(program.space, storage=tmp_path / "s.db")

    def watch() -> None:
        other = Study.load(tmp_path / "s.db", readonly=True)
        until = time.monotonic() + 30
        while time.monotonic() < until:
            other.refresh()
            if len(other.history) and other.history.reports(0):
                (tmp_path / "t" / "00000" / "seen").touch()
                return

    thread = threading.Thread(target=watch)
    thread.start()
    result = study.run(program, 1, progress=False)
    thread.join()

    assert (result.best.loss, result.best.reports[0].metrics) == (2.0, {"loss": 4.0})


def test_a_pruner_ends_the_program(tmp_path: Path) -> None:
    """The process, and not only the trial."""
    text = """
        echo "epoch 1 loss $1"; echo $$ > "$PARZEN_FOLDER/pid"
        case "$1" in 0.*) echo 0.5;; *) sleep 60;; esac
    """
    space = {"x": {"ord": ["0.7", "0.6", "0.5", "0.4", "0.3", "0.2", "0.1", "9"]}}
    program = _sh(text, "{x}", space=space, report=r"epoch (?P<step>\d+) loss (?P<loss>\S+)", folder=tmp_path)
    study = Study(program.space, pruner="median", algorithm="grid")
    study.enqueue(*({"x": x} for x in space["x"]["ord"]))
    result = study.run(program, 8, progress=False)
    last = result.trials[7]

    assert [trial.state for trial in result.trials] == [State.OK] * 7 + [State.PRUNED]
    assert last.error is not None
    assert _gone(tmp_path / "00007" / "pid")


def test_an_interrupt_ends_the_program(tmp_path: Path) -> None:
    """The trial is released; the next attempt has a folder of its own."""
    text = 'if [ -e go ]; then echo 1; else echo $$ > "$PARZEN_FOLDER/pid"; trap "" TERM; kill -INT $1; sleep 60; fi'
    os.chdir(tmp_path)
    program = _sh(text, str(os.getpid()), "x:float(0, 1)", folder=tmp_path / "t")
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        study = Study(program.space)
        result = study.run(program, 1, progress=False)
    finally:
        signal.signal(signal.SIGINT, handler)

    assert result.stopped_by == "interrupt"
    assert _gone(tmp_path / "t" / "00000" / "pid")
    (tmp_path / "go").touch()
    study.run(program, 1, progress=False)
    assert [Path(t.extra["folder"]).name for t in study.trials] == ["00000.2"]


def test_what_a_killed_driver_left_running_is_ended(tmp_path: Path) -> None:
    """By the next attempt at the trial."""
    from parzen.programs._process import _start_of

    left = subprocess.Popen(["sleep", "60"], start_new_session=True)
    folder = tmp_path / "00000"
    folder.mkdir()
    gone = f"{os.getpid()} 1@another-boot"
    (folder / "process.txt").write_text(f"{left.pid} {_start_of(left.pid)} {gone}", encoding="ascii")
    others = [subprocess.Popen(["sleep", "60"], start_new_session=True) for _ in range(2)]
    here = f"{os.getpid()} {_start_of(os.getpid())}"
    told = (f"{others[0].pid} 1@another-boot {gone}", f"{others[1].pid} {_start_of(others[1].pid)} {here}")
    for number, text in enumerate(told, 1):
        (tmp_path / f"{number:05}").mkdir()
        (tmp_path / f"{number:05}" / "process.txt").write_text(text, encoding="ascii")
    _run(_sh("echo 1", "x:float(0, 1)", folder=tmp_path), 3)

    assert left.wait(10) == -signal.SIGKILL
    for other in others:  # another process of that number; one whose driver goes on, in a folder that both were given
        assert other.poll() is None
        other.kill()
        other.wait()


@pytest.mark.skipif(not hasattr(os, "waitid"), reason="needs a process that ends and is not asked how")
def test_what_a_driver_left_is_ended_though_nobody_asked_how_the_driver_ended(tmp_path: Path) -> None:
    """In a container whose first process is no init, it stays a zombie for ever."""
    from parzen.programs._process import _start_of, end_left_over

    left, driver = (subprocess.Popen(["sleep", "60"], start_new_session=True) for _ in range(2))
    told = " ".join(f"{process.pid} {_start_of(process.pid)}" for process in (left, driver))
    (tmp_path / "process.txt").write_text(told, encoding="ascii")
    driver.kill()
    os.waitid(os.P_PID, driver.pid, os.WEXITED | os.WNOWAIT)
    try:
        end_left_over(str(tmp_path / "process.txt"))

        assert left.wait(5) == -signal.SIGKILL
    finally:
        left.kill()
        left.wait()
        driver.wait()


def test_searches_in_one_folder_leave_each_other_s_programs_alone(tmp_path: Path) -> None:
    """As two do that were started in one directory, and were told no folder."""
    program = _sh("sleep 0.3; echo 1", "x:float(0, 1)", folder=tmp_path)
    made: list[Any] = []
    threads = [threading.Thread(target=lambda: made.append(_run(program, 2))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [trial.state for result in made for trial in result.trials] == [State.OK] * 4


def test_a_storage_that_fails_while_a_program_runs_is_no_failure_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`Unavailable` is an `OSError`, as what a program cannot be started for is."""
    study = Study({"x": hp.float("x", 0, 1)}, seed=1)
    program = _sh('echo \'{"step": 1, "loss": 2}\'; sleep 0.2; echo 1', "x:float(0, 1)", folder=tmp_path)
    publish = study.stream.publish

    def broken(*events: Any) -> Any:
        if any(isinstance(event, Reported) for event in events):
            raise Unavailable("the server is away")
        return publish(*events)

    monkeypatch.setattr(study.stream, "publish", broken)
    with pytest.raises(Unavailable, match="away"):
        study.run(program, 1, progress=False)


def test_a_program_may_tidy_up_its_folder(tmp_path: Path) -> None:
    """Even what parzen has put there."""
    program = _sh("rm process.txt; echo 1", "x:float(0, 1)", folder=tmp_path, in_folder=True)

    assert _run(program, 1).best.loss == 1.0


def test_much_output_blocks_nobody(tmp_path: Path) -> None:
    """Ten megabytes, one line of two without an end, bytes that are no text."""
    text = (
        "import sys; o = sys.stdout.buffer; o.write(b'\\xff\\xfe\\n' * 3 + b'x' * (2 << 20) + b'\\n');"
        "[o.write(b'y' * 79 + b'\\n') for _ in range(100_000)]; sys.stderr.write('e' * (1 << 20)); print(0.5)"
    )
    result = _run(Program([sys.executable, "-c", text, "x:float(0, 1)"], folder=tmp_path), 1)

    assert result.best.loss == 0.5


def test_a_program_travels() -> None:
    """To another process."""
    program = pickle.loads(pickle.dumps(Program(["true", "--x", "float(0, 1)"], loss="regex:x", timeout=3.0)))

    assert program._plan.command.filled({"x": "1"}) == ["true", "--x", "1"]
