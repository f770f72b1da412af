"""How commands are told what to look at, and how they say what they found."""

from __future__ import annotations

import datetime
import json
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from parzen._wording import counted, escaped, middle
from parzen.errors import AlgorithmError, ParzenError
from parzen.study import Study
from parzen.study._records import json_ready
from parzen.trials import State

__all__ = [
    "JSON",
    "LONGEST",
    "NAME",
    "WHERE",
    "Seconds",
    "known_rule",
    "opened",
    "params_text",
    "print_json",
    "print_text",
    "progress_text",
    "running_text",
    "tell",
    "tell_of_budget",
    "when",
]


def _names_in(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The studies in the file that was named, for the shell's completion."""
    from parzen.storages import open_storage

    # While the option's value is missing, click leaves the words that it cannot place in `args`.
    where = ctx.params.get("storage") or next((word for word in ctx.args if not word.startswith("-")), None)
    if where is None:
        return []
    try:
        storage = open_storage(where, readonly=True)
        names = [header.name for header in storage.studies()]
        storage.close()
    except ParzenError:  # a completion says nothing
        return []
    # What a shell puts on the line it reads again: a name that it would take for more than a word has to be typed.
    return [name for name in names if name.startswith(incomplete) and _PLAIN.fullmatch(name)]


_PLAIN = re.compile(r"[\w.@%+=:,/][\w.@%+=:,/-]*", re.ASCII)
"""A name that means itself in every shell, and is no option."""


def known_rule(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """A name of an algorithm or a pruner, refused before anything is made where there is none of that name."""
    from parzen.algorithms import algorithm_named
    from parzen.pruners import pruner_named

    try:
        (pruner_named if param.name == "pruner" else algorithm_named)(value)
    except AlgorithmError as error:
        raise click.BadParameter(str(error), ctx, param) from None
    return value


class Seconds(click.FloatRange):
    """Seconds within bounds, which "nan", a number to Python, passes because it compares false with both."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        seconds = float(super().convert(value, param, ctx))
        if math.isnan(seconds):
            self.fail(f"{value!r} is no number of seconds.", param, ctx)
        return seconds


LONGEST = 60
"""Characters of a label or an option in a line."""

NAME = click.option(
    "--name",
    default=None,
    shell_complete=_names_in,
    help="Name of the study; may be left out where the file holds one.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
WHERE = click.argument("storage", metavar="STUDYFILE_OR_URL", type=click.Path())


@contextmanager
def opened(storage: str, name: str | None, *, readonly: bool = True) -> Iterator[Study]:
    """The study that is meant, for as long as the command needs it."""
    study = Study.load(storage, name, readonly=readonly)
    try:
        yield study
    finally:
        study.storage.close()


def print_json(value: Any) -> None:
    """What JSON cannot say (an option that is a class, say) is printed by its name."""
    click.echo(json.dumps(json_ready(value), ensure_ascii=True, indent=2))


def print_text(*lines: str) -> None:
    """Without what would move a terminal's cursor or change its colours: labels come from anywhere."""
    for line in lines:
        click.echo(escaped(line))


def progress_text(study: Study) -> str:
    """How far a study is."""
    history = study.history
    done, budget = history.finished, history.budget
    tally = f" ({history.tally})" if history.tally else ""
    if budget is not None and done > budget:  # it was lowered, or somebody asked for more by hand
        return f"{done} done{tally}, {done - budget} more than the budget of {budget}"
    return f"{done}{'' if budget is None else f' of {budget}'} done{tally}"


def tell(sentence: str) -> None:
    """Say something beside what was asked for, where it stands in nobody's way: on stderr."""
    click.echo(f"parzen: {escaped(sentence)}", err=True)


def tell_of_budget(study: Study) -> None:
    """Say so where a trial that waits now will not be run, because the budget has no room for it."""
    history = study.history
    waiting, budget = history.count(State.WAITING), history.budget
    if budget is None or history.spent <= budget:
        return
    left = max(budget - (history.spent - waiting), 0)
    room = f"has room for {left} of the {waiting} trials that wait" if left else "is used up"
    tell(f"the budget of {budget} {room}: parzen budget raises it")


def running_text(running: int) -> str:
    """How many trials are running."""
    return f"{counted(running, 'trial')} {'is' if running == 1 else 'are'} running"


def params_text(study: Study, number: int) -> str:
    """The configuration of a trial in a line; an option that is a page of text is cut, and `--json` has all of it."""
    history, space = study.history, study.space
    row = history.values[number]
    return " ".join(
        f"{middle(label, LONGEST)}={middle(space.option(j, row[j]), LONGEST)}"
        for j, label in enumerate(space.labels)
        if history.active[number, j]
    )


def when(at: float) -> str:
    """A moment, in the time zone of whoever looks."""
    return datetime.datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M")
