"""Reading trials that were saved: by this parzen, by Hyperopt, or by somebody who means harm."""

from __future__ import annotations

import codecs
import collections
import datetime
import decimal
import fractions
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
from parzen.hyperopt._pickles import Saver, save_trials

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
    """Only documents, attachments and key are taken from it."""
    trials = Trials()
    trials.refresh = list  # type: ignore[method-assign, assignment]
    trials._ids = [1]  # type: ignore[assignment]
    save_trials(trials, tmp_path / "trials")
    twin = load_trials(tmp_path / "trials")

    assert twin.refresh() is None
    assert twin.new_trial_ids(1) == [0]


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


VALUES: list[Any] = [
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.arange(24).reshape(2, 3, 4).transpose(1, 0, 2),
    np.array([1, 2], ">i4"),
    np.array(["a", "\u20ac"]),
    np.array([b"a", b"bc"]),
    np.array([True, False]),
    np.array(["2020-01-01", "NaT"], "M8[D]"),
    np.array([5], "m8[25s]"),
    np.zeros((0, 3)),
    np.array(1 + 2j),
    np.array([[1, None], ["a", (1,)]], object),
    np.float32(1.5),
    np.bool_(True),
    np.str_("a"),
    np.str_(""),
    np.datetime64("2020-01-02"),
    np.dtype("f8"),
    np.dtype(object),
    datetime.datetime(2020, 1, 2, 3, tzinfo=datetime.timezone.utc),
    datetime.timedelta(1, 2),
    decimal.Decimal("1.50"),
    fractions.Fraction(-1, 3),
    collections.OrderedDict(a=[np.int64(1)]),
    collections.defaultdict(list, a=[1]),
    {1, 2},
    frozenset([3]),
    (range(3), slice(1, None), complex(1, 2), bytearray(b"\xff"), b"", b"\xff", int),
]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_what_documents_hold_comes_back_as_it_was(tmp_path: Path, protocol: int, value: Any) -> None:
    """Type, dtype and shape; what was one object still is one."""
    trials = Trials()
    trials.attachments["pair"] = [value, value]
    (tmp_path / "trials").write_bytes(pickle.dumps(trials, protocol=protocol))
    one, two = load_trials(tmp_path / "trials").attachments["pair"]

    assert type(one) is type(value)
    assert repr(one) == repr(value)
    if isinstance(value, np.ndarray):
        assert one is two
        assert (one.dtype, one.shape, one.tolist()) == (value.dtype, value.shape, value.tolist())
        assert one.flags.writeable


class _Stateful(_Call):
    """Pickles as a call whose result is given a state."""

    def __init__(self, state: Any, function: Any, *args: Any) -> None:
        self.call = function, args, state  # type: ignore[assignment]


_ADDRESS = (0x4141414141414141).to_bytes(8, "little")
_LYING = _Stateful((3, "|", None, None, None, 8, 8, 0), np.dtype, "O8", False, True)
"""An object dtype whose flags say that it holds plain bytes."""
_FIELDS = _Stateful((3, "|", None, ("a",), {"a": (np.dtype(object), 0)}, 8, 1, 0), np.dtype, "V8", False, True)
_RECONSTRUCT, _SCALAR = np.array([1]).__reduce__()[0], np.float64(1).__reduce__()[0]
_FROMBUFFER = np.array([1]).__reduce_ex__(5)[0]


@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
@pytest.mark.parametrize(
    "harm",
    [
        _Stateful((1, (1,), _LYING, False, _ADDRESS), _RECONSTRUCT, np.ndarray, (0,), b"b"),
        _Stateful((1, (1,), _FIELDS, False, _ADDRESS), _RECONSTRUCT, np.ndarray, (0,), b"b"),
        _Stateful((1, (9,), np.dtype(float), False, _ADDRESS), _RECONSTRUCT, np.ndarray, (0,), b"b"),
        _Stateful((1, (-1,), np.dtype(float), False, _ADDRESS), _RECONSTRUCT, np.ndarray, (0,), b"b"),
        _Stateful((1, (2**40,), np.dtype(object), False, [1]), _RECONSTRUCT, np.ndarray, (0,), b"b"),
        _Call(_SCALAR, _LYING, _ADDRESS),
        _Call(_FROMBUFFER, _ADDRESS, _LYING, (1,), "C"),
        _Call(_FROMBUFFER, _ADDRESS, np.dtype("O"), (1,), "C"),
        _Call(_FROMBUFFER, b"\xff" * 4, np.dtype("U1"), (1,), "C"),
        _Call(np.ndarray, (1,), "O"),
        _Call(set, range(10**12)),
        _Call(list, range(10**12)),
        _Call(bytearray, 10**12),
        _Call(bytes, 10**12),
        _Call(int, decimal.Decimal("1e999999999")),
        _Call(fractions.Fraction, "1e999999999"),
        _Call(datetime.datetime, b"\xff\xff\x01\xff\xff\xff\xff\xff\xff\xff"),
    ],
    ids=lambda harm: getattr(harm.call[0], "__name__", ""),
)
def test_no_file_reaches_memory_that_is_not_its_own(tmp_path: Path, harm: Any, protocol: int) -> None:
    """Nor asks for more of it than its content needs."""
    trials = Trials()
    trials.attachments["x"] = harm
    (tmp_path / "trials").write_bytes(pickle.dumps(trials, protocol=protocol))
    with pytest.raises(CorruptLog, match="cannot be read as saved trials"):
        load_trials(tmp_path / "trials")


@pytest.mark.parametrize(
    "name", [b"fractions\nFraction", b"copyreg\n_reconstructor", b"_codecs\nencode", b"numpy\ndtype"]
)
def test_no_file_changes_what_it_names(tmp_path: Path, name: bytes) -> None:
    """A state may be given to anything, and sets attributes."""
    path = tmp_path / "trials"
    path.write_bytes(b"c" + name + b"\n(N(dS'__doc__'\nS'harm'\nstb.")
    with pytest.raises(CorruptLog, match="changes"):
        load_trials(path)

    assert fractions.Fraction.__doc__ != "harm"


def test_deep_nesting_is_a_damaged_file(tmp_path: Path) -> None:
    """Not a RecursionError."""
    path = tmp_path / "trials"
    path.write_bytes(b"]" * 100_000 + b"a" * 99_999 + b".")
    with pytest.raises(CorruptLog):
        load_trials(path)


def test_a_shared_tuple_is_read_once(tmp_path: Path) -> None:
    """Else fifty pairs of pairs would never end."""
    pair: Any = ()
    for _ in range(50):
        pair = (pair, pair)
    trials = Trials()
    trials.attachments["x"] = pair
    save_trials(trials, tmp_path / "trials")

    assert load_trials(tmp_path / "trials").attachments["x"][0][1]


class _Turned:
    """A clock that is turned by hand, and by each wait for the disk."""

    now = 0.0

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


@pytest.mark.parametrize(("seconds", "waits"), [(0.001, 1 + 19 + 1), (1.0, 1 + 100 + 1)])
def test_waiting_for_the_disk_takes_a_small_share_of_the_time(
    seconds: float, waits: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each trial where a trial is dear, else now and then; at first and at the end in any case."""
    clock, count = _Turned(), 0

    def slow(descriptor: int) -> None:
        nonlocal count
        count += 1
        clock.now += 0.0001

    monkeypatch.setattr(os, "fsync", slow)
    saver = Saver(Trials(), tmp_path / "t.pkl", clock)
    saver()
    with saver.at_the_end():
        for _ in range(100):
            clock.now += seconds
            saver()

    assert count == pytest.approx(waits, abs=2)
    assert len(load_trials(tmp_path / "t.pkl")) == 0


@pytest.mark.parametrize("of_the_program", [False, True])
def test_what_only_the_program_has_is_saved_by_value(
    of_the_program: bool, tmp_path: Path, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """Another program loads it, as what cloudpickle has written."""
    result = "Mine()" if of_the_program else "1.5"
    program = tmp_path / "program.py"
    program.write_text(
        "from parzen import fmin, hp, rand\n"
        "class Mine:\n    def __eq__(self, other): return True\n"
        f"fmin(lambda x: {{'loss': x, 'status': 'ok', 'kept': {result}}}, hp.uniform('x', 0, 1), rand.suggest, 3,"
        f" trials_save_file={str(tmp_path / 't.pkl')!r}, verbose=False)\n",
        encoding="utf-8",
    )
    done = run_python(program, options=())
    assert done.returncode == 0, done.stderr
    with (tmp_path / "t.pkl").open("rb") as file:
        trials = pickle.load(file)

    assert len(trials) == 3
    assert type(trials.trials[0]["result"]["kept"]).__name__ == ("Mine" if of_the_program else "float")
