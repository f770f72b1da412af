"""From the rows of a database to what they mean, with every doubt looked into.

Nothing stored is trusted: a file may have been edited, or a bit of it turned.  Headers, entries and bytes have a CRC,
places in the log follow one another, and numbers are numbers; what does not fit is a `CorruptLog` that says where.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any

from parzen.errors import CorruptLog, SchemaTooNew
from parzen.log import Beat
from parzen.storages._file import RESTORE, SCHEMA
from parzen.storages._heads import Head
from parzen.trials import Entry, Header, State, checksum, event_from_json, header_from_json

__all__ = [
    "asked_of",
    "beats_of",
    "bytes_of",
    "check_schema",
    "checked_worker",
    "entries_of",
    "head_of",
    "header_of",
    "keys_of",
    "position_of",
]

_STATES = frozenset(int(state) for state in State)
Row = Sequence[Any]
"""What a driver gives: anything may be in it."""


def check_schema(row: Row | None, where: str) -> int:
    """The version of the tables; raises unless it is one that we can read."""
    version = str(row[0]) if row else ""
    if not (version.isascii() and version.isdecimal() and len(version) < 10):
        raise CorruptLog(f"{where} does not say which version its tables have; {RESTORE}")
    if int(version) > SCHEMA:
        raise SchemaTooNew(
            f"{where} was written by a later parzen (tables of version {version}, this one knows {SCHEMA}): "
            "upgrade parzen",
            schema=int(version),
        )
    return int(version)


def header_of(row: Row, where: str) -> Header:
    """The header of (uid, name, header, crc)."""
    uid, name, text, crc = row
    try:
        if checksum("header", text) != crc:
            raise ValueError("its checksum does not fit")
        header = header_from_json(text)
        if header.uid != uid or json.dumps(header.name) != name:
            raise ValueError("its name is not the one it is stored under")
    except (ValueError, AttributeError, TypeError) as error:  # text that is not ASCII, or no text at all
        raise CorruptLog(f"the header of a study in {where} is damaged ({error}); {RESTORE}") from error
    return header


def position_of(row: Row, uid: str, where: str) -> tuple[int, int, int]:
    """A study's (id, head, next_number)."""
    if not all(isinstance(number, int) and number >= 0 for number in row):
        raise CorruptLog(f"the row of the study {uid!r} in {where} is damaged ({row!r}); {RESTORE}")
    return row[0], row[1], row[2]


def head_of(row: Row | None, number: int, where: str) -> Head:
    """The (attempt, state) of a trial that the study has."""
    if row is None or not isinstance(row[0], int) or row[1] not in _STATES:
        raise CorruptLog(f"the row of trial {number} in {where} is damaged ({row!r}); {RESTORE}", number=number)
    return row[0], row[1]


def asked_of(row: Row | None, number: int, where: str) -> tuple[int, int, int]:
    """The (attempt, state, place of its Asked) of a trial that the study has."""
    attempt, state = head_of(row and row[:2], number, where)
    place = row[2] if row is not None else None
    if not isinstance(place, int):
        raise CorruptLog(f"the row of trial {number} in {where} is damaged ({row!r}); {RESTORE}", number=number)
    return attempt, state, place


def checked_worker(worker: str) -> str:
    """A worker's name as it is stored."""
    name = json.dumps(worker)
    if len(name) > 255:
        raise ValueError(f"a worker's name has at most 200 characters, got {worker!r:.300}")
    return name


def beats_of(rows: Sequence[Row], where: str) -> dict[str, Beat]:
    """The beats of rows of (worker, beats, lease)."""
    beats = {}
    for name, count, lease in rows:
        try:
            beats[str(json.loads(name))] = Beat(int(count), float(lease))
        except (ValueError, TypeError) as error:
            raise CorruptLog(f"a worker's beat in {where} is damaged ({name!r:.80}); {RESTORE}") from error
    return beats


def entries_of(rows: Sequence[Row], after: int, where: str) -> list[Entry]:
    """The entries of rows of (seq, kind, body, crc) that follow place `after`, up to the first gap."""
    entries: list[Entry] = []
    for place, (seq, kind, body, crc) in enumerate(rows, after + 1):
        if seq != place:
            break
        try:
            if checksum(kind, body) != crc:
                raise ValueError("its checksum does not fit")
            entries.append(Entry(seq, event_from_json(kind, body)))
        except (ValueError, AttributeError, TypeError) as error:
            raise CorruptLog(f"entry {place} in {where} is damaged ({error}); {RESTORE}", seq=place) from error
    return entries


def bytes_of(row: Row, key: str, where: str) -> bytes:
    """The bytes of (crc, data)."""
    crc, data = row
    if not isinstance(data, (bytes, bytearray, memoryview)) or zlib.crc32(data) != crc:
        raise CorruptLog(f"what is kept under {key!r} in {where} is damaged (its checksum does not fit)", key=key)
    return bytes(data)


def keys_of(rows: Sequence[Row], where: str) -> list[str]:
    """The keys of rows of (key,), sorted."""
    keys = []
    for (text,) in rows:
        try:
            key = json.loads(text)
            if not isinstance(key, str):
                raise ValueError(f"{text!r} is not the JSON of a text")
        except (ValueError, TypeError) as error:
            raise CorruptLog(f"a key of bytes beside a study in {where} is damaged ({error}); {RESTORE}") from error
        keys.append(key)
    return sorted(keys)
