"""Whether the winner won by luck."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from parzen._wording import number
from parzen.analysis._finding import Finding
from parzen.analysis._forest import far_out
from parzen.analysis._noise import Noise
from parzen.trials import History

__all__ = ["luck"]

_AS_GOOD = 5
"""Trials that are as good as the winner, from which its rank says nothing."""
_SMALL = 0.03
"""Standard deviations of the losses as they are, up to which noise is a kink or rounding, too: where the good ones crowd
together, the process magnifies it."""
_LUCKY = 0.75
"""Noise deviations that the winner's loss is below what is expected of it."""


def luck(history: History, noise: Noise) -> Iterator[Finding]:
    """The best loss is below what its parameters are good for, by about as much as noise alone explains.

    Of n noisy losses the least is low because somebody's noise was: it is no estimate of what its parameters give, and
    ranks among the best are drawn by lot.  Where losses are exact the expectation goes through them and nothing is said.
    """
    best = history.best_number
    assert best is not None
    place = int(np.flatnonzero(noise.numbers == best)[0])
    got, expected = float(history.losses[best]), float(noise.expected[place])
    losses = history.losses[history.ok & np.isfinite(history.losses)]
    unit = max(float(np.abs(losses).max()), 1e-300)  # squares of losses may be too large for a float
    small = noise.source == "model" and noise.deviation / unit < _SMALL * float(np.std(far_out(losses) / unit))
    if noise.exact or small:
        return
    lucky = (expected - got) / noise.deviation
    # Two expectations that differ by less than their errors are not told apart.
    error = np.hypot(noise.error, noise.error[noise.best])  # squares may be too large for a float
    alike = int(np.sum(noise.expected - noise.expected[noise.best] <= np.maximum(error, 0.1 * noise.deviation)))
    if lucky < _LUCKY or alike < _AS_GOOD:
        return
    how = {"repeats": "by repeated trials", "variances": "by the variances that were returned", "model": "by a model"}
    yield Finding(
        "luck",
        (),
        f"The best loss, {number(history.reported(got))} in trial {best}, is luck: {number(history.reported(expected))} is "
        f"expected of its parameters, the noise of one loss is {number(noise.deviation, 2)} ({how[noise.source]}), and "
        f"{alike} trials are as good as far as anybody can tell.",
        f"Take trial {noise.recommended} (result.recommended), evaluate the best few again and average, and say noisy=True.",
        {
            "best": history.reported(got),
            "expected of it": history.reported(expected),
            "noise": noise.deviation,
            "noise from": noise.source,
            "as good": alike,
            "recommended": noise.recommended,
        },
    )
