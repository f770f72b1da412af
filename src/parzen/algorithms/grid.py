"""Grid search: every combination of a few values of each column, each once.

A finite space is tried as a whole.  A column with infinitely many values is tried at `levels` of them, the middles of as many
equal shares of its prior, which are evenly spaced for uniform priors and evenly spaced in the logarithm for log-uniform
ones.  On a tree only the columns that are active are combined: a branch without parameters is one point.

Whoever stops a grid early has seen a part of it, so the order is made for that (Bergstra and Bengio 2012, "Random search
for hyper-parameter optimization", section 1: of a grid in its natural order the first half has half of the values of one
column and all of the others):

- the options of a choice that other columns hang on take turns, so that a small branch is not drowned by a large one, and
  is done when it is done;
- what is left are plain columns, whose combinations come in a pseudo-random order: any part of them has about all values
  of each column.  It is a permutation of their numbers by a Feistel network (Black and Rogaway 2002, "Ciphers with
  arbitrary finite domains"), so that no grid is ever written out, however large.

The next point is the first one in this order that was not asked for, which depends on the log alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import shake_128
from typing import Any, TypeAlias, TypeGuard

import numpy as np

from parzen._typing import FloatArray
from parzen.algorithms._base import Ask, Pick, Proposal, Seen, proposal_of, row_key, seen
from parzen.errors import AlgorithmError, BadDistribution, OutOfSpace, SpaceError, SpaceExhausted, UnknownLabel
from parzen.space import Distribution, Points, Quantized, Space
from parzen.space import Grid as EvenGrid
from parzen.trials import Event, Finished, History, State

__all__ = ["Grid"]


@dataclass(frozen=True, slots=True)
class Grid:
    """Every combination of a few values of each column, each once.

    Attributes:
        levels: how many values of a column that has infinitely many; finite columns are tried whole.
        by_label: label -> a number of levels for this column, finite or not, or the values themselves.
    """

    levels: int = 5
    by_label: Mapping[str, int | Sequence[Any]] = field(default_factory=dict, hash=False)
    _key: tuple[Any, ...] = field(default=(), init=False, repr=False)

    def __post_init__(self) -> None:
        if not _is_count(self.levels):
            raise AlgorithmError(f"Grid's levels is a whole number from 1 up, got {self.levels!r:.80}")
        if not isinstance(self.by_label, Mapping):
            raise AlgorithmError(f"Grid's by_label maps labels to levels or values, got {self.by_label!r:.80}")
        given: dict[str, int | tuple[Any, ...]] = {}
        for label, wanted in self.by_label.items():
            if _is_count(wanted):
                given[label] = int(wanted)
            elif isinstance(wanted, (Sequence, np.ndarray)) and not isinstance(wanted, (str, bytes)) and len(wanted):
                given[label] = tuple(wanted)
            else:
                raise AlgorithmError(
                    f"Grid takes for parameter {label!r} a number of levels from 1 up, or a list of values, got {wanted!r:.80}"
                )
        object.__setattr__(self, "by_label", given)
        object.__setattr__(self, "_key", tuple((label, repr(wanted)) for label, wanted in sorted(given.items())))

    def suggest(self, space: Space, history: History, ask: Ask) -> Proposal:
        """The first points in the grid's order that were not asked for.

        Raises:
            SpaceExhausted: there is none.
            AlgorithmError: `by_label` names what is not in the space.
        """
        walk = history.fold((self, ask.seed), lambda: _Walk(_Lattice(self, space, ask.seed)), _start_over, (Finished,))
        known = seen(history)
        walk.skip(known)
        rows = walk.rest(known)
        return proposal_of(ask, lambda number, picks: _pick(walk.lattice, rows))


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and bool(value >= 1)


def _pick(lattice: _Lattice, rows: Iterator[FloatArray]) -> Pick:
    for row in rows:
        return Pick.of(Points(row[None, :], ~np.isnan(row)[None, :]), "grid")
    raise SpaceExhausted(f"all {lattice.size} points of the grid have been proposed", n=lattice.size)


class _Walk:
    """How far the grid has been gone through: the first `done` points were all asked for."""

    def __init__(self, lattice: _Lattice) -> None:
        self.lattice, self.done = lattice, 0

    def skip(self, known: Seen) -> None:
        """Go on to the first point that was not asked for."""
        while self.done < self.lattice.size and self.lattice.row(self.done) in known:
            self.done += 1

    def rest(self, known: Seen) -> Iterator[FloatArray]:
        """The rows from here on that were not asked for, each once."""
        met: set[bytes] = set()
        for row in self._all():
            key = row_key(row)
            if key not in known.numbers and key not in met:
                met.add(key)
                yield row

    def _all(self) -> Iterator[FloatArray]:
        for k in range(self.done, self.lattice.size):
            yield self.lattice.row(k)
        yield from self.lattice.left_over()


def _start_over(walk: _Walk, history: History, _: type[Event], number: int) -> _Walk:
    """What was cancelled may be asked for again, wherever in the order it is."""
    if history.state[number] == State.CANCELLED:
        walk.done = 0
    return walk


# --- the grid as numbered points --------------------------------------------------------------------------------

_LISTED = 10_000
"""Levels of a column up to which they are a list, in which none is twice."""
_Condition: TypeAlias = tuple[tuple[tuple[int, int], ...], ...]
"""As `Space.conditions` has it: an or of ands of (column, code)."""
_Open: TypeAlias = tuple[tuple[int, _Condition], ...]
"""Columns of which it is not known yet whether they are active, and what that depends on still."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """A choice that other columns hang on: whose turn it is.

    Attributes:
        codes: options in the order of their turns.
        counts: how many points each of them has.
    """

    codes: tuple[float, ...]
    counts: tuple[int, ...]

    def at(self, k: int) -> tuple[float, int]:
        """Whose turn the `k`-th is, and how many turns that option had before."""
        before = turns = 0
        for count in sorted(set(self.counts)):
            alive = [code for code, n in zip(self.codes, self.counts, strict=True) if n > turns]
            upto = before + len(alive) * (count - turns)
            if k < upto:
                return alive[(k - before) % len(alive)], turns + (k - before) // len(alive)
            before, turns = upto, count
        raise AssertionError("there are not so many points")


class _Lattice:
    """The points of a grid, numbered from 0 to `size` - 1.

    Args:
        settings: of the algorithm.
        space: of the study.
        seed: of the study; permutes.
    """

    def __init__(self, settings: Grid, space: Space, seed: int) -> None:
        self.space, self._settings = space, settings
        self._seed = repr(seed).encode()
        for label in settings.by_label:
            if label not in space.column:
                raise AlgorithmError(
                    f"Grid's by_label has {label!r}, which the space has not: {', '.join(space.labels)}"
                )
        self._values = [self._of_column(j) for j in range(space.d)]
        self._deciders = sorted({column for condition in space.conditions for conj in condition for column, _ in conj})
        self._counted: dict[tuple[int, _Open], int] = {}
        self._plain = [
            j for j, condition in enumerate(space.conditions) if condition == ((),) and j not in self._deciders
        ]
        self._open: _Open = tuple((j, cond) for j, cond in enumerate(space.conditions) if cond != ((),))

    @cached_property
    def size(self) -> int:
        """How many points there are."""
        return math.prod(len(self._values[j]) for j in self._plain) * self._count(0, self._open)

    def row(self, k: int) -> FloatArray:
        """`(d,)` the `k`-th point; NaN where inactive."""
        row = np.full(self.space.d, np.nan)
        active, open_, at, path = list(self._plain), self._open, 0, ""
        while at < len(self._deciders):
            column = self._deciders[at]
            code: float | None = None
            if self._is_active(column, open_):
                common = math.prod(len(self._values[j]) for j in active)
                code, k = self._turn(at, open_, common).at(k)
                row[column] = code
            open_, found = self._decided(column, code, open_)
            active += found
            path += f"{code},"
            at += 1
        k = _permuted(k, math.prod(len(self._values[j]) for j in active), self._seed + path.encode())
        for j in sorted(active):
            k, i = divmod(k, len(self._values[j]))
            row[j] = self._values[j].at(i, row)
        return row

    def left_over(self) -> Iterator[FloatArray]:
        """Rows of a finite space that the levels of columns with computed bounds may have missed."""
        if self.space.dependent and not self._settings.by_label:
            # Whether such a column has a finite list of values is not known before it is looked at.
            try:
                yield from self.space.enumerate() or ()
            except SpaceError as error:
                if isinstance(error, BadDistribution):
                    raise

    def _of_column(self, j: int) -> _Values:
        space, settings = self.space, self._settings
        label, distribution = space.labels[j], space.distributions[j]
        wanted = settings.by_label.get(label)
        if isinstance(wanted, tuple):
            if distribution is None:
                raise AlgorithmError(f"Grid cannot list values of {label!r}, whose bounds are computed: give levels")
            try:
                codes = [distribution.nearest(space.code(label, value)) for value in wanted]
            except (OutOfSpace, UnknownLabel, BadDistribution) as error:
                raise AlgorithmError(f"Grid's values of parameter {label!r}: {error}") from error
            return _Listed(np.array(list(dict.fromkeys(codes))))
        levels = wanted if _is_count(wanted) else settings.levels
        if distribution is None:
            return _Quantiles(space, j, levels)
        if distribution.size is not None and (wanted is None or levels >= distribution.size):
            return _Whole(distribution, distribution.size) if distribution.ordered else _Listed(distribution.values())
        if levels > _LISTED:  # of very many no list is written out
            return _Quantiles(space, j, levels)
        return _Listed(np.unique(distribution.from_unit((np.arange(levels) + 0.5) / levels)))

    # --- counting ---------------------------------------------------------------------------------------------------

    def _count(self, at: int, open_: _Open) -> int:
        """How many ways there are to go on from the `at`-th choice, given what is still open."""
        if at == len(self._deciders):
            return 1
        key = at, open_
        if key not in self._counted:
            column = self._deciders[at]
            if self._is_active(column, open_):
                self._counted[key] = sum(self._turn(at, open_, 1).counts)
            else:
                self._counted[key] = self._count_after(at, None, open_)
        return self._counted[key]

    def _count_after(self, at: int, code: float | None, open_: _Open) -> int:
        rest, found = self._decided(self._deciders[at], code, open_)
        return math.prod(len(self._values[j]) for j in found) * self._count(at + 1, rest)

    def _turn(self, at: int, open_: _Open, common: int) -> _Turn:
        """The options of the `at`-th choice, each with its number of points; `common` multiplies all of them."""
        column = self._deciders[at]
        values = self._values[column]
        codes = [values.at(i, np.empty(0)) for i in range(len(values))]
        told = {float(code) for _, cond in open_ for conj in cond for c, code in conj if c == column}
        other = self._count_after(at, math.nan, open_) if not told.issuperset(codes) else 0
        counts = [common * (self._count_after(at, code, open_) if code in told else other) for code in codes]
        return _Turn(tuple(codes), tuple(counts))

    def _is_active(self, column: int, open_: _Open) -> bool:
        """Whether a choice is active, when everything that it hangs on is decided."""
        return self.space.conditions[column] == ((),) or any(j == column and cond == ((),) for j, cond in open_)

    def _decided(self, column: int, code: float | None, open_: _Open) -> tuple[_Open, list[int]]:
        """What is still open when a choice is made (None: it is inactive), and the plain columns that became active."""
        rest: list[tuple[int, _Condition]] = []
        found = []
        for j, condition in open_:
            if j == column:
                continue
            left = [
                tuple(literal for literal in conj if literal[0] != column)
                for conj in condition
                if all(c != column or value == code for c, value in conj)
            ]
            if () in left:
                left = [()]
            if left == [()] and j not in self._deciders:
                found.append(j)
            elif left:
                rest.append((j, tuple(left)))
        return tuple(rest), found


# --- the values of one column -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Listed:
    """These."""

    values: FloatArray

    def __len__(self) -> int:
        return len(self.values)

    def at(self, i: int, row: FloatArray) -> float:
        return float(self.values[i])


@dataclass(frozen=True, slots=True)
class _Whole:
    """All of an ordered finite distribution, which may be too many for a list."""

    distribution: Distribution
    size: int

    def __len__(self) -> int:
        return self.size

    def at(self, i: int, row: FloatArray) -> float:
        known = self.distribution
        if isinstance(known, EvenGrid):
            return min(known.low + i * known.step, known.high)
        if isinstance(known, Quantized):
            first = float(known.from_unit(np.zeros(1))[0])
            return (round(first / known.q) + i) * known.q + 0.0
        return float(i)


@dataclass(frozen=True, slots=True)
class _Quantiles:
    """Levels of a distribution whose bounds are computed from the columns before it, or that has very many of them."""

    space: Space
    column: int
    levels: int

    def __len__(self) -> int:
        return self.levels

    def at(self, i: int, row: FloatArray) -> float:
        distribution = self.space.distribution(self.column, row)
        return float(distribution.from_unit(np.array([(i + 0.5) / self.levels]))[0])


_Values: TypeAlias = _Listed | _Whole | _Quantiles


def _permuted(k: int, n: int, key: bytes) -> int:
    """Where a pseudo-random permutation of 0 … n - 1 sends `k`: a Feistel network of four rounds, walked until inside."""
    half = max(1, ((n - 1).bit_length() + 1) // 2)
    size, mask = (half + 7) // 8, (1 << half) - 1
    while True:
        left, right = k >> half, k & mask
        for turn in range(4):
            digest = shake_128(b"%d:%d:%s" % (turn, right, key)).digest(size)
            left, right = right, left ^ (int.from_bytes(digest, "big") & mask)
        k = left << half | right
        if k < n:
            return k
