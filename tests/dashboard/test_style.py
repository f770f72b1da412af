"""The style sheet: texts and marks are told apart by everybody who reads them, light and dark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

_PAIR = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)")


def _colours(root: Path) -> dict[str, tuple[str, str]]:
    text = (root / "src" / "parzen" / "dashboard" / "static" / "style.css").read_text(encoding="utf-8")
    return {name: (light, dark) for name, light, dark in _PAIR.findall(text)}


def _luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.1."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a: str, b: str) -> float:
    """From 1 to 21."""
    high, low = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


SURFACES = ("paper", "ground", "raised", "picked", "trouble")
# What is written on what; 4.5 is AA for texts, 3 for the edges of controls.
TEXTS = [(text, on, 4.5) for text in ("ink", "muted") for on in SURFACES]
TEXTS += [
    (text, on, 4.5)
    for text in ("accent", "good", "bad", "wait", "best")
    for on in ("paper", "ground", "raised", "picked")
]
TEXTS += [("on-accent", "accent", 4.5), ("paper", "ink", 4.5)]
EDGES = [("edge", on, 3.0) for on in ("paper", "ground", "raised")] + [("accent", on, 3.0) for on in SURFACES]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "back", "least"), TEXTS + EDGES)
def test_what_is_written_can_be_read(root: Path, front: str, back: str, least: float, theme: int) -> None:
    """WCAG 2.1, level AA."""
    colours = _colours(root)

    assert contrast(colours[front][theme], colours[back][theme]) >= least


def test_the_formula_is_the_right_one() -> None:
    """Black on white is 21, and WCAG's own grey is just AA."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def test_every_colour_of_the_page_is_one_of_the_pairs(root: Path) -> None:
    """A colour that stands elsewhere is in no test; shadows and the veil behind dialogs tell nothing."""
    text = (root / "src" / "parzen" / "dashboard" / "static" / "style.css").read_text(encoding="utf-8")
    rest = "\n".join(line for line in text.splitlines() if not re.match(r"\s*--[\w-]+: light-dark", line))

    assert re.findall(r"#[0-9a-f]{3,8}\b", rest) == []
    assert [line.strip() for line in rest.splitlines() if "rgb(" in line] == [
        "dialog::backdrop { background: rgb(10 15 25 / 45%); }"
    ]
