"""The old door: the names of Hyperopt, over parzen's core.

`base` keeps trial documents, `fmin` drives a study and writes them, `_documents` turns one into the other, `_attachments`
keeps what belongs to a document in a storage.
"""

from parzen import hp
from parzen.hyperopt import base, early_stop, exceptions, pyll, rand, tpe
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
    Trials,
    trials_from_docs,
)

# After its module has been imported, so that the name means the function.
from parzen.hyperopt.fmin import fmin, space_eval

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
    "Trials",
    "base",
    "early_stop",
    "exceptions",
    "fmin",
    "hp",
    "pyll",
    "rand",
    "space_eval",
    "tpe",
    "trials_from_docs",
]
