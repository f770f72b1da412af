"""Which trials have been left behind."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from parzen import State, Study, hp
from parzen.errors import StudyNotFound, Unavailable
from parzen.log import Beat
from parzen.run import BY_HAND, Presence, present, release_abandoned
from parzen.run._leases import LEASE, _Sight
from parzen.run._workers import working
from parzen.testing import FakeClock
from parzen.trials import Finished, Outcome, Reported, Started

SPACE = {"x": hp.float("x", 0, 1)}


def _study_with_a_trial_of(worker: str) -> Study:
    study = Study(SPACE, algorithm="random")
    (trial,) = study.enqueue({"x": 0.5})
    study.stream.publish(Started(trial.number, 1, worker, 0.0))
    return study


def _parts() -> list[str]:
    with working() as name:
        return name.split("/")


def _variant(**parts: str) -> str:
    names = ("host", "boot", "namespace", "pid", "started", "run")
    return "/".join(parts.get(name, own) for name, own in zip(names, _parts(), strict=True))


LEFT: dict[str, tuple[Any, bool]] = {
    "a process that is gone": (lambda: _variant(pid="4194303"), True),
    "a process whose number was given to another": (lambda: _variant(pid=str(os.getppid()), started="1"), True),
    "an earlier boot of this machine": (lambda: _variant(boot="00000000"), True),
    "a run of this process that has ended": (_variant, True),
    "another numbering of processes, as in a container": (lambda: _variant(namespace="1", pid="4194303"), False),
    "another host": (lambda: _variant(host="elsewhere", pid="4194303"), False),
    "somebody who asked by hand": (lambda: BY_HAND, False),
    "a process that asked by hand and is gone": (lambda: _variant(pid="4194303", run=f"{BY_HAND} 1"), True),
    "a study of this process that asked and was let go": (lambda: _variant(run=f"{BY_HAND} 1"), False),
    "a name that says nothing": (lambda: "worker 7", False),
    "a name that is no path": (lambda: "a/b/c/d/e/f", False),
}


@pytest.mark.parametrize("kind", LEFT)
def test_a_trial_is_taken_back_from_workers_that_are_known_to_be_gone(kind: str) -> None:
    """And from nobody else."""
    make, gone = LEFT[kind]
    study = _study_with_a_trial_of(make())

    assert release_abandoned(study.stream) == gone
    assert study.trials[0].state is (State.WAITING if gone else State.RUNNING)


def test_a_run_that_is_going_on_keeps_its_trials() -> None:
    """Another one of this process leaves them alone."""
    with working() as name:
        study = _study_with_a_trial_of(name)

        assert release_abandoned(study.stream) == 0
    assert release_abandoned(study.stream) == 1


def test_a_search_inside_of_an_objective_of_the_same_study_does_not_take_the_trial_back() -> None:
    """Both run in this process, and both are alive."""
    study = Study(SPACE, algorithm="random")
    inner: list[int] = []

    def objective(config: dict[str, float]) -> float:
        if not inner:
            inner.append(1)
            study.run(lambda config: 2.0, 4, progress=False)
        return config["x"]

    result = study.run(objective, 6, progress=False)

    assert [trial.state for trial in result.trials] == [State.OK] * 6
    assert all(trial.attempt == 1 for trial in result.trials)


def test_a_run_of_another_thread_keeps_its_trials() -> None:
    """Two threads on one study share the work."""
    study = Study(SPACE, algorithm="random")
    barrier = threading.Barrier(2, timeout=20)
    calls: list[str] = []

    def objective(config: dict[str, float]) -> float:
        calls.append(threading.current_thread().name)
        if calls.count(calls[-1]) == 1:
            barrier.wait()
        return config["x"]

    threads = [
        threading.Thread(target=lambda: study.run(objective, 12, progress=False), name=name)
        for name in ("left", "right")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(calls) == len(study.trials) == 12
    assert study.history.count(State.OK) == 12
    assert set(calls) == {"left", "right"}


@pytest.mark.parametrize("same", [True, False], ids=["the same study", "a study each"])
def test_a_run_that_has_nothing_to_begin_leaves_the_trial_of_another_thread_alone(
    same: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It returns, as a search inside of an objective has to, and does not say that all is done; the other one ends in order."""
    one = Study(SPACE, storage=tmp_path / "s.db", algorithm="random")
    other = one if same else Study.load(tmp_path / "s.db", algorithm="random")
    begun, returned = threading.Event(), threading.Event()

    def slow(config: dict[str, float]) -> float:
        begun.set()
        assert returned.wait(60)
        return 7.0

    thread = threading.Thread(target=lambda: other.run(slow, 4, stop=lambda *_: begun.is_set(), progress=False))
    thread.start()
    assert begun.wait(60)
    result = one.run(lambda config: config["x"], 4, progress="lines")
    states, said = [trial.state for trial in one.trials], capsys.readouterr().err
    returned.set()
    thread.join()
    one.refresh()

    assert result.stopped_by == "trials"
    assert sorted(states) == [State.RUNNING] + [State.OK] * 3
    assert "all 4 trials have begun; another thread or program still runs 1" in said
    assert "are done" not in said
    assert [trial.state for trial in one.trials] == [State.OK] * 4
    assert {trial.attempt for trial in one.trials} == {1}
    assert [trial.loss for trial in one.trials].count(7.0) == 1


# --- beats ------------------------------------------------------------------------------------------------------

STEP = LEASE / 3


def _seen(*totals: int | None, gap: float = STEP, lease: float = LEASE) -> bool:
    """Whether a worker is taken for dead after looks at its counter, `gap` seconds apart; None is a look that failed."""
    sight, now = _Sight(LEASE, 0.0), 0.0
    for total in totals:
        if total is not None:
            sight.look({"w": Beat(total, lease)}, now)
        now += gap
    return "w" in sight.still


@pytest.mark.parametrize(
    ("totals", "dead"),
    [
        ((1, 2, 3, 4, 5), False),
        ((1, 1, 1), False),
        ((1, 1, 1, 1), True),
        ((1, 1, 1, 2), False),
        ((1, 1, 1, 1, 2), False),  # it was only held up
        ((5, 5, 1, 1, 1), False),  # it came back, and counts anew
        ((1, 1, None, None, None, None, 1), False),  # the storage could not be asked, and so not be written to
        ((1, 1, None, None, None, None, 1, 1, 1, 1), True),
        ((), False),
    ],
)
def test_a_worker_is_dead_when_its_beat_stands_still_for_its_lease(totals: tuple[int | None, ...], dead: bool) -> None:
    """As one observer sees it, on the observer's own clock."""
    assert _seen(*totals) is dead


def test_each_worker_says_how_long_its_lease_is() -> None:
    """Observers with other leases of their own keep to it."""
    assert _seen(1, 1, lease=STEP)
    assert not _seen(1, 1, 1, 1, 1, 1, lease=10 * LEASE)


@pytest.fixture
def two(tmp_path: Path) -> tuple[Study, Study, FakeClock]:
    """One study as two programs have it open, and the observer's clock."""
    study = Study(SPACE, algorithm="random", storage=tmp_path / "s.db")
    other = Study.load(tmp_path / "s.db", algorithm="random")
    clock = FakeClock()
    other.stream.clock = clock
    return study, other, clock


FAR = _variant(host="elsewhere")


def _pass(observer: Presence, clock: FakeClock, seconds: float) -> int:
    """Let time pass for the observer, who looks as often as the beat says; how many trials it gave up."""
    found = 0
    for _ in range(round(seconds / STEP)):
        clock.advance(STEP)
        observer.beat()
        found += observer.look()
    return found


def test_a_trial_of_a_worker_on_another_host_is_taken_back_after_its_lease(two: tuple[Study, Study, FakeClock]) -> None:
    """What the old worker says then is late: kept, and nothing is changed by it."""
    study, other, clock = two
    study.enqueue({"x": 0.5})
    study.storage.beat(study.header.uid, FAR, LEASE)
    study.stream.publish(Started(0, 1, FAR, 0.0))
    other.refresh()
    observer = Presence(other.stream, "me")
    observer.beat()

    assert observer.awaits() == 1
    assert _pass(observer, clock, LEASE - STEP) == 0
    study.storage.beat(study.header.uid, FAR, LEASE)
    assert _pass(observer, clock, LEASE) == 0
    assert other.trials[0].state is State.RUNNING
    assert _pass(observer, clock, STEP) == 1
    assert other.trials[0].state is State.WAITING
    assert observer.awaits() == 0
    assert FAR not in other.storage.beats(other.header.uid)

    other.stream.publish(Started(0, 2, "me", 0.0))
    late = Finished(0, 1, Outcome(State.OK, {"loss": -100.0}), 1.0)
    counted = study.stream.publish(Reported(0, 1, 1.0, {"loss": -99.0}, 1.0), late)
    other.refresh()

    assert counted == (False, False)
    assert other.trials[0].state is State.RUNNING
    assert other.trials[0].reports == ()
    other.stream.publish(Finished(0, 2, Outcome(State.OK, {"loss": 0.5}), 2.0))
    study.refresh()
    for one in (study, other):
        assert [(trial.state, trial.loss, trial.attempt) for trial in one.trials] == [(State.OK, 0.5, 2)]
        assert one.history.late == 2


def test_a_clock_that_is_set_changes_nothing(two: tuple[Study, Study, FakeClock]) -> None:
    """Only the observer's monotonic clock counts."""
    study, other, clock = two
    study.enqueue({"x": 0.5})
    study.storage.beat(study.header.uid, FAR, LEASE)
    study.stream.publish(Started(0, 1, FAR, 9e9))
    other.refresh()
    observer = Presence(other.stream, "me")
    observer.beat()
    clock.set_wall(clock.wall() + 7200)

    assert _pass(observer, clock, STEP) == 0
    clock.set_wall(clock.wall() - 10_800)
    assert _pass(observer, clock, LEASE - STEP) == 1


def test_a_worker_that_never_beat_has_a_lease_from_when_it_is_seen(two: tuple[Study, Study, FakeClock]) -> None:
    """It died before its first beat, or its parzen is older."""
    study, other, clock = two
    study.enqueue({"x": 0.5})
    study.stream.publish(Started(0, 1, FAR, 0.0))
    other.refresh()
    observer = Presence(other.stream, "me")
    observer.beat()

    assert _pass(observer, clock, LEASE - STEP) == 0
    assert _pass(observer, clock, STEP) == 1


def test_a_trial_that_lost_three_workers_is_an_error(two: tuple[Study, Study, FakeClock]) -> None:
    """Else it would take down one after the other, for ever."""
    study, other, clock = two
    study.enqueue({"x": 0.5})
    observer = Presence(other.stream, "me")
    for attempt in (1, 2, 3):
        study.refresh()
        study.stream.publish(Started(0, attempt, f"{FAR}{attempt}", 0.0))
        other.refresh()
        observer.beat()

        assert _pass(observer, clock, LEASE) == 1
    error = other.trials[0].error
    assert error is not None
    assert (other.trials[0].state, error.kind) == (State.ERROR, "lost worker")


def test_what_was_asked_for_without_a_lease_is_never_given_up(two: tuple[Study, Study, FakeClock]) -> None:
    """Nor waited for: another program is to tell it."""
    study, other, clock = two
    study.ask(lease=None)
    other.refresh()
    observer = Presence(other.stream, "me")
    observer.beat()

    assert observer.awaits() == 0
    assert _pass(observer, clock, 10 * LEASE) == 0


def test_who_asked_for_a_trial_is_waited_for_until_they_are_known_to_be_there(
    two: tuple[Study, Study, FakeClock],
) -> None:
    """They may think for days, and a run is not to wait so long; but it is to be there if they are gone."""
    study, other, clock = two
    study.enqueue({"x": 0.5}, {"x": 0.25})
    mine, far = _variant(run="by hand 1"), _variant(host="elsewhere", run="by hand 2")
    study.stream.publish(Started(0, 1, mine, 0.0), Started(1, 1, far, 0.0))
    other.refresh()
    observer = Presence(other.stream, "me")
    observer.beat()

    assert observer.awaits() == 1  # this process is there, of the other nothing is known
    study.storage.beat(study.header.uid, far, LEASE)
    assert _pass(observer, clock, STEP) == 0
    assert observer.awaits() == 0
    assert _pass(observer, clock, LEASE) == 2  # neither has beaten again
    assert [trial.state for trial in other.trials] == [State.WAITING] * 2


def test_a_run_beats_from_a_thread_and_leaves(tmp_path: Path) -> None:
    """While it lasts its counter rises; afterwards nothing of it is left."""
    study = Study(SPACE, algorithm="random", storage=tmp_path / "s.db")
    uid, seen = study.header.uid, []

    def objective(config: dict[str, float]) -> float:
        import time

        until = time.monotonic() + 20
        while (total := next(iter(study.storage.beats(uid).values())).total) < 3 and time.monotonic() < until:
            time.sleep(0.01)
        seen.append(total)
        return config["x"]

    study.run(objective, 1, progress=False, lease=0.06)

    assert seen[0] >= 3
    assert study.storage.beats(uid) == {}
    assert not [thread for thread in threading.enumerate() if thread.name == "parzen-beat"]


def test_a_search_in_memory_starts_no_thread() -> None:
    """Nobody outside of the process can see it."""
    study = Study(SPACE, algorithm="random")
    with present(study.stream) as me:
        assert me.name
        assert not [thread for thread in threading.enumerate() if thread.name == "parzen-beat"]


@pytest.mark.parametrize(("error", "ends"), [(Unavailable("gone"), False), (StudyNotFound("deleted"), True)])
def test_a_beat_that_fails_is_tried_again(error: Exception, ends: bool, tmp_path: Path) -> None:
    """Unless the study is gone for ever."""
    study = Study(SPACE, algorithm="random", storage=tmp_path / "s.db")
    calls, again = [], threading.Event()
    beat = study.storage.beat

    def failing(uid: str, worker: str, lease: float) -> None:
        calls.append(worker)
        if len(calls) == 2:
            raise error
        if len(calls) > 3:
            again.set()
        beat(uid, worker, lease)

    study.storage.beat = failing  # type: ignore[method-assign]
    with present(study.stream, 0.03):
        happened = again.wait(0.5 if ends else 20)

    assert happened is not ends


def test_who_is_done_waits_for_trials_that_may_be_lost(two: tuple[Study, Study, FakeClock]) -> None:
    """And runs them again when they are: so many as were asked for have a result in the end."""
    study, other, clock = two
    study.enqueue({"x": 0.5})
    study.stream.publish(Started(0, 1, FAR, 0.0))
    looks: list[int] = []

    def pass_time(history: Any, elapsed: float) -> None:
        looks.append(1)
        if len(looks) > 3:
            clock.advance(LEASE / 4)

    other.run(lambda config: config["x"], 3, progress=False, stop=pass_time, lease=0.03)

    assert [trial.state for trial in other.trials] == [State.OK] * 3
    assert other.trials[0].attempt == 2


def test_an_objective_is_told_to_stop_when_its_trial_was_given_to_somebody_else(tmp_path: Path) -> None:
    """What it returns is late; the search goes on."""
    study = Study(SPACE, algorithm="random", storage=tmp_path / "s.db")
    other = Study.load(tmp_path / "s.db", algorithm="random")
    told: list[bool] = []

    def objective(config: dict[str, float], evaluation: Any) -> float:
        if evaluation.number == 0 and not told:
            told.append(evaluation.should_stop())
            other.refresh()
            from parzen.trials import LOST, Released

            other.stream.publish(Released(0, 1, LOST, 0.0), Started(0, 2, "somebody", 0.0))
            told.append(evaluation.should_stop())
            other.stream.publish(Finished(0, 2, Outcome(State.OK, {"loss": 7.0}), 0.0))
        return config["x"]

    result = study.run(objective, 3, progress=False)

    assert told == [False, True]
    assert result.trials[0].loss == 7.0
    assert [trial.state for trial in result.trials] == [State.OK] * 3
    assert study.history.late == 1
