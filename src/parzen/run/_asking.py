"""From an algorithm's proposal to events in the log; shared by the loop and `Study.ask`."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from parzen._typing import JSON
from parzen.algorithms import Algorithm, Ask, Proposal, is_own, note_of, repeats, row_key
from parzen.errors import AlgorithmError, Conflict, SpaceExhausted
from parzen.log import PROPOSAL, Stream, generator, trial_seed
from parzen.space import Space
from parzen.trials import MEMO_LIMIT, Asked, Event, Finished, History, Noted, Started, State, storable

__all__ = ["ALGORITHM", "EXHAUSTED", "finish_and_start", "is_quick", "prepare", "recomputed", "start_trials"]

_log = logging.getLogger("parzen")

ALGORITHM = "algorithm"
"""Key of the note that says which algorithm made the proposals after it, so that they can be recomputed."""

QUICK = 0.005
"""Seconds that a proposal may take for which others wait, and a result for it; what takes longer is made beside the log."""

EXHAUSTED = "space exhausted"
"""Key of the note, and reason of the stop, when a finite space has no new configuration left."""


def start_trials(
    stream: Stream,
    algorithm: Algorithm,
    n: int,
    *,
    repeat: bool,
    worker: str,
    limited: bool = False,
    prepared: list[Asked] | None = None,
) -> list[int]:
    """Start up to `n` trials in a worker's name: waiting ones first, then what the algorithm proposes.

    Args:
        repeat: on a finite space that is exhausted, propose configurations again.
        limited: start no more than the study's budget has left.
        prepared: what `prepare` gave and is not started yet; what is started is taken from it.

    Returns:
        Their numbers; fewer than `n` where a finite space or the budget has no more to give, or what was prepared is used
        up.

    Raises:
        SpaceExhausted: there is not one.
        AlgorithmError: the proposal is not one of this space.
    """
    if prepared is None and is_quick(stream, algorithm):
        _, numbers = finish_and_start(stream, algorithm, n, repeat=repeat, worker=worker, limited=limited)
        if numbers or not _wants(stream.history, n, limited):
            return numbers
    history, claimed, lost = stream.history, list[int](), list[Asked]()
    while True:
        with stream.asking:
            # Looked at here and not before: a number that another program takes meanwhile is a conflict, and then the
            # budget is looked at again.  So all programs together run exactly so many.
            n = min(n, len(claimed) + _wants(history, n, limited))
            while len(claimed) < n and history.count(State.WAITING):
                number = stream.claim(worker)
                if number is None:  # others have taken them all, and what they have begun is no more to be had
                    stream.pull()
                    n = min(n, len(claimed) + _wants(history, n, limited))
                else:
                    claimed.append(number)
            if len(claimed) >= n:
                return claimed
            again = bool(lost)
            try:
                wanted = n - len(claimed)
                asked = lost[:wanted] or _taken(prepared, wanted, history) or _ask(stream, algorithm, wanted, repeat)
            except (SpaceExhausted, AlgorithmError):
                if claimed:
                    return claimed
                raise
            at = stream.clock.wall()
            try:
                stream.publish(
                    *_signed(stream, algorithm, at), *asked, *(Started(event.number, 1, worker, at) for event in asked)
                )
            except Conflict:  # another program took a number: look at what it did, and think again
                stream.pull()
                lost = _renumbered(asked, history)
                continue
        claimed += [event.number for event in asked]
        if not again or len(claimed) >= n:
            return claimed
        lost = []  # some of them repeated what others had taken: there are more to ask for


def is_quick(stream: Stream, algorithm: Algorithm) -> bool:
    """Whether a proposal may be made while all other workers wait: it takes little, and nobody else's code runs."""
    return stream.storage.durable and stream.pondering < QUICK and _known(stream, algorithm)[2]


def finish_and_start(
    stream: Stream,
    algorithm: Algorithm,
    n: int,
    *,
    repeat: bool,
    worker: str,
    limited: bool,
    ended: Sequence[Finished] = (),
    unless: Callable[[], object] = lambda: None,
    prepared: list[Asked] | None = None,
) -> tuple[tuple[bool, ...], list[int]]:
    """Record how trials ended and start up to `n` others, as one batch, while nobody else may write.

    So no number is lost to anybody, and a trial costs one transaction.  When the proposal cannot be made, the endings are
    recorded all the same, and whoever asks again hears of it.

    Args:
        ended: how trials ended.
        unless: asked when `ended` is known; what is not None starts nothing.
        prepared: what `prepare` gave; what is started is taken from it.  Then nothing is proposed unless it is quick.

    Returns:
        For each ending whether it counted, and the numbers that were started.
    """
    history = stream.history
    chosen: list[int] = []

    def decide() -> Sequence[Event]:
        if unless() is not None:
            return ()
        wanted = _wants(history, n, limited)
        if wanted <= 0:
            return ()
        at, waiting = stream.clock.wall(), list[int]()
        if history.count(State.WAITING):
            waiting = np.flatnonzero(history.waiting)[:wanted].tolist()
        asked: list[Asked] = []
        before: list[Noted] = []
        if len(waiting) < wanted:
            asked = _taken(prepared, wanted - len(waiting), history)
        if len(waiting) < wanted and not asked and (prepared is None or is_quick(stream, algorithm)):
            try:
                asked, before = _proposed(stream, algorithm, wanted - len(waiting), repeat)
            except Exception as error:
                _log.debug("no proposal could be made with a result: %s", error)
        chosen.extend(waiting)
        chosen.extend(event.number for event in asked)
        return (
            *(Started(i, history.attempt_of(i) + 1, worker, at) for i in waiting),
            *before,
            *(_signed(stream, algorithm, at) if asked else ()),
            *asked,
            *(Started(event.number, 1, worker, at) for event in asked),
        )

    with stream.asking:
        counted = stream.turn(decide, ended)
    return counted, [i for i in chosen if i < len(history) and history.worker(i) == worker]


def _wants(history: History, n: int, limited: bool) -> int:
    """How many of `n` trials may begin: no more than the study's budget has left."""
    if not limited or history.budget is None:
        return n
    return min(n, history.budget - (history.spent - history.count(State.WAITING)))


def prepare(stream: Stream, algorithm: Algorithm, n: int, *, repeat: bool) -> list[Asked]:
    """Proposals for the next `n` numbers, made while nobody waits for them; nothing is published.

    They go into the log when their trials begin, so that no proposal that nobody evaluates is ever in it.
    """
    with stream.asking:
        try:
            return _ask(stream, algorithm, n, repeat)
        except SpaceExhausted:
            return []


def _taken(prepared: list[Asked] | None, n: int, history: History) -> list[Asked]:
    """Up to `n` of what was prepared; under the next numbers, should others have taken theirs meanwhile."""
    if not prepared:
        return []
    if prepared[0].number != len(history):
        prepared[:] = _renumbered(prepared, history)
    taken = prepared[:n]
    del prepared[:n]
    return taken


def _renumbered(lost: list[Asked], history: History) -> list[Asked]:
    """What was proposed for numbers that others took, under the next ones; what repeats a row of theirs is left out.

    Seed and `saw` stay, because they say how the proposal was made.  So who loses a race does not think it all again, and
    on a finite space no two workers get the same.
    """
    known = {row_key(history.row(number)) for number in range(lost[0].number, len(history))}
    kept = [event for event in lost if row_key(np.array(event.values)) not in known]
    return [replace(event, number=number) for number, event in enumerate(kept, len(history))]


def _signed(stream: Stream, algorithm: Algorithm, at: float) -> list[Noted]:
    """Says whose the proposals of a batch are, where the last ones in the log are somebody else's.

    In the same batch: whoever took a number since has said so with it, and then this batch is a conflict.
    """
    if not stream.storage.durable:
        return []
    note = _known(stream, algorithm)[1]
    return [] if stream.history.notes.get(ALGORITHM) == note else [Noted(ALGORITHM, note, at)]


def _known(stream: Stream, algorithm: Algorithm) -> tuple[object, JSON, bool]:
    """An algorithm, its note, and whether it is parzen's own: asked for at each trial, and records do not change."""
    known = stream.asked
    if known is None or known[0] is not algorithm:
        known = stream.asked = algorithm, note_of(algorithm), is_own(algorithm)
    return known


def _ask(stream: Stream, algorithm: Algorithm, n: int, repeat: bool) -> list[Asked]:
    asked, remarks = _proposed(stream, algorithm, n, repeat)
    if remarks:
        stream.publish(*remarks)
    return asked


def _proposed(stream: Stream, algorithm: Algorithm, n: int, repeat: bool) -> tuple[list[Asked], list[Noted]]:
    """What an algorithm proposes next, and what is to be remarked about it."""
    begun = time.perf_counter()  # what it costs those who wait, whatever the study's own clock says
    history, seed = stream.history.snapshot(), stream.header.seed
    proposal, exhausted = recomputed(algorithm, stream.space, history, seed, n, repeat)
    remarks: list[Noted] = []
    if exhausted and EXHAUSTED not in history.notes:
        text = f"all {len(history)} configurations have been tried; trying again, the good ones more often"
        remarks = [Noted(EXHAUSTED, text, stream.clock.wall())]
    _check(proposal, stream.space, n, algorithm)
    asked = _events(stream, history, proposal, n)
    took = time.perf_counter() - begun
    # The longest of late: an algorithm may think long at every second trial.
    stream.pondering = took if math.isinf(stream.pondering) else max(took, 0.7 * stream.pondering)
    return asked, remarks


def recomputed(
    algorithm: Algorithm, space: Space, history: History, seed: int, n: int, repeat: bool
) -> tuple[Proposal, bool]:
    """What an algorithm proposes for the next `n` numbers of a history, now or whenever that history was.

    Args:
        seed: of the study.
        repeat: on a finite space that is exhausted, propose configurations again.

    Returns:
        The proposal, and whether the space was exhausted.

    Raises:
        SpaceExhausted: there is nothing to propose.
    """
    numbers = tuple(range(len(history), len(history) + n))

    def rng(number: int) -> np.random.Generator:
        return generator(trial_seed(seed, number), PROPOSAL)

    wanted = Ask(numbers, rng, seed)
    try:
        return algorithm.suggest(space, history, wanted), False
    except SpaceExhausted:
        if not repeat or not len(history):
            raise
        return repeats(algorithm, space, history, wanted), True


def _check(proposal: Proposal, space: Space, n: int, algorithm: Algorithm) -> None:
    """A proposal goes into the log for ever, and anybody may write an algorithm.

    Raises:
        AlgorithmError: it does not fit the space or the ask.
    """

    def refuse(why: str) -> AlgorithmError:
        return AlgorithmError(f"{type(algorithm).__name__} proposed what cannot be used: {why}", algorithm=algorithm)

    if not isinstance(proposal, Proposal):
        raise refuse(f"suggest returned {proposal!r:.80}, expected a Proposal")
    values, m = proposal.points.values, len(proposal.points)
    if values.shape != (m, space.d) or not 1 <= m <= n:
        raise refuse(f"points of shape {values.shape} for {n} trials in a space of {space.d} parameters")
    outside = space.outside(values)
    if outside is not None:
        raise refuse(outside)
    if len(proposal.sources) != m or (proposal.gains and len(proposal.gains) != m):
        raise refuse(f"{len(proposal.sources)} sources and {len(proposal.gains)} gains for {m} points")
    if proposal.memo is not None:
        try:
            size = len(json.dumps(storable(proposal.memo)))
        except (TypeError, ValueError) as error:
            raise refuse(f"its memo is not JSON: {error}") from error
        if size > MEMO_LIMIT:
            raise refuse(f"its memo has {size} bytes, at most {MEMO_LIMIT} are kept")


def _events(stream: Stream, saw: History, proposal: Proposal, n: int) -> list[Asked]:
    at, first, seed = stream.clock.wall(), len(saw), stream.header.seed
    rows = proposal.points.values.tolist()
    gains = proposal.gains or (None,) * len(rows)
    return [
        Asked(
            number,
            tuple(row),
            source,
            trial_seed(seed, number),
            saw.seq,
            at,
            gain,
            proposal.memo if number == first else None,
        )
        for number, row, source, gain in zip(range(first, first + n), rows, proposal.sources, gains, strict=False)
    ]
