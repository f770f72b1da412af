"""Options that are never good, and parameters that change nothing."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

import numpy as np

from parzen._typing import FloatArray, IntArray
from parzen._wording import number, plain, quoted
from parzen.algorithms.gp import Belief
from parzen.analysis._finding import Finding
from parzen.analysis._ped_anova import ped_anova
from parzen.analysis._source import ended, top_of
from parzen.trials import History

__all__ = ["dead_options", "dead_parameters"]

_CHANCE = 0.01
_TRIED = 10
"""Trials in which a parameter or an option has to have been, to be called dead."""
_FLAT = 0.03
"""Share of the losses' standard deviation that a parameter moves the expectation by, at most, to be called dead."""
_ALIKE = 0.25
"""Standard deviations between an option's best loss and the best of all, below which the option is no worse."""
_SETTINGS, _STEPS = 24, 12


def dead_options(history: History, belief: Belief) -> Iterator[Finding]:
    """Options that were tried often enough to be among the best, and are not."""
    space, base = history.space, np.flatnonzero(ended(history))
    best = np.zeros(len(history), dtype=bool)
    best[top_of(history, 0.25)] = True
    for j, label in enumerate(space.labels):
        distribution = space.distributions[j]
        rows = base[history.active[base, j]]
        if not space.is_choice(j) or distribution is None or not distribution.size or not best[rows].any():
            continue
        for code in distribution.values().tolist():
            own = rows[history.values[rows, j] == code]
            if len(own) < _TRIED or best[own].any() or len(own) == len(rows):
                continue
            chance = _none_of(len(rows), int(best[rows].sum()), len(own))
            losses = history.losses[own]
            losses = losses[np.isfinite(losses)]
            if chance >= _CHANCE or not len(losses):  # one that always fails is the zone's to tell
                continue
            reached = history.losses[rows][np.isfinite(history.losses[rows])].min()
            apart = belief.transformed(np.array([float(losses.min()), float(reached)]))
            if apart[0] - apart[1] < _ALIKE:
                continue
            name, option = quoted(label, 40), plain(space.option(j, code), 40)
            yield Finding(
                "dead option",
                (label,),
                f"The option {option} of {name} was tried {len(own)} times and is never among the best quarter: its best "
                f"loss is {number(history.reported(losses.min()))}, and that of all options "
                f"{number(history.reported(reached))}.",
                "Drop it, unless you know why it should win later.",
                {
                    "option": option,
                    "trials": len(own),
                    "best": history.reported(losses.min()),
                    "best of all": history.reported(reached),
                    "chance of that if it were like the others": chance,
                },
            )


def _none_of(total: int, good: int, drawn: int) -> float:
    """The chance that none of `good` among `total` is among so many that are drawn."""
    if total - good < drawn:
        return 0.0
    parts = (total - good, total - drawn), (total - good - drawn, total)
    return math.exp(sum(math.lgamma(n + 1) for n in parts[0]) - sum(math.lgamma(n + 1) for n in parts[1]))


def dead_parameters(history: History, belief: Belief, failing: Collection[str] = ()) -> Iterator[Finding]:
    """Parameters without a visible effect, alone or with others.

    Two have to agree: being among the best does not depend on it (PED-ANOVA, no more than chance), and along it the
    expectation of the process does not move, whatever the others are.  Both look at losses alone, so a parameter that decides
    whether a trial fails is none of them.

    Args:
        history: of the study.
        belief: of its losses.
        failing: labels of parameters that a failing zone depends on.
    """
    space = history.space
    importances = ped_anova(history)
    usable, tried = np.flatnonzero(history.ok & np.isfinite(history.losses)), np.flatnonzero(ended(history))
    spread = float(np.std(belief.transformed(history.losses[usable])))
    for j, label in enumerate(space.labels):
        one, distribution = importances[label], space.distributions[j]
        rows = usable[history.active[usable, j]]
        if one.matters or len(rows) < max(2 * _TRIED, 3 * space.d) or distribution is None or label in failing:
            continue
        if (
            space.is_choice(j)
            and not np.isin(history.values[tried[history.active[tried, j]], j], history.values[rows, j]).all()
        ):
            continue  # an option that has never had a loss
        # A choice that others hang on cannot be moved by itself.
        if any(column == j for condition in space.conditions for conj in condition for column, _ in conj):
            continue
        values = distribution.values() if distribution.size is not None and distribution.size <= _STEPS else None
        steps = (np.arange(_STEPS) + 0.5) / _STEPS if values is None else distribution.to_unit(values)
        if len(steps) < 2:
            continue
        moved = _moves(history, belief, j, rows, steps) / max(spread, 1e-12)
        if moved > _FLAT:
            continue
        name = quoted(label, 40)
        yield Finding(
            "dead parameter",
            (label,),
            f"Nothing that was tried shows an effect of {name}: in {len(rows)} trials it explains no more than chance "
            f"does, and moves the expected loss by {moved:.1%} of its spread.",
            "Fix it at any value; the search gets easier by one parameter.",
            {
                "trials": len(rows),
                "importance": one.value,
                "what chance gives": one.floor,
                "share of the spread that it moves": moved,
            },
        )


def _moves(history: History, belief: Belief, j: int, rows: IntArray, steps: FloatArray) -> float:
    """Standard deviation of the expectation along a column, at the settings of several trials; the root mean square."""
    chosen = rows[np.linspace(0, len(rows) - 1, min(_SETTINGS, len(rows))).astype(np.int64)]
    grid = np.repeat(history.unit[chosen], len(steps), axis=0)
    grid[:, j] = np.tile(steps, len(chosen))
    mean = belief.expect(grid)[0].reshape(len(chosen), len(steps))
    return float(np.sqrt(np.mean(np.var(mean, axis=1))))
