"""A line, or a few, that stay at the bottom of a terminal while others print above it.

The streams are not replaced.  Each text file on the terminal gets an attribute `write` of its own for the time of a
run, so that those who took hold of the stream earlier (logging handlers, `from sys import stdout`, a tee) pass through
here too, `sys.stdout` stays the object that it was, and whatever is redirected meanwhile can be put back in any order.
The attribute also is the mark by which a second run on the same terminal sees that the line is taken.

The cursor is never hidden and there is no mode to leave: a process that is killed leaves a usable terminal.

What somebody printed without a newline stays where it is; the line goes beneath it and is lifted when they go on.  Text
written past Python (a child process, a C library) comes after the line; the next drawing is clean again.
"""

from __future__ import annotations

import io
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from typing import IO

__all__ = ["Terminal", "can_draw"]

_CSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_CLEAR = "\r\x1b[K"
_UP = "\x1b[A"
_LONGEST = 2000
"""Characters without a newline after which nobody could call it a line."""


def can_draw(stream: IO[str]) -> bool:
    """Whether a line can be drawn over on this stream.

    Only on a text file that owns its terminal: a stand-in that also writes to a log would be given escape codes.
    """
    if not isinstance(stream, io.TextIOWrapper) or os.environ.get("TERM", "").lower() in ("dumb", "unknown"):
        return False
    try:
        return stream.isatty()
    except (OSError, ValueError):
        return False


class _Hook:
    """The `write` of one stream."""

    __slots__ = ("original", "stream", "terminal")

    def __init__(self, terminal: Terminal, stream: io.TextIOWrapper) -> None:
        self.terminal, self.stream = terminal, stream
        self.original: Callable[[str], int] = stream.write

    def __call__(self, text: str, /) -> int:
        return self.terminal.pass_on(self, text)


class Terminal:
    """The terminal that a stream is on.

    Args:
        stream: where the line is drawn.
        cells: how many columns a text without control characters takes.
        columns: how many there are.
    """

    def __init__(self, stream: io.TextIOWrapper, cells: Callable[[str], int], columns: Callable[[], int]) -> None:
        self._stream = stream
        self._cells = cells
        self._columns = columns
        self._lock = threading.RLock()
        self._hooks: list[_Hook] = []
        self._inside = False
        self._pid = os.getpid()
        self._line = ""
        self._shown = self._below = False
        self._height = 1
        self._partial = ""
        self._pending: _Hook | None = None

    def open(self) -> bool:
        """Take hold of the terminal; False where another run has it."""
        for stream in _on_the_same_terminal(self._stream):
            hook = _Hook(self, stream)
            if vars(stream).setdefault("write", hook) is hook:  # atomic: two threads may begin at once
                self._hooks.append(hook)
            elif stream is self._stream:
                return False
        return True

    def close(self) -> None:
        """Take the line away and let go."""
        with self._lock:
            try:
                self.show("")
            finally:
                self.abandon()

    def abandon(self) -> None:
        """Let go without a word: the terminal is gone."""
        with self._lock:
            self._line = ""
            for hook in self._hooks:
                if vars(hook.stream).get("write") is hook:
                    del vars(hook.stream)["write"]
            self._hooks.clear()

    def show(self, line: str) -> None:
        """Draw the line, in the place of the one before; "" takes it away.

        Args:
            line: one row, or a few with newlines between, styles included, narrower than the terminal and fewer than it
                has rows.
        """
        with self._lock:
            if self._shown and line:  # drawn over the old one, without a moment in between: no flicker
                self._line = line
                over = self._top() + line.replace("\n", "\x1b[K\n") + "\x1b[K"
                rows = line.count("\n") + 1
                self._put(over + ("\x1b[J" if rows < self._height else ""))
                self._height = rows
                return
            head = self._lift()
            self._line = line
            text = head + self._foot(beneath=True)
            if text:
                self._put(text)

    def say(self, text: str) -> None:
        """Write whole lines above the line.

        Args:
            text: ends in a newline.
        """
        with self._lock:
            head = self._lift()
            partial = self._partial
            if partial and self._fits(partial):
                self._put(f"{head}{_CLEAR}{text}{partial}{self._foot(beneath=True)}")
            else:
                self._partial = ""
                self._put(head + ("\n" if partial else "") + text + self._foot())

    # --- what others print ----------------------------------------------------------------------------------------

    def pass_on(self, hook: _Hook, text: str) -> int:
        """Write what somebody else prints, with the line out of its way."""
        if not text or type(text) is not str:
            return hook.original(text)  # which knows the right error
        if os.getpid() != self._pid:
            return self._in_child(hook, text)
        with self._lock:
            if self._inside or not self._hooks:
                return hook.original(text)
            self._inside = True
            try:
                if self._pending is not None and self._pending is not hook:
                    self._pending.stream.flush()
                before = self._shown, self._below, self._partial
                head = self._lift()
                try:
                    hook.original(head + text)
                except UnicodeError:  # nothing was written, and the line still stands
                    self._shown, self._below, self._partial = before
                    raise
                self._partial = _tail(self._partial + text)
                self._pending = hook
                foot = self._foot(beneath=before[1])
                if foot:
                    self._put(foot)
            finally:
                self._inside = False
            return len(text)

    def _in_child(self, hook: _Hook, text: str) -> int:
        """A forked child has a copy of this object, of which nobody may hold the lock any more; it never draws."""
        head = _CLEAR if self._shown and not self._below else ""
        self._shown = False
        written = hook.original(head + text)
        if text.endswith("\n"):
            self._shown = True  # by now the parent has drawn it again, if anybody has
        return min(written, len(text))

    # --- the line -------------------------------------------------------------------------------------------------

    def _lift(self) -> str:
        """What takes the line away and puts the cursor where others left it."""
        if not self._shown:
            return ""
        self._shown = False
        clear = _CLEAR if self._height == 1 else f"{self._top()}\x1b[J"
        if self._below:
            self._below = False
            return f"{clear}{_UP}\r{self._partial}"
        return clear

    def _top(self) -> str:
        """What puts the cursor at the beginning of what is drawn."""
        return "\r" + (f"\x1b[{self._height - 1}A" if self._height > 1 else "")

    def _foot(self, beneath: bool = False) -> str:
        """What draws the line, if it may be drawn here; `beneath` others' unfinished line if need be."""
        if not self._line:
            return ""
        self._height = self._line.count("\n") + 1
        if not self._partial:
            self._shown = True
            return self._line
        if beneath and self._fits(self._partial):
            self._shown = self._below = True
            return "\n" + self._line
        return ""

    def _fits(self, partial: str) -> bool:
        """Whether an unfinished line is one row, so that it can be written again."""
        text = max(_CSI.sub("", partial).split("\r"), key=len)
        return text.isprintable() and self._cells(text) < self._columns()

    def _put(self, text: str) -> None:
        original = next((hook.original for hook in self._hooks if hook.stream is self._stream), self._stream.write)
        inside, self._inside = self._inside, True
        try:
            if self._pending is not None:
                self._pending.stream.flush()
                self._pending = None
            original(text)
            self._stream.flush()
        finally:
            self._inside = inside


def _tail(text: str) -> str:
    """What stands on the cursor's row: the text after the last newline; if it returns over itself, the last round."""
    row = text.rpartition("\n")[2][-_LONGEST:]
    if "\r" not in row:
        return row
    rounds = row.split("\r")
    if rounds[-1]:
        return rounds[-1]
    last = next((r for r in reversed(rounds) if r), "")
    return f"{last}\r" if last.strip() else ""


def _on_the_same_terminal(stream: io.TextIOWrapper) -> Iterator[io.TextIOWrapper]:
    """The stream itself, and the program's standard streams as far as they are on its terminal."""
    seen: list[object] = []
    for other in (stream, sys.stderr, sys.stdout, sys.__stderr__, sys.__stdout__):
        if isinstance(other, io.TextIOWrapper) and not any(other is s for s in seen):
            seen.append(other)
            if other is stream or _device(other) == _device(stream):
                yield other


def _device(stream: io.TextIOWrapper) -> object:
    """What tells one terminal from another; unique where the stream is on none."""
    try:
        if stream.isatty():
            # Windows knows one console a process and gives it no device number.
            return "console" if os.name == "nt" else os.fstat(stream.fileno()).st_rdev
    except (OSError, ValueError):
        pass
    return object()
