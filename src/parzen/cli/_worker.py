"""`parzen worker`: one of any number of processes that work on one study.

Workers share nothing but the storage.  Each takes a trial that waits, or asks the algorithm for the next one; who gets a
number, and when the budget is used up, is decided where entries are appended, so that all of them together, and whatever
driver there is, evaluate exactly so many.
"""

from __future__ import annotations

import atexit
import importlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

import click

from parzen._typing import JSON
from parzen._wording import plain
from parzen.algorithms import note_of
from parzen.cli._crew import ENDED, run_crew, tell_crew
from parzen.cli._failing import Failing
from parzen.cli._output import NAME, WHERE, Seconds, known_rule, print_json, tell
from parzen.errors import StudyError, StudyNotFound
from parzen.run import ALGORITHM, LEASE, Evaluation, attachments_keeper, wants_evaluation
from parzen.study import Study
from parzen.study._control import raise_budget
from parzen.study._records import header_record
from parzen.trials import State

__all__ = ["worker"]

FAILING = 3
"""Exit status when the objective raised too often in a row; its trials are ERROR, with the traceback."""
SIGNALLED = 128
"""Exit status after a signal is this and its number, as in a shell; the trial was released."""


def _imported(ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
    """The object behind `module:attribute`, with the current folder on the path, as `python -m` has it."""
    if value is None:
        return None

    def refuse(why: str) -> click.BadParameter:
        return click.BadParameter(why, ctx, param)

    ctx.meta[f"parzen.{param.name}"] = value
    module, _, attribute = value.partition(":")
    if not (module and attribute):
        raise refuse(f"expected module:attribute, such as train:objective, got {value!r}")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise  # the module is there, and imports one that is not
        hint = "; leave .py away" if module.endswith(".py") else ""
        raise refuse(f"there is no module {error.name!r} in {os.getcwd()} or on the path{hint}") from None
    for name in attribute.split("."):
        if not hasattr(found, name):
            raise refuse(f"{module} has no {attribute!r}")
        found = getattr(found, name)
    return found


def _callable(ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
    """The same, of what is to be called; nothing else is taken, because trials would be paid for it."""
    found = _imported(ctx, param, value)
    if not callable(found):
        raise click.BadParameter(f"{value!r} is {found!r:.80}, expected a function", ctx, param)
    return found


@click.command()
@WHERE
@NAME
@click.option("--objective", required=True, callback=_callable, help="What to evaluate, as module:function.")
@click.option(
    "--space", callback=_imported, help="The search space, as module:attribute; else the objective's attribute `space`."
)
@click.option("--trials", type=click.IntRange(min=0), help="Total of the study, over all workers; may raise it.")
@click.option("--algorithm", default=None, callback=known_rule, help="What proposes, such as tpe or random.")
@click.option("--pruner", default=None, callback=known_rule, help="What ends trials early, such as median or asha.")
@click.option("--create", is_flag=True, help="Make the study where there is none; needs a space and --trials.")
@click.option("--timeout", type=Seconds(min=0, min_open=True), help="Seconds after which no further trial begins.")
@click.option(
    "--max-consecutive-failures",
    "failures",
    default=4,
    show_default=True,
    type=click.IntRange(min=1),
    help="End when the objective has raised so often in a row.",
)
@click.option(
    "--lease",
    default=LEASE,
    show_default=True,
    type=Seconds(min=0, min_open=True),
    help="Seconds without a beat after which others run this worker's trial again.",
)
@click.option(
    "--parallel",
    default=1,
    show_default=True,
    type=click.IntRange(min=1),
    help="So many workers, each a process; one that is gone before its work is done is replaced.",
)
@click.option("--quiet", is_flag=True, help="Show no progress.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print JSON at the end: how far the study is, and why this ended."
)
@click.option(
    "--member",
    type=(click.IntRange(min=0), click.IntRange(min=0)),
    hidden=True,
    help="Of a crew: end when the first pipe is closed, and say why into the second.",
)
@click.pass_context
def worker(
    ctx: click.Context,
    storage: str,
    name: str | None,
    objective: Callable[..., Any],
    space: Any,
    trials: int | None,
    algorithm: str | None,
    pruner: str | None,
    create: bool,
    timeout: float | None,
    failures: int,
    lease: float,
    parallel: int,
    quiet: bool,
    as_json: bool,
    member: tuple[int, int] | None,
) -> None:
    """Work on a study, beside other workers, until it is done.

    Exit status: 0 nothing is left to do, 1 an error of parzen, 2 called wrongly, 3 the objective kept raising, 128 + n
    ended by signal n (the trial that was running waits for somebody else).  An objective that ends its own process
    (os._exit) ends the worker with its status, whatever that is; with --parallel such a worker is replaced.
    """
    if member is not None:
        _end_with_the_crew(*member)
    space = getattr(objective, "space", None) if space is None else space
    if create and (space is None or trials is None):
        raise click.UsageError(
            "--create needs --trials, and a space: --space or the objective's attribute `space`", ctx
        )
    study = _study(storage, name, space, algorithm, pruner, create)
    if space is None and study.space.missing:
        raise StudyError(
            f"the space of study {study.name!r} has objects that a file cannot hold ({', '.join(study.space.missing)}): "
            "give it with --space module:attribute, or as the attribute `space` of the objective"
        )
    total = study.history.budget if trials is None else trials
    if total is None:
        raise StudyError(
            f"study {study.name!r} has no total number of trials, so that a worker would never end: give it with --trials"
        )
    # Not by each of a crew, and also where no progress is wanted: it is none.
    if member is None and (other := _proposed_otherwise(study)):
        tell(other)
    if parallel > 1:
        raise_budget(study.stream, total)
        status, why = run_crew(parallel, _alone(ctx), lambda: _finished(study))
        if as_json:
            _print_record(study, why)
        ctx.exit(status)
    failing = Failing(failures, (State.ERROR,))
    study.stream.subscribe(failing.see)
    result = study.run(
        _keeping_attachments(objective, study),
        total,
        timeout=timeout,
        catch=(Exception, SystemExit),  # sys.exit in a training script is a failed trial, and no end of the work
        stop=failing,
        progress=not quiet,
        lease=lease,
    )
    if member is not None:
        tell_crew(member[1], result.stopped_by)
    if as_json:
        _print_record(study, result.stopped_by)
    if result.signal is not None:
        ctx.exit(SIGNALLED + result.signal)
    if result.stopped_by == Failing.REASON:
        said = failing.said(study.history, "the objective raised", "start the worker again")
        tell(said)
        ctx.exit(FAILING)


def _end_with_the_crew(pipe: int, saying: int) -> None:
    """Release the trial and end once nobody holds the other end of a pipe: whoever started this worker is gone."""
    for end in (pipe, saying):
        os.set_inheritable(end, False)
    atexit.register(tell_crew, saying, ENDED)  # which os._exit, a signal and a fault in a library pass over

    def watch() -> None:
        os.read(pipe, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parzen-crew", daemon=True).start()


def _alone(ctx: click.Context) -> list[str]:
    """The arguments of this command for one worker, said anew from what was understood."""
    said = ["worker"]
    for parameter in ctx.command.params:
        name = str(parameter.name)
        value = ctx.meta.get(f"parzen.{name}", ctx.params.get(name))  # what was imported is named as it was
        # The study is there and has its total: one that is started later must not undo what was set since.
        if name in ("storage", "parallel", "create", "trials", "member", "as_json") or value is None or value is False:
            continue
        said += [parameter.opts[0]] if value is True else [parameter.opts[0], str(value)]
    return [*said, "--", str(ctx.params["storage"])]


def _print_record(study: Study, stopped_by: str | None) -> None:
    study.refresh()
    states = {state.name: study.history.count(state) for state in State if study.history.count(state)}
    record = {"finished": study.history.finished, "budget": study.budget, "states": states, "stopped by": stopped_by}
    print_json({**header_record(study.header), **record})


def _finished(study: Study) -> int:
    study.refresh()
    return study.history.finished


def _study(
    storage: str, name: str | None, space: Any, algorithm: str | None, pruner: str | None, create: bool
) -> Study:
    try:
        return Study.load(storage, name, space=space, algorithm=algorithm, pruner=pruner)
    except StudyNotFound:
        if not create:
            raise
        return Study(
            space, name=name, storage=storage, algorithm=algorithm, pruner=pruner
        )  # or goes on with what another made


def _proposed_otherwise(study: Study) -> str:
    """That the study's proposals were made by another algorithm than this worker's, if so.

    An algorithm is the worker's own and not the study's, so that one may be tried beside another; who just joins and forgets
    to say which would take part in another search than was begun.
    """
    study.refresh()
    noted, own = study.history.notes.get(ALGORITHM), note_of(study.algorithm)
    if noted is None or noted == own:
        return ""
    return (
        f"the proposals of study {plain(study.name)!r} were last made by {_spelled(noted)}, and this worker's will be made by "
        f"{_spelled(own)}: each worker is told by --algorithm"
    )


def _spelled(note: JSON) -> str:
    """An algorithm as the log has it, in a line."""
    if not isinstance(note, dict):
        return plain(str(note))
    settings = note.get("settings")
    given = [f"{key}={value!r}" for key, value in settings.items()] if isinstance(settings, dict) else []
    name = str(note.get("name", note.get("type")))
    return plain(f"{name}({', '.join(given)})" if given else name, 200)


def _keeping_attachments(objective: Callable[..., Any], study: Study) -> Callable[[Any, Evaluation], Any]:
    """The objective, with attachments as Hyperopt's objectives return them put where `Trials(storage=...)` finds them."""
    wanted, keep = wants_evaluation(objective), attachments_keeper(study.stream)

    def call(config: Any, evaluation: Evaluation) -> Any:
        if isinstance(wanted, str):
            result = objective(config, **{wanted: evaluation})
        else:
            result = objective(config, evaluation) if wanted else objective(config)
        return keep(evaluation.number, result) if isinstance(result, Mapping) else result

    return call
