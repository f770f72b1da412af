"""Values of parameters as the cells of a table: numbers as numbers, options by a text that leads back to them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from parzen.errors import OutOfSpace
from parzen.space import Space
from parzen.space._nodes import Const

__all__ = ["Column", "columns_of", "utf8"]

_WORD = re.compile(r"^(['\"])([^\W\d][\w.+/-]*)\1$")


@dataclass(frozen=True, slots=True)
class Column:
    """One parameter as a column of a table.

    Attributes:
        label: of the parameter.
        integral: its numbers are whole.
        options: a cell for each option of a choice, all different; None for a parameter that is a number.
        codes: cell as text -> the option's code.
    """

    label: str
    integral: bool
    options: tuple[str | int | float, ...] | None
    codes: dict[str, int]

    def cell(self, x: float) -> str | int | float | None:
        """The cell of a value as the history has it; None where the parameter was inactive."""
        if x != x:
            return None
        if self.options is not None:
            return self.options[int(x)]
        return int(x) if self.integral else x

    def value(self, cell: Any) -> float:
        """What the history has for a cell, NaN for an empty one.

        Raises:
            OutOfSpace: it is no option, or no number.
        """
        if cell is None or cell == "" or cell != cell:
            return float("nan")
        if self.options is None:
            try:
                return float(cell)
            except (TypeError, ValueError, OverflowError):
                raise OutOfSpace(f"parameter {self.label!r} is a number, got {cell!r:.80}", label=self.label) from None
        code = self.codes.get(str(cell))
        if code is None:
            known = ", ".join(repr(str(option)) for option in self.options[:8])
            raise OutOfSpace(f"parameter {self.label!r} is one of {known}, got {str(cell)!r:.80}", label=self.label)
        return float(code)


def columns_of(space: Space) -> tuple[Column, ...]:
    """A column for each parameter of a space, in its order."""
    made = []
    for j, label in enumerate(space.labels):
        distribution = space.distributions[j]
        integral = distribution is not None and distribution.integral
        options = _options(space, j)
        codes: dict[str, int] = {}
        for code, option in enumerate(options or ()):
            for text in _spellings(option):
                codes.setdefault(text, code)
        for code, option in enumerate(options or ()):
            codes[str(option)] = code  # its own cell means that option, whatever else it could be a spelling of
        made.append(Column(label, integral, options, codes))
    return tuple(made)


def _options(space: Space, j: int) -> tuple[str | int | float, ...] | None:
    switch = space.switch(j)
    if switch is None:
        return None
    nodes = [space.nodes[place] for place in switch.options]
    values = [node.value if isinstance(node, Const) else None for node in nodes]
    numbers = [x for x in values if isinstance(x, (int, float)) and not isinstance(x, bool)]
    if len(numbers) == len(values) == len(set(numbers)):
        return tuple(numbers)
    # A sub-space is called by the first word in it, which comes in quotes.
    cells = [
        x if isinstance(x, str) and x else _WORD.sub(r"\2", space.option(j, code)) for code, x in enumerate(values)
    ]
    # The text "1" beside the number 1: then texts get their quotes, and what is alike all the same its place.
    if len(set(cells)) < len(cells):
        cells = [space.option(j, code) for code in range(len(values))]
    often = Counter(cells)
    return tuple(f"{text} (option {code})" if often[text] > 1 else text for code, text in enumerate(cells))


def _spellings(option: str | int | float) -> tuple[str, ...]:
    """How other programs may write the same: 16 as 16.0, False as false, None as null."""
    if isinstance(option, str):
        return (option, {"True": "true", "False": "false", "None": "null"}.get(option, option))
    whole = float(option).is_integer()
    return (str(option), str(float(option)), str(int(option)) if whole else repr(float(option)))


def utf8(text: str) -> str:
    """Text without lone surrogates, which no table of Arrow can hold: each spelled as an escape."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")
