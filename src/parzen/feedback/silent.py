"""Nothing is shown; the `parzen` logger hears of the run all the same."""

from __future__ import annotations

from parzen.feedback._reporter import Reporter

__all__ = ["Silent"]


class Silent(Reporter):
    """`progress=False`."""
