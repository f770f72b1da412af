"""Linear algebra on one thread while a proposal is made.

The matrices of a search are small, and a BLAS that wakes threads for each product spends most of its time on waiting for
them: at 150 trials of a Gaussian process on two busy cores, 25 s of CPU instead of 3.  The objective's own linear algebra
keeps all of its threads.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["cover_new_libraries", "one_blas_thread"]


def _has_scipy() -> bool:
    """Whether all of it is loaded: another thread may be in the middle of that, and its library not there yet."""
    module = sys.modules.get("scipy.linalg")
    return module is not None and not getattr(module.__spec__, "_initializing", False)


class _Threads:
    """How many threads BLAS has: a setting of the process, so the first who limits it remembers it, the last restores it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._controller: Any = None  # threadpoolctl has no types
        self._knows_scipy = False
        self._limits: list[Any] = []

    def limit(self) -> None:
        with self._lock:
            self._users += 1
            self._cover(first=self._users == 1)

    def cover(self) -> None:
        with self._lock:
            if self._users:
                self._cover(first=False)

    def _cover(self, first: bool) -> None:
        # To look for libraries takes milliseconds; scipy brings one of its own.
        if self._controller is None or self._knows_scipy != _has_scipy():
            from threadpoolctl import ThreadpoolController

            self._knows_scipy = _has_scipy()
            self._controller = ThreadpoolController().select(user_api="blas")
        elif not first:
            return
        # To ask is a fifth of the price of setting, and many programs have set one thread themselves.
        if any(library.num_threads != 1 for library in self._controller.lib_controllers):
            limit = self._controller.limit(limits=1)
            limit.__enter__()
            self._limits.append(limit)

    def restore(self) -> None:
        with self._lock:
            self._users -= 1
            while not self._users and self._limits:
                self._limits.pop().__exit__(None, None, None)


_threads = _Threads()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """BLAS libraries that are loaded use one thread inside; 12 us, or 3 where they do anyway.  Threads may be inside at the same time."""
    _threads.limit()
    try:
        yield
    finally:
        _threads.restore()


def cover_new_libraries() -> None:
    """Limit what was loaded since the context began, too; costs nothing where nothing was.

    Sums in another order are other sums, in their last digit, and what was proposed could not be proposed again.
    """
    _threads.cover()
