"""One process of a program: started, followed while it runs, ended with all that it started.

Its output goes straight into files, so that nothing that it prints can block it, and what it printed is there whatever
becomes of us.  We read behind it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType
from typing import IO, Any

from parzen._processes import boot, start_time

__all__ = ["CannotStart", "PROCESS", "Ended", "end_left_over", "follow", "tail_of"]

PROCESS = "process.txt"
"""File in a trial's folder that says which process runs it, as long as it does."""

GRACE = 5.0
"""Seconds between asking a program to end and ending it."""
_TICK = 0.05
_CHUNK = 1 << 16


class Ended:
    """How a program ended.

    Attributes:
        status: its exit status; negative for a signal.
        timed_out: it was ended because its time was up.
        given_up: it was ended because `look` said so.
    """

    def __init__(self) -> None:
        self.status = 0
        self.timed_out = self.given_up = False


class CannotStart(Exception):
    """A program cannot be started; the text says why."""


def follow(
    words: Sequence[str],
    *,
    output: str,
    errors: str,
    process_file: str,
    see: Callable[[str, bool], None],
    look: Callable[[], bool],
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
    clock: Callable[[], float],
) -> Ended:
    """Run a program to its end.

    Args:
        words: the program and its arguments; no shell sees them.
        output, errors: files that its two streams go to.
        process_file: says which process it is, as long as we follow it; see `end_left_over`.
        see: called with each whole line, and whether it was printed as an error.
        look: called after lines have come; True ends the program.
        cwd, env: of the program.
        timeout: seconds after which it is ended.
        clock: gives monotonic seconds.

    Raises:
        CannotStart: there is no such program, or it may not be run.
    """
    ended = Ended()
    process: subprocess.Popen[bytes] | None = None
    began = clock()
    try:
        with open(output, "wb") as out, open(errors, "wb") as err, _uninterrupted():
            # A session of its own: a Ctrl-C at the terminal is for us to hear, and to tell it.
            try:
                process = subprocess.Popen(
                    words, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=cwd, env=env, start_new_session=True
                )
            except OSError as error:
                raise CannotStart(error.strerror or str(error)) from error
        with open(process_file, "w", encoding="ascii") as file:
            file.write(f"{process.pid} {_start_of(process.pid, zombies=True)} {os.getpid()} {_start_of(os.getpid())}")
        with open(output, "rb") as out, open(errors, "rb") as err:
            tails = (_Tail(out, see, error=False), _Tail(err, see, error=True))
            while True:
                try:
                    process.wait(_TICK)
                except subprocess.TimeoutExpired:
                    running = True
                else:
                    running = False
                came = [tail.read(last=not running) for tail in tails]
                if not running:
                    break
                if timeout is not None and clock() - began >= timeout:
                    ended.timed_out = True
                elif any(came) and look():
                    ended.given_up = True
                if ended.timed_out or ended.given_up:
                    _end(process)
                    for tail in tails:
                        tail.read(last=True)
                    break
    except BaseException:
        if process is not None:
            _end(process)
        raise
    with contextlib.suppress(FileNotFoundError):  # the program may tidy up
        os.unlink(process_file)
    ended.status = process.returncode
    return ended


def end_left_over(process_file: str) -> None:
    """End what an earlier attempt left running, because its driver was killed and could not: it would run beside us.

    Only a process of the same number *and* start is that one; where the system does not tell, it is left alone.  So is a
    program whose driver lives: another search has its trials in the same folder.
    """
    try:
        with open(process_file, encoding="ascii") as file:
            pid, start, driver, driver_start = file.read(200).split()
        number, driven_by = int(pid), int(driver)
    except (OSError, ValueError):
        return
    # A program that has ended may have left others in its group.  A driver that has ended follows nothing any more, however
    # long nobody asks how it ended (as in a container whose first process is no init).
    if start != "-" and start == _start_of(number, zombies=True) and driver_start != _start_of(driven_by):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(number, signal.SIGKILL)


def _start_of(pid: int, *, zombies: bool = False) -> str:
    """When a process started: ticks since a boot, and which boot; "-" where the system does not say or there is none."""
    started = start_time(pid, zombies=zombies)
    return f"{started}@{boot()}" if started.isdigit() else "-"


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait until this is over: between the start of a process and our knowing it, none may be lost."""
    came: list[tuple[int, FrameType | None]] = []
    before: dict[int, Callable[[int, FrameType | None], Any]] = {}
    if threading.current_thread() is threading.main_thread():
        for number in (int(signal.SIGINT), int(signal.SIGTERM)):
            handler = signal.getsignal(number)
            if callable(handler):
                before[number] = handler
                signal.signal(number, lambda number, frame: came.append((number, frame)))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for number, frame in came:
        before[number](number, frame)


class _Tail:
    def __init__(self, file: IO[bytes], see: Callable[[str, bool], None], *, error: bool) -> None:
        self._file, self._see, self._error = file, see, error
        self._rest = b""

    def read(self, *, last: bool) -> bool:
        """See the lines that have come; whether there were any."""
        came = False
        while chunk := self._file.read(_CHUNK):
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            for line in lines:
                came = True
                self._see(line.decode("utf-8", "replace"), self._error)
            self._rest = self._rest[-(1 << 20) :]  # a line without an end must not fill the memory
        if last and self._rest:
            came = True
            self._see(self._rest.decode("utf-8", "replace"), self._error)
            self._rest = b""
        return came


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask it and all that it started to end, then see to it; a second interrupt does not wait."""
    try:
        _signal(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    finally:
        _signal(process, getattr(signal, "SIGKILL", signal.SIGTERM))
        process.wait()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
    elif process.poll() is None:
        process.send_signal(number)


def tail_of(path: str, limit: int = 2000) -> str:
    """The last line of a file that says something; empty where there is none."""
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(file.tell() - 65536, 0))
            lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines()]
    except OSError:
        return ""
    return next((line[:limit] for line in reversed(lines) if line), "")
