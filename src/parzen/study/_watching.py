"""Looking at a study while others run it."""

from __future__ import annotations

import sys
import threading
from typing import IO, TYPE_CHECKING

from parzen.feedback import Overview, in_notebook, overview_of

if TYPE_CHECKING:
    from parzen.study._study import Study

__all__ = ["overview", "watch"]


def overview(study: Study) -> Overview:
    """What there is to see of a study now."""
    return overview_of(
        study.history, study.stream.clock.wall(), name=study.name, location=study.location, noisy=study.header.noisy
    )


def watch(study: Study, interval: float, until_done: bool, stream: IO[str] | None = None) -> None:
    """See `Study.watch`."""
    if in_notebook():
        _in_cell(study, interval, until_done)
        return
    from parzen.feedback._view import View

    view = View(sys.stdout if stream is None else stream)
    study.refresh()
    if not view.open():
        out = sys.stdout if stream is None else stream
        out.write(view.plain(overview(study)))
        out.flush()
        return
    try:
        while True:
            now = overview(study)
            view.show(now)
            if until_done and _is_done(now):
                return
            threading.Event().wait(interval)
            study.refresh()
    except KeyboardInterrupt:
        return
    finally:
        view.leave()


def _in_cell(study: Study, interval: float, until_done: bool) -> None:
    from parzen.feedback._page import overview_html
    from parzen.feedback.notebook import shown_in_cell

    show = shown_in_cell()
    try:
        while True:
            study.refresh()
            now = overview(study)
            show(overview_html(now), f"{now.name}: {now.done} trials done")
            if until_done and _is_done(now):
                return
            threading.Event().wait(interval)
    except KeyboardInterrupt:
        return


def _is_done(now: Overview) -> bool:
    return now.total is not None and now.done >= now.total and not now.running
