"""A panel in a notebook's cell, which updates in place; the improvements stay in it.

What the objective prints appears in the cell's output as ever.  The panel is shown through IPython's display machinery;
its plain-text form is for front ends without HTML.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from html import escape
from typing import Protocol

from parzen._lazy import require
from parzen._wording import encodable, joined
from parzen.feedback._base import RunInfo
from parzen.feedback._facts import Best, Progress, Summary
from parzen.feedback._reporter import Reporter
from parzen.trials import History

__all__ = ["Display", "Notebook"]

_KEPT = 200
"""Improvement lines that the panel holds: every update sends all of it."""

# Colours come from the page, so that the panel is at home in a light and in a dark one.
_PANEL = "font-family:monospace;font-size:13px;line-height:1.5;max-width:60em"
_TRACK = "height:4px;border-radius:2px;background:rgba(128,128,128,.25);margin:4px 0;overflow:hidden"
_FULL = "height:4px;background:#2e9e5b;width:{:.1f}%"
_LIST = "margin:4px 0;white-space:pre-wrap;max-height:16em;overflow-y:auto"


class Display(Protocol):
    """Shows a mime bundle, or updates the one shown before."""

    def __call__(self, bundle: dict[str, str], *, update: bool) -> None:
        """Show it."""
        ...


class Notebook(Reporter):
    """A panel that is updated twice a second while trials run, and has the summary at the end.

    Args:
        display: shows the panel; IPython's `display` with an id of its own by default.
        interval: seconds between updates; None for updates when `tick` is called.
    """

    def __init__(self, display: Display | None = None, interval: float | None = 0.5) -> None:
        super().__init__(interval)
        self._given = display
        self._display: Display | None = None
        self._improvements: deque[str] = deque(maxlen=_KEPT)
        self._said: list[str] = []
        self._last = ""

    def opened(self, run: RunInfo, history: History) -> None:
        """Show the panel."""
        self._display = self._given if self._given is not None else _ipython_display()
        self._improvements.clear()
        self._said, self._last = [], ""
        self._show(self._now(self._progress()), str(self._progress()), update=False)

    def said(self, text: str) -> None:
        """A line at the top."""
        self._said = [*self._said, text][-_KEPT:]
        self.draw(self._progress())

    def improved(self, best: Best) -> None:
        """A line that stays."""
        self._improvements.append(str(best))
        self.draw(self._progress())

    def draw(self, progress: Progress) -> None:
        """Bring the panel up to date."""
        self._show(self._now(progress), str(progress).strip(), update=True)

    def closed(self, summary: Summary) -> None:
        """The summary, in the same place."""
        rows = list(summary.rows())
        cells = "".join(
            f'<tr><td style="text-align:right;opacity:.6;padding:0 1em 0 0;vertical-align:top">{_html(key)}</td>'
            f'<td style="text-align:left;white-space:pre-wrap">{_html(text)}</td></tr>'
            for key, text in rows
        )
        text = "\n".join(f"{key:>9}  {text}".rstrip() for key, text in rows)
        table = f'<table style="border:none;font:inherit;margin:0">{cells}</table>'
        self._show(self._top() + table + self._list(opened=False), text, update=True)
        self._display = None

    def _now(self, progress: Progress) -> str:
        bar = ""
        if progress.total:
            full = _FULL.format(100 * min(progress.done / progress.total, 1.0))
            bar = f'<div style="{_TRACK}"><div style="{full}"></div></div>'
        words = " · ".join(
            f"<b>{_html(t)}</b>" if kind in ("counted", "best") else _html(t) for kind, t in progress.parts()
        )
        best = (
            f'<div style="opacity:.8">{_html(joined(progress.best.settings))}</div>'
            if progress.best is not None
            else ""
        )
        return f"{self._top()}{bar}<div>{words}</div>{best}{self._list(opened=True)}"

    def _top(self) -> str:
        return "".join(f'<div style="opacity:.7">{_html(text)}</div>' for text in self._said)

    def _list(self, *, opened: bool) -> str:
        if not self._improvements:
            return ""
        lines = _html("\n".join(self._improvements))
        head = "improvements" if len(self._improvements) < _KEPT else f"the last {_KEPT} improvements"
        state = " open" if opened else ""
        return (
            f'<details{state}><summary style="opacity:.6">{head}</summary><div style="{_LIST}">{lines}</div></details>'
        )

    def _show(self, html: str, text: str, *, update: bool) -> None:
        if self._display is None or html == self._last:
            return
        self._last = html
        bundle = {"text/html": f'<div style="{_PANEL}">{html}</div>', "text/plain": encodable(text, "utf-8")}
        try:
            self._display(bundle, update=update)
        except (OSError, RuntimeError):  # the kernel's connection is closed
            self._display = None


def _html(text: str) -> str:
    return encodable(escape(text), "utf-8")


def _ipython_display() -> Display:
    """IPython's own, with an id by which the panel is found again."""
    module = require("IPython.display", "ipykernel")
    handle = module.DisplayHandle()

    def display(bundle: dict[str, str], *, update: bool) -> None:
        module.display(bundle, raw=True, display_id=handle.display_id, update=update)

    return display


def shown_in_cell() -> Callable[[str, str], None]:
    """A panel in the running cell: a function of its HTML and its plain text, which updates it."""
    display, before = _ipython_display(), ""

    def show(html: str, text: str) -> None:
        nonlocal before
        if html != before:
            bundle = {"text/html": f'<div style="{_PANEL}">{html}</div>', "text/plain": encodable(text, "utf-8")}
            display(bundle, update=bool(before))
            before = html

    return show


class WatchPanel(Notebook):
    """The full view in a notebook's cell, updated twice a second: what `Watch` shows on a terminal."""

    def opened(self, run: RunInfo, history: History) -> None:
        """Show the panel."""
        self._info = run
        super().opened(run, history)

    def _now(self, progress: Progress) -> str:
        from parzen.feedback._overview import overview_of
        from parzen.feedback._page import overview_html

        run = self._info
        now = run.clock.wall()
        overview = overview_of(self._history, now, name=run.name, location=run.location, total=run.total)
        return f"{self._top()}{overview_html(overview)}"
