"""Each pruner against its own paper, on curves small enough to reckon by hand."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from parzen.errors import AlgorithmError
from parzen.pruners import ASHA, Hyperband, Median, Patient, Pruner, Threshold, pruner_named
from parzen.trials import History, State

from .written import Written

FLAT = [[x] * 4 for x in (0.1, 0.2, 0.3, 0.4, 0.5)]


def written(curves: Sequence[Sequence[float]]) -> Written:
    """A study in which these trials have finished."""
    study = Written()
    for curve in curves:
        study.trial(curve)
    return study


# --- median -----------------------------------------------------------------------------------------------------


def test_median_compares_the_best_so_far_with_the_median_of_running_averages() -> None:
    """Golovin et al. 2017, section 3.2.1, for random curves and every step, by numpy alone."""
    rng = np.random.default_rng(1)
    for n in (5, 6, 9):
        curves = rng.random((n, 8)).tolist()
        mine = (rng.random(8) + 0.2).tolist()
        study = written(curves)
        number = study.trial([], State.RUNNING)
        for step in range(1, 9):
            study.report(number, step, mine[step - 1])
            averages = [float(np.mean(curve[:step])) for curve in curves]
            worse = min(mine[:step]) > statistics.median(averages)

            assert (Median().prune(study.history, number) is not None) == worse


def test_median_needs_enough_finished_trials_at_that_very_step() -> None:
    """Failed and pruned ones do not count, nor those that did not report at the step."""
    study = written(FLAT[:4])
    study.trial([0.2] * 4, State.PRUNED)
    study.trial([0.2] * 4, State.ERROR)
    study.trial([0.2] * 2)
    early, late = study.trial([0.9] * 2, State.RUNNING), study.trial([0.9] * 3, State.RUNNING)

    assert Median().prune(study.history, early) is not None
    assert Median().prune(study.history, late) is None
    assert Median(startup=4).prune(study.history, late) is not None


def test_median_waits_for_its_warmup() -> None:
    """Before that step nothing ends."""
    study = written(FLAT)
    number = study.trial([0.9], State.RUNNING)

    assert Median(warmup=2).prune(study.history, number) is None
    study.report(number, 2, 0.9)
    assert Median(warmup=2).prune(study.history, number) is not None


def test_median_may_be_another_percentile() -> None:
    """Interpolated as numpy does it."""
    study = written(FLAT)
    numbers = [study.trial([x], State.RUNNING) for x in np.linspace(0.05, 0.6, 30)]
    for percent in (10, 25, 50, 60, 100):
        bound = float(np.percentile([curve[0] for curve in FLAT], percent))
        ended = [Median(percent=percent).prune(study.history, number) is not None for number in numbers]

        assert ended == [x > bound for x in np.linspace(0.05, 0.6, 30)]


def test_median_compares_uneven_steps_in_bins() -> None:
    """With `every`, the first report in a bin speaks for it; without it, no two trials meet."""
    study = Written()
    for i, x in enumerate((0.1, 0.2, 0.3, 0.4, 0.5)):
        study.trial({10 * k + i: x for k in range(1, 4)})
    number = study.trial({17.5: 0.45, 28.5: 0.45}, State.RUNNING)

    assert Median().prune(study.history, number) is None
    assert Median(every=10).prune(study.history, number) is not None


# --- asha -------------------------------------------------------------------------------------------------------


def by_the_paper(arrived: Sequence[float], mine: float, reduction: float) -> bool:
    """Whether a trial is in the top 1/η of those at its rung, itself included; at least one always is."""
    order = sorted([*arrived, mine])
    return order.index(mine) < max(1, math.floor(len(order) / reduction))


@pytest.mark.parametrize("reduction", [2.0, 3.0, 4.0])
def test_asha_lets_the_best_part_of_a_rung_go_on(reduction: float) -> None:
    """Li et al. 2020: with random losses, in order of arrival, at the lowest rung."""
    rng, study = np.random.default_rng(2), Written()
    arrived: list[float] = []
    for loss in rng.random(60).tolist():
        number = study.trial([loss], State.RUNNING)
        goes_on = ASHA(reduction=reduction).prune(study.history, number) is None

        assert goes_on == by_the_paper(arrived, loss, reduction)
        arrived.append(loss)


def test_asha_has_rungs_at_powers_of_its_reduction() -> None:
    """Only steps 1, 3, 9, 27 are looked at; between them what was said at the last one holds."""
    study = Written()
    study.trial([0.5] * 30)
    number = study.trial([], State.RUNNING)
    said = []
    for step in range(1, 31):
        study.report(number, step, 0.4 if step < 9 else 0.6)
        said.append(ASHA().prune(study.history, number) is None)

    assert said == [True] * 8 + [False] * 22


def test_asha_takes_the_first_report_at_or_past_a_rung() -> None:
    """Trials need not report at the rungs themselves; who jumps over one is not compared there."""
    study = Written()
    study.trial({2.0: 0.2, 4.0: 0.2})
    jumped = study.trial({5.0: 0.3}, State.RUNNING)
    low = study.trial({1.5: 0.9}, State.RUNNING)

    assert ASHA().prune(study.history, jumped) == (
        "its loss 0.3 at step 3 is number 2 of the 2 trials that came so far, of which 1 goes on"
    )
    assert "number 2 of the 2" in str(ASHA().prune(study.history, low))


def test_asha_judges_workers_that_reach_a_rung_together_against_each_other() -> None:
    """Eight at once: the first is not let through because it found the rung empty."""
    study = Written()
    numbers = [study.trial([x], State.RUNNING) for x in (0.8, 0.1, 0.7, 0.3, 0.6, 0.2, 0.5, 0.4)]
    going = [number for number in numbers if ASHA(reduction=4).prune(study.history, number) is None]

    assert going == [1, 5]


def test_asha_forgets_what_was_cancelled() -> None:
    """A cancelled trial does not stand on any rung, and equal losses of others stay."""
    study = Written()
    study.trial([0.1], State.CANCELLED)
    study.trial([0.3])
    number = study.trial([0.3], State.RUNNING)

    assert ASHA().prune(study.history, number) is None


# --- hyperband --------------------------------------------------------------------------------------------------


def test_hyperband_deals_trials_so_that_brackets_cost_alike() -> None:
    """Li et al. 2018: the bracket that is s from the last begins with (s_max + 1) / (s + 1) · η^s trials."""
    rule = Hyperband(brackets=4)
    counts = np.bincount([rule.bracket(number) for number in range(4000)], minlength=4)
    shares = np.array([27 * 4 / 4, 9 * 4 / 3, 3 * 4 / 2, 4])

    np.testing.assert_allclose(counts / 4000, shares / shares.sum(), atol=0.002)


def test_hyperband_compares_within_a_bracket_and_from_its_own_rung_on() -> None:
    """With one bracket it is ASHA; in a later one nothing ends before the lowest rung."""
    study, asha = Written(), Written()
    rule = Hyperband(brackets=3)
    rng = np.random.default_rng(3)
    for loss in rng.random(30).tolist():
        curve = [loss] * 2
        number = study.trial(curve, State.RUNNING)
        ended = rule.prune(study.history, number) is not None
        same = Hyperband(brackets=1).prune(study.history, number) == ASHA().prune(study.history, number)
        assert same
        if rule.bracket(number) == 0:
            other = asha.trial(curve, State.RUNNING)
            assert ended == (ASHA().prune(asha.history, other) is not None)
        else:
            assert not ended


# --- patient and threshold --------------------------------------------------------------------------------------


def test_patient_spares_what_still_improves() -> None:
    """The inner pruner is heard after `patience` reports without a better loss, and not before."""
    study = Written()
    inner, number = Threshold(0.5), study.trial([], State.RUNNING)
    said = []
    for step, loss in enumerate([0.9, 0.8, 0.7, 0.7, 0.75, 0.7, 0.6, 0.6], start=1):
        study.report(number, step, loss)
        said.append(Patient(inner, patience=3).prune(study.history, number) is not None)

    assert said == [False] * 5 + [True, False, False]


def test_patient_takes_no_small_improvement_for_one() -> None:
    """Below `tolerance` it counts as none."""
    study = Written()
    number = study.trial([0.9, 0.89, 0.88, 0.87], State.RUNNING)

    assert Patient(Threshold(0.5), patience=3).prune(study.history, number) is None
    assert Patient(Threshold(0.5), patience=3, tolerance=0.1).prune(study.history, number) is not None


@pytest.mark.parametrize(("direction", "fine", "bad"), [("minimize", 0.4, 0.6), ("maximize", 0.6, 0.4)])
def test_threshold_is_in_the_users_own_sign(direction: Any, fine: float, bad: float) -> None:
    """Above it when minimising, below it when maximising; NaN always; equal is fine."""
    study = Written(direction)
    said = [Threshold(0.5).prune(study.history, study.trial([x], State.RUNNING)) for x in (fine, 0.5, bad, math.nan)]

    assert said[:2] == [None, None]
    assert said[2] == f"its loss {bad} at step 1 is worse than 0.5"
    assert "nan" not in str(said[3])
    assert said[3] is not None


# --- all of them ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [Median(), ASHA(), Hyperband(), Patient(), Threshold(0.5)], ids=repr)
def test_a_look_costs_what_is_new_and_nothing_else(rule: Pruner, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a thousand trials behind it, a verdict after one report reads one report."""
    study = written([[0.3 + 0.001 * i] * 20 for i in range(1000)])
    number = study.trial([0.2] * 10, State.RUNNING)
    rule.prune(study.history, number)
    looks = 0
    real = History.reports

    def counted(self: History, i: int) -> Any:
        nonlocal looks
        looks += 1
        return real(self, i)

    monkeypatch.setattr(History, "reports", counted)
    for step in range(11, 16):
        study.report(number, step, 0.2)
        rule.prune(study.history, number)

    assert 5 <= looks <= 2 * 5


@pytest.mark.parametrize(
    ("name", "record"), [("median", Median()), ("asha", ASHA()), ("hyperband", Hyperband()), ("patient", Patient())]
)
def test_a_name_stands_for_a_record_with_default_settings(name: str, record: Pruner) -> None:
    """And a record for itself, None for no pruning."""
    assert pruner_named(name) == record
    assert pruner_named(record) is record
    assert pruner_named(None) is None


WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "an unknown name": (lambda: pruner_named("mean"), "there are asha, hyperband, median, patient"),
    "a class": (lambda: pruner_named(Median), "a record such as"),  # type: ignore[arg-type]
    "a number": (lambda: pruner_named(3), "a record such as"),  # type: ignore[arg-type]
    "no startup": (lambda: Median(startup=0), "startup is a number from 1 up"),
    "a percentage above 100": (lambda: Median(percent=101), "from 0 to 100"),
    "bins of no width": (lambda: Median(every=0), "every is a number above 0"),
    "a rung at 0": (lambda: ASHA(min_step=0), "min_step is a number above 0"),
    "a reduction of 1": (lambda: ASHA(reduction=1), "reduction is a number above 1"),
    "no brackets": (lambda: Hyperband(brackets=0), "brackets is a number from 1 up"),
    "patience of text": (lambda: Patient(patience="3"), "patience is a number"),  # type: ignore[arg-type]
    "a name inside": (lambda: Patient("median"), "inner is a pruner"),  # type: ignore[arg-type]
    "a threshold of NaN": (lambda: Threshold(math.nan), "loss is a"),
}


@pytest.mark.parametrize("case", WRONG)
def test_settings_that_make_no_sense_are_refused_in_a_sentence(case: str) -> None:
    """What was expected and what came."""
    make, sentence = WRONG[case]
    with pytest.raises((ValueError, TypeError, AlgorithmError), match=sentence):
        make()
