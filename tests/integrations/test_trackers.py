"""Trackers of experiments, with the real packages: `.ci/full trackers` has them; a clone without them skips."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from parzen import Study, hp
from parzen.integrations import Tracker

# What these packages do when they are imported is theirs.
pytestmark = pytest.mark.filterwarnings("ignore")

SPACE = {
    "lr": hp.float("lr", 1e-4, 1, log=True),
    "opt": hp.categorical("opt", ["adam", "sgd"]),
    "m": hp.choice("m", [{"kind": "svm", "C": hp.float("C", 1, 2)}, {"kind": "tree"}]),
}


def objective(config: Any, evaluation: Any) -> Any:
    for step in (1, 2):
        evaluation.report(step, config["lr"] + 1 / step)
    if config["lr"] > 0.5 or evaluation.number == 1:
        raise ValueError("too fast")
    return {"loss": config["lr"], "accuracy": 1 - config["lr"]}


def _study(**settings: Any) -> Study:
    return Study(SPACE, name="digits", seed=3, algorithm="random", **settings)


def _run(study: Study, trials: int, tracker: Tracker) -> Study:
    study.run(objective, trials, catch=True, progress=False, callbacks=[tracker])
    return study


class Kept(Tracker):
    """Writes down what it is told."""

    def __init__(self, fault: bool = False) -> None:
        super().__init__()
        self.heard: list[Any] = []
        self.fault = fault

    def begin(self, study: Study) -> None:
        self.heard.append("begin")

    def record(self, study: Study, trial: Any) -> None:
        if self.fault:
            raise OSError("no such server")
        self.heard.append(trial.number)

    def end(self) -> None:
        self.heard.append("end")


def test_a_tracker_hears_of_every_trial_once() -> None:
    """Those that ended before it came, too; when the budget is used up it is told, and begins again for more."""
    study = _study()
    study.run(objective, 2, catch=True, progress=False)
    tracker = Kept()
    _run(study, 4, tracker)
    _run(study, 5, tracker)

    assert tracker.heard == ["begin", 0, 1, 2, 3, "end", "begin", 4, "end"]


def test_a_tracker_that_fails_does_not_end_the_search() -> None:
    """It is said once, and the tracker is left alone."""
    tracker = Kept(fault=True)
    with pytest.warns(UserWarning, match="no such server") as said:
        study = _run(_study(), 4, tracker)

    assert study.history.finished == 4
    assert len(said) == 1


def test_mlflow_has_a_run_for_each_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beneath the run of the study, which is found again by the next process."""
    mlflow: Any = pytest.importorskip("mlflow", reason="needs the package mlflow")
    from parzen.integrations import MLflowTracker

    monkeypatch.chdir(tmp_path)
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    study = _study(storage=tmp_path / "s.db")
    _run(study, 4, MLflowTracker("digits", client))
    with MLflowTracker("digits", client) as tracker:
        _run(study, 6, tracker)
    experiment = client.get_experiment_by_name("digits").experiment_id
    runs = client.search_runs([experiment])
    parents = [run for run in runs if "parzen.study" in run.data.tags]
    trials = sorted((r for r in runs if "parzen.trial" in r.data.tags), key=lambda r: int(r.data.tags["parzen.trial"]))

    assert len(parents) == 1
    assert (parents[0].info.run_name, parents[0].info.status) == ("digits", "FINISHED")
    assert [int(run.data.tags["parzen.trial"]) for run in trials] == list(range(6))
    assert {run.data.tags["mlflow.parentRunId"] for run in trials} == {parents[0].info.run_id}
    for run, trial in zip(trials, study.trials, strict=True):
        assert run.info.status == ("FAILED" if trial.error is not None else "FINISHED")
        assert float(run.data.params["lr"]) == trial.params["lr"]
        assert run.data.params["m"] == trial.config["m"]["kind"]
        assert run.data.metrics.get("loss") == trial.loss
        curve = client.get_metric_history(run.info.run_id, "reported_loss")
        assert [(point.step, point.value) for point in curve] == [(r.step, r.metrics["loss"]) for r in trial.reports]
    assert parents[0].data.metrics["best"] == study.best.loss


def test_tensorboard_reads_what_was_written(tmp_path: Path) -> None:
    """Its own reader: parameters, curves, numbers, how each trial ended; no trial twice."""
    pytest.importorskip("tensorboard", reason="needs the package tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2

    from parzen.integrations import TensorBoardTracker

    study = _study(storage=tmp_path / "s.db")
    _run(study, 4, TensorBoardTracker(tmp_path / "runs"))
    _run(study, 5, TensorBoardTracker(tmp_path / "runs"))
    home = tmp_path / "runs" / "digits"
    assert sorted(path.name for path in home.iterdir() if path.is_dir()) == [f"{i:05d}" for i in range(5)]
    for trial in study.trials:
        read = EventAccumulator(str(home / f"{trial.number:05d}"))
        read.Reload()
        data = read.summary_metadata
        told = {
            tag: plugin_data_pb2.HParamsPluginData.FromString(m.plugin_data.content)
            for tag, m in data.items()
            if m.plugin_data.plugin_name == "hparams"
        }
        begun = told["_hparams_/session_start_info"].session_start_info
        ended = told["_hparams_/session_end_info"].session_end_info

        assert begun.hparams["lr"].number_value == trial.params["lr"]
        assert begun.hparams["opt"].string_value == trial.params["opt"]
        assert ended.status == (api_pb2.STATUS_FAILURE if trial.error is not None else api_pb2.STATUS_SUCCESS)
        curve = [(int(e.step), e.tensor_proto.float_val[0]) for e in read.Tensors("reported/loss")]
        assert [step for step, _ in curve] == [1, 2]
        assert [x for _, x in curve] == pytest.approx([r.metrics["loss"] for r in trial.reports], rel=1e-6)
        if trial.loss is not None:
            assert read.Tensors("loss")[0].tensor_proto.float_val[0] == pytest.approx(trial.loss, rel=1e-6)
            assert "accuracy" in read.Tags()["tensors"]


def test_tensorboard_keeps_studies_of_one_name_apart(tmp_path: Path) -> None:
    """A folder is its study's, and of another one with the same name there are all trials too."""
    pytest.importorskip("tensorboard", reason="needs the package tensorboard")
    from parzen.integrations import TensorBoardTracker

    first, second = _study(storage=tmp_path / "a.db"), _study(storage=tmp_path / "b.db")
    for study, trials in ((first, 2), (second, 3), (first, 4)):
        _run(study, trials, TensorBoardTracker(tmp_path / "runs"))

    folders = {home.name: sum(path.is_dir() for path in home.iterdir()) for home in (tmp_path / "runs").iterdir()}
    assert folders == {"digits": 4, "digits-2": 3}


def test_processes_of_one_study_have_one_folder_in_tensorboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where one looks while another is about to write whose it is."""
    from parzen.integrations import tensorboard

    wanted, found = str(tmp_path / "study"), []

    def meanwhile(path: str, mode: str = "r", **given: Any) -> Any:
        file = open(path, mode, **given)  # noqa: SIM115  # whoever asked closes it
        if mode != "r" and not found:
            found.append("")
            found.append(tensorboard._home(wanted, "uid"))
        return file

    monkeypatch.setattr(tensorboard, "open", meanwhile, raising=False)
    found.append(tensorboard._home(wanted, "uid"))

    assert found == ["", wanted, wanted]
    assert [path.name for path in tmp_path.iterdir()] == ["study"]


def test_wandb_writes_offline_runs(tmp_path: Path) -> None:
    """One for each trial, that `wandb sync` would send; nothing is sent."""
    pytest.importorskip("wandb", reason="needs the package wandb")
    program = f"""
import socket, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
real = socket.socket.connect
def only_here(self, address):
    if self.family != socket.AF_UNIX:
        assert address[0] in ("127.0.0.1", "localhost", "::1"), address
    return real(self, address)
socket.socket.connect = only_here
from test_trackers import _run, _study
from parzen.integrations import WandbTracker
_run(_study(), 3, WandbTracker("digits", folder={str(tmp_path)!r}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, timeout=150)
    assert done.returncode == 0, done.stderr
    runs = sorted((tmp_path / "wandb").glob("offline-run-*"))
    assert len(runs) == 3
    assert [len(list(run.glob("*.wandb"))) for run in runs] == [1, 1, 1]
    assert {run.name.rsplit("-", 1)[1] for run in runs} == {"0", "1", "2"}
    assert _records(next(runs[0].glob("*.wandb"))) >= {"run", "history", "summary", "exit"}


def _records(path: Path) -> set[str]:
    """Kinds of what an offline run holds: messages in LevelDB's log format, behind a head of seven bytes."""
    from wandb.proto import wandb_internal_pb2

    data, at, whole, kinds = path.read_bytes(), 7, b"", set()
    assert data[:4] == b":W&B"
    while at + 7 <= len(data):
        room = 32768 - at % 32768
        if room < 7:  # a block's end that has no room for a head
            at += room
            continue
        size, part = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
        whole += data[at + 7 : at + 7 + size]
        at += 7 + size
        if part in (1, 4):  # all of a message, or its last part
            kinds.add(wandb_internal_pb2.Record.FromString(whole).WhichOneof("record_type"))
            whole = b""
    return kinds


@pytest.mark.parametrize(
    ("name", "package"),
    [("MLflowTracker", "mlflow"), ("TensorBoardTracker", "tensorboard"), ("WandbTracker", "wandb")],
)
def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, name: str, package: str) -> None:
    """When the tracker is made, before anything is evaluated."""
    import parzen.integrations
    from parzen.errors import MissingDependency

    for module in [m for m in sys.modules if m == package or m.startswith(f"{package}.")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(MissingDependency, match=f"parzen.{package}"):
        getattr(parzen.integrations, name)()
