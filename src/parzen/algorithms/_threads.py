"""Linear algebra on one thread while a proposal is made.

The matrices of a search are small, and a BLAS that wakes threads for each product spends most of its time on waiting for
them: at 150 trials of a Gaussian process on two busy cores, 25 s of CPU instead of 3.  The objective's own linear algebra
keeps all of its threads.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

__all__ = ["one_blas_thread"]


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """BLAS libraries that are loaded use one thread inside; 12 us."""
    with _controller("scipy.linalg" in sys.modules).limit(limits=1, user_api="blas"):
        yield


@lru_cache
def _controller(_: bool) -> Any:  # threadpoolctl has no types
    """To look for libraries takes milliseconds; scipy brings one of its own, so it is done once before and once after."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
