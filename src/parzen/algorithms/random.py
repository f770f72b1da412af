"""Random search: independent draws from the prior.

Bergstra and Bengio 2012, "Random search for hyper-parameter optimization".  On a finite space no configuration is drawn
twice before all have been.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from parzen.algorithms._base import Ask, Proposal, row_key, seen, unseen_point
from parzen.errors import SpaceExhausted
from parzen.space import Points, Space
from parzen.trials import History

__all__ = ["Random"]


@dataclass(frozen=True, slots=True)
class Random:
    """Draws from the prior, without repeats where that is possible."""

    def suggest(self, space: Space, history: History, ask: Ask) -> Proposal:
        """One draw for each number, from that number's own generator."""
        if space.unrepeatable:  # nothing to compare with, which is a tenth of a trial
            unit = np.concatenate([ask.rng(number).random((1, space.d)) for number in ask.numbers])
            return Proposal(space.from_unit(unit), ("random",) * len(unit))
        known = seen(history)
        points: list[Points] = []
        keys: list[bytes] = []
        for number in ask.numbers:
            try:
                point = unseen_point(space, known, ask.rng(number), keys)
            except SpaceExhausted:
                if not points:
                    raise
                break
            points.append(point)
            if len(points) < len(ask.numbers):
                keys.append(row_key(point.values[0]))
        return Proposal(points[0] if len(points) == 1 else Points.stack(points), ("random",) * len(points))

    def repeat(self, space: Space, history: History, ask: Ask) -> Proposal:
        """One draw for each number, whatever was drawn before: see `repeats`."""
        points = Points.stack([space.sample(ask.rng(number)) for number in ask.numbers])
        return Proposal(points, ("random repeat",) * len(points))
