"""A floor imports only floors below it, rooms on one floor do not import each other, and no import goes in a circle.

The test reads the source, so that imports inside functions and those for type checkers are seen as well.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[1] / "src"

# From the bottom up.  Each entry is a room, each line a floor.
FLOORS = (
    ("errors", "_typing", "_clock", "_html", "_lazy", "_magnitude", "_processes", "_wording"),
    ("space",),
    ("trials",),
    ("log",),
    ("algorithms", "pruners", "storages", "feedback"),
    ("analysis",),
    ("plots",),
    ("report",),
    ("run",),
    ("study",),
    ("hyperopt", "integrations", "programs", "dashboard", "cli", "testing"),
)
GROUND = FLOORS[0]  # may import each other as far as there is no circle
# Modules that are the public face of a room.
ROOM_OF_MODULE = {"hp": "space", "stopping": "run", "__main__": "cli"}
FRONT_DOOR = "parzen"
# Calls back, inside a function, to a module that needs this one to load; each with its reason.
CALLS_BACK = {
    # `Trials.fmin` is Hyperopt's: a method of what `fmin` is given
    ("parzen.hyperopt._trials", "parzen.hyperopt.fmin"),
    # only `Trials(storage=...)` needs what reads a study
    ("parzen.hyperopt._trials", "parzen.hyperopt._stored"),
}


@dataclass(frozen=True)
class Import:
    """One import of one module by another.

    Attributes:
        when: "module" (as it loads), "function" (when it is called) or "typing" (never, for type checkers).
    """

    importer: str
    imported: str
    when: str
    line: int

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported} ({self.when})"


def _modules() -> dict[str, Path]:
    found = {}
    for path in sorted((SRC / "parzen").rglob("*.py")):
        parts = path.relative_to(SRC).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = _modules()


def _is_typing(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _imports_in(module: str, body: list[ast.stmt], when: str) -> Iterator[Import]:
    for node in body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, alias.name, when, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno} imports relatively; this project writes paths in full"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield Import(module, inner if inner in MODULES else str(node.module), when, node.lineno)
        elif isinstance(node, ast.If) and _is_typing(node.test):
            yield from _imports_in(module, node.body, "typing")
            yield from _imports_in(module, node.orelse, when)
        else:
            inside = "function" if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else when
            for name in ("body", "orelse", "finalbody"):
                yield from _imports_in(module, getattr(node, name, []) or [], inside)
            for handler in getattr(node, "handlers", []):
                yield from _imports_in(module, handler.body, inside)


def _all_imports() -> list[Import]:
    found = []
    for module, path in MODULES.items():
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        found += [one for one in _imports_in(module, tree.body, "module") if one.imported.split(".")[0] == "parzen"]
    return found


IMPORTS = _all_imports()


def _room(module: str) -> str:
    name = module.split(".")[1]
    return ROOM_OF_MODULE.get(name, name)


def _floor(room: str) -> int:
    for height, rooms in enumerate(FLOORS):
        if room in rooms:
            return height
    raise AssertionError(f"the room {room!r} stands on no floor: put it into FLOORS, and into docs/architecture.md")


def _breaches(when: str) -> list[str]:
    found = []
    for one in IMPORTS:
        if one.when != when or one.importer == FRONT_DOOR:
            continue
        here = _room(one.importer)
        if one.imported == FRONT_DOOR:
            # A door may ask which version this is; whoever is below would have the whole house above it.
            if _floor(here) < len(FLOORS) - 1:
                found.append(f"{one}: the front door is above everything")
            continue
        there = _room(one.imported)
        if here == there or (here in GROUND and there in GROUND):
            continue
        if here == "cli" and when == "function" and _floor(there) == _floor(here):
            continue  # a command may be a spelling of what another door does
        if _floor(there) == _floor(here):
            found.append(f"{one}: rooms on one floor do not import each other")
        elif _floor(there) > _floor(here):
            found.append(f"{one}: {there} is above {here}")
    return found


@pytest.mark.parametrize("when", ["module", "function", "typing"])
def test_a_floor_imports_only_floors_below_it(when: str) -> None:
    """Imports point down, those inside functions and those for type checkers too."""
    assert _breaches(when) == []


def _circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """Strongly connected parts of more than one module (Tarjan 1972, without recursion)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []
    for root, children in edges.items():
        if root in index:
            continue
        index[root] = low[root] = len(index)
        stack.append(root)
        work = [(root, iter(sorted(children)))]
        while work:
            node, rest = work[-1]
            for child in rest:
                if child not in index:
                    index[child] = low[child] = len(index)
                    stack.append(child)
                    work.append((child, iter(sorted(edges[child]))))
                    break
                if child in stack:
                    low[node] = min(low[node], index[child])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    part = stack[stack.index(node) :]
                    del stack[stack.index(node) :]
                    if len(part) > 1 or node in edges[node]:
                        found.append(sorted(part))
    return found


def _edges(*when: str) -> dict[str, set[str]]:
    edges: dict[str, set[str]] = {module: set() for module in MODULES}
    for one in IMPORTS:
        # The front door hands names out when they are touched; which version this is, any door may ask.
        if one.when in when and FRONT_DOOR not in (one.importer, one.imported):
            assert one.imported in MODULES, f"{one}, which does not exist"
            edges[one.importer].add(one.imported)
    return edges


def test_no_import_goes_in_a_circle() -> None:
    """No module needs itself to load, nor when one of its functions runs."""
    assert _circles(_edges("module")) == []

    edges = _edges("module", "function")
    for importer, imported in CALLS_BACK:
        assert imported in edges[importer], (
            f"{importer} does not call back to {imported} any more: take it off the list"
        )
        edges[importer].discard(imported)

    assert _circles(edges) == []


def test_circles_are_found() -> None:
    """The search for circles would find one."""
    assert _circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert _circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_every_module_stands_on_a_floor() -> None:
    """A new folder has to say where it belongs."""
    for module in MODULES:
        if module != FRONT_DOOR:
            _floor(_room(module))


def test_all_kinds_of_imports_are_seen() -> None:
    """The reader of sources tells when an import happens."""
    kinds = {(one.importer, one.imported): one.when for one in IMPORTS}

    assert kinds["parzen.study._study", "parzen.run"] == "module"
    assert kinds["parzen.space._space", "parzen.space._codec"] == "function"
    assert kinds["parzen.study._result", "parzen.study._study"] == "typing"
