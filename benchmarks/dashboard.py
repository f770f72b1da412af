"""How soon the page of a large study is there, and what it takes in the browser: `python -m benchmarks.dashboard`.

A study of 100 000 trials is made in a file, `parzen dashboard` serves it from a process of its own, and Debian's Chromium opens
it, headless, some times anew.  The clock is the browser's own: from the beginning of the navigation until the table has rows
and the first plot is drawn and painted.  The server has read the study by then, as it has when somebody comes back to a page
that stays open; how long that took is told as well.

Memory is what the renderer processes of the browser have for themselves: the sum of `Private_Clean` and `Private_Dirty` in
/proc/PID/smaps_rollup, so that code that all of them share is not counted as the page's.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from parzen import Study, hp
from parzen.trials import Asked, Finished, Outcome, Started, State, TrialError

SPACE = {
    "lr": hp.float("lr", 1e-5, 1e-1, log=True),
    "layers": hp.int("layers", 1, 8),
    "dropout": hp.float("dropout", 0, 0.6),
    "batch": hp.categorical("batch", [16, 32, 64, 128]),
    "opt": hp.choice(
        "opt",
        [
            {"name": "adam", "beta": hp.float("beta", 0.8, 0.999)},
            {"name": "sgd", "momentum": hp.float("momentum", 0, 1)},
        ],
    ),
}
ARGUMENTS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"
THERE = """() => new Promise((done) => {
    const look = () => {
        const rows = document.querySelector("table.trials tbody tr[data-number]");
        const plot = document.querySelector("[data-name=history] .main-svg .points path");
        if (rows && plot) requestAnimationFrame(() => setTimeout(() => done(performance.now())));
        else setTimeout(look, 5);
    };
    look();
})"""

# Plots in the window that are not drawn, and all that are.  (Playwright's wait_for_function is forbidden by the page's policy.)
WAITING = """() => [...document.querySelectorAll(".plot")].filter((one) => {
    const box = one.getBoundingClientRect();
    return box.top < innerHeight && box.bottom > 0 && one.querySelector(".drawing").innerText.trim() === "…";
}).length"""
DRAWN = """() => [...document.querySelectorAll(".plot")].filter((one) => one.querySelector(".main-svg")).map((one) => one.dataset.name)"""


def make(path: Path, trials: int) -> None:
    """A study with some failures, written as a worker would, in large batches."""
    study = Study(SPACE, name="large", storage=path, seed=0)
    rng = np.random.default_rng(0)
    rows = study.space.sample(rng, trials).values
    losses = (np.log10(rows[:, 0]) + 3) ** 2 + 0.1 * np.abs(rows[:, 1] - 4) + 0.1 * rng.normal(size=trials) + 1
    failed = rng.random(trials) < 0.02
    began, events = time.time() - trials, []
    for i, (row, loss) in enumerate(zip(rows.tolist(), losses.tolist(), strict=True)):
        outcome = Outcome(State.OK, {"loss": loss}, seconds=0.5)
        if failed[i]:
            outcome = Outcome(State.ERROR, error=TrialError("ValueError", "it diverged"))
        events += [
            Asked(i, tuple(row), "tpe", i, 0, began + i),
            Started(i, 1, f"host/boot/0/{i % 4}/0/0", began + i),
            Finished(i, 1, outcome, began + i + 0.5),
        ]
        if len(events) > 9000:
            study.stream.publish(*events)
            events = []
    if events:
        study.stream.publish(*events)
    study.storage.close()


def serve(path: Path) -> tuple[subprocess.Popen[str], str, float]:
    """A server that has read the study, its address, and the seconds that took."""
    import httpx

    began = time.monotonic()
    server = subprocess.Popen(
        [sys.executable, "-m", "parzen", "dashboard", str(path), "--no-open", "--port", "0", "--read-only"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stderr is not None
    url = next(match[0] for line in server.stderr if (match := re.search(r"http://\S+", line)))
    base, token = url.split("/?token=")
    headers = {"Authorization": f"Bearer {token}"}
    while not all(one["read"] for one in httpx.get(f"{base}/api/studies", headers=headers).json()["studies"]):
        time.sleep(0.1)
    seconds = time.monotonic() - began
    time.sleep(2)  # until what is made ahead is made
    return server, url, seconds


def private(root: str) -> float:
    """Megabytes that the renderers of the browser with this profile have for themselves."""
    total = 0
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            command = (process / "cmdline").read_text().replace("\0", " ")
            if "--type=renderer" not in command or root not in _ancestors(process.name):
                continue
            text = (process / "smaps_rollup").read_text()
        except OSError:  # it has ended meanwhile
            continue
        total += sum(int(kb) for kb in re.findall(r"^Private_\w+:\s+(\d+) kB", text, re.MULTILINE))
    return total / 1024


def _ancestors(pid: str) -> str:
    """Command lines of a process's parents."""
    found = []
    while pid not in {"0", "1"}:
        found.append(Path("/proc", pid, "cmdline").read_text())
        pid = Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[1]
    return " ".join(found)


def contention() -> float:
    """How much longer this machine takes for a second of work than when it has nothing else to do."""
    wall, cpu = time.perf_counter(), time.process_time()
    while time.process_time() - cpu < 0.3:
        sum(range(10_000))
    return (time.perf_counter() - wall) / (time.process_time() - cpu)


def measure(url: str, times: int, chromium: str) -> dict[str, list[float]]:
    """Seconds and megabytes of each visit."""
    from playwright.sync_api import sync_playwright

    found: dict[str, list[float]] = {
        "contention": [],
        "opened": [],
        "memory": [],
        "memory, every plot looked at, peak": [],
    }
    with sync_playwright() as playwright:
        for _ in range(times):
            with tempfile.TemporaryDirectory() as profile:
                context: Any = playwright.chromium.launch_persistent_context(
                    profile,
                    executable_path=chromium,
                    headless=True,
                    args=ARGUMENTS.split(),
                    viewport={"width": 1366, "height": 900},
                )
                page = context.new_page()
                page.goto(url)
                page.wait_for_selector("tbody a")
                study = page.locator("tbody a").first.get_attribute("href")
                page.close()
                found["contention"].append(contention())
                page = context.new_page()  # the list is not part of it
                page.goto(url.split("/?", maxsplit=1)[0] + study, wait_until="commit")
                found["opened"].append(page.evaluate(THERE) / 1000)
                found["memory"].append(private(profile))
                seen: set[str] = set()
                peak = 0.0
                for y in range(0, 6000, 300):  # as somebody does who looks at every plot; those far away are given up
                    page.evaluate("y => scrollTo(0, y)", y)
                    end = time.monotonic() + 60
                    while page.evaluate(WAITING) and time.monotonic() < end:
                        page.wait_for_timeout(50)
                    seen.update(page.evaluate(DRAWN))
                    peak = max(peak, private(profile))
                assert len(seen) >= 9, (
                    f"only {sorted(seen)} were drawn"
                )  # a study without reports has no learning curves
                found["memory, every plot looked at, peak"].append(peak)
                context.close()
    return found


def main() -> None:
    """Make, serve, measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--chromium", default=os.environ.get("PARZEN_TEST_CHROMIUM", "chromium"))
    given = parser.parse_args()
    chromium = subprocess.run(["which", given.chromium], capture_output=True, text=True, check=True).stdout.strip()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "large.db")
        make(path, given.trials)
        server, url, read = serve(path)
        try:
            found = measure(url, given.times, chromium)
        finally:
            server.terminate()
            server.wait()
            assert server.stderr is not None
            server.stderr.close()
    busy = statistics.median(found.pop("contention"))
    load = os.getloadavg()[0]
    version = subprocess.run([chromium, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"{given.trials:,} trials, {given.times} visits, {version}, {os.cpu_count()} cores, load {load:.1f}\n")
    print("| what | median | worst | goal |\n|---|---|---|---|")
    goals = {"opened": "2 s", "memory": "300 MB", "memory, every plot looked at, peak": "300 MB"}
    for name, values in found.items():
        unit, digits = ("s", 2) if name == "opened" else ("MB", 0)
        print(
            f"| {name} | {statistics.median(values):.{digits}f} {unit} | {max(values):.{digits}f} {unit} | {goals[name]} |"
        )
    if busy > 1.2:
        quiet = statistics.median(found["opened"]) / busy
        print(f"| opened, divided by {busy:.1f}: others had so much of the processors | {quiet:.2f} s | | 2 s |")
    print(f"| the server reads the study, once | {read:.1f} s | | |")


if __name__ == "__main__":
    main()
