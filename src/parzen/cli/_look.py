"""Commands that only look: a study is opened for reading, and the file need not be writable."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click
from rich.cells import cell_len

from parzen._wording import middle, plain
from parzen.cli._output import (
    JSON,
    LONGEST,
    NAME,
    WHERE,
    Seconds,
    opened,
    params_text,
    print_json,
    print_text,
    progress_text,
    when,
)
from parzen.space._wording import in_words
from parzen.storages import open_storage
from parzen.study import Study
from parzen.study._records import header_record, trial_record
from parzen.study._watching import overview
from parzen.trials import Header

__all__ = ["best", "ls", "show", "watch"]

LAST = 10
"""Trials that `show` prints unless told otherwise."""
ERROR = 200
"""Characters of an error beside its trial."""


@click.command()
@WHERE
@JSON
def ls(storage: str, as_json: bool) -> None:
    """List the studies in a file or database."""
    where = open_storage(storage, readonly=True)
    studies = [(header, Study.load(where, header.name)) for header in where.studies()]
    if as_json:
        print_json([{**header_record(header), **_numbers(study)} for header, study in studies])
    else:
        print_text(*_table([_row(header, study) for header, study in studies]))
    where.close()


def _row(header: Header, study: Study) -> tuple[str, ...]:
    best = study.history.best
    found = "" if best is None or best.loss is None else f"best {best.loss:.6g} in trial {best.number}"
    return middle(header.name, LONGEST), when(header.created), progress_text(study), found


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines, each column as wide as its longest cell."""
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    lines = (zip(row, widths, strict=True) for row in rows)
    return ["  ".join(text + " " * (width - cell_len(text)) for text, width in line).rstrip() for line in lines]


def _numbers(study: Study) -> dict[str, object]:
    history = study.history
    best = history.best
    return {
        "trials": len(history),
        "finished": history.finished,
        **_wishes(study),
        "best": None if best is None else best.loss,
    }


def _wishes(study: Study) -> dict[str, object]:
    return {"budget": study.budget, "paused": study.paused, "stop_requested": study.stop_requested}


@click.command()
@WHERE
@NAME
@JSON
@click.option("--last", default=LAST, show_default=True, type=click.IntRange(min=0), help="How many trials to print.")
def show(storage: str, name: str | None, as_json: bool, last: int) -> None:
    """Show a study: space, progress, notes, best and last trials.

    Labels and options that are long are cut in the middle; --json has all of them, and all trials.
    """
    with opened(storage, name) as study:
        history = study.history
        if as_json:
            trials = [trial_record(trial) for trial in study.trials]
            notes = [note._asdict() for note in study.notes]
            print_json({**header_record(study.header), **_wishes(study), "notes": notes, "trials": trials})
            return
        lines = [f"study      {study.name}", f"where      {study.location}", f"created    {when(study.header.created)}"]
        lines.append(f"direction  {study.header.metrics[study.header.objectives[0]]}")
        lines.append(f"trials     {progress_text(study)}")
        if study.paused:
            lines.append("paused     no further trial begins until `parzen resume`")
        if history.best_number is not None:
            best = study.best
            lines.append(f"best       {best.loss:.6g} in trial {best.number}: {params_text(study, best.number)}")
        for note in study.notes:
            about = "" if note.trial is None else f"trial {note.trial}: "
            first, *more = note.text.splitlines()
            lines += [f"note       {when(note.at)}  {about}{first}", *(f"{'':11}{line}".rstrip() for line in more)]
        lines += ["", *in_words(study.space, LONGEST).splitlines()]
        if last and len(history):
            lines += ["", f"{'number':>6}  {'state':<9} {'loss':>12}  parameters"]
            for number in range(max(len(history) - last, 0), len(history)):
                trial = study.trials[number]
                loss = "" if trial.loss is None else f"{trial.loss:.6g}"
                why = f"  {plain(str(trial.error), ERROR)}" if trial.error is not None else ""
                lines.append(f"{number:>6}  {trial.state.name:<9} {loss:>12}  {params_text(study, number)}{why}")
        print_text(*lines)


@click.command()
@WHERE
@NAME
@JSON
def best(storage: str, name: str | None, as_json: bool) -> None:
    """Print the best trial: loss, number and configuration, whole."""
    with opened(storage, name) as study:
        trial = study.best
        if as_json:
            print_json(trial_record(trial))
        else:
            print_text(f"loss    {trial.loss!r}", f"trial   {trial.number}", f"config  {trial.config!r}")


@click.command()
@WHERE
@NAME
@JSON
@click.option("--once", is_flag=True, help="Print how it stands, and end.")
@click.option("--until-done", is_flag=True, help="End when all trials are done.")
@click.option(
    "--interval", default=1.0, show_default=True, type=Seconds(min=0.1, max=86400), help="Seconds between looks."
)
def watch(storage: str, name: str | None, as_json: bool, once: bool, until_done: bool, interval: float) -> None:
    """Watch a study while others run it; Ctrl-C ends it.

    Losses so far, the best configuration beside those that are running, workers, failures by kind, the time left, and the
    chance that more trials still help.  On a pipe, or with --json, it is printed once.
    """
    with opened(storage, name) as study:
        if as_json:
            print_json(overview(study).to_json())
        elif once:
            from parzen.feedback._view import View

            click.echo(View(sys.stdout).plain(overview(study)), nl=False)
        else:
            study.watch(interval, until_done=until_done)
