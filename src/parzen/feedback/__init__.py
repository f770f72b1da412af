"""What a person sees while a search runs: a live line on a terminal, log lines in a pipe, a panel in a notebook.

All of it is on stderr (or in the notebook's cell) and is made of the same few facts (`_facts`), told at the same
moments (`_reporter`) and in the same words (`parzen._wording`).  Another way of showing a run is any object with the three
methods of `Feedback`; subclassing `Reporter` gets it the moments.

| name | class | where |
|---|---|---|
| live | `Live` | a terminal; `_terminal` keeps the line apart from what others print |
| lines | `Lines` | a pipe, a log file, a dumb terminal |
| watch | `Watch`, `WatchPanel` | a terminal or a cell: the full view (`_overview` is what there is to see, `_panel` draws it) |
| notebook | `Notebook` | a cell of Jupyter |
| bar | `Bar`, `BarPanel` | any of these: how far it is, and not a word more, in the log neither |
| off | `Silent` | nowhere but the `parzen` logger |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from parzen._lazy import lazy_attributes
from parzen.feedback._base import Feedback, RunInfo
from parzen.feedback._choose import feedback_for, in_notebook

if TYPE_CHECKING:
    from parzen.feedback._chance import Chance as Chance
    from parzen.feedback._chance import chance_of_help as chance_of_help
    from parzen.feedback._facts import Best as Best
    from parzen.feedback._facts import Progress as Progress
    from parzen.feedback._facts import Summary as Summary
    from parzen.feedback._overview import Overview as Overview
    from parzen.feedback._overview import overview_of as overview_of
    from parzen.feedback._reporter import Reporter as Reporter
    from parzen.feedback.bar import Bar as Bar
    from parzen.feedback.bar import BarPanel as BarPanel
    from parzen.feedback.lines import Lines as Lines
    from parzen.feedback.live import Live as Live
    from parzen.feedback.notebook import Notebook as Notebook
    from parzen.feedback.notebook import WatchPanel as WatchPanel
    from parzen.feedback.silent import Silent as Silent
    from parzen.feedback.watch import Watch as Watch

__all__ = [
    "Bar",
    "BarPanel",
    "Best",
    "Chance",
    "Feedback",
    "Lines",
    "Live",
    "Notebook",
    "Overview",
    "Progress",
    "Reporter",
    "RunInfo",
    "Silent",
    "Summary",
    "Watch",
    "WatchPanel",
    "chance_of_help",
    "feedback_for",
    "in_notebook",
    "overview_of",
]

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "Bar": "parzen.feedback.bar",
        "BarPanel": "parzen.feedback.bar",
        "Best": "parzen.feedback._facts",
        "Chance": "parzen.feedback._chance",
        "Lines": "parzen.feedback.lines",
        "Live": "parzen.feedback.live",
        "Notebook": "parzen.feedback.notebook",
        "Progress": "parzen.feedback._facts",
        "Reporter": "parzen.feedback._reporter",
        "Silent": "parzen.feedback.silent",
        "Overview": "parzen.feedback._overview",
        "Summary": "parzen.feedback._facts",
        "Watch": "parzen.feedback.watch",
        "WatchPanel": "parzen.feedback.notebook",
        "chance_of_help": "parzen.feedback._chance",
        "overview_of": "parzen.feedback._overview",
    },
)
