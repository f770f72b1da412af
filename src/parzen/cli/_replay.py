"""`parzen replay`: was what was tried what the algorithm proposes?"""

from __future__ import annotations

import dataclasses

import click

from parzen.cli._output import JSON, NAME, WHERE, print_json
from parzen.cli._status import FOUND
from parzen.study import Study

__all__ = ["replay"]


@click.command()
@WHERE
@NAME
@click.option("--algorithm", default=None, help="What proposed, where the log does not say, such as tpe.")
@JSON
@click.pass_context
def replay(ctx: click.Context, storage: str, name: str | None, algorithm: str | None, as_json: bool) -> None:
    """Recompute all proposals of a study, and compare.

    They are recomputed from the study's log: was what was tried what the algorithm proposes?

    Exit status: 0 all match, 7 some differ or cannot be recomputed.
    """
    result = Study.load(storage, name, readonly=True).replay(algorithm)
    if as_json:
        print_json({**dataclasses.asdict(result), "matches": result.matches})
    else:
        click.echo(str(result))
    if not result.matches:
        ctx.exit(FOUND)
