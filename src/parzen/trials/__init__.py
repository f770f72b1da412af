"""What happened: the log's vocabulary, and the columns that it folds into.

`_events` is the schema of every stored study, `_history` the one place where events become columns, `_trial` what a
person sees of one row, `_wishes` what people want of a study, `_codec` the same things as text.
"""

from parzen.trials._checkpoint import pack, unpack
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
    BY_HAND,
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
    is_by_hand,
)
from parzen.trials._history import History
from parzen.trials._trial import FINISHED, Outcome, Report, State, Trial, TrialError
from parzen.trials._wishes import Note, Wishes, exactly, note_event

__all__ = [
    "BY_HAND",
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
    "Note",
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
    "Wishes",
    "checksum",
    "event_from_json",
    "event_to_json",
    "exactly",
    "header_from_json",
    "header_to_json",
    "is_by_hand",
    "note_event",
    "pack",
    "storable",
    "unpack",
]
