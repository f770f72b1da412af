"""Commands, Python and the documentation say the same."""

from __future__ import annotations

import importlib
import inspect
import runpy
from pathlib import Path

import click
import pytest

from parzen.cli._main import SPELLS, main

COMMANDS = list(main.commands.items())


def test_the_page_is_what_the_commands_make(root: Path) -> None:
    """Written anew by `python docs/make_command_line.py`."""
    made = runpy.run_path(str(root / "docs" / "make_command_line.py"))

    assert (root / "docs" / "command-line.md").read_text(encoding="utf-8") == made["page"]()


def test_every_command_says_what_it_spells() -> None:
    """No more and no fewer than there are."""
    assert list(SPELLS) == list(main.commands)


@pytest.mark.parametrize(("name", "method"), SPELLS.items())
def test_what_a_command_spells_is_there(name: str, method: str | None) -> None:
    """A function or method that has a docstring."""
    if method is None:
        return
    module, _, path = method.partition(".Study.") if ".Study." in method else method.rpartition(".")
    thing = importlib.import_module(module)
    for part in ["Study", path] if ".Study." in method else [path]:
        thing = getattr(thing, part)

    assert inspect.getdoc(thing)


@pytest.mark.parametrize(("name", "command"), COMMANDS)
def test_every_command_and_option_explains_itself(name: str, command: click.Command) -> None:
    """In the help, and so on the page."""
    assert inspect.cleandoc(command.help or "")
    assert [option.name for option in command.params if isinstance(option, click.Option) and not option.help] == []


@pytest.mark.parametrize(("name", "command"), COMMANDS)
def test_every_command_that_prints_prints_json(name: str, command: click.Command) -> None:
    """Those that do not, print nothing but what people look at."""
    flags = {flag for option in command.params if isinstance(option, click.Option) for flag in option.opts}

    assert "--json" in flags or name == "completion"
