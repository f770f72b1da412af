"""A command with places for values: one argument stays one argument, whatever the value.

No shell is started here.  A command may start one itself, or anything else that reads an argument as a program; a place in
such a text is refused, because there a value would be read and not passed.  `sh -c 'train --lr "$1"' sh {lr}` passes it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from parzen.errors import SpaceError, UnknownLabel
from parzen.programs._grammar import Spelled, looks_like_one, refuse_misspelt, spelled
from parzen.programs._readers import refuse_programs

__all__ = ["GIVEN", "Argument", "Command", "command_of", "in_words"]

GIVEN = ("folder", "config", "number", "seed")
"""What stands in braces beside labels."""

_PLACE = re.compile(r"\{\{([\w.\-]+)\}\}|\{([\w.\-]+)\}")
_OPTION = re.compile(r"([^\s=]+)=(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument.

    Attributes:
        parts: texts at even places, labels at odd ones.
        with_option: the argument before belongs to it, and goes where it goes.
    """

    parts: tuple[str, ...]
    with_option: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in it."""
        return self.parts[1::2]


@dataclass(frozen=True, slots=True)
class Command:
    """A program and its arguments.

    Attributes:
        arguments: the program first.
        parameters: those that are spelled in the arguments, by label.
    """

    arguments: tuple[Argument, ...]
    parameters: Mapping[str, Spelled]

    def filled(self, values: Mapping[str, str]) -> list[str]:
        """The arguments with values; what has a label without one is left out, and the option before it."""
        made: list[str] = []
        for argument in self.arguments:
            if any(label not in values for label in argument.labels):
                if argument.with_option:
                    made.pop()
                continue
            texts = list(argument.parts)
            texts[1::2] = [values[label] for label in argument.labels]
            made.append("".join(texts))
        return made

    def check(self, options: Mapping[str, Sequence[Any]]) -> None:
        """Refuse labels that the space has not, and values that somebody would read as a program.

        Args:
            options: label -> what it may be; nothing for numbers.

        Raises:
            UnknownLabel: there is no such parameter.
            SpaceError: a value may be read as a program, or no argument can hold it.
        """
        known = [*options, *GIVEN]
        for label in GIVEN:
            if label in options:
                raise SpaceError(f"a parameter cannot be called {label!r}: {{{label}}} is the trial's own", label=label)
        for argument in self.arguments:
            for label in argument.labels:
                if label not in known:
                    raise UnknownLabel(
                        f"there is no parameter {label!r}, expected one of {', '.join(known)}; "
                        f"{{{{{label}}}}} stands for the braces themselves",
                        label=label,
                    )
        for label, values in options.items():
            for text in map(in_words, values):
                try:
                    fits = b"\0" not in os.fsencode(text)
                except UnicodeError:
                    fits = False
                if not fits:
                    raise SpaceError(f"parameter {label!r}: no argument can hold the value {text!r:.80}", label=label)
        refuse_programs([argument.parts for argument in self.arguments], options, in_words)


def command_of(words: Sequence[str]) -> Command:
    """What a command line says.

    Raises:
        SpaceError: a parameter in it has no name, or makes no sense.
    """
    if not words:
        raise SpaceError(
            "there is no program to run: give it after --, as in -- python train.py --lr 'float(1e-5, 1e-1, log)'"
        )
    arguments: list[Argument] = []
    parameters: dict[str, Spelled] = {}
    for place, word in enumerate(words):
        before = words[place - 1] if place > 1 else ""
        option = before.startswith("-") and "=" not in before and not (arguments and arguments[-1].labels)
        found = spelled(word)
        joined = _OPTION.fullmatch(word) if found is None else None
        inner = spelled(joined[2]) if joined is not None else None
        if found is not None:
            label = found.label or (before.lstrip("-") if option else "")
            if not label:
                raise SpaceError(
                    f"which parameter is {word!r}? Put an option before it, or a name in it: 'name:{word.strip()}'"
                )
            arguments.append(Argument(("", _new(label, found, parameters), ""), option))
        elif joined is not None and inner is not None:
            label = inner.label or joined[1].lstrip("-+")
            arguments.append(Argument((f"{joined[1]}=", _new(label, inner, parameters), "")))
        else:
            if place:
                _refuse_misspelt(word)
            parts = _parts(_taken_literally(word))
            arguments.append(Argument(parts, option and len(parts) == 3 and not parts[0] and not parts[2]))
    return Command(tuple(arguments), parameters)


def _taken_literally(word: str) -> str:
    """An argument without the backslash that makes it an ordinary one, which stands before it or before its value."""
    joined = _OPTION.fullmatch(word.removeprefix("\\"))
    if word.startswith("\\"):
        meant = looks_like_one(word[1:]) or (joined is not None and looks_like_one(joined[2]))
        return word[1:] if meant else word
    if joined is not None and joined[2].startswith("\\") and looks_like_one(joined[2][1:]):
        return f"{joined[1]}={joined[2][1:]}"
    return word


def _refuse_misspelt(word: str) -> None:
    """Refuse an argument that looks like a parameter and is none, and one behind whose `=` such a text stands."""
    refuse_misspelt(word)
    if (joined := _OPTION.fullmatch(word)) is not None and not word.startswith("\\"):
        refuse_misspelt(joined[2])


def _new(label: str, found: Spelled, parameters: dict[str, Spelled]) -> str:
    if label in parameters:
        raise SpaceError(
            f"two parameters are called {label!r}: give one of them another name, as in 'other:{found.kind}(…)', "
            f"or write {{{label}}} where the same value is meant",
            label=label,
        )
    parameters[label] = found
    return label


def _parts(text: str) -> tuple[str, ...]:
    parts, last, start = [], "", 0
    for match in _PLACE.finditer(text):
        last += text[start : match.start()]
        start = match.end()
        if match[1] is not None:
            last += "{" + match[1] + "}"
        else:
            parts += [last, match[2]]
            last = ""
    return (*parts, last + text[start:])


def in_words(value: Any) -> str:
    """A value as an argument: text as it is, numbers so that they are read back exactly, the rest as JSON."""
    return value if isinstance(value, str) else json.dumps(value, default=str)
