"""The loop for several trials at once: ask, hand out, listen, record, until a rule says stop.

It has the promises of the serial loop: everything is in the log before anything else is done with it, failures are typed,
and however it ends no trial stays RUNNING.  Only this process writes; whoever evaluates is told and tells (`executors`).

While more than one trial runs, the next proposals are prepared, so that a worker that has finished does not wait for the
algorithm.  They are published when their trials begin, with the place in the log that they were computed from.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from parzen.errors import ExecutorError, ObjectiveTimeout, SpaceExhausted, StopStudy, TooLarge
from parzen.log import Stream
from parzen.run._asking import EXHAUSTED, prepare, start_trials
from parzen.run._attachments import attachment_key
from parzen.run._fleet import Fleet
from parzen.run._leases import MAX_ATTEMPTS, Presence, present
from parzen.run._loop import Course, Plan
from parzen.run._objective import error_of
from parzen.run._pace import Pace
from parzen.run._signals import Interrupts
from parzen.run.executors import (
    Attached,
    Begun,
    Exceeded,
    Job,
    Lost,
    Message,
    Question,
    Raised,
    Reported,
    Returned,
    Task,
)
from parzen.trials import LOST, Asked, Finished, Outcome, Released, State, TrialError
from parzen.trials import Reported as ReportedEvent

__all__ = ["drive"]

_log = logging.getLogger("parzen")

SILENCE = 60.0
"""Seconds after a trial's time is up in which whoever runs it should have ended it and said so."""
CANCEL_GRACE = 5.0
"""Seconds in which a trial that somebody cancelled may end by itself, where the run was given no grace."""
TICK = 0.2
"""Seconds after which the driver looks around when nothing is told: for signals, requests and the time."""


def drive(stream: Stream, plan: Plan, fleet: Fleet, interrupts: Interrupts) -> str:
    """Run trials on a fleet until something says stop; what it was.

    Trials that are running when a rule says stop are waited for; after an interrupt, an error that `catch` does not name, or
    the grace period, they are ended and wait for the next run.

    Returns:
        As `run` does.

    Raises:
        BaseException: whatever the objective raised that `catch` does not name, after it was recorded.
        ExecutorError: trials cannot be evaluated there.
    """
    with present(stream, plan.lease) as me:
        return _Driver(stream, plan, fleet, interrupts, me).run()


@dataclass(slots=True)
class _Underway:
    """A trial that somebody evaluates.

    Attributes:
        begun: on the clock, when the objective was called.
        cancelled: on the clock, when it was noticed that somebody wants it to be cancelled.
    """

    task: Task
    begun: float | None = None
    cancelled: float | None = None


class _Driver(Course):
    def __init__(self, stream: Stream, plan: Plan, fleet: Fleet, interrupts: Interrupts, me: Presence) -> None:
        super().__init__(stream, plan, interrupts, me)
        self.fleet, self.executor = fleet, fleet.executor
        places = len(fleet.places)
        self.free = list(range(places))[::-1]
        # Where places have devices, a trial that waits in the engine would hold one of them for nothing.
        self.early = 0 if any(fleet.places) else int(getattr(self.executor, "early", 0))
        self.kept_back = list(range(places, places + self.early))
        self.running: dict[int, _Underway] = {}
        self.prepared: list[Asked] = []
        self.exhausted = False
        self.stopping: str | None = None
        self.pace = Pace(len(fleet.places))
        self.lost_in_a_row = self.stuck = 0

    def run(self) -> str:
        fleet, plan = self.fleet, self.plan
        metric = self.history.objectives[0]
        places = (*fleet.places, *({} for _ in range(self.early)))
        job = Job(plan.objective, plan.evaluation, metric, places, fleet.trial_timeout, fleet.trial_memory)
        self.executor.open(job)
        try:
            return self.course()
        except KeyboardInterrupt:
            self.give_up("interrupted")
            if self.interrupts.nested:  # the run around this one is to be told too
                raise
            return "interrupt"
        except BaseException:
            self.give_up("interrupted")
            raise
        finally:
            self.executor.close()

    def course(self) -> str:
        while True:
            self.look_around()
            told = self.told_to_stop()
            if told == "interrupt":
                raise KeyboardInterrupt
            dry = None
            if self.stopping is None:
                self.stopping = told
            paused = self.stopping is None and self.is_paused()
            if paused:
                self.stopping = self.rule()
            elif self.stopping is None and (self.free or self.kept_back):
                dry = self.fill()
            if not self.running:
                if self.stopping is not None:
                    return self.stopping
                if dry is not None and not self.me.awaits():
                    return dry  # else: if others are lost, it is we who run their trials again
            if self.stopping == "timeout" and self.is_past_grace():
                self.give_up("timeout")
                return "timeout"
            for message in self.hear(self.nap() if paused and not self.running else TICK):
                self.take(message)
            self.end_cancelled_ones()
            self.give_up_silent_ones()

    def is_past_grace(self) -> bool:
        grace, timeout = self.fleet.grace, self.plan.timeout
        return grace is not None and timeout is not None and self.elapsed() >= timeout + grace

    # --- handing out --------------------------------------------------------------------------------------------

    def vacate(self, place: int) -> None:
        """A place is free; one for trials that are given early only as long as they are short."""
        (self.free if place < len(self.fleet.places) else self.kept_back).append(place)

    def fill(self) -> str | None:
        """Give every free place a trial; why there are no more, as far as can be known now."""
        if self.kept_back and self.pace.is_short():
            self.free[:0] = self.kept_back  # taken last
            self.kept_back = []
        while self.free:
            self.stopping = self.rule()
            if self.stopping is not None:
                return None
            if self.exhausted and not self.history.count(State.WAITING):
                return EXHAUSTED
            try:
                numbers = start_trials(
                    self.stream,
                    self.plan.algorithm,
                    len(self.free),
                    repeat=self.plan.repeat,
                    worker=self.worker,
                    limited=self.limited,
                    prepared=self.prepared,
                )
            except SpaceExhausted:
                self.exhausted = True
                return EXHAUSTED
            if not numbers:
                return "trials"
            for number in numbers:
                self.hand_out(number)
        return None

    def hand_out(self, number: int) -> None:
        place, attempt = self.free.pop(), self.history.attempt_of(number)
        self.pruned.pop(number, None)
        late = self.running.pop(number, None)
        if late is not None:  # somebody took us for dead and gave the trial up, and now it is ours again
            self.take_back(late)
        try:
            task = Task(number, attempt, self.history.config(number), int(self.history.seeds[number]), place)
            self.running[number] = _Underway(task)
            self.executor.submit(task)
        except Exception as error:  # a configuration that cannot be made, or cannot travel
            self.vacate(place)
            del self.running[number]
            if isinstance(error, ExecutorError) and not isinstance(error, TypeError):
                event = self.released(number, "no worker")
                if event is not None:
                    self.stream.publish(event)
                raise
            self.finish(number, attempt, self.outcome_of_error(number, error, 0.0, None), error)

    def rule(self) -> str | None:
        """Why no further trial begins, as far as results say."""
        return None if self.plan.stop is None else self.plan.stop(self.history, self.elapsed())

    # --- listening ----------------------------------------------------------------------------------------------

    def hear(self, patience: float) -> Sequence[Message]:
        """What there is to hear within so many seconds; while there is nothing, proposals are prepared."""
        messages = self.executor.collect(0.0)
        if not messages and self.stopping is None and len(self.running) > 1 and not self.prepared:
            self.look_ahead()
            messages = self.executor.collect(0.0)
        return messages or self.executor.collect(patience)

    def look_ahead(self) -> None:
        n = self.pace.ahead()
        if self.limited and self.history.budget is not None:
            n = min(n, self.history.budget - self.history.spent)
        if n <= 0 or self.exhausted or self.history.count(State.WAITING):
            return
        begun = self.stream.clock.monotonic()
        self.prepared = prepare(self.stream, self.plan.algorithm, n, repeat=self.plan.repeat)
        self.pace.suggested(n, self.stream.clock.monotonic() - begun)
        self.exhausted = not self.prepared

    def take(self, message: Message) -> None:
        underway = self.running.get(message.number)
        if underway is None or underway.task.attempt != message.attempt:  # of a trial that was given up
            if isinstance(message, Question):
                message.answer(True)
            return
        if isinstance(message, Begun):
            underway.begun = underway.begun or self.stream.clock.monotonic()
        elif isinstance(message, Question):
            message.answer(self.should_stop(message.number, message.attempt))
        elif isinstance(message, (Reported, Attached)):
            self.record_on_the_way(message)
        else:
            self.end(message)

    def record_on_the_way(self, message: Reported | Attached) -> None:
        """Keep what a trial told; of what is too large the trial, which is elsewhere and goes on, is not told."""
        number, attempt, stream = message.number, message.attempt, self.stream
        try:
            if isinstance(message, Attached):
                stream.storage.put(stream.header.uid, attachment_key(number, message.name), message.data)
            else:
                at = stream.clock.wall()
                stream.publish(ReportedEvent(number, attempt, message.step, message.metrics, at))
        except TooLarge as error:
            _log.warning("%s; left out, and trial %d goes on", error, number, extra={"trial": number})

    def end(self, message: Returned | Raised | Exceeded | Lost) -> None:
        """A trial has come to an end, of whatever kind: its place is free."""
        number, attempt = message.number, message.attempt
        self.vacate(self.running.pop(number).task.place)
        if isinstance(message, Lost):
            self.lose(message)
            return
        self.lost_in_a_row = 0
        self.pace.evaluated(message.seconds)
        if isinstance(message, Exceeded):
            self.pruned.pop(number, None)
            outcome = Outcome(State.ERROR, error=error_of(message.error), seconds=message.seconds)
            self.finish(number, attempt, outcome, None)
            return
        for told in message.before:
            self.record_on_the_way(told)
        if isinstance(message, Returned):
            try:
                outcome, error = self.outcome(number, attempt, message.result, message.seconds), None
            except Exception as wrong:
                outcome, error = self.outcome_of_error(number, wrong, message.seconds, None), wrong
            self.finish(number, attempt, outcome, error)
            return
        if isinstance(message.error, KeyboardInterrupt):
            raise message.error
        outcome = self.outcome_of_error(number, message.error, message.seconds, message.record)
        self.finish(number, attempt, outcome, None if outcome.state is State.PRUNED else message.error, message)

    def lose(self, message: Lost) -> None:
        """Run a trial again whose worker is gone, unless it has taken too many with it.

        Raises:
            ExecutorError: nothing but losses, so that it cannot be the trials.
        """
        self.lost_in_a_row += 1
        number, attempt, at = message.number, message.attempt, self.stream.clock.wall()
        lost = self.history.lost(number) + 1
        self.pruned.pop(number, None)
        if number in self.history.wishes.cancelling:
            self.finish(number, attempt, Outcome(State.CANCELLED), None)
            return
        if lost < MAX_ATTEMPTS:
            _log.warning("trial %d lost its worker (%s) and is run again", number, message.why)
            self.stream.publish(Released(number, attempt, LOST, at))
            if self.lost_in_a_row >= MAX_ATTEMPTS * (len(self.fleet.places) + 3):
                raise ExecutorError(
                    f"{self.lost_in_a_row} workers in a row were gone before they had a result, the last: {message.why}"
                )
            return
        why = f"{lost} times its worker was gone before it had a result: the objective may take it down; {message.why}"
        self.finish(number, attempt, Outcome(State.ERROR, error=TrialError("lost worker", why)), None)

    def finish(
        self, number: int, attempt: int, outcome: Outcome, error: BaseException | None, message: Raised | None = None
    ) -> None:
        """Record how a trial ended; raise what the objective raised, unless the search is to go on."""
        outcome, error = self.unless_cancelled(number, outcome, error)
        ended, begun = Finished(number, attempt, outcome, self.stream.clock.wall()), list[int]()
        goes_on = error is None and self.stopping is None and not self.exhausted
        if goes_on and self.free and self.may_go_on(self.prepared):
            counted, begun = self.end_and_go_on(ended, self.prepared)
        else:
            (counted,) = self.stream.publish(ended)
        if isinstance(error, StopStudy):
            self.stopping = self.stopping or "callback"
            return
        if error is not None and not self.is_caught(error, message):
            if message is not None and error.__cause__ is None and message.record.traceback:
                error.__cause__ = ElsewhereError(message.record.traceback)
            raise error
        if outcome.error is not None and outcome.state is State.ERROR:
            _log.info("trial %d failed: %s", number, outcome.error, extra={"trial": number})
        if counted and self.plan.each is not None and outcome.state is not State.CANCELLED:
            try:
                self.plan.each(number)
            except StopStudy:
                self.stopping = self.stopping or "callback"
        for following in begun:
            self.hand_out(following)

    def is_caught(self, error: BaseException, message: Raised | None) -> bool:
        if isinstance(error, self.plan.catch):
            return True
        names = () if message is None else message.classes
        return any(f"{cls.__module__}.{cls.__qualname__}" in names for cls in self.plan.catch)

    def end_cancelled_ones(self) -> None:
        """End trials by force that somebody cancelled, and that have not ended by themselves within the grace period.

        Where nothing can end them they are waited for; what comes of them does not count.
        """
        if not self.history.wishes.cancelling:
            return
        grace, now = self.fleet.grace, self.stream.clock.monotonic()
        for number in self.history.wishes.cancelling & self.running.keys():
            underway = self.running[number]
            underway.cancelled = now if underway.cancelled is None else underway.cancelled
            waited = now - underway.cancelled
            if not getattr(self.executor, "forceful", False) or waited < (CANCEL_GRACE if grace is None else grace):
                continue
            del self.running[number]
            self.take_back(underway)
            seconds = None if underway.begun is None else now - underway.begun
            self.finish(number, underway.task.attempt, Outcome(State.CANCELLED, seconds=seconds), None)

    def give_up_silent_ones(self) -> None:
        """Nobody is waited for for ever: a trial that should have been ended elsewhere, and is not heard of, has failed.

        Raises:
            ExecutorError: every place is held by such a trial.
        """
        limit, now = self.fleet.trial_timeout, self.stream.clock.monotonic()
        for number, underway in list(self.running.items()):
            if limit is None or underway.begun is None or now - underway.begun <= limit + SILENCE:
                continue
            del self.running[number]
            self.take_back(underway)
            seconds = now - underway.begun
            error = ObjectiveTimeout(
                f"nothing was heard of the trial for {seconds:.0f} s; trial_timeout is {limit:g} s"
            )
            self.finish(
                number, underway.task.attempt, Outcome(State.ERROR, error=error_of(error), seconds=seconds), None
            )
        if self.stuck == len(self.fleet.places):
            raise ExecutorError(
                f"all {self.stuck} places are held by trials that neither answer nor can be ended: see to the workers"
            )

    def take_back(self, underway: _Underway) -> None:
        """End a trial that nobody waits for any more; its place is free if that is possible."""
        if self.executor.cancel(underway.task.number):
            self.vacate(underway.task.place)
        else:
            self.stuck += 1

    # --- giving up ----------------------------------------------------------------------------------------------

    def give_up(self, why: str) -> None:
        """Let what runs go back to WAITING, after what has ended meanwhile was recorded."""
        self.plan_no_more()
        try:
            for message in self.executor.collect(0.0):
                if isinstance(message, (Returned, Raised)):
                    self.record_quietly(message)
        except ExecutorError:
            _log.debug("the executor had nothing to say", exc_info=True)
        running = np.flatnonzero(self.history.running).tolist()  # those too that were started and not yet handed out
        events = [event for number in running if (event := self.released(number, why)) is not None]
        self.running.clear()
        if events:
            self.stream.publish(*events)

    def plan_no_more(self) -> None:
        self.prepared.clear()
        self.stopping = self.stopping or "interrupt"

    def record_quietly(self, message: Returned | Raised) -> None:
        """A result that came while something else ends the run: kept, and nobody is called for it."""
        underway = self.running.get(message.number)
        if underway is None or underway.task.attempt != message.attempt:
            return
        if isinstance(message, Raised) and isinstance(message.error, KeyboardInterrupt):
            return
        del self.running[message.number]
        for told in message.before:
            self.record_on_the_way(told)
        try:
            if isinstance(message, Raised):
                raise message.error
            outcome = self.outcome(message.number, message.attempt, message.result, message.seconds)
        except BaseException as error:
            record = message.record if isinstance(message, Raised) else None
            outcome = self.outcome_of_error(message.number, error, message.seconds, record)
        outcome, _ = self.unless_cancelled(message.number, outcome, None)
        self.stream.publish(Finished(message.number, message.attempt, outcome, self.stream.clock.wall()))


class ElsewhereError(Exception):
    """The traceback of an exception in another process, as its cause."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"
