"""The panel of a notebook, without a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parzen import hp
from parzen.feedback import Notebook
from parzen.space import Space

if TYPE_CHECKING:
    from conftest import Driver

Shown = list[tuple[dict[str, str], bool]]


@pytest.fixture
def shown() -> Shown:
    return []


@pytest.fixture
def panel(shown: Shown) -> Notebook:
    def display(bundle: dict[str, str], *, update: bool) -> None:
        shown.append((bundle, update))

    return Notebook(display, interval=None)


def test_one_panel_is_updated(driver: Driver, panel: Notebook, shown: Shown) -> None:
    """The first display makes it, every other one changes it."""
    driver.start(panel, total=10)
    driver.trial(0.5)
    panel.tick()
    driver.finish()

    assert [update for _, update in shown] == [False] + [True] * (len(shown) - 1)


def test_the_panel_keeps_the_improvements(driver: Driver, panel: Notebook, shown: Shown) -> None:
    """Also when the summary has taken the place of the rest."""
    driver.start(panel, total=3)
    for loss in (0.5, 0.25):
        driver.trial(loss)
    during = shown[-1][0]["text/html"]
    driver.finish()
    after = shown[-1][0]["text/html"]

    assert "<b> 2/3</b>" in during or "<b>2/3</b>" in during
    assert during.count("lr=0.01235 opt=adam n=3") == 3
    assert after.count("lr=0.01235 opt=adam n=3") == 2
    assert "all 3 trials are done" in after


def test_labels_and_values_are_escaped(make_driver: type[Driver], panel: Notebook, shown: Shown) -> None:
    """No label is markup, no lone surrogate reaches the kernel."""
    driver = make_driver(Space([hp.categorical("<script>\udc80", ["<i>", "b"])]), (0.0,))
    driver.start(panel, total=3, name="<name>")
    driver.trial(0.5)
    driver.finish()
    html = "".join(bundle["text/html"] for bundle, _ in shown)

    assert "<script>" not in html
    assert "<i>" not in html
    assert html.encode("utf-8")


def test_what_has_not_changed_is_not_sent_again(driver: Driver, panel: Notebook, shown: Shown) -> None:
    """A tick without news is free."""
    driver.start(panel, total=3)
    before = len(shown)
    panel.tick()

    assert len(shown) == before


def test_a_lost_kernel_does_not_end_the_search(driver: Driver) -> None:
    """The display may raise what closed sockets raise."""

    def display(bundle: dict[str, str], *, update: bool) -> None:
        raise OSError(f"closed: {len(bundle)} forms, update={update}")

    driver.start(Notebook(display, interval=None), total=3)
    driver.trial(0.5)
    driver.finish()

    assert driver.history.finished == 1
