"""parzen under the name `hyperopt`, for programs and libraries that are not to be touched.

A finder at the head of `sys.meta_path` answers for `hyperopt` and everything below it with the modules of `parzen.hyperopt`:
the objects themselves, so that a class is the same class by whichever name it was reached.  What differs from an ordinary
import is that these modules exist already, and importlib writes into what it believes to be new: `__spec__` of the module,
and the parent's attribute of that name.  The finder's loader puts the first back; the second matters once, for
`hyperopt.fmin`, which is a function as an attribute and a module in `sys.modules`.  That module is loaded with the door and
entered into `sys.modules` beforehand, so that importlib never gets to set it.

Child processes start without the finder.  They are reached by a folder, `_as_hyperopt`, which holds a package `hyperopt`
of a few lines that calls `install_as_hyperopt` again.  The folder goes to `PYTHONPATH`, for processes that start a fresh
interpreter (Ray, Spark, subprocess), and to `sys.path`, which multiprocessing and loky hand to the children they spawn.  It
also has the metadata from which `importlib.metadata.version("hyperopt")` reads 0.3.0.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import threading
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import parzen.hyperopt
from parzen.errors import AlreadyImported

__all__ = ["install_as_hyperopt"]

_NAME = "hyperopt"
_REAL = parzen.hyperopt.__name__
_FOLDER = Path(__file__).resolve().parent / "_as_hyperopt"
# Two threads must not both find that the finder is missing.
_LOCK = threading.Lock()


def install_as_hyperopt() -> None:
    """Make `import hyperopt`, and every import below it, mean parzen: in this process and in those it starts from now on.

    Call it before anything imports Hyperopt.  Calling it again does nothing.  Processes that run already (the workers of a
    cluster) need a call of their own; for Ray that is `runtime_env={"worker_process_setup_hook":
    parzen.install_as_hyperopt}`.

    Raises:
        AlreadyImported: another module called `hyperopt` is loaded.  Nothing has been changed then.
    """
    with _LOCK:
        _check_that_the_name_is_free()
        if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
            sys.meta_path.insert(0, _Finder())
        for name, module in tuple(sys.modules.items()):
            if name == _REAL or name.startswith(f"{_REAL}."):
                sys.modules[_alias_of(name)] = module
        folder = str(_FOLDER)
        if folder not in sys.path:
            sys.path.insert(0, folder)
        inherited = os.environ.get("PYTHONPATH", "")
        if folder not in inherited.split(os.pathsep):
            os.environ["PYTHONPATH"] = os.pathsep.join([folder, inherited] if inherited else [folder])
        _tell_a_running_spark(folder)


def _alias_of(name: str) -> str:
    return _NAME + name[len(_REAL) :]


def _check_that_the_name_is_free() -> None:
    for name, module in tuple(sys.modules.items()):
        if (name != _NAME and not name.startswith(f"{_NAME}.")) or module is None:
            continue
        if module is sys.modules.get(_REAL + name[len(_NAME) :]):
            continue
        where = getattr(module, "__file__", None) or "somewhere"
        if name == _NAME and Path(where).parent.parent == _FOLDER:
            continue  # the package of the folder, which is calling this
        raise AlreadyImported(
            f"parzen cannot stand in for Hyperopt, because a module called {name!r} has been imported already, from "
            f"{where}: call parzen.install_as_hyperopt() at the start of the program, before anything imports hyperopt",
            module=name,
        )


def _tell_a_running_spark(folder: str) -> None:
    """Python workers of a Spark that was started before are told by its context; notebooks begin with one."""
    core = sys.modules.get("pyspark.core.context") or sys.modules.get("pyspark.context")
    context = getattr(getattr(core, "SparkContext", None), "_active_spark_context", None)
    environment = getattr(context, "environment", None)
    if isinstance(environment, dict):
        inherited = environment.get("PYTHONPATH", "")
        if folder not in inherited.split(os.pathsep):
            environment["PYTHONPATH"] = os.pathsep.join([folder, inherited] if inherited else [folder])


class _Finder(MetaPathFinder):
    """Answers for `hyperopt` and below with what `parzen.hyperopt` has there."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """How to load a module, or None where it is not ours."""
        if fullname != _NAME and not fullname.startswith(f"{_NAME}."):
            return None
        real = importlib.util.find_spec(_REAL + fullname[len(_NAME) :])
        if real is None:
            return None
        is_package = real.submodule_search_locations is not None
        spec = ModuleSpec(fullname, _Loader(real.name), origin=real.origin, is_package=is_package)
        spec.submodule_search_locations = real.submodule_search_locations
        return spec


class _Loader(Loader):
    """Hands out a module that importlib knows by another name."""

    def __init__(self, real: str) -> None:
        self._real = real
        self._spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module itself; importlib is going to overwrite its `__spec__`."""
        module = importlib.import_module(self._real)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to execute; the module's own `__spec__` comes back."""
        module.__spec__ = self._spec
