"""Trials that were asked for by hand belong to their program while it lives, and to somebody else afterwards."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import parzen
from parzen import State, Study, hp
from parzen.errors import AlreadyFinished, StudyError, Unavailable
from parzen.run import BY_HAND
from parzen.testing import FakeClock
from parzen.trials import LOST, Finished, Outcome, Released, Started

SPACE = {"x": hp.float("x", 0, 1)}
THREAD = "parzen-beat-asked"


def _study(where: Any = None) -> Study:
    return Study(SPACE, algorithm="random", seed=1, storage=where)


def _beating() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == THREAD]


def _until(met: Callable[[], object], seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if met():
            return True
        time.sleep(0.01)
    return False


@pytest.fixture(autouse=True)
def _nobody_beats_yet() -> None:
    """The studies of the test before are let go."""
    gc.collect()
    assert _until(lambda: not _beating())


@pytest.fixture(params=["s.db", pytest.param("s.journal", marks=pytest.mark.slow)])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Of a file of each kind."""
    return tmp_path / str(request.param)


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a program that speaks over its stdout; it does not outlive the test."""
    started: list[subprocess.Popen[str]] = []
    home = str(Path(parzen.__file__).resolve().parents[1])

    def call(text: str, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(text), *arguments],
            env={**os.environ, "PYTHONPATH": home},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield call
    for process in started:
        process.kill()
        process.communicate()


ASK = """
    import sys
    from parzen import Study
    from parzen.errors import AlreadyFinished

    study = Study.load(sys.argv[1], algorithm="random")
    trial = study.ask(lease=float(sys.argv[2]))
    print(trial.number, trial.attempt, flush=True)
    input()
    try:
        study.tell(trial, -100.0)
    except AlreadyFinished as error:
        print("late:", error, flush=True)
"""


def _asked(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _told(process: subprocess.Popen[str]) -> str:
    return process.communicate("\n", timeout=60)[0]


@pytest.mark.parametrize("by", ["run", "ask"])
def test_a_program_that_is_killed_after_it_asked_loses_its_trial(
    where: Path, by: str, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """The next program on that machine runs it again at once, whether it runs or asks."""
    study = _study(where)
    process = start(ASK, str(where), "60")

    assert _asked(process) == "0 1"
    process.kill()
    process.wait()
    if by == "run":
        study.run(lambda config: config["x"], 3, progress=False)
        assert [trial.state for trial in study.trials] == [State.OK] * 3
    else:
        trial = study.ask()
        assert (trial.number, trial.attempt) == (0, 2)
        study.tell(trial, 0.5)
    assert study.trials[0].attempt == 2


def test_a_program_that_keeps_dying_with_a_trial_makes_it_an_error(
    where: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """After three attempts, as in a run."""
    study = _study(where)
    for attempt in (1, 2, 3):
        process = start(ASK, str(where), "60")
        assert _asked(process) == f"0 {attempt}"
        process.kill()
        process.wait()
    trial = study.ask()
    error = study.trials[0].error

    assert trial.number == 1
    assert error is not None
    assert (study.trials[0].state, error.kind) == (State.ERROR, "lost worker")


def test_a_program_that_is_held_up_past_its_lease_loses_its_trial_and_overwrites_nothing(
    where: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """What it tells when it goes on is in the log, as late."""
    study = _study(where)
    process = start(ASK, str(where), "0.6")
    assert _asked(process) == "0 1"
    assert _until(lambda: study.storage.beats(study.header.uid))  # before, the lease is the usual minute
    process.send_signal(signal.SIGSTOP)
    run_again = threading.Event()

    def objective(config: dict[str, float]) -> float:
        run_again.set() if study.trials[0].attempt == 2 else time.sleep(0.05)
        return config["x"]

    study.run(objective, stop=lambda history, elapsed: run_again.is_set() or elapsed > 60, progress=False, lease=0.3)
    process.send_signal(signal.SIGCONT)
    said = _told(process)
    study.refresh()
    first = study.trials[0]

    assert said.startswith("late: trial 0 was given up for lost")
    assert (first.state, first.attempt, first.loss) == (State.OK, 2, first.params["x"])
    assert study.history.late == 1


FAR = "elsewhere/boot/1/2/3/by hand 4"
"""Somebody on another machine, of whom only the beats can be seen."""


def _asked_elsewhere(where: Path, lease: float) -> tuple[Study, Study, FakeClock]:
    """A study in which FAR runs trial 0, as FAR and as this program have it, and this one's clock."""
    far = _study(where)
    study = Study.load(where, algorithm="random")
    clock = study.stream.clock = FakeClock()
    far.enqueue({"x": 0.5})
    far.stream.publish(Started(0, 1, FAR, 0.0))
    far.storage.beat(far.header.uid, FAR, lease)
    return far, study, clock


@pytest.mark.parametrize(
    ("own", "pause", "looks"),
    [(60.0, 1.0, 3), (3.0, 1.0, 3), (3.0, 1.4, 3), (60.0, 0.3, 12), (3.0, 10.0, 3), (60.0, 100.0, 3)],
)
def test_who_asks_and_tells_all_the_time_takes_over_what_somebody_lost(
    where: Path, own: float, pause: float, looks: int
) -> None:
    """A program that never has a trial open for long sees all the same that another one stands still for its lease."""
    far, study, clock = _asked_elsewhere(where, 3.0)
    numbers = []
    for _ in range(looks + 2):
        trial = study.ask(lease=own)
        study.tell(trial, 1.0)
        numbers.append(trial.number)
        clock.advance(pause)
    far.refresh()

    assert 0 in numbers
    assert numbers.index(0) >= looks
    assert (far.trials[0].attempt, far.trials[0].loss) == (2, 1.0)


@pytest.mark.parametrize("pause", [1.0, 2.0, 10.0])
def test_who_beats_keeps_the_trial_however_often_others_ask(where: Path, pause: float) -> None:
    """A beat between two looks is enough."""
    far, study, clock = _asked_elsewhere(where, 3.0)
    for _ in range(10):
        study.tell(study.ask(lease=3.0), 1.0)
        clock.advance(pause)
        far.storage.beat(far.header.uid, FAR, 3.0)

    assert study.trials[0].attempt == 1


def test_who_asks_and_tells_quickly_is_there_without_a_beat(where: Path) -> None:
    """Two such programs leave each other's trials alone: beginning another one is a sign of life."""
    far, clock = _study(where), FakeClock()
    study = Study.load(where, algorithm="random")
    study.stream.clock = clock
    for _ in range(70):
        (theirs,) = far.enqueue({"x": 0.5})
        far.stream.publish(Started(theirs.number, 1, FAR, 0.0))
        study.tell(study.ask(), 1.0)
        far.stream.publish(Finished(theirs.number, 1, Outcome(State.OK, {"loss": 0.5}), 0.0))
        clock.advance(1.0)

    assert {trial.attempt for trial in study.trials} == {1}


def test_time_in_which_the_storage_could_not_be_asked_does_not_count(
    where: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody could have written a beat then: the lease begins anew when it answers again."""
    _, study, clock = _asked_elsewhere(where, 3.0)

    def ask() -> int:
        trial = study.ask()
        study.tell(trial, 1.0)
        clock.advance(1.0)
        return trial.number

    def unavailable(uid: str) -> Any:
        raise Unavailable("not now")

    before = [ask() for _ in range(3)]
    with monkeypatch.context() as patch:
        patch.setattr(study.storage, "beats", unavailable)
        for _ in range(4):
            with pytest.raises(Unavailable):
                study.ask()
            clock.advance(1.0)
    after = [ask() for _ in range(4)]

    assert 0 not in before + after[:3]
    assert after[3] == 0


def test_who_thinks_for_longer_than_the_lease_keeps_the_trial(
    where: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """As long as the program lives, others do something else; nor does a run wait for somebody who thinks."""
    study = _study(where)
    process = start(ASK, str(where), "0.5")
    assert _asked(process) == "0 1"
    result = study.run(
        lambda config: time.sleep(0.01) or config["x"],
        stop=lambda history, elapsed: elapsed > 2.0,
        progress=False,
        lease=0.5,
    )
    assert study.trials[0].state is State.RUNNING
    result = study.run(lambda config: config["x"], len(study.trials), progress=False)

    assert result.stopped_by == "trials"
    assert _told(process) == ""
    study.refresh()
    assert (study.trials[0].loss, study.trials[0].attempt) == (-100.0, 1)


def test_the_thread_that_beats_is_there_while_a_trial_is_open(where: Path) -> None:
    """It beats, and with the last tell nothing of it is left."""
    study = _study(where)
    first, second = study.ask(2, lease=0.06)
    assert len(_beating()) == 1
    assert _until(lambda: any(beat.total >= 3 for beat in study.storage.beats(study.header.uid).values()))
    study.tell(first, 0.5)
    assert list(study.storage.beats(study.header.uid)) == [study.history.worker(second.number)]
    study.tell(second, 0.5)

    assert study.storage.beats(study.header.uid) == {}
    assert _until(lambda: not _beating())
    study.tell(study.ask(lease=0.06), 0.5)
    assert _until(lambda: not _beating())
    assert study.storage.beats(study.header.uid) == {}


def test_who_asks_and_tells_quickly_writes_no_beat(where: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop of one's own costs two commits a trial, as before."""
    study = _study(where)
    calls: list[str] = []
    monkeypatch.setattr(study.storage, "beat", lambda *given: calls.append("beat"))
    monkeypatch.setattr(study.storage, "leave", lambda *given: calls.append("leave"))
    for _ in range(10):
        study.tell(study.ask(), 0.5)

    assert calls == []
    assert len(_beating()) == 1
    del study
    gc.collect()
    assert _until(lambda: not _beating())


def test_nobody_beats_in_memory_or_without_a_lease(tmp_path: Path) -> None:
    """No other program can see the one, nor may give up the other."""
    study, stored = _study(), _study(tmp_path / "s.db")
    study.ask()
    trial = stored.ask(lease=None)

    assert _beating() == []
    assert stored.history.worker(0) == study.history.worker(0) == BY_HAND
    assert Study.load(tmp_path / "s.db").tell(trial.number, 0.5).state is State.OK


@pytest.mark.parametrize("end", ["let go", "closed", "deleted"])
def test_the_thread_ends_with_the_study(where: Path, end: str, caplog: pytest.LogCaptureFixture) -> None:
    """What is open then is for the lease: another study of the process may yet tell it."""
    study: Study | None = _study(where)
    assert study is not None
    study.ask(lease=0.3)
    if end == "closed":
        study.storage.close()
    elif end == "deleted":
        study.delete()
    else:
        del study
        gc.collect()

    assert _until(lambda: not _beating())
    assert not caplog.records
    if end != "deleted":
        other = Study.load(where, algorithm="random")
        assert other.ask().number == 1
        assert other.tell(0, 0.5).state is State.OK


def test_a_number_that_makes_no_sense_is_no_lease(where: Path) -> None:
    """Nothing is asked for."""
    study = _study(where)
    with pytest.raises(ValueError, match="lease must be"):
        study.ask(lease=0)

    assert len(study.trials) == 0


def test_a_trial_that_was_given_up_and_not_begun_again_can_be_told(where: Path) -> None:
    """The result is there, and nobody has another one."""
    study = _study(where)
    trial = study.ask()
    other = Study.load(where)
    other.stream.publish(Released(0, 1, LOST, 0.0))
    told = study.tell(trial, 0.25)

    assert (told.state, told.loss, told.attempt) == (State.OK, 0.25, 2)
    other.refresh()
    assert other.trials[0].loss == 0.25
    with pytest.raises(AlreadyFinished, match="kept as late"):
        study.tell(trial, 0.5)
    with pytest.raises(StudyError, match="is OK already"):
        study.tell(0, 0.5)


def test_another_program_may_tell_by_number_what_was_given_up_and_not_begun_again(where: Path) -> None:
    """As in a laboratory, where one script asks and ends, and another tells; what was never begun still has to be asked for."""
    study = _study(where)
    study.ask()
    study.enqueue({"x": 0.5})
    other = Study.load(where)
    other.stream.publish(Released(0, 1, LOST, 0.0))
    told = other.tell(0, 0.25)

    assert (told.state, told.loss) == (State.OK, 0.25)
    with pytest.raises(StudyError, match="has not been started"):
        other.tell(1, 0.5)


def test_a_result_that_comes_late_is_kept_and_changes_nothing(where: Path) -> None:
    """Also where this program has heard already that the trial ended elsewhere; and so is a report."""
    study = _study(where)
    trial = study.ask()
    other = Study.load(where)
    other.stream.publish(Released(0, 1, LOST, 0.0), Started(0, 2, "somebody", 0.0))
    with pytest.raises(AlreadyFinished, match="kept as late"):
        study.report(trial, 1, 0.1)
    other.stream.publish(Finished(0, 2, Outcome(State.OK, {"loss": 0.75}), 1.0))
    study.refresh()
    with pytest.raises(AlreadyFinished, match="kept as late"):
        study.tell(trial, -1.0)

    assert (study.trials[0].loss, study.history.late) == (0.75, 2)


def test_who_knows_the_number_may_tell_and_the_other_one_hears_of_it(where: Path) -> None:
    """The error of whoever asked says what has happened: nobody gave the trial up."""
    study = _study(where)
    trial = study.ask()
    Study.load(where).tell(trial.number, 0.25)
    with pytest.raises(AlreadyFinished, match=r"trial 0 is OK already, which somebody else has told") as caught:
        study.tell(trial, -1.0)

    assert "given up" not in str(caught.value)
    assert (study.trials[0].loss, study.history.late) == (0.25, 1)


def test_threads_share_the_one_that_beats(where: Path) -> None:
    """Each trial is told once, by whoever asked for it."""
    study = _study(where)
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(5):
                trial = study.ask(lease=0.3)
                time.sleep(0.02)
                study.tell(trial, trial.params["x"])
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    assert len(_beating()) == 1
    for thread in threads:
        thread.join()

    assert errors == []
    assert study.history.count(State.OK) == len(study.history) == 20
    assert _until(lambda: not _beating())


FORK = """
    import os, sys, time
    from parzen import Study

    study = Study.load(sys.argv[1], algorithm="random")
    trial = study.ask(lease=0.5)
    if not os.fork():
        own = Study.load(sys.argv[1], algorithm="random")
        mine = own.ask(lease=0.5)
        time.sleep(2)
        own.tell(mine, 1.0)
        os._exit(0)
    time.sleep(3)
    study.tell(trial, 0.0)
    os.wait()
    print(trial.number, flush=True)
"""


@pytest.mark.slow
def test_a_forked_child_beats_for_what_it_asks_for_itself(
    where: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """And neither it nor its parent loses a trial by the other."""
    study = _study(where)
    process = start(FORK, str(where))
    study.run(
        lambda config: time.sleep(0.02) or config["x"],
        stop=lambda history, elapsed: process.poll() is not None or elapsed > 60,
        progress=False,
        lease=0.5,
    )
    study.refresh()

    assert process.communicate()[0].strip().isdigit()
    assert sorted(trial.loss for trial in study.trials if trial.loss in (0.0, 1.0)) == [0.0, 1.0]
    assert {trial.attempt for trial in study.trials} == {1}
