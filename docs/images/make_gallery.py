"""The pictures of docs/gallery.md, from real searches: `python docs/images/make_gallery.py`."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from parzen.plots import NAMES  # noqa: E402  # after the path is set
from tests.plots import studies  # noqa: E402

SHOWN = {"history": "noisy", "convergence": "noisy", "timeline": "noisy", "curves": "noisy", "edf": "noisy"}

if __name__ == "__main__":
    made = {"branches": studies.branches(), "noisy": studies.noisy()}
    out = HERE / "gallery"
    out.mkdir(exist_ok=True)
    for name in NAMES:
        plot = made[SHOWN.get(name, "branches")].plot.named(name)()
        for theme in ("light", "dark"):
            plot.save(out / f"{name}-{theme}.png", theme, dpi=75)
