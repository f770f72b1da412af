"""Who may speak with the page: the person who was given the token, from a page of ours, at an address of ours.

A server on the loopback interface is reachable by every page in every browser on that machine, so the address protects
nothing by itself.  Four checks, each against an attack that the others let through:

* **Host** must be this machine by number or by a name that we know.  A foreign name that was made to point here (DNS
  rebinding) is a foreign origin with our address, and is refused before anything else is looked at.
* **Token**: random, in the address that is printed.  The first visit moves it into a cookie that no script can read
  (HttpOnly) and that no other site can use (SameSite=Strict), and the address is left without it, so that it is neither in the
  history nor on somebody's screen.
* **Origin** and **Sec-Fetch-Site**: cookies know no ports, so a page from another port of this machine counts as the same
  *site*.  It is another *origin*, though: whatever it sends is refused.
* **Content-Type** of what changes something must be JSON, which a form of another page cannot send, with an Origin.

Answers say what the browser may do with them: nothing is loaded from elsewhere, nothing inline is run, nothing is kept.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from parzen.dashboard._answers import refusal

__all__ = ["COOKIE", "POLICY", "Guard", "is_loopback", "may_be_host"]

COOKIE = "parzen"
LONGEST_BODY = 1_000_000
"""Bytes of what a page may send: a configuration, a note."""

_MAY: Mapping[str, str] = {
    "default-src": "'none'",
    "script-src": "'self'",
    # plotly writes its rules into a style sheet that the page gives it (static/index.html), and styles of elements through
    # their property (static/js/plots.js): neither counts as inline style, so 'unsafe-inline' is not needed.  Nor is
    # 'unsafe-eval', because nothing is drawn by WebGL (_figures).
    "style-src": "'self'",
    "img-src": "'self' data:",  # data: is plotly's heat map, a PNG that it has drawn itself
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
POLICY = "; ".join(f"{what} {where}" for what, where in _MAY.items())
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

# A redirect would still belong to whoever linked here, and a strict cookie would not come along; a page of our own that
# goes on by itself is our own.
_WELCOME = """<!doctype html><html lang="en"><meta charset="utf-8"><title>parzen</title>
<link rel="icon" href="data:,"><meta http-equiv="refresh" content="0;url=%s"><p><a href="%s">Go on to parzen</a></p></html>"""


def is_loopback(host: str) -> bool:
    """Whether an address to listen at is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def may_be_host(host: str, names: Iterable[str]) -> bool:
    """Whether a `Host` header is this machine: a number, "localhost" or one of `names`; the port may be a tunnel's."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name in {"localhost", *(known.lower() for known in names)}:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class Guard:
    """The outermost layer of the application.

    Args:
        app: what is guarded.
        token: that a visitor has to know; empty lets everybody on this machine in.
        names: of this machine, beside its numbers and "localhost".
        port: makes the cookie's name, so that two dashboards do not log each other out.
    """

    def __init__(self, app: ASGIApp, token: str, names: Iterable[str] = (), port: int = 0) -> None:
        self._app, self._token = app, token
        self._names = frozenset([*names, socket.gethostname()])
        self._cookie = f"{COOKIE}_{port}" if port else COOKIE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let it through."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                out = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    out[name] = value
                out.setdefault("Cache-Control", "no-store")
            await send(message)

        answer = self._refused(scope, headers) or self._welcome(scope, headers)
        if answer is None and not self._knows(headers):
            answer = refusal(401, "This page needs the address that parzen printed when it started: it holds a token.")
        await (self._app if answer is None else answer)(scope, receive, dressed)

    def _refused(self, scope: Scope, headers: Headers) -> Response | None:
        host = headers.get("host", "")
        if not may_be_host(host, self._names):
            return refusal(403, "This is not an address of this dashboard. Use the one that parzen printed.")
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if origin is not None and origin.lower() not in (f"http://{host}".lower(), f"https://{host}".lower()):
            return refusal(403, "The request comes from a page of somebody else.")
        # Whoever follows a link may come from anywhere; only a page of ours may fetch.
        visiting = scope["method"] == "GET" and headers.get("sec-fetch-mode", "navigate") == "navigate"
        if site not in (None, "same-origin", "none") and not visiting:
            return refusal(403, "The request comes from a page of somebody else.")
        if scope["method"] in ("GET", "HEAD"):
            return None
        if scope["method"] != "POST":
            return refusal(405, "Only GET and POST are understood.")
        if origin is None:
            return refusal(403, "What changes something has to say from which page it comes (Origin).")
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return refusal(415, "What changes something is sent as application/json.")
        if not headers.get("content-length", "").isdigit() or int(headers["content-length"]) > LONGEST_BODY:
            return refusal(413, "That is too long, or does not say how long it is.")
        return None

    def _welcome(self, scope: Scope, headers: Headers) -> Response | None:
        """The first visit: the token goes into a cookie, and out of the address."""
        query = parse_qsl(scope["query_string"].decode("latin-1"))
        given = dict(query).get("token")
        if given is None or not self._token or scope["method"] != "GET":
            return None
        if not _same(given, self._token):
            return refusal(401, "This is not the token of this dashboard. Use the address that parzen printed.")
        # Where to: a path of ours, and nothing in it that means anything in HTML.
        path = "".join(c for c in scope["path"] if c.isalnum() or c in "/-_.")
        path = "/" + path.lstrip("/")
        page = HTMLResponse(_WELCOME % (path, path))
        page.set_cookie(self._cookie, self._token, httponly=True, samesite="strict", path="/")
        return page

    def _knows(self, headers: Headers) -> bool:
        if not self._token:
            return True
        given = headers.get("authorization", "")
        if given.startswith("Bearer "):
            return _same(given.removeprefix("Bearer "), self._token)
        # Cookies know no ports: beside ours are those of whatever else runs on this machine, in any spelling.
        cookies = (one.strip().partition("=") for one in headers.get("cookie", "").split(";"))
        return any(name == self._cookie and _same(value, self._token) for name, _, value in cookies)


def _same(given: str, token: str) -> bool:
    return secrets.compare_digest(given.encode("utf-8", "replace"), token.encode())
