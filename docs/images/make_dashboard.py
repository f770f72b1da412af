"""Make docs/images/dashboard/*.png: the web page of two real searches, in a real Chromium.

    python docs/images/make_dashboard.py

Needs parzen with its extra `test`, Pillow (which matplotlib brings), and Chromium: `chromium` on the PATH, or the one that
PARZEN_TEST_CHROMIUM names.
"""

from __future__ import annotations

import io
import math
import os
import shutil
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from parzen import State, Study, TrialPruned, hp
from parzen.dashboard import Dashboard

OUT = Path(__file__).resolve().parent / "dashboard"
COLOURS = 256  # of a picture: enough for flat surfaces and small dots
# Where this was drawn is nobody's business.
SHORTER = r"""() => document.querySelectorAll("pre").forEach((one) => {
    one.textContent = one.textContent.replaceAll(/"[^"]*\/(src\/parzen|docs\/images)/g, '"$1');
})"""
SPACE = {
    "lr": hp.float("lr", 1e-5, 1, log=True),
    "batch": hp.ordinal("batch", [16, 32, 64, 128]),
    "model": hp.choice(
        "model",
        [
            {"kind": "svm", "C": hp.float("C", 0.1, 10, log=True)},
            {"kind": "net", "layers": hp.int("layers", 1, 6), "dropout": hp.float("dropout", 0, 0.6)},
        ],
    ),
}


def train(config: dict[str, Any], evaluation: Any) -> float:
    """Learns by epochs; diverges where the rate is high; a little noise."""
    model = config["model"]
    best = abs(math.log10(config["lr"]) + 3) / 4 + (0.12 if model["kind"] == "svm" else 0.02 * abs(model["layers"] - 3))
    best += 0.02 * evaluation.rng.normal() + 0.1
    for epoch in range(1, 9):
        evaluation.report(epoch, best + 0.8 / epoch)
        if config["lr"] > 0.3:
            raise ArithmeticError("the loss is not finite any more")
        if evaluation.should_stop():
            raise TrialPruned
    return best


def save(page: Page, name: str, *, full: bool = False) -> None:
    """The window, or the whole page, as a small file."""
    picture = Image.open(io.BytesIO(page.screenshot(full_page=full))).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(OUT / f"{name}.png", optimize=True)


def settle(page: Page) -> None:
    """Until no plot in the window is being made."""
    page.wait_for_selector("h1")
    end = time.monotonic() + 60
    busy = "[...document.querySelectorAll('.drawing')].some((one) => one.innerText.trim() === '…' && one.getBoundingClientRect().top < innerHeight)"
    while page.evaluate(busy) and time.monotonic() < end:
        page.wait_for_timeout(100)
    page.wait_for_timeout(700)


def main() -> None:
    """Search, serve, look."""
    OUT.mkdir(exist_ok=True)
    chromium = os.environ.get("PARZEN_TEST_CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        earlier = Study(SPACE, name="digits, random", storage="study.db", seed=1, algorithm="random")
        earlier.run(train, 80, catch=True, progress=False)
        study = Study(SPACE, name="digits", storage="study.db", seed=4, pruner="median")
        study.run(train, 120, catch=True, progress=False)
        study.note("Rates above 0.3 always diverge: leave them out of the next search.")
        study.set_budget(200)
        study.enqueue({"lr": 0.001})
        hold = threading.Event()
        runs = threading.Thread(
            target=study.run, args=(lambda config: (hold.wait(300) and 0.5) or 0.5, 200), kwargs={"progress": False}
        )
        runs.start()
        with Dashboard("study.db", port=0) as dashboard, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            home = f"http://127.0.0.1:{dashboard.port}"
            for theme in ("light", "dark"):
                page = browser.new_page(viewport={"width": 1200, "height": 860}, color_scheme=theme)
                page.goto(dashboard.url)
                page.wait_for_selector("tbody a")
                page.wait_for_timeout(600)
                if theme == "light":
                    page.set_viewport_size({"width": 1200, "height": 320})
                    save(page, "list-light")
                    page.set_viewport_size({"width": 1200, "height": 860})
                page.get_by_role("link", name="digits", exact=True).click()
                page.wait_for_selector("table.trials tbody tr[data-number]")
                settle(page)
                save(page, f"study-{theme}")
                where = page.url
                # Pick the good ones in the history, and look at what is the same elsewhere.
                page.locator("#plots").scroll_into_view_if_needed()
                page.evaluate("document.getElementById('plots').scrollIntoView()")
                settle(page)
                area = page.locator("[data-name=history] .nsewdrag").bounding_box()
                assert area is not None
                page.mouse.move(area["x"] + area["width"] * 0.3, area["y"] + area["height"] * 0.62)
                page.mouse.down()
                page.mouse.move(area["x"] + area["width"] * 0.9, area["y"] + area["height"] - 3, steps=6)
                page.mouse.up()
                page.wait_for_timeout(800)
                save(page, f"linked-{theme}")
                if theme == "dark":
                    continue
                page.evaluate("document.getElementById('trials').scrollIntoView()")
                page.locator("#where").fill("lr < 0.01 and model == net")
                page.wait_for_timeout(1200)
                save(page, "table-light")
                failed = next(t.number for t in study.trials if t.state is State.ERROR)
                for path, name in ((f"/trial/{failed}", "trial-light"), ("/compare?trials=3,30,60,90", "trials-light")):
                    page.goto(where.split("#")[0] + path)
                    settle(page)
                    page.evaluate(SHORTER)
                    save(page, name, full=name == "trial-light")
                page.goto(where.split("#")[0])
                page.get_by_role("button", name="Try a configuration…").click()
                page.wait_for_selector("dialog[open]")
                page.wait_for_timeout(300)
                save(page, "form-light")
                uids = ",".join(one.header.uid for one in dashboard.library.studies)
                page.goto(f"{home}/compare?studies={uids}")
                settle(page)
                save(page, "studies-light")
            phone = browser.new_page(
                viewport={"width": 375, "height": 812}, is_mobile=True, has_touch=True, color_scheme="dark"
            )
            phone.goto(dashboard.url)
            phone.wait_for_selector("tbody a")
            phone.goto(where.split("#")[0])
            phone.wait_for_selector("table.trials tbody tr[data-number]")
            settle(phone)
            save(phone, "phone-dark")
            browser.close()
        study.stop()
        hold.set()
        runs.join()
        os.chdir("/")


if __name__ == "__main__":
    main()
