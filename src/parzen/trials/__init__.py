"""What happened: the log's vocabulary, and the columns that it folds into.

`_events` is the schema of every stored study, `_history` the one place where events become columns, `_trial` what a
person sees of one row, `_codec` the same things as text.
"""

from parzen.trials._codec import (
    MEMO_LIMIT,
    checksum,
    event_from_json,
    event_to_json,
    header_from_json,
    header_to_json,
    storable,
)
from parzen.trials._events import (
    EARLIER,
    EVENT_KINDS,
    LOST,
    Asked,
    Entry,
    Event,
    Finished,
    Header,
    Noted,
    Released,
    Reported,
    Requested,
    Retracted,
    Started,
    Unknown,
)
from parzen.trials._history import History
from parzen.trials._trial import FINISHED, Outcome, Report, State, Trial, TrialError

__all__ = [
    "EARLIER",
    "EVENT_KINDS",
    "FINISHED",
    "LOST",
    "MEMO_LIMIT",
    "Asked",
    "Entry",
    "Event",
    "Finished",
    "Header",
    "History",
    "Noted",
    "Outcome",
    "Released",
    "Report",
    "Reported",
    "Requested",
    "Retracted",
    "Started",
    "State",
    "Trial",
    "TrialError",
    "Unknown",
    "checksum",
    "event_from_json",
    "event_to_json",
    "header_from_json",
    "header_to_json",
    "storable",
]
