"""How numbers, times and configurations are put into words.

Labels, options and messages are the user's: they may hold control characters, markup, lone surrogates or a megabyte of
repr.  Whatever comes out of this module is printable, on one line and of bounded length.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Protocol, TypeAlias

from parzen._typing import FloatArray

__all__ = [
    "Labelled",
    "Settings",
    "bound",
    "clock_time",
    "counted",
    "encodable",
    "escaped",
    "joined",
    "middle",
    "number",
    "plain",
    "quoted",
    "setting",
    "settings",
    "span",
    "told_apart",
]

Settings: TypeAlias = tuple[tuple[str, "float | int | str"], ...]
"""Label and value of each active parameter: a number, or what a person would call the option."""

_WORD = re.compile(r"""(['"])([^\W\d][\w.+/-]*)\1""")
_NUMPY = re.compile(r"np\.\w+\((.*)\)")
_AMBIGUOUS = frozenset({"True", "False", "None", "nan", "inf"})

_ASCII = str.maketrans({"·": "|", "…": "...", "×": "x", "━": "=", "╸": ">", "–": "-"})


def number(x: float, digits: int = 4) -> str:
    """A number to `digits` significant digits; whole numbers below a million keep all of theirs."""
    if isinstance(x, int):
        return str(x) if abs(x) < 10**15 else f"{x:.{digits - 1}e}"
    if not math.isfinite(x):
        return str(x)
    if x == 0:
        return "0"
    exponent = math.floor(math.log10(abs(x)))
    if -4 <= exponent < 6:
        text = f"{x:.{max(0, digits - 1 - exponent)}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    mantissa, _, power = f"{x:.{digits - 1}e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}e{int(power)}"


def bound(x: float, beyond: float, digits: int = 4) -> str:
    """A number as the bound of what lies on the other side of it: its text is never past it, and does not reach `beyond`.

    Args:
        x: the last value that has to be within, such as the least of some trials.
        beyond: the next value that must not be, on the far side; an infinity where there is none, `x` for all of its digits.
        digits: significant ones, if they do; more as far as they are needed.
    """
    low, high = sorted((x, beyond))
    for many in range(digits, 18):
        text = number(x, many)
        told = float(text)
        if told == x or low < told < high:
            return text
    return repr(x)


def clock_time(seconds: float) -> str:
    """A time as a clock shows it: 0:07, 12:34, 1:02:03, 2d 03:04."""
    whole = int(max(seconds, 0.0))
    minutes, s = divmod(whole, 60)
    hours, m = divmod(minutes, 60)
    if hours < 1:
        return f"{m}:{s:02d}"
    if hours < 24:
        return f"{hours}:{m:02d}:{s:02d}"
    days, h = divmod(hours, 24)
    return f"{days}d {h:02d}:{m:02d}"


def counted(n: int, word: str) -> str:
    """So many of something: 1 trial, 2 trials."""
    return f"{n} {word}" if n == 1 else f"{n} {word}s"


def span(seconds: float) -> str:
    """A duration in words: 0.3 ms, 1.9 s, 12:34."""
    if seconds < 0.1:
        return f"{number(seconds * 1000, 2)} ms"
    return f"{number(seconds, 2)} s" if seconds < 10 else f"{seconds:.0f} s" if seconds < 60 else clock_time(seconds)


def plain(text: str, limit: int = 60) -> str:
    """Text on one line, of at most `limit` characters before what cannot be printed is spelled as an escape."""
    return escaped(text if len(text) <= limit else text[: limit - 1] + "…")


def escaped(text: str, keep: str = "") -> str:
    """Text in which what cannot be printed is spelled: what moves a cursor or turns a line around, and lone surrogates.

    Args:
        text: from anywhere.
        keep: characters that stay as they are, such as ends of lines.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode("ascii") for c in text)


def quoted(text: str, limit: int = 60) -> str:
    """As `plain`, between quotes; `repr` would spell the escapes of what is spelled already once more."""
    return f"'{plain(text, limit)}'"


def middle(text: str, limit: int = 60) -> str:
    """As `plain`, but cut in the middle: of paths, and of names that somebody numbered, the end says as much."""
    if len(text) <= limit:
        return plain(text, limit)
    end = (limit - 1) // 3
    return plain(text[: limit - 1 - end] + "…" + text[len(text) - end :], limit)


def told_apart(texts: Sequence[str], limit: int) -> list[str]:
    """Texts of at most `limit` characters; where they begin and end alike, cut so that the place is seen where they differ."""
    names = [middle(text, limit) for text in texts]
    if len(set(names)) == len(set(texts)):
        return names
    alike = (len(set(column)) == 1 for column in zip(*texts, strict=False))
    start = next((place for place, same in enumerate(alike) if not same), 0) - limit // 3
    return names if start <= 0 else [middle("…" + text[start:], limit) for text in texts]


def encodable(text: str, encoding: str | None) -> str:
    """The same text as far as a stream of this encoding can say it."""
    encoding = encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(_ASCII)
        return text.encode(encoding, "backslashreplace").decode(encoding)
    except LookupError:
        return text.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")
    return text


class Labelled(Protocol):
    """What has to be known of a space to say its rows, from below it."""

    @property
    def labels(self) -> Sequence[str]: ...

    def option(self, j: int, code: float) -> str:
        """What a person would call the value of a column."""
        ...


def settings(space: Labelled, row: FloatArray, longest: int = 40) -> Settings:
    """What a row `(d,)` of a space says: its active parameters, in the order of the columns.

    Args:
        longest: characters of a label and of an option.
    """
    return tuple(
        (plain(label, longest), _value(space, j, float(row[j]), longest))
        for j, label in enumerate(space.labels)
        if row[j] == row[j]
    )


def _value(space: Labelled, j: int, x: float, longest: int) -> float | int | str:
    # Never `space.params`: it would build what options are made of, which may be a model, only to show its name.
    try:
        text = space.option(j, x)
    except Exception:  # the option's own __repr__ may raise anything
        return f"option {int(x)}"
    if text == f"{x:.6g}":
        return int(x) if x == int(x) and abs(x) < 1e15 else x
    wrapped = _NUMPY.fullmatch(text[:200])
    if wrapped:
        text = wrapped[1]
    for read in (int, float) if len(text) < 40 else ():
        try:
            return read(text)
        except ValueError:
            pass
    word = _WORD.fullmatch(text[:1000])
    return plain(word[2] if word and word[2] not in _AMBIGUOUS else text, longest)


def setting(value: float | int | str) -> str:
    """A value of `Settings` as text."""
    return value if isinstance(value, str) else number(value)


def joined(pairs: Settings, limit: int = 2000) -> str:
    """`label=value label=value`, cut after about `limit` characters."""
    parts: list[str] = []
    room = limit
    for i, (label, value) in enumerate(pairs):
        part = f"{label}={setting(value)}"
        room -= len(part) + 1
        if room < 0 and i:
            return " ".join([*parts, f"… and {len(pairs) - i} more"])
        parts.append(part)
    return " ".join(parts)
