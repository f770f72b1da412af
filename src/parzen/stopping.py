"""Rules that end a run: `minimize(..., stop=[NoProgress(50), LossReached(0.01)])`.

`a | b` stops when either does, `a & b` when both do, a list means any of them.  A rule of your own is any callable
`(history, elapsed) -> str | None` that says why to stop.
"""

from parzen.run import LossReached, NoProgress, StopRule, Timeout, TrialsDone

__all__ = ["LossReached", "NoProgress", "StopRule", "Timeout", "TrialsDone"]
