"""Hyperopt's way to stop early: a function of the trials, called after each of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from parzen.hyperopt.base import Document, Trials

__all__ = ["no_progress_loss"]


def no_progress_loss(
    iteration_stop_count: int = 20, percent_increase: float = 0.0
) -> Callable[..., tuple[bool, list[Any]]]:
    """Stop after so many trials in a row that have not improved on the best loss; failed ones count.

    Args:
        iteration_stop_count: how many.
        percent_increase: an improvement by less than this share of the best loss counts as none.
    """

    def stop(
        trials: Trials, best_loss: float | None = None, iteration_no_progress: int = 0, looked_at: int | None = None
    ) -> tuple[bool, list[Any]]:
        docs = trials.trials
        if best_loss is None:
            # A search may go on from many documents: what they did without progress is no reason to end this one.
            return False, [min(map(_loss, docs), default=math.inf), iteration_no_progress + 1, len(docs)]
        # Called after each batch, and a batch may be of several; called by hand in Hyperopt's way, the last is new.
        for doc in docs[-1:] if looked_at is None else docs[looked_at:]:
            new_loss = _loss(doc)
            needed = abs(best_loss * (percent_increase / 100.0)) if math.isfinite(best_loss) else 0.0
            if new_loss < best_loss - needed:
                best_loss, iteration_no_progress = new_loss, 0
            else:
                iteration_no_progress += 1
            if iteration_no_progress >= iteration_stop_count:
                return True, [best_loss, iteration_no_progress, len(docs)]
        return iteration_no_progress >= iteration_stop_count, [best_loss, iteration_no_progress, len(docs)]

    return stop


def _loss(doc: Document) -> float:
    loss = doc["result"].get("loss")
    return math.inf if loss is None or math.isnan(float(loss)) else float(loss)
