"""The report as one page of HTML.

Everything that comes from a study goes through `_cell`, which escapes it; pictures are matplotlib's SVG, whose texts are
escaped by it, and hold no script.  A content security policy says the same to the browser: nothing is loaded, nothing runs.
"""

from __future__ import annotations

import html
import os
import re
import tempfile
from collections.abc import Iterator, Sequence

from parzen._wording import plain
from parzen.analysis import Finding, doctor
from parzen.errors import ParzenError
from parzen.plots import NAMES, THEMES, Plots
from parzen.report._facts import Facts, Reportable, Short, facts_of

__all__ = ["report_html", "write_report"]


def write_report(study: Reportable, path: str | os.PathLike[str], *, plots: bool = True) -> None:
    """Write a report of a study to a file, which needs nothing else to be read.

    The file is whole or not there: it is written beside its place and moved.

    Args:
        study: a `Study`.
        path: of the file, `.html`.
        plots: False leaves the pictures out, and needs no matplotlib.

    Raises:
        MissingDependency: matplotlib is not installed, and `plots` is True.
        OSError: the file cannot be written.
    """
    text = report_html(study, plots=plots)
    where = os.path.abspath(os.fspath(path))
    folder = os.path.dirname(where)
    try:
        draft = tempfile.NamedTemporaryFile(  # noqa: SIM115  # closed below, in each case
            "w", encoding="utf-8", errors="backslashreplace", dir=folder, suffix=".tmp", delete=False
        )
    except OSError as error:  # which names a file that nobody asked for
        raise OSError(error.errno, error.strerror, folder) from None
    with draft as file:
        try:
            file.write(text)
            file.close()
            os.chmod(file.name, 0o644)  # a temporary file is its owner's only; a report is for others
            os.replace(file.name, where)
        except BaseException:
            file.close()
            os.unlink(file.name)
            raise


def report_html(study: Reportable, *, plots: bool = True) -> str:
    """The same as text; arguments as for `write_report`."""
    history = study.history.snapshot()
    facts = facts_of(study, history)
    pictures = list(_pictures(Plots(history, study.header.name))) if plots else []
    return "".join(_page(facts, doctor(history, noisy=study.header.noisy), pictures))


def _page(facts: Facts, findings: Sequence[Finding], pictures: list[tuple[str, str]]) -> Iterator[str]:
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    yield "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'>"
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield "<meta name='viewport' content='width=device-width, initial-scale=1'>"
    yield f"<title>{_cell(facts.title)}</title><style>{_style()}</style></head><body><main>"
    yield f"<h1>{_cell(facts.title)}</h1>"
    yield "<h2>Question</h2>" + _pairs(facts.question)
    yield "<details><summary>The space</summary><ul>" + "".join(
        f"<li><code>{_cell(s)}</code></li>" for s in facts.space
    )
    yield "</ul></details>"
    yield "<h2>Answer</h2>" + (_pairs(facts.answer) if facts.answer else "<p>There is none yet.</p>")
    yield "<h2>How sure it is</h2>" + "".join(f"<p>{_cell(one)}</p>" for one in facts.confidence)
    if facts.ranges:
        yield "<h3>As good, as far as anybody can tell</h3>"
        yield _table([("parameter", "values", ""), *facts.ranges])
    yield "<h2>What to know before believing it</h2>"
    yield "".join(_finding(one) for one in findings) or "<p>Nothing was found that speaks against it.</p>"
    if pictures:
        yield "<h2>Plots</h2>"
        for title, picture in pictures:
            yield f"<figure aria-label='{_cell(title)}'>{picture}</figure>"
    yield "<h2>The best trials</h2>"
    yield _table(facts.table) if len(facts.table) > 1 else "<p>None has a loss.</p>"
    yield "<h2>Failures</h2>"
    yield _table([("how often", "what", ""), *facts.failures]) if facts.failures else "<p>No trial failed.</p>"
    for name, text in facts.tracebacks:
        yield f"<details><summary>Traceback of {_cell(name)}</summary><pre>{_cell(text)}</pre></details>"
    yield "<h2>How to reproduce it</h2>" + _pairs(facts.reproduce)
    yield "</main></body></html>\n"


def _cell(text: str) -> str:
    """Text as text: escaped, and without lone halves of characters, which no file can hold."""
    return html.escape(text.encode("utf-8", "backslashreplace").decode("utf-8"))


def _whole(text: str) -> str:
    """Of a text that was cut, the attribute that has all of it."""
    return f" title='{_cell(text.whole)}'" if isinstance(text, Short) else ""


def _pairs(rows: Sequence[Sequence[str]]) -> str:
    body = "".join(f"<tr><th scope='row'>{_cell(key)}</th><td>{_cell(text)}</td></tr>" for key, text in rows)
    return f"<table class='pairs'>{body}</table>"


def _table(rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th scope='col'{_whole(one)}>{_cell(one)}</th>" for one in rows[0])
    body = "".join("<tr>" + "".join(f"<td{_whole(one)}>{_cell(one)}</td>" for one in row) + "</tr>" for row in rows[1:])
    return f"<div class='wide'><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def _finding(one: Finding) -> str:
    kind, sentence, advice = (_cell(text) for text in (one.kind, one.sentence, one.advice))
    return f"<p class='finding'><strong>{kind}</strong> {sentence} {advice}</p>"


# --- pictures ---------------------------------------------------------------------------------------------------


def _pictures(plots: Plots) -> Iterator[tuple[str, str]]:
    """Title and SVG of each plot that this study has; a plot that there is nothing for says so in its place."""
    for name in NAMES:
        try:
            plot = plots.named(name)()
        except ImportError:
            raise
        except ParzenError as error:
            yield name, f"<figcaption>No plot of {_cell(name)}: {_cell(plain(str(error), 300))}.</figcaption>"
            continue
        yield plot.chart.title, _in_page(plot.svg("light"), name)


def _in_page(svg: str, name: str) -> str:
    """A picture among others: its colours are the page's, and its names its own."""
    for role, colour in THEMES["light"].items():
        svg = svg.replace(colour, f"var(--{role})")
    # Names of clip paths and markers hold a hash each, and two pictures may have the same.
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r'(xlink:href="#|url\(#)', rf"\1{name}-", svg)
    return re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)


def _style() -> str:
    colours = {
        theme: "".join(f"--{role}:{colour};" for role, colour in roles.items()) for theme, roles in THEMES.items()
    }
    return (
        f":root{{color-scheme:light dark;{colours['light']}}}"
        f"@media (prefers-color-scheme:dark){{:root{{{colours['dark']}}}}}"
        "body{background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif;margin:0}"
        "main{max-width:60rem;margin:0 auto;padding:1rem}"
        "h1,h2{line-height:1.2}h2{margin-top:2.5rem;border-bottom:1px solid var(--grid);padding-bottom:.3rem}"
        "table{border-collapse:collapse;font-size:.9rem}th,td{text-align:left;padding:.25rem .8rem .25rem 0;"
        "vertical-align:top;border-bottom:1px solid var(--grid);overflow-wrap:anywhere}"
        ".pairs th{color:var(--muted);font-weight:normal;min-width:9rem;max-width:20rem}.pairs td{white-space:pre-line}"
        ".wide{overflow-x:auto}[title]{text-decoration:underline dotted;text-underline-offset:.2em}"
        ".wide td,.wide th{white-space:nowrap}"
        "figure{margin:1.5rem 0}svg{max-width:100%;height:auto}"
        ".finding{border-left:4px solid var(--best);padding-left:.8rem}"
        "pre{overflow-x:auto;font-size:.8rem;border:1px solid var(--grid);padding:.6rem}code{overflow-wrap:anywhere}"
        "summary{cursor:pointer;color:var(--muted)}figcaption{color:var(--muted)}"
    )
