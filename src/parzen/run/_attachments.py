"""Attachments that an objective returns, as Hyperopt's do: `{"loss": ..., "attachments": {"model": b"..."}}`.

A storage holds bytes and text and never a pickle: reading one could run anything.  The log gets an index only, name -> "bytes" or "str".
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from parzen.errors import InvalidResult, TooLarge
from parzen.log import Stream

__all__ = ["attachment_key", "attachments_keeper"]

_log = logging.getLogger("parzen")

LONGEST = 100
"""Characters of a name: six bytes each at worst, which leaves room within a key."""


def attachment_key(number: int, name: str) -> str:
    """Where a storage has an attachment of a trial."""
    return f"trial/{number}/{name}"


def attachments_keeper(stream: Stream | None) -> Callable[[int, Mapping[Any, Any]], dict[Any, Any]]:
    """Puts the attachments of results into the storage of a study, each before its trial is finished.

    Args:
        stream: of the study; None keeps nothing, so that attachments are only checked.

    Returns:
        A function of a trial's number and the mapping that its objective returned.  It gives what is to be logged: the
        mapping, with the index of what was kept instead of its attachments.  The first attachment of a name that is no
        bytes and no text, or whose name is longer than `LONGEST`, is a warning.  It raises `InvalidResult` for
        attachments that are no mapping from names.
    """
    said: set[str] = set()

    def keep(number: int, result: Mapping[Any, Any]) -> dict[Any, Any]:
        attached = result.get("attachments")
        if not (attached is None or (isinstance(attached, Mapping) and all(isinstance(key, str) for key in attached))):
            raise InvalidResult(f"the objective returned attachments {attached!r:.80}, expected a dict from names")
        logged = {key: value for key, value in result.items() if key != "attachments"}
        if stream is None or not attached:
            return logged
        index, left = {}, {}
        for name, value in attached.items():
            if len(name) <= LONGEST and isinstance(value, (bytes, str)):
                data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else bytes(value)
                try:
                    stream.storage.put(stream.header.uid, attachment_key(number, name), data)
                except TooLarge as error:  # the loss beside it is worth more
                    _log.warning("%s; left out of the result of trial %d", error, number, extra={"trial": number})
                    continue
                index[str(name)] = "str" if isinstance(value, str) else "bytes"
            elif name not in said:
                left[name] = type(value).__name__
        said.update(left)
        if left:
            _say(left)
        return {**logged, "attachments": index} if index else logged

    return keep


def _say(left: Mapping[str, str]) -> None:
    names = ", ".join(f"{name[:LONGEST]!r} ({kind})" for name, kind in left.items())
    text = (
        f"the study's storage keeps attachments that are bytes or text, under names of at most {LONGEST} characters; left "
        f"out of it: {names}; write them as bytes, such as with pickle.dumps"
    )
    try:
        warnings.warn(text, stacklevel=4)
    except UserWarning:  # where warnings are errors: the trial that has just been evaluated is worth more
        _log.warning(text)
