"""When something is told: what the live line, the log lines, the notebook and silence have in common.

The subscriber looks at two numbers a call and the clock, because a free objective publishes a hundred thousand entries
a second; everything else happens when there is something to tell, or in a thread that draws a few times a second.

Improvements are told at once as long as they are rare.  A bucket of tokens bounds them when they are not: five may come
together, then two a second, and in a run of days fewer still, so that an objective which improves with every trial
leaves hundreds of lines and not a million.  One that had to wait is told as soon as a token is there, or at the end.

The `parzen` logger is given the same events at level INFO, unless a subclass says otherwise, as one line each with `extra` fields
`event` ("resumed", "improved", "status", "noted", "paused", "continued", "ended"), `study`, `trial`, `loss`, `settings`,
`done`, `total`, `failed` and `elapsed`, as far as they make sense.  No handler is installed.  Where the program's own logging writes these records to
the very stream that we would write the same line to, only logging does.
"""

from __future__ import annotations

import contextvars
import logging
import os
import shlex
import threading
from collections.abc import Sequence
from typing import IO

from parzen._wording import number, plain
from parzen.feedback._base import RunInfo
from parzen.feedback._facts import Best, Pace, Progress, Summary, objective_seconds
from parzen.trials import Entry, History, Noted, Requested, State

__all__ = ["Reporter", "logged_to"]

_log = logging.getLogger("parzen")

_BURST = 5
_GAP = 0.5
_SLOWER = 1 / 200
"""After 100 s the gap between tokens grows, to `elapsed / 200`."""

_STATUS_AT = (10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0)
"""When a status is told; later every half hour: 54 on the first day."""


class Reporter:
    """Notes what happens and decides when to tell; a subclass says how.

    Args:
        interval: seconds between calls of `tick` in a thread of its own; None for no such thread.

    Attributes:
        records: whether the `parzen` logger is given the events as well.
    """

    records = True

    def __init__(self, interval: float | None = None) -> None:
        self._interval = interval
        self._run: RunInfo | None = None
        self._lock = threading.RLock()
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    # --- what a subclass may do -----------------------------------------------------------------------------------

    def opened(self, run: RunInfo, history: History) -> None:
        """The run begins; nothing was told yet."""

    def said(self, text: str) -> None:
        """Something is to be told once: that an earlier run is gone on with, that a finite space is exhausted."""

    def improved(self, best: Best) -> None:
        """There is a better trial, and it is time to tell."""

    def status(self, progress: Progress) -> None:
        """It is time for a word on how it goes."""

    def draw(self, progress: Progress) -> None:
        """A tick has passed."""

    def closing(self, progress: Progress) -> None:
        """The run ends: how far it came."""

    def closed(self, summary: Summary) -> None:
        """The run has ended."""

    # --- what the run does ----------------------------------------------------------------------------------------

    def start(self, run: RunInfo, history: History) -> None:
        """See `Feedback`."""
        self._run, self._history = run, history
        self._pid = os.getpid()
        self._t0 = run.clock.monotonic()
        self._seconds = objective_seconds(history)
        self._pace = Pace(history.finished)
        self._seen = self._told = -1 if history.best_number is None else history.best_number
        self._loss = float("inf") if self._seen < 0 else float(history.losses[self._seen])
        self._best: Best | None = None
        self._tokens, self._filled = float(_BURST), 0.0
        self._next_status = self._t0 + _STATUS_AT[0]
        self._due = self._next_status
        self._done.clear()
        self.opened(run, history)
        if run.already:
            self._tell_resumed(run, history)
        self._paused: float | None = None
        self._paused_for = 0.0
        self._tell_wishes(run, history)
        if self._interval is not None:
            self._thread = threading.Thread(
                # The context is what a notebook finds the running cell by.
                target=contextvars.copy_context().run,
                args=(self._keep_ticking, self._interval),
                name="parzen feedback",
                daemon=True,
            )
            self._thread.start()

    def __call__(self, entries: Sequence[Entry], history: History) -> None:
        """See `Feedback`."""
        run = self._run
        if run is None:
            return
        self._history = history
        for entry in entries:
            if isinstance(entry.event, Noted) and isinstance(entry.event.value, str):
                self._tell_noted(run, entry.event.value)
            elif isinstance(entry.event, Requested):
                self._tell_wishes(run, history)
        if history.best_number != self._seen or run.clock.monotonic() >= self._due:
            self._tell()

    def finish(self, history: History, stopped_by: str, error: BaseException | None = None) -> None:
        """See `Feedback`."""
        if self._run is None or os.getpid() != self._pid:
            return
        self._done.set()
        with self._lock:
            run, self._history = self._run, history
            self._tell(at_the_end=True)
            elapsed = self._elapsed()
            inside = max(objective_seconds(history) - self._seconds, 0.0)
            self._end_pause()
            summary = Summary.of(history, run, elapsed, inside, stopped_by, error, self._paused_for)
            self.closing(self._progress())
            self._run = None
            self.closed(summary)
        self._record("ended", f"run ended: {summary}", run, summary.best, elapsed=elapsed)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        self._thread = None

    def tick(self) -> None:
        """Tell what waited, and draw."""
        if self._run is None or os.getpid() != self._pid:
            return
        with self._lock:
            if self._run is not None:
                self._tell()
                self.draw(self._progress())

    # --- inside -----------------------------------------------------------------------------------------------------

    def _keep_ticking(self, interval: float) -> None:
        while not self._done.wait(interval):
            self.tick()

    def _elapsed(self) -> float:
        assert self._run is not None
        return self._run.clock.monotonic() - self._t0

    def _tell(self, at_the_end: bool = False) -> None:
        """Whatever is due."""
        if os.getpid() != self._pid:  # a forked child must neither draw nor wait for a lock that nobody holds any more
            return
        with self._lock:
            run = self._run
            if run is None:
                return
            elapsed = self._elapsed()
            self._look(self._history)
            if self._told != self._seen and (self._take_token(elapsed) or at_the_end):
                self._told = self._seen
                best = self._known_best(elapsed)
                if best is not None:
                    self._record("improved", f"{best}".strip(), run, best, elapsed=elapsed)
                    self.improved(best)
            now = run.clock.monotonic()
            if now >= self._next_status and not at_the_end:
                self._plan_status(elapsed)
                progress = self._progress()
                self._record("status", f"{progress}".strip(), run, progress.best, progress=progress, elapsed=elapsed)
                self.status(progress)
            waits = self._told != self._seen
            gap = max(_GAP, elapsed * _SLOWER)
            self._due = min(self._next_status, now + (1 - self._tokens) * gap) if waits else self._next_status

    def _look(self, history: History) -> None:
        """Note a new best; one that is worse than the last (that was retracted) is no news."""
        i = -1 if history.best_number is None else history.best_number
        if i == self._seen:
            return
        loss = float("inf") if i < 0 else float(history.losses[i])
        if loss >= self._loss:
            self._told = i
        self._seen, self._loss, self._best = i, loss, None

    def _take_token(self, elapsed: float) -> bool:
        gap = max(_GAP, elapsed * _SLOWER)
        self._tokens = min(_BURST, self._tokens + (elapsed - self._filled) / gap)
        self._filled = elapsed
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _plan_status(self, elapsed: float) -> None:
        every = _STATUS_AT[-1]
        later = next((at for at in _STATUS_AT if at > elapsed), (elapsed // every + 1) * every)
        self._next_status = self._t0 + later

    def _known_best(self, elapsed: float) -> Best | None:
        """Put into words once, and only when somebody looks: a repr may be dear."""
        if self._best is None and self._seen >= 0:
            self._best = Best.of(self._history, elapsed)
        return self._best

    def _progress(self) -> Progress:
        assert self._run is not None
        run, history, elapsed = self._run, self._history, self._elapsed()
        done = history.finished
        total = run.total_now(history)
        return Progress(
            elapsed=elapsed,
            left=self._pace.left(run, total, done, elapsed),
            done=done,
            total=total,
            failed=history.count(State.FAILED, State.ERROR) - history.imported(State.FAILED, State.ERROR),
            running=history.count(State.RUNNING),
            best=self._known_best(elapsed),
            pruned=history.count(State.PRUNED) - history.imported(State.PRUNED),
        )

    def _tell_resumed(self, run: RunInfo, history: History) -> None:
        total = run.total_now(history)
        of = "" if total is None else f" of {total}"
        text = f"resumed '{plain(run.name)}' from {plain(run.location, 200)}: {run.already}{of} trials done"
        best = self._known_best(0.0)
        if best is not None:
            text += f", best {number(best.loss, 6)} (trial {best.number})"
        self._record("resumed", text, run, best, elapsed=0.0)
        self.said(text)

    def _tell_noted(self, run: RunInfo, text: str) -> None:
        self._record("noted", plain(text, 500), run, None, elapsed=self._elapsed())
        with self._lock:
            self.said(plain(text, 500))

    def _tell_wishes(self, run: RunInfo, history: History) -> None:
        """That the study is paused, once, and by what it goes on; and that it does."""
        paused = history.wishes.paused
        if paused is (self._paused is not None):
            return
        self._end_pause()
        self._paused = self._elapsed() if paused else None
        text = f"paused: no further trial begins until {_resume_hint(run)}" if paused else "no longer paused: going on"
        self._record("paused" if paused else "continued", text, run, None, elapsed=self._elapsed())
        with self._lock:
            self.said(text)

    def _end_pause(self) -> None:
        if self._paused is not None:
            self._paused_for += self._elapsed() - self._paused

    def _record(
        self,
        event: str,
        text: str,
        run: RunInfo,
        best: Best | None,
        *,
        elapsed: float,
        progress: Progress | None = None,
    ) -> None:
        if not self.records or not _log.isEnabledFor(logging.INFO):
            return
        facts: dict[str, object] = {"event": event, "study": run.name, "elapsed": elapsed}
        if best is not None:
            facts.update(trial=best.number, loss=best.loss, settings=dict(best.settings))
        if progress is not None:
            facts.update(done=progress.done, total=progress.total, failed=progress.failed)
        _log.info("%s", text, extra=facts)


def _resume_hint(run: RunInfo) -> str:
    if not run.durable:
        return "Study.resume() is called"
    name = "" if run.name == "study" else f" --name {shlex.quote(plain(run.name))}"
    return f"`parzen resume {shlex.quote(plain(run.location, 200))}{name}` or Study.resume()"


def logged_to(stream: IO[str]) -> bool:
    """Whether the program's logging writes our records to this stream."""
    if not _log.isEnabledFor(logging.INFO):
        return False
    logger: logging.Logger | None = _log
    while logger is not None:
        for handler in logger.handlers:
            if (
                isinstance(handler, logging.StreamHandler)
                and handler.level <= logging.INFO
                and handler.stream is stream
            ):
                return True
        logger = logger.parent if logger.propagate else None
    return False
