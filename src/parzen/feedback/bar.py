"""How far a run is, and not a word more: no line at an improvement, no summary, nothing in the log.

It is for programs that tell their own story, or that ask for a bar and for quiet at once.
"""

from __future__ import annotations

from parzen.feedback._facts import Best, Progress, Summary
from parzen.feedback.live import Live
from parzen.feedback.notebook import Notebook

__all__ = ["Bar", "BarPanel"]


class Bar(Live):
    """The live line alone; its last state stays.  Where no line can be drawn, a line every so often and one at the end."""

    records = False

    def said(self, text: str) -> None:
        """Nothing."""

    def improved(self, best: Best) -> None:
        """Nothing: the line says it."""

    def status(self, progress: Progress) -> None:
        """One line, where there is no live one."""
        if self._terminal is None:
            self._write([str(progress)])

    def closing(self, progress: Progress) -> None:
        """The line as it is in the end, which stays."""
        if self._terminal is None:
            self._write([str(progress)])
            return
        line, terminal = self._line(progress, self._columns() - 3), self._terminal
        self._safely(lambda: terminal.show(""))
        self._print([line])

    def closed(self, summary: Summary) -> None:
        """Nothing; the terminal is let go."""
        if self._terminal is not None:
            self._terminal.abandon()
        self._terminal = self._stream = None


class BarPanel(Notebook):
    """The same in a notebook's cell."""

    records = False

    def said(self, text: str) -> None:
        """Nothing."""

    def improved(self, best: Best) -> None:
        """The panel, with the new best."""
        self.draw(self._progress())

    def closing(self, progress: Progress) -> None:
        """The panel as it is in the end, which stays."""
        self.draw(progress)

    def closed(self, summary: Summary) -> None:
        """Nothing; the panel is let go."""
        self._display = None
