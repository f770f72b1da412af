"""Time that passes when it is told to."""

from __future__ import annotations

__all__ = ["FakeClock"]


class FakeClock:
    """A clock for tests.

    Args:
        wall: what it starts at, in seconds since the epoch.
    """

    def __init__(self, wall: float = 1_700_000_000.0) -> None:
        self._wall = wall
        self._monotonic = 0.0

    def wall(self) -> float:
        """Seconds since the epoch."""
        return self._wall

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._wall += seconds
        self._monotonic += seconds

    def set_wall(self, wall: float) -> None:
        """Set the wall clock, back or ahead, as an administrator does; the monotonic one goes on."""
        self._wall = wall
