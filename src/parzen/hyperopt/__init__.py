"""The old door: the names of Hyperopt, over parzen's core.

`base` keeps trial documents, `fmin` drives a study and writes them, `_documents` turns one into the other, `_attachments`
keeps what belongs to a document in a storage.  `_alias` puts all of this under the name `hyperopt`.

`fmin` loads with the door, everything else when it is touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from parzen._lazy import lazy_attributes

# At once, and after its module: importlib calls the module `fmin` here as soon as it is loaded, and the name means the function.
from parzen.hyperopt.fmin import fmin

if TYPE_CHECKING:
    from parzen.hyperopt import (
        algobase,
        anneal,
        atpe,
        base,
        criteria,
        early_stop,
        exceptions,
        graph_viz,
        hp,
        mix,
        plotting,
        progress,
        pyll,
        pyll_utils,
        rand,
        rdists,
        spark,
        std_out_err_redirect_tqdm,
        tpe,
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
    from parzen.hyperopt._pickles import load_trials
    from parzen.hyperopt.base import (
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
        Trials,
        trials_from_docs,
    )
    from parzen.hyperopt.fmin import FMinIter, fmin_pass_expr_memo_ctrl, partial, space_eval
    from parzen.hyperopt.spark import SparkTrials

# What `importlib.metadata.version("hyperopt")` says: the Hyperopt whose names and behaviour these are.
__version__ = "0.3.0"

_OF_BASE = (
    "Ctrl Domain JOB_STATES JOB_STATE_DONE JOB_STATE_ERROR JOB_STATE_NEW JOB_STATE_RUNNING STATUS_FAIL STATUS_NEW "
    "STATUS_OK STATUS_RUNNING STATUS_STRINGS STATUS_SUSPENDED Trials trials_from_docs"
).split()
_OF_FMIN = "FMinIter fmin_pass_expr_memo_ctrl partial space_eval".split()
_MODULES = (
    "algobase anneal atpe base criteria early_stop exceptions graph_viz hp mix plotting progress pyll pyll_utils rand "
    "rdists spark std_out_err_redirect_tqdm tpe utils vectorize"
).split()
# These are not part of `import *`: they need packages that may be absent, or would hide the package of their own name.
_BY_NAME_ONLY = "ipy mongoexp sklearn".split()
_HOMES = {
    **dict.fromkeys(_OF_BASE, f"{__name__}.base"),
    **dict.fromkeys(_OF_FMIN, f"{__name__}.fmin"),
    "load_trials": f"{__name__}._pickles",
    "SparkTrials": f"{__name__}.spark",
    **{name: f"{__name__}.{name}:" for name in (*_MODULES, *_BY_NAME_ONLY)},
}

__all__ = [
    "Ctrl",
    "Domain",
    "FMinIter",
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
    "SparkTrials",
    "Trials",
    "algobase",
    "anneal",
    "atpe",
    "base",
    "criteria",
    "early_stop",
    "exceptions",
    "fmin",
    "fmin_pass_expr_memo_ctrl",
    "graph_viz",
    "hp",
    "load_trials",
    "mix",
    "partial",
    "plotting",
    "progress",
    "pyll",
    "pyll_utils",
    "rand",
    "rdists",
    "space_eval",
    "spark",
    "std_out_err_redirect_tqdm",
    "tpe",
    "trials_from_docs",
    "utils",
    "vectorize",
]

__getattr__, _names = lazy_attributes(__name__, _HOMES)


def __dir__() -> list[str]:
    return [*_names(), "__version__"]
