"""Trials in Weights & Biases (pip install 'parzen[wandb]'): a run for each, in a group of the study.

Offline unless told otherwise: runs are written to a folder, and `wandb sync` sends them when somebody wants that.
"""

from __future__ import annotations

import os
from typing import Any

from parzen._lazy import require
from parzen.integrations._tracking import Tracker, numbers_of, params_of
from parzen.study import Study
from parzen.trials import State, Trial

__all__ = ["WandbTracker"]


class WandbTracker(Tracker):
    """A callback that records each trial as a run of Weights & Biases, in a group with the study's name.

        minimize(train, space, 100, callbacks=[WandbTracker("digits")])

    Args:
        project: its name.
        mode: "offline" writes to `folder` and sends nothing; "online" sends; "disabled" does neither.
        folder: that offline runs are written to, in a folder `wandb` beneath.
        settings: further keyword arguments of `wandb.init`.

    Raises:
        MissingDependency: wandb is not installed.
    """

    def __init__(
        self, project: str = "parzen", *, mode: str = "offline", folder: str | os.PathLike[str] = ".", **settings: Any
    ) -> None:
        super().__init__()
        self.project, self.mode, self.folder = project, mode, os.path.abspath(folder)
        self._settings = settings
        self._wandb: Any = require("wandb", '"parzen[wandb]"')
        # What it would print for each trial is in its own files; what the objective prints is not its to take.
        self._settings.setdefault("settings", self._wandb.Settings(silent=True, console="off"))

    def record(self, study: Study, trial: Trial) -> None:
        """One run: parameters as its config, reports as its history, numbers and the state as its summary."""
        os.makedirs(self.folder, exist_ok=True)
        objective = study.history.objectives[0]
        run = self._wandb.init(
            project=self.project,
            group=study.name,
            name=f"{study.name} {trial.number}",
            # The same for a trial that is told again, so that a server has it once.
            id=f"{study.header.uid}-{trial.number}",
            job_type="trial",
            dir=self.folder,
            mode=self.mode,
            config=params_of(trial),
            tags=[trial.state.name],
            reinit="create_new",
            **self._settings,
        )
        for report in trial.reports:
            told = {f"reported/{name}": float(value) for name, value in report.metrics.items()}
            run.log({"step": report.step, **told})
        run.summary.update({**numbers_of(trial, objective), "state": trial.state.name, "trial": trial.number})
        if trial.error is not None:
            run.summary["error"] = str(trial.error)[:2000]
        run.finish(exit_code=0 if trial.state in (State.OK, State.PRUNED) else 1)
