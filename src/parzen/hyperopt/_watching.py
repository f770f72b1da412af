"""Who watches a search: parzen's feedback, or a progress callback of Hyperopt's kind that passes for one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any, TypeAlias

from parzen.feedback import Feedback, RunInfo
from parzen.hyperopt import progress
from parzen.trials import Entry, History

__all__ = ["Bar", "ProgressCallback", "feedback_of", "progress_callback_of"]

ProgressCallback: TypeAlias = Callable[..., AbstractContextManager[Any]]
"""Called with `initial` and `total`; gives an object with `update(n)` and `postfix`, of any class."""


class Bar:
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


def progress_callback_of(verbose: Any, show_progressbar: Any) -> ProgressCallback:
    """Hyperopt's rule: both must be true, and the second may be a callback itself."""
    if not verbose or not show_progressbar:
        return progress.no_progress_callback
    return show_progressbar if callable(show_progressbar) else progress.default_callback


def feedback_of(callback: ProgressCallback) -> bool | Feedback:
    """What `Study.run(progress=...)` and `feedback_for` take: True for parzen's own, False for none."""
    if callback is progress.no_progress_callback:
        return False
    return True if callback is progress.default_callback else Bar(callback)
