"""Starting the page: a socket, a token, a server, a browser."""

from __future__ import annotations

import os
import secrets
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from parzen._lazy import require
from parzen.errors import StorageError
from parzen.log import Storage
from parzen.storages import open_storage

__all__ = ["PORT", "Dashboard", "serve"]

PORT = 8700
_SHORTEST = 16
"""Characters of a token that somebody chose."""


class Dashboard:
    """The web page of a storage, in a thread of this process: for a program that is searching, and for tests.

        with Dashboard(study.storage) as page:
            print(page.url)

    Args are those of `serve`.

    Attributes:
        url: where it is, with the token.
        port: that it listens at.
        token: that its visitors need.
    """

    def __init__(
        self,
        storage: str | os.PathLike[str] | Storage,
        *,
        name: str | None = None,
        host: str = "127.0.0.1",
        port: int | None = None,
        token: str | None = None,
        readonly: bool = False,
        logs: str | os.PathLike[str] | None = None,
    ) -> None:
        for module in ("starlette", "uvicorn", "plotly"):
            require(module, '"parzen[dashboard]"')
        from parzen.dashboard._app import Page
        from parzen.dashboard._guard import Guard, is_loopback
        from parzen.dashboard._library import Library

        self.token = secrets.token_urlsafe(24) if token is None else token
        if not self.token and not is_loopback(host):
            raise ValueError(
                f"host={host!r} lets other machines in, so there has to be a token: leave token out to have one drawn, or "
                'stay with host="127.0.0.1" and tunnel (ssh -L)'
            )
        if self.token and (len(self.token) < _SHORTEST or not self.token.isascii() or not self.token.isprintable()):
            raise ValueError(
                f"a token is at least {_SHORTEST} printable ASCII characters, got {len(self.token)}; leave it out to have "
                "one drawn"
            )
        import uvicorn

        self.library = Library(storage, readonly=readonly)
        try:
            where = "" if name is None else f"study/{self._uid_of(name)}"
            self._socket = _listening(host, port)
        except BaseException:
            self.library.close()
            raise
        self.port = int(self._socket.getsockname()[1])
        shown = "localhost" if host == "localhost" else f"[{host}]" if ":" in host else host
        if host in ("0.0.0.0", "::"):  # noqa: S104  # everywhere is no address to go to
            shown = socket.gethostname()
        secret = f"?token={quote(self.token, safe='')}" if self.token else ""
        self.url = f"http://{shown}:{self.port}/{where}{secret}"
        names = [] if host in ("0.0.0.0", "::") else [host]  # noqa: S104
        page = Page(self.library, None if logs is None else os.fspath(logs), lambda: self._server.should_exit)
        guard = Guard(page.app, self.token, names, self.port)
        self._warming = threading.Thread(target=page.warm, name="parzen-dashboard-warm", daemon=True)
        config = uvicorn.Config(
            guard,
            log_config=None,
            log_level="warning",
            access_log=False,  # addresses of first visits hold the token
            server_header=False,
            date_header=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
            timeout_keep_alive=75,
            ws="none",
        )
        self._server = uvicorn.Server(config)
        self._thread: threading.Thread | None = None

    def _uid_of(self, name: str) -> str:
        return self.library.storage.open(name).uid

    def run(self) -> None:
        """Serve until Ctrl-C or SIGTERM."""
        self._warming.start()
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self.close()

    def start(self) -> Dashboard:
        """Serve from a thread, until `close`."""
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="parzen-dashboard-server", daemon=True
        )
        self._thread.start()
        self._warming.start()
        while not self._server.started and self._thread.is_alive():
            self._thread.join(0.01)
        return self

    def close(self) -> None:
        """End it."""
        self._server.should_exit = True
        for thread in (self._thread, self._warming):
            # Also what is only imported ahead: an interpreter that ends in the middle of that may crash.
            if thread is not None and thread.is_alive():
                thread.join(10)
        self._socket.close()
        self.library.close()

    def __enter__(self) -> Dashboard:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Dashboard of {self.library.location} at port {self.port}>"


def _listening(host: str, port: int | None) -> socket.socket:
    """A socket; where no port was asked for, `PORT` or any that is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for wanted in (PORT, 0) if port is None else (port,):
        # Its protocol by name: asyncio sends at once (TCP_NODELAY) on sockets of which it knows that they are TCP; on others
        # each answer waits 40 ms for an acknowledgement.
        found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            if os.name != "nt":  # there it means that others may take the port as well
                found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind((host, wanted))
            found.listen(128)
        except OSError as error:
            found.close()
            if port is None and wanted:
                continue
            raise StorageError(
                f"the page cannot listen at {host}, port {wanted}: {error.strerror or error}; give another port or host"
            ) from error
        return found
    raise AssertionError("port 0 is free or an error")


def serve(
    storage: str | os.PathLike[str] | Storage,
    *,
    name: str | None = None,
    host: str = "127.0.0.1",
    port: int | None = None,
    token: str | None = None,
    readonly: bool = False,
    logs: str | os.PathLike[str] | None = None,
    open_browser: bool = True,
    announce: Callable[[Dashboard], object] | None = None,
) -> None:
    """Show the studies of a storage as a web page, until Ctrl-C.

    A file has to be there: a page of one whose name was misspelt would stay empty for ever.  `Dashboard` takes one that is
    not there yet, for a program that shows its search from the beginning.

    Args:
        storage: path of a file, URL, or a storage object.
        name: of the study to begin with; None begins with the list.
        host: address to listen at. The default is reachable from this machine only; from another one use a tunnel, as in
            `ssh -L 8700:localhost:8700 HOST`.
        port: to listen at; None takes 8700, or any that is free; 0 takes any.
        token: that visitors need, at least 16 characters; None draws one, and "" lets in everybody on this machine.
        readonly: nothing can be changed from the page, and the file need not be writable.
        logs: folder in which what programs printed (`parzen run`) may be read; None for none.
        open_browser: open the page in a browser.
        announce: told of the page before it is served; None writes its address to stderr.

    Raises:
        ValueError: the host lets other machines in and the token is empty, or the token is too short.
        StorageError: the storage cannot be used, there is no such file, or the port cannot be listened at.
        StudyNotFound: there is no study of that name.
        MissingDependency: `pip install "parzen[dashboard]"`.
    """
    if isinstance(storage, (str, os.PathLike)):
        open_storage(storage, readonly=True).close()
    page = Dashboard(storage, name=name, host=host, port=port, token=token, readonly=readonly, logs=logs)
    try:
        (announce or _say_where)(page)
        if open_browser:
            # From a thread: some browsers keep whoever starts them waiting.
            threading.Thread(target=webbrowser.open, args=(page.url,), daemon=True).start()
        page.run()
    finally:
        page.close()  # Ctrl-C may come before there is anything to serve, too


def _say_where(page: Dashboard) -> None:
    out: Any = sys.stderr
    what = "the studies of" if page.library.studies else "there is no study yet; those of"
    out.write(f"parzen: {what} {page.library.location} are at\n\n    {page.url}\n\nCtrl-C ends it.\n")
    out.flush()
