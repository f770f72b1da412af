"""A report stands alone, says what there is to say, and shows nothing of a study as markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import parzen
from parzen import hp
from parzen.report import report_html
from tests.plots import studies

pytest.importorskip("matplotlib", reason="draws a report's pictures", exc_type=ImportError)


class _Reader(HTMLParser):
    """The elements of a page and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def _read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    return reader


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "study.html"
    studies.branches(60).report(path)
    return path.read_text(encoding="utf-8")


def test_a_report_has_all_of_its_parts(page: str) -> None:
    """In the order in which a colleague asks."""
    parts = re.findall(r"<h2>(.*?)</h2>", page)

    assert parts == [
        "Question",
        "Answer",
        "How sure it is",
        "What to know before believing it",
        "Plots",
        "The best trials",
        "Failures",
        "How to reproduce it",
    ]
    text = " ".join(_read(page).text)
    for said in (
        "the loss is highest",
        "60 of 60 done",
        "MemoryError: C is too large",
        "seed",
        "numpy",
        "Traceback of trial",
    ):
        assert said in text


def test_a_report_loads_nothing_and_runs_nothing(page: str) -> None:
    """No script, no link, no address but the names of XML; a policy says so to the browser."""
    tags = _read(page).tags

    assert not {tag for tag, _ in tags} & {"script", "link", "iframe", "object", "embed", "img", "form", "base"}
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]
    for _, attributes in tags:
        for name, value in attributes.items():
            if name in ("href", "xlink:href", "src"):
                assert (value or "").startswith(("#", "data:image/png;base64,"))
    assert "default-src 'none'" in page
    assert not re.search(r"url\((?!#)", page)
    assert "@import" not in page


def test_the_pictures_of_a_report_do_not_share_names(page: str) -> None:
    """Each reference leads to the one element of that name."""
    names = re.findall(r'\bid="([^"]+)"', page)
    wanted = set(re.findall(r'xlink:href="#([^"]+)"', page)) | set(re.findall(r"url\(#([^)]+)\)", page))

    assert len(names) == len(set(names))
    assert wanted <= set(names)


EVIL = "<script>alert('x')</script><img src=x onerror=alert(1)>\" onmouseover=\"alert(2)"


def test_nothing_of_a_study_is_markup(tmp_path: Path) -> None:
    """Labels, options, errors, names, notes: all of them are texts."""
    space = {EVIL: hp.float(EVIL, 0, 1), "k": hp.categorical("k", [EVIL, "b"])}

    def objective(config: dict[str, float]) -> float:
        if config[EVIL] > 0.7:
            raise RuntimeError(EVIL)
        return config[EVIL]

    result = parzen.minimize(objective, space, 25, seed=1, algorithm="random", progress=False, catch=True, name=EVIL)
    result.study.note(f"seen: {EVIL}", 0)
    html = report_html(result.study)
    tags = _read(html).tags

    assert not {tag for tag, _ in tags} & {"script", "img"}
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]
    assert "&lt;script&gt;alert(" in html
    assert "note on trial 0" in html
    assert "seen: &lt;script&gt;" in html


def test_what_parzen_noted_is_said_in_words(tmp_path: Path) -> None:
    """The algorithm by its name and the settings that somebody chose, not as Python writes them."""
    usual = parzen.Study(studies.PLAIN, storage=tmp_path / "a.db", algorithm="random")
    chosen = parzen.Study(studies.PLAIN, storage=tmp_path / "b.db", algorithm=parzen.algorithms.TPE(n_startup=3))
    for study in (usual, chosen):
        study.run(lambda config: 1.0, 5, progress=False)

    assert "<td>random, with its usual settings</td>" in report_html(usual, plots=False)
    assert "<td>tpe, with n_startup = 3</td>" in report_html(chosen, plots=False)
    assert "{&#x27;" not in report_html(chosen, plots=False)


def test_nothing_is_no_number() -> None:
    """Where no other trial is as good, it is said so."""
    html = report_html(studies.plain(25).study, plots=False)

    assert "<p>No other trial is as good" in html


def test_notes_keep_their_lines() -> None:
    """As somebody wrote them."""
    study = parzen.Study(studies.PLAIN, seed=1)
    study.note("first\n\n- second & last")
    html = report_html(study, plots=False)

    assert "<td>first\n\n- second &amp; last</td>" in html
    assert ".pairs td{white-space:pre-line}" in html


def test_what_is_cut_can_be_read_whole() -> None:
    """In the answer as it is; in tables by pointing at it.  Labels that begin alike stay apart."""
    one, two = ("the same beginning " * 5 + end for end in ("one", "two"))
    pages = ["begin " + letter * 300 + " end" for letter in "ab"]
    space = {one: hp.float(one, 0, 1), two: hp.float(two, 2, 3), "k": hp.categorical("k", pages)}
    study = parzen.Study(space, seed=1, algorithm="random")
    study.run(lambda config: config[one], 15, progress=False)
    html = report_html(study, plots=False)
    table = html[html.index("The best trials") :]
    best = study.best

    assert f"<th scope='row'>{two}</th>" in html
    assert ".wide th{white-space:nowrap}" in html  # else a head beside long options has a letter a line
    assert f"title='{two}'" in table
    assert f"title='&#x27;{best.params['k']}&#x27;'" in table
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", table)
    assert float(cells[3]) == pytest.approx(best.params[one], rel=1e-3)
    assert float(cells[4]) == pytest.approx(best.params[two], rel=1e-3)


@pytest.mark.parametrize("trials", [0, 1, 5])
def test_a_report_of_a_study_that_has_hardly_begun_says_what_is_missing(trials: int, tmp_path: Path) -> None:
    """No answer yet is an answer."""
    study = parzen.Study(studies.PLAIN, seed=1)

    def failing(config: dict[str, float]) -> float:
        raise ValueError("no")

    study.run(failing, trials, progress=False, catch=True)
    path = tmp_path / "report.html"
    study.write_report(path)
    text = path.read_text(encoding="utf-8")

    assert "There is none yet." in text
    assert "there is no answer yet" in text
    assert "No plot of history" in text


def test_a_report_of_a_study_without_parameters_is_written(tmp_path: Path) -> None:
    """Without the plots that would show them."""
    study = parzen.Study({"constant": 3})
    study.run(lambda config: 1.0, 1, progress=False)
    study.write_report(tmp_path / "study.html")

    assert "No plot of contour: the space has no parameters to plot" in (tmp_path / "study.html").read_text("utf-8")


def test_a_report_without_pictures_needs_no_matplotlib() -> None:
    """And is small."""
    html = report_html(studies.plain(25).study, plots=False)

    assert "<svg" not in html
    assert len(html) < 30_000


def test_a_report_is_whole_or_not_there(tmp_path: Path) -> None:
    """What was there before stays, and nothing is left beside it."""
    path = tmp_path / "report.html"
    path.write_text("before", encoding="utf-8")
    study = parzen.Study(studies.PLAIN)
    with pytest.raises(FileNotFoundError):
        study.write_report(tmp_path / "nowhere" / "report.html", plots=False)

    assert [one.name for one in tmp_path.iterdir()] == ["report.html"]
    assert path.read_text(encoding="utf-8") == "before"


def test_lone_surrogates_can_be_written(tmp_path: Path) -> None:
    """A label may be any text that Python has."""
    label = "bad \ud800 label"
    result = parzen.minimize(lambda c: c, hp.float(label, 0, 1), 12, seed=1, algorithm="random", progress=False)
    result.report(tmp_path / "report.html")

    assert "\\ud800" in (tmp_path / "report.html").read_text(encoding="utf-8")
