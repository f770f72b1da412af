"""News as server-sent events: what happened after an entry of the log, so that a reconnect loses nothing.

The `id` of an event is the `seq` that the browser knows from then on; browsers send it back as `Last-Event-ID` when a
connection broke.  Trials that changed since then come as rows, unless they are too many or too long ago: then `reset` says that
everything is to be asked for anew.

A browser has six connections for one server, and a stream holds one.  A page that finds no room asks for what is `brief`: what
there is now, and the end; the browser asks again after two seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool

from parzen.dashboard._answers import plain_json
from parzen.dashboard._library import SOON, Library, Watched
from parzen.dashboard._table import row_of
from parzen.dashboard._views import library_of, summary_of
from parzen.trials import History

__all__ = ["library_news", "study_news"]

ROWS = 300
"""Trials that are told one by one."""
_ALIVE = 10.0
"""Seconds after which something is sent in any case, so that a connection that broke is noticed."""


_OFTEN = {False: "retry: 1000\n\n", True: "retry: 2000\n\n"}
"""When a browser asks again, by whether the answer is brief."""


def _event(kind: str, data: Any, number: int | str | None = None) -> str:  # data is anything JSON takes
    head = "" if number is None else f"id: {number}\n"
    return f"{head}event: {kind}\ndata: {plain_json(data)}\n\n"


async def study_news(
    library: Library, watched: Watched, after: int, is_over: Callable[[], bool], *, brief: bool = False, seen: int = -1
) -> AsyncIterator[str]:
    """Events of one study: `change`, `problem`, `well`, `gone`.

    Args:
        library: of the study.
        watched: the study.
        after: entry of the log that the page knows.
        is_over: whether the server ends.
        brief: end after what there is now.
        seen: which of its changes the page knows, where it has asked before.
    """
    told_at, problem = 0.0, ""
    yield _OFTEN[brief]
    while not is_over():
        now = time.monotonic()
        watched.wanted = now
        if watched.gone:
            yield _event("gone", {"sentence": watched.problem})
            return
        trouble = watched.trouble
        if trouble != problem:
            problem = trouble
            yield _event("problem", {"sentence": problem}) if problem else _event("well", {})
            told_at = now
        history = (
            watched.history
        )  # once: another file may take the place of its own, and then there is none for a while
        # The changes are counted anew when the server is started, so that a page may know as many of an earlier one.
        if history is not None and not problem and (watched.changes != seen or history.seq != after):
            seen = watched.changes
            known, after = after, history.seq
            yield _event(
                "change",
                await run_in_threadpool(_change, watched, history, known),
                f"{after}.{seen}" if brief else after,
            )
            told_at = now
        elif now - told_at > _ALIVE:
            yield ": still here\n\n"
            told_at = now
        if brief:
            if not problem:  # what it was told of before may be over
                yield _event("well", {})
            return
        await asyncio.sleep(SOON)


def _change(watched: Watched, history: History, after: int) -> dict[str, Any]:
    numbers = watched.trials_since(after, history)
    summary = summary_of(watched, history)
    summary["seq"] = history.seq
    if numbers is None or len(numbers) > ROWS:
        return {"summary": summary, "reset": True, "rows": []}
    return {"summary": summary, "reset": False, "rows": [row_of(history, number) for number in numbers]}


async def library_news(library: Library, is_over: Callable[[], bool], *, brief: bool = False) -> AsyncIterator[str]:
    """The list of studies, whenever it changed; where it is `brief`, as it is now."""
    last, told_at = "", 0.0
    yield _OFTEN[brief]
    while not is_over():
        now = time.monotonic()
        told = plain_json(await run_in_threadpool(library_of, library))
        if told != last:
            last, told_at = told, now
            yield f"event: list\ndata: {told}\n\n"
        elif now - told_at > _ALIVE:
            yield ": still here\n\n"
            told_at = now
        if brief:
            return
        await asyncio.sleep(2 * SOON)
