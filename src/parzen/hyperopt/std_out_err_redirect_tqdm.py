"""What is printed while a bar of tqdm is on the terminal goes above the bar, not through it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from parzen._lazy import require

__all__ = ["DummyTqdmFile", "std_out_err_redirect_tqdm"]


class DummyTqdmFile:
    """A text file that writes whole lines through `tqdm.write`; everything else is asked of the file behind it.

    A bar is drawn anew after each write, over whatever stands in its row, so the beginning of a line waits for its end.

    Args:
        file: where the text goes.
    """

    def __init__(self, file: TextIO) -> None:
        self.file = file
        self._begun = ""

    def write(self, text: str) -> int:
        """Take in text; what has come to the end of a line is shown."""
        lines, newline, self._begun = (self._begun + text).rpartition("\n")
        if newline:
            self._show(lines)
        return len(text)

    def flush(self) -> None:
        """Show the beginning of a line that was held back, too."""
        if self._begun:
            begun, self._begun = self._begun, ""
            self._show(begun)
        flush = getattr(self.file, "flush", None)
        if flush is not None:
            flush()

    def _show(self, text: str) -> None:
        require("tqdm", "parzen[hyperopt]").tqdm.write(text, file=self.file)

    def __getattr__(self, name: str) -> Any:  # whatever a file has: encoding, isatty, fileno ...
        if name == "file":  # not set yet: a copy or a pickle is being made
            raise AttributeError(name)
        return getattr(self.file, name)


@contextmanager
def std_out_err_redirect_tqdm() -> Iterator[TextIO]:
    """Send stdout and stderr through `DummyTqdmFile`; gives the stdout from before, for the bar itself."""
    before = sys.stdout, sys.stderr
    shown = DummyTqdmFile(before[0]), DummyTqdmFile(before[1])
    sys.stdout, sys.stderr = shown
    try:
        yield before[0]
    finally:
        sys.stdout, sys.stderr = before
        for one in shown:
            one.flush()
