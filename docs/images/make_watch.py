"""Make docs/images/watch.svg: a search with `progress="watch"` on a real pseudo-terminal of 80 columns.

    python docs/images/make_watch.py

Needs parzen with its extra `test` (pyte is the terminal).  Two moments of one run are drawn.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import make_terminal

PROGRAM = """
import math, time
import parzen
from parzen import hp

def train(config, evaluation):
    model = config["model"]
    for epoch in range(1, 6):
        time.sleep(0.03)
        loss = abs(math.log10(config["lr"]) + 3) + 0.3 * (model["kind"] == "linear") + 1 / epoch
        evaluation.report(epoch, loss)
        if config["lr"] > 0.3:
            raise ArithmeticError("the loss is not finite any more")
    return loss

space = {
    "lr": hp.float("lr", 1e-5, 1, log=True),
    "batch": hp.ordinal("batch", [16, 32, 64, 128]),
    "model": hp.choice("model", [{"kind": "svm", "C": hp.float("C", 0.1, 10, log=True)}, {"kind": "linear"}]),
}
parzen.minimize(train, space, 60, storage="study.db", name="digits", seed=4, catch=True, progress="watch")
"""

if __name__ == "__main__":
    make_terminal.COLUMNS, make_terminal.ROWS = 80, 44
    make_terminal.TITLE = "The full view of a search: while it runs, and at its end"
    make_terminal.COMMAND = "python search.py"
    with tempfile.TemporaryDirectory() as folder:
        make_terminal.PROGRAM = Path(folder) / "search.py"
        make_terminal.PROGRAM.write_text(PROGRAM, encoding="utf-8")
        target = make_terminal.HERE / "watch.svg"
        target.write_text(make_terminal.picture(list(make_terminal.moments())), encoding="utf-8")
    sys.stdout.write(f"{target}\n")
