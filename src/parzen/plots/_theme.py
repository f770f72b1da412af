"""Colours by role, light and dark.

From the palettes of Okabe and Ito 2008, "Color universal design", and Tol 2021, "Colour schemes": people who do not see
red or green tell them apart, and every role has a symbol or a style of its own as well.  Texts have a contrast of at least
4.5 to the paper, marks of at least 3 (WCAG 2.1, AA).  Numbers are shown on cividis (Nunez, Anderton and Renslow 2018), which
looks the same to all and rises in lightness.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["SCALE", "SERIES", "THEMES", "theme_named"]

LIGHT: Mapping[str, str] = {
    "paper": "#fefefe",
    "ink": "#1b1f24",
    "muted": "#5b6470",
    "grid": "#e3e6ea",
    "ok": "#0072b2",
    "best": "#c14a00",
    "failed": "#882255",
    "pruned": "#7a7a1e",
    "running": "#117733",
    "random": "#6e6e6e",
    "other": "#007a5a",
    "third": "#a3457a",
    "fourth": "#8a6100",
}

DARK: Mapping[str, str] = {
    "paper": "#15181d",
    "ink": "#e8eaed",
    "muted": "#a4acb7",
    "grid": "#2d333b",
    "ok": "#56b4e9",
    "best": "#ff8c42",
    "failed": "#f0a0b8",
    "pruned": "#ddcc77",
    "running": "#44bb99",
    "random": "#b0b0b0",
    "other": "#2fc49a",
    "third": "#dd8fc0",
    "fourth": "#e6b422",
}

THEMES: Mapping[str, Mapping[str, str]] = {"light": LIGHT, "dark": DARK}
SERIES = ("ok", "best", "other", "third", "fourth", "random")
"""Roles of several studies, in order."""
SCALE = "cividis"


def theme_named(theme: str) -> Mapping[str, str]:
    """Role -> colour (raises `ValueError` where there is no such theme)."""
    if theme not in THEMES:
        raise ValueError(f"theme is 'light' or 'dark', got {theme!r:.80}")
    return THEMES[theme]
