"""What a shell needs to complete the words of a command."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

__all__ = ["completion"]


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands and names.

    Commands, options and the names of studies are completed.

    For bash: eval "$(parzen completion bash)", in ~/.bashrc to keep it.
    """
    made = get_completion_class(shell)
    assert made is not None
    root = ctx.find_root()
    click.echo(made(root.command, {}, "parzen", "_PARZEN_COMPLETE").source())
