"""`parzen plot`, `report`, `doctor` and `dashboard`: thin spellings of methods of `Study`, and of `dashboard.serve`."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import click

from parzen._wording import escaped
from parzen.cli._output import JSON, NAME, WHERE, print_json
from parzen.cli._status import FOUND
from parzen.plots import NAMES
from parzen.plots._plot import kind_of
from parzen.study import Study
from parzen.study._exporting import STDOUT

__all__ = ["dashboard", "doctor", "plot", "report"]


def _written(path: str) -> None:
    click.echo(f"wrote {path} ({os.path.getsize(path):,} bytes)", err=True)


@click.command()
@WHERE
@click.argument("which", metavar="[PLOT]", type=click.Choice(NAMES), default="history")
@NAME
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False), help="File: .png, .svg, .pdf, .html or .json; else PLOT.png."
)
@click.option("--param", "params", multiple=True, help="A parameter to show; may be given several times.")
@click.option("--theme", type=click.Choice(["light", "dark"]), default="light", show_default=True, help="Colours.")
@click.option(
    "--method", type=click.Choice(["ped-anova", "fanova"]), default=None, help="How importances are computed."
)
@click.option("--json", "as_json", is_flag=True, help="Print the plot's data as JSON.")
def plot(
    storage: str,
    which: str,
    name: str | None,
    output: str | None,
    params: tuple[str, ...],
    theme: str,
    method: str | None,
    as_json: bool,
) -> None:
    """Draw a plot of a study into a file.

    PLOT is history (where it is left out), convergence, slice, contour, parallel, importances, rank, edf, timeline or
    curves.
    """
    given: dict[str, Any] = {}  # arguments of the plot's method
    if params:
        if which not in ("slice", "contour", "parallel", "rank"):
            raise click.UsageError(f"--param chooses what slice, contour, parallel and rank show, not {which}")
        if which == "contour" and len(params) > 2:
            raise click.UsageError(f"a contour has two parameters, got {len(params)}")
        given = dict(zip("xy", params, strict=False)) if which == "contour" else {"labels": list(params)}
    if method is not None:
        if which != "importances":
            raise click.UsageError(f"--method is of importances, not of {which}")
        given["method"] = method
    path = output or f"{which}.png"
    try:
        if not as_json:
            kind_of(path)  # here, because whatever else is wrong while a plot is drawn is not the caller's fault
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    drawn = Study.load(storage, name, readonly=True).plot.named(which)(**given)
    if as_json:
        click.echo(json.dumps(drawn.to_json(), allow_nan=False))
        return
    drawn.save(path, theme)
    _written(path)


@click.command()
@WHERE
@NAME
@click.option(
    "-o",
    "--output",
    default="study.html",
    show_default=True,
    type=click.Path(dir_okay=False, allow_dash=True),
    help="File to write; - is stdout.",
)
@click.option("--plots/--no-plots", default=True, show_default=True, help="With pictures, which need matplotlib.")
@JSON
def report(storage: str, name: str | None, output: str, plots: bool, as_json: bool) -> None:
    """Write a report of a study: one HTML file.

    Question, answer, confidence, plots, table and failures; it needs nothing else to be read.
    """
    study = Study.load(storage, name, readonly=True)
    if output == STDOUT:
        from parzen.report import report_html

        if as_json:
            raise click.UsageError("--json says where the file is; with -o - the report itself is what is printed")
        # Bytes: a terminal's encoding may have no place for what a study is called.
        click.echo(report_html(study, plots=plots).encode("utf-8", "backslashreplace"), nl=False)
        return
    study.write_report(output, plots=plots)
    if as_json:
        print_json({"path": os.path.abspath(output), "bytes": os.path.getsize(output)})
    else:
        _written(output)


@click.command()
@WHERE
@NAME
@JSON
def doctor(storage: str, name: str | None, as_json: bool) -> None:
    """Say what is the matter with a study, and what to do.

    Exit status: 0 where nothing is, or there is too little to tell; 7 where something is.
    """
    found = Study.load(storage, name, readonly=True).doctor()
    if as_json:
        print_json([one.to_json() for one in found])
    elif not found:
        click.echo("Nothing was found that speaks against this study.")
    for one in () if as_json else found:
        text = f"{one.kind}: {one.sentence}\n    {one.advice}"
        click.echo(escaped(text, keep="\n"))
    if any(one.kind != "too little" for one in found):
        raise click.exceptions.Exit(FOUND)


def _address(page: Any) -> None:
    print_json({"url": page.url, "location": page.library.location})
    sys.stdout.flush()


@click.command()
@WHERE
@NAME
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen at; the default is this machine only."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=None, help="Port; 0 for any. Default: 8700, or any that is free."
)
@click.option("--open/--no-open", "open_browser", default=True, show_default=True, help="Open it in a browser.")
@click.option("--token", default=None, help="What visitors need, 16 characters or more; by default one is drawn.")
@click.option("--read-only", "readonly", is_flag=True, help="Nothing can be changed from the page.")
@click.option(
    "--logs",
    type=click.Path(exists=True, file_okay=False),
    default=None,
    help="Folder with what programs printed (`parzen run`), to be read from the page.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the address as JSON on stdout.")
def dashboard(
    storage: str,
    name: str | None,
    host: str,
    port: int | None,
    open_browser: bool,
    token: str | None,
    readonly: bool,
    logs: str | None,
    as_json: bool,
) -> None:
    """Show studies as a web page, live, until Ctrl-C.

    All studies of the file or database are on it, and new ones appear.  It is reachable from this machine only, by the address that is printed, which holds a token.
    """
    from parzen.dashboard import serve

    try:
        serve(
            storage,
            name=name,
            host=host,
            port=port,
            token=token,
            readonly=readonly,
            logs=logs,
            open_browser=open_browser,
            announce=_address if as_json else None,
        )
    except KeyboardInterrupt:  # how it ends
        return
    except ValueError as error:
        raise click.UsageError(str(error)) from error
