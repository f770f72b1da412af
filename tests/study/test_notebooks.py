"""What a notebook shows of spaces, studies, trials and results."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import parzen
from parzen import Study, hp

EVIL = "<script>alert('x')</script>\udc80\x1b[2J"


class _Checked(HTMLParser):
    """Elements that are opened and closed, each of a kind that a notebook may show."""

    ALLOWED = frozenset("table caption tr th td div b svg title g circle path details summary pre".split())

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(html)
        self.close()

        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in self.ALLOWED
        assert not [name for name, value in attrs if name.startswith("on") or "url(" in (value or "")]
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in self.ALLOWED

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _html(thing: Any) -> str:
    html: str = thing._repr_html_()
    _Checked(html)
    assert html.encode("utf-8")
    assert "\x1b" not in html
    return html


@pytest.fixture
def study() -> Study:
    """With everything evil that a person can write, failures, and a running trial that has reported."""
    space = {
        EVIL: hp.float(EVIL, 0, 1),
        "m": hp.choice("m", [{"kind": EVIL, "C": hp.float("C", 1, 2)}, {"kind": "b"}]),
    }
    study = Study(space, name=EVIL, seed=1, algorithm="random")

    def objective(config: Any) -> Any:
        if config[EVIL] > 0.8:
            raise ValueError(EVIL)
        return {"loss": config[EVIL], "note": EVIL}

    study.run(objective, 20, catch=True, progress=False)
    study.report(study.ask(), 3, 0.5)
    return study


def test_a_space_is_a_table(study: Study) -> None:
    """What each parameter may be, and when it is active."""
    html = _html(study.space)

    assert "Space of 3 parameters" in html
    assert "active if" in html
    assert "active if" not in _html(parzen.Space(hp.float("x", 0, 1)))


def test_a_space_of_thousands_is_cut_short() -> None:
    """A notebook has to be opened again."""
    html = _html(parzen.Space([hp.float(f"p{i}", 0, 1) for i in range(300)]))

    assert "and 100 more" in html


def test_a_trial_is_a_table(study: Study) -> None:
    """Its parameters, what came of it, and why."""
    failed = next(trial for trial in study.trials if trial.error is not None)
    good = next(trial for trial in study.trials if trial.loss is not None)

    assert "traceback" in _html(failed)
    assert f"{good.loss:.6g}" in _html(good)
    assert "1 times, the last at step 3: loss 0.5" in _html(study.trials[20])


def test_a_study_is_its_full_view(study: Study) -> None:
    """Counts, curves, the best beside what is running, failures; an empty one too."""
    html = _html(study)

    assert "20/20 trials" in html
    assert html.count("<circle") == sum(trial.loss is not None for trial in study.trials)
    assert "trial 20" in html
    assert "ValueError" in html
    assert "0 trials" in _html(Study({"x": hp.float("x", 0, 1)}))


def test_a_result_has_its_facts_and_a_curve(study: Study) -> None:
    """And the same words as its `repr`."""
    html = _html(parzen.Result(study, "trials"))

    assert "stopped by" in html
    assert "<svg" in html
    assert "<script" not in html


def test_a_curve_of_many_trials_is_a_small_picture() -> None:
    """It is in the notebook's file for ever."""
    study = Study({"x": hp.float("x", 0, 1)}, algorithm="random", seed=1)
    study.run(lambda config: config["x"], 2_000, progress=False)

    assert len(_html(study)) < 60_000


def test_an_option_that_cannot_be_shown_does_not_matter() -> None:
    """Somebody's `__repr__` may raise."""

    class Odd:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    study = Study({"m": hp.choice("m", [Odd(), Odd()])}, algorithm="random")
    study.run(lambda config: 1.0, 1, progress=False)
    for thing in (study, study.space, study.trials[0]):
        _html(thing)


CELLS = [
    "import parzen; from parzen import hp, Study\nspace = parzen.Space({'x': hp.float('x', -1, 1)})\nspace",
    "study = Study(space, storage='s.db', seed=1, algorithm='random')\nstudy",
    "def objective(config):\n    print('evaluating')\n    return config['x'] ** 2\n"
    "result = study.run(objective, 12, progress='watch')\nresult",
    "result.best",
    "Study.load('s.db', readonly=True).watch(0.1, until_done=True)",
]


def test_a_notebook_shows_all_of_it(tmp_path: Path) -> None:
    """Run by a real kernel: tables for what stands at the end of a cell, one panel that is updated for what runs."""
    reason = "needs the packages nbclient and ipykernel"
    nbformat: Any = pytest.importorskip("nbformat", reason=reason)
    nbclient: Any = pytest.importorskip("nbclient", reason=reason)
    pytest.importorskip("ipykernel", reason=reason)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in CELLS])
    nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    shown = [
        [o.data.get("text/html", "") for o in one.outputs if o.output_type in ("display_data", "execute_result")]
        for one in notebook.cells
    ]
    for html in (html for one in shown for html in one):
        _Checked(html)

    assert "what it may be" in shown[0][0]
    assert "0 trials" in shown[1][0]
    panel, result = shown[2]
    assert "12 ok" in panel or "all 12 trials are done" in panel
    assert "<svg" in result
    assert re.search(r"Trial \d+", shown[3][0])
    assert len(shown[4]) == 1
    assert "12/12 trials" in shown[4][0]
    assert "best" in shown[4][0]
    printed = "".join(o.text for o in notebook.cells[2].outputs if o.output_type == "stream")
    assert printed.count("evaluating") == 12
