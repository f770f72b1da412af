"""What parzen does when nobody says how: a Gaussian process and a tree of Parzen estimators in turn, on one history.

A process alone converges fast, and now and then locks onto one basin and tries it again and again; Parzen estimators
alone do not, and are slow to converge.  In turn, each has in its history what the other would not have tried: the
combination has the speed of the one and a shorter tail of failures than either.

Which of them proposes a trial depends on how many trials there are:

    first          the middle of every range, then Sobol points: one more than there are columns, from 5 to 12
    up to 40       twice the process, once the estimators
    up to 300      seven times the process, once the estimators
    beyond         once the process, on a bounded share of the trials, three times the estimators

With more than 40 active columns, lengths of the process are hard to learn and dear, so it has one turn of four there too.
In a tree they let a branch be, now and then, in which nothing is gained any more (`_branches`).
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass

from parzen.algorithms._base import Ask, Pick, Proposal, proposal_of
from parzen.algorithms._branches import other_branch
from parzen.algorithms._sobol import start_pick, startup
from parzen.algorithms._threads import cover_new_libraries
from parzen.algorithms.tpe import TPE
from parzen.space import Space
from parzen.trials import History, State

__all__ = ["Auto"]

_FEW_UNTIL, _PROCESS_UNTIL, _WIDE_SPACE = 40, 300, 40
_PARTNER = TPE(n_startup=0)
_PIECES = ("scipy.special", "scipy.linalg", "scipy.fft", "scipy.optimize")
"""What the process imports, loaded piece by piece while the first trials are asked for: all at once they would take half a
second of one of them."""
_ENDED = (State.OK, State.FAILED, State.PRUNED, State.ERROR)


@dataclass(frozen=True, slots=True)
class Auto:
    """Sobol points, then Gaussian process and TPE in turn; it has no settings."""

    def suggest(self, space: Space, history: History, ask: Ask) -> Proposal:
        """Points for `ask.numbers`; each of them counts as running for those after it."""
        return proposal_of(ask, lambda number, picks: self._pick(space, history, ask, number, picks))

    def _pick(self, space: Space, history: History, ask: Ask, number: int, earlier: Sequence[Pick]) -> Pick:
        asked, n0 = history.asked + len(earlier), startup(space)
        scored = history.count(*_ENDED)
        # Slow workers: what is asked for in the beginning is asked for without having learnt anything.
        if asked < n0 or scored < max(4, n0 // 2):
            if 0 < asked <= len(_PIECES):
                importlib.import_module(_PIECES[asked - 1])
            return start_pick(space, history, ask, number, earlier, "auto")
        elsewhere = other_branch(space, history, ask, number, earlier, _PARTNER.scores)
        if elsewhere is not None:
            pick = elsewhere
        elif _process_has_turn(space, history, asked, scored):
            from parzen.algorithms.gp._process import gp_pick  # not before it is needed: it has `_PIECES`

            cover_new_libraries()
            pick = gp_pick(space, history, ask, number, earlier)
        else:
            pick = _PARTNER.pick(space, history, ask, number, earlier)
        return Pick(pick.point, pick.key, f"auto: {pick.source}", pick.gain, pick.memo)


def _process_has_turn(space: Space, history: History, asked: int, scored: int) -> bool:
    active = space.d if space.d <= _WIDE_SPACE else float(history.active.sum(axis=1).mean())
    if active > _WIDE_SPACE or scored > _PROCESS_UNTIL:
        return asked % 4 == 0
    return asked % 3 != 0 if asked < _FEW_UNTIL else asked % 8 != 7
