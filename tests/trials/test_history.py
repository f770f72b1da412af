"""The fold: events become columns; late ones change nothing; snapshots stay as they were."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parzen import hp
from parzen.errors import CorruptLog
from parzen.space import Space
from parzen.trials import (
    FINISHED,
    Asked,
    Event,
    Finished,
    History,
    Noted,
    Outcome,
    Released,
    Reported,
    Requested,
    Retracted,
    Started,
    State,
    TrialError,
    Unknown,
)
from tests.strategies import logs

SPACE = Space({"c": hp.choice("c", ["none", {"k": hp.int("k", 1, 9)}]), "x": hp.float("x", 0, 10)})
COLUMNS = "values active unit state losses variances seconds seeds attempts ok running waiting".split()


def asked(number: int, x: float = 2.5, seed: int = 0) -> Asked:
    """A row without k."""
    return Asked(number, (0.0, math.nan, x), "test", seed, 0, 10.0 + number)


def ok(number: int, loss: float, attempt: int = 1) -> Finished:
    """A good end."""
    return Finished(number, attempt, Outcome(State.OK, {"loss": loss}, seconds=0.5), 30.0 + number)


def folded(*log: Event, direction: str = "minimize") -> History:
    """A history of these events."""
    history = History(SPACE, {"loss": direction})
    for event in log:
        history.apply(history.seq + 1, event)
    return history


def run(*losses: float, direction: str = "minimize") -> History:
    """One finished trial for each loss."""
    events = [event for n, loss in enumerate(losses) for event in (asked(n), Started(n, 1, "w", 20.0), ok(n, loss))]
    return folded(*events, direction=direction)


def everything(history: History) -> dict[str, object]:
    """All that a history says, as plain values that compare."""
    said: dict[str, object] = {name: np.asarray(getattr(history, name)).tolist() for name in COLUMNS}
    said |= {
        name: getattr(history, name)
        for name in "seq epoch budget late spent finished best_number notes remarks requests wishes".split()
    }
    said["trials"] = [repr(trial) for trial in history]
    said["counts"] = [history.count(state) for state in State]
    return {name: repr(value) for name, value in said.items()}


# --- one trial's life -------------------------------------------------------------------------------------------


def test_a_trial_goes_from_waiting_to_running_to_its_end():
    """Each event leaves its facts in the view."""
    error = TrialError("ValueError", "no", "Traceback …")
    history = folded(asked(0, seed=7))
    waiting = history.trial(0)
    history.apply(2, Started(0, 1, "host:1", 20.0))
    history.apply(3, Reported(0, 1, 1.0, {"loss": 4.0}, 21.0))
    running = history.trial(0)
    history.apply(4, Finished(0, 1, Outcome(State.ERROR, extra={"a": 1}, error=error, seconds=2.0), 22.0))
    ended = history.trial(0)

    assert (waiting.state, waiting.attempt, waiting.worker, waiting.started) == (State.WAITING, 0, None, None)
    assert (waiting.params, waiting.config) == ({"c": "none", "x": 2.5}, {"c": "none", "x": 2.5})
    assert (running.state, running.attempt, running.worker, running.started) == (State.RUNNING, 1, "host:1", 20.0)
    assert [(report.step, report.metrics) for report in running.reports] == [(1.0, {"loss": 4.0})]
    assert (ended.state, ended.loss, ended.error, ended.extra) == (State.ERROR, None, error, {"a": 1})
    assert (ended.finished, ended.seconds, ended.source) == (22.0, 2.0, "test")
    assert history.seeds.tolist() == [7]


def test_a_released_trial_waits_again_and_keeps_its_number():
    """Its reports are gone; the next start is attempt 2."""
    history = folded(
        asked(0), Started(0, 1, "a", 1.0), Reported(0, 1, 1.0, {"loss": 9.0}, 2.0), Released(0, 1, "interrupt", 3.0)
    )
    waiting = history.trial(0)
    history.apply(5, Started(0, 2, "b", 4.0))
    history.apply(6, ok(0, 1.0, attempt=2))

    assert (waiting.state, waiting.reports) == (State.WAITING, ())
    assert (history.trial(0).state, history.trial(0).worker, history.attempts.tolist()) == (State.OK, "b", [2])
    assert (len(history), history.late) == (1, 0)


LATE = {
    "a start that is not the next attempt": [Started(0, 2, "w", 1.0)],
    "a second start": [Started(0, 1, "w", 1.0), Started(0, 2, "w", 1.0)],
    "an end before the start": [ok(0, 1.0)],
    "an end of attempt 0": [ok(0, 1.0, attempt=0)],
    "a report of an attempt that was given up": [
        Started(0, 1, "w", 1.0),
        Released(0, 1, "lost", 2.0),
        Reported(0, 1, 1.0, {}, 3.0),
    ],
    "an end of an attempt that was given up": [
        Started(0, 1, "w", 1.0),
        Released(0, 1, "lost", 2.0),
        Started(0, 2, "v", 3.0),
        ok(0, 1.0, attempt=1),
    ],
    "a second end": [Started(0, 1, "w", 1.0), ok(0, 5.0), ok(0, 1.0)],
    "a release after the end": [Started(0, 1, "w", 1.0), ok(0, 5.0), Released(0, 1, "lost", 2.0)],
    "an end after it was taken back": [Started(0, 1, "w", 1.0), Retracted(0, "no", 2.0), ok(0, 1.0)],
}


@pytest.mark.parametrize("case", LATE)
def test_a_late_entry_is_counted_and_changes_nothing(case):
    """The worker that was given up for lost may say what it likes."""
    history = folded(asked(0), *LATE[case][:-1])
    before = {**everything(history), "seq": "", "late": ""}
    seq, late = history.seq, history.late
    counted = history.apply(seq + 1, LATE[case][-1])

    assert not counted
    assert {**everything(history), "seq": "", "late": ""} == before
    assert (history.seq, history.late) == (seq + 1, late + 1)


def test_an_entry_that_cannot_follow_is_a_corrupt_log():
    """A gap, a number out of turn, a row of another width; nothing is changed."""
    history = run(1.0)
    before = everything(history)
    bad: list[tuple[int, Event]] = [
        (history.seq, Noted("k", 1, 1.0)),
        (history.seq + 2, Noted("k", 1, 1.0)),
        (history.seq + 1, asked(0)),
        (history.seq + 1, asked(2)),
        (history.seq + 1, Asked(1, (0.0,), "x", 0, 0, 1.0)),
    ]
    for seq, event in bad:
        with pytest.raises(CorruptLog):
            history.apply(seq, event)

    assert everything(history) == before


def test_what_speaks_of_no_trial_is_late():
    """A storage takes it, so the fold must: a log that was accepted can always be read."""
    history = run(1.0)
    n, late = len(history), history.late

    assert not history.apply(history.seq + 1, Started(7, 1, "w", 1.0))
    assert not history.apply(history.seq + 1, Retracted(5, "x", 1.0))
    assert (len(history), history.late) == (n, late + 2)


def test_what_is_not_known_is_passed_over():
    """It takes its place in the sequence and is not late."""
    history = folded(Unknown("dreamt", "{}"), asked(0))

    assert (history.seq, len(history), history.late) == (2, 1, 0)


def test_the_budget_is_raised_and_never_lowered():
    """Also by requests that come in any order; stop requests are kept."""
    history = folded(
        *(Requested("budget", None, n, 0.0) for n in (10, 30, 20)),
        Requested("stop", None, None, 1.0),
        Noted("k", [1], 2.0),
    )

    assert history.budget == 30
    assert [request.action for request in history.requests] == ["budget"] * 3 + ["stop"]
    assert history.notes == {"k": [1]}


# --- losses and the best ----------------------------------------------------------------------------------------

INF, NAN = math.inf, math.nan
BEST = [
    ([3.0, 1.0, 2.0], "minimize", 1),
    ([3.0, 1.0, 2.0], "maximize", 0),
    ([1.0, 1.0], "minimize", 0),
    ([1.0, 1.0], "maximize", 0),
    ([INF, 5.0], "minimize", 1),
    ([-INF, 5.0], "minimize", 1),
    ([INF, 5.0, -INF], "maximize", 1),
    ([NAN, 2.0], "minimize", 1),
    ([NAN, INF, -INF], "minimize", None),
    ([], "minimize", None),
    ([-0.0, 0.0], "minimize", 0),
    ([5e-324, 1e308, -1e308], "minimize", 2),
]


@pytest.mark.parametrize(("losses", "direction", "best"), BEST, ids=str)
def test_the_best_trial_has_the_lowest_finite_loss_and_is_the_earliest_of_equals(losses, direction, best):
    """In the user's own sense of better; in the user's own sign."""
    history = run(*losses, direction=direction)

    assert history.best_number == best
    assert (history.best.loss if history.best else None) == (None if best is None else losses[best])
    assert [history.trial(n).loss for n in range(len(losses))] == [None if x != x else x for x in losses]


def test_losses_are_to_be_minimised_and_shown_in_the_sign_of_the_user():
    """Under maximize the column is turned; `reported` turns it back."""
    history = run(3.0, -INF, direction="maximize")

    assert history.losses.tolist() == [-3.0, INF]
    assert [history.reported(loss) for loss in history.losses] == [3.0, -INF]
    assert history.trial(0).metrics == {"loss": 3.0}


def test_a_loss_counts_only_where_the_trial_is_ok():
    """FAILED with a loss keeps it as a metric; OK without one, which only a file can say, is FAILED."""
    failed = Finished(0, 1, Outcome(State.FAILED, {"loss": 1.0}), 2.0)
    empty = Finished(1, 1, Outcome(State.OK, {"other": 1.0}), 2.0)
    history = folded(asked(0), Started(0, 1, "w", 1.0), failed, asked(1), Started(1, 1, "w", 1.0), empty)

    assert [trial.state for trial in history] == [State.FAILED, State.FAILED]
    assert np.isnan(history.losses).all()
    assert [trial.metrics for trial in history] == [{"loss": 1.0}, {"other": 1.0}]
    assert history.best is None


def test_a_retracted_trial_is_as_if_it_had_never_been():
    """It is CANCELLED, has no loss, is not the best, and counts for no budget; its number stays taken."""
    history = run(3.0, 1.0, 2.0)
    history.apply(history.seq + 1, Retracted(1, "wrong data", 99.0))

    assert (history.best_number, len(history), history.spent, history.finished) == (2, 3, 2, 2)
    assert history.trial(1).state is State.CANCELLED
    assert np.isnan(history.losses[1])
    assert history.epoch == 1


# --- properties of all logs -------------------------------------------------------------------------------------


@given(logs(SPACE), st.sampled_from(["minimize", "maximize"]))
@settings(max_examples=100)
def test_the_same_log_gives_the_same_history(log, direction):
    """All at once or with snapshots held at each step."""
    plain, watched = History(SPACE, {"loss": direction}), History(SPACE, {"loss": direction})
    held = []
    for event in log:
        plain.apply(plain.seq + 1, event)
        held.append(watched.snapshot())
        watched.apply(watched.seq + 1, event)

    assert everything(plain) == everything(watched)


@given(logs(SPACE))
@settings(max_examples=80)
def test_a_snapshot_stays_as_it_was(log):
    """Every snapshot of a run says at the end what it said when it was taken."""
    history = History(SPACE, {"loss": "minimize"})
    taken = [(history.snapshot(), everything(history))]
    for event in log:
        history.apply(history.seq + 1, event)
        taken.append((history.snapshot(), everything(history)))
    for snapshot, said in taken:
        assert everything(snapshot) == said


@given(logs(SPACE, most=60))
@settings(max_examples=100)
def test_the_columns_agree_with_each_other(log):
    """Counts, masks, the best, the budget and the views, recomputed the slow way."""
    history = History(SPACE, {"loss": "minimize"})
    for event in log:
        history.apply(history.seq + 1, event)
    trials = list(history)
    losses = [trial.loss for trial in trials]
    finite = [(loss, n) for n, loss in enumerate(losses) if loss is not None and math.isfinite(loss)]

    assert [history.count(state) for state in State] == [sum(t.state is state for t in trials) for state in State]
    assert history.spent == sum(t.state is not State.CANCELLED for t in trials)
    assert history.finished == sum(t.state in FINISHED - {State.CANCELLED} for t in trials)
    assert history.best_number == (min(finite)[1] if finite else None)
    assert all((t.loss is not None) == (t.state is State.OK) for t in trials)
    assert np.array_equal(history.unit, SPACE.to_unit(history.points), equal_nan=True)
    assert np.array_equal(np.isnan(history.values), ~history.active)


# --- columns ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_are_read_only(name):
    """Who reads them cannot spoil them."""
    column = getattr(run(1.0, 2.0), name)
    if name not in {"ok", "running", "waiting"}:  # which are made when they are looked at
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 0


def test_the_unit_matrix_is_the_quantiles_of_the_values():
    """NaN where inactive; also of bounds that are computed."""
    n = hp.int("n", 1, 4)
    space = Space([n, hp.uniform("x", 0, n)])
    history = History(space, {"loss": "minimize"})
    history.apply(1, Asked(0, (2.0, 1.5), "x", 0, 0, 0.0))

    assert folded(asked(0)).unit[0].tolist() == pytest.approx([0.25, NAN, 0.25], nan_ok=True)
    assert history.unit.tolist() == [[0.375, 0.75]]


def test_one_number_of_a_trial_is_what_its_column_has():
    """`row`, `state_of`, `attempt_of`; a row is read-only, and a number that is not there has no configuration."""
    history = folded(asked(0, 1.5), Started(0, 1, "w", 20.0), asked(1, 7.0))

    assert np.array_equal(history.row(1), history.values[1], equal_nan=True)
    assert [history.state_of(n) for n in (0, 1)] == history.state.tolist()
    assert [history.attempt_of(n) for n in (0, 1)] == history.attempts.tolist()
    with pytest.raises(ValueError, match="read-only"):
        history.row(0)[2] = 3.0
    for number in (2, -1):
        with pytest.raises(IndexError, match="there is no trial"):
            history.config(number)


def test_inactive_values_are_the_same_nan_whoever_wrote_them():
    """Of the many bit patterns that are NaN, one: equal rows have equal bytes, so nothing is proposed twice."""
    history = folded(asked(0), Asked(1, (0.0, -math.nan, 2.5), "foreign", 0, 0, 11.0))

    assert history.row(0).tobytes() == history.row(1).tobytes()


def test_a_space_without_columns_has_a_history_too():
    """Trials of a constant."""
    history = History(Space({}), {"loss": "minimize"})
    history.apply(1, Asked(0, (), "x", 0, 0, 0.0))
    history.apply(2, Started(0, 1, "w", 0.0))
    history.apply(3, ok(0, 1.0))

    assert (history.values.shape, history.unit.shape) == ((1, 0), (1, 0))
    assert history.best.config == {}


def test_there_is_no_trial_that_was_not_asked_for():
    """Also not counted from the end."""
    for number in (1, -1):
        with pytest.raises(IndexError, match=f"no trial {number}: the study has 1"):
            run(1.0).trial(number)


def test_unlabelled_draws_come_from_the_trial_s_seed():
    """The view of a trial shows what its objective received."""
    from parzen.space import scope

    seen: list[int] = []

    def seeded(seed: int) -> np.random.Generator:
        seen.append(seed)
        return np.random.default_rng(seed)

    history = History(Space([hp.bool("b"), scope.uniform(0, 1)]), {"loss": "minimize"}, seeded=seeded)
    for number, seed in enumerate((5, 5, 6)):
        history.apply(number + 1, Asked(number, (0.0,), "x", seed, 0, 0.0))
    configs = [history.config(n) for n in (0, 1, 2, 0)]

    assert configs[0] == configs[1] == configs[3] != configs[2]
    assert seen == [5, 5, 6, 5]


@pytest.mark.slow
def test_a_hundred_thousand_rows_are_quick():
    """Amortised growth: a few microseconds of CPU an event, and no more late than early."""
    history = History(Space([hp.float("x", 0, 1), hp.int("n", 1, 9)]), {"loss": "minimize"})
    started = time.process_time()
    for number in range(100_000):
        history.apply(history.seq + 1, Asked(number, (0.5, 3.0), "x", 0, 0, 0.0))
        history.apply(history.seq + 1, Started(number, 1, "w", 0.0))
        history.apply(history.seq + 1, Finished(number, 1, Outcome(State.OK, {"loss": float(-number)}), 0.0))
    spent = time.process_time() - started

    assert history.best_number == 99_999
    assert history.unit.shape == (100_000, 2)
    assert spent < 40  # 4 s where this was written


# --- snapshots --------------------------------------------------------------------------------------------------


def test_a_snapshot_costs_nothing_until_the_next_write():
    """The columns are shared until then, and copied once, not for each snapshot."""
    history = run(*[1.0] * 20)
    first, second = history.snapshot(), history.snapshot()

    assert np.shares_memory(first.state, history.state)
    history.apply(history.seq + 1, asked(20))
    history.apply(history.seq + 1, Started(20, 1, "w", 0.0))
    assert not np.shares_memory(first.state, history.state)
    assert np.shares_memory(first.state, second.state)
    assert np.shares_memory(first.values, history.values)


def test_a_snapshot_that_is_gone_is_not_paid_for():
    """Only one that is alive makes the next write copy."""
    history = run(1.0, 2.0)
    history.apply(history.seq + 1, asked(2))
    before = history.state
    history.snapshot()  # and forgotten at once
    history.apply(history.seq + 1, Started(2, 1, "w", 0.0))

    assert np.shares_memory(before, history.state)


# --- folds ------------------------------------------------------------------------------------------------------


def losses_of(history: History, calls: list[int] | None = None, key: str = "k") -> list[float]:
    """A fold: the finished losses, in order."""

    def step(state: list[float], now: History, kind: type[Event], number: int) -> list[float]:
        if calls is not None:
            calls.append(number)
        loss = now.losses[number]
        return [*state, float(loss)] if loss == loss else state

    return history.fold(key, list, step, (Finished,))


def test_a_fold_sees_each_new_entry_once():
    """What is derived is kept; the late and the other kinds are left out."""
    calls: list[int] = []
    history = run(3.0, 1.0)
    first = losses_of(history, calls)
    history.apply(history.seq + 1, ok(0, 9.0))  # late
    history.apply(history.seq + 1, asked(2))
    history.apply(history.seq + 1, Started(2, 1, "w", 0.0))
    history.apply(history.seq + 1, ok(2, 2.0))

    assert first == [3.0, 1.0]
    assert losses_of(history, calls) == losses_of(history, calls) == [3.0, 1.0, 2.0]
    assert calls == [0, 1, 2]


def test_a_fold_is_shared_by_snapshots_and_never_runs_ahead_of_them():
    """A newer snapshot continues; an older one gets what it would have had, and spoils nothing."""
    calls: list[int] = []
    history = run(3.0, 1.0)
    old = history.snapshot()
    history.apply(history.seq + 1, asked(2))
    history.apply(history.seq + 1, Started(2, 1, "w", 0.0))
    history.apply(history.seq + 1, ok(2, 2.0))

    assert losses_of(history.snapshot(), calls) == [3.0, 1.0, 2.0]
    assert losses_of(old) == [3.0, 1.0]
    assert losses_of(history, calls) == [3.0, 1.0, 2.0]
    assert calls == [0, 1, 2]


def test_a_retraction_starts_every_fold_anew():
    """What was derived from the trial is gone; a snapshot from before keeps its own."""
    history = run(3.0, 1.0, 2.0)
    before = history.snapshot()
    losses_of(history)
    history.apply(history.seq + 1, Retracted(1, "no", 0.0))

    assert losses_of(history) == [3.0, 2.0]
    assert losses_of(before) == [3.0, 1.0, 2.0]
    assert losses_of(history) == [3.0, 2.0]


def test_folds_of_different_settings_are_kept_apart():
    """The key begins with the algorithm's record."""
    history = run(3.0)

    assert losses_of(history, key="a") == losses_of(history, key="b") == [3.0]
    assert history.fold("c", int, lambda n, *_: n + 1, (Asked, Started, Finished)) == 3


@given(logs(SPACE, most=40), st.integers(0, 10))
@settings(max_examples=60)
def test_a_fold_brought_up_in_pieces_is_the_fold_of_the_whole(log, every):
    """Asked at every so many entries or once at the end."""
    history = History(SPACE, {"loss": "minimize"})
    kinds = (Asked, Started, Reported, Finished, Released)

    def entries(now: History) -> list[tuple[str, int]]:
        return now.fold("k", list, lambda state, _, kind, n: [*state, (kind.__name__, n)], kinds)

    for i, event in enumerate(log):
        history.apply(history.seq + 1, event)
        if every and i % every == 0:
            entries(history.snapshot())
    again = History(SPACE, {"loss": "minimize"})
    for event in log:
        again.apply(again.seq + 1, event)

    assert entries(history) == entries(again)
