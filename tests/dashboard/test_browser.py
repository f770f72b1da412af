"""The page in a real Chromium.  One test is part of the gate where a browser is found; the rest is `.ci/full browser`."""

from __future__ import annotations

import http.server
import itertools
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from parzen import Study, hp
from parzen.trials import Asked, Finished, Outcome, Started, State
from tests.dashboard.browser import Tab, chromium
from tests.dashboard.conftest import SPACE, TOKEN, Visitor, objective

ROWS = "table.trials tbody tr[data-number]"
DRAWN = "[data-name=history] .main-svg"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as one:
        yield one


@pytest.fixture
def tab(browser: Any, visit: Any) -> Iterator[Callable[..., Tab]]:
    """Open a tab; whatever a test does, nothing may have gone wrong in it.  Tabs are closed before their servers are."""
    tabs: list[Tab] = []

    def make(**options: Any) -> Tab:
        tabs.append(Tab(browser, **options))
        return tabs[-1]

    yield make
    for one in tabs:
        one.context.close()
    assert [one.wrong for one in tabs] == [[]] * len(tabs)


@pytest.fixture
def searched(visit: Callable[..., Visitor], tmp_path: Path) -> Visitor:
    """A page of a study with forty trials."""
    study = Study(SPACE, name="searched", storage=tmp_path / "study.db", seed=0, algorithm="random")
    study.run(objective, 40, catch=True, progress=False)
    return visit(tmp_path / "study.db", study)


def until(tab: Tab, holds: Callable[[], Any], seconds: float = 20) -> float:
    """Seconds until it holds."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if holds():
            return time.monotonic() - began
        tab.page.wait_for_timeout(20)
    raise AssertionError("it did not come to be in time")


def home(visitor: Visitor) -> str:
    """The study's own address; the token is known by then."""
    return f"{visitor.home}/study/{visitor.uid}"


def enter(tab: Tab, visitor: Visitor) -> Any:
    """First visit, then the study."""
    tab.open(visitor.page.url)
    page = tab.open(home(visitor))
    page.wait_for_selector(ROWS)
    return page


def button(page: Any, name: str) -> Any:
    return page.get_by_role("button", name=name, exact=True)


# --- the gate's ---


def test_a_study_opens_from_the_printed_address_and_is_live(tab: Callable[..., Tab], searched: Visitor) -> None:
    """The token leaves the address; table and plot are there; nothing comes from elsewhere; a new trial is soon a row."""
    one = tab()
    page = one.open(searched.page.url)
    page.wait_for_url(f"{searched.home}/")
    assert TOKEN not in page.url
    assert page.evaluate("document.cookie") == ""  # scripts cannot read it

    page.get_by_role("link", name="searched").click()
    page.wait_for_selector(ROWS)
    page.wait_for_selector(DRAWN)
    assert {url.split("/")[2] for url in one.asked if url.startswith("http")} == {searched.home.split("/")[2]}

    page.wait_for_selector("#link.live")
    assert searched.study is not None
    trial = searched.study.ask()
    seconds = until(one, lambda: page.locator(f"tr[data-number='{trial.number}']").count())
    assert seconds < 1.5  # promised within one on a machine that has nothing else to do


# --- the rest ---

browser_only = pytest.mark.browser

SEARCH = """
import sys, time
from parzen import Study, hp
study = Study({"x": hp.float("x", 0, 1), "slow": hp.float("slow", 0, 1)}, name="live", storage=sys.argv[1], seed=0, algorithm="random")
def objective(config, evaluation):
    for step in range(6):
        evaluation.report(step, config["x"] + 1 / (1 + step))
        time.sleep(0.03 if config["slow"] < 0.99 else 1.0)
    return config["x"]
print("ready", flush=True)
print(study.run(objective, 60, progress=False).stopped_by, flush=True)
"""


@browser_only
def test_a_live_search_is_watched_and_steered(
    tab: Callable[..., Tab], visit: Callable[..., Visitor], tmp_path: Path
) -> None:
    """In another process: paused, resumed, given more budget, one trial enqueued, stopped."""
    path = tmp_path / "live.db"
    command = [sys.executable, "-c", SEARCH, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        study = Study.load(path)
        visitor = visit(path, study)
        one = tab()
        page = enter(one, visitor)

        def ended() -> int:
            study.refresh()
            return study.history.finished

        first = ended()
        until(one, lambda: ended() >= first + 5)
        until(one, lambda: page.locator("#news").inner_text() != "")
        assert page.locator(".pill.running").count()

        button(page, "Pause").click()
        page.wait_for_selector(".pill.paused")
        until(one, lambda: study.refresh() >= 0 and not study.history.count(State.RUNNING))
        still = ended()
        page.wait_for_timeout(1500)
        assert ended() == still

        button(page, "Budget…").click()
        page.get_by_label("Trials in all").fill("70")
        button(page, "Set").click()
        page.get_by_text("The budget is 70 trials.").wait_for()
        page.get_by_text(re.compile(r"of 70$")).wait_for()

        button(page, "Try a configuration…").click()
        page.get_by_label("x", exact=True).fill("0.123")
        button(page, "Enqueue").click()
        page.get_by_text(re.compile(r"is enqueued")).wait_for()

        button(page, "Resume").click()
        until(one, lambda: ended() >= still + 3)
        study.refresh()
        assert [t.params["x"] for t in study.trials if t.source == "enqueued" and t.state is State.OK] == [0.123]

        button(page, "Stop…").click()
        button(page, "Stop it").click()
        assert process.stdout.readline() == "request\n"
        assert ended() < 70


@browser_only
def test_a_trial_is_cancelled_and_run_again(tab: Callable[..., Tab], searched: Visitor) -> None:
    """From its page, which shows at once what became of it."""
    study, one = searched.study, tab()
    assert study is not None
    (waiting,) = study.enqueue({"layers": 2})
    enter(one, searched)
    page = one.open(f"{home(searched)}/trial/{waiting.number}")
    button(page, "Cancel…").click()
    button(page, "Cancel the trial").click()
    page.locator(".pill.CANCELLED").wait_for()
    button(page, "Run again").click()
    page.get_by_text(f"repeats trial {waiting.number}").wait_for()
    study.refresh()

    assert study.trials[waiting.number].state is State.CANCELLED
    assert study.trials[waiting.number + 1].params == waiting.params


@browser_only
def test_the_form_follows_the_space_and_says_what_is_wrong(tab: Callable[..., Tab], searched: Visitor) -> None:
    """A parameter appears with its option; a value out of bounds is refused beside its field."""
    study, one = searched.study, tab()
    assert study is not None
    page = enter(one, searched)
    button(page, "Try a configuration…").click()
    page.get_by_label("opt", exact=True).select_option("sgd")
    assert page.get_by_label("mom", exact=True).is_visible()
    assert not page.get_by_label("beta", exact=True).is_visible()
    page.get_by_label("opt", exact=True).select_option("adam")
    assert page.get_by_label("beta", exact=True).is_visible()

    page.get_by_label("layers", exact=True).fill("99")
    one.wrong.clear()
    button(page, "Enqueue").click()
    page.locator("dialog .wrong", has_text="layers").wait_for()
    assert page.get_by_label("layers", exact=True).get_attribute("aria-invalid") == "true"
    assert all("400" in text for text in one.wrong)  # Chromium says so of every answer that is a no
    one.wrong.clear()

    page.get_by_label("layers", exact=True).fill("3")
    button(page, "Enqueue").click()
    page.get_by_text("is enqueued").wait_for()
    study.refresh()
    assert study.trials[-1].params["layers"] == 3


NASTY = '<img src=x onerror="window.hit=1">'
CLOSING = "</script><script>window.hit=1</script>"


@browser_only
def test_what_a_study_holds_is_never_markup(
    tab: Callable[..., Tab], visit: Callable[..., Visitor], tmp_path: Path
) -> None:
    """Names, labels, options, errors, notes, extras: on every page and in every plot."""
    space = {CLOSING: hp.float(CLOSING, 0, 1), NASTY: hp.categorical(NASTY, [NASTY, CLOSING])}
    study = Study(space, name=NASTY, storage=tmp_path / "study.db", seed=0, algorithm="random")

    def nasty(config: dict[str, Any]) -> dict[str, Any]:
        if config[CLOSING] > 0.7:
            raise ValueError(NASTY)
        return {"loss": config[CLOSING], NASTY: CLOSING}

    study.run(nasty, 30, catch=True, progress=False)
    study.note(NASTY)
    study.note(CLOSING, trial=0)
    visitor = visit(tmp_path / "study.db", study)
    one = tab()
    page = one.open(visitor.page.url)
    page.get_by_text(NASTY).first.wait_for()
    failed = next(t.number for t in study.trials if t.state is State.ERROR)
    for path in ("", f"/trial/{failed}", "/trial/0", "/compare?trials=0,1,2"):
        one.open(home(visitor) + path)
        for y in range(0, 8000, 800):
            page.evaluate("y => scrollTo(0, y)", y)
            page.wait_for_timeout(150)
        assert page.evaluate("window.hit") is None
        assert page.locator("img:not([src^='data:'])").count() == 0
        assert page.locator("main script").count() == 0
    one.open(home(visitor))
    button(page, "Try a configuration…").click()
    page.locator("dialog").get_by_text(CLOSING).first.wait_for()

    assert page.evaluate("window.hit") is None


@browser_only
def test_a_wrong_token_opens_nothing(browser: Any, searched: Visitor) -> None:
    """It says what is needed, and not a word about the studies."""
    one = Tab(browser)
    one.page.goto(f"{searched.home}/?token={'x' * 30}")
    wrong = one.page.inner_text("body")
    one.page.goto(home(searched))
    none = one.page.inner_text("body")
    one.context.close()

    assert "token" in wrong
    assert "token" in none
    assert "searched" not in wrong + none


EVIL = """<!doctype html><script type="module">
const say = [];
for (const [path, options] of [
  ["/api/studies", {}],
  ["/api/studies/UID/do", {method: "POST", headers: {"Content-Type": "application/json"}, body: '{"action":"stop"}'}],
  ["/api/studies/UID/do", {method: "POST", mode: "no-cors", body: '{"action":"stop"}'}],
]) {
  try {
    const answer = await fetch(HOME + path, {credentials: "include", ...options});
    say.push(answer.type === "opaque" ? "opaque" : String(answer.status));
  } catch (error) { say.push("refused"); }
}
document.title = say.join(" ");
</script>"""


@browser_only
def test_a_page_of_another_port_can_do_nothing(browser: Any, searched: Visitor) -> None:
    """It is the same site, so that the cookie comes along; it is another origin all the same."""
    text = EVIL.replace("UID", searched.uid).replace("HOME", f'"http://localhost:{searched.page.port}"')

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    one = Tab(browser)
    try:
        one.open(f"http://localhost:{searched.page.port}/?token={TOKEN}")
        one.page.wait_for_url(f"http://localhost:{searched.page.port}/")
        one.page.goto(f"http://localhost:{server.server_port}/")
        one.page.wait_for_function("document.title")
        title = one.page.title()
    finally:
        one.context.close()
        server.shutdown()
        server.server_close()
    assert searched.study is not None
    searched.study.refresh()

    assert title == "refused refused refused"
    assert not searched.study.stop_requested
    assert all(request.action == "budget" for request in searched.study.history.requests)


@pytest.fixture(scope="module")
def hundred_thousand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with 100 000 trials."""
    path = tmp_path_factory.mktemp("many") / "many.db"
    study = Study({"x": hp.float("x", 0, 1), "y": hp.choice("y", ["a", "b"])}, name="many", storage=path, seed=0)
    points = study.space.sample(__import__("numpy").random.default_rng(0), 100_000)
    events: list[Any] = []
    for i, row in enumerate(points.values.tolist()):
        events += [
            Asked(i, tuple(row), "random", i, 0, float(i)),
            Started(i, 1, "me", float(i)),
            Finished(i, 1, Outcome(State.OK, {"loss": row[0]}), i + 0.5),
        ]
        if len(events) >= 9000:
            study.stream.publish(*events)
            events = []
    study.stream.publish(*events)
    study.storage.close()
    return path


@browser_only
def test_a_hundred_thousand_rows_are_sorted_searched_and_walked_through(
    tab: Callable[..., Tab], visit: Callable[..., Visitor], hundred_thousand: Path
) -> None:
    """By the server: the browser has a page of them."""
    visitor = visit(hundred_thousand, Study.load(hundred_thousand, readonly=True), readonly=True)
    visitor.client.timeout = 120
    visitor.get("")  # which is answered when all of it has been read
    one = tab()
    page = enter(one, visitor)
    assert page.locator(ROWS).count() == 50
    assert page.locator("table.trials").get_attribute("aria-rowcount") == "100001"

    page.locator("th[data-key=loss] button").click()
    page.wait_for_selector("th[data-key=loss][aria-sort=ascending]")
    losses = [float(text) for text in page.locator(f"{ROWS} td:nth-child(4)").all_inner_texts()]
    assert losses == sorted(losses)

    page.locator("#where").fill("x < 0.25 and y == a")
    page.get_by_text(re.compile(r"12,\d\d\d of 100,000 trials")).wait_for()
    page.locator("#where").fill("x <")
    page.get_by_text("missing").wait_for()
    one.wrong.clear()
    page.locator("#where").fill("")
    page.get_by_text("100,000 trials", exact=True).wait_for()
    page.get_by_label("Page", exact=True).fill("2000")
    page.get_by_label("Page", exact=True).press("Enter")
    until(one, lambda: page.locator("table.trials caption").inner_text() == "Trials, page 2000 of 2000")
    assert button(page, "Page after").is_disabled()


@browser_only
def test_everything_is_reached_by_keys(tab: Callable[..., Tab], searched: Visitor) -> None:
    """Skip link, buttons, dialogs, the table by arrows; the focus is always seen."""
    assert searched.study is not None
    searched.study.set_budget(60)  # of one that is done nothing can be paused
    one = tab()
    page = enter(one, searched)
    page.wait_for_selector(DRAWN)
    one.open(home(searched))
    page.wait_for_selector(ROWS)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0

    reached: set[str] = set()
    for _ in range(90):
        page.keyboard.press("Tab")
        told = page.evaluate("""() => {
            const one = document.activeElement, box = one.getBoundingClientRect(), style = getComputedStyle(one);
            return [one.innerText || one.getAttribute("aria-label") || one.id || one.tagName,
                    style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2, one.tagName, box.width];
        }""")
        reached.add(told[0].strip())
        assert told[1] or told[2] == "BODY", f"the focus on {told[0]!r} is not seen"
    for name in ("Pause", "Stop…", "Budget…", "Try a configuration…", "Note…", "Zoom", "Trials", "Keys", "Add range"):
        assert name in reached

    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").wait_for()
    page.keyboard.press("Escape")
    assert page.locator("dialog").count() == 0

    button(page, "Note…").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Note", exact=True).wait_for()
    page.keyboard.type("by keys")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("The note is kept.").wait_for()
    page.locator("#notes").get_by_text("by keys").wait_for()
    until(one, lambda: page.evaluate("document.activeElement.innerText") == "Note…")

    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "where"
    page.locator(ROWS).first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    assert page.evaluate("document.activeElement.getAttribute('aria-selected')") == "true"
    number = page.evaluate("document.activeElement.dataset.number")
    page.get_by_text(f"Trial {number} picked").wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=f"Trial {number}", level=1).wait_for()
    assert page.evaluate("document.activeElement.tagName") == "H1"


@browser_only
@pytest.mark.parametrize("width", [375, 320])
def test_it_is_read_on_a_phone(tab: Callable[..., Tab], searched: Visitor, width: int) -> None:
    """No page is wider than the screen, and what is touched is large enough."""
    one = tab(viewport={"width": width, "height": 800}, is_mobile=True, has_touch=True)
    one.open(searched.page.url)
    for path in ("", "/trial/3", "/compare?trials=1,2,3,4,5"):
        page = one.open(home(searched) + path)
        page.wait_for_timeout(1200)
        assert one.overflow <= 0, path
        small = page.evaluate("""() => [...document.querySelectorAll("button, select, input:not([type=checkbox])")]
            .filter((one) => one.offsetParent && one.getBoundingClientRect().height < 24).map((one) => one.outerHTML.slice(0, 80))""")
        assert small == []
    one.open(home(searched))
    button(page, "Try a configuration…").click()
    page.wait_for_selector("dialog[open]")
    box = page.locator("dialog").bounding_box()
    assert box["width"] <= width
    assert box["height"] <= 800


def _lightness(page: Any, selector: str, what: str) -> float:
    text = page.evaluate("([s, w]) => getComputedStyle(document.querySelector(s))[w]", [selector, what])
    return sum(float(part) for part in re.findall(r"[\d.]+", text)[:3]) / 3


@browser_only
def test_dark_is_dark_by_the_system_and_by_the_switch(tab: Callable[..., Tab], searched: Visitor) -> None:
    """Plots too; what was chosen is kept."""
    one = tab(color_scheme="dark")
    page = enter(one, searched)
    page.wait_for_selector(DRAWN)
    assert _lightness(page, "body", "backgroundColor") < 60
    assert _lightness(page, "[data-name=history] .xtick text", "fill") > 150

    page.locator("#theme").click()
    until(one, lambda: _lightness(page, "[data-name=history] .xtick text", "fill") < 100)
    assert _lightness(page, "body", "backgroundColor") > 200
    page.reload()
    page.wait_for_selector(ROWS)
    assert _lightness(page, "body", "backgroundColor") > 200


@browser_only
def test_what_is_picked_in_one_plot_is_picked_everywhere(tab: Callable[..., Tab], searched: Visitor) -> None:
    """In the other plots, in the table and in the bar; Esc puts it back."""
    one = tab()
    page = enter(one, searched)
    page.wait_for_selector(DRAWN)
    page.wait_for_selector("[data-name=slice] .main-svg")
    area = page.locator("[data-name=history] .nsewdrag").bounding_box()
    page.mouse.move(area["x"] + 10, area["y"] + 10)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] / 2, area["y"] + area["height"] - 5, steps=8)
    page.mouse.up()
    page.locator(".bar").wait_for()
    picked = int(re.findall(r"\d+", page.locator(".bar strong").inner_text())[0])
    places = """name => Math.max(...document.querySelector(`[data-name=${name}] .drawing`).data
        .filter((trace) => trace.selectedpoints).map((trace) => trace.selectedpoints.length))"""
    assert picked > 5
    assert page.evaluate(places, "history") > 0
    until(one, lambda: page.evaluate(places, "slice") > 0)

    button(page, "Show in the table").click()
    until(one, lambda: page.locator(f"{ROWS}[aria-selected=true]").count() == min(picked, 50))
    page.keyboard.press("Escape")
    until(one, lambda: page.locator(".bar").is_hidden())
    assert page.locator(f"{ROWS}[aria-selected=true]").count() == 0


@browser_only
def test_texts_cannot_turn_their_line_and_words_and_numbers_are_whole(
    tab: Callable[..., Tab], visit: Callable[..., Visitor], tmp_path: Path
) -> None:
    """Characters that reverse what follows are spelled; a kind of failure and a number stand on one line."""
    evil, long = "a\u202eb\u2066\x1b[31m", "a long label " * 6
    space = {evil: hp.categorical(evil, ["x\u202ey", "z\u200fz"]), long: hp.float(long, 1e-5, 1e-1)}

    def objective(config: dict[str, Any]) -> float:
        if config[long] > 0.05:
            raise MemoryError("there is no room for any of this, and the sentence that says so is a long one")
        return float(config[long])

    study = Study(space, name="turned\u202e", storage=tmp_path / "turned.db", seed=0, algorithm="random")
    study.run(objective, 30, catch=True, progress=False)
    one = tab(viewport={"width": 390, "height": 800})
    page = enter(one, visit(tmp_path / "turned.db", study))
    lines = """one => { const r = document.createRange(); r.selectNodeContents(one);
        return new Set([...r.getClientRects()].map((b) => Math.round(b.top))).size; }"""

    assert page.locator(".plainly td", has_text=re.compile("^MemoryError$")).evaluate(lines) == 1
    assert "turned\\u202e" in page.locator("h1").inner_text()
    assert "\u202e" not in page.title()
    page.goto(f"{page.url.split('?')[0].rstrip('/')}/trial/0")
    numbers = page.locator(".params td.whole")
    numbers.first.wait_for()
    for cell in numbers.all():
        assert cell.evaluate(lines) == 1
    text = page.locator("body").inner_text()
    assert "a\\u202eb\\u2066\\x1b[31m" in text
    assert not set("\u202e\u2066\u200f\x1b") & set(text)


@browser_only
def test_a_study_of_one_trial_is_told_in_the_singular(tab: Callable[..., Tab], searched: Visitor) -> None:
    """As everywhere else."""
    page = enter(tab(), searched)
    assert searched.study is not None
    searched.study.set_budget(1)

    page.get_by_text("The one trial is done, so that there is nothing").wait_for()


@browser_only
def test_what_has_no_effect_is_not_offered(tab: Callable[..., Tab], searched: Visitor) -> None:
    """A study that is done or stopped can be neither paused nor stopped, and the page says why."""
    one = tab()
    page = enter(one, searched)
    assert searched.study is not None
    assert button(page, "Budget…").is_visible()
    assert button(page, "Pause").count() == button(page, "Stop…").count() == 0
    page.get_by_text("All 40 trials are done").wait_for()

    searched.study.set_budget(60)
    button(page, "Pause").wait_for()
    button(page, "Stop…").click()
    page.get_by_text("if their objective asks should_stop()").wait_for()
    button(page, "Stop it").click()
    page.locator(".pill.stopped").wait_for()
    page.get_by_text("It was stopped").wait_for()
    assert button(page, "Pause").count() == button(page, "Stop…").count() == 0


@browser_only
def test_a_page_that_is_printed_has_all_plots(tab: Callable[..., Tab], searched: Visitor) -> None:
    """Those too that nobody has scrolled to, as wide as the sheet; afterwards they fill their cards again."""
    one = tab()
    page = enter(one, searched)
    page.wait_for_selector(DRAWN)
    assert page.locator("[data-name=timeline] .main-svg").count() == 0
    drawn = page.evaluate("""() => {
        dispatchEvent(new Event("beforeprint"));
        return [...document.querySelectorAll(".plot")].map((card) =>
            card.querySelector(".main-svg")?.getBoundingClientRect().width ?? card.querySelector(".drawing p").innerText);
    }""")
    assert len(drawn) == 10
    assert [width for width in drawn if not isinstance(width, str)] == [680] * 9

    wide = "document.querySelector('[data-name=slice] .main-svg').getBoundingClientRect().width"
    page.evaluate("document.querySelector('[data-name=slice]').scrollIntoView()")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    until(one, lambda: page.evaluate(wide) > 1000)


@browser_only
def test_what_is_cut_is_told_to_who_points_at_it(
    tab: Callable[..., Tab], visit: Callable[..., Visitor], tmp_path: Path
) -> None:
    """In plots and tables; no page becomes wider by it."""
    label, option = "a long label " * 25, "an option, of many words; " * 12 + "end"
    space = {label: hp.float(label, 0, 1), "k": hp.categorical("k", [option, "short"])}
    study = Study(space, storage=tmp_path / "s.db", seed=0, algorithm="random")
    study.run(lambda config: config[label], 30, progress=False)
    one = tab()
    page = enter(one, visit(tmp_path / "s.db", study))
    page.evaluate("document.querySelector('[data-name=slice]').scrollIntoView()")
    page.wait_for_selector("[data-name=slice] .main-svg")
    titles = page.locator("[data-name=slice] svg text title").all_text_contents()
    heads = [head.get_attribute("title") for head in page.locator("thead th button").all()]

    assert {label, option} <= set(titles)
    assert label in heads
    assert page.locator(f"{ROWS} td[title]").first.get_attribute("title").strip("'") == option
    assert one.overflow <= 0


@browser_only
def test_values_that_read_the_same_are_not_marked(
    tab: Callable[..., Tab], visit: Callable[..., Visitor], tmp_path: Path
) -> None:
    """A trial beside the best one differs where one can see it."""
    study = Study({"x": hp.float("x", 0, 1), "y": hp.float("y", 0, 1)}, storage=tmp_path / "s.db", seed=0)
    for y, loss in ((0.2, 0.0), (0.9, 1.0)):
        study.enqueue({"x": 0.5 + loss * 1e-9, "y": y})
        study.tell(study.ask(), loss)
    one = tab()
    visitor = visit(tmp_path / "s.db", study)
    enter(one, visitor)
    page = one.open(f"{home(visitor)}/trial/1")

    assert page.locator("tr.differs th").all_inner_texts() == ["y"]


@browser_only
def test_what_is_gone_or_not_answered_is_said(tab: Callable[..., Tab], searched: Visitor) -> None:
    """A study that is deleted, a server that ends; the page goes on showing what it knew."""
    study, one = searched.study, tab()
    assert study is not None
    page = enter(one, searched)
    page.wait_for_selector("#link.live")
    study.delete()
    page.locator(".pill.gone").wait_for()
    page.locator("#link", has_text="deleted").wait_for()  # and is not asked for again, which would be a lost connection
    assert "deleted" in page.locator("#trouble").inner_text()
    assert page.locator(ROWS).count() == 40

    other = tab()
    there = other.open(searched.page.url)
    there.get_by_text("There is no study here yet.").wait_for()
    searched.page.close()
    there.locator("#trouble", has_text="connection").wait_for()
    one.wrong.clear()  # Chromium says of each connection that it is refused
    other.wrong.clear()
    one.context.close()
    other.context.close()
    one.wrong.clear()
    other.wrong.clear()


@browser_only
def test_what_changed_while_nobody_looked_is_said(tab: Callable[..., Tab], searched: Visitor) -> None:
    """A new name; and a study that was deleted, whose news are refused without a reason."""
    study, one = searched.study, tab()
    assert study is not None
    page = enter(one, searched)

    def look(hidden: bool) -> None:
        value = str(hidden).lower()
        page.evaluate(f"Object.defineProperty(document, 'hidden', {{value: {value}, configurable: true}})")
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    page.wait_for_selector("#link.live")
    look(hidden=True)
    study.rename("renamed")
    look(hidden=False)
    page.locator("h1", has_text="renamed").wait_for()
    assert "renamed" in page.title()
    look(hidden=True)
    study.delete()
    until(one, lambda: searched.client.get(f"/api/studies/{searched.uid}").status_code == 410)
    look(hidden=False)
    page.locator(".pill.gone").wait_for()

    assert "deleted" in page.locator("#trouble").inner_text()
    one.context.close()
    one.wrong.clear()  # Chromium says that the server refused


@browser_only
def test_more_pages_than_connections_are_live(tab: Callable[..., Tab], searched: Visitor) -> None:
    """Seven windows of one browser: each is answered, and each is soon told of a trial."""
    study, one = searched.study, tab()
    assert study is not None
    one.open(searched.page.url)
    pages = [one.context.new_page() for _ in range(6)]
    for page in pages:
        page.goto(home(searched))
        page.wait_for_selector(ROWS)
        page.wait_for_selector("#link.live")
    trial = study.ask()
    for page in pages:
        page.locator(f"tr[data-number='{trial.number}']").wait_for()
        assert page.locator("#trouble").is_hidden()


@browser_only
def test_a_page_that_may_not_agree_with_others_is_live_all_the_same(tab: Callable[..., Tab], searched: Visitor) -> None:
    """As in a frame without an origin, which is refused the locks by which pages agree who has a stream."""
    one = tab()
    one.page.add_init_script("navigator.locks.request = () => Promise.reject(new DOMException('', 'SecurityError'))")
    page = enter(one, searched)

    page.wait_for_selector("#link.live")


@browser_only
def test_its_outline_is_heard(tab: Callable[..., Tab], searched: Visitor) -> None:
    """Landmarks with names, one first heading, no level left out, a name for every control, headers for every column."""
    one = tab()
    enter(one, searched)
    page = one.page
    for path in ("", "/trial/3", "/compare?trials=1,2"):
        one.open(home(searched) + path)
        page.wait_for_timeout(500)
        levels = page.evaluate(
            "[...document.querySelectorAll('h1, h2, h3')].filter((one) => one.offsetParent).map((one) => Number(one.tagName[1]))"
        )
        assert levels.count(1) == 1
        assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
        assert page.get_by_role("main").count() == 1
        assert page.get_by_role("banner").count() == 1
        assert page.evaluate(
            "[...document.querySelectorAll('nav, [role=region]')].every((one) => one.ariaLabel || one.getAttribute('aria-labelledby'))"
        )
        nameless = page.evaluate("""() => [...document.querySelectorAll("button, a, input, select, textarea")].filter((one) =>
            !(one.innerText?.trim() || one.ariaLabel || one.labels?.length || one.textContent.trim())).map((one) => one.outerHTML.slice(0, 100))""")
        assert nameless == []
        assert page.evaluate("[...document.querySelectorAll('thead th')].every((one) => one.scope === 'col')")
    assert page.title().endswith("parzen")
