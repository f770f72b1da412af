"""`parzen worker`: several processes, one study."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner

import parzen
from parzen import State, Study, Trials, hp
from parzen.algorithms import TPE
from parzen.cli import main
from parzen.storages import open_storage
from parzen.storages.journal import JournalStorage
from parzen.storages.sql import SQLStorage
from tests.databases import KINDS, fresh_database

MODULE = """
    import os, sys, time
    from parzen import hp

    class Model:
        pass

    space = {"x": hp.float("x", 0, 1), "k": hp.int("k", 1, 9)}
    other = {"x": hp.float("x", 0, 2), "k": hp.int("k", 1, 9)}
    opaque = {"m": hp.choice("m", [Model, int])}

    def objective(config):
        with open("calls", "a") as file:
            file.write(f"{os.getpid()}\\n")
        return config["x"]

    def failing(config):
        raise RuntimeError("always")

    def waiting(config):
        open("begun", "w").close()
        for _ in range(600):  # a signal between two bytecodes does not wake a sleep
            time.sleep(0.1)

    def of_models(config):
        return float(config["m"] is not int)

    of_models.space = opaque

    def deadly(config, evaluation):
        if evaluation.number == 3:
            os.kill(os.getpid(), 9)
        return config["x"]

    def leaving(config, evaluation):
        if evaluation.number == 2:
            os._exit(0)
        return config["x"]

    def leaving_in_anger(config, evaluation):
        if evaluation.number == 2:
            os._exit(1)
        return config["x"]

    def exiting(config):
        sys.exit(0)

    number = 3

    def attaching(config, evaluation):
        note = {"note": str(evaluation.number).encode(), "text": "t"}
        return {"loss": config["x"], "status": "ok", "attachments": note}

    def attaching_objects(config):
        return {"loss": config["x"], "status": "ok", "attachments": {"curve": [1, 2], "ok": b"1"}}

    def attaching_no_mapping(config):
        return {"loss": config["x"], "status": "ok", "attachments": ["x"]}
"""
# The tests may run where interrupts are ignored, which a child inherits.
PROGRAM = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from parzen.cli import main; main(prog_name='parzen')"
)
SPACE = {"x": hp.float("x", 0, 1), "k": hp.int("k", 1, 9)}

Start = Callable[..., "subprocess.Popen[str]"]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start `parzen worker` beside a module train.py; it does not outlive the test."""
    (tmp_path / "train.py").write_text(textwrap.dedent(MODULE), encoding="utf-8")
    home = str(Path(parzen.__file__).resolve().parents[1])
    started: list[subprocess.Popen[str]] = []

    def call(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", PROGRAM, "worker", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": home},
            stdin=subprocess.DEVNULL,
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


@pytest.fixture
def work(start: Start) -> Run:
    """Run `parzen worker` to its end."""

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        process = start(*arguments)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    return call


def _all_done(workers: list[subprocess.Popen[str]]) -> None:
    for process in workers:
        _, err = process.communicate(timeout=120)

        assert process.returncode == 0, err


def test_workers_together_evaluate_exactly_so_many(start: Start, tmp_path: Path) -> None:
    """The first makes the study, whoever that is; each number is evaluated once."""
    given = ("study.db", "--create", "--objective", "train:objective", "--space", "train:space", "--trials", "30")
    _all_done([start(*given) for _ in range(3)])

    history = Study.load(tmp_path / "study.db").history
    assert (len(history), history.count(State.OK), history.budget) == (30, 30, 30)
    assert len((tmp_path / "calls").read_text(encoding="utf-8").splitlines()) == 30


def test_one_command_starts_many_workers(work: Run, tmp_path: Path) -> None:
    """They evaluate exactly so many, in processes of their own."""
    given = ("study.db", "--create", "--objective", "train:objective", "--space", "train:space", "--trials", "24")
    done = work(*given, "--algorithm", "random", "--parallel", "3", "--quiet", "--json")

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["stopped by"] == "trials"
    history = Study.load(tmp_path / "study.db").history
    calls = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    assert (len(history), history.count(State.OK), len(calls)) == (24, 24, 24)
    assert str(os.getpid()) not in calls


@pytest.mark.slow
def test_a_worker_that_is_killed_is_replaced(work: Run, tmp_path: Path) -> None:
    """Also by its own objective; the trial that does it is an ERROR after three."""
    given = ("study.db", "--create", "--objective", "train:deadly", "--space", "train:space", "--trials", "10")
    done = work(*given, "--algorithm", "random", "--parallel", "2", "--quiet")

    assert done.returncode == 0, done.stderr
    trials = Study.load(tmp_path / "study.db").trials
    assert [trial.state for trial in trials] == [State.OK] * 3 + [State.ERROR] + [State.OK] * 6
    assert (trials[3].attempt, trials[3].error.kind) == (3, "lost worker")  # type: ignore[union-attr]


@pytest.mark.slow
@pytest.mark.parametrize("objective", [pytest.param("leaving", marks=pytest.mark.slow), "leaving_in_anger"])
def test_a_worker_whose_objective_ends_the_process_is_replaced_whatever_its_status(
    objective: str, work: Run, tmp_path: Path
) -> None:
    """With whatever status: 0 is no sign that its work is done, and 1 none that parzen failed."""
    given = ("study.db", "--create", "--objective", f"train:{objective}", "--space", "train:space", "--trials", "6")
    done = work(*given, "--algorithm", "random", "--parallel", "2", "--quiet")

    assert done.returncode == 0, done.stderr
    trials = Study.load(tmp_path / "study.db").trials
    assert [trial.state for trial in trials] == [State.OK] * 2 + [State.ERROR] + [State.OK] * 3
    assert trials[2].attempt == 3


def test_a_crew_whose_parent_is_gone_does_not_go_on(start: Start, tmp_path: Path) -> None:
    """Whatever ended it: nobody would look after them, nor know of them.  They release what they run."""
    given = ("study.db", "--create", "--trials", "40", "--space", "train:space", "--quiet", "--objective")
    process = start(*given, "train:waiting", "--parallel", "2")
    while not (tmp_path / "begun").exists():
        assert process.poll() is None, process.communicate()
    members = psutil.Process(process.pid).children()
    process.kill()
    _, alive = psutil.wait_procs(members, timeout=30)

    assert len(members) == 2
    assert not alive
    assert State.RUNNING not in [trial.state for trial in Study.load(tmp_path / "study.db").trials]


def test_an_objective_that_calls_exit_fails_its_trial_and_not_the_worker(work: Run, tmp_path: Path) -> None:
    """A training script's `sys.exit()` would else end the worker with 0, as if nothing were left to do."""
    Study(SPACE, storage=tmp_path / "study.db")
    done = work("study.db", "--objective", "train:exiting", "--trials", "9", "--quiet")

    assert done.returncode == 3, done.stderr
    assert [trial.state for trial in Study.load(tmp_path / "study.db").trials] == [State.ERROR] * 4


@pytest.mark.slow
def test_a_crew_is_interrupted_as_one(start: Start, tmp_path: Path) -> None:
    """Its workers release what they run, and the status says which signal it was."""
    given = ("study.db", "--create", "--trials", "4", "--space", "train:space", "--quiet", "--objective")
    process = start(*given, "train:waiting", "--parallel", "2")
    while not (tmp_path / "begun").exists():
        assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)

    assert process.returncode == 128 + signal.SIGTERM
    assert State.RUNNING not in [trial.state for trial in Study.load(tmp_path / "study.db").trials]


@pytest.mark.slow
def test_the_budget_holds_beside_a_driver_that_enqueues(start: Start, tmp_path: Path) -> None:
    """The driver's trials are taken first, and count; it evaluates as well."""
    study = Study(SPACE, storage=tmp_path / "study.db", name="both", seed=1)
    study.enqueue(*({"x": x / 10} for x in range(5)))
    workers = [
        start("study.db", "--name", "both", "--objective", "train:objective", "--trials", "25") for _ in range(2)
    ]
    own: list[float] = []

    def objective(config: dict[str, float]) -> float:
        own.append(config["x"])
        while len(own) == 3 and not (tmp_path / "calls").exists():  # until a worker has begun as well
            assert any(process.poll() is None for process in workers)
        return config["x"]

    study.run(objective, 25, progress=False)
    _all_done(workers)
    study.refresh()

    history = study.history
    assert (len(history), history.count(State.OK)) == (25, 25)
    assert len((tmp_path / "calls").read_text(encoding="utf-8").splitlines()) + len(own) == 25
    assert [round(trial.params["x"], 6) for trial in study.trials[:5]] == [0.0, 0.1, 0.2, 0.3, 0.4]


@pytest.mark.slow
def test_the_budget_of_the_log_needs_no_saying(work: Run, tmp_path: Path) -> None:
    """What a driver wanted is what workers do; the study's algorithm may be named."""
    Study(SPACE, storage=tmp_path / "study.db").run(lambda config: config["x"], 3, progress=False)
    same = work("study.db", "--objective", "train:objective")
    more = work("study.db", "--objective", "train:objective", "--trials", "5", "--algorithm", "random", "--quiet")

    assert (same.returncode, more.returncode, more.stderr) == (0, 0, "")
    assert [trial.source for trial in Study.load(tmp_path / "study.db").trials][3:] == ["random", "random"]


@pytest.mark.slow
def test_attachments_are_found_by_hyperopts_trials(work: Run, tmp_path: Path) -> None:
    """Whichever worker evaluated the trial; nothing of them is in the log."""
    Study(SPACE, storage=tmp_path / "study.db")
    done = work("study.db", "--objective", "train:attaching", "--trials", "2", "--quiet")

    assert (done.returncode, done.stderr) == (0, "")
    trials = Trials(storage=tmp_path / "study.db")
    assert [trials.trial_attachments(doc)["note"] for doc in trials] == [b"0", b"1"]
    assert trials.trial_attachments(trials.trials[1])["text"] == "t"


@pytest.mark.slow
def test_attachments_that_cannot_be_kept_are_named_once(work: Run, tmp_path: Path) -> None:
    """Also where warnings are errors: the trials are done."""
    Study(SPACE, storage=tmp_path / "study.db")
    done = work("study.db", "--objective", "train:attaching_objects", "--trials", "2", "--quiet")

    assert done.returncode == 0
    assert done.stderr.count("'curve' (list)") == 1
    trials = Trials(storage=tmp_path / "study.db")
    assert [list(trials.trial_attachments(doc)) for doc in trials] == [["ok"], ["ok"]]


@pytest.mark.slow
def test_attachments_that_are_no_mapping_fail_the_trial(work: Run, tmp_path: Path) -> None:
    """As in `fmin`."""
    Study(SPACE, storage=tmp_path / "study.db")
    work("study.db", "--objective", "train:attaching_no_mapping", "--trials", "1", "--quiet")

    error = Study.load(tmp_path / "study.db").history.error(0)
    assert error is not None
    assert "attachments ['x'], expected a dict" in str(error)


@pytest.mark.slow
def test_a_study_without_a_total_is_refused(work: Run, tmp_path: Path) -> None:
    """A worker would never end."""
    Study(SPACE, storage=tmp_path / "study.db")
    done = work("study.db", "--objective", "train:objective")

    assert done.returncode == 1
    assert "give it with --trials" in done.stderr


@pytest.mark.slow
def test_another_space_is_refused_with_the_difference(work: Run, tmp_path: Path) -> None:
    """Nothing is evaluated."""
    Study(SPACE, storage=tmp_path / "study.db")
    done = work("study.db", "--objective", "train:objective", "--space", "train:other", "--trials", "5")

    assert done.returncode == 1
    assert "parameter 'x' was" in done.stderr
    assert len(Study.load(tmp_path / "study.db").history) == 0


@pytest.mark.slow
def test_objects_that_a_file_cannot_hold_come_from_the_program(work: Run, tmp_path: Path) -> None:
    """Without --space they are the objective's attribute; without either the worker says what is missing."""
    given = ("study.db", "--trials", "2", "--quiet", "--objective")
    assert work(*given, "train:of_models", "--create").returncode == 0

    plain = work(*given, "train:objective")
    assert plain.returncode == 1
    assert "train.Model" in plain.stderr
    assert "--space module:attribute" in plain.stderr
    assert Study.load(tmp_path / "study.db").space.missing == ("train.Model", "builtins.int")


@pytest.mark.slow
def test_an_objective_that_keeps_raising_ends_the_worker(work: Run, tmp_path: Path) -> None:
    """Status 3, with the last error; the trials are recorded."""
    Study(SPACE, storage=tmp_path / "study.db")
    done = work(
        "study.db", "--objective", "train:failing", "--trials", "20", "--max-consecutive-failures", "3", "--quiet"
    )

    assert done.returncode == 3
    assert "raised 3 times in a row" in done.stderr
    assert "3 × RuntimeError, as in trial 0: always" in done.stderr
    assert "--max-consecutive-failures" in done.stderr
    assert [trial.state for trial in Study.load(tmp_path / "study.db").trials] == [State.ERROR] * 3


def test_failures_in_a_row_are_those_of_the_worker_and_end_with_a_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that works between them begins the count anew; a failure that is told and not raised is none."""
    module = """
        from parzen import hp

        space = {"x": hp.float("x", 0, 1)}

        def objective(config, evaluation):
            if evaluation.number in (2, 5):
                return config["x"]
            if evaluation.number == 8:
                return float("nan")
            raise ValueError(f"bad {evaluation.number}" if evaluation.number % 2 else "odd")
    """
    (tmp_path / "fickle.py").write_text(textwrap.dedent(module), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    given = ("s.db", "--create", "--objective", "fickle:objective", "--space", "fickle:space", "--trials", "40")
    more = ("--algorithm", "random", "--max-consecutive-failures", "3", "--json", "--quiet")
    done = CliRunner().invoke(main, ["worker", *given, *more])

    assert done.exit_code == 3, done.output
    history = Study.load(tmp_path / "s.db").history
    assert history.tally == "2 OK, 1 FAILED, 9 ERROR"
    assert [number for number in range(12) if history.state_of(number) != State.ERROR] == [2, 5, 8]
    assert "raised 3 times in a row: 3 × ValueError, as in trial 9: bad 9" in done.stderr
    assert '"stopped by": "failures in a row"' in done.stdout


@pytest.mark.parametrize("where", ["s.db", "s.journal"])
def test_a_worker_costs_one_commit_a_trial(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `study.run`: how a trial ended and the next one are one transaction, though failures are counted."""
    (tmp_path / "cheap.py").write_text("def objective(config):\n    return config['x']\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    Study(SPACE, storage=where, algorithm="random")
    calls: list[str] = []

    def counted(name: str, real: Any) -> Any:
        return lambda *given: calls.append(name) or real(*given)

    monkeypatch.setattr("parzen.run._asking.QUICK", 60.0)  # on a busy machine a proposal may take long
    for storage in (SQLStorage, JournalStorage):
        for name in ("append", "turn"):
            monkeypatch.setattr(storage, name, counted(name, getattr(storage, name)))
    given = ("--objective", "cheap:objective", "--trials", "30", "--algorithm", "random", "--quiet")
    done = CliRunner().invoke(main, ["worker", where, *given])

    assert done.exit_code == 0, done.output
    assert Study.load(where).history.count(State.OK) == 30
    assert len(calls) <= 34


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)], ids=lambda number: number.name
)
def test_an_interrupt_releases_the_trial(start: Start, work: Run, tmp_path: Path, number: signal.Signals) -> None:
    """It waits for the next worker, which evaluates it; the status says which signal it was."""
    given = ("study.db", "--create", "--trials", "1", "--space", "train:space", "--quiet", "--objective")
    process = start(*given, "train:waiting")
    while not (tmp_path / "begun").exists():
        assert process.poll() is None, process.communicate()
    process.send_signal(number)
    process.communicate(timeout=60)

    assert process.returncode == 128 + number
    assert [trial.state for trial in Study.load(tmp_path / "study.db").trials] == [State.WAITING]
    assert work(*given, "train:objective").returncode == 0
    assert [trial.state for trial in Study.load(tmp_path / "study.db").trials] == [State.OK]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--objective", "train"), 2, "expected module:attribute"),
        (("--objective", "train.py:objective"), 2, "leave .py away"),
        (("--objective", "nowhere:objective"), 2, "no module 'nowhere'"),
        (("--objective", "train:nothing"), 2, "train has no 'nothing'"),
        (("--objective", "train:number"), 2, "expected a function"),
        (("--objective", "train:objective", "--create"), 2, "--create needs --trials"),
        (("--objective", "train:objective"), 4, "there is no study"),
    ],
)
def test_what_cannot_be_begun_says_why(work: Run, arguments: tuple[str, ...], status: int, said: str) -> None:
    """Status 2 for a command that was called wrongly, 4 for a study that is not there."""
    done = work("study.db", *arguments)

    assert done.returncode == status
    assert said in " ".join(done.stderr.split())


def test_a_worker_that_proposes_otherwise_than_was_begun_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a line, also where it is to be quiet, because it is no progress; a crew says it once."""
    (tmp_path / "joining.py").write_text("def objective(config):\n    return config['x']\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    Study(SPACE, storage="s.db", algorithm=TPE(n_startup=5)).run(lambda config: config["x"], 2, progress=False)
    line = (
        "were last made by tpe(n_startup=5), and this worker's will be made by auto: each worker is told by --algorithm"
    )

    def said(*more: str) -> str:
        done = CliRunner().invoke(main, ["worker", "s.db", "--objective", "joining:objective", *more])
        assert done.exit_code == 0, done.output
        return done.stderr

    monkeypatch.setattr("parzen.cli._worker.run_crew", lambda *_: (0, None))

    assert line in said("--trials", "2", "--quiet")
    assert line in said("--trials", "2")
    assert line in said("--trials", "2", "--parallel", "2", "--quiet")
    assert line not in said("--trials", "4", "--algorithm", "random", "--quiet")
    assert "last made" not in said("--trials", "4", "--algorithm", "random")


@pytest.mark.parametrize("what", ["algorithm", "pruner"])
def test_a_rule_that_there_is_not_is_called_wrongly(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a line, before anything is made."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["worker", "s.db", "--objective", "builtins:len", f"--{what}", "nope"])

    assert done.exit_code == 2
    assert f"no {what} is called 'nope'; there are a" in " ".join(done.stderr.split())
    assert os.listdir(tmp_path) == []


@pytest.mark.databases
@pytest.mark.parametrize("kind", KINDS)
def test_workers_on_a_server_evaluate_exactly_so_many(kind: str, start: Start) -> None:
    """On a server as in a file."""
    with fresh_database(kind) as url:
        study = Study(SPACE, storage=url, name="worked on")
        given = (url, "--name", "worked on", "--objective", "train:objective", "--trials", "24", "--quiet")
        _all_done([start(*given) for _ in range(3)])
        study.refresh()

        assert study.history.count(State.OK) == len(study.history) == 24
        study.storage.close()


@pytest.mark.slow
def test_a_worker_leaves_no_storage_open(work: Run, tmp_path: Path) -> None:
    """A file that was worked on is one file."""
    assert (
        work("s.db", "--create", "--objective", "train:objective", "--space", "train:space", "--trials", "2").returncode
        == 0
    )
    with_space = open_storage(str(tmp_path / "s.db"), readonly=True)
    with_space.close()

    assert sorted(path.name for path in tmp_path.glob("s.db*")) == ["s.db"]
