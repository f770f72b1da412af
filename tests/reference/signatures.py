"""What Hyperopt offers, as facts: its modules, names and signatures.

    PYTHON_WITH_HYPEROPT tests/reference/signatures.py >tests/reference/hyperopt-0.3.0.json

To be run by an interpreter that has Hyperopt 0.3.0 and everything that its modules import (pymongo, pyspark, scikit-learn,
matplotlib, lightgbm, tqdm).  tests/hyperopt/test_signatures.py compares parzen with the result, by the same functions.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import json
import pkgutil
import re
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

# What a class has to have beside its public methods, if Hyperopt's has it.
SPECIAL = ("__init__", "__call__", "__len__", "__iter__", "__next__", "__getitem__", "__contains__", "__delitem__")
MARKS = {"POSITIONAL_ONLY": "/", "VAR_POSITIONAL": "*", "KEYWORD_ONLY": "*, ", "VAR_KEYWORD": "**"}


def parameters(function: Callable[..., Any]) -> list[str] | None:
    """Each parameter with a mark for its kind and with its default; None where Python cannot tell."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    return [
        MARKS.get(one.kind.name, "")
        + one.name
        + ("" if one.default is inspect.Parameter.empty else f"={shown(one.default)}")
        for one in found
    ]


def shown(value: object) -> str:
    """A default as text that does not depend on the process."""
    if inspect.isclass(value) or inspect.isroutine(value):
        return f"<{value.__name__}>"
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def members(cls: type) -> dict[str, Any]:
    """Public methods and properties, and some special ones, of a class and of its bases in the same package."""
    package = cls.__module__.split(".")[0]
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if base.__module__.split(".")[0] != package:
            continue
        for name, member in vars(base).items():
            if name.startswith("_") and name not in SPECIAL:
                continue
            if isinstance(member, property):
                found[name] = "property"
            elif isinstance(member, (staticmethod, classmethod)):
                found[name] = parameters(member.__func__)
            elif inspect.isfunction(member):
                found[name] = parameters(member)
    return dict(sorted(found.items()))


def describe(value: object, module: str) -> Any:
    """A function's parameters, a class's members, "module", "value", or where it comes from if not from `module`."""
    if inspect.ismodule(value):
        return "module"
    home = getattr(value, "__module__", module)
    if (inspect.isclass(value) or inspect.isfunction(value)) and home != module:
        return f"from {home}.{value.__name__}"
    if inspect.isclass(value):
        return members(value)
    if inspect.isfunction(value):
        return parameters(value)
    return "value"


def own(module: ModuleType) -> dict[str, Any]:
    """The public names of a module that are its package's own, with what they are."""
    package = module.__name__.split(".")[0]
    found = {}
    for name, value in sorted(vars(module).items()):
        home = getattr(value, "__module__", None) or getattr(value, "__name__", None)
        if name.startswith("_") or (isinstance(home, str) and home.split(".")[0] != package):
            continue
        found[name] = describe(value, module.__name__)
    return found


def main() -> None:
    """Print the facts about the Hyperopt of this interpreter."""
    package = importlib.import_module("hyperopt")
    facts = {"hyperopt": own(package)}
    for info in pkgutil.walk_packages(package.__path__, "hyperopt."):
        if ".tests" in info.name or info.name in {"hyperopt.main", "hyperopt.atpe_models"}:
            continue
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # `ipy` has something to say
                module = importlib.import_module(info.name)
        except ImportError as error:
            sys.exit(f"{info.name} cannot be imported here: {error}")
        facts[info.name] = own(module)
    scope = importlib.import_module("hyperopt.pyll").scope
    symbols = {name: parameters(function) for name, function in sorted(scope._impls.items())}
    # One line a name, so that a new version of Hyperopt can be compared by reading.
    facts["scope"] = symbols
    parts = [
        f" {json.dumps(module)}: {{\n"
        + ",\n".join(f"  {json.dumps(name)}: {json.dumps(what)}" for name, what in sorted(names.items()))
        + "\n }"
        for module, names in facts.items()
    ]
    print("{\n" + ",\n".join(parts) + "\n}")


if __name__ == "__main__":
    main()
