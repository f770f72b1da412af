"""A space in a person's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from parzen._html import cell, grid
from parzen._wording import middle
from parzen.space._nodes import Build, Const, Opaque, Param
from parzen.space.distributions import Around, Categorical, Distribution

if TYPE_CHECKING:
    from parzen.space._space import Space

__all__ = ["in_html", "in_words", "option_name"]

_TABLE = 200
"""Parameters that a table has."""
_LISTED = 8
"""Options that are listed, and ways to be active."""


def option_name(space: Space, j: int, code: float) -> str:
    """A short name for a value of column `j`: of an option, what a person would call it."""
    switch = space.switch(j)
    if switch is None:
        distribution = space.distributions[j]
        return f"{int(code)}" if distribution is not None and distribution.integral else f"{code:.6g}"
    return _short(space, switch.options[int(code)], int(code))


def _short(space: Space, place: int, code: int) -> str:
    node = space.nodes[place]
    if isinstance(node, Const):
        return node.name or _called(node.value)
    if isinstance(node, Build) and node.kind == "option":
        return str(node.keys[0])
    if isinstance(node, Build):
        for item in node.items:  # a sub-space is known by the first word in it: {"kind": "svm", "C": …}
            inner = space.nodes[item]
            if isinstance(inner, Const) and (
                inner.name or isinstance(inner.value, (str, Opaque)) or callable(inner.value)
            ):
                return _short(space, item, code)
    if isinstance(node, Param):
        return node.label
    return f"option {code}"


def _called(value: Any) -> str:
    """What a person would call an option."""
    if isinstance(value, Opaque):
        return value.name.rsplit(".", 1)[-1]
    name = getattr(value, "__name__", None)
    if isinstance(name, str):
        return name
    short = f"<{type(value).__name__}>"
    if getattr(type(value), "__repr__", None) is object.__repr__:  # says nothing but an address
        return short
    try:
        return repr(value)
    except Exception:  # an option's own __repr__ may do anything, and showing it must not end a search
        return short


def in_words(space: Space, longest: int | None = None) -> str:
    """A line for each parameter: what it may be, and when it is active.

    Args:
        longest: characters of a label or an option, from which on it is cut; None cuts none.
    """
    lines = []
    for j, label in enumerate(space.labels):
        when = _when(space, j, longest)
        lines.append(f"  {_cut(label, longest)}: {_what(space, j, longest)}" + (f"  if {when}" if when else ""))
    return "Space(\n" + "\n".join(lines) + "\n)" if lines else "Space()"


def in_html(space: Space) -> str:
    """A table of the parameters, for a notebook."""
    rows = [
        [cell(label), cell(_what(space, j)), cell(_when(space, j))] for j, label in enumerate(space.labels[:_TABLE])
    ]
    conditional = any(row[2] for row in rows)
    head = ["parameter", "what it may be", *(["active if"] if conditional else [])]
    table = grid(head, [row[: len(head)] for row in rows], f"Space of {space.d} parameter{'' if space.d == 1 else 's'}")
    more = f"<div>and {space.d - _TABLE} more</div>" if space.d > _TABLE else ""
    return table + more


def _cut(text: str, longest: int | None) -> str:
    return text if longest is None else middle(text, longest)


def _when(space: Space, j: int, longest: int | None = None) -> str:
    """What a parameter hangs on; empty where it is always active."""
    return " or ".join(
        " and ".join(f"{_cut(space.labels[c], longest)} = {_cut(space.option(c, code), longest)}" for c, code in conj)
        for conj in space.conditions[j][:_LISTED]
        if conj
    )


def _what(space: Space, j: int, longest: int | None = None) -> str:
    distribution = space.distributions[j]
    if distribution is None:
        return f"{space.param(j).family} of bounds that are computed"
    if not space.is_choice(j):
        return distribution.describe()
    count = distribution.size or 0
    listed = range(min(count, _LISTED))
    names = [f"{_cut(space.option(j, code), longest)}{_share(distribution, code)}" for code in listed]
    more = f" … ({count} options)" if count > _LISTED else ""
    guess = f" around {_cut(space.option(j, distribution.guess), longest)}" if isinstance(distribution, Around) else ""
    return f"one of {', '.join(names)}{more}{guess}"


def _share(distribution: Distribution, code: int) -> str:
    """How likely an option is, where they are not alike."""
    if not isinstance(distribution, Categorical) or distribution.weights is None:
        return ""
    return f" ({100 * distribution.weights[code]:.3g} %)"
