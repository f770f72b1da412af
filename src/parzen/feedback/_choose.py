"""Which feedback a run gets."""

from __future__ import annotations

import sys
from typing import IO

from parzen.feedback._base import Feedback
from parzen.feedback._terminal import can_draw

__all__ = ["feedback_for", "in_notebook"]

_CHOICES = (
    "True, False, 'watch', 'live', 'lines', 'notebook', 'bar', 'off' or an object with start, __call__ and finish"
)


def feedback_for(
    progress: bool | str | Feedback, *, stream: IO[str] | None = None, notebook: bool | None = None
) -> Feedback:
    """The feedback that the argument `progress` of a run asks for.

    Args:
        progress: True picks what suits where the program runs; False, or "off", shows nothing; "live", "lines" and
            "notebook" are taken even where another would suit better; "watch" is the full view, on a terminal or in a
            notebook; "bar" is what suits, without the words; an object of one's own is returned as it is.
        stream: where to write; `sys.stderr` by default.
        notebook: whether this is a notebook; looked up by default.

    Raises:
        ValueError: the name is unknown.
        TypeError: it is neither a name nor a feedback.
    """
    if progress is True:
        progress = _suited(sys.stderr if stream is None else stream, notebook)
    if progress is False or progress == "off":
        from parzen.feedback.silent import Silent

        return Silent()
    if progress == "lines":
        from parzen.feedback.lines import Lines

        return Lines(stream)
    if progress == "live":
        from parzen.feedback.live import Live

        return Live(stream)
    if progress == "watch":
        if _suited(sys.stderr if stream is None else stream, notebook) == "notebook":
            from parzen.feedback.notebook import WatchPanel

            return WatchPanel()
        from parzen.feedback.watch import Watch

        return Watch(stream)
    if progress == "notebook":
        from parzen.feedback.notebook import Notebook

        return Notebook()
    if progress == "bar":
        from parzen.feedback.bar import Bar, BarPanel

        return BarPanel() if _suited(stream, notebook) == "notebook" else Bar(stream)
    if isinstance(progress, str):
        raise ValueError(f"progress is {_CHOICES}, not {progress!r}")
    if isinstance(progress, type) or not isinstance(progress, Feedback):
        raise TypeError(f"progress is {_CHOICES}, not {progress!r:.80}")
    return progress


def _suited(stream: IO[str] | None, notebook: bool | None) -> str:
    if in_notebook() if notebook is None else notebook:
        return "notebook"
    if stream is None:  # a program without a console
        return "off"
    return "live" if can_draw(stream) else "lines"


def in_notebook() -> bool:
    """Whether this code runs in a kernel that shows what is displayed."""
    ipython = sys.modules.get("IPython")  # not imported: whoever runs in a notebook has it
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    return getattr(shell, "kernel", None) is not None
