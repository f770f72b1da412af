"""Events and headers as text: nothing is lost, damage is recognised, a later vocabulary is kept."""

from __future__ import annotations

import contextlib
import datetime
import json
import math
import random
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum

import numpy as np
import pytest
from hypothesis import given, settings

from parzen.errors import CorruptLog, SchemaTooNew
from parzen.trials import (
    EVENT_KINDS,
    Asked,
    Finished,
    Header,
    Noted,
    Outcome,
    Requested,
    State,
    Unknown,
    checksum,
    event_from_json,
    event_to_json,
    header_from_json,
    header_to_json,
    storable,
)
from tests.strategies import events, headers


class Colour(str, Enum):
    """Text, whose `str` is not its text."""

    RED = "red"


class Broken(dict):
    """Raises whatever it is asked."""

    def __str__(self):
        raise RuntimeError("no text")

    def items(self):
        raise RuntimeError("no items")

    __hash__ = object.__hash__


def equal(a: object, b: object) -> bool:
    """Equality in which NaN equals itself and types count."""
    if is_dataclass(a) and type(a) is type(b):
        return all(equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)) and type(a) is type(b):
        return len(a) == len(b) and all(map(equal, a, b))  # type: ignore[arg-type]  # b is of the same type
    return type(a) is type(b) and (a == b or (a != a and b != b))


# --- round trips ------------------------------------------------------------------------------------------------


@given(events)
@settings(max_examples=300)
def test_an_event_comes_back_as_it_was(event):
    """Every kind, any text, non-finite numbers, any JSON; in ASCII, by strict JSON."""
    kind, body = event_to_json(event)

    assert EVENT_KINDS[kind] is type(event)
    assert equal(event_from_json(kind, body), event)
    assert body.isascii()
    json.loads(body, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


@given(headers)
@settings(max_examples=100)
def test_a_header_comes_back_as_it_was(header):
    """The seed may have 128 bits, the name any text."""
    text = header_to_json(header)

    assert equal(header_from_json(text), header)
    assert text.isascii()
    assert "\n" not in text


def test_an_event_of_a_later_vocabulary_is_kept_as_it_is():
    """Kind and body, and it is written back unchanged."""
    event = event_from_json("dreamt", '{"of": "sheep"}')

    assert event == Unknown("dreamt", '{"of": "sheep"}')
    assert event_to_json(event) == ("dreamt", '{"of": "sheep"}')


def test_fields_of_a_later_vocabulary_are_ignored():
    """A newer writer may say more about an event that this one knows."""
    kind, body = event_to_json(Noted("k", 1, 2.0))
    richer = json.dumps({**json.loads(body), "mood": "good"})

    assert event_from_json(kind, richer) == Noted("k", 1, 2.0)


def test_the_names_in_the_log_are_what_they_have_always_been():
    """They are stored: never rename, never renumber."""
    assert list(EVENT_KINDS) == "asked started reported finished released requested retracted noted".split()
    assert {state.name: int(state) for state in State} == {
        "WAITING": 0,
        "RUNNING": 1,
        "OK": 2,
        "FAILED": 3,
        "PRUNED": 4,
        "ERROR": 5,
        "CANCELLED": 6,
    }


def test_the_text_of_an_event_is_what_it_has_always_been():
    """One of each of the two that carry numbers and outcomes, letter for letter."""
    asked = Asked(3, (0.1, math.nan, -math.inf), "tpe", 7, 2, 1.5, gain=math.inf, memo={"a": [1]})
    finished = Finished(3, 1, Outcome(State.OK, {"loss": 0.5}, extra={"é": None}, seconds=0.25), 2.5)

    assert event_to_json(asked) == (
        "asked",
        '{"number":3,"values":[0.1,"nan","-inf"],"source":"tpe","seed":7,"saw":2,"at":1.5,"gain":"inf","memo":{"a":[1]}}',
    )
    assert event_to_json(finished) == (
        "finished",
        '{"number":3,"attempt":1,"state":"OK","at":2.5,"metrics":{"loss":0.5},"extra":{"\\u00e9":null},"seconds":0.25}',
    )


def test_a_memo_is_at_most_four_kilobytes():
    """Longer ones are refused when they are written."""
    event_to_json(Asked(0, (), "x", 0, 0, 0.0, memo="m" * 4094))
    with pytest.raises(ValueError, match="memo is at most 4096 bytes"):
        event_to_json(Asked(0, (), "x", 0, 0, 0.0, memo="m" * 4095))


# --- damage -----------------------------------------------------------------------------------------------------


def damaged(text: str, rng: random.Random) -> str:
    """Some characters replaced, dropped or doubled, or a part replaced by another bit of JSON."""
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        i = rng.randrange(len(text) + 1)
        j = min(len(text), i + rng.choice([0, 1, 1, 3]))
        bits = [
            "",
            "9",
            "-",
            "e9",
            '"',
            "{",
            "]",
            "null",
            "NaN",
            "1e999",
            "[" * 3,
            "\\ud800",
            "\x00",
            "é",
            text[i:j] * 2,
            "true,",
            '"nan"',
        ]
        text = text[:i] + rng.choice(bits) + text[j:]
    return text


def samples() -> list[tuple[str, str]]:
    """One event of each kind, and an outcome that has everything."""
    return [
        (
            "asked",
            '{"number":3,"values":[0.5,"nan"],"source":"tpe","seed":7,"saw":2,"at":1.5,"gain":0.25,"memo":{"a":[1]},"space":1}',
        ),
        ("started", '{"number":3,"attempt":1,"worker":"w","at":1.5}'),
        ("reported", '{"number":3,"attempt":1,"step":2.0,"metrics":{"loss":"inf"},"at":1.5}'),
        (
            "finished",
            '{"number":3,"attempt":1,"state":"ERROR","at":2.5,"metrics":{"loss":0.5},"variance":0.25,"constraints":[1.0,"-inf"],'
            '"extra":{"k":[null]},"error":{"kind":"ValueError","message":"m","traceback":"t"},"seconds":0.25}',
        ),
        ("released", '{"number":3,"attempt":1,"reason":"r","at":1.5}'),
        ("requested", '{"action":"budget","target":3,"value":[1],"at":1.5}'),
        ("retracted", '{"number":3,"reason":"r","at":1.5}'),
        ("noted", '{"key":"k","value":{"a":1},"at":1.5}'),
    ]


@pytest.mark.parametrize(("kind", "body"), samples(), ids=[kind for kind, _ in samples()])
def test_a_damaged_event_is_read_or_is_a_corrupt_log(kind, body):
    """Two thousand kinds of damage: an event of that kind or `CorruptLog`, never another exception."""
    rng = random.Random(kind)
    refused = 0
    for _ in range(2_000):
        text = damaged(body, rng)
        try:
            event = event_from_json(kind, text)
            assert type(event) is EVENT_KINDS[kind]
        except CorruptLog:
            refused += 1

    assert refused > 500


WRONG = [
    "", "null", "3", "[]", "{}", '"x"', "{", "[" * 100_000, '{"number":-1}', '{"number":true}', '{"number":1.0}', '{"number":"1"}',
]  # fmt: skip


@pytest.mark.parametrize("body", WRONG, ids=lambda body: body[:12])
@pytest.mark.parametrize("kind", EVENT_KINDS)
def test_a_body_that_is_no_event_is_a_corrupt_log(kind, body):
    """Empty, of another shape, nested without end, a count that is none."""
    with pytest.raises(CorruptLog, match=f"'{kind}'"):
        event_from_json(kind, body)


FIELDS = [
    ("asked", "values", {}), ("asked", "values", ["x"]), ("asked", "values", [True]), ("asked", "seed", 2**63), ("asked", "seed", -1),
    ("asked", "source", 3), ("asked", "at", None), ("finished", "state", "WAITING"), ("finished", "state", "RUNNING"),
    ("finished", "state", "DONE"), ("finished", "state", 2), ("finished", "seconds", -1.0), ("finished", "seconds", "nan"),
    ("finished", "metrics", []), ("finished", "metrics", {"loss": "low"}), ("finished", "metrics", {"loss": 10**400}),
    ("finished", "error", "ValueError"), ("finished", "constraints", {}), ("reported", "step", "first"), ("started", "worker", None),
    ("started", "attempt", -1), ("requested", "target", 1.5), ("noted", "key", None),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "name", "value"), FIELDS, ids=str)
def test_a_field_that_cannot_be_is_a_corrupt_log(kind, name, value):
    """One field of a good event replaced."""
    body = json.loads(dict(samples())[kind])
    with pytest.raises(CorruptLog):
        event_from_json(kind, json.dumps({**body, name: value}))


HEADER = Header("uid", "name", 1.0, 2, {"loss": "minimize"}, ("loss",), [["dict", [], []]])


def test_a_damaged_header_is_a_corrupt_log():
    """Or still a header; never another exception."""
    rng = random.Random(0)
    for _ in range(2_000):
        with contextlib.suppress(CorruptLog, SchemaTooNew):
            assert isinstance(header_from_json(damaged(header_to_json(HEADER), rng)), Header)


@pytest.mark.parametrize(
    "change",
    [
        {"objectives": []},
        {"objectives": "loss"},
        {"metrics": {"loss": "up"}},
        {"seed": -1},
        {"name": None},
        {"uid": 3},
        {"schema": "1"},
    ],
    ids=str,
)
def test_a_header_that_makes_no_sense_is_a_corrupt_log(change):
    """One field of a good header replaced."""
    with pytest.raises(CorruptLog, match="header of a study"):
        header_from_json(json.dumps({**json.loads(header_to_json(HEADER)), **change}))


def test_a_header_of_a_later_schema_says_to_upgrade():
    """Before anything else of it is read."""
    with pytest.raises(SchemaTooNew, match="upgrade parzen") as caught:
        header_from_json(json.dumps({"schema": 2, "everything": "else"}))

    assert caught.value.schema == 2


def test_a_checksum_sees_each_change():
    """Of the kind too; entries that are swapped or cut do not fit."""
    kind, body = samples()[0]
    sums = {
        checksum(kind, body),
        checksum("noted", body),
        checksum(kind, body[:-1]),
        checksum(kind, body.replace("3", "4", 1)),
    }

    assert len(sums) == 4
    assert checksum("noted", "{}") == 307026487


# --- what a file can keep ---------------------------------------------------------------------------------------

KEPT = [
    (None, None), (True, True), (3, 3), (10**30, 10**30), (0.5, 0.5), ("é\ud800", "é\ud800"), (math.nan, {"$float": "nan"}), (-math.inf, {"$float": "-inf"}),
    (np.int64(3), 3), (np.float32(0.5), 0.5), (np.bool_(True), True), (np.str_("x"), "x"), (State.OK, 2), (np.float64("inf"), {"$float": "inf"}),
    (np.arange(3), [0, 1, 2]), (np.array(2.5), 2.5), (np.array([[1.0, np.nan]]), [[1.0, {"$float": "nan"}]]), ((1, [2, (3,)]), [1, [2, [3]]]),
    ({"a": {1: (2,)}}, {"a": {"1": [2]}}), ({}, {}), ([], []),
    ({"$float": "nan"}, {"$dict": {"$float": "nan"}}), ({"$float": 1, "b": 2}, {"$float": 1, "b": 2}), (Colour.RED, "red"), ({Colour.RED: 1}, {"red": 1}),
    (10**639, 10**639),
]  # fmt: skip


@pytest.mark.parametrize(("value", "kept"), KEPT, ids=lambda value: f"{value!r:.30}")
def test_what_json_can_say_is_kept(value, kept):
    """Numpy's scalars as numbers, small arrays as lists, non-finite numbers marked; no warning."""
    result = storable(value)

    assert result == kept
    assert type(result) is type(kept)
    json.dumps(result, allow_nan=False)


DROPPED = [
    (object(), "builtins.object"), (1j, "builtins.complex"), (np.complex128(1j), "builtins.complex"), (b"x", "builtins.bytes"),
    ({1, 2}, "builtins.set"), (len, "builtins.builtin_function_or_method"), (Decimal(1), "decimal.Decimal"),
    (np.zeros(200_000), "numpy.ndarray"), (np.array([object()]), "numpy.ndarray"), (datetime.date(2020, 1, 1), "datetime.date"),
    (np.datetime64("2020-01-01"), "datetime.date"), (np.longdouble(1), "numpy.longdouble"),
    (10**640, "builtins.int"), (-(10**5000), "builtins.int"), (Broken(), f"{__name__}.Broken"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "name"), DROPPED, ids=[name for _, name in DROPPED])
def test_what_json_cannot_say_is_dropped_with_a_word(value, name):
    """Only that part; the rest stays, and the warning names the type."""
    with pytest.warns(UserWarning, match=f"left out of it: {name.replace('.', '[.]')} "):
        result = storable({"good": 1, "bad": [value]})

    assert result == {"good": 1, "bad": [{"$dropped": name}]}


@pytest.mark.parametrize("width", [1, 2])
def test_a_value_that_contains_itself_ends(width):
    """Cut where it begins again, also where it does so in two places."""
    data: list[object] = [1]
    data += [data] * width
    with pytest.warns(UserWarning, match=r"builtins\.list"):
        result = storable(data)

    json.dumps(result)
    assert result[0] == 1


MARKED = [
    math.nan, math.inf, {"auc": math.nan, "curve": [0.5, -math.inf, [math.nan]]}, "nan", ["inf", {"a": "-inf"}], {"$float": "nan"},
    {"$float": math.nan}, {"$dict": {"$float": "inf"}}, {"$dict": [1]}, {"$float": 1, "$dict": 2}, {"$dropped": "x.y"}, {"$object": math.inf},
]  # fmt: skip


@pytest.mark.parametrize("value", MARKED, ids=repr)
def test_a_float_that_is_not_finite_comes_back_as_one(value):
    """In `extra`, a memo, a note and a request; text that reads the same stays text."""
    written = [
        Finished(3, 1, Outcome(State.OK, {"loss": 0.5}, extra={"a": value}), 2.5),
        Asked(0, (), "x", 0, 0, 0.0, memo=value),
        Noted("k", value, 1.0),
        Requested("note", None, value, 1.0),
    ]
    if isinstance(value, dict):
        written.append(Finished(3, 1, Outcome(State.OK, {"loss": 0.5}, extra=value), 2.5))

    assert all(equal(event_from_json(*event_to_json(event)), event) for event in written)


def test_json_for_other_programs_has_no_marks():
    """Non-finite floats are plain strings then, and mappings as they are."""
    assert storable({"a": [math.nan, -math.inf], "b": {"$float": 1}}, marked=False) == {
        "a": ["nan", "-inf"],
        "b": {"$float": 1},
    }


@pytest.mark.parametrize(
    "mark", [{"$float": 1}, {"$float": "3"}, {"$float": []}, {"$float": None}, {"$dict": 1}], ids=str
)
@pytest.mark.parametrize("kind", ["asked", "finished", "noted", "requested"])
def test_a_mark_that_cannot_be_is_a_corrupt_log(kind, mark):
    """No float has that name, no mapping is a number."""
    field = {"asked": "memo", "finished": "extra"}.get(kind, "value")
    body = json.loads(dict(samples())[kind])
    with pytest.raises(CorruptLog):
        event_from_json(kind, json.dumps({**body, field: {"deep": [mark]}}))


def test_a_value_that_is_nested_too_deep_to_read_is_a_corrupt_log():
    """Where JSON itself can still be read."""
    for depth in range(100, 1200, 100):
        text = '{"key":"k","value":' + "[" * depth + "]" * depth + ',"at":1.5}'
        with contextlib.suppress(CorruptLog):
            assert isinstance(event_from_json("noted", text), Noted)


def test_an_extra_that_cannot_be_written_costs_only_itself():
    """A number that is too long, a list in itself, a key without text: the rest is stored, and the outcome with it."""
    circular: list[object] = [1]
    circular.append(circular)
    extra = {
        "n": 10**5000,
        "circular": circular,
        "keys": {Broken(): 1, "good": 2, 10**5000: 3},
        "broken": Broken(),
        "lr": 0.5,
    }
    with pytest.warns(UserWarning, match=r"builtins\.int, builtins\.list, .*Broken "):
        _, body = event_to_json(Finished(3, 1, Outcome(State.OK, {"loss": 0.5}, extra=extra), 2.5))

    assert json.loads(body)["extra"] == {
        "n": {"$dropped": "builtins.int"},
        "circular": [1, {"$dropped": "builtins.list"}],
        "keys": {"good": 2},
        "broken": {"$dropped": f"{__name__}.Broken"},
        "lr": 0.5,
    }


def test_a_note_that_cannot_be_written_costs_only_itself():
    """And a memo, and what comes with a request."""
    value = {"good": 1, "bad": [1j]}
    for event in (Asked(0, (), "x", 0, 0, 0.0, memo=value), Noted("k", value, 1.0), Requested("a", None, value, 1.0)):
        with pytest.warns(UserWarning, match=r"builtins\.complex"):
            kind, body = event_to_json(event)
        back = event_from_json(kind, body)

        assert (back.memo if kind == "asked" else back.value) == {"good": 1, "bad": [{"$dropped": "builtins.complex"}]}


def test_an_outcome_is_what_it_says():
    """A finished state, and a duration."""
    with pytest.raises(ValueError, match="finished state, not RUNNING"):
        Outcome(State.RUNNING)
    for seconds in (-1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="duration"):
            Outcome(State.OK, seconds=seconds)
