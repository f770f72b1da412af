"""Lines for a pipe or a log file: one at each improvement, one every so often, a summary; no escape codes."""

from __future__ import annotations

import sys
from typing import IO

from parzen._wording import encodable
from parzen.feedback._base import RunInfo
from parzen.feedback._facts import Best, Progress, Summary
from parzen.feedback._reporter import Reporter, logged_to
from parzen.trials import History

__all__ = ["Lines"]


class Lines(Reporter):
    """Plain lines, each with `parzen` in front so that they are found among others.

    A stream that is closed or broken is written to no more; the search goes on.

    Args:
        stream: text stream; what `sys.stderr` is when the run begins by default.
        interval: how often to look at the clock while the objective runs, in seconds; None for never.
    """

    def __init__(self, stream: IO[str] | None = None, interval: float | None = 1.0) -> None:
        super().__init__(interval)
        self._given = stream
        self._stream: IO[str] | None = None

    def opened(self, run: RunInfo, history: History) -> None:
        """Find the stream."""
        self._stream = self._given if self._given is not None else sys.stderr

    def said(self, text: str) -> None:
        """One line."""
        self._say(text)

    def improved(self, best: Best) -> None:
        """One line."""
        self._say(str(best))

    def status(self, progress: Progress) -> None:
        """One line."""
        self._say(str(progress))

    def closed(self, summary: Summary) -> None:
        """A few lines."""
        # Logging has the summary as one record; this is the version for reading, so it comes in any case.
        self._write([f"{key:>9}  {text}" for key, text in summary.rows()])
        self._stream = None

    def _say(self, text: str) -> None:
        if self._stream is not None and not logged_to(self._stream):
            self._write([text])

    def _write(self, lines: list[str]) -> None:
        stream = self._stream
        if stream is None:
            return
        text = "".join(f"parzen {line}".rstrip() + "\n" for line in lines)
        try:
            stream.write(encodable(text, getattr(stream, "encoding", None)))
            stream.flush()
        except (OSError, ValueError):  # a broken pipe; a closed file is a ValueError
            self._stream = None
