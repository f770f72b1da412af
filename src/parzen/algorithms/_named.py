"""Algorithms by name, loaded when somebody names them.

A name that is not in the table is looked for among the entry points of installed packages, so that other packages can add
algorithms; nothing is looked for, let alone imported, as long as nobody says such a name.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import ModuleType

from parzen._typing import JSON
from parzen.algorithms._base import Algorithm
from parzen.errors import AlgorithmError

__all__ = ["algorithm_named", "algorithm_noted", "is_own", "note_of"]

_TABLE: Mapping[str, tuple[str, str]] = {
    "anneal": ("parzen.algorithms.anneal", "Anneal"),
    "atpe": ("parzen.algorithms.atpe", "AdaptiveTPE"),
    "auto": ("parzen.algorithms.auto", "Auto"),
    "cmaes": ("parzen.algorithms.cmaes", "CMAES"),
    "evolution": ("parzen.algorithms.evolution", "Evolution"),
    "gp": ("parzen.algorithms.gp", "GP"),
    "grid": ("parzen.algorithms.grid", "Grid"),
    "qmc": ("parzen.algorithms.qmc", "QMC"),
    "random": ("parzen.algorithms.random", "Random"),
    "tpe": ("parzen.algorithms.tpe", "TPE"),
}
DEFAULT = "auto"
GROUP = "parzen.algorithms"
"""The group of entry points in which other packages name theirs."""


def algorithm_named(algorithm: str | Algorithm | None) -> Algorithm:
    """The algorithm that a user meant: a record as it is, a name with default settings, None for parzen's choice.

    A name is one of parzen's own, or of an entry point `name = "module:attribute"` of the group `parzen.algorithms` in an
    installed package, whose attribute is a class of algorithms or a record; parzen's own come first.

    Raises:
        AlgorithmError: no algorithm has that name, or two packages have one of that name, or it cannot be loaded; or the
            object has no `suggest`.
    """
    if algorithm is None:
        algorithm = DEFAULT
    if isinstance(algorithm, str):
        if algorithm not in _TABLE:
            return _of_entry_point(algorithm)
        module, name = _TABLE[algorithm]
        made: Algorithm = getattr(importlib.import_module(module), name)()
        return made
    if isinstance(algorithm, (type, ModuleType)) or not isinstance(algorithm, Algorithm):
        raise AlgorithmError(
            f"an algorithm is a name or a record such as parzen.algorithms.TPE(), got {algorithm!r:.80}"
        )
    return algorithm


_PLAIN = (bool, int, float, str, type(None))


def note_of(algorithm: Algorithm) -> JSON:
    """What a log says of the algorithm that proposed: its name and settings, or only what it is, where it is not parzen's."""
    cls = type(algorithm)
    name = next((name for name, home in _TABLE.items() if home[1] == cls.__name__), None)
    if name is not None and is_dataclass(algorithm) and cls is type(algorithm_named(name)):
        default = algorithm_named(name)
        given = {one.name: (getattr(algorithm, one.name), getattr(default, one.name)) for one in fields(algorithm)}
        settings = {key: value for key, (value, usual) in given.items() if value != usual}
        if all(isinstance(value, _PLAIN) for value in settings.values()):
            return {"name": name, "settings": settings}
    return {"type": f"{cls.__module__}.{cls.__qualname__}"}


def is_own(algorithm: Algorithm) -> bool:
    """Whether an algorithm is one of parzen's records, and all that it is made of; then nobody else's code runs in it."""
    cls = type(algorithm)
    if not cls.__module__.startswith("parzen.algorithms.") or not is_dataclass(algorithm):
        return False
    return all(_is_plain(getattr(algorithm, one.name)) for one in fields(algorithm))


def _is_plain(value: object) -> bool:
    if isinstance(value, (tuple, list)):
        return all(map(_is_plain, value))
    return isinstance(value, _PLAIN) or is_own(value)  # type: ignore[arg-type]  # of anything else it says False


def algorithm_noted(note: JSON) -> Algorithm | None:
    """The algorithm of a note; None where it is not one of parzen's own records, which alone are made of a file's word."""
    if not isinstance(note, dict) or note.get("name") not in _TABLE:
        return None
    settings = note.get("settings")
    if not isinstance(settings, dict) or not all(isinstance(value, _PLAIN) for value in settings.values()):
        return None
    cls = type(algorithm_named(str(note["name"])))
    try:
        made: Algorithm = cls(**settings)
    except (TypeError, ValueError, AlgorithmError):  # of another version of parzen
        return None
    return made


def _of_entry_point(name: str) -> Algorithm:
    """What an installed package offers under a name that parzen has not."""
    from importlib.metadata import entry_points  # it reads every installed package's list

    found = list(entry_points(group=GROUP, name=name))
    if not found:
        names = sorted({*_TABLE, *(entry.name for entry in entry_points(group=GROUP))})
        raise AlgorithmError(f"no algorithm is called {name!r}; there are {', '.join(names)}")
    packages = " and ".join(sorted({entry.dist.name if entry.dist else entry.value for entry in found}))
    if len(found) > 1:
        raise AlgorithmError(
            f"several algorithms are called {name!r}, by the packages {packages}: give the record itself, or uninstall one"
        )
    value = found[0].value
    try:
        offered = found[0].load()
        made = offered() if isinstance(offered, type) else offered
    except Exception as error:  # an import runs the package's own code
        raise AlgorithmError(
            f"algorithm {name!r} of the package {packages}, {value}, cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    if isinstance(made, ModuleType) or not isinstance(made, Algorithm):
        raise AlgorithmError(
            f"algorithm {name!r} of the package {packages}, {value}, is {made!r:.80}, which has no suggest(space, history, ask)"
        )
    return made
