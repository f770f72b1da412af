"""Which trials are not worth finishing.

One file a pruner, each a frozen record of settings with `prune(history, number)`.

| name | class | what it does |
|---|---|---|
| median | `Median` | ends trials that are worse than the median of finished ones at the same step |
| asha | `ASHA` | successive halving without waiting: at each rung the best third goes on |
| hyperband | `Hyperband` | several of these side by side, which begin to judge at different steps |
| patient | `Patient` | asks another pruner, but only of trials that have stopped improving |
| | `Threshold` | ends trials whose loss is worse than a bound |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from parzen._lazy import lazy_attributes
from parzen.pruners._base import Pruner
from parzen.pruners._named import pruner_named

if TYPE_CHECKING:
    from parzen.pruners.asha import ASHA as ASHA
    from parzen.pruners.hyperband import Hyperband as Hyperband
    from parzen.pruners.median import Median as Median
    from parzen.pruners.patient import Patient as Patient
    from parzen.pruners.threshold import Threshold as Threshold

__all__ = ["ASHA", "Hyperband", "Median", "Patient", "Pruner", "Threshold", "pruner_named"]

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "ASHA": "parzen.pruners.asha",
        "Hyperband": "parzen.pruners.hyperband",
        "Median": "parzen.pruners.median",
        "Patient": "parzen.pruners.patient",
        "Threshold": "parzen.pruners.threshold",
    },
)
