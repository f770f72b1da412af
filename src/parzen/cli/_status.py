"""What the exit status of a command says."""

from __future__ import annotations

from collections.abc import Mapping

from parzen.errors import AllTrialsFailed, ParzenError, SpaceError, StorageError, StudyNotFound

__all__ = [
    "DONE",
    "FAILED",
    "FAILING",
    "FOUND",
    "MEANINGS",
    "NOTHING",
    "NOT_FOUND",
    "PIPE",
    "SIGNALLED",
    "STORAGE",
    "USAGE",
    "status_of",
]

DONE, FAILED, USAGE, FAILING, NOT_FOUND, NOTHING, STORAGE, FOUND, SIGNALLED = 0, 1, 2, 3, 4, 5, 6, 7, 128
PIPE = 13
"""The number of SIGPIPE, also where there are no signals."""

MEANINGS: Mapping[str, str] = {
    "0": "done; Ctrl-C, which ends `watch` and `dashboard`, is no failure of theirs",
    "1": "an error of parzen that has no number of its own; it is a line on stderr",
    "2": "called wrongly: an unknown option, a value that makes no sense",
    "3": "the objective or the program failed too often in a row; its trials are recorded",
    "4": "there is no such study, or no such file",
    "5": "there is no best trial: none has a finite loss",
    "6": "the file or database cannot be used: damaged, locked, of a later parzen, not reachable",
    "7": "what was looked for was found: `doctor` found something the matter, or `replay` a proposal that does not match",
    "128 + n": "ended by signal n (130 for Ctrl-C, 141 where whoever read the output had enough, as in `parzen show study.db | head -1`, "
    "143 for SIGTERM); what was running waits to be run again",
}
"""Status -> meaning, as the documentation has it."""


def status_of(error: ParzenError) -> int:
    """The exit status for an error."""
    if isinstance(error.__cause__, FileNotFoundError):  # no file, no study
        return NOT_FOUND
    kinds = ((SpaceError, USAGE), (StudyNotFound, NOT_FOUND), (AllTrialsFailed, NOTHING), (StorageError, STORAGE))
    return next((status for kind, status in kinds if isinstance(error, kind)), FAILED)
