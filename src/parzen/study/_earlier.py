"""Trials of earlier studies, as the beginning of another.

They are plain trials of the log: asked, started and finished in one batch, by a worker that stands for another study.  So
every algorithm, view and file knows them without having heard of them, an older parzen reads such a log, and only what
counts trials (`History.spent`, `History.finished`) has to leave them out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from parzen._typing import JSON
from parzen.errors import Conflict, OutOfSpace, StudyError, UnknownLabel
from parzen.log import Storage, Stream, trial_seed
from parzen.space import Space
from parzen.study._result import Result
from parzen.trials import (
    EARLIER,
    FINISHED,
    Asked,
    Event,
    Finished,
    Header,
    History,
    Noted,
    Outcome,
    Started,
    State,
    Trial,
)

if TYPE_CHECKING:
    from parzen.study._study import Study

__all__ = ["Earlier", "each_of", "opened_earlier", "take_in"]

Earlier: TypeAlias = Union[Result, "Study", Storage, str, "os.PathLike[str]"]
"""Whatever leads to a study."""


def each_of(warm_start: Earlier | Sequence[Earlier]) -> list[Earlier]:
    """One or several, as a list."""
    return list(warm_start) if isinstance(warm_start, (list, tuple)) else [warm_start]  # type: ignore[list-item]  # else it is one


@contextmanager
def opened_earlier(earlier: Any, study: Study) -> Iterator[tuple[Header, History]]:
    """The earlier study's header and history, as long as the context lasts.

    Args:
        earlier: see `Earlier`.
        study: that it is the beginning of.

    Raises:
        StudyError: it is the same study, or has another direction.
        StudyNotFound: there is none, or there are several.
    """
    if isinstance(earlier, Result):
        earlier = earlier.study
    if isinstance(earlier, type(study)):
        yield _checked(earlier.header, study.header), earlier.history
        return
    is_path = isinstance(earlier, (str, os.PathLike))
    if not is_path and not hasattr(earlier, "studies"):
        raise TypeError(
            f"an earlier study is a Result, a Study, or the path, URL or storage of one, got {earlier!r:.80}"
        )
    opened = type(study).load(earlier, readonly=is_path)
    try:
        yield _checked(opened.header, study.header), opened.history
    finally:
        if opened.storage is not earlier:
            opened.storage.close()


def _checked(header: Header, own: Header) -> Header:
    if header.uid == own.uid:
        raise StudyError(f"study {own.name!r} cannot begin with its own trials: they are in it already")
    theirs, ours = header.metrics[header.objectives[0]], own.metrics[own.objectives[0]]
    if theirs != ours:
        raise StudyError(
            f"study {header.name!r} has direction {theirs!r}, and its losses mean nothing to one of {ours!r}"
        )
    return header


def take_in(stream: Stream, header: Header, earlier: History) -> int:
    """Publish the finished trials of an earlier study that are not there yet; how many that were."""
    ended = FINISHED - {State.CANCELLED}
    trials = [earlier.trial(i) for i in range(len(earlier)) if State(int(earlier.state[i])) in ended]
    rows, why = _rows(stream.space, trials)
    variances = {trial.number: float(earlier.variances[trial.number]) for trial in trials}
    while True:
        with stream.asking:
            history, at, seed = stream.history, stream.clock.wall(), stream.header.seed
            known = _known(history, header.uid)
            new = [(trial, values) for trial, values in rows if trial.number not in known]
            events: list[Event] = []
            for number, (trial, values) in enumerate(new, start=len(history)):
                memo: JSON = {"earlier": [header.uid, trial.number]}
                source = f"earlier: {header.name}"
                events.append(Asked(number, values, source, trial_seed(seed, number), history.seq, at, memo=memo))
                events.append(Started(number, 1, EARLIER, at))
                events.append(Finished(number, 1, _outcome(trial, variances[trial.number]), at))
            if new:
                text = f"{len(new)} trials are known from study {header.name!r}"
                if why is not None:
                    text += (
                        f"; {len(trials) - len(rows)} are not of this space and were left out, the first because {why}"
                    )
                events.append(Noted(f"earlier study {header.uid}", text, at))
            elif why is not None and not rows and f"earlier study {header.uid}" not in history.notes:
                text = f"none of the {len(trials)} trials of study {header.name!r} is of this space, the first because {why}"
                events.append(Noted(f"earlier study {header.uid}", text, at))
            try:
                if events:
                    stream.publish(*events)
            except Conflict:
                stream.pull()
                continue
        return len(new)


def _rows(space: Space, trials: list[Trial]) -> tuple[list[tuple[Trial, tuple[float, ...]]], str | None]:
    """The trials that a space can have produced with their values `(d,)`, and why the first of the others is none."""
    rows, why = [], None
    for trial in trials:
        try:
            rows.append((trial, tuple(space.encode_params(trial.params).values[0].tolist())))
        except (OutOfSpace, UnknownLabel) as error:
            why = why or str(error)
    return rows, why


def _known(history: History, uid: str) -> set[int]:
    """Numbers that trials had in an earlier study, of those that were taken in from it."""
    found = set()
    for number in range(len(history)):
        if history.worker(number) == EARLIER:
            memo = history.memo(number)
            origin = memo.get("earlier") if isinstance(memo, Mapping) else None
            if isinstance(origin, (list, tuple)) and origin[0] == uid:
                found.add(int(origin[1]))
    return found


def _outcome(trial: Trial, variance: float) -> Outcome:
    """How it ended there.  Its time was paid for there, and whatever else its objective returned stays there."""
    return Outcome(trial.state, trial.metrics, variance=variance if variance == variance else None, error=trial.error)
