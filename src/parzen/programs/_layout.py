"""A space as arguments and files say it, and what a configuration then says of each label.

    lr: float(1e-5, 1e-1, log)
    optimizer:
      choice:
        adam: {beta: "float(0.8, 0.999)"}
        sgd: {momentum: "float(0, 1)", nesterov: bool()}
    epochs: 20

| what is written | what it is |
|---|---|
| a text such as `float(0, 1)` | a parameter, called by its key; `name:float(0, 1)` gives it another label |
| `{float: [1e-5, 1e-1], log: true}`, `{cat: [1, null, "x"]}` | the same, spelled out; options keep their types |
| `{choice: {name: {…}, …}}` | one of these parts, each with parameters of its own |
| any other mapping | a group |
| anything else | a constant |

In a configuration a choice is the part that was chosen, with its name under "choice".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from parzen import hp
from parzen.errors import BadDistribution, DuplicateLabel, SpaceError
from parzen.programs._grammar import KINDS, Spelled, looks_like_one, make, refuse_misspelt, spelled

__all__ = [
    "CHOICE",
    "Choice",
    "Constant",
    "Group",
    "Layout",
    "Leaf",
    "layout_of",
    "nodes_of",
    "options_of",
    "values_of",
]

CHOICE = "choice"
_BEGUN = re.compile(rf"\s*([^\s:\\]+:)?({'|'.join(KINDS)})\(")


@dataclass(frozen=True, slots=True)
class Constant:
    """Part of every configuration."""

    value: Any


@dataclass(frozen=True, slots=True)
class Leaf:
    """A parameter."""

    label: str
    spelled: Spelled


@dataclass(frozen=True, slots=True)
class Group:
    """Parts under keys."""

    items: Mapping[str, Layout]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several groups."""

    label: str
    options: Mapping[str, Group]


Layout: TypeAlias = Constant | Leaf | Group | Choice


def layout_of(written: Any) -> Group:
    """The layout of what a file says.

    Raises:
        SpaceError: it makes no sense; the text has the place in it.
    """
    if not isinstance(written, Mapping):
        raise SpaceError(f"a space is a mapping from names to parameters, got {written!r:.80}")
    group = _group(written, "")
    seen: set[str] = set()
    for label in _labels(group):
        if label in seen:
            raise DuplicateLabel(
                f"the label {label!r} stands for two parameters: give one of them another, as in 'other_{label}:float(0, 1)'",
                label=label,
            )
        seen.add(label)
    return group


def _group(written: Mapping[Any, Any], where: str) -> Group:
    for key in written:
        if not isinstance(key, str):
            raise SpaceError(f"{where or 'the space'}: names are text, got {key!r:.80}; put it in quotes")
    return Group({key: _layout(key, item, f"{where}.{key}".lstrip(".")) for key, item in written.items()})


def _layout(key: str, written: Any, where: str) -> Layout:
    if isinstance(written, str):
        found = spelled(written)
        if found is None and _BEGUN.match(written):  # YAML ends a text at a comma within braces
            raise BadDistribution(f"{where}: {written!r} is not closed; put it in quotes where it stands in braces")
        if found is None:
            try:
                refuse_misspelt(written)
            except BadDistribution as error:
                raise BadDistribution(f"{where}: {error}") from None
        return Constant(_constant(written)) if found is None else Leaf(found.label or key, found)
    if not isinstance(written, Mapping):
        hidden = next(_parameters_in(written), None)
        if hidden is not None:
            raise SpaceError(
                f"{where}: a list is a constant, and in this one stands the parameter {hidden!r:.80}: give each element a "
                "key of its own, or, where one of several is meant, write {cat: […]} or {choice: {…}}; "
                "a backslash before a text in it makes that an ordinary one"
            )
        return Constant(_constant(written))
    if CHOICE in written:
        return _choice(key, written, where)
    kinds = [kind for kind in KINDS if kind in written]
    if not kinds:
        return _group(written, where)
    kind = kinds[0]
    settings = {name: value for name, value in written.items() if name not in (kind, "label")}
    unknown = [name for name in settings if name not in ("log", "step", "prior")]
    arguments = [] if written[kind] is None else written[kind]
    if unknown or not isinstance(arguments, list):
        raise SpaceError(
            f"{where}: expected {kind}: […], perhaps with log, step, prior and label beside it, got {dict(written)!r:.200}"
        )
    if kind not in ("cat", "ord"):
        arguments = [_number(x, where) for x in arguments]
        settings = {name: x if isinstance(x, bool) else _number(x, where) for name, x in settings.items()}
    return Leaf(str(written.get("label", key)), Spelled(None, kind, tuple(arguments), settings))


def _parameters_in(written: Any) -> Iterator[Any]:
    """What looks like a parameter within a list; YAML splits one that is not in quotes at its comma."""
    if isinstance(written, list):
        for item in written:
            yield from _parameters_in(item)
    elif isinstance(written, Mapping):
        choice = isinstance(written.get(CHOICE), (list, Mapping))
        if choice or any(isinstance(written.get(kind), list) for kind in KINDS):
            yield written
        for item in written.values():
            yield from _parameters_in(item)
    elif isinstance(written, str) and _meant(written):
        yield written


def _meant(text: str) -> bool:
    """Whether a text is read as a parameter, or refused because it may be meant as one."""
    return looks_like_one(text) or _BEGUN.match(text) is not None


def _constant(written: Any) -> Any:
    """Data without the backslashes that say of texts in it that they are no parameters; other backslashes are kept."""
    if isinstance(written, list):
        return [_constant(item) for item in written]
    if isinstance(written, Mapping):
        return {key: _constant(item) for key, item in written.items()}
    if isinstance(written, str) and written.startswith("\\") and _meant(written[1:]):
        return written[1:]
    return written


def _number(x: Any, where: str) -> Any:
    """A number; YAML takes 1e-5 for text, because it has no point."""
    try:
        return x if isinstance(x, (int, float)) and not isinstance(x, bool) else float(str(x))
    except ValueError:
        raise BadDistribution(f"{where}: expected a number, got {x!r:.80}") from None


def _choice(key: str, written: Mapping[Any, Any], where: str) -> Choice:
    options, beside = written[CHOICE], set(written) - {CHOICE, "label"}
    if isinstance(options, list):  # parts without parameters need no braces
        options = dict.fromkeys(options)
    if not isinstance(options, Mapping) or not options or beside:
        raise SpaceError(
            f"{where}: expected choice: {{name: {{…}}, …}}, perhaps with label beside it, got {dict(written)!r:.200}"
        )
    made = {}
    for name, part in options.items():
        if part is not None and not isinstance(part, Mapping):
            raise SpaceError(f"{where}.{name}: a part of a choice is a mapping of parameters, got {part!r:.80}")
        made[str(name)] = _group(part or {}, f"{where}.{name}")
        if CHOICE in made[str(name)].items:
            raise SpaceError(f"{where}.{name}: a parameter beside a choice's name cannot be called 'choice' itself")
    return Choice(str(written.get("label", key)), made)


def _labels(layout: Layout) -> Iterator[str]:
    if isinstance(layout, Leaf):
        yield layout.label
    elif isinstance(layout, Group):
        for item in layout.items.values():
            yield from _labels(item)
    elif isinstance(layout, Choice):
        yield layout.label
        for option in layout.options.values():
            yield from _labels(option)


def nodes_of(layout: Layout) -> Any:
    """The space itself: nested data with nodes of `parzen.hp` in it."""
    if isinstance(layout, Constant):
        return layout.value
    if isinstance(layout, Leaf):
        return make(layout.label, layout.spelled.kind, layout.spelled.arguments, layout.spelled.settings)
    if isinstance(layout, Group):
        return {key: nodes_of(item) for key, item in layout.items.items()}
    return hp.choice(layout.label, [{CHOICE: name, **nodes_of(part)} for name, part in layout.options.items()])


def options_of(layout: Layout) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Each label, and the options it may take; none for numbers."""
    if isinstance(layout, Leaf):
        yield layout.label, layout.spelled.arguments if layout.spelled.kind in ("cat", "ord") else ()
    elif isinstance(layout, Group):
        for item in layout.items.values():
            yield from options_of(item)
    elif isinstance(layout, Choice):
        yield layout.label, tuple(layout.options)
        for option in layout.options.values():
            yield from options_of(option)


def values_of(layout: Layout, config: Any) -> Iterator[tuple[str, Any]]:
    """Each label that is active in a configuration, and its value; a choice's value is its name."""
    if isinstance(layout, Leaf):
        yield layout.label, config
    elif isinstance(layout, Group):
        for key, item in layout.items.items():
            yield from values_of(item, config[key])
    elif isinstance(layout, Choice):
        yield layout.label, config[CHOICE]
        yield from values_of(layout.options[config[CHOICE]], config)
