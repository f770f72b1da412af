"""Commands that write tables for other programs, and read theirs."""

from __future__ import annotations

import os
from collections.abc import Mapping

import click

from parzen._wording import counted
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
    "--format",
    "kind",
    type=click.Choice(FORMATS),
    default=None,
    help="Format; else by the file's ending, and csv on stdout.",
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
            print_text(f"wrote {counted(count, 'trial')} to {path}")


@click.command("import")
@click.argument("table", metavar="TABLE", type=click.Path())
@WHERE
@NAME
@JSON
def import_(table: str, storage: str, name: str | None, as_json: bool) -> None:
    """Take the trials of a table or another study into a study.

    They are known from then on, algorithms learn from them, and they do not count towards its trials.  TABLE ends in .csv,
    .parquet or .jsonl and has a column loss and one for each parameter; anything else is a study.
    """
    with opened(storage, name, readonly=False) as study:
        before, said = len(study.history), dict(study.history.notes)
        count = study.import_trials(table)
        left_out = _left_out(f"file {os.path.basename(table)}", said, study.history.notes)
        if as_json:
            record = {"trials": count, "study": study.name, "before": before, "left out": left_out}
            print_json(record)
            return
        had = not count and before and not (left_out or "").startswith("none of")
        known = "; what it has already is not taken in twice" if had else ""
        print_text(f"{counted(count, 'trial')} {'is' if count == 1 else 'are'} new in {study.name!r}{known}")
        print_text(*([left_out] if left_out is not None else []))


def _left_out(file: str, before: Mapping[str, object], after: Mapping[str, object]) -> str | None:
    """What the study has noted of this import's rows that are not of its space.

    The note of a table is always of the last import; that of another study is made when there is something new to it.
    """
    new = [str(text) for key, text in after.items() if key.startswith("earlier study ") and before.get(key) != text]
    return next((text for text in [str(after.get(file, "")), *new] if "first because" in text), None)
