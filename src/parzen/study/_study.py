"""A study: a space, its log, and an algorithm, behind four verbs: ask, tell, run, load."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn, overload

from parzen._clock import Clock, SystemClock
from parzen._typing import Direction
from parzen.algorithms import Algorithm, algorithm_named
from parzen.errors import AlreadyFinished, Conflict, NotPicklable, StudyError
from parzen.feedback import Feedback, RunInfo, feedback_for
from parzen.log import Storage, Stream
from parzen.pruners import Pruner, pruner_named
from parzen.run import (
    LEASE,
    Interrupts,
    Keeper,
    Objective,
    Plan,
    Seen,
    StopRule,
    any_of,
    checked_count,
    checked_seconds,
    drive,
    fleet_of,
    outcome_of,
    run,
    start_trials,
    step_of,
    wants_evaluation,
    worst_of,
)
from parzen.space import Space
from parzen.storages import open_storage
from parzen.study._control import cancel, note, raise_budget, request, rerun, set_budget
from parzen.study._copying import copied
from parzen.study._earlier import Earlier, each_of, opened_earlier, take_in
from parzen.study._enqueued import enqueue_rows, given_rows, new_rows
from parzen.study._exporting import exported
from parzen.study._given import (
    attempt_of,
    check_same,
    checked_callbacks,
    checked_catch,
    checked_direction,
    checked_name,
    checked_objective,
    checked_seed,
    checked_state,
    closed_on_error,
    compiled_like,
    created_or_opened,
    late_because,
    new_name,
    only_study,
    unfinished,
    was_begun,
)
from parzen.study._importing import import_table, is_table
from parzen.study._replay import Replay, replay
from parzen.study._result import Result, TrialView, best_of
from parzen.study._watching import overview, watch
from parzen.trials import (
    BY_HAND,
    Finished,
    Header,
    History,
    Note,
    Outcome,
    Reported,
    Started,
    State,
    Trial,
    TrialError,
)

if TYPE_CHECKING:
    from parzen.analysis import Finding
    from parzen.plots import Plots

__all__ = ["Callback", "Study"]

Callback = Callable[["Study", Trial], object]
"""Called after each trial that finishes in this process; may raise `StopStudy`."""


class Study:
    """What is tried, and everything that came of it.

    With `storage`, a study of that name which is there already is gone on with; its own seed, `noisy` and budget stay.

    Args:
        space: nested data with `parzen.hp` nodes, or a `Space`.
        name: of the study; several studies may live in one file. Default: "study".
        storage: path of a file, URL, or a storage object; None keeps everything in memory.
        algorithm: a name such as "tpe" or "random", or a record from `parzen.algorithms`; None is parzen's choice.
        pruner: a name such as "median" or "asha", or a record from `parzen.pruners`; None ends no trial early.
        seed: non-negative integer, of everything random; None draws one (it is kept in the study).
        direction: "minimize" or "maximize".
        noisy: equal configurations may give different losses; a finite space is then never exhausted.

    Raises:
        SpaceError: the space makes no sense.
        SpaceMismatch: a study of that name has another space; the text says what differs.
        StorageError: the storage cannot be used; said before anything is evaluated.
    """

    def __init__(
        self,
        space: Any,  # whatever a user's space is made of
        *,
        name: str | None = None,
        storage: str | os.PathLike[str] | Storage | None = None,
        algorithm: str | Algorithm | None = None,
        seed: int | None = None,
        direction: Direction = "minimize",
        noisy: bool = False,
        pruner: str | Pruner | None = None,
    ) -> None:
        compiled = space if isinstance(space, Space) else Space(space)
        self.algorithm: Algorithm = algorithm_named(algorithm)
        self.pruner: Pruner | None = pruner_named(pruner)
        clock = SystemClock()
        header = Header(
            uid=secrets.token_hex(16),
            name=checked_name(name),
            created=clock.wall(),
            seed=checked_seed(seed),
            metrics={"loss": checked_direction(direction)},
            objectives=("loss",),
            space=compiled.to_json(),
            noisy=bool(noisy),
        )
        opened = open_storage(storage)
        with closed_on_error(opened, given=storage):
            self._attach(opened, created_or_opened(opened, header, compiled), compiled, clock)

    def _attach(self, storage: Storage, header: Header, space: Space, clock: Clock) -> None:
        self.storage, self.header, self.space = storage, header, space
        self._keepers: dict[float, Keeper] = {}
        live = storage.live
        if live is None:
            self.stream = Stream(storage, header, space, clock)
            return
        # A storage that keeps no events has one stream for each study, which is its state.
        known = live.get(header.uid)
        self.stream = known if isinstance(known, Stream) else Stream(storage, header, space, clock)
        live[header.uid] = self.stream

    @classmethod
    def load(
        cls,
        storage: str | os.PathLike[str] | Storage,
        name: str | None = None,
        *,
        space: Any = None,
        algorithm: str | Algorithm | None = None,
        pruner: str | Pruner | None = None,
        readonly: bool = False,
    ) -> Study:
        """A study that is in a storage.

        Args:
            storage: path of a file, URL, or a storage object.
            name: of the study; may be left out where there is only one.
            space: the space as the program writes it. Needed to go on with a search whose options are objects that a
                file cannot hold; without it such options come back as place-holders with their names.
            algorithm, pruner: as for `Study`.
            readonly: only look; the file is not written, and need not be writable.

        Raises:
            StudyNotFound: no study has that name, or there are several and none was named.
            SpaceMismatch: `space` is not the one that is stored.
        """
        opened = open_storage(storage, readonly=readonly)
        with closed_on_error(opened, given=storage):
            header = opened.open(name) if name is not None else only_study(opened)
            stored = Space.from_json(header.space)
            compiled = stored
            if space is not None:
                compiled = compiled_like(stored, space)
                check_same(header, stored, compiled, opened.location)
            study = cls.__new__(cls)
            study.algorithm, study.pruner = algorithm_named(algorithm), pruner_named(pruner)
            study._attach(opened, header, compiled, SystemClock())
            return study

    # --- looking ------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Of the study."""
        return self.header.name

    @property
    def location(self) -> str:
        """Where it is kept, fit to be shown: "memory", or a path or URL without any password."""
        return self.storage.location

    @property
    def history(self) -> History:
        """The columns."""
        return self.stream.history

    @property
    def trials(self) -> TrialView:
        """All trials, in order of their numbers."""
        return TrialView(self.history)

    @property
    def best(self) -> Trial:
        """The trial with the best loss (raises `AllTrialsFailed` where there is none)."""
        return best_of(self.history)

    @property
    def plot(self) -> Plots:
        """Plots: `study.plot.history()`, `.slice()`, `.importances()` and others; see `parzen.plots.Plots`."""
        from parzen.plots import Plots  # not before something is drawn

        return Plots(self, self.name)

    def doctor(self) -> tuple[Finding, ...]:
        """What somebody should know about this study before they believe its answer; see `parzen.analysis.doctor`."""
        from parzen.analysis import doctor

        return doctor(self)

    def write_report(self, path: str | os.PathLike[str], *, plots: bool = True) -> None:
        """Write one self-contained HTML file about the study; the same as `Result.report`.

        (`Study.report` is what a trial that was asked for tells on the way.)

        Args:
            path: of the file.
            plots: False leaves the pictures out, and needs no matplotlib.
        """
        from parzen.report import write_report

        write_report(self, path, plots=plots)

    def refresh(self) -> int:
        """Take in what other programs have added to the study; how many entries that was."""
        return self.stream.pull()

    # --- asking and telling -------------------------------------------------------------------------------------

    @overload
    def ask(self, n: None = None, *, lease: float | None = LEASE) -> Trial: ...
    @overload
    def ask(self, n: int, *, lease: float | None = LEASE) -> list[Trial]: ...
    def ask(self, n: int | None = None, *, lease: float | None = LEASE) -> Trial | list[Trial]:
        """The next trial to evaluate, RUNNING; or a list of `n`.

        Enqueued ones come first, and trials whose program is gone.  In a file or a database a trial is this program's until
        its result is told, however long that takes: a thread beats for it as long as the process and this `Study` live.
        Afterwards others run it again, and a result that comes all the same is late.

        Args:
            n: how many; None for one, not in a list.
            lease: seconds without a beat after which others may run the trial again; more where no thread can run for so
                long. None: nobody else ever may, whatever becomes of this program, so that another one can tell the result.

        Raises:
            SpaceExhausted: the space is finite and everything has been asked for, unless the study is `noisy`.
        """
        count = 1 if n is None else checked_count("n", n, least=1)
        keeper = self._keeper(LEASE if lease is None else checked_seconds("lease", lease))
        if keeper is not None:
            keeper.look()
        worker = BY_HAND if keeper is None or lease is None else keeper.name
        numbers = start_trials(self.stream, self.algorithm, count, repeat=self.header.noisy, worker=worker)
        if keeper is not None and lease is not None:
            keeper.begin()
        trials = [self.history.trial(number) for number in numbers]
        return trials[0] if n is None else trials

    def _keeper(self, lease: float) -> Keeper | None:
        """Who beats for trials with such a lease; nobody in memory, which no other program can see."""
        if not self.storage.durable:
            return None
        with self.stream.asking:
            if lease not in self._keepers:
                self._keepers[lease] = Keeper(self.stream, lease)
            return self._keepers[lease]

    def tell(
        self, trial: Trial | int, result: Any = None, *, state: State | str | None = None, error: str | None = None
    ) -> Trial:
        """Record what came of a trial.

        Args:
            trial: what `ask` gave, or its number.
            result: a loss, or a mapping, as an objective would return it.
            state: without a result: "FAILED", "PRUNED", "ERROR" or "CANCELLED"; the last one also calls off a trial
                that is enqueued and has not begun.
            error: why there is no loss, in a line.

        Raises:
            InvalidResult, InvalidLoss: the result cannot be used; nothing is recorded.
            AlreadyFinished: the trial has a result, or was given to somebody else since this attempt began; then what is
                told is kept as late, and changes nothing.
            StudyError: there is no such trial.
        """
        history, number = self.history, unfinished(trial, self.history)
        not_begun = history.state[number] == State.WAITING and not was_begun(trial, history)
        if not_begun and (state is None or checked_state(state, result) is not State.CANCELLED):
            raise StudyError(f"trial {number} has not been started: ask for it first, or cancel it")
        if state is None:
            outcome = outcome_of(result, history.objectives[0], worst_of(history.reported(1.0)))
        else:
            outcome = Outcome(checked_state(state, result), error=None if error is None else TrialError("told", error))
        self._tell(Finished(number, attempt_of(trial, history), outcome, self.stream.clock.wall()))
        return history.trial(number)

    def report(self, trial: Trial | int, step: float, loss: float | None = None, **metrics: float) -> bool:
        """Tell how a trial that was asked for is doing.

        Args:
            trial: what `ask` gave, or its number.
            step: how far it is, in any unit that grows: epochs, batches, folds.
            loss: the loss so far.
            metrics: anything else numeric.

        Returns:
            Whether the study's pruner would end it; then tell `state="PRUNED"`, or go on all the same.

        Raises:
            AlreadyFinished: the trial has a result, or was given to somebody else since this attempt began.
            StudyError: there is no such trial, or it has not been started.
            InvalidResult: the step is not finite.
        """
        history, number = self.history, unfinished(trial, self.history)
        if history.state[number] == State.WAITING and not was_begun(trial, history):
            raise StudyError(f"trial {number} has not been started: ask for it first")
        values = {name: float(value) for name, value in metrics.items()}
        if loss is not None:
            values[history.objectives[0]] = float(loss)
        self._tell(Reported(number, attempt_of(trial, history), step_of(step), values, self.stream.clock.wall()))
        if self.pruner is None:
            return False
        with self.stream.asking:
            return self.pruner.prune(history.snapshot(), number) is not None

    def _tell(self, event: Finished | Reported) -> None:
        (counted,) = self.stream.publish(event)
        if not counted and not (isinstance(event, Finished) and self._took_back(event)):
            raise AlreadyFinished(f"trial {event.number} {late_because(event, self.history)}: this is kept as late")
        if isinstance(event, Finished):
            for keeper in self._keepers.values():
                keeper.told()

    def _took_back(self, event: Finished) -> bool:
        """Whether a trial that was given up for lost, and that nobody has begun again, could be ended all the same."""
        history, number, attempt = self.history, event.number, event.attempt + 1
        if history.state_of(number) != State.WAITING or history.attempt_of(number) != event.attempt:
            return False
        begun = Started(number, attempt, history.worker(number) or BY_HAND, event.at)
        try:
            return self.stream.publish(begun, replace(event, attempt=attempt))[-1]
        except Conflict:  # somebody begins it at this moment
            self.stream.pull()
            return False

    def enqueue(self, *params: Mapping[str, Any]) -> list[Trial]:
        """Let configurations be tried next, before the algorithm is asked.

        Args:
            params: each label -> real value. Inactive labels may be left out; active ones that are left out are drawn.

        Raises:
            UnknownLabel, OutOfSpace: a configuration cannot be from the space; none of them is enqueued then.
        """
        return enqueue_rows(self.stream, given_rows(self.space, params))

    def import_trials(self, earlier: Earlier) -> int:
        """Take in the finished trials of an earlier study, as trials that are known and cost nothing.

        Algorithms learn from them; they do not count towards `trials`.  They are encoded by label and value, so the spaces
        need not be the same; what this space cannot have produced is left out.  What was taken in before is not taken in
        again.  The losses are taken as they are: they must mean the same in both studies.

        Args:
            earlier: a `Result`, a `Study`, or the path, URL or storage of one; or the path of a table that ends in .csv,
                .parquet or .jsonl, as `export` writes them. A table has a column loss and one for each parameter; state,
                error and metrics may be there.

        Returns:
            How many trials are new here.

        Raises:
            StudyError: it is this study, or one of the other direction; or the table has no such columns.
            StudyNotFound: there is no study, or several; give `Study.load(storage, name)` then.
        """
        if is_table(earlier):
            return import_table(self.stream, earlier)
        with opened_earlier(earlier, self) as (header, history):
            return take_in(self.stream, header, history)

    # --- the study as a whole -----------------------------------------------------------------------------------

    def copy(self, storage: str | os.PathLike[str] | Storage | None = None, name: str | None = None) -> Study:
        """The same study once more, with attachments: into another storage, or under another name.

        The copy goes its own way from here.  What is RUNNING in this study waits in the copy.  The copy of a study that is
        only in memory keeps it: `study.copy("study.db")`.

        Args:
            storage: path, URL or storage of the copy; None is where this study is.
            name: of the copy; None is the same name.

        Raises:
            StudyExists: a study of that name is there already.
        """
        opened = self.storage if storage is None else open_storage(storage)
        with closed_on_error(opened, given=self.storage if storage is None else storage):
            header = copied(self.stream, opened, new_name(checked_name(self.name if name is None else name)))
            study = type(self).__new__(type(self))
            study.algorithm, study.pruner = self.algorithm, self.pruner
            study._attach(opened, header, self.space, SystemClock())
            return study

    def rename(self, name: str) -> None:
        """Give the study another name.

        Raises:
            StudyExists: the storage has a study of that name.
        """
        self.storage.rename(self.header.uid, new_name(checked_name(name)))
        self.header = self.stream.header = replace(self.header, name=name)

    def delete(self) -> None:
        """Remove the study and all that belongs to it from its storage; this object is of no use afterwards."""
        self.storage.delete(self.header.uid)

    def export(self, path: str | os.PathLike[str], format: str | None = None) -> int:  # noqa: A002  # the word for it
        """Write all trials to a file that other programs read.

        Args:
            path: of the file, which is replaced as a whole.
            format: "csv" (a row for each trial), "parquet" (the same, with types; needs pyarrow) or "jsonl" (a JSON object
                for each trial, with everything); None goes by the file's ending.

        Returns:
            How many trials there are in the file.

        Raises:
            StudyError: the format is none of these.
            MissingDependency: pyarrow is not installed.
        """
        return exported(self.history, path, format)

    def watch(self, interval: float = 1.0, *, until_done: bool = False) -> None:
        """Show the study live, on a terminal or in a notebook's cell, while others run it; Ctrl-C ends it.

        Losses so far, the best configuration beside those that are running, workers, failures by kind, the time left and
        the chance that more trials still help.  Where nothing can be drawn over (a pipe, a file) it is printed once.

        Args:
            interval: seconds between looks.
            until_done: return when all trials of the study's budget are done.
        """
        watch(self, checked_seconds("interval", interval), until_done)

    def replay(self, algorithm: str | Algorithm | None = None) -> Replay:
        """Recompute every proposal from the log, each from what was known when it was made, and compare.

        Args:
            algorithm: that made them; None for what the log says, proposal by proposal.

        Raises:
            StudyError: the study is in memory, where no log is kept.
        """
        named = None if algorithm is None else algorithm_named(algorithm)
        return replay(self.storage, self.header, self.space, named)

    # --- control ------------------------------------------------------------------------------------------------
    # All of it goes through the log: whoever runs the study, in this process or another, reads it within a second.

    def stop(self) -> None:
        """Ask whoever runs this study, in this process or another, to stop after the trials that are running.

        Those are told so when they ask `should_stop`.  A run that begins later is not meant.
        """
        request(self.stream, "stop")

    def pause(self) -> None:
        """Let no further trial begin until `resume`, in this process or another; those that run go on to their end.

        Runs wait, and go on to obey Ctrl-C, `timeout` and `stop`; their time goes on.  A run that begins while the study is
        paused waits too; `ask` does not, so a loop of one's own looks at `paused`.
        """
        request(self.stream, "pause")

    def resume(self) -> None:
        """End what `pause` began; runs go on."""
        request(self.stream, "resume")

    def set_budget(self, max_trials: int | None) -> None:
        """Set the total number of trials of this study, more or fewer than before, for whoever runs it now or later.

        Runs that were given no `trials` obey it as well.  A later run with `trials=` may raise it and never lowers it; one
        without goes on up to the number that was set here.  Trials that are running are finished if it is lower.

        Args:
            max_trials: those that have ended are counted, cancelled ones and those of earlier studies are not; None for no
                such limit.

        Raises:
            TypeError, ValueError: it is no whole number from 0 up.
        """
        set_budget(self.stream, max_trials)

    def cancel(self, trial: Trial | int) -> Trial:
        """Call a trial off: it ends as CANCELLED, whatever comes of it, and its place in the budget is free again.

        One that waits is cancelled at once, and so is one that was asked for by hand.  One that a run evaluates is told so
        when it asks `should_stop`.  In a process of its own (`parallel=`, and executors that can) it is ended after
        the run's `grace`, or 5 s, if it has not ended by then; elsewhere it is waited for.

        Args:
            trial: of this study, or its number.

        Returns:
            The trial as it is now: CANCELLED, or still RUNNING.

        Raises:
            AlreadyFinished: it has ended.
            StudyError: there is no such trial.
        """
        return cancel(self.stream, trial)

    def rerun(self, trial: Trial | int) -> Trial:
        """Let the configuration of a trial that has ended be tried again, next, as a new trial with the source "again: trial K".

        It has random streams of its own (`evaluation.rng`), unless the space has unlabelled draws: they are the same only if
        the streams are.  It counts towards the budget: where that is used up it waits for a larger one.

        Args:
            trial: of this study, or its number; in any state but WAITING and RUNNING.

        Returns:
            The new trial, WAITING.

        Raises:
            StudyError: there is no such trial, or it has not ended.
        """
        return rerun(self.stream, trial)

    def note(self, text: str, trial: Trial | int | None = None) -> Note:
        """Write something down about the study, or about one of its trials; it stays in the log.

        Args:
            text: anything but nothing.
            trial: of this study, or its number; None for the study as a whole.

        Raises:
            TypeError, ValueError: it is no text, or empty.
            StudyError: there is no such trial.
        """
        return note(self.stream, text, trial)

    @property
    def notes(self) -> list[Note]:
        """What people have written down, in order: each (at, trial number or None, text)."""
        return list(self.history.remarks)

    @property
    def paused(self) -> bool:
        """Whether no further trial is to begin, as far as this process knows (`refresh`)."""
        return self.history.wishes.paused

    @property
    def budget(self) -> int | None:
        """The total number of trials that is in force; None where nobody has said one."""
        return self.history.budget

    @property
    def stop_requested(self) -> bool:
        """Whether `stop` was called and no later run has begun a trial since."""
        return self.history.wishes.stopping

    # --- running ------------------------------------------------------------------------------------------------

    def run(
        self,
        objective: Objective | Seen,
        trials: int | None = None,
        *,
        timeout: float | None = None,
        catch: bool | type[BaseException] | Iterable[type[BaseException]] = (),
        stop: StopRule | Iterable[StopRule] = (),
        enqueue: Iterable[Mapping[str, Any]] = (),
        warm_start: Earlier | Sequence[Earlier] = (),
        callbacks: Iterable[Callback] = (),
        parallel: int | None = None,
        executor: Any = None,  # an engine of any library
        threads: bool = False,
        slots: Mapping[str, Iterable[Any]] | None = None,
        trial_timeout: float | None = None,
        trial_memory: float | str | None = None,
        grace: float | None = None,
        progress: bool | str | Feedback = True,
        lease: float = LEASE,
    ) -> Result:
        """Search until a rule says stop.

        Args:
            objective: gets a configuration, and an `Evaluation` if its second parameter has no default or one is
                annotated so; returns a loss or a mapping (see `parzen.run._objective` for the table).
            trials: the total number in the study, those of earlier runs included; None for no limit but what `set_budget`
                has said. It may raise what was said earlier, never lower it.
            timeout: seconds of this run after which no further trial begins.
            catch: exceptions of the objective after which the search goes on; True for every `Exception`.
            stop: rules that end the run; see `parzen.stopping`.
            enqueue: configurations to try first; those that the study has already are left out.
            warm_start: earlier studies whose finished trials are known from the beginning, see `import_trials`: a `Result`,
                a `Study`, the path, URL or storage of one, or a list of these.
            callbacks: called with (study, trial) after each trial.
            parallel: trials at once, each in a process of its own on this machine; None for one, in this process, or for as
                many as `executor` has.
            executor: run trials there instead: see `parzen.run.executors`.
            threads: run them in threads of this process, for objectives that wait or release the GIL.
            slots: devices for each trial that runs: name -> list with at least as many entries as trials run at once. A
                trial finds its own in `evaluation.slots`; for "gpu" it sees no others (`CUDA_VISIBLE_DEVICES`).
            trial_timeout: seconds after which a trial is ended, with every process that it has started; it is ERROR
                "ObjectiveTimeout", and the search goes on.
            trial_memory: bytes, or text such as "2 GB", beyond which a trial is ended in the same way, as ERROR
                "ObjectiveMemory".
            grace: seconds after `timeout` in which running trials may end by themselves before they are ended, and wait for
                the next run; None waits for them.
            progress: what people see on stderr: True picks what fits, False nothing, or "watch" (the full view), "live",
                "lines", "notebook", "bar".
            lease: seconds after which other workers take this run for dead if it has not beaten since, and run its trials
                again. It beats three times as often, from a thread: give more if the objective lets no thread run for
                so long.

        Returns:
            The `Result`; after Ctrl-C or SIGTERM too, with `stopped_by="interrupt"`.

        Raises:
            BaseException: whatever the objective raised that `catch` does not name, after it was recorded.
            ExecutorError: trials cannot be evaluated where they were to be; `NotPicklable` where the objective cannot be
                sent there.
        """
        wanted = objective if isinstance(objective, Seen) else Seen(objective, wants_evaluation(objective), None)
        checked_objective(wanted.objective, wanted.evaluation)
        fleet = fleet_of(parallel, executor, threads, slots, trial_timeout, trial_memory, grace)
        if grace is not None and timeout is None:
            raise ValueError(f"grace={grace!r} is the time after a timeout, and there is none: give timeout= as well")
        budget = None if trials is None else checked_count("trials", trials)
        seconds = None if timeout is None else checked_seconds("timeout", timeout)
        after = checked_callbacks(callbacks)
        plan = Plan(
            wanted.objective,
            self.algorithm,
            any_of(stop) if stop else None,
            seconds,
            checked_catch(catch),
            budget is not None,
            self.header.noisy,
            wanted.evaluation,
            (lambda number: [call(self, self.history.trial(number)) for call in after]) if after else None,
            self.pruner,
            checked_seconds("lease", lease),
            wanted.seen,
        )
        feedback = feedback_for(progress)
        stream, history = self.stream, self.history
        stream.pull()
        if budget is not None:
            raise_budget(stream, budget)
        enqueue_rows(stream, new_rows(stream, given_rows(self.space, enqueue)))
        info = RunInfo(
            name=self.name,
            location=self.location,
            durable=self.storage.durable,
            total=None if budget is None else history.budget,
            timeout=seconds,
            already=history.finished,
            resume_hint="run the same program again",
            clock=stream.clock,
        )
        stopped_by, failure = "error", None
        unsubscribe = stream.subscribe(feedback)
        with Interrupts() as interrupts:
            try:
                feedback.start(info, history)
                for one in each_of(warm_start):
                    self.import_trials(one)
                stopped_by = run(stream, plan, interrupts) if fleet is None else drive(stream, plan, fleet, interrupts)
                stream.keep_checkpoint(at_the_end=True)
            except BaseException as error:
                failure = error
                raise
            finally:
                unsubscribe()
                feedback.finish(history, stopped_by, failure)
        return Result(self, stopped_by, interrupts.signal)

    def __getstate__(self) -> NoReturn:
        """Refuses to be pickled: a connection and a lock are of one process."""
        where = "give it storage=, and open it there" if self.storage.live is not None else "open it there"
        raise NotPicklable(
            f"study {self.name!r} cannot be sent to another process: {where} with Study.load(storage, name)"
        )

    def __repr__(self) -> str:
        history = self.history
        best = (
            "" if history.best_number is None else f", best {history.reported(history.losses[history.best_number]):.6g}"
        )
        own = len(history) - history.imported()
        return f"<Study {self.name!r} in {self.location}: {history.finished} of {own} trials finished{best}>"

    def _repr_html_(self) -> str:
        from parzen.feedback._page import overview_html

        return overview_html(overview(self))
