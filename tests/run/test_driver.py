"""The loop for several trials at once: what it promises, whatever evaluates.

Threads are used where it does not matter what evaluates: they start at once.  The kit (tests/conformance) and
tests/reliability have the processes.
"""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import parzen
from parzen import hp
from parzen.algorithms import Ask, Proposal, Random
from parzen.errors import ExecutorError, NotPicklable, StudyError
from parzen.hyperopt import STATUS_OK, Trials, fmin, rand
from parzen.run import fleet_of
from parzen.run._fleet import checked_bytes
from parzen.run.executors import Begun, Job, Message, Returned, Task
from parzen.space import Space
from parzen.study import Study
from parzen.trials import Asked, Finished, History, Requested, Started, State

SPACE = {"x": hp.float("x", -1, 1)}


def _run(objective: Callable[..., Any], trials: int | None = 20, space: Any = None, **given: Any) -> parzen.Result:
    settings: dict[str, Any] = {"algorithm": "random", "seed": 1, "progress": False, "parallel": 4, "threads": True}
    return parzen.minimize(objective, space or SPACE, trials, **{**settings, **given})


def _loss(config: Any) -> float:
    return float(config["x"] ** 2)


# --- how many, and which ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("storage", [None, "study.db"])
def test_the_total_is_exact_and_the_points_are_those_of_a_serial_run(storage: str | None, tmp_path: Path) -> None:
    """A trial's point depends on seed and number where the algorithm does not look at results."""
    where = None if storage is None else tmp_path / storage
    result = _run(_loss, 23, storage=where)
    serial = _run(_loss, 23, parallel=1, threads=False)

    assert result.stopped_by == "trials"
    assert [trial.params for trial in result.trials] == [trial.params for trial in serial.trials]
    assert result.history.count(State.OK) == len(result.history) == 23


def test_no_more_trials_run_than_were_asked_for() -> None:
    """And so many do."""
    running, most, lock = 0, 0, threading.Lock()

    def objective(config: Any) -> float:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1
        return 0.0

    _run(objective, 30, parallel=3)

    assert most == 3


def test_a_finite_space_is_exhausted_once(tmp_path: Path) -> None:
    """Every configuration is evaluated once, and the run says why it ended."""
    result = _run(lambda config: config["a"], 50, {"a": hp.categorical("a", range(11))}, storage=tmp_path / "study.db")

    assert result.stopped_by == "space exhausted"
    assert sorted(trial.loss for trial in result.trials) == list(range(11))


def test_two_programs_share_the_budget(tmp_path: Path) -> None:
    """What was prepared is dropped when somebody else takes its number."""
    other = Study(SPACE, storage=tmp_path / "study.db", algorithm="random", seed=1)
    calls = itertools.count()

    def objective(config: Any) -> float:
        if next(calls) in {3, 7, 8}:
            other.refresh()
            other.tell(other.ask(), 0.5)
        time.sleep(0.005)
        return 1.0

    result = _run(objective, 20, storage=tmp_path / "study.db")
    losses = sorted(trial.loss for trial in result.trials)

    assert losses == [0.5] * 3 + [1.0] * 17
    assert len({trial.params["x"] for trial in result.trials}) == 20


# --- when it ends -----------------------------------------------------------------------------------------------


def test_a_rule_lets_running_trials_finish() -> None:
    """A rule is asked before each trial; nothing that was begun is lost."""
    result = _run(_slow, None, stop=parzen.stopping.TrialsDone(5))

    assert result.stopped_by == "trials"
    assert 5 <= result.history.count(State.OK) == len(result.history) <= 8


def _slow(config: Any) -> float:
    time.sleep(0.02)
    return float(config["x"])


def test_a_callback_that_stops_lets_running_trials_finish() -> None:
    """And so does an objective that raises `StopStudy`, whose trial is cancelled."""

    def stop(study: Study, trial: Any) -> None:
        raise parzen.StopStudy

    def stopping(config: Any, evaluation: parzen.Evaluation) -> float:
        if evaluation.number == 2:
            raise parzen.StopStudy
        time.sleep(0.05)
        return 0.0

    by_callback, by_objective = _run(_slow, 20, callbacks=[stop]), _run(stopping, 20)

    assert by_callback.stopped_by == by_objective.stopped_by == "callback"
    assert by_callback.history.count(State.OK) == len(by_callback.history) == 4
    assert by_objective.trials[2].state is State.CANCELLED
    assert by_objective.history.count(State.OK) == 3


def test_a_request_stops_and_running_trials_hear_of_it() -> None:
    """`should_stop` says so."""
    study = Study(SPACE, algorithm="random", seed=1)

    def objective(config: Any, evaluation: parzen.Evaluation) -> float:
        if evaluation.number == 5:
            study.stop()
        for step in range(1000):
            time.sleep(0.005)
            if evaluation.number < 5 or evaluation.should_stop():
                return float(step)
        return -1.0

    result = study.run(objective, 50, parallel=2, threads=True, progress=False)

    assert result.stopped_by == "request"
    assert len(result.history) <= 8
    assert all(trial.loss is not None and trial.loss >= 0 for trial in result.trials)


def test_the_timeout_waits_unless_there_is_a_grace_period() -> None:
    """Without `grace` running trials finish; with it they wait for the next run."""
    waiting = _run(_sleep, 8, parallel=2, timeout=0.1)
    began = time.monotonic()
    ending = _run(_sleep_long, 8, parallel=2, timeout=0.1, grace=0.1)
    seconds = time.monotonic() - began

    assert waiting.stopped_by == ending.stopped_by == "timeout"
    assert waiting.history.count(State.OK) == len(waiting.history) == 2
    assert ending.history.count(State.WAITING) == len(ending.history) == 2
    assert seconds < 3


def _sleep(config: Any) -> float:
    time.sleep(0.3)
    return 0.0


def _sleep_long(config: Any) -> float:
    time.sleep(5)
    return 0.0


def test_a_signal_releases_what_runs() -> None:
    """Ctrl-C: the result is there, with what had finished; the rest waits for the next run."""

    def objective(config: Any, evaluation: parzen.Evaluation) -> float:
        if evaluation.number == 6:
            os.kill(os.getpid(), signal.SIGINT)
        if evaluation.number >= 4:
            time.sleep(5)
        return 0.0

    began = time.monotonic()
    result = _run(objective, 20)

    assert result.stopped_by == "interrupt"
    assert result.signal == signal.SIGINT
    assert time.monotonic() - began < 3
    assert result.history.count(State.OK) == 4
    assert result.history.count(State.RUNNING) == 0
    assert result.history.count(State.WAITING) == len(result.history) - 4 > 0


def test_an_error_is_recorded_and_raised_with_its_class() -> None:
    """Unless `catch` names it; the others wait for the next run, and none stays RUNNING."""
    study = Study(SPACE, algorithm="random", seed=1)

    def objective(config: Any, evaluation: parzen.Evaluation) -> float:
        if evaluation.number == 3:
            raise KeyError("the third")
        time.sleep(0.2)
        return 0.0

    with pytest.raises(KeyError, match="the third"):
        study.run(objective, 20, parallel=4, threads=True, progress=False)
    states = [trial.state for trial in study.trials]

    assert states[3] is State.ERROR
    assert State.RUNNING not in states
    result = study.run(objective, 20, parallel=4, threads=True, progress=False, catch=KeyError)
    assert result.history.count(State.OK) == 19


def test_a_result_that_cannot_be_used_is_failed_and_raised() -> None:
    """As in a serial run, with the trial's number and parameters."""
    with pytest.raises(parzen.errors.InvalidLoss, match=r"\(trial \d+, params \{'x'"):
        _run(lambda config: "low")


# --- what is recorded -------------------------------------------------------------------------------------------


def test_events_are_in_order_and_no_proposal_is_there_that_nobody_evaluates() -> None:
    """Of each trial Asked, Started, Finished; what was prepared and not needed leaves no trace."""
    study, seen = Study(SPACE, algorithm="random", seed=1), []
    study.stream.subscribe(lambda entries, history: seen.extend(entry.event for entry in entries))
    study.run(_slow, None, parallel=4, threads=True, stop=parzen.stopping.TrialsDone(9), progress=False)
    of_trials = [event for event in seen if not isinstance(event, Requested)]

    for number in range(len(study.history)):
        kinds = [type(event) for event in of_trials if getattr(event, "number", None) == number]
        assert kinds == [Asked, Started, Finished]
    assert not study.history.count(State.WAITING)


@dataclass(frozen=True)
class _Watched(Random):
    """Random search that writes down when it was asked, and by how many trials it was watched."""

    asks: list[tuple[int, int, int]] = field(default_factory=list, compare=False, hash=False)

    def suggest(self, space: Space, history: History, ask: Ask) -> Proposal:
        self.asks.append((len(ask.numbers), history.count(State.RUNNING), ask.numbers[0]))
        return super().suggest(space, history, ask)


def test_proposals_are_prepared_while_several_trials_run() -> None:
    """The algorithm is asked for the next number while all places are taken, and `saw` says what it had seen."""
    algorithm, study = _Watched(), Study(SPACE, algorithm="random", seed=1)
    study.algorithm = algorithm
    asked: list[Asked] = []
    study.stream.subscribe(lambda entries, _: asked.extend(e.event for e in entries if isinstance(e.event, Asked)))
    study.run(_slow, 20, parallel=4, threads=True, progress=False)
    ahead = [ask for ask in algorithm.asks if ask[1] > 1]

    assert len(ahead) >= 4
    assert [event.number for event in asked] == list(range(20))
    assert all(event.saw > 0 for event in asked[5:])
    assert max(number + n for n, _, number in algorithm.asks) <= 20


@pytest.mark.parametrize("given", [{"parallel": 1, "threads": False}, {"parallel": 1}])
def test_a_serial_run_prepares_nothing(given: dict[str, Any]) -> None:
    """So that each proposal knows every result."""
    algorithm = _Watched()
    _run(_loss, 10, algorithm=algorithm, **given)

    assert algorithm.asks == [(1, 0, number) for number in range(10)]


def test_a_pruner_ends_trials_while_they_run() -> None:
    """Reports arrive while the trial runs, and the verdict goes back."""

    def objective(config: Any, evaluation: parzen.Evaluation) -> float:
        for step in range(1, 11):
            evaluation.report(step, config["x"])
            if evaluation.should_stop():
                raise parzen.TrialPruned
            time.sleep(0.001)
        return float(config["x"])

    result = _run(objective, 30, pruner="median", parallel=2)
    pruned = [trial for trial in result.trials if trial.state is State.PRUNED]

    assert 5 <= len(pruned) <= 25
    assert all(trial.reports for trial in pruned)
    assert min(len(trial.reports) for trial in pruned) < 10
    assert result.best.loss == min(trial.params["x"] for trial in result.trials)


def test_a_thread_of_a_trial_that_speaks_after_its_end_is_heard_by_nobody() -> None:
    """A monitor of the objective's own, a moment late; its question is answered with yes."""
    answers: list[bool] = []
    late: list[threading.Thread] = []

    def objective(config: dict[str, float], evaluation: Any) -> float:
        def speak() -> None:
            time.sleep(0.05)
            evaluation.report(1, 0.5)
            answers.append(evaluation.should_stop())

        late.append(threading.Thread(target=speak))
        late[-1].start()
        return config["x"]

    def wait(study: Study, trial: Any) -> None:
        if trial.number < 4:
            late[trial.number].join(0.2)

    result = parzen.minimize(
        objective, {"x": hp.float("x", 0, 1)}, 8, seed=1, parallel=2, threads=True, callbacks=[wait], progress=False
    )
    for thread in late:
        thread.join()

    assert [trial.state for trial in result.trials] == [State.OK] * 8
    assert all(answers)


def test_callbacks_see_each_trial_once_in_this_thread() -> None:
    """One at a time."""
    seen: list[tuple[int, bool]] = []
    here = threading.get_ident()
    _run(_slow, 12, callbacks=[lambda study, trial: seen.append((trial.number, threading.get_ident() == here))])

    assert sorted(seen) == [(number, True) for number in range(12)]


# --- what is asked for ------------------------------------------------------------------------------------------


def test_devices_are_held_by_one_trial_at_a_time() -> None:
    """`evaluation.slots` says which; their number is that of the trials at once."""
    held: list[Any] = []
    lock = threading.Lock()

    def objective(config: Any, evaluation: parzen.Evaluation) -> float:
        device = evaluation.slots["gpu"]
        with lock:
            assert device not in held
            held.append(device)
        time.sleep(0.005)
        with lock:
            held.remove(device)
        return float(device)

    result = _run(objective, 24, parallel=None, slots={"gpu": [0, 1, 2, 3], "port": [8000, 8001, 8002, 8003]})

    assert {trial.loss for trial in result.trials} == {0.0, 1.0, 2.0, 3.0}


WRONG: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "too few devices": ({"parallel": 3, "slots": {"gpu": [0, 1]}}, ValueError, "3 entries in slots"),
    "no devices": ({"slots": {"gpu": []}}, ValueError, "empty"),
    "devices as text": ({"slots": {"gpu": "01"}}, TypeError, "list"),
    "devices as a list": ({"slots": [0, 1]}, TypeError, "maps names"),
    "limits of threads": ({"threads": True, "trial_timeout": 3}, ValueError, "nothing can end a thread"),
    "threads and an executor": ({"threads": True, "executor": 3}, ValueError, "one of them"),
    "an executor that is none": ({"executor": 3}, ExecutorError, "engine"),
    "no time": ({"trial_timeout": 0}, ValueError, "trial_timeout"),
    "no memory": ({"trial_memory": 0}, ValueError, "trial_memory"),
    "memory in words": ({"trial_memory": "plenty"}, ValueError, "'2 GB'"),
    "memory of a byte": ({"trial_memory": 1}, ValueError, "1 byte:"),
    "the name of an engine": ({"executor": "ray"}, ExecutorError, "the module itself .import ray,"),
    "the name of another": ({"executor": "dask"}, ExecutorError, "the object itself, and not its name"),
    "memory without a unit": ({"trial_memory": "2"}, ValueError, "has no unit"),
    "less memory than Python": ({"trial_memory": "2 MB"}, ValueError, "Python alone"),
    "a device with a NUL": ({"slots": {"gpu": ["\x00"]}}, ValueError, r"slots\['gpu'\]"),
    "a device with half a character": ({"slots": {"gpu": [["0", "\ud800"]]}}, ValueError, r"slots\['gpu'\]"),
    "a grace period of -1": ({"grace": -1}, ValueError, "grace"),
    "no trials at once": ({"parallel": 0}, ValueError, "parallel"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_makes_no_sense_is_refused(case: str) -> None:
    """With a sentence that says what was expected."""
    given, error, text = WRONG[case]

    with pytest.raises(error, match=text):
        fleet_of(**given)


def test_nothing_asked_for_is_a_serial_run() -> None:
    """Any of the arguments takes trials out of the loop."""
    assert fleet_of() is fleet_of(1) is None
    for given in ({"parallel": 2}, {"trial_timeout": 1}, {"trial_memory": 1e9}, {"grace": 0}, {"slots": {"a": [1]}}):
        fleet = fleet_of(**given)
        assert fleet is not None
        assert len(fleet.places) == given.get("parallel", 1)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (1000, 1000),
        ("2 GB", 2 * 10**9),
        ("1.5GiB", 3 * 2**29),
        ("10 B", 10),
        ("7 kb", 7000),
        (np.float64(5e6), 5_000_000),
    ],
)
def test_memory_is_a_number_or_text(given: Any, expected: int) -> None:
    """In bytes."""
    assert checked_bytes("trial_memory", given) == expected


# --- processes --------------------------------------------------------------------------------------------------


def test_what_cannot_be_sent_is_that_trials_failure() -> None:
    """A configuration with a lock in it is recorded as such, and raised unless it is caught."""
    space = {"what": hp.choice("what", [1, threading.Lock()])}
    result = _run(lambda config: 0.0, None, space, parallel=2, threads=False, catch=True)
    kinds = [None if trial.error is None else trial.error.kind for trial in result.trials]

    assert sorted(map(str, kinds)) == ["None", "parzen.errors.NotPicklable"]
    with pytest.raises(NotPicklable, match="configuration of trial"):
        _run(lambda config: 0.0, None, space, parallel=2, threads=False)


def test_an_objective_that_cannot_be_loaded_there_is_said_at_once() -> None:
    """Not for each trial anew."""
    with pytest.raises(ExecutorError, match="cannot be loaded in another process"):
        _run(_Unloadable(), 10, parallel=2, threads=False)


class _Unloadable:
    def __call__(self, config: Any) -> float:
        return 0.0

    def __reduce__(self) -> Any:
        return (_fail, ())


def _fail() -> None:
    raise OSError("not here")


def test_gpus_are_all_that_a_process_sees() -> None:
    """`CUDA_VISIBLE_DEVICES` is set before the objective is loaded; numerical libraries share the cores."""

    def objective(config: Any, evaluation: parzen.Evaluation) -> dict[str, Any]:
        time.sleep(0.05)
        seen = os.environ["CUDA_VISIBLE_DEVICES"]
        return {"loss": 0.0, "seen": seen, "given": evaluation.slots["gpu"], "threads": os.environ["OMP_NUM_THREADS"]}

    result = _run(objective, 6, parallel=None, threads=False, slots={"gpu": [2, (5, 7)]})

    assert {(trial.extra["seen"], str(trial.extra["given"])) for trial in result.trials} == {
        ("2", "2"),
        ("5,7", "(5, 7)"),
    }
    assert all(int(trial.extra["threads"]) >= 1 for trial in result.trials)


# --- executors that do not answer -------------------------------------------------------------------------------


class _Silent:
    """Begins tasks and never says anything more of the first ones."""

    slots = 2

    def __init__(self, silent: int, *, can_end: bool) -> None:
        self.silent, self.can_end = silent, can_end
        self.told: list[Message] = []

    def open(self, job: Job) -> None:
        self.job = job

    def submit(self, task: Task) -> None:
        self.told.append(Begun(task.number, task.attempt))
        if task.number >= self.silent:
            self.told.append(Returned(task.number, task.attempt, 1.0, 0.0))

    def collect(self, timeout: float) -> Sequence[Message]:
        told, self.told = self.told, []
        if not told:
            time.sleep(min(timeout, 0.01))
        return told

    def cancel(self, number: int) -> bool:
        return self.can_end

    def close(self) -> None:
        pass


class _Early(_Silent):
    """Has room for trials that wait, and sees how many there are."""

    early = 3

    def __init__(self, seconds: float) -> None:
        super().__init__(0, can_end=True)
        self.seconds, self.most, self.waiting = seconds, 0, list[Task]()

    def submit(self, task: Task) -> None:
        self.waiting.append(task)
        self.most = max(self.most, len(self.waiting))

    def collect(self, timeout: float) -> Sequence[Message]:
        if not timeout or not self.waiting:
            return []
        first = self.waiting.pop(0)
        return [Begun(first.number, first.attempt), Returned(first.number, first.attempt, 1.0, self.seconds)]


def test_an_engine_is_given_trials_early_while_they_are_short() -> None:
    """As many more as it says, and no more than the budget; long ones, and those with devices, are given when they can begin."""
    given: dict[str, Any] = {"parallel": None, "threads": False}
    short, long, devices = _Early(0.05), _Early(5.0), _Early(0.05)
    results = [_run(_loss, 20, executor=short, **given), _run(_loss, 20, executor=long, **given)]
    results.append(_run(_loss, 20, executor=devices, slots={"gpu": [0, 1]}, **given))

    assert (short.most, long.most, devices.most) == (5, 2, 2)
    assert [result.history.count(State.OK) for result in results] == [20, 20, 20]


def test_nobody_is_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that neither answers nor ends its trial in time has lost it; its place is free if it can be ended."""
    monkeypatch.setattr("parzen.run._driver.SILENCE", 0.05)
    given: dict[str, Any] = {"parallel": None, "threads": False, "trial_timeout": 0.05}
    ended = _run(_loss, 6, executor=_Silent(3, can_end=True), **given)
    stuck = _run(_loss, 6, executor=_Silent(1, can_end=False), **given)
    states, error = [trial.state.name for trial in ended.trials], ended.trials[0].error

    assert states == ["ERROR"] * 3 + ["OK"] * 3
    assert error is not None
    assert error.kind == "parzen.errors.ObjectiveTimeout"
    assert "nothing was heard" in error.message
    assert [trial.state.name for trial in stuck.trials] == ["ERROR"] + ["OK"] * 5
    with pytest.raises(ExecutorError, match="all 2 places are held"):
        _run(_loss, 6, executor=_Silent(6, can_end=False), **given)


# --- Hyperopt's door --------------------------------------------------------------------------------------------


def test_fmin_runs_in_parallel_and_its_documents_are_complete() -> None:
    """Closures, attachments, failures and early stopping, as in a serial search."""
    shift = 0.5

    def objective(x: float) -> dict[str, Any]:
        if x > 0.9:
            raise ValueError("too high")
        return {"loss": (x - shift) ** 2, "status": STATUS_OK, "attachments": {"note": b"of %d" % int(100 * x)}}

    trials = Trials()
    best = fmin(
        objective,
        hp.uniform("x", 0, 1),
        rand.suggest,
        30,
        trials=trials,
        rstate=1,
        verbose=False,
        catch_eval_exceptions=True,
        parallel=2,
    )
    done = [doc for doc in trials._dynamic_trials if doc["state"] == 2]

    assert len(trials._dynamic_trials) == 30
    assert len(done) == len(trials.losses()) == 30 - sum(doc["state"] == 3 for doc in trials._dynamic_trials)
    assert best["x"] == trials.argmin["x"]
    assert trials.trial_attachments(done[0])["note"] == b"of %d" % int(100 * done[0]["misc"]["vals"]["x"][0])


def test_fmin_says_where_it_cannot_run_in_parallel() -> None:
    """A suggest function of somebody else runs Hyperopt's loop, one trial at a time."""

    def own(ids: Any, domain: Any, trials: Any, seed: int) -> Any:
        return rand.suggest(ids, domain, trials, seed)

    with pytest.raises(parzen.errors.AlgorithmError, match="parallel= goes with an algorithm of parzen"):
        fmin(lambda x: x, hp.uniform("x", 0, 1), own, 4, verbose=False, parallel=2)
    with pytest.raises(StudyError, match="parallel= do not reach"):
        fmin(lambda x: x, hp.uniform("x", 0, 1), rand.suggest, 4, trials=_Own(), parallel=2)


class _Own(Trials):
    def fmin(self, *args: Any, **kwargs: Any) -> None:
        raise AssertionError("not called")
