"""Control of a search that runs in another process, through nothing but its file."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import parzen
from parzen import Evaluation, State, Study, hp
from parzen.analysis import why
from parzen.errors import AlreadyFinished, StudyError
from parzen.hyperopt.pyll import scope
from parzen.study._watching import overview
from parzen.trials import EARLIER, Requested

SPACE = {"x": hp.float("x", -1, 1)}
SEARCH = """
import sys, time
import parzen
from parzen import Evaluation, hp

def quick(config):
    time.sleep(0.02)
    return config["x"] ** 2

def heeding(config, evaluation: Evaluation):
    while evaluation.number == 0 and not evaluation.should_stop():
        time.sleep(0.02)
    return config["x"] ** 2

def deaf(config, evaluation: Evaluation):
    if evaluation.number == 0:
        time.sleep(60)
    return config["x"] ** 2

space = {"x": hp.float("x", -1, 1)}
if __name__ == "__main__":
    objective, trials, given = sys.argv[1:]
    result = parzen.minimize(
        globals()[objective], space, int(trials), storage="s.db", algorithm="random", progress="lines", **eval(given)
    )
    print(result.stopped_by)
"""
SERIAL, THREADS = "{}", "{'parallel': 2, 'threads': True}"
PROCESSES = "{'parallel': 1, 'timeout': 60, 'grace': 0.1}"


def until(condition: Callable[[], Any], seconds: float = 30.0) -> None:
    """Wait for something that another process does."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds, "it did not come to pass"
        time.sleep(0.01)


class Search:
    """A search in a process of its own, and the study as this one sees it."""

    def __init__(self, folder: Path, *arguments: str, paused: bool = False) -> None:
        (folder / "search.py").write_text(SEARCH, encoding="utf-8")
        self.study = Study(SPACE, storage=folder / "s.db", algorithm="random")
        if paused:
            self.study.pause()
        self.process = subprocess.Popen(
            [sys.executable, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def counts(self, *states: State) -> int:
        self.study.refresh()
        return self.study.history.count(*states)

    def state(self, number: int) -> State | None:
        self.study.refresh()
        return self.study.trials[number].state if number < len(self.study.trials) else None

    def end(self) -> tuple[str, str]:
        """What stopped it, and what it told people."""
        out, told = self.process.communicate(timeout=30)
        self.study.refresh()

        assert self.process.returncode == 0, told
        return out.strip(), told


Begin = Callable[..., Search]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Start a search; none is left behind."""
    begun: list[Search] = []

    def start(*arguments: str, paused: bool = False) -> Search:
        begun.append(Search(tmp_path, *arguments, paused=paused))
        return begun[-1]

    yield start
    for search in begun:
        if search.process.poll() is None:
            search.process.kill()
        assert search.process.stdout is not None
        if not search.process.stdout.closed:
            search.process.communicate()
        search.study.storage.close()


WORKER = ("-m", "parzen", "worker", "--objective", "search:quick", "--trials", "10000", "--", "s.db")


@pytest.mark.parametrize(
    "arguments",
    [("search.py", "quick", "10000", SERIAL), ("search.py", "quick", "10000", THREADS), WORKER],
    ids=["serial", "threads", "worker"],
)
def test_nothing_begins_while_a_study_is_paused_and_stop_ends_it_all_the_same(
    begin: Begin, arguments: tuple[str, ...]
) -> None:
    """It goes on when it is resumed, says so once each time, and stops while it is paused."""
    search = begin(*arguments)
    study = search.study
    until(lambda: search.counts(State.OK) >= 2)
    study.pause()
    time.sleep(0.1)  # what was being handed out at that moment is
    until(lambda: search.counts(State.RUNNING) == 0)
    done = len(study.trials)
    time.sleep(0.3)

    assert search.counts(State.OK) == len(study.trials) == done
    study.resume()
    until(lambda: search.counts(State.OK) > done)
    study.pause()
    until(lambda: search.counts(State.RUNNING) == 0)
    study.stop()
    stopped_by, told = search.end()

    assert stopped_by == ("" if arguments is WORKER else "request")
    assert len(re.findall(r"paused: no further trial begins until `parzen resume \S*s\.db`", told)) == 2
    assert told.count("no longer paused") == 1
    assert re.search(r"in the objective, [0-9.]+ m?s paused, |at once\)", told)
    assert study.paused
    assert study.stop_requested


@pytest.mark.parametrize(
    ("given", "told", "more"), [(SERIAL, "3", 7), (THREADS, "10000", 5)], ids=["serial, raised", "threads, lowered"]
)
def test_a_search_takes_on_a_budget_that_is_set_while_it_runs(begin: Begin, given: str, told: str, more: int) -> None:
    """Exactly so many trials end, more than it was told or fewer."""
    search = begin("search.py", "quick", told, given, paused=True)
    until(lambda: search.study.refresh() and search.study.budget == int(told))
    search.study.set_budget(more)
    search.study.resume()
    stopped_by, said = search.end()

    assert (stopped_by, search.study.history.finished, len(search.study.trials)) == ("trials", more, more)
    assert f"all {more} trials are done" in said


@pytest.mark.parametrize(
    ("objective", "given"),
    [("heeding", SERIAL), ("deaf", PROCESSES)],
    ids=["told", "by force"],
)
def test_a_running_trial_that_is_cancelled_ends_so_and_gives_its_place_back(
    begin: Begin, objective: str, given: str
) -> None:
    """Whether it looks for it, or has to be ended; and its configuration can be tried again."""
    search = begin("search.py", objective, "4", given)
    study = search.study
    until(lambda: search.state(0) is State.RUNNING)

    assert study.cancel(0).state is State.RUNNING
    until(lambda: search.state(0) is State.CANCELLED)
    assert search.end()[0] == "trials"
    assert study.history.count(State.OK) == study.history.finished == 4
    assert len(study.trials) == 5
    again = study.rerun(0)
    assert (again.number, again.source, again.state) == (5, "again: trial 0", State.WAITING)
    assert again.params == study.trials[0].params


def test_a_trial_whose_process_was_killed_is_cancelled_at_once(begin: Begin) -> None:
    """There is nobody who could be asked, and whoever watches sees that."""
    search = begin("search.py", "deaf", "4", SERIAL)
    until(lambda: search.state(0) is State.RUNNING)
    assert [worker.gone for worker in overview(search.study).workers] == [False]
    search.process.kill()
    search.process.wait()

    assert [worker.gone for worker in overview(search.study).workers] == [True]
    assert search.study.cancel(0).state is State.CANCELLED


# --- in this process --------------------------------------------------------------------------------------------


def test_a_search_that_waits_obeys_its_timeout_and_costs_nothing(tmp_path: Path) -> None:
    """Serial, and with threads; nothing is evaluated."""
    study = Study(SPACE, storage=tmp_path / "s.db", algorithm="random")
    study.pause()
    begun = time.process_time()
    for fleet in ({}, {"parallel": 2, "threads": True}):
        result = study.run(_square, 10, timeout=0.4, progress=False, **fleet)

        assert (result.stopped_by, len(result.trials)) == ("timeout", 0)
    assert time.process_time() - begun < 0.4


@pytest.mark.parametrize("fleet", [{}, {"parallel": 2, "threads": True}], ids=["serial", "threads"])
def test_ctrl_c_ends_a_search_that_waits(fleet: dict[str, Any]) -> None:
    """In an orderly way."""
    study = Study(SPACE, algorithm="random")
    study.pause()
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()

    assert study.run(_square, 10, progress=False, **fleet).stopped_by == "interrupt"
    timer.join()


def test_a_paused_study_with_nothing_left_to_do_does_not_wait() -> None:
    """All of its budget is used up."""
    study = Study(SPACE, algorithm="random")
    study.run(_square, 3, progress=False)
    study.pause()

    assert study.run(_square, 3, progress=False).stopped_by == "trials"
    assert study.run(_square, 3, progress=False, parallel=2, threads=True).stopped_by == "trials"


def test_what_cannot_be_ended_is_waited_for_and_its_result_does_not_count() -> None:
    """A thread; its place is free when the objective returns, and no callback hears of it."""
    study = Study(SPACE, algorithm="random")
    seen: list[int] = []

    def objective(config: dict[str, float], evaluation: Evaluation) -> float:
        if evaluation.number == 0:
            study.cancel(0)
            raise ValueError("what it raises is no reason to end the search")
        return config["x"]

    for fleet in ({"parallel": 1, "threads": True}, {}):
        study = Study(SPACE, algorithm="random")
        result = study.run(
            objective, 3, progress=False, callbacks=[lambda _, trial: seen.append(trial.number)], **fleet
        )

        assert [trial.state.name for trial in result.trials] == ["CANCELLED", "OK", "OK", "OK"]
        assert seen == [1, 2, 3]
        seen.clear()


def test_what_was_to_be_cancelled_and_was_given_back_is_not_run_again(tmp_path: Path) -> None:
    """Whoever comes next calls it off."""
    study = Study(SPACE, storage=tmp_path / "s.db", algorithm="random")

    def objective(config: dict[str, float]) -> float:
        other = Study.load(tmp_path / "s.db")
        other.cancel(0)
        other.storage.close()
        raise KeyboardInterrupt

    study.run(objective, 3, progress=False)
    result = study.run(_square, 3, progress=False)

    assert [trial.state.name for trial in result.trials] == ["CANCELLED", "OK", "OK", "OK"]


def test_a_waiting_trial_is_cancelled_at_once_and_one_by_hand_too() -> None:
    """Who tells the result of the latter is told that it is over."""
    study = Study(SPACE, algorithm="random")
    (waiting,) = study.enqueue({"x": 0.5})

    assert study.cancel(waiting).state is State.CANCELLED
    by_hand = study.ask()
    assert study.cancel(by_hand.number).state is State.CANCELLED
    with pytest.raises(AlreadyFinished, match="CANCELLED already"):
        study.tell(by_hand, 1.0)
    with pytest.raises(AlreadyFinished, match="only one that waits or runs can be cancelled"):
        study.cancel(by_hand)
    assert study.history.spent == 0


def test_a_budget_that_was_set_holds_for_runs_without_a_number_and_a_run_may_raise_it() -> None:
    """None takes it away."""
    study = Study(SPACE, algorithm="random")
    assert study.budget is None
    study.set_budget(4)

    assert len(study.run(_square, progress=False).trials) == study.budget == 4
    assert len(study.run(_square, 3, progress=False).trials) == 4
    assert len(study.run(_square, 6, progress=False).trials) == study.budget == 6
    study.set_budget(None)
    assert study.budget is None
    stop = parzen.stopping.TrialsDone(8)
    assert study.run(_square, stop=stop, progress=False).history.finished == 8


@pytest.mark.parametrize("value", [-1, 2.5, "ten", True])
def test_a_budget_that_makes_no_sense_is_refused(value: Any) -> None:
    """Nothing is recorded."""
    study = Study(SPACE)
    with pytest.raises(ValueError, match="max_trials must be"):
        study.set_budget(value)

    assert study.history.requests == []


def test_any_trial_that_has_ended_can_be_run_again() -> None:
    """With random streams of its own, and next; one that has not ended cannot."""
    study = Study(SPACE, algorithm="random", seed=1)
    study.run(_square, 1, progress=False)
    again = study.rerun(0)

    assert again.params == study.trials[0].params
    assert study.history.seeds[0] != study.history.seeds[1]
    with pytest.raises(StudyError, match="trial 1 is WAITING: only one that has ended"):
        study.rerun(again)
    study.run(_square, 2, progress=False)
    assert study.trials[1].loss == study.trials[0].loss
    study.cancel(study.rerun(1))
    assert study.rerun(2).source == "again: trial 2"


def test_unlabelled_draws_are_the_same_when_a_trial_is_run_again() -> None:
    """They are part of the configuration."""
    study = Study({"x": hp.float("x", 0, 1), "noise": scope.uniform(0, 1)}, algorithm="random")
    study.run(_square, 1, progress=False)

    assert study.rerun(0).config == study.trials[0].config


def test_what_a_person_wanted_again_is_no_proposal(tmp_path: Path) -> None:
    """So `replay` does not expect an algorithm to have made it, and `why` says who did."""
    study = Study(SPACE, storage=tmp_path / "s.db", algorithm="random", seed=1)
    study.run(_square, 2, progress=False)
    study.rerun(1)
    study.run(_square, 4, progress=False)
    made = study.replay()

    assert (made.proposals, made.matching, made.given) == (3, 3, 1)
    assert "the configuration of trial 1 be tried again" in str(why(study, 2))


def test_notes_stay_with_the_study(tmp_path: Path) -> None:
    """Also in a copy, of a file or of memory; and they are about trials that there are."""
    for where in (None, tmp_path / "s.db"):
        study = Study(SPACE, storage=where, algorithm="random")
        study.run(_square, 1, progress=False)
        first, second = study.note("the data were wrong"), study.note("α <b>", trial=study.trials[0])

        assert [(note.trial, note.text) for note in study.notes] == [(None, "the data were wrong"), (0, "α <b>")]
        assert study.notes == [first, second] == study.copy(tmp_path / "copy.db", f"of {study.location}").notes
    with pytest.raises(StudyError, match="there is no trial 5 to note something about"):
        study.note("x", 5)
    with pytest.raises(ValueError, match="says something"):
        study.note("  ")
    with pytest.raises(TypeError, match="a note is text"):
        study.note(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("number", [-1, 9, True, "0", None])
@pytest.mark.parametrize("verb", ["cancel", "rerun"])
def test_a_trial_that_is_not_there_is_refused(verb: str, number: Any) -> None:
    """With what was expected."""
    with pytest.raises(StudyError, match="trial"):
        getattr(Study(SPACE), verb)(number)


def test_another_study_with_the_same_trials_goes_its_own_way() -> None:
    """Trials of an earlier study are no part of a budget that is set, and can be run again here."""
    earlier = Study(SPACE, algorithm="random")
    earlier.run(_square, 3, progress=False)
    study = Study(SPACE, algorithm="random")
    study.import_trials(earlier)
    study.set_budget(2)
    study.rerun(0)
    study.run(_square, progress=False)

    assert [study.history.worker(i) == EARLIER for i in range(len(study.trials))] == [True] * 3 + [False] * 2
    assert not any(isinstance(request, Requested) and request.action == "stop" for request in study.history.requests)


def _square(config: dict[str, float]) -> float:
    return config["x"] ** 2
