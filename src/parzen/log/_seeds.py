"""Random streams that depend on (seed, number, purpose) and on nothing else.

A trial's stream must be the same whether the run was interrupted before it or not, and whichever worker draws from it,
so no generator is ever carried from one trial to the next.
"""

from __future__ import annotations

import sys
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.random.bit_generator import ISpawnableSeedSequence
from numpy.typing import NDArray

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


def generator(seed: int, purpose: int) -> Generator:
    """A Generator for one use of a trial's seed.

    Args:
        seed: as `trial_seed` gave it.
        purpose: `PROPOSAL`, `OBJECTIVE` or `DRAWS`.
    """
    return Generator(PCG64(_Hashed(seed, purpose)))  # type: ignore[arg-type]  # it takes any seed sequence


class _Hashed(ISpawnableSeedSequence):
    """What numpy asks for the beginning of a stream, from a hash of (seed, purpose), BLAKE2b.

    numpy's own `SeedSequence` mixes as well, but takes 13 us, an eighth of a random trial; this takes 2.  Children are a
    `SeedSequence`'s.
    """

    def __init__(self, seed: int, purpose: int) -> None:
        self._seed, self._purpose = seed, purpose
        self._parent: SeedSequence | None = None

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> NDArray[Any]:  # as numpy declares it
        size = n_words * np.dtype(dtype).itemsize
        text = self._seed.to_bytes(8, "little") + bytes((self._purpose,))
        drawn = blake2b(text).digest()
        for block in range(1, -(-size // len(drawn))):
            drawn += blake2b(text + block.to_bytes(8, "little")).digest()
        words = np.frombuffer(drawn[:size], dtype)
        return words if sys.byteorder == "little" else words.byteswap()  # the same everywhere

    def spawn(self, n_children: int) -> list[Any]:  # as numpy declares it
        if self._parent is None:
            self._parent = SeedSequence((self._seed, self._purpose))
        return list(self._parent.spawn(n_children))
