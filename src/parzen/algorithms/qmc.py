"""Quasi-random search: points that fill the space more evenly than independent draws.

Scrambled Sobol sequences (Sobol 1967; Owen 1998, "Scrambling Sobol' and Niederreiter-Xing points"; Owen 2020, "On dropping
the first Sobol' point", for leaving none out) or Halton sequences (Halton 1960; Owen 2017, "A randomized Halton
algorithm in R"), in the unit cube of the prior's quantiles; both by scipy.stats.qmc, whose import takes a second or two and
happens at the first proposal.

A trial gets the point of its number, so a search that is resumed, or shared by several programs, goes on with the same
sequence.  What it was drawn for decides: categories have their share of the unit interval, and a column that is inactive in
a trial leaves its coordinate unused.  A point that decodes to a configuration that was tried already is replaced by a
draw from the prior that was not.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from parzen._typing import FloatArray
from parzen.algorithms._base import Ask, Pick, Proposal, proposal_of, row_key, seen, unseen_point
from parzen.errors import AlgorithmError, UnsupportedSpace
from parzen.space import Space
from parzen.trials import History

__all__ = ["QMC"]

_SCRAMBLING = 0x9C3  # keeps this use of a study's seed apart from others


@dataclass(frozen=True, slots=True)
class QMC:
    """A point of a low-discrepancy sequence for each number.

    Attributes:
        kind: "sobol", which is the more even of the two with powers of two of trials; or "halton", which has no such steps
            and takes any number of columns.
        scramble: randomise the sequence by the study's seed; False gives everybody the same points.
    """

    kind: Literal["sobol", "halton"] = "sobol"
    scramble: bool = True

    def __post_init__(self) -> None:
        if self.kind not in ("sobol", "halton"):
            raise AlgorithmError(f"QMC's kind is 'sobol' or 'halton', got {self.kind!r:.80}")
        if not isinstance(self.scramble, bool):
            raise AlgorithmError(f"QMC's scramble is True or False, got {self.scramble!r:.80}")

    def suggest(self, space: Space, history: History, ask: Ask) -> Proposal:
        """The points of `ask.numbers`.

        Raises:
            UnsupportedSpace: Sobol sequences are known for 21 201 columns, and there are more.
        """
        sequence = history.fold(
            (self, ask.seed), lambda: _Sequence(self, space.d, ask.seed), lambda state, *_: state, ()
        )
        return proposal_of(ask, lambda number, picks: self._pick(space, history, sequence, ask, number, picks))

    def _pick(
        self, space: Space, history: History, sequence: _Sequence, ask: Ask, number: int, earlier: Sequence[Pick]
    ) -> Pick:
        known, taken = seen(history), [pick.key for pick in earlier]
        point = space.from_unit(sequence.point(number))
        key = row_key(point.values[0])
        if key in known.numbers or key in taken:
            return Pick.of(unseen_point(space, known, ask.rng(number), taken), "qmc: random, tried before")
        return Pick(point, key, f"qmc: {self.kind}")


class _Sequence:
    """A generator of scipy's and the place where it stands: nothing that its arguments do not give again.

    Args:
        settings: of the algorithm.
        d: number of columns.
        seed: of the study.
    """

    def __init__(self, settings: QMC, d: int, seed: int) -> None:
        self._settings, self._d, self._seed = settings, d, seed
        self._engine: Any = None  # scipy has no types

    def point(self, index: int) -> FloatArray:
        """`(1, d)`, of that index counted from 0."""
        if self._d == 0:
            return np.empty((1, 0))
        if not self._settings.scramble:
            index += 1  # the first one is a corner of the cube
        if self._engine is None or self._engine.num_generated > index:
            self._engine = self._made()
        if self._engine.num_generated < index:
            self._engine.fast_forward(index - self._engine.num_generated)
        point: FloatArray = self._engine.random(1)
        return point

    def _made(self) -> Any:
        from scipy.stats import qmc  # not before it is needed

        made = qmc.Sobol if self._settings.kind == "sobol" else qmc.Halton
        if made is qmc.Sobol and self._d > qmc.Sobol.MAXDIM:
            raise UnsupportedSpace(
                f"Sobol sequences are known for {qmc.Sobol.MAXDIM} columns, and the space has {self._d}: take "
                "QMC(kind='halton')"
            )
        rng = "rng" if "rng" in inspect.signature(made).parameters else "seed"  # its name until scipy 1.15
        seeded = {rng: np.random.default_rng((self._seed, _SCRAMBLING))}
        return made(self._d, scramble=self._settings.scramble, **seeded)
