"""Commands that speak with whoever runs a study, on any machine, through its log."""

from __future__ import annotations

import click

from parzen._wording import counted
from parzen.cli._output import (
    JSON,
    NAME,
    WHERE,
    opened,
    params_text,
    print_json,
    print_text,
    running_text,
    tell_of_budget,
)
from parzen.study import Study
from parzen.study._records import header_record, trial_record
from parzen.trials import State

__all__ = ["budget", "cancel", "note", "pause", "rerun", "resume", "stop"]

MOST = 10**9
"""Trials of a budget; the web page takes no more either."""
_TRIAL = click.argument("number", metavar="TRIAL", type=click.IntRange(min=0))


def _known(study: Study, number: int) -> int:
    if number >= len(study.history):
        raise click.UsageError(
            f"there is no trial {number}: study {study.name!r} has {len(study.history)}, counted from 0"
        )
    return number


def _to_the_end(running: int) -> str:
    return "" if not running else " and goes on to its end" if running == 1 else " and go on to their end"


def _running(study: Study) -> int:
    study.refresh()
    return study.history.count(State.RUNNING)


@click.command()
@WHERE
@NAME
@JSON
def stop(storage: str, name: str | None, as_json: bool) -> None:
    """Ask whoever runs a study, on any machine, to stop.

    No further trial begins; those that are running are told so, and end by themselves.  Running the study again goes on.
    """
    with opened(storage, name, readonly=False) as study:
        study.stop()
        running = _running(study)
        if as_json:
            print_json({**header_record(study.header), "running": running})
        else:
            print_text(f"asked {study.name!r} to stop; {running_text(running)}")


@click.command()
@WHERE
@NAME
@JSON
def pause(storage: str, name: str | None, as_json: bool) -> None:
    """Let no further trial of a study begin, until `resume`.

    It holds wherever the study runs.  Trials that are running go on to their end, and the programs wait.
    """
    with opened(storage, name, readonly=False) as study:
        study.pause()
        running = _running(study)
        if as_json:
            print_json({**header_record(study.header), "paused": study.paused, "running": running})
        else:
            print_text(f"paused {study.name!r}; {running_text(running)}" + _to_the_end(running))


@click.command()
@WHERE
@NAME
@JSON
def resume(storage: str, name: str | None, as_json: bool) -> None:
    """Let whoever runs a study that was paused go on."""
    with opened(storage, name, readonly=False) as study:
        study.resume()
        if as_json:
            print_json({**header_record(study.header), "paused": study.paused, "running": _running(study)})
        else:
            print_text(f"resumed {study.name!r}: whoever runs it goes on")


@click.command()
@WHERE
@click.argument("trials", metavar="TRIALS", required=False, type=click.IntRange(1, MOST))
@click.option("--none", "unlimited", is_flag=True, help="Take the limit away.")
@NAME
@JSON
def budget(storage: str, trials: int | None, unlimited: bool, name: str | None, as_json: bool) -> None:
    """Set the total number of trials of a study.

    It may be more or fewer than before, and holds for those who run the study now.  Trials that are running are finished
    if it is lower.
    """
    if (trials is None) is not unlimited:
        raise click.UsageError("give the total number of trials, or --none")
    with opened(storage, name, readonly=False) as study:
        before = study.budget
        study.set_budget(trials)
        if as_json:
            record = {"before": before, "budget": study.budget, "finished": study.history.finished}
            print_json({**header_record(study.header), **record})
        else:
            total = "no limit" if trials is None else counted(trials, "trial")
            done = study.history.finished
            print_text(f"the budget of {study.name!r} is {total}; {done} {'is' if done == 1 else 'are'} done")


@click.command()
@WHERE
@_TRIAL
@NAME
@JSON
def cancel(storage: str, number: int, name: str | None, as_json: bool) -> None:
    """Call off a trial that waits or runs; it does not count.

    TRIAL is its number, as `parzen show` has it.  One that is running is told so, and ended by force after the run's grace period where that is possible.
    """
    with opened(storage, name, readonly=False) as study:
        trial = study.cancel(_known(study, number))
        if as_json:
            print_json(trial_record(trial))
        elif trial.state is State.CANCELLED:
            print_text(f"trial {number} is cancelled")
        else:
            print_text(f"asked whoever runs trial {number} to cancel it")


@click.command()
@WHERE
@_TRIAL
@NAME
@JSON
def rerun(storage: str, number: int, name: str | None, as_json: bool) -> None:
    """Try the configuration of a trial that has ended once more.

    TRIAL is its number, as `parzen show` has it.  Whoever runs the study takes the new trial next.
    """
    with opened(storage, name, readonly=False) as study:
        trial = study.rerun(_known(study, number))
        if as_json:
            print_json(trial_record(trial))
        else:
            print_text(f"trial {trial.number} waits, {trial.source}: {params_text(study, trial.number)}")
        tell_of_budget(study)


@click.command()
@WHERE
@click.argument("text", metavar="TEXT")
@click.option("--trial", "number", type=click.IntRange(min=0), help="The trial that it is about.")
@NAME
@JSON
def note(storage: str, text: str, number: int | None, name: str | None, as_json: bool) -> None:
    """Write something down about a study, or one of its trials.

    `parzen show`, the report and the web page have it.
    """
    if not text.strip():
        raise click.UsageError("a note says something: TEXT is empty")
    with opened(storage, name, readonly=False) as study:
        made = study.note(text, None if number is None else _known(study, number))
        if as_json:
            print_json({**header_record(study.header), **made._asdict()})
        else:
            print_text(f"noted about {study.name!r}" + ("" if number is None else f", trial {number}"))
