"""Several workers from one command: processes of their own, each replaced when it is gone before its work is done.

Each holds the reading end of a pipe whose writing end is here.  So it learns of our end, whatever ended us, and does not go
on with nobody to look after it.  Through another one it says that and why it ended.  Who says nothing did not end by itself:
an objective may end its process with any status.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType

__all__ = ["ENDED", "run_crew", "tell_crew"]

ENDED = "ended"
"""What a member says that ends by itself, whatever else it said before."""
POLL = 0.1
"""Seconds between two looks at the workers."""
DEATHS = 4
"""Deaths for each worker, with no trial ended meanwhile, after which no more are started: a trial that kills its worker is an
ERROR after three."""


def run_crew(n: int, arguments: Sequence[str], finished: Callable[[], int]) -> tuple[int, str | None]:
    """Run `n` workers until they are done; the exit status of all together, and why they ended.

    A worker that a signal killed (out of memory, a fault in a library) is replaced, and so is one whose process the objective
    ended; its trial goes to another.  SIGINT and SIGTERM are handed on, and the workers release what they run.

    Args:
        n: how many.
        arguments: of `parzen`, for one worker; the first one shows progress, the others are told `--quiet`.
        finished: how many trials of the study have ended.

    Returns:
        0 if all ended so; 128 + n after signal n; else the status of the first that failed.  And what the run of that one
        was stopped by, or else of the last; None where it did not come to say so.
    """
    told: list[int] = []
    life, ours = os.pipe()
    said, saying = os.pipe()
    crew: dict[int, subprocess.Popen[bytes]] = {}

    def start(place: int) -> None:
        quiet = [] if place == 0 or "--quiet" in arguments else ["--quiet"]
        crew[place] = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "parzen",
                *arguments[:1],
                "--member",
                str(life),
                str(saying),
                *quiet,
                *arguments[1:],
            ],
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C comes from us, once
            pass_fds=(life, saying),
        )
        for number in told:  # while it was being started
            crew[place].send_signal(number)

    def hand_on(number: int, frame: FrameType | None) -> None:
        told.append(number)
        for process in list(crew.values()):
            if process.poll() is None:
                process.send_signal(number)

    before = {number: signal.signal(number, hand_on) for number in (signal.SIGINT, signal.SIGTERM)}
    status, deaths, ended, heard = 0, 0, finished(), ""
    decides = 0  # the process whose end says why all ended
    try:
        for place in range(n):
            start(place)
        while crew:
            time.sleep(POLL)
            for place, process in list(crew.items()):
                code = process.poll()
                if code is None:
                    continue
                del crew[place]
                heard += _heard(said)
                by_itself = any(line.startswith(f"{process.pid} ") for line in heard.splitlines())
                if not by_itself and not told:
                    now = finished()
                    deaths, ended = (1 if now > ended else deaths + 1), now
                    if deaths <= DEATHS * n:
                        start(place)
                        continue
                decides = decides if status else process.pid
                # Given up at last: who ended with 0 each time has not done its work either.
                status = status or (128 - code if code < 0 else code or int(not by_itself))
        reasons = dict(line.split(" ", 1) for line in heard.splitlines() if not line.endswith(f" {ENDED}"))
        return (128 + told[-1], "interrupt") if told else (status, reasons.get(str(decides)))
    finally:
        for process in crew.values():  # an error of our own: nobody would look after them
            process.terminate()
        for number, handler in before.items():
            signal.signal(number, handler)
        for end in (ours, life, said, saying):
            os.close(end)


def tell_crew(pipe: int, reason: str) -> None:
    """Say, as a member of a crew, why it ends; in one write, which is not torn by those of others."""
    os.write(pipe, f"{os.getpid()} {reason}\n".encode())


def _heard(pipe: int) -> str:
    """What members have said since."""
    os.set_blocking(pipe, False)
    try:
        return os.read(pipe, 1 << 16).decode()
    except BlockingIOError:
        return ""
