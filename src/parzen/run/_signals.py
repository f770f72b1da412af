"""Ctrl-C and SIGTERM, turned into an orderly end.

While a run lasts, both are caught.  Inside the objective they raise `KeyboardInterrupt` at once; anywhere else they wait
until the loop looks, so that they never tear a batch apart between the storage and the history.  A second Ctrl-C always
raises.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["Interrupts"]


class Interrupts:
    """A context manager that catches interrupts; it does nothing outside of the main thread.

    Handlers that the program itself has installed are left alone.

    Attributes:
        signal: the number of the first signal that came; None as long as there was none.
        armed: whether an interrupt raises at once.
        nested: whether another run, of whose objective this one is a part, is catching them already.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self.nested = False
        self.armed = False
        self._before: dict[int, Any] = {}  # what signal.signal returns
        self._pid = os.getpid()

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._replace(signal.SIGINT, signal.default_int_handler)
            self._replace(signal.SIGTERM, signal.SIG_DFL)
        return self

    def __exit__(self, *_: object) -> None:
        self.give_back()

    def give_back(self) -> None:
        """Put the handlers that were there before in their place."""
        for number, handler in self._before.items():
            if signal.getsignal(number) == self._handle:  # else the objective has installed one of its own
                signal.signal(number, handler)
        self._before.clear()
        _catching.discard(self)

    def _replace(self, number: int, expected: object) -> None:
        current = signal.getsignal(number)
        if isinstance(getattr(current, "__self__", None), Interrupts):
            self.nested = True
        if current == expected:
            self._before[number] = signal.signal(number, self._handle)
            _catching.add(self)

    def _handle(self, number: int, _: FrameType | None) -> None:
        if os.getpid() != self._pid:
            # Before the child came to `_leave_alone`.
            signal.signal(number, self._before.get(number, signal.SIG_DFL))
            os.kill(os.getpid(), number)
            return
        again = self.signal is not None
        if self.signal is None:
            self.signal = number
        if self.armed or again:
            raise KeyboardInterrupt

    def raising(self) -> _Raising:
        """A context in which an interrupt may raise at once: inside the objective."""
        return _Raising(self)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Where an interrupt waits, inside the objective: parzen's own work there is done whole or not at all."""
        if not self.armed or threading.current_thread() is not threading.main_thread():
            yield
            return
        before, self.armed = self.signal, False
        try:
            yield
        finally:
            self.armed = True
        if self.signal is not before:
            raise KeyboardInterrupt


_catching: set[Interrupts] = set()
"""Those whose handlers are installed in this process."""


def _leave_alone() -> None:
    """A child that the objective forked has our handlers, and is none of our business.

    A pool ends its workers by SIGTERM, and waits for ever for one in which an exception is swallowed on the way, or which
    waits for a lock that another one took with it: a handler of Python's runs between two steps of Python, and nowhere else.
    """
    while _catching:
        _catching.pop().give_back()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_alone)


class _Raising:
    __slots__ = ("_interrupts",)

    def __init__(self, interrupts: Interrupts) -> None:
        self._interrupts = interrupts

    def __enter__(self) -> None:
        interrupts = self._interrupts
        interrupts.armed = True
        if interrupts.signal is not None:
            interrupts.armed = False
            raise KeyboardInterrupt

    def __exit__(self, *_: object) -> None:
        self._interrupts.armed = False
