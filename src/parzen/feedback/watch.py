"""The full view of a running search, at the bottom of a terminal: `progress="watch"`.

What the objective prints goes above it, as with the live line; in the end the view stays, and the summary comes beneath.
"""

from __future__ import annotations

from parzen.feedback._base import RunInfo
from parzen.feedback._facts import Best, Progress, Summary
from parzen.feedback._overview import Overview, overview_of
from parzen.feedback._view import View
from parzen.feedback.live import Live
from parzen.trials import History

__all__ = ["Watch"]


class Watch(Live):
    """All that there is to see, twice a second: losses, configurations, workers, failures, time and chance.

    Where nothing can be drawn over (a pipe, a dumb terminal) there are log lines instead.
    """

    def opened(self, run: RunInfo, history: History) -> None:
        """Find out what the terminal can do, and draw."""
        self._info = run
        super().opened(run, history)

    def improved(self, best: Best) -> None:
        """Nothing, where the view is seen: it says so."""
        if self._terminal is None:
            super().improved(best)

    def draw(self, progress: Progress) -> None:
        """The view."""
        terminal = self._terminal
        if terminal is not None:
            shown = self._drawn(self._overview())
            self._safely(lambda: terminal.show(shown))

    def closed(self, summary: Summary) -> None:
        """The view as it is in the end, and the summary."""
        terminal = self._terminal
        if terminal is not None:
            last = self._drawn(self._overview())
            self._safely(lambda: terminal.show(""))
            self._safely(lambda: terminal.say(last + "\n"))
        super().closed(summary)

    def _overview(self) -> Overview:
        run = self._info
        return overview_of(self._history, run.clock.wall(), name=run.name, location=run.location, total=run.total)

    def _drawn(self, overview: Overview) -> str:
        assert self._stream is not None
        return View(self._stream).text(overview)
