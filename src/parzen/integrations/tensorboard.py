"""Trials in TensorBoard (pip install 'parzen[tensorboard]'): a run for each, in folders beneath one of the study.

Each trial's folder has its reports as curves, its loss, and what the tab HPARAMS makes its table and parallel coordinates
of.  Only `tensorboard` itself is needed, neither TensorFlow nor PyTorch.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import uuid
from typing import Any

import numpy as np

from parzen._lazy import require
from parzen.integrations._tracking import Tracker, numbers_of, params_of
from parzen.study import Study
from parzen.trials import State, Trial

__all__ = ["TensorBoardTracker"]

_NEEDS = '"parzen[tensorboard]"'
_WHOSE = "parzen-study.txt"
"""File in a study's folder with its uid: names are given again, in other files and in other programs."""


class TensorBoardTracker(Tracker):
    """A callback that writes each trial as a run of TensorBoard.

        minimize(train, space, 100, callbacks=[TensorBoardTracker("runs")])
        tensorboard --logdir runs

    Args:
        folder: of all studies; each has a folder of its name in it, or of its name and a number, where the name is taken
            by another study.

    Raises:
        MissingDependency: TensorBoard is not installed.
    """

    def __init__(self, folder: str | os.PathLike[str] = "runs") -> None:
        super().__init__()
        self.folder = os.path.abspath(folder)
        self._tensorboard: Any = require("tensorboard.summary", _NEEDS)
        self._hparams: Any = require("tensorboard.plugins.hparams.summary_v2", _NEEDS)

    def begin(self, study: Study) -> None:
        """Say which parameters and metrics there are, for the tab HPARAMS."""
        hp, space = self._hparams, study.space
        self._home = _home(
            os.path.join(self.folder, re.sub(r"[^\w.\- ]", "_", study.name) or "study"), study.header.uid
        )
        hparams = [hp.HParam(label) for label in space.labels]
        metrics = [hp.Metric(study.history.objectives[0]), hp.Metric("seconds")]
        self._write(
            self._home,
            hp.hparams_config_pb(hparams, metrics, time_created_secs=study.header.created),
            study.header.created,
        )

    def record(self, study: Study, trial: Trial) -> None:
        """One folder: parameters, reports, numbers, and how it ended."""
        home = os.path.join(self._home, f"{trial.number:05d}")
        if os.path.isdir(home):  # an earlier run of the program has told of it
            return
        hp, objective = self._hparams, study.history.objectives[0]
        begun, ended = trial.started or study.header.created, trial.finished or study.header.created
        title = f"{os.path.basename(self._home)}/{trial.number:05d}"
        self._write(home, hp.hparams_pb(params_of(trial), trial_id=title, start_time_secs=begun), begun)
        writer = self._tensorboard.Writer(home)
        for report in trial.reports:
            for name, value in report.metrics.items():
                writer.add_scalar(f"reported/{name}", np.float32(value), int(report.step), wall_time=ended)
        for name, value in numbers_of(trial, objective).items():
            writer.add_scalar(name, np.float32(value), trial.number, wall_time=ended)
        writer.close()
        self._write(home, self._end_of(trial, ended), ended)

    def _end_of(self, trial: Trial, ended: float) -> Any:  # a protocol buffer
        """What says that a session is over, and how."""
        api: Any = require("tensorboard.plugins.hparams.api_pb2", _NEEDS)
        plugin: Any = require("tensorboard.plugins.hparams.plugin_data_pb2", _NEEDS)
        summary: Any = require("tensorboard.compat.proto.summary_pb2", _NEEDS)
        metadata: Any = require("tensorboard.plugins.hparams.metadata", _NEEDS)
        status = api.STATUS_SUCCESS if trial.state in (State.OK, State.PRUNED) else api.STATUS_FAILURE
        data = plugin.HParamsPluginData(session_end_info=plugin.SessionEndInfo(status=status, end_time_secs=ended))
        return summary.Summary(
            value=[
                summary.Summary.Value(
                    tag=metadata.SESSION_END_INFO_TAG,
                    metadata=metadata.create_summary_metadata(data),
                    tensor=metadata.NULL_TENSOR,
                )
            ]
        )

    def _write(self, folder: str, summary: Any, at: float) -> None:
        """A protocol buffer as an event of its own, which the writer of scalars does not take."""
        event_pb2: Any = require("tensorboard.compat.proto.event_pb2", _NEEDS)
        writer: Any = require("tensorboard.summary.writer.event_file_writer", _NEEDS).EventFileWriter(folder)
        message: Any = require("tensorboard.compat.proto.summary_pb2", _NEEDS).Summary()
        message.ParseFromString(summary if isinstance(summary, bytes) else summary.SerializeToString())
        writer.add_event(event_pb2.Event(wall_time=at, summary=message))
        writer.close()


def _home(wanted: str, uid: str) -> str:
    """The folder of a study: the wanted one, or the first with a number behind it that no other study has."""
    for folder in itertools.chain([wanted], (f"{wanted}-{n}" for n in itertools.count(2))):
        if _taken(folder, uid) or _owner(folder) == uid:
            return folder
    raise AssertionError("numbers do not end")


def _owner(folder: str) -> str | None:
    """The uid of the study that a folder belongs to; None where there is no such folder, or it says nothing of one."""
    try:
        with open(os.path.join(folder, _WHOSE), encoding="utf-8") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _taken(folder: str, uid: str) -> bool:
    """Whether a folder that nobody had is the study's from now on.

    It comes into being with its owner in it: one that is made first and written to then would be taken for somebody else's
    by another process of the same study that looks in between.
    """
    if os.path.lexists(folder) and (not os.path.isdir(folder) or os.listdir(folder)):
        return False
    made = f"{folder}.{uuid.uuid4().hex}"
    os.makedirs(made)
    try:
        with open(os.path.join(made, _WHOSE), "w", encoding="utf-8") as file:
            file.write(uid)
        os.rename(made, folder)  # only in the place of nothing or, but for Windows, of an empty folder
    except OSError:
        shutil.rmtree(made, ignore_errors=True)
        if not os.path.lexists(folder):
            raise
        return False
    return True
