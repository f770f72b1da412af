"""Looking at a study while others run it."""

from __future__ import annotations

import sys
import threading
from typing import IO, TYPE_CHECKING

from parzen.feedback import Overview, in_notebook, overview_of
from parzen.run import Presence

if TYPE_CHECKING:
    from parzen.study._study import Study

__all__ = ["overview", "watch"]


def overview(study: Study, observer: Presence | None = None) -> Overview:
    """What there is to see of a study now.

    Args:
        observer: of the workers, where somebody has looked for longer; None knows those of this host that have vanished.
    """
    return overview_of(
        study.history,
        study.stream.clock.wall(),
        name=study.name,
        location=study.location,
        noisy=study.header.noisy,
        gone=(observer or _observer(study)).gone(),
    )


def _observer(study: Study) -> Presence:
    return Presence(study.stream, "somebody who only looks")


def _looked(study: Study, observer: Presence) -> Overview:
    """What there is to see of a study after another look at what others have written."""
    study.refresh()
    if study.storage.durable:
        observer.watch(study.storage.beats(study.header.uid))
    return overview(study, observer)


def watch(study: Study, interval: float, until_done: bool, stream: IO[str] | None = None) -> None:
    """See `Study.watch`."""
    if in_notebook():
        _in_cell(study, interval, until_done)
        return
    from parzen.feedback._view import View

    view, observer = View(sys.stdout if stream is None else stream), _observer(study)
    if not view.open():
        out = sys.stdout if stream is None else stream
        out.write(view.plain(_looked(study, observer)))
        out.flush()
        return
    try:
        while True:
            now = _looked(study, observer)
            view.show(now)
            if until_done and _is_done(now):
                return
            threading.Event().wait(interval)
    except KeyboardInterrupt:
        return
    finally:
        view.leave()


def _in_cell(study: Study, interval: float, until_done: bool) -> None:
    from parzen.feedback._page import overview_html
    from parzen.feedback.notebook import shown_in_cell

    show, observer = shown_in_cell(), _observer(study)
    try:
        while True:
            now = _looked(study, observer)
            show(overview_html(now), f"{now.name}: {now.done} trials done")
            if until_done and _is_done(now):
                return
            threading.Event().wait(interval)
    except KeyboardInterrupt:
        return


def _is_done(now: Overview) -> bool:
    return now.total is not None and now.done >= now.total and not now.running
