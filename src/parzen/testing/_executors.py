"""What every executor must do, as a program: real studies are run on it, and looked at afterwards."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from parzen import hp
from parzen.errors import ExecutorError, NotPicklable
from parzen.run import Evaluation
from parzen.study import Result, Study
from parzen.trials import Entry, History, Started, State

__all__ = ["EXECUTOR_CASES", "check_executor"]


def check_executor(make: Callable[[], Any], *, channel: bool = True, mortal: bool = True) -> None:
    """Hold an executor against every sentence of its protocol, and the loop's promises on it.

    Its workers must see the same temporary folder as this process.

    Args:
        make: gives what `executor=` takes: an `Executor`, or an engine that parzen has one for; with at least two places.
            Asked once for each promise; may give the same engine each time.
        channel: whether a trial can be told to stop while it runs; False where nobody is heard before the end.
        mortal: whether a worker that is killed can be tried; False where that would take the program down. Executors whose
            workers are threads of this process are recognised.

    Raises:
        AssertionError: it breaks a promise; the text says which.
    """
    subject = _Subject(make, channel, mortal)
    for case in EXECUTOR_CASES.values():
        case(subject)


@dataclass(frozen=True)
class _Subject:
    make: Callable[[], Any]
    channel: bool
    mortal: bool

    def run(self, objective: Callable[..., Any], trials: int, study: Study | None = None, **given: Any) -> Result:
        study = study or _study()
        return study.run(objective, trials, executor=self.make(), progress=False, **given)


def _study() -> Study:
    # Options that no file can hold, and that only pickling by value brings to another process.
    space = {"x": hp.float("x", -1, 1), "f": hp.choice("f", [lambda x: x + 1, lambda x: 2 * x])}
    return Study(space, algorithm="random", seed=7)


@contextlib.contextmanager
def _folder() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="parzen-kit-") as path:
        yield path


def _note(folder: str, name: str) -> None:
    Path(folder, name).write_text("", encoding="ascii")


def _noted(folder: str, beginning: str = "") -> list[str]:
    return sorted(name for name in os.listdir(folder) if name.startswith(beginning))


def _nothing_runs(study: Study) -> None:
    assert not study.history.count(State.RUNNING), "however a run ends, no trial stays RUNNING"


# --- the promises -----------------------------------------------------------------------------------------------


def _trials_are_evaluated_once_and_as_in_a_serial_run(subject: _Subject) -> None:
    offset, total = 0.25, 8
    with _folder() as folder:

        def objective(config: Any, evaluation: Evaluation) -> dict[str, Any]:
            _note(folder, f"{evaluation.number}-{os.urandom(4).hex()}")
            for step in range(3):
                evaluation.report(step, step + 0.5, rate=0.1)
            evaluation.attach("weights", b"of %d" % evaluation.number)
            loss = config["f"](config["x"]) + offset  # a closure
            drawn = float(evaluation.rng.random())
            return {"loss": loss, "drawn": drawn, "curve": np.arange(3), "place": dict(evaluation.slots)}

        result = subject.run(objective, total)
        called = [int(name.split("-")[0]) for name in _noted(folder)]
        serial = _study().run(objective, total, progress=False)

    assert result.stopped_by == "trials", "a run of so many trials ends when there are so many"
    assert sorted(called) == list(range(total)), f"each trial is evaluated once, not {sorted(called)}"
    for one, other in zip(result.trials, serial.trials, strict=True):
        assert one.state is State.OK, f"what returns a loss is OK, not {one.state}: {one.error}"
        assert one.loss == other.loss, "an objective gets the configuration that was proposed, and its loss comes back"
        assert one.extra["drawn"] == other.extra["drawn"], "a trial's own generator is the same wherever it runs"
        assert list(one.extra["curve"]) == [0, 1, 2], "what an objective returns beside the loss comes back"
        assert one.reports == other.reports, "reports are there, in order"
        kept = result.study.storage.get(result.study.header.uid, f"trial/{one.number}/weights")
        assert kept == b"of %d" % one.number, "what a trial attached is kept"


def _trials_run_at_the_same_time(subject: _Subject) -> None:
    with _folder() as folder:

        def objective(config: Any, evaluation: Evaluation) -> float:
            _note(folder, f"{evaluation.number}")
            deadline = time.monotonic() + 60
            while len(_noted(folder)) < 2:  # the other one
                if time.monotonic() > deadline:
                    return 1.0
                time.sleep(0.01)
            return 0.0

        result = subject.run(objective, 2)

    assert [trial.loss for trial in result.trials] == [0.0, 0.0], "two trials run at the same time"


def _failures_are_recorded_and_the_search_goes_on(subject: _Subject) -> None:
    class Bad(Exception):
        pass

    def failing(config: Any, evaluation: Evaluation) -> Any:
        if evaluation.number == 1:
            raise Bad(f"number {evaluation.number}")
        if evaluation.number == 2:
            return {"loss": 1.0, "open": threading.Lock()}
        if evaluation.number == 3:
            return float("nan")
        return None if evaluation.number == 4 else 0.0

    result = subject.run(failing, 6, catch=True)
    states = [trial.state.name for trial in result.trials]
    error = result.trials[1].error

    assert states[:1] + states[5:] == ["OK", "OK"], f"one trial's failure is no other's: {states}"
    assert states[1] == "ERROR", f"a trial whose objective raises is ERROR, not {states[1]}"
    assert error is not None, "an exception comes with its class, text and traceback"
    assert error.kind.endswith("Bad"), f"an exception has the class that was raised, not {error.kind}"
    assert error.message == "number 1", f"an exception comes with its text, not {error.message!r}"
    assert "in failing" in error.traceback, f"an exception comes with its traceback, not {error.traceback!r}"
    assert states[2] in {"OK", "ERROR"}, f"what cannot be sent is left out, or that trial's failure: {states[2]}"
    assert states[3:5] == ["FAILED", "FAILED"], f"losses that cannot be used are FAILED, not {states[3:5]}"
    _nothing_runs(result.study)


def _an_error_that_is_not_caught_ends_the_run_at_once(subject: _Subject) -> None:
    with _folder() as folder:

        def objective(config: Any, evaluation: Evaluation) -> float:
            if evaluation.number == 0:
                deadline = time.monotonic() + 60
                while not _noted(folder) and time.monotonic() < deadline:
                    time.sleep(0.01)
                raise LookupError("the first one")
            _note(folder, "the second")
            for _ in range(400):  # 40 s, unless it is ended
                time.sleep(0.1)
                if not os.path.isdir(folder):
                    break
            return 0.0

        study, began = _study(), time.monotonic()
        try:
            subject.run(objective, 4, study)
        except LookupError as error:
            raised: BaseException | None = error
        else:
            raised = None
        seconds = time.monotonic() - began

    assert raised is not None, "what the objective raised is raised by the run"
    assert "the first one" in str(raised), f"an error that is raised has the text that it had, not {raised}"
    assert seconds < 35, f"a run that an error ends does not wait for trials that still run; it took {seconds:.0f} s"
    assert study.trials[0].state is State.ERROR, "what is raised was recorded before"
    _nothing_runs(study)


def _a_trial_is_told_to_stop_where_there_is_a_channel(subject: _Subject) -> None:
    def objective(config: Any, evaluation: Evaluation) -> float:
        for step in range(1, 21):
            evaluation.report(step, float(evaluation.number))
            if evaluation.should_stop():
                break
        return float(step)

    study = _study()
    study.pruner = _Impatient()
    result = subject.run(objective, 4, study)
    reached = [len(trial.reports) for trial in result.trials]

    if subject.channel:
        assert reached == [5] * 4, f"`should_stop` says so when the pruner does, after 5 reports and not {reached}"
    else:
        assert reached == [20] * 4, f"reports come with the result where there is no channel: {reached}"


@dataclass(frozen=True)
class _Impatient:
    """A pruner for tests."""

    def prune(self, history: Any, number: int) -> str | None:
        return "five are enough" if len(history.reports(number)) >= 5 else None


def _a_trial_that_is_cancelled_ends_so_and_the_search_goes_on(subject: _Subject) -> None:
    def objective(config: Any, evaluation: Evaluation) -> float:
        for _ in range(60 if evaluation.number == 1 else 0):  # 3 s, unless it is told or ended
            time.sleep(0.05)
            if evaluation.should_stop():
                break
        return 0.0

    study = _study()

    def cancel(entries: Sequence[Entry], history: History) -> None:
        if any(isinstance(entry.event, Started) and entry.event.number == 1 for entry in entries):
            study.cancel(1)

    study.stream.subscribe(cancel)
    result = subject.run(objective, 4, study, timeout=600.0, grace=0.2)
    states = [trial.state.name for trial in result.trials]

    assert states == ["OK", "CANCELLED", "OK", "OK", "OK"], f"one is cancelled, another has its place: {states}"
    assert result.stopped_by == "trials", f"a trial that is cancelled does not end the run: {result.stopped_by}"
    _nothing_runs(study)


def _a_limit_ends_a_trial_and_what_it_has_started(subject: _Subject) -> None:
    with _folder() as folder:

        def objective(config: Any, evaluation: Evaluation) -> float:
            if evaluation.number != 1:
                return 0.0
            text = f"""if True:
                import pathlib, time
                while True:
                    pathlib.Path({folder!r}, "beat").write_text(str(time.monotonic()))
                    time.sleep(0.05)
            """
            subprocess.Popen([sys.executable, "-c", text])
            time.sleep(60)
            return 0.0

        try:
            result = subject.run(objective, 4, trial_timeout=2.0)
        except (ExecutorError, ValueError):  # threads, which nothing can end, say so
            return
        last = Path(folder, "beat").read_text(encoding="ascii")
        time.sleep(0.5)
        survived = Path(folder, "beat").read_text(encoding="ascii") != last

    states = [trial.state.name for trial in result.trials]
    error = result.trials[1].error
    assert states == ["OK", "ERROR", "OK", "OK"], f"the search goes on after a trial was ended: {states}"
    assert error is not None, "a trial that was ended says why"
    assert error.kind == "parzen.errors.ObjectiveTimeout", f"a trial that takes too long is a timeout, not {error}"
    assert not survived, "a trial is ended with every process that it has started"


def _a_worker_that_dies_is_noticed(subject: _Subject) -> None:
    if not subject.mortal:
        return
    here = os.getpid()
    with _folder() as folder:

        def objective(config: Any, evaluation: Evaluation) -> float:
            if os.getpid() == here:  # threads of this process
                return 1.0
            if evaluation.number == 1 and not _noted(folder):
                _note(folder, "died once")
                os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
            return 0.0

        study = _study()
        try:
            subject.run(objective, 4, study)
        except ExecutorError:  # the engine does not outlive its workers, and says so
            _nothing_runs(study)
            return

    states = [trial.state.name for trial in study.trials]
    assert states == ["OK"] * 4, f"a trial whose worker died is run again, the others go on: {states}"


def _an_objective_that_cannot_travel_is_refused_before_anything_runs(subject: _Subject) -> None:
    lock = threading.Lock()

    def objective(config: Any) -> float:
        with lock:
            return 0.0

    study = _study()
    try:
        result = subject.run(objective, 2, study)
    except NotPicklable:
        assert not len(study.history), "what cannot run is refused before anything is asked for"
        return
    assert result.history.count(State.OK) == 2, "an objective either travels or is refused"


EXECUTOR_CASES: dict[str, Callable[[_Subject], None]] = {
    case.__name__.strip("_"): case
    for case in (
        _trials_are_evaluated_once_and_as_in_a_serial_run,
        _trials_run_at_the_same_time,
        _failures_are_recorded_and_the_search_goes_on,
        _an_error_that_is_not_caught_ends_the_run_at_once,
        _a_trial_is_told_to_stop_where_there_is_a_channel,
        _a_trial_that_is_cancelled_ends_so_and_the_search_goes_on,
        _a_limit_ends_a_trial_and_what_it_has_started,
        _a_worker_that_dies_is_noticed,
        _an_objective_that_cannot_travel_is_refused_before_anything_runs,
    )
}
"""Name of a promise -> its check."""
