"""Spaces that are kept in a file: YAML, TOML or JSON, by its ending."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import IO, Any

from parzen._lazy import require
from parzen.errors import SpaceError
from parzen.programs._layout import layout_of, nodes_of

__all__ = ["read_file", "read_space"]


def read_space(path: str | os.PathLike[str]) -> Any:
    """The space in a file, as `minimize` and `Study` take it.

    Args:
        path: of a file that ends in .yaml, .yml, .toml or .json; how-to/programs.md says what is in it.

    Raises:
        SpaceError: it makes no sense, or is of no such kind.
        MissingDependency: there is nothing to read YAML with, or TOML under Python 3.10.
    """
    return nodes_of(layout_of(read_file(path)))


def read_file(path: str | os.PathLike[str]) -> Any:
    """What the file says; raises as `read_space`."""
    name = os.fspath(path)
    read = {".yaml": _yaml, ".yml": _yaml, ".toml": _toml, ".json": _json}.get(os.path.splitext(name)[1].lower())
    if read is None:
        raise SpaceError(f"a space is read from a file that ends in .yaml, .yml, .toml or .json, not from {name!r}")
    try:
        with open(name, "rb") as file:
            return read(file)
    except OSError as error:
        raise SpaceError(f"the space in {name} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, SpaceError):
            raise
        raise SpaceError(f"the space in {name} cannot be read: {error}") from error


def _once(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    """A key that stands there twice would silently be one parameter less."""
    made: dict[Any, Any] = {}
    for key, value in pairs:
        if key in made:
            raise SpaceError(f"the key {key!r} stands there twice")
        made[key] = value
    return made


def _json(file: IO[bytes]) -> Any:
    return json.load(file, object_pairs_hook=_once)


def _toml(file: IO[bytes]) -> Any:
    module: Any = require("tomllib" if sys.version_info >= (3, 11) else "tomli", '"parzen[toml]"')
    return module.load(file)


def _yaml(file: IO[bytes]) -> Any:
    yaml: Any = require("yaml", '"parzen[yaml]"')  # an optional package

    class Loader(yaml.SafeLoader):  # type: ignore[misc]  # a class of an optional package
        """Makes plain data only, and no mapping in which a key stands twice."""

    def mapping(loader: Any, node: Any) -> dict[Any, Any]:
        loader.flatten_mapping(node)
        construct: Callable[..., Any] = loader.construct_object
        return _once([(construct(key, deep=True), construct(value, deep=True)) for key, value in node.value])

    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    try:
        return yaml.load(file, Loader)  # a safe loader
    except yaml.YAMLError as error:
        raise SpaceError(f"the space in {file.name} is not YAML: {error}") from error
