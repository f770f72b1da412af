"""A live line on a terminal, and a line that stays at each improvement.

`rich` measures, styles and knows what the terminal can do (NO_COLOR included); `_terminal` puts the result in its
place.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import IO, TYPE_CHECKING

from parzen._wording import clock_time, encodable, joined, setting
from parzen.feedback._base import RunInfo
from parzen.feedback._facts import Best, Progress, Summary
from parzen.feedback._reporter import logged_to
from parzen.feedback._terminal import Terminal, can_draw
from parzen.feedback.lines import Lines
from parzen.trials import History

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["Live"]

_STYLES = {
    "counted": "bold",
    "elapsed": "",
    "left": "dim",
    "failed": "yellow",
    "pruned": "",
    "best": "green",
    "none": "dim",
}
_BAR = 12
_WIDE = 100
"""Columns from which there is room for a bar."""
_NARROW = 32
"""Columns that a configuration wants to have for itself."""


class Live(Lines):
    """The line is drawn eight times a second, by a thread, so that time goes on while the objective runs.

    Where no line can be drawn (no terminal, or another run has its line there) there are log lines instead.

    Args:
        stream: text file on a terminal; what `sys.stderr` is when the run begins by default.
        interval: seconds between drawings; None for drawing when `tick` is called.
    """

    def __init__(self, stream: IO[str] | None = None, interval: float | None = 0.125) -> None:
        super().__init__(stream, interval)
        self._terminal: Terminal | None = None

    def opened(self, run: RunInfo, history: History) -> None:
        """Find out what the terminal can do, and draw."""
        super().opened(run, history)
        self._terminal = None
        stream = self._stream
        if stream is None or not can_draw(stream):
            return
        assert isinstance(stream, io.TextIOWrapper)
        from rich.cells import cell_len
        from rich.console import Console

        self._console = Console(file=stream, markup=False, highlight=False, emoji=False, force_jupyter=False)
        if self._console.legacy_windows:
            return
        self._total = run.total
        terminal = Terminal(stream, cell_len, self._columns)
        if terminal.open():
            self._terminal = terminal
            self.draw(self._progress())

    def said(self, text: str) -> None:
        """One line."""
        if self._terminal is None:
            super().said(text)
        else:
            self._print([_text((self._sayable(text), "dim"))])

    def improved(self, best: Best) -> None:
        """One line, which stays."""
        if self._terminal is None:
            super().improved(best)
        elif self._stream is not None and not logged_to(self._stream):
            wide = len(str(self._total or 0))
            found = f"{self._sayable(best.found):<{len(best.metric) + 12}}"
            head = _text(
                (f"{clock_time(best.elapsed):>7}", "dim"), f"  trial {best.number:<{wide}}  ", (found, "green")
            )
            self._print(_hanging(head, self._settings(best), self._columns() - 1))

    def status(self, progress: Progress) -> None:
        """Nothing: the live line says it."""
        if self._terminal is None:
            super().status(progress)

    def draw(self, progress: Progress) -> None:
        """The live line."""
        if self._terminal is not None:
            # Room for the ^C that a terminal echoes: a line that wraps could not be taken back.
            line = self._line(progress, self._columns() - 3)
            terminal = self._terminal
            self._safely(lambda: terminal.show(self._rendered(line)))

    def closed(self, summary: Summary) -> None:
        """The summary, in the live line's place."""
        terminal = self._terminal
        if terminal is None:
            super().closed(summary)
            return
        lines = [_text("")]
        for key, text in summary.rows():
            style = (
                "bold green" if key == "best" and summary.best is not None else "yellow" if key == "failures" else ""
            )
            body = _text((self._sayable(text), style))
            lines += _hanging(_text((f"{key:>9} ", "dim")), body, self._columns() - 1)
        self._safely(lambda: terminal.show(""))
        self._print(lines)
        terminal.abandon()
        self._terminal = self._stream = None

    # --- inside -----------------------------------------------------------------------------------------------------

    def _line(self, progress: Progress, width: int) -> Text:
        line = _text(" ")
        if progress.total and width >= _WIDE:
            full = round(min(progress.done / progress.total, 1.0) * _BAR)
            bar = self._sayable("━")
            line += _text((bar * full, "green"), (bar * (_BAR - full), "bright_black"), "  ")
        for i, (kind, text) in enumerate(progress.parts()):
            line += _text((self._sayable(" · ") if i else "", "dim"), (self._sayable(text), _STYLES[kind]))
        if progress.best is not None and progress.best.settings:
            line += _text("  ") + self._settings(progress.best, limit=width)
        line.truncate(max(width, 1), overflow="ellipsis" if self._sayable("…") == "…" else "crop")
        return line

    def _settings(self, best: Best, limit: int = 2000) -> Text:
        shown = self._sayable(joined(best.settings, limit))
        text = _text(shown)
        place = 0
        for label, value in best.settings:
            part = self._sayable(f"{label}={setting(value)}")
            if not shown.startswith(part, place):
                break
            text.stylize("dim", place, place + len(self._sayable(label)) + 1)
            place += len(part) + 1
        return text

    def _columns(self) -> int:
        """As wide as the stream's own terminal is now; rich would ask those of stdin, stdout and stderr in turn."""
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or 80 if self._stream is not None else 80
        except (OSError, ValueError):
            return 80

    def _sayable(self, text: str) -> str:
        """The text as far as the terminal's encoding goes; before it is measured, because it may become longer."""
        return encodable(text, getattr(self._stream, "encoding", None))

    def _rendered(self, line: Text) -> str:
        with self._console.capture() as captured:
            self._console.print(line, end="", soft_wrap=True)
        return captured.get()

    def _print(self, lines: list[Text]) -> None:
        terminal = self._terminal
        if terminal is not None:
            self._safely(lambda: terminal.say("".join(f"{self._rendered(line)}\n" for line in lines)))

    def _safely(self, write: Callable[[], None]) -> None:
        """Write, unless the terminal is gone: then never again."""
        terminal = self._terminal
        try:
            write()
        except (OSError, ValueError):  # hung up; a closed file is a ValueError
            self._terminal = self._stream = None
            if terminal is not None:
                terminal.abandon()


def _text(*parts: str | tuple[str, str]) -> Text:
    from rich.text import Text

    return Text.assemble(*parts, no_wrap=True)


def _hanging(head: Text, body: Text, width: int) -> list[Text]:
    """Both on one row, or the body in rows of its own column, broken between settings."""
    from rich.cells import cell_len

    indent = cell_len(head.plain) + 1
    if width - indent < _NARROW:
        indent = 9
    rows, row, fresh = [], head, False
    for word in body.split(" "):
        if not fresh and cell_len(row.plain) + 1 + cell_len(word.plain) > width:
            rows.append(row)
            row, fresh = _text(" " * indent), True
        row = row + ("" if fresh else " ") + word
        fresh = False
    return [*rows, row]
