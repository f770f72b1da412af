"""A study from somebody else is read, never run."""

from __future__ import annotations

import json
import os
import pickle
import warnings
from pathlib import Path
from typing import Any

import pytest

import parzen
from parzen import Study, Trials, hp
from parzen.errors import CorruptLog, SpaceMismatch

SPACE = {"x": hp.float("x", 0, 1)}


class Hostile:
    """Pickles to a call of `os.mkdir`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


def _first(config: dict[str, float]) -> float:
    return config["x"]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("place", ["the whole file", "a result", "an attachment", "a document's misc"])
def test_a_hostile_save_file_runs_no_code(place: str, protocol: int, tmp_path: Path) -> None:
    """It is `CorruptLog`, says what is in it, and is left as it was; nothing is evaluated."""
    proof, path = tmp_path / "proof", tmp_path / "trials.pkl"
    trials = Trials()
    parzen.fmin(_first, SPACE, parzen.rand.suggest, 3, trials=trials, rstate=1, verbose=False)
    bomb, content = Hostile(proof), trials
    if place == "the whole file":
        content = bomb  # type: ignore[assignment]
    elif place == "a result":
        trials.trials[1]["result"]["model"] = bomb
    elif place == "an attachment":
        trials.attachments["model"] = bomb
    else:
        trials.trials[2]["misc"]["workdir"] = bomb
    path.write_bytes(pickle.dumps(content, protocol))
    before = path.read_bytes()
    with pytest.raises(CorruptLog, match="not made of"):
        parzen.fmin(_first, SPACE, parzen.rand.suggest, 5, trials_save_file=path, verbose=False)

    assert not proof.exists()
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "text",
    [
        b"cos\nsystem\n(S'mkdir proof'\ntR.",
        b'cbuiltins\neval\n(S\'__import__("os").mkdir("proof")\'\ntR.',
        b"cbuiltins\ngetattr\n(cparzen.hyperopt.base\nTrials\nS'fmin'\ntR.",
        # A dotted name that walks from an allowed module to a forbidden one.
        pickle.PROTO + b"\x04" + b"\x8c\x08datetime\x8c\x0esys.modules.get\x93.",
        pickle.PROTO + b"\x04" + b"\x8c\x14parzen.hyperopt.base\x8c\x0bTrials.fmin\x93.",
    ],
    ids=["os.system", "eval", "getattr", "dotted module", "dotted attribute"],
)
def test_a_hand_written_pickle_runs_no_code(text: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name that is not on the list is refused, dotted ones as well."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "trials.pkl"
    path.write_bytes(text)
    with pytest.raises(CorruptLog):
        parzen.fmin(_first, SPACE, parzen.rand.suggest, 5, trials_save_file=path, verbose=False)

    assert os.listdir(tmp_path) == ["trials.pkl"]


def test_nothing_in_a_study_file_is_unpickled_or_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pickles that hide in attachments, results, notes and memos stay bytes and text, for looking and for going on."""
    path, proof = tmp_path / "study.db", tmp_path / "proof"
    bomb = pickle.dumps(Hostile(proof))

    def objective(config: dict[str, float], evaluation: parzen.Evaluation) -> dict[str, Any]:
        evaluation.attach("model", bomb)
        return {"loss": config["x"], "text": bomb.hex(), "code": "__import__('os').mkdir('proof')"}

    monkeypatch.chdir(tmp_path)
    study = Study(SPACE, storage=path, seed=1)
    study.run(objective, 25, progress=False)
    study.storage.put(study.header.uid, "checkpoint", bomb)
    study.storage.close()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something was unpickled")

    monkeypatch.setattr(pickle, "loads", refuse)
    monkeypatch.setattr(pickle, "load", refuse)
    monkeypatch.setattr(pickle, "Unpickler", refuse)
    seen = Study.load(path)
    result = parzen.minimize(objective, SPACE, 30, storage=path, progress=False)

    assert len(seen.trials) == 25
    assert len(result.trials) == 30
    assert repr(result)
    assert not proof.exists()


def test_a_space_in_a_file_names_functions_and_does_not_import_them(tmp_path: Path) -> None:
    """An option that is a function comes back as a place-holder, even if the name in the file is another one."""
    path = tmp_path / "study.db"
    space = {"f": hp.categorical("f", [os.getcwd, os.getpid])}
    parzen.minimize(lambda config: 1.0, space, 2, storage=path, progress=False)
    params = Study.load(path).trials[0].params

    assert params["f"] not in (os.getcwd, os.getpid)
    assert "os" in repr(params["f"]) or "posix" in repr(params["f"])


def test_a_study_in_a_file_cannot_pass_for_another_space(tmp_path: Path) -> None:
    """What the file says its space is, is compared with the program's own before anything of it is used."""
    path = tmp_path / "study.db"
    parzen.minimize(_first, SPACE, 2, storage=path, progress=False)
    with pytest.raises(SpaceMismatch, match="x"):
        parzen.minimize(_first, {"x": hp.float("x", 0, 2)}, 2, storage=path, progress=False)


def test_extras_that_json_cannot_say_are_dropped_with_one_warning_and_never_pickled(tmp_path: Path) -> None:
    """They stay in this process; the file says what was left out."""
    path = tmp_path / "study.db"

    def objective(config: dict[str, float]) -> dict[str, Any]:
        return {"loss": config["x"], "model": Hostile(tmp_path / "proof"), "epochs": 3}

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")  # as a user has it
        result = parzen.minimize(objective, SPACE, 4, storage=path, progress=False)

    assert len(caught) == 1
    assert "Hostile" in str(caught[0].message)
    assert isinstance(result.trials[3].extra["model"], Hostile)
    extra = Study.load(path).trials[3].extra
    assert extra["epochs"] == 3
    assert "$dropped" in json.dumps(extra)
    assert "Hostile" in json.dumps(extra)
