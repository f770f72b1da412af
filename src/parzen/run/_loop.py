"""The loop: ask, start, evaluate, finish, until a rule says stop.

Written against the stream; it knows no Study.  Everything that happened is in the log before anything else is done with
it, so an end at any point loses at most the evaluation that was running.
"""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from parzen.algorithms import Algorithm
from parzen.errors import InvalidLoss, InvalidResult, SpaceExhausted, StopStudy, TrialPruned
from parzen.log import OBJECTIVE, Stream, generator
from parzen.pruners import Pruner
from parzen.run._asking import EXHAUSTED, finish_and_start, is_quick, start_trials
from parzen.run._attachments import attachment_key
from parzen.run._leases import LEASE, Presence, present
from parzen.run._objective import Evaluation, Objective, error_of, leave_if_forked, outcome_of, worst_of
from parzen.run._signals import Interrupts
from parzen.run._stopping import StopRule, is_own
from parzen.trials import Asked, Finished, Outcome, Released, Reported, State, TrialError

__all__ = ["Course", "Plan", "run"]

_log = logging.getLogger("parzen")

PAUSE = 0.25
"""Seconds between two looks at trials that others are running, when there is nothing else to do."""
PAUSED = 0.5
"""Seconds between two looks at a study that is paused."""
LONG = 0.005
"""Seconds from which an evaluation is long enough for somebody to have cancelled it, and for a look to cost nothing."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to run.

    Attributes:
        objective: what to minimise.
        algorithm: what proposes.
        stop: when to end; None for never.
        timeout: seconds after which no further trial begins, and `should_stop` says so; None for no limit.
        catch: exceptions of the objective after which the search goes on.
        limited: whether the study's budget holds for this run.
        repeat: on a finite space that is exhausted, evaluate configurations again instead of stopping.
        evaluation: how the objective takes an `Evaluation`: False, True for second, or the name of the parameter.
        each: called with the number of every trial that finished here.
        pruner: says which trials are not worth finishing; None for none.
        lease: seconds without a beat after which others may take this run for dead.
        seen: shown what the objective returned, with number and attempt, before it is recorded; gives what is recorded.
    """

    objective: Objective
    algorithm: Algorithm
    stop: StopRule | Callable[..., str | None] | None = None
    timeout: float | None = None
    catch: tuple[type[BaseException], ...] = ()
    limited: bool = True
    repeat: bool = False
    evaluation: bool | str = False
    each: Callable[[int], object] | None = None
    pruner: Pruner | None = None
    lease: float = LEASE
    seen: Callable[[int, int, Any], Any] | None = None


def run(stream: Stream, plan: Plan, interrupts: Interrupts) -> str:
    """Run trials until something says stop; what it was.

    Returns:
        "trials", "timeout", "interrupt", "request", "space exhausted", "callback", or what a stop rule said.

    Raises:
        BaseException: whatever the objective raised that `catch` does not name, after it was recorded.
    """
    with present(stream, plan.lease) as me:
        return _Loop(stream, plan, interrupts, me).run()


class Course:
    """What any run has to decide, whoever evaluates: when it ends, what a result means, which trial is worth going on."""

    def __init__(self, stream: Stream, plan: Plan, interrupts: Interrupts, me: Presence) -> None:
        self.stream, self.plan, self.interrupts, self.me, self.worker = stream, plan, interrupts, me, me.name
        self.history = stream.history
        self.pid = os.getpid()
        self.began = stream.clock.monotonic()
        self.asked_to_stop = len(self.history.requests)
        self.pruned: dict[int, str] = {}

    # --- when it ends -------------------------------------------------------------------------------------------

    def elapsed(self) -> float:
        """Seconds of this run."""
        return self.stream.clock.monotonic() - self.began

    def look_around(self) -> None:
        """See what others have written, somebody may want this run to stop; and who of them is gone."""
        if self.stream.storage.durable:
            self.stream.pull()
            self.stream.keep_checkpoint()
        self.me.look()
        if self.history.wishes.cancelling:
            self.call_off_waiting()

    def call_off_waiting(self) -> None:
        """End trials that were to be cancelled while they ran, and were given back before anybody could."""
        waiting = [i for i in self.history.wishes.cancelling if self.history.state_of(i) == State.WAITING]
        if waiting:
            at, outcome = self.stream.clock.wall(), Outcome(State.CANCELLED)
            self.stream.publish(*(Finished(i, self.history.attempt_of(i), outcome, at) for i in waiting))

    @property
    def limited(self) -> bool:
        """Whether the study's budget holds: for the runs that were told a number, or for all."""
        return self.plan.limited or self.history.wishes.budget_set

    def is_paused(self) -> bool:
        """Whether there would be something to begin, and it may not."""
        history = self.history
        if not history.wishes.paused:
            return False
        if not self.limited or history.budget is None:
            return True
        return history.budget > history.spent - history.count(State.WAITING)

    def nap(self) -> float:
        """Seconds until a paused study is looked at again; less where the time is up before."""
        left = math.inf if self.plan.timeout is None else self.plan.timeout - self.elapsed()
        return max(min(PAUSED, left), 0.0)

    def told_to_stop(self) -> str | None:
        """Why trials that are running had better end: everything but a rule, which looks at results."""
        if self.interrupts.signal is not None:
            return "interrupt"
        requests = self.history.requests
        if len(requests) > self.asked_to_stop and any(one.action == "stop" for one in requests[self.asked_to_stop :]):
            return "request"
        return "timeout" if self.plan.timeout is not None and self.elapsed() >= self.plan.timeout else None

    def reason_to_stop(self) -> str | None:
        """Why no further trial begins."""
        told = self.told_to_stop()
        if told is not None or self.plan.stop is None:
            return told
        return self.plan.stop(self.history, self.elapsed())

    # --- from one trial to the next -----------------------------------------------------------------------------

    def may_go_on(self, prepared: Sequence[Asked] = ()) -> bool:
        """Whether a result may be one transaction with the beginning of the next trial, and wait for its proposal.

        That is a moment, in which nobody but parzen runs; callbacks, and rules of the user's own, are called with results
        that are in the log.
        """
        plan, stream = self.plan, self.stream
        is_free = plan.each is None and (plan.stop is None or is_own(plan.stop))
        if not is_free or not stream.storage.durable:
            return False
        return bool(prepared) or is_quick(stream, plan.algorithm)

    def end_and_go_on(self, ended: Finished, prepared: list[Asked] | None = None) -> tuple[bool, list[int]]:
        """Record how a trial ended and begin the next, as one transaction; whether it counted, and which one it is."""
        self.me.look()
        limited = self.limited

        def why_not() -> str | None:
            wishes = self.history.wishes
            wanted = wishes.paused or wishes.cancelling or self.limited != limited
            return self.reason_to_stop() or ("somebody wants something" if wanted else None)

        (counted,), begun = finish_and_start(
            self.stream,
            self.plan.algorithm,
            1,
            repeat=self.plan.repeat,
            worker=self.worker,
            limited=limited,
            ended=(ended,),
            unless=why_not,
            prepared=prepared,
        )
        self.stream.keep_checkpoint()
        return counted, begun

    # --- what came of a trial -----------------------------------------------------------------------------------

    def outcome(self, number: int, attempt: int, result: Any, seconds: float) -> Outcome:
        """What the objective returned; a generator is closed, so that Python does not complain later."""
        sign, pruned = self.history.reported(1.0), self.pruned.pop(number, None)
        try:
            if self.plan.seen is not None:
                result = self.plan.seen(number, attempt, result)
            outcome = outcome_of(result, self.history.objectives[0], worst_of(sign), seconds)
        except (InvalidResult, InvalidLoss):
            close = getattr(result, "close", None)
            if hasattr(result, "send") and callable(close):
                close()
            raise
        if pruned is None or outcome.state is not State.OK or self.is_best(outcome):
            return outcome
        return replace(outcome, state=State.PRUNED, error=_why_pruned(pruned))

    def outcome_of_error(self, number: int, error: BaseException, seconds: float, record: TrialError | None) -> Outcome:
        """What the objective raised, or what is wrong with its result.

        Args:
            record: how it is recorded, where it was raised elsewhere.
        """
        pruned = self.pruned.pop(number, None)
        if isinstance(error, TrialPruned):
            return Outcome(State.PRUNED, error=_why_pruned(str(error) or pruned), seconds=seconds)
        if isinstance(error, StopStudy):
            return Outcome(State.CANCELLED, seconds=seconds)
        if isinstance(error, (InvalidResult, InvalidLoss)):
            if error.number is None:
                self.name_trial(error, number)
            return Outcome(State.FAILED, error=TrialError("loss", str(error)[:2000]), seconds=seconds)
        return Outcome(State.ERROR, error=record or error_of(error), seconds=seconds)

    def is_best(self, outcome: Outcome) -> bool:
        """Whether a loss beats all so far: then it is a result, and nobody cares who wanted to end the trial."""
        history = self.history
        loss, best = history.reported(outcome.metrics[history.objectives[0]]), history.best_number
        return best is None or loss < float(history.losses[best])

    def name_trial(self, error: InvalidResult | InvalidLoss, number: int) -> None:
        """Say in the error which trial it was."""
        points = self.history.points
        error.number, error.params = number, self.history.space.params(points, number)
        error.args = (f"{error} (trial {number}, params {error.params!r:.500})",)

    def judge(self, number: int) -> bool:
        """Whether the pruner would end a trial that is running; what it once said stays said."""
        pruner = self.plan.pruner
        if number in self.pruned or pruner is None:
            return number in self.pruned
        with self.stream.asking:  # another thread may be folding the same history
            why = pruner.prune(self.history.snapshot(), number)
        if why is None:
            return False
        if not isinstance(why, str):
            raise TypeError(f"a pruner says why a trial should end, or None; {pruner!r:.80} said {why!r:.80}")
        self.pruned[number] = why
        return True

    def should_stop(self, number: int, attempt: int) -> bool:
        """What a running trial is told when it asks."""
        if self.told_to_stop() is not None or number in self.history.wishes.cancelling:
            return True
        if self.history.attempt_of(number) != attempt or self.history.state_of(number) != State.RUNNING:
            return True  # somebody took us for dead: what comes of it would be late
        return self.judge(number)

    def unless_cancelled(
        self, number: int, outcome: Outcome, error: BaseException | None
    ) -> tuple[Outcome, BaseException | None]:
        """What came of a trial, and what the search has to raise: nothing of one that somebody cancelled meanwhile."""
        if number not in self.history.wishes.cancelling:
            return outcome, error
        grave = isinstance(error, StopStudy) or not isinstance(error, Exception)
        return Outcome(State.CANCELLED, seconds=outcome.seconds), error if grave else None

    def released(self, number: int, why: str) -> Released | Finished | None:
        """How a trial that is RUNNING in our name goes back to WAITING; None where it is somebody else's by now.

        One that somebody wants to be cancelled ends.
        """
        history, at = self.history, self.stream.clock.wall()
        if history.state[number] != State.RUNNING or history.worker(number) != self.worker:
            return None
        attempt = history.attempt_of(number)
        if number in history.wishes.cancelling:
            return Finished(number, attempt, Outcome(State.CANCELLED), at)
        return Released(number, attempt, why, at)


class _Loop(Course):
    """One trial at a time, in the process and thread that called."""

    def run(self) -> str:
        while True:
            self.look_around()
            reason = self.reason_to_stop()
            if reason is not None:
                return reason
            if self.is_paused():
                time.sleep(self.nap())  # a signal is noticed afterwards
                continue
            number, dry = None, "trials"
            try:
                number = self.begin()
            except SpaceExhausted:
                dry = EXHAUSTED
            if number is None:
                if not self.me.awaits():
                    return dry
                time.sleep(PAUSE)  # if their workers are lost, it is we who run them again
                continue
            try:
                while number is not None:
                    number = self.follow(number)
            except StopStudy:
                return "callback"
            except KeyboardInterrupt:
                if self.interrupts.nested:  # the run around this one is to be told too
                    raise
                return "interrupt"

    def follow(self, number: int) -> int | None:
        """Run a trial; the one that was started together with its end, if one was."""
        try:
            counted, following = self.evaluate(number)
        except BaseException:
            self.release_torn()
            raise
        if counted and self.plan.each is not None:
            self.plan.each(number)
        return following

    def begin(self) -> int | None:
        """The next trial, started; None when the budget is used up."""
        numbers = start_trials(
            self.stream,
            self.plan.algorithm,
            1,
            repeat=self.plan.repeat,
            worker=self.worker,
            limited=self.limited,
        )
        return numbers[0] if numbers else None

    def release_torn(self) -> None:
        """Whatever tore the loop apart in the middle of a trial, no trial stays RUNNING in our name."""
        running = np.flatnonzero(self.history.running).tolist()  # the next one may have begun with the end of this one
        events = [event for i in running if (event := self.released(i, "interrupted")) is not None]
        if events:
            self.stream.publish(*events)

    # --- one trial ----------------------------------------------------------------------------------------------

    def evaluate(self, number: int) -> tuple[bool, int | None]:
        """Call the objective and record what came of it, whatever it was.

        Returns:
            Whether that is a result, and still counted; and the number of the next trial, where it could be started with it.
        """
        attempt = self.history.attempt_of(number)
        outcome, error = self.attempt(number, attempt)
        if self.stream.storage.durable and (outcome.seconds or 0.0) >= LONG:
            self.stream.pull()  # an objective that never asks is told nothing: what it returns is held against this
        outcome, error = self.unless_cancelled(number, outcome, error)
        ended, following = Finished(number, attempt, outcome, self.stream.clock.wall()), None
        if error is None and self.may_go_on():
            counted, begun = self.end_and_go_on(ended)
            following = begun[0] if begun else None
        else:
            (counted,) = self.stream.publish(ended)
        if isinstance(error, StopStudy):
            raise error
        if error is not None:
            if not isinstance(error, self.plan.catch):
                raise error
            _log.info("trial %d failed: %s", number, outcome.error, extra={"trial": number})
        return counted and outcome.state is not State.CANCELLED, following

    def attempt(self, number: int, attempt: int) -> tuple[Outcome, BaseException | None]:
        """The outcome of one call of the objective, and the exception that it ended with, if any."""
        clock = self.stream.clock
        begun = clock.monotonic()
        self.pruned.clear()
        try:
            try:
                config = self.history.config(number)
                args, kwargs = self.evaluation(number, attempt)
                with self.interrupts.raising():
                    result = self.plan.objective(config, *args, **kwargs)
            finally:
                seconds = max(clock.monotonic() - begun, 0.0)
                leave_if_forked(self.pid)
            return self.outcome(number, attempt, result, seconds), None
        except KeyboardInterrupt:
            raise
        except TrialPruned as signal:
            return self.outcome_of_error(number, signal, seconds, None), None
        except BaseException as error:  # SystemExit and the user's own too: no trial is left RUNNING
            return self.outcome_of_error(number, error, seconds, None), error

    def evaluation(self, number: int, attempt: int) -> tuple[tuple[Evaluation, ...], Mapping[str, Evaluation]]:
        if self.plan.evaluation is False:
            return (), {}
        stream, seed = self.stream, int(self.history.seeds[number])

        def report(step: float, metrics: Mapping[str, float]) -> None:
            with self.interrupts.waiting():
                stream.publish(Reported(number, attempt, step, metrics, stream.clock.wall()))

        def attach(name: str, data: bytes) -> None:
            stream.storage.put(stream.header.uid, attachment_key(number, name), data)

        def should_stop() -> bool:
            with self.interrupts.waiting():
                self.look_around()
                return self.should_stop(number, attempt)

        made = Evaluation(number, generator(seed, OBJECTIVE), self.history.objectives[0], report, should_stop, attach)
        return ((made,), {}) if self.plan.evaluation is True else ((), {str(self.plan.evaluation): made})


def _why_pruned(text: str | None) -> TrialError | None:
    return None if text is None else TrialError("pruned", text[:2000])
