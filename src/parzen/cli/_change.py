"""Commands that change what is kept: which studies there are, what they try next."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import click
import numpy as np

from parzen._wording import counted
from parzen.cli._output import JSON, NAME, WHERE, opened, params_text, print_json, print_text, tell_of_budget
from parzen.errors import OutOfSpace
from parzen.space import Space
from parzen.study._records import header_record, trial_record

__all__ = ["copy", "delete", "enqueue", "rename"]


@click.command()
@WHERE
@click.argument("target", metavar="TARGET", type=click.Path())
@NAME
@click.option("--as", "new_name", default=None, help="Name of the copy; else that of the original.")
@JSON
def copy(storage: str, target: str, name: str | None, new_name: str | None, as_json: bool) -> None:
    """Copy a study to another file, or under another name.

    TARGET is a file or a URL; it may be the same one, with --as.  What is running in the original waits in the copy, which goes its own way from there.
    """
    with opened(storage, name) as study:
        made = study.copy(target, new_name)
        if as_json:
            print_json({**header_record(made.header), "trials": len(made.history), "location": made.location})
        else:
            print_text(
                f"copied {study.name!r} to {made.name!r} in {made.location}: {counted(len(made.history), 'trial')}"
            )
        made.storage.close()


@click.command()
@WHERE
@click.argument("new_name", metavar="NEW_NAME")
@NAME
@JSON
def rename(storage: str, new_name: str, name: str | None, as_json: bool) -> None:
    """Give a study another name."""
    if not new_name:
        raise click.UsageError("a name has at least one character: NEW_NAME is empty")
    with opened(storage, name, readonly=False) as study:
        before = study.name
        study.rename(new_name)
        if as_json:
            print_json({**header_record(study.header), "before": before})
        else:
            print_text(f"renamed {before!r} to {study.name!r}")


@click.command()
@WHERE
@NAME
@click.option("--yes", is_flag=True, help="Do not ask.")
@JSON
def delete(storage: str, name: str | None, yes: bool, as_json: bool) -> None:
    """Remove a study with all its trials from a file or database."""
    with opened(storage, name, readonly=False) as study:
        trials = len(study.history)
        if not yes:
            click.confirm(
                f"Delete study {study.name!r} with {counted(trials, 'trial')} from {study.location}?",
                abort=True,
                err=True,
            )
        study.delete()
        if as_json:
            print_json({**header_record(study.header), "trials": trials})
        else:
            print_text(f"deleted {study.name!r}: {counted(trials, 'trial')}")


@click.command()
@WHERE
@click.argument("values", metavar="[LABEL=VALUE]...", nargs=-1)
@NAME
@click.option(
    "--file",
    "source",
    type=click.File(encoding="utf-8"),
    help="JSON lines, an object of labels and values each; - is stdin.",
)
@JSON
def enqueue(storage: str, values: tuple[str, ...], name: str | None, source: Any, as_json: bool) -> None:
    """Let a configuration be tried next, or those of a file.

    \b
      parzen enqueue study.db lr=0.01 opt=sgd

    Parameters that are left out are drawn.  A parameter of a branch implies the branch.
    """  # noqa: D301  # click's own mark for a block that is not filled
    with opened(storage, name, readonly=False) as study:
        wanted = [*([_given(study.space, values)] if values else []), *(_lines(source) if source is not None else [])]
        if not wanted:
            raise click.UsageError("give LABEL=VALUE, or --file")
        for given in wanted:
            _refuse_inactive(study.space, given)
        trials = study.enqueue(*wanted)
        if as_json:
            print_json([trial_record(trial) for trial in trials])
        else:
            print_text(*(f"trial {trial.number} waits: {params_text(study, trial.number)}" for trial in trials))
        tell_of_budget(study)


def _refuse_inactive(space: Space, given: Mapping[str, Any]) -> None:
    """Python takes whole configurations of other programs, with values that mean nothing; who types one means it."""
    row = space.encode_params(given, np.full(space.d, 0.5)).values[0]
    for label, value in given.items():
        if value is not None and np.isnan(row[space.column[label]]):
            raise OutOfSpace(
                f"parameter {label!r} is not active with the other values, so that {value!r:.80} would not be looked at: "
                "leave it out, or change what it hangs on",
                label=label,
            )


def _given(space: Space, values: Iterable[str]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for text in values:
        label, equals, value = text.partition("=")
        # A label may hold the sign itself: the longest one that the text begins with is meant.
        own = [known for known in space.labels if text.startswith(f"{known}=")]
        if own:
            label = max(own, key=len)
            value = text[len(label) + 1 :]
        if not equals:
            raise click.UsageError(f"expected LABEL=VALUE, got {text!r}")
        if label in given:
            raise click.UsageError(
                f"parameter {label!r} is given twice, the second time as {value!r}: a configuration has one value of it; "
                "enqueue several one by one, or with --file"
            )
        j = space.column.get(label)
        given[label] = value  # options are known by what they are called
        if j is not None and not space.is_choice(j):
            try:
                given[label] = float(value)
            except ValueError:
                raise click.UsageError(f"parameter {label!r} is a number, got {value!r}") from None
    return given


def _lines(source: Iterable[str]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for place, line in enumerate(source, 1):
        if not line.strip():
            continue
        try:
            one = json.loads(line)
        except ValueError as error:
            raise click.UsageError(f"line {place} is not JSON: {error}") from None
        if not isinstance(one, dict):
            raise click.UsageError(f"line {place}: expected an object of labels and values, got {line.strip()[:60]!r}")
        found.append(one)
    return found
