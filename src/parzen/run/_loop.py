"""The loop: ask, start, evaluate, finish, until a rule says stop.

Written against the stream; it knows no Study.  Everything that happened is in the log before anything else is done with
it, so an end at any point loses at most the evaluation that was running.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from parzen.algorithms import Algorithm, Ask, Proposal, repeats
from parzen.errors import Conflict, InvalidLoss, InvalidResult, SpaceExhausted, StopStudy, TrialPruned
from parzen.log import Stream, generator, trial_seed
from parzen.run._leases import abandoned, working
from parzen.run._objective import Evaluation, Objective, error_of, outcome_of, worst_of
from parzen.run._signals import Interrupts
from parzen.run._stopping import StopRule
from parzen.trials import LOST, Asked, Event, Finished, Noted, Outcome, Released, Reported, Started, State, TrialError

__all__ = ["Plan", "ask", "publish_asked", "release_abandoned", "run"]

_log = logging.getLogger("parzen")

EXHAUSTED = "space exhausted"
"""Key of the note, and reason of the stop, when a finite space has no new configuration left."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to run.

    Attributes:
        objective: what to minimise.
        algorithm: what proposes.
        stop: when to end; None for never.
        timeout: seconds after which no further trial begins, and `should_stop` says so; None for no limit.
        catch: exceptions of the objective after which the search goes on.
        repeat: on a finite space that is exhausted, evaluate configurations again instead of stopping.
        evaluation: how the objective takes an `Evaluation`: False, True for second, or the name of the parameter.
        each: called with the number of every trial that finished here.
    """

    objective: Objective
    algorithm: Algorithm
    stop: StopRule | Callable[..., str | None] | None = None
    timeout: float | None = None
    catch: tuple[type[BaseException], ...] = ()
    repeat: bool = False
    evaluation: bool | str = False
    each: Callable[[int], object] | None = None


def run(stream: Stream, plan: Plan, interrupts: Interrupts) -> str:
    """Run trials until something says stop; what it was.

    Returns:
        "trials", "timeout", "interrupt", "space exhausted", "callback", or what a stop rule said.

    Raises:
        BaseException: whatever the objective raised that `catch` does not name, after it was recorded.
    """
    with working() as worker:
        return _Loop(stream, plan, interrupts, worker).run()


class _Loop:
    def __init__(self, stream: Stream, plan: Plan, interrupts: Interrupts, worker: str) -> None:
        self.stream, self.plan, self.interrupts, self.worker = stream, plan, interrupts, worker
        self.history = stream.history
        self.pid = os.getpid()
        self.began = stream.clock.monotonic()
        self.asked_to_stop = len(self.history.requests)

    def run(self) -> str:
        release_abandoned(self.stream)
        while True:
            reason = self.reason_to_stop()
            if reason is not None:
                return reason
            try:
                number = self.begin()
            except SpaceExhausted:
                return EXHAUSTED
            except Conflict:  # another program took the number: look at what it did, and think again
                self.stream.pull()
                continue
            if number is None:
                return "trials"
            try:
                with self.released_if_torn(number):
                    self.evaluate(number)
                if self.plan.each is not None:
                    self.plan.each(number)
            except StopStudy:
                return "callback"
            except KeyboardInterrupt:
                return "interrupt"

    def elapsed(self) -> float:
        return self.stream.clock.monotonic() - self.began

    def reason_to_stop(self) -> str | None:
        if self.interrupts.signal is not None:
            return "interrupt"
        if any(request.action == "stop" for request in self.history.requests[self.asked_to_stop :]):
            return "request"
        elapsed = self.elapsed()
        if self.plan.timeout is not None and elapsed >= self.plan.timeout:
            return "timeout"
        return self.plan.stop(self.history, elapsed) if self.plan.stop is not None else None

    def begin(self) -> int | None:
        """The next trial, started; None when the budget is used up."""
        history, at = self.history, self.stream.clock.wall()
        waiting = history.count(State.WAITING)
        if history.budget is not None and history.spent - waiting >= history.budget:
            return None
        if waiting:
            number = int(np.flatnonzero(history.waiting)[0])
            self.stream.publish(Started(number, int(history.attempts[number]) + 1, self.worker, at))
            return number
        asked = ask(self.stream, self.plan.algorithm, 1, self.plan.repeat)
        number = asked[0].number
        self.stream.publish(*asked, Started(number, 1, self.worker, at))
        return number

    @contextmanager
    def released_if_torn(self, number: int) -> Iterator[None]:
        """Whatever tears the loop apart in the middle of a trial, the trial does not stay RUNNING in our name."""
        try:
            yield
        finally:
            history = self.history
            if history.state[number] == State.RUNNING and history.worker(number) == self.worker:
                attempt = int(history.attempts[number])
                self.stream.publish(Released(number, attempt, "interrupted", self.stream.clock.wall()))

    # --- one trial ----------------------------------------------------------------------------------------------

    def evaluate(self, number: int) -> None:
        """Call the objective and record what came of it, whatever it was."""
        attempt = int(self.history.attempts[number])
        outcome, error = self.attempt(number, attempt)
        self.stream.publish(Finished(number, attempt, outcome, self.stream.clock.wall()))
        if isinstance(error, StopStudy):
            raise error
        if error is not None:
            if not isinstance(error, self.plan.catch):
                raise error
            _log.info("trial %d failed: %s", number, outcome.error, extra={"trial": number})

    def attempt(self, number: int, attempt: int) -> tuple[Outcome, BaseException | None]:
        """The outcome of one call of the objective, and the exception that it ended with, if any."""
        clock = self.stream.clock
        begun = clock.monotonic()
        try:
            try:
                config = self.history.config(number)
                args, kwargs = self.evaluation(number, attempt)
                with self.interrupts.raising():
                    result = self.plan.objective(config, *args, **kwargs)
            finally:
                seconds = max(clock.monotonic() - begun, 0.0)
                self.leave_if_forked()
            return self.outcome(result, seconds), None
        except KeyboardInterrupt:
            raise
        except TrialPruned:
            return Outcome(State.PRUNED, seconds=seconds), None
        except StopStudy as stop:
            return Outcome(State.CANCELLED, seconds=seconds), stop
        except (InvalidResult, InvalidLoss) as error:
            if error.number is None:
                self.name_trial(error, number)
            return Outcome(State.FAILED, error=TrialError("loss", str(error)[:2000]), seconds=seconds), error
        except BaseException as error:  # SystemExit and the user's own too: no trial is left RUNNING
            return Outcome(State.ERROR, error=error_of(error), seconds=seconds), error

    def outcome(self, result: Any, seconds: float) -> Outcome:
        """What the objective returned; a generator is closed, so that Python does not complain later."""
        sign = self.history.reported(1.0)
        try:
            return outcome_of(result, self.history.objectives[0], worst_of(sign), seconds)
        except (InvalidResult, InvalidLoss):
            close = getattr(result, "close", None)
            if hasattr(result, "send") and callable(close):
                close()
            raise

    def name_trial(self, error: InvalidResult | InvalidLoss, number: int) -> None:
        points = self.history.points
        error.number, error.params = number, self.history.space.params(points, number)
        error.args = (f"{error} (trial {number}, params {error.params!r:.500})",)

    def evaluation(self, number: int, attempt: int) -> tuple[tuple[Evaluation, ...], Mapping[str, Evaluation]]:
        if self.plan.evaluation is False:
            return (), {}
        stream, seed = self.stream, int(self.history.seeds[number])

        def report(step: float, metrics: Mapping[str, float]) -> None:
            stream.publish(Reported(number, attempt, step, metrics, stream.clock.wall()))

        def attach(name: str, data: bytes) -> None:
            stream.storage.put(stream.header.uid, f"trial/{number}/{name}", data)

        def should_stop() -> bool:
            late = self.plan.timeout is not None and self.elapsed() >= self.plan.timeout
            return late or self.interrupts.signal is not None

        made = Evaluation(number, generator(seed, 1), report, should_stop, attach)
        return ((made,), {}) if self.plan.evaluation is True else ((), {str(self.plan.evaluation): made})

    def leave_if_forked(self) -> None:
        """End a child that the objective forked and let fall through: it must not become a second driver.

        Nothing is flushed: what stands in the child's buffers is the parent's, and would be written twice.
        """
        if os.getpid() == self.pid:
            return
        error = sys.exc_info()[1]
        code = 1 if error is not None else 0
        if isinstance(error, SystemExit):
            code = error.code if isinstance(error.code, int) else int(error.code is not None)
        os._exit(code)


# --- asking, shared with Study.ask -------------------------------------------------------------------------------


def ask(stream: Stream, algorithm: Algorithm, n: int, repeat: bool) -> list[Asked]:
    """`Asked` events for the next `n` numbers; not published yet.

    Raises:
        SpaceExhausted: the space is finite, everything has been asked for, and repeats are not wanted.
    """
    history = stream.history
    seed, first = stream.header.seed, len(history)
    numbers = tuple(range(first, first + n))
    wanted = Ask(numbers, lambda number: generator(trial_seed(seed, number), 0))
    try:
        proposal = algorithm.suggest(stream.space, history.snapshot(), wanted)
    except SpaceExhausted:
        if not repeat or not len(history):
            raise
        if EXHAUSTED not in history.notes:
            text = f"all {len(history)} configurations have been tried; trying again, least tried and best first"
            stream.publish(Noted(EXHAUSTED, text, stream.clock.wall()))
        proposal = repeats(history, wanted)
    return _events(stream, proposal, numbers)


def _events(stream: Stream, proposal: Proposal, numbers: tuple[int, ...]) -> list[Asked]:
    at, seed, saw = stream.clock.wall(), stream.header.seed, stream.history.seq
    rows = proposal.points.values.tolist()
    gains = proposal.gains or (None,) * len(numbers)
    events = []
    for i, number in enumerate(numbers):
        memo = proposal.memo if i == 0 else None
        values = tuple(rows[i])
        events.append(Asked(number, values, proposal.sources[i], trial_seed(seed, number), saw, at, gains[i], memo))
    return events


def publish_asked(stream: Stream, algorithm: Algorithm, n: int, repeat: bool, worker: str) -> list[int]:
    """Ask for `n` trials and start them in a worker's name; waiting ones are handed out first."""
    history = stream.history
    while True:
        at = stream.clock.wall()
        waiting = [int(i) for i in np.flatnonzero(history.waiting)[:n]]
        events: list[Event] = [Started(i, int(history.attempts[i]) + 1, worker, at) for i in waiting]
        asked = ask(stream, algorithm, n - len(waiting), repeat) if len(waiting) < n else []
        events += asked
        events += [Started(event.number, 1, worker, at) for event in asked]
        try:
            if events:
                stream.publish(*events)
        except Conflict:
            stream.pull()
            continue
        return waiting + [event.number for event in asked]


MAX_ATTEMPTS = 3
"""A trial whose worker went away so often is not run again: its objective takes the process down, and would for ever."""


def release_abandoned(stream: Stream) -> int:
    """Give up the trials of workers that are gone, so that they are run again; how many there were."""
    numbers, at = abandoned(stream.history), stream.clock.wall()
    events: list[Event] = []
    for i in numbers:
        attempt = int(stream.history.attempts[i])
        lost = stream.history.lost(i) + 1
        if lost < MAX_ATTEMPTS:
            events.append(Released(i, attempt, LOST, at))
        else:
            why = f"{lost} times its process was gone before it had a result: the objective may take it down"
            events.append(Finished(i, attempt, Outcome(State.ERROR, error=TrialError("lost worker", why)), at))
    if events:
        stream.publish(*events)
    return len(numbers)
