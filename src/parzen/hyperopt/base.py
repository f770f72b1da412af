"""Hyperopt's module of this name: documents and their constants, `Trials`, `Domain`, `Ctrl` and the exceptions.

`_states` has the constants, `_trials` and `_domain` the classes, `_miscs` and `_bson` what is done to documents.
"""

from __future__ import annotations

import numbers
from typing import Any

from parzen.errors import AllTrialsFailed, DuplicateLabel, InvalidLoss, InvalidResult
from parzen.hyperopt import _bson, pyll
from parzen.hyperopt._attachments import TrialAttachments
from parzen.hyperopt._bson import SONify
from parzen.hyperopt._domain import Ctrl, Domain
from parzen.hyperopt._miscs import miscs_to_idxs_vals, miscs_update_idxs_vals, spec_from_misc
from parzen.hyperopt._states import (
    JOB_STATE_CANCEL,
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
    JOB_STATES,
    JOB_VALID_STATES,
    STATUS_FAIL,
    STATUS_NEW,
    STATUS_OK,
    STATUS_RUNNING,
    STATUS_STRINGS,
    STATUS_SUSPENDED,
    TRIAL_KEYS,
    TRIAL_MISC_KEYS,
    Document,
)
from parzen.hyperopt._trials import Trials, trials_from_docs
from parzen.hyperopt.exceptions import BadSearchSpace, InvalidResultStatus, InvalidTrial
from parzen.hyperopt.pyll.stochastic import recursive_set_rng_kwarg
from parzen.hyperopt.utils import coarse_utcnow, pmin_sampled, use_obj_for_literal_in_memo
from parzen.hyperopt.vectorize import VectorizeHelper

__all__ = [
    "AllTrialsFailed",
    "BadSearchSpace",
    "Ctrl",
    "Document",
    "Domain",
    "DuplicateLabel",
    "InvalidLoss",
    "InvalidResult",
    "InvalidResultStatus",
    "InvalidTrial",
    "JOB_STATES",
    "JOB_STATE_CANCEL",
    "JOB_STATE_DONE",
    "JOB_STATE_ERROR",
    "JOB_STATE_NEW",
    "JOB_STATE_RUNNING",
    "JOB_VALID_STATES",
    "SONify",
    "STATUS_FAIL",
    "STATUS_NEW",
    "STATUS_OK",
    "STATUS_RUNNING",
    "STATUS_STRINGS",
    "STATUS_SUSPENDED",
    "TRIAL_KEYS",
    "TRIAL_MISC_KEYS",
    "TrialAttachments",
    "Trials",
    "VectorizeHelper",
    "coarse_utcnow",
    "have_bson",
    "miscs_to_idxs_vals",
    "miscs_update_idxs_vals",
    "pmin_sampled",
    "pyll",
    "recursive_set_rng_kwarg",
    "spec_from_misc",
    "trials_from_docs",
    "use_obj_for_literal_in_memo",
    "validate_loss_threshold",
    "validate_timeout",
]

have_bson = _bson.installed()
"""Whether documents are held to BSON when they are inserted; programs set it to False, see `SONify`."""


def validate_timeout(timeout: Any) -> None:
    """Nothing for None and positive numbers.

    Raises:
        ValueError: it is something else; the text is Hyperopt's, which programs look for.
    """
    if timeout is not None and not (_is_number(timeout) and timeout > 0):
        raise ValueError(f"The timeout argument should be None or a positive value. Given value: {timeout}")


def validate_loss_threshold(loss_threshold: Any) -> None:
    """Nothing for None and numbers.

    Raises:
        ValueError: it is something else; the text is Hyperopt's, which programs look for.
    """
    if loss_threshold is not None and not _is_number(loss_threshold):
        raise ValueError(
            f"The loss_threshold argument should be None or a numeric value. Given value: {loss_threshold}"
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)
