"""Every public name of Hyperopt 0.3.0 is here, and takes what it takes there.

What Hyperopt has is in tests/reference/hyperopt-0.3.0.json, written by tests/reference/signatures.py.  Keyword-only arguments
may be added; every other difference is listed below, with its reason.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

REFERENCE = Path(__file__).resolve().parents[1] / "reference"


def _reader() -> ModuleType:
    spec = importlib.util.spec_from_file_location("parzen_reference_signatures", REFERENCE / "signatures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


READER = _reader()
FACTS: dict[str, dict[str, Any]] = json.loads((REFERENCE / "hyperopt-0.3.0.json").read_text(encoding="utf-8"))
SYMBOLS = FACTS.pop("scope")
_DOOR: Any = importlib.import_module("parzen.hyperopt")

# Modules of which only the names that other tests use are here, and why.
PARTLY = {
    "hyperopt.mongoexp": "MongoDB's successor is Trials(storage=..., name=...) with `parzen worker`; the classes say so",
    "hyperopt.rdists": "statistics for Hyperopt's own tests",
    "hyperopt.ipy": "does not work with today's ipyparallel in Hyperopt either; the class says what to use",
}
# Names that are not here, and why.
_LIGHTGBM = "part of Hyperopt's adaptive TPE, a LightGBM model; parzen's makes its choice from the losses so far"
_SAMPLER = "one of Hyperopt's estimators for a family; `adaptive_parzen_samplers` and the core's distributions remain"
ABSENT = {
    "hyperopt.atpe_models": "the folder of LightGBM's model files, which parzen's adaptive TPE does not need",
    "hyperopt.atpe.ATPEOptimizer": _LIGHTGBM,
    "hyperopt.atpe.ClosedNamedTempFile": _LIGHTGBM,
    "hyperopt.atpe.Hyperparameter": _LIGHTGBM,
    "hyperopt.pyll.base.np_versions": "numpy's version as two numbers, for a numpy of 2011",
    "hyperopt.pyll.stochastic.ERR": "printed to stderr while Hyperopt was debugged",
    "hyperopt.vectorize.ERR": "the same",
    "hyperopt.vectorize.stoch": "the set of the names of the draws, which is `stochastic.implicit_stochastic_symbols`",
    "hyperopt.vectorize.vectorize_stochastic": "a step of VectorizeHelper's own",
    **{
        f"hyperopt.tpe.ap_{family}_sampler": _SAMPLER
        for family in (
            "categorical loglognormal loguniform normal qlognormal qloguniform qnormal quniform randint uniform".split()
        )
    },
}
# What these modules import from others of Hyperopt for their own use need not be found in them.
INCIDENTAL = (
    "hyperopt.algobase hyperopt.anneal hyperopt.atpe hyperopt.graph_viz hyperopt.plotting hyperopt.progress "
    "hyperopt.sklearn hyperopt.spark hyperopt.vectorize"
).split()
# Names whose arguments differ, and why.
_NUMPY = "numpy's function itself, which names its arguments otherwise and takes them by position"
_MACHINE = "machinery of Hyperopt's own estimator: importable, and says what to use instead when it is called"
_FACTS = "parzen's own class under Hyperopt's name: takes a sentence, and has `.result`"
DIFFERENT: dict[str, str] = {
    "hyperopt.anneal.AnnealingAlgo": "the rule is the core's; there are no methods, one a family, to override",
    "hyperopt.exceptions.InvalidAnnotatedParameter": _FACTS,
    "hyperopt.exceptions.InvalidLoss": _FACTS,
    "hyperopt.exceptions.InvalidResultStatus": _FACTS,
    "hyperopt.exceptions.InvalidTrial": "takes a sentence and the document, by position as in Hyperopt; `obj` is optional",
    "hyperopt.pyll.base.Apply.__init__": "`named_args` may be left out, and there is one more argument of our own at the end",
    "hyperopt.pyll.base.Literal.__init__": "one more argument of our own at the end",
    "hyperopt.pyll.base.Literal.obj": "an attribute of each node, no property of the class",
    "hyperopt.pyll.base.SymbolTable": "symbols are found when they are named, so that the class has no method for each",
    "hyperopt.pyll.base.SymbolTableEntry": "made by `scope` alone, and there is one",
    "hyperopt.pyll.base.call": "a default that is a dict would be shared by all calls",
    "hyperopt.pyll.base.pow": "Python's own function, by position",
    "hyperopt.spark.SparkTrials.fmin": "what Hyperopt leaves without a default has the default of `Trials.fmin`",
    "hyperopt.std_out_err_redirect_tqdm.DummyTqdmFile": "what is not written down is handed to the file itself",
    "hyperopt.vectorize.VectorizeHelper": "without the methods by which Hyperopt checks itself",
    **{f"hyperopt.pyll.base.{name}": _NUMPY for name in "cos exp log maximum minimum sin sqrt tan".split()},
    **{
        f"hyperopt.tpe.{name}": _MACHINE
        for name in (
            "GMM1 GMM1_lpdf LGMM1 LGMM1_lpdf adaptive_parzen_normal adaptive_parzen_normal_orig build_posterior "
            "build_posterior_wrapper lognormal_lpdf qlognormal_lpdf".split()
        )
    },
}

# Modules that need a package which may not be there.
NEEDS = {"hyperopt.sklearn": "sklearn", "hyperopt.rdists": "scipy"}

CASES = [
    (module, name)
    for module, names in FACTS.items()
    for name in names
    if module not in ABSENT
    and module not in PARTLY
    and f"{module}.{name}" not in ABSENT
    and not (module in INCIDENTAL and isinstance(names[name], str) and names[name] != "value")
]


def _ours(module: str) -> ModuleType:
    if module in NEEDS:
        pytest.importorskip(NEEDS[module])
    return importlib.import_module(f"parzen.{module}")


def _same(ours: list[str] | None, theirs: list[str]) -> bool:
    """Equal, but for keyword-only parameters that we add, and for names where Hyperopt has only `*args, **kwargs`."""
    if ours is None:
        return False
    if theirs[-2:] == ["*args", "**kwargs"] and theirs != ours:
        return ours[: len(theirs) - 2] == theirs[:-2]
    mark = READER.MARKS["KEYWORD_ONLY"]
    return [one for one in ours if not one.startswith(mark) or one in theirs] == theirs


def _differences(where: str, ours: Any, theirs: Any) -> list[str]:
    if theirs in {"module", "value"} if isinstance(theirs, str) else theirs is None:
        return []
    if isinstance(theirs, list):
        if not callable(ours):
            return [f"{where} is not callable"]
        mine = READER.parameters(ours)
        return [] if _same(mine, theirs) else [f"{where} takes {mine}, Hyperopt's takes {theirs}"]
    found = []
    for name, wanted in theirs.items():
        place = f"{where}.{name}"
        if place in DIFFERENT:
            continue
        if not hasattr(ours, name):
            found.append(f"{place} is not there")
            continue
        member = inspect.getattr_static(ours, name)
        if name.startswith("__") and name not in {"__init__", "__call__"}:
            continue  # Python calls these by position
        if wanted == "property":
            # A plain attribute of the class reads the same.
            if inspect.isfunction(member):
                found.append(f"{place} is a method, Hyperopt's is a property")
            continue
        if isinstance(member, (staticmethod, classmethod)):
            member = member.__func__
        found += _differences(place, member, wanted)
    return found


@pytest.mark.parametrize(("module", "name"), CASES)
def test_a_name_takes_what_it_takes_in_hyperopt(module: str, name: str) -> None:
    """The same parameters in the same order, of the same kind, with the same defaults; methods likewise."""
    theirs = FACTS[module][name]
    if isinstance(theirs, str) and theirs.startswith("from "):
        home, _, original = theirs.removeprefix("from ").rpartition(".")

        assert getattr(_ours(module), name) is getattr(_ours(home), original)
        return
    ours = getattr(_ours(module), name)
    where = f"{module}.{name}"

    assert where in DIFFERENT or _differences(where, ours, theirs) == []


@pytest.mark.parametrize("name", SYMBOLS)
def test_a_symbol_is_in_the_scope(name: str) -> None:
    """`scope.NAME` makes a node, for every symbol that Hyperopt defines itself."""
    for module in FACTS:  # symbols come with the modules that define them
        if module not in ABSENT and module not in NEEDS:
            importlib.import_module(f"parzen.{module}")
    scope = sys.modules["parzen.hyperopt.pyll"].scope

    assert f"scope.{name}" in ABSENT or callable(getattr(scope, name))


def test_a_star_import_gives_what_hyperopts_gives() -> None:
    """All names of the package but those that are listed as absent, and the modules that need other packages."""
    given = {name for name in FACTS["hyperopt"] if f"hyperopt.{name}" not in ABSENT and not name.startswith("_")}
    namespace: dict[str, Any] = {}
    exec("from parzen.hyperopt import *", namespace)  # a star is only allowed at the top of a module

    assert given - set(namespace) <= {"ipy", "mongoexp", "sklearn"}
    assert sorted(_DOOR.__all__) == sorted({*_DOOR._HOMES, "fmin"} - {*_DOOR._BY_NAME_ONLY})


@pytest.mark.parametrize("where", DIFFERENT)
def test_a_listed_difference_is_one(where: str) -> None:
    """A reason whose difference has gone comes off the list."""
    home = max((module for module in FACTS if where.startswith(f"{module}.")), key=len)
    ours, theirs = _ours(home), FACTS[home]
    for part in where[len(home) + 1 :].split("."):
        ours = inspect.getattr_static(ours, part, None)
        theirs = theirs[part]
    if isinstance(ours, (staticmethod, classmethod)):
        ours = ours.__func__
    listed = DIFFERENT.pop(where)
    try:
        found = ours is None or _differences(where, ours, theirs)
    finally:
        DIFFERENT[where] = listed

    assert found, f"{where} does not differ any more"


@pytest.mark.parametrize("where", [*ABSENT, *DIFFERENT, *PARTLY])
def test_a_listed_difference_is_in_the_documentation(where: str) -> None:
    """`docs/coming-from-hyperopt.md` names it."""
    page = (REFERENCE.parents[1] / "docs" / "coming-from-hyperopt.md").read_text(encoding="utf-8")
    owner, _, name = where.removeprefix("hyperopt.").rpartition(".")
    names = {name, f"{owner.rpartition('.')[2]}.{name}", where.removeprefix("hyperopt.")}

    assert any(f"`{one}`" in page for one in names)
