"""What to try next.

One file an algorithm, each a frozen record of settings with `suggest(space, history, ask)`.

| name | class | what it does |
|---|---|---|
| auto | `Auto` | Gaussian process and TPE in turn: what is used when nothing is named |
| gp | `GP` | Gaussian process with log expected improvement |
| random | `Random` | independent draws from the prior |
| tpe | `TPE` | tree-structured Parzen estimator |
| atpe | `AdaptiveTPE` | TPE that chooses its own settings |
| anneal | `Anneal` | draws around the best trials, closer and closer |
| cmaes | `CMAES` | covariance matrix adaptation; needs the package `cmaes` |
| evolution | `Evolution` | changed copies of good trials among the newest |
| qmc | `QMC` | a low-discrepancy sequence |
| grid | `Grid` | every combination of a few values of each column |
| | `Mix` | each trial by one of several algorithms |

Other packages add names by entry points (`algorithm_named`).  For whoever writes an algorithm: `proposal_of` asks for one
`Pick` after the other; `seen` and `unseen_point` keep a finite space from repeating itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from parzen._lazy import lazy_attributes
from parzen.algorithms._base import Algorithm, Ask, Pick, Proposal, proposal_of, repeats, row_key, seen, unseen_point
from parzen.algorithms._named import algorithm_named, algorithm_noted, is_own, note_of

if TYPE_CHECKING:
    from parzen.algorithms.anneal import Anneal as Anneal
    from parzen.algorithms.atpe import AdaptiveTPE as AdaptiveTPE
    from parzen.algorithms.auto import Auto as Auto
    from parzen.algorithms.cmaes import CMAES as CMAES
    from parzen.algorithms.evolution import Evolution as Evolution
    from parzen.algorithms.gp import GP as GP
    from parzen.algorithms.grid import Grid as Grid
    from parzen.algorithms.mix import Mix as Mix
    from parzen.algorithms.qmc import QMC as QMC
    from parzen.algorithms.random import Random as Random
    from parzen.algorithms.tpe import TPE as TPE

__all__ = [
    "CMAES",
    "GP",
    "QMC",
    "TPE",
    "AdaptiveTPE",
    "Algorithm",
    "Anneal",
    "Ask",
    "Auto",
    "Evolution",
    "Grid",
    "Mix",
    "Pick",
    "Proposal",
    "Random",
    "algorithm_named",
    "algorithm_noted",
    "is_own",
    "note_of",
    "proposal_of",
    "repeats",
    "row_key",
    "seen",
    "unseen_point",
]

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "AdaptiveTPE": "parzen.algorithms.atpe",
        "Anneal": "parzen.algorithms.anneal",
        "Auto": "parzen.algorithms.auto",
        "CMAES": "parzen.algorithms.cmaes",
        "Evolution": "parzen.algorithms.evolution",
        "GP": "parzen.algorithms.gp",
        "Grid": "parzen.algorithms.grid",
        "Mix": "parzen.algorithms.mix",
        "QMC": "parzen.algorithms.qmc",
        "Random": "parzen.algorithms.random",
        "TPE": "parzen.algorithms.tpe",
    },
)
