"""A network between a worker and its database that can be cut."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Literal

__all__ = ["Proxy"]


class Proxy:
    """Hands bytes on between a free port of the loopback address and a server.

    `cut = "swallow"` keeps connections and answers no more; `cut = "reset"` ends them and takes no new ones.
    """

    def __init__(self, port: int) -> None:
        self.to = port
        self.cut: Literal["swallow", "reset", ""] = ""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.cut == "reset":
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self.to))
            self._open += [client, server]
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        swallowed = False
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                swallowed = swallowed or self.cut == "swallow"  # what has lost bytes is never whole again
                if not swallowed:
                    target.sendall(data)
        if not swallowed:
            with contextlib.suppress(OSError):
                target.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """End every connection, from now on."""
        self.cut = "reset"
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        self.reset()
