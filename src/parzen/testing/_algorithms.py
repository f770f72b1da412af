"""What every algorithm must do, as a program: the protocol of `parzen.algorithms.Algorithm`, sentence by sentence."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from parzen import hp
from parzen.algorithms import Algorithm, Ask, Proposal
from parzen.errors import SpaceExhausted, UnsupportedSpace
from parzen.space import Points, Space
from parzen.trials import Asked, Event, Finished, History, Outcome, Released, Started, State, TrialError

__all__ = ["CASES", "SPACES", "check_algorithm"]


def check_algorithm(algorithm: Algorithm) -> None:
    """Hold an algorithm against every sentence of its protocol, on every kind of space.

    A kind of space may be refused with `UnsupportedSpace`; then the sentences are not checked on it.

    Args:
        algorithm: with any settings; it is asked for a few hundred proposals.

    Raises:
        AssertionError: it breaks a promise; the text says which, and on what space.
        TypeError: it is no algorithm at all, but a name or a class, say.
    """
    if isinstance(algorithm, type) or not callable(getattr(algorithm, "suggest", None)):
        raise TypeError(f"check_algorithm takes an algorithm with its settings, such as TPE(), got {algorithm!r:.80}")
    for case in CASES.values():
        case(algorithm)


def _tree() -> Any:  # what a space is made of
    depth = hp.int("depth", 1, 10)  # one node below two options
    return hp.choice(
        "model",
        [
            {"kind": "svm", "C": hp.float("C", 1e-3, 1e3, log=True), "kernel": hp.choice("kernel", ["linear", {
                "rbf": hp.float("gamma", 1e-4, 10.0, log=True)}])},
            {"kind": "forest", "depth": depth, "share": hp.float("share", 0.1, 1.0)},
            {"kind": "boosting", "depth": depth, "rate": hp.float("rate", 1e-3, 1.0, log=True)},
            {"kind": "mean"},
        ],
    )  # fmt: skip


def _dependent() -> Any:  # what a space is made of
    low = hp.uniform("low", 0.0, 1.0)
    return {"low": low, "high": hp.uniform("high", low, 2.0), "what": hp.choice("what", ["a", "b"])}


SPACES: Mapping[str, Callable[[], Any]] = {
    "empty": dict,
    "one column": lambda: {"x": hp.float("x", -1.0, 1.0)},
    "200 columns": lambda: {f"x{j}": hp.float(f"x{j}", 0.0, 1.0) for j in range(200)},
    "all categorical": lambda: {f"c{j}": hp.categorical(f"c{j}", [*"abcd"[: 2 + j % 3]]) for j in range(6)},
    "unequal options": lambda: {"p": hp.pchoice("p", [(0.7, "a"), (0.2, "b"), (0.1, "c")]), "x": hp.uniform("x", 0, 1)},
    "10 000 options": lambda: {"c": hp.categorical("c", range(10_000)), "x": hp.uniform("x", 0, 1)},
    "conditional tree with a shared node": _tree,
    "bounds that depend": _dependent,
    "integers": lambda: {
        "n": hp.int("n", 1, 1000, log=True),
        "m": hp.int("m", -5, 5),
        "big": hp.int("big", 0, 2**40),
        "step": hp.float("step", 0.0, 1.0, step=0.1),
        "o": hp.ordinal("o", [1, 2, 4, 8]),
    },
    "unbounded priors": lambda: [hp.normal("x", 0, 1), hp.lognormal("y", 0, 1), hp.qnormal("z", 0, 3, 1)],
    "rounded": lambda: [hp.quniform("a", 0, 10, 3), hp.qloguniform("b", 0, 5, 1), hp.uniformint("c", 0, 9)],
    "priors around a guess": lambda: {
        "x": hp.float("x", 1e-5, 1.0, log=True, prior=hp.around(1e-4, 2.0, trust=0.9)),
        "y": hp.float("y", 0.0, 1.0, prior=1.0),
        "n": hp.int("n", 1, 500, log=True, prior=20),
        "o": hp.ordinal("o", [1, 2, 4, 8], prior=2),
        "c": hp.categorical("c", ["a", "b", "c"], prior=[5, 1, 0]),
    },
    "one option": lambda: {"c": hp.choice("c", ["only"]), "n": hp.randint("n", 1), "x": hp.uniform("x", 0, 1)},
}
"""Name of a kind of space -> an example of it."""


# --- a study in a few lines -------------------------------------------------------------------------------------


def _generator(number: int) -> np.random.Generator:
    return np.random.default_rng((2026, number))


@dataclass
class _Study:
    """Asks, evaluates, and keeps the events."""

    algorithm: Algorithm
    space: Space

    def __post_init__(self) -> None:
        self.events: list[Event] = []
        self.history = History(self.space, {"loss": "minimize"})
        self.exhausted: SpaceExhausted | None = None

    def add(self, *events: Event) -> None:
        for event in events:
            self.history.apply(self.history.seq + 1, event)
            self.events.append(event)

    def propose(self, q: int = 1) -> Proposal:
        n = len(self.history)
        return self.algorithm.suggest(self.space, self.history, Ask(tuple(range(n, n + q)), _generator))

    def take(self, proposal: Proposal) -> None:
        for i, source in enumerate(proposal.sources):
            gain = proposal.gains[i] if proposal.gains else None
            row = tuple(proposal.points.values[i].tolist())
            self.add(Asked(len(self.history), row, source, 0, self.history.seq, 0.0, gain, proposal.memo))

    def finish(self, number: int) -> None:
        self.add(Started(number, 1, "kit", 0.0), Finished(number, 1, _outcome(self.history, number), 0.0))

    def run(self, n: int) -> int:
        """How many of `n` trials were made before a finite space was exhausted."""
        for i in range(n):
            try:
                self.take(self.propose())
            except SpaceExhausted as error:
                self.exhausted = error
                return i
            self.finish(len(self.history) - 1)
        return n


def _outcome(history: History, number: int) -> Outcome:
    """A loss that depends on the proposal, and now and then none, or one that nobody can use."""
    if number % 7 == 3:
        return Outcome(State.FAILED, error=TrialError("status", "the objective said so"))
    if number % 11 == 5:
        return Outcome(State.ERROR, error=TrialError("ValueError", "the objective raised"))
    if number % 13 == 8:
        return Outcome(State.PRUNED, {"loss": 1.0})
    if number % 17 == 9:
        return Outcome(State.OK, {"loss": math.inf if number % 2 else -math.inf})
    unit = history.unit[number]
    return Outcome(State.OK, {"loss": float(np.nansum((unit - 0.3) ** 2))})


def _each(algorithm: Algorithm, check: Callable[[_Study, str], None]) -> None:
    for name, make in SPACES.items():
        study = _Study(algorithm, Space(make()))
        try:
            check(study, name)
        except UnsupportedSpace:
            continue


def _same(a: Proposal, b: Proposal) -> bool:
    return (
        np.array_equal(a.points.values, b.points.values, equal_nan=True)
        and a.sources == b.sources
        and a.gains == b.gains
        and a.memo == b.memo
    )


def _check_points(space: Space, points: Points, q: int, name: str) -> None:
    assert points.values.shape == points.active.shape == (q, space.d), f"{name}: there is one row for each number"
    assert np.array_equal(points.active, ~np.isnan(points.values)), f"{name}: NaN stands for inactive"
    for i in range(q):
        params = {space.labels[j]: points.values[i, j] for j in np.flatnonzero(points.active[i])}
        again = space.encode_params(space.params(points, i))
        same = np.array_equal(again.active, points.active[i : i + 1])
        assert same, f"{name}: active is what the space says: {params}"
        close = np.allclose(again.values, points.values[i : i + 1], rtol=1e-9, atol=1e-12, equal_nan=True)
        assert close, f"{name}: points are points of the space: {params}"


# --- the promises -----------------------------------------------------------------------------------------------


def _proposals_are_points_of_the_space(algorithm: Algorithm) -> None:
    def check(study: _Study, name: str) -> None:
        made = study.run(25)
        if made < 25 and study.space.enumerate() is None:
            # A grid is finite on any space; then its error has to say so.
            n = getattr(study.exhausted, "n", None)
            assert n == made, (
                f"{name}: who ends on an infinite space says in the error's `n` how much there was, not {n}"
            )
        _check_points(study.space, study.history.points, made, name)

    _each(algorithm, check)


def _what_is_proposed_is_explained(algorithm: Algorithm) -> None:
    def check(study: _Study, name: str) -> None:
        for q in (1, 3):
            try:
                proposal = study.propose(q)
            except SpaceExhausted:
                return
            made = len(proposal.points)
            assert len(proposal.sources) == made, f"{name}: there is a source for each point"
            assert all(isinstance(source, str) and source for source in proposal.sources), f"{name}: a source is a text"
            assert len(proposal.gains) in (0, made), f"{name}: gains are for all points or none"
            study.take(proposal)

    _each(algorithm, check)


def _the_same_question_gets_the_same_answer(algorithm: Algorithm) -> None:
    def check(study: _Study, name: str) -> None:
        if study.run(20) < 20:
            return
        first, second = study.propose(), study.propose()
        assert _same(first, second), f"{name}: the same space, history and ask give the same proposal"

    _each(algorithm, check)


def _a_resumed_study_goes_on_as_if_it_had_not_stopped(algorithm: Algorithm) -> None:
    def check(study: _Study, name: str) -> None:
        if study.run(30) < 30:
            return
        later = _Study(copy.deepcopy(algorithm), study.space)
        later.add(*study.events)
        assert _same(study.propose(), later.propose()), f"{name}: a history rebuilt from its events gives the same"

    _each(algorithm, check)


def _a_history_is_only_read(algorithm: Algorithm) -> None:
    def check(study: _Study, name: str) -> None:
        if study.run(15) < 15:
            return
        history = study.history
        columns = ("values", "active", "unit", "state", "losses", "variances", "seconds", "seeds", "attempts")
        before = [getattr(history, column).copy() for column in columns]
        length, seq = len(history), history.seq
        with contextlib.suppress(SpaceExhausted):
            study.propose(2)
        assert (len(history), history.seq) == (length, seq), f"{name}: an algorithm adds nothing to a history"
        for column, was in zip(columns, before, strict=True):
            same = np.array_equal(getattr(history, column), was, equal_nan=True)
            assert same, f"{name}: history.{column} is as it was"

    _each(algorithm, check)


def _a_batch_has_no_repeats(algorithm: Algorithm) -> None:
    def check(study: _Study, name: str) -> None:
        if study.run(14) < 14:
            return
        try:
            proposal = study.propose(5)
        except SpaceExhausted:
            return
        points, q = proposal.points, len(proposal.points)
        _check_points(study.space, points, q, name)
        rows = np.where(points.active, points.values, -1e300)
        if not _may_repeat(study.space):
            assert len(np.unique(rows, axis=0)) == q, f"{name}: the proposals of one ask differ"
        if q < 5:
            study.take(proposal)
            assert study.run(1) == 0, f"{name}: who gives less than was asked for has no more"

    _each(algorithm, check)


def _may_repeat(space: Space) -> bool:
    """Whether an infinite space has a finite branch, which may be used up."""
    return space.conditional and space.enumerate() is None


def _a_finite_space_is_exhausted_before_anything_repeats(algorithm: Algorithm) -> None:
    space = Space({"a": hp.categorical("a", ["x", "y", "z"]), "b": hp.choice("b", [0, {"n": hp.int("n", 1, 4)}])})
    study = _Study(algorithm, space)
    try:
        made = study.run(16)
    except UnsupportedSpace:
        return
    assert made == 15, f"a space of 15 configurations is exhausted after 15 proposals, not after {made}"
    rows = np.where(study.history.active, study.history.values, -1.0)
    assert len(np.unique(rows, axis=0)) == 15, "no configuration of a finite space is proposed twice before all were"


def _trials_under_way_are_no_obstacle(algorithm: Algorithm) -> None:
    def check(study: _Study, name: str) -> None:
        for i in range(24):
            try:
                study.take(study.propose())
            except SpaceExhausted:
                return
            study.add(Started(i, 1, "kit", 0.0))
            if i % 5 == 2:
                study.add(Released(i, 1, "interrupted", 0.0))
            if i >= 16:  # results come late, and in another order
                study.add(Finished(31 - i, 1, _outcome(study.history, 31 - i), 0.0))
        _check_points(study.space, study.propose().points, 1, name)

    _each(algorithm, check)


def _a_study_of_failures_goes_on(algorithm: Algorithm) -> None:
    def check(study: _Study, name: str) -> None:
        for i in range(20):
            try:
                study.take(study.propose())
            except SpaceExhausted:
                return
            study.add(Started(i, 1, "kit", 0.0), Finished(i, 1, Outcome(State.ERROR, error=TrialError("E", "")), 0.0))
        _check_points(study.space, study.propose().points, 1, name)

    _each(algorithm, check)


def _settings_identify_an_algorithm(algorithm: Algorithm) -> None:
    again = copy.deepcopy(algorithm)
    assert again == algorithm, "an algorithm is equal to its copy"
    assert hash(again) == hash(algorithm), "an algorithm is hashable by its settings"


CASES: dict[str, Callable[[Algorithm], None]] = {
    case.__name__.strip("_"): case
    for case in (
        _settings_identify_an_algorithm,
        _proposals_are_points_of_the_space,
        _what_is_proposed_is_explained,
        _the_same_question_gets_the_same_answer,
        _a_resumed_study_goes_on_as_if_it_had_not_stopped,
        _a_history_is_only_read,
        _a_batch_has_no_repeats,
        _a_finite_space_is_exhausted_before_anything_repeats,
        _trials_under_way_are_no_obstacle,
        _a_study_of_failures_goes_on,
    )
}
"""Name of a promise -> its check."""
