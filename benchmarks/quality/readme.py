"""Writes tables into a page, between the markers `<!-- NAME:begin -->` and `<!-- NAME:end -->`."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path

__all__ = ["HOW_GOOD", "README", "replaced", "write"]

README = Path(__file__).parents[1] / "README.md"
HOW_GOOD = Path(__file__).parents[2] / "docs" / "how-good.md"


def replaced(text: str, name: str, lines: Sequence[str]) -> str:
    """`text` with these lines between the markers of `name`; raises ValueError where there are none."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(end) < text.index(begin):
        raise ValueError(f"the page must have {begin} once, and {end} once after it")
    before, after = text.split(begin, maxsplit=1)[0], text.split(end)[1]
    return f"{before}{begin}\n" + "\n".join(lines).strip() + f"\n{end}{after}"


def _circumstances() -> str:
    """When, what and where, in a line."""
    try:
        commit = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=README.parent,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        commit = "unknown"
    day = datetime.datetime.now(tz=datetime.timezone.utc).date().isoformat()
    return (
        f"Written on {day} at commit {commit}; Python {platform.python_version()}, "
        f"numpy {importlib.metadata.version('numpy')}, {platform.machine()}, {os.cpu_count()} cores."
    )


def write(name: str, lines: Sequence[str], page: Path = README) -> None:
    """Puts these lines between the markers of `name`, after a line of circumstances."""
    page.write_text(replaced(page.read_text(), name, [_circumstances(), "", *lines]))
