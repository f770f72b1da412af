"""Make docs/images/terminal.svg: examples/wine.py on a real pseudo-terminal, drawn as the terminal showed it.

    python docs/images/make_terminal.py

Needs parzen with its extras `examples` and `test` (pyte is the terminal).  Two moments of one run are drawn: the screen
when half of the trials are done, and the screen at the end.
"""

from __future__ import annotations

import html
import os
import pty
import re
import select
import struct
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyte

if sys.platform == "win32":
    raise SystemExit("a pseudo-terminal is needed to record one")

import fcntl
import termios

HERE = Path(__file__).resolve().parent
PROGRAM = HERE.parents[1] / "examples" / "wine.py"
COLUMNS, ROWS = 104, 30
COMMAND = "python examples/wine.py"
TITLE = "A search on a terminal: while it runs, and at its end"
WIDTH, HEIGHT = 8.4, 18
"""Of one character, in pixels."""
COLOURS = {
    "default": "#d8dee9",
    "green": "#a3be8c",
    "brown": "#ebcb8b",
    "red": "#bf616a",
    "blue": "#81a1c1",
    "cyan": "#88c0d0",
    "magenta": "#b48ead",
    "brightblack": "#4c566a",
}
DIM = "#8a93a5"
BACKGROUND = "#2e3440"


class Screen(pyte.Screen):
    """A screen that knows dim text, which pyte does not."""

    def select_graphic_rendition(self, *attributes: int, **kwargs: object) -> None:
        """Dim text is given a colour of its own."""
        translated = [232 if code == 2 else code for code in attributes]
        colours: list[int] = []
        for code in translated:
            colours += [38, 5, 232] if code == 232 else [code]
        super().select_graphic_rendition(*colours, **kwargs)


def record() -> Iterator[bytes]:
    """What the program writes to its terminal, as it comes."""
    with tempfile.TemporaryDirectory() as folder:
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(folder)
            environment = {**os.environ, "TERM": "xterm-256color"}
            environment.pop("NO_COLOR", None)
            os.execvpe(sys.executable, [sys.executable, str(PROGRAM)], environment)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        while True:
            select.select([terminal], [], [], 60)
            try:
                data = os.read(terminal, 65536)
            except OSError:  # how Linux says that the other side is gone
                data = b""
            if not data:
                os.waitpid(pid, 0)
                return
            # The folder is a temporary one, a reader's is not.
            yield data.replace(os.path.realpath(folder).encode(), b"/home/me").replace(folder.encode(), b"/home/me")


def moments() -> Iterator[list[str]]:
    """The rows of the screen at half time, and at the end, as SVG."""
    screen = Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    stream.feed(f"$ {COMMAND}\r\n".encode())
    shown = False
    for data in record():
        stream.feed(data)
        if not shown and re.search(r"\b3\d/60\b", "\n".join(screen.display)):
            shown = True
            yield rows(screen)
    stream.feed(b"$ ")
    yield rows(screen)


def rows(screen: pyte.Screen) -> list[str]:
    """Each row as SVG's tspans, empty ones at the end left out."""
    drawn = []
    for y in range(ROWS):
        runs: list[tuple[str, bool, str]] = []
        for x in range(COLUMNS):
            cell = screen.buffer[y][x]
            colour = DIM if cell.fg == "080808" else COLOURS.get(cell.fg, COLOURS["default"])
            if runs and runs[-1][:2] == (colour, cell.bold):
                runs[-1] = (colour, cell.bold, runs[-1][2] + cell.data)
            else:
                runs.append((colour, cell.bold, cell.data))
        drawn.append("".join(_tspan(*run) for run in runs))
    while drawn and not re.sub(r"<[^>]*>", "", drawn[-1]).strip():
        drawn.pop()
    return drawn


def _tspan(colour: str, bold: bool, text: str) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<tspan fill="{colour}"{weight}>{html.escape(text)}</tspan>'


def picture(frames: list[list[str]]) -> str:
    """One SVG, the frames beneath each other."""
    width = COLUMNS * WIDTH + 32
    parts, top = [], 0.0
    for frame in frames:
        height = len(frame) * HEIGHT + 28
        parts.append(f'<rect y="{top:g}" width="{width:g}" height="{height:g}" rx="8" fill="{BACKGROUND}"/>')
        parts += [
            f'<text x="16" y="{top + 28 + i * HEIGHT:g}" xml:space="preserve" style="white-space:pre">{row}</text>'
            for i, row in enumerate(frame)
        ]
        top += height + 14
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {top - 14:g}" width="{width:g}" '
        'font-family="ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace" font-size="14">\n'
        f"<title>{TITLE}</title>\n{body}\n</svg>\n"
    )


if __name__ == "__main__":
    target = HERE / "terminal.svg"
    target.write_text(picture(list(moments())), encoding="utf-8")
    print(target)
