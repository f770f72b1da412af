"""The documentation is true: its programs run, its links lead somewhere, and it names everything that is public."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import parzen

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("changes.d/*.md"), *ROOT.glob("benchmarks/*.md")]
)
REFERENCE = ROOT / "docs" / "reference.md"
MODULES = ["parzen"] + [
    f"parzen.{info.name}" for info in pkgutil.iter_modules(parzen.__path__) if not info.name.startswith("_")
]
# Of these, every method and property is part of what people use.
SPELLED_OUT = ("Evaluation", "History", "Result", "Space", "Study", "Trial", "TrialView")

_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _program(page: Path) -> str:
    """The Python of a page as one program, each block on the lines where it stands in the page."""
    text = page.read_text(encoding="utf-8")
    lines = [""] * (text.count("\n") + 1)
    for block in _FENCE.finditer(text):
        if block[1] == "python":
            first = text.count("\n", 0, block.start(2))
            for i, line in enumerate(block[2].splitlines()):
                lines[first + i] = line
    return "\n".join(lines) + "\n"


WITH_PROGRAMS = [page for page in PAGES if _program(page).strip()]


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=pytest.mark.slow if page.parent.name == "how-to" else ()) for page in WITH_PROGRAMS],
    ids=_name,
)
def test_the_programs_of_a_page_run(
    page: Path, tmp_path: Path, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """All Python on a page, one block after the other, in an empty folder and with warnings as errors."""
    program = tmp_path / f"{page.stem}.py"
    program.write_text(_program(page), encoding="utf-8")
    done = run_python(program)

    assert done.returncode == 0, f"{_name(page)}, lines as in the page:\n{done.stderr[-3000:]}"


def test_the_first_program_of_the_readme_is_an_example_and_of_ten_lines() -> None:
    """What the README shows first is what examples/first.py runs."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = next(block[2] for block in _FENCE.finditer(readme) if block[1] == "python")
    example = (ROOT / "examples" / "first.py").read_text(encoding="utf-8").split('"""\n', 1)[1]

    assert [line for line in shown.splitlines() if line] == [line for line in example.splitlines() if line]
    assert len(shown.splitlines()) <= 10


def test_the_readme_has_the_two_commands() -> None:
    """One installs and runs a search, the other installs and runs the tests; .ci/run reads the second."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = [block[2].strip() for block in _FENCE.finditer(readme) if block[1] == "sh"]

    assert commands[:2] == ['pip install ".[examples]" && python examples/wine.py', 'pip install ".[test]" && pytest']


def _anchor(heading: str) -> str:
    """How a heading is addressed in a link."""
    text = re.sub(r"[`*]", "", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    """Every link within the clone has a file, and a heading where it names one."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    broken = []
    for link in _LINK.findall(text):
        if "://" in link:
            continue
        where, _, anchor = link.partition("#")
        target = (page.parent / where).resolve() if where else page
        there = target.exists() and ROOT in [target, *target.parents]
        if there and anchor:
            there = anchor in map(_anchor, _HEADING.findall(target.read_text(encoding="utf-8")))
        if not there:
            broken.append(link)

    assert broken == []


def test_every_page_is_in_the_index() -> None:
    """Whoever begins at docs/README.md finds all of them."""
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    linked = {(ROOT / "docs" / link.partition("#")[0]).resolve() for link in _LINK.findall(index) if "://" not in link}
    pages = {page for page in (ROOT / "docs").rglob("*.md") if page.name != "README.md" and page.parent.name != "ci"}

    assert pages - linked == set()


def _section(module: str) -> str:
    """What the reference says under a module's heading."""
    text = REFERENCE.read_text(encoding="utf-8")
    match = re.search(rf"^## `{re.escape(module)}`\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert match, f"docs/reference.md has no section for {module}"
    return match[1]


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_in_the_reference(module: str) -> None:
    """Each name of `__all__` is explained in its module's section, in back-ticks."""
    section = _section(module)
    missing = [name for name in importlib.import_module(module).__all__ if not re.search(rf"`{name}[`(]", section)]

    assert missing == []


@pytest.mark.parametrize("module", MODULES)
def test_the_reference_names_nothing_that_is_gone(module: str) -> None:
    """The first column of a table holds names that exist."""
    loaded = importlib.import_module(module)
    table = _section(module).partition("\n### ")[0]
    named = re.findall(r"^\| `(\w+)[`(]", table, re.MULTILINE)

    assert [name for name in named if name not in loaded.__all__] == []


def _members(thing: type) -> Iterator[str]:
    for key in dir(thing):
        if not key.startswith("_"):
            yield key


@pytest.mark.parametrize("name", SPELLED_OUT)
def test_every_method_of_what_people_hold_in_hand_is_in_the_reference(name: str) -> None:
    """Of the classes that people meet every day, each public attribute is named."""
    thing = getattr(importlib.import_module("parzen.study"), name, None) or getattr(parzen, name)
    text = REFERENCE.read_text(encoding="utf-8")
    match = re.search(rf"^### `{name}`\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)

    assert match, f"docs/reference.md has no part for {name}"
    missing = [key for key in _members(thing) if not re.search(rf"`\.{key}[`(]", match[1])]
    assert missing == []
