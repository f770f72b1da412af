"""Headers and events as ASCII JSON, and back.

Text columns and ASCII survive every database and every editor.  JSON has no non-finite numbers, so those are spelled
as the strings "nan", "inf" and "-inf" in the places where a number is expected; a string can never be mistaken for
one, because those places hold nothing but numbers.  Where any JSON may stand (`extra`, `memo`, `value`) they are
marked: `{"$float": "nan"}`; a mapping of the user's own that looks like a mark is marked itself, `{"$dict":
{"$float": …}}`.  Unknown kinds and unknown fields come from a later parzen: kinds are kept as `Unknown`, fields are
ignored.
"""

from __future__ import annotations

import json
import logging
import math
import warnings
import zlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from parzen._typing import JSON
from parzen.errors import CorruptLog, SchemaTooNew
from parzen.trials._events import (
    EVENT_KINDS,
    Asked,
    Event,
    Finished,
    Header,
    Noted,
    Released,
    Reported,
    Requested,
    Retracted,
    Started,
    Unknown,
)
from parzen.trials._trial import Outcome, State, TrialError

__all__ = ["checksum", "event_from_json", "event_to_json", "header_from_json", "header_to_json", "storable"]

_log = logging.getLogger("parzen")

SCHEMA = 1
MEMO_LIMIT = 4096
"""Bytes of JSON that an algorithm may leave in an `Asked`."""
ARRAY_LIMIT = 1 << 20
"""Bytes up to which an array in `extra` is stored as a list."""
DEEPEST = 100
"""How deep the containers in `extra` may be nested."""
WIDEST = 10**640
"""Whole numbers below this are stored.  Python's limit on the digits that it reads can be set, but not below 640, so that
what one process writes every other can read."""

_KIND_OF: Mapping[type[Event], str] = {cls: kind for kind, cls in EVENT_KINDS.items()}
_T = TypeVar("_T")
_MARKS = ("$float", "$dict")
_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def checksum(kind: str, body: str) -> int:
    """CRC-32 of an entry as it is stored."""
    return zlib.crc32(body.encode("ascii"), zlib.crc32(kind.encode("ascii")))


# --- writing ----------------------------------------------------------------------------------------------------


def _number(x: float) -> float | str:
    return x if math.isfinite(x) else ("nan" if x != x else "inf" if x > 0 else "-inf")


def _numbers(metrics: Mapping[str, float]) -> dict[str, float | str]:
    return {name: _number(value) for name, value in metrics.items()}


_plain = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), allow_nan=False)


def _dump(value: object) -> str:
    return _plain.encode(value)


def _dump_fields(body: dict[str, object]) -> str:
    """The same for what holds no containers of anybody else's: JSON knows no such thing as a list within itself."""
    return _dump(body) if _encode is None else "".join(_encode(body, 0))


# `JSONEncoder.encode` makes one of these for each text, which takes longer than to write it; not every Python has it.
_make = getattr(json.encoder, "c_make_encoder", None)
_encode: Callable[[object, int], tuple[str, ...]] | None = (
    None
    if _make is None
    else _make(None, _plain.default, json.encoder.encode_basestring_ascii, None, ":", ",", False, False, False)
)


def storable(value: object, *, marked: bool = True) -> JSON:
    """The part of a user's own value that a file can keep.

    Numpy scalars become numbers, arrays up to 1 MB lists; what JSON cannot say becomes `{"$dropped": "module.type"}`
    with a warning that names it, whatever happens while it is looked at.

    Args:
        value: anything.
        marked: write non-finite floats as `{"$float": "nan"}`, which is read back as the float; else as plain "nan", for
            JSON that other programs read.
    """
    dropped: list[str] = []
    result = _storable(value, dropped, marked, frozenset())
    if dropped:
        text = (
            f"the study's file keeps numbers, text, lists and mappings; left out of it: {', '.join(sorted(set(dropped)))} "
            "(the value stays on the trial in this process)"
        )
        try:
            # From here, whoever stores it: Python shows a warning once for each place that it comes from.
            warnings.warn(text, stacklevel=1)
        except UserWarning:  # where warnings are errors: the trial that is being stored is worth more
            _log.warning(text)
    return result


def _storable(value: object, dropped: list[str], marked: bool, around: frozenset[int]) -> JSON:
    """`around` are the ids of the containers that the value is in: what contains itself, or is too deep, is dropped."""
    try:
        if value is None or isinstance(value, bool):
            return value
        # By the plain types' own methods: those of a subclass may do anything (an enum's `str` is not its text).
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, int):
            if -WIDEST < (whole := int.__int__(value)) < WIDEST:
                return whole
        elif isinstance(value, float):
            number = _number(float.__float__(value))
            return {"$float": number} if marked and isinstance(number, str) else number
        elif id(value) not in around and len(around) < DEEPEST:
            inside = around | {id(value)}
            if isinstance(value, np.generic):
                return _storable(value.item(), dropped, marked, inside)
            if isinstance(value, np.ndarray) and value.dtype != object and value.nbytes <= ARRAY_LIMIT:
                return _storable(value.tolist(), dropped, marked, inside)
            if isinstance(value, Mapping):
                return _mapping(value, dropped, marked, inside)
            if isinstance(value, (list, tuple)):
                return [_storable(item, dropped, marked, inside) for item in value]
    except Exception:  # an object of the user's may do anything; the trial is worth more than its remark
        _log.debug("a value could not be read to be stored", exc_info=True)
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    dropped.append(name)
    return {"$dropped": name}


def _mapping(value: Mapping[Any, Any], dropped: list[str], marked: bool, inside: frozenset[int]) -> JSON:
    result: dict[str, JSON] = {}
    for key, item in value.items():
        try:
            name = str.__str__(key if isinstance(key, str) else str(key))
        except Exception:  # without a name there is no place for the item; the others have theirs
            dropped.append(f"{type(key).__module__}.{type(key).__qualname__}")
            continue
        result[name] = _storable(item, dropped, marked, inside)
    return {"$dict": result} if marked and len(result) == 1 and not result.keys().isdisjoint(_MARKS) else result


def event_to_json(event: Event) -> tuple[str, str]:
    """The kind and the JSON body of an event.

    Raises:
        ValueError: a memo is larger than 4 kB.
    """
    if isinstance(event, Unknown):
        return event.kind, event.body
    body: dict[str, object]
    if isinstance(event, Asked):
        body = {
            "number": event.number,
            "values": [_number(v) for v in event.values],
            "source": event.source,
            "seed": event.seed,
            "saw": event.saw,
            "at": event.at,
        }
        if event.gain is not None:
            body["gain"] = _number(event.gain)
        if event.memo is not None:
            body["memo"] = memo = storable(event.memo)
            if len(_dump(memo)) > MEMO_LIMIT:
                raise ValueError(f"an algorithm's memo is at most {MEMO_LIMIT} bytes of JSON, this one is longer")
        if event.space:
            body["space"] = event.space
    elif isinstance(event, Finished):
        outcome = event.outcome
        body = {"number": event.number, "attempt": event.attempt, "state": outcome.state.name, "at": event.at}
        if outcome.metrics:
            body["metrics"] = _numbers(outcome.metrics)
        if outcome.variance is not None:
            body["variance"] = _number(outcome.variance)
        if outcome.constraints:
            body["constraints"] = [_number(c) for c in outcome.constraints]
        if outcome.extra:
            body["extra"] = storable(outcome.extra)
        if outcome.error is not None:
            body["error"] = {
                "kind": outcome.error.kind,
                "message": outcome.error.message,
                "traceback": outcome.error.traceback,
            }
        if outcome.seconds is not None:
            body["seconds"] = outcome.seconds
    elif isinstance(event, Reported):
        body = {
            "number": event.number,
            "attempt": event.attempt,
            "step": _number(event.step),
            "metrics": _numbers(event.metrics),
            "at": event.at,
        }
    else:
        body = {name: getattr(event, name) for name in event.__dataclass_fields__}
        if isinstance(event, (Noted, Requested)):
            body["value"] = storable(event.value)
    return _KIND_OF[type(event)], _dump_fields(body)


def header_to_json(header: Header) -> str:
    """A header as one line of JSON."""
    return _dump(
        {
            "schema": header.schema,
            "uid": header.uid,
            "name": header.name,
            "created": header.created,
            "seed": header.seed,
            "metrics": dict(header.metrics),
            "objectives": list(header.objectives),
            "noisy": header.noisy,
            "space": header.space,
        }
    )


# --- reading: everything is checked, because a file may hold anything ----------------------------------------------


def _float(value: object) -> float:
    if type(value) is float:
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and value in _FLOATS:
        return _FLOATS[value]
    raise TypeError(f"expected a number, found {value!r:.60}")


def _int(value: object) -> int:
    if type(value) is int and value >= 0:
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise TypeError(f"expected a count, found {value!r:.60}")


def _seed(value: object) -> int:
    if (seed := _int(value)) < 1 << 63:
        return seed
    raise ValueError(f"a trial's seed has 63 bits, found {value!r:.60}")


def _str(value: object) -> str:
    if isinstance(value, str):
        return value
    raise TypeError(f"expected text, found {value!r:.60}")


def _map(value: object) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise TypeError(f"expected an object, found {value!r:.60}")


def _list(value: object) -> list[Any]:
    if isinstance(value, list):
        return value
    raise TypeError(f"expected a list, found {value!r:.60}")


def _value(value: object) -> Any:
    """What `storable` wrote, with its marks undone."""
    if isinstance(value, list):
        return [_value(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((tag, inner),) = value.items()
        if tag == "$float":
            return _FLOATS[inner]
        if tag == "$dict":
            value = _map(inner)
    return {name: _value(item) for name, item in value.items()}


def _maybe(read: Callable[[object], _T], value: object) -> _T | None:
    return None if value is None else read(value)


def _metrics(value: object) -> dict[str, float]:
    return {name: _float(x) for name, x in _map(value).items()}


def _error(value: object) -> TrialError:
    fields = _map(value)
    return TrialError(_str(fields["kind"]), _str(fields["message"]), _str(fields.get("traceback", "")))


def _outcome(body: dict[str, Any]) -> Outcome:
    # Nearly all have a loss and nothing else.
    return Outcome(
        State[_str(body["state"])],
        _metrics(body["metrics"]) if "metrics" in body else {},
        _maybe(_float, body.get("variance")),
        tuple([_float(c) for c in _list(body["constraints"])]) if "constraints" in body else (),
        _map(_value(body["extra"])) if "extra" in body else {},
        _maybe(_error, body.get("error")),
        _maybe(_float, body.get("seconds")),
    )


_ONLY_FLOATS = {float}


def _asked(body: dict[str, Any]) -> Asked:
    values = _list(body["values"])
    if not _ONLY_FLOATS.issuperset(map(type, values)):  # nearly always they are
        values = [_float(v) for v in values]
    return Asked(
        _int(body["number"]),
        tuple(values),
        _str(body["source"]),
        _seed(body["seed"]),
        _int(body["saw"]),
        _float(body["at"]),
        _maybe(_float, body.get("gain")),
        _value(body["memo"]) if "memo" in body else None,
        _int(body["space"]) if "space" in body else 0,
    )


_READERS: Mapping[str, Callable[[dict[str, Any]], Event]] = {
    "asked": _asked,
    "started": lambda b: Started(_int(b["number"]), _int(b["attempt"]), _str(b["worker"]), _float(b["at"])),
    "reported": lambda b: Reported(
        _int(b["number"]), _int(b["attempt"]), _float(b["step"]), _metrics(b["metrics"]), _float(b["at"])
    ),
    "finished": lambda b: Finished(_int(b["number"]), _int(b["attempt"]), _outcome(b), _float(b["at"])),
    "released": lambda b: Released(_int(b["number"]), _int(b["attempt"]), _str(b["reason"]), _float(b["at"])),
    "requested": lambda b: Requested(
        _str(b["action"]), _maybe(_int, b.get("target")), _value(b.get("value")), _float(b["at"])
    ),
    "retracted": lambda b: Retracted(_int(b["number"]), _str(b["reason"]), _float(b["at"])),
    "noted": lambda b: Noted(_str(b["key"]), _value(b.get("value")), _float(b["at"])),
}


def event_from_json(kind: str, body: str) -> Event:
    """The event that `event_to_json` wrote; `Unknown` for a kind of a later vocabulary.

    Raises:
        CorruptLog: the body is not what its kind says.
    """
    read = _READERS.get(kind)
    if read is None:
        return Unknown(kind, body)
    try:
        return read(_map(json.loads(body)))
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        raise CorruptLog(f"an entry of kind {kind!r} in the log cannot be read: {error}") from error


def header_from_json(text: str) -> Header:
    """The header that `header_to_json` wrote.

    Raises:
        CorruptLog: it is damaged.
        SchemaTooNew: it was written by a later parzen.
    """
    try:
        body = _map(json.loads(text))
        schema = _int(body["schema"])
        if schema > SCHEMA:
            raise SchemaTooNew(
                f"this study was written with schema {schema}, this parzen reads up to {SCHEMA}: upgrade parzen",
                schema=schema,
            )
        metrics = {name: _str(direction) for name, direction in _map(body["metrics"]).items()}
        if any(direction not in ("minimize", "maximize") for direction in metrics.values()):
            raise ValueError(f"a direction is 'minimize' or 'maximize', not one of {sorted(metrics.values())}")
        if not _list(body["objectives"]):
            raise ValueError("a study has at least one objective")
        return Header(
            uid=_str(body["uid"]),
            name=_str(body["name"]),
            created=_float(body["created"]),
            seed=_int(body["seed"]),
            metrics=metrics,  # type: ignore[arg-type]  # checked two lines above
            objectives=tuple(_str(name) for name in _list(body["objectives"])),
            space=body["space"],
            noisy=bool(body.get("noisy", False)),
            schema=schema,
        )
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        if isinstance(error, SchemaTooNew):
            raise
        raise CorruptLog(f"the header of a study cannot be read: {error}") from error
