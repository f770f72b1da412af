"""One run: the loop, what it does with an objective, and when it ends.

`_loop` drives a stream, one trial at a time; `_driver` several at once, on what `_fleet` makes of the arguments and
`executors` evaluate with.  `_objective` calls the user's function and reads what it returns; `_stopping` holds the rules that
end a run, `_attachments` keeps what results have attached, `_signals` turns Ctrl-C and SIGTERM into an orderly end, `_leases` knows which workers are still there.
"""

from parzen.run._asking import ALGORITHM, EXHAUSTED, recomputed, start_trials
from parzen.run._attachments import attachment_key, attachments_keeper
from parzen.run._driver import drive
from parzen.run._fleet import Fleet, fleet_of
from parzen.run._keeper import Keeper
from parzen.run._leases import BY_HAND, LEASE, Presence, present, release_abandoned
from parzen.run._loop import Plan, run
from parzen.run._objective import Evaluation, Objective, Seen, loss_of, outcome_of, step_of, wants_evaluation, worst_of
from parzen.run._signals import Interrupts
from parzen.run._stopping import (
    LossReached,
    NoProgress,
    StopRule,
    Timeout,
    TrialsDone,
    any_of,
    checked_count,
    checked_seconds,
)
from parzen.run._workers import runs_here

__all__ = [
    "ALGORITHM",
    "BY_HAND",
    "EXHAUSTED",
    "Evaluation",
    "Fleet",
    "Interrupts",
    "Keeper",
    "LEASE",
    "LossReached",
    "NoProgress",
    "Objective",
    "Plan",
    "Presence",
    "Seen",
    "StopRule",
    "Timeout",
    "TrialsDone",
    "any_of",
    "attachment_key",
    "attachments_keeper",
    "checked_count",
    "checked_seconds",
    "drive",
    "fleet_of",
    "loss_of",
    "outcome_of",
    "present",
    "recomputed",
    "release_abandoned",
    "run",
    "runs_here",
    "start_trials",
    "step_of",
    "wants_evaluation",
    "worst_of",
]
