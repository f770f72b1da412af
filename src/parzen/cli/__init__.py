"""The command line: each command a thin spelling of a Python method.

    parzen run -- PROGRAM …       tune a program in any language
    parzen show study.db          what is in a study
    parzen best study.db --json   the best trial
    parzen ls study.db            the studies in a file
    parzen plot study.db slice    a plot in a file
    parzen report study.db        one HTML file about a study
    parzen doctor study.db        what is the matter with it
    parzen worker study.db --objective train:objective     one of several processes on one study
    parzen export study.db -o trials.csv                   a table for other programs
    parzen copy, rename, delete, enqueue, stop …           what can be done to a study

`parzen COMMAND --help` says the rest.
"""

from parzen.cli._main import main

__all__ = ["main"]
