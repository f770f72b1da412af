"""Documents become a history, and what a core algorithm proposes becomes documents."""

from __future__ import annotations

import copy
import pickle
from functools import partial
from typing import Any

import numpy as np
import pytest

from parzen import hp
from parzen.hyperopt import Trials, base, rand, tpe
from parzen.hyperopt._history import DocumentHistory, history_of, suggest_documents
from parzen.space import Space, scope
from parzen.trials import State


class Domain:
    """What a suggest function needs of one."""

    workdir = None
    cmd = ("domain_attachment", "FMinIter_Domain")

    def __init__(self, space: Any) -> None:
        self.compiled = Space(space)

    def new_result(self) -> dict[str, str]:
        return {"status": "new"}


SPACE = {
    "x": hp.uniform("x", -5, 5),
    "c": hp.choice("c", ["a", {"k": hp.quniform("k", 0, 10, 2)}]),
    "n": hp.randint("n", 3, 9),
}


@pytest.fixture
def domain() -> Domain:
    return Domain(SPACE)


def grown(domain: Domain, trials: Trials, n: int, suggest: Any = tpe.suggest, finish: bool = True) -> None:
    """Hyperopt's protocol by hand, as Ray Tune and NNI follow it."""
    for _ in range(n):
        ids = trials.new_trial_ids(1)
        docs = suggest(ids, domain, trials, 7)
        trials.insert_trial_docs(docs)
        trials.refresh()
        if finish:
            doc = trials.trials[-1]
            doc["result"] = {"status": "ok", "loss": float(doc["misc"]["vals"]["x"][0]) ** 2}
            doc["state"] = base.JOB_STATE_DONE
            trials.refresh()


@pytest.mark.parametrize("suggest", [rand.suggest, tpe.suggest, partial(tpe.suggest, n_startup_jobs=2, gamma=0.3)])
def test_a_suggest_function_is_called_by_hand_and_learns_from_documents_that_change_in_place(
    suggest: Any, domain: Domain
) -> None:
    trials = Trials()
    grown(domain, trials, 30, suggest)

    assert len(trials) == 30
    assert history_of(domain, trials).count(State.OK) == 30
    if suggest is not rand.suggest:
        late = [abs(doc["misc"]["vals"]["x"][0]) for doc in trials.trials[20:]]
        assert np.mean(late) < 2.0


def test_each_id_gets_a_document_with_every_label_and_numpy_scalars(domain: Domain) -> None:
    docs = rand.suggest([4, 5, 6], domain, Trials(), 0)

    assert [doc["tid"] for doc in docs] == [4, 5, 6]
    for doc in docs:
        misc = doc["misc"]
        assert list(misc["vals"]) == ["c", "k", "n", "x"] == list(misc["idxs"])
        assert isinstance(misc["vals"]["x"][0], np.float64)
        assert isinstance(misc["vals"]["n"][0], np.integer)
        assert misc["vals"]["k"] == [] if misc["vals"]["c"][0] == 0 else misc["idxs"]["k"] == [doc["tid"]]
        assert doc["result"] == {"status": "new"}
        base.Trials().assert_valid_trial(doc)


def test_a_batch_of_random_draws_comes_as_columns(domain: Domain) -> None:
    idxs, vals = rand.suggest_batch(range(20), domain, Trials(), 3)

    assert idxs["x"] == list(range(20))
    assert idxs["k"] == [tid for tid, code in zip(idxs["c"], vals["c"], strict=True) if code == 1]
    assert len(vals["k"]) == len(idxs["k"])


def test_the_same_seed_and_documents_give_the_same_proposal_however_they_came_about(domain: Domain) -> None:
    trials = Trials()
    grown(domain, trials, 25)
    trials.trials[3]["state"] = base.JOB_STATE_ERROR  # hidden by refresh, and still known to have failed
    trials.refresh()
    fresh = copy.deepcopy(trials)

    asked = tpe.suggest([99], domain, trials, 1)
    again = tpe.suggest([99], Domain(SPACE), fresh, 1)

    assert asked == again
    assert tpe.suggest(["any"], domain, trials, 1)[0]["misc"]["vals"] == asked[0]["misc"]["vals"]
    assert asked != tpe.suggest([99], domain, trials, 2)
    assert len(history_of(domain, trials)) == 25


def test_a_seed_may_be_whatever_numpy_makes_generators_from(domain: Domain) -> None:
    first = rand.suggest([0], domain, Trials(), np.random.PCG64(5))

    assert first == rand.suggest([0], domain, Trials(), seed=np.random.PCG64(5))


def test_finished_documents_are_read_once(domain: Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    trials = Trials()
    grown(domain, trials, 5)
    history = history_of(domain, trials)
    read: list[Any] = []
    monkeypatch.setattr(DocumentHistory, "_take", lambda self, doc: read.append(doc))

    assert history_of(domain, trials) is history
    assert read == []


def test_open_documents_are_waiting_or_running_until_they_have_ended(domain: Domain) -> None:
    trials = Trials()
    grown(domain, trials, 3, finish=False)
    trials.trials[1]["state"] = base.JOB_STATE_RUNNING
    states = history_of(domain, trials).state.tolist()
    trials.trials[1]["state"] = base.JOB_STATE_DONE
    trials.trials[1]["result"] = {"status": "ok", "loss": 1.0}
    trials.trials[2]["state"] = base.JOB_STATE_DONE
    trials.trials[2]["result"] = {"status": "fail"}

    assert states == [State.WAITING, State.RUNNING, State.WAITING]
    assert history_of(domain, trials).state.tolist() == [State.WAITING, State.OK, State.FAILED]


@pytest.mark.parametrize("change", ["gone", "loss", "array", "back", "values", "in place"])
def test_a_document_that_is_gone_or_says_something_else_changes_the_history(change: str, domain: Domain) -> None:
    trials = Trials()
    grown(domain, trials, 6)
    history_of(domain, trials)
    if change == "gone":
        del trials._dynamic_trials[2]
    elif change == "loss":
        trials.trials[2]["result"]["loss"] = -7.0
    elif change == "back":
        trials.trials[2]["state"] = base.JOB_STATE_NEW
    elif change == "in place":
        trials.trials[2]["misc"]["vals"]["x"][0] = 4.5
    elif change == "array":
        trials.trials[2]["result"]["loss"] = np.array([1.0, 2.0])
    else:
        trials._dynamic_trials[2] = copy.deepcopy(trials._dynamic_trials[2])
        trials._dynamic_trials[2]["misc"]["vals"]["x"] = [4.5]
    trials.refresh()

    history, fresh = history_of(domain, trials), history_of(Domain(SPACE), trials)

    np.testing.assert_array_equal(history.values, fresh.values)
    np.testing.assert_array_equal(history.state, fresh.state)
    np.testing.assert_array_equal(history.losses, fresh.losses)


def test_a_document_that_the_space_cannot_have_produced_is_counted_and_left_out(domain: Domain) -> None:
    trials = Trials()
    grown(domain, trials, 2)
    trials.trials[0]["misc"]["vals"]["x"] = [77.0]
    reader = DocumentHistory(domain.compiled)

    assert len(reader.update(trials.trials)) == 1
    assert reader.foreign == 1
    assert len(tpe.suggest([9], domain, trials, 0)) == 1


def test_documents_that_come_anew_from_a_database_each_time_are_known_by_what_they_say(domain: Domain) -> None:
    trials = Trials()
    grown(domain, trials, 4)
    reader = DocumentHistory(domain.compiled)
    history = reader.update(trials.trials)

    assert reader.update(copy.deepcopy(trials.trials)) is history
    assert len(history) == 4


def test_a_subclass_that_compares_itself_has_a_history_all_the_same(domain: Domain) -> None:
    class Mine(Trials):
        __hash__ = None  # type: ignore[assignment]  # as Python has it beside __eq__

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Mine)

    trials, other = Mine(), Mine()
    grown(domain, trials, 2)

    assert len(history_of(domain, trials)) == 2
    assert len(history_of(domain, other)) == 0


def test_when_everything_was_tried_the_best_is_tried_again() -> None:
    domain, trials = Domain({"c": hp.choice("c", [3.0, 1.0]), "x": hp.randint("x", 1)}), Trials()
    docs = suggest_documents(rand.suggest.algorithm(), [0, 1, 2], domain, trials, 0)  # type: ignore[attr-defined]
    trials.insert_trial_docs(docs)
    trials.refresh()
    more = rand.suggest([7, 8, 9], domain, trials, 0)

    assert sorted(doc["misc"]["vals"]["c"][0] for doc in docs[:2]) == [0, 1]
    assert [doc["tid"] for doc in more] == [7, 8, 9]


def test_no_ids_give_no_documents(domain: Domain) -> None:
    assert rand.suggest([], domain, Trials(), 0) == []


def test_what_a_domain_remembers_is_in_no_pickle(domain: Domain) -> None:
    trials = Trials()
    grown(domain, trials, 2)
    kept = domain._kept_histories  # type: ignore[attr-defined]

    assert len(pickle.loads(pickle.dumps(kept)).of) == 0
    assert len(copy.deepcopy(kept).of) == 0


def test_a_default_is_recognised_and_a_number_that_was_given_is_taken_as_hyperopt_means_it() -> None:
    make = tpe.suggest.algorithm  # type: ignore[attr-defined]
    through_pickle = pickle.loads(pickle.dumps(partial(tpe.suggest, gamma=tpe._default_gamma)))

    assert make(gamma=tpe._default_gamma, n_startup_jobs=tpe._default_n_startup_jobs) == make()
    assert make(**through_pickle.keywords) == make()
    assert make(gamma=0.25).gamma == 0.25
    assert make().gamma is None
    assert make(n_startup_jobs=20).n_startup == 20


def test_a_draw_may_bring_a_generator_that_is_not_needed() -> None:
    space = Space({"a": scope.normal(0, 1, rng=np.random.default_rng(1)), "c": hp.choice("c", [1, 2])})

    assert isinstance(space.decode(space.sample(np.random.default_rng(0)), 0, np.random.default_rng)["a"], float)
