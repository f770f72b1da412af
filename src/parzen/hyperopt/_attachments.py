"""Attachments of trials in a storage, so that a search that goes on from there has them again.

`parzen.run.attachments_keeper` puts there what it can.  Every other object stays on the `Trials` of this process.
`TrialAttachments` is how a program reaches those of one document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from parzen.hyperopt._states import Document
from parzen.log import Stream
from parzen.run import attachment_key

if TYPE_CHECKING:
    from parzen.hyperopt._trials import Trials

__all__ = ["TrialAttachments", "data", "kept", "names"]

_KEY = re.compile(attachment_key(0, "").replace("0", r"(\d+)") + "(.*)", re.DOTALL)


def kept(stream: Stream, number: int, index: Mapping[str, Any]) -> dict[str, Any]:
    """Name -> attachment, of what `attachments_keeper` kept; what it did not write (another program's own mapping) is as it is."""
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
    return stream.storage.get(stream.header.uid, attachment_key(number, name))


def names(stream: Stream) -> list[tuple[int, str]]:
    """Number and name of every attachment that the storage has."""
    found = (_KEY.fullmatch(key) for key in stream.storage.keys(stream.header.uid))
    return [(int(one[1]), one[2]) for one in found if one is not None]


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
