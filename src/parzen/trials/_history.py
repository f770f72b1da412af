"""Events, folded into columns: the one thing that algorithms, feedback and people read.

Rows are trials, in order of their numbers.  What a proposal consists of (`values`, `active`, `unit`) is written once and
shared for ever; what happens to it later (state, loss, times) is copied on the first write after a `snapshot`, as long as
that snapshot is alive.  Growth is by doubling.

Derived state that would be dear to compute anew for each trial lives in folds: `history.fold(key, init, step, kinds)`
keeps it and feeds it only the entries that are new.
"""

from __future__ import annotations

import copy
import math
import weakref
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from parzen._typing import IntArray
from parzen.errors import CorruptLog, SchemaTooNew
from parzen.trials._columns import CANCELLED, OK, RUNNING, WAITING, Columns, grown
from parzen.trials._events import (
    EARLIER,
    LOST,
    Asked,
    Event,
    Finished,
    Noted,
    Released,
    Reported,
    Requested,
    Retracted,
    Started,
    is_by_hand,
)
from parzen.trials._reports import Reports
from parzen.trials._trial import Report, State
from parzen.trials._wishes import note_of_event

__all__ = ["History"]

_S = TypeVar("_S")
_FAILED = int(State.FAILED)


class _Lease:
    """Held by a snapshot; while it lives, shared columns are not written in place."""

    __slots__ = ("__weakref__",)


class History(Columns):
    """What has been tried, and what came of it.

    Args:
        space: gives the `d` columns.
        directions: metric -> "minimize" or "maximize".
        objectives: the metrics that are optimised; the first one is `losses`.
        seeded: makes a trial's generator for unlabelled draws, from the trial's seed.
    """

    _lease: weakref.ref[_Lease] | None = None

    # --- folding ------------------------------------------------------------------------------------------------

    def apply(self, seq: int, event: Event) -> bool:
        """Take in the next entry of the log; False if it was late and changed nothing.

        Raises:
            CorruptLog: it cannot follow what came before.
        """
        assert not hasattr(self, "_held"), "a snapshot is only looked at"
        if seq != self.seq + 1:
            raise CorruptLog(f"the log continues at entry {seq}, expected {self.seq + 1}")
        counted = self._take(event)
        self.seq = seq
        if counted:
            self._journaled = self._journal.add(self._journaled, event)
        else:
            self._late += 1
        return counted

    def foresee(self, event: Finished) -> tuple[bool, Callable[[], None]]:
        """Take in the next entry of the log before it is there; whether it counts, and what takes it back.

        So that what follows from a result can be decided before both go into the log, as one batch.  Taking it back is for
        when that fails, and no other entry may have been taken in since.
        """
        i = event.number
        known = 0 <= i < self._n
        cells = [(name, getattr(self, name)[i]) for name in _ENDING] if known else []
        counts, imported = self._counts.copy(), self._imported.copy()
        best, late, journaled, wishes = self._best, self._late, self._journaled, self.wishes
        counted = self.apply(self.seq + 1, event)

        def take_back() -> None:
            self._unshare()
            for name, value in cells:
                getattr(self, name)[i] = value
            for details in (self._metrics, self._extra, self._errors) if counted else ():
                details.pop(i, None)  # of a trial that had not ended there were none
            self._counts, self._imported = counts, imported
            self._best, self._late, self._journaled, self.wishes = best, late, journaled, wishes
            self.seq -= 1
            self.epoch += 1  # a fold may have seen it

        return counted, take_back

    def _restore(self, found: Mapping[str, Any], journal: IntArray, entries: int) -> None:
        """Become what a checkpoint says; `_checkpoint` has looked at all of it."""
        self.__dict__.update(found)
        self._active = np.equal(self._values, self._values)
        self._journal.restore(journal)
        self._journaled = entries
        self._imported = np.bincount(
            self._state[[worker == EARLIER for worker in self._workers]], minlength=len(State)
        ).tolist()
        for name in _GROWING:  # room for one more, and none of them empty
            setattr(self, name, grown(getattr(self, name)[: self._n], at_least=16))
        self._find_best()

    def _take(self, event: Event) -> bool:
        take = _TAKE.get(type(event))
        return True if take is None else take(self, event)  # what a later parzen wrote is kept and changes nothing

    def _take_requested(self, event: Requested) -> bool:
        self.requests = [*self.requests, event]  # snapshots keep the old list
        i = event.target
        is_open = i is not None and 0 <= i < self._n and self._state[i] in (WAITING, RUNNING)
        self.wishes = self.wishes.after(event, is_open)
        return True

    def _take_noted(self, event: Noted) -> bool:
        note = note_of_event(event)
        if note is None:
            self.notes = {**self.notes, event.key: event.value}
        else:
            self.remarks = [*self.remarks, note]
        return True

    def _take_asked(self, event: Asked) -> bool:
        i, values = self._n, event.values
        if event.space != 0:
            raise SchemaTooNew(f"trial {i} is from version {event.space} of the space, which a later parzen made")
        if event.number != i:
            raise CorruptLog(f"the log asks for trial {event.number}, expected {i}")
        if len(values) != self.space.d:
            raise CorruptLog(f"trial {i} has {len(values)} values, the space has {self.space.d} parameters")
        if i == len(self._values):
            for name in _GROWING:
                setattr(self, name, grown(getattr(self, name)))
        row = self._values[i]
        row[:] = values
        active = np.equal(row, row, out=self._active[i])
        if self.space.conditional:
            row[~active] = np.nan  # of the many NaN there are, always the same: rows are compared by their bytes
        self._unit[i] = self.space.quantiles(values)
        self._seeds[i] = event.seed
        self._asked[i] = event.at
        if event.gain is not None:
            self._gain[i] = event.gain
        self._sources.append(event.source)
        if event.memo is not None:
            self._memos[i] = event.memo
        self._workers.append(None)
        self._counts[WAITING] += 1
        self._n += 1
        return True

    def _take_started(self, event: Started) -> bool:
        i = event.number
        # A storage takes anything; what speaks of no trial changes nothing.
        if not 0 <= i < self._n or self._state[i] != WAITING or event.attempt != self._attempt[i] + 1:
            return False
        is_run = event.worker != EARLIER and not is_by_hand(event.worker)
        if self.wishes.stopping and is_run and event.worker not in self._workers:
            self.wishes = replace(self.wishes, stopping=False)  # this run has begun since, and does not mean itself
        self._unshare()
        self._move(i, RUNNING)
        self._attempt[i] = event.attempt
        self._started[i] = event.at
        self._imported[RUNNING] += (event.worker == EARLIER) - (self._workers[i] == EARLIER)
        self._workers[i] = event.worker
        return True

    def _is_current(self, event: Reported | Finished | Released) -> bool:
        i = event.number
        return 0 <= i < self._n and bool(event.attempt == self._attempt[i]) and bool(self._state[i] == RUNNING)

    def _take_reported(self, event: Reported) -> bool:
        if not self._is_current(event):
            return False
        self._unshare()
        i = event.number
        known = self._reports.get(i) or Reports()
        self._reports[i] = known.with_one_more(Report(event.step, event.metrics))
        told = event.metrics.get(self._objective)
        if told is not None:
            self._partial[i] = self._sign * told
        return True

    def _take_released(self, event: Released) -> bool:
        if not self._is_current(event):
            return False
        self._unshare()
        i = event.number
        self._move(i, WAITING)
        self._reports.pop(i, None)
        self._partial[i] = math.nan
        if event.reason == LOST:
            self._lost[i] = self._lost.get(i, 0) + 1
        return True

    def _take_retracted(self, event: Retracted) -> bool:
        i = event.number
        if not 0 <= i < self._n:
            return False
        self._unshare()
        self._move(i, CANCELLED)
        self._loss[i] = np.nan
        self.epoch += 1
        self._find_best()
        return True

    def _take_finished(self, event: Finished) -> bool:
        i, outcome = event.number, event.outcome
        state = int(outcome.state)
        if not self._is_current(event):
            called_off = state == CANCELLED and 0 <= i < self._n and self._state[i] == WAITING
            if not called_off or event.attempt != self._attempt[i]:
                return False
        self._unshare()
        loss = self._sign * outcome.metrics.get(self._objective, math.nan)
        if state == OK:
            if loss == loss:
                self._loss[i] = loss
                if abs(loss) < math.inf and (self._best < 0 or loss < self._loss[self._best]):
                    self._best = i
            else:
                state = _FAILED  # a file may say anything
        self._move(i, state)
        self._finished[i] = event.at
        if outcome.seconds is not None:
            self._seconds[i] = outcome.seconds
        if outcome.variance is not None:
            self._variance[i] = outcome.variance
        if outcome.metrics and (len(outcome.metrics) > 1 or state != OK):
            self._metrics[i] = outcome.metrics
        if outcome.extra:
            self._extra[i] = outcome.extra
        if outcome.error is not None:
            self._errors[i] = outcome.error
        return True

    def _move(self, i: int, state: int) -> None:
        self._counts[self._state[i]] -= 1
        self._counts[state] += 1
        if self._workers[i] == EARLIER:
            self._imported[self._state[i]] -= 1
            self._imported[state] += 1
        self._state[i] = state
        if self.wishes.cancelling and state not in (WAITING, RUNNING):
            self.wishes = replace(self.wishes, cancelling=self.wishes.cancelling - {i})

    def _find_best(self) -> None:
        losses = np.where(self.ok & np.isfinite(self.losses), self.losses, np.inf)
        self._best = int(np.argmin(losses)) if self._n and np.isfinite(losses.min()) else -1

    # --- snapshots and folds ------------------------------------------------------------------------------------

    def snapshot(self) -> History:
        """The history as it is now; later entries do not show in it.  Costs nothing until the next write."""
        lease = self._lease() if self._lease is not None else None
        if lease is None:
            lease = _Lease()
            self._lease = weakref.ref(lease)
        view = History.__new__(History)  # `copy.copy` does the same, and takes three times as long
        view.__dict__.update(self.__dict__)
        view._held = lease  # type: ignore[attr-defined]  # kept alive with the snapshot, never read
        view._counts, view._imported = self._counts.copy(), self._imported.copy()
        return view

    def _unshare(self) -> None:
        """Before a write to what snapshots share: copy it, if one of them is alive."""
        if self._lease is None:
            return
        if self._lease() is not None:
            for name in _CHANGING:
                setattr(self, name, copy.copy(getattr(self, name)))
        self._lease = None

    def fold(
        self,
        key: Hashable,
        init: Callable[[], _S],
        step: Callable[[_S, History, type[Event], int], _S],
        kinds: tuple[type[Event], ...],
    ) -> _S:
        """State derived from the log, brought up to date with the entries that are new.

        Args:
            key: names the state; begin it with the frozen record of the algorithm's settings.
            init: makes the state of an empty history.
            step: `(state, history, kind, number) -> state`; may change its argument.  It is called once for each entry
                of the kinds asked for, in order, the late ones left out; it must look at the columns of `number` only,
                and may see them later than right after the entry.
            kinds: classes of events.
        """
        return self._journal.fold(self, self._journaled, key, init, step, kinds)


_CHANGING = "_state _attempt _loss _partial _variance _started _finished _seconds _workers _metrics _reports _extra _errors _lost".split()
_ENDING = ("_state", "_loss", "_variance", "_finished", "_seconds")
_GROWING = "_values _active _unit _seeds _asked _gain _state _attempt _loss _partial _variance _started _finished _seconds".split()

_TAKE: Mapping[type[Event], Callable[[History, Any], bool]] = {  # each takes the event that it stands under
    Asked: History._take_asked,
    Started: History._take_started,
    Reported: History._take_reported,
    Finished: History._take_finished,
    Released: History._take_released,
    Requested: History._take_requested,
    Retracted: History._take_retracted,
    Noted: History._take_noted,
}
