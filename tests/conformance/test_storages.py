"""Every storage of our own keeps every promise of the protocol, and the kit notices one that does not."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from parzen.errors import Conflict
from parzen.storages import MemoryStorage, open_storage
from parzen.testing import check_storage
from parzen.testing._storages import CASES
from parzen.trials import Event, Noted

MAKERS = {
    "memory": lambda _: MemoryStorage(),
    "sqlite": lambda folder: open_storage(folder / "study.db"),
    "journal": lambda folder: open_storage(folder / "study.journal"),
    "journal, waiting for the disk": lambda folder: open_storage(f"journal:///{folder}/study.journal?sync=full"),
    "sqlite, waiting for the disk": lambda folder: open_storage(f"sqlite:///{folder}/study.db?sync=full"),
}


@pytest.fixture(params=MAKERS)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[object]:
    made = MAKERS[request.param](tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("case", CASES)
def test_a_storage_keeps_its_promise(storage: object, case: str) -> None:
    """Each promise of the protocol holds for each storage."""
    CASES[case](storage)  # type: ignore[arg-type]  # made a line above


def test_the_kit_takes_a_storage_through_all_promises() -> None:
    """check_storage makes a fresh storage for each promise."""
    made: list[MemoryStorage] = []

    def make() -> MemoryStorage:
        made.append(MemoryStorage())
        return made[-1]

    check_storage(make)

    assert len(made) == len(CASES)


class _Forgetful(MemoryStorage):
    """Does not know a batch again."""

    def append(self, uid: str, events: Sequence[Event], token: str) -> int:
        return super().append(uid, events, f"{token}-{uuid.uuid4().hex}")


class _Lenient(MemoryStorage):
    """Takes whatever comes."""

    def append(self, uid: str, events: Sequence[Event], token: str) -> int:
        try:
            return super().append(uid, events, token)
        except Conflict:
            return super().append(uid, [Noted("refused", None, 0.0)] * len(events), token)


class _Untidy(MemoryStorage):
    """Leaves a deleted study's name taken."""

    def delete(self, uid: str) -> None:
        self._study(uid).blobs.clear()


class _Clinging(MemoryStorage):
    """Lets go of nothing."""

    def drop(self, uid: str, key: str) -> None:
        self.keys(uid)


class _Haunted(MemoryStorage):
    """Keeps the stream of a deleted study."""

    def delete(self, uid: str) -> None:
        stream = self.live.get(uid)
        super().delete(uid)
        if stream is not None:
            self.live[uid] = stream


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (_Forgetful, "a batch sent again"),
        (_Lenient, "append must raise Conflict"),
        (_Untidy, "delete removes the study"),
        (_Clinging, "drop of a study that does not exist"),
        (_Haunted, "delete takes the study's stream out of live"),
    ],
)
def test_the_kit_says_in_a_sentence_which_promise_is_broken(broken: Callable[[], MemoryStorage], sentence: str) -> None:
    """A storage that breaks a promise is an AssertionError that says which."""
    with pytest.raises(AssertionError, match=sentence):
        check_storage(broken)
