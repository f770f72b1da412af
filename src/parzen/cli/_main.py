"""The command `parzen`: its commands, which Python method each of them spells, and how an error ends it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import click

from parzen import __version__
from parzen._wording import escaped
from parzen.cli._change import copy, delete, enqueue, rename
from parzen.cli._completion import completion
from parzen.cli._control import budget, cancel, note, pause, rerun, resume, stop
from parzen.cli._exchange import export, import_
from parzen.cli._look import best, ls, show, watch
from parzen.cli._replay import replay
from parzen.cli._run import run
from parzen.cli._status import PIPE, SIGNALLED, STORAGE, status_of
from parzen.cli._views import dashboard, doctor, plot, report
from parzen.cli._worker import worker
from parzen.errors import ParzenError

__all__ = ["SPELLS", "main"]


class _Commands(click.Group):
    def invoke(self, ctx: click.Context) -> Any:  # what click's own returns
        try:
            return super().invoke(ctx)
        except ParzenError as error:
            # One sentence for people; the exit status for programs.
            sys.stdout.flush()
            click.echo(f"parzen: {escaped(str(error))}", err=True)
            ctx.exit(status_of(error))
        except BrokenPipeError:
            # As in `| head -1`; only what is printed can break here, storages have errors of their own.
            with suppress(OSError, ValueError):  # what is not yet written has no reader either
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(SIGNALLED + PIPE)
        except OSError as error:  # a folder that is not there, a file that may not be written
            if error.filename is None:
                raise
            sys.stdout.flush()
            click.echo(f"parzen: {escaped(f'{error.filename}: {error.strerror}')}", err=True)
            ctx.exit(STORAGE)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="parzen")
def main() -> None:
    """Look at the searches that parzen has kept, and work on them.

    STUDYFILE_OR_URL is what was given as storage=: a file such as study.db, or a URL such as postgresql://host/name.
    """
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:  # labels may hold what the terminal's encoding does not
            reconfigure(errors="backslashreplace")


SPELLS: Mapping[str, str | None] = {
    "run": "parzen.programs.Program",
    "ls": "parzen.storages.open_storage",
    "show": "parzen.Study.load",
    "best": "parzen.Study.best",
    "watch": "parzen.Study.watch",
    "worker": "parzen.Study.run",
    "export": "parzen.Study.export",
    "import": "parzen.Study.import_trials",
    "copy": "parzen.Study.copy",
    "rename": "parzen.Study.rename",
    "delete": "parzen.Study.delete",
    "enqueue": "parzen.Study.enqueue",
    "stop": "parzen.Study.stop",
    "pause": "parzen.Study.pause",
    "resume": "parzen.Study.resume",
    "budget": "parzen.Study.set_budget",
    "cancel": "parzen.Study.cancel",
    "rerun": "parzen.Study.rerun",
    "note": "parzen.Study.note",
    "replay": "parzen.Study.replay",
    "plot": "parzen.Study.plot",
    "report": "parzen.Study.write_report",
    "doctor": "parzen.Study.doctor",
    "dashboard": "parzen.dashboard.serve",
    "completion": None,
}
"""Command -> what it is a spelling of; None for what has no meaning outside of a shell."""

for _command in (
    run,
    ls,
    show,
    best,
    watch,
    worker,
    export,
    import_,
    copy,
    rename,
    delete,
    enqueue,
    stop,
    pause,
    resume,
    budget,
    cancel,
    rerun,
    note,
    replay,
    plot,
    report,
    doctor,
    dashboard,
    completion,
):
    main.add_command(_command)
