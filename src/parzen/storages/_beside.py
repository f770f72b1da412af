"""What is kept beside a journal: where its lines have led to, so that who opens it need not read all of them.

A journal's heads, and the histories of its studies, follow from its lines.  Beside a long one lies a file with both as they
were at some place in it, `study.journal.checkpoint`.  It is never believed over the journal: it says up to which byte it goes
and the CRC-32 of all bytes up to there, which are held against each other first; reading bytes is a hundred times faster
than understanding them.  It may be removed at any time, and is made anew by whoever writes; it is put in its place
whole, so that readers need no lock.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import zlib
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Beside", "StudyState", "read_beside", "write_beside"]

_MAGIC = b"parzen beside journal 1\n"
_ARRAYS = ("heads", "asked", "places", "lasts")


@dataclass(frozen=True, slots=True)
class StudyState:
    """What the lines have said of one study: plain data, and four arrays of whole numbers."""

    facts: Mapping[str, Any]
    arrays: Mapping[str, array[int]]


@dataclass(frozen=True, slots=True)
class Beside:
    """What a journal has led to.

    Attributes:
        end: the byte up to which it was read.
        crc: of all bytes up to there.
        studies: uid -> its state.
        histories: uid -> a packed history.
    """

    end: int
    crc: int
    studies: Mapping[str, StudyState]
    histories: Mapping[str, bytes]


def write_beside(path: str, beside: Beside) -> None:
    """Put a file in its place.

    Raises:
        OSError: it could not be written; what was there is still there.
    """
    parts: list[bytes] = []
    listed: dict[str, Any] = {}
    for uid, study in beside.studies.items():
        listed[uid] = {**study.facts, "lengths": [len(study.arrays[name]) for name in _ARRAYS]}
        parts += [_bytes(study.arrays[name]) for name in _ARRAYS]
    sizes = {uid: len(data) for uid, data in beside.histories.items()}
    parts += beside.histories.values()
    head = json.dumps({"end": beside.end, "crc": beside.crc, "studies": listed, "histories": sizes}).encode("ascii")
    data = b"".join((_MAGIC, head, b"\n", *parts))
    draft = f"{path}.{secrets.token_hex(4)}.tmp"
    try:
        with open(draft, "xb") as file:
            file.write(data)
            file.write(zlib.crc32(data).to_bytes(4, "little"))
        os.replace(draft, path)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(draft)


def read_beside(path: str) -> Beside | None:
    """The file, if there is one and it is whole."""
    try:
        with open(path, "rb") as file:
            data = file.read()
        if not data.startswith(_MAGIC) or zlib.crc32(data[:-4]).to_bytes(4, "little") != data[-4:]:
            return None
        place = data.index(b"\n", len(_MAGIC)) + 1
        head = json.loads(data[len(_MAGIC) : place])
        studies: dict[str, StudyState] = {}
        for uid, facts in head["studies"].items():
            arrays = {}
            for name, length in zip(_ARRAYS, facts.pop("lengths"), strict=True):
                arrays[name] = _array(data[place : place + 8 * length])
                place += 8 * length
            studies[uid] = StudyState(facts, arrays)
        histories = {}
        for uid, size in head["histories"].items():
            histories[uid] = data[place : place + size]
            place += size
        return Beside(int(head["end"]), int(head["crc"]), studies, histories)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _bytes(numbers: array[int]) -> bytes:
    if array("H", b"\1\0")[0] != 1:
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()


def _array(data: bytes) -> array[int]:
    numbers = array("q", data)
    if array("H", b"\1\0")[0] != 1:
        numbers.byteswap()
    return numbers
