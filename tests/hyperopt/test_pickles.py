"""Reading trials that were saved: by this parzen, by Hyperopt, or by somebody who means harm."""

from __future__ import annotations

import codecs
import datetime
import os
import pickle
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest

from parzen import fmin, hp, rand
from parzen.errors import CorruptLog
from parzen.hyperopt import Trials, load_trials, space_eval
from parzen.hyperopt._pickles import save_trials

DATA = Path(__file__).with_name("data")
FOREIGN = sorted(path.name for path in DATA.glob("*.pickle"))
# As in data/make_pickles.py.
SPACE = {"x": hp.uniform("x", -1, 1), "c": hp.choice("c", [0, hp.randint("k", 5)])}


def _check_foreign(trials: Trials) -> None:
    assert type(trials) is Trials
    assert len(trials) == 8
    assert trials.attachments["ATTACH::0::blob"] == b"123"
    assert set(trials.statuses()) == {"ok", "fail"}
    result = trials.best_trial["result"]
    config = space_eval(SPACE, trials.argmin)
    assert result["loss"] == config["x"] ** 2 + config["c"]
    assert result["when"] == datetime.datetime(2020, 1, 2, 3, 4, 5)
    assert result["array"].tolist() == [0.0, 1.0, 2.0]
    assert result["more"] == {"scalar": 1.5, "set": {1, 2}}
    assert type(result["more"]["scalar"]) is np.float32
    assert sum(map(len, trials.vals.values())) == sum(map(len, trials.idxs.values())) >= 16


@pytest.mark.parametrize("name", FOREIGN)
def test_trials_that_hyperopt_has_saved_are_read(name: str) -> None:
    """Of 0.2.7 and 0.3.0, with numpy 1 and 2, with and without pymongo; a search goes on with them."""
    trials = load_trials(DATA / name)
    _check_foreign(trials)
    fmin(lambda config: config["x"] ** 2, SPACE, rand.suggest, 10, trials=trials, verbose=False)

    assert trials.tids == list(range(10))


@pytest.mark.parametrize("name", FOREIGN)
def test_they_are_read_by_pickle_under_the_alias(
    run_python: Callable[..., subprocess.CompletedProcess[str]], name: str
) -> None:
    """`pickle.load` finds our class as `hyperopt.base.Trials`, which takes the attributes that Hyperopt's has."""
    done = run_python(
        "-c",
        "import parzen, pickle, sys; parzen.install_as_hyperopt()\n"
        "trials = pickle.load(open(sys.argv[1], 'rb'))\n"
        "import hyperopt\n"
        "assert type(trials) is hyperopt.Trials is hyperopt.base.Trials is parzen.Trials\n"
        "print(len(trials), trials.new_trial_ids(1), len(trials.argmin), trials.average_best_error() >= 0)",
        DATA / name,
        options=("-W", "error", "-W", "ignore::DeprecationWarning", "-W", "ignore::ResourceWarning"),
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[:2] == ["8", "[8]"]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_our_own_are_read_whatever_the_protocol(tmp_path: Path, protocol: int) -> None:
    """As users pickle them."""
    trials = Trials(exp_key="key")
    fmin(lambda x: {"loss": x, "status": "ok", "z": np.array([1, 2]), "attachments": {"a": b"\xff"}},
         hp.uniform("x", 0, 1), rand.suggest, 3, trials=trials, verbose=False)  # fmt: skip
    path = tmp_path / "trials"
    path.write_bytes(pickle.dumps(trials, protocol=protocol))
    twin = load_trials(str(path))

    assert twin.losses() == trials.losses()
    assert twin.trials[0]["result"]["z"].tolist() == [1, 2]
    assert twin.trial_attachments(twin.trials[0])["a"] == b"\xff"
    assert twin._exp_key == "key"
    assert twin.new_trial_ids(1) == [3]


def test_the_class_has_its_place_in_hyperopts_module() -> None:
    """Where pickles look for it."""
    assert b"parzen.hyperopt.base" in pickle.dumps(Trials())
    assert b"parzen.hyperopt.base" in cloudpickle.dumps(Trials())


def test_what_pymongo_calls_son_becomes_a_dict(tmp_path: Path) -> None:
    """Documents that came from a database once."""
    son = pytest.importorskip("bson.son").SON
    trials = Trials()
    misc = son(tid=0, cmd=None, idxs=son(x=[0]), vals=son(x=[1.5]))
    (doc,) = trials.new_trial_docs([0], [None], [son(status="ok", loss=1.0, deep=[son(a=1)], also=(son(b=2),))], [misc])
    trials._insert_trial_docs([son(doc)])
    trials.refresh()
    path = tmp_path / "trials"
    path.write_bytes(pickle.dumps(trials))
    twin = load_trials(path)

    assert twin.trials == twin._dynamic_trials == [dict(doc)]
    assert twin.trials[0] is twin._dynamic_trials[0]
    result = twin.trials[0]["result"]
    assert {type(one) for one in (twin.trials[0], result, result["deep"][0], result["also"][0])} == {dict}


class _Call:
    """Pickles as a call."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = function, args

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "harm",
    [
        _Call(os.system, "touch harm"),
        _Call(eval, "open('harm', 'w')"),
        _Call(getattr, "", "join"),
        _Call(__import__, "harm"),
        _Call(codecs.encode, "text", "rot13"),
        _Call(np.load, "harm"),
        _Call(Path, "harm"),
        _Call(load_trials, "harm"),
    ],
    ids=["system", "eval", "getattr", "import", "codec", "load", "path", "ours"],
)
def test_nothing_that_a_file_says_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: _Call, protocol: int
) -> None:
    """It is refused before anything is called, in words that say what it was."""
    monkeypatch.chdir(tmp_path)
    trials = Trials()
    trials.attachments["x"] = harm
    Path("trials").write_bytes(pickle.dumps(trials, protocol=protocol))
    with pytest.raises(CorruptLog, match=r"which trial documents are not made of|which pickles are not made of"):
        load_trials("trials")

    assert os.listdir() == ["trials"]


def test_a_file_cannot_replace_methods(tmp_path: Path) -> None:
    """Attributes of its own are kept, those that would hide ours are not."""
    trials = Trials()
    trials.note, trials.refresh = "mine", list  # type: ignore[attr-defined, method-assign, assignment]
    save_trials(trials, tmp_path / "trials")
    twin = load_trials(tmp_path / "trials")

    assert twin.note == "mine"  # type: ignore[attr-defined]
    assert twin.refresh() is None


@pytest.mark.parametrize(
    "state", [{"a": 1}, {"_dynamic_trials": [1]}, {"_dynamic_trials": [{}]}, {"_dynamic_trials": 5}]
)
def test_a_trials_that_is_none_is_refused(tmp_path: Path, state: dict[str, Any]) -> None:
    """A file may be well-formed and make no sense."""
    trials = Trials()
    trials.__dict__.clear()
    trials.__dict__.update(state)
    path = tmp_path / "trials"
    path.write_bytes(pickle.dumps(trials))
    with pytest.raises(CorruptLog, match=r"Trials without documents|documents that are none"):
        load_trials(path)
