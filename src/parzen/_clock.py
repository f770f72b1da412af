"""Time as an argument: wall time for stamps, monotonic time for durations and timeouts.

The system clock may be set back or ahead during a run; only `monotonic` is ever subtracted.
"""

from __future__ import annotations

import time
from typing import Protocol

__all__ = ["Clock", "SystemClock"]


class Clock(Protocol):
    """What everything that needs the time is given."""

    def wall(self) -> float:
        """Seconds since the epoch, for stamps that people read."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary origin that never go backwards."""
        ...


class SystemClock:
    """The machine's own clocks."""

    wall = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)
