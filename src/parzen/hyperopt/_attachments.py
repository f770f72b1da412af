"""Attachments of trials in a storage, so that a search that goes on from there has them again.

A storage holds bytes and text and never a pickle: reading one could run anything.  Every other object stays on the
`Trials` of this process, as do attachments under a name of more than `LONGEST` characters.
`TrialAttachments` is how a program reaches those of one document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from parzen.hyperopt._states import Document
from parzen.log import Stream

if TYPE_CHECKING:
    from parzen.hyperopt._trials import Trials

__all__ = ["TrialAttachments", "data", "kept", "put"]

LONGEST = 100
"""Characters of a name: six bytes each at worst, which leaves room within a key."""


def put(stream: Stream, number: int, attachments: Mapping[str, Any]) -> dict[str, str]:
    """Keep what can be kept.

    Returns:
        Name -> "bytes" or "str", of what was; it is logged with the trial, and `kept` reads by it.
    """
    index = {}
    for name, value in attachments.items():
        if len(name) <= LONGEST and isinstance(value, (bytes, str)):
            data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else bytes(value)
            stream.storage.put(stream.header.uid, _key(number, name), data)
            index[str(name)] = "str" if isinstance(value, str) else "bytes"
    return index


def kept(stream: Stream, number: int, index: Mapping[str, Any]) -> dict[str, Any]:
    """Name -> attachment, of what `put` kept; what it did not write (another program's own mapping) is as it is."""
    result: dict[str, Any] = {}
    for name, kind in index.items():
        found = data(stream, number, name) if kind in ("bytes", "str") else None
        if found is None:
            result[name] = kind
        else:
            result[name] = found.decode("utf-8", "surrogatepass") if kind == "str" else found
    return result


def data(stream: Stream, number: int, name: str) -> bytes | None:
    """The bytes of an attachment, also of one that only `Evaluation.attach` knows of; None where there is none."""
    return stream.storage.get(stream.header.uid, _key(number, name))


def _key(number: int, name: str) -> str:
    return f"trial/{number}/{name}"  # as `Evaluation.attach` has it


class TrialAttachments:
    """What is attached to one document, under names of its own."""

    def __init__(self, trials: Trials, trial: Document) -> None:
        self._trials, self._trial = trials, trial

    def _key(self, name: str) -> str:
        return self._trials.aname(self._trial, name)

    def __contains__(self, name: str) -> bool:
        return self._key(name) in self._trials.attachments

    def __getitem__(self, name: str) -> Any:
        return self._trials.attachments[self._key(name)]

    def __setitem__(self, name: str, value: Any) -> None:
        self._trials.attachments[self._key(name)] = value

    def __delitem__(self, name: str) -> None:
        del self._trials.attachments[self._key(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())

    def keys(self) -> list[str]:
        """Names of the attachments."""
        prefix = self._key("")
        return [name[len(prefix) :] for name in self._trials.attachments if name.startswith(prefix)]
