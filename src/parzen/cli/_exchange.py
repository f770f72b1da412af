"""Commands that write tables for other programs, and read theirs."""

from __future__ import annotations

import os

import click

from parzen.cli._output import JSON, NAME, WHERE, opened, print_json, print_text
from parzen.errors import StudyError
from parzen.study._exporting import FORMATS, STDOUT, format_of

__all__ = ["export", "import_"]


@click.command()
@WHERE
@NAME
@click.option(
    "-o",
    "--output",
    default=None,
    type=click.Path(),
    help="File to write, replaced as a whole; - is stdout. [default: -]",
)
@click.option(
    "--format", "kind", type=click.Choice(FORMATS), default=None, help="Else by the file's ending; csv on stdout."
)
@JSON
def export(storage: str, name: str | None, output: str | None, kind: str | None, as_json: bool) -> None:
    """Write all trials as a table: CSV, Parquet or JSON lines."""
    path = STDOUT if output is None else output
    if path == STDOUT:
        kind = kind or ("jsonl" if as_json else "csv")
    if path != STDOUT:
        try:
            format_of(path, kind)
        except StudyError as error:
            raise click.UsageError(str(error)) from None
    with opened(storage, name) as study:
        count = study.export(path, kind)
        if path == STDOUT:  # what was asked for is there
            return
        if as_json:
            print_json({"trials": count, "path": os.path.abspath(path), "format": format_of(path, kind)})
        else:
            print_text(f"wrote {count} trials to {path}")


@click.command("import")
@click.argument("table", metavar="TABLE", type=click.Path())
@WHERE
@NAME
@JSON
def import_(table: str, storage: str, name: str | None, as_json: bool) -> None:
    """Take the trials of a table, or of another study's file, into a study.

    They are known from then on, algorithms learn from them, and they do not count towards its trials.  TABLE ends in .csv,
    .parquet or .jsonl and has a column loss and one for each parameter; anything else is a study.
    """
    with opened(storage, name, readonly=False) as study:
        before = len(study.history)
        count = study.import_trials(table)
        key = f"file {os.path.basename(table)}"
        left_out = study.history.notes.get(key)
        if as_json:
            record = {"trials": count, "study": study.name, "before": before, "left out": left_out}
            print_json(record)
            return
        known = "; what it has already is not taken in twice" if not count and before else ""
        print_text(f"{count} trials are new in {study.name!r}{known}")
        print_text(*([str(left_out)] if left_out is not None else []))
