"""Who watches a search: parzen's feedback, or a progress callback of Hyperopt's kind that passes for one.

| `verbose` | `show_progressbar` | what is shown |
|---|---|---|
| not said, or true | not said, or true | all of parzen's feedback |
| false | not said, or false | nothing, and nothing in the log |
| not said | false | nothing; the `parzen` logger hears of it |
| true | false | lines, no bar |
| false | true | the bar, no words |
| anything | a callback | the callback |
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any, TypeAlias

from parzen.feedback import Feedback, Lines, RunInfo, Summary
from parzen.hyperopt import progress
from parzen.trials import Entry, History

__all__ = ["NOBODY", "UNSAID", "CallbackBar", "ProgressCallback", "Told", "feedback_of", "progress_callback_of"]

ProgressCallback: TypeAlias = Callable[..., AbstractContextManager[Any]]
"""Called with `initial` and `total`; gives an object with `update(n)` and `postfix`, of any class."""


class CallbackBar:
    """A progress callback of Hyperopt's kind, as a `Feedback`.

    Args:
        callback: is entered when a run begins.
    """

    def __init__(self, callback: ProgressCallback) -> None:
        self._callback = callback
        self._open = ExitStack()

    def start(self, run: RunInfo, history: History) -> None:
        """Enter it."""
        self._done = run.already
        self._best: int | None = None
        total = sys.maxsize if run.total is None else run.total
        self._shown = self._open.enter_context(self._callback(initial=run.already, total=total))
        self((), history)

    def __call__(self, entries: Sequence[Entry], history: History) -> None:
        """Tell it how many have ended, and the best loss."""
        best = history.best_number
        if best != self._best and best is not None:
            self._best = best
            self._shown.postfix = f"best loss: {history.reported(history.losses[best])}"
        done = history.finished
        if done > self._done:
            self._shown.update(done - self._done)
            self._done = done

    def finish(self, history: History, stopped_by: str, error: BaseException | None = None) -> None:
        """Leave it."""
        self._open.close()


class Told(Lines):
    """What happens, in lines and without a bar; neither of earlier trials nor a summary, for `fmin` is called in loops."""

    _starting = False

    def start(self, run: RunInfo, history: History) -> None:
        """Begin, without a word."""
        self._starting = True
        super().start(run, history)
        self._starting = False

    def said(self, text: str) -> None:
        """One line."""
        if not self._starting:
            super().said(text)

    def closed(self, summary: Summary) -> None:
        """Nothing."""


class _Nobody:
    """Watches nothing, and tells the log nothing either."""

    def start(self, run: RunInfo, history: History) -> None: ...

    def __call__(self, entries: Sequence[Entry], history: History) -> None: ...

    def finish(self, history: History, stopped_by: str, error: BaseException | None = None) -> None: ...


NOBODY: Feedback = _Nobody()


class _Unsaid(int):
    """True, as a default: a program has not said it.  By its type, so that it may be handed on from one `fmin` to the next."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "True"  # as in Hyperopt's signatures


UNSAID: Any = _Unsaid(True)
"""The default of `verbose` and of `show_progressbar`.

In Hyperopt `verbose=False` ends the bar as well, whatever is said of the bar.  So a program that says `verbose=False` and
nothing more is one that wants to be left alone, and one that says `show_progressbar=False` and nothing more, too.  What is
said of both holds for each.
"""


def progress_callback_of(verbose: Any, show_progressbar: Any) -> ProgressCallback:
    """The bar: what was said of it, which may be a callback; and as `verbose` where nothing was."""
    if isinstance(show_progressbar, _Unsaid):
        show_progressbar = bool(verbose)
    if not show_progressbar:
        return progress.no_progress_callback
    return show_progressbar if callable(show_progressbar) else progress.default_callback


def feedback_of(verbose: Any, callback: ProgressCallback) -> bool | str | Feedback:
    """What `Study.run(progress=...)` and `feedback_for` take.

    Args:
        verbose: whether to tell in words; `UNSAID` where it was not said.
        callback: the bar.
    """
    if callback is progress.no_progress_callback:
        if not verbose:
            return NOBODY
        return False if isinstance(verbose, _Unsaid) else Told()
    if callback is progress.default_callback:
        return True if verbose else "bar"
    return CallbackBar(callback)
