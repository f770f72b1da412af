"""Random streams that depend on (seed, number, purpose) and on nothing else.

A trial's stream must be the same whether the run was interrupted before it or not, and whichever worker draws from it,
so no generator is ever carried from one trial to the next.
"""

from __future__ import annotations

import numpy as np

__all__ = ["DRAWS", "OBJECTIVE", "PROPOSAL", "generator", "trial_seed"]

_MASK = (1 << 64) - 1


def trial_seed(seed: int, number: int) -> int:
    """A 63-bit seed for one trial: SplitMix64's finaliser (Steele, Lea and Flood 2014) over both numbers.

    Args:
        seed: of the study, any non-negative integer.
        number: of the trial.
    """
    z, words = seed & _MASK, [number, 0x5851F42D4C957F2D]
    while seed := seed >> 64:  # a longer seed is mixed in word by word
        words.append(seed & _MASK)
    for word in words:
        z = (z + 0x9E3779B97F4A7C15 * (word + 1)) & _MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        z ^= z >> 31
    return z >> 1


PROPOSAL, OBJECTIVE, DRAWS = 0, 1, 2
"""What a trial's seed is used for: choosing the point, the objective's own draws, unlabelled draws inside the space."""


def generator(seed: int, purpose: int) -> np.random.Generator:
    """A Generator for one use of a trial's seed.

    Args:
        seed: as `trial_seed` gave it.
        purpose: `PROPOSAL`, `OBJECTIVE` or `DRAWS`.
    """
    return np.random.Generator(np.random.PCG64((seed, purpose)))
