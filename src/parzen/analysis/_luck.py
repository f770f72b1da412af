"""Whether the winner won by luck."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from parzen._typing import JSON
from parzen._wording import number
from parzen.analysis._finding import Finding
from parzen.analysis._forest import far_out
from parzen.analysis._noise import Noise
from parzen.trials import History

__all__ = ["luck"]

_AS_GOOD = 5
"""Trials that are not told apart from the winner, from which its rank says nothing."""
_SMALL = 0.03
"""Standard deviations of the losses as they are, up to which noise is a kink or rounding, too: where the good ones crowd
together, the process magnifies it."""
_LUCKY = 0.75
"""Noise deviations that the winner's loss is below what is expected of it."""


_HOW = {"repeats": "by repeated trials", "variances": "by the variances that were returned", "model": "by a model"}


def luck(history: History, noise: Noise, noisy: bool = False) -> Iterator[Finding]:
    """The best loss is below what its parameters are good for, by about as much as noise alone explains.

    Of n noisy losses the least is low because somebody's noise was: it is no estimate of what its parameters give, and
    ranks among the best are drawn by lot.  Where losses are exact the expectation goes through them and nothing is said, but
    of a single reading among them that is not.

    Args:
        history: of the study.
        noise: in it.
        noisy: whether the study says that equal configurations may give different losses.
    """
    best = history.best_number
    assert best is not None
    place = int(np.flatnonzero(noise.numbers == best)[0])
    got, expected = float(history.losses[best]), float(noise.expected[place])
    head = f"The best loss, {number(history.reported(got))} in trial {best}, is luck"
    evidence: dict[str, JSON] = {
        "best": history.reported(got),
        "expected of it": history.reported(expected),
        "noise": noise.deviation,
        "noise from": noise.source,
        "recommended": noise.recommended,
    }
    if noise.exact:
        if best != noise.recommended and expected > got:
            yield _one_reading(history, noise, head, place, evidence)
        return
    losses = history.losses[history.ok & np.isfinite(history.losses)]
    unit = max(float(np.abs(losses).max()), 1e-300)  # squares of losses may be too large for a float
    if noise.source == "model" and noise.deviation / unit < _SMALL * float(np.std(far_out(losses) / unit)):
        return
    # Two expectations that differ by less than their errors are not told apart.
    error = np.hypot(noise.error, noise.error[noise.best])  # squares may be too large for a float
    alike = int(np.sum(noise.expected - noise.expected[noise.best] <= np.maximum(error, 0.1 * noise.deviation)))
    if (expected - got) / noise.deviation < _LUCKY or alike < _AS_GOOD:
        return
    take = f"take trial {noise.recommended} (result.recommended)"
    if noise.recommended == best:
        take = f"expect {number(history.reported(expected))} of trial {best}, which is the one to take all the same"
    again = "evaluate the best few again and average"
    known = f"{number(history.reported(expected))} is expected of its parameters"
    size, apart = number(noise.deviation, 2), f"{alike} expected losses differ from the least by less than their errors"
    if noise.source == "model" and not noisy:
        # A model takes what is rugged for noise, too; only another evaluation tells one from the other.
        sentence = (
            f"{head} if equal parameters may give different losses: {known}, parameters do not explain {size} of one loss "
            f"({_HOW[noise.source]}), and {apart}."
        )
        advice = (
            f"Evaluate trial {best} again. If its loss is another one, say noisy=True, {take}, and {again}; if it is the same, "
            f"the objective is exact and rugged, and trial {best} is the best."
        )
    else:
        sentence = f"{head}: {known}, the noise of one loss is {size} ({_HOW[noise.source]}), and {apart}."
        said = "" if noisy else ", and say noisy=True"
        advice = f"{take[0].upper()}{take[1:]}; {again}{said}."
    yield Finding("luck", (), sentence, advice, {**evidence, "not told apart": alike})


def _one_reading(history: History, noise: Noise, head: str, place: int, evidence: dict[str, JSON]) -> Finding:
    """The best is the one that is not exact."""
    best, own = int(noise.numbers[place]), float(noise.each[place])
    return Finding(
        "luck",
        (),
        f"{head}: its own noise is {number(own, 2)}, other losses are exact ({_HOW[noise.source]}), and "
        f"{number(history.reported(float(noise.expected[place])))} is expected of its parameters.",
        f"Take trial {noise.recommended} (result.recommended), or evaluate trial {best} again.",
        {**evidence, "noise": own},
    )
