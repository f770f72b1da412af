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
    from parzen import algorithms, analysis, errors, hp, plots, pruners, stopping
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
        Ctrl,
        Domain,
        FMinIter,
        SparkTrials,
        Trials,
        algobase,
        anneal,
        atpe,
        base,
        criteria,
        early_stop,
        exceptions,
        fmin_pass_expr_memo_ctrl,
        graph_viz,
        mix,
        partial,
        plotting,
        progress,
        pyll,
        pyll_utils,
        rand,
        rdists,
        space_eval,
        spark,
        std_out_err_redirect_tqdm,
        tpe,
        trials_from_docs,
        utils,
        vectorize,
    )
    from parzen.hyperopt import (
        ipy as ipy,
    )
    from parzen.hyperopt import (
        mongoexp as mongoexp,
    )
    from parzen.hyperopt import (
        sklearn as sklearn,
    )
    from parzen.hyperopt._alias import install_as_hyperopt
    from parzen.hyperopt._pickles import load_trials
    from parzen.hyperopt.fmin import fmin
    from parzen.run import Evaluation
    from parzen.space import Space
    from parzen.study import Result, Study, minimize
    from parzen.trials import History, State, Trial

__version__ = "0.1.0"

# Written out once for people and type checkers above, and once for the loader here; a test holds them together.
_DOOR = (
    "Ctrl Domain FMinIter JOB_STATES JOB_STATE_DONE JOB_STATE_ERROR JOB_STATE_NEW JOB_STATE_RUNNING STATUS_FAIL STATUS_NEW "
    "STATUS_OK STATUS_RUNNING STATUS_STRINGS STATUS_SUSPENDED SparkTrials Trials fmin fmin_pass_expr_memo_ctrl load_trials partial "
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
    **{name: f"parzen.{name}:" for name in ("algorithms", "analysis", "errors", "hp", "plots", "pruners", "stopping")},
    # The old door's.
    **dict.fromkeys(_DOOR, "parzen.hyperopt"),
    **{name: f"parzen.hyperopt.{name}:" for name in _DOOR_MODULES},
}

# Less the modules that need packages which may be absent, or would hide the package of their own name from `import *`.
__all__ = [
    "Ctrl",
    "Domain",
    "Evaluation",
    "FMinIter",
    "History",
    "JOB_STATES",
    "JOB_STATE_DONE",
    "JOB_STATE_ERROR",
    "JOB_STATE_NEW",
    "JOB_STATE_RUNNING",
    "ParzenError",
    "Result",
    "STATUS_FAIL",
    "STATUS_NEW",
    "STATUS_OK",
    "STATUS_RUNNING",
    "STATUS_STRINGS",
    "STATUS_SUSPENDED",
    "Space",
    "SpaceError",
    "SparkTrials",
    "State",
    "StopStudy",
    "StorageError",
    "Study",
    "Trial",
    "TrialPruned",
    "Trials",
    "algobase",
    "algorithms",
    "analysis",
    "anneal",
    "atpe",
    "base",
    "criteria",
    "early_stop",
    "errors",
    "exceptions",
    "fmin",
    "fmin_pass_expr_memo_ctrl",
    "graph_viz",
    "hp",
    "install_as_hyperopt",
    "load_trials",
    "minimize",
    "mix",
    "partial",
    "plots",
    "plotting",
    "progress",
    "pruners",
    "pyll",
    "pyll_utils",
    "rand",
    "rdists",
    "space_eval",
    "spark",
    "std_out_err_redirect_tqdm",
    "stopping",
    "tpe",
    "trials_from_docs",
    "utils",
    "vectorize",
]

__getattr__, _names = lazy_attributes(__name__, _HOMES)


def __dir__() -> list[str]:
    return [*_names(), "__version__"]
