"""Which trials have been left behind."""

from __future__ import annotations

import os
from typing import Any

import pytest

from parzen import State, Study, hp
from parzen.run import BY_HAND, release_abandoned
from parzen.run._leases import working
from parzen.trials import Started

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
    import threading

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
