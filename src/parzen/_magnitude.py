"""Losses of any size, so that one may compute with them: subtract them, average them, draw them.

Objectives return `sys.float_info.max` where they mean infinity, and of such numbers no two can be added or subtracted.  What
is stored and what is said of a trial is its loss as it is; what is drawn or compared by differences goes through here.
"""

from __future__ import annotations

import numpy as np

from parzen._typing import FloatArray

__all__ = ["LARGEST", "bounded", "measurable"]

LARGEST = 1e300
"""Size from which losses are alike; far enough from the largest float, 1.8e308, for sums of millions and room on an axis."""


def bounded(x: FloatArray) -> FloatArray:
    """Numbers of which none is beyond `LARGEST` on either side; NaN stays."""
    return np.asarray(np.clip(x, -LARGEST, LARGEST), dtype=np.float64)


def measurable(losses: FloatArray) -> FloatArray:
    """Bounded losses, to be minimised, without those that stand for infinity; all of them where there are no others.

    However many they are, they say nothing of how far the others lie from each other: beside them all others are alike.
    """
    within = losses < LARGEST
    return losses[within] if within.any() else losses
