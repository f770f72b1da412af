"""Hyperopt's exceptions, by their own names.

`AllTrialsFailed`, `DuplicateLabel` and `InvalidLoss` are parzen's own classes, so that either name catches them.
"""

from parzen.errors import AllTrialsFailed, DuplicateLabel, InvalidLoss
from parzen.errors import InvalidResult as InvalidResultStatus
from parzen.errors import SpaceError as BadSearchSpace

__all__ = ["AllTrialsFailed", "BadSearchSpace", "DuplicateLabel", "InvalidLoss", "InvalidResultStatus", "InvalidTrial"]


class InvalidTrial(ValueError):
    """A trial document lacks what every document has, or contradicts itself."""

    def __init__(self, message: str, trial: object) -> None:
        super().__init__(f"{message}: {trial!r:.200}")
        self.trial = trial
