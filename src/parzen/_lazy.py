"""Names that load when they are first touched.

A package lists `{name: module}`; its `__getattr__` imports the module on first use and keeps the result.  This is what
makes `import parzen` cheap: storages, terminal drawing and the old door cost nothing until somebody needs them.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from parzen.errors import MissingDependency

__all__ = ["lazy_attributes", "require"]


def lazy_attributes(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of a package whose names live elsewhere.

    Args:
        package: `__name__` of the package.
        homes: public name -> absolute module that defines it; a module path that ends in `:` is itself the value.
    """

    def attribute(name: str) -> Any:  # an attribute may be anything
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = importlib.import_module(home.rstrip(":"))
        value: Any = module if home.endswith(":") else getattr(module, name)
        # Kept in the package, so that a module of the same name which is imported later cannot take its place.
        setattr(importlib.import_module(package), name, value)
        return value

    def names() -> list[str]:
        # What the package imported at once is in its `__all__` only.
        return sorted({*homes, *getattr(sys.modules[package], "__all__", ())})

    return attribute, names


def require(module: str, extra: str) -> ModuleType:
    """The optional module, or a `MissingDependency` that says what to install."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingDependency(
            f"this needs the package {module.partition('.')[0]!r}, which is not installed: pip install {extra}",
            module=module,
        ) from error
