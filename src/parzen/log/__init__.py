"""The log as a stream: publish, pull, subscribe; and what a storage must do to carry it."""

from parzen.log._checkpoint import CHECKPOINTS
from parzen.log._seeds import DRAWS, OBJECTIVE, PROPOSAL, generator, trial_seed
from parzen.log._storage import Beat, Claim, Storage
from parzen.log._stream import Stream, Subscriber

__all__ = [
    "CHECKPOINTS",
    "DRAWS",
    "Beat",
    "Claim",
    "OBJECTIVE",
    "PROPOSAL",
    "Storage",
    "Stream",
    "Subscriber",
    "generator",
    "trial_seed",
]
