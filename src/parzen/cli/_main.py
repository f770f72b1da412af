"""The commands.  All but `worker` only look: a study is opened for reading, and the file need not be writable."""

from __future__ import annotations

import datetime
import json
import sys
from typing import Any

import click

from parzen import __version__
from parzen.cli._replay import replay
from parzen.cli._worker import worker
from parzen.errors import ParzenError
from parzen.storages import open_storage
from parzen.study import Study
from parzen.trials import Header, Trial, storable

__all__ = ["main"]

_NAME = click.option("--name", default=None, help="Name of the study; may be left out where the file holds one.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_WHERE = click.argument("storage", metavar="STUDYFILE_OR_URL")

LAST = 10
"""Trials that `show` prints unless told otherwise."""


class _Commands(click.Group):
    def invoke(self, ctx: click.Context) -> Any:  # what click's own returns
        try:
            return super().invoke(ctx)
        except ParzenError as error:
            # One sentence for people; the exit code for programs.
            click.echo(f"parzen: {_printable(str(error))}", err=True)
            ctx.exit(1)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="parzen")
def main() -> None:
    """Look at the searches that parzen has kept, and work on them."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:  # labels may hold what the terminal's encoding does not
            reconfigure(errors="backslashreplace")


@main.command()
@_WHERE
@_JSON
def ls(storage: str, as_json: bool) -> None:
    """List the studies in a file or database."""
    opened = open_storage(storage, readonly=True)
    studies = [(header, Study.load(opened, header.name)) for header in opened.studies()]
    if as_json:
        _print_json([{**_header(header), "trials": len(study.history)} for header, study in studies])
        return
    for header, study in studies:
        click.echo(_printable(f"{header.name}  {_when(header.created)}  {_progress(study)}"))


@main.command()
@_WHERE
@_NAME
@_JSON
@click.option("--last", default=LAST, show_default=True, type=click.IntRange(min=0), help="How many trials to print.")
def show(storage: str, name: str | None, as_json: bool, last: int) -> None:
    """Show a study: its space, how far it is, its best trial and its last ones."""
    study = Study.load(storage, name, readonly=True)
    history = study.history
    if as_json:
        trials = [_trial(trial) for trial in study.trials]
        _print_json({**_header(study.header), "budget": history.budget, "trials": trials})
        return
    lines = [f"study      {study.name}", f"where      {study.location}", f"created    {_when(study.header.created)}"]
    lines.append(f"direction  {study.header.metrics[study.header.objectives[0]]}")
    lines.append(f"trials     {_progress(study)}")
    if history.best_number is not None:
        best = study.best
        lines.append(f"best       {best.loss:.6g} in trial {best.number}: {_params(study, best.number)}")
    lines += ["", *repr(study.space).splitlines()]
    if last and len(history):
        lines += ["", f"{'number':>6}  {'state':<9} {'loss':>12}  parameters"]
        for number in range(max(len(history) - last, 0), len(history)):
            trial = study.trials[number]
            loss = "" if trial.loss is None else f"{trial.loss:.6g}"
            why = f"  {trial.error}" if trial.error is not None else ""
            lines.append(f"{number:>6}  {trial.state.name:<9} {loss:>12}  {_params(study, number)}{why}")
    click.echo(_printable("\n".join(lines), keep_newlines=True))


@main.command()
@_WHERE
@_NAME
@_JSON
def best(storage: str, name: str | None, as_json: bool) -> None:
    """Print the best trial."""
    study = Study.load(storage, name, readonly=True)
    trial = study.best
    if as_json:
        _print_json(_trial(trial))
        return
    click.echo(
        _printable(f"loss    {trial.loss!r}\ntrial   {trial.number}\nconfig  {trial.config!r}", keep_newlines=True)
    )


main.add_command(worker)
main.add_command(replay)


# --- text -------------------------------------------------------------------------------------------------------


def _header(header: Header) -> dict[str, Any]:
    return {
        "name": header.name,
        "uid": header.uid,
        "created": header.created,
        "direction": header.metrics[header.objectives[0]],
        "seed": header.seed,
    }


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "number": trial.number,
        "state": trial.state.name,
        "loss": trial.loss,
        "params": trial.params,
        "config": trial.config,
        "metrics": dict(trial.metrics),
        "seconds": trial.seconds,
        "started": trial.started,
        "finished": trial.finished,
        "source": trial.source,
        "error": None if trial.error is None else str(trial.error),
        "extra": dict(trial.extra),
    }


def _print_json(value: Any) -> None:
    """What JSON cannot say (an option that is a class, say) is printed by its name."""
    click.echo(json.dumps(storable(_named(value), marked=False), ensure_ascii=True, indent=2))


def _named(value: Any) -> Any:
    stack: list[tuple[Any, Any, Any]] = []
    root: list[Any] = [value]
    stack.append((root, 0, value))
    while stack:  # configurations may be nested thousands deep
        parent, key, item = stack.pop()
        if isinstance(item, dict):
            parent[key] = fresh = {str(k): v for k, v in item.items()}
            stack.extend((fresh, k, v) for k, v in fresh.items())
        elif isinstance(item, (list, tuple)):
            parent[key] = items = list(item)
            stack.extend((items, i, v) for i, v in enumerate(items))
        elif item is not None and not isinstance(item, (bool, int, float, str)) and not hasattr(item, "dtype"):
            parent[key] = repr(item)
    return root[0]


def _progress(study: Study) -> str:
    history = study.history
    total = "" if history.budget is None else f" of {history.budget}"
    return f"{history.finished}{total} done" + (f" ({history.tally})" if history.tally else "")


def _params(study: Study, number: int) -> str:
    history, space = study.history, study.space
    row = history.values[number]
    return " ".join(
        f"{label}={space.option(j, row[j])}" for j, label in enumerate(space.labels) if history.active[number, j]
    )


def _when(at: float) -> str:
    return datetime.datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M")


def _printable(text: str, *, keep_newlines: bool = False) -> str:
    """Without what would move a terminal's cursor or change its colours: labels come from anywhere."""
    return "".join(
        c if c.isprintable() or (keep_newlines and c == "\n") else c.encode("unicode_escape").decode("ascii")
        for c in text
    )
