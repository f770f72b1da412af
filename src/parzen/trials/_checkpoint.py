"""A history as bytes, from which it can be had again without reading its log.

One line of JSON says what there is, and the columns follow as they lie in memory, little-endian.  Nothing in it decides what
is made of it: names and types of the columns are written here, everything else is JSON that is checked like the log's, and
a checksum covers the whole.  It is a copy for speed and nothing else: who has lost it, or finds anything wrong with it,
reads the log.

Spaces whose distributions are computed from other parameters have no checkpoint: the quantiles of their rows depend on
functions, which may differ from one program to the next.
"""

from __future__ import annotations

import json
import warnings
import zlib
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from parzen.errors import ParzenError
from parzen.trials._codec import (
    _error,
    _float,
    _int,
    _list,
    _map,
    _metrics,
    _number,
    _numbers,
    _str,
    _value,
    event_from_json,
    event_to_json,
    storable,
)
from parzen.trials._events import Noted, Requested
from parzen.trials._reports import Reports
from parzen.trials._trial import Report, State
from parzen.trials._wishes import Note, Wishes, note_event, note_of_event

if TYPE_CHECKING:
    from parzen.trials._history import History

__all__ = ["pack", "unpack"]

_MAGIC = b"parzen history 1\n"
"""The number rises with what is in it, and whenever a distribution's quantiles are computed differently."""
_FLOATS = ("values", "unit")
"""Matrices `(n, d)`."""
_COLUMNS = {
    "seeds": "<i8",
    "asked": "<f8",
    "gain": "<f8",
    "state": "<i1",
    "attempt": "<i4",
    "loss": "<f8",
    "partial": "<f8",
    "variance": "<f8",
    "started": "<f8",
    "finished": "<f8",
    "seconds": "<f8",
}
_T = TypeVar("_T")


def pack(history: History) -> bytes | None:
    """A snapshot of a history as bytes; None where it cannot be kept so."""
    if history.space.dependent:
        return None
    n = len(history)
    sources, source_codes = _coded(history._sources[:n])
    workers, worker_codes = _coded(history._workers[:n])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a file cannot keep was told of when it went into the log
        head = {
            "n": n,
            "d": history.space.d,
            "seq": history.seq,
            "epoch": history.epoch,
            "late": history.late,
            "wishes": {**asdict(history.wishes), "cancelling": sorted(history.wishes.cancelling)},
            "remarks": [event_to_json(note_event(note.text, note.trial, note.at))[1] for note in history.remarks],
            "entries": history._journaled,
            "sources": sources,
            "workers": workers,
            "notes": storable(history.notes),
            "requests": [event_to_json(event)[1] for event in history.requests],
            "memos": _kept(history._memos, n, storable),
            "metrics": _kept(history._metrics, n, _numbers),
            "reports": _kept(history._reports, n, lambda told: [[_number(r.step), _numbers(r.metrics)] for r in told]),
            "extra": _kept(history._extra, n, storable),
            "errors": _kept(
                history._errors, n, lambda e: {"kind": e.kind, "message": e.message, "traceback": e.traceback}
            ),
            "lost": _kept(history._lost, n, int),
        }
    text = json.dumps(head, ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode("ascii")
    parts = [_MAGIC, text, b"\n"]
    parts += [_bytes(getattr(history, f"_{name}")[:n], "<f8") for name in _FLOATS]
    parts += [_bytes(getattr(history, f"_{name}")[:n], kind) for name, kind in _COLUMNS.items()]
    parts += [_bytes(codes, "<i4") for codes in (source_codes, worker_codes)]
    parts.append(_bytes(history._journal.entries(history._journaled), "<i8"))
    data = b"".join(parts)
    return data + zlib.crc32(data).to_bytes(4, "little")


def unpack(data: bytes, history: History, seq: int) -> None:
    """Bring an empty history to where a packed one was.

    Args:
        data: what `pack` gave.
        history: of the same space.
        seq: the last entry that the packed one had taken in.

    Raises:
        ValueError: the bytes are not what `pack` made of a history of this space; the history is as it was.
    """
    try:
        if not data.startswith(_MAGIC) or zlib.crc32(data[:-4]).to_bytes(4, "little") != data[-4:]:
            raise ValueError("another format, or damaged")
        end = data.index(b"\n", len(_MAGIC))
        head = _map(json.loads(data[len(_MAGIC) : end]))
        n, d, entries = _int(head["n"]), _int(head["d"]), _int(head["entries"])
        if d != history.space.d or history.space.dependent:
            raise ValueError("of another space")
        if _int(head["seq"]) != seq:
            raise ValueError("it does not go as far as it should")
        reader = _Reader(memoryview(data)[end + 1 : -4])
        found: dict[str, Any] = {f"_{name}": reader.take("<f8", n * d).reshape(n, d) for name in _FLOATS}
        found |= {f"_{name}": reader.take(kind, n) for name, kind in _COLUMNS.items()}
        for name in ("sources", "workers"):
            names = [None if text is None else _str(text) for text in _list(head[name])]
            found[f"_{name}"] = [names[code] for code in reader.take("<i4", n).tolist()]
        journal = reader.take("<i8", entries)
        reader.end()
        for i in sorted({0, n // 2, n - 1} if n else ()):  # the quantiles of this version are those of that one
            quantiles = history.space.quantiles(found["_values"][i].tolist())
            if not np.array_equal(quantiles, found["_unit"][i], equal_nan=True):
                raise ValueError("its quantiles are computed differently")
        states = np.bincount(found["_state"], minlength=len(State)) if n else np.zeros(len(State), dtype=int)
        if len(states) != len(State):
            raise ValueError("a state that there is not")
        found |= {
            "seq": seq,
            "epoch": _int(head["epoch"]),
            "wishes": _wishes(_map(head["wishes"])),
            "remarks": [_remark(_str(text)) for text in _list(head["remarks"])],
            "_late": _int(head["late"]),
            "_n": n,
            "notes": _map(_value(head["notes"])),
            "requests": [event_from_json("requested", _str(text)) for text in _list(head["requests"])],
            "_counts": states.tolist(),
            "_memos": _known(head["memos"], _value),
            "_metrics": _known(head["metrics"], _metrics),
            "_reports": _known(head["reports"], _reports),
            "_extra": _known(head["extra"], lambda value: _map(_value(value))),
            "_errors": _known(head["errors"], _error),
            "_lost": _known(head["lost"], _int),
        }
        if not all(isinstance(event, Requested) for event in found["requests"]):
            raise ValueError("a request that is none")
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError, ParzenError) as error:
        raise ValueError(f"a checkpoint cannot be used: {error}") from error
    history._restore(found, journal, entries)


class _Reader:
    """Columns, one after the other."""

    def __init__(self, data: memoryview) -> None:
        self._data, self._place = data, 0

    def take(self, kind: str, count: int) -> Any:  # an array of that kind, which nobody else has
        size = count * np.dtype(kind).itemsize
        if self._place + size > len(self._data):
            raise ValueError("cut off")
        column = np.frombuffer(self._data, kind, count, self._place)
        self._place += size
        return column.astype(column.dtype.newbyteorder("="))  # a copy, that may be written to

    def end(self) -> None:
        if self._place != len(self._data):
            raise ValueError("longer than it says")


def _bytes(column: Any, kind: str) -> bytes:
    return np.ascontiguousarray(column, dtype=kind).tobytes()


def _coded(texts: Iterable[str | None]) -> tuple[list[str | None], list[int]]:
    """The different texts, and which of them each is."""
    codes: dict[str | None, int] = {}
    found = [codes.setdefault(text, len(codes)) for text in texts]
    return list(codes), found


def _kept(details: dict[int, _T], n: int, write: Callable[[_T], Any]) -> dict[str, Any]:
    # A snapshot shares what is only ever added to: later trials may be in it already.
    return {str(i): write(value) for i, value in list(details.items()) if i < n}


def _known(value: object, read: Callable[[Any], _T]) -> dict[int, _T]:
    return {int(number): read(what) for number, what in _map(value).items()}


def _wishes(fields: dict[str, Any]) -> Wishes:
    budget, given, paused, stopping = (fields[name] for name in ("budget", "budget_set", "paused", "stopping"))
    if not (budget is None or isinstance(budget, int)) or {type(flag) for flag in (given, paused, stopping)} != {bool}:
        raise TypeError(f"expected what is wanted of a study, found {fields!r:.200}")
    return Wishes(budget, given, paused, stopping, frozenset(map(_int, _list(fields["cancelling"]))))


def _remark(text: str) -> Note:
    event = event_from_json("noted", text)
    note = note_of_event(event) if isinstance(event, Noted) else None
    if note is None:
        raise TypeError(f"expected a note, found {text:.80}")
    return note


def _reports(value: object) -> Reports:
    reports = Reports()
    for step, metrics in _list(value):
        reports = reports.with_one_more(Report(_float(step), _metrics(metrics)))
    return reports
