"""Write docs/command-line.md from the commands themselves, as in `python docs/make_command_line.py`.

tests/cli/test_reference.py holds that the page is what this makes.
"""

from __future__ import annotations

import inspect
from pathlib import Path

import click

from parzen.cli._main import SPELLS, main
from parzen.cli._status import MEANINGS

PAGE = Path(__file__).resolve().parent / "command-line.md"

_HEAD = """\
# Command line

Written by `python docs/make_command_line.py` from the commands themselves.

STUDYFILE_OR_URL is what was given as `storage=`: a path such as `study.db`, or a URL such as `postgresql://host/name`.
Every command takes `--help`; `parzen --version` says which parzen it is; `python -m parzen` is the same command.
With `--json` a command prints JSON on stdout and nothing else there.
An error is one line on stderr; where a command was called wrongly, its usage stands above it.

## Exit status

| status | meaning |
|---|---|
"""

_COMPLETION = """
## Completion

Shells complete commands, options and the names of studies:

```text
eval "$(parzen completion bash)"                              # in ~/.bashrc
eval "$(parzen completion zsh)"                               # in ~/.zshrc
parzen completion fish > ~/.config/fish/completions/parzen.fish
```
"""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _option(option: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    kind = option.type
    values = ""
    if isinstance(kind, click.Choice):
        values = f" ({', '.join(map(str, kind.choices))})"
    elif not option.is_flag and option.metavar:
        values = f" ({option.metavar})"
    default = f" (default {option.default})" if option.show_default and option.default is not None else ""
    several = " May be given several times." if option.multiple else ""
    required = " Required." if option.required else ""
    return f"| {names}{_cell(values)} | {_cell(option.help or '')}{_cell(default)}{several}{required} |"


def _command(name: str, command: click.Command) -> str:
    arguments = [a.make_metavar(click.Context(command)) for a in command.params if isinstance(a, click.Argument)]
    options = [_option(o) for o in command.params if isinstance(o, click.Option) and not o.hidden]
    text = inspect.cleandoc(command.help or "").replace("\b\n", "")
    # One sentence a line, as everywhere in the documentation; what is indented stays as it is.
    blocks = []
    for block in text.split("\n\n"):
        lines = block.splitlines()
        if all(line.startswith("  ") for line in lines):
            blocks.append("```text\n" + inspect.cleandoc(block) + "\n```")
        else:
            blocks.append(" ".join(line.strip() for line in lines).replace(".  ", ".\n"))
    parts = [f"## `{' '.join(['parzen', name, *arguments])}`", *blocks]
    method = SPELLS.get(name)
    if method is not None:
        parts.append(f"In Python: `{method.removeprefix('parzen.')}`.")
    if options:
        parts.append("\n".join(["| option | what it does |", "|---|---|", *options]))
    return "\n\n".join(parts) + "\n"


def page() -> str:
    """The page as it should be."""
    statuses = "".join(f"| {status} | {meaning} |\n" for status, meaning in MEANINGS.items())
    commands = "\n".join(_command(name, command) for name, command in main.commands.items())
    return f"{_HEAD}{statuses}{_COMPLETION}\n{commands}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
