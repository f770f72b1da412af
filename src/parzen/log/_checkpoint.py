"""Checkpoints: a history kept beside its log, so that who opens a long study need not read it all.

A checkpoint is never believed over the log.  It says up to which entry it goes, and which digest the log had up to there
(the storage adds up the checksums of the entries); where the log has another one now, or the bytes are not whole, or come
from a parzen that computes differently, the log is read from its beginning, as if there were no checkpoint.  Losing one
loses nothing.
"""

from __future__ import annotations

import logging
from contextlib import suppress

from parzen.errors import ParzenError
from parzen.log._storage import Storage
from parzen.trials import History, pack, unpack

__all__ = ["CHECKPOINTS", "is_worthwhile", "keep", "restore"]

_log = logging.getLogger("parzen")

_HISTORY, _PLACE = "checkpoint", "checkpoint place"
CHECKPOINTS = (_HISTORY, _PLACE)
"""The keys beside a study that belong to its log: a copy of the study has another log."""
_WORTH = 3_000
"""Entries that are read sooner than a checkpoint is looked for: a tenth of a second."""


def is_worthwhile(seq: int, last: int, at_the_end: bool = False) -> bool:
    """Whether a log of `seq` entries wants a checkpoint, when the last one was made at `last`.

    While it grows, at each half more: all that are ever written are three times the last one then, however long a study gets.
    When a run ends somebody will look at what came of it, so that less is enough.
    """
    return seq - last >= max(_WORTH, seq // (10 if at_the_end else 3))


def keep(storage: Storage, uid: str, history: History, at_the_end: bool = False) -> int:
    """Keep a snapshot beside the log, unless others have; the place of the last checkpoint."""
    try:
        found = storage.get(uid, _PLACE)
        with suppress(ValueError):
            if found is not None and not is_worthwhile(history.seq, int(found), at_the_end):
                return int(found)
        digest = storage.digest(uid, history.seq)
        data = None if digest is None else pack(history)
        if digest is not None and data is not None:
            storage.put(uid, _HISTORY, b"%d %d\n" % (history.seq, digest) + data)
            storage.put(uid, _PLACE, b"%d" % history.seq)
    except ParzenError as error:  # a full disk, say: nothing depends on it
        _log.debug("no checkpoint could be kept: %s", error)
    return history.seq


def restore(storage: Storage, uid: str, history: History) -> None:
    """Bring an empty history to where the last checkpoint was, if there is one that can be used."""
    try:
        data = storage.get(uid, _HISTORY)
        if data is None:
            return
        head, _, packed = data.partition(b"\n")
        seq, digest = map(int, head.split())
        if storage.digest(uid, seq) != digest:
            raise ValueError("the log is another one")
        unpack(packed, history, seq)
    except (ValueError, ParzenError) as error:
        _log.debug("a checkpoint was not used: %s", error)
