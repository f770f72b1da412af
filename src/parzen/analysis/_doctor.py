"""What is the matter with a study."""

from __future__ import annotations

import numpy as np

from parzen._wording import counted, number
from parzen.algorithms.gp import Belief
from parzen.analysis._bounds import bounds, scales
from parzen.analysis._dead import dead_options, dead_parameters
from parzen.analysis._failures import failing_zones
from parzen.analysis._finding import Finding
from parzen.analysis._luck import luck
from parzen.analysis._noise import noise_of
from parzen.analysis._source import Source, history_of, says_noisy
from parzen.trials import History

__all__ = ["doctor"]

_LEAST = 20
"""Losses from which more is said than where trials fail."""


def doctor(source: Source, *, noisy: bool | None = None) -> tuple[Finding, ...]:
    """What somebody should know about a study before they believe its answer.

    It looks for zones in which every trial fails; an optimum at a bound; a parameter on the wrong scale; options that are
    never good and parameters that change nothing; losses that are all equal; and a winner that won by luck.  It needs no extra, and takes from a
    tenth of a second to a few, most of it for a Gaussian process.

    Args:
        source: a study, a result or a history.
        noisy: whether equal configurations may give different losses; None for what the study says, and False of a bare
            history, which does not know.

    Returns:
        A finding for each thing, the gravest kind first; empty where nothing was found.  With fewer than 20 losses the last
        one says that there is too little to tell.
    """
    history = history_of(source)
    found = list(failing_zones(history))
    count = int(np.sum(history.ok & np.isfinite(history.losses)))
    if count >= _LEAST and (one := _constant(history)) is not None:
        return (*found, one)  # of equal losses each parameter would be dead, and each trial the best
    belief = Belief.of(history) if count >= _LEAST else None
    if count < _LEAST:
        found.append(
            Finding(
                "too little",
                (),
                f"{counted(count, 'trial')} {'has' if count == 1 else 'have'} a finite loss; from {_LEAST} on there is more to say.",
                "Go on with the search.",
                {"trials": count},
            )
        )
        return tuple(found)
    if belief is None:  # more columns than a process learns
        return (*found, *scales(history, None))
    crooked, noise = list(scales(history, belief)), noise_of(history)
    found += crooked
    # On the wrong scale losses jump from one trial to the next, which a model takes for noise, and explains by parameters
    # that have nothing to do with it: first things first.
    if noise is not None and not (crooked and noise.source == "model"):
        found += luck(history, noise, says_noisy(source) if noisy is None else noisy)
    if not crooked:
        found += bounds(history, belief)
    found += dead_options(history, belief)
    failing = {label for one in found if one.kind == "failing zone" for label in one.labels}
    found += dead_parameters(history, belief, failing)
    return tuple(found)


def _constant(history: History) -> Finding | None:
    losses = history.losses[history.ok & np.isfinite(history.losses)]
    if losses.min() < losses.max():
        return None
    loss = history.reported(float(losses[0]))
    return Finding(
        "constant",
        (),
        f"All {len(losses)} losses are equal ({number(loss)}): whatever was tried, nothing changed.",
        "Look at the objective: does it use its parameters, and return what it computed from them?",
        {"trials": len(losses), "loss": loss},
    )
