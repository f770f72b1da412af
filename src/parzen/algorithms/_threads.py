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

__all__ = ["one_blas_thread"]


class _Threads:
    """How many threads BLAS has: a setting of the process, so the first who limits it remembers it, the last restores it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._controller: Any = None  # threadpoolctl has no types
        self._knows_scipy = False
        self._limit: Any = None

    def limit(self) -> None:
        with self._lock:
            self._users += 1
            if self._users > 1:
                return
            # To look for libraries takes milliseconds; scipy brings one of its own.
            if self._controller is None or self._knows_scipy != ("scipy.linalg" in sys.modules):
                from threadpoolctl import ThreadpoolController

                self._knows_scipy = "scipy.linalg" in sys.modules
                self._controller = ThreadpoolController().select(user_api="blas")
            # To ask is a fifth of the price of setting, and many programs have set one thread themselves.
            if all(library.num_threads == 1 for library in self._controller.lib_controllers):
                return
            self._limit = self._controller.limit(limits=1)
            self._limit.__enter__()

    def restore(self) -> None:
        with self._lock:
            self._users -= 1
            if not self._users and self._limit is not None:
                self._limit.__exit__(None, None, None)
                self._limit = None


_threads = _Threads()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """BLAS libraries that are loaded use one thread inside; 12 us, or 3 where they do anyway.  Threads may be inside at the same time."""
    _threads.limit()
    try:
        yield
    finally:
        _threads.restore()
