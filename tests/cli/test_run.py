"""`parzen run`: any program, from the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import parzen as package
from parzen import State, Study, hp

if TYPE_CHECKING:
    from conftest import Parzen

ECHO = ("--", "sh", "-c", 'echo "$1"', "sh", "--x=float(0, 1)")
PLAIN = ("--quiet", "--seed", "1", "--algorithm", "random")


def test_a_program_is_tuned_and_gone_on_with(parzen: Parzen, from_json: Any, tmp_path: Path) -> None:
    """The total is the total; the best is printed."""
    words = ("--", "sh", "-c", 'echo "$1"', "sh", "x:float(0, 1)")
    first = parzen("run", "--trials", "3", *PLAIN, *words).stdout
    said = json.loads(parzen("run", "--trials", "5", "--json", *PLAIN, *words).stdout)
    study = Study.load(tmp_path / "study.db")

    assert first.startswith("loss    ")
    assert (study.name, len(study.history), study.history.budget) == ("study", 5, 5)
    assert said["best"]["loss"] == study.best.loss == study.best.params["x"]
    assert said["stopped_by"] == "trials"
    assert sorted(os.listdir(tmp_path / "study.trials" / "study")) == [f"0000{i}" for i in range(5)]


def test_what_a_study_keeps_is_not_silently_ignored(parzen: Parzen) -> None:
    """Its seed and whether it is noisy are decided when it is made; the same command again says nothing."""
    words = ("--quiet", "--algorithm", "random", "--trials", "1")
    first = parzen("run", *words, "--seed", "1", *ECHO)
    again = parzen("run", *words, "--seed", "1", *ECHO)
    other = parzen("run", *words, "--seed", "3", "--noisy", *ECHO).stderr

    assert first.stderr == again.stderr == ""
    assert "--seed 3 changes nothing: the study 'study' in " in other
    assert "was made with the seed 1 and keeps it" in other
    assert "--noisy changes nothing" in other


def test_the_space_of_a_file_and_everything_that_may_be_said(parzen: Parzen, tmp_path: Path) -> None:
    """Each option reaches the study or the program."""
    (tmp_path / "s.yaml").write_text("m: {choice: {a: {u: 'int(1, 3)'}, b: }}\nx: float(0, 1)\n", encoding="utf-8")
    (tmp_path / "known.csv").write_text("m,u,x,loss\nb,,0.5,-9\n", encoding="utf-8")
    text = 'echo \'{"step": 1, "loss": 3}\'; echo "{\\"loss\\": $1}" > "$PARZEN_FOLDER/r.json"; pwd > where'
    options = [
        "--space",
        "s.yaml",
        "--loss",
        "json:r.json",
        "--maximize",
        "--noisy",
        "--name",
        "a/b",
        "--storage",
        "t.db",
    ]
    options += ["--pruner", "median", "--timeout", "60", "--trial-timeout", "60", "--in-folder", "--folder", "here"]
    options += ["--warm-start", "known.csv", "--trials", "4", "--max-consecutive-failures", "2"]
    parzen("run", *options, *PLAIN, "--", "sh", "-c", text, "sh", "{x}")
    study = Study.load(tmp_path / "t.db", "a/b")

    assert (study.history.finished, len(study.history)) == (4, 5)
    assert study.header.metrics == {"loss": "maximize"}
    assert study.header.noisy
    assert study.best.loss == max(trial.params["x"] for trial in study.trials[1:])
    assert study.trials[1].reports[0].metrics == {"loss": 3.0}
    assert (tmp_path / "here" / "00001" / "where").exists()


def test_studies_of_one_file_have_folders_of_their_own(parzen: Parzen, tmp_path: Path) -> None:
    """Whatever their names are."""
    for name in ("a/b", "..", "c"):
        parzen("run", "--name", name, "--trials", "1", *PLAIN, "--", "sh", "-c", "echo 1", "sh", "x:float(0, 1)")

    assert sorted(os.listdir(tmp_path / "study.trials")) == ["%2E%2E", "a%2Fb", "c"]


def test_a_program_that_keeps_failing_ends_the_run(parzen: Parzen, tmp_path: Path) -> None:
    """Status 3, with the last reason."""
    done = parzen(
        "run", "--trials", "9", *PLAIN, "--", "sh", "-c", "echo why >&2; exit 7", "sh", "x:float(0, 1)", status=3
    )

    assert "failed 5 times in a row: 5 × exit status 7, as in trial 0: why. Mend that" in done.stderr
    assert [t.state for t in Study.load(tmp_path / "study.db").trials] == [State.FAILED] * 5


def test_a_run_without_a_loss_is_status_5(parzen: Parzen) -> None:
    """There is nothing to print."""
    parzen("run", "--trials", "1", *PLAIN, "--", "sh", "-c", "exit 7", "sh", "x:float(0, 1)", status=5)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "no program to run"),
        (("--", "true"), "nothing to search"),
        (("--", "no-such-program", "x:float(0, 1)"), "no program 'no-such-program'"),
        (("--", "sh", "-c", "echo {x}", "x:float(0, 1)"), "reads as a program"),
        (("--loss", "first", *ECHO), "a loss is at last"),
        (("--report", "(", *ECHO), "no regular expression"),
        (("--space", "none.yaml", *ECHO), "none.yaml cannot be read"),
        (("--pruner", "none", *ECHO), "no pruner is called 'none'"),
        (("--algorithm", "none", *ECHO), "none"),
        (("--trials", "-1", *ECHO), "--trials"),
    ],
)
def test_what_was_said_wrongly_is_status_2(
    parzen: Parzen, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    """Nothing is made."""
    done = parzen("run", *arguments, status=2)

    assert said in " ".join(done.stderr.split())
    assert list(tmp_path.iterdir()) == []


def test_another_space_is_refused(parzen: Parzen, tmp_path: Path) -> None:
    """With the difference."""
    Study({"x": hp.float("x", 0, 2)}, storage=tmp_path / "study.db").storage.close()

    assert "another space" in parzen("run", "--trials", "1", *PLAIN, *ECHO, status=1).stderr


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """`parzen run` as a process of its own, which does not outlive the test."""
    home = str(Path(package.__file__).resolve().parents[1])
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from parzen.cli import main; main()"
    )
    started: list[subprocess.Popen[str]] = []

    def call(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", program, "run", *PLAIN, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": home},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield call
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _runs(pid: int) -> bool:
    """Whether a process is there and no zombie, which nobody may have taken in."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGINT, marks=pytest.mark.slow),
        signal.SIGTERM,
        pytest.param(signal.SIGKILL, marks=pytest.mark.slow),
    ],
    ids=lambda number: number.name,
)
def test_a_run_that_is_ended_goes_on_where_it_was(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path, number: signal.Signals
) -> None:
    """The program goes with it, or at the latest when the run is started again; no trial is lost."""
    text = "if [ -e go ]; then echo 1; else echo $$ > pid; sleep 60; fi"
    words = ("--trials", "2", "--", "sh", "-c", text, "sh", "x:float(0, 1)")
    process = start(*words)
    while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text(encoding="ascii").strip()):
        assert process.poll() is None, process.communicate()
    process.send_signal(number)
    process.communicate(timeout=60)
    pid = int((tmp_path / "pid").read_text(encoding="ascii"))
    (tmp_path / "go").touch()
    again = start(*words)
    out, err = again.communicate(timeout=60)

    assert process.returncode == (-9 if number == signal.SIGKILL else 128 + number)
    assert (again.returncode, out[:7]) == (0, "loss   "), err
    assert not _runs(pid)
    study = Study.load(tmp_path / "study.db")
    assert [trial.state for trial in study.trials] == [State.OK] * 2
    assert [Path(trial.extra["folder"]).name for trial in study.trials] == ["00000.2", "00001"]


@pytest.mark.slow
def test_several_programs_run_at_once_and_end_together(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    """Each waits for the other; SIGTERM ends both, and their trials wait."""
    text = (
        'echo $$ > "pid$PARZEN_NUMBER"; while [ ! -s pid0 ] || [ ! -s pid1 ]; do sleep 0.02; done; echo > met; sleep 60'
    )
    words = ("--parallel", "2", "--trials", "2", "--", "sh", "-c", text, "sh", "x:float(0, 1)")
    process = start(*words)
    while not (tmp_path / "met").exists():
        assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    pids = [int((tmp_path / f"pid{i}").read_text(encoding="ascii")) for i in (0, 1)]

    assert process.returncode == 128 + signal.SIGTERM
    assert [_runs(pid) for pid in pids] == [False, False]
    assert Study.load(tmp_path / "study.db").history.count(State.WAITING) == 2
