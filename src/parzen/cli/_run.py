"""`parzen run`: tune a program in any language."""

from __future__ import annotations

import os
import urllib.parse

import click

from parzen.cli._failing import Failing
from parzen.cli._output import JSON, Seconds, known_rule, print_json, print_text, tell
from parzen.cli._status import FAILING, SIGNALLED
from parzen.errors import ObjectiveError, SpaceError
from parzen.study import Study
from parzen.study._records import header_record, trial_record
from parzen.trials import State

__all__ = ["run"]

DEFAULT = "study.db"


@click.command(context_settings={"allow_interspersed_args": False})
@click.option(
    "--trials", type=click.IntRange(min=0), help="Total of the study, over all runs; no limit where it is left out."
)
@click.option(
    "--storage",
    default=DEFAULT,
    show_default=True,
    type=click.Path(),
    help="File or URL that keeps the study; it is made.",
)
@click.option("--name", default=None, help='Name of the study; else "study".')
@click.option(
    "--space", "space", default=None, type=click.Path(), help="Further parameters, from a file: YAML, TOML or JSON."
)
@click.option(
    "--loss",
    default="last",
    show_default=True,
    metavar="WHERE",
    help="Where the loss is: last (line), regex:PATTERN, json:FILE or json:FILE#KEY.",
)
@click.option("--maximize", is_flag=True, help="More is better.")
@click.option(
    "--report", default=None, metavar="PATTERN", help="Lines that tell how it is going: groups loss and step."
)
@click.option(
    "--pruner", default=None, callback=known_rule, help="What ends trials early, such as median or asha; needs reports."
)
@click.option("--algorithm", default=None, callback=known_rule, help="What proposes, such as tpe or random.")
@click.option("--seed", type=click.IntRange(min=0), help="Of everything random.")
@click.option("--noisy", is_flag=True, help="Equal values may give different losses.")
@click.option("--parallel", default=1, show_default=True, type=click.IntRange(min=1), help="Trials at the same time.")
@click.option("--timeout", type=Seconds(min=0, min_open=True), help="Seconds after which no further trial begins.")
@click.option(
    "--trial-timeout",
    type=Seconds(min=0, min_open=True),
    help="Seconds after which a trial is ended and has failed.",
)
@click.option(
    "--max-consecutive-failures",
    "failures",
    default=5,
    show_default=True,
    type=click.IntRange(min=1),
    help="End when so many trials in a row have failed.",
)
@click.option(
    "--folder", default=None, type=click.Path(), help="Where each trial gets a folder; else beside the file, *.trials."
)
@click.option("--in-folder", is_flag=True, help="Run the program in the trial's folder, not in the current one.")
@click.option(
    "--warm-start", multiple=True, type=click.Path(), help="Study or table whose trials are known from the beginning."
)
@click.option("--quiet", is_flag=True, help="Show no progress.")
@JSON
@click.argument("command", metavar="-- PROGRAM [ARGUMENT]...", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def run(
    ctx: click.Context,
    trials: int | None,
    storage: str,
    name: str | None,
    space: str | None,
    loss: str,
    maximize: bool,
    report: str | None,
    pruner: str | None,
    algorithm: str | None,
    seed: int | None,
    noisy: bool,
    parallel: int,
    timeout: float | None,
    trial_timeout: float | None,
    failures: int,
    folder: str | None,
    in_folder: bool,
    warm_start: tuple[str, ...],
    quiet: bool,
    as_json: bool,
    command: tuple[str, ...],
) -> None:
    """Tune a program in any language: each trial is one process.

    An argument that is a parameter is called by the option before it:

    \b
      parzen run --trials 100 -- python train.py --lr 'float(1e-5, 1e-1, log)'
          --layers 'int(1, 8)' --opt 'cat(adam, sgd)'

    float, int, cat, ord (neighbours are alike), bool, normal and lognormal are known; name:float(0, 1) gives a name.  {name}
    stands for the value of a parameter of the file; {folder}, {config}, {number} and {seed} for what a trial has of its own.
    Values are passed as arguments and never read by a shell.

    The loss is the last line that the program prints, unless --loss says otherwise.  A trial whose program exits with
    another status than 0 has failed.  Run the same command again to go on.
    """  # noqa: D301  # click's own mark for a block that is not filled
    from parzen.programs import Program

    try:
        program = Program(
            command,
            space,
            loss=loss,
            report=report,
            folder=_folder(storage, name) if folder is None else folder,
            timeout=trial_timeout,
            in_folder=in_folder,
        )
    except (ObjectiveError, SpaceError) as error:
        raise click.UsageError(str(error), ctx) from error
    study = Study(
        program.space,
        name=name,
        storage=storage,
        algorithm=algorithm,
        pruner=pruner,
        seed=seed,
        direction="maximize" if maximize else "minimize",
        noisy=noisy,
    )
    _tell_what_stays(study, seed, noisy)
    failing = Failing(failures, (State.FAILED, State.ERROR))
    study.stream.subscribe(failing.see)
    result = study.run(
        program,
        trials,
        timeout=timeout,
        catch=True,
        parallel=parallel if parallel > 1 else None,
        warm_start=list(warm_start),
        stop=failing,
        progress=not quiet,
    )
    if result.signal is None and result.stopped_by != Failing.REASON:
        _say(study, result.stopped_by, as_json)
    study.storage.close()
    if result.signal is not None:
        ctx.exit(SIGNALLED + result.signal)
    if result.stopped_by == Failing.REASON:
        said = failing.said(study.history, "the program failed", "run the same command again")
        tell(said)
        ctx.exit(FAILING)


def _tell_what_stays(study: Study, seed: int | None, noisy: bool) -> None:
    """Seed and noise belong to a study from its beginning: who goes on with one and says otherwise is told so."""
    place = f"the study {study.name!r} in {study.location}"
    if seed is not None and seed != study.header.seed:
        tell(f"--seed {seed} changes nothing: {place} was made with the seed {study.header.seed} and keeps it")
    if noisy and not study.header.noisy:
        tell(f"--noisy changes nothing: {place} was made without it, and stays so")


def _say(study: Study, stopped_by: str, as_json: bool) -> None:
    best = study.best
    if as_json:
        print_json({**header_record(study.header), "stopped_by": stopped_by, "best": trial_record(best)})
        return
    lines = [f"loss    {best.loss!r}", f"trial   {best.number}", f"config  {best.config!r}"]
    folder = best.extra.get("folder")
    print_text(*lines, *([f"folder  {folder}"] if folder else []))


def _folder(storage: str, name: str | None) -> str:
    """Beside the study's file, one for each study in it."""
    named = urllib.parse.quote(name or "study", safe=" ").replace(".", "%2E")
    if "://" in storage:
        return os.path.join("parzen.trials", named)
    return os.path.join(os.path.splitext(storage.partition("?")[0])[0] + ".trials", named)
