"""How other people's programs use Hyperopt beyond `fmin`: each test is one such program, in our words.

Which programs these are is said in docs/coming-from-hyperopt.md.
"""

from __future__ import annotations

import copy
import functools
import pickle
import threading
import time

import numpy as np
import pytest

from parzen import hyperopt
from parzen.hyperopt import STATUS_FAIL, STATUS_OK, Trials, algobase, anneal, base, fmin, hp, pyll, rand, tpe
from parzen.hyperopt.fmin import FMinIter, generate_trials_to_calculate, space_eval

NESTED = {
    "lr": hp.loguniform("lr", -5, 0),
    "model": hp.choice("model", [{"name": "a", "depth": hp.randint("depth", 1, 6)}, {"name": "b"}]),
}


def _loss(config):
    return config["lr"] + config["model"].get("depth", 3)


# --- tuners that keep the documents themselves -------------------------------------------------------------------


class _Tuner:
    """NNI's way: a Domain without an objective, FMinIter as a bag, documents written by hand."""

    def __init__(self, space, suggest):
        domain = base.Domain(None, space, pass_expr_memo_ctrl=None)
        self.rval = FMinIter(suggest, domain, Trials(), max_evals=-1, rstate=np.random.default_rng(7), verbose=0)
        self.rval.catch_eval_exceptions = False
        self.running = {}

    def generate(self, key):
        trials, domain = self.rval.trials, self.rval.domain
        (tid,) = trials.new_trial_ids(1)
        trials.refresh()
        seed = int(self.rval.rstate.integers(2**31 - 1))
        (document,) = self.rval.algo([tid], domain, trials, seed)
        values = {k: v[0] for k, v in document["misc"]["vals"].items() if v}
        values = {k: v.item() if hasattr(v, "item") else v for k, v in values.items()}
        self.running[key] = values
        return values

    def receive(self, key, loss):
        trials, domain = self.rval.trials, self.rval.domain
        (tid,) = trials.new_trial_ids(1)
        values = self.running.pop(key)
        misc = {
            "tid": tid,
            "cmd": domain.cmd,
            "workdir": domain.workdir,
            "idxs": {k: [tid] if k in values else [] for k in domain.params},
            "vals": {k: [values[k]] if k in values else [] for k in domain.params},
        }
        (document,) = trials.new_trial_docs([tid], [None], [domain.new_result()], [misc])
        document["result"] = {"loss": loss, "status": STATUS_OK}
        document["state"] = base.JOB_STATE_DONE
        trials.insert_trial_docs([document])
        trials.refresh()


@pytest.mark.parametrize("suggest", [rand.suggest, tpe.suggest, anneal.suggest], ids=["rand", "tpe", "anneal"])
def test_a_tuner_may_keep_the_documents_itself(suggest):
    """Values come out of `suggest`, results go in as new documents, in any order."""
    tuner = _Tuner(NESTED, suggest)
    for batch in range(15):
        asked = [tuner.generate((batch, k)) for k in range(2)]
        for k, values in reversed(list(enumerate(asked))):
            assert ("depth" in values) == (values["model"] == 0)
            tuner.receive((batch, k), _loss(space_eval(NESTED, values)))

    assert len(tuner.rval.trials.trials) == 30
    assert set(tuner.rval.trials.argmin) >= {"lr", "model"}


def test_a_searcher_may_run_each_trial_somewhere_else():
    """Ray's way: a suggestion becomes a configuration through the domain's memo, the result is written into the document."""
    domain = hyperopt.Domain(lambda spec: spec, NESTED)
    trials = generate_trials_to_calculate([{"lr": 0.1, "model": 1}])
    trials.refresh()
    suggest = functools.partial(tpe.suggest, n_startup_jobs=5, gamma=0.3)
    rstate = np.random.default_rng(3)
    waiting = [trials.trials[0]["tid"]]
    for _ in range(12):
        if waiting:
            document = trials.trials[waiting.pop()]
        else:
            ids = trials.new_trial_ids(1)
            trials.refresh()
            (document,) = suggest(ids, domain, trials, int(rstate.integers(2**31 - 1)))
            trials.insert_trial_doc(document)
            trials.refresh()
            document = next(d for d in trials._trials if d["tid"] == ids[0])
        spec = base.spec_from_misc(document["misc"])
        ctrl = base.Ctrl(trials, current_trial=document)
        memo = domain.memo_from_config(spec)
        hyperopt.utils.use_obj_for_literal_in_memo(domain.expr, ctrl, base.Ctrl, memo)
        config = pyll.rec_eval(domain.expr, memo=memo, print_node_on_error=domain.rec_eval_print_node_on_error)
        document["state"] = base.JOB_STATE_RUNNING
        document["book_time"] = document["refresh_time"] = hyperopt.utils.coarse_utcnow()
        document["result"] = {"loss": _loss(config), "status": "ok"}
        document["state"] = base.JOB_STATE_DONE
        trials.refresh()
        # The whole is saved and restored between two trials.
        trials = pickle.loads(pickle.dumps(trials))

    assert len(trials.trials) == 12
    assert trials.trials[0]["misc"]["vals"]["lr"] == [0.1]
    assert all(loss is not None for loss in trials.losses())


# --- wrappers that read the documents ----------------------------------------------------------------------------


def test_a_wrapper_may_take_the_documents_apart_in_place():
    """hyperas's way: the objective returns objects, and the lists in `vals` are unpacked where they are."""

    class Model:
        pass

    def objective(config):
        return {"loss": _loss(config), "status": STATUS_OK, "model": Model()}

    trials = Trials()
    try:
        fmin(objective, NESTED, algo=tpe.suggest, max_evals=5, trials=trials, rseed=1, verbose=False)
    except TypeError:
        fmin(
            objective,
            NESTED,
            algo=tpe.suggest,
            max_evals=5,
            trials=trials,
            rstate=np.random.default_rng(1),
            verbose=False,
            return_argmin=True,
        )
    for trial in trials:
        values = trial.get("misc").get("vals")
        for label in values:
            values[label] = values[label][0] if values[label] else None
        space_eval(NESTED, {k: v for k, v in values.items() if v is not None})

    assert isinstance(trials.best_trial["result"]["model"], Model)
    assert {type(trial["misc"]["vals"]["lr"]) for trial in trials} == {float}


def test_documents_that_were_changed_in_place_count_after_refresh():
    """A result that somebody writes into a document is what the search goes on with."""
    trials = Trials()
    arguments = {"algo": tpe.suggest, "trials": trials, "verbose": False}
    fmin(lambda x: x**2, hp.uniform("x", -1, 1), max_evals=25, rstate=np.random.default_rng(1), **arguments)
    worst = max(trials.trials, key=lambda trial: trial["result"]["loss"])
    worst["result"]["loss"] = -5.0
    dropped = trials.trials[0]
    dropped["state"] = base.JOB_STATE_ERROR
    trials.refresh()

    assert trials.best_trial["tid"] == worst["tid"]
    assert dropped["tid"] not in trials.tids

    fmin(lambda x: x**2, hp.uniform("x", -1, 1), max_evals=30, rstate=np.random.default_rng(2), **arguments)

    assert trials.argmin == {"x": worst["misc"]["vals"]["x"][0]}


def test_rows_may_be_made_from_plain_documents():
    """Documents that were copied, filtered and numbered anew make `Trials` that a search continues from."""
    first = Trials()
    space = hp.uniform("x", -1, 1)
    fmin(
        lambda x: x**2,
        space,
        algo=rand.suggest,
        max_evals=6,
        trials=first,
        rstate=np.random.default_rng(1),
        verbose=False,
    )
    documents = [copy.deepcopy(document) for document in first.trials if document["tid"] % 2 == 0]
    trials = hyperopt.trials_from_docs(documents)
    fmin(
        lambda x: x**2,
        space,
        algo=tpe.suggest,
        max_evals=6,
        trials=trials,
        rstate=np.random.default_rng(2),
        verbose=False,
    )

    assert len(trials) == 6
    assert trials.tids[:3] == [0, 2, 4]
    assert len(set(trials.tids)) == 6


# --- people's own classes and algorithms -------------------------------------------------------------------------


class _Journal(Trials):
    """A subclass that watches what is inserted and refreshed."""

    def __init__(self, exp_key=None, refresh=True):
        self.inserted = []
        self.refreshed = 0
        super().__init__(exp_key=exp_key, refresh=refresh)

    def refresh(self):
        self.refreshed += 1
        super().refresh()

    def _insert_trial_docs(self, docs):
        self.inserted += [doc["tid"] for doc in docs]
        return super()._insert_trial_docs(docs)


class _Delegating(Trials):
    """A subclass whose `fmin` takes over, as those for clusters do."""

    def fmin(self, fn, space, algo=None, max_evals=None, **kwargs):
        self.asked = {"max_evals": max_evals, **kwargs}
        return fmin(fn, space, algo=algo, max_evals=max_evals, trials=self, allow_trials_fmin=False, **kwargs)


def test_a_subclass_of_trials_is_called_for_everything():
    """`refresh` and `_insert_trial_docs` of the subclass see each document."""
    trials = _Journal()
    fmin(
        lambda x: x**2,
        hp.uniform("x", -1, 1),
        algo=tpe.suggest,
        max_evals=8,
        trials=trials,
        rstate=np.random.default_rng(1),
        verbose=False,
    )

    assert trials.inserted == list(range(8))
    assert trials.refreshed >= 8


def test_a_subclass_of_trials_may_take_over_fmin():
    """`fmin` hands its arguments to the `fmin` of the trials."""
    trials = _Delegating()
    best = fmin(
        lambda x: x**2,
        hp.uniform("x", -1, 1),
        algo=rand.suggest,
        max_evals=4,
        trials=trials,
        rstate=np.random.default_rng(1),
        verbose=False,
        loss_threshold=-1.0,
    )

    assert len(trials) == 4
    assert set(best) == {"x"}
    assert trials.asked["loss_threshold"] == -1.0
    assert "points_to_evaluate" not in trials.asked


def _middle(new_ids, domain, trials, seed):
    """Somebody's own algorithm: a draw through the domain's graph, nudged to the middle."""
    rng = np.random.default_rng(seed)
    documents = []
    for new_id in new_ids:
        idxs, vals = pyll.rec_eval(domain.s_idxs_vals, memo={domain.s_new_ids: [new_id], domain.s_rng: rng})
        vals = {k: [v[0] / 2] if k == "x" and len(v) else list(v) for k, v in vals.items()}
        miscs = [{"tid": new_id, "cmd": domain.cmd, "workdir": domain.workdir}]
        base.miscs_update_idxs_vals(miscs, idxs, vals)
        documents += trials.new_trial_docs([new_id], [None], [domain.new_result()], miscs)
    return documents


def test_a_suggest_function_of_ones_own():
    """It is called with ids, domain, trials and seed; its documents are evaluated as they are."""
    trials = Trials()
    space = {"x": hp.uniform("x", -1, 1), "k": hp.choice("k", [0, {"y": hp.normal("y", 0, 1)}])}
    fmin(
        lambda c: c["x"] ** 2,
        space,
        algo=_middle,
        max_evals=10,
        max_queue_len=3,
        trials=trials,
        rstate=np.random.default_rng(1),
        verbose=False,
    )

    assert len(trials) == 10
    assert all(abs(values[0]) <= 0.5 for values in (trial["misc"]["vals"]["x"] for trial in trials))
    assert {len(trial["misc"]["vals"]["y"]) for trial in trials} == {0, 1}


class _Greedy(algobase.SuggestAlgo):
    """An algorithm as a visitor of the graph: now and then the best value so far, otherwise what the graph draws."""

    def on_node_hyperparameter(self, memo, node, label):
        drawn = algobase.ExprEvaluator.on_node(self, memo, node)
        finished = [trial for trial in self.trials.trials if trial["misc"]["vals"][label]]
        if len(drawn) and finished and self.rng.uniform() < 0.5:
            best = min(finished, key=lambda trial: trial["result"]["loss"])
            return [best["misc"]["vals"][label][0]]
        return drawn


def _greedy(new_ids, domain, trials, seed):
    (new_id,) = new_ids
    return _Greedy(domain, trials, seed)(new_id)


def test_an_algorithm_of_ones_own_may_visit_the_graph():
    """`SuggestAlgo` draws by the domain's graph, and asks the subclass for each hyperparameter by its label."""
    trials = Trials()
    fmin(_loss, NESTED, algo=_greedy, max_evals=25, trials=trials, rstate=np.random.default_rng(1), verbose=False)
    rates = [trial["misc"]["vals"]["lr"][0] for trial in trials]

    assert len(trials) == 25
    assert len(set(rates)) < 25
    assert all(bool(trial["misc"]["vals"]["depth"]) == (trial["misc"]["vals"]["model"] == [0]) for trial in trials)


def test_an_asynchronous_worker_of_ones_own():
    """Trials that say `asynchronous` are worked off by somebody else, who finds the domain in the attachments."""
    trials = Trials()
    trials.asynchronous = True
    stop = threading.Event()

    def work():
        while not stop.is_set():
            for document in list(trials._dynamic_trials):
                if document["state"] != base.JOB_STATE_NEW:
                    continue
                document["state"] = base.JOB_STATE_RUNNING
                domain = pickle.loads(trials.attachments[document["misc"]["cmd"][1]])
                ctrl = base.Ctrl(trials, current_trial=document)
                document["result"] = base.SONify(domain.evaluate(base.spec_from_misc(document["misc"]), ctrl))
                document["state"] = base.JOB_STATE_DONE
            time.sleep(0.001)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    try:
        iteration = FMinIter(
            rand.suggest,
            base.Domain(lambda x: (x - 1) ** 2, hp.uniform("x", -2, 2)),
            trials,
            rstate=np.random.default_rng(1),
            asynchronous=True,
            max_queue_len=2,
            poll_interval_secs=0.01,
            max_evals=6,
            show_progressbar=False,
        )
        iteration.exhaust()
    finally:
        stop.set()
        worker.join()

    assert [document["state"] for document in trials] == [base.JOB_STATE_DONE] * 6
    assert trials.best_trial["result"]["loss"] == min(trials.losses())


def test_failed_and_strange_results_stay_readable():
    """Failed trials have no loss, extra keys are kept, and the best is found among the rest."""

    def objective(x):
        if x < 0:
            return {"status": STATUS_FAIL, "why": "negative"}
        return {"status": STATUS_OK, "loss": np.float32(x), "curve": [1, 2], "attachments": {"note": b"hi"}}

    trials = Trials()
    fmin(
        objective,
        hp.uniform("x", -1, 1),
        algo=rand.suggest,
        max_evals=12,
        trials=trials,
        rstate=np.random.default_rng(1),
        verbose=False,
    )
    failed = [trial for trial in trials if trial["result"]["status"] == STATUS_FAIL]

    assert failed
    assert all(trial["result"]["why"] == "negative" for trial in failed)
    assert trials.losses().count(None) == len(failed)
    assert trials.trial_attachments(trials.best_trial)["note"] == b"hi"
    assert trials.best_trial["result"]["curve"] == [1, 2]


@pytest.mark.parametrize("algo", [rand.suggest, tpe.suggest, anneal.suggest, None])
def test_a_distribution_of_the_programs_own_is_searched(algo):
    """In Hyperopt random search alone takes it; here each algorithm does, because quantiles are known from draws."""

    @hyperopt.pyll.stochastic.implicit_stochastic
    @hyperopt.pyll.scope.define
    def triangle_of_mine(low, high, rng=None, size=()):
        return rng.triangular(low, 0.5 * (low + high), high, size=size)

    try:
        scope = hyperopt.pyll.scope
        own = scope.hyperopt_param("own", scope.triangle_of_mine(0.0, 4.0))
        space = {"pick": hp.choice("pick", [{"own": own}, "plain"]), "y": hp.uniform("y", 0, 1)}
        trials = Trials()
        best = fmin(
            lambda c: c["y"] + (abs(c["pick"]["own"] - 1) if c["pick"] != "plain" else 3.0),
            space, algo=algo, max_evals=40, trials=trials, rstate=np.random.default_rng(2), verbose=False,
        )  # fmt: skip
    finally:
        hyperopt.pyll.scope.undefine("triangle_of_mine")
        hyperopt.pyll.stochastic.implicit_stochastic_symbols.discard("triangle_of_mine")

    assert best["pick"] == 0
    assert all(0 <= x <= 4 for x in trials.vals["own"])
    assert len(trials.vals["own"]) < 40
