"""Trials in MLflow (pip install 'parzen[mlflow]'): the study is a run, each trial a run within it.

What is told goes where MLflow's own settings say (`mlflow.set_tracking_uri`, `MLFLOW_TRACKING_URI`); nothing is set here.
"""

from __future__ import annotations

from typing import Any

from parzen._lazy import require
from parzen.integrations._tracking import Tracker, numbers_of, params_of
from parzen.study import Study
from parzen.trials import State, Trial

__all__ = ["MLflowTracker"]

_TAG, _NUMBER = "parzen.study", "parzen.trial"
_CHUNK = 90
"""Parameters in one request; MLflow takes a hundred."""


class MLflowTracker(Tracker):
    """A callback that records each trial as a run of MLflow, beneath one of the study.

        minimize(train, space, 100, callbacks=[MLflowTracker("digits")])

    A study that is gone on with goes on in its run, and no trial is recorded twice.

    Args:
        experiment: its name; None is MLflow's current one.
        client: an `mlflow.MlflowClient`; None makes one.

    Raises:
        MissingDependency: MLflow is not installed.
    """

    def __init__(self, experiment: str | None = None, client: Any = None) -> None:
        super().__init__()
        self.experiment = experiment
        self._mlflow: Any = require("mlflow", '"parzen[mlflow]"')
        self._client: Any = client if client is not None else self._mlflow.MlflowClient()
        self._parent: str | None = None

    def begin(self, study: Study) -> None:
        """Find the run of the study, or make it."""
        self._id = self._experiment_id()
        found = self._client.search_runs([self._id], f"tags.`{_TAG}` = '{study.header.uid}'", max_results=1)
        if found:
            self._parent = found[0].info.run_id
            self._client.update_run(self._parent, status="RUNNING")
            before: Any = None
            while before is None or before.token:
                kept = f"tags.`mlflow.parentRunId` = '{self._parent}'"
                before = self._client.search_runs([self._id], kept, page_token=before.token if before else None)
                known = {int(run.data.tags[_NUMBER]) for run in before if _NUMBER in run.data.tags}
                self._told |= {number for number in known if number >= self._first}
            return
        tags = {_TAG: study.header.uid, "mlflow.runName": study.name, "parzen.location": study.location}
        run = self._client.create_run(self._id, start_time=int(study.header.created * 1000), tags=tags)
        self._parent = run.info.run_id
        self._client.log_param(self._parent, "direction", study.header.metrics[study.header.objectives[0]])
        self._client.log_param(self._parent, "seed", study.header.seed)

    def _experiment_id(self) -> str:
        if self.experiment is None:
            found: str = self._mlflow.tracking.fluent._get_experiment_id()
            return found
        known = self._client.get_experiment_by_name(self.experiment)
        made: str = known.experiment_id if known is not None else self._client.create_experiment(self.experiment)
        return made

    def record(self, study: Study, trial: Trial) -> None:
        """One run: parameters, reports as a metric over steps, numbers, and how it ended."""
        entities: Any = self._mlflow.entities
        begun = int((trial.started or study.header.created) * 1000)
        ended = int((trial.finished or study.header.created) * 1000)
        tags = {
            "mlflow.parentRunId": self._parent,
            "mlflow.runName": f"trial {trial.number}",
            _NUMBER: str(trial.number),
            "parzen.state": trial.state.name,
            "parzen.source": trial.source,
        }
        if trial.error is not None:
            tags["parzen.error"] = str(trial.error)[:5000]
        run = self._client.create_run(self._id, start_time=begun, tags=tags).info.run_id
        params = [entities.Param(label, str(value)[:6000]) for label, value in params_of(trial).items()]
        for start in range(0, len(params), _CHUNK):
            self._client.log_batch(run, params=params[start : start + _CHUNK])
        metrics = [
            entities.Metric(f"reported_{name}", float(value), ended, int(report.step))
            for report in trial.reports
            for name, value in report.metrics.items()
        ]
        metrics += [
            entities.Metric(name, x, ended, 0) for name, x in numbers_of(trial, study.history.objectives[0]).items()
        ]
        for start in range(0, len(metrics), _CHUNK):
            self._client.log_batch(run, metrics=metrics[start : start + _CHUNK])
        status = "FINISHED" if trial.state is State.OK else "KILLED" if trial.state is State.PRUNED else "FAILED"
        self._client.set_terminated(run, status, end_time=ended)
        best = study.history.best
        if best is not None and best.number == trial.number and best.loss is not None:
            self._client.log_metric(self._parent, "best", best.loss, timestamp=ended, step=trial.number)

    def end(self) -> None:
        """The study's run is over."""
        if self._parent is not None:
            self._client.set_terminated(self._parent)
            self._parent = None
