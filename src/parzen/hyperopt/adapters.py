"""Suggest functions written for Hyperopt, as algorithms of parzen's core.

`fmin` takes such a function as it is, in the loop over documents.  As an algorithm it also runs in `minimize` and `Study`:
with a storage that several programs share, resumed, in a `Mix`.  The documents that it reads are made from the history,
one for each trial, and live as long as the history does.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from parzen.algorithms import Algorithm, Ask, Pick, Proposal, proposal_of, seen, unseen_point
from parzen.errors import AlgorithmError, OutOfSpace, SpaceExhausted, SpaceMismatch, UnknownLabel
from parzen.hyperopt._arguments import algorithm_of
from parzen.hyperopt._documents import points_of, values_of
from parzen.hyperopt._history import documents_of_points
from parzen.hyperopt.base import (
    JOB_STATE_CANCEL,
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    STATUS_FAIL,
    STATUS_OK,
    Document,
    Domain,
    Trials,
)
from parzen.space import Points, Space
from parzen.trials import Asked, Event, Finished, History, State

__all__ = ["as_algorithm"]

_TRIES = 4
"""Suggestions before the prior has its turn, where all were tried before."""


def as_algorithm(
    suggest: Any, space: Any = None
) -> Algorithm:  # a function of somebody's, and whatever a space is made of
    """A suggest function as an algorithm.

        parzen.minimize(train, space, 100, algorithm=as_algorithm(their.suggest, space), storage="study.db")

    Args:
        suggest: `suggest(new_ids, domain, trials, seed)`, or a `partial` of one; it is called for one id at a time.  For
            parzen's own, such as `tpe.suggest`, the record behind it is returned.
        space: the space that is searched, as it is given to `minimize`: such functions read its graph, which a study does not
            keep.  Parzen's own need none.

    Raises:
        AlgorithmError: it is nothing that suggests, or there is no space.
        SpaceError: the space makes no sense.
    """
    known = algorithm_of(suggest)
    if known is not None:
        return known
    if space is None:
        raise AlgorithmError(
            "a suggest function of somebody else reads the space's graph: as_algorithm(suggest, space)"
        )
    settings: dict[str, Any] = {}
    while isinstance(suggest, functools.partial) and not suggest.args:
        settings, suggest = {**suggest.keywords, **settings}, suggest.func
    return _Foreign(suggest, tuple(sorted((name, repr(value)) for name, value in settings.items())), settings, space)


@dataclass(frozen=True, slots=True)
class _Foreign:
    """A suggest function; two of them are equal if function and settings are."""

    function: Callable[..., Sequence[Document]]
    written: tuple[tuple[str, str], ...]
    settings: dict[str, Any] = field(compare=False)
    data: Any = field(compare=False, repr=False)

    def suggest(self, space: Space, history: History, ask: Ask) -> Proposal:
        """Points for `ask.numbers`; the documents of those before are there, in state NEW.

        Raises:
            SpaceMismatch: the space is not the one that was given.
            SpaceExhausted: the function gives no more documents.
            AlgorithmError: it gives one that the space cannot have produced.
        """
        documents = history.fold(self, lambda: _Documents(self.data, space), _write, (Asked, Finished))
        known = seen(history)

        def pick(number: int, earlier: Sequence[Pick]) -> Pick:
            rng, taken = ask.rng(number), [one.key for one in earlier]
            for _ in range(_TRIES):
                point = self._point(documents, number, int(rng.integers(2**31 - 1)))
                one = Pick.of(point, getattr(self.function, "__qualname__", type(self.function).__name__))
                if point.values[0] not in known and one.key not in taken:
                    documents.also(number, point)
                    return one
            one = Pick.of(unseen_point(space, known, rng, taken), "random, nothing new was suggested")
            documents.also(number, one.point)
            return one

        try:
            return proposal_of(ask, pick)
        finally:
            documents.forget_proposed()

    def _point(self, documents: _Documents, number: int, seed: int) -> Points:
        found = list(self.function([number], documents.domain, documents.trials, seed, **self.settings))
        if not found:
            n = len(documents.trials.trials)
            raise SpaceExhausted(f"the suggest function has no more to suggest after {n} documents", n=n)
        try:
            return points_of(documents.domain.compiled, values_of(found[0]))
        except (OutOfSpace, UnknownLabel) as error:
            raise AlgorithmError(f"the suggest function proposed what is not of the space: {error}") from error


class _Documents:
    """A history as Hyperopt has it.

    Args:
        data: the space as the user wrote it.
        space: as it was compiled for the study.

    Raises:
        SpaceMismatch: they are not the same.
    """

    def __init__(self, data: Any, space: Space) -> None:
        self.domain = Domain(None, data)
        mine, theirs = _meaning(self.domain.compiled), _meaning(space)
        found = [f"parameter {label!r}" for label in {**theirs, **mine} if mine.get(label) != theirs.get(label)]
        if found:
            raise SpaceMismatch(
                f"as_algorithm was given another space than the study has, they differ in {', '.join(found)}",
                differences=tuple(found),
            )
        # Hyperopt sorts the keys of a space, so the columns of a domain come in another order; both speak by labels.
        self.domain.compiled = space
        self.trials = Trials()
        self._by_number: dict[int, Document] = {}
        self._proposed: list[Document] = []

    def add(self, history: History, number: int) -> None:
        """A trial that was asked for."""
        points = Points(history.values[number : number + 1], history.active[number : number + 1])
        self._by_number[number] = self._insert(number, points)

    def finish(self, history: History, number: int) -> None:
        """What came of it."""
        doc, loss, state = self._by_number[number], float(history.losses[number]), State(int(history.state[number]))
        if state is State.CANCELLED:
            doc["state"] = JOB_STATE_CANCEL
        elif state is State.ERROR:
            doc["state"] = JOB_STATE_ERROR
        else:
            doc["state"] = JOB_STATE_DONE
            doc["result"] = {"status": STATUS_OK, "loss": loss} if math.isfinite(loss) else {"status": STATUS_FAIL}
            variance = float(history.variances[number])
            if variance == variance and math.isfinite(loss):
                doc["result"]["loss_variance"] = variance
        self.trials.refresh()

    def also(self, number: int, point: Points) -> None:
        """What the same ask has proposed already."""
        self._proposed.append(self._insert(number, point))

    def forget_proposed(self) -> None:
        """The log says what was tried."""
        if self._proposed:
            gone = {id(doc) for doc in self._proposed}
            self.trials._dynamic_trials[:] = [doc for doc in self.trials._dynamic_trials if id(doc) not in gone]
            self._proposed.clear()
            self.trials.refresh()

    def _insert(self, number: int, point: Points) -> Document:
        (doc,) = documents_of_points(self.domain, self.trials, [number], point)
        self.trials._insert_trial_docs([doc])  # not a copy: it is written on
        self.trials.refresh()
        return doc


def _meaning(space: Space) -> dict[str, object]:
    """Label -> its distribution, and when it is active in terms of other labels."""
    return {
        label: (
            distribution,
            {frozenset((space.labels[column], code) for column, code in conj) for conj in condition},
        )
        for label, distribution, condition in zip(space.labels, space.distributions, space.conditions, strict=True)
    }


def _write(documents: _Documents, history: History, kind: type[Event], number: int) -> _Documents:
    if kind is Asked:
        documents.add(history, number)
    else:
        documents.finish(history, number)
    return documents
