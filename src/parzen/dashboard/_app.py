"""Addresses and what answers them.

| address | what |
|---|---|
| `/`, `/study/…`, `/compare` | the page, which reads the rest |
| `/static/…`, `/plotly.js` | its parts |
| `/api/studies`, `/api/news` | the list of studies, and as events |
| `/api/studies/UID` | one study; below it `news`, `trials`, `rows`, `plots/NAME`, `answer`, `form`, `trials/N`, `do` |
| `/api/compare` | curves of several studies |
"""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from importlib import resources
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from parzen._lazy import require
from parzen.dashboard._answers import Problem, answer, is_whole, refusal
from parzen.dashboard._control import act
from parzen.dashboard._figures import comparison, curve, figure, titles
from parzen.dashboard._form import form_of
from parzen.dashboard._library import Library, Watched
from parzen.dashboard._live import library_news, study_news
from parzen.dashboard._table import Wanted, page_of
from parzen.dashboard._views import answer_of, library_of, study_of, trial_of, trials_of
from parzen.errors import ParzenError
from parzen.plots import NAMES, THEMES
from parzen.run import attachment_key
from parzen.trials import History

__all__ = ["Page"]

STATIC = os.path.join(os.path.dirname(__file__), "static")
_KEEP = 2000
_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_log = logging.getLogger("parzen")


class Page:
    """The application over a library.

    Args:
        library: what is shown.
        logs: folder in which what programs printed may be read; None for none.
        is_over: whether the server is about to end, so that open connections do.
    """

    def __init__(self, library: Library, logs: str | None = None, is_over: Callable[[], bool] = lambda: False) -> None:
        self.library, self.logs, self.is_over = library, logs, is_over
        self._plotly: tuple[bytes, bytes] | None = None
        self._lock = threading.Lock()
        self._parts = dict(_read_parts())
        study = "/api/studies/{uid}"
        routes: list[BaseRoute] = [
            Route("/plotly.js", self.plotly),
            Route("/static/{path:path}", self.static),
            Route("/api/studies", _told(self.studies)),
            Route("/api/news", self.library_news),
            Route("/api/compare", _told(self.compare)),
            Route(study, _told(self.study)),
            Route(f"{study}/news", self.study_news),
            Route(f"{study}/trials", _told(self.table)),
            Route(f"{study}/rows", _told(self.rows)),
            Route(f"{study}/answer", _told(self.answer)),
            Route(f"{study}/form", _told(self.form)),
            Route(f"{study}/plots/{{name}}", _told(self.plot)),
            Route(f"{study}/trials/{{number:int}}", _told(self.trial)),
            Route(f"{study}/trials/{{number:int}}/curve", _told(self.curve)),
            Route(f"{study}/trials/{{number:int}}/attachments/{{name:path}}", _told(self.attachment)),
            Route(f"{study}/do", self.do, methods=["POST"]),
            Route("/{path:path}", self.index),
        ]
        self.app = Starlette(routes=routes, exception_handlers={404: _missing, 405: _missing})

    # --- the page and its parts ---------------------------------------------------------------------------------

    async def index(self, request: Request) -> Response:
        """The page, whatever its address: it reads there what to show."""
        path = request.path_params["path"]
        if path not in ("", "compare") and not path.startswith("study/"):
            return refusal(404, "There is no such page.")
        answer = self._part(request, "index.html")
        if path:  # a page with plots: the browser may begin to read what draws them
            answer.headers["Link"] = "</plotly.js>; rel=preload; as=script"
        return answer

    async def static(self, request: Request) -> Response:
        """A part of the page; all of them are kept in memory, so that no path leads anywhere else."""
        name = request.path_params["path"]
        return self._part(request, name) if name in self._parts else refusal(404, "There is no such part.")

    def _part(self, request: Request, name: str) -> Response:
        data, kind, tag = self._parts[name]
        headers = {"Cache-Control": "no-cache", "ETag": tag}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(data, media_type=kind, headers=headers)

    async def plotly(self, request: Request) -> Response:
        """plotly's JavaScript, from the package that is installed; compressed once, for who sits behind a tunnel."""
        plain, small = await run_in_threadpool(self._plotly_js)
        headers = {"Cache-Control": "private, max-age=3600", "Vary": "Accept-Encoding"}
        zipped = "gzip" in request.headers.get("accept-encoding", "") and not _is_near(request)
        if zipped:
            headers["Content-Encoding"] = "gzip"
        return Response(small if zipped else plain, media_type="text/javascript; charset=utf-8", headers=headers)

    def _plotly_js(self) -> tuple[bytes, bytes]:
        with self._lock:
            if self._plotly is None:
                require("plotly", '"parzen[dashboard]"')
                data = resources.files("plotly").joinpath("package_data/plotly.min.js").read_bytes()
                self._plotly = (data, gzip.compress(data, 5))
            return self._plotly

    def warm(self) -> None:
        """Make what the first visitor would wait for: plotly's script, and the first plot of the newest study."""
        try:
            self._warm()
        except Exception:  # whoever asks for it meets the error, and is told
            _log.debug("nothing was made ahead", exc_info=True)

    def _warm(self) -> None:
        self._plotly_js()
        while not self.is_over():
            watched = next(iter(self.library.studies), None)
            if watched is None or watched.problem:
                return
            history = watched.history
            if history is not None:
                for theme in THEMES:
                    self._figure(watched, history, NAMES[0], theme, {}, [])
                watched.overview(history)
                return
            time.sleep(0.1)

    # --- looking ------------------------------------------------------------------------------------------------

    def watched(self, request: Request) -> Watched:
        """The study of an address."""
        found = self.library.get(request.path_params["uid"])
        if found is None:
            raise Problem("there is no such study here: it may have been deleted, or this is another storage", 404)
        if found.gone:
            raise Problem(found.problem, 410)
        return found

    def history(self, request: Request) -> tuple[Watched, History]:
        """The study of an address, and its snapshot."""
        watched = self.watched(request)
        history = watched.history
        if history is None:
            raise Problem(watched.problem or "the study is being read: a moment, please", 503)
        return watched, history

    def studies(self, request: Request) -> Any:
        return library_of(self.library)

    def study(self, request: Request) -> Any:
        return {**study_of(self.watched(request), self.library), "plots": titles()}

    def table(self, request: Request) -> Any:
        _, history = self.history(request)
        query = request.query_params
        only = _numbers(query["only"]) if "only" in query else None
        wanted = Wanted(
            query.get("where", ""),
            tuple(name for name in query.get("states", "").split(",") if name),
            query.get("sort", "number"),
            query.get("order", "down") == "down",
            None if only is None else tuple(only),
        )
        return page_of(history, wanted, _whole(query, "offset", 0), _whole(query, "limit", 50))

    def rows(self, request: Request) -> Any:
        return trials_of(self.watched(request), _numbers(request.query_params.get("numbers", "")))

    def answer(self, request: Request) -> Any:
        return answer_of(self.watched(request))

    def form(self, request: Request) -> Any:
        _, history = self.history(request)
        trial = request.query_params.get("trial")
        return form_of(history, None if trial is None else _whole(request.query_params, "trial", 0))

    def plot(self, request: Request) -> Any:
        watched, history = self.history(request)
        query = dict(request.query_params)
        theme = query.pop("theme", "light")
        keep = _numbers(query.pop("keep", ""))[:_KEEP]
        return self._figure(watched, history, request.path_params["name"], theme, query, keep)

    def _figure(
        self, watched: Watched, history: History, name: str, theme: str, query: dict[str, str], keep: list[int]
    ) -> dict[str, Any]:
        key = ("plot", name, theme, tuple(sorted(query.items())))

        def make() -> dict[str, Any]:
            return {**figure(history, name, theme, query, keep), "seq": history.seq}

        # What somebody has picked out is nobody else's: made for them, and not kept.
        return make() if keep else watched.made(key, history.seq, make)

    def trial(self, request: Request) -> Any:
        return trial_of(self.watched(request), request.path_params["number"], self.logs)

    def curve(self, request: Request) -> Any:
        _, history = self.history(request)
        return curve(history, request.path_params["number"], request.query_params.get("theme", "light"))

    def attachment(self, request: Request) -> Any:
        watched, _ = self.history(request)
        name, number = request.path_params["name"], request.path_params["number"]
        assert watched.study is not None
        data = watched.study.storage.get(watched.header.uid, attachment_key(number, name))
        if data is None:
            raise Problem(f"trial {number} has no attachment {name!r:.80}", 404)
        # Never shown by the browser itself: it is whatever somebody stored.
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name.rpartition('/')[2] or 'data')}"}
        return Response(data, media_type="application/octet-stream", headers=headers)

    def compare(self, request: Request) -> Any:
        uids = [uid for uid in request.query_params.get("studies", "").split(",") if uid][:6]
        if len(uids) < 2:
            raise Problem("two studies or more can be compared")
        histories: dict[str, History] = {}
        told = []
        for uid in uids:
            watched = self.library.get(uid)
            if watched is None or watched.gone or watched.history is None:
                raise Problem("one of the studies is not there any more", 404)
            histories[watched.header.name] = watched.history
            told.append(study_of(watched, self.library))
        return {"studies": told, "plots": comparison(histories, request.query_params.get("theme", "light"))}

    # --- news ---------------------------------------------------------------------------------------------------

    async def library_news(self, request: Request) -> Response:
        return _stream(library_news(self.library, self.is_over, brief="brief" in request.query_params))

    async def study_news(self, request: Request) -> Response:
        try:
            watched = await run_in_threadpool(self.watched, request)
            last = request.headers.get("last-event-id") or request.query_params.get("after", "0")
            entry, _, change = last.partition(".")
            after, seen = (int(text) if is_whole(text) else none for text, none in ((entry, 0), (change, -1)))
        except Problem as problem:
            return refusal(problem.status, str(problem), **problem.facts)
        brief = "brief" in request.query_params
        return _stream(study_news(self.library, watched, after, self.is_over, brief=brief, seen=seen))

    # --- doing --------------------------------------------------------------------------------------------------

    async def do(self, request: Request) -> Response:
        if self.library.readonly:
            return refusal(403, "This page was started with --read-only: nothing can be changed.")
        try:
            given = json.loads(await request.body())
        except (ValueError, RecursionError):
            return refusal(400, "That is not JSON.")

        def done() -> Any:
            return act(self.watched(request), given)

        return await run_in_threadpool(_answered, done)


def _read_parts() -> Iterator[tuple[str, tuple[bytes, str, str]]]:
    """Name -> bytes, type and tag of each file of the page."""
    for folder, _, names in os.walk(STATIC):
        for name in names:
            path = os.path.join(folder, name)
            kind = _KINDS.get(os.path.splitext(name)[1])
            if kind is None:
                continue
            with open(path, "rb") as file:
                data = file.read()
            tag = f'"{hashlib.sha256(data).hexdigest()[:20]}"'
            yield os.path.relpath(path, STATIC).replace(os.sep, "/"), (data, kind, tag)


def _stream(events: Any) -> Response:  # an async iterator of texts
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


def _told(make: Callable[[Request], Any]) -> Callable[[Request], Response]:
    """An endpoint that runs in a thread and answers in JSON."""

    def endpoint(request: Request) -> Response:
        return _answered(lambda: make(request))

    return endpoint


def _answered(make: Callable[[], Any]) -> Response:  # what JSON takes, or a Response
    try:
        made = make()
    except Problem as problem:
        return refusal(problem.status, str(problem), **problem.facts)
    except ParzenError as error:
        return refusal(503, str(error))
    return made if isinstance(made, Response) else answer(made)


async def _missing(request: Request, error: Exception) -> Response:
    return refusal(404, "There is no such page.")


def _numbers(text: str) -> list[int]:
    return [int(one) for one in text.split(",") if is_whole(one)]


def _whole(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not is_whole(text):
        raise Problem(f"{name} is a whole number, got {text!r:.40}")
    return int(text)


def _is_near(request: Request) -> bool:
    """Whether the browser is on this machine as far as one can tell: then compressing costs more than it saves."""
    return request.client is not None and request.client.host in ("127.0.0.1", "::1")
