"""Small pieces of HTML for notebooks: no script, no style sheet, nothing from a network; whatever is shown is escaped.

Colours come from the page, so that a table is at home in a light notebook and in a dark one.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from parzen._wording import escaped

__all__ = ["cell", "facts", "grid"]

_LONGEST = 2000
_KEY = "text-align:right;font-weight:normal;opacity:.65;padding:0 1em 0 0;vertical-align:top"
_VALUE = "text-align:left;padding:0 1em 0 0;vertical-align:top;white-space:pre-wrap;overflow-wrap:anywhere"
_TABLE = "border:none;font:inherit;margin:0 0 4px 0"


def cell(text: str) -> str:
    """Text as HTML that no kernel stumbles over: escaped, without lone surrogates and control characters, not endless."""
    short = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return escape(escaped(short, keep="\n\t"))


def facts(rows: Sequence[tuple[str, str]], caption: str = "") -> str:
    """A table of keys (text) and values (HTML)."""
    title = f'<caption style="text-align:left;font-weight:bold">{cell(caption)}</caption>' if caption else ""
    body = "".join(
        f'<tr><th scope="row" style="{_KEY}">{cell(key)}</th><td style="{_VALUE}">{html}</td></tr>'
        for key, html in rows
    )
    return f'<table style="{_TABLE}">{title}{body}</table>'


def grid(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    """A table with a head (text) and rows of cells (HTML)."""
    title = f'<caption style="text-align:left;font-weight:bold">{cell(caption)}</caption>' if caption else ""
    top = "".join(f'<th scope="col" style="text-align:left;padding:0 1em 0 0">{cell(name)}</th>' for name in head)
    body = "".join("<tr>" + "".join(f'<td style="{_VALUE}">{html}</td>' for html in row) + "</tr>" for row in rows)
    return f'<table style="{_TABLE}">{title}<tr>{top}</tr>{body}</table>'
