"""`parzen replay`: was what was tried what the algorithm proposes?"""

from __future__ import annotations

import dataclasses
import json

import click

from parzen.cli._status import FOUND
from parzen.study import Study

__all__ = ["replay"]


@click.command()
@click.argument("storage", metavar="STUDYFILE_OR_URL")
@click.option("--name", default=None, help="Name of the study; may be left out where the file holds one.")
@click.option("--algorithm", default=None, help="What proposed, where the log does not say, such as tpe.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def replay(ctx: click.Context, storage: str, name: str | None, algorithm: str | None, as_json: bool) -> None:
    """Recompute all proposals of a study, and compare.

    They are recomputed from the study's log: was what was tried what the algorithm proposes?

    Exit status: 0 all match, 7 some differ or cannot be recomputed.
    """
    result = Study.load(storage, name, readonly=True).replay(algorithm)
    if as_json:
        click.echo(json.dumps({**dataclasses.asdict(result), "matches": result.matches}))
    else:
        click.echo(str(result))
    if not result.matches:
        ctx.exit(FOUND)
