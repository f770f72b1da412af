"""Where trials fail.

The simplest region that explains the failures: one condition on one parameter, or two.  It is found as a tree finds its
splits (Breiman, Friedman, Olshen and Stone 1984), by the chance that so many of the failures lie within if they lay anywhere
(Fisher's exact test), times the number of regions that were looked at.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from parzen._typing import BoolArray, IntArray
from parzen._wording import bound, plain
from parzen.analysis._finding import Finding
from parzen.analysis._source import ended
from parzen.trials import History, State

__all__ = ["failing_zones"]

_ALWAYS = 0.95
"""Share of the trials in a zone that have to have failed."""
_FEW = 5
_CHANCE = 1e-3
_ZONES = 3
_PERCENT = 0.01
_DEPTH = 2


@dataclass(frozen=True, slots=True)
class _Zone:
    """Rows within, what makes them so, and how unlikely it is."""

    inside: BoolArray
    conditions: tuple[tuple[int, str], ...]  # column, in words
    log_chance: float


def failing_zones(history: History) -> Iterator[Finding]:
    """Regions in which every trial fails, as far as one or two conditions describe them."""
    rows = np.flatnonzero(ended(history))
    failed = np.isin(history.state[rows], (int(State.FAILED), int(State.ERROR)))
    failed |= np.asarray(history.state[rows] == int(State.OK)) & ~np.isfinite(history.losses[rows])
    total, count = len(rows), int(failed.sum())
    if count < _FEW:
        return
    if count == total:
        yield Finding(
            "failing zone",
            (),
            f"All {total} trials {_verb(history, rows)}{_most(history, rows, ', most of them with')}.",
            "Look at one traceback: this is the objective, or its surroundings, and not the configuration.",
            {"trials": total, "failed": count, "error": _commonest(history, rows)},
        )
        return
    left = np.ones(total, dtype=bool)
    for k in range(_ZONES):
        zone = _zone(history, rows, failed, left)
        if zone is None:
            return
        inside = zone.inside & left
        bad, all_ = int((failed & inside).sum()), int(inside.sum())
        outside = float(np.mean(failed[~zone.inside])) if (~zone.inside).any() else 0.0
        where = " and ".join(text for _, text in zone.conditions)
        every = (f"All {all_}" if bad == all_ else f"{bad} of {all_}") + (" further" if k else "")
        share = f"{outside:.0%}" if not 0 < outside < _PERCENT else "less than 1%"
        error = _commonest(history, rows[inside & failed])
        yield Finding(
            "failing zone",
            tuple(dict.fromkeys(history.space.labels[j] for j, _ in zone.conditions)),
            f"{every} trials with {where} {_verb(history, rows[inside & failed])}, and {share} of the others"
            f"{_most(history, rows[inside & failed], '; most of them with')}.",
            "Take the zone out of the space, or mend what fails there.",
            {
                "trials": all_,
                "failed": bad,
                "where": where,
                "share of failures elsewhere": outside,
                "error": error,
                "log of the chance": zone.log_chance,
            },
        )
        left &= ~inside
        if int((failed & left).sum()) < _FEW:
            return


def _verb(history: History, rows: IntArray) -> str:
    """What befell trials without a finite loss: those whose loss is infinite are OK, and not called failed."""
    infinite = np.asarray(history.state[rows] == int(State.OK))
    return (
        "have an infinite loss" if infinite.all() else "failed or have an infinite loss" if infinite.any() else "failed"
    )


def _most(history: History, rows: IntArray, lead: str) -> str:
    """The commonest error, behind some words; nothing where no trial failed."""
    return "" if (history.state[rows] == int(State.OK)).all() else f"{lead}: {_commonest(history, rows)}"


def _commonest(history: History, rows: IntArray) -> str:
    kinds: Counter[str] = Counter()
    for i in rows.tolist():
        error = history.error(i)
        kinds[plain(str(error).partition("\n")[0], 100) if error is not None else "an infinite loss"] += 1
    return kinds.most_common(1)[0][0]


def _zone(history: History, rows: IntArray, failed: BoolArray, left: BoolArray) -> _Zone | None:
    """The likeliest zone of failures among the rows that are left, of one condition if that is enough."""
    zone = _Zone(left, (), 0.0)
    for _ in range(_DEPTH):
        found = [_split(history, rows, failed, zone, j) for j in range(history.space.d)]
        better = [one for one in found if one is not None]
        if not better:
            return None
        zone = min(better, key=lambda one: one.log_chance)
        inside = zone.inside
        bad = int((failed & inside).sum())
        if bad >= _FEW and bad >= _ALWAYS * inside.sum():
            tried = math.log(max(len(failed) * history.space.d, 1))
            # Judged against all rows that are left, not those of the first condition only.
            chance = _log_chance(int(left.sum()), int((failed & left).sum()), int(inside.sum()), bad)
            if chance + len(zone.conditions) * tried < math.log(_CHANCE):
                return _Zone(inside, zone.conditions, chance)
            return None
    return None


def _split(history: History, rows: IntArray, failed: BoolArray, zone: _Zone, j: int) -> _Zone | None:
    """The best condition on column `j` within a zone."""
    space = history.space
    values = history.values[rows, j]
    within = zone.inside & ~np.isnan(values)
    total, bad = int(zone.inside.sum()), int((failed & zone.inside).sum())
    name, best = plain(space.labels[j], 40), None
    if not within.any() or bad in (0, total):
        return None

    def offer(inside: BoolArray, text: str) -> None:
        nonlocal best
        k, hits = int(inside.sum()), int((failed & inside).sum())
        if hits < _FEW or k == total or hits / k <= bad / total:
            return
        chance = _log_chance(total, bad, k, hits)
        if best is None or chance < best.log_chance:
            best = _Zone(inside, (*zone.conditions, (j, text)), chance)

    distribution = space.distributions[j]
    if space.is_choice(j) and (distribution is None or not distribution.ordered):
        for code in np.unique(values[within]).tolist():
            offer(within & (values == code), f"{name} = {plain(space.option(j, code), 40)}")
        return best
    x, y = values[within], failed[within]
    order = np.argsort(x, kind="stable")
    ends = np.flatnonzero(np.diff(x[order]) > 0)  # a cut lies between two different values
    hits = np.cumsum(y[order])
    everything, k = int(hits[-1]), len(x)
    if not len(ends):
        return best
    # Of all cuts only the best on each side is looked at: the greatest excess of failures.
    rate = bad / total
    below = (hits[ends] - rate * (ends + 1)) / np.sqrt(ends + 1.0)
    above = ((everything - hits[ends]) - rate * (k - ends - 1)) / np.sqrt(k - ends - 1.0)
    cut = int(ends[np.argmax(below)])
    offer(within & (values <= x[order][cut]), f"{name} ≤ {_value(history, j, x[order][cut], x[order][cut + 1])}")
    cut = int(ends[np.argmax(above)])
    offer(within & (values > x[order][cut]), f"{name} ≥ {_value(history, j, x[order][cut + 1], x[order][cut])}")
    return best


def _value(history: History, j: int, x: float, beyond: float) -> str:
    """The last value that is in a zone, so that whoever counts the trials up to it finds as many: none up to `beyond`."""
    if history.space.is_choice(j):
        return plain(history.space.option(j, float(x)), 40)
    return bound(float(x), float(beyond))


def _log_chance(total: int, bad: int, drawn: int, hits: int) -> float:
    """Log of the chance that at least `hits` of `bad` among `total` are among so many drawn: the hypergeometric tail."""

    def log_choose(n: int, k: int) -> float:
        return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)

    most = min(bad, drawn)
    terms = [
        log_choose(bad, k) + log_choose(total - bad, drawn - k) - log_choose(total, drawn)
        for k in range(hits, most + 1)
        if 0 <= drawn - k <= total - bad
    ]
    if not terms:
        return -math.inf
    top = max(terms)
    return top + math.log(math.fsum(math.exp(t - top) for t in terms))
