"""What is special about studies in memory."""

from __future__ import annotations

import tracemalloc

from parzen.storages import MemoryStorage


def test_a_deleted_study_is_not_live_any_more(make_header) -> None:  # type: ignore[no-untyped-def]
    """delete drops the stream that was kept under the study's uid."""
    storage = MemoryStorage()
    storage.create(make_header())
    storage.live["u1"] = object()
    storage.delete("u1")

    assert storage.live == {}


def test_a_new_storage_has_no_live_streams() -> None:
    """`live` is the storage's own dict, not one that storages share."""
    MemoryStorage().live["u1"] = object()

    assert MemoryStorage().live == {}


def test_reading_gives_nothing(make_header, batch) -> None:  # type: ignore[no-untyped-def]
    """The history of the live stream is the state, so the storage keeps no events."""
    storage = MemoryStorage()
    storage.create(make_header())
    storage.append("u1", batch(0), "t")

    assert storage.read("u1") == []


def test_a_trial_costs_a_few_bytes(make_header, batch) -> None:  # type: ignore[no-untyped-def]
    """10 000 trials cost the storage at most 50 bytes each."""
    storage = MemoryStorage()
    storage.create(make_header())
    batches = [(batch(number), str(number)) for number in range(10_000)]
    tracemalloc.start()
    for events, token in batches:
        storage.append("u1", events, token)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert used < 50 * len(batches)
