"""parzen: hyperparameter search that people can watch, stop, resume and trust.

    import parzen
    from parzen import hp

    result = parzen.minimize(objective, {"lr": hp.float("lr", 1e-5, 1e-1, log=True)}, trials=100)
    print(result.best.config)

Programs written for Hyperopt run with `import parzen as hyperopt`.  Names load when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from parzen._lazy import lazy_attributes

if TYPE_CHECKING:
    from parzen import algorithms, errors, hp, stopping
    from parzen.errors import ParzenError, SpaceError, StopStudy, StorageError, TrialPruned
    from parzen.hyperopt import (
        JOB_STATE_DONE,
        JOB_STATE_ERROR,
        JOB_STATE_NEW,
        JOB_STATE_RUNNING,
        JOB_STATES,
        STATUS_FAIL,
        STATUS_NEW,
        STATUS_OK,
        STATUS_RUNNING,
        STATUS_STRINGS,
        STATUS_SUSPENDED,
        Trials,
        base,
        early_stop,
        exceptions,
        pyll,
        rand,
        tpe,
        trials_from_docs,
    )
    from parzen.hyperopt._alias import install_as_hyperopt
    from parzen.hyperopt.fmin import fmin, space_eval
    from parzen.run import Evaluation
    from parzen.space import Space
    from parzen.study import Result, Study, minimize
    from parzen.trials import History, State, Trial

__version__ = "0.1.0"

# Written out once for people and type checkers above, and once for the loader here; a test holds them together.
_DOOR = (
    "Ctrl Domain FMinIter JOB_STATES JOB_STATE_DONE JOB_STATE_ERROR JOB_STATE_NEW JOB_STATE_RUNNING STATUS_FAIL STATUS_NEW "
    "STATUS_OK STATUS_RUNNING STATUS_STRINGS STATUS_SUSPENDED SparkTrials Trials fmin fmin_pass_expr_memo_ctrl partial "
    "space_eval trials_from_docs"
).split()
_DOOR_MODULES = (
    "algobase anneal atpe base criteria early_stop exceptions graph_viz ipy mix mongoexp plotting progress pyll pyll_utils "
    "rand rdists sklearn spark std_out_err_redirect_tqdm tpe utils vectorize"
).split()
_HOMES = {
    "Evaluation": "parzen.run",
    "History": "parzen.trials",
    "ParzenError": "parzen.errors",
    "Result": "parzen.study",
    "Space": "parzen.space",
    "SpaceError": "parzen.errors",
    "State": "parzen.trials",
    "StopStudy": "parzen.errors",
    "StorageError": "parzen.errors",
    "Study": "parzen.study",
    "Trial": "parzen.trials",
    "TrialPruned": "parzen.errors",
    "install_as_hyperopt": "parzen.hyperopt._alias",
    "minimize": "parzen.study",
    **{name: f"parzen.{name}:" for name in ("algorithms", "errors", "hp", "stopping")},
    # The old door's.
    **dict.fromkeys(_DOOR, "parzen.hyperopt"),
    **{name: f"parzen.hyperopt.{name}:" for name in _DOOR_MODULES},
}

__all__ = [
    "JOB_STATES",
    "JOB_STATE_DONE",
    "JOB_STATE_ERROR",
    "JOB_STATE_NEW",
    "JOB_STATE_RUNNING",
    "STATUS_FAIL",
    "STATUS_NEW",
    "STATUS_OK",
    "STATUS_RUNNING",
    "STATUS_STRINGS",
    "STATUS_SUSPENDED",
    "Evaluation",
    "History",
    "ParzenError",
    "Result",
    "Space",
    "SpaceError",
    "State",
    "StopStudy",
    "StorageError",
    "Study",
    "Trial",
    "TrialPruned",
    "Trials",
    "algorithms",
    "base",
    "early_stop",
    "errors",
    "exceptions",
    "fmin",
    "hp",
    "install_as_hyperopt",
    "minimize",
    "pyll",
    "rand",
    "space_eval",
    "stopping",
    "tpe",
    "trials_from_docs",
]

__getattr__, _names = lazy_attributes(__name__, _HOMES)


def __dir__() -> list[str]:
    return [*_names(), "__version__"]
