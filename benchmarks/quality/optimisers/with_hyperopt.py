"""Hyperopt: the calls that `fmin` makes, one by one.

Conditions are nested choices.  A failure is a document with status "fail", which TPE passes over.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from benchmarks.quality import spaces
from benchmarks.quality.optimisers._search import Search, Setup
from benchmarks.quality.spaces import Config

__all__ = ["HyperoptTPE"]


class HyperoptTPE(Search):
    """`hyperopt.tpe.suggest`."""

    def __init__(self, setup: Setup) -> None:
        import hyperopt
        from hyperopt.base import Domain

        super().__init__()
        self._hyperopt, self._params = hyperopt, setup.params
        # Evaluating the domain hands back what an objective would get; the loss follows later.
        self._domain = Domain(
            lambda raw: {"status": "ok", "loss": 0.0, "raw": raw}, spaces.hyperopt_space(setup.params)
        )
        self._trials, self._rng = hyperopt.Trials(), np.random.default_rng(setup.seed)

    def ask(self) -> Config:
        tids = self._trials.new_trial_ids(1)
        self._trials.refresh()
        seed = int(self._rng.integers(2**31 - 1))
        self._trials.insert_trial_docs(self._hyperopt.tpe.suggest(tids, self._domain, self._trials, seed))
        self._trials.refresh()
        document = self._trials._dynamic_trials[-1]
        document["state"] = self._hyperopt.JOB_STATE_RUNNING
        chosen = self._hyperopt.base.spec_from_misc(document["misc"])
        raw: Any = self._domain.evaluate(chosen, None, attach_attachments=False)["raw"]
        return spaces.settle(self._params, raw)

    def record(self, number: int, loss: float) -> None:
        document = self._trials._dynamic_trials[number]
        if math.isfinite(loss):
            document["result"] = {"status": self._hyperopt.STATUS_OK, "loss": loss}
        else:
            document["result"] = {"status": self._hyperopt.STATUS_FAIL}
        document["state"] = self._hyperopt.JOB_STATE_DONE
        self._trials.refresh()
