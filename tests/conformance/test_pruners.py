"""Every pruner of our own keeps every promise of the protocol, and the kit notices one that does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from parzen.pruners import ASHA, Hyperband, Median, Patient, Pruner, Threshold
from parzen.testing import check_pruner
from parzen.testing._pruners import PRUNER_CASES
from parzen.trials import History

PRUNERS: dict[str, Pruner] = {
    "median": Median(),
    "median, late and strict": Median(startup=3, warmup=4, percent=30),
    "median, in bins": Median(every=4),
    "asha": ASHA(),
    "asha, late and gentle": ASHA(min_step=2.5, reduction=1.5),
    "hyperband": Hyperband(),
    "hyperband, two brackets": Hyperband(min_step=2, reduction=2, brackets=2),
    "patient": Patient(),
    "patient with asha": Patient(ASHA(min_step=4), patience=2, tolerance=0.005),
    "threshold": Threshold(1.0, warmup=8),
}


@pytest.mark.parametrize("case", PRUNER_CASES)
@pytest.mark.parametrize("name", PRUNERS)
def test_a_pruner_keeps_its_promise(name: str, case: str) -> None:
    """Each promise of the protocol holds for each pruner."""
    PRUNER_CASES[case](PRUNERS[name])


def test_the_kit_is_one_call() -> None:
    """For people with a pruner of their own."""
    check_pruner(Median())


@dataclass(frozen=True)
class _Never:
    """Lets everything go on."""

    def prune(self, history: History, number: int) -> str | None:
        return None


class _Upside(_Never):
    """Takes losses in the user's sign."""

    def prune(self, history: History, number: int) -> str | None:
        reports = history.reports(number)
        return "too high" if reports and reports[-1].metrics.get("loss", 0.0) > 0.9 and reports[-1].step > 8 else None


class _Counting(_Never):
    """Says how often it was asked."""

    def prune(self, history: History, number: int) -> str | None:
        asked = history.fold("asked", lambda: [0], lambda state, *_: state, ())
        asked[0] += 1
        return Threshold(1.0, warmup=8).prune(history, number) and f"asked {asked[0]} times"


class _Clinging(_Never):
    """Remembers how many reports it has seen, also those of a given up attempt."""

    def prune(self, history: History, number: int) -> str | None:
        most = history.fold("most", dict, lambda state, *_: state, ())
        most[number] = max(most.get(number, 0), len(history.reports(number)))
        why = Threshold(1.0).prune(history, number)
        return f"{most[number]} reports" if why and most[number] > 8 else None


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (_Never, "some are not worth finishing"),
        (_Upside, "the mirror image of a study"),
        (_Counting, "asking twice changes nothing"),
        (_Clinging, "only the reports of the current attempt count"),
    ],
)
def test_the_kit_says_in_a_sentence_which_promise_is_broken(broken: Callable[[], Pruner], sentence: str) -> None:
    """A pruner that breaks a promise is an AssertionError that says which."""
    with pytest.raises(AssertionError, match=sentence):
        check_pruner(broken())
