"""Kits that prove a storage, an algorithm, a pruner or an executor of your own: call one from a test.

    from parzen.testing import check_storage

    def test_my_storage_keeps_its_promises():
        check_storage(MyStorage)

A kit raises `AssertionError` with the promise that was broken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from parzen._lazy import lazy_attributes

if TYPE_CHECKING:
    from parzen.testing._algorithms import check_algorithm as check_algorithm
    from parzen.testing._clock import FakeClock as FakeClock
    from parzen.testing._executors import check_executor as check_executor
    from parzen.testing._pruners import check_pruner as check_pruner
    from parzen.testing._storages import check_storage as check_storage

__all__ = ["FakeClock", "check_algorithm", "check_executor", "check_pruner", "check_storage"]

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "FakeClock": "parzen.testing._clock",
        "check_algorithm": "parzen.testing._algorithms",
        "check_executor": "parzen.testing._executors",
        "check_pruner": "parzen.testing._pruners",
        "check_storage": "parzen.testing._storages",
    },
)
