"""An overview on a terminal: as wide and as high as it is at that moment, in the colours that it has."""

from __future__ import annotations

import io
import os
from typing import IO

from rich.cells import cell_len
from rich.console import Console

from parzen._wording import encodable
from parzen.feedback._overview import Overview
from parzen.feedback._panel import joined, panel
from parzen.feedback._terminal import Terminal, can_draw

__all__ = ["View"]

_WIDTH = 80


class View:
    """Draws in place, where the stream is a terminal.

    Args:
        stream: text file to draw on.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        # rich knows what the terminal can do, NO_COLOR included.
        self._console = Console(file=stream, markup=False, highlight=False, emoji=False, force_jupyter=False)
        self._terminal: Terminal | None = None
        self._last = ""

    def open(self) -> bool:
        """Take hold of the terminal; False where there is none that can be drawn on, or somebody else has it."""
        stream = self._stream
        if not can_draw(stream) or self._console.legacy_windows:
            return False
        assert isinstance(stream, io.TextIOWrapper)
        terminal = Terminal(stream, cell_len, lambda: self._size()[0])
        if terminal.open():
            self._terminal = terminal
        return self._terminal is not None

    def show(self, overview: Overview) -> None:
        """Draw it over the one before."""
        assert self._terminal is not None
        self._last = self.text(overview)
        self._terminal.show(self._last)

    def leave(self) -> None:
        """Let go; what was drawn last stays."""
        terminal, self._terminal = self._terminal, None
        if terminal is not None:
            terminal.show("")
            if self._last:
                terminal.say(self._last + "\n")
            terminal.abandon()

    def text(self, overview: Overview) -> str:
        """As it is drawn: a few lines, styles included, narrower and fewer than the terminal has."""
        columns, rows = self._size()
        # Room for the ^C that a terminal echoes, and for the row that the cursor is on.
        lines = panel(overview, columns - 3, rows - 2, blocks=self._blocks())
        made = []
        for line in lines:
            with self._console.capture() as captured:
                self._console.print(line, end="", soft_wrap=True)
            made.append(self._encodable(captured.get()))
        return "\n".join(made)

    def plain(self, overview: Overview) -> str:
        """As text for a file or a pipe, whole."""
        return self._encodable(joined(panel(overview, _WIDTH, blocks=self._blocks()))) + "\n"

    def _blocks(self) -> bool:
        return self._encodable("▁█━─…×") == "▁█━─…×"

    def _encodable(self, text: str) -> str:
        return encodable(text, getattr(self._stream, "encoding", None))

    def _size(self) -> tuple[int, int]:
        try:
            size = os.get_terminal_size(self._stream.fileno())
        except (OSError, ValueError):
            return _WIDTH, 24
        return size.columns or _WIDTH, size.lines or 24
