"""Which kind of entry concerned which trial, in order; and the state that is folded from it.

Eight bytes an entry: enough to feed a fold from the beginning at any time, without keeping the events themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from parzen.trials._events import (
    Asked,
    Event,
    Finished,
    Noted,
    Released,
    Reported,
    Requested,
    Retracted,
    Started,
)

if TYPE_CHECKING:
    from parzen.trials._history import History

__all__ = ["Journal"]

_S = TypeVar("_S")

_KINDS = (Asked, Started, Reported, Finished, Released, Requested, Retracted, Noted)
_CODE: Mapping[type[Event], int] = {kind: code for code, kind in enumerate(_KINDS, start=1)}


class _Fold:
    __slots__ = ("epoch", "position", "state")

    def __init__(self, state: Any, epoch: int) -> None:  # an algorithm's own, of any type
        self.state, self.position, self.epoch = state, 0, epoch


class Journal:
    """Shared by a history and its snapshots: entries are only ever added, and each of them knows how many are its own."""

    def __init__(self) -> None:
        self._entries = np.empty(64, dtype=np.int64)  # 16 * number + code
        self._folds: dict[Hashable, _Fold] = {}

    def add(self, n: int, event: Event) -> int:
        """Take in an event after the first `n` entries; how many there are then."""
        code = _CODE.get(type(event))
        if code is None:
            return n
        if n == len(self._entries):
            self._entries = np.concatenate([self._entries, np.empty_like(self._entries)])
        self._entries[n] = 16 * getattr(event, "number", -1) + code
        return n + 1

    def entries(self, n: int) -> NDArray[np.int64]:
        """The first `n` entries, as they are kept."""
        return self._entries[:n]

    def restore(self, entries: NDArray[np.int64]) -> None:
        """Begin with entries that were kept."""
        self._entries = np.concatenate([entries, np.empty(max(64, len(entries)), dtype=np.int64)])
        self._folds = {}

    def fold(
        self,
        history: History,
        n: int,
        key: Hashable,
        init: Callable[[], _S],
        step: Callable[[_S, History, type[Event], int], _S],
        kinds: tuple[type[Event], ...],
    ) -> _S:
        """State folded from the first `n` entries; see `History.fold`."""
        memo = self._folds.get(key)
        if memo is None or memo.epoch != history.epoch or memo.position > n:
            fresh = _Fold(init(), history.epoch)
            # An old snapshot asking must not throw away what a newer history has.
            if memo is None or memo.epoch < history.epoch:
                self._folds[key] = fresh
            memo = fresh
        if memo.position < n:
            by_code = {_CODE[kind]: kind for kind in kinds}
            for entry in self._entries[memo.position : n].tolist():
                kind = by_code.get(entry & 15)
                if kind is not None:
                    memo.state = step(memo.state, history, kind, entry >> 4)
            memo.position = n
        return memo.state  # type: ignore[no-any-return]  # `_Fold` holds what `init` and `step` gave
