"""Files that are damaged, foreign, missing or full: a clear error before an evaluation is paid for, and nothing is harmed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

import parzen
from parzen import State, StorageError, Study, hp
from parzen.errors import CorruptLog, Unavailable

Run = Callable[..., subprocess.CompletedProcess[str]]
Search = Callable[[Path, Callable[[Any], float]], object]

SPACE = {"x": hp.float("x", -5, 5), "k": hp.categorical("k", ["a", "b", "c"])}


class Counted:
    """An objective that knows how often it was paid for."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, config: dict[str, float]) -> float:
        self.calls += 1
        return config["x"] ** 2


def _minimize(path: Path, objective: Callable[[Any], float]) -> object:
    return parzen.minimize(objective, SPACE, 30, algorithm="random", seed=1, storage=path, progress=False)


def _save_file(path: Path, objective: Callable[[Any], float]) -> object:
    return parzen.fmin(objective, SPACE, parzen.rand.suggest, 30, rstate=1, trials_save_file=path, verbose=False)


def _fmin_storage(path: Path, objective: Callable[[Any], float]) -> object:
    return parzen.fmin(objective, SPACE, parzen.rand.suggest, 30, rstate=1, storage=path, verbose=False)


DOORS: dict[str, Search] = {"minimize": _minimize, "fmin storage": _fmin_storage, "fmin trials_save_file": _save_file}
doors = pytest.mark.parametrize("door", DOORS)


def _flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes(byte ^ 0xFF for byte in data[at : at + 64]) + data[at + 64 :]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "truncated to 60 %": lambda data: data[: len(data) * 6 // 10],
    "zero bytes long": lambda _: b"",
    "header cut in two": lambda data: data[:50],
    "replaced by text": lambda _: b"Dear diary, today I tuned nothing at all.\n" * 200,
}


def _state(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in sorted(os.listdir(folder))}


@doors
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_an_error_before_the_first_evaluation(damage: str, door: str, tmp_path: Path) -> None:
    """`CorruptLog` that names the file; no evaluation is paid for; the file and its directory are as they were."""
    path = tmp_path / "study.db"
    DOORS[door](path, Counted())
    whole = path.read_bytes()
    path.write_bytes(DAMAGE[damage](whole))
    before, objective = _state(tmp_path), Counted()
    with pytest.raises(CorruptLog) as caught:
        DOORS[door](path, objective)

    assert objective.calls == 0
    assert str(path) in str(caught.value)
    assert _state(tmp_path) == before


CUTS: dict[str, Callable[[bytes], bytes]] = {
    **{
        f"64 bytes flipped at {share} %": lambda data, s=share: _flip(data, len(data) * s // 100)
        for share in range(5, 100, 6)
    },
    "64 bytes flipped near the end": lambda data: _flip(data, len(data) - 200),
    "last 3 bytes cut": lambda data: data[:-3],
}


@doors
@pytest.mark.parametrize("damage", CUTS)
def test_a_file_with_flipped_bytes_is_refused_or_nothing_in_it_is_lost(damage: str, door: str, tmp_path: Path) -> None:
    """Some bytes of a file hold nothing; those apart it is `CorruptLog`, never another number or a lost trial in silence."""
    path = tmp_path / "study.db"
    DOORS[door](path, Counted())
    whole = _content(door, path)
    path.write_bytes(CUTS[damage](path.read_bytes()))
    before, objective = _state(tmp_path), Counted()
    try:
        DOORS[door](path, objective)
    except CorruptLog:
        assert _state(tmp_path) == before
    else:
        assert _content(door, path) == whole
    assert objective.calls == 0


def _content(door: str, path: Path) -> list[Any]:
    if door == "fmin trials_save_file":
        from parzen.hyperopt._pickles import load_trials

        return [(doc["misc"]["vals"], doc["result"]) for doc in load_trials(path)]
    study = Study.load(path, readonly=True)
    trials = [(trial.params, trial.loss) for trial in study.trials]
    study.storage.close()
    return trials


@doors
def test_a_missing_directory_is_an_error_before_the_first_evaluation(door: str, tmp_path: Path) -> None:
    """It names the directory, and does not make it."""
    objective = Counted()
    with pytest.raises(Unavailable, match=r"no_such_folder"):
        DOORS[door](tmp_path / "no_such_folder" / "study.db", objective)

    assert objective.calls == 0
    assert os.listdir(tmp_path) == []


@doors
def test_a_read_only_file_is_an_error_before_the_first_evaluation(door: str, tmp_path: Path) -> None:
    """Also for the superuser, who could write to it: whoever took the permission away meant it."""
    path = tmp_path / "study.db"
    DOORS[door](path, Counted())
    path.chmod(0o444)
    before, objective = _state(tmp_path), Counted()
    with pytest.raises(Unavailable, match="read-only"):
        DOORS[door](path, objective)

    assert objective.calls == 0
    assert _state(tmp_path) == before


def test_a_read_only_study_can_be_looked_at(tmp_path: Path) -> None:
    """`Study.load(readonly=True)` shows it and leaves it as it was."""
    path = tmp_path / "study.db"
    _minimize(path, Counted())
    path.chmod(0o444)
    before = _state(tmp_path)
    study = Study.load(path, readonly=True)

    assert len(study.trials) == 30
    study.storage.close()
    assert _state(tmp_path) == before


@doors
def test_an_objective_that_changes_directory_does_not_move_the_file(
    door: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path means the directory in which the search began."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path)

    def objective(config: dict[str, float]) -> float:
        os.chdir(elsewhere)
        return config["x"]

    DOORS[door](Path("study.db"), objective)
    monkeypatch.chdir(tmp_path)
    again = Counted()
    DOORS[door](Path("study.db"), again)

    assert os.listdir(elsewhere) == []
    assert again.calls == 0


def test_a_study_is_not_written_through_a_file_that_was_replaced(tmp_path: Path) -> None:
    """If somebody moves the file away during a run, the run stops instead of writing to what nobody will find."""
    path = tmp_path / "study.db"

    def objective(config: dict[str, float]) -> float:
        path.rename(tmp_path / "moved.db")
        return config["x"]

    with pytest.raises(Unavailable, match="moved, deleted or replaced"):
        _minimize(path, objective)


# --- a full disk ----------------------------------------------------------------------------------------------------

FULL = """
    import os, sys
    import parzen
    from parzen import hp

    kind = sys.argv[1]
    space = {"x": hp.float("x", -5, 5), "k": hp.categorical("k", ["a", "b", "c"])}
    calls = 0

    def objective(config):
        global calls
        calls += 1
        return {"loss": config["x"] ** 2, "status": "ok", "text": os.urandom(1500).hex()}

    try:
        if kind == "save file":
            parzen.fmin(objective, space, parzen.rand.suggest, 200, rstate=1, trials_save_file="full/s", verbose=False)
        else:
            parzen.minimize(objective, space, 200, algorithm="random", seed=1, storage="full/s", progress=False)
    except parzen.StorageError as error:
        print(calls, type(error).__name__, str(error).replace("\\n", " "))
    else:
        print(calls, "done")
"""

LIMITED = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({0}, resource.RLIM_INFINITY))\n"


def _limited(limit: int) -> str:
    """A file that may not grow past a limit: what a full disk looks like, for everybody and not only the superuser."""
    import textwrap

    return LIMITED.format(limit) + textwrap.dedent(FULL)


@pytest.mark.parametrize("kind", ["study", "save file"])
def test_a_disk_that_fills_during_a_run_loses_nothing_that_was_finished(kind: str, run: Run, tmp_path: Path) -> None:
    """`Unavailable` says so; the file holds all trials but the one that could not be saved, and goes on with room."""
    (tmp_path / "full").mkdir()
    calls, error, text = run(_limited(400_000), kind).stdout.split(" ", 2)
    path = tmp_path / "full" / "s"
    saved = _saved(kind, path)

    assert error == "Unavailable", text
    assert "disk" in text or "File too large" in text
    assert 3 < int(calls) < 200
    assert saved >= int(calls) - 1
    assert not [name for name in os.listdir(path.parent) if name.endswith(".tmp")]

    calls, done = run(FULL, kind).stdout.split()

    assert done == "done"
    assert saved + int(calls) == 200
    assert _saved(kind, path) == 200


@pytest.mark.parametrize("kind", ["study", "save file"])
def test_a_disk_without_any_room_is_found_before_the_first_evaluation(kind: str, run: Run, tmp_path: Path) -> None:
    """No evaluation is paid for, and no half-made file is left behind."""
    (tmp_path / "full").mkdir()
    calls, error, _ = run(_limited(100), kind).stdout.split(" ", 2)

    assert (calls, error) == ("0", "Unavailable")
    assert os.listdir(tmp_path / "full") == []


def test_a_real_file_system_that_fills_loses_nothing_that_was_finished(run: Run, tmp_path: Path) -> None:
    """The same on a small disk of its own, where the write-ahead log has no room either."""
    folder = tmp_path / "full"
    folder.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=600k", "parzen-test", str(folder)], capture_output=True, check=False
    )
    if mount.returncode:
        pytest.skip("only the superuser may mount a small disk")
    try:
        calls, error, _ = run(FULL, "study").stdout.split(" ", 2)
        saved = _saved("study", folder / "s")
    finally:
        subprocess.run(["umount", str(folder)], check=True)

    assert error == "Unavailable"
    assert saved >= int(calls) - 1 > 3


def _saved(kind: str, path: Path) -> int:
    if kind == "save file":
        from parzen.hyperopt._pickles import load_trials

        return len(load_trials(path))
    storage = Study.load(path, readonly=True)
    try:
        return storage.history.count(State.OK)
    finally:
        storage.storage.close()


def test_a_run_that_a_full_disk_ended_goes_on_in_the_same_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a notebook, say: with room again, the trial that could not be saved is evaluated once more, and none is RUNNING."""
    from parzen.storages.sql import SQLStorage

    append, turn, full = SQLStorage.append, SQLStorage.turn, True

    def refused(kinds: Iterable[object]) -> bool:
        return full and len(study.history) == 5 and any(type(k).__name__ in ("Finished", "Released") for k in kinds)

    def broken_append(self: SQLStorage, uid: str, events: Any, token: str) -> int:
        if refused(events):
            raise Unavailable("the disk is full")
        return append(self, uid, events, token)

    def broken_turn(self: SQLStorage, uid: str, after: int, decide: Any, token: str, meanwhile: Any = None) -> int:
        def decided(entries: Any) -> Any:
            events = decide(entries)
            if refused(events):
                raise Unavailable("the disk is full")
            return events

        return turn(self, uid, after, decided, token, meanwhile)

    monkeypatch.setattr(SQLStorage, "append", broken_append)
    monkeypatch.setattr(SQLStorage, "turn", broken_turn)
    path = tmp_path / "study.db"
    study = Study(SPACE, storage=path, algorithm="random", seed=1)
    with pytest.raises(Unavailable):
        study.run(Counted(), 10, progress=False)
    full = False
    result = parzen.minimize(Counted(), SPACE, 10, algorithm="random", storage=path, progress=False)

    assert result.history.count(State.OK) == len(result.trials) == 10


# --- two programs on one file ---------------------------------------------------------------------------------------

PAIR = """
    import os, sys, time
    import parzen
    from parzen import hp

    log = os.open("evaluations", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def objective(config):
        os.write(log, b"%s\\n" % sys.argv[1].encode())
        deadline = time.monotonic() + 20
        # Wait until the other program has begun as well, so that both are at work at the same time.
        while len(set(open("evaluations").read().split())) < 2 and time.monotonic() < deadline:
            time.sleep(0.005)
        return config["x"]

    space = {"x": hp.float("x", 0, 1), "k": hp.categorical("k", ["a", "b", "c"])}
    result = parzen.minimize(objective, space, 60, algorithm="random", storage="study.db", progress=False)
    print(result.stopped_by)
"""


def test_two_programs_on_one_file_share_the_work(start: Callable[..., Any], tmp_path: Path) -> None:
    """Both make progress, the total is exact, every evaluation is recorded once."""
    programs = [start(PAIR, name) for name in ("left", "right")]
    for one in programs:
        output, errors = one.communicate(timeout=60)

        assert one.returncode == 0, errors
        assert output == "trials\n"
    lines = (tmp_path / "evaluations").read_text().split()
    trials = list(Study.load(tmp_path / "study.db", readonly=True).trials)

    assert len(lines) == len(trials) == 60
    assert {"left", "right"} == set(lines)
    assert all(trial.state is State.OK and trial.attempt == 1 for trial in trials)
    assert len({trial.params["x"] for trial in trials}) == 60


SAVERS = """
    import sys, time
    import parzen
    from parzen import hp

    def objective(x):
        print("begun", flush=True)
        if sys.argv[1] == "first":
            sys.stdin.readline()
        return x

    parzen.fmin(
        objective, hp.uniform("x", 0, 1), parzen.rand.suggest, 3, trials_save_file="trials.pkl", verbose=False
    )
"""


def test_a_second_program_on_one_save_file_is_refused_before_the_first_evaluation(
    program: Callable[..., list[str]], environment: dict[str, str], run: Run, tmp_path: Path
) -> None:
    """Each would overwrite what the other has found; the first one goes on, and when it is killed the next may begin."""
    first = subprocess.Popen(
        program(SAVERS, "first"),
        env=environment,
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert first.stdin is not None
    assert first.stdout is not None
    try:
        first.stdout.readline()
        second = run(SAVERS, "second", expect=1)

        assert "another process is saving to" in second.stderr
        assert "storage=" in second.stderr
        assert "begun" not in second.stdout
        first.stdin.write("\n")
        first.stdin.flush()
        first.stdout.readline()
    finally:
        first.kill()
        first.communicate()
    third = run(SAVERS, "third")

    assert third.stdout.count("begun") == 2
    assert [name for name in os.listdir(tmp_path) if name.startswith("trials")] == ["trials.pkl"]


def test_a_storage_error_is_one_class_for_all_of_it() -> None:
    """Whoever wants to catch all of the above catches one thing."""
    assert issubclass(CorruptLog, StorageError)
    assert issubclass(Unavailable, StorageError)
    assert issubclass(Unavailable, OSError)
