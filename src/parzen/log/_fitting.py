"""Results that are too large for a storage: a loss that was paid for is worth more than what came along with it."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Sequence
from dataclasses import replace

from parzen.errors import TooLarge
from parzen.trials import Event, Finished, event_to_json, storable

__all__ = ["LEFT_OUT", "fitting"]

_log = logging.getLogger("parzen")

LEFT_OUT = "left out"
"""Key in `extra` of the sentence that says what is not there."""
_NAMED = 10
"""How many of those are named."""


def fitting(events: Sequence[Event], error: TooLarge) -> list[Event]:
    """A batch that was too large, with less beside one of its losses: as many of the largest values in `extra` as it takes.

    What is left out is named in a warning, and in `extra` itself for those who look later.

    Raises:
        TooLarge: the same error, where there is nothing to leave out.
    """
    large = [
        (len(event_to_json(event)[1]), place, event)
        for place, event in enumerate(events)
        if isinstance(event, Finished) and not event.outcome.extra.keys() <= {LEFT_OUT}
    ]
    if not large:
        raise error
    size, place, event = max(large, key=lambda found: found[0])
    extra = dict(event.outcome.extra)
    sizes = {key: len(json.dumps(storable(value))) for key, value in extra.items() if key != LEFT_OUT}
    # The storage counts what it sends, which may be twice as long.
    surplus = math.inf if error.size is None or error.limit is None else size * (1 - error.limit / error.size)
    gone = []
    for key in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if surplus <= 0:
            break
        del extra[key]
        gone.append(f"{key[:60]} ({sizes[key] / 1e6:.3g} MB)")
        surplus -= sizes[key]
    named = ", ".join(gone[:_NAMED]) + (f" and {len(gone) - _NAMED} more" if len(gone) > _NAMED else "")
    before = event.outcome.extra.get(LEFT_OUT)
    extra[LEFT_OUT] = f"{'' if before is None else f'{before}; '}{named}: too large for the storage"
    _log.warning("%s; left out, so that its loss is kept: %s", error, named, extra={"trial": event.number})
    fewer = list(events)
    fewer[place] = replace(event, outcome=replace(event.outcome, extra=extra))
    return fewer
