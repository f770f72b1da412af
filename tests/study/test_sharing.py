"""A study that several hold at once, and what goes into its log for ever."""

from __future__ import annotations

import pickle
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import parzen
from parzen import hp
from parzen.algorithms import Ask, Proposal, Random
from parzen.errors import (
    AlgorithmError,
    AlreadyFinished,
    NotPicklable,
    OutOfSpace,
    SpaceError,
    SpaceExhausted,
    StudyError,
)
from parzen.run import start_trials
from parzen.space import Points, Space
from parzen.storages._tables import TABLES
from parzen.study._given import LONGEST_NAME
from parzen.trials import History, Released, Retracted, Started, State

TREE = {
    "a": hp.float("a", 0, 1),
    "m": hp.choice("m", [{"kind": "svm", "c": hp.float("c", 0, 1)}, {"kind": "knn", "k": hp.int("k", 1, 9)}]),
}
LINE = {"x": hp.float("x", 0, 1)}


def test_threads_may_ask_and_tell_one_study() -> None:
    """Every number is handed out once, and every result counts."""
    study = parzen.Study(TREE, seed=1)
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(30):
                trial = study.ask()
                study.tell(trial, trial.params["a"])
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert study.history.count(State.OK) == len(study.history) == 120


@pytest.mark.parametrize(("where", "said"), [("study.db", "open it there with Study.load"), (None, "give it storage=")])
def test_a_study_is_not_pickled_and_says_how_another_process_gets_it(
    where: str | None, said: str, tmp_path: Path
) -> None:
    """A spawned process, say, that is given one as an argument."""
    study = parzen.Study(LINE, storage=where and tmp_path / where)
    with pytest.raises(NotPicklable, match=said):
        pickle.dumps(study)


@pytest.mark.parametrize(
    ("name", "said"),
    [("", "is not empty"), (5, "is text"), ("a" * 699, "at most 700 characters"), ("é" * 117, "'ééé.* has 704")],
)
def test_a_name_that_is_none_is_refused(name: Any, said: str) -> None:
    """By what it lacks."""
    with pytest.raises(StudyError, match=said):
        parzen.Study(LINE, name=name)


def test_the_longest_name_is_what_the_tables_of_databases_hold(tmp_path: Path) -> None:
    """Wherever a study is, so that it can be copied; else a server would be blamed."""
    longest = "a" * (LONGEST_NAME - 2)
    study = parzen.Study(LINE, name=longest, storage=tmp_path / "study.db")
    with pytest.raises(StudyError, match="at most 700"):
        study.rename(longest + "a")
    with pytest.raises(StudyError, match="at most 700"):
        study.copy(name=longest + "a")

    assert TABLES.tables["parzen_study"].c.name.type.length == LONGEST_NAME
    assert parzen.Study.load(tmp_path / "study.db").name == longest


def test_a_study_that_has_a_longer_name_goes_on(tmp_path: Path) -> None:
    """It was begun before there was a limit, and its program gives the name that it has."""
    long = "é" * 150
    study = parzen.Study(LINE, name="short", storage=tmp_path / "study.db")
    study.storage.rename(study.header.uid, long)  # storages of files have no limit of their own
    again = parzen.Study(LINE, name=long, storage=tmp_path / "study.db")

    assert again.header.uid == study.header.uid
    with pytest.raises(StudyError, match="at most 700"):
        again.copy(tmp_path / "copy.db")


def test_subscribers_are_told_in_the_order_of_the_log() -> None:
    """What one of them publishes itself comes after what it was told."""
    study = parzen.Study(LINE, algorithm="random", seed=0)
    told: list[int] = []

    def answer(entries: Any, history: History) -> None:
        if len(told) == 0:
            study.enqueue({"x": 0.5})

    study.stream.subscribe(answer)
    study.stream.subscribe(lambda entries, history: told.extend(entry.seq for entry in entries))
    study.ask()

    assert told == sorted(told)
    assert len(told) == 3


@dataclass(frozen=True)
class _Proposes:
    values: tuple[tuple[float, ...], ...]
    sources: tuple[str, ...] = ("odd",)
    memo: Any = None

    def suggest(self, space: Space, history: History, ask: Ask) -> Proposal:
        values = np.array(self.values)
        return Proposal(Points(values, ~np.isnan(values)), self.sources, memo=self.memo)


@pytest.mark.parametrize(
    ("algorithm", "why"),
    [
        (_Proposes(((7.0,),)), "x"),
        (_Proposes(((float("nan"),),)), "none though it is active"),
        (_Proposes(((0.5, 0.5),)), "shape"),
        (_Proposes(((0.5,), (0.6,)), ("a", "b")), "shape"),
        (_Proposes(((0.5,),), ()), "sources"),
        (_Proposes(((0.5,),), memo={"big": "x" * 5000}), "memo"),
    ],
)
def test_a_proposal_that_is_not_of_the_space_never_reaches_the_log(algorithm: Any, why: str) -> None:
    """The error names the algorithm and what is wrong."""
    study = parzen.Study(LINE, algorithm=algorithm)
    before = study.history.seq

    with pytest.raises(AlgorithmError, match=r"_Proposes.*" + why):
        study.ask()
    assert study.history.seq == before


def test_a_batch_larger_than_what_is_left_of_a_space_is_cut() -> None:
    """Only when there is nothing at all is it an error."""
    for algorithm in ("random", "tpe"):
        study = parzen.Study({"a": hp.int("a", 1, 3)}, algorithm=algorithm, seed=0)

        assert len(study.ask(2)) == 2
        assert len(study.ask(5)) == 1
        with pytest.raises(SpaceExhausted, match="all 3 configurations"):
            study.ask(5)


def test_a_cancelled_configuration_may_be_asked_for_again() -> None:
    """It has not been tried."""
    study = parzen.Study({"a": hp.int("a", 1, 3)}, algorithm="random", seed=0)
    for _ in range(3):
        trial = study.ask()
        study.tell(trial, 1.0) if trial.number < 2 else study.tell(trial, state="cancelled")

    assert study.ask().params == study.trials[2].params
    study.stream.publish(Retracted(1, "wrong data", 0.0))
    assert study.ask().params == study.trials[1].params


def test_a_result_of_an_attempt_that_was_given_up_is_refused() -> None:
    """The trial belongs to whoever was given it last."""
    study = parzen.Study(LINE, algorithm="random", seed=0)
    old = study.ask()
    study.stream.publish(Released(0, 1, "given up", 0.0))
    study.stream.publish(Started(0, 2, "somebody else", 0.0))

    with pytest.raises(AlreadyFinished, match="somebody else"):
        study.tell(old, 1.0)
    assert study.trials[0].state is State.RUNNING
    assert study.history.late == 1


def test_without_a_total_an_earlier_one_does_not_hold() -> None:
    """`trials=None` is no limit; a later total raises the study's own."""
    study = parzen.Study(LINE, algorithm="random", seed=0)
    study.run(lambda config: config["x"], 3, progress=False)
    result = study.run(lambda config: config["x"], stop=lambda history, elapsed: len(history) >= 7, progress=False)

    assert len(result.trials) == 7
    assert result.stopped_by == "<lambda>"
    assert len(study.run(lambda config: config["x"], 5, progress=False).trials) == 7


def test_a_stop_rule_that_says_nonsense_is_named() -> None:
    """Its answer is a reason or None."""
    with pytest.raises(TypeError, match="said 3"):
        parzen.minimize(lambda config: 0.0, LINE, 3, stop=lambda history, elapsed: 3, progress=False)


@pytest.mark.parametrize("given", [[{"a": 0.30000000000000004}], [{}], [{"m": "knn"}], [{"a": 0.5}, {"a": 0.5}]])
def test_a_program_that_is_run_again_enqueues_nothing_twice(given: list[dict[str, Any]], tmp_path: Path) -> None:
    """Whatever was left open, and what was wanted twice is there twice."""
    for total in (2, 4, 6):
        result = parzen.minimize(
            lambda config: config["a"], TREE, total, enqueue=given, storage=tmp_path / "s.db", progress=False
        )

    assert [trial.source for trial in result.trials].count("enqueued") == len(given)


def test_a_parameter_of_a_branch_implies_the_branch() -> None:
    """For every seed; two that exclude each other are refused."""
    for seed in range(20):
        study = parzen.Study(TREE, seed=seed)

        assert study.enqueue({"k": 3})[0].config["m"] == {"k": 3, "kind": "knn"}
    with pytest.raises(OutOfSpace, match="never active together"):
        parzen.Study(TREE).enqueue({"k": 3, "c": 0.5})


@pytest.mark.parametrize("options", [{"a", "b"}, frozenset("ab"), {"a": 1}])
def test_options_without_an_order_are_refused(options: Any) -> None:
    """A set's order changes from one interpreter to the next."""
    with pytest.raises(SpaceError, match="'s'"):
        hp.choice("s", options)


async def _later(config: Any) -> float:
    return 0.0


@pytest.mark.parametrize("objective", [lambda: 0.0, lambda a, b, c: 0.0, _later])
def test_an_objective_that_cannot_be_called_is_refused_at_once(objective: Any) -> None:
    """Nothing is asked for."""
    study = parzen.Study(LINE, algorithm=Random())

    with pytest.raises(TypeError, match="objective"):
        study.run(objective, 3, progress=False)
    assert len(study.history) == 0


def test_an_error_rate_is_a_metric_like_any_other() -> None:
    """Only of a failed trial does "error" say why."""
    result = parzen.minimize(lambda config: {"loss": 1.0, "error": 0.25}, LINE, 1, progress=False)

    assert result.best.extra == {"error": 0.25}


def test_what_cannot_be_shown_does_not_break_an_answer() -> None:
    """Data nested too deep for `repr`, options whose own raises."""

    class Rude:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    deep: Any = hp.categorical("o", [Rude()])
    for _ in range(5000):
        deep = [deep]
    result = parzen.minimize(lambda config: 0.0, deep, 1, progress=False)

    assert "cannot be shown" in repr(result)
    assert "cannot be shown" in result._repr_html_()
    assert "number=0" in repr(result.best)
    assert parzen.Study(LINE).run(lambda config: 0.0, 0, progress=False).to_pandas().columns[0] == "number"


def test_what_is_enqueued_may_be_called_off(tmp_path: Path) -> None:
    """It is not run, and does not count."""
    study = parzen.Study(LINE, algorithm="random", seed=0, storage=tmp_path / "s.db")
    first, second = study.enqueue({"x": 0.25}, {"x": 0.75})
    study.tell(first, state="cancelled")
    study.run(lambda config: config["x"], 2, progress=False)

    states = [trial.state for trial in parzen.Study.load(tmp_path / "s.db").trials]
    assert states == [State.CANCELLED, State.OK, State.OK]
    assert study.trials[second.number].loss == 0.75


@dataclass(frozen=True)
class _Slow:
    """Proposes at random, and lets somebody else be faster."""

    inner: Any
    meanwhile: Any

    def suggest(self, space: Space, history: History, ask: Ask) -> Proposal:
        proposal = self.inner.suggest(space, history, ask)
        self.meanwhile()
        return proposal


def test_who_loses_a_race_keeps_what_it_thought(tmp_path: Path) -> None:
    """Under the next number, with the seed and the place in the log that say how it was made; it is not thought again."""
    other = parzen.Study(LINE, storage=tmp_path / "s.db", algorithm="random", seed=1)
    races: list[int] = []

    def meanwhile() -> None:
        races.append(1)
        if len(races) == 1:
            other.enqueue({"x": 0.25})
            other.ask()

    study = parzen.Study.load(tmp_path / "s.db", algorithm=_Slow(Random(), meanwhile))
    trial = study.ask()
    alone = parzen.Study(LINE, algorithm="random", seed=1)

    assert races == [1]
    assert trial.number == 1
    assert trial.params == alone.ask().params
    assert study.history.seeds[1] == alone.history.seeds[0]
    asked = [entry.event for entry in study.storage.read(study.header.uid) if type(entry.event).__name__ == "Asked"]
    assert [(event.number, event.saw) for event in asked] == [(0, 0), (1, 0)]  # type: ignore[union-attr]


def test_two_who_thought_the_same_do_not_both_try_it(tmp_path: Path) -> None:
    """The random stream of a number is the same for everybody, so that racing workers propose the same."""
    other = parzen.Study({"a": hp.int("a", 1, 6)}, storage=tmp_path / "s.db", algorithm="random", seed=1)
    races: list[int] = []

    def meanwhile() -> None:
        if len(races) < 3:
            races.append(other.ask().params["a"])

    study = parzen.Study.load(tmp_path / "s.db", algorithm=_Slow(Random(), meanwhile))
    own = [study.ask().params["a"] for _ in range(3)]

    assert sorted(races + own) == [1, 2, 3, 4, 5, 6]


def test_who_loses_a_waiting_trial_asks_for_none_beyond_the_budget(tmp_path: Path) -> None:
    """Of two who see the last trial wait, one gets it and the other has nothing to do: the total is exact."""
    study = parzen.Study(LINE, storage=tmp_path / "s.db", algorithm="random", seed=1)
    study.set_budget(1)
    study.enqueue({"x": 0.5})
    other = parzen.Study.load(tmp_path / "s.db", algorithm="random")
    assert other.ask().number == 0

    assert study.history.count(State.WAITING) == 1  # as far as it knows
    given: dict[str, Any] = {"repeat": False, "worker": "me", "limited": True}
    assert start_trials(study.stream, study.algorithm, 1, prepared=[], **given) == []
    assert len(study.trials) == 1


def test_waiting_trials_are_claimed_and_not_guessed_at(tmp_path: Path) -> None:
    """Two who both see that one waits do not stand in each other's way."""
    study = parzen.Study(LINE, storage=tmp_path / "s.db", algorithm="random", seed=1)
    study.enqueue(*({"x": i / 10} for i in range(4)))
    other = parzen.Study.load(tmp_path / "s.db", algorithm="random")
    numbers = [trial.number for trial in (*study.ask(1), *other.ask(2), *study.ask(1))]

    assert numbers == [0, 1, 2, 3]
    assert other.ask().source == "random"
