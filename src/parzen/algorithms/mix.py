"""A mixture: each trial is proposed by one of several algorithms, drawn by chance.

Hyperopt's `mix`.  Which one it is depends on the trial's own generator, so on the study's seed and the trial's number
alone; all of them learn from all trials.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from parzen.algorithms._base import Algorithm, Ask, Proposal, row_key, seen, unseen_point
from parzen.algorithms._named import algorithm_named
from parzen.errors import AlgorithmError, SpaceExhausted
from parzen.space import Points, Space
from parzen.trials import History

__all__ = ["Mix"]


@dataclass(frozen=True, slots=True)
class Mix:
    """Each trial by one of several algorithms.

    Attributes:
        parts: pairs of a probability and an algorithm (a record, or a name); the probabilities sum to 1.
    """

    parts: tuple[tuple[float, Algorithm], ...]

    def __post_init__(self) -> None:
        try:
            pairs = [(p, algorithm) for p, algorithm in self.parts]
        except (TypeError, ValueError):
            raise AlgorithmError(f"Mix takes pairs of a probability and an algorithm, got {self.parts!r:.80}") from None
        if not pairs:
            raise AlgorithmError("Mix has no parts: give pairs of a probability and an algorithm")
        for p, _ in pairs:
            if isinstance(p, bool) or not isinstance(p, (int, float, np.integer, np.floating)) or not 0.0 <= p <= 1.0:
                raise AlgorithmError(f"Mix's probabilities are numbers from 0 to 1, got {p!r:.80}")
        total = math.fsum(p for p, _ in pairs)
        if not math.isclose(total, 1.0, rel_tol=1e-5):
            raise AlgorithmError(f"Mix's probabilities sum to 1, these to {total:g}")
        # Scaled, because 0.1 + 0.2 + 0.7 is not quite 1.
        parts = tuple((float(p) / total, algorithm_named(algorithm)) for p, algorithm in pairs)
        object.__setattr__(self, "parts", parts)

    def suggest(self, space: Space, history: History, ask: Ask) -> Proposal:
        """Points for `ask.numbers`.

        The algorithms do not hear of each other's proposals in one ask: what comes out the same, or not at all, is drawn
        from the prior instead.
        """
        chosen: dict[int, list[int]] = {}
        for number in ask.numbers:
            chosen.setdefault(self._choice(ask.rng(number)), []).append(number)

        def rng(number: int) -> np.random.Generator:
            generator = ask.rng(number)
            self._choice(generator)  # the algorithm's own draws come after the one that chose it
            return generator

        rows: dict[int, tuple[Points, str, float | None]] = {}
        memo = None
        for i, numbers in chosen.items():
            try:
                proposal = self.parts[i][1].suggest(space, history, replace(ask, numbers=tuple(numbers), rng=rng))
            except SpaceExhausted:
                continue
            memo = proposal.memo if memo is None else memo
            gains = proposal.gains or (None,) * len(proposal.sources)
            for k, (source, gain) in enumerate(zip(proposal.sources, gains, strict=True)):
                rows[numbers[k]] = proposal.points[k : k + 1], source, gain

        keys: list[bytes] = []
        found: list[tuple[Points, str, float | None]] = []
        for number in ask.numbers:
            row = rows.get(number)
            if row is None or row_key(row[0].values[0]) in keys:
                try:
                    row = unseen_point(space, seen(history), rng(number), keys), "mix: random, nothing new", None
                except SpaceExhausted:
                    if not found:
                        raise
                    break
            keys.append(row_key(row[0].values[0]))
            found.append(row)
        points, sources, gains_found = zip(*found, strict=True)
        return Proposal(Points.stack(list(points)), sources, gains_found, memo)

    def _choice(self, rng: np.random.Generator) -> int:
        edges = np.cumsum([p for p, _ in self.parts])
        return min(int(np.searchsorted(edges, rng.random(), side="right")), len(self.parts) - 1)
