"""How a parameter is spelled in one word: `float(1e-5, 1e-1, log)`, `int(1, 8)`, `cat(adam, sgd)`, `lr:float(0, 1)`.

| spelling | what it is |
|---|---|
| `float(low, high)` | a float, bounds included; `log`, `step=0.1`, `prior=1e-3` may follow |
| `int(low, high)` | a whole number; the same may follow |
| `cat(a, b, c)` | one of these texts |
| `ord(a, b, c)` | one of these texts, whose neighbours are alike |
| `bool()` | true or false |
| `normal(mu, sigma)`, `lognormal(mu, sigma)` | without bounds; lognormal takes the logarithms' |

A text in quotes may hold commas and blanks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from parzen import hp
from parzen.errors import BadDistribution
from parzen.space import Apply

__all__ = ["KINDS", "Spelled", "looks_like_one", "make", "refuse_misspelt", "spelled"]

KINDS = ("float", "int", "cat", "ord", "bool", "normal", "lognormal")
_LIST = ("cat", "ord")
_WORD = re.compile(rf"(?:(?P<label>[^\s:=(){{}}'\"\\]+):)?(?P<kind>{'|'.join(KINDS)})\((?P<body>.*)\)", re.DOTALL)
_LOOKS = re.compile(r"\s*(?:[^\s:=(){}'\"\\]+:\s*)?(?:\w+\.)*(?P<word>[A-Za-z_]+)\(")
"""How what may be meant as a parameter begins.  No space stands before its bracket: "Normal (slow)" is a text about something."""
_FLOAT, _LOG, _INT, _OPTIONS = "float(low, high)", "float(low, high, log)", "int(low, high)", "cat(a, b, c)"
_STEPS, _WHOLE = "float(low, high, step=0.1)", "int(low, high), bounds included"
_ELSEWHERE = {
    **dict.fromkeys(("uniform", "real", "double"), _FLOAT),
    **dict.fromkeys(("loguniform", "reciprocal", "logfloat"), _LOG),
    **dict.fromkeys(("quniform", "discreteuniform"), _STEPS),
    **dict.fromkeys(("qloguniform", "lograndint", "logint"), "int(low, high, log)"),
    **dict.fromkeys(("integer", "uniformint", "quniformint"), _INT),
    **dict.fromkeys(("randint", "qrandint"), _WHOLE),
    **dict.fromkeys(("choice", "pchoice", "categorical", "category", "gridsearch", "enum"), _OPTIONS),
    **dict.fromkeys(("ordinal", "ordered"), "ord(a, b, c)"),
    **dict.fromkeys(("boolean", "flag"), "bool()"),
    **dict.fromkeys(("qnormal", "randn", "gaussian", "gauss"), "normal(mu, sigma)"),
    **dict.fromkeys(("qlognormal", "lognorm"), "lognormal(mu, sigma)"),
}
"""What Hyperopt, Optuna and others call it, or somebody would: how it is spelled here."""


@dataclass(frozen=True, slots=True)
class Spelled:
    """A parameter as it was written.

    Attributes:
        label: if one was given.
        kind: one of `KINDS`.
        arguments: in order; texts of options, else numbers.
        settings: `log`, `step`, `prior`.
    """

    label: str | None
    kind: str
    arguments: tuple[Any, ...]
    settings: Mapping[str, Any]


def spelled(text: str) -> Spelled | None:
    """What a word says, None where it is no parameter.

    Raises:
        BadDistribution: it begins like one and goes on wrongly.
    """
    match = _WORD.fullmatch(text.strip())
    if match is None:
        return None
    kind = match["kind"]
    arguments: list[Any] = []
    settings: dict[str, Any] = {}
    for part, quoted in _split(match["body"], text):
        if kind in _LIST:
            arguments.append(part)
            continue
        key, equals, value = part.partition("=")
        if part == "log" and not quoted:
            settings["log"] = True
        elif equals and not quoted:
            settings[key.strip()] = _number(value.strip(), text)
        else:
            arguments.append(_number(part, text))
    return Spelled(match["label"], kind, tuple(arguments), settings)


def refuse_misspelt(text: str) -> None:
    """Refuse what looks like a parameter and is none: as a constant it would reach the program letter by letter.

    Only words that mean a parameter somewhere are refused; `print(1)` is as good an argument as any.

    Raises:
        BadDistribution: it looks like one; the text says how it is spelled.
    """
    match = _LOOKS.match(text)
    if match is None or spelled(text) is not None:
        return
    body = text[match.end() :].rstrip()
    word = match["word"].lower().replace("_", "").removeprefix("suggest").removesuffix("distribution")
    literally = "a backslash before it makes it an ordinary text"
    closed = body.endswith(")")
    if word in KINDS and not closed and body.count("(") >= body.count(")"):
        raise BadDistribution(f"{text!r:.80} begins like a parameter, and its bracket is not closed; {literally}")
    if not closed or (here := f"{word}(…)" if word in KINDS else _ELSEWHERE.get(word)) is None:
        return
    raise BadDistribution(f"{text!r:.80} is no parameter: it is spelled {here} here; {literally}")


def looks_like_one(text: str) -> bool:
    """Whether a text is a parameter, or would be refused because it might be meant as one."""
    try:
        refuse_misspelt(text)
        return spelled(text) is not None
    except BadDistribution:
        return True


def make(label: str, kind: str, arguments: Sequence[Any], settings: Mapping[str, Any]) -> Apply:
    """The node of a parameter.

    Raises:
        BadDistribution: the arguments make no sense.
    """
    try:
        if kind == "cat":
            return hp.categorical(label, list(arguments), **settings)
        if kind == "ord":
            return hp.ordinal(label, list(arguments), **settings)
        if kind == "bool":
            return hp.bool(label, *arguments, **settings)
        if kind == "int":
            return hp.int(label, *map(_whole, arguments), **settings)
        families: dict[str, Callable[..., Apply]] = {"float": hp.float, "normal": hp.normal, "lognormal": hp.lognormal}
        return families[kind](label, *arguments, **settings)
    except TypeError:
        takes = (
            "a list"
            if kind in _LIST
            else {"bool": "nothing", "float": "low and high", "int": "low and high"}.get(kind, "mu and sigma")
        )
        said = ", ".join([*map(str, arguments), *(f"{key}={value}" for key, value in settings.items())])
        raise BadDistribution(f"parameter {label!r}: {kind} takes {takes}, got ({said})", label=label) from None


def _whole(x: Any) -> Any:
    return int(x) if isinstance(x, float) and x.is_integer() else x


def _number(text: str, whole: str) -> float | int:
    try:
        if "_" in text:
            raise ValueError
        return int(text) if re.fullmatch(r"[-+]?\d+", text) else float(text)
    except ValueError:
        raise BadDistribution(f"in {whole!r}: expected a number, log, step=… or prior=…, got {text!r}") from None


def _split(body: str, whole: str) -> list[tuple[str, bool]]:
    """The parts between commas, and whether each was in quotes."""
    parts: list[tuple[str, bool]] = []
    text, quoted, quote, depth = "", False, "", 0
    for c in body:
        if quote:
            quote = "" if c == quote else quote
            text += "" if not quote else c
        elif c in "'\"" and not text.strip():
            text, quoted, quote = "", True, c
        elif c == "," and depth == 0:
            parts.append((text if quoted else text.strip(), quoted))
            text, quoted = "", False
        else:
            depth += (c == "(") - (c == ")")
            if not (quoted and c.isspace()):  # between a quote and its comma
                text += c
    if quote or depth:
        raise BadDistribution(f"in {whole!r}: {'a quote' if quote else 'a bracket'} is not closed")
    if text.strip() or quoted or parts:
        parts.append((text if quoted else text.strip(), quoted))
    if any(not part and not was_quoted for part, was_quoted in parts):
        raise BadDistribution(f"in {whole!r}: there is nothing between two commas")
    return parts
